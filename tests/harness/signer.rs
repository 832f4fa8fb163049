use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use terms::Timestamp;

use crate::relying_party::RelyingParty;

/// The `client_assertion_type` of RFC 7523 section 2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a client of the tests signs with: a P-256 key of its own, or its secret.
pub struct Signer {
    kid: Option<String>,
    with: With,
}

enum With {
    Key(Box<EcdsaKeyPair>),
    Secret(String),
}

impl Signer {
    /// A new key of this id.
    pub fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { kid: Some(kid.to_owned()), with: With::Key(Box::new(pair)) }
    }

    /// A client's secret, as it was given out.
    pub fn hs256(secret: &str) -> Self {
        Self { kid: None, with: With::Secret(secret.to_owned()) }
    }

    /// The key's public half; a secret has none.
    pub fn jwk(&self) -> Value {
        let With::Key(pair) = &self.with else { panic!("a secret is not published") };
        let point = pair.public_key().as_ref();
        let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        })
    }

    /// The private half, for a program that signs by itself: PKCS #8 in base64.
    pub fn pkcs8(&self) -> String {
        let With::Key(pair) = &self.with else { panic!("a secret is no key") };
        STANDARD.encode(pair.to_pkcs8v1().expect("a document").as_ref())
    }

    /// A compact JWS of any header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = match &self.with {
            With::Key(pair) => {
                pair.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature").as_ref().to_vec()
            }
            With::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
            }
        };
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The header of a good assertion.
    pub fn header(&self) -> Value {
        match &self.with {
            With::Key(_) => json!({ "alg": "ES256", "kid": self.kid, "typ": "client-authentication+jwt" }),
            With::Secret(_) => json!({ "alg": "HS256", "typ": "JWT" }),
        }
    }

    /// A request object of these claims, of no particular type.
    pub fn request(&self, claims: &Value) -> String {
        let mut header = self.header();
        header["typ"] = "JWT".into();
        self.sign(&header, claims)
    }

    /// A good assertion of this client.
    pub fn assertion(&self, party: &RelyingParty, jti: &str, now: Timestamp) -> String {
        self.sign(&self.header(), &assertion_claims(party, jti, now))
    }
}

/// What a good request object of this client says (OpenID Connect Core section 6.1): all that it would ask for in the open.
pub fn request_claims(party: &RelyingParty, now: Timestamp) -> Value {
    let mut claims = json!({
        "iss": party.client_id, "aud": party.issuer, "iat": now.as_seconds(), "exp": now.as_seconds() + 60,
    });
    for (name, value) in party.authorization_parameters() {
        claims[name] = value.into();
    }
    claims
}

/// What a good assertion of this client says (OpenID Connect Core section 9).
pub fn assertion_claims(party: &RelyingParty, jti: &str, now: Timestamp) -> Value {
    json!({
        "iss": party.client_id, "sub": party.client_id, "aud": party.issuer, "jti": jti,
        "iat": now.as_seconds(), "exp": now.as_seconds() + 60,
    })
}
