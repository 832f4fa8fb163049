//! `POST /oauth/revoke` (RFC 7009).

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use identity::{Actor, Event, EventKind};
use oidc::access_token::ExpectedAudience;
use oidc::presented::PresentedToken;
use oidc::revocation::{Found, Revocation, RevocationRefusal, decide, parse};
use store::{Fault, write_tx};
use terms::{ClientId, EventId, Timestamp};

use super::caller;
use super::respond::{self, Problem};
use crate::request::Site;

/// The handler.
pub async fn revoke(site: Site, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match answer(&site, &headers, body).await {
        // RFC 7009 section 2.2: the same for a token that was revoked and for one that never was.
        Ok(()) => StatusCode::OK.into_response(),
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
) -> Result<(), Problem<RevocationRefusal>> {
    let now = site.app.clock.now();
    let refused = Problem::Refusal;
    let form = caller::form(headers, body).map_err(|error| refused(RevocationRefusal::Form(error)))?;
    let client = caller::client(site, headers, &form, now, RevocationRefusal::Client).await?;
    let found = find(site, parse(&form).map_err(refused)?, now).await?;
    match decide(&client, found) {
        Revocation::Nothing => Ok(()),
        Revocation::Refuse(refusal) => Err(refused(refusal)),
        effect => Ok(apply(site, &client.client().id, &effect, now).await?),
    }
}

/// What the token is, as far as it is genuine. One that has expired needs nothing done any more.
async fn find(site: &Site, token: PresentedToken, now: Timestamp) -> Result<Found, Fault> {
    Ok(match token {
        PresentedToken::Unknown => Found::Nothing,
        PresentedToken::Refresh(token) => match caller::genuine(site, &token).await? {
            Some(record) => Found::Refresh { client: record.grant.client, grant: record.grant.id },
            None => Found::Nothing,
        },
        PresentedToken::Handle(handle) => {
            match site.app.store.read(site.tenant.id).access_token(handle.hash()).await? {
                Some(found) => Found::Handle { client: found.token.client, hash: handle.hash() },
                None => Found::Nothing,
            }
        }
        PresentedToken::Jwt(jwt) => {
            let token = caller::verified(site, &jwt, ExpectedAudience::Any, now).await?;
            token.map_or(Found::Nothing, Found::Jwt)
        }
    })
}

async fn apply(site: &Site, client: &ClientId, effect: &Revocation, now: Timestamp) -> Result<(), Fault> {
    let event_id = site.app.entropy.id(EventId::new, now);
    let event =
        |kind| Event::new(event_id, kind, Actor::Client(client.clone()), now).from_address(site.address);
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> {
        let changed = match effect {
            Revocation::Nothing | Revocation::Refuse(_) => None,
            Revocation::EndGrant(grant) => {
                tx.end_grant(*grant, now).await?.then(|| event(EventKind::GrantEnded).about(*grant))
            }
            Revocation::RevokeJwt { id, until } => {
                tx.revoke_jwt(id, *until).await?.then(|| event(EventKind::TokenRevoked).about(id))
            }
            Revocation::RevokeHandle(hash) => {
                tx.revoke_access_token(*hash, now).await?.then(|| event(EventKind::TokenRevoked))
            }
        };
        match changed {
            Some(event) => tx.append_event(&event).await,
            None => Ok(()),
        }
    })
}
