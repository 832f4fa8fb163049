use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use terms::Timestamp;

use super::{Algorithm, CompactJws, JwkRefusal, JwsRefusal, PublicJwk, SigningKey, VerifyingKey, json};

/// Where a key stands in its life. A revoked key has no standing: it isn't loaded, so it verifies nothing.
#[derive(Debug)]
enum Standing {
    /// Published without signing: not yet, or no longer. What it signed counts: another node's clock may have let it
    /// sign already, and its last tokens have not expired.
    Published,
    /// May sign; of several with one algorithm, the one activated last does.
    Active { since: Timestamp, key: Box<SigningKey> },
    /// No longer published. It signs nothing, and verifies only what may outlive its own expiry ([`TokenUse::Hint`]).
    Retired,
}

/// What a verified token is then used for, which says whose signature still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// It authorizes something: published keys only.
    Credential,
    /// It only says whom a request means (`id_token_hint`): retired keys too, since a hint may be expired
    /// (OpenID Connect RP-Initiated Logout section 2).
    Hint,
}

/// One key of a set.
#[derive(Debug)]
pub struct KeySetEntry {
    verifying: VerifyingKey,
    standing: Standing,
}

impl KeySetEntry {
    /// A key that is published and doesn't sign: not yet, or no longer.
    pub fn published(public: PublicJwk) -> Result<Self, JwkRefusal> {
        Ok(Self { verifying: VerifyingKey::new(public)?, standing: Standing::Published })
    }

    /// A key that may sign.
    pub fn active(key: SigningKey, since: Timestamp) -> Result<Self, JwkRefusal> {
        let verifying = VerifyingKey::new(key.public().clone())?;
        Ok(Self { verifying, standing: Standing::Active { since, key: Box::new(key) } })
    }

    /// A key that is out of use, whose ID tokens still serve as hints.
    pub fn retired(public: PublicJwk) -> Result<Self, JwkRefusal> {
        Ok(Self { verifying: VerifyingKey::new(public)?, standing: Standing::Retired })
    }
}

/// The published keys (RFC 7517 section 5).
#[derive(Debug, Serialize)]
pub struct JwkSet {
    /// Public keys only; the type holds no other.
    pub keys: Vec<PublicJwk>,
}

/// Why a set of keys can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateKeyId;

impl fmt::Display for DuplicateKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two keys of one set have the same kid")
    }
}

impl std::error::Error for DuplicateKeyId {}

/// A tenant's signing keys, held parsed. Immutable: a change of standing makes a new set.
#[derive(Debug)]
pub struct KeySet {
    entries: Vec<KeySetEntry>,
}

impl KeySet {
    /// Invariant: no two keys have one `kid`.
    pub fn new(entries: Vec<KeySetEntry>) -> Result<Self, DuplicateKeyId> {
        for (place, entry) in entries.iter().enumerate() {
            let key_id = entry.verifying.public().key_id();
            if entries[..place].iter().any(|earlier| earlier.verifying.public().key_id() == key_id) {
                return Err(DuplicateKeyId);
            }
        }
        Ok(Self { entries })
    }

    /// The key that signs with this algorithm now, if the tenant has one.
    pub fn signer(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        let active = self.entries.iter().filter_map(|entry| match &entry.standing {
            Standing::Active { since, key } if key.public().algorithm() == algorithm => Some((since, key)),
            Standing::Published | Standing::Active { .. } | Standing::Retired => None,
        });
        active.max_by_key(|(since, _)| **since).map(|(_, key)| key.as_ref())
    }

