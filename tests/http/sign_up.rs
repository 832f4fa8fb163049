//! `/sign-up`: an address, a password, a mailed code, an account.

use harness::{Browser, Form, Page, World};
use std::time::Duration;

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";

async fn form(browser: &Browser) -> Form {
    browser.open("/sign-up").await.form_with("password")
}

/// From the empty form to the page that asks for the code.
async fn begin(browser: &Browser, email: &str) -> Page {
    browser.submit(form(browser).await.fill("email", email).fill("password", PASSWORD)).await
}

async fn enter(browser: &Browser, asked: &Page, code: &str) -> Page {
    browser.submit(asked.form_with("code").fill("code", code)).await
}

/// Another code than this one.
fn other(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[tokio::test]
async fn a_newcomer_signs_up_with_a_mailed_code_and_is_signed_in() {
    World::each(async |world| {
        let browser = world.browser();
        let asked = begin(&browser, EMAIL).await;
        assert_eq!((asked.status, asked.heading().as_str()), (200, "Check your mail"), "{asked}");
        let code = world.mailed_code(EMAIL).await;
        let home = enter(&browser, &asked, &format!(" {} {} ", &code[..3], &code[3..])).await;
        assert_eq!((home.status, home.heading().as_str()), (200, "You are signed in"), "{home}");
        assert!(home.says(EMAIL), "{home}");
        world.restart().await;
        assert!(browser.open("/").await.says(EMAIL), "the session didn't outlive a restart");
    })
    .await;
}

#[tokio::test]
async fn a_code_works_once_and_the_form_after_it_is_stale() {
    let world = World::start().await;
    let browser = world.browser();
    let asked = begin(&browser, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    assert_eq!(enter(&browser, &asked, &code).await.status, 200);
    assert_eq!(enter(&browser, &asked, &code).await.status, 410, "a code was replayed");
    assert_eq!(
        browser.open(asked.url.as_str()).await.status,
        410,
        "the page of a finished sign-up came back"
    );
}

#[tokio::test]
async fn five_guesses_end_a_code_and_another_code_begins_anew() {
    let world = World::start().await;
    let browser = world.browser();
    let mut asked = begin(&browser, EMAIL).await;
    let first = world.mailed_code(EMAIL).await;
    for left in (0..5).rev() {
        asked = enter(&browser, &asked, &other(&first)).await;
        assert_eq!(asked.status, 422, "{asked}");
        assert_eq!(asked.says("That is not the code"), left > 0, "{left} left: {asked}");
    }
    asked = enter(&browser, &asked, &first).await;
    assert_eq!(asked.status, 422, "a code was taken after five wrong guesses: {asked}");
    // The mailbox tells which mail is newer by the clock, which stands still otherwise.
    world.clock.advance(Duration::from_secs(1));
    asked = browser.submit(asked.press("Send another code")).await;
    assert!(asked.says("on its way"), "{asked}");
    let second = world.mailed_code(EMAIL).await;
    if second != first {
        assert_eq!(enter(&browser, &asked, &first).await.status, 422, "the withdrawn code was taken");
    }
    assert_eq!(enter(&browser, &asked, &second).await.status, 200);
}

#[tokio::test]
async fn codes_are_sent_four_times_at_most() {
    let world = World::start().await;
    let browser = world.browser();
    let mut asked = begin(&browser, EMAIL).await;
    for _ in 0..5 {
        asked = browser.submit(asked.press("Send another code")).await;
    }
    assert!(asked.says("as many codes as we can"), "{asked}");
    assert_eq!(world.mails().await.len(), 4);
}

#[tokio::test]
async fn a_code_and_the_whole_attempt_expire() {
    let world = World::start().await;
    let browser = world.browser();
    let asked = begin(&browser, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(enter(&browser, &asked, &code).await.status, 422, "an expired code was taken");
    world.clock.advance(Duration::from_mins(50));
    assert_eq!(browser.open(asked.url.as_str()).await.status, 410);
    assert_eq!(enter(&browser, &asked, &code).await.status, 410);
}

#[tokio::test]
async fn the_page_says_the_same_whether_the_address_is_free_or_taken() {
    let world = World::start().await;
    let owner = world.browser();
    let asked = begin(&owner, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    enter(&owner, &asked, &code).await;

    let stranger = world.browser();
    let (free, taken) =
        (begin(&stranger, "free@example.test").await, begin(&stranger, "Ada@Example.test").await);
    assert_eq!(free.status, taken.status);
    let words = |page: &Page| page.text().replace("free@example.test", "…").replace("Ada@Example.test", "…");
    assert_eq!(words(&free), words(&taken));
    let (free, taken) = (enter(&stranger, &free, "000000").await, enter(&stranger, &taken, "000000").await);
    assert_eq!((free.status, words(&free)), (taken.status, words(&taken)));

    let mails = world.mails().await;
    let to_owner = mails.iter().find(|mail| mail["to"] == "Ada@Example.test").unwrap();
    assert!(to_owner["code"].is_null(), "a code was mailed for an address that has an account: {to_owner}");
    assert!(to_owner["text"].as_str().unwrap().contains("already have"), "{to_owner}");
}

#[tokio::test]
async fn two_who_try_one_address_get_one_account() {
    World::each(async |world| {
        let (one, two) = (world.browser(), world.browser());
        let asked_one = begin(&one, EMAIL).await;
        let code_one = world.mailed_code(EMAIL).await;
        world.clock.advance(Duration::from_secs(1));
        let asked_two = begin(&two, EMAIL).await;
        let code_two = world.mailed_code(EMAIL).await;
        let (one, two) = tokio::join!(enter(&one, &asked_one, &code_one), enter(&two, &asked_two, &code_two));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one}\n{two}");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_said_at_its_fields() {
    let world = World::start().await;
    let browser = world.browser();
    let long = "x".repeat(2000);
    for (email, password, said) in [
        ("", PASSWORD, "Enter your email address."),
        ("ada", PASSWORD, "Enter an email address like"),
        (EMAIL, "", "Use at least 15 characters."),
        (EMAIL, "fourteen chars", "Use at least 15 characters."),
        (EMAIL, "passwordpassword", "easy to guess"),
        (EMAIL, "ada@example.test1", "easy to guess"),
        (EMAIL, &long, "too long"),
    ] {
        let page = browser.submit(form(&browser).await.fill("email", email).fill("password", password)).await;
        assert_eq!(page.status, 422, "{email} {password}: {page}");
        assert!(page.says(said), "{email} {password}: {page}");
        assert!(page.alerts().iter().any(|alert| alert.contains(said)), "{page}");
        assert!(password.is_empty() || !page.body.contains(password), "the password came back: {page}");
    }
    assert_eq!(world.mails().await.len(), 0);
}

#[tokio::test]
async fn no_step_can_be_taken_by_another_browser() {
    let world = World::start().await;
    let (owner, thief) = (world.browser(), world.browser());
    let asked = begin(&owner, EMAIL).await;
    let code = world.mailed_code(EMAIL).await;
    assert_eq!(thief.open(asked.url.as_str()).await.status, 410, "another browser saw the page");
    let token = form(&thief).await.value("form_token").unwrap().to_owned();
    let stolen = || asked.form_with("code").fill("code", &code);
    assert_eq!(thief.submit(stolen()).await.status, 403, "another browser's form token was taken");
    assert_eq!(
        thief.submit(stolen().tamper("form_token", &token)).await.status,
        410,
        "another browser finished"
    );
    let resend = asked.press("Send another code").tamper("form_token", &token);
    assert_eq!(thief.submit(resend).await.status, 410, "another browser had a code sent");
    assert_eq!(enter(&owner, &asked, &code).await.status, 200, "the owner couldn't finish any more");
}

#[tokio::test]
async fn forms_need_their_token_and_our_own_page() {
    let world = World::start().await;
    let browser = world.browser();
    let filled = || async { form(&browser).await.fill("email", EMAIL).fill("password", PASSWORD) };
    assert_eq!(browser.submit(filled().await.without("form_token")).await.status, 403);
    assert_eq!(browser.submit(filled().await.tamper("form_token", "AAAA")).await.status, 403);
    let token = filled().await.value("form_token").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(browser.submit_from_elsewhere("/sign-up", &fields).await.status, 403);
    assert_eq!(world.mails().await.len(), 0);
}
