//! In which language pages and mails are: the person's choice, `ui_locales`, the browser's wish, English; and `/language`.

use harness::{Browser, Form, PASSWORD, Page, Person, World};
use serde_json::Value;

const ADA: &str = "ada@example.test";

fn header<'p>(page: &'p Page, name: &str) -> &'p str {
    page.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The page is in this language from head to foot, and says so.
#[track_caller]
fn is_in(page: &Page, language: &str) {
    assert_eq!(header(page, "content-language"), language, "{page}");
    assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{page}");
    let varies: Vec<_> = page.headers.get_all("vary").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(varies.join(",").contains("Accept-Language, Cookie"), "{varies:?}");
    let (own, other) = match language {
        "pl" => ("Zabezpiecza Portico", "Secured by"),
        _ => ("Secured by Portico", "Zabezpiecza"),
    };
    if page.body.contains("class=\"footnote\"") {
        assert!(page.says(own) && !page.says(other), "{page}");
    }
}

/// Uses the switch at the foot of a page.
async fn choose(browser: &Browser, page: &Page, language: &str) -> Page {
    browser.submit(page.press(language)).await
}

/// The switch's form, to be spoiled.
fn switch(page: &Page) -> Form {
    page.press("Polski")
}

async fn mail_to(world: &World, email: &str) -> Value {
    let mails = world.mails().await;
    mails.into_iter().find(|mail| mail["to"] == email).unwrap_or_else(|| panic!("no mail to {email}"))
}

#[tokio::test]
async fn the_browsers_wish_is_granted_where_it_can_be() {
    let world = World::start().await;
    for (languages, expected) in [
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de-DE,de;q=0.9,pl;q=0.2", "pl"),
        ("en-GB,pl;q=0.9", "en"),
        ("de", "en"),
        ("*", "en"),
        ("pl;q=0,*", "en"),
        ("\"><script>", "en"),
    ] {
        let page = world.browser().speaking(languages).open("/sign-in").await;
        is_in(&page, expected);
        let title = if expected == "pl" { "Zaloguj się" } else { "Sign in" };
        assert_eq!(page.heading(), title, "{languages}");
        assert!(!page.body.contains("<script>"), "{page}");
    }
    is_in(&world.browser().open("/sign-in").await, "en");
}

#[tokio::test]
async fn a_choice_comes_before_every_wish_and_stays() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let browser = world.browser().speaking("pl");
        let page = browser.open("/sign-in").await;
        is_in(&page, "pl");
        let chosen = choose(&browser, &page, "English").await;
        is_in(&chosen, "en");
        assert_eq!(chosen.url, page.url);
        let cookie = browser.cookies("/").unwrap();
        assert!(cookie.contains("portico_language_") && cookie.contains("=en"), "{cookie}");
        is_in(&browser.open("/").await, "en");
        is_in(&browser.open("/no-such-page").await, "en");
        let asked = web.authorization_url(&[("ui_locales", "pl")]);
        is_in(&browser.arrive(&asked).await, "en");
        world.restart().await;
        let page = browser.open("/sign-up").await;
        is_in(&page, "en");
        is_in(&choose(&browser, &page, "Polski").await, "pl");
    })
    .await;
}

#[tokio::test]
async fn ui_locales_are_spoken_on_every_page_of_the_flow_and_nowhere_else() {
    World::each(async |world| {
        let stranger = world.rp("stranger").await;
        let ada = world.person(ADA).await;
        let asked = stranger.authorization_url(&[("ui_locales", "de pl-PL en")]);
        let named = ada.browser.arrive(&asked).await;
        is_in(&named, "pl");
        assert!(named.says("aby przejść do stranger"), "{named}");
        let malformed = ada.browser.submit(named.form_with("email").fill("email", "x")).await;
        is_in(&malformed, "pl");
        assert_eq!(malformed.status, 422);
        let password = ada.browser.submit(malformed.form_with("email").fill("email", ADA)).await;
        is_in(&password, "pl");
        let wrong =
            ada.browser.submit(password.form_with("password").fill("password", "not it at all")).await;
        is_in(&wrong, "pl");
        assert!(wrong.says("hasło się nie zgadza"), "{wrong}");
        let consent = ada.browser.submit(wrong.form_with("password").fill("password", PASSWORD)).await;
        is_in(&consent, "pl");
        assert_eq!(consent.heading(), "Pozwolić aplikacji stranger korzystać z Twojego konta?");
        assert!(ada.browser.submit(consent.press("Zezwól")).await.left_to.is_some());
        is_in(&ada.browser.open("/").await, "en");
        let asked = stranger.end_session_url(&[("ui_locales", "pl")]);
        let leaving = ada.browser.arrive(&asked).await;
        is_in(&leaving, "pl");
        is_in(&ada.browser.submit(leaving.press("Wyloguj się")).await, "pl");
    })
    .await;
}

