//! Accounts with a username: where a tenant wants them, beside an address or instead of one.

use harness::{Answer, Browser, Form, PASSWORD, Page, World};
use serde_json::{Value, json};
use server::admin::{AdminCommand, AdminError, Part};
use std::time::Duration;
use terms::SecretText;

const ADA: &str = "ada@example.test";

/// A world whose accounts sign in with these.
async fn set(world: &World, identifiers: &[&str]) {
    let settings = json!({ "identifiers": identifiers });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
}

fn named(form: Form, username: &str) -> Form {
    form.fill("username", username).fill("password", PASSWORD)
}

async fn form(browser: &Browser) -> Form {
    browser.open("/sign-up").await.form_with("username")
}

/// From nothing to an account without an address.
async fn sign_up(world: &World, username: &str) -> Browser {
    let browser = world.browser();
    let page = browser.submit(named(form(&browser).await, username)).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "You are signed in"), "{page}");
    browser
}

async fn sign_in(browser: &Browser, typed: &str, password: &str) -> Page {
    let page = browser.open("/sign-in").await;
    let asked = browser.submit(page.form_with("email").fill("email", typed)).await;
    if asked.status != 200 {
        return asked;
    }
    browser.submit(asked.form_with("password").fill("password", password)).await
}

async fn create(world: &World, email: Option<&str>, username: Option<&str>) -> Result<Value, AdminError> {
    let (email, username) = (email.map(str::to_owned), username.map(str::to_owned));
    let password = SecretText::new(PASSWORD.to_owned());
    world.operate(AdminCommand::UsersCreate { email, username, password, profile: None }).await
}

