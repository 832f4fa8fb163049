//! Access tokens that are JWTs (RFC 9068): what they hold, and how they are taken back at userinfo, introspection
//! and revocation.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terms::{ClientId, GrantId, Subject, Timestamp};

use crate::jose::{JwsRefusal, KeyError, KeySet, SigningKey, TokenUse};

/// The `typ` of an access token (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";

/// The `jti` of an access token: 128 random bits in base64url. It names one token and is no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenId(String);

impl TokenId {
    /// Out of random octets that the caller brings.
    pub fn new(random: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// The text of the claim.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a `jti` of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenIdError;

impl fmt::Display for TokenIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a token id")
    }
}

impl std::error::Error for TokenIdError {}

impl TryFrom<String> for TokenId {
    type Error = TokenIdError;

    fn try_from(text: String) -> Result<Self, TokenIdError> {
        let canonical = URL_SAFE_NO_PAD.decode(&text).is_ok_and(|octets| octets.len() == 16);
        if canonical { Ok(Self(text)) } else { Err(TokenIdError) }
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

/// Whose authority an access token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A user's, by an authorization that the user gave.
    User {
        /// `sub`.
        subject: Subject,
        /// `gid`: the grant, at which it is read whether the authorization still stands.
        grant: GrantId,
        /// `auth_time` (RFC 9068 section 2.2.1).
        authenticated_at: Timestamp,
        /// `acr` (RFC 9068 section 2.2.1).
        acr: String,
        /// `amr` (RFC 9068 section 2.2.1).
        amr: Vec<String>,
    },
    /// The client's own (RFC 6749 section 4.4): `sub` is the client's id (RFC 9068 section 2.2), and there is no grant.
    Client,
}

/// An access token's claims. What RFC 9068 section 2.2 requires is a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// `iss`: the tenant's issuer.
    pub issuer: String,
    /// `aud`: the one resource server that takes it.
    pub audience: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `jti`.
    pub id: TokenId,
    /// `client_id`.
    pub client: ClientId,
    /// `scope`: scope tokens with a space between (RFC 9068 section 2.2.3); left out of the token when empty.
    pub scope: String,
    /// `sub` and, for a user, `gid`, `auth_time`, `acr` and `amr`.
    pub holder: Holder,
}

/// The claims as they go out.
#[derive(Serialize)]
struct Sent<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    jti: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<GrantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a [String]>,
}

/// The claims as they come back.
#[derive(Deserialize)]
struct Wire {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: TokenId,
    client_id: ClientId,
    #[serde(default)]
    scope: String,
    gid: Option<GrantId>,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
}

impl AccessToken {
    /// The Grant that it names; `None` for a client's own token.
    pub fn grant(&self) -> Option<GrantId> {
        match &self.holder {
            Holder::User { grant, .. } => Some(*grant),
            Holder::Client => None,
        }
    }

    /// Signs these claims.
    pub fn sign(&self, key: &SigningKey) -> Result<String, KeyError> {
        let mut sent = Sent {
            iss: &self.issuer,
            sub: self.client.as_str(),
            aud: &self.audience,
            exp: self.expires_at.as_seconds(),
            iat: self.issued_at.as_seconds(),
            jti: self.id.as_str(),
            client_id: self.client.as_str(),
            scope: &self.scope,
            gid: None,
            auth_time: None,
            acr: None,
            amr: None,
        };
        if let Holder::User { subject, grant, authenticated_at, acr, amr } = &self.holder {
            sent.sub = subject.as_str();
            sent.gid = Some(*grant);
            sent.auth_time = Some(authenticated_at.as_seconds());
            sent.acr = Some(acr);
            sent.amr = Some(amr);
        }
        key.sign_token(TYPE, &sent)
    }
}

/// Which audience a token must have to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedAudience<'a> {
    /// Exactly this resource server: what a resource server asks for (RFC 9068 section 4), userinfo among them.
    Exactly(&'a str),
    /// Any: for introspection and revocation, which then ask who may know about the token.
    Any,
}

/// Why an access token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessTokenRefusal {
    /// Not an intact access token signed by a published key of this tenant.
    Token(JwsRefusal),
    /// A required claim is absent or of another type, or a user's claims are there in part.
    Claims,
    /// RFC 9068 section 4: `iss` is the issuer exactly.
    Issuer,
    /// RFC 9068 section 4: the token is for another resource server.
    Audience,
    /// RFC 9068 section 4: the current time must be before `exp`.
    Expired,
}

