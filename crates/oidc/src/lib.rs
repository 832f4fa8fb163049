//! OAuth 2.x, OpenID Connect and JOSE: data, parsing, decisions. Pure: no clock, no network, no files.

#![warn(missing_docs)]

pub mod access_token;
pub mod authorize;
pub mod back_channel_logout;
pub mod claims_request;
pub mod client;
pub mod client_assertion;
pub mod client_auth;
pub mod device;
pub mod discovery;
pub mod end_session;
#[cfg(test)]
mod fixture;
pub mod front_channel;
pub mod front_channel_logout;
pub mod grant;
pub mod id_token;
pub mod introspection;
pub mod jose;
pub mod params;
pub mod pkce;
pub mod presented;
pub mod prompt;
pub mod redirect_uri;
pub mod refresh_token;
pub mod registration;
pub mod request_object;
pub mod resource_server;
pub mod response_mode;
pub mod revocation;
pub mod scope;
pub mod session_state;
pub mod subject;
pub mod token;
pub mod userinfo;
