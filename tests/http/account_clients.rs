//! `/account/clients`: who was let in, and shutting them out.

use harness::{Page, World};

const ADA: &str = "ada@example.test";

#[tokio::test]
async fn a_client_that_is_disconnected_has_nothing_left_and_must_ask_again() {
    World::each(async |world| {
        let (stranger, web) =
            (world.rp("stranger").await.asking("openid email offline_access"), world.rp("web").await);
        let ada = world.signed_in(ADA).await;
        assert!(ada.browser.open("/account/clients").await.says("No app has access"));
        let asked = stranger.authorize(&ada.browser).await.0;
        let allowed = harness::Answer(ada.browser.submit(asked.press("Allow")).await);
        let tokens = stranger.exchange(&allowed.code()).await.tokens();
        let own = web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens();

        let page = ada.browser.open("/account/clients").await;
        assert!(
            page.says("stranger") && page.says("see your email address") && page.says("Allowed "),
            "{page}"
        );
        assert!(page.says("Has access while you are away") && page.says("web"), "{page}");
        let of = |page: &Page, id: &str| {
            let forms = page.forms();
            forms.into_iter().find(|form| form.value("client") == Some(id)).unwrap()
        };
        let done = ada.browser.submit(of(&page, &stranger.client_id)).await;
        assert!(done.says("no access to your account any more") && !done.says("stranger"), "{done}");
        assert_eq!(stranger.refresh(tokens.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        assert_eq!(stranger.userinfo(&tokens.access).await.status, 401);
        let asked = stranger.authorize(&ada.browser).await.0;
        assert!(asked.left_to.is_none() && asked.says("Let stranger use your account?"), "{asked}");

        assert_eq!(web.userinfo(&own.access).await.status, 200, "another client was shut out");
        ada.browser.submit(of(&done, &web.client_id)).await;
        assert_eq!(web.userinfo(&own.access).await.status, 401, "a first-party client kept its grant");
    })
    .await;
}

#[tokio::test]
async fn what_somebody_else_allowed_is_not_seen_and_not_withdrawn() {
    let world = World::start().await;
    let stranger = world.rp("stranger").await;
    let (ada, bob) = (world.signed_in(ADA).await, world.signed_in("bob@example.test").await);
    let asked = stranger.authorize(&ada.browser).await.0;
    let allowed = harness::Answer(ada.browser.submit(asked.press("Allow")).await);
    let tokens = stranger.exchange(&allowed.code()).await.tokens();
    let page = bob.browser.open("/account/clients").await;
    assert!(!page.says("stranger"), "{page}");
    let form = bob.browser.open("/account").await.form_with("nickname").tamper("client", &stranger.client_id);
    bob.browser.submit(form.at("/account/clients")).await;
    assert_eq!(stranger.userinfo(&tokens.access).await.status, 200);
}
