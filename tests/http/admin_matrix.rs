//! The authorization matrix of the administration: every route, asked by real requests as everybody. Reviewed as a
//! snapshot; a new route without a word on what to send it fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use harness::{Browser, PASSWORD, Page, World};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::admin::{
    AdminAtWork, AdminCommand, AdminError, ClientChanges, EventsAsked, Part, admit, execute, execute_for,
};
use server::routes::ADMINISTRATION;

/// Who asks. Each is as good as can be but for one thing.
const WHO: [&str; 6] =
    ["nobody", "user", "other tenant's admin", "disabled admin", "withdrawn admin", "admin"];

/// What lets somebody in is for whoever holds a link; `admin_pages.rs` tells who that is.
const ENTRANCE: &str = "/admin/enter";

struct Asker {
    browser: Browser,
    /// The session that their forms name.
    account: String,
    form_token: String,
}

async fn operate(world: &World, tenant: &str, command: AdminCommand) -> Value {
    execute(world.app(), tenant, command).await.unwrap()
}

/// The session of whoever signed in last.
async fn newest_session(world: &World, tenant: &str) -> String {
    let asked =
        EventsAsked { kind: Some("session.created".to_owned()), limit: Some(1), ..EventsAsked::default() };
    let events = operate(world, tenant, AdminCommand::EventsList(asked)).await;
    events[0]["subject"].as_str().unwrap().to_owned()
}

async fn token_of(browser: &Browser, base: &str) -> String {
    let page = browser.open(&format!("{base}/sign-in")).await;
    page.form_with("email").value("form_token").unwrap().to_owned()
}

/// Somebody who came in by an administrator's link of this tenant.
async fn admin(world: &World, tenant: &str, base: &str, email: &str) -> Asker {
    let made = operate(world, tenant, AdminCommand::AdminsCreate { email: email.to_owned() }).await;
    let browser = world.browser();
    let asked = browser.open(made["link"].as_str().unwrap()).await;
    assert_eq!(browser.submit(asked.press("Sign in")).await.status, 200);
    let account = newest_session(world, tenant).await;
    let form_token = token_of(&browser, base).await;
    // Ids of one instant have no order.
    world.clock.advance(std::time::Duration::from_millis(1));
    Asker { browser, account, form_token }
}

async fn everybody(world: &World) -> Vec<Asker> {
    let nobody = world.browser();
    let nobody = Asker { form_token: token_of(&nobody, "").await, browser: nobody, account: String::new() };
    let user = world.signed_in("user@example.test").await.browser;
    let account = newest_session(world, "default").await;
    let user = Asker { form_token: token_of(&user, "").await, browser: user, account };
    world.clock.advance(std::time::Duration::from_millis(1));
    let mut other = admin(world, "acme", "/t/acme", "there@example.test").await;
    other.form_token = token_of(&other.browser, "").await;
    let disabled = admin(world, "default", "", "disabled@example.test").await;
    let withdrawn = admin(world, "default", "", "withdrawn@example.test").await;
    let good = admin(world, "default", "", "admin@example.test").await;
    let user_name = |email: &str| email.to_owned();
    operate(world, "default", AdminCommand::UsersDisable { user: user_name("disabled@example.test") }).await;
    operate(world, "default", AdminCommand::AdminsRemove { user: user_name("withdrawn@example.test") }).await;
    vec![nobody, user, other, disabled, withdrawn, good]
}

/// A user, a client and an event to ask about, fresh in a tenant.
async fn things(world: &World, tenant: &str, number: usize) -> BTreeMap<&'static str, String> {
    let email = format!("victim{number}@example.test");
    let user = operate(world, tenant, AdminCommand::UsersInvite { email, profile: None }).await;
    let changes = ClientChanges {
        metadata: json!({ "redirect_uris": ["https://victim.example/cb"] }),
        whole: true,
        first_party: None,
        rotate_refresh_tokens: None,
        settings: serde_json::Map::new(),
    };
    let client = operate(world, tenant, AdminCommand::ClientsCreate(changes)).await;
    let asked = EventsAsked { limit: Some(1), ..EventsAsked::default() };
    let events = operate(world, tenant, AdminCommand::EventsList(asked)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = operate(world, tenant, AdminCommand::KeysList).await;
    BTreeMap::from([
        (
            "{key}",
            text(&keys.as_array().unwrap().iter().find(|key| key["state"] == "active").unwrap()["kid"]),
        ),
        ("{user}", text(&user["user_id"])),
        ("{client}", text(&client["client_id"])),
        ("{event}", text(&events[0]["event_id"])),
    ])
}

