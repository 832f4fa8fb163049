//! Signed tokens: what an ID token hint, an access token and a client's assertion must be to be taken.
//!
//! The first character of an input says what the rest is:
//! `!` edits of a genuine token: its number, then four octets for each edit;
//! `?` a JOSE header, a line end, and a payload, to which the genuine MAC of a client is added;
//! `=` claims, which the provider and the clients sign genuinely;
//! anything else, a token as it is.

use std::fmt::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc::access_token::{self, AccessToken, ExpectedAudience, Holder, TokenId};
use oidc::client::{Client, ClientAuthMethod};
use oidc::client_assertion;
use oidc::client_auth::{Believed, Credentials, authenticate};
use oidc::id_token;
use oidc::jose::{Algorithm, ClientJws, CompactJws, SigningKey, TokenUse, json};
use oidc::params::{self, Parameters};
use serde_json::{Map, Value, json};
use terms::{GrantId, SessionId, limits};

use super::world::{self, ISSUER, NOW};

/// As what a token may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// By the key set, as a token of the `typ` `JWT`.
    Jwt,
    /// By the key set, of that `typ`, as a hint.
    Hint,
    /// As an ID token that is handed back.
    IdTokenHint,
    /// By the key set, as a token of the `typ` `at+jwt`.
    AtJwt,
    /// As an access token.
    AccessToken,
    /// As what a client proves itself with.
    Assertion,
}

struct Genuine {
    text: String,
    taken: &'static [Taken],
}

/// Reads an input as a token, as it says.
pub fn check(input: &[u8]) {
    match input.split_first() {
        Some((b'!', edits)) => spoilt(edits),
        Some((b'?', parts)) => with_mac(parts),
        Some((b'=', claims)) => signed(claims),
        _ => {
            let Ok(text) = std::str::from_utf8(input) else { return };
            assert_eq!(taken(text), [], "nobody signed this");
            taken_apart(text);
        }
    }
}

/// Every way in which a token can be taken, tried.
fn taken(text: &str) -> Vec<Taken> {
    let keys = &world::provider().keys;
    let tries = [
        (Taken::Jwt, keys.verify(text, id_token::TYPE, TokenUse::Credential).is_ok()),
        (Taken::Hint, keys.verify(text, id_token::TYPE, TokenUse::Hint).is_ok()),
        (Taken::IdTokenHint, id_token::verify_hint(text, keys, ISSUER, None).is_ok()),
        (Taken::AtJwt, keys.verify(text, access_token::TYPE, TokenUse::Credential).is_ok()),
        (Taken::AccessToken, access_token::verify(text, keys, ISSUER, ExpectedAudience::Any, NOW).is_ok()),
        (Taken::Assertion, world::clients().iter().any(|client| is_believed(client, text))),
    ];
    tries.into_iter().filter(|(_, holds)| *holds).map(|(taken, _)| taken).collect()
}

fn is_believed(client: &Client, assertion: &str) -> bool {
    let form = params::encode([
        ("client_id", client.id.as_str()),
        ("client_assertion_type", client_assertion::TYPE),
        ("client_assertion", assertion),
    ]);
    let Ok(form) = Parameters::parse(form.as_bytes()) else { return false };
    let Ok(credentials) = Credentials::read(&[], &form) else { return false };
    assert_eq!(credentials.client_id(), &client.id);
    match authenticate(&credentials, Some(world::known(client)), world::ADDRESSEE, NOW) {
        Ok(Believed::Once(unspent)) => {
            assert!(unspent.single().expires_at > NOW);
            let again = unspent.clone().spent(false);
            assert!(again.is_err(), "a second use");
            unspent.spent(true).is_ok_and(|caller| caller.client() == client)
        }
        Ok(Believed::Now(_)) => panic!("an assertion must be spent"),
        Err(_) => false,
    }
}

/// What is taken apart is canonical: put together again, it is the same text.
fn taken_apart(text: &str) {
    let ours = CompactJws::parse(text).is_ok();
    let Ok(jws) = ClientJws::parse(text) else { return assert!(!ours, "a provider's token is a token") };
    assert!(text.len() <= limits::TOKEN_BYTES);
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        let octets = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        assert_eq!(URL_SAFE_NO_PAD.encode(octets), *part, "another spelling");
    }
    let header = header(parts[0]);
    assert_eq!(header.get("alg").and_then(Value::as_str), Some(jws.algorithm().as_str()));
    assert_eq!(header.get("kid").and_then(Value::as_str), jws.key_id());
    assert_eq!(header.get("typ").and_then(Value::as_str), jws.typ());
    for forbidden in ["crit", "jwk", "jku", "x5c", "x5u", "zip", "enc", "b64"] {
        assert!(!header.contains_key(forbidden), "{forbidden}");
    }
    if jws.key_id().is_none() {
        assert!(!ours, "a provider's token names its key");
    }
    let secret = world::secret();
    assert!(jws.verify_mac([&secret]).is_err(), "nobody made this MAC");
}

fn header(part: &str) -> Map<String, Value> {
    let octets = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    // By a common reader, and not by ours.
    serde_json::from_slice(&octets).expect("an object")
}

