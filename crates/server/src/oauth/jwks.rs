//! The key set by which relying parties verify what this tenant signed (RFC 7517 section 5).

use axum::response::Response;
use http::HeaderMap;

use crate::error::Failure;
use crate::request::Site;

/// `GET /.well-known/jwks.json`: the document as it was built when the keys were opened.
pub async fn document(site: Site, headers: HeaderMap) -> Result<Response, Failure> {
    let keys = site.app.keys(&site.tenant).await?;
    Ok(keys.jwks.answer(&headers))
}
