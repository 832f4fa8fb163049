//! How often something may be asked, by whom; that waiting helps; and that nobody pays for another.

use std::net::SocketAddr;
use std::time::Duration;

use harness::{Browser, PASSWORD, Page, Person, RelyingParty, World, client, free_port};
use reqwest::RequestBuilder;
use serde_json::Value;
use server::config::{Config, RateLimitsConfig};
use server::forwarded::TrustedProxies;
use server::rate_limits::{Limit, Rate};

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "203.0.113.8";
const EMAIL: &str = "ada@example.test";

/// Three at once, then one in ten seconds.
fn three(limits: &mut RateLimitsConfig, limit: Limit) {
    let (count, period) = (3.try_into().unwrap(), Duration::from_secs(30));
    limits.set(limit, Some(Rate { count, period }));
}

/// A world behind a proxy, in which this is limited to three.
async fn limited(limit: Limit) -> World {
    World::configured(|config| behind_a_proxy(config, limit)).await
}

fn behind_a_proxy(config: &mut Config, limit: Limit) {
    config.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
    three(&mut config.rate_limits, limit);
}

fn browser(world: &World, address: &str) -> Browser {
    world.browser().coming_from(address)
}

async fn guess(browser: &Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let asked = browser.submit(page.form_with("email").fill("email", email)).await;
    browser.submit(asked.form_with("password").fill("password", password)).await
}

async fn sign_up(browser: &Browser, email: &str) -> Page {
    let form = browser.open("/sign-up").await.form_with("password");
    browser.submit(form.fill("email", email).fill("password", PASSWORD)).await
}

async fn forget(browser: &Browser, email: &str) -> Page {
    let page = browser.open("/password/forgot").await;
    browser.submit(page.form_with("email").fill("email", email)).await
}

fn is_refused(page: &Page, seconds: &str) {
    assert_eq!(page.status, 429, "{page}");
    assert_eq!(page.headers["retry-after"], seconds, "{page}");
}

#[tokio::test]
async fn an_address_sends_so_many_mails_to_strangers_and_waiting_helps() {
    let world = limited(Limit::Mails).await;
    for number in 0..3 {
        let sent = sign_up(&browser(&world, HERE), &format!("stranger{number}@example.test")).await;
        assert_eq!(sent.heading(), "Check your mail", "{sent}");
    }
    let refused = sign_up(&browser(&world, HERE), EMAIL).await;
    is_refused(&refused, "10");
    assert_eq!(refused.heading(), "Too many attempts", "{refused}");
    assert!(refused.text().contains("Please wait 10 seconds"), "{refused}");
    let polish = browser(&world, HERE).speaking("pl");
    let refused = forget(&polish, EMAIL).await;
    is_refused(&refused, "10");
    assert_eq!(refused.heading(), "Zbyt wiele prób", "{refused}");
    assert_eq!(world.mails().await.len(), 3, "a mail went out all the same");
    assert_eq!(sign_up(&browser(&world, ELSEWHERE), EMAIL).await.status, 200, "another address");
    world.clock.advance(Duration::from_secs(9));
    is_refused(&sign_up(&browser(&world, HERE), "bob@example.test").await, "1");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(sign_up(&browser(&world, HERE), "bob@example.test").await.status, 200);
    is_refused(&sign_up(&browser(&world, HERE), "eve@example.test").await, "10");
}

/// Codes that are asked for again are mails like the first.
#[tokio::test]
async fn every_way_to_have_a_mail_sent_counts() {
    let world = limited(Limit::Mails).await;
    let (newcomer, forgetful) = (browser(&world, HERE), browser(&world, HERE));
    let asked = sign_up(&newcomer, EMAIL).await;
    let forgot = forget(&forgetful, EMAIL).await;
    let again = newcomer.submit(asked.press("Send another code")).await;
    assert_eq!(again.status, 200, "{again}");
    is_refused(&newcomer.submit(again.press("Send another code")).await, "10");
    is_refused(&forgetful.submit(forgot.press("Send another code")).await, "10");
    is_refused(&forget(&forgetful, EMAIL).await, "10");
    assert_eq!(world.mails().await.len(), 3);
}