impl fmt::Display for AccessTokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(refusal) => refusal.fmt(f),
            Self::Claims => f.write_str("the access token lacks a claim or has one of another type"),
            Self::Issuer => f.write_str("the access token is of another issuer"),
            Self::Audience => f.write_str("the access token is for another resource server"),
            Self::Expired => f.write_str("the access token has expired"),
        }
    }
}

impl std::error::Error for AccessTokenRefusal {}

/// Verifies an access token of this tenant (RFC 9068 section 4).
///
/// That it is genuine says nothing yet about the grant, session and user behind it, nor whether its `jti` was
/// revoked: those are read from the store.
pub fn verify(
    token: &str,
    keys: &KeySet,
    issuer: &str,
    audience: ExpectedAudience<'_>,
    now: Timestamp,
) -> Result<AccessToken, AccessTokenRefusal> {
    let claims = keys.verify(token, TYPE, TokenUse::Credential).map_err(AccessTokenRefusal::Token)?;
    let wire: Wire = serde_json::from_value(Value::Object(claims)).map_err(|_| AccessTokenRefusal::Claims)?;
    if wire.iss != issuer {
        return Err(AccessTokenRefusal::Issuer);
    }
    if let ExpectedAudience::Exactly(expected) = audience
        && wire.aud != expected
    {
        return Err(AccessTokenRefusal::Audience);
    }
    if Timestamp::from_seconds(wire.exp).has_passed(now) {
        return Err(AccessTokenRefusal::Expired);
    }
    let holder = holder(&wire).ok_or(AccessTokenRefusal::Claims)?;
    Ok(AccessToken {
        issuer: wire.iss,
        audience: wire.aud,
        issued_at: Timestamp::from_seconds(wire.iat),
        expires_at: Timestamp::from_seconds(wire.exp),
        id: wire.jti,
        client: wire.client_id,
        scope: wire.scope,
        holder,
    })
}

