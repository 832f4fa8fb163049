//! Authorization requests that their client signed (OpenID Connect Core section 6, RFC 9101): in the request, or at an address.

use std::time::Duration;

use harness::{
    Answer, PASSWORD, Published, RelyingParty, Signer, World, claims, request_claims, web_metadata,
};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges};
use server::rate_limits::{Limit, Rate};
use url::Url;

const ADA: &str = "ada@example.test";
const CALLBACK: &str = "https://signing.example.test/cb";
const TAKEN: &str = "a code";
const OTHER: &str = "https://signing.example.test/other";

/// A client with these metadata beside the usual ones, and two redirect URIs.
async fn register(world: &World, changed: &Value) -> RelyingParty {
    let mut metadata = web_metadata("Signing", CALLBACK, false);
    metadata["redirect_uris"] = json!([CALLBACK, OTHER]);
    metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    world.register(metadata, true).await
}

async fn keyed(world: &World, key: &Signer) -> RelyingParty {
    register(world, &json!({ "jwks": { "keys": [key.jwk()] } })).await
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut changed = base.clone();
    match value {
        Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
        value => changed[name] = value,
    }
    changed
}

/// What stands beside the object, by OpenID Connect Core section 6.1, with what carries it.
fn beside<'a>(carrier: &'a str, value: &'a str) -> [(&'a str, &'a str); 5] {
    [("state", ""), ("nonce", ""), ("code_challenge", ""), ("code_challenge_method", ""), (carrier, value)]
}

#[tokio::test]
async fn a_signed_request_is_taken_by_value_and_comes_before_what_stands_beside_it() {
    World::each(async |world| {
        let key = Signer::es256("k1");
        let (ada, rp) = (world.signed_in(ADA).await, keyed(world, &key).await);
        let object = key.request(&request_claims(&rp, world.clock.now()));
        let answer = rp.authorize_with(&ada.browser, &beside("request", &object)).await;
        assert_eq!(answer.parameter("state").as_deref(), Some("a-state"), "{}", answer.0);
        assert_eq!(rp.exchange(&answer.code()).await.tokens().id_claims()["nonce"], "a-nonce");
        // What differs is as the object has it, and so is where the answer goes.
        let claims = request_claims(&rp, world.clock.now());
        let claims = with(&with(&claims, "redirect_uri", json!(OTHER)), "state", json!("signed"));
        let outer = [("state", "unsigned"), ("prompt", "login"), ("request", &key.request(&claims))];
        let page = rp.authorize_with(&ada.browser, &outer).await.0;
        assert_eq!(page.heading(), "Sign in", "prompt stands beside the object, which lacks it: {page}");
        let answer = Answer(ada.sign_in_at(page).await);
        assert_eq!(answer.parameter("state").as_deref(), Some("signed"));
        assert!(answer.0.left_to.as_ref().unwrap().as_str().starts_with(OTHER), "{}", answer.0);
        // RFC 9101 section 6.3: but beside an object of that type nothing counts, nor needs to be there.
        let mut header = key.header();
        header["typ"] = json!("oauth-authz-req+jwt");
        let whole = key.sign(&header, &request_claims(&rp, world.clock.now()));
        let outer = [("prompt", "login"), ("state", "unsigned"), ("request", &whole)];
        rp.authorize_with(&ada.browser, &outer).await.code();
        let mut url = Url::parse(&format!("{}/oauth/authorize", rp.issuer)).unwrap();
        url.query_pairs_mut().extend_pairs([("client_id", &rp.client_id), ("request", &whole)]);
        Answer(ada.browser.arrive(url.as_str()).await).code();
    })
    .await;
}

#[tokio::test]
async fn numbers_objects_and_lists_become_parameters() {
    let world = World::start().await;
    let key = Signer::es256("k1");
    let (ada, rp) = (world.signed_in(ADA).await, keyed(&world, &key).await);
    world.clock.advance(Duration::from_mins(5));
    let good = request_claims(&rp, world.clock.now());
    let ask = async |claims: &Value| {
        rp.authorize_with(&ada.browser, &beside("request", &key.request(claims))).await
    };
    let named = with(&good, "claims", json!({ "id_token": { "email": null } }));
    let tokens = rp.exchange(&ask(&named).await.code()).await.tokens();
    assert_eq!(tokens.id_claims()["email"], ADA);
    let tokens = rp.exchange(&ask(&with(&good, "resource", json!([rp.issuer]))).await.code()).await.tokens();
    assert_eq!(claims(&tokens.access)["aud"], rp.issuer);
    ask(&with(&good, "max_age", json!(600))).await.code();
    assert_eq!(ask(&with(&good, "max_age", json!(60))).await.0.heading(), "Sign in");
    for (name, value, error) in [
        ("max_age", json!(1.5), "invalid_request"),
        ("claims", json!([1]), "invalid_request"),
        ("prompt", json!(["none"]), "invalid_request"),
        ("scope", json!(["openid"]), "invalid_scope"),
        ("resource", json!([7]), "invalid_target"),
        ("registration", json!({}), "registration_not_supported"),
        ("response_mode", json!("carrier-pigeon"), "invalid_request"),
    ] {
        let answer = ask(&with(&good, name, value.clone())).await;
        assert_eq!(answer.error().as_deref(), Some(error), "{name} {value}: {}", answer.0);
        assert_eq!(answer.parameter("state").as_deref(), Some("a-state"), "told as the object says");
    }
}