#[tokio::test]
async fn ui_locales_reach_sign_up_its_mail_and_what_is_told_of_a_request_that_fails() {
    let world = World::start().await;
    let web = world.rp("web").await;
    let browser = world.browser().speaking("en-GB");
    let page = browser.open(&web.authorization_url(&[("ui_locales", "pl")])).await;
    let up = browser.open(page.link("Załóż konto").as_str()).await;
    is_in(&up, "pl");
    let form = up.form_with("password").fill("email", ADA);
    let short = browser.submit(form.clone().fill("password", "krótkie")).await;
    assert!(short.says("Użyj co najmniej 15 znaków."), "{short}");
    let verify = browser.submit(form.fill("password", PASSWORD)).await;
    is_in(&verify, "pl");
    let code = world.mailed_code(ADA).await;
    let mail = mail_to(&world, ADA).await;
    assert_eq!(mail["subject"], "Twój kod do Portico");
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let again = browser.submit(verify.form_with("code").fill("code", wrong)).await;
    is_in(&again, "pl");
    assert!(again.says("Zostały jeszcze 4 próby."), "{again}");
    is_in(&browser.submit(again.press("Wyślij inny kod")).await, "pl");

    for (name, value) in [("client_id", "cli_unknown"), ("redirect_uri", "https://elsewhere.example/")] {
        let refused = browser.open(&web.authorization_url(&[("ui_locales", "pl"), (name, value)])).await;
        assert_eq!(refused.status, 400);
        is_in(&refused, "pl");
    }
    let endless = "de ".repeat(600);
    for nothing in ["de fr", "*", "../../pl", "\u{0}", "pl,en", endless.as_str()] {
        let page = world.browser().open(&web.authorization_url(&[("ui_locales", nothing)])).await;
        assert_eq!(page.status, 200, "{nothing}");
        is_in(&page, "en");
    }
}

#[tokio::test]
async fn the_switch_keeps_the_page_also_one_that_answered_a_form() {
    let world = World::start().await;
    let web = world.rp("web").await;
    let browser = world.browser();
    let page = browser.open(&web.authorization_url(&[("state", "\"><i>&amp;")])).await;
    let up = browser.open(page.link("Create an account").as_str()).await;
    let form = up.form_with("password").fill("email", ADA).fill("password", PASSWORD);
    let verify = browser.submit(form).await;
    let code = world.mailed_code(ADA).await;
    let shape = browser.submit(verify.form_with("code").fill("code", "x")).await;
    assert_eq!(shape.status, 422);
    let polish = choose(&browser, &shape, "Polski").await;
    assert_eq!((polish.status, polish.url.as_str()), (200, verify.url.as_str()));
    is_in(&polish, "pl");
    let resent = browser.submit(polish.press("Wyślij inny kod")).await;
    let english = choose(&browser, &resent, "English").await;
    assert_eq!((english.status, english.url.as_str()), (200, verify.url.as_str()));
    assert_ne!(code, world.mailed_code(ADA).await);
    let left = browser.submit(english.form_with("code").fill("code", &world.mailed_code(ADA).await)).await;
    assert_eq!(left.parameter("state").as_deref(), Some("\"><i>&amp;"), "the flow went on");
}

/// Each page that answers a form which nothing but a form reaches.
#[tokio::test]
async fn the_switch_leads_to_a_page_also_from_one_that_only_answers_forms() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let browser = &ada.browser;
    let mut switched = 0;
    let mut switch_on = async |answer: Page, path: &str| {
        let english = choose(browser, &answer, "English").await;
        assert_eq!((english.status, english.url.path()), (200, path), "{english}");
        switched += 1;
    };
    let list = browser.open("/account/email").await;
    let code = browser.submit(list.form_with("email").fill("email", "new@example.test")).await;
    let resent = browser.submit(code.press("Send another code")).await;
    assert!(resent.says("on its way"), "{resent}");
    switch_on(resent, "/account/email/verify").await;
    let wrong = browser.submit(code.form_with("code").fill("code", "x")).await;
    switch_on(wrong, "/account/email/verify").await;
    let account = list.form_with("account").value("account").unwrap().to_owned();
    for path in ["/account/email/primary", "/account/email/remove"] {
        let form = list.form_with("email").tamper("account", &account).fill("email", ADA).at(path);
        let refused = browser.submit(form).await;
        assert_eq!(refused.status, 422, "{path}: {refused}");
        switch_on(refused, "/account/email").await;
    }
    let confirm = browser.open(&format!("/account/confirm?account={account}&back=data")).await;
    let wrong = browser.submit(confirm.form_with("password").fill("password", "no")).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    switch_on(wrong, "/account/confirm").await;
    assert_eq!(switched, 5);

    let forgot = browser.open("/password/forgot").await;
    let asked = browser.submit(forgot.form_with("email").fill("email", ADA)).await;
    for form in [asked.press("Send another code"), asked.form_with("code").fill("code", "x")] {
        let answer = browser.submit(form).await;
        let english = choose(browser, &answer, "English").await;
        assert_eq!((english.status, english.url.path()), (200, "/password/reset"), "{english}");
    }
}

