//! `/sign-in`: the address, then the password; and what must not lead to a session.

use harness::{Browser, PASSWORD, Page, World};
use serde_json::{Value, json};
use server::admin::AdminCommand;
use std::time::Duration;

const EMAIL: &str = "ada@example.test";

/// From nothing to the page that asks for the password.
async fn identify(browser: &Browser, email: &str) -> Page {
    let page = browser.open("/sign-in").await;
    browser.submit(page.form_with("email").fill("email", email)).await
}

async fn prove(browser: &Browser, asked: &Page, password: &str) -> Page {
    browser.submit(asked.form_with("password").fill("password", password)).await
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.open("/").await.heading() == "You are signed in"
}

#[tokio::test]
async fn the_right_password_signs_in_on_any_spelling_of_the_address() {
    World::each(async |world| {
        world.sign_up(EMAIL).await;
        let browser = world.browser();
        let asked = identify(&browser, " ADA@Example.TEST").await;
        assert_eq!(asked.heading(), "Enter your password", "{asked}");
        let home = prove(&browser, &asked, PASSWORD).await;
        assert_eq!((home.status, home.heading().as_str()), (200, "You are signed in"), "{home}");
    })
    .await;
}

#[tokio::test]
async fn an_address_without_account_is_answered_like_a_wrong_password() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let browser = world.browser();
    let (known, unknown) = (identify(&browser, EMAIL).await, identify(&browser, "eve@example.test").await);
    let words = |page: &Page| (page.status, page.text().replace(EMAIL, "…").replace("eve@example.test", "…"));
    assert_eq!(words(&known), words(&unknown));
    let wrong = "not the password at all";
    let (known, unknown) = (prove(&browser, &known, wrong).await, prove(&browser, &unknown, wrong).await);
    assert_eq!(known.status, 422, "{known}");
    assert_eq!(words(&known), words(&unknown));
    let names = |page: &Page| page.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    assert!(!is_signed_in(&browser).await);
}

#[tokio::test]
async fn an_attempt_is_its_browsers_alone() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let (owner, thief) = (world.browser(), world.browser());
    let asked = identify(&owner, EMAIL).await;
    assert_eq!(thief.open(asked.url.as_str()).await.status, 410, "another browser saw the page");
    let token = thief.open("/sign-in").await.form_with("email").value("form_token").unwrap().to_owned();
    let stolen = || asked.form_with("password").fill("password", PASSWORD);
    assert_eq!(thief.submit(stolen()).await.status, 403);
    assert_eq!(thief.submit(stolen().tamper("form_token", &token)).await.status, 410);
    assert!(!is_signed_in(&thief).await);
    prove(&owner, &asked, PASSWORD).await;
    assert!(is_signed_in(&owner).await && !is_signed_in(&thief).await);
}

#[tokio::test]
async fn a_handle_from_before_the_sign_in_is_worth_nothing_after_it() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let (victim, attacker) = (world.browser(), world.browser());
    attacker.open("/sign-in").await;
    let planted = attacker.cookies("/").unwrap();
    victim.plant_cookie(&format!("{planted}; Path=/"));
    let asked = identify(&victim, EMAIL).await;
    assert_eq!(victim.cookies("/").unwrap(), planted, "the victim's browser didn't use the planted handle");
    prove(&victim, &asked, PASSWORD).await;
    assert_ne!(victim.cookies("/").unwrap(), planted, "the handle didn't change");
    assert!(is_signed_in(&victim).await);
    world.clock.advance(Duration::from_secs(10));
    assert!(!is_signed_in(&attacker).await, "a planted handle reached a session");
}

#[tokio::test]
async fn an_attempt_works_once_and_not_for_long() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let browser = world.browser();
    let asked = identify(&browser, EMAIL).await;
    prove(&browser, &asked, PASSWORD).await;
    assert_eq!(prove(&browser, &asked, PASSWORD).await.status, 410, "an attempt was replayed");
    let asked = identify(&browser, EMAIL).await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(prove(&browser, &asked, PASSWORD).await.status, 410, "an expired attempt was taken");
}

