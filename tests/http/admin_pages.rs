//! `/admin`: the link that lets an administrator in, and what they see and do there.

use std::time::Duration;

use harness::{Browser, PASSWORD, Page, World};
use server::admin::AdminCommand;

const ADMIN: &str = "root@example.test";
const EVE: &str = "eve@example.test";

/// The link that the command line prints.
async fn link_for(world: &World, email: &str) -> String {
    let made = world.operate(AdminCommand::AdminsCreate { email: email.to_owned() }).await.unwrap();
    made["link"].as_str().unwrap().to_owned()
}

/// Somebody who came in by a link.
async fn admin_of(world: &World) -> Browser {
    let browser = world.browser();
    let asked = browser.open(&link_for(world, ADMIN).await).await;
    let page = browser.submit(asked.press("Sign in")).await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Choose a password"), "{page}");
    browser
}

/// Somebody who came in by a link and chose a password.
async fn admin_with_password(world: &World) -> Browser {
    let browser = admin_of(world).await;
    let form = browser.open("/admin/password").await.form_with("password");
    let chosen = browser.submit(form.fill("password", PASSWORD)).await;
    assert!(chosen.says("Your password is set."), "{chosen}");
    browser
}

/// Types the password on the page that asks for it.
async fn confirm(browser: &Browser, page: &Page) -> Page {
    assert_eq!((page.status, page.heading().as_str()), (200, "Is it you?"), "{page}");
    browser.submit(page.form_with("password").fill("password", PASSWORD)).await
}

/// Follows a link of a page by its text.
async fn follow(browser: &Browser, page: &Page, text: &str) -> Page {
    browser.open(page.link(text).as_str()).await
}

/// Whether a list of events has one of this kind. The filter's form names them all, so the text alone says nothing.
fn lists(page: &Page, kind: &str) -> bool {
    page.body.contains(&format!(">{kind}</a>"))
}

#[tokio::test]
async fn a_link_lets_in_once_and_looking_at_it_spends_nothing() {
    World::each(async |world| {
        let link = link_for(world, ADMIN).await;
        for _ in 0..3 {
            // A scanner of mails, without cookies and with them.
            let page = world.browser().open(&link).await;
            assert_eq!((page.status, page.heading().as_str()), (200, "Sign in as administrator"));
        }
        let (first, second) = (world.browser(), world.browser());
        let (asked, also) = (first.open(&link).await, second.open(&link).await);
        assert_eq!(first.submit(asked.press("Sign in")).await.heading(), "Choose a password");
        assert_eq!(second.submit(also.press("Sign in")).await.status, 410, "a link was used twice");
        assert_eq!(first.submit(asked.press("Sign in")).await.status, 410, "a link was used twice");
        assert!(first.open("/").await.body.contains(ADMIN), "not signed in");
        assert!(!second.open("/").await.body.contains(ADMIN));
    })
    .await;
}

#[tokio::test]
async fn a_link_ends_with_its_hour_with_the_next_one_and_with_the_role() {
    let world = World::start().await;
    let try_link = async |link: &str| {
        let browser = world.browser();
        let asked = browser.open(link).await;
        browser.submit(asked.press("Sign in")).await.status
    };
    let late = link_for(&world, ADMIN).await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(try_link(&late).await, 410);
    let (replaced, newest) = (link_for(&world, ADMIN).await, link_for(&world, ADMIN).await);
    assert_eq!((try_link(&replaced).await, try_link(&newest).await), (410, 200));
    let withdrawn = link_for(&world, ADMIN).await;
    world.operate(AdminCommand::AdminsRemove { user: ADMIN.to_owned() }).await.unwrap();
    assert_eq!(try_link(&withdrawn).await, 410);
    let disabled = link_for(&world, ADMIN).await;
    world.operate(AdminCommand::UsersDisable { user: ADMIN.to_owned() }).await.unwrap();
    assert_eq!(try_link(&disabled).await, 410);
}

