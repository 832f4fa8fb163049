use std::sync::OnceLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use terms::ClientSecret;

use super::*;
use crate::client::{ClientMetadata, ClientSettings};
use crate::fixture::{NOW, later};
use crate::jose::test_keys::signing_key;
use crate::jose::{Algorithm, SigningKey};
use RequestRefusal as R;

const ISSUER: &str = "https://login.example.test";

/// The client's key, the same all the time.
fn es256() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| signing_key(Algorithm::Es256, 1))
}

/// A client that signs with its secret, and with this key too, and registered two addresses.
fn client(changed: &Value) -> Client {
    let mut metadata = json!({
        "redirect_uris": ["https://shop.example/cb"],
        "token_endpoint_auth_method": "client_secret_jwt",
        "jwks": { "keys": [es256().public().to_json()] },
        "request_uris": ["https://shop.example/r", "https://shop.example/r#hash"],
    });
    metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    Client {
        id: "shop".parse().unwrap(),
        metadata: ClientMetadata::parse(&metadata).unwrap(),
        settings: ClientSettings::default(),
        created_at: NOW,
        last_used_at: None,
    }
}

fn good() -> Value {
    json!({
        "iss": "shop", "aud": ISSUER, "exp": later(60).as_seconds(), "nbf": NOW.as_seconds(), "iat": NOW.as_seconds(),
        "jti": "j", "client_id": "shop", "response_type": "code", "scope": "openid", "state": "within",
    })
}

fn mac(number: u8, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, ClientSecret::new([number; 32]).reveal().as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes())))
}

fn signed(claims: &Value) -> String {
    mac(1, &json!({ "alg": "HS256" }), claims)
}

fn verifiers() -> Verifiers {
    let secret = |number, expires_at| OpenedSecret { secret: ClientSecret::new([number; 32]), expires_at };
    let set = json!({ "keys": [es256().public().to_json()] });
    Verifiers {
        secrets: vec![secret(1, None), secret(2, Some(NOW))],
        keys: Some(Arc::new(ClientKeys::read(&set).unwrap())),
    }
}

fn verified_of(client: &Client, token: &str) -> Result<VerifiedRequest, R> {
    RequestObject::parse(token, client)?.verify(client, &verifiers(), ISSUER, NOW)
}

fn verified(token: &str) -> Result<VerifiedRequest, R> {
    verified_of(&client(&json!({})), token)
}

fn refused(token: &str) -> R {
    verified(token).err().unwrap_or_else(|| panic!("taken: {token}"))
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.as_bytes()).unwrap()
}

const OUTER: &str = "client_id=shop&response_type=code&scope=openid+email&state=without&nonce=n&request=x";

#[test]
fn what_it_may_leave_out_it_may_and_each_spoilt_claim_spoils_it() {
    assert!(verified(&signed(&good())).is_ok());
    for name in ["iss", "aud", "exp", "nbf", "iat", "jti", "client_id", "response_type"] {
        assert!(verified(&signed(&with(name, Value::Null))).is_ok(), "without {name}");
    }
    for (name, value) in [
        ("aud", json!([ISSUER])),
        ("aud", json!(["https://else.example", ISSUER])),
        ("sub", json!("alice")),
        ("exp", json!(NOW.as_seconds() + 1)),
        ("iat", json!(later(60).as_seconds())),
        ("nbf", json!(later(60).as_seconds())),
    ] {
        assert!(verified(&signed(&with(name, value.clone()))).is_ok(), "{name} {value}");
    }
    for (name, value, refusal) in [
        ("iss", json!("other"), R::Issuer),
        ("iss", json!(["shop"]), R::Issuer),
        ("sub", json!("shop"), R::Subject),
        ("aud", json!("https://else.example"), R::Audience),
        ("aud", json!([]), R::Audience),
        ("aud", json!({}), R::Audience),
        ("exp", json!(NOW.as_seconds()), R::Expired),
        ("exp", json!("soon"), R::Expired),
        ("iat", json!(later(61).as_seconds()), R::NotYet),
        ("nbf", json!(later(61).as_seconds()), R::NotYet),
        ("nbf", json!([]), R::NotYet),
        ("request", json!("x"), R::Nested),
        ("request_uri", json!(1), R::Nested),
    ] {
        assert_eq!(refused(&signed(&with(name, value.clone()))), refusal, "{name} {value}");
    }
}

