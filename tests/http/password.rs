//! `/password`: a forgotten password, a mailed code, a new password; and what must not lead to one.

use harness::{Browser, PASSWORD, Page, World};
use server::admin::AdminCommand;
use std::time::Duration;
use terms::SecretText;

const EMAIL: &str = "ada@example.test";
const NOBODY: &str = "nobody@example.test";
const NEW: &str = "seven copper kettles sing";

/// From nothing to the page that asks for the code.
async fn forget(browser: &Browser, email: &str) -> Page {
    let page = browser.open("/password/forgot").await;
    browser.submit(page.form_with("email").fill("email", email)).await
}

async fn enter(browser: &Browser, asked: &Page, code: &str) -> Page {
    browser.submit(asked.form_with("code").fill("code", code)).await
}

async fn choose(browser: &Browser, asked: &Page, password: &str) -> Page {
    browser.submit(asked.form_with("password").fill("password", password)).await
}

async fn sign_in(browser: &Browser, password: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let asked = browser.submit(page.form_with("email").fill("email", EMAIL)).await;
    choose(browser, &asked, password).await
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.open("/").await.heading() == "You are signed in"
}

/// Another code than this one.
fn other(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_everybody_else_is_signed_out() {
    World::each(async |world| {
        let ada = world.sign_up(EMAIL).await;
        let rp = world.rp("web").await.asking("openid offline_access");
        let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        let browser = world.browser();
        let asked = forget(&browser, " ADA@example.test ").await;
        assert_eq!(asked.heading(), "Check your mail", "{asked}");
        let code = world.mailed_code("ADA@example.test").await;
        let chosen = enter(&browser, &asked, &code).await;
        assert_eq!(chosen.heading(), "Choose a new password", "{chosen}");
        assert!(is_signed_in(&ada.browser).await, "the code alone changed something");
        assert_eq!(choose(&browser, &chosen, "short").await.status, 422);
        let done = choose(&browser, &chosen, NEW).await;
        assert_eq!(done.heading(), "You are signed in", "{done}");
        assert!(!is_signed_in(&ada.browser).await, "a session outlived its password");
        let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await;
        assert_eq!(refreshed.error(), Some("invalid_grant"), "a grant outlived the password");
        let stranger = world.browser();
        assert_eq!(sign_in(&stranger, PASSWORD).await.status, 422, "the old password was taken");
        assert_eq!(sign_in(&stranger, NEW).await.heading(), "You are signed in");
        let mails = world.mails().await;
        let told = mails.iter().filter(|mail| {
            mail["to"] == EMAIL && mail["subject"].as_str().unwrap_or_default().contains("was changed")
        });
        assert_eq!(told.count(), 1, "nobody was told that the password was changed");
        assert_eq!(world.events("user.password_changed").await, 1);
    })
    .await;
}

#[tokio::test]
async fn nobody_learns_whether_an_account_has_the_address() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let browser = world.browser();
    let (known, unknown) = (forget(&browser, EMAIL).await, forget(&browser, NOBODY).await);
    let words = |page: &Page| (page.status, page.text().replace(EMAIL, "…").replace(NOBODY, "…"));
    assert_eq!(words(&known), words(&unknown));
    let wrong = other(&world.mailed_code(EMAIL).await);
    let (known, unknown) = (enter(&browser, &known, &wrong).await, enter(&browser, &unknown, &wrong).await);
    assert_eq!((known.status, words(&known)), (422, words(&unknown)));
    let mails = world.mails().await;
    let to = |address: &str| mails.iter().filter(|mail| mail["to"] == address).collect::<Vec<_>>();
    assert_eq!((to(EMAIL).len(), to(NOBODY).len()), (1, 1));
    assert!(to(NOBODY)[0]["code"].is_null(), "a code went to somebody without account");
}

