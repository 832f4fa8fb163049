//! The `claims` parameter (OpenID Connect Core section 5.5): who gets what, after which consent.

use harness::{Answer, RelyingParty, World, claims};
use serde_json::{Value, json};

const ADA: &str = "ada@example.test";
const EMAIL: &str =
    r#"{"userinfo":{"email":{"essential":true},"frob":null},"id_token":{"email_verified":null}}"#;

async fn tokens(rp: &RelyingParty, answer: &Answer) -> harness::Tokens {
    rp.exchange(&answer.code()).await.tokens()
}

#[tokio::test]
async fn userinfo_and_id_tokens_say_what_was_named_also_after_a_refresh() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, world.rp("web").await);
        let without = tokens(&rp, &rp.authorize(&ada.browser).await).await;
        assert_eq!(rp.userinfo(&without.access).await.body.get("email"), None);
        assert_eq!(without.id_claims().get("email_verified"), None);
        let mut given = tokens(&rp, &rp.authorize_with(&ada.browser, &[("claims", EMAIL)]).await).await;
        for _ in 0..2 {
            let userinfo = rp.userinfo(&given.access).await.body;
            assert_eq!((&userinfo["email"], userinfo.get("frob")), (&json!(ADA), None), "{userinfo}");
            assert_eq!(userinfo.get("email_verified"), None);
            let id = given.id_claims();
            assert_eq!((&id["email_verified"], id.get("email")), (&json!(true), None), "{id}");
            assert_eq!(claims(&given.access)["scope"], "openid", "claims add no scope");
            given = rp.refresh(&given.refresh.unwrap()).await.tokens();
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_is_asked_about_what_is_named() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, world.rp("stranger").await);
        let plain = rp.authorize(&ada.browser).await.0;
        Answer(ada.browser.submit(plain.press("Allow")).await).code();
        let silent = rp.authorize_with(&ada.browser, &[("claims", EMAIL), ("prompt", "none")]).await;
        assert_eq!(silent.error().as_deref(), Some("consent_required"));
        let asked = rp.authorize_with(&ada.browser, &[("claims", EMAIL)]).await.0;
        assert!(asked.says("see your email address"), "{asked}");
        let given = tokens(&rp, &Answer(ada.browser.submit(asked.press("Allow")).await)).await;
        assert_eq!(rp.userinfo(&given.access).await.body["email"], ADA);
        rp.authorize_with(&ada.browser, &[("claims", EMAIL), ("prompt", "none")]).await.code();
    })
    .await;
}

#[tokio::test]
async fn a_named_subject_and_a_required_acr_are_kept_or_refused() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, world.rp("web").await);
        let id = tokens(&rp, &rp.authorize(&ada.browser).await).await.id_claims();
        let ask = async |member: Value| {
            let text = json!({ "id_token": member }).to_string();
            rp.authorize_with(&ada.browser, &[("claims", &text), ("prompt", "none")]).await
        };
        ask(json!({ "sub": { "value": id["sub"] } })).await.code();
        ask(json!({ "acr": { "essential": true, "values": ["9", "1"] } })).await.code();
        ask(json!({ "acr": { "values": ["9"] } })).await.code();
        for (member, error) in [
            (json!({ "sub": { "value": "somebody-else" } }), "login_required"),
            (json!({ "acr": { "essential": true, "value": "9" } }), "unmet_authentication_requirements"),
            (json!({ "email": "yes" }), "invalid_request"),
        ] {
            assert_eq!(ask(member.clone()).await.error().as_deref(), Some(error), "{member}");
        }
        // Whoever else signs in for it gets nothing.
        let text = json!({ "id_token": { "sub": { "value": "somebody-else" } } }).to_string();
        let page = rp.authorize_with(&ada.browser, &[("claims", &text)]).await.0;
        let answer = Answer(ada.sign_in_at(page).await);
        assert_eq!(answer.error().as_deref(), Some("login_required"), "{}", answer.0);
    })
    .await;
}
