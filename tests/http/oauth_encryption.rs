//! Userinfo as a signed or encrypted JWT, and encrypted ID tokens (OpenID Connect Core sections 5.3.2 and 10.2).

use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{
    Browser, Opener, Published, RelyingParty, TokenAnswer, Tokens, World, claims, client, header,
    web_metadata,
};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges};

const ADA: &str = "ada@example.test";
const CALLBACK: &str = "https://sealed.example.test/cb";

/// A client with these members beside the usual ones.
fn metadata(more: &Value) -> Value {
    let mut metadata = web_metadata("sealed", CALLBACK, false);
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

async fn signed_in_at(rp: &RelyingParty, browser: &Browser) -> Tokens {
    let code = rp.asking("openid email offline_access").authorize(browser).await.code();
    rp.exchange(&code).await.tokens()
}

/// The claims of a token that a published key of the tenant signed with RS256.
async fn verified(world: &World, token: &str) -> Value {
    let url = format!("{}/.well-known/jwks.json", world.issuer());
    let set: Value = client().build().unwrap().get(url).send().await.unwrap().json().await.unwrap();
    let keys = set["keys"].as_array().unwrap().clone();
    let key = keys.into_iter().find(|key| key["kid"] == header(token)["kid"]).expect("a published key");
    assert_eq!((&header(token)["alg"], &key["alg"]), (&json!("RS256"), &json!("RS256")));
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).expect("a good signature");
    claims(token)
}

fn is_jwt(answer: &TokenAnswer) {
    assert_eq!(answer.status, 200, "{answer}");
    let said = (answer.header("content-type"), answer.header("cache-control"));
    assert_eq!(said, (Some("application/jwt"), Some("no-store")), "{answer}");
}

fn is_about_ada(world: &World, rp: &RelyingParty, claims: &Value) {
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(world.issuer()), &json!(rp.client_id)));
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(ADA), &json!(true)));
    assert_eq!(claims["iat"], world.clock.now().as_seconds());
    for absent in ["exp", "nonce", "sid", "at_hash", "auth_time"] {
        assert!(claims.get(absent).is_none(), "no ID token: {claims}");
    }
}

#[tokio::test]
async fn userinfo_is_signed_for_a_client_that_wants_it() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        let rp = world.register(metadata(&json!({ "userinfo_signed_response_alg": "RS256" })), true).await;
        let tokens = signed_in_at(&rp, &ada.browser).await;
        let answer = rp.userinfo(&tokens.access).await;
        is_jwt(&answer);
        let about = verified(world, &answer.text).await;
        is_about_ada(world, &rp, &about);
        assert_eq!(about["sub"], tokens.id_claims()["sub"]);
        // It has no `typ`, so that it is nothing else of ours.
        assert!(header(&answer.text).get("typ").is_none());
        let asked = rp.userinfo(&answer.text).await;
        assert_eq!((asked.status, asked.error()), (401, Some("invalid_token")), "an error is JSON: {asked}");
        let hint = [("id_token_hint", answer.text.as_str()), ("prompt", "none")];
        let hinted = rp.authorize_with(&ada.browser, &hint).await;
        assert_eq!(hinted.error().as_deref(), Some("invalid_request"));
        // By POST it is the same.
        let posted = rp.post("/oauth/userinfo").bearer_auth(&tokens.access).send().await.unwrap();
        is_jwt(&TokenAnswer::read(posted).await);
    })
    .await;
}

