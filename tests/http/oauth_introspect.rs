//! `/oauth/introspect`: whether a token stands, for those who have to do with it.

use std::time::Duration;

use harness::World;
use serde_json::json;
use server::admin::AdminCommand;

const API: &str = "https://api.example.test";

#[tokio::test]
async fn a_token_is_described_to_its_client_and_to_its_resource_server() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let (web, service, stranger) =
            (world.rp("web").await, world.rp("service").await, world.rp("stranger").await);
        let create = AdminCommand::ResourceServersCreate {
            identifier: API.to_owned(),
            scope: "openid".to_owned(),
            token_format: "opaque".to_owned(),
            token_lifetime: 120,
            introspection_client: Some(service.client_id.clone()),
        };
        world.operate(create).await.unwrap();
        let code = web.authorize_with(&alice.browser, &[("resource", API)]).await.code();
        let tokens = web.exchange(&code).await.tokens();
        assert!(tokens.access.starts_with("ptc_at_"));
        let now = world.clock.now().as_seconds();
        for asker in [&web, &service] {
            let about = asker.introspect(&tokens.access).await;
            assert_eq!(about.header("cache-control"), Some("no-store"));
            let about = about.body;
            assert_eq!((&about["active"], &about["aud"]), (&json!(true), &json!(API)));
            assert_eq!((&about["iat"], &about["exp"]), (&json!(now), &json!(now + 120)));
            assert_eq!(about["client_id"], json!(web.client_id));
        }
        assert_eq!(stranger.introspect(&tokens.access).await.body, json!({ "active": false }));
        let refresh = tokens.refresh.unwrap();
        assert_eq!(web.introspect(&refresh).await.body["active"], true);
        assert_eq!(service.introspect(&refresh).await.body, json!({ "active": false }));
        // A token for an API opens no userinfo.
        assert_eq!(web.userinfo(&tokens.access).await.error(), Some("invalid_token"));
        world.clock.advance(Duration::from_mins(2));
        assert_eq!(web.introspect(&tokens.access).await.body, json!({ "active": false }));
    })
    .await;
}

#[tokio::test]
async fn whoever_does_not_authenticate_learns_nothing() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let spa = world.rp("spa").await;
        let code = spa.authorize(&alice.browser).await.code();
        let tokens = spa.exchange(&code).await.tokens();
        let answer = spa.introspect(&tokens.access).await;
        assert_eq!((answer.status, answer.error()), (401, Some("invalid_client")));
        let anonymous =
            spa.post("/oauth/introspect").form(&[("token", &tokens.access)]).send().await.unwrap();
        assert_eq!(anonymous.status(), 401);
        assert!(anonymous.headers().get("access-control-allow-origin").is_none());
    })
    .await;
}

#[tokio::test]
async fn other_things_that_one_holds_are_no_tokens() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let web = world.rp("web").await;
        let code = web.authorize(&alice.browser).await.code();
        let id_token = web.exchange(&code).await.tokens().id.unwrap();
        let unspent = web.authorize(&alice.browser).await.code();
        let secret = web.client_secret.clone().unwrap();
        for other in [id_token, code, unspent.clone(), secret, "x".to_owned(), "a.b.c".to_owned()] {
            assert_eq!(web.introspect(&other).await.body, json!({ "active": false }), "{other}");
        }
        assert_eq!(web.exchange(&unspent).await.status, 200, "asking about a code doesn't spend it");
    })
    .await;
}
