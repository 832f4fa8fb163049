//! `/oauth/authorize`: who is asked what, who gets a code, and what is refused to whom.

use std::time::Duration;

use harness::{Answer, Browser, PASSWORD, Page, Person, RelyingParty, World, web_metadata};
use serde_json::json;
use server::admin::{AdminCommand, Part};

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";

fn second(world: &World) {
    world.clock.advance(Duration::from_secs(1));
}

/// The silent request: what would happen without any page.
async fn silently(rp: &RelyingParty, browser: &Browser) -> Answer {
    rp.authorize_with(browser, &[("prompt", "none")]).await
}

/// Signs another person in within the same browser.
async fn join(world: &World, person: &Person, email: &str) -> Person {
    world.create_user(email, PASSWORD).await;
    let page = person.browser.open("/sign-in").await;
    let named = person.browser.submit(page.form_with("email").fill("email", email)).await;
    person.browser.submit(named.form_with("password").fill("password", PASSWORD)).await;
    Person { email: email.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() }
}

fn subject(rp_tokens: &harness::Tokens) -> String {
    rp_tokens.id_claims()["sub"].as_str().unwrap().to_owned()
}

async fn subject_of(rp: &RelyingParty, answer: &Answer) -> String {
    subject(&rp.exchange(&answer.code()).await.tokens())
}

