//! `/oauth/device_authorization` and `/device`: a device without a browser asks, and a person answers in one.

use std::time::Duration;

use harness::{Browser, DEVICE_CODE, PASSWORD, Page, RelyingParty, TokenAnswer, World};
use serde_json::{Value, json};
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";
const SCOPE: &str = "openid email offline_access";

async fn television(world: &World, method: &str, first_party: bool) -> RelyingParty {
    let metadata = json!({
        "client_name": "Television",
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "token_endpoint_auth_method": method,
        "scope": SCOPE,
    });
    world.register(metadata, first_party).await
}

/// What the device was given.
struct Codes {
    device: String,
    user: String,
    link: String,
}

async fn codes(tv: &RelyingParty) -> Codes {
    let asked = tv.ask_for_device(&[("scope", SCOPE)]).await;
    assert_eq!(asked.status, 200, "{asked}");
    let text =
        |member: &str| asked.body[member].as_str().unwrap_or_else(|| panic!("{member}: {asked}")).to_owned();
    Codes { device: text("device_code"), user: text("user_code"), link: text("verification_uri_complete") }
}

/// Types a code on the page that asks for one.
async fn type_code(browser: &Browser, code: &str) -> Page {
    let page = browser.open("/device").await;
    browser.submit(page.form_with("user_code").fill("user_code", code)).await
}

/// Says of a device that it is one's own.
async fn claim(browser: &Browser, code: &str) -> Page {
    let page = type_code(browser, code).await;
    assert_eq!(page.heading(), "Is this your device?", "{page}");
    browser.submit(page.press("Yes, go on")).await
}

/// Signs in from the page that asks for the address.
async fn sign_in_at(browser: &Browser, page: &Page) -> Page {
    let named = browser.submit(page.form_with("email").fill("email", ADA)).await;
    browser.submit(named.form_with("password").fill("password", PASSWORD)).await
}

fn error(answer: &TokenAnswer) -> (u16, &str) {
    (answer.status, answer.error().unwrap_or_default())
}

#[tokio::test]
async fn a_person_connects_a_device() {
    World::each(async |world| {
        for method in ["none", "client_secret_basic"] {
            let tv = television(world, method, false).await;
            let asked = tv.ask_for_device(&[("scope", SCOPE)]).await;
            assert_eq!(asked.header("cache-control"), Some("no-store"));
            let page_address = format!("{}/device", world.issuer());
            let user_code = asked.body["user_code"].as_str().unwrap();
            let rest = json!({
                "device_code": asked.body["device_code"], "user_code": user_code, "verification_uri": page_address,
                "verification_uri_complete": format!("{page_address}?user_code={user_code}"), "expires_in": 600, "interval": 5,
            });
            assert_eq!(asked.body, rest);
            let device_code = asked.body["device_code"].as_str().unwrap();
            assert_eq!(error(&tv.poll(device_code).await), (400, "authorization_pending"));

            let email = format!("ada-{method}@example.test");
            let ada = world.person(&email).await;
            // The code of the link stands in the form, and is nothing more than that.
            let page = ada.browser.arrive(rest["verification_uri_complete"].as_str().unwrap()).await;
            assert_eq!(page.form_with("user_code").value("user_code"), Some(user_code));
            let page = ada.browser.submit(page.form_with("user_code")).await;
            assert!(page.says("Television") && page.says(user_code) && page.says("Go on only if you began this"), "{page}");
            let page = ada.browser.submit(page.press("Yes, go on")).await;
            assert!(page.says("to continue to Television"), "{page}");
            let named = ada.browser.submit(page.form_with("email").fill("email", &email)).await;
            let page = ada.browser.submit(named.form_with("password").fill("password", PASSWORD)).await;
            assert_eq!(page.heading(), "Let Television use your account?", "{page}");
            assert!(page.says("This is for a device"), "{page}");
            let page = ada.browser.submit(page.press("Allow")).await;
            assert_eq!(page.heading(), "You can go back to your device", "{page}");
            assert_eq!(ada.browser.open(page.url.as_str()).await.heading(), page.heading(), "loaded again");

            let tokens = tv.poll(device_code).await.tokens();
            let id = tokens.id_claims();
            assert_eq!((&id["aud"], id.get("nonce")), (&json!(tv.client_id), None));
            assert_eq!(tv.userinfo(&tokens.access).await.body["email"], email.as_str());
            let refreshed = tv.refresh(tokens.refresh.as_deref().unwrap()).await.tokens();
            // Used again: one of the two who have it should not.
            assert_eq!(error(&tv.poll(device_code).await), (400, "invalid_grant"));
            assert_eq!(error(&tv.refresh(refreshed.refresh.as_deref().unwrap()).await), (400, "invalid_grant"));
            assert_eq!(tv.userinfo(&refreshed.access).await.status, 401);
        }
        assert_eq!(world.events("grant.replay_detected").await, 2);
    })
    .await;
}

