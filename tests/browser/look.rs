use harness::{Landing, PASSWORD, Script, World, picture};
use serde_json::json;
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";

/// One chapter of `look.mjs`, at a tenant with these settings.
async fn tell(chapter: &str, settings: serde_json::Value) {
    let world = World::start().await;
    let web = Landing::start().await;
    world.create_user(ADA, PASSWORD).await;
    world.operate(AdminCommand::TenantsSet { settings }).await.expect("settings that are good");
    let party = world.register_landing("Bookshop", &web, false).await;
    let told = json!({
        "chapter": chapter,
        "issuer": world.issuer(),
        "web": { "clientId": party.client_id, "redirectUri": party.redirect_uri },
        "person": { "email": ADA, "password": PASSWORD },
    });
    Script::new("browser/look.mjs", told).run(async |_| json!({})).await;
}

#[tokio::test]
async fn a_password_can_be_looked_at() {
    tell("peek", json!({})).await;
}

#[tokio::test]
async fn a_new_password_is_judged_while_it_is_typed() {
    tell("strength", json!({})).await;
}

#[tokio::test]
async fn a_form_is_sent_once() {
    tell("once", json!({})).await;
}

#[tokio::test]
async fn pages_are_seen_large_in_forced_colours_and_on_paper() {
    tell("zoomed", json!({})).await;
}

#[tokio::test]
async fn a_tenants_pages_are_its_own() {
    let settings = json!({
        "name": "Łódź Trams",
        "logo": picture(120, 40).data_url(),
        "colours": { "light": { "accent": "#ffcc00", "background": "#fffbe6" } },
        "corner_radius": 2,
        "font": "serif",
        "terms_uri": "https://trams.example/terms",
        "privacy_uri": "https://trams.example/privacy",
    });
    tell("ownLook", settings).await;
}
