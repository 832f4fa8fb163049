//! `/account/sessions`: where this person is signed in, and signing out from there.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::Session;
use store::endings::Ended;
use store::{Fault, write_tx};
use terms::SessionId;

use super::device;
use super::{AccountSubmission, AccountVisit, Done, Events, Frame, Place};
use crate::browser::Rotation;
use crate::logout_notices::tell;
use crate::pages::error::Problem;
use crate::pages::front_channel::{Frames, signing_out_page};
use crate::pages::sign_out::signed_out_page;
use crate::pages::{Stop, View, page, see_other, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_sessions.html")]
struct SessionsPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    sessions: Vec<Line>,
}

/// A session, in words.
struct Line {
    id: SessionId,
    device: String,
    /// The place, where it is known, and the address.
    place: String,
    since: String,
    active: String,
    is_this: bool,
}

fn line(visit: &AccountVisit, session: &Session) -> Line {
    let view = visit.view();
    let address = session.device.address;
    let place = address.and_then(|address| visit.site.app.places.of(address, view.texts.language.as_str()));
    let parts = [place, address.map(|address| address.to_string())];
    Line {
        id: session.id,
        device: device::in_words(view.texts, session.device.user_agent.as_ref()),
        place: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        since: view.date_time(session.auth_time()),
        active: view.date_time(session.last_active_at),
        is_this: session.id == visit.principal().session().id,
    }
}

/// `GET /account/sessions`: the live ones, this one first, then those that were active last.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &visit.site;
    let this = visit.principal().session().id;
    let mut sessions = app.store.read(tenant.id).sessions_of_user(visit.principal().user().id).await?;
    sessions.retain(|session| session.is_live(visit.now));
    sessions.sort_by_key(|session| (session.id != this, std::cmp::Reverse(session.last_active_at)));
    let lines = sessions.iter().map(|session| line(&visit, session)).collect();
    let template = SessionsPage { view: visit.view(), frame: visit.frame(Place::Sessions), sessions: lines };
    page(StatusCode::OK, &template)
}

/// Which sessions are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    One(SessionId),
    Others,
    All,
}

/// `POST /account/sessions`: ends one of this person's sessions, all others, or all. It takes no password: who would keep
/// a thief out has no time to lose, and nothing is gained by it for the thief.
pub async fn end(submission: AccountSubmission) -> Result<Response, Stop> {
    let which = match (submission.form.value("which"), submission.form.id("session")) {
        ("one", Ok(Some(session))) => Which::One(session),
        ("others", _) => Which::Others,
        ("all", _) => Which::All,
        _ => return Err(Problem::Request.stop(&submission.site)),
    };
    let this = submission.principal.session.id;
    let rotation = Rotation::new(&submission.site.app);
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let ended = write_tx!(app.store, tenant.id, |tx| -> Result<Option<(Ended, Frames)>, Fault> {
        if submission.anew(tx).await?.is_none() {
            return Ok(None);
        }
        let ended = end_those(tx, &submission, which, &rotation, &events).await?;
        let frames = Frames::gather(tx, tenant, &submission.browser, &ended).await?;
        Ok(Some((ended, frames)))
    })?;
    let Some((ended, frames)) = ended else { return Err(submission.stale()) };
    tell(app, tenant, ended).await;
    if which == Which::All || which == Which::One(this) {
        let cookie = Some(rotation.cookie(tenant));
        // Other accounts of this browser stay signed in, and the page that lists them says so.
        let answer = if submission.others.is_empty() {
            signed_out_page(&submission.site, frames)?
        } else if frames.is_empty() {
            see_other(tenant, "/")
        } else {
            signing_out_page(&submission.site, frames, tenant.path("/"))?
        };
        return Ok(with_cookie(answer, cookie));
    }
    let done = if which == Which::Others { Done::SessionsEnded } else { Done::SessionEnded };
    Ok(submission.done(Place::Sessions, done))
}

/// Gives what ended: nothing for a session that is another person's, or has ended before.
async fn end_those(
    tx: &mut store::Tx,
    submission: &AccountSubmission,
    which: Which,
    rotation: &Rotation,
    events: &Events,
) -> Result<Ended, Fault> {
    let (principal, now) = (&submission.principal, submission.now);
    let ended = match which {
        Which::One(id) => tx.end_session_of(principal.user.id, id, now).await?,
        Which::Others => tx.end_other_sessions_of_user(principal.user.id, principal.session.id, now).await?,
        Which::All => tx.end_sessions_of_user(principal.user.id, now).await?,
    };
    if ended.sessions.iter().any(|session| session.id == principal.session.id) {
        // Where the handle is no longer in force, this answer's cookie names no browser: signed out all the same.
        rotation.apply(tx, &submission.browser, now).await?;
    }
    events.sessions_ended(tx, 0, &ended.sessions, "account").await?;
    Ok(ended)
}
