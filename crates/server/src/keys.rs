//! What a tenant signs, verifies and seals with: made when the tenant is made, held parsed while it is used.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use axum::body::Bytes;
use oidc::jose::{
    Algorithm, JwkRefusal, KeyError, KeyLife, KeyPhase, KeySet, KeySetEntry, PublicJwk, SigningKey,
    generate_pkcs8,
};
use store::signing_keys::SigningKeyRecord;
use store::{Fault, Store};
use terms::{SigningKeyId, TenantId, Timestamp};
use tokio::sync::{Mutex, mpsc};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::sealing::{DataKey, MasterKeyRing, Place, SealError};
use crate::tenant::Tenant;

/// RSA keys that wait in the pool. Two, so that a tenant made by hand doesn't wait; a rush of them does.
const POOLED: usize = 2;

/// A private key as PKCS#8.
type Document = Zeroizing<Vec<u8>>;

/// The same private keys for every tenant: for tests, which would otherwise spend their time on primes.
#[derive(Clone)]
pub struct FixedKeys {
    /// An RSA key as PKCS#8.
    pub rs256: Vec<u8>,
    /// A P-256 key as PKCS#8.
    pub es256: Vec<u8>,
}

impl fmt::Debug for FixedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedKeys(..)")
    }
}

/// Where new private keys come from.
#[derive(Debug, Default)]
pub struct KeySource {
    fixed: Option<FixedKeys>,
    /// The command line makes one tenant and ends, so only a server fills a pool.
    pool: OnceLock<KeyPool>,
}

impl KeySource {
    pub fn new(fixed: Option<FixedKeys>) -> Self {
        Self { fixed, pool: OnceLock::new() }
    }

    /// Makes RSA keys ahead from now on. Needs a running runtime.
    pub fn make_ahead(&self) {
        if self.fixed.is_none() {
            self.pool.get_or_init(KeyPool::start);
        }
    }

    async fn take(&self, algorithm: Algorithm) -> Result<Document, KeyError> {
        match (&self.fixed, self.pool.get(), algorithm) {
            (Some(fixed), _, Algorithm::Rs256 | Algorithm::Ps256) => Ok(Zeroizing::new(fixed.rs256.clone())),
            (Some(fixed), _, Algorithm::Es256) => Ok(Zeroizing::new(fixed.es256.clone())),
            (None, Some(pool), Algorithm::Rs256 | Algorithm::Ps256) => pool.take().await,
            (None | Some(_), _, _) => generate(algorithm).await,
        }
    }
}

/// RSA keys that a background task makes ahead, since one costs some hundred milliseconds of a processor. The task
/// ends with the pool.
#[derive(Debug)]
struct KeyPool(Mutex<mpsc::Receiver<Document>>);

impl KeyPool {
    fn start() -> Self {
        let (sender, receiver) = mpsc::channel(POOLED);
        tokio::spawn(async move {
            // Room first, then the key: a full pool makes none in vain.
            while let Ok(place) = sender.reserve().await {
                match generate(Algorithm::Rs256).await {
                    Ok(document) => place.send(document),
                    Err(error) => {
                        tracing::error!(%error, "the pool of signing keys ends");
                        break;
                    }
                }
            }
        });
        Self(Mutex::new(receiver))
    }

    async fn take(&self) -> Result<Document, KeyError> {
        self.0.lock().await.recv().await.ok_or(KeyError::Generate)
    }
}

async fn generate(algorithm: Algorithm) -> Result<Document, KeyError> {
    tokio::task::spawn_blocking(move || generate_pkcs8(algorithm)).await.unwrap_or(Err(KeyError::Generate))
}

/// Why a tenant's keys can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKeysError {
    Key(KeyError),
    Seal(SealError),
}

impl fmt::Display for NewKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
        }
    }
}

impl Error for NewKeysError {}

impl From<KeyError> for NewKeysError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<SealError> for NewKeysError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

/// What a new tenant's rows need: made before the transaction that writes them.
#[derive(Debug)]
pub struct NewTenantKeys {
    /// For the tenant's own row.
    pub sealed_data_key: Vec<u8>,
    /// One active key of each algorithm that a tenant begins with.
    pub signing_keys: Vec<SigningKeyRecord>,
}

