use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Algorithm, json};

/// Octets of one JWK in JSON.
pub(super) const JWK_BYTES: usize = 4 * 1024;
/// Members that only a private or symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
pub(super) const PRIVATE_MEMBERS: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];
/// The only public exponent taken: 65537. A smaller one weakens the key, a larger one slows everyone down.
pub(super) const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
/// RSA moduli between 2048 bits (RFC 7518 section 3.3) and 4096.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// Why a JWK is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkRefusal {
    /// Not a JSON object with unique members, or too long, or a member of the wrong type.
    Malformed,
    /// RFC 7517 section 9.2: a public key set never holds private parts; a key that was shown is not a secret.
    Private,
    /// RFC 7517 sections 4.4 and 4.5: every key here says its algorithm and its id.
    NoAlgorithmOrKeyId,
    /// RFC 7517 section 4.2: a key that is not for signatures.
    Use,
    /// The key type, curve or size is not the algorithm's, or too weak, or not canonically encoded.
    Material,
}

impl fmt::Display for JwkRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the key is not a well-formed JWK",
            Self::Private => "the key has private members",
            Self::NoAlgorithmOrKeyId => "the key needs an alg that is taken here and a kid",
            Self::Use => "the key's use is not sig",
            Self::Material => "the key's type, curve, size or encoding is not taken for its algorithm",
        })
    }
}

impl std::error::Error for JwkRefusal {}

/// The public numbers of a key, each in its one canonical form.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    /// The modulus without leading zeros; the exponent is 65537.
    Rsa { modulus: Vec<u8> },
    /// The coordinates, 32 octets each (RFC 7518 section 6.2.1.2).
    P256 { x: [u8; 32], y: [u8; 32] },
    /// The encoded point (RFC 8037 section 2).
    Ed25519 { x: [u8; 32] },
}

/// Encodings of points of small order on edwards25519, without the sign bit: with such a "key" a signature of somebody
/// else's choice verifies for some messages (RFC 8032 section 8.9 leaves refusing them to the user).
const SMALL_ORDER: [[u8; 32]; 7] = [
    ends(0x00, 0x00, 0x00),
    ends(0x01, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    ends(0xec, 0xff, 0x7f),
    ends(0xed, 0xff, 0x7f),
    ends(0xee, 0xff, 0x7f),
];

const fn ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut octets = [middle; 32];
    octets[0] = first;
    octets[31] = last;
    octets
}

/// A public signature key with its id and algorithm (RFC 7517). It can't hold a private member.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicJwk {
    pub(super) key_id: String,
    pub(super) algorithm: Algorithm,
    pub(super) material: Material,
}

impl fmt::Debug for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicJwk({} {})", self.algorithm, self.key_id)
    }
}

