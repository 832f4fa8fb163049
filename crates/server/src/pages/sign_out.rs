//! `/sign-out`: ends every session of this browser, after asking.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::{Actor, BrowserRecord, Event, EventKind, Session};
use store::{Fault, write_tx};
use terms::{EventId, SessionId, Timestamp};

use super::home::{AccountLine, account_lines};
use super::{Stop, Submission, View, Visit, page, with_cookie};
use crate::browser::{self, Rotation};
use crate::entropy::counted_id;
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
}

/// `GET /sign-out`: asks. A link from anywhere must not sign anyone out.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let accounts = account_lines(&visit).await?;
    match &visit.context.browser {
        Some(browser) if !accounts.is_empty() => {
            let form_token = browser::form_token(&visit.site.tenant, browser.id);
            page(StatusCode::OK, &SignOutPage { view: visit.view(), form_token, accounts })
        }
        _ => signed_out_page(&visit.site),
    }
}

/// `POST /sign-out`.
pub async fn end(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let rotation = end_sessions(site, &submission.browser, None, submission.now).await?;
    Ok(with_cookie(signed_out_page(site)?, Some(rotation.cookie(&site.tenant))))
}

/// The page that says it is done.
pub fn signed_out_page(site: &Site) -> Result<Response, Stop> {
    page(StatusCode::OK, &SignedOutPage { view: View::new(site) })
}

/// Ends some sessions of a browser, or all of them, and rotates its handle. Answer with the rotation's cookie.
pub async fn end_sessions(
    site: &Site,
    browser: &BrowserRecord,
    only: Option<&[SessionId]>,
    now: Timestamp,
) -> Result<Rotation, Fault> {
    let Site { app, tenant, address, .. } = site;
    let rotation = Rotation::new(app);
    let event_bits = app.entropy.bytes::<10>();
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> {
        let mut ended: Vec<Session> = tx.sessions_of_browser(browser.id).await?;
        ended.retain(|session| only.is_none_or(|only| only.contains(&session.id)));
        for (index, session) in ended.iter().enumerate() {
            tx.end_session(session.id, now).await?;
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
        Ok(())
    })?;
    Ok(rotation)
}
