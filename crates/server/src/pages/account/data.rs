//! `/account/data`: everything that is stored about a person, to take along.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use identity::{Actor, Event, EventKind, Session, User};
use serde_json::{Value, json};
use store::accounts::GrantLine;
use store::consents::Consent;
use store::{Fault, Tx, write_tx};
use terms::{Language, Timestamp, UserId};

use super::{AccountSubmission, AccountVisit, Frame, Place};
use crate::error::Failure;
use crate::pages::{Stop, View, page};
use crate::request::Site;

/// Rows that are read at once.
const PAGE: u32 = 500;

#[derive(Template)]
#[template(path = "account_data.html")]
struct DataPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
}

/// `GET /account/data`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    page(StatusCode::OK, &DataPage { view: visit.view(), frame: visit.frame(Place::Data) })
}

/// What becomes of the wish for it.
enum Export {
    File(Value),
    /// The password was typed too long ago.
    Unproven,
    /// Signed out, disabled or deleted meanwhile.
    Stale,
}

/// `POST /account/data`: the file. It takes a recent password, since it is all that there is to know.
pub async fn export(submission: AccountSubmission) -> Result<Response, Stop> {
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let file = write_tx!(app.store, tenant.id, |tx| -> Result<Export, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(Export::Stale) };
        if principal.recently_proven(submission.now).is_none() {
            return Ok(Export::Unproven);
        }
        let event = events.make(0, EventKind::UserExported).about(principal.user.id);
        tx.append_event(&event.with_session(principal.session.id)).await?;
        everything(tx, &principal.user).await.map(Export::File)
    })?;
    match file {
        Export::Stale => Err(submission.stale()),
        Export::Unproven => Ok(submission.to_confirm(Place::Data)),
        Export::File(file) => {
            let text = serde_json::to_string_pretty(&file).map_err(Failure::new)?;
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\"")),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            Ok((StatusCode::OK, headers, text).into_response())
        }
    }
}

/// Named member by member, so that a column that is added is not given away by accident: no secret, no hash.
async fn everything(tx: &mut Tx, user: &User) -> Result<Value, Fault> {
    let password = tx.password_of(user.id).await?;
    let sessions = tx.all_sessions_of_user(user.id).await?;
    let consents = tx.consents_of_user(user.id).await?;
    Ok(json!({
        "user_id": user.id,
        "sub": user.subject,
        "created_at": instant(user.created_at),
        "updated_at": instant(user.updated_at),
        "profile": user.profile,
        "language": user.language.map(Language::as_str),
        "password_changed_at": password.map(|password| instant(password.changed_at)),
        "username": user.username,
        "email_addresses": user.emails.iter().map(|email| json!({
            "email": email.address.as_written(),
            "verified_at": email.verified_at.map(instant),
            "primary": email.is_primary,
        })).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "consents": consents.iter().map(consent).collect::<Vec<_>>(),
        "grants": grants(tx, user.id).await?,
        "events": events_of(tx, user.id).await?,
    }))
}

/// RFC 3339.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default().to_string()
}

fn session(session: &Session) -> Value {
    json!({
        "session_id": session.id,
        "methods": session.amr(),
        "authenticated_at": instant(session.auth_time()),
        "created_at": instant(session.created_at),
        "last_active_at": instant(session.last_active_at),
        "expires_at": instant(session.expires_at),
        "ended_at": session.ended_at.map(instant),
        "address": session.device.address,
        "user_agent": session.device.user_agent.as_ref().map(identity::UserAgent::as_str),
    })
}

fn consent(consent: &Consent) -> Value {
    json!({
        "client_id": consent.client,
        "scope": consent.scope.to_string(),
        "given_at": instant(consent.given_at),
    })
}

fn grant(grant: &GrantLine) -> Value {
    json!({
        "grant_id": grant.id,
        "client_id": grant.client,
        "scope": grant.scope,
        "offline": grant.offline,
        "created_at": instant(grant.created_at),
        "ended_at": grant.ended_at.map(instant),
    })
}

/// An event. Of whoever else caused it only the kind is told: an operator's or another user's id is not this person's.
fn event(event: &Event, user: UserId) -> Value {
    let by = match &event.actor {
        Actor::User(id) if *id == user => "you",
        Actor::User(_) => "another user",
        Actor::Client(_) => "a client",
        Actor::Browser(_) => "a browser",
        Actor::System => "the server",
        Actor::Operator => "an operator",
    };
    json!({
        "event_id": event.id,
        "kind": event.kind.as_str(),
        "at": instant(event.at),
        "by": by,
        "about": event.subject,
        "details": event.details,
    })
}

async fn grants(tx: &mut Tx, user: UserId) -> Result<Vec<Value>, Fault> {
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let rows = tx.grants_of_user(user, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(told) };
        after = Some(last.id);
        told.extend(rows.iter().map(grant));
    }
}

async fn events_of(tx: &mut Tx, user: UserId) -> Result<Vec<Value>, Fault> {
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let rows = tx.events_of_user(user, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(told) };
        after = Some(last.id);
        told.extend(rows.iter().map(|row| event(row, user)));
    }
}
