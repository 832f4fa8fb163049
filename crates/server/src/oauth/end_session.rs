//! `/oauth/end_session`: sign-out that a relying party asks for (OpenID Connect RP-Initiated Logout section 2).

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use identity::BrowserRecord;
use oidc::client::Client;
use oidc::end_session::{Afterwards, EndSession, EndSessionRefusal, LogoutHint, SignedIn, client_of, decide};
use oidc::id_token::verify_hint;
use oidc::params::Parameters;
use oidc::subject::Naming;
use store::flows::FlowKind;
use store::{Fault, write_one};
use terms::{FlowId, Timestamp};

use super::authorize::{claim_flow, new_flow};
use crate::app::App;
use crate::browser::{self, BrowserContext};
use crate::error::Failure;
use crate::pages::error::{Problem, request_refused, too_often};
use crate::pages::front_channel::{Frames, signing_out_page};
use crate::pages::sign_out::{Gone, end_sessions, signed_out_page};
use crate::pages::{Stop, Submission, View, Visit, form_body, moving_on, page, see_other, with_cookie};
use crate::rate_limits::Limit;
use crate::request::Site;

#[derive(Template)]
#[template(path = "end_session.html")]
struct EndSessionPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: FlowId,
    client: Option<&'a str>,
}

/// A sign-out request that is understood.
struct Asked {
    parameters: Parameters,
    client: Option<Arc<Client>>,
    decision: EndSession,
}

/// `GET /oauth/end_session`.
pub async fn show(mut site: Site, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let now = site.app.clock.now();
    let parameters = match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => parameters,
        Err(error) => return refused(&site, &EndSessionRefusal::Malformed(error)),
    };
    site.heed(&parameters);
    let context = browser::load(&site.app, &site.tenant, &headers, now).await?;
    answer(&site, parameters, &context, now).await
}

/// `POST /oauth/end_session`. A form of another site brings no cookie, so the request is kept until our own redirect brings it.
pub async fn store_and_go_on(
    State(app): State<Arc<App>>,
    mut site: Site,
    request: Request,
) -> Result<Response, Stop> {
    let now = app.clock.now();
    let Some(body) = form_body(request, &app).await else { return Err(Problem::Request.stop(&site)) };
    let parameters = match Parameters::parse(&body) {
        Ok(parameters) => parameters,
        Err(error) => return refused(&site, &EndSessionRefusal::Malformed(error)),
    };
    site.heed(&parameters);
    // As if nobody were signed in: what is wrong with the request itself is said at once, and never stored.
    let parameters = match understand(&site, parameters, &BrowserContext::default()).await? {
        Ok(asked) => asked.parameters,
        Err(refusal) => return refused(&site, &refusal),
    };
    site.count(Limit::Starts).map_err(|wait| too_often(&site, wait))?;
    let flow = new_flow(&site, FlowKind::EndSession, parameters, None, now);
    write_one!(app.store, site.tenant.id, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })?;
    Ok(see_other(&site.tenant, &format!("/oauth/end_session/continue?flow={}", flow.id)))
}

/// `GET /oauth/end_session/continue`: goes on with a request that came by POST.
pub async fn go_on(visit: Visit) -> Result<Response, Stop> {
    let site = &visit.site;
    let Some(flow) = visit.flow()? else { return Err(Problem::Request.stop(site)) };
    let (browser, cookie) = visit.known_browser().await?;
    let flow = claim_flow(site, flow, FlowKind::EndSession, &browser, visit.now).await?;
    let done = write_one!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        tx.complete_flow(flow.id, browser.id, visit.now).await
    })?;
    if !done {
        return Err(Problem::Stale.stop(site));
    }
    let context = BrowserContext { browser: Some(browser), sessions: visit.context.sessions.clone() };
    Ok(with_cookie(answer(site, flow.parameters, &context, visit.now).await?, cookie))
}

