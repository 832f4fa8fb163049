//! `/password/strength`: a help for whoever chooses a password.

use harness::{Browser, Page, World};
use reqwest::Method;
use serde_json::Value;

async fn token(browser: &Browser) -> String {
    browser.open("/sign-up").await.form_with("password").value("form_token").unwrap().to_owned()
}

/// As the page's script asks.
async fn ask(browser: &Browser, fields: &[(&str, &str)]) -> Page {
    let url = browser.resolve("/password/strength");
    browser
        .once(browser.navigate(Method::POST, url, "same-origin").header("origin", "null").form(fields))
        .await
}

async fn judged(browser: &Browser, token: &str, password: &str) -> (i64, String) {
    let fields = [("form_token", token), ("email", "ada@example.test"), ("password", password)];
    let answer = ask(browser, &fields).await;
    assert_eq!(
        (answer.status, answer.headers["cache-control"].to_str().unwrap()),
        (200, "no-store"),
        "{answer}"
    );
    assert!(!answer.body.contains(password), "the password came back: {answer}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    (body["score"].as_i64().unwrap(), body["text"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn it_says_what_the_form_would_say_and_how_far_beyond_that_it_is() {
    let world = World::start().await;
    let browser = world.browser();
    let token = token(&browser).await;
    for (password, score, said) in [
        ("quiet lantern", 1, "2 more characters, please."),
        ("quiet lantern!", 1, "One more character, please."),
        ("passwordpassword", 1, "easy to guess"),
        ("ada@example.test1", 1, "easy to guess"),
        ("quiet lantern harbour moss", 4, "very hard to guess"),
    ] {
        let (found, text) = judged(&browser, &token, password).await;
        assert_eq!(found, score, "{password}: {text}");
        assert!(text.contains(said), "{password}: {text}");
    }
}

#[tokio::test]
async fn only_our_own_pages_are_answered_and_not_without_end() {
    let world = World::configured(|config| config.rate_limits.exempt.clear()).await;
    let browser = world.browser();
    let token = token(&browser).await;
    let fields = [("form_token", token.as_str()), ("password", "x")];
    assert_eq!(ask(&browser, &fields[1..]).await.status, 403, "without a token");
    assert_eq!(ask(&world.browser(), &fields).await.status, 403, "with another browser's token");
    assert_eq!(
        browser.submit_from_elsewhere("/password/strength", &fields).await.status,
        403,
        "from elsewhere"
    );
    let long = "x".repeat(9_000);
    assert_eq!(ask(&browser, &[fields[0], ("password", &long)]).await.status, 400, "too long a field");
    let long = "x".repeat(300);
    assert_eq!(
        ask(&browser, &[fields[0], fields[1], ("email", &long)]).await.status,
        422,
        "too long an address"
    );

    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(ask(&browser, &fields).await.status);
    }
    assert!(statuses[..50].iter().all(|status| *status == 200) && statuses.ends_with(&[429]), "{statuses:?}");
    let refused = ask(&browser, &fields).await;
    assert_eq!(refused.headers["retry-after"], "1", "{refused}");
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(ask(&browser, &fields).await.status, 200);
}
