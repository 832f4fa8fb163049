//! Clients that prove who they are by an assertion (RFC 7523), at each endpoint that asks them to.

use std::time::Duration;

use harness::{
    ASSERTION_TYPE, Published, RelyingParty, Signer, TokenAnswer, World, assertion_claims, web_metadata,
};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges, execute};

/// A client without people that signs with this key.
fn machine(key: &Signer) -> Value {
    json!({
        "client_name": "machine", "grant_types": ["client_credentials"], "scope": "reports:read",
        "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] },
    })
}

/// A client without people that signs with its secret.
fn keyed() -> Value {
    json!({
        "client_name": "keyed", "grant_types": ["client_credentials"], "scope": "reports:read",
        "token_endpoint_auth_method": "client_secret_jwt",
    })
}

/// Asks as whoever the assertion is of; it needs no `client_id` beside it.
async fn ask(party: &RelyingParty, path: &str, form: &[(&str, &str)], assertion: &str) -> TokenAnswer {
    let mut form = form.to_vec();
    form.extend([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]);
    TokenAnswer::read(party.post(path).form(&form).send().await.expect("an answer")).await
}

async fn token(party: &RelyingParty, assertion: &str) -> TokenAnswer {
    ask(party, "/oauth/token", &[("grant_type", "client_credentials")], assertion).await
}

fn changes(metadata: Value) -> ClientChanges {
    ClientChanges { metadata, ..ClientChanges::default() }
}

