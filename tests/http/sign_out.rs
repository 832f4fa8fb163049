//! `/sign-out`: only by a button, and for good.

use harness::World;
use std::time::Duration;

#[tokio::test]
async fn signing_out_takes_a_button_and_ends_every_session_of_the_browser() {
    World::each(async |world| {
        let ada = world.sign_up("ada@example.test").await;
        let other = world.browser();
        let asked = ada.browser.arrive("/sign-out").await;
        assert_eq!(asked.heading(), "Sign out?", "{asked}");
        assert_eq!(ada.browser.open("/").await.heading(), "You are signed in", "a link signed out");
        let before = ada.browser.cookies("/").unwrap();
        let done = ada.browser.submit(asked.press("Sign out")).await;
        assert_eq!(done.heading(), "You are signed out", "{done}");
        assert_ne!(ada.browser.cookies("/").unwrap(), before, "the handle didn't change");
        assert_eq!(ada.browser.open("/").await.heading(), "You are not signed in");
        assert_eq!(ada.browser.open("/sign-out").await.heading(), "You are signed out");
        other.plant_cookie(&format!("{before}; Path=/"));
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(
            other.open("/").await.heading(),
            "You are not signed in",
            "an old handle came back to life"
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_else_can_sign_a_person_out() {
    let world = World::start().await;
    let ada = world.sign_up("ada@example.test").await;
    let form = ada.browser.open("/sign-out").await.press("Sign out");
    let token = form.value("form_token").unwrap().to_owned();
    assert_eq!(ada.browser.submit(form.without("form_token")).await.status, 403);
    assert_eq!(ada.browser.submit_from_elsewhere("/sign-out", &[("form_token", &token)]).await.status, 403);
    let bob = world.sign_up("bob@example.test").await;
    let foreign = bob.browser.open("/sign-out").await.press("Sign out");
    assert_eq!(ada.browser.submit(foreign).await.status, 403, "another browser's token was taken");
    assert_eq!(ada.browser.open("/").await.heading(), "You are signed in");
}
