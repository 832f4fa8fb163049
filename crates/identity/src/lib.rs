//! People and what they may do: users, passwords, sign-in and sign-up, browsers, sessions, events, a tenant's settings.
//! Pure: no I/O, no clock, no chance.

pub mod account;
pub mod attempt;
pub mod branding;
pub mod browser;
pub mod claims;
pub mod delivery;
pub mod event;
pub mod identifier;
pub mod mailed_code;
pub mod password;
pub mod recovery;
pub mod search;
pub mod session;
pub mod sign_in;
pub mod sign_up;
pub mod tenant_admin;
pub mod tenant_settings;
pub mod user;
pub mod username;
#[cfg(test)]
mod walks;

pub use browser::BrowserRecord;
pub use event::{Actor, Event, EventKind};
pub use identifier::{Identifier, IdentifierError};
pub use recovery::Recovery;
pub use session::{Device, Factor, FactorMethod, Session, UserAgent};
pub use sign_in::{FactorProof, SignIn};
pub use sign_up::SignUp;
pub use tenant_settings::TenantSettings;
pub use user::{Address, Profile, ProfileFault, User, UserEmail};
