//! Sealing what must be read back: signing keys, secrets of grants, bodies of mails.
//!
//! A ring of master keys wraps a data key per tenant, and the data key seals the rest. A sealed value says its format
//! and its key, and opens only where it was put: tenant, table, column and row are authenticated with it, so that a
//! value copied to another place is refused.

use std::fmt;
use std::io;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use terms::{ClientId, ClientSecretId, GrantId, MailId, SecretText, SigningKeyId, TenantId};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::secret_file::{self, SecretFileError};

/// The format below: version, key id, nonce, then ciphertext with its tag.
const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;
/// Master keys in one ring.
const RING_KEYS: usize = 16;

/// By what a key is known: it is derived from the key and doesn't tell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Why a sealed value can't be opened. It never says what was inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// Of a format that this program doesn't know.
    Format,
    /// Sealed by a key that isn't here: a master key that was taken from the ring too early, or another deployment's.
    UnknownKey(KeyId),
    /// Changed, cut, or copied from another place.
    Tampered,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("the sealed value is of an unknown format"),
            Self::UnknownKey(id) => {
                write!(
                    f,
                    "the sealed value needs the key {id}, which isn't here; is the master key the right one?"
                )
            }
            Self::Tampered => f.write_str("the sealed value was changed or belongs to another place"),
        }
    }
}

impl std::error::Error for SealError {}

/// Where a tenant's sealed value lies. A closed list: one line per sealed column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The tenant's data key itself.
    DataKey,
    /// A private signing key.
    SigningKey(SigningKeyId),
    /// What a mail says.
    MailBody(MailId),
    /// The secret from which a grant's refresh tokens are derived.
    RefreshSecret(GrantId),
    /// A secret with which a client keys a MAC.
    ClientSecret(ClientId, ClientSecretId),
    /// The salt of the tenant's pairwise subjects.
    PairwiseSalt,
}

impl Place {
    /// Table, column, and the row's key within its tenant.
    fn parts(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::DataKey => ("tenant", "sealed_data_key", String::new()),
            Self::SigningKey(id) => ("signing_key", "sealed_private", id.to_string()),
            Self::MailBody(id) => ("outbound_mail", "sealed_body", id.to_string()),
            Self::RefreshSecret(id) => ("refresh_token", "sealed_secret", id.to_string()),
            // No client's id has a blank, so the two halves can't be mistaken.
            Self::ClientSecret(client, id) => ("client_secret", "sealed_secret", format!("{client} {id}")),
            Self::PairwiseSalt => ("pairwise_salt", "sealed_salt", String::new()),
        }
    }

    fn associated_data(&self, tenant: TenantId) -> Vec<u8> {
        let (table, column, row) = self.parts();
        length_prefixed(&[&tenant.to_string(), table, column, &row])
    }
}

/// Each part behind its length, so that no two lists of parts have the same octets.
fn length_prefixed(parts: &[&str]) -> Vec<u8> {
    let mut octets = Vec::new();
    for part in parts {
        octets.extend_from_slice(&(part.len() as u64).to_be_bytes());
        octets.extend_from_slice(part.as_bytes());
    }
    octets
}

/// An AES-256-GCM key with the id by which its values name it.
///
/// Nonces are random, which is safe for 2^32 values of one key (NIST SP 800-38D section 8.3); a tenant that seals a
/// hundred values a second reaches that after a year and a half of not expiring any.
struct SealingKey {
    id: KeyId,
    key: LessSafeKey,
    derivation: hmac::Key,
}

impl SealingKey {
    fn new(octets: &[u8; 32]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, octets).map_err(|_| SealError::Format)?;
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, octets);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hmac::sign(&derivation, b"portico key id").as_ref()[..KEY_ID_LEN]);
        Ok(Self { id: KeyId(id), key: LessSafeKey::new(key), derivation })
    }

    fn seal(&self, nonce: [u8; NONCE_LEN], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut body = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut body)
            .map_err(|_| SealError::Format)?;
        let mut sealed = Vec::with_capacity(HEADER_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id.0);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    fn open(&self, associated: &[u8], sealed: &Sealed<'_>) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let mut body = Zeroizing::new(sealed.body.to_vec());
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let plain = self.key.open_in_place(nonce, Aad::from(associated), &mut body);
        let length = plain.map_err(|_| SealError::Tampered)?.len();
        body.truncate(length);
        Ok(body)
    }
}

