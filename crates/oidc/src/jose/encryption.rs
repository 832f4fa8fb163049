use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{
    self, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, PrivateKey, UnparsedPublicKey, agree,
};
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::jwk::{RSA_EXPONENT, rsa_modulus};
use super::{JwkRefusal, KeyError};

/// How the key of the content comes to its reader: the `alg` of what we encrypt (RFC 7518 section 4.1). `RSA1_5` is not among
/// them (RFC 8725 section 3.2), nor is what rests on a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyManagement {
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 7518 section 4.3).
    RsaOaep256,
    /// Agreed on with an ephemeral key, and used as it is (RFC 7518 section 4.6). On P-256, P-384 or P-521.
    EcdhEs,
}

impl KeyManagement {
    /// Every one, in the order in which metadata documents list them.
    pub const ALL: [Self; 2] = [Self::RsaOaep256, Self::EcdhEs];

    /// The name in the JOSE registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
        }
    }

    /// The one of this name exactly: JOSE names are case-sensitive (RFC 7516 section 4.1.1).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for KeyManagement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the content is encrypted: the `enc` of what we encrypt (RFC 7518 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentEncryption {
    /// AES-128 in CBC mode with HMAC-SHA-256 (RFC 7518 section 5.2.3): what a client gets that names none.
    A128CbcHs256,
    /// AES-128 in GCM (RFC 7518 section 5.3).
    A128Gcm,
    /// AES-256 in GCM (RFC 7518 section 5.3).
    A256Gcm,
}

/// Octets of the tag of each of them.
const TAG_BYTES: usize = 16;

impl ContentEncryption {
    /// Every one, in the order in which metadata documents list them.
    pub const ALL: [Self; 3] = [Self::A128CbcHs256, Self::A128Gcm, Self::A256Gcm];

    /// The name in the JOSE registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The one of this name exactly.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Octets of its key.
    const fn key_bytes(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A128CbcHs256 | Self::A256Gcm => 32,
        }
    }

    /// Octets of its initialization vector.
    const fn iv_bytes(self) -> usize {
        match self {
            Self::A128CbcHs256 => 16,
            Self::A128Gcm | Self::A256Gcm => 12,
        }
    }

    /// Encrypts the text in place and gives the tag, which covers `header` too. No key serves twice with one vector.
    fn seal(self, key: &[u8], iv: &[u8], header: &[u8], text: &mut Vec<u8>) -> Option<Vec<u8>> {
        let gcm = match self {
            Self::A128CbcHs256 => return seal_cbc(key, iv, header, text),
            Self::A128Gcm => &AES_128_GCM,
            Self::A256Gcm => &AES_256_GCM,
        };
        let key = LessSafeKey::new(UnboundKey::new(gcm, key).ok()?);
        let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), text).ok()?;
        Some(tag.as_ref().to_vec())
    }
}

impl fmt::Display for ContentEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// RFC 7518 section 5.2.2.1: the first half of the key is the MAC's, the second the cipher's; the tag is half a MAC.
fn seal_cbc(key: &[u8], iv: &[u8], header: &[u8], text: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (mac_key, cipher_key) = key.split_at_checked(key.len() / 2)?;
    let cipher = UnboundCipherKey::new(&AES_128, cipher_key).ok()?;
    let context = EncryptionContext::Iv128(FixedLength::try_from(iv).ok()?);
    PaddedBlockEncryptingKey::cbc_pkcs7(cipher).ok()?.less_safe_encrypt(text, context).ok()?;
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, mac_key));
    let header_bits = u64::try_from(header.len()).ok()? * 8;
    for part in [header, iv, text.as_slice(), &header_bits.to_be_bytes()] {
        mac.update(part);
    }
    Some(mac.sign().as_ref().get(..TAG_BYTES)?.to_vec())
}

/// How a client wants something encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// `alg`
    pub key: KeyManagement,
    /// `enc`
    pub content: ContentEncryption,
}