    /// The algorithms that can sign now, in [`Algorithm::ALL`]'s order.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.signer(*algorithm).is_some()).collect()
    }

    /// The key set document: every key that is published, in [`Algorithm::ALL`]'s order, so that it is the same
    /// text each time.
    pub fn published(&self) -> JwkSet {
        let published = self.entries.iter().filter(|entry| !matches!(entry.standing, Standing::Retired));
        let mut keys: Vec<PublicJwk> = published.map(|entry| entry.verifying.public().clone()).collect();
        keys.sort_by_key(PublicJwk::algorithm);
        JwkSet { keys }
    }

    /// Verifies a token that one of these keys signed and gives its claims.
    ///
    /// The key is chosen by `kid` alone and must be of the header's algorithm, so that no token chooses how its key
    /// is used (RFC 8725 section 3.1). `typ` must be exactly the caller's, so that one kind of token is never taken
    /// for another (RFC 8725 section 3.11).
    pub fn verify(
        &self,
        token: &str,
        typ: &str,
        used_as: TokenUse,
    ) -> Result<Map<String, Value>, JwsRefusal> {
        let jws = CompactJws::parse(token)?;
        if jws.typ.as_deref() != Some(typ) {
            return Err(JwsRefusal::Type);
        }
        let entry = self.entries.iter().find(|entry| entry.verifying.public().key_id() == jws.key_id);
        let entry = entry.filter(|entry| entry.verifying.public().algorithm() == jws.algorithm);
        let entry = entry.filter(|entry| entry.standing.verifies(used_as)).ok_or(JwsRefusal::UnknownKey)?;
        if !entry.verifying.verifies(jws.signing_input.as_bytes(), &jws.signature) {
            return Err(JwsRefusal::Signature);
        }
        json::parse_object(&jws.payload).map_err(|_| JwsRefusal::Payload)
    }
}