/// What a form of this route sends. A new route must be said here.
fn fields(path: &str, number: usize) -> Vec<(&'static str, String)> {
    let email = format!("new{number}@example.test");
    let uri = "https://new.example/cb".to_owned();
    match path {
        "/admin/users/new" => vec![("email", email)],
        "/admin/clients/new" | "/admin/clients/{client}/edit" => vec![("redirect_uris", uri)],
        "/admin/users/{user}/disable"
        | "/admin/users/{user}/enable"
        | "/admin/users/{user}/sign-out"
        | "/admin/users/{user}/forgive"
        | "/admin/users/{user}/reset-password"
        | "/admin/users/{user}/delete"
        | "/admin/clients/{client}/secret"
        | "/admin/clients/{client}/end-secrets"
        | "/admin/clients/{client}/delete"
        | "/admin/keys/{key}/revoke"
        | "/admin/settings/remove-logo" => Vec::new(),
        "/admin/users/{user}/end-session" => {
            vec![("session", "ses_0000000000007000800000000000abcd".to_owned())]
        }
        "/admin/keys/rotate" => vec![("alg", "ES256".to_owned()), ("now", "yes".to_owned())],
        "/admin/settings" => {
            vec![("name", format!("Name {number}")), ("identifiers.email", "yes".to_owned())]
        }
        "/admin/settings/logo" => vec![("logo", String::new())],
        "/admin/password" => vec![("password", PASSWORD.to_owned())],
        other => panic!("say what a form of {other} sends"),
    }
}

