//! The program as it is run in production: `serve` with a configuration, behind the nginx of `packaging/nginx.conf`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod nginx;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use harness::{Authority, Browser, CHALLENGE, Folder, Page, Program, VERIFIER, client, free_port, portico};
use nginx::Nginx;
use reqwest::Client;
use serde_json::Value;
use server::testing::{TestDatabase, engine_kinds};

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "correct horse battery staple";
const CALLBACK: &str = "https://rp.example.test/callback";

/// Portico and the nginx before it.
struct House {
    issuer: String,
    /// Where Portico itself listens.
    behind: String,
    config: String,
    authority: Authority,
    _portico: Program,
    nginx: Nginx,
    _database: TestDatabase,
    _folder: Folder,
}

impl House {
    async fn build(database: TestDatabase) -> Self {
        let (folder, authority) = (Folder::new(), Authority::new());
        let (inner, outer) = (free_port(), free_port());
        let issuer = format!("https://localhost:{outer}");
        let mut text = String::new();
        writeln!(text, "listen = \"127.0.0.1:{inner}\"\nissuer = \"{issuer}\"").unwrap();
        writeln!(text, "trusted_proxies = [\"127.0.0.1\"]\nmaster_key_file = \"master.key\"").unwrap();
        writeln!(text, "database = {:?}\n[log]\nfilter = \"warn\"", database.url()).unwrap();
        let (config, key) = (folder.path().join("portico.toml"), folder.path().join("master.key"));
        std::fs::write(&config, text).unwrap();
        std::fs::write(&key, "8f3a1c5e7092b4d6a8cfe1320457698b9badc0ef12345768a9b0c1d2e3f40516").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = config.to_str().unwrap().to_owned();
        portico(&["migrate", "--config", &config, "--json"]).await;
        let program = Program::start("portico", &["serve", "--config", &config], &[]).await;
        let nginx = Nginx::start(&folder, &authority.issue(2), inner, outer).await;
        Self {
            issuer,
            behind: format!("http://127.0.0.1:{inner}"),
            config,
            authority,
            _portico: program,
            nginx,
            _database: database,
            _folder: folder,
        }
    }

    fn http(&self) -> Client {
        client().tls_certs_only([self.authority.root()]).build().unwrap()
    }

    async fn operate(&self, command: &[&str]) -> Value {
        portico(&[command, &["--config", &self.config, "--json"]].concat()).await
    }
}

fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).unwrap_or_else(|| panic!("no {name}: {page}")).to_str().unwrap()
}

#[tokio::test]
async fn a_person_signs_in_through_the_proxy() {
    for engine in engine_kinds() {
        let house = House::build(TestDatabase::make(engine).await).await;
        house.operate(&["users", "create", "--email", EMAIL, "--password", PASSWORD]).await;
        let register = ["clients", "create", "--name", "Web", "--redirect-uri", CALLBACK, "--first-party"];
        let party = house.operate(&register).await;
        let (id, secret) = (party["client_id"].as_str().unwrap(), party["client_secret"].as_str().unwrap());

        let browser = Browser::trusting(&house.issuer, &house.authority.root());
        let authorize = format!(
            "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={CALLBACK}&scope=openid&state=s&\
             code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        let page = browser.open(&authorize).await;
        assert_eq!(page.heading(), "Sign in", "{page}");
        assert_eq!(header(&page, "strict-transport-security"), "max-age=31536000");
        let page = browser.submit(page.form_with("email").fill("email", EMAIL)).await;
        let cookies = browser.cookies("/").expect("a cookie");
        assert!(cookies.starts_with("__Host-"), "{cookies}");
        let page = browser.submit(page.form_with("password").fill("password", PASSWORD)).await;
        let code = page.parameter("code").unwrap_or_else(|| panic!("no code: {page}"));
        assert_eq!(page.parameter("iss").as_deref(), Some(house.issuer.as_str()));

        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let request = house
            .http()
            .post(format!("{}/oauth/token", house.issuer))
            .basic_auth(id, Some(secret))
            .form(&form);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let tokens: Value = answer.json().await.unwrap();
        let claims = harness::claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["iss"], house.issuer.as_str());
    }
}

#[tokio::test]
async fn cookies_are_secure_and_plain_http_leads_to_https() {
    let engine = engine_kinds()[0];
    let house = House::build(TestDatabase::make(engine).await).await;
    let answer = house.http().get(format!("{}/sign-in", house.issuer)).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let plain =
        house.http().get(format!("http://localhost:{}/sign-in?a=b", house.nginx.plain)).send().await.unwrap();
    assert_eq!(plain.status(), 308);
    assert_eq!(plain.headers()["location"], format!("{}/sign-in?a=b", house.issuer).as_str());
}

/// Whoever reaches Portico past the proxy, or lies to the proxy, changes nothing.
#[tokio::test]
async fn headers_of_nobody_in_particular_change_nothing() {
    let engine = engine_kinds()[0];
    let house = House::build(TestDatabase::make(engine).await).await;
    let poison = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "6666"),
        ("forwarded", "for=evil;host=evil.example;proto=http"),
        ("x-forwarded-for", "evil"),
    ];
    let host = house.issuer.strip_prefix("https://").unwrap();
    // Not from the proxy's own address, which is listed.
    let from_elsewhere = || client().local_address(std::net::IpAddr::from([127, 0, 0, 2]));
    let person = from_elsewhere().tls_certs_only([house.authority.root()]).build().unwrap();
    let stranger = from_elsewhere().build().unwrap();
    let proxy = client().build().unwrap();
    // Through the proxy, past it from an address that isn't listed, and past it from the proxy's own.
    for (http, base, status) in
        [(person, &house.issuer, 200), (stranger, &house.behind, 200), (proxy, &house.behind, 400)]
    {
        for path in ["/sign-in", "/.well-known/openid-configuration"] {
            let mut request = http.get(format!("{base}{path}")).header("host", host);
            for (name, value) in poison {
                request = request.header(name, value);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{base}{path}");
            let told = format!("{:?}\n{}", answer.headers().clone(), answer.text().await.unwrap());
            assert!(!told.contains("evil") && !told.contains("6666"), "{told}");
            assert!(!told.contains("http://localhost"), "{told}");
        }
    }
}