impl PublicJwk {
    /// Reads one JWK strictly: unique members, no private part, `kid` and `alg` present, sane sizes.
    pub fn parse(text: &[u8]) -> Result<Self, JwkRefusal> {
        if text.len() > JWK_BYTES {
            return Err(JwkRefusal::Malformed);
        }
        let members = json::parse_object(text).map_err(|_| JwkRefusal::Malformed)?;
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(JwkRefusal::Private);
        }
        let jwk = Jwk::from_map(members).map_err(|_| JwkRefusal::Malformed)?;
        if jwk.key_use().is_some_and(|usage| usage != "sig") {
            return Err(JwkRefusal::Use);
        }
        let algorithm =
            jwk.algorithm().and_then(|name| name.parse().ok()).ok_or(JwkRefusal::NoAlgorithmOrKeyId)?;
        let key_id =
            jwk.key_id().filter(|kid| !kid.is_empty()).ok_or(JwkRefusal::NoAlgorithmOrKeyId)?.to_owned();
        let material = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => rsa(&jwk),
            Algorithm::Es256 => p256(&jwk),
            Algorithm::EdDsa => ed25519(&jwk),
        };
        Ok(Self { key_id, algorithm, material: material.ok_or(JwkRefusal::Material)? })
    }

    /// The key's `kid`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key's `alg`.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The SHA-256 thumbprint in base64url: the required members only, in lexical order, no blanks (RFC 7638 section 3).
    pub fn thumbprint(&self) -> String {
        let canonical = match &self.material {
            Material::Rsa { modulus } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(&RSA_EXPONENT), encode(modulus))
            }
            Material::P256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y))
            }
            // RFC 8037 section 2.
            Material::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(x)),
        };
        encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    }

    /// The JWK that is published: the public numbers, `kid`, `alg` and `use`, and nothing else.
    pub fn to_json(&self) -> Value {
        let mut jwk = match &self.material {
            Material::Rsa { .. } => Jwk::new("RSA"),
            Material::P256 { .. } => Jwk::new("EC"),
            Material::Ed25519 { .. } => Jwk::new("OKP"),
        };
        // Without `kid` and `alg` relying parties find no key: they select by both.
        jwk.set_key_id(self.key_id.as_str());
        jwk.set_algorithm(self.algorithm.as_str());
        jwk.set_key_use("sig");
        let mut members: serde_json::Map<String, Value> = jwk.into();
        match &self.material {
            Material::Rsa { modulus } => {
                members.insert("n".to_owned(), encode(modulus).into());
                members.insert("e".to_owned(), encode(&RSA_EXPONENT).into());
            }
            Material::P256 { x, y } => {
                members.insert("crv".to_owned(), "P-256".into());
                members.insert("x".to_owned(), encode(x).into());
                members.insert("y".to_owned(), encode(y).into());
            }
            Material::Ed25519 { x } => {
                members.insert("crv".to_owned(), "Ed25519".into());
                members.insert("x".to_owned(), encode(x).into());
            }
        }
        Value::Object(members)
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

fn encode(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn octets(jwk: &Jwk, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.parameter(name)?.as_str()?).ok()
}

fn rsa(jwk: &Jwk) -> Option<Material> {
    let modulus = rsa_modulus(octets(jwk, "n")?, &octets(jwk, "e")?)?;
    (jwk.key_type() == "RSA").then_some(Material::Rsa { modulus })
}

/// The modulus, if it is of a sane size and goes with the one exponent.
pub(super) fn rsa_modulus(modulus: Vec<u8>, exponent: &[u8]) -> Option<Vec<u8>> {
    // RFC 7518 section 2, Base64urlUInt: the minimal number of octets, so no leading zero.
    let minimal = modulus.first().is_some_and(|first| *first != 0);
    let sane = RSA_MODULUS_BYTES.contains(&modulus.len()) && exponent == RSA_EXPONENT;
    (minimal && sane).then_some(modulus)
}

fn p256(jwk: &Jwk) -> Option<Material> {
    let x = octets(jwk, "x")?.try_into().ok()?;
    let y = octets(jwk, "y")?.try_into().ok()?;
    (jwk.key_type() == "EC" && jwk.curve() == Some("P-256")).then_some(Material::P256 { x, y })
}

fn ed25519(jwk: &Jwk) -> Option<Material> {
    let x: [u8; 32] = octets(jwk, "x")?.try_into().ok()?;
    let mut unsigned = x;
    unsigned[31] &= 0x7f;
    let sane = !SMALL_ORDER.contains(&unsigned);
    (jwk.key_type() == "OKP" && jwk.curve() == Some("Ed25519") && sane).then_some(Material::Ed25519 { x })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 7638 section 3.1, with the `alg` and `kid` that it gives there.
    const RFC_7638: &str = r#"{
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    }"#;

    fn p256_members() -> Value {
        // RFC 7515 appendix A.3.
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "a3", "use": "sig",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    #[test]
    fn the_thumbprint_of_rfc_7638() {
        let key = PublicJwk::parse(RFC_7638.as_bytes()).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 appendix A.2 and A.3.
    #[test]
    fn the_thumbprint_of_rfc_8037() {
        let key = PublicJwk::parse(
            br#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        );
        assert_eq!(key.unwrap().thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_point_of_small_order_is_no_key() {
        let with = |x: &[u8]| {
            let x = URL_SAFE_NO_PAD.encode(x);
            let members = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "k", "x": x});
            PublicJwk::parse(members.to_string().as_bytes())
        };
        assert!(with(&[9; 32]).is_ok());
        for mut point in SMALL_ORDER {
            assert_eq!(with(&point), Err(JwkRefusal::Material), "{point:02x?}");
            point[31] |= 0x80;
            assert_eq!(with(&point), Err(JwkRefusal::Material), "{point:02x?}");
        }
        assert_eq!(with(&[9; 31]), Err(JwkRefusal::Material));
        assert_eq!(with(&[9; 33]), Err(JwkRefusal::Material));
    }

    #[test]
    fn what_is_published_is_what_was_read_and_says_kid_alg_and_use() {
        let key = PublicJwk::parse(p256_members().to_string().as_bytes()).unwrap();
        assert_eq!(key.to_json(), p256_members());
        let rsa = PublicJwk::parse(RFC_7638.as_bytes()).unwrap();
        assert_eq!(PublicJwk::parse(rsa.to_json().to_string().as_bytes()).as_ref(), Ok(&rsa));
        assert_eq!(rsa.to_json()["kid"], "2011-04-29");
    }

    #[test]
    fn one_spoilt_member_refuses_the_key() {
        use JwkRefusal as R;
        let spoilt = |name: &str, value: Value| {
            let mut members = p256_members();
            members[name] = value;
            PublicJwk::parse(members.to_string().as_bytes()).unwrap_err()
        };
        for (name, value, expected) in [
            ("d", json!("AA"), R::Private),
            ("k", json!("AA"), R::Private),
            ("kid", json!(""), R::NoAlgorithmOrKeyId),
            ("kid", json!(7), R::Malformed),
            ("alg", json!("ES384"), R::NoAlgorithmOrKeyId),
            ("alg", json!("RS256"), R::Material),
            ("alg", json!("PS256"), R::Material),
            ("alg", json!("EdDSA"), R::Material),
            ("kty", json!("RSA"), R::Material),
            ("use", json!("enc"), R::Use),
            ("crv", json!("P-384"), R::Material),
            ("x", json!("AA"), R::Material),
            ("y", json!("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"), R::Malformed),
        ] {
            assert_eq!(spoilt(name, value.clone()), expected, "{name} = {value}");
        }
        assert_eq!(PublicJwk::parse(br#"{"kty":"EC","kty":"EC"}"#), Err(R::Malformed));
    }

    #[test]
    fn weak_rsa_keys_are_refused() {
        let with = |n: &[u8], e: &str| {
            let members =
                json!({"kty": "RSA", "alg": "RS256", "kid": "k", "n": URL_SAFE_NO_PAD.encode(n), "e": e});
            PublicJwk::parse(members.to_string().as_bytes())
        };
        assert!(with(&[0xff; 256], "AQAB").is_ok());
        assert_eq!(with(&[0xff; 128], "AQAB"), Err(JwkRefusal::Material), "1024 bits");
        assert_eq!(with(&[0xff; 1024], "AQAB"), Err(JwkRefusal::Material), "8192 bits");
        assert_eq!(with(&[0xff; 256], "AQ"), Err(JwkRefusal::Material), "exponent 1");
        assert_eq!(with(&[0xff; 256], "Aw"), Err(JwkRefusal::Material), "exponent 3");
        let mut leading_zero = vec![0xff; 257];
        leading_zero[0] = 0;
        assert_eq!(with(&leading_zero, "AQAB"), Err(JwkRefusal::Material), "not minimal");
    }
}