#[test]
fn it_is_signed_by_its_client_in_a_way_that_the_client_may_use() {
    let stranger = signing_key(Algorithm::Es256, 2);
    assert!(verified(&es256().sign_token("JWT", &good()).unwrap()).is_ok());
    assert_eq!(refused(&stranger.sign_token("JWT", &good()).unwrap()), R::Signature);
    assert_eq!(refused(&mac(3, &json!({ "alg": "HS256" }), &good())), R::Signature);
    assert_eq!(refused(&mac(2, &json!({ "alg": "HS256" }), &good())), R::Signature, "an expired secret");
    for (header, refusal) in [
        (json!({ "alg": "none" }), R::Algorithm),
        (json!({ "alg": "HS512" }), R::Algorithm),
        (json!({}), R::Algorithm),
        (json!({ "alg": "HS256", "typ": "client-authentication+jwt" }), R::Type),
        (json!({ "alg": "HS256", "typ": "at+jwt" }), R::Type),
        (json!({ "alg": "HS256", "typ": 7 }), R::Type),
        (json!({ "alg": "HS256", "crit": ["exp"] }), R::Malformed),
        (json!({ "alg": "HS256", "jwk": {} }), R::Malformed),
    ] {
        assert_eq!(refused(&mac(1, &header, &good())), refusal, "{header}");
    }
    for typ in ["JWT", "jwt", "oauth-authz-req+jwt", "OAuth-Authz-Req+JWT"] {
        assert!(verified(&mac(1, &json!({ "alg": "HS256", "typ": typ }), &good())).is_ok(), "{typ}");
    }
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good().to_string()));
    assert_eq!(refused(&unsigned), R::Algorithm);
    assert_eq!(refused("a.b.c.d.e"), R::Encrypted);
    for bad in ["", "a.b.c", "a.b.c.d", &"x".repeat(9000), &format!("{}=", signed(&good()))] {
        assert_eq!(refused(bad), R::Malformed, "{bad:.20}");
    }
    assert_eq!(refused(&signed(&json!([1]))), R::Malformed);
}

#[test]
fn the_registered_algorithm_is_the_only_one() {
    let by_key = es256().sign_token("JWT", &good()).unwrap();
    let outcome = |changed: Value, token: &str| verified_of(&client(&changed), token).map(|_| ());
    let only_es256 = json!({ "request_object_signing_alg": "ES256" });
    let only_hs256 = json!({ "request_object_signing_alg": "HS256" });
    assert_eq!(outcome(only_es256.clone(), &by_key), Ok(()));
    assert_eq!(outcome(only_es256, &signed(&good())), Err(R::Algorithm));
    assert_eq!(outcome(only_hs256.clone(), &signed(&good())), Ok(()));
    assert_eq!(outcome(only_hs256, &by_key), Err(R::Algorithm));
    // A secret that isn't kept as it is keys nothing, and without keys there is nothing to verify by.
    let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    assert_eq!(outcome(basic.clone(), &signed(&good())), Err(R::Algorithm));
    assert_eq!(outcome(basic, &by_key), Ok(()));
    assert_eq!(outcome(json!({ "jwks": null }), &by_key), Err(R::Algorithm));
    let client = client(&json!({}));
    let unknown = RequestObject::parse(&by_key, &client).unwrap();
    let nothing = unknown.verify(&client, &Verifiers::default(), ISSUER, NOW);
    assert_eq!(nothing.map(|_| ()), Err(R::Signature));
}

