//! Black-box tests: the real server on a free port, spoken to as browsers and relying parties do. Files mirror URLs.

#![allow(clippy::case_sensitive_file_extension_comparisons, reason = "our own names")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod account;
mod account_clients;
mod account_data;
mod account_email;
mod account_password;
mod account_sessions;
mod admin;
mod admin_matrix;
mod admin_pages;
mod assets;
mod attempts;
mod back_channel_logout;
mod backup;
mod claims_parameter;
mod client_assertion;
mod client_links;
mod client_settings;
mod doctor;
mod front_channel_logout;
mod health;
mod hosts;
mod jwks;
mod keys;
mod language;
mod mail;
mod metrics;
mod oauth_authorize;
mod oauth_device;
mod oauth_encryption;
mod oauth_end_session;
mod oauth_front_channel;
mod oauth_introspect;
mod oauth_register;
mod oauth_revoke;
mod oauth_token;
mod oauth_userinfo;
mod pairwise;
mod password;
mod password_strength;
mod planted_cookie;
mod rate_limits;
mod request_object;
mod session_management;
mod sign_in;
mod sign_out;
mod sign_up;
mod start;
mod sweeping;
mod tenant_settings;
mod tls;
mod two_tenants;
mod usernames;
mod well_known;
