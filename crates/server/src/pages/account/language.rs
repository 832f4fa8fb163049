//! `/account/language`: the language in which a person is written to, and spoken to wherever they sign in.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::EventKind;
use store::{Fault, write_tx};
use terms::Language;

use super::{AccountSubmission, AccountVisit, Done, Frame, Place};
use crate::browser;
use crate::pages::error::Problem;
use crate::pages::{LanguageChoice, Stop, View, page, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_language.html")]
struct LanguagePage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    choices: Vec<LanguageChoice>,
}

/// `GET /account/language`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let view = visit.view();
    // Whoever never chose finds the language that they read.
    let current = visit.principal().user().language.unwrap_or(view.texts.language);
    let frame = visit.frame(Place::Language);
    page(StatusCode::OK, &LanguagePage { view, frame, choices: LanguageChoice::all(current) })
}

/// `POST /account/language`: for the account, and for the browser in which it was chosen.
pub async fn choose(submission: AccountSubmission) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let Ok(chosen) = submission.form.value("language").parse::<Language>() else {
        return Err(Problem::Request.stop(&submission.site));
    };
    let events = submission.events();
    let saved = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(false) };
        let user = principal.user;
        if user.language != Some(chosen) && tx.set_language(user.id, chosen).await? {
            let event = events.make(0, EventKind::UserLanguageChosen).about(user.id);
            tx.append_event(&event.with_session(principal.session.id).with("language", chosen)).await?;
        }
        Ok(true)
    })?;
    if !saved {
        return Err(submission.stale());
    }
    let cookie = browser::language_cookie(tenant, chosen);
    Ok(with_cookie(submission.done(Place::Language, Done::LanguageChosen), Some(cookie)))
}
