use identity::EventKind;
use oidc::client::{Client, ClientMetadata, ClientSettings, MetadataFault};
use serde_json::{Map, Value, json};
use store::clients::LIVE_SECRETS;
use store::write_tx;
use terms::{ClientId, ClientSecret};

use super::part::Part;
use super::{AdminError, ClientChanges, Desk, instant, keys};
use crate::registration::{self, NewSecret, check_sector, new_id, new_secret, response_types_are_let};

pub async fn create(at: Desk<'_>, changes: ClientChanges) -> Result<Value, AdminError> {
    let id = new_id(at.app).map_err(AdminError::refused)?;
    let metadata = ClientMetadata::parse(&changes.metadata);
    let (metadata, settings) = read(metadata, &ClientSettings::default(), &changes)?;
    let client = Client { id, metadata, settings, created_at: at.now, last_used_at: None };
    check(at, &client).await?;
    let secret = new_secret(at.app, at.tenant, &client, at.now)?;
    let event = at.event(EventKind::ClientCreated, &client.id);
    let made = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        if !tx.insert_client(&client).await? {
            return Ok(false);
        }
        if let Some(NewSecret { stored, .. }) = &secret {
            tx.insert_client_secret(&client.id, stored, at.now).await?;
        }
        at.append(tx, &event).await?;
        Ok(true)
    })?;
    if !made {
        return Err(AdminError::refused("the client's id is taken; try again"));
    }
    Ok(shown(&client, secret.as_ref().map(|it| &it.secret)))
}

/// Tokens out of the authorization endpoint are off unless the tenant and the operator both let the client. Said at once, and
/// not only when somebody signs in.
fn check_profile(at: Desk<'_>, client: &Client) -> Result<(), AdminError> {
    if response_types_are_let(at.tenant, client) {
        return Ok(());
    }
    Err(AdminError::refused(
        "response_types: id_token and token need the client's profile oidc-legacy (--profile), and a tenant whose setting oidc_legacy is not off",
    ))
}

/// The client has a profile for what it asks for, is of the sector that it names, and the tenant can sign its ID tokens and userinfo.
async fn check(at: Desk<'_>, client: &Client) -> Result<(), AdminError> {
    check_profile(at, client)?;
    let checked = check_sector(at.app, client).await;
    checked.map_err(|fault| AdminError::refused(format!("sector_identifier_uri: {fault}")))?;
    keys::ensure(at, client.id_token_algorithm).await?;
    match client.userinfo_algorithm {
        Some(algorithm) => keys::ensure(at, algorithm).await,
        None => Ok(()),
    }
}

/// What it says of itself and what is said of it. All that is wrong is told at once.
fn read(
    metadata: Result<ClientMetadata, Vec<MetadataFault>>,
    before: &ClientSettings,
    changes: &ClientChanges,
) -> Result<(ClientMetadata, ClientSettings), AdminError> {
    match (metadata, settings(before, changes)) {
        (Ok(metadata), Ok(settings)) => Ok((metadata, settings)),
        (metadata, settings) => {
            let faults = metadata.err().into_iter().chain(settings.err()).flatten();
            Err(AdminError::all(faults))
        }
    }
}

fn settings(before: &ClientSettings, changes: &ClientChanges) -> Result<ClientSettings, Vec<MetadataFault>> {
    let mut members = members(before);
    members.extend(changes.settings.clone());
    let flags =
        [("first_party", changes.first_party), ("rotate_refresh_tokens", changes.rotate_refresh_tokens)];
    members.extend(flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), flag?.into()))));
    ClientSettings::parse(members)
}

/// The settings by their names.
fn members(settings: &ClientSettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

pub async fn list(at: Desk<'_>, part: &Part) -> Result<Value, AdminError> {
    let after = part.after.as_deref().unwrap_or_default();
    let clients = at.app.store.read(at.tenant.id).clients_after(after, part.most()?).await?;
    let row = |client: &Client| {
        json!({
            "client_id": client.id,
            "client_name": client.name,
            "token_endpoint_auth_method": client.auth_method.as_str(),
            "grant_types": client.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
            "first_party": client.settings.first_party,
            "created_at": instant(client.created_at),
        })
    };
    Ok(clients.iter().map(row).collect())
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
    let metadata = ClientMetadata::parse_change(&merged(&before, &changes), &before.metadata);
    let (metadata, settings) = read(metadata, &before.settings, &changes)?;
    let client = Client { metadata, settings, ..before };
    check(at, &client).await?;
    // What was kept of a secret for one method is of no use to another, and must not come back to life with a third.
    let kept_otherwise = client.auth_method.secret_keeping() != kept_before;
    let secret =
        if kept_otherwise || with_secret { new_secret(at.app, at.tenant, &client, at.now)? } else { None };
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
        at.append(tx, &event).await?;
        if kept_otherwise {
            tx.delete_client_secrets(&client.id).await?;
        }
        if let Some(NewSecret { stored, .. }) = &secret {
            // Room for one more: of those that live, only the newest stays.
            if let Some(newest) = tx.client_secrets(&client.id).await?.last() {
                tx.delete_client_secrets_before(&client.id, newest.id).await?;
            }
            if !tx.insert_client_secret(&client.id, stored, at.now).await? {
                return Err(AdminError::refused(format!(
                    "{LIVE_SECRETS} secrets of the client live already"
                )));
            }
            at.append(tx, &secret_event).await?;
        }
        Ok(())
    })?;
    Ok(shown(&client, secret.as_ref().map(|it| &it.secret)))
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
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        if tx.delete_client(&client.id).await? {
            at.append(tx, &event).await?;
        }
        Ok(())
    })?;
    Ok(json!({ "deleted": client.id }))
}

pub async fn end_secrets(at: Desk<'_>, client_id: &str) -> Result<Value, AdminError> {
    let client = find(at, client_id).await?;
    let event = at.event(EventKind::ClientSecretsEnded, &client.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        let secrets = tx.client_secrets(&client.id).await?;
        let Some(newest) = secrets.last().filter(|_| secrets.len() > 1) else { return Ok(()) };
        tx.delete_client_secrets_before(&client.id, newest.id).await?;
        at.append(tx, &event).await
    })?;
    Ok(shown(&client, None))
}

async fn find(at: Desk<'_>, client_id: &str) -> Result<Client, AdminError> {
    let unknown =
        || AdminError::unknown(format!("there is no client {client_id}; see `portico clients list`"));
    let id: ClientId = client_id.parse().map_err(|_| unknown())?;
    at.app.store.read(at.tenant.id).client(&id).await?.ok_or_else(unknown)
}

/// As RFC 7591 section 3.2.1 answers a registration, and what the operator decided.
fn shown(client: &Client, secret: Option<&ClientSecret>) -> Value {
    let mut members = registration::members(client, secret);
    // What has its default and is not a yes or no says nothing.
    members.extend(
        self::members(&client.settings)
            .into_iter()
            .filter(|(_, value)| !value.is_null() && *value != json!([])),
    );
    if let Some(last) = client.last_used_at {
        members.insert("registered_itself".to_owned(), Value::Bool(true));
        members.insert("last_used_at".to_owned(), instant(last));
    }
    Value::Object(members)
}
