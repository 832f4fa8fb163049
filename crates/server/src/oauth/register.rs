//! `POST /oauth/register` (RFC 7591, OpenID Connect Registration section 3) and what a client does with its registration
//! afterwards (RFC 7592).
//!
//! No script of another origin reads these answers (decision 30).

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use identity::tenant_settings::RegistrationMode;
use identity::{Actor, Event, EventKind};
use oidc::client::{Client, ClientMetadata, ClientSettings, GrantType};
use oidc::client_auth::KeptSecret;
use oidc::discovery::path;
use oidc::registration::{self, RegistrationRefusal, Terms, Update};
use oidc::scope::Scope;
use serde_json::Value;
use store::{Fault, write_tx};
use terms::{
    ClientSecret, InitialAccessToken, InitialAccessTokenHash, RegistrationAccessToken, SecretText, Timestamp,
};

use super::caller;
use super::respond::{self, Problem};
use crate::error::Failure;
use crate::rate_limits::Limit;
use crate::registration::{NewSecret, check_sector, members, new_id, new_secret, response_types_are_let};
use crate::request::Site;

type Outcome = Result<Response, Problem<RegistrationRefusal>>;

fn answered(site: &Site, outcome: Outcome) -> Response {
    match outcome {
        Ok(response) => response,
        Err(Problem::Refusal(refusal)) => respond::registration_error(&site.tenant, &refusal),
        Err(Problem::TooOften(wait)) => respond::too_often(site, wait),
        Err(Problem::Failure(failure)) => failure.into_response(),
    }
}

/// The handler of `POST /oauth/register`.
pub async fn register(site: Site, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let outcome = make(&site, &headers, body).await;
    answered(&site, outcome)
}

/// The handler of `GET` on a client's `registration_client_uri` (RFC 7592 section 2.1).
pub async fn show(site: Site, Path(client): Path<String>, headers: HeaderMap) -> Response {
    let outcome = read(&site, &client, &headers).await;
    answered(&site, outcome)
}

/// The handler of `PUT` (RFC 7592 section 2.2).
pub async fn replace(
    site: Site,
    Path(client): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let outcome = change(&site, &client, &headers, body).await;
    answered(&site, outcome)
}

/// The handler of `DELETE` (RFC 7592 section 2.3).
pub async fn remove(site: Site, Path(client): Path<String>, headers: HeaderMap) -> Response {
    let outcome = delete(&site, &client, &headers).await;
    answered(&site, outcome)
}

/// What a tenant lets clients have that register themselves, with what that rests on.
struct Offer {
    grant_types: Vec<GrantType>,
    scope: Scope,
    id_token_algorithms: Vec<oidc::jose::Algorithm>,
}

impl Offer {
    async fn of(site: &Site) -> Result<Self, Fault> {
        let registration = &site.tenant.settings.registration;
        let scope = if registration.scopes.is_empty() {
            Scope::empty()
        } else {
            let fault = |error| Fault::new("read the scopes of registrations").because(error);
            registration.scopes.join(" ").parse().map_err(fault)?
        };
        Ok(Self {
            grant_types: registration.grant_types.iter().filter_map(|word| GrantType::parse(word)).collect(),
            scope,
            id_token_algorithms: site.app.keys(&site.tenant).await?.set.algorithms(),
        })
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            grant_types: &self.grant_types,
            scope: &self.scope,
            id_token_algorithms: &self.id_token_algorithms,
        }
    }

    /// What the operator would say of such a client: never that people needn't be asked. Without a scope beyond the standard
    /// ones there is no API for it but the issuer's own.
    fn settings(&self, site: &Site) -> Result<ClientSettings, Failure> {
        let resource_servers = if self.scope.difference(&Scope::standard()).is_empty() {
            vec![site.tenant.issuer.as_str().parse().map_err(Failure::new)?]
        } else {
            Vec::new()
        };
        Ok(ClientSettings { first_party: false, resource_servers, ..ClientSettings::default() })
    }
}

/// RFC 7591 section 3.1: JSON, by its media type. The one thing that goes wrong while a body is read is its length.
fn document(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Bytes, RegistrationRefusal> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return Err(RegistrationRefusal::NotJson);
    };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(RegistrationRefusal::NotJson);
    }
    body.map_err(|_| RegistrationRefusal::NotJson)
}