#[tokio::test]
async fn an_assertion_serves_each_endpoint_and_only_once() {
    World::each(async |world| {
        let key = Signer::es256("k1");
        let by_key = world.register(machine(&key), true).await;
        assert_eq!(by_key.client_secret, None, "no use for a secret");
        let by_secret = world.register(keyed(), true).await;
        let secret = Signer::hs256(by_secret.client_secret.as_deref().unwrap());
        for (party, signer) in [(&by_key, &key), (&by_secret, &secret)] {
            let now = world.clock.now();
            let assertion = |jti: &str| signer.assertion(party, jti, now);
            let tokens = token(party, &assertion("1")).await.tokens();
            let replay = token(party, &assertion("1")).await;
            assert_eq!((replay.status, replay.error()), (401, Some("invalid_client")), "{replay}");
            assert!(replay.body["error_description"].as_str().unwrap().contains("used before"));
            let form = [("token", tokens.access.as_str())];
            // Also not elsewhere.
            assert_eq!(ask(party, "/oauth/introspect", &form, &assertion("1")).await.status, 401);
            let seen = ask(party, "/oauth/introspect", &form, &assertion("2")).await;
            assert_eq!(seen.body["active"], true, "{seen}");
            assert_eq!(ask(party, "/oauth/revoke", &form, &assertion("3")).await.status, 200);
            let seen = ask(party, "/oauth/introspect", &form, &assertion("4")).await;
            assert_eq!(seen.body, json!({ "active": false }));
            world.restart().await;
            assert_eq!(token(party, &assertion("1")).await.status, 401, "remembered beyond a restart");
            // Once it has expired it needn't be remembered any more, since it is refused anyway.
            world.clock.advance(Duration::from_mins(1));
            let late = token(party, &assertion("5")).await;
            assert!(late.body["error_description"].as_str().unwrap().contains("expired"), "{late}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_racing_requests_with_one_assertion_one_is_answered() {
    World::each(async |world| {
        let key = Signer::es256("k1");
        let party = world.register(machine(&key), true).await;
        let assertion = key.assertion(&party, "1", world.clock.now());
        let runs: Vec<_> = (0..8)
            .map(|_| {
                let (party, assertion) = (party.clone(), assertion.clone());
                tokio::spawn(async move { token(&party, &assertion).await.status })
            })
            .collect();
        let mut statuses = Vec::new();
        for run in runs {
            statuses.push(run.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
    })
    .await;
}

#[tokio::test]
async fn no_spoilt_assertion_is_believed() {
    let world = World::start().await;
    let (key, stranger) = (Signer::es256("k1"), Signer::es256("k1"));
    let party = world.register(machine(&key), true).await;
    let other = world.register(machine(&stranger), true).await;
    let now = world.clock.now();
    let (header, claims) = (key.header(), assertion_claims(&party, "1", now));
    let with = |base: &Value, name: &str, value: Value| {
        let mut changed = base.clone();
        match value {
            Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
            value => changed[name] = value,
        }
        changed
    };
    let refused = async |assertion: &str, what: &str| {
        let answer = token(&party, assertion).await;
        assert_eq!((answer.status, answer.error()), (401, Some("invalid_client")), "{what}: {answer}");
    };
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        for value in [Value::Null, json!("x".repeat(3000)), json!([]), json!(0)] {
            refused(&key.sign(&header, &with(&claims, name, value.clone())), name).await;
        }
    }
    for (name, value) in [
        ("aud", json!([party.issuer, "https://evil.example"])),
        ("aud", json!(format!("{}/oauth/introspect", party.issuer))),
        ("iss", json!(other.client_id)),
        ("sub", json!(other.client_id)),
        ("iat", json!(now.as_seconds() + 61)),
        ("nbf", json!(now.as_seconds() + 61)),
        ("exp", json!(now.as_seconds() + 3661)),
    ] {
        refused(&key.sign(&header, &with(&claims, name, value)), name).await;
    }
    for (name, value) in [
        ("alg", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("kid", json!("k2")),
        ("kid", json!("")),
        ("kid", json!("k".repeat(200))),
        ("typ", json!("at+jwt")),
        ("crit", json!(["exp"])),
        ("jwk", key.jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5c", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        refused(&key.sign(&with(&header, name, value), &claims), name).await;
    }
    // The published key is no secret with which to key a MAC, whatever the header says.
    let confused = Signer::hs256(&key.jwk().to_string());
    for alg in ["HS256", "ES256"] {
        refused(&confused.sign(&json!({ "alg": alg, "kid": "k1" }), &claims), "confusion").await;
    }
    refused(&stranger.sign(&header, &claims), "another client's key").await;
    let good = key.sign(&header, &claims);
    for cut in [1, 10, good.len() / 2, good.len() - 1] {
        refused(&good[..cut], "cut").await;
    }
    refused(&format!("{good}{}", "A".repeat(7500)), "oversize").await;
    assert_eq!(token(&party, &good).await.status, 200, "nothing of that spent it");
    // The same `jti` of another client is another assertion.
    assert_eq!(token(&other, &stranger.assertion(&other, "1", now)).await.status, 200);
    // RFC 7515 section 4.1.4: a client with one key needs no kid.
    let without = key.sign(&with(&header, "kid", Value::Null), &assertion_claims(&party, "2", now));
    assert_eq!(token(&party, &without).await.status, 200);
}

#[tokio::test]
async fn an_assertion_comes_whole_alone_and_in_the_registered_way() {
    let world = World::start().await;
    let key = Signer::es256("k1");
    let party = world.register(machine(&key), true).await;
    let by_secret = world.register(keyed(), true).await;
    let now = world.clock.now();
    let grant = ("grant_type", "client_credentials");
    let assertion = key.assertion(&party, "1", now);
    let both = [grant, ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
    let post = async |form: &[(&str, &str)]| {
        TokenAnswer::read(party.post("/oauth/token").form(form).send().await.unwrap()).await
    };
    for (form, error) in [
        (vec![both[0], both[1]], "invalid_request"),
        (vec![both[0], both[2]], "invalid_request"),
        (
            vec![
                both[0],
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
                both[2],
            ],
            "invalid_client",
        ),
        (vec![both[0], both[1], both[2], both[2]], "invalid_request"),
        (vec![both[0], both[1], both[2], ("client_id", by_secret.client_id.as_str())], "invalid_request"),
        (vec![both[0], both[1], both[2], ("client_secret", "ptc_cs_x")], "invalid_request"),
    ] {
        let answer = post(&form).await;
        assert_eq!(answer.error(), Some(error), "{form:?}: {answer}");
    }
    let basic = by_secret.authenticated(by_secret.post("/oauth/token")).form(&both);
    assert_eq!(TokenAnswer::read(basic.send().await.unwrap()).await.error(), Some("invalid_request"));
    // A secret that keys a MAC is not taken as it is, so that it never travels.
    let basic = by_secret.authenticated(by_secret.post("/oauth/token")).form(&[grant]);
    assert_eq!(TokenAnswer::read(basic.send().await.unwrap()).await.error(), Some("invalid_client"));
    let posted = [
        grant,
        ("client_id", &by_secret.client_id),
        ("client_secret", by_secret.client_secret.as_deref().unwrap()),
    ];
    assert_eq!(post(&posted).await.error(), Some("invalid_client"));
    // With `client_id` beside it, as RFC 7521 section 4.2 allows.
    let named = [both[0], both[1], both[2], ("client_id", party.client_id.as_str())];
    assert_eq!(post(&named).await.status, 200);
}

#[tokio::test]
async fn an_assertion_is_for_one_tenant() {
    let world = World::start().await;
    let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
    world.operate(create).await.unwrap();
    let key = Signer::es256("k1");
    let here = world.register(machine(&key), true).await;
    let whole = ClientChanges { whole: true, ..changes(machine(&key)) };
    let made = execute(world.app(), "acme", AdminCommand::ClientsCreate(whole)).await.unwrap();
    let issuer = format!("{}/t/acme", world.issuer());
    let there = RelyingParty::new(&issuer, made["client_id"].as_str().unwrap(), None, "");
    let now = world.clock.now();
    // One key at both, and each of them knows only its own client.
    for (from, to) in [(&here, &there), (&there, &here)] {
        let assertion = key.assertion(from, "1", now);
        assert_eq!(token(to, &assertion).await.error(), Some("invalid_client"));
        let mut claims = assertion_claims(from, "1", now);
        claims["iss"] = json!(to.client_id);
        claims["sub"] = json!(to.client_id);
        let misaddressed = key.sign(&key.header(), &claims);
        let answer = token(to, &misaddressed).await;
        assert_eq!(answer.error(), Some("invalid_client"));
        assert!(answer.body["error_description"].as_str().unwrap().contains("aud"), "{answer}");
        assert_eq!(token(from, &assertion).await.status, 200);
    }
}

#[tokio::test]
async fn a_secret_is_kept_as_its_method_needs_it_and_changes_with_it() {
    World::each(async |world| {
        let party = world.register(web_metadata("web", "https://web.example.test/cb", false), true).await;
        let id = party.client_id.clone();
        let update = async |metadata: Value, new_secret: bool| {
            let command =
                AdminCommand::ClientsUpdate { client_id: id.clone(), changes: changes(metadata), new_secret };
            // Which of two secrets is the older one is told by when they were made.
            world.clock.advance(Duration::from_secs(1));
            world.operate(command).await
        };
        let method = |method: &str| json!({ "token_endpoint_auth_method": method });
        // What is authentication here is the question; who authenticates then has no grant to present.
        let form = [("grant_type", "refresh_token"), ("refresh_token", "none")];
        let by_basic = async |secret: &str| {
            let mut party = party.clone();
            party.client_secret = Some(secret.to_owned());
            party.token(&form).await.error().map(str::to_owned)
        };
        let by_mac = async |secret: &str, jti: &str| {
            let assertion = Signer::hs256(secret).assertion(&party, jti, world.clock.now());
            ask(&party, "/oauth/token", &form, &assertion).await.error().map(str::to_owned)
        };
        let (yes, no) = (Some("invalid_grant".to_owned()), Some("invalid_client".to_owned()));
        let first = party.client_secret.clone().unwrap();
        assert_eq!(by_basic(&first).await, yes);
        // Of the one that is hashed no MAC can be made, so there is a new one.
        let made = update(method("client_secret_jwt"), false).await.unwrap();
        let second = made["client_secret"].as_str().unwrap().to_owned();
        assert_eq!((by_basic(&first).await, by_mac(&first, "1").await), (no.clone(), no.clone()));
        assert_eq!((by_basic(&second).await, by_mac(&second, "2").await), (no.clone(), yes.clone()));
        // Replaced without a gap: two live, and the oldest goes.
        let third = update(json!({}), true).await.unwrap()["client_secret"].as_str().unwrap().to_owned();
        assert_eq!((by_mac(&second, "3").await, by_mac(&third, "4").await), (yes.clone(), yes.clone()));
        let fourth = update(json!({}), true).await.unwrap()["client_secret"].as_str().unwrap().to_owned();
        assert_eq!(by_mac(&second, "5").await, no);
        assert_eq!((by_mac(&third, "6").await, by_mac(&fourth, "7").await), (yes.clone(), yes.clone()));
        // With a key of its own it needs none, and none of the old ones comes back afterwards.
        let key = Signer::es256("k1");
        let keyed =
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] } });
        assert!(update(keyed.clone(), true).await.is_err(), "a secret that would be good for nothing");
        assert_eq!(update(keyed, false).await.unwrap().get("client_secret"), None);
        assert_eq!(by_mac(&fourth, "8").await, no);
        let back = update(method("client_secret_basic"), false).await.unwrap();
        let fifth = back["client_secret"].as_str().unwrap().to_owned();
        assert_eq!((by_basic(&fifth).await, by_basic(&first).await), (yes, no));
    })
    .await;
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_kept_and_renewed() {
    let world = World::start().await;
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let published = Published::start(json!({ "keys": [old.jwk()] })).await;
    let mut metadata = machine(&old);
    metadata.as_object_mut().unwrap().remove("jwks");
    metadata["jwks_uri"] = json!(published.url);
    let party = world.register(metadata, true).await;
    let mut jti = 0;
    let mut ask = async |signer: &Signer| {
        jti += 1;
        token(&party, &signer.assertion(&party, &jti.to_string(), world.clock.now())).await.status
    };
    let pass = |seconds| world.clock.advance(Duration::from_secs(seconds));
    assert_eq!(published.fetches(), 0, "not before they are needed");
    assert_eq!((ask(&old).await, ask(&old).await, published.fetches()), (200, 200, 1));
    // A key that isn't there is looked for once a minute, however often it is named.
    assert_eq!((ask(&new).await, ask(&new).await, published.fetches()), (401, 401, 1));
    published.put(Some(json!({ "keys": [old.jwk(), new.jwk()] })));
    pass(60);
    assert_eq!((ask(&new).await, ask(&old).await, published.fetches()), (200, 200, 2));
    // What the client takes out is believed for five minutes at most.
    published.put(Some(json!({ "keys": [new.jwk()] })));
    pass(299);
    assert_eq!((ask(&old).await, published.fetches()), (200, 2));
    pass(1);
    assert_eq!((ask(&old).await, ask(&new).await, published.fetches()), (401, 200, 3));
    // While the address fails, what was there serves for an hour.
    published.put(None);
    pass(3599);
    assert_eq!((ask(&new).await, ask(&new).await, published.fetches()), (200, 200, 4));
    pass(1);
    assert_eq!((ask(&new).await, published.fetches()), (401, 4), "left alone for a moment");
    published.put(Some(json!({ "keys": [new.jwk(), { "kty": "EC", "d": "AA" }, 7] })));
    pass(10);
    assert_eq!((ask(&new).await, published.fetches()), (200, 5), "others spoil nothing");
    // Another address is another set.
    let moved = Published::start(json!({ "keys": [old.jwk()] })).await;
    let command = AdminCommand::ClientsUpdate {
        client_id: party.client_id.clone(),
        changes: changes(json!({ "jwks_uri": moved.url })),
        new_secret: false,
    };
    world.operate(command).await.unwrap();
    assert_eq!((ask(&new).await, ask(&old).await, moved.fetches()), (401, 200, 1));
}
