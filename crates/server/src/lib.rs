//! The program `portico`: configuration, routes, handlers, pages, the command line.

pub mod app;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod error;
mod health;
pub mod logging;
pub mod provision;
mod request;
pub mod keys;
mod routes;
pub mod sealing;
mod start;
mod sweeping;
pub mod tenant;
pub mod tenants;

/// Fresh databases for the tests of the whole, which know no crate below this one.
pub mod testing {
    pub use store::EngineKind;
    pub use store::testing::{TestDatabase, engine_kinds};
}

pub use request::{RequestId, Site};
pub use start::{Options, Running, StartError, start};