/// `POST /oauth/end_session/confirm`: the person agreed, on our own page.
pub async fn confirm(submission: Submission) -> Result<Response, Stop> {
    let Submission { site, now, browser, .. } = &submission;
    let Some(flow) = submission.flow()? else { return Err(Problem::Request.stop(site)) };
    let flow = claim_flow(site, flow, FlowKind::EndSession, browser, *now).await?;
    let done = write_one!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        tx.complete_flow(flow.id, browser.id, *now).await
    })?;
    if !done {
        return Err(Problem::Stale.stop(site));
    }
    let context = BrowserContext { browser: Some(browser.clone()), sessions: submission.sessions.clone() };
    let asked = match understand(site, flow.parameters, &context).await? {
        Ok(asked) => asked,
        Err(refusal) => return refused(site, &refusal),
    };
    let Gone { cookie, frames } = end_sessions(site, browser, None, *now).await?;
    let (EndSession::Ask { then } | EndSession::End { then, .. }) = asked.decision;
    let answer = match then {
        // The form's answer may not redirect to elsewhere: the pages say `form-action 'self'`.
        Afterwards::Redirect(way) if frames.is_empty() => moving_on::to(site, way.location(), None)?,
        then => gone(site, &then, frames)?,
    };
    Ok(with_cookie(answer, Some(cookie)))
}

/// Does what is decided, or asks.
async fn answer(
    site: &Site,
    parameters: Parameters,
    context: &BrowserContext,
    now: Timestamp,
) -> Result<Response, Stop> {
    let asked = match understand(site, parameters, context).await? {
        Ok(asked) => asked,
        Err(refusal) => return refused(site, &refusal),
    };
    match (asked.decision, &context.browser) {
        (EndSession::Ask { .. }, Some(browser)) => {
            ask(site, asked.client.as_deref(), asked.parameters, browser, now).await
        }
        (EndSession::End { sessions, then }, Some(browser)) => {
            if sessions.is_empty() {
                return gone(site, &then, Frames::default());
            }
            let Gone { cookie, frames } = end_sessions(site, browser, Some(&sessions), now).await?;
            Ok(with_cookie(gone(site, &then, frames)?, Some(cookie)))
        }
        // Without a browser nobody is signed in.
        (EndSession::Ask { then } | EndSession::End { then, .. }, None) => {
            gone(site, &then, Frames::default())
        }
    }
}

/// Where nothing is to be shown first, straight back to the client.
fn gone(site: &Site, then: &Afterwards, frames: Frames) -> Result<Response, Stop> {
    match then {
        Afterwards::Page => signed_out_page(site, frames),
        Afterwards::Redirect(way) if frames.is_empty() => Ok(Redirect::to(&way.location()).into_response()),
        Afterwards::Redirect(way) => signing_out_page(site, frames, way.location()),
    }
}

/// The page that asks. The request waits in a flow of this browser, so that the page's form carries only its name.
async fn ask(
    site: &Site,
    client: Option<&Client>,
    parameters: Parameters,
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Response, Stop> {
    let flow = new_flow(site, FlowKind::EndSession, parameters, Some(browser), now);
    write_one!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })?;
    let template = EndSessionPage {
        view: View::new(site),
        form_token: browser::form_token(&site.tenant, browser.id),
        flow: flow.id,
        client: client.map(Client::display_name),
    };
    page(StatusCode::OK, &template)
}

fn refused(site: &Site, refusal: &EndSessionRefusal) -> Result<Response, Stop> {
    request_refused(site, &refusal.description())
}

/// Gathers what the decision needs, and decides.
async fn understand(
    site: &Site,
    parameters: Parameters,
    context: &BrowserContext,
) -> Result<Result<Asked, EndSessionRefusal>, Failure> {
    let Site { app, tenant, .. } = site;
    let hint = match parameters.get("id_token_hint") {
        None => LogoutHint::Absent,
        Some(token) => {
            let keys = app.keys(tenant).await?;
            let verified = verify_hint(token, &keys.set, tenant.issuer.as_str(), None);
            verified.map_or(LogoutHint::Invalid, |hint| LogoutHint::Valid {
                client: hint.client().clone(),
                subject: hint.subject().clone(),
                session: Some(hint.session()),
            })
        }
    };
    let mut read = app.store.read(tenant.id);
    let client = match client_of(&parameters, &hint) {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(None) => None,
        Ok(Some(id)) => app.client(tenant, &id).await?,
    };
    let naming = match &client {
        None => Naming::Own,
        Some(client) => app.naming(tenant, client).await?,
    };
    let mut signed_in = Vec::new();
    for session in &context.sessions {
        if let Some(user) = read.user(session.user_id).await? {
            signed_in.push(SignedIn { session: session.id, subject: naming.subject(&user.subject) });
        }
    }
    let decision = decide(&parameters, client.as_deref(), &hint, &signed_in);
    Ok(decision.map(|decision| Asked { parameters, client, decision }))
}
