//! What an administrator can do: one list of commands, one place where they are carried out.
//!
//! The command line carries them out itself, or hands them to the running server over a socket: [`socket`].

mod clients;
mod keys;
mod master_key;
mod resource_servers;
pub mod socket;
mod tenants;
mod users;

use std::fmt;
use std::sync::Arc;

use identity::{Actor, Event, EventKind};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use store::Fault;
use terms::{SecretText, Timestamp};

use crate::app::App;
use crate::tenant::Tenant;

/// One thing to do, with what it needs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminCommand {
    KeysList,
    KeysCreate {
        alg: String,
    },
    KeysRotate {
        alg: Option<String>,
        now: bool,
    },
    KeysRevoke {
        kid: String,
    },
    MasterKeyStatus,
    MasterKeyRewrap,
    ClientsCreate(ClientChanges),
    ClientsList,
    ClientsShow {
        client_id: String,
    },
    ClientsUpdate {
        client_id: String,
        changes: ClientChanges,
        new_secret: bool,
    },
    ClientsDelete {
        client_id: String,
    },
    UsersCreate {
        email: String,
        #[serde(serialize_with = "reveal")]
        password: SecretText,
        profile: Option<Value>,
    },
    UsersList,
    UsersSetPassword {
        user: String,
        #[serde(serialize_with = "reveal")]
        password: SecretText,
    },
    UsersDelete {
        user: String,
    },
    TenantsCreate {
        slug: String,
        issuer: Option<String>,
        hosts: Vec<String>,
    },
    TenantsList,
    TenantsShow,
    TenantsSet {
        settings: Value,
    },
    ResourceServersCreate {
        identifier: String,
        scope: String,
        token_format: String,
        token_lifetime: u64,
        introspection_client: Option<String>,
    },
    ResourceServersList,
    ResourceServersDelete {
        identifier: String,
    },
}

/// What is said about a client: all of its metadata, or some members, and the operator's own settings.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientChanges {
    /// Client metadata by their names of RFC 7591.
    pub metadata: Value,
    /// Whether they replace all metadata, or only the members that are named.
    pub whole: bool,
    pub first_party: Option<bool>,
    pub rotate_refresh_tokens: Option<bool>,
    /// Further settings by their names in `ClientSettings`; null takes one back to its default.
    pub settings: Map<String, Value>,
}

/// A command on its way to the running server, whose other end only the owner of the data can open.
fn reveal<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
}

/// Why a command was not carried out.
#[derive(Debug)]
pub enum AdminError {
    /// What was asked for can't be; each line says what to do about it.
    Refused(Vec<String>),
    Fault(Fault),
}

impl AdminError {
    fn refused(reason: impl fmt::Display) -> Self {
        Self::Refused(vec![reason.to_string()])
    }

    fn all(reasons: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        Self::Refused(reasons.into_iter().map(|reason| reason.to_string()).collect())
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reasons) => f.write_str(&reasons.join("\n")),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<Fault> for AdminError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Carries out a command for the tenant of this slug or id. The answer is for the one who asked: it may hold a secret
/// that is shown once.
pub async fn execute(app: &App, tenant: &str, command: AdminCommand) -> Result<Value, AdminError> {
    use AdminCommand as C;
    let tenant = find_tenant(app, tenant)?;
    let at = Desk { app, tenant: &tenant, now: app.clock.now() };
    match command {
        C::KeysList => keys::list(at).await,
        C::KeysCreate { alg } => keys::create(at, &alg).await,
        C::KeysRotate { alg, now } => keys::rotate(at, alg.as_deref(), now).await,
        C::KeysRevoke { kid } => keys::revoke(at, &kid).await,
        C::MasterKeyStatus => master_key::status(at).await,
        C::MasterKeyRewrap => master_key::rewrap(at).await,
        C::ClientsCreate(changes) => clients::create(at, changes).await,
        C::ClientsList => clients::list(at).await,
        C::ClientsShow { client_id } => clients::show(at, &client_id).await,
        C::ClientsUpdate { client_id, changes, new_secret } => {
            clients::update(at, &client_id, changes, new_secret).await
        }
        C::ClientsDelete { client_id } => clients::delete(at, &client_id).await,
        C::UsersCreate { email, password, profile } => users::create(at, &email, password, profile).await,
        C::UsersList => users::list(at).await,
        C::UsersSetPassword { user, password } => users::set_password(at, &user, password).await,
        C::UsersDelete { user } => users::delete(at, &user).await,
        C::TenantsCreate { slug, issuer, hosts } => tenants::create(at, slug, issuer, hosts).await,
        C::TenantsList => Ok(tenants::list(at)),
        C::TenantsShow => Ok(tenants::show(at)),
        C::TenantsSet { settings } => tenants::set(at, &settings).await,
        C::ResourceServersCreate {
            identifier,
            scope,
            token_format,
            token_lifetime,
            introspection_client,
        } => {
            let new = resource_servers::New {
                identifier,
                scope,
                token_format,
                token_lifetime,
                introspection_client,
            };
            resource_servers::create(at, new).await
        }
        C::ResourceServersList => resource_servers::list(at).await,
        C::ResourceServersDelete { identifier } => resource_servers::delete(at, &identifier).await,
    }
}

/// Where a command is carried out, and when.
#[derive(Clone, Copy)]
struct Desk<'a> {
    app: &'a App,
    tenant: &'a Tenant,
    now: Timestamp,
}

impl Desk<'_> {
    fn event(&self, kind: EventKind, subject: impl fmt::Display) -> Event {
        Event::new(self.app.event_id(), kind, Actor::Operator, self.now).about(subject)
    }
}

fn find_tenant(app: &App, name: &str) -> Result<Arc<Tenant>, AdminError> {
    let directory = app.directory();
    let by_id = || name.parse().ok().and_then(|id| directory.by_id(id));
    let found = directory.by_slug(name).or_else(by_id);
    found
        .cloned()
        .ok_or_else(|| AdminError::refused(format!("there is no tenant {name}; see `portico tenants list`")))
}

/// An instant as people and programs read it (RFC 3339).
fn instant(at: Timestamp) -> Value {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or(Value::Null, |at| Value::from(at.to_string()))
}
