//! `/oauth/check_session`: the frame by which a client sees that a sign-in has changed (OpenID Connect Session Management section 3.2).
//!
//! It is the one page that stands in the pages of other sites, so there is nothing to press on it, and nothing to see.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};

use crate::browser;
use crate::error::{Failure, Notice};
use crate::pages::{Stop, page_with};
use crate::request::{Framed, Site};

const SCRIPT: &str = include_str!("../../assets/check_session.js");

/// No `frame-ancestors`: any site may be a client's. The one script is known by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, SCRIPT.as_bytes()));
    format!("default-src 'none'; script-src 'sha256-{hash}'; form-action 'none'; base-uri 'none'")
});

#[derive(Template)]
#[template(path = "check_session.html")]
struct Frame {
    cookie: String,
    script: &'static str,
}

/// The handler. Where the tenant doesn't want it, there is no such page.
pub async fn show(site: Site) -> Result<Response, Stop> {
    if !site.tenant.has_session_management() {
        return Ok(Notice::NO_SUCH_PAGE.into_response());
    }
    let frame = Frame { cookie: browser::state_cookie_name(&site.tenant), script: SCRIPT };
    let policy = HeaderValue::from_str(&POLICY).map_err(Failure::new)?;
    let mut response = page_with(StatusCode::OK, &frame, policy)?;
    response.extensions_mut().insert(Framed);
    Ok(response)
}