/// The fields and an empty file, as a browser sends them where none was chosen.
fn with_file(request: RequestBuilder, fields: &[(&str, String)]) -> RequestBuilder {
    let part = |(name, value): &(&str, String)| {
        let file = if *name == "logo" { "; filename=\"\"" } else { "" };
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let parts: Vec<String> = fields.iter().map(part).collect();
    request
        .header("content-type", "multipart/form-data; boundary=x")
        .body(format!("{}--x--\r\n", parts.concat()))
}

async fn ask(
    asker: &Asker,
    method: &str,
    path: &str,
    number: usize,
    things: &BTreeMap<&str, String>,
) -> Page {
    let filled = things.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
    let url = asker.browser.resolve(&filled);
    let request = match method {
        "get" => asker.browser.navigate(Method::GET, url, "same-origin"),
        "post" => {
            let mut fields = fields(path, number);
            fields.push(("form_token", asker.form_token.clone()));
            fields.push(("account", asker.account.clone()));
            let request = asker.browser.navigate(Method::POST, url, "same-origin");
            if path == "/admin/settings/logo" { with_file(request, &fields) } else { request.form(&fields) }
        }
        other => panic!("{other}"),
    };
    asker.browser.once(request).await
}

fn answer(page: &Page) -> String {
    match page.headers.get("location").and_then(|to| to.to_str().ok()) {
        Some(to) if to.starts_with("/sign-in") => format!("{} sign-in", page.status),
        _ => page.status.to_string(),
    }
}

async fn newest_event(world: &World) -> Value {
    let asked = EventsAsked { limit: Some(1), ..EventsAsked::default() };
    operate(world, "default", AdminCommand::EventsList(asked)).await[0]["event_id"].clone()
}

async fn world_of_two() -> World {
    let world = World::start().await;
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.unwrap();
    world
}

#[tokio::test]
async fn every_route_lets_an_administrator_do_and_nobody_else() {
    let world = world_of_two().await;
    let everybody = everybody(&world).await;
    let mut matrix = format!("{:50}{}\n", "", WHO.map(|who| format!("{who:22}")).concat());
    let mut number = 0;
    for &(method, path) in ADMINISTRATION.iter().filter(|(_, path)| *path != ENTRANCE) {
        let mut row = format!("{:50}", format!("{method} {path}"));
        for (asker, who) in everybody.iter().zip(WHO) {
            number += 1;
            let things = things(&world, "default", number).await;
            let before = newest_event(&world).await;
            world.clock.advance(std::time::Duration::from_millis(1));
            let page = ask(asker, method, path, number, &things).await;
            if who != "admin" {
                assert_eq!(newest_event(&world).await, before, "{method} {path} as {who} did something");
                // What was asked for stands in the address, and the page may say that back.
                for told in [format!("victim{number}@"), "victim.example".to_owned(), "withdrawn@".to_owned()]
                {
                    assert!(!page.body.contains(&told), "{method} {path} told {who} of {told}: {page}");
                }
            }
            let _ = write!(row, "{:22}", answer(&page));
        }
        let _ = writeln!(matrix, "{}", row.trim_end());
    }
    println!("{} routes, each as {}", ADMINISTRATION.len() - 2, WHO.len());
    insta::assert_snapshot!("administration", matrix);
}

#[tokio::test]
async fn what_is_another_tenants_is_not_found() {
    let world = world_of_two().await;
    let good = admin(&world, "default", "", "admin@example.test").await;
    let mut asked = 0;
    for (number, &(method, path)) in ADMINISTRATION.iter().enumerate() {
        if !path.contains('{') {
            continue;
        }
        let foreign = things(&world, "acme", number).await;
        let malformed = foreign.keys().map(|name| (*name, "x".to_owned())).collect();
        for things in [foreign, malformed] {
            let page = ask(&good, method, path, number, &things).await;
            assert_eq!(page.status, 404, "{method} {path}: {page}");
            asked += 1;
        }
    }
    println!("{asked} requests for what is another's or nobody's");
    assert!(asked > 20);
    let own = things(&world, "default", 1000).await;
    assert_eq!(ask(&good, "get", "/admin/users/{user}", 0, &own).await.status, 200);
}

/// What is said of a client in them.
fn changes(whole: bool) -> ClientChanges {
    ClientChanges {
        metadata: json!({ "redirect_uris": ["https://new.example/cb"] }),
        whole,
        first_party: Some(true),
        rotate_refresh_tokens: None,
        settings: serde_json::Map::new(),
    }
}

/// Every command by which an administrator changes something, in an order in which each finds what it needs.
fn commands_of_admins(user: &str, client_id: &str, key: &str) -> Vec<AdminCommand> {
    let (user, client_id) = (|| user.to_owned(), || client_id.to_owned());
    vec![
        AdminCommand::UsersInvite { email: "new@example.test".to_owned(), profile: None },
        AdminCommand::UsersDisable { user: user() },
        AdminCommand::UsersEnable { user: user() },
        AdminCommand::UsersSignOut { user: user() },
        AdminCommand::KeysRotate { alg: Some("ES256".to_owned()), now: true },
        AdminCommand::KeysRevoke { kid: key.to_owned() },
        AdminCommand::TenantsSet { settings: json!({ "name": "Renamed" }) },
        AdminCommand::UsersForgiveAttempts { user: user() },
        AdminCommand::UsersResetPassword { user: user() },
        AdminCommand::UsersDelete { user: user() },
        AdminCommand::ClientsCreate(changes(true)),
        AdminCommand::ClientsUpdate { client_id: client_id(), changes: changes(false), new_secret: true },
        AdminCommand::ClientsEndSecrets { client_id: client_id() },
        AdminCommand::ClientsDelete { client_id: client_id() },
    ]
}

#[tokio::test]
async fn a_role_that_ends_while_a_command_is_on_its_way_ends_the_command() {
    World::each(async |world| {
        let asker = admin(world, "default", "", "admin@example.test").await;
        let app = world.app();
        let tenant = app.tenant_by_slug("default").await.unwrap().unwrap();
        let now = app.clock.now();
        let mut read = app.store.read(tenant.id);
        let session = asker.account.parse().unwrap();
        let browser = read.session(session).await.unwrap().unwrap().browser_id;
        let browser = read.browser(browser).await.unwrap().unwrap();
        let proven = admit(&mut read, &browser, session, now).await.unwrap().unwrap();
        let at_work = AdminAtWork { admin: proven, browser, address: [192, 0, 2, 1].into() };
        let things = things(world, "default", 0).await;
        let (user, client_id) = (things["{user}"].clone(), things["{client}"].clone());
        let key = things["{key}"].clone();
        let commands = || commands_of_admins(&user, &client_id, &key);
        // A secret to end.
        let update = AdminCommand::ClientsUpdate {
            client_id: client_id.clone(),
            changes: changes(false),
            new_secret: true,
        };
        operate(world, "default", update).await;
        operate(world, "default", AdminCommand::AdminsRemove { user: "admin@example.test".to_owned() }).await;
        let before = newest_event(world).await;
        for command in commands() {
            let said = format!("{command:?}");
            let refused = execute_for(app, &tenant, &at_work, command, now).await;
            assert!(matches!(refused, Err(AdminError::Forbidden(_))), "{said}: {refused:?}");
        }
        assert_eq!(newest_event(world).await, before, "something was done");
        let client =
            operate(world, "default", AdminCommand::ClientsShow { client_id: client_id.clone() }).await;
        assert_eq!(client["first_party"], true, "as the operator left it");
        // The same proof is good again with the role, and for what an operator does never.
        operate(world, "default", AdminCommand::AdminsCreate { email: "admin@example.test".to_owned() })
            .await;
        for command in commands() {
            let said = format!("{command:?}");
            let done = execute_for(app, &tenant, &at_work, command, now).await;
            assert!(done.is_ok(), "{said}: {done:?}");
        }
        for command in [
            AdminCommand::AdminsCreate { email: "friend@example.test".to_owned() },
            AdminCommand::AdminsRemove { user: "admin@example.test".to_owned() },
            AdminCommand::TenantsList(Part::default()),
            AdminCommand::UsersList { beginning: None, part: Part::default() },
            AdminCommand::TenantsSet { settings: json!({ "oidc_legacy": "all_clients" }) },
            AdminCommand::TenantsSet { settings: json!({ "name": "X", "oidc_legacy": null }) },
        ] {
            let refused = execute_for(app, &tenant, &at_work, command, now).await;
            assert!(matches!(refused, Err(AdminError::Forbidden(_))), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_speaks_for_its_own_session_only() {
    let world = world_of_two().await;
    let everybody = everybody(&world).await;
    let (user, good) = (&everybody[1], &everybody[5]);
    let things = things(&world, "default", 0).await;
    // Somebody else's session id is worth nothing in another browser.
    let posing = Asker { browser: world.browser(), account: good.account.clone(), form_token: String::new() };
    let posing = Asker { form_token: token_of(&posing.browser, "").await, ..posing };
    assert_eq!(ask(&posing, "post", "/admin/users/{user}/disable", 0, &things).await.status, 403);
    let account = good.account.clone();
    let sign_in = user.browser.open("/sign-in").await.form_with("email");
    let form_token = sign_in.value("form_token").unwrap().to_owned();
    let posing = Asker { browser: world.browser(), account, form_token };
    assert_eq!(ask(&posing, "post", "/admin/users/{user}/disable", 0, &things).await.status, 403);
    // Two accounts in the administrator's own browser: the form says which one it means.
    world.create_user("second@example.test", PASSWORD).await;
    let named = good.browser.open("/sign-in").await.form_with("email").fill("email", "second@example.test");
    let asked = good.browser.submit(named).await;
    good.browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
    let second = newest_session(&world, "default").await;
    let mixed = Asker { browser: world.browser(), account: second, form_token: String::new() };
    let mut fields = vec![("form_token", good.form_token.clone()), ("account", mixed.account.clone())];
    let url = good.browser.resolve(&format!("/admin/users/{}/disable", things["{user}"]));
    let request = good.browser.navigate(Method::POST, url.clone(), "same-origin").form(&fields);
    assert_eq!(good.browser.once(request).await.status, 403, "a user's form did an administrator's work");
    fields[1].1.clone_from(&good.account);
    let request = good.browser.navigate(Method::POST, url, "same-origin").form(&fields);
    assert_eq!(good.browser.once(request).await.status, 303);
}