#[test]
fn the_object_comes_before_what_stands_beside_it() {
    let merged = verified(&signed(&good())).unwrap().merge(&parameters(OUTER)).unwrap();
    let merged = merged.parameters();
    for (name, value) in [
        ("client_id", Some("shop")),
        ("state", Some("within")),
        ("scope", Some("openid")),
        ("nonce", Some("n")),
        ("request", None),
        ("iss", None),
        ("aud", None),
        ("jti", None),
    ] {
        assert_eq!(merged.get(name), value, "{name}");
    }
    // RFC 9101 section 6.3: an object of that type is the whole request.
    let explicit =
        mac(1, &json!({ "alg": "HS256", "typ": "oauth-authz-req+jwt" }), &with("client_id", Value::Null));
    let merged = verified(&explicit).unwrap().merge(&parameters(OUTER)).unwrap();
    assert_eq!(merged.parameters().get("nonce"), None);
    assert_eq!(merged.parameters().get("client_id"), Some("shop"));
    assert_eq!(merged.parameters().get("state"), Some("within"));
}

#[test]
fn what_is_said_twice_is_said_the_same() {
    let outcome = |claims: &Value, outer: &str| {
        verified(&signed(claims)).unwrap().merge(&parameters(outer)).map(|_| ())
    };
    assert_eq!(outcome(&with("client_id", json!("other")), OUTER), Err(R::OtherClient));
    assert_eq!(outcome(&with("client_id", json!(["shop"])), OUTER), Err(R::OtherClient));
    assert_eq!(outcome(&with("response_type", json!("id_token")), OUTER), Err(R::OtherResponseType));
    assert_eq!(outcome(&with("response_type", json!("id_token")), "client_id=shop&request=x"), Ok(()));
    let hybrid = with("response_type", json!("code id_token"));
    assert_eq!(outcome(&hybrid, "client_id=shop&response_type=id_token+code&request=x"), Ok(()));
    assert_eq!(outcome(&hybrid, OUTER), Err(R::OtherResponseType));
}

#[test]
fn members_become_parameters() {
    let mut claims = good();
    claims.as_object_mut().unwrap().extend(
        json!({
            "max_age": 3600, "claims": { "userinfo": { "name": null } }, "resource": ["https://a.example", "https://b.example"],
            "login_hint": null, "state": "", "colour": ["red", 1], "yes": true,
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let outer =
        parameters("client_id=shop&login_hint=alice&resource=https://c.example&max_age=1&state=s&request=x");
    let merged = verified(&signed(&claims)).unwrap().merge(&outer).unwrap();
    let merged = merged.parameters();
    for (name, value) in [
        ("max_age", Some("3600")),
        ("claims", Some(r#"{"userinfo":{"name":null}}"#)),
        ("login_hint", Some("alice")),
        ("state", None),
        ("colour", Some(r#"["red",1]"#)),
        ("yes", Some("true")),
    ] {
        assert_eq!(merged.get(name), value, "{name}");
    }
    assert_eq!(merged.all("resource").collect::<Vec<_>>(), ["https://a.example", "https://b.example"]);
    // Sixty parameters beside six of its own are more than a request may have.
    let many: Vec<String> = (0..60).map(|n| format!("p{n}=1")).collect();
    let many = parameters(&format!("request=x&{}", many.join("&")));
    assert_eq!(verified(&signed(&claims)).unwrap().merge(&many).err(), Some(R::TooLarge));
}

#[test]
fn a_request_is_plain_or_has_one_object() {
    assert!(PlainRequest::of(parameters("client_id=shop&request=&request_uri")).is_ok());
    let carrying = |text: &str| PlainRequest::of(parameters(text)).unwrap_err();
    assert_eq!(carrying("a=b&request=x").carrier(), Ok(Carrier::Value("x")));
    assert_eq!(carrying("request_uri=y&a=b").carrier(), Ok(Carrier::Reference("y")));
    assert_eq!(carrying("request=x&request_uri=y").carrier(), Err(R::Both));
}

#[test]
fn only_a_registered_address_is_fetched_and_without_its_fragment() {
    let client = client(&json!({}));
    assert_eq!(address("https://shop.example/r", &client), Ok("https://shop.example/r"));
    assert_eq!(address("https://shop.example/r#hash", &client), Ok("https://shop.example/r"));
    for other in [
        "https://shop.example/r#other",
        "https://shop.example/r#",
        "https://shop.example/r?",
        "https://shop.example/R",
        "https://shop.example:443/r",
        "urn:example:r",
        "",
    ] {
        assert_eq!(address(other, &client), Err(R::UriUnregistered), "{other}");
    }
}
