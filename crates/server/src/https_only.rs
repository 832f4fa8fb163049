//! What a second, plain listener answers: where the same thing is by https.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, LOCATION};
use http::{Method, StatusCode};

use crate::app::App;

/// Sends whoever asks by plain http to the issuer's own address.
pub fn service(app: &Arc<App>) -> Router {
    Router::new().fallback(redirect).with_state(Arc::clone(app))
}

/// Only to hosts that are a tenant's, and only what asks without sending: a form or a token that came by plain http has
/// been seen already, and sending it on would hide that.
async fn redirect(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::FORBIDDEN, "by https only\n").into_response();
    }
    let directory = app.directory();
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(without_port);
    // The port is another one by nature, so the names alone are compared.
    let issuer = directory.iter().map(|tenant| &tenant.issuer).find(|issuer| {
        issuer.is_https()
            && named.is_some_and(|named| without_port(issuer.authority()).eq_ignore_ascii_case(named))
    });
    let Some(issuer) = issuer else { return (StatusCode::NOT_FOUND, "no such host\n").into_response() };
    let asked = request.uri().path_and_query().map_or("/", |it| it.as_str());
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, format!("{}{asked}", issuer.origin()))]).into_response()
}

fn without_port(authority: &str) -> &str {
    // The last colon of `[::1]` is within the brackets.
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) && !host.ends_with(':') => {
            host
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn only_a_port_is_taken_off() {
        for (authority, host) in [
            ("login.example.com", "login.example.com"),
            ("login.example.com:8080", "login.example.com"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }
}