#[tokio::test]
async fn one_mailbox_gets_so_many_and_a_browser_that_is_known_there_its_code() {
    let world = limited(Limit::MailsToOne).await;
    world.create_user(EMAIL, PASSWORD).await;
    let browser_of_ada = browser(&world, HERE);
    let ada = Person { email: EMAIL.to_owned(), password: PASSWORD.to_owned(), browser: browser_of_ada };
    assert_eq!(ada.sign_in().await.status, 200);
    for number in 0..3 {
        let from = browser(&world, &format!("198.51.100.{number}"));
        assert_eq!(forget(&from, " ADA@example.test").await.status, 200);
    }
    // Whether an account has the address makes no difference.
    is_refused(&forget(&browser(&world, ELSEWHERE), EMAIL).await, "10");
    for _ in 0..3 {
        assert_eq!(forget(&browser(&world, ELSEWHERE), "nobody@example.test").await.status, 200);
    }
    is_refused(&forget(&browser(&world, ELSEWHERE), "nobody@example.test").await, "10");
    let asked = forget(&ada.browser, EMAIL).await;
    assert_eq!(asked.heading(), "Check your mail", "strangers keep her from her code: {asked}");
}

#[tokio::test]
async fn one_address_cannot_use_up_what_a_mailbox_gets() {
    let world = limited(Limit::MailsToOneFromOne).await;
    for _ in 0..3 {
        assert_eq!(forget(&browser(&world, HERE), EMAIL).await.status, 200);
    }
    is_refused(&forget(&browser(&world, HERE), EMAIL).await, "10");
    assert_eq!(forget(&browser(&world, HERE), "bob@example.test").await.status, 200, "another mailbox");
    assert_eq!(forget(&browser(&world, ELSEWHERE), EMAIL).await.status, 200, "another address");
}

#[tokio::test]
async fn wrong_passwords_of_one_address_end_its_guessing_at_everybody() {
    let world = limited(Limit::WrongGuesses).await;
    world.create_user(EMAIL, PASSWORD).await;
    let known = Person { email: EMAIL.into(), password: PASSWORD.into(), browser: browser(&world, HERE) };
    assert_eq!(known.sign_in().await.status, 200);
    known.browser.submit(known.browser.open("/sign-out").await.press("Sign out")).await;
    for number in 0..3 {
        let page = guess(&browser(&world, HERE), &format!("somebody{number}@example.test"), PASSWORD).await;
        assert_eq!(page.status, 422, "{page}");
    }
    let refused = guess(&browser(&world, HERE), EMAIL, PASSWORD).await;
    is_refused(&refused, "10");
    assert!(refused.alerts().iter().any(|alert| alert.contains("wait 10 seconds")), "{refused}");
    assert_eq!(guess(&browser(&world, ELSEWHERE), EMAIL, PASSWORD).await.status, 200, "another address");
    assert_eq!(known.sign_in().await.status, 200, "a neighbour keeps her out of her own browser");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(guess(&browser(&world, HERE), EMAIL, PASSWORD).await.status, 200);
    assert_eq!(guess(&browser(&world, HERE), EMAIL, PASSWORD).await.status, 200, "right ones don't count");
}

