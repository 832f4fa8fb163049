//! What an administrator can do: one list of commands, one place where they are carried out.
//!
//! The command line carries them out itself, or hands them to the running server over a socket: [`socket`].

mod admins;
mod authority;
mod clients;
mod events;
mod initial_access_tokens;
mod keys;
mod mails;
mod master_key;
mod part;
mod resource_servers;
pub mod socket;
mod tenants;
mod users;

use std::fmt;
use std::sync::Arc;

use identity::EventKind;
use identity::tenant_admin::AdminRefusal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use store::{Fault, Tx};
use terms::{SecretText, SessionId, Timestamp};

use crate::app::App;
use crate::tenant::Tenant;

pub use authority::{AdminAtWork, Authority, Needs, Warrant, WarrantedEvent, admit};
pub use events::EventsAsked;
pub use part::Part;

/// One thing to do, with what it needs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminCommand {
    AdminsCreate {
        email: String,
    },
    AdminsList,
    AdminsRemove {
        user: String,
    },
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
    ClientsList(Part),
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
    /// Of the secrets of a client, only the newest stays.
    ClientsEndSecrets {
        client_id: String,
    },
    InitialAccessTokensCreate {
        uses: u32,
        /// In seconds.
        lifetime: u64,
    },
    InitialAccessTokensList,
    InitialAccessTokensDelete {
        token_id: String,
    },
    MailTest {
        to: String,
    },
    MailList,
    MailRetry {
        mail_id: Option<String>,
    },
    UsersCreate {
        email: Option<String>,
        username: Option<String>,
        #[serde(serialize_with = "reveal")]
        password: SecretText,
        profile: Option<Value>,
    },
    /// All in the order of their making, or those with an address, a username or a name that begins so.
    UsersList {
        beginning: Option<String>,
        part: Part,
    },
    UsersSetPassword {
        user: String,
        #[serde(serialize_with = "reveal")]
        password: SecretText,
    },
    /// A user without password, who chooses one by a mailed code.
    UsersInvite {
        email: String,
        profile: Option<Value>,
    },
    UsersDisable {
        user: String,
    },
    UsersEnable {
        user: String,
    },
    UsersSignOut {
        user: String,
    },
    /// Ends one session of a user.
    UsersEndSession {
        user: String,
        session: SessionId,
    },
    /// Wrong guesses at the password are forgotten: the user may try again at once.
    UsersForgiveAttempts {
        user: String,
    },
    /// The password no longer works; the user chooses another by a mailed code.
    UsersResetPassword {
        user: String,
    },
    UsersDelete {
        user: String,
    },
    EventsList(EventsAsked),
    TenantsCreate {
        slug: String,
        issuer: Option<String>,
        hosts: Vec<String>,
    },
    TenantsList(Part),
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
    /// There is no such thing in this tenant.
    Unknown(String),
    /// Who asks may not do this, or may no longer.
    Forbidden(AdminRefusal),
    Fault(Fault),
}

