use harness::{DEVICE_CODE, PASSWORD, Script, World};
use serde_json::json;

const ADA: &str = "ada@example.test";

/// A person connects a device and refuses another, as one of the chapters of `device.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    world.create_user(ADA, PASSWORD).await;
    let television = json!({
        "client_name": "Television",
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "token_endpoint_auth_method": "none",
        "scope": "openid email offline_access",
    });
    let television = world.register(television, false).await;
    let person = json!({ "email": ADA, "password": PASSWORD });
    let told = json!({
        "chapter": chapter,
        "issuer": world.issuer(),
        "person": person,
        "clientId": television.client_id,
    });
    Script::new("browser/device.mjs", told).run(async |_| json!({})).await;
}

#[tokio::test]
async fn a_person_answers_devices() {
    tell("english").await;
}

#[tokio::test]
async fn a_person_answers_devices_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn a_person_answers_devices_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn a_person_answers_devices_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
