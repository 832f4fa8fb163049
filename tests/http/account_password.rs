//! `/account/password` and `/account/confirm`: the password in place of the current one, and the current one again.

use crate::account::session_of;
use harness::{Browser, PASSWORD, Page, Person, World};
use std::time::Duration;

const ADA: &str = "ada@example.test";
const NEXT: &str = "a wholly other lantern at sea";

async fn change(browser: &Browser, current: &str, new: &str) -> Page {
    let page = browser.open("/account/password").await;
    let form = page.form_with("new_password").fill("password", current).fill("new_password", new);
    browser.submit(form).await
}

async fn elsewhere(world: &World) -> Person {
    let person = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() };
    person.sign_in().await;
    person
}

#[tokio::test]
async fn another_password_takes_the_place_and_ends_what_the_old_one_let_in() {
    World::each(async |world| {
        let rp = world.rp("web").await.asking("openid offline_access");
        let ada = world.signed_in(ADA).await;
        let thief = elsewhere(world).await;
        let stolen = rp.exchange(&rp.authorize(&thief.browser).await.code()).await.tokens();
        let own = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        let handle = ada.browser.cookies("/").unwrap();

        let done = change(&ada.browser, PASSWORD, NEXT).await;
        assert!(done.says("Your password was changed."), "{done}");
        assert_ne!(ada.browser.cookies("/").unwrap(), handle, "the handle didn't change");
        assert_eq!(thief.browser.open("/account").await.heading(), "Sign in", "the thief is still in");
        assert_eq!(rp.refresh(stolen.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        assert_eq!(rp.userinfo(&stolen.access).await.status, 401);
        assert_eq!(
            rp.refresh(own.refresh.as_deref().unwrap()).await.status,
            200,
            "her own app was signed out"
        );
        let mails = world.mails_but_of_sign_ins().await;
        let told = mails.iter().find(|mail| mail["to"] == ADA).unwrap();
        assert!(told["subject"].as_str().unwrap().starts_with("Your password at"), "{told}");

        let refused = thief.sign_in().await;
        assert_eq!(refused.status, 422, "the old password signs in: {refused}");
        let again = Person { email: ADA.to_owned(), password: NEXT.to_owned(), browser: world.browser() };
        assert_eq!(again.sign_in().await.heading(), "You are signed in");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_or_missing_current_password_and_a_bad_new_one_change_nothing() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    for (current, new, faults) in [
        ("not the password at all", NEXT, 1),
        ("", NEXT, 1),
        (PASSWORD, "short", 1),
        (PASSWORD, PASSWORD, 1),
        (PASSWORD, "passwordpassword", 1),
        (PASSWORD, "ada@example.test", 1),
        ("", "short", 1),
    ] {
        let page = change(&ada.browser, current, new).await;
        assert_eq!((page.status, page.alerts().len()), (422, faults), "{current:?} {new:?}: {page}");
        assert!(!page.body.contains(new) || new == ADA, "a password is in the answer");
    }
    let again = elsewhere(&world).await;
    assert_eq!(again.browser.open("/account").await.heading(), "Profile");
    assert!(world.mails_but_of_sign_ins().await.is_empty());
}

#[tokio::test]
async fn dangerous_forms_take_a_password_typed_in_this_session_within_ten_minutes() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        let fresh = ada.browser.open("/account/email").await;
        let data = ada.browser.open("/account/data").await;
        let deletion = ada.browser.open("/account/delete").await;
        world.clock.advance(Duration::from_mins(10));
        // Somebody else signs in elsewhere with the same password: it proves nothing here.
        elsewhere(world).await;
        for form in [
            fresh.form_with("email").fill("email", "new@example.test"),
            data.press("Download my data"),
            deletion.form_with("sure").tamper("sure", "yes"),
        ] {
            let asked = ada.browser.submit(form).await;
            assert_eq!(asked.heading(), "Is it you?", "{asked}");
        }
        assert!(world.mails_but_of_sign_ins().await.is_empty());
        let stale = ada.browser.open("/account/email").await;
        assert!(stale.forms().iter().all(|form| !form.has("email")), "{stale}");

        let asked = ada.browser.open(stale.link("Confirm it's you").as_str()).await;
        let wrong =
            ada.browser.submit(asked.form_with("password").fill("password", "not the password at all")).await;
        assert_eq!(wrong.status, 422, "{wrong}");
        let handle = ada.browser.cookies("/").unwrap();
        let back = ada.browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
        assert_eq!((back.status, back.heading().as_str()), (200, "Email addresses"), "{back}");
        assert!(back.forms().iter().any(|form| form.has("email")), "{back}");
        assert_ne!(ada.browser.cookies("/").unwrap(), handle, "the handle didn't change");
    })
    .await;
}

#[tokio::test]
async fn the_password_of_one_account_proves_nothing_for_another_in_the_same_browser() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let hers = session_of(&ada.browser).await;
    world.clock.advance(Duration::from_mins(11));
    world.create_user("bob@example.test", NEXT).await;
    let bob =
        Person { email: "bob@example.test".to_owned(), password: NEXT.to_owned(), browser: ada.browser };
    bob.sign_in().await;
    let page = bob.browser.open(&format!("/account/data?account={hers}")).await;
    assert!(page.says("Confirm it's you"), "{page}");
    let asked = bob.browser.open(page.link("Confirm it's you").as_str()).await;
    let wrong = bob.browser.submit(asked.form_with("password").fill("password", NEXT)).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    let right = bob.browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
    assert!(right.says("Download my data"), "{right}");
}
