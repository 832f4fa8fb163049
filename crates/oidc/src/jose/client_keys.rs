use std::fmt;

use serde_json::{Map, Value};
use terms::limits;

use super::compact::is_key_id;
use super::encryption::EncryptionKey;
use super::jwk::{JWK_BYTES, PRIVATE_MEMBERS};
use super::{Algorithm, Encryption, JwkRefusal, KeyManagement, PublicJwk, Recipient, VerifyingKey, json};

/// Stands where a client's key has no `kid`; never compared.
const NO_KEY_ID: &str = "-";

/// A client's public keys: its JWK set (RFC 7517 section 5), as it registered it or as its `jwks_uri` gives it.
///
/// A key that isn't taken here doesn't spoil the others (RFC 7517 section 5); one of a type, curve or algorithm that we don't
/// have is simply not found. What is wrong with the keys of those that we have is told by [`faults`](Self::faults).
#[derive(Clone, PartialEq, Eq)]
pub struct ClientKeys {
    keys: Vec<ClientKey>,
    faults: Vec<ClientKeyFault>,
}

/// One key, for each of the algorithms that it may be used with.
#[derive(Clone, PartialEq, Eq)]
struct ClientKey {
    key_id: Option<String>,
    usable: Vec<PublicJwk>,
    /// The same to encrypt to.
    encrypting: Option<EncryptionKey>,
    /// Whether it says itself that it is for encryption.
    says_encryption: bool,
}

/// A key that is not taken, by its place in the set from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKeyFault {
    /// Its place, from 1.
    pub place: usize,
    /// Why.
    pub refusal: JwkRefusal,
}

impl fmt::Display for ClientKeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}: {}", self.place, self.refusal)
    }
}

/// Why a document is no set of keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKeysRefusal {
    /// Not a JSON object with unique members that has a list `keys`.
    Malformed,
    /// More than [`limits::CLIENT_KEYS`].
    TooMany,
}

impl fmt::Display for ClientKeysRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("is not a JWK set: an object with a list of keys"),
            Self::TooMany => write!(f, "has more than {} keys", limits::CLIENT_KEYS),
        }
    }
}

impl std::error::Error for ClientKeysRefusal {}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientKeys({} keys)", self.keys.len())
    }
}

impl ClientKeys {
    /// Reads a document that was fetched. The caller has bounded its size.
    pub fn parse(text: &[u8]) -> Result<Self, ClientKeysRefusal> {
        Self::read(&json::parse(text).map_err(|_| ClientKeysRefusal::Malformed)?)
    }

    /// Reads a set out of a document that was read strictly.
    pub fn read(set: &Value) -> Result<Self, ClientKeysRefusal> {
        let Some(Value::Array(items)) = set.get("keys") else {
            return Err(ClientKeysRefusal::Malformed);
        };
        if items.len() > limits::CLIENT_KEYS {
            return Err(ClientKeysRefusal::TooMany);
        }
        let mut this = Self { keys: Vec::new(), faults: Vec::new() };
        for (index, item) in items.iter().enumerate() {
            match ClientKey::read(item) {
                Ok(key) => this.keys.push(key),
                Err(refusal) => this.faults.push(ClientKeyFault { place: index + 1, refusal }),
            }
        }
        Ok(this)
    }

    /// What is wrong with keys of this set. Those are never used.
    pub fn faults(&self) -> &[ClientKeyFault] {
        &self.faults
    }

    /// Whether a key is there for one of these algorithms at least.
    pub fn serve(&self, algorithm: Option<Algorithm>) -> bool {
        let fits = |key: &PublicJwk| algorithm.is_none_or(|wanted| key.algorithm() == wanted);
        self.keys.iter().any(|key| key.usable.iter().any(fits))
    }

    /// Whether a key is there that a token of this header means.
    pub fn has(&self, key_id: Option<&str>, algorithm: Algorithm) -> bool {
        self.meant(key_id, algorithm).is_some()
    }

