//! The stylesheet, served under a name that changes with its content, so that it can be kept forever.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

const SOURCE: &str = include_str!("../../assets/portico.css");

static PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SOURCE.as_bytes());
    let mut name = String::new();
    for byte in &digest.as_ref()[..8] {
        use std::fmt::Write as _;
        let _ = write!(name, "{byte:02x}");
    }
    format!("/assets/portico.{name}.css")
});

/// Where it is, within a tenant.
pub fn path() -> &'static str {
    &PATH
}

/// `GET` of [`path`].
pub async fn show() -> Response {
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    let css = HeaderValue::from_static("text/css; charset=utf-8");
    ([(CONTENT_TYPE, css), (CACHE_CONTROL, kept)], SOURCE).into_response()
}
