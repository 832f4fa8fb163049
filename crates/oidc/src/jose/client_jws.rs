use std::fmt;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use terms::ClientSecret;

use super::compact::Parts;
use super::{Algorithm, ClientKeys, JwsRefusal, json};

/// The algorithms by which a client may sign what it hands to us: with its secret, or with a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientAlgorithm {
    /// HMAC with SHA-256, keyed by the client's secret (RFC 7518 section 3.2).
    Hs256,
    /// A signature, verified by one of the client's public keys.
    Signature(Algorithm),
}

impl ClientAlgorithm {
    /// Every one, in the order in which metadata documents list them.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Hs256).chain(Algorithm::ALL.into_iter().map(Self::Signature))
    }

    /// The name in the JOSE registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Signature(algorithm) => algorithm.as_str(),
        }
    }

    /// The one of this name exactly: JOSE names are case-sensitive (RFC 7515 section 4.1.1).
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|algorithm| algorithm.as_str() == text)
    }
}

impl fmt::Display for ClientAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A JWS that a client made, taken apart and not yet verified. A client's key needs no `kid` (RFC 7515 section 4.1.4).
///
/// What it says is to be read in one way only without verifying: [`claimed_issuer`](Self::claimed_issuer), which says
/// whose keys to look for.
pub struct ClientJws<'t> {
    algorithm: ClientAlgorithm,
    key_id: Option<String>,
    typ: Option<String>,
    parts: Parts<'t>,
}

/// What a client signed may be a secret as long as it is good for something.
impl fmt::Debug for ClientJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientJws({})", self.algorithm)
    }
}

impl<'t> ClientJws<'t> {
    /// Takes a token apart, refusing every spelling but the canonical one.
    pub fn parse(token: &'t str) -> Result<Self, JwsRefusal> {
        let parts = Parts::take_apart(token)?;
        let algorithm = parts.text("alg").and_then(ClientAlgorithm::parse).ok_or(JwsRefusal::Algorithm)?;
        Ok(Self { algorithm, key_id: parts.key_id()?, typ: parts.typ()?, parts })
    }

    /// Its `alg`.
    pub fn algorithm(&self) -> ClientAlgorithm {
        self.algorithm
    }

    /// Its `kid`, if it names a key.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Its `typ`, if it has one.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The `iss` that it claims, unverified: whose keys it wants to be verified by.
    pub fn claimed_issuer(&self) -> Option<String> {
        match self.claims().ok()?.remove("iss")? {
            Value::String(issuer) => Some(issuer),
            _ => None,
        }
    }

    /// Its claims, if one of these secrets made it. Which one can't be told by the time that it takes.
    ///
    /// The key is the secret's whole text, as the client has it (OpenID Connect Core section 10.1).
    pub fn verify_mac<'s>(
        &self,
        secrets: impl IntoIterator<Item = &'s ClientSecret>,
    ) -> Result<Map<String, Value>, JwsRefusal> {
        if self.algorithm != ClientAlgorithm::Hs256 {
            return Err(JwsRefusal::Algorithm);
        }
        let mut genuine = false;
        for secret in secrets {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
            // Compares in constant time.
            let verified =
                hmac::verify(&key, self.parts.signing_input.as_bytes(), &self.parts.signature).is_ok();
            genuine |= verified;
        }
        if genuine { self.claims() } else { Err(JwsRefusal::Signature) }
    }

    /// Its claims, if the one of these keys that it means signed it.
    pub fn verify_signature(&self, keys: &ClientKeys) -> Result<Map<String, Value>, JwsRefusal> {
        let ClientAlgorithm::Signature(algorithm) = self.algorithm else {
            return Err(JwsRefusal::Algorithm);
        };
        let key = keys.find(self.key_id(), algorithm).ok_or(JwsRefusal::UnknownKey)?;
        if !key.verifies(self.parts.signing_input.as_bytes(), &self.parts.signature) {
            return Err(JwsRefusal::Signature);
        }
        self.claims()
    }

    fn claims(&self) -> Result<Map<String, Value>, JwsRefusal> {
        json::parse_object(&self.parts.payload).map_err(|_| JwsRefusal::Payload)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::test_keys::signing_key;

    #[test]
    fn only_what_its_own_key_signed_is_believed() {
        for algorithm in Algorithm::ALL {
            let (own, other) = (signing_key(algorithm, 1), signing_key(algorithm, 2));
            let set = json!({ "keys": [own.public().to_json()] });
            let keys = ClientKeys::read(&set).unwrap();
            let good = own.sign_token("JWT", &json!({ "sub": "shop" })).unwrap();
            let verified = |token: &str| ClientJws::parse(token).unwrap().verify_signature(&keys);
            assert_eq!(verified(&good).unwrap()["sub"], "shop");
            let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
            let own_parts = parts(&good);
            let said_otherwise = own.sign_token("JWT", &json!({ "sub": "thief" })).unwrap();
            let by_another = other.sign_token("JWT", &json!({ "sub": "shop" })).unwrap();
            for (payload, signature) in
                [(&parts(&said_otherwise)[1], &own_parts[2]), (&own_parts[1], &parts(&by_another)[2])]
            {
                let forged = format!("{}.{payload}.{signature}", own_parts[0]);
                assert_eq!(verified(&forged), Err(JwsRefusal::Signature), "{algorithm:?}");
            }
            // Another key's token names another key.
            assert_eq!(verified(&by_another), Err(JwsRefusal::UnknownKey), "{algorithm:?}");
        }
    }
}