    /// The key that a token of this header means, parsed.
    pub fn find(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<VerifyingKey> {
        VerifyingKey::new(self.meant(key_id, algorithm)?.clone()).ok()
    }

    /// Whether a key is there to which something could be encrypted in this way.
    pub fn can_read(&self, management: KeyManagement) -> bool {
        self.reading(management).is_some()
    }

    /// To whom something is encrypted that is for this client.
    pub fn recipient(&self, encryption: Encryption) -> Option<Recipient> {
        Some(Recipient::new(self.reading(encryption.key)?.clone(), encryption.content))
    }

    /// Of several keys the first, in the order of the set, that says that it is for encryption; else the first that doesn't say
    /// what it is for. The client learns by the `kid` which one it was (OpenID Connect Core section 10.2).
    fn reading(&self, management: KeyManagement) -> Option<&EncryptionKey> {
        let fits = |key: &&ClientKey| key.encrypting.as_ref().is_some_and(|it| it.management() == management);
        let mut fitting = self.keys.iter().filter(fits);
        let first = fitting.clone().next();
        fitting.find(|key| key.says_encryption).or(first)?.encrypting.as_ref()
    }

    /// The only key of this `kid` for this algorithm; without a `kid` the only one for the algorithm at all (OpenID Connect
    /// Core section 10.1: where there are several, a `kid` must tell which).
    fn meant(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<&PublicJwk> {
        let named = |key: &&ClientKey| key_id.is_none_or(|wanted| key.key_id.as_deref() == Some(wanted));
        let usable = self.keys.iter().filter(named).flat_map(|key| &key.usable);
        let mut found = usable.filter(|key| key.algorithm() == algorithm);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

impl ClientKey {
    fn read(item: &Value) -> Result<Self, JwkRefusal> {
        let Value::Object(members) = item else { return Err(JwkRefusal::Malformed) };
        // First of all, so that no key that was shown is ever let pass for a harmless one.
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(JwkRefusal::Private);
        }
        let key_id = text(members, "kid")?.map(str::to_owned);
        if key_id.as_deref().is_some_and(|kid| !is_key_id(kid)) {
            return Err(JwkRefusal::Malformed);
        }
        let named = text(members, "alg")?;
        let usage = text(members, "use")?;
        let key_type = text(members, "kty")?.ok_or(JwkRefusal::Malformed)?;
        if item.to_string().len() > JWK_BYTES {
            return Err(JwkRefusal::Malformed);
        }
        let (mut usable, mut encrypting, mut refusal) = (Vec::new(), None, None);
        if is_for(members, "sig", &["verify"])? && is_verifying_kind(key_type, text(members, "crv")?) {
            let algorithms: Vec<Algorithm> = match named {
                None => Algorithm::ALL.into(),
                Some(name) => name.parse().into_iter().collect(),
            };
            for algorithm in algorithms {
                match verifying(members, key_id.as_deref(), algorithm) {
                    Ok(key) => usable.push(key),
                    Err(why) => refusal = Some(why),
                }
            }
        }
        let managed = named.is_none_or(|name| KeyManagement::parse(name).is_some());
        if managed && is_for(members, "enc", &ENCRYPTING)? && EncryptionKey::is_of_known_kind(members) {
            match EncryptionKey::read(members, key_id.as_deref()) {
                // RFC 7517 section 4.4: one that names its algorithm is for that.
                Ok(key) if named.is_none_or(|name| name == key.management().as_str()) => {
                    encrypting = Some(key);
                }
                Ok(_) => refusal = Some(JwkRefusal::Material),
                Err(why) => refusal = Some(why),
            }
        }
        // A key that says no algorithm fits those of its type only, and is refused for the others.
        match refusal {
            Some(why) if usable.is_empty() && encrypting.is_none() => Err(why),
            _ => {
                let says_encryption = usage.is_some() || named.is_some();
                Ok(Self { key_id, usable, encrypting, says_encryption })
            }
        }
    }
}

/// What a public key to which something is encrypted may have in `key_ops` (RFC 7517 section 4.3).
const ENCRYPTING: [&str; 4] = ["encrypt", "wrapKey", "deriveKey", "deriveBits"];

/// Whether a key of this `kty` and `crv` could verify anything here.
fn is_verifying_kind(key_type: &str, curve: Option<&str>) -> bool {
    matches!((key_type, curve), ("RSA", _) | ("EC", Some("P-256") | None) | ("OKP", Some("Ed25519") | None))
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, JwkRefusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkRefusal::Malformed),
    }
}

/// RFC 7517 sections 4.2 and 4.3. A key that doesn't say what it is for may be for anything.
fn is_for(members: &Map<String, Value>, usage: &str, operations: &[&str]) -> Result<bool, JwkRefusal> {
    let by_use = text(members, "use")?.is_none_or(|said| said == usage);
    let by_operations = match members.get("key_ops") {
        None => true,
        Some(Value::Array(said)) => {
            said.iter().filter_map(Value::as_str).any(|operation| operations.contains(&operation))
        }
        Some(_) => return Err(JwkRefusal::Malformed),
    };
    Ok(by_use && by_operations)
}

/// The key for one algorithm, through the same gate as our own keys.
fn verifying(
    members: &Map<String, Value>,
    key_id: Option<&str>,
    algorithm: Algorithm,
) -> Result<PublicJwk, JwkRefusal> {
    let mut members = members.clone();
    members.insert("alg".to_owned(), algorithm.as_str().into());
    members.insert("kid".to_owned(), key_id.unwrap_or(NO_KEY_ID).into());
    PublicJwk::parse(Value::Object(members).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::ContentEncryption;
    use crate::jose::test_keys::signing_key;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    /// An ES256 key without `alg`, as clients publish them.
    fn jwk(number: u8, kid: &str) -> Value {
        let mut jwk = signing_key(Algorithm::Es256, number).public().to_json();
        jwk.as_object_mut().unwrap().remove("alg");
        jwk["kid"] = kid.into();
        jwk
    }

    fn set(keys: &[Value]) -> ClientKeys {
        ClientKeys::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn with(changes: &[(&str, Value)]) -> Value {
        let mut jwk = jwk(1, "a");
        for (name, value) in changes {
            match value {
                Value::Null => drop(jwk.as_object_mut().unwrap().remove(*name)),
                value => jwk[*name] = value.clone(),
            }
        }
        jwk
    }

    #[test]
    fn a_key_is_found_by_its_id_and_algorithm() {
        let keys = set(&[jwk(1, "a"), jwk(2, "b")]);
        assert!(keys.has(Some("a"), Algorithm::Es256) && keys.find(Some("b"), Algorithm::Es256).is_some());
        assert!(!keys.has(Some("c"), Algorithm::Es256));
        assert!(!keys.has(Some("a"), Algorithm::Rs256));
        assert!(!keys.has(None, Algorithm::Es256), "which of the two?");
        assert!(set(&[jwk(1, "a")]).has(None, Algorithm::Es256));
        assert!(!set(&[jwk(1, "a"), jwk(2, "a")]).has(Some("a"), Algorithm::Es256), "two of one name");
        let nameless = set(&[with(&[("kid", Value::Null)])]);
        assert!(nameless.has(None, Algorithm::Es256));
        assert!(!nameless.has(Some(NO_KEY_ID), Algorithm::Es256), "what stands for no name is none");
    }

    #[test]
    fn a_key_that_is_not_taken_spoils_no_other() {
        use JwkRefusal as R;
        for (changes, refusal) in [
            (vec![("d", json!("AA"))], Some(R::Private)),
            // Also where the key would not have been used.
            (vec![("d", json!("AA")), ("use", json!("enc"))], Some(R::Private)),
            (vec![("d", json!("AA")), ("alg", json!("ES512"))], Some(R::Private)),
            (vec![("kty", json!("oct")), ("k", json!("AA"))], Some(R::Private)),
            (vec![("kid", json!(7))], Some(R::Malformed)),
            (vec![("kid", json!("x".repeat(200)))], Some(R::Malformed)),
            (vec![("alg", json!(7))], Some(R::Malformed)),
            (vec![("use", json!(7))], Some(R::Malformed)),
            (vec![("key_ops", json!("verify"))], Some(R::Malformed)),
            (vec![("kty", Value::Null)], Some(R::Malformed)),
            (vec![("x", json!("AA"))], Some(R::Material)),
            (vec![("alg", json!("RS256"))], Some(R::Material)),
            (vec![("big", json!("x".repeat(5000)))], Some(R::Malformed)),
            (vec![("use", json!("enc")), ("x", json!("AA"))], Some(R::Material)),
            (vec![("use", json!("enc")), ("alg", json!("RSA-OAEP-256"))], Some(R::Material)),
            // Nothing is wrong with these; they are for something else.
            (vec![("use", json!("enc"))], None),
            (vec![("key_ops", json!(["sign"]))], None),
            (vec![("alg", json!("ES512"))], None),
            (vec![("use", json!("enc")), ("alg", json!("RSA1_5"))], None),
            (vec![("use", json!("sig")), ("crv", json!("P-384"))], None),
            (vec![("crv", json!("secp256k1"))], None),
            (vec![("kty", json!("OKP")), ("crv", json!("X25519"))], None),
            (vec![("kty", json!("AKP"))], None),
        ] {
            let keys = set(&[with(&changes), jwk(2, "b")]);
            let faults: Vec<_> = keys.faults().iter().map(|fault| (fault.place, fault.refusal)).collect();
            assert_eq!(
                faults,
                refusal.map(|refusal| (1, refusal)).into_iter().collect::<Vec<_>>(),
                "{changes:?}"
            );
            assert!(!keys.has(Some("a"), Algorithm::Es256), "{changes:?}");
            assert!(keys.has(Some("b"), Algorithm::Es256), "{changes:?}");
        }
        assert_eq!(set(&[json!("x")]).faults()[0].refusal, R::Malformed);
    }

    #[test]
    fn a_key_says_what_it_is_for_or_nothing() {
        for changes in [
            vec![("use", Value::Null)],
            vec![("key_ops", json!(["verify"]))],
            vec![("alg", json!("ES256"))],
            vec![("x5t", json!("AA")), ("more", json!({}))],
        ] {
            assert!(set(&[with(&changes)]).has(Some("a"), Algorithm::Es256), "{changes:?}");
        }
    }

    fn key_of(set: &ClientKeys, encryption: Encryption) -> Option<Value> {
        let made = set.recipient(encryption)?.encrypt_token("token").unwrap();
        let header = URL_SAFE_NO_PAD.decode(made.split('.').next().unwrap()).unwrap();
        Some(serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone())
    }

    #[test]
    fn what_is_encrypted_is_encrypted_to_a_key_for_that() {
        let agreed = Encryption { key: KeyManagement::EcdhEs, content: ContentEncryption::A128Gcm };
        let named = |kid: &str, more: &[(&str, Value)]| {
            let mut jwk = jwk(1, kid);
            jwk.as_object_mut().unwrap().remove("use");
            for (name, value) in more {
                jwk[*name] = value.clone();
            }
            jwk
        };
        let plain = named("plain", &[]);
        let for_encryption = named("enc", &[("use", json!("enc"))]);
        let by_name = named("named", &[("alg", json!("ECDH-ES"))]);
        for (keys, kid) in [
            (vec![&plain], Some("plain")),
            (vec![&plain, &for_encryption], Some("enc")),
            (vec![&plain, &by_name, &for_encryption], Some("named")),
            (vec![&named("a", &[("key_ops", json!(["deriveKey"]))])], Some("a")),
            (vec![], None),
            (vec![&named("a", &[("use", json!("sig"))])], None),
            (vec![&named("a", &[("key_ops", json!(["verify"]))])], None),
            (vec![&named("a", &[("alg", json!("ES256"))])], None),
            (vec![&named("a", &[("alg", json!("ECDH-ES+A128KW"))])], None),
            (vec![&named("a", &[("d", json!("AA"))])], None),
        ] {
            let keys = set(&keys.into_iter().cloned().collect::<Vec<_>>());
            assert_eq!(key_of(&keys, agreed), kid.map(Value::from), "{keys:?}");
            assert_eq!(keys.can_read(KeyManagement::EcdhEs), kid.is_some());
            assert!(!keys.can_read(KeyManagement::RsaOaep256));
        }
        // One key may serve both ends where it says nothing; where it says, it serves that.
        assert!(set(&[plain]).has(Some("plain"), Algorithm::Es256));
        assert!(!set(&[for_encryption]).has(Some("enc"), Algorithm::Es256));
        let mut nameless = named("x", &[]);
        nameless.as_object_mut().unwrap().remove("kid");
        assert_eq!(key_of(&set(&[nameless]), agreed), Some(Value::Null), "no name to tell");
    }

    #[test]
    fn what_is_no_set_is_refused_whole() {
        let many = vec![jwk(1, "a"); limits::CLIENT_KEYS + 1];
        for (text, refusal) in [
            ("", ClientKeysRefusal::Malformed),
            ("[]", ClientKeysRefusal::Malformed),
            ("{}", ClientKeysRefusal::Malformed),
            (r#"{"keys":{}}"#, ClientKeysRefusal::Malformed),
            (r#"{"keys":[],"keys":[]}"#, ClientKeysRefusal::Malformed),
            (r#"{"keys":[{"kty":"EC","kty":"EC"}]}"#, ClientKeysRefusal::Malformed),
            (&json!({ "keys": many }).to_string(), ClientKeysRefusal::TooMany),
        ] {
            assert_eq!(ClientKeys::parse(text.as_bytes()), Err(refusal), "{text:.60}");
        }
    }
}