impl NewTenantKeys {
    /// A data key, and signing keys that sign from now on: a new tenant has no relying party yet
    /// that would have to learn them first.
    pub async fn make(
        ring: &MasterKeyRing,
        source: &KeySource,
        entropy: &Entropy,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Self, NewKeysError> {
        let (data_key, sealed_data_key) = ring.new_data_key(entropy, tenant)?;
        let mut signing_keys = Vec::new();
        for algorithm in Algorithm::AT_FIRST {
            signing_keys.push(new_signing_key(source, entropy, &data_key, algorithm, now).await?);
        }
        Ok(Self { sealed_data_key, signing_keys })
    }
}

/// A new signing key for a tenant, sealed for its row. It signs from now on; whoever stores it may put that off.
pub async fn new_signing_key(
    source: &KeySource,
    entropy: &Entropy,
    data_key: &DataKey,
    algorithm: Algorithm,
    now: Timestamp,
) -> Result<SigningKeyRecord, NewKeysError> {
    let document = source.take(algorithm).await?;
    let id = entropy.id(SigningKeyId::new, now);
    let key = SigningKey::from_pkcs8(id, algorithm, &document)?;
    Ok(SigningKeyRecord {
        id,
        algorithm,
        public_jwk: key.public().to_json(),
        sealed_private: data_key.seal(entropy, Place::SigningKey(id), &document)?,
        life: KeyLife::active(now),
    })
}

/// A tenant's keys as one version of its configuration has them, at one time.
#[derive(Debug)]
pub struct TenantKeys {
    version: i64,
    /// From when on one of the keys may do more or less than here.
    changes_at: Option<Timestamp>,
    /// Signs and verifies tokens.
    pub set: KeySet,
    /// The key set document (RFC 7517 section 5), ready to be sent.
    pub jwks: Bytes,
}

impl TenantKeys {
    /// Opens and parses what the store holds.
    fn open(
        tenant: &Tenant,
        records: &[SigningKeyRecord],
        now: Timestamp,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut entries = Vec::new();
        for record in records {
            entries.extend(entry(&tenant.data_key, record, now)?);
        }
        let set = KeySet::new(entries)?;
        let jwks = Bytes::from(serde_json::to_vec(&set.published())?);
        let changes_at = records.iter().filter_map(|record| record.life.changes_after(now)).min();
        Ok(Self { version: tenant.version, changes_at, set, jwks })
    }

    fn holds(&self, tenant: &Tenant, now: Timestamp) -> bool {
        self.version >= tenant.version && !self.changes_at.is_some_and(|at| at.has_passed(now))
    }
}

/// A revoked key has no entry: nothing that it signed is believed.
fn entry(
    data_key: &DataKey,
    record: &SigningKeyRecord,
    now: Timestamp,
) -> Result<Option<KeySetEntry>, Box<dyn Error + Send + Sync>> {
    let entry = match record.life.phase(now) {
        KeyPhase::Revoked | KeyPhase::Gone => return Ok(None),
        KeyPhase::Retired => KeySetEntry::retired(public(record)?)?,
        KeyPhase::Announced | KeyPhase::Retiring => KeySetEntry::published(public(record)?)?,
        KeyPhase::Active { since } => {
            let document = data_key.open(Place::SigningKey(record.id), &record.sealed_private)?;
            let key = SigningKey::from_pkcs8(record.id, record.algorithm, &document)?;
            if *key.public() != public(record)? {
                return Err(format!(
                    "the public and the private half of {} don't belong together",
                    record.id
                )
                .into());
            }
            KeySetEntry::active(key, since)?
        }
    };
    Ok(Some(entry))
}

fn public(record: &SigningKeyRecord) -> Result<PublicJwk, JwkRefusal> {
    PublicJwk::parse(record.public_jwk.to_string().as_bytes())
}

/// The keys of the tenants that were asked for, each parsed once per version of its tenant.
#[derive(Debug, Default)]
pub struct Keys(ArcSwap<HashMap<TenantId, Arc<TenantKeys>>>);

impl Keys {
    /// A tenant's keys as they are at `now`, not older than the version of it that the caller holds.
    pub async fn of(
        &self,
        store: &Store,
        tenant: &Arc<Tenant>,
        now: Timestamp,
    ) -> Result<Arc<TenantKeys>, Fault> {
        if let Some(keys) = self.0.load().get(&tenant.id).filter(|keys| keys.holds(tenant, now)) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(open(store, tenant, now).await?);
        self.0.rcu(|opened| {
            let mut opened = HashMap::clone(opened);
            opened.insert(tenant.id, Arc::clone(&keys));
            opened
        });
        Ok(keys)
    }
}

async fn open(store: &Store, tenant: &Arc<Tenant>, now: Timestamp) -> Result<TenantKeys, Fault> {
    // Read after the tenant's version: what changes in between is newer than it says, never older.
    let records = store.read(tenant.id).signing_keys().await?;
    let fault = Fault::new(format!("open the signing keys of {}", tenant.id));
    let tenant = Arc::clone(tenant);
    // RSA keys take a while to parse and check, too long for a thread that answers requests.
    match tokio::task::spawn_blocking(move || TenantKeys::open(&tenant, &records, now)).await {
        Ok(Ok(keys)) => Ok(keys),
        Ok(Err(error)) => Err(fault.because(error)),
        Err(error) => Err(fault.because(error)),
    }
}

/// A signing key as `keys list` shows it. Public parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    pub kid: SigningKeyId,
    pub alg: Algorithm,
    /// `announced`, `active`, `retiring`, `retired`, `gone` or `revoked`.
    pub state: &'static str,
    pub life: KeyLife,
    /// RFC 7638, by which two people can compare a key.
    pub thumbprint: String,
}

