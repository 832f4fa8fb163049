//! `/account/email`: addresses come in by a mailed code, and both the old and the new one are told.

use crate::account::session_of;
use harness::{Browser, PASSWORD, Page, Person, World};
use std::time::Duration;

const ADA: &str = "ada@example.test";
const NEW: &str = "new@example.test";
const BOB: &str = "bob@example.test";

async fn ask_to_add(browser: &Browser, email: &str) -> Page {
    let page = browser.open("/account/email").await;
    browser.submit(page.form_with("email").without("email").tamper("email", email).at("/account/email")).await
}

async fn enter(browser: &Browser, asked: &Page, code: &str) -> Page {
    browser.submit(asked.form_with("code").fill("code", code)).await
}

async fn add(world: &World, person: &Person, email: &str) -> Page {
    let asked = ask_to_add(&person.browser, email).await;
    let code = world.mailed_code(email).await;
    enter(&person.browser, &asked, &code).await
}

/// Sends the form of a button for one address, as the page offers it for another.
async fn act(browser: &Browser, button: &str, email: &str) -> Page {
    let page = browser.open("/account/email").await;
    browser.submit(page.press(button).tamper("email", email)).await
}

/// To whom mails went, and what about.
async fn letters(world: &World) -> Vec<(String, String)> {
    let mails = world.mails_but_of_sign_ins().await;
    let text = |mail: &serde_json::Value, name: &str| mail[name].as_str().unwrap().to_owned();
    mails.iter().map(|mail| (text(mail, "to"), text(mail, "subject"))).collect()
}

async fn signs_in(world: &World, email: &str) -> bool {
    let person = Person { email: email.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() };
    person.sign_in().await.status == 200
}

#[tokio::test]
async fn an_address_is_added_made_primary_and_the_old_one_removed_with_everybody_told() {
    World::each(async |world| {
        let rp = world.rp("web").await.asking("openid email");
        let ada = world.signed_in(ADA).await;
        let added = add(world, &ada, NEW).await;
        assert!(added.says("The address was added.") && added.says(NEW), "{added}");
        assert_eq!(
            letters(world).await[0],
            (ADA.to_owned(), "An address was added to your account at Portico".to_owned())
        );
        assert!(signs_in(world, NEW).await);

        world.clock.advance(Duration::from_millis(1));
        let changed = act(&ada.browser, "Make primary", NEW).await;
        assert!(changed.says("Both addresses were told."), "{changed}");
        let mut told: Vec<_> = letters(world).await.into_iter().take(2).collect();
        told.sort();
        let about = "Your primary address at Portico was changed".to_owned();
        assert_eq!(told, [(ADA.to_owned(), about.clone()), (NEW.to_owned(), about)]);
        let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        assert_eq!(rp.userinfo(&tokens.access).await.body["email"], NEW);

        world.clock.advance(Duration::from_millis(1));
        let removed = act(&ada.browser, "Remove", ADA).await;
        assert!(removed.says("The address was removed.") && !removed.says(ADA), "{removed}");
        let mut told: Vec<_> = letters(world).await.into_iter().take(2).map(|(to, _)| to).collect();
        told.sort();
        assert_eq!(told, [ADA, NEW]);
        assert!(!signs_in(world, ADA).await && signs_in(world, NEW).await);
    })
    .await;
}

#[tokio::test]
async fn the_page_says_the_same_whether_an_address_is_free_or_anothers() {
    let world = World::start().await;
    let (ada, _bob) = (world.signed_in(ADA).await, world.signed_in(BOB).await);
    let (free, taken) = (ask_to_add(&ada.browser, NEW).await, ask_to_add(&ada.browser, BOB).await);
    let words = |page: &Page| (page.status, page.text().replace(NEW, "…").replace(BOB, "…"));
    assert_eq!(words(&free), words(&taken));
    let mails = world.mails_but_of_sign_ins().await;
    let to_bob = mails.iter().find(|mail| mail["to"] == BOB).unwrap();
    assert!(to_bob["code"].is_null() && to_bob["subject"].as_str().unwrap().contains("already"), "{to_bob}");
    for code in ["000000", "111111"] {
        let (free, taken) = (enter(&ada.browser, &free, code).await, enter(&ada.browser, &taken, code).await);
        assert_eq!(words(&free), words(&taken));
    }
    assert!(signs_in(&world, BOB).await);
}

