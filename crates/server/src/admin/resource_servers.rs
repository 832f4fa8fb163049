use std::time::Duration;

use identity::EventKind;
use oidc::resource_server::{ResourceIdentifier, ResourceServer, TokenFormat};
use oidc::scope::Scope;
use serde_json::{Value, json};
use store::write_tx;
use terms::{ClientId, ResourceServerId, limits};

use super::{AdminError, Desk, keys};

/// A resource server to be made, as it was typed.
pub struct New {
    pub identifier: String,
    pub scope: String,
    pub token_format: String,
    pub token_lifetime: u64,
    pub introspection_client: Option<String>,
}

const LONGEST_LIFETIME: u64 = limits::ACCESS_TOKEN_LONGEST.as_secs();

pub async fn create(at: Desk<'_>, new: New) -> Result<Value, AdminError> {
    let server = checked(at, new)?;
    if let Some(client) = &server.introspection_client
        && at.app.store.read(at.tenant.id).client(client).await?.is_none()
    {
        return Err(AdminError::refused(format!("--introspection-client: there is no client {client}")));
    }
    if let Some(algorithm) = server.format.algorithm() {
        keys::ensure(at, algorithm).await?;
    }
    let id = at.app.entropy.id(ResourceServerId::new, at.now);
    let event = at.event(EventKind::ResourceServerCreated, id);
    let made = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        if !tx.insert_resource_server(id, &server).await? {
            return Ok(false);
        }
        at.append(tx, &event).await?;
        Ok(true)
    })?;
    if !made {
        return Err(AdminError::refused(format!("there is a resource server {} already", server.identifier)));
    }
    Ok(shown(&ResourceServer { id: Some(id), ..server }))
}

/// Everything that is wrong, at once.
fn checked(at: Desk<'_>, new: New) -> Result<ResourceServer, AdminError> {
    let mut faults = Vec::new();
    let identifier = new.identifier.parse::<ResourceIdentifier>();
    let identifier = identifier.map_err(|error| faults.push(format!("--identifier: {error}"))).ok();
    let scopes = if new.scope.trim().is_empty() { Ok(Scope::empty()) } else { new.scope.parse::<Scope>() };
    let scopes = scopes.map_err(|error| faults.push(format!("--scope: {error}"))).ok();
    let format = new.token_format.parse::<TokenFormat>();
    let format = format.map_err(|error| faults.push(format!("--token-format: {error}"))).ok();
    let client = new.introspection_client.map(|text| text.parse::<ClientId>()).transpose();
    let client = client.map_err(|error| faults.push(format!("--introspection-client: {error}"))).ok();
    if !(1..=LONGEST_LIFETIME).contains(&new.token_lifetime) {
        faults.push(format!("--token-lifetime: must be between 1 and {LONGEST_LIFETIME} seconds"));
    }
    if new.identifier == at.tenant.issuer.as_str() {
        faults.push("--identifier: the issuer itself is a resource server already".to_owned());
    }
    match (identifier, scopes, format, client) {
        (Some(identifier), Some(scopes), Some(format), Some(introspection_client)) if faults.is_empty() => {
            let access_token_lifetime = Duration::from_secs(new.token_lifetime);
            Ok(ResourceServer {
                id: None,
                identifier,
                scopes,
                format,
                access_token_lifetime,
                introspection_client,
            })
        }
        _ => Err(AdminError::Refused(faults)),
    }
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let servers = at.app.store.read(at.tenant.id).resource_servers().await?;
    Ok(servers.iter().map(shown).collect())
}

pub async fn delete(at: Desk<'_>, identifier: &str) -> Result<Value, AdminError> {
    let unknown = || AdminError::unknown(format!("there is no resource server {identifier}"));
    let parsed: ResourceIdentifier = identifier.parse().map_err(|_| unknown())?;
    let found = at.app.store.read(at.tenant.id).resource_server(&parsed).await?;
    let id = found.and_then(|server| server.id).ok_or_else(unknown)?;
    let event = at.event(EventKind::ResourceServerDeleted, id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        if tx.delete_resource_server(id).await? {
            at.append(tx, &event).await?;
        }
        Ok(())
    })?;
    Ok(json!({ "deleted": identifier }))
}

fn shown(server: &ResourceServer) -> Value {
    json!({
        "identifier": server.identifier.as_str(),
        "scope": server.scopes.to_string(),
        "token_format": server.format.as_str(),
        "token_lifetime": server.access_token_lifetime.as_secs(),
        "introspection_client": server.introspection_client,
        "resource_server_id": server.id,
    })
}