#[tokio::test]
async fn the_switch_leads_nowhere_else_and_other_sites_cannot_use_it() {
    let world = World::start().await;
    let browser = world.browser();
    let page = browser.open("/sign-in").await;
    for back in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/..//evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        "/sign-in\r\nSet-Cookie: a=b",
    ] {
        let answer = browser.submit(switch(&page).tamper("back", back)).await;
        assert_eq!(answer.status, 400, "{back:?} {answer}");
        assert!(answer.headers.get("set-cookie").is_none() && answer.left_to.is_none(), "{back:?}");
    }
    for language in ["de", "PL", "", "pl; Domain=example.test", "pl\r\nx: y"] {
        let answer = browser.submit(switch(&page).tamper("language", language)).await;
        assert_eq!(answer.status, 400, "{language:?}");
        assert!(answer.headers.get("set-cookie").is_none(), "{language:?}");
    }
    assert_eq!(browser.submit(switch(&page).without("back")).await.status, 400);
    let forged = browser.submit_from_elsewhere("/language", &[("language", "pl"), ("back", "/")]).await;
    assert_eq!(forged.status, 403, "{forged}");
    is_in(&browser.open("/").await, "en");
    assert_eq!(browser.open("/language").await.status, 405, "a link must not choose");
    let odd = browser.open("/sign-in?x=%22%3E%3Cscript%3E&y='<b>").await;
    assert!(!odd.body.contains("<script>") && !odd.body.contains("<b>"), "{odd}");
    let back = choose(&browser, &odd, "Polski").await;
    assert_eq!((back.status, back.url.path()), (200, "/sign-in"));
}

#[tokio::test]
async fn a_poisoned_cookie_is_no_choice() {
    let world = World::start().await;
    let browser = world.browser().speaking("pl");
    let page = browser.open("/sign-in").await;
    let kept = browser.submit(page.press("English")).await;
    is_in(&kept, "en");
    let cookies = browser.cookies("/").unwrap();
    let name = cookies.split("; ").find_map(|it| it.strip_suffix("=en")).unwrap().to_owned();
    let long = "en".repeat(1_500);
    for value in ["de", "../en", "EN", "", "en,pl", "%65%6e", "\"en\"", long.as_str()] {
        let other = world.browser().speaking("pl");
        other.plant_cookie(&format!("{name}={value}; Path=/"));
        let page = other.open("/sign-in").await;
        assert_eq!(page.status, 200, "{value}");
        is_in(&page, "pl");
    }
    let torn = world.browser().speaking("pl");
    torn.plant_cookie(&format!("{name}=en; Path=/"));
    torn.plant_cookie(&format!("{name}=pl; Path=/sign-in"));
    is_in(&torn.open("/sign-in").await, "pl");
    torn.plant_cookie(&format!("{name}=en; Path=/sign-in"));
    is_in(&torn.open("/sign-in").await, "en");
}

#[tokio::test]
async fn a_choice_goes_with_the_account_into_another_browser() {
    World::each(async |world| {
        let browser = world.browser();
        let up = browser.open("/sign-up").await;
        let up = choose(&browser, &up, "Polski").await;
        let form = up.form_with("password").fill("email", ADA).fill("password", PASSWORD);
        let sent = browser.submit(form).await;
        let code = world.mailed_code(ADA).await;
        let home = browser.submit(sent.form_with("code").fill("code", &code)).await;
        assert_eq!(home.heading(), "Zalogowano");

        let sign_in = async |browser: Browser| {
            let ada = Person { email: ADA.to_owned(), password: PASSWORD.to_owned(), browser };
            let page = ada.sign_in().await;
            assert_eq!(page.status, 200, "{page}");
            ada.browser.open("/").await
        };
        is_in(&sign_in(world.browser().speaking("en-GB")).await, "pl");
        let chosen = world.browser();
        let page = chosen.open("/sign-in").await;
        choose(&chosen, &page, "English").await;
        is_in(&sign_in(chosen).await, "en");

        // Whoever never chose is not bound by what their browser happened to wish.
        let bob =
            Person { browser: world.browser().speaking("pl"), ..world.sign_up("bob@example.test").await };
        is_in(&bob.browser.open("/sign-in").await, "pl");
        bob.sign_in_at(bob.browser.open("/sign-in").await).await;
        is_in(&bob.browser.open("/").await, "pl");
        assert!(!bob.browser.cookies("/").unwrap().contains("portico_language_"));
    })
    .await;
}

