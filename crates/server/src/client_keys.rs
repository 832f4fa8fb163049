//! Clients' keys that lie at an address of theirs (`jwks_uri`): fetched when they are needed, and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oidc::client::{Client, KeySource};
use oidc::jose::{Algorithm, ClientKeys, Encryption, KeyError, KeyManagement, Recipient};
use terms::{ClientId, TenantId, Timestamp};
use tokio::sync::Mutex as Turn;

use crate::app::App;
use crate::egress::Egress;
use crate::error::Failure;
use crate::tenant::Tenant;

/// For so long keys are taken without asking anew: so long a key counts that its client took out of the set, and so long one is
/// encrypted to.
const FRESH: Duration = Duration::from_mins(5);
/// A key that isn't there is asked for once in this time: a client that has begun to sign with a new key is soon believed,
/// and whoever names keys that don't exist makes no more fetches than that.
const AGAIN: Duration = Duration::from_mins(1);
/// An address that could not be fetched is left alone for this long.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// For so long keys are taken while their address can't be fetched.
const STALE: Duration = Duration::from_hours(1);
/// Clients whose keys are kept; of more, the one that was longest not asked for goes.
const CLIENTS: usize = 1024;

/// What is kept of all clients.
#[derive(Default)]
pub struct FetchedKeys(Mutex<HashMap<(TenantId, ClientId), Kept>>);

struct Kept {
    /// Held while fetching, so that of many requests at once one fetches.
    slot: Arc<Turn<Slot>>,
    asked_at: Timestamp,
}

/// What is kept of one client.
#[derive(Default)]
struct Slot {
    address: String,
    held: Option<Held>,
    tried_at: Option<Timestamp>,
}

struct Held {
    keys: Arc<ClientKeys>,
    fetched_at: Timestamp,
}

/// Which key is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// The one by which something wants to be verified that the client signed.
    Verifying { key_id: Option<&'a str>, algorithm: Algorithm },
    /// One to which something can be encrypted.
    Encrypting(KeyManagement),
}

impl Wanted<'_> {
    fn is_among(self, keys: &ClientKeys) -> bool {
        match self {
            Self::Verifying { key_id, algorithm } => keys.has(key_id, algorithm),
            Self::Encrypting(management) => keys.can_read(management),
        }
    }
}

impl Slot {
    /// Whether the address is to be asked now.
    fn must_fetch(&self, wanted: Wanted<'_>, now: Timestamp) -> bool {
        let tried_before = |time: Duration| self.tried_at.is_none_or(|tried| now.since(tried) >= time);
        match &self.held {
            None => tried_before(AFTER_FAILURE),
            Some(held) if now.since(held.fetched_at) >= FRESH => tried_before(AFTER_FAILURE),
            Some(held) => !wanted.is_among(&held.keys) && tried_before(AGAIN),
        }
    }

    fn keys(&self, now: Timestamp) -> Option<Arc<ClientKeys>> {
        let held = self.held.as_ref().filter(|held| now.since(held.fetched_at) < STALE)?;
        Some(Arc::clone(&held.keys))
    }
}

