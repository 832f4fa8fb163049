//! `/account/username`: another name in place of the one that the account signs in with, or its first. It is shown and typed on
//! the page of the profile.

use axum::response::Response;
use identity::EventKind;
use identity::username::{PERIOD, UsernameRefusal, may_take_username};
use store::{Fault, Tx, write_tx};
use terms::CanonicalUsername;

use super::letters::{Notice, notice};
use super::{AccountSubmission, Done, Place, profile};
use crate::pages::sign_up::{username_fault, username_taken};
use crate::pages::{FieldFault, Stop, View};
use crate::request::Site;

/// How a change ended.
enum Outcome {
    Changed,
    Refused(UsernameRefusal),
    /// The password was typed too long ago.
    Unproven,
    /// Signed out, disabled or deleted meanwhile.
    Stale,
}

/// `POST /account/username`. The name before is kept from everybody else, so that nobody is taken for this person.
pub async fn change(submission: AccountSubmission) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    if !tenant.has_usernames() {
        return Err(submission.stale());
    }
    let username = match CanonicalUsername::parse(submission.form.value("username")) {
        Ok(username) => username,
        Err(error) => {
            let fault = username_fault(submission.view(), error);
            return profile::again(submission, fault);
        }
    };
    let letter = notice(&submission, Notice::UsernameChanged(&username))?;
    let event = submission.events().make(0, EventKind::UserUsernameChanged);
    let outcome = write_tx!(app.store, tenant.id, |tx| -> Result<Outcome, Fault> {
        let outcome = apply(tx, &submission, &username).await?;
        if let Outcome::Changed = outcome {
            if let Some(letter) = &letter {
                tx.append_mail(letter).await?;
            }
            let (user, session) = (submission.principal.user.id, submission.principal.session.id);
            tx.append_event(&event.clone().about(user).with_session(session)).await?;
        }
        Ok(outcome)
    })?;
    match outcome {
        Outcome::Changed => Ok(submission.done(Place::Profile, Done::UsernameChanged)),
        Outcome::Unproven => Ok(submission.to_confirm(Place::Profile)),
        Outcome::Stale => Err(submission.stale()),
        Outcome::Refused(refusal) => {
            let fault = refused(submission.view(), refusal);
            profile::again(submission, fault)
        }
    }
}

fn refused(view: View<'_>, refusal: UsernameRefusal) -> FieldFault {
    let key = match refusal {
        UsernameRefusal::Taken | UsernameRefusal::OtherAccount => return username_taken(view),
        UsernameRefusal::TheirsAlready => "account-username-already",
        UsernameRefusal::TooOften => "account-username-too-often",
    };
    FieldFault { field: "username", text: view.text(key) }
}

async fn apply(
    tx: &mut Tx,
    submission: &AccountSubmission,
    username: &CanonicalUsername,
) -> Result<Outcome, Fault> {
    let (tenant, now) = (&submission.site.tenant, submission.now);
    let Some(principal) = submission.anew(tx).await? else { return Ok(Outcome::Stale) };
    let Some(proof) = principal.recently_proven(now) else { return Ok(Outcome::Unproven) };
    let user = &principal.user;
    let given_up = tx.usernames_retired_since(user.id, now.minus(PERIOD)).await?;
    let is_free = tx.is_username_free(username, tenant.username_hash(username), user.id).await?;
    if let Err(refusal) = may_take_username(user, username, &proof, given_up, is_free) {
        return Ok(Outcome::Refused(refusal));
    }
    let before = user.username.as_ref().map(|before| tenant.username_hash(before));
    if !tx.change_username(user.id, before, username, now).await? {
        // What was checked is not what was changed, which can't be within one transaction.
        return Err(Fault::new("change a username").because("it changed within the transaction"));
    }
    Ok(Outcome::Changed)
}