/// Every way of encrypting, with and without a signature, at every place.
#[tokio::test]
async fn what_a_client_wants_encrypted_only_its_key_opens() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let openers = [("ECDH-ES", Opener::ec("k-ec")), ("RSA-OAEP-256", Opener::rsa("k-rsa"))];
    let jwks = json!({ "keys": [openers[0].1.jwk(), openers[1].1.jwk()] });
    let mut count = 0;
    for (alg, opener) in &openers {
        for enc in ["A128CBC-HS256", "A128GCM", "A256GCM"] {
            for signed in [false, true] {
                let mut wish = json!({
                    "jwks": jwks,
                    "id_token_encrypted_response_alg": alg, "id_token_encrypted_response_enc": enc,
                    "userinfo_encrypted_response_alg": alg, "userinfo_encrypted_response_enc": enc,
                });
                if signed {
                    wish["userinfo_signed_response_alg"] = "RS256".into();
                }
                let rp = world.register(metadata(&wish), true).await;
                let expected = json!({ "alg": alg, "enc": enc, "kid": opener.jwk()["kid"] });
                let is_so = |header: &Value, nested: bool| {
                    for member in ["alg", "enc", "kid"] {
                        assert_eq!(header[member], expected[member], "{header}");
                    }
                    assert_eq!(header.get("cty"), nested.then_some(&json!("JWT")), "{header}");
                    assert!(header.get("zip").is_none(), "{header}");
                };
                let tokens = signed_in_at(&rp, &ada.browser).await;
                let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await.tokens();
                for token in [&tokens.id, &refreshed.id] {
                    let opened = opener.open(token.as_deref().unwrap());
                    is_so(&opened.header, true);
                    let about = verified(&world, &opened.text).await;
                    assert_eq!(
                        (&about["aud"], header(&opened.text)["typ"].as_str()),
                        (&json!(rp.client_id), Some("JWT"))
                    );
                }
                let answer = rp.userinfo(&tokens.access).await;
                is_jwt(&answer);
                let opened = opener.open(&answer.text);
                is_so(&opened.header, signed);
                let about = if signed {
                    verified(&world, &opened.text).await
                } else {
                    serde_json::from_str(&opened.text).unwrap()
                };
                is_about_ada(&world, &rp, &about);
                count += 1;
            }
        }
    }
    assert_eq!(count, 12);
}

/// OpenID Connect Core section 3.1.2.1: the relying party decrypts the ID token that it sends back.
#[tokio::test]
async fn the_signed_token_inside_is_a_hint_and_the_encrypted_one_is_none() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let opener = Opener::ec("k1");
    let wish = json!({ "jwks": { "keys": [opener.jwk()] }, "id_token_encrypted_response_alg": "ECDH-ES" });
    let rp = world.register(metadata(&wish), true).await;
    let sealed = signed_in_at(&rp, &ada.browser).await.id.unwrap();
    let opened = opener.open(&sealed);
    assert_eq!(opened.header["enc"], "A128CBC-HS256", "the default");
    let asked = async |hint: &str| {
        rp.authorize_with(&ada.browser, &[("id_token_hint", hint), ("prompt", "none")]).await
    };
    asked(&opened.text).await.code();
    assert_eq!(asked(&sealed).await.error().as_deref(), Some("invalid_request"));
    let end = |hint: &str| {
        rp.end_session_url(&[("id_token_hint", hint), ("post_logout_redirect_uri", &rp.redirect_uri)])
    };
    assert!(ada.browser.open(&end(&sealed)).await.left_to.is_none());
    assert!(ada.browser.open(&end(&opened.text)).await.left_to.is_some());
}

#[tokio::test]
async fn an_id_token_that_passes_through_the_browser_is_encrypted_too() {
    let world = World::start().await;
    world
        .operate(AdminCommand::TenantsSet { settings: json!({ "oidc_legacy": "all_clients" }) })
        .await
        .unwrap();
    let ada = world.signed_in(ADA).await;
    let opener = Opener::rsa("k1");
    let published = Published::start(json!({ "keys": [opener.jwk()] })).await;
    let wish = json!({
        "jwks_uri": published.url, "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "grant_types": ["authorization_code", "implicit"], "response_types": ["code", "id_token", "code id_token"],
    });
    let rp = world.register(metadata(&wish), true).await;
    let answer = async |response_type: &str| {
        let left =
            rp.authorize_with(&ada.browser, &[("response_type", response_type)]).await.0.left_to.unwrap();
        let fragment = left.fragment().unwrap_or_default().to_owned();
        let pairs = url::form_urlencoded::parse(fragment.as_bytes());
        pairs.into_owned().collect::<std::collections::HashMap<String, String>>()
    };
    for response_type in ["id_token", "code id_token"] {
        let parameters = answer(response_type).await;
        let inside = opener.open(&parameters["id_token"]);
        assert_eq!(verified(&world, &inside.text).await["nonce"], "a-nonce");
    }
    // Without a key the client is told, and nothing is given.
    published.put(None);
    world.clock.advance(Duration::from_hours(1));
    let refused = answer("code id_token").await;
    assert_eq!(refused["error"], "temporarily_unavailable", "{refused:?}");
    assert!(!refused.contains_key("code") && !refused.contains_key("id_token"));
    // Who asks for no ID token here needs no key here.
    rp.authorize(&ada.browser).await.code();
}

