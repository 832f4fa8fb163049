use harness::{Script, World};
use serde_json::json;
use server::admin::AdminCommand;

/// A tenant whose accounts have names and no addresses, as one of the chapters of `usernames.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    let settings = json!({ "identifiers": ["username"] });
    world.operate(AdminCommand::TenantsSet { settings }).await.expect("settings that are good");
    let told = json!({ "chapter": chapter, "issuer": world.issuer() });
    Script::new("browser/usernames.mjs", told).run(async |_| json!({})).await;
}

#[tokio::test]
async fn accounts_have_names() {
    tell("english").await;
}

#[tokio::test]
async fn accounts_have_names_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn accounts_have_names_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn accounts_have_names_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