impl AdminError {
    fn unknown(reason: impl fmt::Display) -> Self {
        Self::Unknown(reason.to_string())
    }

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
            Self::Unknown(reason) => f.write_str(reason),
            Self::Forbidden(refusal) => write!(f, "the administrator may not do this: {refusal:?}"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<AdminRefusal> for AdminError {
    fn from(refusal: AdminRefusal) -> Self {
        Self::Forbidden(refusal)
    }
}

impl From<Fault> for AdminError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Carries out an operator's command for the tenant of this slug or id. The answer is for the one who asked: it may hold
/// a secret that is shown once.
pub async fn execute(app: &App, tenant: &str, command: AdminCommand) -> Result<Value, AdminError> {
    let tenant = find_tenant(app, tenant).await?;
    let at = Desk::new(app, &tenant, Authority::Operator, &command, app.clock.now());
    // On the heap: it holds the parts of every command, and each caller would carry them.
    Box::pin(carry_out(at, command)).await
}

/// Carries out a command of an administrator of the tenant, if it is theirs to give. Every write looks again whether
/// they still are one.
pub async fn execute_for(
    app: &App,
    tenant: &Arc<Tenant>,
    admin: &AdminAtWork,
    command: AdminCommand,
    now: Timestamp,
) -> Result<Value, AdminError> {
    let at = Desk::new(app, tenant, Authority::Admin(admin), &command, now);
    at.require()?;
    // On the heap: it holds the parts of every command, and each caller would carry them.
    Box::pin(carry_out(at, command)).await
}

async fn carry_out(at: Desk<'_>, command: AdminCommand) -> Result<Value, AdminError> {
    use AdminCommand as C;
    match command {
        C::AdminsCreate { email } => admins::create(at, &email).await,
        C::AdminsList => admins::list(at).await,
        C::AdminsRemove { user } => admins::remove(at, &user).await,
        C::KeysList => keys::list(at).await,
        C::KeysCreate { alg } => keys::create(at, &alg).await,
        C::KeysRotate { alg, now } => keys::rotate(at, alg.as_deref(), now).await,
        C::KeysRevoke { kid } => keys::revoke(at, &kid).await,
        C::MasterKeyStatus => master_key::status(at).await,
        C::MasterKeyRewrap => master_key::rewrap(at).await,
        C::ClientsCreate(changes) => clients::create(at, changes).await,
        C::ClientsList(part) => clients::list(at, &part).await,
        C::ClientsShow { client_id } => clients::show(at, &client_id).await,
        C::ClientsUpdate { client_id, changes, new_secret } => {
            clients::update(at, &client_id, changes, new_secret).await
        }
        C::ClientsDelete { client_id } => clients::delete(at, &client_id).await,
        C::ClientsEndSecrets { client_id } => clients::end_secrets(at, &client_id).await,
        C::InitialAccessTokensCreate { uses, lifetime } => {
            initial_access_tokens::create(at, uses, lifetime).await
        }
        C::InitialAccessTokensList => initial_access_tokens::list(at).await,
        C::InitialAccessTokensDelete { token_id } => initial_access_tokens::delete(at, &token_id).await,
        C::MailTest { to } => mails::test(at, &to).await,
        C::MailList => mails::list(at).await,
        C::MailRetry { mail_id } => mails::retry(at, mail_id.as_deref()).await,
        C::UsersCreate { email, username, password, profile } => {
            users::create(at, (email.as_deref(), username.as_deref()), password, profile).await
        }
        C::UsersList { beginning, part } => users::list(at, beginning.as_deref(), &part).await,
        C::UsersSetPassword { user, password } => users::set_password(at, &user, password).await,
        C::UsersInvite { email, profile } => users::invite(at, &email, profile).await,
        C::UsersDisable { user } => users::disable(at, &user).await,
        C::UsersEnable { user } => users::enable(at, &user).await,
        C::UsersSignOut { user } => users::sign_out(at, &user).await,
        C::UsersEndSession { user, session } => users::end_session(at, &user, session).await,
        C::UsersForgiveAttempts { user } => users::forgive_attempts(at, &user).await,
        C::UsersResetPassword { user } => users::reset_password(at, &user).await,
        C::UsersDelete { user } => users::delete(at, &user).await,
        C::EventsList(asked) => events::list(at, &asked).await,
        C::TenantsCreate { slug, issuer, hosts } => tenants::create(at, slug, issuer, hosts).await,
        C::TenantsList(part) => tenants::list(at, &part).await,
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

/// Where a command is carried out, for whom, and when.
#[derive(Clone, Copy)]
struct Desk<'a> {
    app: &'a App,
    tenant: &'a Arc<Tenant>,
    authority: Authority<'a>,
    needs: Needs,
    now: Timestamp,
}

impl<'a> Desk<'a> {
    fn new(
        app: &'a App,
        tenant: &'a Arc<Tenant>,
        authority: Authority<'a>,
        command: &AdminCommand,
        now: Timestamp,
    ) -> Self {
        Self { app, tenant, authority, needs: command.needs(), now }
    }

    /// Whether who asks may do this, as far as was known when the request came.
    fn require(self) -> Result<(), AdminError> {
        self.authority.require(self.tenant.id, self.needs, self.now).map_err(AdminError::Forbidden)
    }

    fn warrant(&self) -> Warrant<'a> {
        Warrant { authority: self.authority, needs: self.needs, tenant: self.tenant.id, now: self.now }
    }

    fn event(&self, kind: EventKind, subject: impl fmt::Display) -> WarrantedEvent {
        self.warrant().event(self.app.event_id(), kind, subject)
    }

    async fn append(&self, tx: &mut Tx, event: &WarrantedEvent) -> Result<(), AdminError> {
        self.warrant().append(tx, event).await
    }
}

async fn find_tenant(app: &App, name: &str) -> Result<Arc<Tenant>, AdminError> {
    let mut found = app.tenant_by_slug(name).await?;
    if let (None, Ok(id)) = (&found, name.parse()) {
        found = app.tenant(id).await?;
    }
    found.ok_or_else(|| AdminError::refused(format!("there is no tenant {name}; see `portico tenants list`")))
}

/// An instant as people and programs read it (RFC 3339).
fn instant(at: Timestamp) -> Value {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or(Value::Null, |at| Value::from(at.to_string()))
}
