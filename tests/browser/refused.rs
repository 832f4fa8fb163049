use harness::{PASSWORD, Script, World};
use serde_json::json;
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";

/// What people see where they may not go on, as one of the chapters of `refused.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    world.create_user(ADA, PASSWORD).await;
    let settings = json!({ "sign_up": "closed" });
    world.operate(AdminCommand::TenantsSet { settings }).await.expect("settings that are good");
    let person = json!({ "email": ADA, "password": PASSWORD });
    let told = json!({ "chapter": chapter, "issuer": world.issuer(), "person": person });
    Script::new("browser/refused.mjs", told).run(async |_| json!({})).await;
}

#[tokio::test]
async fn who_may_not_go_on_is_told_why() {
    tell("english").await;
}

#[tokio::test]
async fn who_may_not_go_on_is_told_why_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn who_may_not_go_on_is_told_why_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn who_may_not_go_on_is_told_why_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
