//! The only SQL of the program: one module per aggregate, one set of statements for SQLite and PostgreSQL.
//!
//! - [`Store`] opens, migrates and closes a database.
//! - [`Store::read`] gives the reading verbs of one tenant, [`write_tx!`] a transaction with the writing ones,
//!   [`Store::directory`] the few lookups that come before a tenant is known.
//! - An aggregate's module declares its verbs with `verbs!` and how its rows become its types with [`FromRow`].
//!   How to add one: `docs/how-to/add-a-statement.md`.

pub mod backup;
mod fault;
pub mod migrate;
mod pools;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod statistics;
mod store;
pub mod sweep;
mod tx;
mod value;
mod writer;

pub mod accounts;
pub mod admins;
pub mod attempts;
pub mod bulk;
pub mod clients;
pub mod consents;
pub mod devices;
pub mod endings;
pub mod events;
pub mod flows;
pub mod gauges;
pub mod grants;
pub mod mail;
pub mod mailed_codes;
pub mod recoveries;
pub mod registrations;
pub mod sessions;
pub mod sign_ins;
pub mod sign_ups;
pub mod signing_keys;
pub mod tenants;
pub mod testing;
pub mod usernames;
pub mod users;

pub use fault::Fault;
pub use row::{BadColumn, FromRow, Row};
pub use statement::Statement;
pub use store::{EngineKind, Store};
pub use tx::{Command, Directory, Read, Tx, limited};
pub use value::{Json, Kind, ToValue, Value};

/// Every statement that the program runs, by module. A module that isn't listed here fails a test.
#[rustfmt::skip]
pub const STATEMENTS: &[&[Statement]] = &[
    admins::STATEMENTS,
    attempts::STATEMENTS,
    bulk::STATEMENTS,
    accounts::STATEMENTS,
    clients::STATEMENTS,
    consents::STATEMENTS,
    devices::STATEMENTS,
    endings::STATEMENTS,
    events::STATEMENTS,
    flows::STATEMENTS,
    gauges::STATEMENTS,
    mail::STATEMENTS,
    grants::STATEMENTS,
    mailed_codes::STATEMENTS,
    recoveries::STATEMENTS,
    registrations::STATEMENTS,
    sessions::STATEMENTS,
    sign_ins::STATEMENTS,
    sign_ups::STATEMENTS,
    signing_keys::STATEMENTS,
    sweep::STATEMENTS,
    tenants::STATEMENTS,
    usernames::STATEMENTS,
    users::STATEMENTS,
];