/// A sealed value taken apart.
struct Sealed<'a> {
    key_id: KeyId,
    nonce: [u8; NONCE_LEN],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn parse(octets: &'a [u8]) -> Result<Self, SealError> {
        let (version, rest) = octets.split_first().ok_or(SealError::Format)?;
        if *version != VERSION {
            return Err(SealError::Format);
        }
        let (key_id, rest) = rest.split_first_chunk().ok_or(SealError::Format)?;
        let (nonce, body) = rest.split_first_chunk().ok_or(SealError::Format)?;
        Ok(Self { key_id: KeyId(*key_id), nonce: *nonce, body })
    }
}

/// A tenant's data key. It seals and opens that tenant's values and no other's.
pub struct DataKey {
    tenant: TenantId,
    key: SealingKey,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.tenant)
    }
}

impl DataKey {
    fn new(tenant: TenantId, octets: &[u8; 32]) -> Result<Self, SealError> {
        Ok(Self { tenant, key: SealingKey::new(octets)? })
    }

    /// Seals a value for its place.
    #[expect(clippy::needless_pass_by_value, reason = "a place is named where it is used")]
    pub fn seal(&self, entropy: &Entropy, place: Place, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        self.key.seal(entropy.bytes(), &place.associated_data(self.tenant), plain)
    }

    /// Opens a value that was sealed for this place.
    #[expect(clippy::needless_pass_by_value, reason = "a place is named where it is used")]
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let sealed = Sealed::parse(sealed)?;
        if sealed.key_id != self.key.id {
            return Err(SealError::UnknownKey(sealed.key_id));
        }
        self.key.open(&place.associated_data(self.tenant), &sealed)
    }

    /// A key for another purpose, which tells nothing about this one (HMAC as a key derivation function, NIST SP
    /// 800-108). Each purpose has a name of its own.
    pub fn derive(&self, purpose: &'static str) -> Zeroizing<[u8; 32]> {
        let label = length_prefixed(&["portico derived key", &self.tenant.to_string(), purpose]);
        let mut derived = Zeroizing::new([0; 32]);
        derived.copy_from_slice(hmac::sign(&self.key.derivation, &label).as_ref());
        derived
    }
}

/// The master keys: the current one wraps, the older ones still unwrap what they wrapped.
pub struct MasterKeyRing {
    /// Invariant: never empty; the first is the current one.
    keys: Vec<SealingKey>,
}

impl fmt::Debug for MasterKeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeyRing({} keys)", self.keys.len())
    }
}

/// Why there are no master keys to work with. It never repeats a key.
#[derive(Debug)]
pub enum MasterKeyError {
    /// The text has no key in it.
    Empty,
    /// More than a ring holds.
    TooMany,
    /// One of the keys is not 32 octets in base64url or hexadecimal digits.
    Encoding {
        /// Which of them, from 1.
        place: usize,
    },
    /// All octets of a key are the same: a placeholder, not a key.
    Placeholder,
    /// Others than the owner may read the file.
    Permissions,
    /// The file can't be read or written.
    File(io::Error),
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no master key; make one with `openssl rand -hex 32`"),
            Self::TooMany => write!(f, "there are more than {RING_KEYS} master keys"),
            Self::Encoding { place } => write!(
                f,
                "master key {place} is not 32 octets, written as 43 characters of base64url or 64 hexadecimal digits"
            ),
            Self::Placeholder => {
                f.write_str("a master key is a placeholder; make one with `openssl rand -hex 32`")
            }
            Self::Permissions => {
                f.write_str("the master key file can be read by others than its owner; run `chmod 600` on it")
            }
            Self::File(error) => write!(f, "the master key file can't be used: {error}"),
        }
    }
}

impl std::error::Error for MasterKeyError {}