#[tokio::test]
async fn a_code_is_its_sessions_alone_works_once_and_takes_five_guesses() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let bob = world.signed_in(BOB).await;
    let asked = ask_to_add(&ada.browser, NEW).await;
    let code = world.mailed_code(NEW).await;
    // Bob sends her form with his own session and token, and she from another browser of hers.
    let his = session_of(&bob.browser).await;
    let token =
        bob.browser.open("/account").await.form_with("nickname").value("form_token").unwrap().to_owned();
    let stolen =
        asked.form_with("code").fill("code", &code).tamper("account", &his).tamper("form_token", &token);
    assert_eq!(bob.browser.submit(stolen).await.status, 410);
    let other = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() };
    other.sign_in().await;
    let hers = session_of(&other.browser).await;
    let addition = asked.form_with("code").value("addition").unwrap().to_owned();
    let page = other.browser.open(&format!("/account/email/verify?account={hers}&addition={addition}")).await;
    assert_eq!(page.status, 410, "{page}");

    let wrong = if code == "000000" { "111111" } else { "000000" };
    for _ in 0..4 {
        assert_eq!(enter(&ada.browser, &asked, wrong).await.status, 422);
    }
    let added = enter(&ada.browser, &asked, &code).await;
    assert!(added.says("The address was added."), "{added}");
    assert_eq!(enter(&ada.browser, &asked, &code).await.status, 410, "a code worked twice");

    let asked = ask_to_add(&ada.browser, "third@example.test").await;
    let code = world.mailed_code("third@example.test").await;
    for _ in 0..5 {
        enter(&ada.browser, &asked, if code == "000000" { "111111" } else { "000000" }).await;
    }
    assert_eq!(enter(&ada.browser, &asked, &code).await.status, 422, "a sixth guess was taken");
    assert!(!signs_in(&world, "third@example.test").await);
}

#[tokio::test]
async fn mails_that_an_account_can_cause_have_an_end() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let asked = ask_to_add(&ada.browser, NEW).await;
    for _ in 0..5 {
        ada.browser.submit(asked.press("Send another code")).await;
    }
    for n in 0..6 {
        ask_to_add(&ada.browser, &format!("a{n}@example.test")).await;
    }
    let mails = letters(&world).await;
    assert_eq!(mails.iter().filter(|(to, _)| to == NEW).count(), 4);
    assert_eq!(mails.len(), 4 + 4, "{mails:?}");
    let refused = ask_to_add(&ada.browser, "b@example.test").await;
    assert!(refused.status == 422 && refused.says("in an hour"), "{refused}");
}

#[tokio::test]
async fn what_may_not_be_changed_stays() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let bob = world.signed_in(BOB).await;
    add(&world, &ada, NEW).await;
    for (button, email) in [("Remove", ADA), ("Remove", BOB), ("Make primary", BOB), ("Make primary", ADA)] {
        let page = act(&ada.browser, button, email).await;
        assert_eq!(page.status, 422, "{button} {email}: {page}");
    }
    assert_eq!(ask_to_add(&ada.browser, NEW).await.status, 422, "her own address again");
    for email in ["", "x", "a@b@c"] {
        assert_eq!(ask_to_add(&ada.browser, email).await.status, 422, "{email}");
    }
    assert!(bob.browser.open("/account/email").await.says(BOB));
    assert!(signs_in(&world, ADA).await && signs_in(&world, NEW).await && signs_in(&world, BOB).await);
}

#[tokio::test]
async fn of_a_removal_and_a_change_to_the_same_address_one_wins_and_one_address_stays_primary() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        add(world, &ada, NEW).await;
        let page = ada.browser.open("/account/email").await;
        let remove = || ada.browser.submit(page.press("Remove").tamper("email", NEW));
        let promote = || ada.browser.submit(page.press("Make primary").tamper("email", NEW));
        let (one, two, three) = tokio::join!(remove(), promote(), remove());
        let won = [one, two, three].iter().filter(|page| page.status == 200).count();
        assert_eq!(won, 1, "of three changes at once");
        let after = ada.browser.open("/account/email").await;
        assert_eq!(after.body.matches(">Primary<").count(), 1, "{after}");
    })
    .await;
}

#[tokio::test]
async fn of_two_right_codes_at_once_one_adds_the_address() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        let bob = world.signed_in(BOB).await;
        let (one, two) = (ask_to_add(&ada.browser, NEW).await, ask_to_add(&bob.browser, NEW).await);
        let mails = world.mails_but_of_sign_ins().await;
        let codes: Vec<_> = mails
            .iter()
            .filter(|mail| mail["to"] == NEW)
            .map(|mail| mail["code"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(codes.len(), 2);
        // Which code is whose, the mails don't say: each tries both.
        let tries = async |browser: &Browser, asked: &Page| {
            let mut added = false;
            for code in &codes {
                added |= enter(browser, asked, code).await.says("The address was added.");
            }
            added
        };
        let (hers, his) = tokio::join!(tries(&ada.browser, &one), tries(&bob.browser, &two));
        assert!(hers != his, "{hers} {his}");
    })
    .await;
}
