//! What an ID token holds by protocol (OpenID Connect Core section 2), and how one is taken back as a hint.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terms::{ClientId, SessionId, Subject, Timestamp};

use crate::jose::{Algorithm, JwsRefusal, KeyError, KeySet, SigningKey, TokenUse};

/// The `typ` of an ID token. Another kind of token has another one, so that none is taken for an ID token
/// (RFC 8725 section 3.11).
pub const TYPE: &str = "JWT";

/// An ID token's claims. What the protocol requires is a field; profile claims come from the userinfo endpoint.
///
/// There is no `azp`: the only audience is the client itself (OpenID Connect Core section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// `iss`: the tenant's issuer.
    pub issuer: String,
    /// `sub`.
    pub subject: Subject,
    /// `aud`.
    pub audience: ClientId,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `auth_time`.
    pub authenticated_at: Timestamp,
    /// `nonce`: the authorization request's, when it had one and this is the first ID token of its grant
    /// (OpenID Connect Core section 12.2 leaves it out of refreshed ones).
    pub nonce: Option<String>,
    /// `acr`.
    pub acr: String,
    /// `amr` (RFC 8176).
    pub amr: Vec<String>,
    /// `sid` (OpenID Connect Front-Channel Logout section 3).
    pub session: SessionId,
    /// `at_hash`, made by [`left_half_hash`], when an access token is issued with it.
    pub access_token_hash: Option<String>,
    /// `c_hash`, made in the same way, when a code is issued with it (OpenID Connect Core section 3.3.2.11).
    pub code_hash: Option<String>,
    /// What it says of the person besides. No member of it takes the place of one above, nor adds one that is left out there.
    pub profile: Map<String, Value>,
}

/// The claims that a profile can't have.
const PROTOCOL: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
    "c_hash",
];

impl IdToken {
    /// Signs these claims.
    pub fn sign(&self, key: &SigningKey) -> Result<String, KeyError> {
        let protocol = serde_json::to_value(&Wire {
            iss: self.issuer.clone(),
            sub: self.subject.clone(),
            aud: Audience::One(self.audience.clone()),
            exp: self.expires_at.as_seconds(),
            iat: self.issued_at.as_seconds(),
            auth_time: self.authenticated_at.as_seconds(),
            nonce: self.nonce.clone(),
            acr: self.acr.clone(),
            amr: self.amr.clone(),
            sid: self.session,
            at_hash: self.access_token_hash.clone(),
            c_hash: self.code_hash.clone(),
        });
        let mut claims = self.profile.clone();
        claims.retain(|name, _| !PROTOCOL.contains(&name.as_str()));
        match protocol {
            Ok(Value::Object(protocol)) => claims.extend(protocol),
            _ => return Err(KeyError::Sign),
        }
        key.sign_token(TYPE, &claims)
    }
}

/// The `at_hash` of an access token, the `c_hash` of a code: the left half of the hash of its text, by the hash algorithm of
/// the ID token's own signature (OpenID Connect Core sections 3.1.3.6 and 3.3.2.11). Ed25519 hashes with SHA-512 (RFC 8032 section 5.1), the others with
/// SHA-256.
pub fn left_half_hash(text: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(hash, text.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    sub: Subject,
    aud: Audience,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    acr: String,
    amr: Vec<String>,
    sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c_hash: Option<String>,
}

/// `aud` is a string or an array of them (RFC 7519 section 4.1.3). We write one, and take back only what we write.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(ClientId),
}

/// An ID token of ours that came back as `id_token_hint`: it says whom the request means, and nothing more.
///
/// Its signature and issuer were checked, its expiry was not: a hint is used long after the token has expired
/// (OpenID Connect RP-Initiated Logout section 2). So it is no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    subject: Subject,
    session: SessionId,
    client: ClientId,
}

impl IdTokenHint {
    /// Whom the token was about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The session that the token was issued in.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The client that the token was issued to.
    pub fn client(&self) -> &ClientId {
        &self.client
    }
}

/// Why an `id_token_hint` is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintRefusal {
    /// Not an intact ID token signed by a key of this tenant that was not revoked.
    Token(JwsRefusal),
    /// A required claim is absent or of another type.
    Claims,
    /// OpenID Connect RP-Initiated Logout section 2: the provider itself must have issued it.
    Issuer,
    /// OpenID Connect RP-Initiated Logout section 2: the request's client must be the token's audience.
    Audience,
}

impl fmt::Display for HintRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(refusal) => refusal.fmt(f),
            Self::Claims => f.write_str("the ID token lacks a claim or has one of another type"),
            Self::Issuer => f.write_str("the ID token is of another issuer"),
            Self::Audience => f.write_str("the ID token was issued to another client"),
        }
    }
}

impl std::error::Error for HintRefusal {}