impl MasterKeyRing {
    /// Keys with blanks, commas or line ends between: the current one first, then older ones.
    pub fn parse(text: &SecretText) -> Result<Self, MasterKeyError> {
        let written =
            text.reveal().split(|c: char| c == ',' || c.is_whitespace()).filter(|key| !key.is_empty());
        let mut keys = Vec::new();
        for (place, key) in written.enumerate() {
            if place == RING_KEYS {
                return Err(MasterKeyError::TooMany);
            }
            let wrong = MasterKeyError::Encoding { place: place + 1 };
            let Some(octets) = decode_key(key) else { return Err(wrong) };
            if octets.iter().all(|octet| *octet == octets[0]) {
                return Err(MasterKeyError::Placeholder);
            }
            keys.push(SealingKey::new(&octets).map_err(|_| wrong)?);
        }
        if keys.is_empty() { Err(MasterKeyError::Empty) } else { Ok(Self { keys }) }
    }

    /// Reads the keys from a file that only its owner may read.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let text = secret_file::read(path).map_err(|error| match error {
            SecretFileError::Permissions => MasterKeyError::Permissions,
            SecretFileError::TooLarge => MasterKeyError::TooMany,
            SecretFileError::File(error) => MasterKeyError::File(error),
        })?;
        Self::parse(&text)
    }

    /// Reads the file, or first makes it with a new key, readable by its owner only. For development: a server that
    /// lost its key must say so and not make another.
    pub fn read_or_create(path: &Path, entropy: &Entropy) -> Result<Self, MasterKeyError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let text = Zeroizing::new(format!("{}\n", Zeroizing::new(entropy.hex::<32>()).as_str()));
                io::Write::write_all(&mut file, text.as_bytes()).map_err(MasterKeyError::File)?;
                file.sync_all().map_err(MasterKeyError::File)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(MasterKeyError::File(error)),
        }
        Self::read(path)
    }

    /// A new data key for a tenant, and the sealed form in which it is stored.
    pub fn new_data_key(&self, entropy: &Entropy, tenant: TenantId) -> Result<(DataKey, Vec<u8>), SealError> {
        let octets = Zeroizing::new(entropy.bytes::<32>());
        let associated = Place::DataKey.associated_data(tenant);
        let sealed = self.current()?.seal(entropy.bytes(), &associated, octets.as_slice())?;
        Ok((DataKey::new(tenant, &octets)?, sealed))
    }

    /// Whether a ring has no key is asked when it is made.
    fn current(&self) -> Result<&SealingKey, SealError> {
        self.keys.first().ok_or(SealError::Format)
    }

    /// The keys of the ring, the current one first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|key| key.id).collect()
    }

    /// Which master key wraps a stored data key. The first nine octets tell.
    pub fn wraps(sealed: &[u8]) -> Result<KeyId, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Format)?;
        let (key_id, _) = rest.split_first_chunk().ok_or(SealError::Format)?;
        if *version == VERSION { Ok(KeyId(*key_id)) } else { Err(SealError::Format) }
    }

    /// Whether the master key is here that wraps a stored data key, by its first nine octets.
    pub fn require(&self, sealed: &[u8]) -> Result<(), SealError> {
        let wrapping = Self::wraps(sealed)?;
        let here = self.keys.iter().any(|key| key.id == wrapping);
        if here { Ok(()) } else { Err(SealError::UnknownKey(wrapping)) }
    }

    /// A stored data key, wrapped by the current master key instead of an older one; nothing where it is already.
    pub fn rewrap(
        &self,
        entropy: &Entropy,
        tenant: TenantId,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, SealError> {
        let current = self.current()?;
        let parsed = Sealed::parse(sealed)?;
        if parsed.key_id == current.id {
            return Ok(None);
        }
        let associated = Place::DataKey.associated_data(tenant);
        let wrapping = self.keys.iter().find(|key| key.id == parsed.key_id);
        let plain = wrapping.ok_or(SealError::UnknownKey(parsed.key_id))?.open(&associated, &parsed)?;
        current.seal(entropy.bytes(), &associated, &plain).map(Some)
    }

    /// Opens a tenant's stored data key.
    pub fn open_data_key(&self, tenant: TenantId, sealed: &[u8]) -> Result<DataKey, SealError> {
        let sealed = Sealed::parse(sealed)?;
        let key = self
            .keys
            .iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or(SealError::UnknownKey(sealed.key_id))?;
        let plain = key.open(&Place::DataKey.associated_data(tenant), &sealed)?;
        let octets: Zeroizing<[u8; 32]> =
            Zeroizing::new(plain.as_slice().try_into().map_err(|_| SealError::Tampered)?);
        DataKey::new(tenant, &octets)
    }
}

