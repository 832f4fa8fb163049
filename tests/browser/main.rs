//! Every page in a real Chromium: what people do there, axe, content security policies, scripts on and off; and the main
//! job as a newcomer does it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod account;
mod admin;
mod clients;
mod device;
mod languages;
mod look;
mod newcomer;
mod pages;
mod recover;
mod refused;
mod session_state;
mod sign_out;
mod usernames;
