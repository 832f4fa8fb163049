//! `/assets/…`: the sheet, the script, and what is a tenant's own.

use harness::{World, client, picture};
use reqwest::Response;
use serde_json::json;
use server::admin::{AdminCommand, execute};

async fn get(world: &World, path: &str) -> Response {
    client().build().unwrap().get(format!("{}{path}", world.issuer())).send().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn set_logo(world: &World, logo: serde_json::Value) {
    let settings = json!({ "logo": logo });
    execute(world.app(), "acme", AdminCommand::TenantsSet { settings }).await.unwrap();
}

/// The addresses of a page's sheets, scripts and pictures.
async fn assets(world: &World, path: &str) -> Vec<String> {
    let body = world.browser().open(path).await.body;
    let parts = body.split('"').filter(|part| part.contains("/assets/"));
    parts.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_pages_need_is_kept_for_ever_under_a_name_of_its_content() {
    let world = World::start().await;
    let assets = assets(&world, "/sign-in").await;
    assert_eq!(assets.len(), 2, "{assets:?}");
    for path in assets {
        let answer = get(&world, &path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable", "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        let kind = if path.ends_with(".js") { "text/javascript" } else { "text/css" };
        assert!(header(&answer, "content-type").starts_with(kind), "{path}");
    }
    assert_eq!(get(&world, "/assets/portico.0000000000000000.js").await.status(), 404);
}

#[tokio::test]
async fn no_page_runs_a_script_or_a_style_that_stands_in_it() {
    let world = World::start().await;
    let page = world.browser().open("/sign-up").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(
        !page.body.contains("<style") && !page.body.contains(" style=") && !page.body.contains(" onclick=")
    );
}

#[tokio::test]
async fn a_theme_is_one_tenants_and_changes_its_name_with_its_content() {
    let world = World::start().await;
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.unwrap();
    let set = async |tenant: &str, accent: &str| {
        let settings = json!({ "colours": { "light": { "accent": accent } } });
        execute(world.app(), tenant, AdminCommand::TenantsSet { settings }).await.unwrap();
    };
    let theme =
        async |page: &str| assets(&world, page).await.into_iter().find(|path| path.contains("/theme."));
    assert_eq!(theme("/sign-in").await, None);
    set("acme", "#b00020").await;
    assert_eq!(theme("/sign-in").await, None, "a theme of another tenant");

    let first = theme("/t/acme/sign-in").await.unwrap();
    assert!(first.starts_with("/t/acme/assets/theme."), "{first}");
    let answer = get(&world, &first).await;
    assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
    assert!(answer.text().await.unwrap().contains("--accent:#b00020;"));

    set("acme", "#123456").await;
    let second = theme("/t/acme/sign-in").await.unwrap();
    assert_ne!(first, second);
    // The old name gets the new sheet, and nobody keeps it under that name.
    let answer = get(&world, &first).await;
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert!(answer.text().await.unwrap().contains("--accent:#123456;"));

    // The name of one tenant's theme is worth nothing at another.
    set("default", "#00695c").await;
    let answer = get(&world, second.strip_prefix("/t/acme").unwrap()).await;
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let sheet = answer.text().await.unwrap();
    assert!(sheet.contains("--accent:#00695c;") && !sheet.contains("#123456"), "{sheet}");
}

#[tokio::test]
async fn a_logo_is_one_tenants_and_can_do_nothing() {
    World::each(async |world| {
        let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
        world.operate(create).await.unwrap();
        let (one, other) = (picture(40, 20), picture(20, 40));
        set_logo(world, json!(one.data_url())).await;
        let page = world.browser().open("/t/acme/sign-in").await;
        assert!(
            page.body.contains("alt=\"Portico\"") && page.body.contains("width=\"40\" height=\"20\""),
            "{page}"
        );
        let path =
            assets(world, "/t/acme/sign-in").await.into_iter().find(|it| it.ends_with(".png")).unwrap();
        let answer = get(world, &path).await;
        assert_eq!(header(&answer, "content-type"), "image/png");
        assert_eq!(header(&answer, "content-security-policy"), "default-src 'none'; sandbox");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.bytes().await.unwrap(), one.octets);

        let elsewhere = get(world, path.strip_prefix("/t/acme").unwrap()).await;
        assert_eq!(elsewhere.status(), 404, "a logo of another tenant");
        set_logo(world, json!(other.data_url())).await;
        assert_eq!(get(world, &path).await.status(), 404, "a logo that was replaced");
        let second =
            assets(world, "/t/acme/sign-in").await.into_iter().find(|it| it.ends_with(".png")).unwrap();
        world.restart().await;
        assert_eq!(get(world, &second).await.bytes().await.unwrap(), other.octets);
        set_logo(world, json!(null)).await;
        assert_eq!(get(world, &second).await.status(), 404, "a logo that was taken away");
        assert!(!world.browser().open("/t/acme/sign-in").await.body.contains("<img"));
    })
    .await;
}
