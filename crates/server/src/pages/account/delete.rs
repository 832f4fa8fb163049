//! `/account/delete`: the end of an account.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::EventKind;
use store::endings::Ended;
use store::{Fault, write_tx};

use super::letters::{Notice, notice};
use super::{AccountSubmission, AccountVisit, Frame, Place};
use crate::browser::Rotation;
use crate::logout_notices::tell;
use crate::pages::front_channel::Frames;
use crate::pages::{Faults, FieldFault, Stop, View, page, page_with, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_delete.html")]
struct DeletePage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "account_deleted.html")]
struct DeletedPage<'a> {
    view: View<'a>,
    is_mailed: bool,
    frames: Frames,
}

fn form(visit: &AccountVisit, faults: Faults) -> Result<Response, Stop> {
    let template = DeletePage { view: visit.view(), frame: visit.frame(Place::Delete), faults };
    page(template.faults.status(), &template)
}

/// `GET /account/delete`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    form(&visit, Faults::default())
}

/// How it ended.
enum Outcome {
    Deleted(Ended, Frames),
    Unproven,
    Stale,
}

/// `POST /account/delete`: deletes the account with everything that is its own. Events keep the ids; neither id nor subject
/// is given out again.
pub async fn delete(submission: AccountSubmission) -> Result<Response, Stop> {
    if submission.form.value("sure") != "yes" {
        let text = submission.view().text("account-delete-unsure");
        return form(&submission.visit(), FieldFault { field: "sure", text }.into());
    }
    let letter = notice(&submission, Notice::AccountDeleted)?;
    let rotation = Rotation::new(&submission.site.app);
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let now = submission.now;
    let outcome = write_tx!(app.store, tenant.id, |tx| -> Result<Outcome, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(Outcome::Stale) };
        let username = principal.user.username.as_ref().map(|username| tenant.username_hash(username));
        if principal.recently_proven(now).is_none() {
            return Ok(Outcome::Unproven);
        }
        if !rotation.apply(tx, &submission.browser, now).await? {
            return Ok(Outcome::Stale);
        }
        let Some(ended) = tx.delete_account(&principal.user, username, now).await? else {
            return Ok(Outcome::Stale);
        };
        let frames = Frames::gather(tx, tenant, &submission.browser, &ended).await?;
        if let Some(letter) = &letter {
            tx.append_mail(letter).await?;
        }
        tx.append_event(&events.make(0, EventKind::UserDeleted).about(principal.user.id)).await?;
        Ok(Outcome::Deleted(ended, frames))
    })?;
    match outcome {
        Outcome::Stale => Err(submission.stale()),
        Outcome::Unproven => Ok(submission.to_confirm(Place::Delete)),
        Outcome::Deleted(ended, frames) => {
            tell(app, tenant, ended).await;
            let policy = frames.policy();
            let template = DeletedPage { view: submission.view(), is_mailed: letter.is_some(), frames };
            let done = page_with(StatusCode::OK, &template, policy)?;
            Ok(with_cookie(done, Some(rotation.cookie(tenant))))
        }
    }
}
