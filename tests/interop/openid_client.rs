use harness::{Landing, Script, World};
use serde_json::json;

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";

/// npm's `openid-client` goes the whole way: `openid-client.mjs` tells it.
#[tokio::test]
async fn openid_client_goes_the_whole_way() {
    World::each(async |world| {
        world.create_user(EMAIL, PASSWORD).await;
        for is_public in [false, true] {
            let landing = Landing::start().await;
            let party = world.register_landing("openid-client", &landing, is_public).await;
            let told = json!({
                "issuer": world.issuer(),
                "clientId": party.client_id,
                "clientSecret": party.client_secret,
                "landing": landing.url,
                "person": { "email": EMAIL, "password": PASSWORD },
            });
            let script = Script::new("interop/openid-client.mjs", told);
            script.run(async |question| panic!("asked for {question}")).await;
        }
    })
    .await;
}
