//! `/oauth/check_session` and `session_state`: by what a client sees that somebody's sign-in has changed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Answer, Browser, PASSWORD, RelyingParty, World, web_metadata};
use serde_json::{Value, json};
use server::admin::AdminCommand;

const FRAME: &str = "/oauth/check_session";

async fn switch_on(world: &World) {
    let settings = json!({ "session_management": "on" });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
}

/// What a script of the frame reads.
fn state_of(browser: &Browser) -> Option<String> {
    let cookies = browser.cookies(FRAME).unwrap_or_default();
    cookies.split("; ").find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.starts_with("portico_state_").then(|| value.to_owned())
    })
}

/// What the frame would answer with this state: the rule of the standard, written down once more.
fn is_unchanged(answer: &Answer, rp: &RelyingParty, origin: &str, state: &str) -> bool {
    let session_state = answer.parameter("session_state").unwrap_or_else(|| panic!("{answer:?}"));
    let (hash, salt) = session_state.split_once('.').unwrap();
    let text = format!("{} {origin} {state} {salt}", rp.client_id);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())) == hash
}

#[tokio::test]
async fn it_is_off_until_the_tenant_wants_it() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let ada = world.signed_in("ada@example.test").await;
        assert_eq!(state_of(&ada.browser), None);
        assert_eq!(ada.browser.open(FRAME).await.status, 404);
        assert_eq!(web.authorize(&ada.browser).await.parameter("session_state"), None);
        let discovery = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let read = async || {
            let answer = web.get("/.well-known/openid-configuration").send().await.unwrap();
            discovery(answer.text().await.unwrap())
        };
        assert!(read().await.get("check_session_iframe").is_none());
        switch_on(world).await;
        assert_eq!(read().await["check_session_iframe"], format!("{}{FRAME}", world.issuer()).as_str());
        // Who signed in before gets a state with the next answer.
        let answer = web.authorize(&ada.browser).await;
        let state = state_of(&ada.browser).unwrap();
        assert!(is_unchanged(&answer, &web, "https://web.example.test", &state));
    })
    .await;
}

#[tokio::test]
async fn the_state_changes_with_each_sign_in_and_sign_out_and_with_nothing_else() {
    World::each(async |world| {
        switch_on(world).await;
        let (web, spa) = (world.rp("web").await, world.rp("spa").await);
        let ada = world.signed_in("ada@example.test").await;
        let (at_web, at_spa) = (web.authorize(&ada.browser).await, spa.authorize(&ada.browser).await);
        let state = state_of(&ada.browser).unwrap();
        assert!(is_unchanged(&at_web, &web, "https://web.example.test", &state));
        assert!(is_unchanged(&at_spa, &spa, "https://spa.example.test", &state));
        // Another client, another origin: nobody can ask with what isn't theirs.
        assert!(!is_unchanged(&at_web, &spa, "https://web.example.test", &state));
        assert!(!is_unchanged(&at_web, &web, "https://spa.example.test", &state));
        assert_ne!(
            at_web.parameter("session_state"),
            web.authorize(&ada.browser).await.parameter("session_state")
        );
        for path in ["/", "/account", "/sign-in", FRAME] {
            ada.browser.open(path).await;
            assert_eq!(state_of(&ada.browser).as_ref(), Some(&state), "{path}");
        }
        // A refusal about somebody who is signed in has it too.
        world.clock.advance(std::time::Duration::from_secs(1));
        let refused = web.authorize_with(&ada.browser, &[("prompt", "none"), ("max_age", "0")]).await;
        assert_eq!(refused.error().as_deref(), Some("login_required"));
        assert!(is_unchanged(&refused, &web, "https://web.example.test", &state));

        world.create_user("bob@example.test", PASSWORD).await;
        let page = ada.browser.open("/sign-in").await;
        let named = ada.browser.submit(page.form_with("email").fill("email", "bob@example.test")).await;
        ada.browser.submit(named.form_with("password").fill("password", PASSWORD)).await;
        let with_bob = state_of(&ada.browser).unwrap();
        assert_ne!(with_bob, state, "another sign-in");
        let page = ada.browser.open("/sign-out").await;
        ada.browser.submit(page.press("Sign out")).await;
        let signed_out = state_of(&ada.browser).unwrap();
        assert!(signed_out != with_bob && signed_out != state, "the sign-out");
        let silent = web.authorize_with(&ada.browser, &[("prompt", "none")]).await;
        assert_eq!(silent.error().as_deref(), Some("login_required"));
        assert!(is_unchanged(&silent, &web, "https://web.example.test", &signed_out));
        // Of nobody known there is nothing to tell.
        let stranger = web.authorize_with(&world.browser(), &[("prompt", "none")]).await;
        assert_eq!(stranger.parameter("session_state"), None);
    })
    .await;
}

#[tokio::test]
async fn the_frame_stands_in_any_page_and_runs_one_script() {
    let world = World::start().await;
    switch_on(&world).await;
    let page = world.browser().open(FRAME).await;
    assert_eq!(page.status, 200);
    assert!(!page.headers.contains_key("x-frame-options") && !page.headers.contains_key("set-cookie"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("frame-ancestors") && !policy.contains("unsafe"), "{policy}");
    let script = page.body.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, script.as_bytes()));
    assert!(policy.starts_with(&format!("default-src 'none'; script-src 'sha256-{hash}';")), "{policy}");
    // Every other page stays out of frames.
    for path in ["/", "/sign-in", "/oauth/authorize", "/oauth/check_session/"] {
        let page = world.browser().open(path).await;
        assert_eq!(page.headers["x-frame-options"], "DENY", "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn the_cookie_of_the_state_opens_nothing() {
    let world = World::start().await;
    switch_on(&world).await;
    let ada = world.signed_in("ada@example.test").await;
    let state = state_of(&ada.browser).unwrap();
    let stranger = world.browser();
    let name = ada.browser.cookies(FRAME).unwrap();
    let name = name
        .split("; ")
        .find(|pair| pair.starts_with("portico_state_"))
        .unwrap()
        .split_once('=')
        .unwrap()
        .0
        .to_owned();
    stranger.plant_cookie(&format!("{name}={state}; Path=/"));
    stranger.plant_cookie(&format!("{}=ptc_br_{state}; Path=/", name.replace("portico_state_", "portico_")));
    assert_eq!(stranger.open("/").await.heading(), "You are not signed in");
}

#[tokio::test]
async fn an_app_without_an_origin_gets_no_state() {
    let world = World::start().await;
    switch_on(&world).await;
    let ada = world.signed_in("ada@example.test").await;
    let mut metadata = web_metadata("app", "com.example.app:/callback", true);
    metadata["application_type"] = "native".into();
    metadata["post_logout_redirect_uris"] = json!([]);
    let app = world.register(metadata, false).await;
    let page = app.authorize(&ada.browser).await.0;
    let answer = Answer(ada.browser.submit(page.press("Allow")).await);
    assert!(answer.parameter("code").is_some() && answer.parameter("session_state").is_none(), "{answer:?}");
}
