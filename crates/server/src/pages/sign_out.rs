//! `/sign-out`: ends every session of this browser, after asking.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use identity::{Actor, BrowserRecord, Event, EventKind, Session};
use store::endings::Ended;
use store::{Fault, write_tx};
use terms::{EventId, SessionId, Timestamp};

use super::front_channel::Frames;
use super::home::{AccountLine, account_lines};
use super::{Stop, Submission, View, Visit, page, page_with, with_cookie};
use crate::browser::{self, Rotation};
use crate::entropy::counted_id;
use crate::logout_notices::tell;
use crate::request::Site;

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    view: View<'a>,
    form_token: String,
    accounts: Vec<AccountLine>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage<'a> {
    view: View<'a>,
    frames: Frames,
}

/// `GET /sign-out`: asks. A link from anywhere must not sign anyone out.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let accounts = account_lines(&visit).await?;
    match &visit.context.browser {
        Some(browser) if !accounts.is_empty() => {
            let form_token = browser::form_token(&visit.site.tenant, browser.id);
            page(StatusCode::OK, &SignOutPage { view: visit.view(), form_token, accounts })
        }
        _ => signed_out_page(&visit.site, Frames::default()),
    }
}

/// `POST /sign-out`.
pub async fn end(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let Gone { cookie, frames } = end_sessions(site, &submission.browser, None, submission.now).await?;
    Ok(with_cookie(signed_out_page(site, frames)?, Some(cookie)))
}

/// The page that says it is done, with the clients' own pages that are to be shown now.
pub fn signed_out_page(site: &Site, frames: Frames) -> Result<Response, Stop> {
    let policy = frames.policy();
    page_with(StatusCode::OK, &SignedOutPage { view: View::new(site), frames }, policy)
}

/// What is left to answer with after a sign-out.
pub struct Gone {
    /// The browser's new handle.
    pub cookie: HeaderValue,
    /// What the page that answers is to show.
    pub frames: Frames,
}

/// Ends some sessions of a browser, or all of them, tells their clients, and rotates the browser's handle.
pub async fn end_sessions(
    site: &Site,
    browser: &BrowserRecord,
    only: Option<&[SessionId]>,
    now: Timestamp,
) -> Result<Gone, Fault> {
    let Site { app, tenant, address, .. } = site;
    let rotation = Rotation::new(app);
    let event_bits = app.entropy.bytes::<10>();
    let (ended, frames) = write_tx!(app.store, tenant.id, |tx| -> Result<(Ended, Frames), Fault> {
        let mut sessions: Vec<Session> = tx.sessions_of_browser(browser.id).await?;
        sessions.retain(|session| only.is_none_or(|only| only.contains(&session.id)));
        let mut ended = Ended::default();
        for (index, session) in sessions.iter().enumerate() {
            ended = ended.and(tx.end_session(session.id, now).await?);
            let event = Event::new(
                counted_id(EventId::new, event_bits, index, now),
                EventKind::SessionEnded,
                Actor::User(session.user_id),
                now,
            );
            let event = event.about(session.id).from_address(*address).with("by", "sign_out");
            tx.append_event(&event).await?;
        }
        // Where the handle is no longer in force, this answer's cookie names no browser: signed out all the same.
        rotation.apply(tx, browser, now).await?;
        let frames = Frames::gather(tx, tenant, browser, &ended).await?;
        Ok((ended, frames))
    })?;
    tell(app, tenant, ended).await;
    Ok(Gone { cookie: rotation.cookie(tenant), frames })
}