#[tokio::test]
async fn without_a_key_nothing_goes_out_and_nothing_is_spent() {
    World::each(async |world| {
        let ada = world.signed_in(ADA).await;
        let (old, new) = (Opener::ec("old"), Opener::ec("new"));
        let published = Published::start(json!({ "keys": [old.jwk()] })).await;
        let wish = json!({
            "jwks_uri": published.url, "scope": "openid email offline_access reports:read",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "id_token_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_alg": "ECDH-ES",
        });
        let rp = world.register(metadata(&wish), true).await;
        assert_eq!(published.fetches(), 0, "not before it is needed");
        let tokens = signed_in_at(&rp, &ada.browser).await;
        old.open(tokens.id.as_deref().unwrap());
        old.open(&rp.userinfo(&tokens.access).await.text);
        assert_eq!(published.fetches(), 1, "and kept");

        // A key that the client takes out is encrypted to for five minutes at most.
        published.put(Some(json!({ "keys": [new.jwk()] })));
        world.clock.advance(Duration::from_secs(299));
        let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await.tokens();
        old.open(refreshed.id.as_deref().unwrap());
        world.clock.advance(Duration::from_secs(1));
        let refreshed = rp.refresh(refreshed.refresh.as_deref().unwrap()).await.tokens();
        new.open(refreshed.id.as_deref().unwrap());
        assert_eq!(published.fetches(), 2);

        // While the address fails the last one serves for an hour, and then nothing does.
        published.put(None);
        world.clock.advance(Duration::from_secs(3599));
        let refreshed = rp.refresh(refreshed.refresh.as_deref().unwrap()).await.tokens();
        new.open(refreshed.id.as_deref().unwrap());
        let code = rp.asking("openid email").authorize(&ada.browser).await.code();
        world.clock.advance(Duration::from_secs(1));
        for (what, answer) in [
            ("code", rp.exchange(&code).await),
            ("refresh", rp.refresh(refreshed.refresh.as_deref().unwrap()).await),
            ("userinfo", rp.userinfo(&refreshed.access).await),
        ] {
            assert_eq!(
                (answer.status, answer.error()),
                (503, Some("temporarily_unavailable")),
                "{what}: {answer}"
            );
            assert!(!answer.text.contains("eyJ"), "{what}: {answer}");
        }
        // What isn't a person's needs no such key.
        assert_eq!(rp.client_credentials("reports:read").await.status, 200);
        // A set without a key for that is as good as none.
        published.put(Some(json!({ "keys": [Opener::rsa("other").jwk()] })));
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(rp.exchange(&code).await.status, 503);
        // What was refused was not spent: it serves when the key is there again, which is looked for once a minute.
        published.put(Some(json!({ "keys": [new.jwk()] })));
        world.clock.advance(Duration::from_secs(59));
        let code = rp.asking("openid email").authorize(&ada.browser).await.code();
        assert_eq!(rp.exchange(&code).await.status, 503);
        world.clock.advance(Duration::from_secs(1));
        let first = rp.exchange(&code).await.tokens();
        new.open(first.id.as_deref().unwrap());
        let refreshed = rp.refresh(refreshed.refresh.as_deref().unwrap()).await.tokens();
        new.open(refreshed.id.as_deref().unwrap());
    })
    .await;
}