async fn users(world: &World) -> usize {
    world
        .operate(AdminCommand::UsersList { beginning: None, part: Part::default() })
        .await
        .unwrap()
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn somebody_without_an_address_signs_up_signs_in_and_is_known_by_the_name() {
    World::each(async |world| {
        set(world, &["username"]).await;
        let web = world.rp("web").await.asking("openid profile");
        let browser = world.browser();
        // On the way to a client, which asks for a new account.
        let asked = web.authorize_with(&browser, &[("prompt", "create"), ("login_hint", "Ada.L")]).await.0;
        assert_eq!(asked.heading(), "Create your account", "{asked}");
        assert!(asked.says("Choose the name and the password") && !asked.says("code by mail"), "{asked}");
        let fields = asked.form_with("username");
        assert_eq!((fields.value("username"), fields.has("email")), (Some("Ada.L"), false));
        let answer = Answer(browser.submit(named(fields, "\u{ff21}da.L")).await);
        let tokens = web.exchange(&answer.code()).await.tokens();
        let told = web.userinfo(&tokens.access).await.body;
        assert_eq!(told["preferred_username"], "ada.l", "{told}");
        assert!(told.get("email").is_none() && told["sub"] == tokens.id_claims()["sub"], "{told}");
        world.restart().await;
        let home = browser.open("/").await;
        assert!(home.says("ada.l"), "{home}");
        // In whatever spelling.
        for typed in ["ada.l", " ADA.L ", "\u{ff21}\u{ff24}\u{ff21}.l"] {
            let page = sign_in(&world.browser(), typed, PASSWORD).await;
            assert_eq!(page.heading(), "You are signed in", "{typed} {page}");
        }
        assert!(world.mails().await.is_empty(), "a mail to somebody without address");
        let kinds = world.event_kinds().await;
        for kind in ["sign_up.started", "user.created", "sign_in.completed", "session.created"] {
            assert!(kinds.iter().any(|it| it == kind), "{kind}: {kinds:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_and_every_name_that_looks_like_it_is_told_to_be_taken() {
    World::each(async |world| {
        set(world, &["username"]).await;
        sign_up(world, "coco1").await;
        let browser = world.browser();
        for taken in ["coco1", "COCO1", " cocol ", "\u{441}\u{43e}\u{441}\u{43e}1", "\u{ff43}oco1"] {
            let page = browser.submit(named(form(&browser).await, taken)).await;
            assert_eq!(page.status, 422, "{taken} {page}");
            assert_eq!(page.alerts().len(), 1, "{page}");
            assert!(page.alerts()[0].starts_with("This username is taken"), "{taken} {page}");
            assert_eq!(page.form_with("username").value("username"), Some(taken));
        }
        for (wrong, said) in [
            ("", "Choose a username."),
            ("x", "Use at least 2 characters."),
            ("ada@example.test", "Use letters and digits"),
            ("ada l", "Use letters and digits"),
            ("p\u{430}ypal", "Use the letters of one script only."),
            ("<script>", "Use letters and digits"),
        ] {
            let page = browser.submit(named(form(&browser).await, wrong)).await;
            assert_eq!(page.status, 422, "{wrong} {page}");
            assert!(page.alerts()[0].starts_with(said), "{wrong} {page}");
        }
        let guessable = form(&browser)
            .await
            .fill("username", "quietlanternharbour")
            .fill("password", "quietlanternharbour");
        assert_eq!(browser.submit(guessable).await.status, 422, "the password is the name");
        assert_eq!(users(world).await, 1);
        assert_eq!(browser.open("/").await.heading(), "You are not signed in");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_one_name_at_once_one_gets_it() {
    World::each(async |world| {
        set(world, &["username"]).await;
        let browsers = [world.browser(), world.browser(), world.browser()];
        let mut forms = Vec::new();
        for browser in &browsers {
            forms.push(named(form(browser).await, "ada"));
        }
        let [a, b, c] = &browsers;
        let mut forms = forms.into_iter();
        let mut next = || forms.next().unwrap();
        let (a, b, c) = tokio::join!(a.submit(next()), b.submit(next()), c.submit(next()));
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422, 422]);
        assert_eq!(users(world).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_name_of_nobody_is_answered_like_a_wrong_password_and_spellings_share_a_budget() {
    World::each(async |world| {
        set(world, &["username"]).await;
        sign_up(world, "ada").await;
        let browser = world.browser();
        let wrong = "not the password at all";
        let words = |page: &Page, name: &str| (page.status, page.text().replace(name, "…"));
        let (known, unknown) = (sign_in(&browser, "ada", wrong).await, sign_in(&browser, "eve", wrong).await);
        assert_eq!(known.status, 422);
        assert_eq!(words(&known, "ada"), words(&unknown, "eve"));
        assert!(known.alerts()[0].starts_with("The username or the password is not right"), "{known}");
        for (known, unknown) in
            [("ADA", "EVE"), ("\u{ff21}da", "\u{ff25}ve"), (" ada", " eve"), ("aDa", "eVe")]
        {
            assert_eq!(sign_in(&world.browser(), known, wrong).await.status, 422, "{known}");
            assert_eq!(sign_in(&world.browser(), unknown, wrong).await.status, 422, "{unknown}");
        }
        let (known, unknown) = (sign_in(&browser, "Ada", wrong).await, sign_in(&browser, "Eve", wrong).await);
        assert_eq!(known.status, 429, "another spelling was another budget: {known}");
        assert_eq!(words(&known, "ada"), words(&unknown, "eve"));
        let command = AdminCommand::UsersForgiveAttempts { user: "ADA".to_owned() };
        world.operate(command).await.unwrap();
        assert_eq!(sign_in(&world.browser(), "ada", PASSWORD).await.heading(), "You are signed in");
    })
    .await;
}

#[tokio::test]
async fn who_has_both_signs_in_by_either() {
    World::each(async |world| {
        set(world, &["email", "username"]).await;
        let browser = world.browser();
        let page = browser.open("/sign-in").await;
        assert!(page.says("Email address or username"), "{page}");
        let begin = async |name: &str, email: &str| {
            let browser = world.browser();
            let page = browser.submit(named(form(&browser).await, name).fill("email", email)).await;
            (browser, page)
        };
        let (browser, asked) = begin("ada", ADA).await;
        assert_eq!(asked.heading(), "Check your mail", "{asked}");
        assert_eq!(users(world).await, 0, "the address isn't shown to be theirs yet");
        // Whoever takes the name meanwhile has it.
        create(world, None, Some("bob")).await.unwrap();
        let (late, slow) = begin("slow", "slow@example.test").await;
        create(world, None, Some("s1ow")).await.unwrap();
        let code = world.mailed_code("slow@example.test").await;
        let page = late.submit(slow.form_with("code").fill("code", &code)).await;
        assert_eq!((page.status, page.heading().as_str()), (409, "This username is taken"), "{page}");
        let code = world.mailed_code(ADA).await;
        let home = browser.submit(asked.form_with("code").fill("code", &code)).await;
        assert_eq!(home.heading(), "You are signed in", "{home}");
        for typed in ["Ada", ADA] {
            assert_eq!(sign_in(&world.browser(), typed, PASSWORD).await.status, 200, "{typed}");
        }
        // A client may name either.
        let web = world.rp("web").await;
        sign_in(&browser, "bob", PASSWORD).await;
        let hinted = async |hint: &str| {
            let answer = web.authorize_with(&browser, &[("login_hint", hint), ("prompt", "none")]).await;
            web.exchange(&answer.code()).await.tokens().id_claims()["sub"].clone()
        };
        assert_eq!(hinted("ADA").await, hinted(ADA).await);
        assert_ne!(hinted("ADA").await, hinted("bob").await);
        // Who lacks one of both lacks a requirement.
        let nameless = named(form(&browser).await, "").fill("email", "x@example.test");
        assert_eq!(browser.submit(nameless).await.status, 422);
        let homeless = named(form(&browser).await, "zoe").fill("email", "");
        assert_eq!(browser.submit(homeless).await.status, 422);
        // Whether an address is somebody's, the page says no more than elsewhere.
        let words = |page: &Page, email: &str| (page.status, page.text().replace(email, "…"));
        let (_, free) = begin("eva", "eva@example.test").await;
        let (_, taken) = begin("ewa", ADA).await;
        assert_eq!(words(&free, "eva@example.test"), words(&taken, ADA));
        // What nobody could have is told at once.
        for wrong in ["", "@", "a d a"] {
            assert_eq!(sign_in(&browser, wrong, PASSWORD).await.status, 422, "{wrong:?}");
        }
        // The setting says what signs in.
        set(world, &["email"]).await;
        let page = sign_in(&world.browser(), "ada", PASSWORD).await;
        assert!(page.status == 422 && page.says("Enter an email address"), "{page}");
        assert_eq!(sign_in(&world.browser(), ADA, PASSWORD).await.status, 200);
        set(world, &["username"]).await;
        assert_eq!(sign_in(&world.browser(), ADA, PASSWORD).await.status, 422);
        assert_eq!(sign_in(&world.browser(), "ada", PASSWORD).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_account_without_an_address_is_no_fault_anywhere() {
    World::each(async |world| {
        set(world, &["username"]).await;
        let ada = sign_up(world, "ada").await;
        let web = world.rp("stranger").await.asking("openid profile email");
        let asked = web.authorize(&ada).await.0;
        assert!(asked.says("signed in as ada"), "{asked}");
        let answer = Answer(ada.submit(asked.press("Allow")).await);
        web.exchange(&answer.code()).await.tokens();
        for path in [
            "/account",
            "/account/email",
            "/account/password",
            "/account/sessions",
            "/account/clients",
            "/account/language",
            "/account/data",
            "/account/delete",
        ] {
            let page = ada.open(path).await;
            assert_eq!(page.status, 200, "{path} {page}");
            assert!(page.says("ada"), "{path} {page}");
        }
        // The way back in is the administrator; the page says so to everybody.
        let forgot = ada.open("/password/forgot").await;
        assert!(forgot.says("An account without an email address can't get one."), "{forgot}");
        let page = ada.submit(forgot.form_with("email").fill("email", "ada")).await;
        assert_eq!(page.status, 422, "{page}");
        let password = ada.open("/account/password").await.form_with("new_password");
        let next = "a wholly other lantern at sea";
        let done = ada.submit(password.fill("password", PASSWORD).fill("new_password", next)).await;
        assert!(done.says("Your password was changed."), "{done}");
        let set_password = AdminCommand::UsersSetPassword {
            user: "Ada".to_owned(),
            password: SecretText::new(PASSWORD.to_owned()),
        };
        world.operate(set_password).await.unwrap();
        assert_eq!(sign_in(&ada, "ada", PASSWORD).await.status, 200);
        let export = ada.open("/account/data").await.press("Download my data");
        let file: Value = serde_json::from_str(&ada.submit(export).await.body).unwrap();
        assert_eq!((&file["username"], &file["email_addresses"]), (&json!("ada"), &json!([])));
        // An address that is added is verified, primary and told, and from then on gets the code.
        let page = ada.open("/account/email").await;
        let asked = ada.submit(page.form_with("email").fill("email", ADA)).await;
        let code = world.mailed_code(ADA).await;
        let added = ada.submit(asked.form_with("code").fill("code", &code)).await;
        assert!(added.says("Primary"), "{added}");
        let page = world.browser();
        let forgot = page.open("/password/forgot").await;
        page.submit(forgot.form_with("email").fill("email", ADA)).await;
        world.mailed_code(ADA).await;
        let page = ada.open("/account/delete").await;
        let gone = ada.submit(page.press("Delete account").tamper("sure", "yes")).await;
        assert!(gone.says("We confirmed it by mail."), "{gone}");
        let eve = sign_up(world, "eve").await;
        let page = eve.open("/account/delete").await;
        let gone = eve.submit(page.press("Delete account").tamper("sure", "yes")).await;
        assert_eq!((gone.status, gone.heading().as_str()), (200, "Your account is deleted"), "{gone}");
        assert!(!gone.says("by mail"), "{gone}");
    })
    .await;
}

/// Types another name on the page of the profile.
async fn rename(browser: &Browser, username: &str) -> Page {
    let page = browser.open("/account").await;
    browser.submit(page.form_with("username").fill("username", username)).await
}

#[tokio::test]
async fn a_name_is_changed_after_a_recent_proof_and_the_one_before_is_nobody_elses() {
    World::each(async |world| {
        set(world, &["email", "username"]).await;
        create(world, Some(ADA), Some("ada")).await.unwrap();
        let (ada, eve) = (world.browser(), world.browser());
        sign_in(&ada, "ada", PASSWORD).await;
        create(world, Some("eve@example.test"), Some("eve")).await.unwrap();
        sign_in(&eve, "eve", PASSWORD).await;
        for (wrong, said) in [
            ("ada", "This is your username already."),
            ("Eve", "This username is taken"),
            ("a", "Use at least 2 characters."),
        ] {
            let page = rename(&ada, wrong).await;
            assert!(page.status == 422 && page.alerts()[0].starts_with(said), "{wrong} {page}");
            let switched = ada.submit(page.press("English")).await;
            assert_eq!((switched.status, switched.url.path()), (200, "/account"));
        }
        let old = ada.open("/account").await.form_with("username").fill("username", "ada.lovelace");
        let foreign = old
            .clone()
            .tamper("account", eve.open("/account").await.form_with("username").value("account").unwrap());
        assert_eq!(ada.submit(foreign).await.status, 410, "another browser's session");
        let done = rename(&ada, "Ada.Lovelace").await;
        assert!(done.says("Your username was changed."), "{done}");
        assert_eq!(done.form_with("username").value("username"), Some("ada.lovelace"));
        assert!(world.event_kinds().await.iter().any(|kind| kind == "user.username_changed"));
        let told =
            world.mails().await.into_iter().find(|mail| {
                mail["to"] == ADA && mail["text"].as_str().unwrap().contains("ada.lovelace is now")
            });
        assert!(told.is_some(), "nobody was told");
        assert_eq!(sign_in(&world.browser(), "ada", PASSWORD).await.status, 422, "the old name signs in");
        assert_eq!(sign_in(&world.browser(), "ada.lovelace", PASSWORD).await.status, 200);
        // The old name, and what looks like it, goes back to her and to nobody else.
        let page = rename(&eve, "ADA").await;
        assert!(page.status == 422 && page.says("This username is taken"), "{page}");
        assert!(create(world, None, Some("ada")).await.is_err());
        assert!(rename(&ada, "ada").await.says("Your username was changed."));
        assert!(rename(&ada, "countess").await.says("Your username was changed."));
        assert!(rename(&ada, "duke").await.says("Your username was changed."));
        let page = rename(&ada, "ada").await;
        assert!(page.status == 422 && page.says("three usernames within 30 days"), "{page}");
        // A proof grows old.
        world.clock.advance(Duration::from_mins(10));
        let asked = ada.submit(old).await;
        assert_eq!(asked.heading(), "Is it you?", "{asked}");
        assert!(
            !ada.open("/account")
                .await
                .forms()
                .iter()
                .any(|form| form.has("username") && form.action.path() == "/account/username")
        );
        // Nor is it anybody's once its account is gone.
        world.operate(AdminCommand::UsersDelete { user: "duke".to_owned() }).await.unwrap();
        for name in ["duke", "countess", "ada", "ada.lovelace", "Countess"] {
            assert!(create(world, None, Some(name)).await.is_err(), "{name} was given out again");
        }
        create(world, None, Some("duchess")).await.unwrap();
        // Another tenant's accounts are its own.
        set(world, &["email"]).await;
        assert!(
            eve.submit(
                eve.open("/account").await.press("Save").at("/account/username").tamper("username", "zoe")
            )
            .await
            .status
                == 410
        );
    })
    .await;
}

#[tokio::test]
async fn operators_make_and_find_users_by_name() {
    World::each(async |world| {
        let AdminError::Refused(why) = create(world, None, Some("ada")).await.unwrap_err() else { panic!() };
        assert!(why[0].contains("identifiers"), "{why:?}");
        set(world, &["username", "email"]).await;
        assert!(create(world, None, None).await.is_err());
        let made = create(world, None, Some("Ada")).await.unwrap();
        assert_eq!((&made["username"], &made["email"]), (&json!("ada"), &Value::Null));
        create(world, Some("bob@example.test"), Some("bob")).await.unwrap();
        assert!(create(world, Some("bob@example.test"), Some("bobby")).await.is_err());
        assert!(create(world, None, Some("bobby")).await.is_ok(), "what was refused has taken no name");
        for user in ["ada", "ADA", made["user_id"].as_str().unwrap()] {
            world.operate(AdminCommand::UsersDisable { user: user.to_owned() }).await.unwrap();
            assert_eq!(sign_in(&world.browser(), "ada", PASSWORD).await.status, 422, "{user}");
            world.operate(AdminCommand::UsersEnable { user: user.to_owned() }).await.unwrap();
        }
        let unknown = world.operate(AdminCommand::UsersEnable { user: "nobody".to_owned() }).await;
        assert!(matches!(unknown, Err(AdminError::Unknown(_))));
        // Administrators see and find them.
        let link = world.operate(AdminCommand::AdminsCreate { email: ADA.to_owned() }).await.unwrap();
        let browser = world.browser();
        let page = browser.open(link["link"].as_str().unwrap()).await;
        browser.submit(page.form_with("link")).await;
        let list = browser.open("/admin/users?q=Bob").await;
        assert!(list.says("bob@example.test") && list.says("bobby") && !list.says("ada "), "{list}");
        let shown = browser.open(&format!("/admin/users/{}", made["user_id"].as_str().unwrap())).await;
        assert!(shown.says("Username ada"), "{shown}");
    })
    .await;
}
