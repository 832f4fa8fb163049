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
    assert_eq!((page.status, page.heading().as_str()), (200, "Users"), "{page}");
    assert!(page.says("You have no password yet"), "{page}");
    browser
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
        assert_eq!(first.submit(asked.press("Sign in")).await.heading(), "Users");
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
    let page = browser.submit(asked.press("Sign in")).await;
    let user = follow(&browser, &page, EVE).await;
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
        let out = admin.submit(enabled.press("Sign out everywhere")).await;
        assert!(out.says("Nowhere at the moment.") && !eve.browser.open("/").await.says(EVE));
        let reset = admin.submit(out.press("Take the password away")).await;
        assert!(reset.says("The password no longer works"), "{reset}");
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
async fn what_cannot_be_undone_takes_a_recent_proof() {
    let world = World::start().await;
    world.create_user(EVE, PASSWORD).await;
    let admin = admin_of(&world).await;
    let user = follow(&admin, &admin.open("/admin/users").await, EVE).await;
    let form = follow(&admin, &user, "Clients").await;
    let form = follow(&admin, &form, "New client").await.form_with("client_name");
    world.clock.advance(Duration::from_mins(10));
    for form in [
        user.press("Delete this user"),
        user.press("Take the password away"),
        form.fill("client_name", "Late").fill("redirect_uris", "https://late.example/cb"),
    ] {
        let refused = admin.submit(form).await;
        assert_eq!((refused.status, refused.heading().as_str()), (403, "Please sign in again"), "{refused}");
    }
    assert_eq!(admin.submit(user.press("Disable")).await.status, 200, "what can be undone does not");
    assert!(admin.open("/admin/users").await.says(EVE));
    assert!(admin.open("/admin/clients").await.says("There is no client yet."));
}

#[tokio::test]
async fn a_client_is_made_edited_given_secrets_and_deleted() {
    World::each(async |world| {
        let admin = admin_of(world).await;
        let form = admin.open("/admin/clients/new").await.form_with("client_name");
        let bad = form.clone().fill("client_name", "Shop").fill("redirect_uris", "javascript:alert(1)");
        let refused = admin.submit(bad).await;
        assert_eq!(refused.status, 422, "{refused}");
        assert!(
            refused.says("redirect_uris")
                && refused.form_with("client_name").value("client_name") == Some("Shop")
        );
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
        let edit = follow(&admin, &ended, "Edit").await;
        let edited = admin
            .submit(edit.form_with("client_name").fill("client_name", "Book shop").fill("first_party", "yes"))
            .await;
        assert!(edited.says("The client was changed.") && edited.heading() == "Book shop", "{edited}");
        let again = follow(&admin, &edited, "Edit").await.form_with("client_name");
        assert_eq!(again.value("first_party"), Some("yes"));
        assert_eq!(again.value("redirect_uris"), Some("https://shop.example/cb\nhttps://shop.example/cb2"));
        let twice = again.tamper("further", r#"{"client_name":"x"}"#);
        assert_eq!(admin.submit(twice).await.status, 422);
        let gone = admin.submit(edited.press("Delete this client")).await;
        assert!(gone.says("The client was deleted.") && !gone.says("Book shop"));
        assert_eq!(admin.open(edited.url.path()).await.status, 404);
    })
    .await;
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
