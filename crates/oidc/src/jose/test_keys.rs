//! Keys for the tests of this crate, the RSA one made once per process, since that takes long.

use std::sync::OnceLock;

use terms::{SigningKeyId, Timestamp};

use super::{Algorithm, KeySet, KeySetEntry, SigningKey, generate_pkcs8};

pub(crate) fn signing_key(algorithm: Algorithm, number: u8) -> SigningKey {
    let id = SigningKeyId::new(Timestamp::from_seconds(1), [number; 10]);
    SigningKey::from_pkcs8(id, algorithm, &generate_pkcs8(algorithm).unwrap()).unwrap()
}

pub(crate) fn active(key: SigningKey, since: i64) -> KeySetEntry {
    KeySetEntry::active(key, Timestamp::from_seconds(since)).unwrap()
}

/// One active key of each algorithm.
pub(crate) fn key_set() -> KeySet {
    static RSA: OnceLock<Vec<u8>> = OnceLock::new();
    let document = RSA.get_or_init(|| generate_pkcs8(Algorithm::Rs256).unwrap().to_vec());
    let id = SigningKeyId::new(Timestamp::from_seconds(1), [1; 10]);
    let rsa = SigningKey::from_pkcs8(id, Algorithm::Rs256, document).unwrap();
    let id = SigningKeyId::new(Timestamp::from_seconds(1), [3; 10]);
    let pss = SigningKey::from_pkcs8(id, Algorithm::Ps256, document).unwrap();
    let rest = [(Algorithm::Es256, 2), (Algorithm::EdDsa, 4)]
        .map(|(alg, number)| active(signing_key(alg, number), 1));
    KeySet::new([active(rsa, 1), active(pss, 1)].into_iter().chain(rest).collect()).unwrap()
}
