//! Changing a tenant's signing keys: rotation, revocation, a key for a further algorithm. What must happen is decided by
//! `oidc::jose`; here it is done, each in one transaction that decides anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identity::EventKind;
use identity::tenant_admin::AdminRefusal;
use oidc::jose::{
    Algorithm, KeyPhase, KeyRefusal, KeyToCome, Revocation, Rotation, StoredKey, is_due, revoke, rotate,
};
use store::signing_keys::SigningKeyRecord;
use store::{Fault, Tx, write_tx};
use terms::{EventId, SigningKeyId, TenantId, Timestamp};

use crate::admin::{Warrant, WarrantedEvent};
use crate::app::App;
use crate::config::KeysConfig;
use crate::entropy::counted_id;
use crate::keys::{NewKeysError, new_signing_key};
use crate::tenant::Tenant;

/// The shortest time between a change and its effect: by then every node has asked for changes, or refuses to issue
/// (`tenants.rs`), so that no node meets a token of a key that it doesn't know.
pub const NODES_KNOW: Duration = Duration::from_secs(10);

/// Why keys were not changed.
#[derive(Debug)]
pub enum KeyChangeError {
    Refused(KeyRefusal),
    Keys(NewKeysError),
    /// Who asks may not, or may no longer.
    Forbidden(AdminRefusal),
    Fault(Fault),
}

impl fmt::Display for KeyChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Keys(error) => error.fmt(f),
            Self::Forbidden(refusal) => write!(f, "the administrator may not do this: {refusal:?}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for KeyChangeError {}

impl From<AdminRefusal> for KeyChangeError {
    fn from(refusal: AdminRefusal) -> Self {
        Self::Forbidden(refusal)
    }
}

impl From<Fault> for KeyChangeError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NewKeysError> for KeyChangeError {
    fn from(error: NewKeysError) -> Self {
        Self::Keys(error)
    }
}

/// Who takes over, and when; for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    pub key: SigningKeyId,
    pub algorithm: Algorithm,
    pub signs_from: Timestamp,
}

/// Whose keys change, by whom, and when.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    pub app: &'a App,
    pub tenant: &'a Tenant,
    pub warrant: Warrant<'a>,
    pub now: Timestamp,
}

