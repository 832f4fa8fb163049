//! Who gives a command, and whether it is theirs to give.

use std::fmt;
use std::net::IpAddr;

use identity::tenant_admin::{self, AdminRefusal, Facts, TenantAdmin};
use identity::tenant_settings::is_of_operator;
use identity::{Actor, BrowserRecord, Event, EventKind};
use store::{Fault, Read, Tx};
use terms::{EventId, SessionId, TenantId, Timestamp, UserId};

use super::AdminCommand;
use crate::browser;

/// What a command asks of whoever gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Admin,
    /// An administrator who showed who they are a moment ago: for what can't be undone, or gives a secret out.
    RecentAdmin,
    /// Whoever runs the server: what is about other tenants, or about who administers this one.
    Operator,
}

impl AdminCommand {
    /// A new command must say who may give it.
    pub fn needs(&self) -> Needs {
        match self {
            Self::TenantsSet { settings } if is_of_operator(settings) => Needs::Operator,
            Self::AdminsCreate { .. }
            | Self::AdminsRemove { .. }
            | Self::TenantsCreate { .. }
            | Self::TenantsList(_)
            | Self::KeysCreate { .. }
            | Self::InitialAccessTokensCreate { .. }
            | Self::InitialAccessTokensList
            | Self::InitialAccessTokensDelete { .. }
            | Self::MailTest { .. }
            | Self::MailList
            | Self::MailRetry { .. }
            | Self::MasterKeyStatus
            | Self::MasterKeyRewrap
            // An administrator never chooses somebody's password: they take it away, and the person chooses another.
            | Self::UsersSetPassword { .. }
            | Self::UsersCreate { .. }
            // As many in one answer as are asked for: pages show a part at a time.
            | Self::UsersList { .. }
            | Self::ResourceServersCreate { .. }
            | Self::ResourceServersDelete { .. } => Needs::Operator,
            Self::ClientsCreate(_)
            | Self::ClientsUpdate { .. }
            | Self::ClientsDelete { .. }
            | Self::ClientsEndSecrets { .. }
            | Self::KeysRotate { .. }
            | Self::KeysRevoke { .. }
            // Its name, look and people. Its issuer, hosts and administrators are the operator's, and some settings.
            | Self::TenantsSet { .. }
            | Self::UsersResetPassword { .. }
            | Self::UsersDelete { .. } => Needs::RecentAdmin,
            Self::AdminsList
            | Self::UsersInvite { .. }
            | Self::UsersDisable { .. }
            | Self::UsersEnable { .. }
            | Self::UsersSignOut { .. }
            | Self::UsersEndSession { .. }
            | Self::UsersForgiveAttempts { .. }
            | Self::TenantsShow
            | Self::EventsList(_)
            | Self::KeysList
            | Self::ClientsList(_)
            | Self::ClientsShow { .. }
            | Self::ResourceServersList => Needs::Admin,
        }
    }
}

/// An administrator at work: proven when the request came, and by which browser and from where.
#[derive(Debug, Clone)]
pub struct AdminAtWork {
    pub admin: TenantAdmin,
    pub browser: BrowserRecord,
    pub address: IpAddr,
}

/// Judges whether an administrator asks, over what the store says now.
pub async fn admit(
    read: &mut Read,
    browser: &BrowserRecord,
    session: SessionId,
    now: Timestamp,
) -> Result<Result<TenantAdmin, AdminRefusal>, Fault> {
    let sessions = browser::live_sessions(read, browser, now).await?;
    let session = sessions.iter().find(|it| it.id == session);
    let (user, role) = match session {
        Some(session) => (read.user(session.user_id).await?, read.admin_role(session.user_id).await?),
        None => (None, None),
    };
    let facts = Facts { browser_id: browser.id, session, user: user.as_ref(), role: role.as_ref(), now };
    Ok(tenant_admin::admit(&facts))
}

/// For whom a command is carried out.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// Whoever runs the command line: may do everything.
    Operator,
    /// The server itself, by what was configured.
    System,
    Admin(&'a AdminAtWork),
}

impl Authority<'_> {
    pub fn actor(self) -> Actor {
        match self {
            Self::Operator => Actor::Operator,
            Self::System => Actor::System,
            Self::Admin(at_work) => Actor::User(at_work.admin.user_id()),
        }
    }

    /// Whether this user is who gives the command.
    pub fn is_own(self, user: UserId) -> bool {
        matches!(self, Self::Admin(at_work) if at_work.admin.user_id() == user)
    }

    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Operator | Self::System => None,
            Self::Admin(at_work) => Some(at_work.address),
        }
    }

    pub fn require(self, tenant: TenantId, needs: Needs, now: Timestamp) -> Result<(), AdminRefusal> {
        match self {
            Self::Operator | Self::System => Ok(()),
            Self::Admin(at_work) => suffices(&at_work.admin, tenant, needs, now),
        }
    }

    /// The same, over what holds within a transaction.
    pub async fn require_still(
        self,
        tx: &mut Tx,
        tenant: TenantId,
        needs: Needs,
        now: Timestamp,
    ) -> Result<Result<(), AdminRefusal>, Fault> {
        let Self::Admin(at_work) = self else { return Ok(Ok(())) };
        let admin = admit(tx, &at_work.browser, at_work.admin.session_id(), now).await?;
        Ok(admin.and_then(|admin| suffices(&admin, tenant, needs, now)))
    }
}

/// In whose name something is changed, in which tenant, and when: what writes the event of a change takes it.
#[derive(Clone, Copy)]
pub struct Warrant<'a> {
    pub authority: Authority<'a>,
    pub needs: Needs,
    pub tenant: TenantId,
    pub now: Timestamp,
}

/// An event of a change that needs a warrant. Only [`Warrant::append`] writes it.
pub struct WarrantedEvent(Event);

impl WarrantedEvent {
    /// Adds a detail: an id, or a word of ours.
    pub fn with(self, name: &str, value: impl fmt::Display) -> Self {
        Self(self.0.with(name, value))
    }
}

impl Warrant<'_> {
    /// The server's own.
    pub fn of_system(tenant: TenantId, now: Timestamp) -> Self {
        Self { authority: Authority::System, needs: Needs::Operator, tenant, now }
    }

    pub fn event(&self, id: EventId, kind: EventKind, subject: impl fmt::Display) -> WarrantedEvent {
        let event = Event::new(id, kind, self.authority.actor(), self.now).about(subject);
        WarrantedEvent(match self.authority.address() {
            Some(address) => event.from_address(address),
            None => event,
        })
    }

    /// Writes what was done into the record, if who did it still may: read again in this very transaction. Every command
    /// that changes something does so by this, or its transaction is without its event.
    pub async fn append<E>(&self, tx: &mut Tx, event: &WarrantedEvent) -> Result<(), E>
    where
        E: From<Fault> + From<AdminRefusal>,
    {
        self.authority.require_still(tx, self.tenant, self.needs, self.now).await??;
        Ok(tx.append_event(&event.0).await?)
    }
}

/// Whether an administrator may do what needs this much, in this tenant.
fn suffices(admin: &TenantAdmin, tenant: TenantId, needs: Needs, now: Timestamp) -> Result<(), AdminRefusal> {
    if admin.tenant_id() != tenant {
        return Err(AdminRefusal::NotAdmin);
    }
    match needs {
        Needs::Operator => Err(AdminRefusal::NotAdmin),
        Needs::RecentAdmin if !admin.is_recent(now) => Err(AdminRefusal::NotRecent),
        Needs::RecentAdmin | Needs::Admin => Ok(()),
    }
}
