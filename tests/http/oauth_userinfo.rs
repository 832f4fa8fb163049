//! `/oauth/userinfo`: who the access token is about.

use harness::{PASSWORD, Person, World};
use serde_json::{Value, json};
use server::admin::AdminCommand;

#[tokio::test]
async fn each_scope_opens_its_claims_and_no_others() {
    World::each(async |world| {
        let profile = json!({
            "name": "Alice Example",
            "given_name": "Alice",
            "locale": "en-GB",
            "phone_number": "+48221234567",
            "phone_number_verified": true,
            "address": { "country": "Poland" },
        });
        world.create_user_with("alice@example.test", PASSWORD, Some(profile)).await;
        let alice = Person {
            email: "alice@example.test".to_owned(),
            password: PASSWORD.to_owned(),
            browser: world.browser(),
        };
        assert_eq!(alice.sign_in().await.status, 200);
        let about = async |scope: &str| {
            let rp = world.rp("web").await.asking(scope);
            let code = rp.authorize(&alice.browser).await.code();
            let answer = rp.userinfo(&rp.exchange(&code).await.tokens().access).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
            let Value::Object(mut claims) = answer.body else { panic!("no object") };
            assert!(claims.remove("sub").is_some());
            claims.into_iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>()
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(about("openid").await, names(&[]));
        assert_eq!(about("openid profile").await, names(&["name", "given_name", "locale", "updated_at"]));
        assert_eq!(about("openid email").await, names(&["email", "email_verified"]));
        assert_eq!(about("openid phone").await, names(&["phone_number", "phone_number_verified"]));
        assert_eq!(about("openid address").await, names(&["address"]));
    })
    .await;
}

#[tokio::test]
async fn the_token_may_come_in_a_form_but_not_in_the_query() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("spa").await;
        let code = rp.authorize(&alice.browser).await.code();
        let access = rp.exchange(&code).await.tokens().access;
        let in_form = rp.post("/oauth/userinfo").form(&[("access_token", &access)]).send().await.unwrap();
        assert_eq!(in_form.status(), 200);
        let both = rp.post("/oauth/userinfo").bearer_auth(&access).form(&[("access_token", &access)]);
        assert_eq!(both.send().await.unwrap().status(), 400);
        let in_query = rp.get(&format!("/oauth/userinfo?access_token={access}")).send().await.unwrap();
        assert_eq!(in_query.status(), 401);
        let challenge = in_query.headers()["www-authenticate"].to_str().unwrap();
        assert_eq!(challenge, format!("Bearer realm=\"{}\"", world.issuer()));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_is_nobody() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await.asking("openid offline_access");
        let code = rp.authorize(&alice.browser).await.code();
        let tokens = rp.exchange(&code).await.tokens();
        let unspent = rp.authorize(&alice.browser).await.code();
        let delete = AdminCommand::UsersDelete { user: "alice@example.test".to_owned() };
        world.operate(delete).await.unwrap();
        let answer = rp.userinfo(&tokens.access).await;
        assert_eq!((answer.status, answer.error()), (401, Some("invalid_token")));
        assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
        assert_eq!(rp.introspect(&tokens.access).await.body, json!({ "active": false }));
        assert_eq!(rp.refresh(tokens.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        assert_eq!(rp.exchange(&unspent).await.error(), Some("invalid_grant"));
    })
    .await;
}

#[tokio::test]
async fn only_access_tokens_for_the_issuer_with_openid_open_it() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await;
        let code = rp.authorize(&alice.browser).await.code();
        let tokens = rp.exchange(&code).await.tokens();
        let unspent = rp.authorize(&alice.browser).await.code();
        for other in [tokens.id.unwrap(), tokens.refresh.unwrap(), unspent, rp.client_secret.clone().unwrap()]
        {
            let answer = rp.userinfo(&other).await;
            assert_eq!((answer.status, answer.error()), (401, Some("invalid_token")), "{other}");
        }
        let own = world.rp("service").await.client_credentials("reports:read").await.tokens();
        let answer = rp.userinfo(&own.access).await;
        assert_eq!((answer.status, answer.error()), (403, Some("insufficient_scope")));
    })
    .await;
}