/// Whether this request may register a client: in the mode `token`, by which initial access token.
async fn admitted(
    site: &Site,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Option<InitialAccessTokenHash>, Problem<RegistrationRefusal>> {
    let refused = |refusal| Err(Problem::Refusal(refusal));
    match site.tenant.settings.registration.mode {
        RegistrationMode::Closed => refused(RegistrationRefusal::Closed),
        RegistrationMode::Open => Ok(None),
        RegistrationMode::Token => {
            let text = registration::presented(&caller::authorization(headers)).map_err(Problem::Refusal)?;
            let Ok(token) = InitialAccessToken::parse(text.reveal()) else {
                return refused(RegistrationRefusal::InvalidToken);
            };
            let found = site.app.store.read(site.tenant.id).initial_access(token.hash()).await?;
            match found {
                Some(found) if found.is_good(now) => Ok(Some(token.hash())),
                _ => refused(RegistrationRefusal::InvalidToken),
            }
        }
    }
}

/// Counts what was refused for its token, so that nobody guesses at them without end.
fn noted<T>(
    site: &Site,
    outcome: Result<T, Problem<RegistrationRefusal>>,
) -> Result<T, Problem<RegistrationRefusal>> {
    if let Err(Problem::Refusal(_)) = &outcome {
        site.note(Limit::ClientFailures);
    }
    outcome
}

async fn make(site: &Site, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Outcome {
    let now = site.app.clock.now();
    site.look(Limit::ClientFailures).map_err(Problem::TooOften)?;
    let by = noted(site, admitted(site, headers, now).await)?;
    site.count(Limit::Registrations).map_err(Problem::TooOften)?;
    let document = document(headers, body).map_err(Problem::Refusal)?;
    let offer = Offer::of(site).await?;
    let metadata = registration::read(&document, offer.terms()).map_err(Problem::Refusal)?;
    let client = Client {
        id: new_id(&site.app).map_err(Failure::new)?,
        metadata,
        settings: offer.settings(site)?,
        created_at: now,
        last_used_at: Some(now),
    };
    check(site, &client).await?;
    let secret = new_secret(&site.app, &site.tenant, &client, now)?;
    let token = site.app.entropy.secret(RegistrationAccessToken::new);
    let event =
        Event::new(site.app.event_id(), EventKind::ClientCreated, Actor::Client(client.id.clone()), now)
            .about(&client.id)
            .from_address(site.address)
            .with("by", "registration");
    let most = i64::from(site.tenant.settings.registration.clients);
    let made =
        write_tx!(site.app.store, site.tenant.id, |tx| -> Result<Result<(), RegistrationRefusal>, Fault> {
            if tx.registered_clients().await? >= most {
                return Ok(Err(RegistrationRefusal::TooManyClients));
            }
            if let Some(hash) = by
                && !tx.use_initial_access(hash, now).await?
            {
                return Ok(Err(RegistrationRefusal::InvalidToken));
            }
            if !tx.insert_registered_client(&client, token.hash()).await? {
                return Err(Fault::busy(format!("register the client {}", client.id)));
            }
            if let Some(NewSecret { stored, .. }) = &secret {
                tx.insert_client_secret(&client.id, stored, now).await?;
            }
            tx.append_event(&event).await?;
            Ok(Ok(()))
        })?;
    made.map_err(Problem::Refusal)?;
    let secret = secret.map(|it| it.secret);
    Ok(told(site, StatusCode::CREATED, &client, secret.as_ref(), &token))
}

/// What only the server knows of a client's words: whether the tenant lets its response types, and whether it is of its
/// sector (OpenID Connect Registration section 5). Nothing is told of what else lies at that address.
async fn check(site: &Site, client: &Client) -> Result<(), Problem<RegistrationRefusal>> {
    if !response_types_are_let(&site.tenant, client) {
        let reason = "id_token and token are not let to clients that register themselves";
        return Err(Problem::Refusal(RegistrationRefusal::of_member("response_types", reason)));
    }
    let Err(fault) = check_sector(&site.app, client).await else { return Ok(()) };
    tracing::info!(client = %client.id, %fault, "a sector that a client names does not hold");
    Err(Problem::Refusal(RegistrationRefusal::of_member("sector_identifier_uri", fault.for_strangers())))
}

/// The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3).
fn told(
    site: &Site,
    status: StatusCode,
    client: &Client,
    secret: Option<&ClientSecret>,
    token: &RegistrationAccessToken,
) -> Response {
    let mut members = members(client, secret);
    let uri = site.tenant.url(&format!("{}/{}", path::REGISTER, client.id));
    members.insert("registration_client_uri".to_owned(), uri.into());
    members.insert("registration_access_token".to_owned(), token.reveal().into());
    respond::json(status, Value::Object(members))
}

/// A client that proved by its token that the registration is its own. Only [`manager`] makes one.
struct Manager {
    client: Client,
    token: RegistrationAccessToken,
}

/// RFC 7592 section 2: the token is of this client and no other. Whether there is no such client or another token, nobody
/// learns.
async fn manager(
    site: &Site,
    client: &str,
    headers: &HeaderMap,
) -> Result<Manager, Problem<RegistrationRefusal>> {
    site.look(Limit::ClientFailures).map_err(Problem::TooOften)?;
    let found = noted(site, owner(site, client, headers).await)?;
    site.count_client(&found.client.id).map_err(Problem::TooOften)?;
    Ok(found)
}

async fn owner(
    site: &Site,
    client: &str,
    headers: &HeaderMap,
) -> Result<Manager, Problem<RegistrationRefusal>> {
    let text = registration::presented(&caller::authorization(headers)).map_err(Problem::Refusal)?;
    let unknown = || Problem::Refusal(RegistrationRefusal::InvalidToken);
    let token = RegistrationAccessToken::parse(text.reveal()).map_err(|_| unknown())?;
    let id = client.parse().map_err(|_| unknown())?;
    let mut read = site.app.store.read(site.tenant.id);
    let client = read.client_by_registration_token(&id, token.hash()).await?.ok_or_else(unknown)?;
    Ok(Manager { client, token })
}

async fn read(site: &Site, client: &str, headers: &HeaderMap) -> Outcome {
    let Manager { client, token } = manager(site, client, headers).await?;
    Ok(told(site, StatusCode::OK, &client, None, &token))
}

async fn change(
    site: &Site,
    client: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Outcome {
    let now = site.app.clock.now();
    let refused = Problem::Refusal;
    let Manager { client: before, token } = manager(site, client, headers).await?;
    // What the operator vouches for, the operator changes.
    if site.tenant.settings.registration.mode == RegistrationMode::Closed || before.settings.first_party {
        return Err(refused(RegistrationRefusal::Closed));
    }
    let document = document(headers, body).map_err(refused)?;
    let offer = Offer::of(site).await?;
    let Update { metadata, secret } =
        registration::read_update(&document, &before, offer.terms()).map_err(refused)?;
    if let Some(secret) = secret
        && !is_secret_of(site, &before, &secret).await?
    {
        return Err(refused(RegistrationRefusal::of_member("client_secret", "is not the client's")));
    }
    store_change(site, before, metadata, &token, now).await
}

async fn store_change(
    site: &Site,
    before: Client,
    metadata: ClientMetadata,
    token: &RegistrationAccessToken,
    now: Timestamp,
) -> Outcome {
    let kept_before = before.auth_method.secret_keeping();
    let client = Client { metadata, ..before };
    check(site, &client).await?;
    // What was kept of a secret for one method is of no use to another, and must not come back to life with a third.
    let kept_otherwise = client.auth_method.secret_keeping() != kept_before;
    let secret = if kept_otherwise { new_secret(&site.app, &site.tenant, &client, now)? } else { None };
    let actor = Actor::Client(client.id.clone());
    let event = Event::new(site.app.event_id(), EventKind::ClientUpdated, actor, now)
        .about(&client.id)
        .from_address(site.address);
    let changed = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        // The token may be worth nothing any more, and the operator may have vouched for the client by now.
        match tx.client_by_registration_token(&client.id, token.hash()).await? {
            Some(now) if now.settings == client.settings => {}
            _ => return Ok(false),
        }
        tx.update_client(&client).await?;
        if kept_otherwise {
            tx.delete_client_secrets(&client.id).await?;
        }
        if let Some(NewSecret { stored, .. }) = &secret {
            tx.insert_client_secret(&client.id, stored, now).await?;
        }
        tx.append_event(&event).await?;
        Ok(true)
    })?;
    if !changed {
        return Err(Problem::Refusal(RegistrationRefusal::InvalidToken));
    }
    let secret = secret.map(|it| it.secret);
    Ok(told(site, StatusCode::OK, &client, secret.as_ref(), token))
}

/// Whether the client has this secret (RFC 7592 section 2.2: it can't choose another).
async fn is_secret_of(site: &Site, client: &Client, given: &SecretText) -> Result<bool, Fault> {
    let Ok(given) = ClientSecret::parse(given.reveal()) else { return Ok(false) };
    for secret in site.app.store.read(site.tenant.id).client_secrets(&client.id).await? {
        let hash = match &secret.kept {
            KeptSecret::Hashed(hash) => *hash,
            KeptSecret::Sealed(sealed) => {
                caller::open_client_secret(site, &client.id, secret.id, sealed)?.hash()
            }
        };
        if hash == given.hash() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn delete(site: &Site, client: &str, headers: &HeaderMap) -> Outcome {
    let now = site.app.clock.now();
    let Manager { client, token } = manager(site, client, headers).await?;
    let actor = Actor::Client(client.id.clone());
    let event = Event::new(site.app.event_id(), EventKind::ClientDeleted, actor, now)
        .about(&client.id)
        .from_address(site.address);
    let gone = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        if tx.client_by_registration_token(&client.id, token.hash()).await?.is_none() {
            return Ok(false);
        }
        tx.append_event(&event).await?;
        tx.delete_client(&client.id).await
    })?;
    if !gone {
        return Err(Problem::Refusal(RegistrationRefusal::InvalidToken));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