#[tokio::test]
async fn steps_out_of_order_or_empty_lead_nowhere() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let browser = world.browser();
    let asked = identify(&browser, EMAIL).await;
    let form = || asked.form_with("password");
    for (form, status) in [
        (form(), 422),
        (form().fill("password", PASSWORD).tamper("attempt", ""), 400),
        (form().fill("password", PASSWORD).tamper("attempt", "sin_0"), 400),
        (form().fill("password", PASSWORD).tamper("attempt", &format!("sin_{}", "0".repeat(32))), 410),
        (form().fill("password", PASSWORD).tamper("attempt", &format!("sup_{}", "0".repeat(32))), 400),
        (form().fill("password", &"x".repeat(9000)), 400),
    ] {
        let page = browser.submit(form).await;
        assert_eq!(page.status, status, "{page}");
        assert!(!is_signed_in(&browser).await);
    }
    assert_eq!(browser.open("/sign-in/password").await.status, 400);
    assert_eq!(browser.open("/sign-in?flow=nonsense").await.status, 400);
    assert_eq!(browser.open("/sign-in?flow=&flow=").await.status, 400);
    let nobodys = format!("/sign-in?flow=flo_{}", "0".repeat(32));
    assert_eq!(browser.open(&nobodys).await.status, 410);
    assert_eq!(browser.open(&nobodys.replace("in?", "up?")).await.status, 410);
}

