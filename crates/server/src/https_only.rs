//! What a second, plain listener answers: where the same thing is by https.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, LOCATION};
use http::{Method, StatusCode};
use store::Fault;

use crate::app::App;
use crate::error::Failure;
use crate::tenant::{DEFAULT_SLUG, Tenant, named_in_path};

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
    let Some(named) = request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(without_port)
    else {
        return no_such_host();
    };
    match issuer_on(&app, &named.to_ascii_lowercase(), request.uri().path()).await {
        Err(fault) => Failure::from(fault).into_response(),
        Ok(None) => no_such_host(),
        Ok(Some(tenant)) => {
            let asked = request.uri().path_and_query().map_or("/", |it| it.as_str());
            let there = format!("{}{asked}", tenant.issuer.origin());
            (StatusCode::PERMANENT_REDIRECT, [(LOCATION, there)]).into_response()
        }
    }
}

fn no_such_host() -> Response {
    (StatusCode::NOT_FOUND, "no such host\n").into_response()
}

/// A tenant whose issuer has this name by https, whatever its port: this listener has another one by nature. One that the path
/// names; the default one; or one that has the host, at https's own port or at that of the default one, which is the deployment's.
async fn issuer_on(app: &App, name: &str, path: &str) -> Result<Option<Arc<Tenant>>, Fault> {
    let is_there =
        |tenant: &Arc<Tenant>| tenant.issuer.is_https() && without_port(tenant.issuer.authority()) == name;
    if let Some((slug, _)) = named_in_path(path)
        && let Some(tenant) = app.tenant_by_slug(slug).await?.filter(is_there)
    {
        return Ok(Some(tenant));
    }
    let default = app.tenant_by_slug(DEFAULT_SLUG).await?;
    let port = default
        .as_ref()
        .and_then(|it| it.issuer.authority().strip_prefix(without_port(it.issuer.authority())));
    let with_port = format!("{name}{}", port.unwrap_or_default());
    if let Some(default) = default.filter(is_there) {
        return Ok(Some(default));
    }
    for authority in [name, &with_port] {
        if let Some(tenant) = app.tenant_by_host(authority).await?.filter(is_there) {
            return Ok(Some(tenant));
        }
    }
    Ok(None)
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
