//! `/select-account`: which of the accounts that are signed in here, or another.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use store::{Fault, write_tx};
use terms::{FlowId, SessionId};

use super::client_card::ClientCard;
use super::error::Problem;
use super::{Stop, Submission, View, Visit, moving_on, page_for, with_cookie};
use crate::browser;
use crate::oauth::authorize::{back_to_flow, pending_in, session_facts};

#[derive(Template)]
#[template(path = "select_account.html")]
struct SelectAccountPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: FlowId,
    client: &'a str,
    accounts: Vec<Choice>,
    other: String,
    card: Option<ClientCard>,
}

struct Choice {
    session: SessionId,
    name: String,
    email: String,
}

/// `GET /select-account`.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let site = &visit.site;
    let Some(flow) = visit.flow()? else { return Err(Problem::Request.stop(site)) };
    let (browser, cookie) = visit.known_browser().await?;
    let Some(pending) = pending_in(site, flow, &browser, visit.now).await? else {
        return Ok(back_to_flow(site, flow, cookie));
    };
    let mut read = site.app.store.read(site.tenant.id);
    let sessions = session_facts(&mut read, &browser, &pending, visit.now).await?;
    let choice = |(fact, _, user): (oidc::authorize::SessionFact, identity::Session, identity::User)| {
        Choice { session: fact.id, name: user.display_name().to_owned(), email: user.identifier().to_owned() }
    };
    let accounts: Vec<Choice> = sessions.into_iter().map(choice).collect();
    if accounts.is_empty() {
        return Ok(back_to_flow(site, flow, cookie));
    }
    let view = visit.view();
    let template = SelectAccountPage {
        view,
        form_token: browser::form_token(&site.tenant, browser.id),
        flow,
        client: pending.client.display_name(),
        accounts,
        other: view.path_in_flow("/sign-in", Some(&flow)),
        card: Some(ClientCard::of(&pending.client)),
    };
    Ok(with_cookie(page_for(StatusCode::OK, &template, template.card.as_ref())?, cookie))
}

/// `POST /select-account`: records the choice. One that is signed in no longer is not recorded, and so asked for again.
pub async fn choose(submission: Submission) -> Result<Response, Stop> {
    let Submission { site, now, browser, .. } = &submission;
    let (Some(flow), Ok(Some(session))) = (submission.flow()?, submission.form.id::<SessionId>("session"))
    else {
        return Err(Problem::Request.stop(site));
    };
    pending_in(site, flow, browser, *now).await?;
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> {
        let sessions = browser::live_sessions(tx, browser, *now).await?;
        if sessions.iter().any(|it| it.id == session) {
            tx.choose_flow_session(flow, browser.id, session, *now).await?;
        }
        Ok(())
    })?;
    moving_on::to_next_step(site, Some(&flow), None)
}
