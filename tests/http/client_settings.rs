//! What an operator decides for one client: lifetimes, and what its ID tokens say.

use std::time::Duration;

use harness::{RelyingParty, World, claims, web_metadata};
use serde_json::{Map, Value, json};
use server::admin::{AdminCommand, AdminError, ClientChanges};

async fn set(world: &World, rp: &RelyingParty, settings: Value) -> Result<Value, AdminError> {
    let settings: Map<String, Value> = settings.as_object().unwrap().clone();
    let changes = ClientChanges { metadata: json!({}), settings, ..ClientChanges::default() };
    let client_id = rp.client_id.clone();
    world.operate(AdminCommand::ClientsUpdate { client_id, changes, new_secret: false }).await
}

#[tokio::test]
async fn tokens_live_as_long_as_the_operator_says() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.register(web_metadata("app", "https://app.example.test/cb", false), true).await;
        let rp = rp.asking("openid offline_access");
        let shown = set(world, &rp, json!({
            "access_token_lifetime": 120, "id_token_lifetime": 180, "refresh_token_idle": 1000, "refresh_token_lifetime": 1500,
        }))
        .await
        .unwrap();
        assert_eq!((&shown["access_token_lifetime"], &shown["refresh_token_idle"]), (&json!(120), &json!(1000)));
        let answer = rp.exchange(&rp.authorize(&alice.browser).await.code()).await;
        assert_eq!(answer.body["expires_in"], 120);
        let tokens = answer.tokens();
        let lives = |claims: &Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!((lives(&claims(&tokens.access)), lives(&tokens.id_claims())), (120, 180));
        let refresh = tokens.refresh.as_deref().unwrap();
        // Each use begins the idle time anew; the whole time goes on.
        world.clock.advance(Duration::from_secs(999));
        assert_eq!(rp.refresh(refresh).await.status, 200);
        world.clock.advance(Duration::from_secs(500));
        assert_eq!(rp.refresh(refresh).await.status, 200);
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(rp.refresh(refresh).await.error(), Some("invalid_grant"), "in all");
        let tokens = rp.exchange(&rp.authorize(&alice.browser).await.code()).await.tokens();
        world.clock.advance(Duration::from_secs(1000));
        assert_eq!(rp.refresh(tokens.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"), "idle");
        // Back to the defaults.
        let shown = set(world, &rp, json!({ "access_token_lifetime": null, "id_token_lifetime": null })).await.unwrap();
        assert_eq!(shown.get("access_token_lifetime"), None);
        let answer = rp.exchange(&rp.authorize(&alice.browser).await.code()).await;
        assert_eq!((&answer.body["expires_in"], lives(&answer.tokens().id_claims())), (&json!(300), 600));
    })
    .await;
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused_by_name() {
    let world = World::start().await;
    let rp = world.rp("web").await;
    for settings in [
        json!({ "access_token_lifetime": 1 }),
        json!({ "refresh_token_idle": 601, "refresh_token_lifetime": 600 }),
        json!({ "id_token_claims": "yes" }),
        json!({ "colour": "red" }),
    ] {
        let name = settings.as_object().unwrap().keys().next().unwrap().clone();
        let refused = set(&world, &rp, settings).await.unwrap_err().to_string();
        assert!(refused.contains(&name), "{name}: {refused}");
    }
}

#[tokio::test]
async fn an_id_token_says_of_the_person_what_was_granted_where_the_client_asks_for_it() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.register(web_metadata("app", "https://app.example.test/cb", false), true).await;
        set(world, &rp, json!({ "id_token_claims": true })).await.unwrap();
        for (scope, with_address) in [("openid email", true), ("openid", false)] {
            let rp = rp.asking(scope);
            let tokens = rp.exchange(&rp.authorize(&alice.browser).await.code()).await.tokens();
            let id = tokens.id_claims();
            assert_eq!(id.get("email").is_some(), with_address, "{scope}: {id}");
            let userinfo = rp.userinfo(&tokens.access).await.body;
            for (name, value) in userinfo.as_object().unwrap() {
                assert_eq!(id[name], *value, "{name}");
            }
        }
    })
    .await;
}
