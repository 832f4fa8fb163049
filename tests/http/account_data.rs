//! `/account/data` and `/account/delete`: everything to take along, and the end.

use harness::{PASSWORD, Person, World};
use serde_json::Value;
use std::time::Duration;

const ADA: &str = "ada@example.test";

#[tokio::test]
async fn the_export_has_everything_of_ones_own_and_no_secret() {
    World::each(async |world| {
        let stranger = world.rp("stranger").await;
        let bob = world.signed_in("bob@example.test").await;
        let ada = world.signed_in(ADA).await;
        let asked = stranger.authorize(&ada.browser).await.0;
        ada.browser.submit(asked.press("Allow")).await;
        let page = ada.browser.open("/account/data").await;
        let file = ada.browser.submit(page.press("Download my data")).await;
        let header = |name: &str| file.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "application/json");
        assert!(header("content-disposition").starts_with("attachment"));
        assert_eq!(header("cache-control"), "no-store");
        let told: Value = serde_json::from_str(&file.body).unwrap();
        assert_eq!(told["email_addresses"][0]["email"], ADA);
        assert_eq!(told["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(told["sessions"][0]["address"], "127.0.0.1");
        assert_eq!(told["consents"][0]["client_id"], stranger.client_id.as_str());
        assert_eq!(told["grants"][0]["client_id"], stranger.client_id.as_str());
        let kinds: Vec<_> =
            told["events"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
        for kind in ["user.created", "sign_in.completed", "consent.given", "grant.created", "user.exported"] {
            assert!(kinds.contains(&kind), "{kind} among {kinds:?}");
        }
        let hers = told["user_id"].as_str().unwrap();
        let foreign =
            bob.browser.open("/account").await.form_with("nickname").value("account").unwrap().to_owned();
        for secret in ["argon2", "ptc_", "phc", "hash", PASSWORD, "bob@example.test", &foreign] {
            assert!(!file.body.contains(secret), "{secret}");
        }
        assert!(hers.starts_with("usr_"));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_all_that_it_let_in() {
    World::each(async |world| {
        let rp = world.rp("web").await.asking("openid offline_access");
        let ada = world.signed_in(ADA).await;
        let other = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() };
        other.sign_in().await;
        let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        let pending = rp.authorize(&other.browser).await.code();
        let subject = tokens.id_claims()["sub"].as_str().unwrap().to_owned();
        let page = ada.browser.open("/account/delete").await;
        let unsure = ada.browser.submit(page.press("Delete account").without("sure")).await;
        assert!(unsure.status == 422 && unsure.says("Tick the box"), "{unsure}");
        let handle = ada.browser.cookies("/").unwrap();
        let gone = ada.browser.submit(page.press("Delete account").tamper("sure", "yes")).await;
        assert_eq!((gone.status, gone.heading().as_str()), (200, "Your account is deleted"), "{gone}");
        assert_ne!(ada.browser.cookies("/").unwrap(), handle, "the handle didn't change");

        for browser in [&ada.browser, &other.browser] {
            assert_eq!(browser.open("/account").await.heading(), "Sign in");
        }
        assert_eq!(rp.refresh(tokens.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        assert_eq!(rp.exchange(&pending).await.error(), Some("invalid_grant"));
        assert_eq!(rp.userinfo(&tokens.access).await.status, 401);
        assert_eq!(other.sign_in().await.status, 422, "a deleted account signs in");
        let mails = world.mails_but_of_sign_ins().await;
        assert!(
            mails[0]["to"] == ADA && mails[0]["subject"].as_str().unwrap().ends_with("was deleted"),
            "{mails:?}"
        );

        // The address may come again; the subject may not.
        world.clock.advance(Duration::from_secs(1));
        let again = world.sign_up(ADA).await;
        let tokens = rp.exchange(&rp.authorize(&again.browser).await.code()).await.tokens();
        assert_ne!(tokens.id_claims()["sub"], subject.as_str());
    })
    .await;
}

#[tokio::test]
async fn a_deletion_without_a_recent_password_only_asks_for_it() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let page = ada.browser.open("/account/delete").await;
    world.clock.advance(Duration::from_mins(10));
    let asked = ada.browser.submit(page.press("Delete account").tamper("sure", "yes")).await;
    assert_eq!(asked.heading(), "Is it you?", "{asked}");
    let back = ada.browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
    assert_eq!(back.heading(), "Delete account", "the confirmation deleted the account: {back}");
}