/// 43 characters of base64url, or 64 hexadecimal digits.
fn decode_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut octets = Zeroizing::new([0; 32]);
    match text.len() {
        43 => {
            let length = URL_SAFE_NO_PAD.decode_slice(text, octets.as_mut_slice()).ok()?;
            (length == 32).then_some(octets)
        }
        64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            for (octet, place) in octets.iter_mut().zip((0..64).step_by(2)) {
                *octet = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
            }
            Some(octets)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Timestamp;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const OLDER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";

    fn ring(text: &str) -> Result<MasterKeyRing, MasterKeyError> {
        MasterKeyRing::parse(&SecretText::new(text.to_owned()))
    }

    fn tenant(number: u8) -> TenantId {
        TenantId::new(Timestamp::from_seconds(1), [number; 10])
    }

    fn mail(number: u8) -> Place {
        Place::MailBody(MailId::new(Timestamp::from_seconds(1), [number; 10]))
    }

    fn data_key(number: u8) -> DataKey {
        ring(KEY).unwrap().new_data_key(&Entropy, tenant(number)).unwrap().0
    }

    #[test]
    fn a_value_opens_at_its_place_and_nowhere_else() {
        let key = data_key(1);
        let sealed = key.seal(&Entropy, mail(1), b"code 123456").unwrap();
        assert_eq!(key.open(mail(1), &sealed).unwrap().as_slice(), b"code 123456");
        assert_eq!(key.open(mail(2), &sealed), Err(SealError::Tampered), "another row");
        let grant = Place::RefreshSecret(GrantId::new(Timestamp::from_seconds(1), [1; 10]));
        assert_eq!(key.open(grant, &sealed), Err(SealError::Tampered), "another table");
        assert!(matches!(data_key(1).open(mail(1), &sealed), Err(SealError::UnknownKey(_))), "another key");
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let key = data_key(1);
        let seal = || key.seal(&Entropy, mail(1), b"x").unwrap();
        assert_ne!(seal(), seal());
        assert!(
            !key.seal(&Entropy, mail(1), b"needle in here").unwrap().windows(6).any(|part| part == b"needle")
        );
    }

    #[test]
    fn no_bit_can_be_flipped_and_no_end_cut_off() {
        let key = data_key(1);
        let sealed = key.seal(&Entropy, mail(1), b"secret").unwrap();
        for place in 0..sealed.len() {
            assert!(key.open(mail(1), &sealed[..place]).is_err(), "cut at {place}");
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[place] ^= 1 << bit;
                assert!(key.open(mail(1), &changed).is_err(), "bit {bit} of {place}");
            }
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert_eq!(key.open(mail(1), &longer), Err(SealError::Tampered));
        let mut unknown = sealed;
        unknown[0] = 2;
        assert_eq!(key.open(mail(1), &unknown), Err(SealError::Format));
    }

    #[test]
    fn a_data_key_belongs_to_its_tenant() {
        let ring = ring(KEY).unwrap();
        let (key, sealed) = ring.new_data_key(&Entropy, tenant(1)).unwrap();
        let value = key.seal(&Entropy, mail(1), b"x").unwrap();
        let again = ring.open_data_key(tenant(1), &sealed).unwrap();
        assert_eq!(again.open(mail(1), &value).unwrap().as_slice(), b"x");
        assert_eq!(ring.open_data_key(tenant(2), &sealed).map(|_| ()), Err(SealError::Tampered));
    }

    #[test]
    fn an_older_master_key_still_opens_and_a_missing_one_says_so() {
        let (_, sealed) = ring(OLDER).unwrap().new_data_key(&Entropy, tenant(1)).unwrap();
        let rotated = ring(&format!("{KEY}\n{OLDER}\n")).unwrap();
        assert!(rotated.open_data_key(tenant(1), &sealed).is_ok());
        let missing = MasterKeyRing::wraps(&sealed).unwrap();
        assert_eq!(
            ring(KEY).unwrap().open_data_key(tenant(1), &sealed).map(|_| ()),
            Err(SealError::UnknownKey(missing))
        );
        assert_eq!(rotated.ids()[1], missing);
        let (_, newer) = rotated.new_data_key(&Entropy, tenant(1)).unwrap();
        assert!(ring(KEY).unwrap().open_data_key(tenant(1), &newer).is_ok(), "the first key wraps");
    }

    #[test]
    fn a_rewrapped_data_key_needs_the_older_master_key_no_more() {
        let (data_key, sealed) = ring(OLDER).unwrap().new_data_key(&Entropy, tenant(1)).unwrap();
        let value = data_key.seal(&Entropy, mail(1), b"x").unwrap();
        let both = ring(&format!("{KEY}\n{OLDER}\n")).unwrap();
        let anew = both.rewrap(&Entropy, tenant(1), &sealed).unwrap().unwrap();
        assert_eq!(both.rewrap(&Entropy, tenant(1), &anew), Ok(None), "once is enough");
        let alone = ring(KEY).unwrap();
        assert_eq!(MasterKeyRing::wraps(&anew), Ok(alone.ids()[0]));
        let opened = alone.open_data_key(tenant(1), &anew).unwrap();
        assert_eq!(opened.open(mail(1), &value).unwrap().as_slice(), b"x");
        // Neither another tenant's nor a changed one is wrapped anew, and a missing key is named.
        assert_eq!(both.rewrap(&Entropy, tenant(2), &sealed), Err(SealError::Tampered));
        let missing = MasterKeyRing::wraps(&sealed).unwrap();
        assert_eq!(alone.rewrap(&Entropy, tenant(1), &sealed), Err(SealError::UnknownKey(missing)));
    }

    #[test]
    fn derived_keys_differ_by_tenant_and_purpose() {
        let key = data_key(1);
        assert_eq!(key.derive("a"), key.derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        let other = DataKey { tenant: tenant(2), key: SealingKey::new(&[1; 32]).unwrap() };
        let one = DataKey { tenant: tenant(1), key: SealingKey::new(&[1; 32]).unwrap() };
        assert_ne!(one.derive("a"), other.derive("a"));
    }

    #[test]
    fn no_two_lists_of_parts_have_the_same_octets() {
        let texts = ["", "a", "b", "ab", "aa", "\0", "\0\0\0\0\0\0\0\u{1}", "a\0\0\0\0\0\0\0\u{1}b"];
        let mut seen = std::collections::HashMap::new();
        for first in texts {
            for second in texts {
                for third in texts {
                    let parts = [first, second, third];
                    assert_eq!(seen.insert(length_prefixed(&parts), parts), None, "{parts:?}");
                }
                let parts = [first, second];
                assert!(!seen.contains_key(&length_prefixed(&parts)), "{parts:?}");
            }
        }
    }

    #[test]
    fn master_keys_are_refused_with_a_reason_and_without_their_text() {
        for (text, said) in [
            (String::new(), "no master key"),
            (" \n".to_owned(), "no master key"),
            (format!("{KEY} {}", &KEY[2..]), "master key 2 is not 32 octets"),
            (format!("{KEY}0"), "master key 1 is not"),
            (KEY.replace('0', "g"), "master key 1 is not"),
            (format!("{}=", &OLDER[..42]), "master key 1 is not"),
            ("0".repeat(64), "placeholder"),
            (vec![KEY; 17].join(","), "more than 16"),
        ] {
            let error = ring(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(text.trim().is_empty() || !error.contains(text.as_str()), "{error}");
        }
    }

    #[test]
    fn a_key_file_is_made_for_its_owner_only_and_refused_when_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("portico-sealing-{}", Entropy.hex::<8>()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("master.key");
        let (_, sealed) = MasterKeyRing::read_or_create(&path, &Entropy)
            .unwrap()
            .new_data_key(&Entropy, tenant(1))
            .unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = MasterKeyRing::read_or_create(&path, &Entropy).unwrap();
        assert!(again.open_data_key(tenant(1), &sealed).is_ok(), "the key that is there is kept");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(MasterKeyRing::read(&path), Err(MasterKeyError::Permissions)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
