//! The phases that the token, introspection and revocation endpoints share: read the form, believe the client.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use oidc::access_token::{self, AccessToken, ExpectedAudience};
use oidc::client::{Client, SecretKeeping};
use oidc::client_assertion::Addressee;
use oidc::client_auth::{
    AuthenticatedClient, Believed, ClientRefusal, Credentials, KeptSecret, KnownClient, LiveSecret,
    OpenedSecret, authenticate,
};
use oidc::discovery::path;
use oidc::params::{Parameters, ParametersError};
use oidc::refresh_token::{RefreshSecret, RefreshToken};
use store::grants::RefreshRecord;
use store::{Fault, write_one};
use terms::{ClientId, ClientSecret, ClientSecretId, Timestamp};

use super::respond::Problem;
use crate::client_keys::{Wanted, keys_of};
use crate::rate_limits::Limit;
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

/// Believes the client that a request comes from, or says why not; and counts the request. `R` is the endpoint's enum of
/// refusals.
///
/// A client that keeps its secret is counted as itself, and nobody else can use up what it may ask. Whoever shows nothing,
/// or names a client that anybody can name, is counted by address.
pub(super) async fn client<R>(
    site: &Site,
    headers: &HeaderMap,
    form: &Parameters,
    now: Timestamp,
    refused: fn(ClientRefusal) -> R,
) -> Result<AuthenticatedClient, Problem<R>> {
    site.look(Limit::ClientFailures).map_err(Problem::TooOften)?;
    let client = match believed(site, headers, form, now).await? {
        Ok(client) => client,
        Err(refusal) => {
            site.note(Limit::ClientFailures);
            return Err(Problem::Refusal(refused(refusal)));
        }
    };
    let Client { id, .. } = client.client();
    let counted =
        if client.client().is_public() { site.count_public_client(id) } else { site.count_client(id) };
    counted.map_err(Problem::TooOften)?;
    Ok(client)
}

async fn believed(
    site: &Site,
    headers: &HeaderMap,
    form: &Parameters,
    now: Timestamp,
) -> Result<Result<AuthenticatedClient, ClientRefusal>, Fault> {
    let credentials = match Credentials::read(&authorization(headers), form) {
        Ok(credentials) => credentials,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let known = known_client(site, &credentials, now).await?;
    let token_endpoint = site.tenant.url(path::TOKEN);
    let addressee = Addressee { issuer: site.tenant.issuer.as_str(), token_endpoint: &token_endpoint };
    let unspent = match authenticate(&credentials, known, addressee, now) {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(Believed::Now(client)) => return Ok(Ok(client)),
        Ok(Believed::Once(unspent)) => unspent,
    };
    let single = unspent.single();
    let first = write_one!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        tx.spend_assertion(&single).await
    })?;
    Ok(unspent.spent(first))
}

/// What there is under the name that the credentials claim, with what an assertion is verified by.
///
/// Keys may be fetched here, so it comes before any transaction.
async fn known_client(
    site: &Site,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Option<KnownClient>, Fault> {
    let id = credentials.client_id();
    let Some(registered) = site.app.registered_client(&site.tenant, id).await? else { return Ok(None) };
    let mut known = KnownClient::new(registered.client, registered.secrets);
    known.opened = open_client_secrets(site, &known.client, &known.secrets)?;
    if let Some((key_id, algorithm)) = credentials.signed_with(&known.client) {
        let wanted = Wanted::Verifying { key_id: key_id.as_deref(), algorithm };
        known.keys = Box::pin(keys_of(&site.app, &site.tenant, &known.client, wanted, now)).await;
    }
    Ok(Some(known))
}

/// Opens those of a client's secrets that are sealed, where it makes MACs with them.
pub(super) fn open_client_secrets(
    site: &Site,
    client: &Client,
    secrets: &[LiveSecret],
) -> Result<Vec<OpenedSecret>, Fault> {
    let mut opened = Vec::new();
    if client.auth_method.secret_keeping() == SecretKeeping::Sealed {
        for LiveSecret { id, kept, expires_at } in secrets {
            let KeptSecret::Sealed(sealed) = kept else { continue };
            let secret = open_client_secret(site, &client.id, *id, sealed)?;
            opened.push(OpenedSecret { secret, expires_at: *expires_at });
        }
    }
    Ok(opened)
}

pub(super) fn open_client_secret(
    site: &Site,
    client: &ClientId,
    id: ClientSecretId,
    sealed: &[u8],
) -> Result<ClientSecret, Fault> {
    let fault = || Fault::new(format!("open the secret {id} of {client}"));
    let opened = site.tenant.data_key.open(Place::ClientSecret(client.clone(), id), sealed);
    let opened = opened.map_err(|error| fault().because(error))?;
    opened.as_slice().try_into().map(ClientSecret::new).map_err(|_| fault())
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
