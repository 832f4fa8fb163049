//! `POST /oauth/introspect` (RFC 7662).

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use oidc::access_token::{AccessToken, ExpectedAudience};
use oidc::client::GrantType;
use oidc::client_auth::AuthenticatedClient;
use oidc::grant::holds;
use oidc::introspection::{Introspection, IntrospectionRefusal, of_access_token, of_refresh_token, parse};
use oidc::presented::{PresentedToken, TokenFacts};
use oidc::refresh_token::RefreshToken;
use store::Fault;
use terms::{ClientId, Timestamp};

use super::caller;
use super::respond::{self, Problem};
use crate::request::Site;

/// The handler.
pub async fn introspect(site: Site, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match answer(&site, &headers, body).await {
        Ok(introspection) => respond::json(StatusCode::OK, introspection.into_json()),
        Err(Problem::Refusal(refusal)) => {
            respond::error(&site.tenant, refusal.code(), &refusal.description())
        }
        Err(Problem::TooOften(wait)) => respond::too_often(&site, wait),
        Err(Problem::Failure(failure)) => failure.into_response(),
    }
}

async fn answer(
    site: &Site,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Introspection, Problem<IntrospectionRefusal>> {
    let now = site.app.clock.now();
    let refused = Problem::Refusal;
    let form = caller::form(headers, body).map_err(|error| refused(IntrospectionRefusal::Form(error)))?;
    let client = caller::client(site, headers, &form, now, IntrospectionRefusal::Client).await?;
    let mut read = site.app.store.read(site.tenant.id);
    Ok(match parse(&form, &client).map_err(refused)? {
        PresentedToken::Unknown => Introspection::inactive(),
        PresentedToken::Refresh(token) => about_refresh_token(site, &client, &token, now).await?,
        PresentedToken::Handle(handle) => match read.access_token(handle.hash()).await? {
            Some(found) => about_access_token(site, &client, &found.token, &found.facts, now).await?,
            None => Introspection::inactive(),
        },
        PresentedToken::Jwt(jwt) => match caller::verified(site, &jwt, ExpectedAudience::Any, now).await? {
            Some(token) => {
                let facts = read.token_facts(&token.id, &token.client, token.grant()).await?;
                about_access_token(site, &client, &token, &facts, now).await?
            }
            None => Introspection::inactive(),
        },
    })
}

async fn about_access_token(
    site: &Site,
    caller: &AuthenticatedClient,
    token: &AccessToken,
    facts: &TokenFacts,
    now: Timestamp,
) -> Result<Introspection, Fault> {
    let reader = reader(site, token).await?;
    Ok(of_access_token(caller, token, facts, reader.as_ref(), now))
}

/// The client as which the token's resource server introspects.
async fn reader(site: &Site, token: &AccessToken) -> Result<Option<ClientId>, Fault> {
    let Ok(audience) = token.audience.parse() else {
        return Ok(None);
    };
    let servers = site.app.resource_servers(&site.tenant).await?;
    Ok(servers.get(&audience).and_then(|server| server.introspection_client.clone()))
}

async fn about_refresh_token(
    site: &Site,
    caller: &AuthenticatedClient,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<Introspection, Fault> {
    let Some(record) = caller::genuine(site, token).await? else {
        return Ok(Introspection::inactive());
    };
    let state = record.state;
    let usable = token.generation() == state.generation
        && !state.has_expired(now)
        && caller.client().may_use(GrantType::RefreshToken);
    match holds(&record.grant, &record.standing, now) {
        Ok(subject) if usable => {
            let expires_at = state.idle_expires_at.min(state.expires_at);
            let issuer = site.tenant.issuer.as_str();
            Ok(of_refresh_token(caller, &record.grant, &subject, issuer, expires_at))
        }
        _ => Ok(Introspection::inactive()),
    }
}
