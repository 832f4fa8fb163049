//! Which tenant a request is for, and that nothing that a request says about hosts changes a link (RFC 9112 section 3.2).

use harness::{World, client};
use server::admin::AdminCommand;
use server::forwarded::TrustedProxies;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Every address that answers without a body, with parameters that lead far enough to make links.
const ADDRESSES: &[&str] = &[
    "/",
    "/sign-in",
    "/sign-in/password",
    "/sign-up",
    "/sign-up/verify",
    "/sign-out",
    "/dev/mailbox",
    "/dev/mailbox.json",
    "/oauth/authorize?client_id=x",
    "/oauth/authorize/continue",
    "/oauth/end_session",
    "/oauth/end_session/continue",
    "/consent",
    "/select-account",
    "/oauth/userinfo",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/t/acme/sign-in",
    "/t/acme/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/t/acme",
    "/nothing-here",
];

const POISON: &[(&str, &str)] = &[
    ("forwarded", "host=evil.example;proto=https;for=10.9.8.7"),
    ("x-forwarded-for", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-port", "6666"),
    ("x-forwarded-prefix", "/evil.example"),
    ("x-forwarded-server", "evil.example"),
    ("x-original-url", "/evil.example"),
    ("x-rewrite-url", "/evil.example"),
    ("x-host", "evil.example"),
    ("x-request-id", "evil.example"),
    ("x-tenant", "evil.example"),
];

async fn with_two_tenants() -> World {
    two_tenants_in(World::start().await).await
}

async fn two_tenants_in(world: World) -> World {
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.expect("a second tenant");
    world
}

/// Status, headers and body as one text.
async fn whole(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let headers = format!("{:?}", answer.headers());
    (status, format!("{headers}\n{}", answer.text().await.unwrap()))
}

/// The test's own address is a trusted proxy's.
async fn behind_a_proxy() -> World {
    World::configured(|config| config.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap()).await
}

#[tokio::test]
async fn headers_of_proxies_change_no_link() {
    no_link_changes(&with_two_tenants().await, POISON).await;
}

/// What a trusted proxy says is the client's address, and nothing else.
#[tokio::test]
async fn headers_of_a_trusted_proxy_change_no_link_either() {
    let world = two_tenants_in(behind_a_proxy().await).await;
    let mut poison = POISON.to_vec();
    poison.retain(|(name, _)| *name != "x-forwarded-for");
    poison.push(("x-forwarded-for", "evil.example, 203.0.113.7"));
    no_link_changes(&world, &poison).await;
}

#[tokio::test]
async fn a_trusted_proxy_must_say_whom_it_speaks_for() {
    let (trusting, wary) = (behind_a_proxy().await, World::start().await);
    let http = client().build().unwrap();
    for (said, trusted_answer) in
        [("203.0.113.7", 200), ("evil, 203.0.113.7", 200), ("203.0.113.7, evil", 400), ("unknown", 400)]
    {
        let ask = async |world: &World| {
            whole(http.get(format!("{}/sign-in", world.issuer())).header("x-forwarded-for", said)).await
        };
        let (status, answer) = ask(&trusting).await;
        assert_eq!(status, trusted_answer, "{said}: {answer}");
        assert!(!answer.contains("evil"), "{answer}");
        assert_eq!(ask(&wary).await.0, 200, "{said}");
    }
}

async fn no_link_changes(world: &World, poison: &[(&str, &str)]) {
    let http = client().build().unwrap();
    for address in ADDRESSES {
        for accept in ["text/html", "application/json"] {
            let ask = || http.get(format!("{}{address}", world.issuer())).header("accept", accept);
            let (plain, _) = whole(ask()).await;
            let poisoned = poison.iter().fold(ask(), |request, (name, value)| request.header(*name, *value));
            let (status, answer) = whole(poisoned).await;
            assert_eq!(status, plain, "{address}");
            for trace in ["evil", "gopher", "6666"] {
                assert!(!answer.contains(trace), "{address} says {trace}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_host_finds_no_tenant() {
    let world = with_two_tenants().await;
    let http = client().build().unwrap();
    let port = world.issuer().rsplit(':').next().unwrap();
    let hosts = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "localhost".to_owned(),
        format!("127.0.0.1:{port}"),
    ];
    for host in &hosts {
        for address in ADDRESSES {
            let request = http.get(format!("{}{address}", world.issuer())).header("host", host);
            let (status, answer) = whole(request).await;
            assert_eq!(status, 404, "{host} {address}: {answer}");
            assert!(
                answer.contains("unknown_host") && !answer.contains("evil"),
                "{host} {address}: {answer}"
            );
        }
    }
    // Whatever watches the process asks by its address.
    let (status, _) = whole(http.get(format!("{}/readyz", world.issuer())).header("host", "10.0.0.1")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let world = with_two_tenants().await;
    let host = world.issuer().strip_prefix("http://").unwrap();
    for heads in [
        String::new(),
        format!("Host: {host}\r\nHost: evil.example\r\n"),
        format!("Host: {host}\r\nHost: {host}\r\n"),
    ] {
        let answer = raw(host, &format!("GET /sign-in HTTP/1.1\r\n{heads}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{heads:?}: {answer}");
    }
    // A target in absolute form overrides the Host header (RFC 9112 section 3.2.2).
    let absolute =
        format!("GET http://evil.example/sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answer = raw(host, &absolute).await;
    assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("evil"), "{answer}");
}

/// Octets there and octets back, since no client sends what is wrong on purpose.
async fn raw(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_tenant_on_a_path_has_keys_and_links_of_its_own() {
    let world = with_two_tenants().await;
    let http = client().build().unwrap();
    let ask = async |path: &str| whole(http.get(format!("{}{path}", world.issuer()))).await;
    let (status, page) = ask("/t/acme/sign-in").await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("action=\"/t/acme/sign-in\""), "{page}");
    let (_, own) = ask("/t/acme/.well-known/jwks.json").await;
    let (_, default) = ask("/.well-known/jwks.json").await;
    let kid = |document: &str| document.split("\"kid\":").nth(1).map(|rest| rest[..20].to_owned());
    assert!(kid(&own).is_some() && kid(&own) != kid(&default));
    for path in [
        "/t/nobody/sign-in",
        "/t/default/sign-in",
        "/t/ACME/sign-in",
        "/t/%61cme/sign-in",
        "/t/acme/t/acme/sign-in",
    ] {
        let (status, page) = ask(path).await;
        assert_eq!(status, 404, "{path}: {page}");
    }
}

/// OpenID Connect Discovery section 4 appends the well-known part to the issuer, RFC 8414 section 3.1 inserts it.
#[tokio::test]
async fn both_forms_of_the_metadata_address_lead_to_the_same_issuer() {
    let world = with_two_tenants().await;
    let http = client().build().unwrap();
    let metadata = async |path: &str| -> serde_json::Value {
        let request =
            http.get(format!("{}{path}", world.issuer())).header("x-forwarded-host", "evil.example");
        request.send().await.unwrap().json().await.unwrap()
    };
    let acme = format!("{}/t/acme", world.issuer());
    let appended = metadata("/t/acme/.well-known/openid-configuration").await;
    assert_eq!(appended["issuer"], acme);
    assert_eq!(appended["token_endpoint"], format!("{acme}/oauth/token"));
    assert_eq!(metadata("/.well-known/openid-configuration/t/acme").await, appended);
    let inserted = metadata("/.well-known/oauth-authorization-server/t/acme").await;
    assert_eq!(inserted["issuer"], acme);
    assert_eq!(inserted["token_endpoint"], appended["token_endpoint"]);
    let default = metadata("/.well-known/openid-configuration").await;
    assert_eq!(default["issuer"], world.issuer());
}