#[tokio::test]
async fn a_person_signs_in_on_the_way_and_the_client_learns_who_it_is() {
    World::each(async |world| {
        let (ada, web) = (world.person(ADA).await, world.rp("web").await);
        let asked = web.authorize(&ada.browser).await;
        assert_eq!(asked.0.heading(), "Sign in", "{}", asked.0);
        world.restart().await;
        let answer = Answer(ada.sign_in_at(asked.0).await);
        assert_eq!(answer.parameter("state").as_deref(), Some("a-state"));
        assert_eq!(answer.parameter("iss").as_deref(), Some(world.issuer()));
        let left = answer.0.left_to.clone().unwrap();
        assert_eq!(&left.as_str()[..left.as_str().find('?').unwrap()], web.redirect_uri);
        let tokens = web.exchange(&answer.code()).await.tokens();
        let claims = tokens.id_claims();
        assert_eq!(
            (claims["nonce"].as_str(), claims["aud"].as_str()),
            (Some("a-nonce"), Some(web.client_id.as_str()))
        );
        let again = silently(&web, &ada.browser).await;
        assert_eq!(subject_of(&web, &again).await, claims["sub"].as_str().unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_person_signs_up_on_the_way() {
    let world = World::start().await;
    let (web, browser) = (world.rp("web").await, world.browser());
    let asked = web.authorize(&browser).await.0;
    let form = browser.open(asked.link("Create an account").as_str()).await.form_with("password");
    let sent = browser.submit(form.fill("email", ADA).fill("password", PASSWORD)).await;
    let code = world.mailed_code(ADA).await;
    let answer = Answer(browser.submit(sent.form_with("code").fill("code", &code)).await);
    web.exchange(&answer.code()).await.tokens();
}

async fn set(world: &World, settings: serde_json::Value) {
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
}

/// From the form for a new account to where it leads.
async fn make_account(world: &World, browser: &Browser, page: &Page, email: &str) -> Answer {
    let form = page.form_with("password").fill("email", email).fill("password", PASSWORD);
    let sent = browser.submit(form).await;
    let code = world.mailed_code(email).await;
    Answer(browser.submit(sent.form_with("code").fill("code", &code)).await)
}

#[tokio::test]
async fn the_client_may_want_a_new_account() {
    World::each(async |world| {
        let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
        let as_ada = subject_of(&web, &silently(&web, &ada.browser).await).await;
        let create = [("prompt", "create")];
        // Also where somebody is signed in. The flow goes on as whoever was made.
        let asked = web.authorize_with(&ada.browser, &create).await.0;
        assert_eq!(asked.heading(), "Create your account", "{asked}");
        assert!(asked.says("then continue to web"), "{asked}");
        let answer = make_account(world, &ada.browser, &asked, BOB).await;
        assert_eq!(answer.parameter("state").as_deref(), Some("a-state"));
        assert_ne!(subject_of(&web, &answer).await, as_ada);
        // Whoever has an account after all signs in, and the flow goes on with that.
        let asked = web.authorize_with(&ada.browser, &create).await.0;
        let sign_in = ada.browser.open(asked.link("Sign in").as_str()).await;
        let back = ada.browser.open(sign_in.link("Create an account").as_str()).await;
        assert_eq!(back.url, asked.url);
        let answer = Answer(ada.sign_in_at(sign_in).await);
        assert_eq!(subject_of(&web, &answer).await, as_ada);
        // With values that a new account fulfils as well; the address is where the form begins.
        let eve = world.browser();
        let all = [("prompt", "login create select_account consent"), ("login_hint", "eve@example.test")];
        let asked = world.rp("stranger").await.authorize_with(&eve, &all).await.0;
        assert_eq!(asked.heading(), "Create your account", "{asked}");
        assert_eq!(asked.form_with("email").value("email"), Some("eve@example.test"));
        let consent = make_account(world, &eve, &asked, "eve@example.test").await;
        press(&eve, &consent, "Allow").await.code();
        // What can't be fulfilled.
        let token = web.exchange(&silently(&web, &ada.browser).await.code()).await.tokens().id.unwrap();
        for wrong in
            [[("prompt", "create none"), ("frob", "")], [("prompt", "create"), ("id_token_hint", &token)]]
        {
            let answer = web.authorize_with(&ada.browser, &wrong).await;
            assert_eq!(answer.error().as_deref(), Some("invalid_request"), "{wrong:?} {}", answer.0);
        }
    })
    .await;
}

/// Initiating User Registration section 4: what discovery doesn't list is refused.
#[tokio::test]
async fn no_new_account_where_sign_up_is_closed() {
    World::each(async |world| {
        let (web, browser) = (world.rp("web").await, world.browser());
        let prompts = async || {
            let document = web.get("/.well-known/openid-configuration").send().await.unwrap();
            document.json::<serde_json::Value>().await.unwrap()["prompt_values_supported"].clone()
        };
        let without = json!(["none", "login", "consent", "select_account"]);
        let with = json!(["none", "login", "consent", "select_account", "create"]);
        assert_eq!(prompts().await, with);
        let open = web.authorize_with(&browser, &[("prompt", "create")]).await.0;
        let sign_in = browser.open(open.link("Sign in").as_str()).await;
        let form = open.form_with("password").fill("email", ADA).fill("password", PASSWORD);
        let verify = browser.submit(form.clone()).await;
        let code = world.mailed_code(ADA).await;

        set(world, json!({ "sign_up": "closed" })).await;
        assert_eq!(prompts().await, without);
        for value in ["create", "create login"] {
            let answer = web.authorize_with(&browser, &[("prompt", value)]).await;
            assert_eq!(answer.error().as_deref(), Some("invalid_request"), "{value} {}", answer.0);
        }
        // What was begun before ends: the pages, their forms, and the flow itself.
        let page = browser.open("/").await;
        assert!(!page.says("Create an account"), "{page}");
        let page = browser.open(sign_in.url.as_str()).await;
        assert!(!page.says("Create an account") && page.heading() == "Sign in", "{page}");
        let by_code = verify.form_with("code").fill("code", &code);
        for page in [
            browser.open("/sign-up").await,
            browser.submit(form.clone()).await,
            browser.open(verify.url.as_str()).await,
            browser.submit(by_code.clone()).await,
            browser.submit(verify.press("Send another code")).await,
        ] {
            assert_eq!((page.status, page.heading().as_str()), (403, "Sign-up is not available"), "{page}");
        }
        assert_eq!(
            world.operate(AdminCommand::UsersList { beginning: None, part: Part::default() }).await.unwrap(),
            json!([])
        );
        let go_on = format!("/oauth/authorize/continue?{}", open.url.query().unwrap());
        let answer = Answer(browser.open(&go_on).await);
        assert_eq!(answer.error().as_deref(), Some("invalid_request"), "{}", answer.0);
        // Who has an account signs in and gets it back by mail as ever.
        let bob = world.signed_in(BOB).await;
        assert_eq!(bob.browser.open("/password/forgot").await.status, 200);

        set(world, json!({ "sign_up": null })).await;
        assert_eq!(prompts().await, with);
        let answer = Answer(browser.submit(by_code).await);
        assert!(answer.0.status < 400, "{}", answer.0);
    })
    .await;
}

#[tokio::test]
async fn a_silent_request_shows_no_page_and_says_why() {
    let world = World::start().await;
    let (web, stranger) = (world.rp("web").await, world.rp("stranger").await);
    let nobody = world.browser();
    assert_eq!(silently(&web, &nobody).await.error().as_deref(), Some("login_required"));
    assert_eq!(nobody.cookies("/"), None, "a browser was made known");
    let ada = world.signed_in(ADA).await;
    silently(&web, &ada.browser).await.code();
    assert_eq!(silently(&stranger, &ada.browser).await.error().as_deref(), Some("consent_required"));
    join(&world, &ada, BOB).await;
    let spa = world.rp("spa").await;
    assert_eq!(silently(&spa, &ada.browser).await.error().as_deref(), Some("account_selection_required"));
    // The client that was used before goes on with the account that it was used with.
    silently(&web, &ada.browser).await.code();
    let both = web.authorize_with(&ada.browser, &[("prompt", "none login")]).await;
    assert_eq!(both.error().as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn the_client_may_want_a_new_sign_in() {
    World::each(async |world| {
        let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
        let first = web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens();
        for changed in [[("prompt", "login")], [("max_age", "0")], [("max_age", "1")]] {
            world.clock.advance(Duration::from_secs(3));
            let asked = web.authorize_with(&ada.browser, &changed).await;
            assert_eq!(asked.0.heading(), "Sign in", "{changed:?} {}", asked.0);
            second(world);
            let answer = Answer(ada.sign_in_at(asked.0).await);
            let again = web.exchange(&answer.code()).await.tokens();
            assert_eq!(subject(&again), subject(&first));
            let auth_time = |tokens: &harness::Tokens| tokens.id_claims()["auth_time"].as_i64().unwrap();
            assert!(auth_time(&again) > auth_time(&first), "{changed:?}");
            assert_eq!(again.id_claims()["sid"], first.id_claims()["sid"]);
        }
        web.authorize_with(&ada.browser, &[("max_age", "10000")]).await.code();
        let with_none = web.authorize_with(&ada.browser, &[("max_age", "10000"), ("prompt", "none")]).await;
        with_none.code();
        world.clock.advance(Duration::from_secs(20));
        let old = web.authorize_with(&ada.browser, &[("max_age", "10"), ("prompt", "none")]).await;
        assert_eq!(old.error().as_deref(), Some("login_required"));
    })
    .await;
}

/// Sends the consent page's form with this button.
async fn press(browser: &Browser, asked: &Answer, button: &str) -> Answer {
    assert_eq!(asked.0.heading(), "Let stranger use your account?", "{}", asked.0);
    Answer(browser.submit(asked.0.press(button)).await)
}

#[tokio::test]
async fn consent_is_asked_once_for_each_thing_and_can_be_refused() {
    World::each(async |world| {
        let (ada, stranger) = (world.signed_in(ADA).await, world.rp("stranger").await);
        let asked = stranger.authorize(&ada.browser).await;
        let refused = press(&ada.browser, &asked, "Cancel").await;
        assert_eq!(refused.error().as_deref(), Some("access_denied"));
        assert_eq!(refused.parameter("state").as_deref(), Some("a-state"));
        let asked = stranger.authorize(&ada.browser).await;
        press(&ada.browser, &asked, "Allow").await.code();
        silently(&stranger, &ada.browser).await.code();
        let more = stranger.asking("openid email");
        assert_eq!(silently(&more, &ada.browser).await.error().as_deref(), Some("consent_required"));
        let asked = more.authorize(&ada.browser).await;
        assert!(asked.0.says("see your email address"), "{}", asked.0);
        press(&ada.browser, &asked, "Allow").await.code();
        silently(&more, &ada.browser).await.code();
        let asked = stranger.authorize_with(&ada.browser, &[("prompt", "consent")]).await;
        press(&ada.browser, &asked, "Allow").await.code();
        // Another person's consent is their own.
        let bob = world.signed_in(BOB).await;
        assert_eq!(silently(&stranger, &bob.browser).await.error().as_deref(), Some("consent_required"));
    })
    .await;
}

#[tokio::test]
async fn a_consent_counts_for_what_was_shown_only() {
    let world = World::start().await;
    let (ada, stranger) = (world.signed_in(ADA).await, world.rp("stranger").await.asking("openid email"));
    let asked = stranger.authorize(&ada.browser).await.0;
    let form = || asked.press("Allow");
    let other = world.signed_in(BOB).await;
    for (name, value, status) in [
        ("scope", "openid", 200),
        ("session", "ses_00000000000000000000000000000000", 200),
        ("session", "", 400),
        ("flow", "", 400),
        ("flow", "flo_00000000000000000000000000000000", 410),
        ("decision", "perhaps", 400),
        ("form_token", "", 403),
        (
            "form_token",
            other.browser.open("/sign-in").await.form_with("email").value("form_token").unwrap(),
            403,
        ),
    ] {
        let page = ada.browser.submit(form().tamper(name, value)).await;
        assert_eq!(page.status, status, "{name}={value} {page}");
        assert_eq!(page.left_to, None, "{name}={value}");
    }
    let from_elsewhere = form().fields;
    let fields: Vec<(&str, &str)> =
        from_elsewhere.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(ada.browser.submit_from_elsewhere("/consent", &fields).await.status, 403);
    Answer(ada.browser.submit(form()).await).code();
    // The back button, and the form once more.
    assert_eq!(ada.browser.submit(form()).await.status, 410);
    assert_eq!(ada.browser.open(asked.url.as_str()).await.status, 410);
}

#[tokio::test]
async fn a_public_client_on_the_device_is_asked_about_each_time() {
    let world = World::start().await;
    let mut metadata = web_metadata("stranger", "http://127.0.0.1/cb", true);
    metadata["application_type"] = json!("native");
    let ada = world.signed_in(ADA).await;
    let mut app = world.register(metadata, false).await;
    app.redirect_uri = "http://127.0.0.1:51000/cb".to_owned();
    for _ in 0..2 {
        let asked = app.authorize(&ada.browser).await;
        assert!(asked.0.says("could pose as this one"), "{}", asked.0);
        let code = press(&ada.browser, &asked, "Allow").await.code();
        app.exchange(&code).await.tokens();
    }
    assert_eq!(silently(&app, &ada.browser).await.error().as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn one_of_several_accounts_is_chosen() {
    World::each(async |world| {
        let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
        let as_ada = web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens();
        join(world, &ada, BOB).await;
        let asked = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await;
        assert_eq!(asked.0.heading(), "Choose an account", "{}", asked.0);
        let answer = Answer(ada.browser.submit(asked.0.press(BOB)).await);
        let as_bob = web.exchange(&answer.code()).await.tokens();
        assert_ne!(subject(&as_ada), subject(&as_bob));
        // The one last used here, the one hinted at by address, the one hinted at by token.
        assert_eq!(subject_of(&web, &silently(&web, &ada.browser).await).await, subject(&as_bob));
        let hinted = web.authorize_with(&ada.browser, &[("login_hint", ADA), ("prompt", "none")]).await;
        assert_eq!(subject_of(&web, &hinted).await, subject(&as_ada));
        let token = as_bob.id.clone().unwrap();
        let hinted = web.authorize_with(&ada.browser, &[("id_token_hint", &token), ("prompt", "none")]).await;
        assert_eq!(subject_of(&web, &hinted).await, subject(&as_bob));
        // A third account, from the page that asks.
        world.create_user("eve@example.test", PASSWORD).await;
        let asked = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0;
        let page = ada.browser.open(asked.link("Use another account").as_str()).await;
        let eve =
            Person { email: "eve@example.test".into(), password: PASSWORD.into(), browser: world.browser() };
        let named = ada.browser.submit(page.form_with("email").fill("email", &eve.email)).await;
        let answer = Answer(ada.browser.submit(named.form_with("password").fill("password", PASSWORD)).await);
        let as_eve = subject_of(&web, &answer).await;
        assert!(as_eve != subject(&as_ada) && as_eve != subject(&as_bob));
    })
    .await;
}

#[tokio::test]
async fn an_id_token_hint_means_that_person_or_nobody() {
    let world = World::start().await;
    let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
    let token = web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens().id.unwrap();
    let bob = world.signed_in(BOB).await;
    let hint = [("id_token_hint", token.as_str())];
    let none = web.authorize_with(&bob.browser, &[hint[0], ("prompt", "none")]).await;
    assert_eq!(none.error().as_deref(), Some("login_required"));
    let asked = web.authorize_with(&bob.browser, &hint).await;
    assert_eq!(asked.0.heading(), "Sign in");
    // Bob signs in once more: not whom the client asked for.
    let answer = Answer(bob.sign_in_at(asked.0).await);
    assert_eq!(answer.error().as_deref(), Some("login_required"));
    let mut forged = token.clone();
    forged.replace_range(token.len() - 6..token.len() - 2, "AAAA");
    let other = world.rp("spa").await;
    for (rp, hint) in [(&web, forged.as_str()), (&web, "x"), (&web, "e30.e30."), (&other, token.as_str())] {
        let answer = rp.authorize_with(&ada.browser, &[("id_token_hint", hint)]).await;
        assert_eq!(answer.error().as_deref(), Some("invalid_request"), "{hint}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_client_once_it_is_known() {
    let world = World::start().await;
    let (ada, spa) = (world.signed_in(ADA).await, world.rp("spa").await);
    for (name, value, error) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "code code", "unsupported_response_type"),
        ("response_type", "none", "unsupported_response_type"),
        ("response_mode", "web_message", "invalid_request"),
        ("request", "e30.e30.", "invalid_request_object"),
        ("request_uri", "https://x.example/r", "invalid_request_uri"),
        ("registration", "{}", "registration_not_supported"),
        ("claims", "{", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "openid  email", "invalid_scope"),
        ("scope", "unheard-of", "invalid_scope"),
        ("prompt", "perhaps", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("resource", "https://unknown.example", "invalid_target"),
        ("resource", "not a uri", "invalid_target"),
        ("nonce", &"n".repeat(2000), "invalid_request"),
    ] {
        let answer = spa.authorize_with(&ada.browser, &[(name, value)]).await;
        assert_eq!(answer.error().as_deref(), Some(error), "{name}={value} {}", answer.0);
        assert_eq!(answer.parameter("state").as_deref(), Some("a-state"), "{name}={value}");
        assert_eq!(answer.parameter("iss").as_deref(), Some(world.issuer()), "{name}={value}");
        assert_eq!(answer.parameter("code"), None);
    }
    for (name, value) in [
        ("display", "wap"),
        ("ui_locales", "xx"),
        ("claims", r#"{"userinfo":{"frob":null}}"#),
        ("frob", "1"),
        ("acr_values", "9"),
        ("scope", "openid x"),
    ] {
        spa.authorize_with(&ada.browser, &[(name, value)]).await.code();
    }
}

#[tokio::test]
async fn what_could_go_to_a_stranger_is_told_to_the_person() {
    let world = World::start().await;
    let (ada, spa) = (world.signed_in(ADA).await, world.rp("spa").await);
    let long = "s".repeat(5000);
    for (name, value, words) in [
        ("client_id", "", "client_id is missing"),
        ("client_id", "nobody", "client_id names no client"),
        ("client_id", "caf\u{e9}", "client_id names no client"),
        ("redirect_uri", "", "redirect_uri is missing"),
        ("redirect_uri", "https://evil.example/callback", "redirect_uri is not one"),
        ("redirect_uri", "https://spa.example.test/callback/", "redirect_uri is not one"),
        ("redirect_uri", "https://spa.example.test/callback?x=1", "redirect_uri is not one"),
        ("redirect_uri", "https://spa.example.test@evil.example/callback", "redirect_uri is not one"),
        ("redirect_uri", "javascript:alert(1)", "redirect_uri is not one"),
        ("redirect_uri", "//spa.example.test/callback", "redirect_uri is not one"),
        ("state", &long, "state is too long"),
    ] {
        let page = spa.authorize_with(&ada.browser, &[(name, value)]).await.0;
        assert_eq!((page.status, page.left_to.as_ref()), (400, None), "{name}={value} {page}");
        assert!(page.says(words), "{name}={value} {page}");
    }
    let good = spa.authorization_url(&[]);
    for (broken, words) in [
        (format!("{good}&state=again"), "the parameter state is repeated"),
        (format!("{good}&client_id=x"), "the parameter client_id is repeated"),
        (format!("{good}&x=%"), "not well-formed"),
        (format!("{good}&x=%ff"), "not well-formed"),
        (format!("{good}&x={}", "x".repeat(9000)), "too large"),
    ] {
        let page = ada.browser.arrive(&broken).await;
        assert_eq!((page.status, page.left_to.as_ref()), (400, None), "{page}");
        assert!(page.says(words), "{page}");
    }
}

async fn post(browser: &Browser, rp: &RelyingParty, changed: &[(&str, &str)]) -> Page {
    let mut fields = rp.authorization_parameters();
    fields.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit_from_elsewhere("/oauth/authorize", &fields).await
}

#[tokio::test]
async fn a_request_may_come_as_a_form_of_another_site() {
    World::each(async |world| {
        let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
        Answer(post(&ada.browser, &web, &[]).await).code();
        Answer(post(&ada.browser, &web, &[("prompt", "none")]).await).code();
        let nobody = world.browser();
        let silent = Answer(post(&nobody, &web, &[("prompt", "none")]).await);
        assert_eq!(silent.error().as_deref(), Some("login_required"));
        assert_eq!(post(&nobody, &web, &[]).await.heading(), "Sign in");
        assert_eq!(post(&nobody, &web, &[("state", "again")]).await.status, 400);
        let wrong = Answer(post(&nobody, &web, &[("max_age", "soon")]).await);
        assert_eq!(wrong.error().as_deref(), Some("invalid_request"));
        let json = web.post("/oauth/authorize").json(&json!({ "client_id": web.client_id }));
        assert_eq!(json.send().await.unwrap().status(), 400);
    })
    .await;
}

#[tokio::test]
async fn tabs_do_not_disturb_each_other() {
    let world = World::start().await;
    let (ada, web, stranger) = (world.person(ADA).await, world.rp("web").await, world.rp("stranger").await);
    let first = web.authorize_with(&ada.browser, &[("state", "first")]).await;
    let second = stranger.authorize_with(&ada.browser, &[("state", "second")]).await;
    let third = web.authorize_with(&ada.browser, &[("state", "third")]).await;
    let third_page = third.0.url.clone();
    let answer = Answer(ada.sign_in_at(first.0).await);
    assert_eq!(answer.parameter("state").as_deref(), Some("first"));
    // The second tab's sign-in page, still open, goes on to what its own client needs.
    let asked = Answer(ada.sign_in_at(second.0).await);
    let answer = press(&ada.browser, &asked, "Allow").await;
    assert_eq!(answer.parameter("state").as_deref(), Some("second"));
    // The third one is reloaded through where its pages return to: no page is needed any more.
    let flow = third_page.query().unwrap();
    let answer = Answer(ada.browser.open(&format!("/oauth/authorize/continue?{flow}")).await);
    assert_eq!(answer.parameter("state").as_deref(), Some("third"));
}

#[tokio::test]
async fn a_flow_is_of_one_browser_one_use_and_one_hour() {
    World::each(async |world| {
        let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
        let mallory = world.signed_in("mallory@example.test").await;
        let begin = async || {
            let asked = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0;
            let go_on = format!("/oauth/authorize/continue?{}", asked.url.query().unwrap());
            (asked, go_on)
        };
        let (asked, go_on) = begin().await;
        for path in [asked.url.as_str(), go_on.as_str()] {
            let page = mallory.browser.open(path).await;
            assert_eq!((page.status, page.left_to.as_ref()), (410, None), "{page}");
        }
        let token =
            mallory.browser.open("/sign-in").await.form_with("email").value("form_token").unwrap().to_owned();
        let stolen = asked.press(ADA);
        assert_eq!(mallory.browser.submit(stolen.clone()).await.status, 403);
        assert_eq!(mallory.browser.submit(stolen.tamper("form_token", &token)).await.status, 410);
        Answer(ada.browser.submit(asked.press(ADA)).await).code();
        for path in [asked.url.as_str(), go_on.as_str()] {
            assert_eq!(ada.browser.open(path).await.status, 410, "used already");
        }
        let (asked, go_on) = begin().await;
        world.clock.advance(Duration::from_hours(1));
        for path in [asked.url.as_str(), go_on.as_str()] {
            assert_eq!(ada.browser.open(path).await.status, 410, "too old");
        }
        assert_eq!(ada.browser.submit(asked.press(ADA)).await.status, 410);
        for path in [
            "/oauth/authorize/continue",
            "/oauth/authorize/continue?flow=x",
            "/consent",
            "/select-account?flow=x",
        ] {
            assert_eq!(ada.browser.open(path).await.status, 400, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_can_not_choose_a_session_of_another_browser() {
    let world = World::start().await;
    let (ada, bob, web) = (world.signed_in(ADA).await, world.signed_in(BOB).await, world.rp("web").await);
    let tokens = web.exchange(&web.authorize(&bob.browser).await.code()).await.tokens();
    let bobs = tokens.id_claims()["sid"].as_str().unwrap().to_owned();
    let asked = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0;
    let page = ada.browser.submit(asked.press(ADA).tamper("session", &bobs)).await;
    assert_eq!(page.heading(), "Choose an account", "{page}");
}

#[tokio::test]
async fn a_client_that_goes_away_meanwhile_gets_nothing() {
    let world = World::start().await;
    let (ada, stranger) = (world.signed_in(ADA).await, world.rp("stranger").await);
    let asked = stranger.authorize(&ada.browser).await.0;
    world.operate(AdminCommand::ClientsDelete { client_id: stranger.client_id.clone() }).await.unwrap();
    let page = ada.browser.submit(asked.press("Allow")).await;
    assert_eq!((page.status, page.left_to.as_ref()), (400, None), "{page}");
    assert!(page.says("client_id names no client"));
}

#[tokio::test]
async fn a_resource_is_one_that_exists() {
    let world = World::start().await;
    let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
    let create = AdminCommand::ResourceServersCreate {
        identifier: "https://api.example.test".to_owned(),
        scope: "reports:read".to_owned(),
        token_format: "jwt-es256".to_owned(),
        token_lifetime: 60,
        introspection_client: None,
    };
    world.operate(create).await.unwrap();
    let answer = web.authorize_with(&ada.browser, &[("resource", "https://api.example.test")]).await;
    web.exchange(&answer.code()).await.tokens();
    let twice = format!(
        "{}&resource={}",
        web.authorization_url(&[("resource", "https://api.example.test")]),
        world.issuer()
    );
    Answer(ada.browser.arrive(&twice).await).code();
    let near = web.authorize_with(&ada.browser, &[("resource", "https://api.example.test/")]).await;
    assert_eq!(near.error().as_deref(), Some("invalid_target"));
}

#[tokio::test]
async fn answers_are_not_kept_and_tell_no_referrer() {
    let world = World::start().await;
    let (ada, web) = (world.signed_in(ADA).await, world.rp("web").await);
    let url = ada.browser.resolve(&web.authorization_url(&[]));
    let answer = ada.browser.once(ada.browser.navigate(reqwest::Method::GET, url, "cross-site")).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let page = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
}
