//! `/oauth/token`: what codes, refresh tokens and clients' secrets buy, from the sign-in on.

use std::time::Duration;

use harness::{CHALLENGE, Person, RelyingParty, Tokens, VERIFIER, World, claims, header};
use serde_json::json;

/// Signs a person in at a relying party and redeems the code.
async fn tokens(rp: &RelyingParty, person: &Person) -> Tokens {
    let code = rp.authorize(&person.browser).await.code();
    rp.exchange(&code).await.tokens()
}

#[tokio::test]
async fn a_code_buys_an_id_token_about_who_signed_in() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("spa").await.asking("openid profile");
        let code = rp.authorize(&alice.browser).await.code();
        let answer = rp.exchange(&code).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 300);
        assert_eq!(answer.body["scope"], "openid profile");
        let tokens = answer.tokens();
        let id = tokens.id_claims();
        let now = world.clock.now().as_seconds();
        assert_eq!(header(tokens.id.as_deref().unwrap())["alg"], "RS256");
        assert_eq!(id["iss"], world.issuer());
        assert_eq!(id["aud"], json!(rp.client_id));
        assert_eq!(id["nonce"], "a-nonce");
        assert_eq!((&id["iat"], &id["exp"]), (&json!(now), &json!(now + 600)));
        assert_eq!((&id["amr"], &id["acr"]), (&json!(["pwd"]), &json!("1")));
        assert!(id["sid"].as_str().unwrap().starts_with("ses_") && id["at_hash"].is_string());
        // What it says of the person comes from userinfo.
        assert!(id.get("name").is_none() && id.get("email").is_none());
        let access = claims(&tokens.access);
        assert_eq!(
            header(&tokens.access),
            json!({ "alg": "ES256", "typ": "at+jwt", "kid": header(&tokens.access)["kid"] })
        );
        assert_eq!((&access["aud"], &access["sub"]), (&json!(world.issuer()), &id["sub"]));
        assert_eq!(rp.userinfo(&tokens.access).await.body["sub"], id["sub"]);
        // OpenID Connect Core section 12.2: the same person, client and time of authentication; no nonce.
        world.clock.advance(Duration::from_secs(7));
        let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await.tokens().id_claims();
        for name in ["iss", "sub", "aud", "auth_time", "sid"] {
            assert_eq!(refreshed[name], id[name], "{name}");
        }
        assert!(refreshed.get("nonce").is_none());
        assert_eq!(refreshed["iat"], json!(now + 7));
    })
    .await;
}

#[tokio::test]
async fn a_replayed_code_takes_its_tokens_with_it_also_after_a_restart() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        for restart in [false, true] {
            let rp = world.rp("web").await;
            let code = rp.authorize(&alice.browser).await.code();
            let tokens = rp.exchange(&code).await.tokens();
            if restart {
                world.restart().await;
            }
            assert_eq!(rp.introspect(&tokens.access).await.body["active"], true);
            let replay = rp.exchange(&code).await;
            assert_eq!((replay.status, replay.error()), (400, Some("invalid_grant")));
            assert_eq!(rp.introspect(&tokens.access).await.body, json!({ "active": false }));
            assert_eq!(rp.userinfo(&tokens.access).await.error(), Some("invalid_token"));
            assert_eq!(rp.refresh(tokens.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_is_for_the_client_the_redirect_and_the_verifier_of_its_request() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let (web, spa) = (world.rp("web").await, world.rp("spa").await);
        let code = spa.authorize(&alice.browser).await.code();
        let good = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", spa.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(web.token(&good).await.error(), Some("invalid_grant"), "another client's");
        for (name, wrong) in [
            ("redirect_uri", web.redirect_uri.as_str()),
            ("redirect_uri", ""),
            ("code_verifier", CHALLENGE),
            ("code_verifier", ""),
            ("code", "ptc_ac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ] {
            let mut form = good;
            form.iter_mut().filter(|(known, _)| *known == name).for_each(|pair| pair.1 = wrong);
            let answer = spa.token(&form).await;
            assert_eq!((answer.status, answer.error()), (400, Some("invalid_grant")), "{name}={wrong}");
        }
        assert_eq!(spa.token(&good).await.status, 200, "nothing of that spent the code");
    })
    .await;
}

#[tokio::test]
async fn pkce_can_be_neither_dropped_nor_added() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let web = world.rp("web").await;
        let exchange = async |code: &str, verifier: &str| {
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &web.redirect_uri),
                ("code_verifier", verifier),
            ];
            web.token(&form).await
        };
        // RFC 9700 section 2.1.1: a verifier where there was no challenge tells of a challenge that was taken away.
        let plain = [("code_challenge", ""), ("code_challenge_method", "")];
        let code = web.authorize_with(&alice.browser, &plain).await.code();
        assert_eq!(exchange(&code, VERIFIER).await.error(), Some("invalid_grant"));
        assert_eq!(exchange(&code, "").await.status, 200);
        let code = web.authorize(&alice.browser).await.code();
        assert_eq!(exchange(&code, "").await.error(), Some("invalid_grant"));
        assert_eq!(exchange(&code, VERIFIER).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await;
        let early = rp.authorize(&alice.browser).await.code();
        world.clock.advance(Duration::from_millis(59_999));
        assert_eq!(rp.exchange(&early).await.status, 200);
        let late = rp.authorize(&alice.browser).await.code();
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(rp.exchange(&late).await.error(), Some("invalid_grant"));
    })
    .await;
}

