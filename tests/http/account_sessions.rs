//! `/account/sessions`: where one is signed in, and signing out from there.

use crate::account::session_of;
use harness::{PASSWORD, Person, World};
use std::time::Duration;

const ADA: &str = "ada@example.test";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The same person at another browser, signed in.
async fn elsewhere(world: &World, agent: &str) -> Person {
    let browser = world.browser().calling_itself(agent);
    let person = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser };
    person.sign_in().await;
    person
}

async fn is_signed_in(person: &Person) -> bool {
    person.browser.open("/account").await.heading() == "Profile"
}

#[tokio::test]
async fn sessions_are_told_by_browser_address_and_time_and_end_one_by_one() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        world.clock.advance(Duration::from_secs(1));
        let away = elsewhere(world, FIREFOX).await;
        let page = ada.browser.open("/account/sessions").await;
        assert!(
            page.says("Firefox on Linux") && page.says("Unknown browser") && page.says("This device"),
            "{page}"
        );
        assert!(page.says("127.0.0.1"), "{page}");
        let forms: Vec<_> = page.forms().into_iter().filter(|form| form.has("session")).collect();
        assert_eq!(forms.len(), 2);
        // This one stands first.
        let ended = ada.browser.submit(forms[1].clone().tamper("which", "one")).await;
        assert!(ended.says("You were signed out there.") && !ended.says("Firefox"), "{ended}");
        assert!(!is_signed_in(&away).await && is_signed_in(&ada).await);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_somebody_else_stays() {
    let world = World::start().await;
    let (ada, bob) = (world.signed_in(ADA).await, world.signed_in("bob@example.test").await);
    let hers = session_of(&ada.browser).await;
    let page = bob.browser.open("/account/sessions").await;
    assert!(!page.body.contains(&hers));
    let form = page.form_with("session").tamper("which", "one").tamper("session", &hers);
    assert_eq!(bob.browser.submit(form).await.status, 200);
    assert!(is_signed_in(&ada).await && is_signed_in(&bob).await);
    for which in ["", "every", "one"] {
        let form = page.form_with("session").tamper("which", which).tamper("session", "ses_x");
        assert_eq!(bob.browser.submit(form).await.status, 400, "{which}");
    }
}

#[tokio::test]
async fn all_others_end_or_all_and_the_handle_changes_when_this_one_does() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let (one, two) = (elsewhere(&world, FIREFOX).await, elsewhere(&world, "").await);
    let page = ada.browser.open("/account/sessions").await;
    ada.browser.submit(page.press("Sign out everywhere else")).await;
    assert!(is_signed_in(&ada).await && !is_signed_in(&one).await && !is_signed_in(&two).await);
    one.sign_in().await;
    let before = ada.browser.cookies("/").unwrap();
    let page = ada.browser.open("/account/sessions").await;
    let out = ada.browser.submit(page.press("Sign out everywhere")).await;
    assert_eq!(out.heading(), "You are signed out", "{out}");
    assert_ne!(ada.browser.cookies("/").unwrap(), before, "the handle didn't change");
    assert!(!is_signed_in(&ada).await && !is_signed_in(&one).await);
}

#[tokio::test]
async fn signing_one_account_out_leaves_the_others_of_the_browser() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    world.create_user("bob@example.test", PASSWORD).await;
    let bob =
        Person { email: "bob@example.test".to_owned(), password: PASSWORD.to_owned(), browser: ada.browser };
    world.clock.advance(Duration::from_secs(1));
    bob.sign_in().await;
    let page = bob.browser.open("/account/sessions").await;
    let out = bob.browser.submit(page.press("Sign out everywhere")).await;
    assert!(out.heading() == "You are signed in" && out.says(ADA) && !out.says("bob@example.test"), "{out}");
}
