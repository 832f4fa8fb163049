//! What a tenant signs and verifies with: made when it is first needed, held parsed while it is used.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use identity::{Actor, Event, EventKind};
use oidc::jose::{
    Algorithm, JwkRefusal, KeyError, KeyLife, KeyPhase, KeySet, KeySetEntry, PublicJwk, SigningKey,
    generate_pkcs8,
};
use store::signing_keys::SigningKeyRecord;
use store::{Fault, write_tx};
use terms::{SigningKeyId, Timestamp};
use tokio::sync::{Mutex, mpsc};
use zeroize::Zeroizing;

use crate::app::App;
use crate::document::Document;
use crate::entropy::Entropy;
use crate::oauth::respond;
use crate::sealing::{DataKey, Place, SealError};
use crate::tenant::Tenant;

/// RSA keys that wait in the pool. Two, so that who first asks a new tenant for something doesn't wait; a rush of them does.
const POOLED: usize = 2;

/// A private key as PKCS#8.
type Pkcs8 = Zeroizing<Vec<u8>>;

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

    async fn take(&self, algorithm: Algorithm) -> Result<Pkcs8, KeyError> {
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
struct KeyPool(Mutex<mpsc::Receiver<Pkcs8>>);

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

    async fn take(&self) -> Result<Pkcs8, KeyError> {
        self.0.lock().await.recv().await.ok_or(KeyError::Generate)
    }
}

async fn generate(algorithm: Algorithm) -> Result<Pkcs8, KeyError> {
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
    /// From when on one of the keys may do more or less than here.
    changes_at: Option<Timestamp>,
    /// Signs and verifies tokens.
    pub set: KeySet,
    /// The key set document (RFC 7517 section 5), ready to be sent.
    pub jwks: Document,
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
        let jwks = respond::published(serde_json::to_vec(&set.published())?);
        let changes_at = records.iter().filter_map(|record| record.life.changes_after(now)).min();
        Ok(Self { changes_at, set, jwks })
    }

    fn holds(&self, now: Timestamp) -> bool {
        !self.changes_at.is_some_and(|at| at.has_passed(now))
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

/// Where the keys of a tenant, as it was read at one version, are held once somebody asked for them.
#[derive(Debug, Default)]
pub struct KeySlot {
    held: ArcSwapOption<TenantKeys>,
    /// Held while the keys are opened, so that of many requests at once one opens them and the others wait for it.
    turn: Mutex<()>,
}

impl KeySlot {
    /// The keys, if they were opened and hold at `now`.
    pub fn held(&self, now: Timestamp) -> Option<Arc<TenantKeys>> {
        self.held.load_full().filter(|keys| keys.holds(now))
    }

    /// The keys of `tenant`, whose slot this is, as they are now.
    pub async fn get(&self, app: &App, tenant: &Arc<Tenant>) -> Result<Arc<TenantKeys>, Fault> {
        if let Some(keys) = self.held(app.clock.now()) {
            return Ok(keys);
        }
        let _turn = self.turn.lock().await;
        let now = app.clock.now();
        if let Some(keys) = self.held(now) {
            return Ok(keys);
        }
        let keys = Arc::new(open(app, tenant, now).await?);
        self.held.store(Some(Arc::clone(&keys)));
        Ok(keys)
    }
}

async fn open(app: &App, tenant: &Arc<Tenant>, now: Timestamp) -> Result<TenantKeys, Fault> {
    // Read after the tenant itself: what changes in between is newer than its version says, never older.
    let records = app.signing_keys(tenant).await?;
    let fault = Fault::new(format!("open the signing keys of {}", tenant.id));
    let tenant = Arc::clone(tenant);
    // RSA keys take a while to parse and check, too long for a thread that answers requests.
    match tokio::task::spawn_blocking(move || TenantKeys::open(&tenant, &records, now)).await {
        Ok(Ok(keys)) => Ok(keys),
        Ok(Err(error)) => Err(fault.because(error)),
        Err(error) => Err(fault.because(error)),
    }
}

impl App {
    /// A tenant's signing keys as they are stored. Whoever needs them first makes the first ones: of several nodes that do so at
    /// once, one node's keys are the tenant's.
    ///
    /// Every reader of them comes through here, so no node ever knows a tenant to have none.
    pub async fn signing_keys(&self, tenant: &Tenant) -> Result<Vec<SigningKeyRecord>, Fault> {
        let stored = self.store.read(tenant.id).signing_keys().await?;
        if !stored.is_empty() {
            return Ok(stored);
        }
        let (now, mut first, mut events) = (self.clock.now(), Vec::new(), Vec::new());
        for algorithm in Algorithm::AT_FIRST {
            let made =
                new_signing_key(&self.key_source, &self.entropy, &tenant.data_key, algorithm, now).await;
            let fault = |error| Fault::new(format!("make the first keys of {}", tenant.id)).because(error);
            let made = made.map_err(fault)?;
            let event = Event::new(self.event_id(), EventKind::KeyPublished, Actor::System, now);
            events.push(event.about(made.id).with("signs_from", now.as_seconds()));
            first.push(made);
        }
        write_tx!(self.store, tenant.id, |tx| -> Result<(), Fault> {
            if tx.insert_first_signing_keys(&first).await? {
                for event in &events {
                    tx.append_event(event).await?;
                }
            }
            Ok(())
        })?;
        self.store.read(tenant.id).signing_keys().await
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
    use crate::sealing::MasterKeyRing;
    use crate::tenant::Issuer;
    use oidc::jose::{JwsRefusal, TokenUse};
    use serde_json::json;
    use terms::{SecretText, TenantId};

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
        let (data_key, _) = ring.new_data_key(&Entropy, id).unwrap();
        let mut records = Vec::new();
        for algorithm in Algorithm::AT_FIRST {
            records.push(new_signing_key(source, &Entropy, &data_key, algorithm, NOW).await.unwrap());
        }
        let tenant = Tenant {
            id,
            version: 1,
            settings: identity::TenantSettings::default(),
            theme: None,
            slug: "default".to_owned(),
            issuer: Issuer::on_localhost(1),
            hosts: Vec::new(),
            data_key,
            opened: crate::tenant::Opened::default(),
        };
        (tenant, records)
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
            let document: serde_json::Value = serde_json::from_slice(keys.jwks.body()).unwrap();
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
}