#[tokio::test]
async fn no_spoilt_object_is_taken_and_its_refusal_goes_where_the_request_beside_it_leads() {
    let world = World::start().await;
    let (key, stranger) = (Signer::es256("k1"), Signer::es256("k1"));
    let (ada, rp) = (world.signed_in(ADA).await, keyed(&world, &key).await);
    let (good, now) = (request_claims(&rp, world.clock.now()), world.clock.now().as_seconds());
    let good = with(&good, "redirect_uri", json!(OTHER));
    let refused = async |object: &str, error: &str, what: &str| {
        let changed = [("state", "outer"), ("nonce", ""), ("request", object)];
        let answer = rp.authorize_with(&ada.browser, &changed).await;
        assert_eq!(answer.error().as_deref(), Some(error), "{what}: {}", answer.0);
        let left = answer.0.left_to.as_ref().unwrap().as_str();
        assert!(left.starts_with(CALLBACK) && left.contains("state=outer"), "{what}: {left}");
    };
    let invalid = "invalid_request_object";
    for (name, value) in [
        ("iss", json!("other")),
        ("sub", json!(rp.client_id)),
        ("aud", json!("https://else.example")),
        ("exp", json!(now)),
        ("exp", json!("never")),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("client_id", json!("cli_other")),
        ("response_type", json!("id_token")),
        ("request", json!("x.y.z")),
        ("request_uri", json!("https://signing.example.test/r")),
    ] {
        refused(&key.request(&with(&good, name, value)), invalid, name).await;
    }
    let mut header = key.header();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("alg", Value::Null),
        ("kid", json!("k2")),
        ("typ", json!("client-authentication+jwt")),
        ("typ", json!("at+jwt")),
        ("crit", json!(["exp"])),
        ("jwk", stranger.jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
    ] {
        header["typ"] = json!("JWT");
        refused(&key.sign(&with(&header, name, value), &good), invalid, name).await;
    }
    refused(&stranger.request(&good), invalid, "another's key").await;
    let public_as_secret = Signer::hs256(&key.jwk().to_string());
    refused(&public_as_secret.sign(&json!({ "alg": "HS256", "kid": "k1" }), &good), invalid, "MAC").await;
    let object = key.request(&good);
    for cut in [1, object.len() / 2, object.len() - 1] {
        refused(&object[..cut], invalid, "cut").await;
    }
    let unsigned = object.rsplit_once('.').unwrap().0;
    refused(&format!("{unsigned}."), invalid, "no signature").await;
    refused("a.b.c.d.e", "request_not_supported", "encrypted").await;
    // A client assertion is no request, and an ID token of ours is none either.
    refused(&key.assertion(&rp, "1", world.clock.now()), invalid, "assertion").await;
    let id_token = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens().id.unwrap();
    refused(&id_token, invalid, "ID token").await;
    rp.authorize_with(&ada.browser, &[("request", &object)]).await.code();
}

#[tokio::test]
async fn where_no_place_of_the_client_is_named_the_person_is_told() {
    let world = World::start().await;
    let (key, stranger) = (Signer::es256("k1"), Signer::es256("k1"));
    let rp = keyed(&world, &key).await;
    let forged = stranger.request(&request_claims(&rp, world.clock.now()));
    let told = "the request object is not signed with a key of the client";
    for changed in [
        [("redirect_uri", ""), ("request", forged.as_str())],
        [("redirect_uri", "https://evil.example/cb"), ("request", &forged)],
    ] {
        let page = rp.authorize_with(&world.browser(), &changed).await.0;
        assert!(page.left_to.is_none() && page.status == 400 && page.says(told), "{page}");
    }
    let evil =
        with(&request_claims(&rp, world.clock.now()), "redirect_uri", json!("https://evil.example/cb"));
    let page = rp.authorize_with(&world.browser(), &[("request", &key.request(&evil))]).await.0;
    assert!(
        page.left_to.is_none() && page.says("redirect_uri is not one that the client registered"),
        "{page}"
    );
    let good = key.request(&request_claims(&rp, world.clock.now()));
    for (client, told) in [("", "client_id is missing"), ("cli_nobody", "client_id names no client")] {
        let page = rp.authorize_with(&world.browser(), &[("client_id", client), ("request", &good)]).await.0;
        assert!(page.left_to.is_none() && page.says(told), "{page}");
    }
}

