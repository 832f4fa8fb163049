//! Clients that others wrote, against the real server, with a real Chromium in between.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod apache;
mod examples;
mod openid_client;
mod openidconnect_crate;
mod quick_start;
