use std::net::SocketAddr;

use harness::{World, client, free_port};

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