impl Bench<'_> {
    fn id(&self) -> TenantId {
        self.tenant.id
    }

    /// The keys as they are; the first ones are made where there are none, so that no change comes before them.
    async fn stored(&self) -> Result<Vec<StoredKey>, Fault> {
        Ok(stored(&self.app.signing_keys(self.tenant).await?))
    }

    async fn new_key(&self, algorithm: Algorithm) -> Result<SigningKeyRecord, NewKeysError> {
        let App { key_source, entropy, .. } = self.app;
        new_signing_key(key_source, entropy, &self.tenant.data_key, algorithm, self.now).await
    }

    fn event_ids<const N: usize>(&self) -> [EventId; N] {
        std::array::from_fn(|_| self.app.entropy.id(EventId::new, self.now))
    }

    async fn append(&self, tx: &mut Tx, event: WarrantedEvent) -> Result<(), KeyChangeError> {
        self.warrant.append(tx, &event).await
    }

    /// Replaces what signs with an algorithm, `lead` from now.
    pub async fn rotate(&self, algorithm: Algorithm, lead: Duration) -> Result<Successor, KeyChangeError> {
        // A key is made before the transaction, and only if one is needed as things stand now.
        let spare = match rotate(&self.stored().await?, algorithm, lead, self.now) {
            Rotation::Replace { successor: KeyToCome::New(algorithm), .. } => {
                Some(self.new_key(algorithm).await?)
            }
            Rotation::Replace { successor: KeyToCome::Announced(_), .. } => None,
            Rotation::Refuse(refusal) => return Err(KeyChangeError::Refused(refusal)),
        };
        let ([event], retired) = (self.event_ids(), self.app.entropy.bytes());
        let done = write_tx!(self.app.store, self.id(), |tx| -> Result<_, KeyChangeError> {
            match rotate(&stored(&tx.signing_keys().await?), algorithm, lead, self.now) {
                Rotation::Refuse(refusal) => Ok(Err(refusal)),
                Rotation::Replace { successor, at, retiring } => {
                    let key = self.take_over(tx, successor, spare.as_ref(), at, event).await?;
                    for (index, old) in retiring.into_iter().enumerate() {
                        if tx.retire_signing_key(old, at).await? {
                            let id = counted_id(EventId::new, retired, index, self.now);
                            let event = self
                                .warrant
                                .event(id, EventKind::KeyRetired, old)
                                .with("from", at.as_seconds());
                            self.append(tx, event).await?;
                        }
                    }
                    tx.bump_tenant_version().await?;
                    Ok(Ok(Successor { key, algorithm, signs_from: at }))
                }
            }
        })?;
        self.app.catch_up().await?;
        done.map_err(KeyChangeError::Refused)
    }

    /// Revokes a key at once; gives who signs in its stead, if somebody must.
    pub async fn revoke(&self, key: SigningKeyId) -> Result<Option<Successor>, KeyChangeError> {
        let keys = self.stored().await?;
        let spare = match revoke(&keys, key, self.now) {
            Revocation::Revoke { successor: Some((KeyToCome::New(algorithm), _)) } => {
                Some(self.new_key(algorithm).await?)
            }
            Revocation::Revoke { .. } => None,
            Revocation::Refuse(refusal) => return Err(KeyChangeError::Refused(refusal)),
        };
        let algorithm = keys.iter().find(|it| it.id == key).map(|it| it.algorithm);
        let events = self.event_ids::<2>();
        let done = write_tx!(self.app.store, self.id(), |tx| -> Result<_, KeyChangeError> {
            match revoke(&stored(&tx.signing_keys().await?), key, self.now) {
                Revocation::Refuse(refusal) => Ok(Err(refusal)),
                Revocation::Revoke { successor } => {
                    let mut taken_over = None;
                    if let (Some((next, at)), Some(algorithm)) = (successor, algorithm) {
                        let key = self.take_over(tx, next, spare.as_ref(), at, events[0]).await?;
                        taken_over = Some(Successor { key, algorithm, signs_from: at });
                    }
                    tx.revoke_signing_key(key, self.now).await?;
                    let event = self.warrant.event(events[1], EventKind::KeyRevoked, key);
                    self.append(tx, event).await?;
                    tx.bump_tenant_version().await?;
                    Ok(Ok(taken_over))
                }
            }
        })?;
        self.app.catch_up().await?;
        done.map_err(KeyChangeError::Refused)
    }

    /// Makes a key for an algorithm that the tenant has none for; it signs at once, since nobody has yet been told of
    /// another. Gives nothing when there is one.
    pub async fn ensure(&self, algorithm: Algorithm) -> Result<Option<Successor>, KeyChangeError> {
        let serves = |keys: &[StoredKey]| {
            let usable = |phase| matches!(phase, KeyPhase::Active { .. } | KeyPhase::Announced);
            keys.iter().any(|key| key.algorithm == algorithm && usable(key.life.phase(self.now)))
        };
        if serves(&self.stored().await?) {
            return Ok(None);
        }
        let record = self.new_key(algorithm).await?;
        let [event] = self.event_ids();
        let made = write_tx!(self.app.store, self.id(), |tx| -> Result<bool, KeyChangeError> {
            if serves(&stored(&tx.signing_keys().await?)) {
                return Ok(false);
            }
            let next = KeyToCome::New(algorithm);
            self.take_over(tx, next, Some(&record), self.now, event).await?;
            tx.bump_tenant_version().await?;
            Ok(true)
        })?;
        self.app.catch_up().await?;
        Ok(made.then_some(Successor { key: record.id, algorithm, signs_from: self.now }))
    }

    /// Lets a key sign from `at`: the spare one that was made before, or one that is announced.
    async fn take_over(
        &self,
        tx: &mut Tx,
        next: KeyToCome,
        spare: Option<&SigningKeyRecord>,
        at: Timestamp,
        event: EventId,
    ) -> Result<SigningKeyId, KeyChangeError> {
        let (key, kind) = match (next, spare) {
            (KeyToCome::Announced(key), _) => {
                tx.activate_signing_key(key, at).await?;
                (key, EventKind::KeyActivated)
            }
            (KeyToCome::New(algorithm), Some(spare)) if spare.algorithm == algorithm => {
                let mut record = spare.clone();
                record.life.activated_at = Some(at);
                tx.insert_signing_key(&record).await?;
                (record.id, EventKind::KeyPublished)
            }
            // Somebody else changed the keys since they were looked at.
            (KeyToCome::New(_), _) => {
                return Err(Fault::busy(format!("change the signing keys of {}", self.id())).into());
            }
        };
        let event = self.warrant.event(event, kind, key).with("signs_from", at.as_seconds());
        self.append(tx, event).await?;
        Ok(key)
    }
}

fn stored(records: &[SigningKeyRecord]) -> Vec<StoredKey> {
    records.iter().map(SigningKeyRecord::stored).collect()
}

/// Replaces keys that have signed for as long as the configuration lets them, for as long as the server runs. Of several
/// nodes that find the same one, the first announces a successor and the others find that nothing is due.
pub(crate) async fn keep_rotated(app: Arc<App>) {
    let KeysConfig { publish_before, rotate_after } = app.config.keys;
    let Some(age) = rotate_after else { return };
    loop {
        tokio::time::sleep(LOOK).await;
        match rotate_old(&app, age, publish_before).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "cannot rotate signing keys"),
        }
    }
}

/// Far apart: keys live for months.
const LOOK: Duration = Duration::from_mins(10);

/// One look at the tenants that have old keys.
pub(crate) async fn rotate_old(app: &App, age: Duration, lead: Duration) -> Result<(), KeyChangeError> {
    let now = app.clock.now();
    for old in app.store.directory().tenants_with_keys_from_before(now.minus(age)).await? {
        let Some(tenant) = &app.tenant(old.id).await? else { continue };
        let bench = Bench { app, tenant, warrant: Warrant::of_system(tenant.id, now), now };
        let keys = bench.stored().await?;
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| is_due(&keys, *algorithm, age, now)) {
            match bench.rotate(algorithm, lead).await {
                Ok(successor) => {
                    tracing::info!(tenant = %tenant.id, key = %successor.key, "a signing key is announced");
                }
                Err(KeyChangeError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