#[tokio::test]
async fn wrong_mailed_codes_count_as_wrong_passwords_do() {
    let world = limited(Limit::WrongGuesses).await;
    let newcomer = browser(&world, HERE);
    let asked = sign_up(&newcomer, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    for _ in 0..3 {
        let page = newcomer.submit(asked.form_with("code").fill("code", &wrong)).await;
        assert_eq!(page.status, 422, "{page}");
    }
    is_refused(&newcomer.submit(asked.form_with("code").fill("code", &code)).await, "10");
    is_refused(&guess(&browser(&world, HERE), "bob@example.test", PASSWORD).await, "10");
    world.clock.advance(Duration::from_secs(10));
    let home = newcomer.submit(asked.form_with("code").fill("code", &code)).await;
    assert_eq!(home.heading(), "You are signed in", "{home}");
}

#[tokio::test]
async fn passwords_are_hashed_so_often_for_one_address() {
    let world = limited(Limit::Passwords).await;
    world.create_user(EMAIL, PASSWORD).await;
    assert_eq!(guess(&browser(&world, HERE), "bob@example.test", PASSWORD).await.status, 422);
    assert_eq!(sign_up(&browser(&world, HERE), "eve@example.test").await.status, 200);
    assert_eq!(guess(&browser(&world, HERE), EMAIL, PASSWORD).await.status, 200);
    is_refused(&guess(&browser(&world, HERE), EMAIL, PASSWORD).await, "10");
    is_refused(&sign_up(&browser(&world, HERE), "eve@example.test").await, "10");
    assert_eq!(guess(&browser(&world, ELSEWHERE), EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn what_strangers_begin_is_bounded_and_people_who_are_here_go_on() {
    let world = limited(Limit::Starts).await;
    let rp = world.rp("web").await;
    let here = browser(&world, HERE);
    // A browser made known, an attempt begun.
    let asked = here.submit(here.open("/sign-in").await.form_with("email").fill("email", EMAIL)).await;
    assert_eq!(asked.status, 200, "{asked}");
    let waiting = here.arrive(&rp.authorization_url(&[])).await;
    assert_eq!(waiting.heading(), "Sign in", "{waiting}");
    is_refused(&here.arrive(&rp.authorization_url(&[])).await, "10");
    is_refused(&browser(&world, HERE).open("/sign-in").await, "10");
    is_refused(&browser(&world, HERE).submit_from_elsewhere("/oauth/authorize", &fields(&rp)).await, "10");
    assert_eq!(here.open("/sign-in").await.status, 200, "what costs no row");
    assert_eq!(browser(&world, ELSEWHERE).open("/sign-in").await.status, 200);
    assert_eq!(here.open("/.well-known/openid-configuration").await.status, 200);
}

fn fields(rp: &RelyingParty) -> Vec<(&'static str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", &rp.client_id),
        ("redirect_uri", &rp.redirect_uri),
        ("scope", "openid"),
    ]
}

#[tokio::test]
async fn an_account_is_signed_in_to_so_often_and_only_with_its_password() {
    let world = limited(Limit::SignIns).await;
    world.create_user(EMAIL, PASSWORD).await;
    for _ in 0..3 {
        assert_eq!(guess(&browser(&world, HERE), EMAIL, "not the password at all").await.status, 422);
    }
    for number in 0..3 {
        let from = browser(&world, &format!("198.51.100.{number}"));
        assert_eq!(guess(&from, EMAIL, PASSWORD).await.status, 200);
    }
    let refused = guess(&browser(&world, HERE), EMAIL, PASSWORD).await;
    is_refused(&refused, "10");
    assert!(browser(&world, HERE).open("/").await.heading() != "You are signed in");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(guess(&browser(&world, HERE), EMAIL, PASSWORD).await.status, 200);
}

/// A request to a protocol endpoint from this address.
fn ask(rp: &RelyingParty, path: &str, secret: &str, from: &str) -> RequestBuilder {
    let http = client().build().unwrap();
    let fields = [("grant_type", "client_credentials"), ("scope", "reports:read"), ("token", "x")];
    let request = http.post(format!("{}{path}", rp.issuer)).header("x-forwarded-for", from);
    request.basic_auth(&rp.client_id, Some(secret)).form(&fields)
}

async fn answer(request: RequestBuilder) -> (u16, Option<String>, Value) {
    let answer = request.send().await.unwrap();
    let wait = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, wait, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test]
async fn a_client_asks_so_often_wherever_it_is_and_keeps_no_other_from_asking() {
    let world = limited(Limit::ClientRequests).await;
    let (service, other) = (world.rp("service").await, world.rp("web").await);
    let secret = service.client_secret.clone().unwrap();
    // Somebody else's requests in its name are not its own.
    for _ in 0..5 {
        assert_eq!(answer(ask(&service, "/oauth/token", "wrong", HERE)).await.0, 401);
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        assert_eq!(answer(ask(&service, path, &secret, HERE)).await.0, 200, "{path}");
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let response = ask(&service, path, &secret, ELSEWHERE).send().await.unwrap();
        assert_eq!(response.status(), 429, "{path}");
        let headers = response.headers().clone();
        assert_eq!(
            (&headers["retry-after"], &headers["cache-control"]),
            (&"10".parse().unwrap(), &"no-store".parse().unwrap())
        );
        let cors = headers.get("access-control-allow-origin").map(|it| it.to_str().unwrap());
        assert_eq!(cors, (path != "/oauth/introspect").then_some("*"), "{path}");
        if cors.is_some() {
            assert_eq!(headers["access-control-expose-headers"], "Retry-After, WWW-Authenticate");
        }
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "temporarily_unavailable", "{path}");
    }
    let secret_of_other = other.client_secret.clone().unwrap();
    assert_eq!(
        answer(ask(&other, "/oauth/introspect", &secret_of_other, HERE)).await.0,
        200,
        "another client"
    );
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, HERE)).await.0, 200);
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, HERE)).await.0, 429);
}

