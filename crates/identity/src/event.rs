//! Records of changes of state: who did what to whom, and with which client.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use terms::{BrowserId, ClientId, EventId, FlowId, GrantId, SessionId, Timestamp, UserId};

/// Declares the kinds with their wire names, once.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What happened. The text form is stored, and is what webhooks and the audit page show.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stored form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    TenantCreated = "tenant.created";
    TenantUpdated = "tenant.updated";
    KeyPublished = "key.published";
    KeyActivated = "key.activated";
    KeyRetired = "key.retired";
    KeyRevoked = "key.revoked";
    UserCreated = "user.created";
    UserUpdated = "user.updated";
    UserDeleted = "user.deleted";
    /// The user signs in with another name, or has their first.
    UserUsernameChanged = "user.username_changed";
    UserEmailAdded = "user.email_added";
    UserEmailRemoved = "user.email_removed";
    UserPrimaryEmailChanged = "user.primary_email_changed";
    /// Somebody took a copy of all that is stored about them.
    UserExported = "user.exported";
    UserDisabled = "user.disabled";
    UserEnabled = "user.enabled";
    /// Ended in every browser and every client.
    UserSignedOut = "user.signed_out";
    /// What wrong guesses had cost was given back: the user may try again at once.
    AttemptsForgiven = "user.attempts_forgiven";
    UserLanguageChosen = "user.language_chosen";
    PasswordChanged = "user.password_changed";
    /// The parameters of the hash were raised at a sign-in; the password is the same.
    PasswordRehashed = "user.password_rehashed";
    /// The password was taken away; the user must choose another one.
    PasswordReset = "user.password_reset";
    /// The user became an administrator of the tenant.
    AdminGranted = "admin.granted";
    AdminWithdrawn = "admin.withdrawn";
    /// A one-time sign-in link for an administrator was given out.
    AdminLinkCreated = "admin.link_created";
    RecoveryStarted = "recovery.started";
    SignUpStarted = "sign_up.started";
    EmailAdditionStarted = "email_addition.started";
    SignInCompleted = "sign_in.completed";
    /// Refused guesses at one account from one client address within one minute; how many, a row beside it counts.
    SignInRefused = "sign_in.refused";
    SessionCreated = "session.created";
    SessionRenewed = "session.renewed";
    SessionEnded = "session.ended";
    ClientCreated = "client.created";
    ClientUpdated = "client.updated";
    ClientDeleted = "client.deleted";
    /// One that registered itself and was used by nobody for long was taken away.
    ClientExpired = "client.expired";
    ClientSecretCreated = "client_secret.created";
    /// Of several secrets only the newest is good from now on.
    ClientSecretsEnded = "client_secret.ended";
    ResourceServerCreated = "resource_server.created";
    ResourceServerDeleted = "resource_server.deleted";
    InitialAccessTokenCreated = "initial_access_token.created";
    InitialAccessTokenDeleted = "initial_access_token.deleted";
    ConsentGiven = "consent.given";
    ConsentWithdrawn = "consent.withdrawn";
    GrantCreated = "grant.created";
    GrantEnded = "grant.ended";
    /// A code or a refresh token was presented again after it was used (RFC 9700 sections 2.1.1 and 4.14).
    ReplayDetected = "grant.replay_detected";
    TokenRevoked = "token.revoked";
    /// A client could not be told in time that a session ended, or would not hear of it.
    LogoutNoticeGivenUp = "logout_notice.given_up";
    /// A person said that a device that asked isn't theirs, or refused it what it asked for (RFC 8628 section 3.3).
    DeviceDenied = "device.denied";
    /// A mail did not reach its server in time, or was refused for good.
    MailGivenUp = "mail.given_up";
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownEventKind;

impl fmt::Display for UnknownEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a kind of event")
    }
}

impl std::error::Error for UnknownEventKind {}

impl FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, UnknownEventKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(UnknownEventKind)
    }
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    /// Whoever runs the command line.
    Operator,
    /// The server itself.
    System,
    User(UserId),
    Client(ClientId),
    /// A browser in which nobody is signed in yet.
    Browser(BrowserId),
}

impl Actor {
    /// The id of a user, a client or a browser, as text.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Operator | Self::System => None,
            Self::User(user) => Some(user.to_string()),
            Self::Client(client) => Some(client.to_string()),
            Self::Browser(browser) => Some(browser.to_string()),
        }
    }
}

/// One record. `subject` and `details` hold ids and words of ours only: no secret, no address, no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    pub at: Timestamp,
    pub actor: Actor,
    /// The id of what was changed.
    pub subject: Option<String>,
    /// From where it was asked for, where that is known. Personal: it goes when the user who acted is deleted.
    pub address: Option<IpAddr>,
    pub details: BTreeMap<String, String>,
}

impl Event {
    /// An event without details.
    pub fn new(id: EventId, kind: EventKind, actor: Actor, at: Timestamp) -> Self {
        Self { id, kind, at, actor, subject: None, address: None, details: BTreeMap::new() }
    }

    /// Says what was changed.
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        self.subject = Some(subject.to_string());
        self
    }

    /// Says from where it was asked for.
    pub fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    pub fn with_client(self, client: &ClientId) -> Self {
        self.with("client", client)
    }

    pub fn with_session(self, session: SessionId) -> Self {
        self.with("session", session)
    }

    pub fn with_grant(self, grant: GrantId) -> Self {
        self.with("grant", grant)
    }

    pub fn with_flow(self, flow: FlowId) -> Self {
        self.with("flow", flow)
    }

    /// Adds a detail: an id, or a word of ours.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_its_text_and_no_two_share_one() {
        let mut seen = std::collections::BTreeSet::new();
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert!(seen.insert(kind.as_str()), "{kind} twice");
        }
        assert!("user".parse::<EventKind>().is_err());
    }
}
