//! `/account/clients`: which clients this person let in, and shutting them out again.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::EventKind;
use oidc::client::Client;
use store::{Fault, write_tx};
use terms::ClientId;

use super::{AccountSubmission, AccountVisit, Done, Frame, Place};
use crate::pages::consent::line_of;
use crate::pages::error::Problem;
use crate::pages::{Stop, View, page};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_clients.html")]
struct ClientsPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    clients: Vec<Line>,
}

/// A client, in words.
#[derive(Default)]
struct Line {
    id: String,
    name: String,
    /// What was allowed; nothing for a client that needs no consent.
    allowed: String,
    allowed_at: Option<String>,
    used_at: Option<String>,
    offline: bool,
}

/// `GET /account/clients`: those with a consent that stands, and those with live grants.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &visit.site;
    let (view, user) = (visit.view(), visit.principal().user().id);
    let mut read = app.store.read(tenant.id);
    let mut lines: BTreeMap<ClientId, Line> = BTreeMap::new();
    for consent in read.consents_of_user(user).await? {
        let line = lines.entry(consent.client).or_default();
        let lines: Vec<String> = consent.scope.iter().map(|token| line_of(view, token)).collect();
        line.allowed = lines.join(", ");
        line.allowed_at = Some(view.date_time(consent.given_at));
    }
    for connection in read.connections(user, visit.now).await? {
        let line = lines.entry(connection.client).or_default();
        line.used_at = Some(view.date_time(connection.last_granted_at));
        line.offline = connection.offline;
    }
    let mut clients = Vec::new();
    for (id, line) in lines {
        // A client that was deleted has nothing any more that could be taken from it.
        if let Some(client) = app.client(tenant, &id).await? {
            clients.push(Line { id: id.to_string(), name: Client::display_name(&client).to_owned(), ..line });
        }
    }
    let template = ClientsPage { view, frame: visit.frame(Place::Clients), clients };
    page(StatusCode::OK, &template)
}

/// `POST /account/clients`: withdraws the consent and ends every grant of this person to the client. It takes no password,
/// since it only ever takes something from a client.
pub async fn disconnect(submission: AccountSubmission) -> Result<Response, Stop> {
    let Ok(client) = submission.form.value("client").parse::<ClientId>() else {
        return Err(Problem::Request.stop(&submission.site));
    };
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let now = submission.now;
    let done = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(false) };
        let user = principal.user.id;
        if tx.withdraw_consent(user, &client, now).await? {
            let event = events.make(0, EventKind::ConsentWithdrawn).about(&client);
            tx.append_event(&event.with_session(principal.session.id)).await?;
        }
        let ended = tx.end_grants_to_client(user, &client, now).await?;
        if ended > 0 {
            let event = events.make(1, EventKind::GrantEnded).about(user).with_client(&client);
            tx.append_event(&event.with("by", "account").with("grants", ended)).await?;
        }
        Ok(true)
    })?;
    if !done {
        return Err(submission.stale());
    }
    Ok(submission.done(Place::Clients, Done::ClientDisconnected))
}