/// A client's keys, as it registered them or as they can be had from its `jwks_uri`.
///
/// Keys may be fetched here, so it comes before any transaction.
pub async fn keys_of(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Option<Arc<ClientKeys>> {
    match client.key_source()? {
        KeySource::Registered(keys) => Some(Arc::clone(keys)),
        KeySource::Fetched(address) => {
            app.fetched_keys.of(&app.egress, (tenant.id, &client.id), address, wanted, now).await
        }
    }
}

/// There is no key to which something could be encrypted that the client wants encrypted. It goes out in no other way.
#[derive(Clone, Copy, Debug)]
pub struct NoRecipient;

impl From<NoRecipient> for Failure {
    fn from(NoRecipient: NoRecipient) -> Self {
        Self::no_client_key("a client's key to encrypt to can't be had")
    }
}

/// The form in which something goes out to a client. Made by [`envelope`] only, so that nothing is sent open that the client
/// wants encrypted.
#[derive(Debug)]
pub struct Envelope(Option<Recipient>);

impl Envelope {
    /// A signed token, encrypted if the client wants that.
    pub fn around(&self, token: String) -> Result<String, KeyError> {
        match &self.0 {
            None => Ok(token),
            Some(recipient) => recipient.encrypt_token(&token),
        }
    }

    /// To whom it is encrypted, if to anybody.
    pub fn recipient(&self) -> Option<&Recipient> {
        self.0.as_ref()
    }
}

/// The form of what is to go out to this client encrypted so, or open where it wants no encryption.
///
/// Keys may be fetched here, so it comes before any transaction.
pub async fn envelope(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    wish: Option<Encryption>,
    now: Timestamp,
) -> Result<Envelope, NoRecipient> {
    let Some(wish) = wish else { return Ok(Envelope(None)) };
    let keys = keys_of(app, tenant, client, Wanted::Encrypting(wish.key), now).await;
    let recipient = keys.and_then(|keys| keys.recipient(wish));
    if recipient.is_none() {
        tracing::warn!(client = %client.id, alg = %wish.key, "no key of the client to encrypt to; it gets nothing");
    }
    Ok(Envelope(Some(recipient.ok_or(NoRecipient)?)))
}

impl FetchedKeys {
    /// The keys at this address of a client's, as far as they are known or can be fetched.
    pub async fn of(
        &self,
        egress: &Egress,
        client: (TenantId, &ClientId),
        address: &str,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Option<Arc<ClientKeys>> {
        let slot = self.slot(client, now);
        let mut slot = slot.lock().await;
        if slot.address != address {
            *slot = Slot { address: address.to_owned(), ..Slot::default() };
        }
        if slot.must_fetch(wanted, now) {
            slot.tried_at = Some(now);
            let failed = match egress.fetch_json(address).await {
                Err(error) => Some(error.to_string()),
                Ok(document) => match ClientKeys::parse(&document) {
                    Err(refusal) => Some(format!("the document {refusal}")),
                    Ok(keys) => {
                        let faults: Vec<String> = keys.faults().iter().map(ToString::to_string).collect();
                        if !faults.is_empty() {
                            tracing::warn!(client = %client.1, faults = faults.join("; "), "keys that are not taken");
                        }
                        slot.held = Some(Held { keys: Arc::new(keys), fetched_at: now });
                        None
                    }
                },
            };
            if let Some(problem) = failed {
                tracing::warn!(client = %client.1, problem, "cannot fetch the client's keys");
            }
        }
        slot.keys(now)
    }

    fn slot(&self, (tenant, client): (TenantId, &ClientId), now: Timestamp) -> Arc<Turn<Slot>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, client.clone());
        if kept.len() >= CLIENTS && !kept.contains_key(&key) {
            let longest = kept.iter().min_by_key(|(_, it)| it.asked_at).map(|(key, _)| key.clone());
            longest.and_then(|key| kept.remove(&key));
        }
        let entry = kept.entry(key).or_insert_with(|| Kept { slot: Arc::default(), asked_at: now });
        entry.asked_at = now;
        Arc::clone(&entry.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn keys(kids: &[&str]) -> Arc<ClientKeys> {
        let jwk = |kid: &&str| {
            serde_json::json!({
                "kty": "EC", "crv": "P-256", "kid": kid,
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            })
        };
        let set = serde_json::json!({ "keys": kids.iter().map(jwk).collect::<Vec<_>>() });
        Arc::new(ClientKeys::parse(set.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn when_an_address_is_asked() {
        let at = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
        let wanted = |kid| Wanted::Verifying { key_id: Some(kid), algorithm: Algorithm::Es256 };
        let held = |fetched: u64, tried: u64| Slot {
            address: String::new(),
            held: Some(Held { keys: keys(&["a"]), fetched_at: at(fetched) }),
            tried_at: Some(at(tried)),
        };
        let failed = Slot { tried_at: Some(NOW), ..Slot::default() };
        assert!(Slot::default().must_fetch(wanted("a"), NOW));
        for (slot, kid, seconds, fetches) in [
            (&failed, "a", 9, false),
            (&failed, "a", 10, true),
            (&held(0, 0), "a", 299, false),
            (&held(0, 0), "a", 300, true),
            (&held(0, 295), "a", 300, false),
            (&held(0, 295), "a", 305, true),
            (&held(0, 0), "b", 59, false),
            (&held(0, 0), "b", 60, true),
            (&held(0, 60), "b", 119, false),
            (&held(0, 60), "b", 120, true),
        ] {
            assert_eq!(slot.must_fetch(wanted(kid), at(seconds)), fetches, "{kid} after {seconds}");
        }
        // What can't be fetched anew serves for a while.
        assert!(held(0, 3590).keys(at(3599)).is_some());
        assert!(held(0, 3590).keys(at(3600)).is_none());
    }

    #[test]
    fn the_client_that_was_longest_not_asked_for_goes() {
        let (kept, tenant) = (FetchedKeys::default(), TenantId::new(NOW, [1; 10]));
        let client = |number: usize| format!("cli_{number}").parse::<ClientId>().unwrap();
        for number in 0..CLIENTS {
            kept.slot((tenant, &client(number)), NOW.plus(Duration::from_secs(number as u64)));
        }
        let later = NOW.plus(Duration::from_hours(1));
        kept.slot((tenant, &client(0)), later);
        kept.slot((tenant, &client(CLIENTS)), later);
        let map = kept.0.lock().unwrap();
        assert_eq!(map.len(), CLIENTS);
        assert!(map.contains_key(&(tenant, client(0))) && !map.contains_key(&(tenant, client(1))));
    }
}