#[tokio::test]
async fn an_attempt_is_its_browsers_alone_and_works_once_and_not_for_long() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let (owner, thief) = (world.browser(), world.browser());
    thief.open("/sign-in").await;
    let token = thief.open("/sign-in").await.form_with("email").value("form_token").unwrap().to_owned();
    let asked = forget(&owner, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    assert_eq!(thief.open(asked.url.as_str()).await.status, 410);
    let stolen = asked.form_with("code").fill("code", &code);
    assert_eq!(thief.submit(stolen.clone()).await.status, 403);
    assert_eq!(thief.submit(stolen.tamper("form_token", &token)).await.status, 410);
    let chosen = enter(&owner, &asked, &code).await;
    let stolen = chosen.form_with("password").fill("password", NEW).tamper("form_token", &token);
    assert_eq!(thief.submit(stolen).await.status, 410, "another browser set the password");
    assert_eq!(choose(&owner, &chosen, NEW).await.heading(), "You are signed in");
    assert_eq!(choose(&owner, &chosen, PASSWORD).await.status, 410, "an attempt was replayed");
    assert_eq!(enter(&owner, &asked, &code).await.status, 410, "a code was replayed");

    let asked = forget(&thief, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    let chosen = enter(&thief, &asked, &code).await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(choose(&thief, &chosen, PASSWORD).await.status, 410, "an expired attempt was taken");
}

#[tokio::test]
async fn the_password_can_be_set_by_nothing_but_the_code() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let browser = world.browser();
    let asked = forget(&browser, EMAIL).await;
    let form = asked.form_with("code");
    let skip = form.clone().without("code").tamper("password", NEW);
    let skip = harness_to(skip, &browser, "/password/reset");
    let page = browser.submit(skip).await;
    assert_eq!(page.heading(), "Check your mail", "the code was skipped: {page}");
    assert_eq!(enter(&browser, &asked, "").await.status, 422);
    assert_eq!(browser.open("/password/reset").await.status, 400);
    assert_eq!(browser.submit(form.tamper("attempt", &format!("sin_{}", "0".repeat(32)))).await.status, 400);
    assert!(!is_signed_in(&browser).await);
    // A change in between: the record of the code no longer holds.
    let chosen = enter(&browser, &asked, &world.mailed_code(EMAIL).await).await;
    let elsewhere = world.browser();
    world.clock.advance(Duration::from_secs(1));
    let again = forget(&elsewhere, EMAIL).await;
    let second = enter(&elsewhere, &again, &world.mailed_code(EMAIL).await).await;
    assert_eq!(choose(&elsewhere, &second, NEW).await.heading(), "You are signed in");
    assert_ne!(choose(&browser, &chosen, PASSWORD).await.heading(), "You are signed in");
    assert_eq!(sign_in(&world.browser(), NEW).await.heading(), "You are signed in");
}

/// The same form, sent to another of our addresses.
fn harness_to(mut form: harness::Form, browser: &Browser, path: &str) -> harness::Form {
    form.action = browser.resolve(path);
    form
}

#[tokio::test]
async fn ever_new_codes_give_no_more_guesses() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let mut judged = 0;
    for _ in 0..8 {
        let browser = world.browser();
        let asked = forget(&browser, EMAIL).await;
        let wrong = other(&world.mailed_code(EMAIL).await);
        judged += usize::from(enter(&browser, &asked, &wrong).await.status == 422);
    }
    assert_eq!(judged, 5, "each code brought guesses of its own");
    // The right code isn't looked at either, until the wait is over.
    let browser = world.browser();
    let asked = forget(&browser, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    assert_eq!(enter(&browser, &asked, &code).await.status, 429);
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(enter(&browser, &asked, &code).await.heading(), "Choose a new password");
}

#[tokio::test]
async fn a_new_password_ends_the_waits_that_strangers_caused() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let stranger = world.browser();
    while sign_in(&stranger, "not the password at all").await.status != 429 {}
    let browser = world.browser();
    let asked = forget(&browser, EMAIL).await;
    let chosen = enter(&browser, &asked, &world.mailed_code(EMAIL).await).await;
    assert_eq!(choose(&browser, &chosen, NEW).await.heading(), "You are signed in");
    assert_eq!(sign_in(&world.browser(), NEW).await.heading(), "You are signed in");
}

#[tokio::test]
async fn in_a_flow_it_leads_back_to_whoever_waits() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let rp = world.rp("web").await;
    let browser = world.browser();
    let page = browser.open(&rp.authorization_url(&[("login_hint", EMAIL)])).await;
    let asked = browser.submit(page.form_with("email")).await;
    let forgot = browser.open(asked.link("Forgot your password?").as_str()).await;
    assert_eq!(forgot.form_with("email").value("email"), Some(EMAIL));
    let sent = browser.submit(forgot.form_with("email")).await;
    let chosen = enter(&browser, &sent, &world.mailed_code(EMAIL).await).await;
    let back = choose(&browser, &chosen, NEW).await;
    assert!(back.parameter("code").is_some(), "{back}");
}

#[tokio::test]
async fn a_password_that_the_operator_sets_ends_everything_and_is_told() {
    World::each(async |world| {
        let ada = world.sign_up(EMAIL).await;
        let rp = world.rp("web").await.asking("openid offline_access");
        let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        let command = AdminCommand::UsersSetPassword {
            user: EMAIL.to_owned(),
            password: SecretText::new(NEW.to_owned()),
        };
        world.operate(command).await.unwrap();
        assert!(!is_signed_in(&ada.browser).await, "a session outlived its password");
        let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await;
        assert_eq!(refreshed.error(), Some("invalid_grant"), "a grant outlived the password");
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
        let told = &world.mails().await[0];
        assert_eq!(
            (told["to"].as_str(), told["subject"].as_str()),
            (Some(EMAIL), Some("Your password at Portico was changed"))
        );
        for part in ["text", "html"] {
            let text = told[part].as_str().unwrap();
            assert!(text.contains(" UTC by an administrator. Whoever"), "{text}");
        }
        assert_eq!(sign_in(&world.browser(), NEW).await.heading(), "You are signed in");
    })
    .await;
}