#[tokio::test]
async fn no_other_secret_passes_for_a_link_and_a_link_for_nothing_else() {
    let world = World::start().await;
    let link = link_for(&world, ADMIN).await;
    let secret = link.split_once("link=").unwrap().1.to_owned();
    let browser = world.browser();
    let asked = browser.open(&link).await;
    let handle = browser.cookies("/").unwrap().split_once('=').unwrap().1.to_owned();
    for wrong in ["", "x", &handle, &secret[..secret.len() - 1], &secret.replace("ptc_al_", "ptc_br_")] {
        assert_eq!(browser.open(&format!("/admin/enter?link={wrong}")).await.status, 400, "{wrong}");
        let form = asked.press("Sign in").tamper("link", wrong);
        assert_eq!(browser.submit(form).await.status, 400, "{wrong}");
    }
    let unknown = format!("ptc_al_{}A", "A".repeat(42));
    assert_eq!(browser.submit(asked.press("Sign in").tamper("link", &unknown)).await.status, 410);
    // Another tenant's server side doesn't know it.
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.unwrap();
    let there = browser.open(&format!("/t/acme/admin/enter?link={secret}")).await;
    assert_eq!(browser.submit(there.press("Sign in")).await.status, 410);
    assert_eq!(browser.submit(asked.press("Sign in")).await.status, 200, "spent by somebody who may not");
}

#[tokio::test]
async fn a_form_of_another_site_or_without_token_does_nothing() {
    let world = World::start().await;
    world.create_user(EVE, PASSWORD).await;
    let link = link_for(&world, ADMIN).await;
    let browser = world.browser();
    let asked = browser.open(&link).await;
    let secret = asked.form_with("link").value("link").unwrap().to_owned();
    let elsewhere = browser.submit_from_elsewhere("/admin/enter", &[("link", &secret)]).await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(browser.submit(asked.press("Sign in").without("form_token")).await.status, 403);
    browser.submit(asked.press("Sign in")).await;
    let user = follow(&browser, &browser.open("/admin/users").await, EVE).await;
    let form = user.press("Disable");
    let fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.submit_from_elsewhere(form.action.as_str(), &fields).await.status, 403);
    assert_eq!(browser.submit(form.clone().without("form_token")).await.status, 403);
    assert_eq!(browser.submit(form.clone().without("account")).await.status, 400);
    assert!(browser.open(user.url.as_str()).await.says("Enabled"), "something was done");
    assert!(browser.submit(form).await.says("The user is disabled"));
}

