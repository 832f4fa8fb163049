use std::time::Duration;

use harness::{World, claims, client, header, web_metadata};
use serde_json::{Value, json};
use server::admin::AdminCommand;
use server::config::{Config, MasterKeySource};
use terms::SecretText;

/// Any.
const NEWER: &str = "8f3a1c5e7092b4d6a8cfe1320457698b9badc0ef12345768a9b0c1d2e3f40516";
const HOUR: Duration = Duration::from_hours(1);

async fn published(world: &World) -> Vec<String> {
    let url = format!("{}/.well-known/jwks.json", world.issuer());
    let document: Value = client().build().unwrap().get(url).send().await.unwrap().json().await.unwrap();
    let keys = document["keys"].as_array().unwrap().clone();
    let mut ids: Vec<String> = keys
        .iter()
        .filter(|key| key["alg"] == "ES256")
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

async fn rotate(world: &World, now: bool) -> Result<String, String> {
    let alg = Some("ES256".to_owned());
    let answer = world.operate(AdminCommand::KeysRotate { alg, now }).await;
    let text = |value: Value| value[0]["kid"].as_str().unwrap().to_owned();
    answer.map(text).map_err(|error| error.to_string())
}

async fn state(world: &World, kid: &str) -> String {
    let keys = world.operate(AdminCommand::KeysList).await.unwrap();
    let key = keys.as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone();
    key["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_successor_is_published_before_it_signs_and_the_old_key_stays_until_its_tokens_have_expired() {
    World::each(async |world| {
        let service = world.rp("service").await;
        let token = async || service.client_credentials("reports:read").await.tokens().access;
        let kid = |token: &str| header(token)["kid"].as_str().unwrap().to_owned();
        let first = token().await;
        let old = kid(&first);

        let new = rotate(world, false).await.unwrap();
        let mut both = [old.clone(), new.clone()];
        both.sort();
        assert_eq!(published(world).await, both, "announced");
        assert_eq!(kid(&token().await), old);
        let refused = rotate(world, false).await.unwrap_err();
        assert!(refused.contains("takes over by itself"), "{refused}");

        world.clock.advance(Duration::from_millis(60 * 60 * 1000 - 1));
        assert_eq!(kid(&token().await), old);
        let last = token().await;
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(kid(&token().await), new, "the time alone changes who signs");
        assert!(service.introspect(&last).await.body["active"] == true, "the old key's last token");
        assert_eq!(state(world, &old).await, "retiring");
        assert_eq!(published(world).await, both);

        world.clock.advance(HOUR * 24);
        assert_eq!(published(world).await, std::slice::from_ref(&new));
        assert_eq!(state(world, &old).await, "retired");
        world.restart().await;
        assert_eq!(published(world).await, [new]);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_is_believed_no_more_and_somebody_else_signs_at_once() {
    World::each(async |world| {
        let service = world.rp("service").await;
        let first = service.client_credentials("reports:read").await.tokens().access;
        let old = header(&first)["kid"].as_str().unwrap().to_owned();
        assert!(service.introspect(&first).await.body["active"] == true);

        let revoked = world.operate(AdminCommand::KeysRevoke { kid: old.clone() }).await.unwrap();
        let new = revoked["successor"]["kid"].as_str().unwrap().to_owned();
        assert_eq!(service.introspect(&first).await.body, json!({ "active": false }));
        assert_eq!(published(world).await, std::slice::from_ref(&new));
        let second = service.client_credentials("reports:read").await.tokens().access;
        assert_eq!(header(&second)["kid"], new.as_str());
        for (kid, said) in
            [(old.as_str(), "revoked already"), ("key_x", "there is no key"), ("", "there is no key")]
        {
            let again = world.operate(AdminCommand::KeysRevoke { kid: kid.to_owned() }).await.unwrap_err();
            assert!(again.to_string().contains(said), "{again}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_hint_outlives_the_key_that_signed_it_but_not_its_revocation() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let mut hints = Vec::new();
        for name in ["alice", "bob"] {
            let person = world.sign_up(&format!("{name}@example.test")).await;
            let code = web.authorize(&person.browser).await.code();
            hints.push((web.exchange(&code).await.tokens().id.unwrap(), person));
        }
        let [(alices, alice), (bobs, bob)] = hints.try_into().unwrap_or_else(|_| panic!("two"));
        let end = |hint: &str| {
            web.end_session_url(&[("id_token_hint", hint), ("post_logout_redirect_uri", &web.redirect_uri)])
        };
        world.operate(AdminCommand::KeysRotate { alg: Some("RS256".to_owned()), now: true }).await.unwrap();
        world.clock.advance(HOUR * 30);
        let kid = header(&alices)["kid"].as_str().unwrap().to_owned();
        assert_eq!(state(world, &kid).await, "retired");
        // With a hint that counts nobody is asked, and the browser leaves to the relying party.
        assert!(alice.browser.open(&end(&alices)).await.left_to.is_some());
        world.operate(AdminCommand::KeysRevoke { kid }).await.unwrap();
        assert!(bob.browser.open(&end(&bobs)).await.left_to.is_none());
    })
    .await;
}

#[tokio::test]
async fn further_algorithms_come_with_whoever_asks_for_them() {
    World::each(async |world| {
        let listed = async || {
            let url = format!("{}/.well-known/openid-configuration", world.issuer());
            let document: Value =
                client().build().unwrap().get(url).send().await.unwrap().json().await.unwrap();
            document["id_token_signing_alg_values_supported"].clone()
        };
        assert_eq!(listed().await, json!(["RS256", "ES256"]));
        let alice = world.sign_up("alice@example.test").await;
        for (alg, hash_length) in [("PS256", 22), ("EdDSA", 43)] {
            let callback = format!("https://{}.example.test/callback", alg.to_lowercase());
            let mut metadata = web_metadata(alg, &callback, false);
            metadata["id_token_signed_response_alg"] = alg.into();
            let party = world.register(metadata, true).await;
            let tokens = party.exchange(&party.authorize(&alice.browser).await.code()).await.tokens();
            let id_token = tokens.id.unwrap();
            assert_eq!(header(&id_token)["alg"], alg);
            // Half of SHA-256, or of SHA-512 where the signature uses that.
            assert_eq!(claims(&id_token)["at_hash"].as_str().unwrap().len(), hash_length);
        }
        assert_eq!(listed().await, json!(["RS256", "PS256", "ES256", "EdDSA"]));

        for (format, alg) in [("jwt-ps256", "PS256"), ("jwt-eddsa", "EdDSA"), ("jwt-rs256", "RS256")] {
            let identifier = format!("https://{format}.example.test");
            let create = AdminCommand::ResourceServersCreate {
                identifier: identifier.clone(),
                scope: "reports:read".to_owned(),
                token_format: format.to_owned(),
                token_lifetime: 300,
                introspection_client: None,
            };
            world.operate(create).await.unwrap();
            let service = world.rp("service").await;
            let parameters = [
                ("grant_type", "client_credentials"),
                ("scope", "reports:read"),
                ("resource", identifier.as_str()),
            ];
            let token = service.token(&parameters).await.tokens().access;
            assert_eq!((&header(&token)["alg"], &claims(&token)["aud"]), (&json!(alg), &json!(identifier)));
            assert!(service.introspect(&token).await.body["active"] == true);
        }
        let again = world.operate(AdminCommand::KeysCreate { alg: "EdDSA".to_owned() }).await.unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
        let unknown = world.operate(AdminCommand::KeysCreate { alg: "HS256".to_owned() }).await.unwrap_err();
        assert!(unknown.to_string().contains("must be RS256"), "{unknown}");
    })
    .await;
}

#[tokio::test]
async fn the_data_keys_move_to_the_current_master_key() {
    World::each(async |world| {
        let before = world.operate(AdminCommand::MasterKeyStatus).await.unwrap();
        assert_eq!((&before[0]["state"], &before[0]["tenants"]), (&json!("current"), &json!(1)));

        let older = std::fs::read_to_string(world.folder().join("master.key")).unwrap();
        let ring = |text: String| {
            move |config: &mut Config| config.master_keys = MasterKeySource::Text(SecretText::new(text))
        };
        world.restart_as(ring(format!("{NEWER} {older}"))).await;
        let during = world.operate(AdminCommand::MasterKeyStatus).await.unwrap();
        assert_eq!((&during[0]["tenants"], &during[1]["tenants"]), (&json!(0), &json!(1)), "{during}");
        let service = world.rp("service").await;
        assert_eq!(service.client_credentials("reports:read").await.status, 200);

        for rewrapped in [1, 0] {
            let done = world.operate(AdminCommand::MasterKeyRewrap).await.unwrap();
            assert_eq!(done["rewrapped"], rewrapped);
        }
        world.restart_as(ring(NEWER.to_owned())).await;
        assert_eq!(service.client_credentials("reports:read").await.status, 200);
        let after = world.operate(AdminCommand::MasterKeyStatus).await.unwrap();
        assert_eq!(after.as_array().unwrap().len(), 1, "{after}");
        assert_ne!(after[0]["key"], before[0]["key"]);
    })
    .await;
}
