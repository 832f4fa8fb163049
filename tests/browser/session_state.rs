use harness::{Landing, PASSWORD, Script, World};
use serde_json::json;
use server::admin::AdminCommand;

const ADA: &str = "ada@example.test";

/// A client's page asks the frame of the provider whether the sign-in has changed.
#[tokio::test]
async fn a_client_sees_that_a_sign_in_has_changed() {
    let world = World::start().await;
    world.create_user(ADA, PASSWORD).await;
    let settings = json!({ "session_management": "on" });
    world.operate(AdminCommand::TenantsSet { settings }).await.expect("settings that are good");
    let landing = Landing::start().await;
    let rp = world.register_landing("Shop", &landing, true).await;
    let told = json!({
        "issuer": world.issuer(),
        "person": { "email": ADA, "password": PASSWORD },
        "rp": { "clientId": rp.client_id, "redirectUri": rp.redirect_uri },
    });
    Script::new("browser/session_state.mjs", told).run(async |_| json!({})).await;
}
