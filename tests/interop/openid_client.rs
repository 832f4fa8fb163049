use harness::{Landing, Script, Signer, World, web_metadata};
use serde_json::json;

const EMAIL: &str = "ada@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";

/// npm's `openid-client` goes the whole way: `openid-client.mjs` tells it.
#[tokio::test]
async fn openid_client_goes_the_whole_way() {
    World::each(async |world| {
        world.create_user(EMAIL, PASSWORD).await;
        let key = Signer::es256("k1");
        for method in ["client_secret_basic", "none", "client_secret_jwt", "private_key_jwt"] {
            let landing = Landing::start().await;
            let mut metadata = web_metadata("openid-client", &landing.url, method == "none");
            metadata["token_endpoint_auth_method"] = json!(method);
            if method == "private_key_jwt" {
                metadata["jwks"] = json!({ "keys": [key.jwk()] });
            }
            let party = world.register(metadata, true).await;
            let told = json!({
                "issuer": world.issuer(),
                "method": method,
                "key": { "kid": "k1", "pkcs8": key.pkcs8() },
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