impl Standing {
    fn verifies(&self, used_as: TokenUse) -> bool {
        match self {
            Self::Published | Self::Active { .. } => true,
            Self::Retired => used_as == TokenUse::Hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::test_keys::{active, key_set, signing_key};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;
    use terms::SigningKeyId;

    fn token(keys: &KeySet, algorithm: Algorithm) -> String {
        keys.signer(algorithm).unwrap().sign_token("JWT", &json!({"sub": "s"})).unwrap()
    }

    fn verify(keys: &KeySet, token: &str) -> Result<(), JwsRefusal> {
        keys.verify(token, "JWT", TokenUse::Credential).map(|_| ())
    }

    #[test]
    fn what_the_set_signs_it_verifies() {
        let keys = key_set();
        assert_eq!(keys.algorithms(), Algorithm::ALL);
        for algorithm in Algorithm::ALL {
            let claims = keys.verify(&token(&keys, algorithm), "JWT", TokenUse::Credential).unwrap();
            assert_eq!(Value::Object(claims), json!({"sub": "s"}));
        }
    }

    #[test]
    fn no_bit_can_be_flipped_and_no_end_cut_off() {
        let keys = key_set();
        let token = token(&keys, Algorithm::Es256);
        for place in 0..token.len() {
            assert!(verify(&keys, &token[..place]).is_err(), "cut at {place}");
            for bit in 0..7 {
                let mut octets = token.clone().into_bytes();
                octets[place] ^= 1 << bit;
                assert!(verify(&keys, &String::from_utf8(octets).unwrap()).is_err(), "bit {bit} of {place}");
            }
        }
    }

    #[test]
    fn the_header_cannot_choose_another_algorithm_or_key() {
        let keys = key_set();
        let (rsa, ec) = (keys.signer(Algorithm::Rs256).unwrap(), keys.signer(Algorithm::Es256).unwrap());
        let genuine = token(&keys, Algorithm::Es256);
        let (_, rest) = genuine.split_once('.').unwrap();
        let with = |header: Value| format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
        let (rsa, ec) = (rsa.public().key_id(), ec.public().key_id());
        for (header, refusal) in [
            (json!({"alg": "RS256", "kid": ec, "typ": "JWT"}), JwsRefusal::UnknownKey),
            (json!({"alg": "ES256", "kid": rsa, "typ": "JWT"}), JwsRefusal::UnknownKey),
            (json!({"alg": "ES256", "kid": "other", "typ": "JWT"}), JwsRefusal::UnknownKey),
            (json!({"alg": "RS256", "kid": rsa, "typ": "JWT"}), JwsRefusal::Signature),
            (json!({"alg": "HS256", "kid": ec, "typ": "JWT"}), JwsRefusal::Algorithm),
            (json!({"alg": "none", "kid": ec, "typ": "JWT"}), JwsRefusal::Algorithm),
            (json!({"alg": "ES256", "kid": ec, "typ": "at+jwt"}), JwsRefusal::Type),
            (json!({"alg": "ES256", "kid": ec}), JwsRefusal::Type),
        ] {
            assert_eq!(verify(&keys, &with(header.clone())), Err(refusal), "{header}");
        }
    }

    #[test]
    fn a_public_key_is_never_a_symmetric_secret() {
        // The classic confusion: an HMAC keyed with the published key, under a header that says HS256 or RS256.
        let keys = key_set();
        let public = keys.signer(Algorithm::Rs256).unwrap().public();
        let key =
            aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.to_json().to_string().as_bytes());
        for alg in ["HS256", "RS256"] {
            let header = json!({"alg": alg, "kid": public.key_id(), "typ": "JWT"}).to_string();
            let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"));
            let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
            assert!(verify(&keys, &format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))).is_err(), "{alg}");
        }
    }

    #[test]
    fn an_ecdsa_signature_of_zeros_or_in_der_is_refused() {
        let keys = key_set();
        let token = token(&keys, Algorithm::Es256);
        let (input, _) = token.rsplit_once('.').unwrap();
        let der = [&[0x30, 0x44, 0x02, 0x20][..], &[1; 32], &[0x02, 0x20], &[1; 32]].concat();
        for signature in [vec![0; 64], vec![], vec![0; 63], vec![0; 65], der] {
            let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(verify(&keys, &forged), Err(JwsRefusal::Signature));
        }
    }

    #[test]
    fn standing_says_who_signs_who_is_published_and_who_verifies() {
        let key = |number| signing_key(Algorithm::Es256, number);
        let (old, new, retired) = (key(1), key(2), key(4));
        let id = |number| SigningKeyId::new(Timestamp::from_seconds(1), [number; 10]).to_string();
        let by_retired = retired.sign_token("JWT", &json!({})).unwrap();
        let by_old = old.sign_token("JWT", &json!({})).unwrap();
        let announced = key(3);
        let by_announced = announced.sign_token("JWT", &json!({})).unwrap();
        let keys = KeySet::new(vec![
            active(old, 1),
            active(new, 2),
            KeySetEntry::published(announced.public().clone()).unwrap(),
            KeySetEntry::retired(retired.public().clone()).unwrap(),
        ])
        .unwrap();
        assert_eq!(keys.signer(Algorithm::Es256).unwrap().public().key_id(), id(2));
        assert!(keys.signer(Algorithm::Rs256).is_none());
        let published: Vec<_> = keys.published().keys.iter().map(|key| key.key_id().to_owned()).collect();
        assert_eq!(published, [id(1), id(2), id(3)]);
        assert_eq!(verify(&keys, &by_old), Ok(()));
        // Another node, whose clock is ahead, may have let it sign.
        assert_eq!(verify(&keys, &by_announced), Ok(()));
        assert_eq!(verify(&keys, &by_retired), Err(JwsRefusal::UnknownKey));
        assert!(keys.verify(&by_retired, "JWT", TokenUse::Hint).is_ok());
    }

    #[test]
    fn a_payload_must_be_an_object_with_unique_members() {
        let keys = key_set();
        let signer = keys.signer(Algorithm::Es256).unwrap();
        let token = signer.sign_token("JWT", &json!(["not", "claims"])).unwrap();
        assert_eq!(verify(&keys, &token), Err(JwsRefusal::Payload));
    }

    #[test]
    fn two_keys_of_one_id_make_no_set() {
        let entries =
            vec![active(signing_key(Algorithm::Es256, 1), 1), active(signing_key(Algorithm::Es256, 1), 2)];
        assert_eq!(KeySet::new(entries).map(|_| ()), Err(DuplicateKeyId));
    }
}
