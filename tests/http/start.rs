//! How a server starts and refuses to.

use std::path::PathBuf;

use harness::client;
use server::clock::Clock;
use server::config::{Config, Mode};
use server::tenant::Issuer;
use server::{Options, Running, StartError, start};

/// A folder of data that ends with the test.
struct Data(PathBuf);

impl Data {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("portico-start-{}", server::entropy::Entropy.hex::<8>())))
    }

    fn config(&self) -> Config {
        Config::development(&self.0, 0, None)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn run(config: Config) -> Result<Running, StartError> {
    start(Options { config, clock: Clock::System }).await
}

async fn refusal(config: Config) -> String {
    match Box::pin(run(config)).await {
        Ok(running) => panic!("it started at {}", running.base_url),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_taken_port_is_told_with_what_to_do() {
    let data = Data::new();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let said = refusal(Config::development(&data.0, port, None)).await;
    assert!(said.contains(&format!("port {port} is taken")) && said.contains("another port"), "{said}");
    assert!(!data.0.exists(), "nothing is touched before the port is ours");
}

#[tokio::test]
async fn development_serves_this_machine_only() {
    let data = Data::new();
    let issuer = Issuer::parse("https://login.example.com").unwrap();
    let said = refusal(Config { issuer: Some(issuer), ..data.config() }).await;
    assert!(said.contains("https://login.example.com") && said.contains("this machine only"), "{said}");
}

#[tokio::test]
async fn data_keeps_its_issuer() {
    let data = Data::new();
    let first = run(data.config()).await.unwrap();
    let issuer = first.base_url.clone();
    let said = refusal(data.config()).await;
    assert!(said.contains("in use by another portico"), "{said}");
    first.shutdown().await;
    let other = Issuer::parse("http://localhost:1").unwrap();
    let said = refusal(Config { issuer: Some(other), ..data.config() }).await;
    assert!(said.contains(&issuer) && said.contains("http://localhost:1"), "{said}");
    let again = run(Config { issuer: Some(Issuer::parse(&issuer).unwrap()), ..data.config() }).await.unwrap();
    assert_eq!(again.base_url, issuer);
    again.shutdown().await;
}

#[tokio::test]
async fn a_lost_master_key_is_told_and_not_replaced() {
    let data = Data::new();
    let first = run(data.config()).await.unwrap();
    let issuer = Some(Issuer::parse(&first.base_url).unwrap());
    first.shutdown().await;
    let key = data.0.join("master.key");
    std::fs::remove_file(&key).unwrap();
    let said = refusal(Config { issuer: issuer.clone(), ..data.config() }).await;
    assert!(said.contains("master key file") && !key.exists(), "{said}");
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let said = refusal(Config { issuer, ..data.config() }).await;
    assert!(said.contains("is the master key the right one?"), "{said}");
}

#[tokio::test]
async fn production_needs_a_migrated_database_and_has_no_mailbox() {
    let data = Data::new();
    let production = |issuer: Option<Issuer>| Config { mode: Mode::Production, issuer, ..data.config() };
    let said = refusal(production(None)).await;
    assert!(said.contains("portico migrate"), "{said}");
    assert!(!data.0.exists(), "refusing makes nothing");
    let development = run(data.config()).await.unwrap();
    let issuer = Issuer::parse(&development.base_url).unwrap();
    let mut config = production(Some(issuer.clone()));
    config.listen = development.local_addr;
    development.shutdown().await;
    let running = run(config).await.unwrap();
    let http = client().build().unwrap();
    for (path, status) in [
        ("/readyz", 200),
        ("/sign-in", 200),
        ("/sign-up", 403),
        ("/dev/mailbox", 404),
        ("/dev/mailbox.json", 404),
    ] {
        let answer = http.get(format!("{issuer}{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn stopping_waits_for_nobody_who_says_nothing() {
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let data = Data::new();
    let mut config = data.config();
    config.shutdown_grace = Duration::from_millis(300);
    let running = run(config).await.unwrap();
    let mut idle = tokio::net::TcpStream::connect(running.local_addr).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 4096];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let mut half = tokio::net::TcpStream::connect(running.local_addr).await.unwrap();
    half.write_all(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab").await.unwrap();
    let address = running.local_addr;
    tokio::time::timeout(Duration::from_secs(20), running.shutdown()).await.expect("a stop within bounds");
    assert_eq!(idle.read(&mut buffer).await.unwrap_or(0), 0, "the idle connection is closed");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn an_oversized_head_or_body_is_refused() {
    let data = Data::new();
    let running = run(data.config()).await.unwrap();
    let http = client().build().unwrap();
    let long = "x".repeat(200 * 1024);
    let head =
        http.get(format!("{}/sign-in", running.base_url)).header("x-long", &long).send().await.unwrap();
    assert_eq!(head.status(), 431);
    for path in ["/oauth/token", "/sign-in", "/oauth/authorize"] {
        let form = http.post(format!("{}{path}", running.base_url)).form(&[("scope", &long)]);
        let status = form.send().await.unwrap().status();
        assert_eq!(status, 413, "{path}");
    }
    running.shutdown().await;
}