fn genuine() -> &'static [Genuine] {
    static GENUINE: OnceLock<Vec<Genuine>> = OnceLock::new();
    GENUINE.get_or_init(|| {
        let provider = world::provider();
        let id_token =
            |key: &SigningKey| key.sign_token(id_token::TYPE, &id_token_claims()).expect("a signature");
        let mut all = Vec::new();
        let mut add = |text: String, taken| {
            assert_eq!(self::taken(&text), taken, "as it was made it is taken");
            all.push(Genuine { text, taken });
        };
        for algorithm in Algorithm::ALL {
            let key = provider.keys.signer(algorithm).expect("a key");
            add(id_token(key), &[Taken::Jwt, Taken::Hint, Taken::IdTokenHint]);
            let access = access_token().sign(key).expect("a signature");
            add(access, &[Taken::AtJwt, Taken::AccessToken]);
        }
        add(id_token(&provider.announced), &[Taken::Jwt, Taken::Hint, Taken::IdTokenHint]);
        add(id_token(&provider.retired), &[Taken::Hint, Taken::IdTokenHint]);
        add(access_token().sign(&provider.retired).expect("a signature"), &[]);
        add(id_token(&provider.revoked), &[]);
        for key in world::client_keys() {
            let claims = assertion_claims("key");
            add(key.sign_token("JWT", &claims).expect("a signature"), &[Taken::Assertion]);
            add(key.sign_token("JWT", &id_token_claims()).expect("a signature"), &[]);
        }
        let by_mac = |claims: &Value| mac(br#"{"alg":"HS256"}"#, claims.to_string().as_bytes());
        add(by_mac(&assertion_claims("mac")), &[Taken::Assertion]);
        // Of a client that registered another way, whoever made it.
        add(by_mac(&assertion_claims("web")), &[]);
        add(by_mac(&assertion_claims("key")), &[]);
        all
    })
}

fn id_token_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": "web", "exp": NOW.as_seconds() + 600, "iat": NOW.as_seconds(),
        "auth_time": NOW.as_seconds(), "acr": "1", "amr": ["pwd"], "sid": SessionId::new(NOW, [3; 10]),
    })
}

fn access_token() -> AccessToken {
    AccessToken {
        issuer: ISSUER.to_owned(),
        audience: ISSUER.to_owned(),
        issued_at: NOW,
        expires_at: NOW.plus(std::time::Duration::from_mins(5)),
        id: TokenId::new([1; 16]),
        client: "web".parse().expect("an id"),
        scope: "openid".to_owned(),
        holder: Holder::User {
            subject: "ada".parse().expect("a subject"),
            grant: GrantId::new(NOW, [1; 10]),
            authenticated_at: NOW,
            acr: "1".to_owned(),
            amr: vec!["pwd".to_owned()],
        },
    }
}

fn assertion_claims(client: &str) -> Value {
    json!({ "iss": client, "sub": client, "aud": ISSUER, "jti": "j", "exp": NOW.as_seconds() + 60 })
}

/// A token with the MAC of the clients' secret.
fn mac(header: &[u8], payload: &[u8]) -> String {
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, world::secret().reveal().as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    let _ = write!(token, ".{}", URL_SAFE_NO_PAD.encode(tag));
    token
}

/// A genuine token, changed: unless the changes cancel each other out, nothing takes it.
fn spoilt(edits: &[u8]) {
    let Some((number, edits)) = edits.split_first() else { return };
    let all = genuine();
    let base = &all[usize::from(*number) % all.len()];
    let mut text = base.text.clone();
    for (index, edit) in edits.chunks_exact(4).take(16).enumerate() {
        let [kind, high, low, value] = [edit[0], edit[1], edit[2], edit[3]];
        let place = usize::from(high) << 8 | usize::from(low);
        let other = &all[place % all.len()].text;
        text = edited(text, kind, place, value, other, &edits[4 * index + 4..]);
    }
    // What the edits made of one token may be another one, as it was made.
    let expected = all.iter().find(|genuine| genuine.text == text).map_or(&[][..], |genuine| genuine.taken);
    assert_eq!(taken(&text), expected, "{text}");
}

/// One change. All of them leave ASCII.
fn edited(mut text: String, kind: u8, place: usize, value: u8, other: &str, rest: &[u8]) -> String {
    let at = place % (text.len() + 1);
    let character = char::from(value & 0x7f);
    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let part = usize::from(value) % parts.len();
    match kind % 10 {
        0 if at < text.len() => text.replace_range(at..=at, character.encode_utf8(&mut [0; 4])),
        1 => text.insert(at, character),
        2 if at < text.len() => drop(text.remove(at)),
        3 => text.truncate(at),
        4 if at < text.len() => {
            let flipped = char::from(text.as_bytes()[at] ^ (1 << (value % 7)));
            text.replace_range(at..=at, flipped.encode_utf8(&mut [0; 4]));
        }
        // A part of another genuine token.
        5 => {
            other.split('.').nth(part).unwrap_or_default().clone_into(&mut parts[part]);
            return parts.join(".");
        }
        6 => {
            parts.insert(part, parts[part].clone());
            return parts.join(".");
        }
        7 => {
            parts.swap(0, part);
            return parts.join(".");
        }
        // A part of the input's own octets.
        8 => {
            parts[part] = URL_SAFE_NO_PAD.encode(&rest[..rest.len().min(512)]);
            return parts.join(".");
        }
        // A bit of what a part decodes to, so that its spelling stays canonical.
        9 => {
            if let Ok(mut octets) = URL_SAFE_NO_PAD.decode(&parts[part])
                && !octets.is_empty()
            {
                let length = octets.len();
                octets[place % length] ^= 1 << (value % 8);
                parts[part] = URL_SAFE_NO_PAD.encode(octets);
            }
            return parts.join(".");
        }
        _ => {}
    }
    text
}