#[tokio::test]
async fn a_client_that_anybody_can_pose_as_is_kept_from_nobody() {
    let world = limited(Limit::ClientRequests).await;
    let spa = world.rp("spa").await;
    let refresh = async |from: &str| {
        let http = client().build().unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &spa.client_id)];
        let request = http.post(format!("{}/oauth/token", spa.issuer)).header("x-forwarded-for", from);
        answer(request.form(&fields)).await.0
    };
    for _ in 0..3 {
        assert_eq!(refresh(HERE).await, 400);
    }
    assert_eq!((refresh(HERE).await, refresh(ELSEWHERE).await), (429, 400));
}

#[tokio::test]
async fn who_shows_no_client_is_soon_not_looked_at() {
    let world = limited(Limit::ClientFailures).await;
    let service = world.rp("service").await;
    let secret = service.client_secret.clone().unwrap();
    assert_eq!(answer(ask(&service, "/oauth/token", "wrong", HERE)).await.0, 401);
    assert_eq!(answer(ask(&service, "/oauth/introspect", "wrong", HERE)).await.0, 401);
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, HERE)).await.0, 200);
    assert_eq!(answer(ask(&service, "/oauth/revoke", "wrong", HERE)).await.0, 401);
    let (status, wait, body) = answer(ask(&service, "/oauth/token", "wrong", HERE)).await;
    assert_eq!((status, wait.as_deref()), (429, Some("10")), "{body}");
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, HERE)).await.0, 429);
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, ELSEWHERE)).await.0, 200);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(answer(ask(&service, "/oauth/token", &secret, HERE)).await.0, 200);
}

/// Whoever reaches the server itself could otherwise be a new address with every request.
#[tokio::test]
async fn nobody_is_another_address_by_saying_so() {
    let world = World::configured(|config| three(&mut config.rate_limits, Limit::Mails)).await;
    for number in 0..3 {
        let said = format!("198.51.100.{number}");
        assert_eq!(sign_up(&browser(&world, &said), &format!("a{number}@example.test")).await.status, 200);
    }
    // What a proxy passes on is not this machine's own, though the proxy stands on it and is not listed.
    is_refused(&sign_up(&browser(&world, "198.51.100.9"), EMAIL).await, "10");
    for number in 0..5 {
        let sent = sign_up(&world.browser(), &format!("b{number}@example.test")).await;
        assert_eq!(sent.status, 200, "this machine itself is not limited: {sent}");
    }
}

#[tokio::test]
async fn refusals_are_counted_by_limit_and_a_limit_can_be_switched_off() {
    let listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let world = World::configured(|config| {
        behind_a_proxy(config, Limit::Mails);
        config.metrics_listen = Some(listen);
        config.rate_limits.set(Limit::MailsToOneFromOne, None);
    })
    .await;
    for _ in 0..3 {
        sign_up(&browser(&world, HERE), EMAIL).await;
    }
    for _ in 0..2 {
        is_refused(&sign_up(&browser(&world, HERE), EMAIL).await, "10");
    }
    let text = client().build().unwrap().get(format!("http://{listen}/metrics")).send().await.unwrap();
    let text = text.text().await.unwrap();
    assert!(text.contains("portico_rate_limited_total{limit=\"mails_per_address\"} 2"), "{text}");
    assert!(!text.contains(HERE), "{text}");
    let unlimited = World::configured(|config| {
        behind_a_proxy(config, Limit::Mails);
        config.rate_limits.set(Limit::Mails, None);
        config.rate_limits.set(Limit::MailsToOneFromOne, None);
    })
    .await;
    for _ in 0..8 {
        assert_eq!(sign_up(&browser(&unlimited, HERE), EMAIL).await.status, 200);
    }
}
