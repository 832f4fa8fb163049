//! The endpoints that relying parties and resource servers ask.

mod caller;
pub mod introspect;
pub mod jwks;
pub mod respond;
pub mod revoke;
pub mod token;
pub mod userinfo;
