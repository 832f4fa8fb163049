//! The server's own TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::{Authority, Folder, Issued, client, free_port};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use server::clock::{Clock, HeldClock};
use server::config::{Config, Tls};
use server::tenant::Issuer;
use server::tls::{Certificate, TlsFiles};
use server::{Options, Running, StartError, start};

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("fullchain.pem"), key: folder.join("privkey.pem") }
}

fn write(folder: &Path, issued: &Issued) {
    std::fs::write(files(folder).certificate, &issued.certificate).unwrap();
    std::fs::write(files(folder).key, &issued.key).unwrap();
}

/// A server at `https://localhost` with whatever the folder's two files hold, and its redirecting address.
async fn serve(folder: &Path) -> Result<(Running, SocketAddr), StartError> {
    let (port, plain) = (free_port(), SocketAddr::from(([127, 0, 0, 1], free_port())));
    let issuer = Issuer::parse(&format!("https://localhost:{port}")).unwrap();
    let mut config = Config::development(&folder.join("data"), port, Some(issuer));
    config.tls = Some(Tls { files: files(folder), redirect_listen: Some(plain) });
    Ok((Box::pin(start(Options { config, clock: Clock::System })).await?, plain))
}

/// The number of the certificate that a new connection is made with, and what was agreed on.
async fn handshake(address: SocketAddr, highest: SslVersion) -> Option<(u32, &'static str, Option<Vec<u8>>)> {
    tokio::task::spawn_blocking(move || {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.set_verify(SslVerifyMode::NONE);
        connector.set_max_proto_version(Some(highest)).unwrap();
        connector.set_alpn_protos(b"\x02h2\x08http/1.1").unwrap();
        let stream = std::net::TcpStream::connect(address).unwrap();
        let stream = connector.build().connect("localhost", stream).ok()?;
        let serial = stream.ssl().peer_certificate().unwrap().serial_number().to_bn().unwrap();
        let serial = serial.to_dec_str().unwrap().parse().unwrap();
        Some((serial, stream.ssl().version_str(), stream.ssl().selected_alpn_protocol().map(<[u8]>::to_vec)))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_server_speaks_tls_and_sends_plain_http_there() {
    let (folder, authority) = (Folder::new(), Authority::new());
    write(folder.path(), &authority.issue(7));
    let (running, plain) = serve(folder.path()).await.unwrap();
    let base = running.base_url.clone();
    let http = client().tls_certs_only([authority.root()]).build().unwrap();
    let page = http.get(format!("{base}/sign-in")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["strict-transport-security"], "max-age=31536000");
    let cookie = page.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("Secure") && cookie.contains("HttpOnly"),
        "{cookie}"
    );

    for (highest, agreed) in [(SslVersion::TLS1_3, "TLSv1.3"), (SslVersion::TLS1_2, "TLSv1.2")] {
        let (serial, version, protocol) = handshake(running.local_addr, highest).await.unwrap();
        assert_eq!((serial, version, protocol.as_deref()), (7, agreed, Some(b"http/1.1".as_slice())));
    }
    assert_eq!(handshake(running.local_addr, SslVersion::TLS1_1).await, None);
    let until = running.app.certificate.get().unwrap().validity().until;
    let days = until.since(HeldClock::at_system_time().now()).as_secs().div_ceil(24 * 60 * 60);
    assert_eq!(days, 30);

    let ask = async |method: reqwest::Method, host: &str| {
        let request = http.request(method, format!("http://{plain}/sign-in?a=b%20c")).header("host", host);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned()))
    };
    let there = Some(format!("{base}/sign-in?a=b%20c"));
    assert_eq!(ask(reqwest::Method::GET, "localhost").await, (308, there.clone()));
    assert_eq!(ask(reqwest::Method::GET, "LOCALHOST:80").await, (308, there));
    assert_eq!(ask(reqwest::Method::GET, "evil.example").await, (404, None));
    assert_eq!(ask(reqwest::Method::POST, "localhost").await, (403, None));
    running.shutdown().await;
}

