//! The key set by which relying parties verify what this tenant signed (RFC 7517 section 5).

use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::error::Failure;
use crate::request::Site;

/// `GET /.well-known/jwks.json`: the document as it was built when the keys were opened.
pub async fn document(site: Site) -> Result<Response, Failure> {
    let keys = site.app.keys(&site.tenant).await?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        // Short, so that a revoked key is soon forgotten. A key that is to sign is announced for longer than this.
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    Ok((headers, keys.jwks.clone()).into_response())
}
