//! What must hold of the protocol's readers, whatever comes from outside. A function here takes any octets and panics
//! when something doesn't hold.
//!
//! libFuzzer calls them with octets of its own invention (`fuzz_targets/`); the ordinary tests call them with the seeds
//! (`crates/oidc/tests/seeds.rs`). Each states its rule anew, from the standard, and not by calling what it judges.

pub mod document;
pub mod redirect_uri;
pub mod request;
pub mod token;
mod world;
