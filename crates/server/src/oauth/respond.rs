//! How protocol endpoints answer: JSON, errors in the RFCs' own form, cache headers, CORS.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, PRAGMA,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use identity::attempt::Wait;
use oidc::registration::RegistrationRefusal;
use oidc::token::ErrorCode;
use oidc::userinfo::UserinfoRefusal;
use serde::Serialize;
use serde_json::json;

use crate::attempts;
use crate::document::Document;
use crate::error::Failure;
use crate::request::Site;
use crate::tenant::Tenant;

/// Why an endpoint does not do what it was asked: `R` is its enum of refusals.
pub enum Problem<R> {
    /// The request broke a rule.
    Refusal(R),
    /// It came too soon.
    TooOften(Wait),
    /// The cause lies here.
    Failure(Failure),
}

impl<R> From<store::Fault> for Problem<R> {
    fn from(fault: store::Fault) -> Self {
        Self::Failure(fault.into())
    }
}

impl<R> From<Failure> for Problem<R> {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// A JSON answer that nobody keeps (RFC 6749 section 5.1).
pub fn json(status: StatusCode, body: impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A JWT as the answer (OpenID Connect Core section 5.3.2), that nobody keeps.
pub fn jwt(text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A public JSON document, made ready to be sent.
pub fn published(json: Vec<u8>) -> Document {
    // Short, so that a revoked key is soon forgotten. A key that is to sign is announced for longer than this.
    let kept = HeaderValue::from_static("public, max-age=300");
    Document::new(HeaderValue::from_static("application/json"), kept, json)
}

/// RFC 6749 section 5.2.
pub fn error(tenant: &Tenant, code: ErrorCode, description: &str) -> Response {
    let status = match code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::AuthorizationPending
        | ErrorCode::SlowDown
        | ErrorCode::AccessDenied
        | ErrorCode::ExpiredToken => StatusCode::BAD_REQUEST,
    };
    let mut response = json(status, json!({ "error": code.as_str(), "error_description": description }));
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 section 15.5.2: a 401 names a scheme; RFC 6749 section 2.3.1: this one.
        challenge(response.headers_mut(), &format!("Basic realm=\"{}\"", tenant.issuer));
    }
    response
}

/// 429 (RFC 6585 section 4). RFC 6749 has no code for it at the token endpoint; of those that clients know, this one says
/// that the same request may succeed later.
pub fn too_often(site: &Site, wait: Wait) -> Response {
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": "too many requests; come again after as many seconds as Retry-After says",
    });
    attempts::too_many(json(StatusCode::TOO_MANY_REQUESTS, body), wait, site.app.clock.now())
}

/// RFC 6750 section 3. The JSON says the same as the header, for those who read bodies.
pub fn bearer_error(tenant: &Tenant, refusal: &UserinfoRefusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let description = refusal.description();
    let mut value = format!("Bearer realm=\"{}\"", tenant.issuer);
    let mut body = json!({ "error_description": description });
    if let Some(code) = refusal.code() {
        body["error"] = code.into();
        value = format!("{value}, error=\"{code}\", error_description=\"{description}\"");
    }
    if *refusal == UserinfoRefusal::InsufficientScope {
        value.push_str(", scope=\"openid\"");
    }
    let mut response = json(status, body);
    challenge(response.headers_mut(), &value);
    response
}

/// RFC 7591 section 3.2.2; for a token that is not good enough, RFC 6750 section 3.
pub fn registration_error(tenant: &Tenant, refusal: &RegistrationRefusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = json!({ "error": refusal.code(), "error_description": refusal.description() });
    let mut response = json(status, body);
    let realm = format!("Bearer realm=\"{}\"", tenant.issuer);
    match refusal {
        // RFC 6750 section 3.1: who showed nothing is told of no error.
        RegistrationRefusal::NoToken => challenge(response.headers_mut(), &realm),
        RegistrationRefusal::InvalidToken | RegistrationRefusal::Malformed => {
            challenge(response.headers_mut(), &format!("{realm}, error=\"{}\"", refusal.code()));
        }
        RegistrationRefusal::Closed
        | RegistrationRefusal::TooManyClients
        | RegistrationRefusal::NotJson
        | RegistrationRefusal::Metadata(_) => {}
    }
    response
}

/// Issuers and our own descriptions have no character that a quoted string or a header would not take.
fn challenge(headers: &mut HeaderMap, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
}

/// Lets scripts of any origin read the answer. No cookie is looked at where this is used: a caller gets what its own
/// token or secret opens, so there is nothing that a foreign page could have a browser do in somebody's name.
pub fn any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After, WWW-Authenticate"));
}

/// What a browser asks before it lets a script send `Authorization` (Fetch standard, section CORS-preflight fetch).
pub async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
