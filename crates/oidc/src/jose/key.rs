use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use terms::SigningKeyId;
use zeroize::Zeroizing;

use super::jwk::Material;
use super::{Algorithm, JwkRefusal, PublicJwk};

/// What went wrong with a key of our own. It never says more, since the cause lies in secret octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The library could not make a key.
    Generate,
    /// Not a PKCS#8 document that holds a private key of this algorithm.
    Parse,
    /// The library refused to sign, or the claims could not be written as JSON.
    Sign,
    /// The library refused to encrypt.
    Encrypt,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generate => "no signing key could be generated",
            Self::Parse => "the stored signing key is not a PKCS#8 key of its algorithm",
            Self::Sign => "the token could not be signed",
            Self::Encrypt => "the token could not be encrypted",
        })
    }
}

impl std::error::Error for KeyError {}

/// Makes a private key, as a PKCS#8 document: RSA with 2048 bits, P-256 or Ed25519.
///
/// An RSA key takes hundreds of milliseconds of processor time, so the caller runs this on a blocking thread. The
/// randomness is the cryptographic library's own.
pub fn generate_pkcs8(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let document = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
            pair.as_der().map_err(|_| KeyError::Generate)?.as_ref().to_vec()
        }
        Algorithm::Es256 => {
            let pair =
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Generate)?;
            pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?.as_ref().to_vec()
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
            pair.to_pkcs8().map_err(|_| KeyError::Generate)?.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(document))
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A private key that is held parsed, with the id and the public JWK that go with it.
pub struct SigningKey {
    pair: Pair,
    public: PublicJwk,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.public.algorithm, self.public.key_id)
    }
}

impl SigningKey {
    /// Parses a PKCS#8 document that [`generate_pkcs8`] made. The `kid` is the id of the key's row.
    ///
    /// Documents of other makers may be refused: aws-lc takes an EC key only with its public point inside, which
    /// josekit's own encoding leaves out.
    pub fn from_pkcs8(key_id: SigningKeyId, algorithm: Algorithm, document: &[u8]) -> Result<Self, KeyError> {
        let (pair, material) = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(document).map_err(|_| KeyError::Parse)?;
                let modulus = modulus(&pair).ok_or(KeyError::Parse)?;
                (Pair::Rsa(pair), Material::Rsa { modulus })
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document)
                    .map_err(|_| KeyError::Parse)?;
                let (x, y) = coordinates(pair.public_key().as_ref()).ok_or(KeyError::Parse)?;
                (Pair::P256(pair), Material::P256 { x, y })
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(document).map_err(|_| KeyError::Parse)?;
                let x = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Parse)?;
                (Pair::Ed25519(pair), Material::Ed25519 { x })
            }
        };
        // Through the same gate as a key from outside, so that size and exponent hold for our own keys too.
        let public = PublicJwk { key_id: key_id.to_string(), algorithm, material };
        let public =
            PublicJwk::parse(public.to_json().to_string().as_bytes()).map_err(|_| KeyError::Parse)?;
        Ok(Self { pair, public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// Makes a compact JWS of these claims, with `alg`, `kid` and this `typ` in its header (RFC 7515 section 7.1).
    pub fn sign_token(&self, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        self.sign_under(Some(typ), claims)
    }

    /// The same without a `typ`, for what has none by its specification. No token of ours that is taken back lacks one, so
    /// this is never taken for one of those (RFC 8725 section 3.11).
    pub fn sign_untyped(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        self.sign_under(None, claims)
    }

    fn sign_under(&self, typ: Option<&str>, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = Header { alg: self.public.algorithm, kid: &self.public.key_id, typ };
        let header = serde_json::to_vec(&header).map_err(|_| KeyError::Sign)?;
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Sign)?;
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding = match self.public.algorithm {
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(|_| KeyError::Sign)?;
                Ok(signature)
            }
            Pair::P256(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Sign)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// What stands before the claims (RFC 7515 section 4.1).
#[derive(Serialize)]
struct Header<'a> {
    alg: Algorithm,
    kid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
}

/// The modulus, out of the `RSAPublicKey` that ends with it and the exponent 65537 (RFC 8017 appendix A.1.1).
fn modulus(pair: &RsaKeyPair) -> Option<Vec<u8>> {
    let rest = pair.public_key().as_ref().strip_suffix(&[0x02, 0x03, 0x01, 0x00, 0x01])?;
    let start = rest.len().checked_sub(pair.public_modulus_len())?;
    Some(rest[start..].to_vec())
}

/// The two halves of an uncompressed point (SEC 1 section 2.3.3).
fn coordinates(point: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
    Some((x.try_into().ok()?, y.try_into().ok()?))
}

/// A public key that is held parsed.
pub struct VerifyingKey {
    key: ParsedPublicKey,
    public: PublicJwk,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.public.algorithm, self.public.key_id)
    }
}

