//! Session fixation: a cookie that somebody planted before a sign-in is worth nothing after it, not even for the seconds
//! in which a rotated handle is still honoured. The clock stands still, so all of this happens within them.

use harness::{PASSWORD, Person, World};

#[tokio::test]
async fn who_planted_a_cookie_never_gets_what_came_after_it() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let alice = world.person("alice@example.test").await;
        let mallory = world.person("mallory@example.test").await;
        // Mallory's attempt is one password away from its end when Alice begins to use Mallory's cookie.
        let page = mallory.browser.open("/sign-in").await;
        let named = mallory.browser.submit(page.form_with("email").fill("email", &mallory.email)).await;
        let planted = mallory.browser.cookies("/").unwrap();
        alice.browser.plant_cookie(&format!("{planted}; Path=/"));
        alice.sign_in().await;
        assert_ne!(alice.browser.cookies("/").unwrap(), planted, "the handle is rotated");
        assert!(alice.browser.open("/").await.body.contains(&alice.email));

        assert!(!mallory.browser.open("/").await.body.contains(&alice.email), "by the old handle");
        let silent = web.authorize_with(&mallory.browser, &[("prompt", "none")]).await;
        assert_eq!(silent.error().as_deref(), Some("login_required"), "a code by the old handle");
        let late = mallory.browser.submit(named.form_with("password").fill("password", PASSWORD)).await;
        assert_ne!(late.status, 200, "{late}");
        assert!(
            !mallory.browser.open("/").await.body.contains(&alice.email),
            "by a handle won with the old one"
        );
        assert!(alice.browser.open("/").await.body.contains(&alice.email), "and Alice notices nothing");
    })
    .await;
}

#[tokio::test]
async fn requests_on_their_way_still_find_the_sessions_of_before() {
    World::each(async |world| {
        let alice = world.person("alice@example.test").await;
        alice.sign_in().await;
        let tab = world.browser();
        tab.plant_cookie(&format!("{}; Path=/", alice.browser.cookies("/").unwrap()));
        let bob = Person { browser: alice.browser, ..world.person("bob@example.test").await };
        world.clock.advance(std::time::Duration::from_secs(1));
        bob.sign_in().await;
        let seen = tab.open("/").await;
        assert!(seen.body.contains("alice@example.test") && !seen.body.contains("bob@example.test"));
        world.clock.advance(std::time::Duration::from_secs(10));
        assert!(!tab.open("/").await.body.contains("alice@example.test"));
    })
    .await;
}