impl KeySummary {
    /// Of a stored key. A key whose public half can't be read is a fault.
    pub fn of(record: &SigningKeyRecord, now: Timestamp) -> Result<Self, Fault> {
        let public =
            public(record).map_err(|error| Fault::new(format!("read {}", record.id)).because(error))?;
        Ok(Self {
            kid: record.id,
            alg: record.algorithm,
            state: record.life.phase(now).as_str(),
            life: record.life,
            thumbprint: public.thumbprint(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant::Issuer;
    use oidc::jose::{JwsRefusal, TokenUse};
    use serde_json::json;
    use store::write_tx;
    use terms::SecretText;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOUR: std::time::Duration = std::time::Duration::from_hours(1);

    fn fixed() -> KeySource {
        KeySource::new(Some(FixedKeys {
            rs256: include_bytes!("../../../tests/harness/fixtures/rs256.pkcs8").to_vec(),
            es256: include_bytes!("../../../tests/harness/fixtures/es256.pkcs8").to_vec(),
        }))
    }

    fn ring() -> MasterKeyRing {
        MasterKeyRing::parse(&SecretText::new(Entropy.hex::<32>())).unwrap()
    }

    async fn made(ring: &MasterKeyRing, source: &KeySource) -> (Tenant, Vec<SigningKeyRecord>) {
        let id = Entropy.id(TenantId::new, NOW);
        let made = NewTenantKeys::make(ring, source, &Entropy, id, NOW).await.unwrap();
        let tenant = Tenant {
            id,
            version: 1,
            settings: identity::TenantSettings::default(),
            theme: None,
            slug: "default".to_owned(),
            issuer: Issuer::on_localhost(1),
            hosts: Vec::new(),
            data_key: ring.open_data_key(id, &made.sealed_data_key).unwrap(),
        };
        (tenant, made.signing_keys)
    }

    fn said(error: &(dyn Error + Send + Sync)) -> String {
        error.to_string()
    }

    #[tokio::test]
    async fn a_new_tenant_signs_with_both_algorithms_and_publishes_no_private_part() {
        for source in [fixed(), KeySource::default()] {
            let (tenant, records) = made(&ring(), &source).await;
            let keys = TenantKeys::open(&tenant, &records, NOW).unwrap();
            assert_eq!(keys.set.algorithms(), Algorithm::AT_FIRST);
            let document: serde_json::Value = serde_json::from_slice(&keys.jwks).unwrap();
            let published = document["keys"].as_array().unwrap();
            assert_eq!(published.len(), 2);
            for key in published {
                assert!(key["kid"].is_string() && key["alg"].is_string() && key["use"] == "sig", "{key}");
                for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                    assert!(key.get(private).is_none(), "{private}");
                }
            }
        }
    }

    #[tokio::test]
    async fn the_pool_gives_keys_that_differ() {
        let source = KeySource::default();
        source.make_ahead();
        let (first, second) =
            (source.take(Algorithm::Rs256).await.unwrap(), source.take(Algorithm::Rs256).await.unwrap());
        assert_ne!(first, second);
    }

    #[tokio::test]
    async fn a_private_key_opens_in_its_own_row_of_its_own_tenant_only() {
        let ring = ring();
        let (tenant, records) = made(&ring, &fixed()).await;
        let (other, _) = made(&ring, &fixed()).await;
        assert!(TenantKeys::open(&other, &records, NOW).is_err(), "another tenant's rows");
        let mut swapped = records.clone();
        swapped[0].sealed_private = records[1].sealed_private.clone();
        let error = TenantKeys::open(&tenant, &swapped, NOW).unwrap_err();
        assert!(said(&*error).contains("belongs to another place"), "{error}");
        let mut relabelled = records.clone();
        relabelled[0].public_jwk["kid"] = json!(records[1].id.to_string());
        let error = TenantKeys::open(&tenant, &relabelled, NOW).unwrap_err();
        assert!(said(&*error).contains("don't belong together"), "{error}");
    }

    #[tokio::test]
    async fn a_retired_key_leaves_the_document_in_time_and_a_revoked_one_verifies_nothing() {
        let (tenant, mut records) = made(&ring(), &fixed()).await;
        let signed = |records: &[SigningKeyRecord]| {
            let keys = TenantKeys::open(&tenant, records, NOW).unwrap();
            keys.set.signer(Algorithm::Rs256).map(|key| key.sign_token("JWT", &json!({})).unwrap())
        };
        let token = signed(&records).unwrap();
        let verify = |records: &[SigningKeyRecord], used_as| {
            TenantKeys::open(&tenant, records, NOW).unwrap().set.verify(&token, "JWT", used_as).map(|_| ())
        };
        let published = |records: &[SigningKeyRecord]| {
            TenantKeys::open(&tenant, records, NOW).unwrap().set.published().keys.len()
        };
        let state = |records: &[SigningKeyRecord]| KeySummary::of(&records[0], NOW).unwrap().state;
        records[0].life.retired_at = Some(NOW);
        assert_eq!((signed(&records), published(&records), state(&records)), (None, 2, "retiring"));
        assert_eq!(verify(&records, TokenUse::Credential), Ok(()));
        records[0].life.retired_at = Some(NOW.minus(HOUR * 24));
        assert_eq!((signed(&records), published(&records), state(&records)), (None, 1, "retired"));
        assert_eq!(verify(&records, TokenUse::Hint), Ok(()));
        assert_eq!(verify(&records, TokenUse::Credential), Err(JwsRefusal::UnknownKey));
        records[0].life.retired_at = Some(NOW.minus(HOUR * 24 * 30));
        assert_eq!(
            (verify(&records, TokenUse::Hint), state(&records)),
            (Err(JwsRefusal::UnknownKey), "gone")
        );
        records[0].life.retired_at = None;
        records[0].life.revoked_at = Some(NOW);
        assert_eq!(verify(&records, TokenUse::Hint), Err(JwsRefusal::UnknownKey));
        assert_eq!((published(&records), state(&records)), (1, "revoked"));
    }

    #[tokio::test]
    async fn keys_are_read_again_when_the_tenants_version_is_newer() {
        for store in store::testing::engines().await {
            let (mut tenant, _) = made(&ring(), &fixed()).await;
            tenant.id = store.tenant;
            tenant.data_key = ring().new_data_key(&Entropy, store.tenant).unwrap().0;
            let made = new_signing_key(&fixed(), &Entropy, &tenant.data_key, Algorithm::Es256, NOW).await;
            let (keys, tenant) = (Keys::default(), Arc::new(tenant));
            assert!(keys.of(&store, &tenant, NOW).await.unwrap().set.algorithms().is_empty());
            let mut announced = made.unwrap();
            announced.life.activated_at = Some(NOW.plus(HOUR));
            write_tx!(store.store, store.tenant, |tx| -> Result<(), Fault> {
                tx.insert_signing_key(&announced).await
            })
            .unwrap();
            let known = keys.of(&store, &tenant, NOW).await.unwrap();
            assert!(known.set.published().keys.is_empty(), "the same version is not read again");
            let Ok(tenant) = Arc::try_unwrap(tenant) else { panic!("held elsewhere") };
            let newer = Arc::new(Tenant { version: 2, ..tenant });
            let announced = keys.of(&store, &newer, NOW).await.unwrap();
            assert_eq!(announced.set.published().keys.len(), 1);
            assert!(announced.set.algorithms().is_empty());
            // Nothing was written and no version has changed: only the time.
            let active = keys.of(&store, &newer, NOW.plus(HOUR)).await.unwrap();
            assert_eq!(active.set.algorithms(), [Algorithm::Es256]);
        }
    }
}
