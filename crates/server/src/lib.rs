//! The program `portico`: configuration, routes, handlers, pages, the command line.

pub mod admin;
pub mod app;
pub mod attempts;
pub mod browser;
pub mod cli;
pub mod client_keys;
pub mod clock;
pub mod config;
pub mod doctor;
mod document;
pub mod egress;
pub mod entropy;
pub mod error;
pub mod forwarded;
pub mod geo;
pub mod hasher;
mod health;
mod https_only;
pub mod key_changes;
pub mod keys;
pub mod language;
mod listen;
pub mod locale;
mod lock;
pub mod logging;
pub mod logout_notices;
pub mod mail;
pub mod metrics;
pub mod notices;
pub mod oauth;
pub mod pages;
pub mod pairwise;
pub mod parcel;
mod place;
pub mod post;
pub mod provision;
pub mod rate_limits;
pub mod registered;
mod registration;
mod request;
pub mod routes;
pub mod sealing;
pub mod secret_file;
mod service_manager;
pub mod settings;
pub mod smtp;
mod start;
mod stop;
pub mod sweeping;
pub mod tenant;
pub mod tenants;
pub mod tls;
mod turns;

/// Fresh databases for the tests of the whole, which know no crate below this one.
pub mod testing {
    pub use store::EngineKind;
    pub use store::testing::{StoredGrant, TestDatabase, engine_kinds, race, stored_grants};
}

/// A copy of an SQLite database.
pub use store::backup::sqlite as backup;

pub use request::Site;
pub use start::{Options, Running, StartError, start};
