//! The page that carries an answer to a client in a form (OAuth 2.0 Form Post Response Mode section 2).
//!
//! It stands alone: nothing but the form is to be done here, and no other page has its policy.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode};

use super::{Stop, View, page_with};
use crate::error::Failure;
use crate::request::Site;

/// As old as any browser understands. Without it there is the button.
const SCRIPT: &str = "document.getElementById('answer').submit()";

/// No `form-action`: browsers enforce it along the redirects that follow a form, and where a client goes on to is its own
/// affair. The one script is known by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    view: View<'a>,
    to: String,
    fields: Vec<(&'static str, String)>,
    script: &'static str,
}

/// Posts these fields to a registered redirect URI, which the caller has checked.
pub fn to(site: &Site, to: String, fields: Vec<(&'static str, String)>) -> Result<Response, Stop> {
    let policy = HeaderValue::from_str(&POLICY).map_err(Failure::new)?;
    page_with(StatusCode::OK, &FormPostPage { view: View::new(site), to, fields, script: SCRIPT }, policy)
}
