use identity::EventKind;
use oidc::client::{Client, ClientMetadata, ClientSettings, SecretKeeping};
use oidc::client_auth::{KeptSecret, LiveSecret};
use serde_json::{Map, Value, json};
use store::clients::LIVE_SECRETS;
use store::{Fault, write_tx};
use terms::{ClientId, ClientSecret, ClientSecretId};

use super::{AdminError, ClientChanges, Desk, instant, keys};
use crate::sealing::Place;

/// Clients in one page of the list as it is read.
const PAGE: u32 = 500;

pub async fn create(at: Desk<'_>, changes: ClientChanges) -> Result<Value, AdminError> {
    let id =
        ClientId::try_from(format!("cli_{}", at.app.entropy.hex::<16>())).map_err(AdminError::refused)?;
    let metadata = ClientMetadata::parse(&changes.metadata).map_err(AdminError::all)?;
    let client =
        Client { id, metadata, settings: settings(&ClientSettings::default(), &changes), created_at: at.now };
    keys::ensure(at, client.id_token_algorithm).await?;
    let secret = new_secret(at, &client)?;
    let event = at.event(EventKind::ClientCreated, &client.id);
    let made = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, Fault> {
        if !tx.insert_client(&client).await? {
            return Ok(false);
        }
        if let Some((_, secret)) = &secret {
            tx.insert_client_secret(&client.id, secret, at.now).await?;
        }
        tx.append_event(&event).await?;
        Ok(true)
    })?;
    if !made {
        return Err(AdminError::refused("the client's id is taken; try again"));
    }
    Ok(shown(&client, secret.map(|(secret, _)| secret)))
}

/// A secret for its holder, and what is stored of it; nothing for a client whose method has no secret.
fn new_secret(at: Desk<'_>, client: &Client) -> Result<Option<(ClientSecret, LiveSecret)>, Fault> {
    let secret = at.app.entropy.secret(ClientSecret::new);
    let id = at.app.entropy.id(ClientSecretId::new, at.now);
    let kept = match client.auth_method.secret_keeping() {
        SecretKeeping::None => return Ok(None),
        SecretKeeping::Hashed => KeptSecret::Hashed(secret.hash()),
        SecretKeeping::Sealed => {
            let place = Place::ClientSecret(client.id.clone(), id);
            let sealed = at.tenant.data_key.seal(&at.app.entropy, place, secret.octets());
            let doing = || format!("seal a secret of {}", client.id);
            KeptSecret::Sealed(sealed.map_err(|error| Fault::new(doing()).because(error))?)
        }
    };
    let stored = LiveSecret { id, kept, expires_at: None };
    Ok(Some((secret, stored)))
}

fn settings(before: &ClientSettings, changes: &ClientChanges) -> ClientSettings {
    ClientSettings {
        first_party: changes.first_party.unwrap_or(before.first_party),
        rotate_refresh_tokens: changes.rotate_refresh_tokens.unwrap_or(before.rotate_refresh_tokens),
        ..before.clone()
    }
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let clients = at.app.store.read(at.tenant.id).clients_after(&after, PAGE).await?;
        let Some(last) = clients.last() else { break };
        after = last.id.to_string();
        rows.extend(clients.iter().map(|client| {
            json!({
                "client_id": client.id,
                "client_name": client.name,
                "token_endpoint_auth_method": client.auth_method.as_str(),
                "grant_types": client.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
                "first_party": client.settings.first_party,
                "created_at": instant(client.created_at),
            })
        }));
    }
    Ok(Value::Array(rows))
}

pub async fn show(at: Desk<'_>, client_id: &str) -> Result<Value, AdminError> {
    Ok(shown(&find(at, client_id).await?, None))
}

pub async fn update(
    at: Desk<'_>,
    client_id: &str,
    changes: ClientChanges,
    with_secret: bool,
) -> Result<Value, AdminError> {
    let before = find(at, client_id).await?;
    let kept_before = before.auth_method.secret_keeping();
    let metadata = ClientMetadata::parse(&merged(&before, &changes)).map_err(AdminError::all)?;
    let client = Client {
        metadata,
        settings: settings(&before.settings, &changes),
        id: before.id,
        created_at: before.created_at,
    };
    keys::ensure(at, client.id_token_algorithm).await?;
    // What was kept of a secret for one method is of no use to another, and must not come back to life with a third.
    let kept_otherwise = client.auth_method.secret_keeping() != kept_before;
    let secret = if kept_otherwise || with_secret { new_secret(at, &client)? } else { None };
    if with_secret && secret.is_none() {
        let method = client.auth_method;
        return Err(AdminError::refused(format!("a client that authenticates by {method} has no secret")));
    }
    let event = at.event(EventKind::ClientUpdated, &client.id);
    let secret_event = at.event(EventKind::ClientSecretCreated, &client.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        if !tx.update_client(&client).await? {
            return Err(AdminError::refused("the client is gone"));
        }
        tx.append_event(&event).await?;
        if kept_otherwise {
            tx.delete_client_secrets(&client.id).await?;
        }
        if let Some((_, secret)) = &secret {
            // Room for one more: of those that live, only the newest stays.
            if let Some(newest) = tx.client_secrets(&client.id).await?.last() {
                tx.delete_client_secrets_before(&client.id, newest.id).await?;
            }
            if !tx.insert_client_secret(&client.id, secret, at.now).await? {
                return Err(AdminError::refused(format!(
                    "{LIVE_SECRETS} secrets of the client live already"
                )));
            }
            tx.append_event(&secret_event).await?;
        }
        Ok(())
    })?;
    Ok(shown(&client, secret.map(|(secret, _)| secret)))
}

/// The metadata after a change: all new, or the old ones with some members replaced. `null` takes a member away.
fn merged(before: &Client, changes: &ClientChanges) -> Value {
    let Value::Object(new) = &changes.metadata else { return changes.metadata.clone() };
    if changes.whole {
        return changes.metadata.clone();
    }
    let mut members = match before.metadata.to_json() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if new.contains_key("grant_types") {
        // What follows from the grant types is worked out anew.
        members.remove("response_types");
    }
    // RFC 7591 section 2: not both, so that the one that is given takes the other's place.
    for (given, other) in [("jwks", "jwks_uri"), ("jwks_uri", "jwks")] {
        if new.contains_key(given) {
            members.remove(other);
        }
    }
    members.extend(new.clone());
    Value::Object(members)
}

pub async fn delete(at: Desk<'_>, client_id: &str) -> Result<Value, AdminError> {
    let client = find(at, client_id).await?;
    let event = at.event(EventKind::ClientDeleted, &client.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), Fault> {
        if tx.delete_client(&client.id).await? {
            tx.append_event(&event).await?;
        }
        Ok(())
    })?;
    Ok(json!({ "deleted": client.id }))
}

async fn find(at: Desk<'_>, client_id: &str) -> Result<Client, AdminError> {
    let unknown =
        || AdminError::refused(format!("there is no client {client_id}; see `portico clients list`"));
    let id: ClientId = client_id.parse().map_err(|_| unknown())?;
    at.app.store.read(at.tenant.id).client(&id).await?.ok_or_else(unknown)
}

/// As RFC 7591 section 3.2.1 answers a registration, and what the operator decided.
fn shown(client: &Client, secret: Option<ClientSecret>) -> Value {
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
    members.insert("first_party".to_owned(), Value::from(client.settings.first_party));
    members.insert("rotate_refresh_tokens".to_owned(), Value::from(client.settings.rotate_refresh_tokens));
    Value::Object(members)
}