/// The curves of ECDH-ES (RFC 7518 section 6.2.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn parse(text: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.as_str() == text)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Octets of a coordinate (RFC 7518 section 6.2.1.2).
    const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const fn agreement(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
        }
    }
}

/// The public numbers of a key that something can be encrypted to.
#[derive(Clone, PartialEq, Eq)]
enum Material {
    /// The exponent is 65537.
    Rsa { modulus: Vec<u8> },
    /// An uncompressed point (SEC 1 section 2.3.3) that is on the curve.
    Ec { curve: Curve, point: Vec<u8> },
}

/// A public key of a client's to which we encrypt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EncryptionKey {
    key_id: Option<String>,
    material: Material,
}

impl EncryptionKey {
    /// Whether keys of such a JWK are anything that this server could encrypt to: others are nobody's mistake.
    pub(super) fn is_of_known_kind(members: &Map<String, Value>) -> bool {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        match text("kty") {
            Some("RSA") => true,
            Some("EC") => text("crv").is_some_and(|curve| Curve::parse(curve).is_some()),
            _ => false,
        }
    }

    /// Reads the public numbers of a JWK that was read strictly and has no private part. Sizes and the point are judged here.
    pub(super) fn read(members: &Map<String, Value>, key_id: Option<&str>) -> Result<Self, JwkRefusal> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).ok_or(JwkRefusal::Material);
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).map_err(|_| JwkRefusal::Material);
        let material = match text("kty")? {
            "RSA" => {
                let modulus = rsa_modulus(octets("n")?, &octets("e")?).ok_or(JwkRefusal::Material)?;
                Material::Rsa { modulus }
            }
            "EC" => {
                let curve = Curve::parse(text("crv")?).ok_or(JwkRefusal::Material)?;
                let (x, y) = (octets("x")?, octets("y")?);
                if [&x, &y].iter().any(|coordinate| coordinate.len() != curve.coordinate_bytes()) {
                    return Err(JwkRefusal::Material);
                }
                let point = [&[4], x.as_slice(), &y].concat();
                ParsedPublicKey::try_from(UnparsedPublicKey::new(curve.agreement(), &point))
                    .map_err(|_| JwkRefusal::Material)?;
                Material::Ec { curve, point }
            }
            _ => return Err(JwkRefusal::Material),
        };
        Ok(Self { key_id: key_id.map(str::to_owned), material })
    }

    /// The one `alg` that goes with it.
    pub(super) fn management(&self) -> KeyManagement {
        match self.material {
            Material::Rsa { .. } => KeyManagement::RsaOaep256,
            Material::Ec { .. } => KeyManagement::EcdhEs,
        }
    }

    /// Makes a compact JWE (RFC 7516 section 7.1). Its key and its vector are of this message alone. Nothing is compressed:
    /// the length of what is compressed tells of its content (RFC 8725 section 3.6). The randomness is the cryptographic
    /// library's own.
    fn encrypt(
        &self,
        content: ContentEncryption,
        content_type: Option<&str>,
        text: Vec<u8>,
    ) -> Result<String, KeyError> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.management().as_str().into());
        header.insert("enc".to_owned(), content.as_str().into());
        if let Some(kid) = &self.key_id {
            header.insert("kid".to_owned(), kid.as_str().into());
        }
        if let Some(content_type) = content_type {
            header.insert("cty".to_owned(), content_type.into());
        }
        self.seal(content, header, text).ok_or(KeyError::Encrypt)
    }

    fn seal(
        &self,
        content: ContentEncryption,
        mut header: Map<String, Value>,
        mut text: Vec<u8>,
    ) -> Option<String> {
        let (key, sent) = match &self.material {
            Material::Rsa { modulus } => wrapped(content, modulus)?,
            Material::Ec { curve, point } => {
                let ephemeral = PrivateKey::generate(curve.agreement()).ok()?;
                header.insert("epk".to_owned(), public_jwk(*curve, &ephemeral)?);
                (agreed(content, &ephemeral, point, [&[], &[]])?, Vec::new())
            }
        };
        let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        let mut iv = vec![0; content.iv_bytes()];
        SystemRandom::new().fill(&mut iv).ok()?;
        let tag = content.seal(&key, &iv, header.as_bytes(), &mut text)?;
        let [sent, iv, text, tag] = [&sent, &iv, &text, &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some([header, sent, iv, text, tag].join("."))
    }
}