#[tokio::test]
async fn a_user_is_found_shown_disabled_enabled_and_deleted() {
    World::each(async |world| {
        let eve = world.signed_in(EVE).await;
        let admin = admin_of(world).await;
        let list = admin.open("/admin/users?q=EVE").await;
        let user = follow(&admin, &list, EVE).await;
        assert!(user.says("Enabled") && user.says("Sign out everywhere"), "{user}");
        let disabled = admin.submit(user.press("Disable")).await;
        assert!(disabled.says("The user is disabled and signed out everywhere."), "{disabled}");
        assert!(!eve.browser.open("/").await.says(EVE), "still signed in");
        assert_eq!(eve.sign_in().await.status, 422, "a disabled user signed in");
        let enabled = admin.submit(disabled.press("Enable")).await;
        assert!(enabled.says("The user is enabled."));
        assert_eq!(eve.sign_in().await.status, 200);
        let other = world.browser();
        let named = other.open("/sign-in").await.form_with("email").fill("email", EVE);
        let asked = other.submit(named).await.form_with("password").fill("password", PASSWORD);
        assert_eq!(other.submit(asked).await.status, 200);
        let shown = admin.open(user.url.as_str()).await;
        let one = admin.submit(shown.press("Sign out")).await;
        assert!(one.says("The user is signed out there."), "{one}");
        let forged = shown.press("Sign out").tamper("session", "ses_0000000000007000800000000000abcd");
        assert_eq!(admin.submit(forged).await.status, 404);
        assert_eq!(admin.submit(shown.press("Sign out").tamper("session", "x")).await.status, 400);
        let out = admin.submit(shown.press("Sign out everywhere")).await;
        assert!(out.says("Nowhere at the moment.") && !eve.browser.open("/").await.says(EVE));
        let reset = admin.submit(out.press("Take the password away")).await;
        assert!(reset.says("The password no longer works"), "{reset}");
        let mails = world.mails_but_of_sign_ins().await;
        let told = mails.iter().find(|mail| mail["to"] == EVE).unwrap();
        assert_eq!(told["subject"], "Choose a new password for Portico", "{told}");
        assert!(told["code"].is_null(), "a code that nobody asked for: {told}");
        assert_eq!(eve.sign_in().await.status, 422, "the password still works");
        let gone = admin.submit(reset.press("Delete this user")).await;
        assert!(gone.says("The user was deleted.") && !gone.says(EVE), "{gone}");
        assert_eq!(admin.open(user.url.as_str()).await.status, 404);
        assert_eq!(admin.submit(user.press("Disable")).await.status, 404);
        let events = admin.open("/admin/events").await;
        for kind in [
            "user.disabled",
            "user.enabled",
            "user.signed_out",
            "user.password_reset",
            "user.deleted",
            "admin.granted",
        ] {
            assert!(lists(&events, kind), "{kind}: {events}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_no_danger_to_themselves() {
    let world = World::start().await;
    let admin = admin_of(&world).await;
    let list = admin.open("/admin/users").await;
    let own = follow(&admin, &list, ADMIN).await;
    let form = own.press("Sign out everywhere");
    for act in ["disable", "delete"] {
        let mut forged = form.clone();
        forged.action.set_path(&form.action.path().replace("sign-out", act));
        assert_eq!(admin.submit(forged).await.status, 422, "{act}");
    }
    assert_eq!(admin.open("/admin/users").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_undone_takes_a_recent_proof_and_goes_on_after_it() {
    let world = World::start().await;
    world.create_user(EVE, PASSWORD).await;
    let admin = admin_with_password(&world).await;
    let user = follow(&admin, &admin.open("/admin/users").await, EVE).await;
    let form = admin.open("/admin/clients/new").await.form_with("client_name");
    world.clock.advance(Duration::from_mins(10));
    // A form that was filled in comes back with all of it; the password is asked for beside it.
    let form = form.fill("client_name", "Late").fill("redirect_uris", "https://late.example/cb");
    let refused = admin.submit(form).await;
    assert_eq!((refused.status, refused.heading().as_str()), (403, "New client"), "{refused}");
    let again = refused.form_with("client_name");
    assert_eq!(
        (again.value("client_name"), again.value("redirect_uris")),
        (Some("Late"), Some("https://late.example/cb"))
    );
    for button in ["Delete this user", "Take the password away"] {
        let asked = admin.submit(user.press(button)).await;
        assert_eq!((asked.status, asked.heading().as_str()), (200, "Is it you?"), "{button}: {asked}");
        let wrong = asked.form_with("password").fill("password", "not the password at all");
        assert_eq!(admin.submit(wrong).await.status, 422);
    }
    assert_eq!(admin.submit(user.press("Disable")).await.status, 200, "what can be undone does not");
    assert!(admin.open("/admin/users").await.says(EVE));
    assert!(admin.open("/admin/clients").await.says("There is no client yet."));
    // A button leads back to the page where it stands, for the person to press it once more.
    let back = confirm(&admin, &admin.submit(user.press("Delete this user")).await).await;
    assert_eq!(back.url.path(), user.url.path());
    assert!(back.says("You can go on now."), "{back}");
    let made = admin.submit(again).await;
    assert!(made.body.contains("ptc_cs_"), "the form that was kept: {made}");
    // Later on, a form asks before it is shown.
    world.clock.advance(Duration::from_mins(10));
    for path in ["/admin/clients/new", "/admin/settings"] {
        let back = confirm(&admin, &admin.open(path).await).await;
        assert_eq!(back.url.path(), path);
        world.clock.advance(Duration::from_mins(10));
    }
}

#[tokio::test]
async fn whoever_signs_in_comes_back_to_the_page_that_they_wanted() {
    let world = World::start().await;
    let user = world.create_user(EVE, PASSWORD).await["user_id"].as_str().unwrap().to_owned();
    drop(admin_with_password(&world).await);
    for (wanted, arrived) in [
        (format!("/admin/users/{user}"), format!("/admin/users/{user}")),
        ("/admin/keys".to_owned(), "/admin/keys".to_owned()),
        // What is no page of ours leads to the first one.
        ("/admin/users/usr_x".to_owned(), "/admin/users".to_owned()),
    ] {
        let browser = world.browser();
        let asked = browser.open(&wanted).await;
        assert_eq!(asked.url.path(), "/sign-in", "{asked}");
        let named = browser.submit(asked.form_with("email").fill("email", ADMIN)).await;
        let page = browser.submit(named.form_with("password").fill("password", PASSWORD)).await;
        assert_eq!((page.status, page.url.path()), (200, arrived.as_str()), "{page}");
    }
    // Somebody else who signs in there is no administrator.
    let browser = world.browser();
    let asked = browser.open("/admin/keys").await;
    let named = browser.submit(asked.form_with("email").fill("email", EVE)).await;
    assert_eq!(browser.submit(named.form_with("password").fill("password", PASSWORD)).await.status, 403);
}

#[tokio::test]
async fn no_address_is_followed_but_those_of_pages() {
    let world = World::start().await;
    let admin = admin_with_password(&world).await;
    world.clock.advance(Duration::from_mins(10));
    let asked = admin.open("/admin/settings").await;
    for back in
        ["https://evil.example/", "//evil.example/admin/keys", "/admin/../x", "/admin/enter", "", "/x"]
    {
        let mut url = asked.url.clone();
        let account = asked.form_with("password").value("account").unwrap().to_owned();
        url.query_pairs_mut().clear().append_pair("account", &account).append_pair("back", back);
        assert_eq!(admin.open(url.as_str()).await.status, 400, "{back}");
        let form = asked.form_with("password").fill("password", PASSWORD).tamper("back", back);
        assert_eq!(admin.submit(form).await.status, 400, "{back}");
    }
}

#[tokio::test]
async fn the_first_password_is_chosen_once_and_only_right_after_the_link() {
    World::each(async |world| {
        let admin = admin_of(world).await;
        let form = admin.open("/admin/password").await.form_with("password");
        let short = admin.submit(form.clone().fill("password", "short")).await;
        assert_eq!(short.status, 422, "{short}");
        world.clock.advance(Duration::from_mins(10));
        let late = admin.submit(form.clone().fill("password", PASSWORD)).await;
        assert!(late.says("you have none yet"), "{late}");
        assert!(admin.open("/admin/password").await.says("you have none yet"));
        assert!(admin.open("/admin/clients/new").await.says("you have none yet"));

        let admin = admin_of(world).await;
        let form = admin.open("/admin/password").await.form_with("password");
        let chosen = admin.submit(form.clone().fill("password", PASSWORD)).await;
        assert!(chosen.says("Your password is set.") && chosen.heading() == "Users", "{chosen}");
        let again = admin.submit(form.fill("password", "another lantern at the harbour")).await;
        assert!(!again.says("Your password is set."), "a second first password: {again}");
        let mails = world.mails_but_of_sign_ins().await;
        assert_eq!(mails[0]["subject"], "You have a password at Portico now");
        let browser = world.browser();
        let named = browser.open("/sign-in").await.form_with("email").fill("email", ADMIN);
        let asked = browser.submit(named).await;
        let signed_in = browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
        assert_eq!(signed_in.status, 200, "{signed_in}");
        // Who has one comes in by a link without being asked for another.
        let browser = world.browser();
        let asked = browser.open(&link_for(world, ADMIN).await).await;
        assert_eq!(browser.submit(asked.press("Sign in")).await.heading(), "Users");
        assert_eq!(browser.open("/admin/password").await.heading(), "Users");
    })
    .await;
}

#[tokio::test]
async fn keys_are_replaced_and_revoked() {
    World::each(async |world| {
        let admin = admin_with_password(world).await;
        let list = admin.open("/admin/keys").await;
        let rotated = admin.submit(list.form_with("alg").fill("alg", "ES256")).await;
        assert!(rotated.says("A new key was announced.") && rotated.says("Announced"), "{rotated}");
        let again = admin.submit(list.form_with("alg").fill("alg", "ES256")).await;
        assert_eq!(again.status, 422, "{again}");
        assert_eq!(admin.submit(list.form_with("alg").tamper("alg", "none")).await.status, 400);
        let keys = world.operate(AdminCommand::KeysList).await.unwrap();
        let of = |state: &str| {
            let found = keys.as_array().unwrap().iter();
            found.filter(|key| key["alg"] == "ES256").find(|key| key["state"] == state).unwrap()["kid"]
                .clone()
        };
        let active = of("active").as_str().unwrap().to_owned();
        let asked = admin.open(&format!("/admin/keys/{active}/revoke")).await;
        assert!(asked.says("It signs now") && asked.says(&active), "{asked}");
        let revoked = admin.submit(asked.press("Revoke this key")).await;
        assert!(revoked.says("The key is revoked.") && revoked.says("Revoked"), "{revoked}");
        assert_eq!(admin.open(&format!("/admin/keys/{active}/revoke")).await.status, 404);
        let keys = world.operate(AdminCommand::KeysList).await.unwrap();
        assert!(keys.as_array().unwrap().iter().any(|key| key["alg"] == "ES256" && key["state"] == "active"));
        world.clock.advance(Duration::from_mins(10));
        let late = admin.submit(list.form_with("alg").fill("alg", "RS256")).await;
        assert_eq!(late.heading(), "Is it you?", "{late}");
        assert_eq!(confirm(&admin, &late).await.url.path(), "/admin/keys");
        let kinds = world.event_kinds().await;
        assert!(kinds.iter().any(|kind| kind == "key.revoked"), "{kinds:?}");
    })
    .await;
}

/// A form with a file, as browsers send it.
async fn upload(world: &World, browser: &Browser, page: &Page, octets: &[u8]) -> Page {
    let form = page.forms().into_iter().find(|form| form.action.path() == "/admin/settings/logo").unwrap();
    let mut body = Vec::new();
    for (name, value) in form.fields.iter().filter(|(name, _)| name != "logo") {
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--b\r\nContent-Disposition: form-data; name=\"logo\"; filename=\"logo.svg\"\r\nContent-Type: image/png\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(octets);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let request = browser.navigate(reqwest::Method::POST, form.action, "same-origin");
    let request = request.header("origin", world.issuer()).body(body);
    let answer = browser.once(request.header("content-type", "multipart/form-data; boundary=b")).await;
    match answer.leads_to() {
        Some(next) => browser.open(next.as_str()).await,
        None => answer,
    }
}

#[tokio::test]
async fn settings_are_changed_and_told_at_their_fields() {
    World::each(async |world| {
        let admin = admin_with_password(world).await;
        let page = admin.open("/admin/settings").await;
        let form = page.form_with("corner_radius");
        let bad = form
            .clone()
            .fill("name", "Harbour")
            .fill("colours.light.background", "#777777")
            .fill("corner_radius", "round")
            .fill("terms_uri", "http://plain.example");
        let refused = admin.submit(bad).await;
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.says("the contrast is") && refused.says("Enter a whole number."), "{refused}");
        assert_eq!(refused.form_with("corner_radius").value("name"), Some("Harbour"));
        assert!(!admin.open("/sign-in").await.says("Harbour"), "something was changed");
        let good = form.fill("name", "Harbour").fill("colours.light.accent", "#ffcc00").fill("font", "serif");
        let saved = admin.submit(good.fill("sign_up", "closed")).await;
        assert!(saved.says("The settings were saved.") && saved.says("Harbour"), "{saved}");
        let again = saved.form_with("corner_radius");
        assert_eq!(
            (again.value("font"), again.value("colours.light.accent"), again.value("sign_up")),
            (Some("serif"), Some("#ffcc00"), Some("closed"))
        );
        let nobody = again.clone().without("identifiers.email").without("identifiers.username");
        assert_eq!(admin.submit(nobody).await.status, 422);

        let png = harness::picture(64, 32).octets;
        let with_logo = upload(world, &admin, &saved, &png).await;
        assert!(with_logo.says("The logo was changed."), "{with_logo}");
        assert!(world.browser().open("/sign-in").await.body.contains("/assets/logo."));
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
        for (octets, text) in [
            (&svg[..], "SVG is not taken"),
            (&b""[..], "Choose a picture first."),
            (&[&png[..], &vec![0; 50_000][..]].concat()[..], "larger than 48 KiB"),
        ] {
            let refused = upload(world, &admin, &with_logo, octets).await;
            assert!(refused.status == 422 && refused.says(text), "{text}: {refused}");
        }
        assert_eq!(upload(world, &admin, &with_logo, &vec![0; 100_000]).await.status, 413);
        let gone = admin.submit(with_logo.press("Remove the logo")).await;
        assert!(gone.says("The logo was removed."), "{gone}");
        assert!(!world.browser().open("/sign-in").await.body.contains("/assets/logo."));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_made_edited_given_secrets_and_deleted() {
    World::each(async |world| {
        let admin = admin_of(world).await;
        let form = admin.open("/admin/clients/new").await.form_with("client_name");
        let bad = form
            .clone()
            .fill("client_name", "Shop")
            .fill("redirect_uris", "javascript:alert(1)")
            .fill("jwks", "{")
            .fill("id_token_lifetime", "soon");
        let refused = admin.submit(bad.clone()).await;
        assert!(refused.status == 422 && refused.says("This is no JSON."), "{refused}");
        let refused = admin.submit(bad.fill("jwks", "")).await;
        assert_eq!(refused.status, 422, "{refused}");
        let again = refused.form_with("client_name");
        for (field, typed) in
            [("client_name", "Shop"), ("redirect_uris", "javascript:alert(1)"), ("id_token_lifetime", "soon")]
        {
            assert_eq!(again.value(field), Some(typed), "{refused}");
        }
        assert!(refused.body.contains(r#"id="redirect_uris-fault""#), "{refused}");
        let good = form
            .fill("client_name", "Shop")
            .fill("redirect_uris", "https://shop.example/cb\nhttps://shop.example/cb2\n");
        let made = admin.submit(good).await;
        let secret =
            made.text().split_whitespace().find(|word| word.starts_with("ptc_cs_")).unwrap().to_owned();
        assert_eq!(made.headers["cache-control"], "no-store");
        let shown = follow(&admin, &made, "Continue").await;
        assert!(shown.says("https://shop.example/cb2") && !shown.body.contains("ptc_cs_"), "{shown}");
        let another = admin.submit(shown.press("Make another secret")).await;
        assert!(another.body.contains("ptc_cs_") && !another.body.contains(&secret));
        let shown = follow(&admin, &another, "Continue").await;
        let ended = admin.submit(shown.press("End all but the newest secret")).await;
        assert!(ended.says("Only the newest secret works now."), "{ended}");
        let edited = edit_everything(world, &admin, &ended).await;
        let gone = admin.submit(edited.press("Delete this client")).await;
        assert!(gone.says("The client was deleted.") && !gone.says("Book shop"));
        assert_eq!(admin.open(edited.url.path()).await.status, 404);
    })
    .await;
}

/// Changes every setting of a client, and finds each again, on the page and by the command line.
async fn edit_everything(world: &World, admin: &Browser, shown: &Page) -> Page {
    let edit = follow(admin, shown, "Edit").await;
    assert!(edit.says("The client ID stays as it is for ever."), "{edit}");
    let fields = [
        ("client_name", "Book shop"),
        ("redirect_uris", "https://shop.example/cb"),
        ("post_logout_redirect_uris", "https://shop.example/bye"),
        ("initiate_login_uri", "https://shop.example/begin"),
        ("default_max_age", "3600"),
        ("require_auth_time", "yes"),
        ("scope", "email openid"),
        ("token_endpoint_auth_signing_alg", "HS256"),
        ("token_endpoint_auth_method", "client_secret_jwt"),
        ("id_token_signed_response_alg", "ES256"),
        ("id_token_lifetime", "120"),
        ("access_token_lifetime", "180"),
        ("refresh_token_idle", "600"),
        ("refresh_token_lifetime", "1200"),
        ("rotate_refresh_tokens", "yes"),
        ("id_token_claims", "yes"),
        ("first_party", "yes"),
        ("subject_type", "pairwise"),
        ("client_uri", "https://shop.example/"),
        ("logo_uri", "https://shop.example/logo.png"),
        ("tos_uri", "https://shop.example/tos"),
        ("policy_uri", "https://shop.example/policy"),
        ("contacts", "ops@shop.example\nhelp@shop.example"),
        ("software_id", "shop"),
        ("software_version", "2"),
        ("jwks_uri", "https://shop.example/jwks"),
        ("userinfo_signed_response_alg", "RS256"),
        ("userinfo_encrypted_response_alg", "RSA-OAEP-256"),
        ("userinfo_encrypted_response_enc", "A128GCM"),
        ("id_token_encrypted_response_alg", "ECDH-ES"),
        ("id_token_encrypted_response_enc", "A256GCM"),
    ];
    let form = edit.form_with("client_name");
    let form = fields.iter().fold(form, |form, (name, value)| form.fill(name, value));
    // The way to authenticate is another one, so there is another secret.
    let made = admin.submit(form).await;
    assert!(made.body.contains("ptc_cs_"), "{made}");
    let shown = follow(admin, &made, "Continue").await;
    let again = follow(admin, &shown, "Edit").await.form_with("client_name");
    for (name, value) in fields {
        assert_eq!(again.value(name), Some(value), "{name}");
    }
    let id = shown.url.path().rsplit_once('/').unwrap().1.to_owned();
    let stored = world.operate(AdminCommand::ClientsShow { client_id: id }).await.unwrap();
    assert_eq!(
        (&stored["first_party"], &stored["access_token_lifetime"], &stored["sub"], &stored["subject_type"]),
        (&true.into(), &180.into(), &serde_json::Value::Null, &"pairwise".into())
    );
    // Emptied, a member has its default again.
    let emptied = again.fill("access_token_lifetime", "").without("first_party").fill("contacts", "");
    let edited = admin.submit(emptied).await;
    assert!(edited.says("The client was changed.") && edited.heading() == "Book shop", "{edited}");
    let form = follow(admin, &edited, "Edit").await.form_with("client_name");
    assert_eq!(
        (form.value("access_token_lifetime"), form.value("first_party"), form.value("contacts")),
        (Some(""), None, Some(""))
    );
    let outside = admin.submit(form.fill("id_token_lifetime", "1").tamper("subject_type", "private")).await;
    for field in ["id_token_lifetime", "subject_type"] {
        assert!(outside.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {outside}");
    }
    edited
}

#[tokio::test]
async fn events_are_filtered_and_say_from_where() {
    let world = World::start().await;
    let eve = world.sign_up(EVE).await;
    let admin = admin_of(&world).await;
    let of_kind = admin.open("/admin/events?kind=sign_in.completed").await;
    assert!(of_kind.says("127.0.0.1") && lists(&of_kind, "sign_in.completed"), "{of_kind}");
    assert!(!lists(&of_kind, "user.created"), "{of_kind}");
    let list = admin.open("/admin/users?q=eve").await;
    let user = follow(&admin, &list, EVE).await;
    let about = follow(&admin, &user, "Events about it").await;
    assert!(lists(&about, "user.created") && !lists(&about, "admin.granted"), "{about}");
    let detail = follow(&admin, &about, "user.created").await;
    assert!(detail.says("sign_up") && detail.says("127.0.0.1"), "{detail}");
    for wrong in ["kind=x", "since=yesterday", "before=evt_1", "kind=user.created&kind=user.created"] {
        assert_eq!(admin.open(&format!("/admin/events?{wrong}")).await.status, 400, "{wrong}");
    }
    assert!(admin.open("/admin/events?until=2001-01-01").await.says("Nothing was found."));
    // With the user the address goes; what was done stays told.
    admin.submit(user.press("Delete this user")).await;
    let after = admin.open(detail.url.as_str()).await;
    assert!(after.says("user.created") && !after.says("127.0.0.1"), "{after}");
    drop(eve);
}

#[tokio::test]
async fn a_long_list_comes_in_parts() {
    let world = World::start().await;
    for number in 0..60 {
        let command = AdminCommand::UsersInvite {
            email: format!("user{number:02}@example.test"),
            profile: Some(serde_json::json!({ "name": format!("Person {number:02}") })),
        };
        world.operate(command).await.unwrap();
    }
    let admin = admin_of(&world).await;
    for (path, next) in [
        ("/admin/users", "Next page"),
        ("/admin/users?q=user", "Next page"),
        ("/admin/events", "Older events"),
    ] {
        let first = admin.open(path).await;
        let second = follow(&admin, &first, next).await;
        assert_eq!(second.status, 200);
        assert!(lists(&second, "user.created") || path != "/admin/events", "{second}");
        if path != "/admin/events" {
            let both = format!("{} {}", first.text(), second.text());
            let missing: Vec<_> =
                (0..60).filter(|number| !both.contains(&format!("Person {number:02}"))).collect();
            assert!(missing.is_empty(), "{path}: {missing:?}");
        }
        assert!(!second.body.contains(next), "{path} goes on for ever");
    }
}
