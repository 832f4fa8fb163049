//! Guessing: how often somebody may be wrong, from how many places, and that nobody is locked out by others.

use harness::{Browser, PASSWORD, Page, World};
use std::time::Duration;

const EMAIL: &str = "ada@example.test";
const NOBODY: &str = "nobody@example.test";

/// From nothing to the answer to one password.
async fn guess(browser: &Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let asked = browser.submit(page.form_with("email").fill("email", email)).await;
    browser.submit(asked.form_with("password").fill("password", password)).await
}

/// Wrong passwords until no more are looked at; gives how many were.
async fn exhaust(browser: &Browser, email: &str) -> usize {
    for judged in 0..20 {
        if guess(browser, email, "not the password at all").await.status == 429 {
            return judged;
        }
    }
    panic!("twenty wrong passwords, and none was too many");
}

fn retry_after(page: &Page) -> u64 {
    page.headers.get("retry-after").expect("a Retry-After").to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn after_five_wrong_passwords_there_is_a_wait_that_grows_and_says_nothing_of_the_password() {
    World::each(async |world| {
        world.create_user(EMAIL, PASSWORD).await;
        let browser = world.browser();
        assert_eq!(exhaust(&browser, EMAIL).await, 5);
        let (wrong, right) =
            (guess(&browser, EMAIL, "not the password at all").await, guess(&browser, EMAIL, PASSWORD).await);
        assert_eq!((wrong.status, right.status), (429, 429));
        assert_eq!(wrong.text(), right.text(), "the page tells which password was right");
        assert!(right.alerts().iter().any(|alert| alert.contains("wait 30 seconds")), "{right}");
        for wait in [30, 60, 120] {
            let refused = guess(&browser, EMAIL, PASSWORD).await;
            assert_eq!(retry_after(&refused), wait, "{refused}");
            world.clock.advance(Duration::from_secs(wait));
            assert_eq!(guess(&browser, EMAIL, "not the password at all").await.status, 422);
        }
        world.clock.advance(Duration::from_mins(4));
        assert_eq!(guess(&browser, EMAIL, PASSWORD).await.heading(), "You are signed in");
        // The right password made the budget whole again.
        let another = world.browser();
        assert_eq!(exhaust(&another, EMAIL).await, 5);
    })
    .await;
}

#[tokio::test]
async fn an_address_without_account_has_the_same_budget_in_every_spelling() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let browser = world.browser();
    assert_eq!(exhaust(&browser, NOBODY).await, exhaust(&browser, EMAIL).await);
    let words = |page: &Page, email: &str| (page.status, page.text().replace(email, "…"), retry_after(page));
    let (known, unknown) =
        (guess(&browser, " ADA@Example.test", "x").await, guess(&browser, NOBODY, "x").await);
    assert_eq!(words(&known, "ADA@Example.test"), words(&unknown, NOBODY));
}

#[tokio::test]
async fn guesses_from_many_browsers_share_one_budget() {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let mut judged = 0;
    for _ in 0..12 {
        judged += usize::from(guess(&world.browser(), EMAIL, "not the password at all").await.status == 422);
    }
    assert_eq!(judged, 5, "another browser was another budget");
    // A day of patience from ever new places.
    let mut first_day = judged;
    let end = 24 * 60 * 60;
    let mut passed = 0;
    loop {
        let page = guess(&world.browser(), EMAIL, "not the password at all").await;
        if page.status == 422 {
            first_day += 1;
            continue;
        }
        passed += retry_after(&page);
        if passed >= end {
            break;
        }
        world.clock.advance(Duration::from_secs(retry_after(&page)));
    }
    assert_eq!(first_day, 16);
}

#[tokio::test]
async fn nobody_can_lock_a_person_out_of_a_browser_where_they_signed_in_before() {
    let world = World::start().await;
    let ada = world.signed_in(EMAIL).await;
    ada.browser.submit(ada.browser.open("/sign-out").await.press("Sign out")).await;
    let stranger = world.browser();
    exhaust(&stranger, EMAIL).await;
    assert_eq!(ada.sign_in().await.heading(), "You are signed in");
    // Nor does the person's sign-in give the stranger anything back.
    assert_eq!(guess(&stranger, EMAIL, PASSWORD).await.status, 429);
    // The known browser's own budget has an end too.
    ada.browser.submit(ada.browser.open("/sign-out").await.press("Sign out")).await;
    assert_eq!(exhaust(&ada.browser, EMAIL).await, 5);
}

#[tokio::test]
async fn refused_guesses_are_events_once_a_minute_and_counted_beside_them() {
    let world = World::start().await;
    let made = world.create_user(EMAIL, PASSWORD).await;
    let user = made["user_id"].as_str().unwrap().to_owned();
    let browser = world.browser();
    for _ in 0..3 {
        guess(&browser, EMAIL, "not the password at all").await;
        guess(&browser, NOBODY, "not the password at all").await;
    }
    assert_eq!(world.refused_guesses(&user).await, [3]);
    assert_eq!(world.refused_guesses("").await, [3]);
    world.clock.advance(Duration::from_mins(1));
    guess(&browser, EMAIL, "not the password at all").await;
    assert_eq!(world.refused_guesses(&user).await, [1, 3]);
    assert_eq!(world.events("sign_in.refused").await, 3);
}