/// A user's claims are there all together or not at all, so that a token that lost one is no client's token.
fn holder(wire: &Wire) -> Option<Holder> {
    match (wire.gid, wire.auth_time, &wire.acr, &wire.amr) {
        (Some(grant), Some(auth_time), Some(acr), Some(amr)) => Some(Holder::User {
            subject: wire.sub.parse().ok()?,
            grant,
            authenticated_at: Timestamp::from_seconds(auth_time),
            acr: acr.clone(),
            amr: amr.clone(),
        }),
        (None, None, None, None) => (wire.sub == wire.client_id.as_str()).then_some(Holder::Client),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::test_keys::key_set;
    use serde_json::{Map, json};

    const ISSUER: &str = "https://id.example";
    const API: &str = "https://api.example";
    const EXPIRY: i64 = 1_700_000_300;

    fn access_token() -> AccessToken {
        AccessToken {
            issuer: ISSUER.to_owned(),
            audience: API.to_owned(),
            issued_at: Timestamp::from_seconds(1_700_000_000),
            expires_at: Timestamp::from_seconds(EXPIRY),
            id: TokenId::new([3; 16]),
            client: "web".parse().unwrap(),
            scope: "openid email".to_owned(),
            holder: Holder::User {
                subject: "s-1".parse().unwrap(),
                grant: GrantId::new(Timestamp::from_seconds(1), [7; 10]),
                authenticated_at: Timestamp::from_seconds(1_699_999_000),
                acr: "1".to_owned(),
                amr: vec!["pwd".to_owned()],
            },
        }
    }

    fn check(keys: &KeySet, token: &str) -> Result<AccessToken, AccessTokenRefusal> {
        verify(token, keys, ISSUER, ExpectedAudience::Exactly(API), Timestamp::from_seconds(EXPIRY - 1))
    }

    fn signed(keys: &KeySet, token: &AccessToken) -> String {
        token.sign(keys.signer(Algorithm::Es256).unwrap()).unwrap()
    }

    fn claims(keys: &KeySet, token: &AccessToken) -> Map<String, Value> {
        keys.verify(&signed(keys, token), TYPE, TokenUse::Credential).unwrap()
    }

    #[test]
    fn a_token_survives_its_text() {
        let keys = key_set();
        let own = AccessToken { holder: Holder::Client, scope: String::new(), ..access_token() };
        for token in [access_token(), own] {
            assert_eq!(check(&keys, &signed(&keys, &token)), Ok(token));
        }
    }

    #[test]
    fn the_claims_are_those_of_rfc_9068() {
        let expected = json!({
            "iss": ISSUER, "sub": "s-1", "aud": API, "iat": 1_700_000_000, "exp": EXPIRY, "jti": "AwMDAwMDAwMDAwMDAwMDAw",
            "client_id": "web", "scope": "openid email", "gid": GrantId::new(Timestamp::from_seconds(1), [7; 10]),
            "auth_time": 1_699_999_000, "acr": "1", "amr": ["pwd"],
        });
        assert_eq!(Value::Object(claims(&key_set(), &access_token())), expected);
    }

    #[test]
    fn the_instant_of_expiry_is_too_late() {
        let keys = key_set();
        let token = signed(&keys, &access_token());
        let at =
            |millis| verify(&token, &keys, ISSUER, ExpectedAudience::Any, Timestamp::from_millis(millis));
        assert!(at(EXPIRY * 1000 - 1).is_ok());
        assert_eq!(at(EXPIRY * 1000), Err(AccessTokenRefusal::Expired));
    }

    #[test]
    fn another_issuer_audience_or_kind_of_token_is_refused() {
        let keys = key_set();
        let token = signed(&keys, &access_token());
        let now = Timestamp::from_seconds(EXPIRY - 1);
        let verify = |token, issuer, audience| verify(token, &keys, issuer, audience, now).unwrap_err();
        assert_eq!(
            verify(&token, "https://other.example", ExpectedAudience::Any),
            AccessTokenRefusal::Issuer
        );
        assert_eq!(verify(&token, ISSUER, ExpectedAudience::Exactly(ISSUER)), AccessTokenRefusal::Audience);
        let signer = keys.signer(Algorithm::Es256).unwrap();
        let id_token = signer.sign_token(crate::id_token::TYPE, &claims(&keys, &access_token())).unwrap();
        let refusal = verify(&id_token, ISSUER, ExpectedAudience::Any);
        assert_eq!(refusal, AccessTokenRefusal::Token(JwsRefusal::Type));
    }

    #[test]
    fn each_required_claim_is_required_and_of_its_type() {
        let keys = key_set();
        let signer = keys.signer(Algorithm::Es256).unwrap();
        let good = claims(&keys, &access_token());
        let refusal = |claims: &Map<String, Value>| check(&keys, &signer.sign_token(TYPE, claims).unwrap());
        assert!(refusal(&good).is_ok());
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "gid", "auth_time", "acr", "amr"]
        {
            let mut without = good.clone();
            without.remove(name).unwrap();
            assert_eq!(refusal(&without), Err(AccessTokenRefusal::Claims), "without {name}");
            for value in [json!(null), json!({"x": 1}), json!(1.5), json!("")] {
                let mut wrong = good.clone();
                wrong.insert(name.to_owned(), value.clone());
                assert!(refusal(&wrong).is_err() || (name == "acr" && value == ""), "{name} = {value}");
            }
        }
    }

    #[test]
    fn a_users_token_cannot_become_a_clients() {
        let keys = key_set();
        let signer = keys.signer(Algorithm::Es256).unwrap();
        let mut claims = claims(&keys, &access_token());
        for name in ["gid", "auth_time", "acr", "amr"] {
            claims.remove(name);
        }
        let refusal = check(&keys, &signer.sign_token(TYPE, &claims).unwrap());
        assert_eq!(refusal, Err(AccessTokenRefusal::Claims), "sub is not the client");
    }

    #[test]
    fn a_token_id_has_one_spelling() {
        let text = TokenId::new([0xff; 16]).to_string();
        assert!(TokenId::try_from(text.clone()).is_ok());
        for bad in [format!("{text}A"), text[1..].to_owned(), format!("{}x", &text[..21]), String::new()] {
            assert_eq!(TokenId::try_from(bad), Err(TokenIdError));
        }
    }
}
