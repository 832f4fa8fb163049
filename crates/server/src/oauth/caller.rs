//! The phases that the token, introspection and revocation endpoints share: read the form, believe the client.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use oidc::access_token::{self, AccessToken, ExpectedAudience};
use oidc::client_auth::{AuthenticatedClient, ClientRefusal, Credentials, authenticate};
use oidc::params::{Parameters, ParametersError};
use oidc::refresh_token::{RefreshSecret, RefreshToken};
use store::Fault;
use store::grants::RefreshRecord;
use terms::Timestamp;

use crate::request::Site;
use crate::sealing::Place;

/// Reads the form in a request's body, and nothing else: parameters in the query don't count (RFC 6749 section 2.3.1).
pub(super) fn form(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Parameters, ParametersError> {
    if !is_form(headers) {
        return Err(ParametersError::NotAForm);
    }
    // The one thing that goes wrong while a body is read and is the sender's doing is its length.
    Parameters::parse(&body.map_err(|_| ParametersError::TooLarge)?)
}

/// Whether the body is a form: that media type, once, whatever its parameters.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The octets of every `Authorization` header field.
pub(super) fn authorization(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(AUTHORIZATION).iter().map(http::HeaderValue::as_bytes).collect()
}

/// Believes the client that a request comes from, or says why not. The client is read anew each time.
pub(super) async fn client(
    site: &Site,
    headers: &HeaderMap,
    form: &Parameters,
    now: Timestamp,
) -> Result<Result<AuthenticatedClient, ClientRefusal>, Fault> {
    let credentials = match Credentials::read(&authorization(headers), form) {
        Ok(credentials) => credentials,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut read = site.app.store.read(site.tenant.id);
    let client = read.client(credentials.client_id()).await?;
    let secrets = read.client_secrets(credentials.client_id()).await?;
    Ok(authenticate(&credentials, client.map(|client| (client, secrets)), now))
}

/// An access token that is a JWT of this tenant, whoever it is for.
pub(super) async fn verified(
    site: &Site,
    jwt: &str,
    audience: ExpectedAudience<'_>,
    now: Timestamp,
) -> Result<Option<AccessToken>, Fault> {
    let keys = site.app.keys(&site.tenant).await?;
    Ok(access_token::verify(jwt, &keys.set, site.tenant.issuer.as_str(), audience, now).ok())
}

/// The record that a refresh token names, if we made that token.
pub(super) async fn genuine(site: &Site, token: &RefreshToken) -> Result<Option<RefreshRecord>, Fault> {
    let Some(record) = site.app.store.read(site.tenant.id).refresh_token(token.grant()).await? else {
        return Ok(None);
    };
    let made = unseal(site, &record)?.made(site.tenant.id, token);
    Ok(made.then_some(record))
}

/// Opens the secret from which a Grant's refresh tokens are derived.
pub(super) fn unseal(site: &Site, record: &RefreshRecord) -> Result<RefreshSecret, Fault> {
    let grant = record.grant.id;
    let fault = || Fault::new(format!("open the refresh secret of {grant}"));
    let opened = site.tenant.data_key.open(Place::RefreshSecret(grant), &record.sealed_secret);
    let opened = opened.map_err(|error| fault().because(error))?;
    opened.as_slice().try_into().map(RefreshSecret::new).map_err(|_| fault())
}