#[tokio::test]
async fn refresh_tokens_end_with_the_session_unless_they_are_for_later() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("spa").await;
        let bound = tokens(&rp, &alice).await;
        let offline = tokens(&rp.asking("openid offline_access"), &alice).await;
        let asked = alice.browser.open("/sign-out").await;
        alice.browser.submit(asked.press("Sign out")).await;
        assert_eq!(rp.refresh(bound.refresh.as_deref().unwrap()).await.error(), Some("invalid_grant"));
        assert_eq!(rp.userinfo(&bound.access).await.error(), Some("invalid_token"));
        assert_eq!(rp.userinfo(&offline.access).await.status, 200);
        assert_eq!(rp.refresh(offline.refresh.as_deref().unwrap()).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_public_clients_refresh_tokens_rotate_and_a_reuse_ends_them() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("spa").await;
        let first = tokens(&rp, &alice).await.refresh.unwrap();
        let next = async |token: &str| rp.refresh(token).await.tokens().refresh.unwrap();
        let second = next(&first).await;
        assert_eq!(next(&first).await, second, "the answer got lost");
        world.restart().await;
        assert_eq!(next(&first).await, second, "the answer got lost, and the server began anew");
        let third = next(&second).await;
        assert_ne!(third, second);
        world.clock.advance(Duration::from_secs(31));
        assert_eq!(rp.refresh(&first).await.error(), Some("invalid_grant"));
        assert_eq!(rp.refresh(&third).await.error(), Some("invalid_grant"), "the reuse ended the rest");
    })
    .await;
}

#[tokio::test]
async fn a_service_gets_a_token_in_its_own_name() {
    World::each(async |world| {
        let service = world.rp("service").await;
        let answer = service.client_credentials("reports:read").await;
        let tokens = answer.tokens();
        assert!(tokens.refresh.is_none() && tokens.id.is_none());
        assert_eq!(answer.body["scope"], "reports:read");
        let access = claims(&tokens.access);
        assert_eq!(
            (&access["sub"], &access["client_id"]),
            (&json!(service.client_id), &json!(service.client_id))
        );
        for (scope, error) in
            [("reports:write", "invalid_scope"), ("openid", "invalid_scope"), ("a  b", "invalid_scope")]
        {
            assert_eq!(service.client_credentials(scope).await.error(), Some(error), "{scope}");
        }
        for grant_type in ["authorization_code", "refresh_token"] {
            let answer = service.token(&[("grant_type", grant_type)]).await;
            assert_eq!((answer.status, answer.error()), (400, Some("unauthorized_client")));
        }
        let spa = world.rp("spa").await;
        assert_eq!(spa.client_credentials("openid").await.error(), Some("unauthorized_client"));
        assert_eq!(spa.token(&[("grant_type", "password")]).await.error(), Some("unsupported_grant_type"));
    })
    .await;
}

#[tokio::test]
async fn nothing_crosses_over_to_another_tenant() {
    use server::admin::AdminCommand;
    World::each(async |world| {
        let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
        let made = world.operate(create).await.unwrap();
        let there = made["issuer"].as_str().unwrap().to_owned();
        let alice = world.signed_in("alice@example.test").await;
        let rp = world.rp("web").await;
        let code = rp.authorize(&alice.browser).await.code();
        let other = rp.authorize(&alice.browser).await.code();
        let tokens = rp.exchange(&code).await.tokens();
        let secret = rp.client_secret.as_deref();
        let foreign = RelyingParty::new(&there, &rp.client_id, secret, &rp.redirect_uri);
        assert_eq!(foreign.exchange(&other).await.error(), Some("invalid_client"));
        assert_eq!(foreign.introspect(&tokens.access).await.error(), Some("invalid_client"));
        assert_eq!(foreign.revoke(&tokens.access).await.error(), Some("invalid_client"));
        assert_eq!(foreign.userinfo(&tokens.access).await.error(), Some("invalid_token"));
        assert_eq!(rp.userinfo(&tokens.access).await.status, 200);
        assert_eq!(rp.exchange(&other).await.status, 200);
    })
    .await;
}
