//! `/account`: whose account a page is about, and what people tell of themselves.

use harness::{Browser, PASSWORD, Person, World};
use serde_json::json;
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";
const BOB: &str = "bob@example.test";

const PAGES: [&str; 8] = [
    "/account",
    "/account/email",
    "/account/email/verify",
    "/account/password",
    "/account/sessions",
    "/account/clients",
    "/account/data",
    "/account/delete",
];
const FORMS: [&str; 11] = [
    "/account",
    "/account/email",
    "/account/email/verify",
    "/account/email/resend",
    "/account/email/primary",
    "/account/email/remove",
    "/account/password",
    "/account/sessions",
    "/account/clients",
    "/account/data",
    "/account/delete",
];

/// The id of the session that a browser's account pages are about.
pub async fn session_of(browser: &Browser) -> String {
    let page = browser.open("/account").await;
    page.form_with("nickname").value("account").unwrap_or_else(|| panic!("no session on {page}")).to_owned()
}

/// The form of a page that has this field, or this button.
pub async fn save_name(person: &Person, name: &str) -> harness::Page {
    let page = person.browser.open("/account").await;
    person.browser.submit(page.form_with("nickname").fill("name", name)).await
}

#[tokio::test]
async fn who_is_not_signed_in_signs_in_and_comes_back_to_the_page_they_asked_for() {
    World::each(async |world| {
        let ada = world.person(ADA).await;
        for (path, heading) in [("/account/sessions", "Devices"), ("/account/delete", "Delete account")] {
            let asked = ada.browser.open(path).await;
            assert_eq!(asked.heading(), "Sign in", "{asked}");
            let there = ada.sign_in_at(asked).await;
            assert_eq!((there.status, there.heading().as_str()), (200, heading), "{there}");
            let out = ada.browser.open("/sign-out").await;
            ada.browser.submit(out.press("Sign out")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_way_back_leads_to_pages_of_the_account_only() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let session = session_of(&ada.browser).await;
    for back in ["", "https://elsewhere.example/", "//elsewhere.example", "/account", "oauth"] {
        let page = ada.browser.open(&format!("/account/confirm?account={session}&back={back}")).await;
        assert_eq!(page.status, 400, "{back}: {page}");
    }
    let page = ada.browser.open(&format!("/account/confirm?account={session}&back=email")).await;
    let form = page.form_with("password").fill("password", PASSWORD).tamper("back", "//elsewhere.example");
    assert_eq!(ada.browser.submit(form).await.status, 400);
    // A flow of this kind is no authorization request, and one of another browser is nobody else's.
    let asked = world.browser().open("/account/email").await;
    let flow = asked.form_with("email").value("flow").unwrap().to_owned();
    for path in [
        "/oauth/authorize/continue",
        "/consent",
        "/select-account",
        "/sign-in",
        "/oauth/end_session/continue",
    ] {
        let page = ada.browser.open(&format!("{path}?flow={flow}")).await;
        assert_eq!(page.status, 410, "{path}: {page}");
    }
}

#[tokio::test]
async fn no_page_and_no_form_reaches_the_account_of_another_browser() {
    let world = World::start().await;
    let (ada, bob) = (world.signed_in(ADA).await, world.signed_in(BOB).await);
    let (hers, his) = (session_of(&ada.browser).await, session_of(&bob.browser).await);
    let never = format!("ses_{}", "0".repeat(32));
    for path in PAGES {
        for session in [&hers, &never] {
            let page = bob.browser.open(&format!("{path}?account={session}")).await;
            assert_eq!(page.heading(), "Sign in", "{path}: {page}");
            assert!(!page.body.contains(ADA), "{path}");
        }
        assert_eq!(bob.browser.open(&format!("{path}?account=x")).await.status, 400, "{path}");
        assert_eq!(
            bob.browser.open(&format!("{path}?account={his}&account={hers}")).await.status,
            400,
            "{path}"
        );
    }
    let token =
        bob.browser.open("/account").await.form_with("nickname").value("form_token").unwrap().to_owned();
    for path in FORMS {
        for (account, status) in [(hers.as_str(), 410), (never.as_str(), 410), ("", 400), ("x", 400)] {
            let page = bob.browser.open("/account").await;
            let form = page.form_with("nickname").at(path);
            let mut form = form.tamper("account", account).tamper("name", "Thief");
            for (name, value) in [
                ("which", "all"),
                ("sure", "yes"),
                ("email", "thief@example.test"),
                ("password", PASSWORD),
                ("new_password", "a wholly other lantern at sea"),
                ("client", "cli_x"),
                ("code", "123456"),
            ] {
                form = form.tamper(name, value);
            }
            let answer = bob.browser.submit(form.clone()).await;
            assert_eq!(answer.status, status, "{path} {account:?}: {answer}");
            assert_eq!(bob.browser.submit(form.without("form_token")).await.status, 403, "{path}");
        }
        let crossed =
            bob.browser.submit_from_elsewhere(path, &[("form_token", &token), ("account", &his)]).await;
        assert_eq!(crossed.status, 403, "{path}");
    }
    let page = ada.browser.open("/account").await;
    assert_eq!(page.status, 200, "{page}");
    assert_eq!(page.form_with("nickname").value("name"), Some(""));
}

#[tokio::test]
async fn two_accounts_of_one_browser_never_mix() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let hers = session_of(&ada.browser).await;
    world.create_user(BOB, PASSWORD).await;
    let bob = Person { email: BOB.to_owned(), password: PASSWORD.to_owned(), browser: ada.browser };
    world.clock.advance(std::time::Duration::from_secs(1));
    bob.sign_in().await;
    let browser = &bob.browser;
    let his = session_of(browser).await;
    assert_ne!(hers, his, "the one who signed in last is shown");
    // Two tabs are open before either form is sent.
    let (hers_tab, his_tab) = (
        browser.open(&format!("/account?account={hers}")).await,
        browser.open(&format!("/account?account={his}")).await,
    );
    assert!(hers_tab.says("Switch account") && hers_tab.says(BOB) && his_tab.says(ADA));
    let saved = browser.submit(his_tab.form_with("nickname").fill("name", "Bob")).await;
    assert!(
        saved.says("Your profile was saved.") && saved.form_with("nickname").value("account") == Some(&his)
    );
    let saved = browser.submit(hers_tab.form_with("nickname").fill("name", "Ada")).await;
    assert!(saved.form_with("nickname").value("account") == Some(&hers), "{saved}");
    for (session, name) in [(&hers, "Ada"), (&his, "Bob")] {
        let page = browser.open(&format!("/account?account={session}")).await;
        assert_eq!(page.form_with("nickname").value("name"), Some(name));
    }
}

#[tokio::test]
async fn an_account_of_one_tenant_is_nobody_at_another() {
    let world = World::start().await;
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.unwrap();
    let ada = world.signed_in(ADA).await;
    let session = session_of(&ada.browser).await;
    for path in PAGES {
        let page = ada.browser.open(&format!("/t/acme{path}?account={session}")).await;
        assert_eq!(page.heading(), "Sign in", "{path}: {page}");
        assert!(page.url.path().starts_with("/t/acme/"), "{}", page.url);
    }
}

#[tokio::test]
async fn a_deleted_user_has_no_pages_left() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let page = ada.browser.open("/account").await;
    world.operate(AdminCommand::UsersDelete { user: ADA.to_owned() }).await.unwrap();
    assert_eq!(ada.browser.submit(page.form_with("nickname")).await.status, 410);
    assert_eq!(ada.browser.open("/account").await.heading(), "Sign in");
}

#[tokio::test]
async fn people_say_what_is_theirs_to_say_and_relying_parties_hear_it() {
    World::each(async |world| {
        let rp = world.rp("web").await.asking("openid profile phone address");
        let profile = json!({ "preferred_username": "ada", "phone_number": "+48221234567", "phone_number_verified": true });
        world.create_user_with(ADA, PASSWORD, Some(profile)).await;
        let ada = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser: world.browser() };
        ada.sign_in().await;
        let page = ada.browser.open("/account").await;
        let form = page
            .form_with("nickname")
            .fill("name", " Ada Lovelace ")
            .fill("birthdate", "1815-12-10")
            .fill("address.locality", "London")
            .tamper("preferred_username", "root")
            .tamper("phone_number_verified", "true")
            .tamper("email_verified", "true")
            .tamper("sub", "somebody");
        let saved = ada.browser.submit(form).await;
        assert!(saved.says("Your profile was saved."), "{saved}");
        let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
        let told = rp.userinfo(&tokens.access).await.body;
        assert_eq!(told["name"], "Ada Lovelace");
        assert_eq!(told["preferred_username"], "ada");
        assert_eq!(told["phone_number_verified"], true, "a number that stayed the same lost its proof");
        assert_eq!(told["address"]["locality"], "London");
        let page = ada.browser.open("/account").await;
        let rung = page.form_with("nickname").fill("phone_number", "+48229999999").tamper("phone_number_verified", "true");
        ada.browser.submit(rung).await;
        let told = rp.userinfo(&tokens.access).await.body;
        assert_eq!(told["phone_number"], "+48229999999");
        assert!(told["phone_number_verified"] != true, "a number was verified by one's own word: {told}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_of_its_form_is_said_at_its_field_and_nothing_is_saved() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let page = ada.browser.open("/account").await;
    let form = page.form_with("nickname").fill("name", "Ada").fill("website", "javascript:alert(1)");
    let refused = ada.browser.submit(form).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_eq!(refused.alerts().len(), 1, "{refused}");
    assert_eq!(refused.form_with("nickname").value("name"), Some("Ada"), "what was typed is gone");
    assert_eq!(ada.browser.open("/account").await.form_with("nickname").value("name"), Some(""));
    let saved = save_name(&ada, "<script>alert(1)</script>").await;
    assert!(!saved.body.contains("<script>"), "{saved}");
}