/// Takes an ID token back as a hint. `client` is the one that the request names, if it names one.
pub fn verify_hint(
    token: &str,
    keys: &KeySet,
    issuer: &str,
    client: Option<&ClientId>,
) -> Result<IdTokenHint, HintRefusal> {
    let claims = keys.verify(token, TYPE, TokenUse::Hint).map_err(HintRefusal::Token)?;
    let claims: Wire = serde_json::from_value(Value::Object(claims)).map_err(|_| HintRefusal::Claims)?;
    if claims.iss != issuer {
        return Err(HintRefusal::Issuer);
    }
    let Audience::One(audience) = claims.aud;
    if client.is_some_and(|client| *client != audience) {
        return Err(HintRefusal::Audience);
    }
    Ok(IdTokenHint { subject: claims.sub, session: claims.sid, client: audience })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::test_keys::{key_set, signing_key};
    use crate::jose::{Algorithm, KeySetEntry};
    use serde_json::json;

    const ISSUER: &str = "https://id.example";

    fn id_token() -> IdToken {
        let now = Timestamp::from_millis(1_700_000_000_999);
        IdToken {
            issuer: ISSUER.to_owned(),
            subject: "s-1".parse().unwrap(),
            audience: "web".parse().unwrap(),
            issued_at: now,
            expires_at: Timestamp::from_seconds(1_700_000_600),
            authenticated_at: Timestamp::from_seconds(1_699_999_000),
            nonce: Some("n".to_owned()),
            acr: "1".to_owned(),
            amr: vec!["pwd".to_owned()],
            session: SessionId::new(now, [5; 10]),
            access_token_hash: Some(left_half_hash("token", Algorithm::Rs256)),
            code_hash: None,
            profile: Map::new(),
        }
    }

    fn claims(keys: &KeySet) -> serde_json::Map<String, Value> {
        let token = id_token().sign(keys.signer(Algorithm::Rs256).unwrap()).unwrap();
        keys.verify(&token, TYPE, TokenUse::Credential).unwrap()
    }

    #[test]
    fn the_claims_are_those_of_the_protocol() {
        let sid = id_token().session.to_string();
        let expected = json!({
            "iss": ISSUER, "sub": "s-1", "aud": "web", "iat": 1_700_000_000, "exp": 1_700_000_600,
            "auth_time": 1_699_999_000, "nonce": "n", "acr": "1", "amr": ["pwd"], "sid": sid,
            "at_hash": "PEaenWxYddN6Q_NT1PiOYQ",
        });
        assert_eq!(Value::Object(claims(&key_set())), expected);
    }

    #[test]
    fn a_profile_takes_no_claim_of_the_protocol() {
        let keys = key_set();
        let profile = json!({
            "name": "Alice", "sub": "eve", "aud": "thief", "nonce": "x", "azp": "thief", "at_hash": "x", "sid": "x", "nbf": 0,
            "exp": 9_999_999_999_i64, "acr": "9",
        });
        let id_token = IdToken { nonce: None, profile: profile.as_object().unwrap().clone(), ..id_token() };
        let token = id_token.sign(keys.signer(Algorithm::Rs256).unwrap()).unwrap();
        let mut said = keys.verify(&token, TYPE, TokenUse::Credential).unwrap();
        assert_eq!(said.remove("name"), Some(json!("Alice")));
        let mut expected = claims(&keys);
        expected.remove("nonce");
        assert_eq!(said, expected);
    }

    /// OpenID Connect Core section 3.1.3.6; the pair is of its appendix A.3.
    #[test]
    fn at_hash_of_the_specification() {
        assert_eq!(
            left_half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", Algorithm::Rs256),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }

    #[test]
    fn a_hint_is_taken_back_and_expiry_does_not_matter() {
        let keys = key_set();
        let token = id_token().sign(keys.signer(Algorithm::Rs256).unwrap()).unwrap();
        let hint = verify_hint(&token, &keys, ISSUER, Some(&"web".parse().unwrap())).unwrap();
        assert_eq!((hint.subject().as_str(), hint.client().as_str()), ("s-1", "web"));
        assert_eq!(hint.session(), id_token().session);
        assert!(verify_hint(&token, &keys, ISSUER, None).is_ok());
    }

    #[test]
    fn a_hint_of_a_retired_key_counts_and_of_an_unknown_one_not() {
        let key = signing_key(Algorithm::Rs256, 9);
        let token = id_token().sign(&key).unwrap();
        let retired = KeySet::new(vec![KeySetEntry::retired(key.public().clone()).unwrap()]).unwrap();
        assert!(verify_hint(&token, &retired, ISSUER, None).is_ok());
        let refusal = verify_hint(&token, &key_set(), ISSUER, None);
        assert_eq!(refusal, Err(HintRefusal::Token(JwsRefusal::UnknownKey)));
    }

    #[test]
    fn another_issuer_client_or_kind_of_token_is_refused() {
        let keys = key_set();
        let signer = keys.signer(Algorithm::Rs256).unwrap();
        let token = id_token().sign(signer).unwrap();
        assert_eq!(verify_hint(&token, &keys, "https://id.example/", None), Err(HintRefusal::Issuer));
        let thief = "thief".parse().unwrap();
        assert_eq!(verify_hint(&token, &keys, ISSUER, Some(&thief)), Err(HintRefusal::Audience));
        let access = signer.sign_token(crate::access_token::TYPE, &claims(&keys)).unwrap();
        assert_eq!(verify_hint(&access, &keys, ISSUER, None), Err(HintRefusal::Token(JwsRefusal::Type)));
    }

    #[test]
    fn each_required_claim_is_required_and_of_its_type() {
        let keys = key_set();
        let signer = keys.signer(Algorithm::Es256).unwrap();
        let good = claims(&keys);
        let refusal = |claims: &serde_json::Map<String, Value>| {
            verify_hint(&signer.sign_token(TYPE, claims).unwrap(), &keys, ISSUER, None)
        };
        for name in ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid"] {
            let mut without = good.clone();
            without.remove(name).unwrap();
            assert_eq!(refusal(&without), Err(HintRefusal::Claims), "without {name}");
            let mut wrong = good.clone();
            wrong.insert(name.to_owned(), json!({"x": 1}));
            assert_eq!(refusal(&wrong), Err(HintRefusal::Claims), "{name} of another type");
        }
        let mut fractional = good;
        fractional.insert("exp".to_owned(), json!(1.5));
        assert_eq!(refusal(&fractional), Err(HintRefusal::Claims));
    }
}
