use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwe::{ECDH_ES, JweDecrypter, RSA_OAEP_256, deserialize_compact};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use serde_json::{Map, Value};

/// A key of a client of the tests by which it opens what was encrypted to it. What opens is another implementation than what
/// encrypts.
pub struct Opener {
    decrypter: Box<dyn JweDecrypter>,
    public: Map<String, Value>,
}

impl Opener {
    /// A new key on P-256, for ECDH-ES.
    pub fn ec(kid: &str) -> Self {
        let pair = EcKeyPair::generate(EcCurve::P256).expect("a key");
        let decrypter = ECDH_ES.decrypter_from_jwk(&pair.to_jwk_private_key()).expect("a private key");
        Self { decrypter: Box::new(decrypter), public: published(pair.to_jwk_public_key(), kid) }
    }

    /// A new RSA key, for RSA-OAEP-256.
    pub fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::generate(2048).expect("a key");
        let decrypter = RSA_OAEP_256.decrypter_from_jwk(&pair.to_jwk_private_key()).expect("a private key");
        Self { decrypter: Box::new(decrypter), public: published(pair.to_jwk_public_key(), kid) }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        Value::Object(self.public.clone())
    }

    /// What is inside, and the header as it was written. What isn't encrypted to this key is a failed test.
    pub fn open(&self, token: &str) -> Opened {
        let (text, _) = deserialize_compact(token, &*self.decrypter).expect("encrypted to this key");
        let header = token.split('.').next().expect("a header");
        let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
        Opened {
            header: serde_json::from_slice(&header).expect("JSON"),
            text: String::from_utf8(text).expect("a text"),
        }
    }
}

/// What was encrypted.
pub struct Opened {
    pub header: Value,
    pub text: String,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.header, self.text)
    }
}

fn published(jwk: Jwk, kid: &str) -> Map<String, Value> {
    let mut members: Map<String, Value> = jwk.into();
    members.insert("kid".to_owned(), kid.into());
    members.insert("use".to_owned(), "enc".into());
    members
}