/// A header and a payload of any octets, under a MAC that holds: taken only if it says what an assertion must.
fn with_mac(input: &[u8]) {
    let end = input.iter().position(|octet| *octet == b'\n').unwrap_or(input.len());
    let (header, payload) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let text = mac(header, payload);
    if taken(&text).is_empty() {
        return;
    }
    assert_eq!(taken(&text), [Taken::Assertion]);
    let header = json::parse_object(header).expect("a header that was read");
    assert_eq!(header.get("alg"), Some(&json!("HS256")));
    assert!(header.get("crit").is_none() && header.get("jwk").is_none());
    let payload = json::parse_object(payload).expect("claims that were read, no member twice");
    assert_assertion(&payload, ClientAuthMethod::ClientSecretJwt);
}

/// Claims that are genuinely signed count only where they say what the standard requires.
fn signed(claims: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(claims) else { return };
    let provider = world::provider();
    let key = provider.keys.signer(Algorithm::EdDsa).expect("a key");
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let as_id_token = key.sign_token(id_token::TYPE, &claims).expect("a signature");
    if let Ok(hint) = id_token::verify_hint(&as_id_token, &provider.keys, ISSUER, None) {
        assert_eq!(text("iss"), Some(ISSUER));
        assert_eq!(text("sub"), Some(hint.subject().as_str()));
        assert_eq!(text("aud"), Some(hint.client().as_str()));
        assert_eq!(text("sid"), Some(hint.session().to_string().as_str()));
        let other = "other".parse().expect("an id");
        let for_other = id_token::verify_hint(&as_id_token, &provider.keys, ISSUER, Some(&other));
        assert_eq!(for_other.is_ok(), text("aud") == Some("other"));
    }
    let as_access_token = key.sign_token(access_token::TYPE, &claims).expect("a signature");
    let verify = |audience| access_token::verify(&as_access_token, &provider.keys, ISSUER, audience, NOW);
    if let Ok(token) = verify(ExpectedAudience::Any) {
        assert_eq!(text("iss"), Some(ISSUER));
        assert!(number("exp").is_some_and(|exp| exp > NOW.as_seconds()));
        assert!(number("iat").is_some() && text("jti").is_some() && text("client_id").is_some());
        let users =
            ["gid", "auth_time", "acr", "amr"].map(|name| claims.get(name).is_some_and(|it| !it.is_null()));
        match token.holder {
            Holder::User { .. } => assert_eq!(users, [true; 4]),
            Holder::Client => {
                assert_eq!(users, [false; 4]);
                assert_eq!(text("sub"), text("client_id"));
            }
        }
        assert_eq!(verify(ExpectedAudience::Exactly(ISSUER)).is_ok(), text("aud") == Some(ISSUER));
    }
    let as_assertion = world::client_keys()[0].sign_token("JWT", &claims).expect("a signature");
    if !taken(&as_assertion).is_empty() {
        assert_eq!(taken(&as_assertion), [Taken::Assertion]);
        assert_assertion(&claims, ClientAuthMethod::PrivateKeyJwt);
    }
}

/// RFC 7523 section 3, stated anew.
fn assert_assertion(claims: &Map<String, Value>, method: ClientAuthMethod) {
    let of_method = world::clients().iter().find(|client| client.auth_method == method);
    let client = of_method.expect("one of each method").id.as_str();
    assert_eq!(claims.get("iss"), Some(&json!(client)));
    assert_eq!(claims.get("sub"), Some(&json!(client)));
    let us = [ISSUER, world::ADDRESSEE.token_endpoint];
    let audience = claims.get("aud").expect("an audience");
    assert!(us.iter().any(|us| *audience == json!(us) || *audience == json!([us])), "{audience}");
    let seconds = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a number"));
    #[expect(clippy::cast_precision_loss, reason = "an instant of this century")]
    let now = NOW.as_seconds() as f64;
    let longest = limits::ASSERTION_LIFETIME.as_secs_f64();
    assert!(seconds("exp").is_some_and(|exp| exp > now && exp < now + longest + 1.0));
    let ahead = now + limits::CLIENT_CLOCK_SKEW.as_secs_f64();
    assert!(["nbf", "iat"].iter().all(|name| seconds(name).is_none_or(|at| at < ahead + 1.0)));
    let id = claims.get("jti").and_then(Value::as_str).expect("an id");
    assert!((1..=limits::JTI_BYTES).contains(&id.len()));
}
