//! The protocol's endpoints: parse, gather, decide, apply, answer. What is decided is in the crate `oidc`.

pub mod authorize;
mod caller;
pub mod check_session;
pub mod device;
pub mod discovery;
pub mod end_session;
pub mod introspect;
mod issue;
pub mod jwks;
pub mod register;
mod request_object;
pub mod respond;
pub mod revoke;
pub mod token;
pub mod userinfo;

#[cfg(test)]
mod tests;