/// A new key of the content, and the same for its reader only (RFC 7518 section 4.3).
fn wrapped(content: ContentEncryption, modulus: &[u8]) -> Option<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    let mut key = Zeroizing::new(vec![0; content.key_bytes()]);
    SystemRandom::new().fill(&mut key).ok()?;
    let public: PublicEncryptingKey =
        PublicKeyComponents { n: modulus, e: &RSA_EXPONENT[..] }.try_into().ok()?;
    let public = OaepPublicEncryptingKey::new(public).ok()?;
    let mut sent = vec![0; public.ciphertext_size()];
    let length = public.encrypt(&OAEP_SHA256_MGF1SHA256, &key, &mut sent, None).ok()?.len();
    sent.truncate(length);
    Some((key, sent))
}

/// The key of the content that both sides come to (RFC 7518 section 4.6.2, with the Concat KDF of NIST SP 800-56A).
fn agreed(
    content: ContentEncryption,
    ephemeral: &PrivateKey,
    point: &[u8],
    parties: [&[u8]; 2],
) -> Option<Zeroizing<Vec<u8>>> {
    let bits = u32::try_from(content.key_bytes() * 8).ok()?;
    let mut info = Vec::new();
    for field in [content.as_str().as_bytes(), parties[0], parties[1]] {
        info.extend(u32::try_from(field.len()).ok()?.to_be_bytes());
        info.extend(field);
    }
    info.extend(bits.to_be_bytes());
    let mut key = Zeroizing::new(vec![0; content.key_bytes()]);
    let peer = UnparsedPublicKey::new(ephemeral.algorithm(), point);
    let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
    agree(ephemeral, peer, (), |secret| sskdf_digest(sha256, secret, &info, &mut key).map_err(|_| ()))
        .ok()?;
    Some(key)
}

/// `epk` (RFC 7518 section 4.6.1.1).
fn public_jwk(curve: Curve, key: &PrivateKey) -> Option<Value> {
    let public = key.compute_public_key().ok()?;
    let (x, y) = public.as_ref().strip_prefix(&[4])?.split_at_checked(curve.coordinate_bytes())?;
    let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
    Some(json!({ "kty": "EC", "crv": curve.as_str(), "x": x, "y": y }))
}

/// A client's key together with how it wants things encrypted to it. Made by
/// [`ClientKeys::recipient`](super::ClientKeys::recipient) only.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    key: EncryptionKey,
    content: ContentEncryption,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({} {})", self.key.management(), self.content)
    }
}

impl Recipient {
    pub(super) fn new(key: EncryptionKey, content: ContentEncryption) -> Self {
        Self { key, content }
    }

    /// A signed token, encrypted: a nested JWT (RFC 7519 section 11.2: signed first; section 5.2: `cty` is `JWT`).
    pub fn encrypt_token(&self, token: &str) -> Result<String, KeyError> {
        self.key.encrypt(self.content, Some("JWT"), token.as_bytes().to_vec())
    }

