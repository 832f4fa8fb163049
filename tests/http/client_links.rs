//! What a client says of itself to people (OpenID Connect Registration section 2): its logo and its links, on the pages of its
//! own sign-in and nowhere else.

use harness::{Page, RelyingParty, World, web_metadata};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges};

const ADA: &str = "ada@example.test";
const LOGO: &str = "https://cdn.shop.example:8443/logo.png?a=1&b=2";
const USUAL: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
                     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn metadata() -> Value {
    let mut metadata = web_metadata("Shop & Sons", "https://shop.example/cb", false);
    metadata["logo_uri"] = json!(LOGO);
    metadata["client_uri"] = json!("https://shop.example/");
    metadata["policy_uri"] = json!("https://shop.example/privacy?x=%22");
    metadata["tos_uri"] = json!("https://shop.example/terms");
    metadata
}

fn policy(page: &Page) -> &str {
    page.headers["content-security-policy"].to_str().unwrap()
}

fn shows_client(page: &Page, where_it_is: &str) {
    assert_eq!(
        policy(page),
        USUAL.replace("img-src 'self'", "img-src 'self' https://cdn.shop.example:8443"),
        "{where_it_is}"
    );
    let logo = r#"<img class="client-logo" src="https://cdn.shop.example:8443/logo.png?a=1&#38;b=2" width="48" height="48" alt="Logo of Shop &#38; Sons" referrerpolicy="no-referrer">"#;
    assert!(page.body.contains(logo), "{where_it_is}: {}", page.body);
    for (text, address) in [
        ("About Shop & Sons", "https://shop.example/"),
        ("Privacy policy of Shop & Sons", "https://shop.example/privacy?x=%22"),
        ("Terms of service of Shop & Sons", "https://shop.example/terms"),
    ] {
        assert_eq!(page.link(text).as_str(), address, "{where_it_is}");
    }
}

async fn first_page(world: &World, rp: &RelyingParty, more: &[(&str, &str)]) -> Page {
    rp.authorize_with(&world.browser(), more).await.0
}

#[tokio::test]
async fn the_pages_of_its_sign_in_show_a_client_and_no_others_do() {
    let world = World::start().await;
    let rp = world.register(metadata(), false).await;
    let ada = world.person(ADA).await;
    let page = rp.authorize(&ada.browser).await.0;
    shows_client(&page, "sign-in");
    assert!(!page.says("registered itself"), "an operator did it: {page}");
    let empty = ada.browser.submit(page.form_with("email")).await;
    shows_client(&empty, "sign-in, refused");
    let password = ada.browser.submit(page.form_with("email").fill("email", ADA)).await;
    shows_client(&password, "password");
    shows_client(&ada.browser.submit(password.form_with("password")).await, "password, refused");
    let sign_up = ada.browser.open(page.link("Create an account").as_str()).await;
    shows_client(&sign_up, "sign-up");
    shows_client(&ada.browser.submit(sign_up.form_with("password")).await, "sign-up, refused");
    let consent = ada.sign_in_at(page).await;
    assert!(consent.says("Let Shop & Sons use your account?"), "{consent}");
    shows_client(&consent, "consent");
    shows_client(&rp.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0, "accounts");
    // Neither without a flow, nor for another client, nor in a page of another browser's.
    let other = first_page(&world, &world.rp("web").await, &[]).await;
    for page in [other, world.browser().open("/sign-in").await, ada.browser.open("/account").await] {
        assert_eq!(policy(&page), USUAL, "{page}");
        assert!(!page.body.contains("client-logo") && !page.body.contains("client-links"), "{page}");
    }
}

#[tokio::test]
async fn who_registered_itself_is_vouched_for_by_nobody_and_the_page_says_so() {
    let world = World::start().await;
    let settings = json!({ "registration": { "mode": "open" } });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
    let rp = world.rp("web").await;
    let made: Value =
        rp.post("/oauth/register").json(&metadata()).send().await.unwrap().json().await.unwrap();
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let rp = RelyingParty::new(&rp.issuer, &client_id, None, "https://shop.example/cb");
    let (ada, caution) = (world.person(ADA).await, "Shop & Sons registered itself with");
    let page = rp.authorize(&ada.browser).await.0;
    shows_client(&page, "sign-in");
    assert!(page.says(caution), "{page}");
    assert!(ada.browser.open(page.link("Create an account").as_str()).await.says(caution));
    let consent = ada.sign_in_at(page).await;
    assert!(consent.says(caution) && consent.says("use your account?"), "{consent}");
    // Until the operator does.
    let changes = ClientChanges { metadata: json!({}), first_party: Some(true), ..ClientChanges::default() };
    world.operate(AdminCommand::ClientsUpdate { client_id, changes, new_secret: false }).await.unwrap();
    let page = first_page(&world, &rp, &[]).await;
    shows_client(&page, "sign-in");
    assert!(!page.says(caution), "{page}");
}
