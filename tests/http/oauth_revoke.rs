//! `/oauth/revoke`: tokens taken back.

use harness::World;
use serde_json::json;

#[tokio::test]
async fn an_access_token_goes_alone_and_a_refresh_token_takes_all_with_it() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await;
        let code = rp.authorize(&alice.browser).await.code();
        let tokens = rp.exchange(&code).await.tokens();
        let refresh = tokens.refresh.unwrap();
        for _ in 0..2 {
            let answer = rp.revoke(&tokens.access).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, ""));
            assert_eq!(rp.userinfo(&tokens.access).await.error(), Some("invalid_token"));
            assert_eq!(rp.introspect(&tokens.access).await.body, json!({ "active": false }));
        }
        let next = rp.refresh(&refresh).await.tokens();
        assert_eq!(rp.userinfo(&next.access).await.status, 200);
        assert_eq!(rp.revoke(&refresh).await.status, 200);
        assert_eq!(rp.userinfo(&next.access).await.error(), Some("invalid_token"));
        assert_eq!(rp.refresh(&refresh).await.error(), Some("invalid_grant"));
        // The person is still signed in, and a new authorization is a new grant.
        let code = rp.authorize(&alice.browser).await.code();
        assert_eq!(rp.exchange(&code).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn another_clients_token_stays() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let (web, spa) = (world.rp("web").await, world.rp("spa").await);
        let code = spa.authorize(&alice.browser).await.code();
        let tokens = spa.exchange(&code).await.tokens();
        for token in [&tokens.access, tokens.refresh.as_ref().unwrap()] {
            let answer = web.revoke(token).await;
            assert_eq!((answer.status, answer.error()), (400, Some("invalid_grant")));
        }
        assert_eq!(spa.userinfo(&tokens.access).await.status, 200);
        // A public client takes its own back by its name alone (RFC 7009 section 5).
        assert_eq!(spa.revoke(tokens.refresh.as_ref().unwrap()).await.status, 200);
        assert_eq!(spa.userinfo(&tokens.access).await.error(), Some("invalid_token"));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_token_is_answered_alike_and_nothing_happens() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await;
        let code = rp.authorize(&alice.browser).await.code();
        let tokens = rp.exchange(&code).await.tokens();
        let unspent = rp.authorize(&alice.browser).await.code();
        let secret = rp.client_secret.clone().unwrap();
        for other in [tokens.id.unwrap(), unspent.clone(), secret, "x".to_owned()] {
            assert_eq!(rp.revoke(&other).await.status, 200);
        }
        assert_eq!(rp.userinfo(&tokens.access).await.status, 200);
        assert_eq!(rp.exchange(&unspent).await.status, 200);
    })
    .await;
}