async fn allow_registration(world: &World) {
    let settings = json!({ "registration": { "mode": "open" } });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
}

async fn register(world: &World, metadata: &Value) -> TokenAnswer {
    let url = format!("{}/oauth/register", world.issuer());
    TokenAnswer::read(client().build().unwrap().post(url).json(metadata).send().await.unwrap()).await
}

#[tokio::test]
async fn a_client_that_registers_itself_says_how_it_wants_its_answers() {
    let world = World::start().await;
    allow_registration(&world).await;
    let discovery = format!("{}/.well-known/openid-configuration", world.issuer());
    let document: Value =
        client().build().unwrap().get(discovery).send().await.unwrap().json().await.unwrap();
    let offered = |member: &str| -> Vec<Value> { document[member].as_array().unwrap().clone() };
    let opener = Opener::ec("k1");
    let foreign = json!({ "kty": "OKP", "crv": "X448", "x": "AA", "use": "enc" });
    let broken = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc" });
    let good = json!({
        "redirect_uris": [CALLBACK], "jwks": { "keys": [foreign, broken, opener.jwk()] },
        "userinfo_signed_response_alg": "RS256", "userinfo_encrypted_response_alg": "ECDH-ES",
        "id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM",
    });
    let made = register(&world, &good).await;
    assert_eq!(made.status, 201, "{made}");
    for (member, value) in good.as_object().unwrap() {
        assert_eq!(&made.body[member], value, "{made}");
    }
    assert_eq!(made.body["userinfo_encrypted_response_enc"], "A128CBC-HS256", "{made}");
    for kind in ["userinfo", "id_token"] {
        assert!(offered(&format!("{kind}_signing_alg_values_supported")).contains(&json!("RS256")));
        assert!(offered(&format!("{kind}_encryption_alg_values_supported")).contains(&json!("ECDH-ES")));
        assert!(offered(&format!("{kind}_encryption_enc_values_supported")).contains(&json!("A256GCM")));
    }
    for (member, value) in [
        ("userinfo_signed_response_alg", json!("PS256")),
        ("userinfo_signed_response_alg", json!("none")),
        ("userinfo_encrypted_response_alg", json!("RSA1_5")),
        ("userinfo_encrypted_response_alg", json!("dir")),
        ("userinfo_encrypted_response_alg", json!("RSA-OAEP-256")),
        ("userinfo_encrypted_response_alg", Value::Null),
        ("id_token_encrypted_response_enc", json!("A128CBC-HS512")),
        ("jwks", Value::Null),
        ("jwks", json!({ "keys": [] })),
        ("jwks", json!({ "keys": [opener.jwk(), { "kty": "OKP", "d": "AA" }] })),
    ] {
        let mut spoilt = good.clone();
        spoilt["userinfo_encrypted_response_enc"] = "A128GCM".into();
        spoilt[member] = value.clone();
        let refused = register(&world, &spoilt).await;
        assert_eq!(
            (refused.status, refused.error()),
            (400, Some("invalid_client_metadata")),
            "{member} {value}"
        );
    }
    // An operator is told of the broken key, but only when it is the keys that change.
    let client_id = made.body["client_id"].as_str().unwrap().to_owned();
    let update = async |metadata: Value| {
        let changes = ClientChanges { metadata, ..ClientChanges::default() };
        let command =
            AdminCommand::ClientsUpdate { client_id: client_id.clone(), changes, new_secret: false };
        world.operate(command).await
    };
    assert!(update(json!({ "client_name": "Seal" })).await.is_ok());
    let refused = update(json!({ "jwks": { "keys": [broken, opener.jwk()] } })).await.unwrap_err();
    assert!(refused.to_string().contains("jwks: key 1"), "{refused}");
    // An algorithm that the tenant has no key for gets one when an operator asks for it.
    assert!(update(json!({ "userinfo_signed_response_alg": "EdDSA" })).await.is_ok());
}