#[tokio::test]
async fn the_page_of_the_account_sets_both_and_is_the_persons_alone() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let ada = world.signed_in(ADA).await;
        let (bob, eve) = (world.signed_in("bob@example.test").await, world.browser().speaking("pl"));
        let page = ada.browser.open("/account/language").await;
        assert_eq!(page.form_with("account").value("language"), Some("en"), "{page}");
        let saved = ada.browser.submit(page.press("Save").tamper("language", "pl")).await;
        assert_eq!(saved.status, 200, "{saved}");
        is_in(&saved, "pl");
        assert!(saved.says("Zapisaliśmy Twój język."), "{saved}");
        is_in(&ada.browser.open("/").await, "pl");
        let elsewhere = Person { browser: world.browser(), ..ada };
        elsewhere.sign_in().await;
        is_in(&elsewhere.browser.open("/").await, "pl");

        // Relying parties aren't told.
        let tokens = web.asking("openid profile").authorize(&elsewhere.browser).await.code();
        let told = web.userinfo(&web.exchange(&tokens).await.tokens().access).await;
        assert!(
            told.body.get("locale").is_none() && !told.body.to_string().contains("\"pl\""),
            "{}",
            told.body
        );

        // Bob's own page can't be made to speak for Ada, and nobody's form goes without its token.
        let account = page.form_with("account").value("account").unwrap().to_owned();
        let form = bob.browser.open("/account/language").await.press("Save");
        let theft = bob.browser.submit(form.clone().tamper("account", &account)).await;
        assert_eq!(theft.status, 410, "{theft}");
        let forged = bob.browser.submit(form.clone().tamper("form_token", "x")).await;
        assert_eq!(forged.status, 403, "{forged}");
        for language in ["de", "", "PL"] {
            let refused = bob.browser.submit(form.clone().tamper("language", language)).await;
            assert_eq!(refused.status, 400, "{language:?} {refused}");
        }
        is_in(&bob.browser.open("/").await, "en");
        let asked = eve.open("/account/language").await;
        assert_eq!((asked.url.path(), asked.heading().as_str()), ("/sign-in", "Zaloguj się"));
    })
    .await;
}

#[tokio::test]
async fn a_mail_is_in_its_readers_language_in_both_parts() {
    let world = World::start().await;
    let browser = world.browser();
    let page = browser.open("/sign-up").await;
    let up = choose(&browser, &page, "Polski").await;
    let form = up.form_with("password").fill("email", ADA).fill("password", PASSWORD);
    let sent = browser.submit(form).await;
    let code = world.mailed_code(ADA).await;
    browser.submit(sent.form_with("code").fill("code", &code)).await;

    // Somebody who speaks English tries to sign up with the address: its owner reads Polish.
    let eve = world.browser();
    let form = eve.open("/sign-up").await.form_with("password");
    eve.submit(form.fill("email", ADA).fill("password", PASSWORD)).await;
    let mail = mail_to(&world, ADA).await;
    assert_eq!(mail["subject"], "Masz już konto w Portico");
    let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
    let link = format!("{}/sign-in", world.issuer());
    for part in [text, html] {
        assert!(part.contains(&link) && part.contains("zignoruj tę wiadomość"), "{part}");
    }
    assert!(html.contains("<html lang=\"pl\">") && !html.contains("<script"), "{html}");

    let mailbox = browser.open("/dev/mailbox").await;
    is_in(&mailbox, "pl");
    let id = mail["id"].as_str().unwrap();
    let shown = browser.open(&format!("/dev/mailbox/{id}")).await;
    assert_eq!(shown.body, html);
    let policy = header(&shown, "content-security-policy");
    assert!(policy.starts_with("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    let mailbox_policy = header(&mailbox, "content-security-policy");
    assert!(!mailbox_policy.contains("unsafe") && !mailbox_policy.contains("frame-src"), "{mailbox_policy}");
    for unknown in ["x", "mai_00000000000000000000000000000000", "..%2f"] {
        assert_eq!(browser.open(&format!("/dev/mailbox/{unknown}")).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn notices_speak_too_and_programs_are_answered_as_ever() {
    let world = World::start().await;
    let browser = world.browser().speaking("pl");
    let page = browser.open("/no-such-page").await;
    is_in(&page, "pl");
    assert_eq!((page.status, page.heading().as_str()), (404, "Nie znaleziono"));
    let answer = harness::client()
        .build()
        .unwrap()
        .get(format!("{}/no-such-page", world.issuer()))
        .header("accept-language", "pl")
        .send()
        .await
        .unwrap();
    assert!(answer.headers().get("content-language").is_none());
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_description"], "There is nothing at this address.");
}
