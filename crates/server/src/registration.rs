//! What registering a client takes, whoever does it: an operator, or the client itself.

use std::fmt;

use oidc::client::{Client, SecretKeeping};
use oidc::client_auth::{KeptSecret, LiveSecret};
use serde_json::{Map, Value, json};
use store::{Fault, write_tx};
use terms::{ClientId, ClientSecret, ClientSecretId, IdError, Timestamp};

use crate::app::App;
use crate::egress::EgressError;
use crate::sealing::Place;
use crate::tenant::Tenant;

/// A client's secret, for its holder and for the store.
pub struct NewSecret {
    pub secret: ClientSecret,
    pub stored: LiveSecret,
}

/// A name that no client has had.
pub fn new_id(app: &App) -> Result<ClientId, IdError> {
    ClientId::try_from(format!("cli_{}", app.entropy.hex::<16>()))
}

/// Another secret; none for a client whose method has none.
pub fn new_secret(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    now: Timestamp,
) -> Result<Option<NewSecret>, Fault> {
    let secret = app.entropy.secret(ClientSecret::new);
    let id = app.entropy.id(ClientSecretId::new, now);
    let kept = match client.auth_method.secret_keeping() {
        SecretKeeping::None => return Ok(None),
        SecretKeeping::Hashed => KeptSecret::Hashed(secret.hash()),
        SecretKeeping::Sealed => {
            let place = Place::ClientSecret(client.id.clone(), id);
            let sealed = tenant.data_key.seal(&app.entropy, place, secret.octets());
            let doing = || format!("seal a secret of {}", client.id);
            KeptSecret::Sealed(sealed.map_err(|error| Fault::new(doing()).because(error))?)
        }
    };
    let stored = LiveSecret { id, kept, expires_at: None };
    Ok(Some(NewSecret { secret, stored }))
}

/// Why a client is not of the sector that it names.
#[derive(Debug)]
pub enum SectorFault {
    NotFetched(EgressError),
    /// Not a list of URIs in JSON.
    NoList,
    /// A redirect URI that the sector doesn't list.
    Unlisted(String),
}

impl SectorFault {
    /// The same for whoever registers a client: what this server reaches is not theirs to learn.
    pub fn for_strangers(&self) -> String {
        match self {
            Self::NotFetched(_) => "no document could be fetched from it".to_owned(),
            Self::NoList | Self::Unlisted(_) => self.to_string(),
        }
    }
}

impl fmt::Display for SectorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFetched(error) => error.fmt(f),
            Self::NoList => f.write_str("the document is no list of URIs in JSON"),
            Self::Unlisted(uri) => write!(f, "the document doesn't list {uri}"),
        }
    }
}

/// OpenID Connect Registration section 5: whoever has the sector's host says there which redirect URIs belong to it, or
/// anybody could join it and learn the names by which it knows people. Asked whenever the client is made or changed.
pub async fn check_sector(app: &App, client: &Client) -> Result<(), SectorFault> {
    let Some(address) = &client.sector_identifier_uri else { return Ok(()) };
    let document = app.egress.fetch_json(address).await.map_err(SectorFault::NotFetched)?;
    let Ok(Value::Array(listed)) = oidc::jose::json::parse(&document) else {
        return Err(SectorFault::NoList);
    };
    match client.redirect_uris.iter().find(|uri| !listed.iter().any(|it| it == uri.as_str())) {
        Some(missing) => Err(SectorFault::Unlisted(missing.as_str().to_owned())),
        None => Ok(()),
    }
}

/// Whether the client may have the response types that it registers: tokens out of the authorization endpoint are off unless
/// they are let. Said at once, and not only when somebody signs in.
pub fn response_types_are_let(tenant: &Tenant, client: &Client) -> bool {
    let wants = client.response_types.iter().any(|it| it.is_front_channel());
    !wants || tenant.legacy_clients().include(client)
}

/// What the registration of a client is answered with (RFC 7591 section 3.2.1).
pub fn members(client: &Client, secret: Option<&ClientSecret>) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("client_id".to_owned(), json!(client.id));
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), Value::from(secret.reveal()));
        // RFC 7591 section 3.2.1: required with a secret; 0 for one that doesn't expire.
        members.insert("client_secret_expires_at".to_owned(), Value::from(0));
    }
    members.insert("client_id_issued_at".to_owned(), Value::from(client.created_at.as_seconds()));
    if let Value::Object(metadata) = client.metadata.to_json() {
        members.extend(metadata);
    }
    members
}

/// Clients in one look for those that nobody uses.
const BATCH: u32 = 100;

/// Takes away the clients of a tenant that registered themselves and were used by nobody for as long as the tenant says.
pub(crate) async fn sweep_unused(app: &App, tenant: &Tenant) -> Result<u64, Fault> {
    use identity::{Actor, Event, EventKind};
    let now = app.clock.now();
    let before = now.minus(tenant.settings.registration.unused());
    let mut swept = 0;
    loop {
        let unused = app.store.read(tenant.id).clients_unused_since(before, BATCH).await?;
        for client in &unused {
            let event = Event::new(app.event_id(), EventKind::ClientExpired, Actor::System, now);
            let event = event.about(&client.id);
            let gone = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
                let gone = tx.delete_unused_client(&client.id, before).await?;
                if gone {
                    tx.append_event(&event).await?;
                }
                Ok(gone)
            })?;
            swept += u64::from(gone);
        }
        if unused.len() < BATCH as usize {
            return Ok(swept);
        }
    }
}
