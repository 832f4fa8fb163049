//! The words that every other crate shares: identifiers, instants, secret and canonical text, limits.
//!
//! A leaf with no logic of its own. What is here is here because two crates that don't know each other need the
//! same word; a new item needs that reason.

mod canonical;
mod id;
mod language;
pub mod limits;
mod secret;
mod timestamp;
mod username;

pub use canonical::{CanonicalEmail, EmailAddress, EmailAddressError};
pub use id::{
    AdminLinkId, BrowserId, ClientId, ClientSecretId, DeviceAuthorizationId, EmailAdditionId, EventId,
    FlowId, GrantId, IdError, InitialAccessTokenId, MailId, MailedCodeId, RecoveryId, ResourceServerId,
    SessionId, SignInId, SignUpId, SigningKeyId, Subject, TenantId, UserId,
};
pub use language::{Language, UnknownLanguage};
pub use secret::{
    AccessTokenHandle, AccessTokenHandleHash, AdminLinkHash, AdminLinkSecret, AuthorizationCode,
    AuthorizationCodeHash, BrowserHandle, BrowserHandleHash, ClientSecret, ClientSecretHash, DeviceCode,
    DeviceCodeHash, InitialAccessToken, InitialAccessTokenHash, RegistrationAccessToken,
    RegistrationAccessTokenHash, SecretError, SecretText,
};
pub use timestamp::Timestamp;
pub use username::{CanonicalUsername, UsernameError};
