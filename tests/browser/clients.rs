use harness::{Landing, PASSWORD, Published, Script, World, client};
use serde_json::{Value, json};
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";

/// A client that registered itself, with all that it may show of itself, as one of the chapters of `clients.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    let settings = json!({ "registration": { "mode": "open" } });
    world.operate(AdminCommand::TenantsSet { settings }).await.expect("settings that are good");
    world.create_user(ADA, PASSWORD).await;
    let (landing, logo) = (Landing::start().await, Published::empty().await);
    logo.put_as(
        "image/svg+xml",
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"><circle cx="48" cy="48" r="44" fill="#b3261e"/></svg>"##,
    );
    let links =
        ["https://prints.example.test/", "https://prints.example.test/p", "https://prints.example.test/t"];
    let metadata = json!({
        "client_name": "Photo prints", "redirect_uris": [landing.url], "token_endpoint_auth_method": "none",
        "scope": "openid profile email", "logo_uri": logo.url,
        "client_uri": links[0], "policy_uri": links[1], "tos_uri": links[2],
    });
    let request = client().build().unwrap().post(format!("{}/oauth/register", world.issuer()));
    let made: Value = request.json(&metadata).send().await.unwrap().json().await.unwrap();
    let told = json!({
        "chapter": chapter, "issuer": world.issuer(), "logo": logo.url, "links": links,
        "client": { "clientId": made["client_id"], "redirectUri": landing.url },
        "person": { "email": ADA, "password": PASSWORD },
    });
    Script::new("browser/clients.mjs", told).run(async |_| json!({})).await;
}

#[tokio::test]
async fn a_client_shows_itself() {
    tell("english").await;
}

#[tokio::test]
async fn a_client_shows_itself_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn a_client_shows_itself_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn a_client_shows_itself_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