impl VerifyingKey {
    /// Parses the public numbers; a point that is not on the curve is refused here.
    pub fn new(public: PublicJwk) -> Result<Self, JwkRefusal> {
        let key = match &public.material {
            Material::Rsa { modulus } => {
                let padding = match public.algorithm {
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => &RSA_PKCS1_2048_8192_SHA256,
                };
                PublicKeyComponents { n: modulus.as_slice(), e: &[1, 0, 1] }.to_parsed_public_key(padding)
            }
            Material::P256 { x, y } => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], x.as_slice(), y.as_slice()].concat())
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
        };
        Ok(Self { key: key.map_err(|_| JwkRefusal::Material)?, public })
    }

    /// The key as it is published.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// Whether this is the signature of these octets by this key, in its one algorithm.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use josekit::jwk::{Jwk, alg::ec::EcCurve, alg::ec::EcKeyPair};
    use josekit::jws::{ES256, EdDSA, PS256, RS256};
    use terms::Timestamp;

    fn key(algorithm: Algorithm) -> SigningKey {
        let id = SigningKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        SigningKey::from_pkcs8(id, algorithm, &generate_pkcs8(algorithm).unwrap()).unwrap()
    }

    /// RFC 8037 appendix A.4.
    #[test]
    fn the_signature_of_rfc_8037_verifies() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = VerifyingKey::new(PublicJwk::parse(jwk.as_bytes()).unwrap()).unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(&message[1..], &signature));
        signature[7] ^= 1;
        assert!(!key.verifies(message, &signature));
    }

    #[test]
    fn the_two_paddings_of_rsa_are_not_mistaken_for_each_other() {
        let document = generate_pkcs8(Algorithm::Ps256).unwrap();
        let id = SigningKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        for (one, other) in [(Algorithm::Rs256, Algorithm::Ps256), (Algorithm::Ps256, Algorithm::Rs256)] {
            let [signing, reading] =
                [one, other].map(|algorithm| SigningKey::from_pkcs8(id, algorithm, &document).unwrap());
            let signature = signing.sign(b"message").unwrap();
            assert!(VerifyingKey::new(signing.public().clone()).unwrap().verifies(b"message", &signature));
            assert!(!VerifyingKey::new(reading.public().clone()).unwrap().verifies(b"message", &signature));
        }
    }

    /// RFC 7515 appendices A.2 and A.3: keys, signing inputs and signatures that others made.
    #[test]
    fn the_signatures_of_rfc_7515_verify() {
        let a2 = r#"{"kty":"RSA","alg":"RS256","kid":"a2","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
        let a3 = r#"{"kty":"EC","alg":"ES256","kid":"a3","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
        let claims =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        for (jwk, header, signature) in [
            (
                a2,
                "eyJhbGciOiJSUzI1NiJ9",
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                a3,
                "eyJhbGciOiJFUzI1NiJ9",
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
        ] {
            let key = VerifyingKey::new(PublicJwk::parse(jwk.as_bytes()).unwrap()).unwrap();
            let message = format!("{header}.{claims}");
            let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(key.verifies(message.as_bytes(), &signature), "{header}");
            assert!(!key.verifies(&message.as_bytes()[1..], &signature), "{header}");
            signature[7] ^= 1;
            assert!(!key.verifies(message.as_bytes(), &signature), "{header}");
        }
    }

    #[test]
    fn an_independent_implementation_verifies_what_we_sign() {
        let claims = serde_json::json!({"iss": "https://id.example", "n": 1});
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let token = key.sign_token("JWT", &claims).unwrap();
            let jwk = Jwk::from_bytes(key.public().to_json().to_string()).unwrap();
            let verifier: Box<dyn josekit::jws::JwsVerifier> = match algorithm {
                Algorithm::Rs256 => Box::new(RS256.verifier_from_jwk(&jwk).unwrap()),
                Algorithm::Ps256 => Box::new(PS256.verifier_from_jwk(&jwk).unwrap()),
                Algorithm::Es256 => Box::new(ES256.verifier_from_jwk(&jwk).unwrap()),
                Algorithm::EdDsa => Box::new(EdDSA.verifier_from_jwk(&jwk).unwrap()),
            };
            let (payload, header) = josekit::jwt::decode_with_verifier(&token, &*verifier).unwrap();
            assert_eq!(payload.issuer(), Some("https://id.example"));
            assert_eq!(
                (header.key_id(), header.token_type(), header.algorithm()),
                (Some(key.public().key_id()), Some("JWT"), Some(algorithm.as_str()))
            );
        }
    }

    #[test]
    fn a_document_of_another_algorithm_is_refused() {
        let id = SigningKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        let document = generate_pkcs8(Algorithm::Es256).unwrap();
        let parse = |algorithm, document: &[u8]| SigningKey::from_pkcs8(id, algorithm, document).map(|_| ());
        assert_eq!(parse(Algorithm::Es256, &document), Ok(()));
        assert_eq!(parse(Algorithm::Rs256, &document), Err(KeyError::Parse));
        for cut in 0..document.len() {
            assert_eq!(parse(Algorithm::Es256, &document[..cut]), Err(KeyError::Parse), "{cut}");
        }
    }

    #[test]
    fn josekits_own_ec_encoding_is_an_error_and_not_a_crash() {
        let foreign = EcKeyPair::generate(EcCurve::P256).unwrap().to_der_private_key();
        let id = SigningKeyId::new(Timestamp::from_seconds(1), [1; 10]);
        assert_eq!(SigningKey::from_pkcs8(id, Algorithm::Es256, &foreign).map(|_| ()), Err(KeyError::Parse));
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut public = key(Algorithm::Es256).public().clone();
        if let Material::P256 { y, .. } = &mut public.material {
            y[31] ^= 1;
        }
        assert_eq!(VerifyingKey::new(public).map(|_| ()), Err(JwkRefusal::Material));
    }

    #[test]
    fn a_key_prints_its_id_and_nothing_secret() {
        let key = key(Algorithm::Es256);
        assert_eq!(format!("{key:?}"), format!("SigningKey(ES256 {})", key.public().key_id()));
    }
}