    /// Claims that nobody signed, encrypted.
    pub fn encrypt_claims(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Encrypt)?;
        self.key.encrypt(self.content, None, claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use josekit::jwe::{ECDH_ES, JweDecrypter, RSA_OAEP_256};
    use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
    use josekit::jwk::alg::rsa::RsaKeyPair;

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn octets(hexadecimal: &str) -> Vec<u8> {
        hexadecimal.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    /// A key of each kind that there is, as another implementation makes it: the public half, and what opens with the private.
    fn keys() -> Vec<(Map<String, Value>, Box<dyn JweDecrypter>)> {
        let rsa = RsaKeyPair::generate(2048).unwrap();
        let decrypter = RSA_OAEP_256.decrypter_from_jwk(&rsa.to_jwk_private_key()).unwrap();
        let mut keys: Vec<(_, Box<dyn JweDecrypter>)> =
            vec![(rsa.to_jwk_public_key().into(), Box::new(decrypter))];
        for curve in [EcCurve::P256, EcCurve::P384, EcCurve::P521] {
            let ec = EcKeyPair::generate(curve).unwrap();
            let decrypter = ECDH_ES.decrypter_from_jwk(&ec.to_jwk_private_key()).unwrap();
            keys.push((ec.to_jwk_public_key().into(), Box::new(decrypter)));
        }
        keys
    }

    #[test]
    fn an_independent_implementation_reads_what_we_encrypt() {
        let token = "e30.e30.signature";
        let claims = json!({ "sub": "alice", "name": "Żółć" }).as_object().unwrap().clone();
        let mut count = 0;
        for (public, decrypter) in keys() {
            let key = EncryptionKey::read(&public, Some("k")).unwrap();
            for content in ContentEncryption::ALL {
                let recipient = Recipient::new(key.clone(), content);
                let made = recipient.encrypt_token(token).unwrap();
                let (read, header) = josekit::jwe::deserialize_compact(&made, &*decrypter).unwrap();
                assert_eq!(read, token.as_bytes());
                let said = (header.algorithm(), header.content_encryption(), header.key_id());
                assert_eq!(said, (Some(key.management().as_str()), Some(content.as_str()), Some("k")));
                assert_eq!((header.content_type(), header.compression()), (Some("JWT"), None));
                assert_ne!(made, recipient.encrypt_token(token).unwrap(), "a key and a vector of its own");

                let made = recipient.encrypt_claims(&claims).unwrap();
                let (read, header) = josekit::jwe::deserialize_compact(&made, &*decrypter).unwrap();
                assert_eq!(serde_json::from_slice::<Map<String, Value>>(&read).unwrap(), claims);
                assert_eq!(header.content_type(), None);

                // Each part counts.
                let parts: Vec<&str> = made.split('.').collect();
                for place in (0..5).filter(|place| !parts[*place].is_empty()) {
                    let mut spoilt = decode(parts[place]);
                    *spoilt.last_mut().unwrap() ^= 1;
                    let spoilt = URL_SAFE_NO_PAD.encode(spoilt);
                    let mut parts = parts.clone();
                    parts[place] = &spoilt;
                    let read = josekit::jwe::deserialize_compact(&parts.join("."), &*decrypter);
                    assert!(read.is_err(), "{content} {place}");
                }
                count += 1;
            }
        }
        assert_eq!(count, 4 * ContentEncryption::ALL.len());
    }

    /// RFC 7518 appendix B.1.
    #[test]
    fn the_tag_and_the_cipher_text_of_rfc_7518() {
        let key: Vec<u8> = (0..32).collect();
        let iv = octets("1a f3 8c 2d c2 b9 6f fd d8 66 94 09 23 41 bc 04");
        let mut text = b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without inconvenience".to_vec();
        let header = b"The second principle of Auguste Kerckhoffs";
        let tag = ContentEncryption::A128CbcHs256.seal(&key, &iv, header, &mut text).unwrap();
        assert_eq!(
            text,
            octets(
                "c8 0e df a3 2d df 39 d5 ef 00 c0 b4 68 83 42 79 a2 e4 6a 1b 80 49 f7 92 f7 6b fe 54 b9 03 a9 c9
                 a9 4a c9 b4 7a d2 65 5c 5f 10 f9 ae f7 14 27 e2 fc 6f 9b 3f 39 9a 22 14 89 f1 63 62 c7 03 23 36
                 09 d4 5a c6 98 64 e3 32 1c f8 29 35 ac 40 96 c8 6e 13 33 14 c5 40 19 e8 ca 79 80 df a4 b9 cf 1b
                 38 4c 48 6f 3a 54 c5 10 78 15 8e e5 d7 9d e5 9f bd 34 d8 48 b3 d6 95 50 a6 76 46 34 44 27 ad e5
                 4b 88 51 ff b5 98 f7 f8 00 74 b9 47 3c 82 e2 db"
            )
        );
        assert_eq!(tag, octets("65 2c 3f a3 6b 0a 7c 5b 32 19 fa b3 a3 0b c1 c4"));
    }

    /// RFC 7516 appendix A.1.
    #[test]
    fn the_cipher_text_of_rfc_7516() {
        let key = [
            177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112,
            46, 34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
        ];
        let mut text = b"The true sign of intelligence is not knowledge but imagination.".to_vec();
        let header = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
        let iv = decode("48V1_ALb6US04U3b");
        let tag = ContentEncryption::A256Gcm.seal(&key, &iv, header, &mut text).unwrap();
        let sealed = "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A";
        assert_eq!((text, tag), (decode(sealed), decode("XFBoMYUZodetZdvTiFvSkQ")));
    }

    /// RFC 7518 appendix C.
    #[test]
    fn the_agreed_key_of_rfc_7518() {
        let ephemeral = decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
        let ephemeral = PrivateKey::from_private_key(&ECDH_P256, &ephemeral).unwrap();
        assert_eq!(
            public_jwk(Curve::P256, &ephemeral).unwrap(),
            json!({
                "kty": "EC", "crv": "P-256",
                "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
            })
        );
        let x = decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ");
        let y = decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck");
        let point = [&[4], x.as_slice(), &y].concat();
        let key = agreed(ContentEncryption::A128Gcm, &ephemeral, &point, [b"Alice", b"Bob"]).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&*key), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn one_spoilt_number_refuses_the_key() {
        let all: Vec<_> = keys().into_iter().map(|(public, _)| public).collect();
        let [rsa, _, ec, _] = all.try_into().unwrap();
        for (good, name, value) in [
            (&rsa, "n", json!(URL_SAFE_NO_PAD.encode([0xff; 128]))),
            (&rsa, "n", json!(URL_SAFE_NO_PAD.encode([0xff; 1024]))),
            (&rsa, "n", json!("A==")),
            (&rsa, "e", json!("Aw")),
            (&rsa, "e", Value::Null),
            (&ec, "crv", json!("P-256")),
            (&ec, "crv", json!("secp256k1")),
            (&ec, "x", ec["y"].clone()),
            (&ec, "y", json!(7)),
            (&ec, "y", json!("AA")),
            (&ec, "kty", json!("OKP")),
        ] {
            let mut spoilt = good.clone();
            spoilt.insert(name.to_owned(), value);
            let read = EncryptionKey::read(&spoilt, None).map(|_| ());
            assert_eq!(read, Err(JwkRefusal::Material), "{name} of {spoilt:?}");
        }
        assert!(EncryptionKey::read(&rsa, None).is_ok() && EncryptionKey::read(&ec, None).is_ok());
    }

    #[test]
    fn what_is_weak_has_no_name_here() {
        for name in [
            "RSA1_5",
            "RSA-OAEP",
            "dir",
            "A128KW",
            "PBES2-HS256+A128KW",
            "ECDH-ES+A128KW",
            "none",
            "rsa-oaep-256",
        ] {
            assert_eq!(KeyManagement::parse(name), None, "{name}");
        }
        for name in ["A192GCM", "A256CBC-HS512", "DEF", "a128gcm", ""] {
            assert_eq!(ContentEncryption::parse(name), None, "{name}");
        }
    }
}