#[tokio::test]
async fn keys_and_secrets_are_the_clients_own() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let (key, new) = (Signer::es256("k1"), Signer::es256("k2"));
    let ask = async |rp: &RelyingParty, signer: &Signer| {
        let object = signer.request(&request_claims(rp, world.clock.now()));
        let answer = rp.authorize_with(&ada.browser, &beside("request", &object)).await;
        answer.error().unwrap_or_else(|| answer.parameter("code").map_or("neither", |_| TAKEN).to_owned())
    };
    let invalid = "invalid_request_object";
    // Keys at an address: what isn't there is looked for once a minute.
    let published = Published::start(json!({ "keys": [key.jwk()] })).await;
    let rp = register(&world, &json!({ "jwks_uri": published.url })).await;
    assert_eq!(ask(&rp, &key).await, TAKEN);
    published.put(Some(json!({ "keys": [key.jwk(), new.jwk()] })));
    assert_eq!((ask(&rp, &new).await.as_str(), published.fetches()), (invalid, 1));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(ask(&rp, &new).await, TAKEN);
    assert_eq!(published.fetches(), 2);
    // A secret makes MACs only where it is kept for that.
    let method = json!({ "token_endpoint_auth_method": "client_secret_jwt" });
    let by_mac = register(&world, &method).await;
    let secret = Signer::hs256(by_mac.client_secret.as_deref().unwrap());
    assert_eq!(ask(&by_mac, &secret).await, TAKEN);
    assert_eq!(ask(&by_mac, &Signer::hs256("ptc_cs_guess")).await, invalid);
    let basic = register(&world, &json!({})).await;
    let secret = Signer::hs256(basic.client_secret.as_deref().unwrap());
    assert_eq!(ask(&basic, &secret).await, invalid);
    assert_eq!(ask(&basic, &key).await, invalid, "a client without keys signs nothing");
    // The one algorithm that was registered.
    let strict = json!({
        "token_endpoint_auth_method": "client_secret_jwt", "jwks": { "keys": [key.jwk()] },
        "request_object_signing_alg": "ES256",
    });
    let strict = register(&world, &strict).await;
    let secret = Signer::hs256(strict.client_secret.as_deref().unwrap());
    assert_eq!(ask(&strict, &secret).await, invalid);
    assert_eq!(ask(&strict, &key).await, TAKEN);
    // Another client's object is nothing here, with the same key neither.
    let (one, other) = (keyed(&world, &key).await, keyed(&world, &key).await);
    let object = key.request(&request_claims(&one, world.clock.now()));
    let answer = other.authorize_with(&ada.browser, &beside("request", &object)).await;
    assert_eq!(answer.error().as_deref(), Some(invalid));
}

#[tokio::test]
async fn only_registered_addresses_are_fetched_and_what_lies_there_must_be_an_object() {
    let world = World::start().await;
    let (ada, key) = (world.signed_in(ADA).await, Signer::es256("k1"));
    let published = Published::empty().await;
    let (plain, marked) = (published.url.clone(), format!("{}#x4sRo", published.url));
    let rp = register(
        &world,
        &json!({ "jwks": { "keys": [key.jwk()] }, "request_uris": [marked, "https://10.0.0.1/r", "http://127.0.0.1:1/r"] }),
    )
    .await;
    let object = key.request(&request_claims(&rp, world.clock.now()));
    let ask = async |uri: &str| rp.authorize_with(&ada.browser, &beside("request_uri", uri)).await;
    published.put_as("application/oauth-authz-req+jwt", &format!("{object}\n"));
    for uri in
        [plain.as_str(), &format!("{plain}#other"), &format!("{plain}?"), "urn:x", "https://evil.example/r"]
    {
        assert_eq!(ask(uri).await.error().as_deref(), Some("invalid_request_uri"), "{uri}");
    }
    assert_eq!(published.fetches(), 0, "what isn't registered isn't fetched");
    let answer = ask(&marked).await;
    assert_eq!((answer.parameter("state").as_deref(), published.fetches()), (Some("a-state"), 1));
    answer.code();
    published.put_as("application/jwt", &object);
    ask(&marked).await.code();
    assert_eq!(published.fetches(), 2, "what is there may change, so it is asked for each time");
    let both = [("request_uri", marked.as_str()), ("request", &object)];
    assert_eq!(rp.authorize_with(&ada.browser, &both).await.error().as_deref(), Some("invalid_request"));
    for (media_type, text, error) in [
        ("application/json", object.as_str(), "invalid_request_uri"),
        ("text/html", &object, "invalid_request_uri"),
        ("application/jwt", "", "invalid_request_object"),
        ("application/jwt", "{}", "invalid_request_object"),
        ("application/jwt", &object[..object.len() - 1], "invalid_request_object"),
        ("application/jwt", &"x".repeat(70_000), "invalid_request_uri"),
    ] {
        published.put_as(media_type, text);
        assert_eq!(ask(&marked).await.error().as_deref(), Some(error), "{media_type} {text:.20}");
    }
    published.put(None);
    assert_eq!(ask(&marked).await.error().as_deref(), Some("invalid_request_uri"));
    // A private network, and a port where nobody listens: told alike.
    for uri in ["https://10.0.0.1/r", "http://127.0.0.1:1/r"] {
        let answer = ask(uri).await;
        assert_eq!(answer.error().as_deref(), Some("invalid_request_uri"));
        let told = answer.parameter("error_description").unwrap();
        assert_eq!(told, "nothing that could be a request object was found at request_uri");
    }
}

