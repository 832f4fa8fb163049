use std::net::SocketAddr;
use std::time::Duration;

use harness::{Authority, Folder, MailServer, PASSWORD, World, client, free_port};
use server::config::Tls;
use server::tenant::Issuer;
use server::tls::TlsFiles;

/// The value of the sample that begins like this.
fn sample(text: &str, begins: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(begins));
    let line = line.unwrap_or_else(|| panic!("no {begins} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_and_shown_on_an_address_of_its_own() {
    let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let world = World::configured(|config| config.metrics_listen = Some(listen)).await;
    let http = client().build().unwrap();
    let look = async || {
        let answer = http.get(format!("http://{listen}/metrics")).send().await.unwrap();
        assert_eq!(
            answer.headers()["content-type"],
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        answer.text().await.unwrap()
    };
    let before = look().await;
    assert!(before.ends_with("# EOF\n"), "{before}");
    assert!(sample(&before, "portico_events_total{kind=\"sign_in.completed\"}") < 0.5);

    let (ada, web) = (world.signed_in("ada@example.test").await, world.rp("web").await);
    web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens();
    web.exchange("not-a-code").await;
    world.person("bob@example.test").await;
    let page = ada.browser.open("/sign-in").await;
    let page = ada.browser.submit(page.form_with("email").fill("email", "bob@example.test")).await;
    ada.browser.submit(page.form_with("password").fill("password", "not the password of bob")).await;
    http.get(format!("{}/a/path/of/mine", world.issuer())).send().await.unwrap();

    let text = look().await;
    for (begins, count) in [
        ("portico_events_total{kind=\"sign_in.completed\"}", 1.0),
        ("portico_events_total{kind=\"user.created\"}", 2.0),
        ("portico_tokens_issued_total{grant_type=\"authorization_code\"}", 1.0),
        ("portico_token_refusals_total{error=\"invalid_grant\"}", 1.0),
        ("portico_sign_in_refusals_total{reason=\"password\"}", 1.0),
        ("portico_http_requests_total{method=\"POST\",route=\"/oauth/token\",status=\"200\"}", 1.0),
        ("portico_http_requests_total{method=\"POST\",route=\"/oauth/token\",status=\"400\"}", 1.0),
        ("portico_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"}", 1.0),
        ("portico_http_request_duration_seconds_count{route=\"/oauth/token\"}", 2.0),
        ("portico_password_hashes_waiting", 0.0),
        ("portico_tenants", 1.0),
    ] {
        assert!((sample(&text, begins) - count).abs() < 0.5, "{begins}\n{text}");
    }
    assert!(sample(&text, "portico_password_hash_wait_seconds_count") >= 2.0);
    assert!(sample(&text, "portico_password_hash_cpu_seconds_total") > 0.0);
    assert!(
        sample(&text, "portico_database_transactions_total")
            >= sample(&text, "portico_database_commits_total")
    );
    assert!(sample(&text, "portico_database_commits_total") >= 1.0);
    assert!(sample(&text, "process_open_fds") > 3.0 && sample(&text, "process_resident_memory_bytes") > 1e6);
    assert!(text.contains("portico_signing_key_age_seconds{algorithm=\"RS256\"}"), "{text}");
    for sent in ["ada", "bob", "/of/mine", "not-a-code"] {
        assert!(!text.contains(sent), "{sent}");
    }
    // Not where the public looks, and nothing but this there.
    let status = async |url: String| http.get(url).send().await.unwrap().status().as_u16();
    assert_eq!(status(format!("{}/metrics", world.issuer())).await, 404);
    assert_eq!(status(format!("http://{listen}/sign-in")).await, 404);
}

async fn shown(listen: SocketAddr) -> String {
    let http = client().build().unwrap();
    http.get(format!("http://{listen}/metrics")).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn what_became_of_mails_is_counted() {
    let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (mut world, mut mail_server) = (World::start().await, MailServer::start().await);
    world
        .go_into_production(|config| {
            config.smtp = Some(mail_server.config());
            config.metrics_listen = Some(listen);
        })
        .await;
    let count = |text: &str, outcome: &str| {
        sample(text, &format!("portico_mail_attempts_total{{outcome=\"{outcome}\"}}"))
    };
    let before = shown(listen).await;
    assert!(count(&before, "delivered") + count(&before, "postponed") + count(&before, "given_up") < 0.5);
    assert!(!before.contains("portico_tls_certificate"), "a proxy's certificate is not ours to tell of");
    mail_server.refuse(550, "rcpt", 1).await;
    for email in ["ada@example.test", "bob@example.test"] {
        let browser = world.browser();
        let form = browser.open("/sign-up").await.form_with("password");
        assert_eq!(browser.submit(form.fill("email", email).fill("password", PASSWORD)).await.status, 200);
    }
    // What became of a mail is written down a moment after the mail server has answered.
    let written = async {
        loop {
            let text = shown(listen).await;
            if count(&text, "delivered") > 0.5 && count(&text, "given_up") > 0.5 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written).await.expect("both mails are counted");
}

#[tokio::test]
async fn the_days_of_our_own_certificate_are_told() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = TlsFiles { certificate: folder.path().join("a.pem"), key: folder.path().join("b.pem") };
    let issued = authority.issue_valid(1, -80, 10);
    std::fs::write(&files.certificate, issued.certificate).unwrap();
    std::fs::write(&files.key, issued.key).unwrap();
    let (listen, port) = (SocketAddr::from(([127, 0, 0, 1], free_port())), free_port());
    let world = World::configured(|config| {
        config.issuer = Some(Issuer::parse(&format!("https://localhost:{port}")).unwrap());
        config.listen.set_port(port);
        config.tls = Some(Tls { files, redirect_listen: None });
        config.metrics_listen = Some(listen);
    })
    .await;
    let days = "portico_tls_certificate_expires_in_days{certificate=\"server\"}";
    world.clock.advance(Duration::from_hours(1));
    assert!((sample(&shown(listen).await, days) - 9.0).abs() < 0.5, "nine whole days and a bit");
    world.clock.advance(Duration::from_hours(24 * 11));
    assert!((sample(&shown(listen).await, days) + 2.0).abs() < 0.5, "it has expired");
}
