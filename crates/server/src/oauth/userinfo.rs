//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core section 5.3).

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode};
use identity::User;
use identity::claims::{claims_for, claims_named};
use oidc::access_token::{AccessToken, ExpectedAudience, Holder};
use oidc::client::Client;
use oidc::presented::{PresentedToken, TokenFacts};
use oidc::userinfo::{UserinfoRefusal, addressed, bearer, decide};
use serde_json::{Map, Value};
use store::Fault;
use terms::Timestamp;

use super::caller;
use super::respond::{self, Problem};
use crate::client_keys::envelope;
use crate::error::Failure;
use crate::request::Site;

/// The handler.
pub async fn userinfo(
    site: Site,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match answer(&site, &method, &headers, body).await {
        Ok(response) => response,
        Err(Problem::Refusal(refusal)) => respond::bearer_error(&site.tenant, &refusal),
        Err(Problem::TooOften(wait)) => respond::too_often(&site, wait),
        Err(Problem::Failure(failure)) => failure.into_response(),
    }
}

async fn answer(
    site: &Site,
    method: &Method,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem<UserinfoRefusal>> {
    let now = site.app.clock.now();
    // RFC 6750 section 2.2: a body counts if it is a form, and never with GET.
    let form = if *method == Method::POST && caller::is_form(headers) {
        Some(caller::form(headers, body).map_err(|error| Problem::Refusal(UserinfoRefusal::Form(error)))?)
    } else {
        None
    };
    let token = bearer(&caller::authorization(headers), form.as_ref()).map_err(Problem::Refusal)?;
    let Some((token, facts, user)) = found(site, token.reveal(), now).await? else {
        return Err(Problem::Refusal(UserinfoRefusal::Invalid));
    };
    let (grant, scope) = decide(&token, &facts, now).map_err(Problem::Refusal)?;
    let (Some(user), Holder::User { subject, .. }) = (user, &token.holder) else {
        return Err(Problem::Refusal(UserinfoRefusal::Invalid));
    };
    let client = site.app.client(&site.tenant, &grant.client).await?;
    let Some(client) = client else { return Err(Problem::Refusal(UserinfoRefusal::Invalid)) };
    let mut claims = claims_for(&user, scope.iter());
    // OpenID Connect Core section 5.5: what the authorization request named. What the client may no longer ask for, it no
    // longer gets.
    if !grant.claims.leaves_userinfo_alone() {
        claims.extend(claims_named(&user, grant.claims.permitted(&client.scope).for_userinfo()));
    }
    // OpenID Connect Core section 5.3.2: always there, and the same as in the ID token.
    claims.insert("sub".to_owned(), subject.as_str().into());
    Ok(told(site, &client, claims, now).await?)
}

/// The claims in the form that the client registered (OpenID Connect Core section 5.3.2).
async fn told(
    site: &Site,
    client: &Client,
    claims: Map<String, Value>,
    now: Timestamp,
) -> Result<Response, Failure> {
    let envelope = envelope(&site.app, &site.tenant, client, client.userinfo_encryption, now).await?;
    let Some(algorithm) = client.userinfo_algorithm else {
        let Some(recipient) = envelope.recipient() else {
            return Ok(respond::json(StatusCode::OK, Value::Object(claims)));
        };
        let claims = addressed(site.tenant.issuer.as_str(), client, claims, now);
        return Ok(respond::jwt(recipient.encrypt_claims(&claims).map_err(Failure::new)?));
    };
    let claims = addressed(site.tenant.issuer.as_str(), client, claims, now);
    let keys = site.app.keys_for(&site.tenant, &[algorithm]).await?;
    let none = || Failure::new(format!("{} has no key for {algorithm:?}", site.tenant.id));
    let signed = keys.set.signer(algorithm).ok_or_else(none)?.sign_untyped(&claims).map_err(Failure::new)?;
    Ok(respond::jwt(envelope.around(signed).map_err(Failure::new)?))
}

/// The access token, if it is genuine and for this endpoint, with the user of its Grant. Tokens of the built-in resource server are JWTs, so a
/// handle is always another's.
async fn found(
    site: &Site,
    text: &str,
    now: Timestamp,
) -> Result<Option<(AccessToken, TokenFacts, Option<User>)>, Fault> {
    let PresentedToken::Jwt(jwt) = PresentedToken::read(text) else {
        return Ok(None);
    };
    let audience = ExpectedAudience::Exactly(site.tenant.issuer.as_str());
    let Some(token) = caller::verified(site, &jwt, audience, now).await? else {
        return Ok(None);
    };
    let mut read = site.app.store.read(site.tenant.id);
    let (facts, user) = read.token_facts_and_user(&token.id, &token.client, token.grant()).await?;
    Ok(Some((token, facts, user)))
}