#[tokio::test]
async fn forms_need_their_token_and_our_own_page() {
    let world = World::start().await;
    world.sign_up(EMAIL).await;
    let browser = world.browser();
    let asked = identify(&browser, EMAIL).await;
    let form = || asked.form_with("password").fill("password", PASSWORD);
    assert_eq!(browser.submit(form().without("form_token")).await.status, 403);
    let (token, attempt) =
        (form().value("form_token").unwrap().to_owned(), form().value("attempt").unwrap().to_owned());
    let fields = [("form_token", token.as_str()), ("attempt", &attempt), ("password", PASSWORD)];
    assert_eq!(browser.submit_from_elsewhere("/sign-in/password", &fields).await.status, 403);
    assert!(!is_signed_in(&browser).await);
    assert_eq!(prove(&browser, &asked, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn several_accounts_live_in_one_browser_and_one_signs_in_again_into_the_same_session() {
    let world = World::start().await;
    let ada = world.sign_up(EMAIL).await;
    world.sign_up("bob@example.test").await;
    for email in ["bob@example.test", EMAIL] {
        let asked = identify(&ada.browser, email).await;
        prove(&ada.browser, &asked, PASSWORD).await;
    }
    let home = ada.browser.open("/").await;
    assert!(home.says(EMAIL) && home.says("bob@example.test"), "{home}");
    assert_eq!(home.body.matches("class=\"initial\"").count(), 2, "{home}");
}

#[tokio::test]
async fn a_session_ends_after_a_week_of_silence_and_after_a_month_in_any_case() {
    const DAY: Duration = Duration::from_hours(24);
    let world = World::start().await;
    let ada = world.sign_up(EMAIL).await;
    for _ in 0..4 {
        world.clock.advance(6 * DAY);
        assert!(is_signed_in(&ada.browser).await);
    }
    world.clock.advance(6 * DAY);
    assert!(!is_signed_in(&ada.browser).await, "a session outlived thirty days");
    ada.sign_in().await;
    world.clock.advance(7 * DAY);
    assert!(!is_signed_in(&ada.browser).await, "a session outlived a week without activity");
}

#[tokio::test]
async fn pages_carry_their_headers_and_say_nothing_of_secrets() {
    let world = World::start().await;
    let browser = world.browser();
    for path in ["/", "/sign-in", "/sign-up", "/sign-out", "/sign-in?flow=x"] {
        let page = browser.open(path).await;
        let header =
            |name: &str| page.headers.get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let policy = header("content-security-policy");
        for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        // The one script that there is comes from a file: none stands in the page.
        let scripts = page.body.matches("<script").count();
        assert_eq!(scripts, page.body.matches("<script src=\"/assets/portico.").count(), "{path}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    let page = browser.open("/sign-in?login_hint=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!page.body.contains("<script>"), "{page}");
    let cookie = browser.open("/sign-in").await;
    assert!(cookie.headers.get("set-cookie").is_none(), "a known browser got another cookie");
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms() {
    let world = World::start().await;
    let page = world.browser().open("/sign-in").await;
    let cookie = page.headers.get("set-cookie").unwrap().to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "portico_", "=ptc_br_"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn a_flow_is_its_browsers_alone_and_the_page_names_who_waits() {
    let world = World::start().await;
    let rp = world.rp("web").await;
    let (owner, thief) = (world.browser(), world.browser());
    let page = owner.open(&rp.authorization_url(&[("login_hint", EMAIL)])).await;
    assert!(page.says("to continue to web"), "{page}");
    assert_eq!(page.form_with("email").value("email"), Some(EMAIL));
    thief.open("/sign-in").await;
    assert_eq!(thief.open(page.url.as_str()).await.status, 410, "another browser joined the flow");
    let form = page.form_with("email");
    let flow = form.value("flow").unwrap();
    let up = owner.open(&format!("/sign-up?flow={flow}")).await;
    assert!(up.says("then continue to web"), "{up}");
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(owner.open(page.url.as_str()).await.status, 410, "an expired flow went on");
}

/// The mails to this address about a sign-in from a new browser, newest first.
async fn told(world: &World, email: &str) -> Vec<Value> {
    let mut mails = world.mails().await;
    mails.retain(|mail| mail["to"] == email && mail["text"].as_str().unwrap().contains("/account/sessions"));
    mails
}

#[tokio::test]
async fn a_sign_in_from_a_new_browser_is_told_by_mail_once() {
    World::each(async |world| {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let sign_in = async |browser: &Browser, password: &str| {
            prove(browser, &identify(browser, EMAIL).await, password).await
        };
        let ada = world.sign_up(EMAIL).await;
        assert!(told(world, EMAIL).await.is_empty(), "the browser in which the account was made");
        sign_in(&ada.browser, PASSWORD).await;
        let browser = world.browser().calling_itself(firefox);
        assert_eq!(sign_in(&browser, "not the password at all").await.status, 422);
        assert!(told(world, EMAIL).await.is_empty(), "nobody signed in");
        assert_eq!(sign_in(&browser, PASSWORD).await.status, 200);
        let mails = told(world, EMAIL).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0]["subject"], "New sign-in to your account at Portico");
        for part in ["text", "html"] {
            let part = mails[0][part].as_str().unwrap();
            for words in ["Firefox on Linux", "127.0.0.1", " UTC", "change your password at once"] {
                assert!(part.contains(words), "{words}: {part}");
            }
            assert!(part.contains(&format!("{}/account/sessions", world.issuer())), "{part}");
        }
        // The same browser again, also after a sign-out.
        browser.submit(browser.open("/sign-out").await.press("Sign out")).await;
        sign_in(&browser, PASSWORD).await;
        assert_eq!(told(world, EMAIL).await.len(), 1);
        // Another account in that browser is another matter, and its owner reads Polish.
        world.create_user_with("bob@example.test", PASSWORD, Some(json!({ "locale": "pl-PL" }))).await;
        prove(&browser, &identify(&browser, "bob@example.test").await, PASSWORD).await;
        let mails = told(world, "bob@example.test").await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0]["subject"], "Nowe logowanie na Twoje konto w Portico");
        for part in ["text", "html"] {
            let part = mails[0][part].as_str().unwrap();
            assert!(part.contains("Firefox, Linux") && part.contains("Adres sieciowy: 127.0.0.1"), "{part}");
        }
        // Whoever set a new password by a mailed code is told of that, and with what; one mail is enough.
        let forgot = world.browser().calling_itself(firefox);
        let page = forgot.open("/password/forgot").await;
        let asked = forgot.submit(page.form_with("email").fill("email", EMAIL)).await;
        let code = world.mailed_code(EMAIL).await;
        let asked = forgot.submit(asked.form_with("code").fill("code", &code)).await;
        assert_eq!(prove(&forgot, &asked, "seven copper kettles sing").await.status, 200);
        assert_eq!(told(world, EMAIL).await.len(), 1);
        let newest = &world.mails().await[0];
        let text = newest["text"].as_str().unwrap();
        assert!(
            text.contains("with Firefox on Linux, from the network address 127.0.0.1. Whoever"),
            "{text}"
        );
        assert_eq!(newest["link"], format!("{}/password/forgot", world.issuer()));
    })
    .await;
}

#[tokio::test]
async fn an_administrators_link_used_in_a_new_browser_is_told_by_mail_too() {
    let world = World::start().await;
    let command = AdminCommand::AdminsCreate { email: EMAIL.to_owned() };
    let made = world.operate(command).await.unwrap();
    let browser = world.browser();
    let page = browser.open(made["link"].as_str().unwrap()).await;
    let spent = page.form_with("link");
    assert_eq!(browser.submit(spent.clone()).await.status, 200);
    assert_eq!(told(&world, EMAIL).await.len(), 1);
    assert_eq!(browser.submit(spent).await.status, 410);
    assert_eq!(told(&world, EMAIL).await.len(), 1);
}