#[tokio::test]
async fn a_pair_that_does_not_belong_together_is_refused() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (one, other) = (authority.issue(1), authority.issue(2));
    let refusal = async || match serve(folder.path()).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    };
    let said = refusal().await;
    assert!(said.contains("tls.certificate_file: cannot read"), "{said}");
    for (certificate, key, about) in [
        (
            one.certificate.as_slice(),
            other.key.as_slice(),
            "tls.key_file: can't be used with the certificate",
        ),
        (b"", &one.key, "tls.certificate_file: holds no certificate"),
        (&one.certificate, b"", "tls.key_file: is not a private key"),
        (&one.certificate, &one.certificate, "tls.key_file: is not a private key"),
        (&one.key, &one.key, "tls.certificate_file: holds no certificate"),
    ] {
        write(folder.path(), &Issued { certificate: certificate.to_vec(), key: key.to_vec() });
        let said = refusal().await;
        assert!(said.contains(about) && !said.contains("PRIVATE"), "{said}");
    }
}

#[tokio::test]
async fn a_bad_pair_leaves_the_one_in_use() {
    let (folder, authority) = (Folder::new(), Authority::new());
    write(folder.path(), &authority.issue(1));
    let certificate = Arc::new(Certificate::open(files(folder.path())).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let in_use = Arc::clone(&certificate);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            assert!(in_use.accept(stream).await.is_some());
        }
    });
    let serial = async || handshake(address, SslVersion::TLS1_3).await.unwrap().0;
    assert_eq!((certificate.refresh(), serial().await), (Ok(false), 1));
    let second = authority.issue(2);
    std::fs::write(files(folder.path()).certificate, &second.certificate).unwrap();
    let said = certificate.refresh().unwrap_err().to_string();
    assert!(said.starts_with("tls.key_file: can't be used with the certificate"), "{said}");
    assert_eq!((certificate.refresh(), serial().await), (Ok(false), 1));
    std::fs::remove_file(files(folder.path()).key).unwrap();
    assert!(certificate.refresh().is_err());
    assert_eq!(serial().await, 1);
    std::fs::write(files(folder.path()).key, &second.key).unwrap();
    assert_eq!((certificate.refresh(), serial().await), (Ok(true), 2));
}

/// Under load, and through a pair that is no good for a moment, not one request fails.
#[tokio::test]
async fn a_new_certificate_is_taken_without_one_failed_request() {
    let (folder, authority) = (Folder::new(), Authority::new());
    write(folder.path(), &authority.issue(1));
    let (running, _) = serve(folder.path()).await.unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let url = format!("{}/.well-known/openid-configuration", running.base_url);
    let load: Vec<_> = (0..4)
        .map(|number| {
            let (url, stopped, root) = (url.clone(), stopped.clone(), authority.root());
            tokio::spawn(async move {
                // Half of them keep their connection; the others make a new one each time.
                let kept = number % 2;
                let http = client().tls_certs_only([root]).pool_max_idle_per_host(kept).build().unwrap();
                let mut answered = 0;
                while !*stopped.borrow() {
                    assert_eq!(http.get(&url).send().await.unwrap().status(), 200);
                    answered += 1;
                }
                answered
            })
        })
        .collect();

    let (second, third) = (authority.issue(2), authority.issue(3));
    std::fs::write(files(folder.path()).certificate, &second.certificate).unwrap();
    std::fs::write(files(folder.path()).key, &second.key).unwrap();
    becomes(running.local_addr, 2).await;
    // As a rename replaces them.
    let aside = Folder::new();
    write(aside.path(), &third);
    std::fs::rename(files(aside.path()).certificate, files(folder.path()).certificate).unwrap();
    std::fs::rename(files(aside.path()).key, files(folder.path()).key).unwrap();
    becomes(running.local_addr, 3).await;

    stop.send(true).unwrap();
    for load in load {
        let answered = load.await.unwrap();
        assert!(answered > 10, "{answered}");
    }
    running.shutdown().await;
}

async fn becomes(address: SocketAddr, serial: u32) {
    let seen = async {
        while handshake(address, SslVersion::TLS1_3).await.unwrap().0 != serial {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the new certificate");
}