#[tokio::test]
async fn whose_device_it_is_is_asked_with_what_nobody_vouches_for() {
    let world = World::start().await;
    let settings = json!({ "registration": { "mode": "open", "grant_types": [DEVICE_CODE] } });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
    let metadata = json!({
        "client_name": "Television", "grant_types": [DEVICE_CODE], "token_endpoint_auth_method": "none", "scope": "openid",
    });
    let made = world.rp("web").await.post("/oauth/register").json(&metadata).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let id = made["client_id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let by_itself = RelyingParty::new(world.issuer(), id, None, "");
    let by_operator = television(&world, "none", false).await;
    for (tv, warned) in [(by_itself, true), (by_operator, false)] {
        let asked = tv.ask_for_device(&[("scope", "openid")]).await;
        let page = type_code(&world.browser(), asked.body["user_code"].as_str().unwrap()).await;
        assert_eq!(page.heading(), "Is this your device?", "{page}");
        assert_eq!(page.says("Television registered itself with"), warned, "{page}");
    }
}

#[tokio::test]
async fn a_device_that_asks_too_often_is_told_to_slow_down_and_an_old_code_is_worth_nothing() {
    World::each(async |world| {
        let (tv, other) = (television(world, "none", false).await, television(world, "none", false).await);
        let codes = codes(&tv).await;
        // Seconds since the last question, and the answer.
        for (wait, answer) in [
            (0, "authorization_pending"),
            (2, "slow_down"),
            (5, "slow_down"),
            (15, "authorization_pending"),
            (5, "slow_down"),
            (20, "authorization_pending"),
        ] {
            world.clock.advance(Duration::from_secs(wait));
            assert_eq!(error(&tv.poll(&codes.device).await), (400, answer), "{wait}");
        }
        assert_eq!(error(&other.poll(&codes.device).await), (400, "invalid_grant"), "another client's code");
        world.clock.advance(Duration::from_secs(600 - 47 - 1));
        assert_eq!(error(&tv.poll(&codes.device).await), (400, "authorization_pending"));
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(error(&tv.poll(&codes.device).await), (400, "expired_token"));
        let page = type_code(&world.browser(), &codes.user).await;
        assert!(page.status == 422 && page.alerts()[0].starts_with("This code doesn't work."), "{page}");
    })
    .await;
}

#[tokio::test]
async fn who_refuses_is_heeded_at_each_step() {
    World::each(async |world| {
        let tv = television(world, "none", false).await;
        // Not their device: nobody has to sign in to say so.
        let first = codes(&tv).await;
        let browser = world.browser();
        let page = type_code(&browser, &first.user).await;
        let page = browser.submit(page.press("No, it isn't mine")).await;
        assert_eq!(page.heading(), "The device was not connected", "{page}");
        assert_eq!(error(&tv.poll(&first.device).await), (400, "access_denied"));
        assert_eq!(type_code(&browser, &first.user).await.status, 422, "answered already");
        // Their device, but not what it wants.
        let second = codes(&tv).await;
        let ada = world.signed_in(ADA).await;
        let page = claim(&ada.browser, &second.user).await;
        assert_eq!(page.heading(), "Let Television use your account?", "{page}");
        let page = ada.browser.submit(page.press("Cancel")).await;
        assert_eq!(page.heading(), "The device was not connected", "{page}");
        assert_eq!(error(&tv.poll(&second.device).await), (400, "access_denied"));
        assert_eq!(world.events("device.denied").await, 2);
    })
    .await;
}

#[tokio::test]
async fn consent_is_asked_each_time_whatever_was_allowed_before() {
    let world = World::start().await;
    // First-party, with a secret, and allowed before: all the same a stranger may have sent the code.
    let tv = television(&world, "client_secret_basic", true).await;
    let ada = world.signed_in(ADA).await;
    for _ in 0..2 {
        let codes = codes(&tv).await;
        let page = claim(&ada.browser, &codes.user).await;
        assert_eq!(page.heading(), "Let Television use your account?", "{page}");
        ada.browser.submit(page.press("Allow")).await;
        tv.poll(&codes.device).await.tokens();
    }
}

#[tokio::test]
async fn a_device_is_answered_in_the_browser_that_said_it_is_theirs() {
    World::each(async |world| {
        let tv = television(world, "none", false).await;
        let codes = codes(&tv).await;
        let ada = world.signed_in(ADA).await;
        let stranger = world.browser();
        let consent = claim(&ada.browser, &codes.user).await;
        assert_eq!(type_code(&stranger, &codes.user).await.status, 422);
        let flow = consent.form_with("scope").value("flow").unwrap().to_owned();
        for path in ["/oauth/authorize/continue", "/consent", "/select-account", "/sign-in", "/device/done"] {
            assert_eq!(stranger.open(&format!("{path}?flow={flow}")).await.status, 410, "{path}");
        }
        // Nothing was said yet, and it is no sign-out that waits.
        assert_eq!(ada.browser.open(&format!("/device/done?flow={flow}")).await.status, 410);
        let end = consent.press("Allow");
        let mut elsewhere = end.clone();
        elsewhere.action = ada.browser.resolve("/oauth/end_session/confirm");
        assert_eq!(ada.browser.submit(elsewhere).await.status, 410);
        // Begun anew in the same browser: the page from before is worth nothing.
        let anew = claim(&ada.browser, &codes.user).await;
        assert_eq!(ada.browser.submit(end).await.status, 410);
        assert_eq!(error(&tv.poll(&codes.device).await), (400, "authorization_pending"));
        ada.browser.submit(anew.press("Allow")).await;
        tv.poll(&codes.device).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_code_is_typed_as_people_type_and_guesses_are_few() {
    World::each(async |world| {
        let tv = television(world, "none", false).await;
        let codes = codes(&tv).await;
        let browser = world.browser();
        for (typed, words) in [
            ("", "Enter the code"),
            (" - ", "eight letters"),
            ("BCDF-GHJ", "eight letters"),
            ("BCDF-GHJA", "eight letters"),
            ("12345678", "eight letters"),
        ] {
            let page = type_code(&browser, typed).await;
            assert!(page.status == 422 && page.alerts()[0].contains(words), "{typed}: {page}");
        }
        let typed = codes.user.replace('-', " ").to_lowercase();
        assert_eq!(type_code(&browser, &typed).await.heading(), "Is this your device?");
        // What could be no code was no guess, and a right one is forgotten.
        for letter in ["B", "C", "D", "F", "G"] {
            let page = type_code(&browser, &letter.repeat(8)).await;
            assert_eq!(page.status, 422, "{page}");
        }
        let page = type_code(&browser, &codes.user).await;
        assert!(page.status == 429 && page.headers["retry-after"] == "30", "not looked at: {page}");
        world.clock.advance(Duration::from_secs(30));
        assert!(claim(&browser, &codes.user).await.says("to continue to Television"));
        // That made the browser's budget whole.
        for letter in ["B", "C", "D", "F", "G"] {
            assert_eq!(type_code(&browser, &letter.repeat(8)).await.status, 422);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_device_may_not_ask_is_refused() {
    World::each(async |world| {
        let (tv, web) = (television(world, "none", false).await, world.rp("web").await);
        for (name, rp, parameters, status, code) in [
            ("not registered", &web, vec![("scope", "openid")], 400, "unauthorized_client"),
            ("no scope", &tv, vec![], 400, "invalid_scope"),
            ("malformed scope", &tv, vec![("scope", "a  b")], 400, "invalid_scope"),
            ("no scope of its own", &tv, vec![("scope", "phone")], 400, "invalid_scope"),
            ("scope twice", &tv, vec![("scope", "openid"), ("scope", "email")], 400, "invalid_request"),
            ("no resource", &tv, vec![("scope", "openid"), ("resource", "api")], 400, "invalid_target"),
            (
                "unknown resource",
                &tv,
                vec![("scope", "openid"), ("resource", "https://a.test")],
                400,
                "invalid_target",
            ),
        ] {
            assert_eq!(error(&rp.ask_for_device(&parameters).await), (status, code), "{name}");
        }
        let nobody = RelyingParty::new(world.issuer(), "nobody", None, "");
        assert_eq!(error(&nobody.ask_for_device(&[("scope", "openid")]).await), (401, "invalid_client"));
        let discovery: Value =
            tv.get("/.well-known/openid-configuration").send().await.unwrap().json().await.unwrap();
        let endpoint = format!("{}/oauth/device_authorization", world.issuer());
        assert_eq!(discovery["device_authorization_endpoint"], endpoint.as_str());
        assert!(discovery["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_may_ask_no_longer_gets_no_answer_but_a_refusal() {
    World::each(async |world| {
        use server::admin::{AdminCommand, ClientChanges};
        let tv = television(world, "none", false).await;
        let codes = codes(&tv).await;
        let browser = world.browser();
        world.create_user(ADA, PASSWORD).await;
        let sign_in = claim(&browser, &codes.user).await;
        let metadata = json!({ "scope": "phone" });
        let changes = ClientChanges { metadata, ..ClientChanges::default() };
        let client_id = tv.client_id.clone();
        world.operate(AdminCommand::ClientsUpdate { client_id, changes, new_secret: false }).await.unwrap();
        let page = sign_in_at(&browser, &sign_in).await;
        assert_eq!(page.heading(), "The device was not connected", "{page}");
        assert_eq!(error(&tv.poll(&codes.device).await), (400, "access_denied"));
        assert!(!codes.link.contains(&codes.device), "the link tells what only the device may know");
    })
    .await;
}
