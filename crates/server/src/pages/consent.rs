//! `/consent`: what a client asks for, to be approved or refused.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::{Actor, Event, EventKind};
use oidc::authorize::{Asker, Interaction, NextStep};
use oidc::scope::Scope;
use store::consents::Consent;
use store::{Fault, Tx, write_tx};
use terms::{EventId, FlowId, SessionId};

use super::client_card::ClientCard;
use super::error::Problem;
use super::{Stop, Submission, View, Visit, moving_on, page_for, with_cookie};
use crate::browser;
use crate::oauth::authorize::{Pending, back_to_flow, decide, pending_in};

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: FlowId,
    session: SessionId,
    scope: Scope,
    client: &'a str,
    account: String,
    lines: Vec<String>,
    /// What to know of who asks: that another application could pose as this one, or that it is a device.
    warning: Option<String>,
    card: Option<ClientCard>,
}

/// What is said of a scope token. What we don't know is shown as it is: it is the resource server's own word.
pub(super) fn line_of(view: View<'_>, token: &str) -> String {
    match token {
        "openid" => view.text("scope-openid"),
        "profile" => view.text("scope-profile"),
        "email" => view.text("scope-email"),
        "phone" => view.text("scope-phone"),
        "address" => view.text("scope-address"),
        "offline_access" => view.text("scope-offline-access"),
        other => other.to_owned(),
    }
}

/// `GET /consent`: asks, if the flow's next step is to ask.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let site = &visit.site;
    let Some(flow) = visit.flow()? else { return Err(Problem::Request.stop(site)) };
    let (browser, cookie) = visit.known_browser().await?;
    let Some(pending) = pending_in(site, flow, &browser, visit.now).await? else {
        return Ok(back_to_flow(site, flow, cookie));
    };
    let mut read = site.app.store.read(site.tenant.id);
    let decided = decide(&mut read, &pending, Some(&browser), Some(flow), visit.now).await?;
    let Some((NextStep::Interact(Interaction::Consent(session)), sessions)) = decided else {
        return Ok(back_to_flow(site, flow, cookie));
    };
    let user = sessions.iter().find(|(fact, _, _)| fact.id == session).map(|(_, _, user)| user);
    let account = user.map(|user| {
        let identifier = Some(user.identifier()).filter(|identifier| !identifier.is_empty());
        identifier.unwrap_or_else(|| user.display_name()).to_owned()
    });
    let view = visit.view();
    let template = ConsentPage {
        view,
        form_token: browser::form_token(&site.tenant, browser.id),
        flow,
        session,
        scope: pending.ask.consent_scope(),
        client: pending.client.display_name(),
        account: account.unwrap_or_default(),
        lines: pending.ask.consent_scope().iter().map(|token| line_of(view, token)).collect(),
        warning: match pending.ask.asker {
            Asker::Client => None,
            Asker::Anybody => Some(view.text("consent-unproven")),
            Asker::Device => Some(view.text("consent-device")),
        },
        card: Some(ClientCard::of(&pending.client)),
    };
    Ok(with_cookie(page_for(StatusCode::OK, &template, template.card.as_ref())?, cookie))
}

/// What the person said about what they were shown.
struct Said {
    approved: bool,
    session: SessionId,
    scope: Scope,
}

impl Said {
    fn read(submission: &Submission) -> Option<Self> {
        let form = &submission.form;
        let approved = match form.value("decision") {
            "approve" => true,
            "deny" => false,
            _ => return None,
        };
        Some(Self { approved, session: form.id("session").ok()??, scope: form.value("scope").parse().ok()? })
    }
}

/// `POST /consent`.
pub async fn answer(submission: Submission) -> Result<Response, Stop> {
    let Submission { site, now, browser, .. } = &submission;
    let (Some(flow), Some(said)) = (submission.flow()?, Said::read(&submission)) else {
        return Err(Problem::Request.stop(site));
    };
    // A request that is good no longer is told to the client by the flow's next step.
    if let Some(pending) = pending_in(site, flow, browser, *now).await? {
        let event = site.app.entropy.id(EventId::new, *now);
        write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> {
            record(tx, &pending, flow, &submission, &said, event).await
        })?;
    }
    moving_on::to_next_step(site, Some(&flow), None)
}

/// Records the answer, if it is about what the flow asks now: the same account, the same scope.
async fn record(
    tx: &mut Tx,
    pending: &Pending,
    flow: FlowId,
    submission: &Submission,
    said: &Said,
    event: EventId,
) -> Result<(), Fault> {
    let (browser, now) = (&submission.browser, submission.now);
    if !said.approved {
        tx.deny_flow(flow, browser.id, now).await?;
        return Ok(());
    }
    let Some((step, sessions)) = decide(tx, pending, Some(browser), Some(flow), now).await? else {
        return Ok(());
    };
    let is_asked = step == NextStep::Interact(Interaction::Consent(said.session))
        && said.scope == pending.ask.consent_scope();
    let user = sessions.iter().find(|(fact, _, _)| fact.id == said.session).map(|(fact, _, _)| fact.user);
    let Some(user) = user.filter(|_| is_asked) else { return Ok(()) };
    if tx.consent_in_flow(flow, browser.id, user, &said.scope, now).await? {
        let client = pending.client.id.clone();
        tx.add_consent(&Consent { user, client, scope: said.scope.clone(), given_at: now }).await?;
        let event = Event::new(event, EventKind::ConsentGiven, Actor::User(user), now)
            .from_address(submission.site.address);
        tx.append_event(&event.about(&pending.client.id).with_flow(flow).with("scope", &said.scope)).await?;
    }
    Ok(())
}