#[tokio::test]
async fn a_waiting_request_was_opened_once_and_nobody_can_say_that_it_was() {
    World::each(async |world| {
        let (ada, key) = (world.person(ADA).await, Signer::es256("k1"));
        let published = Published::empty().await;
        let metadata = json!({ "jwks": { "keys": [key.jwk()] }, "request_uris": [published.url] });
        let rp = register(world, &metadata).await;
        let claims = with(&request_claims(&rp, world.clock.now()), "ui_locales", json!("pl"));
        published.put_as("application/jwt", &key.request(&claims));
        let page = rp.authorize_with(&ada.browser, &beside("request_uri", &published.url)).await.0;
        assert_eq!(page.heading(), "Zaloguj się", "the object says the language: {page}");
        // The object expires, its address and its key go, and the flow goes on as it was asked for.
        published.put(None);
        let gone = ClientChanges {
            metadata: json!({ "jwks": null, "request_uris": null }),
            ..ClientChanges::default()
        };
        let command =
            AdminCommand::ClientsUpdate { client_id: rp.client_id.clone(), changes: gone, new_secret: false };
        world.operate(command).await.unwrap();
        world.clock.advance(Duration::from_mins(30));
        let asked = ada.browser.submit(page.form_with("email").fill("email", ADA)).await;
        let done = ada.browser.submit(asked.form_with("password").fill("password", PASSWORD)).await;
        let answer = Answer(done);
        assert_eq!((answer.parameter("state").as_deref(), published.fetches()), (Some("a-state"), 1));
        rp.exchange(&answer.code()).await.tokens();
        // A form of the client's own page is opened before it is kept, too.
        let form = [
            ("client_id", rp.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("request", "x.y.z"),
        ];
        let refused = Answer(ada.browser.submit_from_elsewhere("/oauth/authorize", &form).await);
        assert_eq!(refused.error().as_deref(), Some("invalid_request_object"), "{}", refused.0);
    })
    .await;
}

#[tokio::test]
async fn fetching_is_bounded_for_each_address_that_asks() {
    let three = Rate { count: 3.try_into().unwrap(), period: Duration::from_secs(30) };
    let world = World::configured(|config| {
        config.rate_limits.exempt.clear();
        config.rate_limits.set(Limit::Starts, Some(three));
    })
    .await;
    let (key, published) = (Signer::es256("k1"), Published::empty().await);
    let metadata = json!({ "jwks": { "keys": [key.jwk()] }, "request_uris": [published.url] });
    let rp = register(&world, &metadata).await;
    published.put_as("application/jwt", &key.request(&request_claims(&rp, world.clock.now())));
    // Also where no page would be shown, and once for each request.
    let silent = [("request_uri", published.url.as_str()), ("prompt", "none")];
    for _ in 0..3 {
        let answer = rp.authorize_with(&world.browser(), &silent).await;
        assert_eq!(answer.error().as_deref(), Some("login_required"), "{}", answer.0);
    }
    assert_eq!(rp.authorize_with(&world.browser(), &silent).await.0.status, 429);
    assert_eq!(published.fetches(), 3);
}

#[tokio::test]
async fn a_client_says_how_it_signs_and_reads_it_back() {
    let world = World::start().await;
    let key = Signer::es256("k1");
    let said = json!({
        "jwks": { "keys": [key.jwk()] }, "request_object_signing_alg": "ES256",
        "request_uris": ["https://signing.example.test/r#x"], "default_acr_values": ["2", "1"],
    });
    let rp = register(&world, &said).await;
    let shown = world.operate(AdminCommand::ClientsShow { client_id: rp.client_id.clone() }).await.unwrap();
    for member in ["request_object_signing_alg", "request_uris", "default_acr_values"] {
        assert_eq!(shown[member], said[member], "{member} in {shown}");
    }
    // A wish is a wish: what is said is what was reached.
    let ada = world.signed_in(ADA).await;
    let tokens = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
    assert_eq!(tokens.id_claims()["acr"], "1");
}
