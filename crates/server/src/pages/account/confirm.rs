//! `/account/confirm`: the password again, before anything dangerous. It renews the session, as a sign-in does.

use askama::Template;
use axum::response::Response;
use identity::EventKind;
use identity::account::prove_again;
use identity::attempt::{GuessedFactor, Wait};
use identity::sign_in::Account;
use store::{Fault, write_tx};
use terms::{SecretText, SessionId, Timestamp};

use super::{AccountSubmission, AccountVisit, Done, Events, Frame, Place, renew};
use crate::attempts::{self, Aim, Checked, RightPassword, Target};
use crate::browser::Rotation;
use crate::pages::error::Problem;
use crate::pages::{Faults, FieldFault, Stop, View, page, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_confirm.html")]
struct ConfirmPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    back: &'static str,
    email: &'a str,
    faults: Faults,
}

/// Where it is, to come back to a page of this account.
pub fn path(session: SessionId, back: Place) -> String {
    format!("/account/confirm?account={session}&back={}", back.name())
}

fn ask(visit: &AccountVisit, back: Place, faults: Faults) -> Result<Response, Stop> {
    let template = ConfirmPage {
        view: visit.view(),
        frame: visit.frame(back),
        back: back.name(),
        email: visit.principal().user().identifier(),
        faults,
    };
    page(template.faults.status(), &template)
}

/// `GET /account/confirm`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let Ok(back) = visit.query.value("back").parse() else { return Err(Problem::Request.stop(&visit.site)) };
    ask(&visit, back, Faults::default())
}

/// `POST /account/confirm`.
pub async fn prove(submission: AccountSubmission) -> Result<Response, Stop> {
    let Ok(back) = submission.form.value("back").parse::<Place>() else {
        return Err(Problem::Request.stop(&submission.site));
    };
    let right = match verify(&submission, "password").await? {
        Ok(right) => right,
        Err(refused) => {
            let (now, fault) = (submission.now, refused.fault_at("password"));
            let answer = ask(&submission.visit(), back, fault.into())?;
            return Ok(refused.answer(answer, now));
        }
    };
    let rotation = Rotation::new(&submission.site.app);
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let proven = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
        confirm(tx, &submission, &right, &rotation, &events).await
    })?;
    if !proven {
        return Err(submission.stale());
    }
    Ok(with_cookie(submission.done(back, Done::Confirmed), Some(rotation.cookie(tenant))))
}

async fn confirm(
    tx: &mut store::Tx,
    submission: &AccountSubmission,
    right: &RightPassword,
    rotation: &Rotation,
    events: &Events,
) -> Result<bool, Fault> {
    let Some(principal) = submission.anew(tx).await? else { return Ok(false) };
    let stored = tx.password_of(principal.user.id).await?;
    let account = Account { user: &principal.user, password_version: stored.map(|stored| stored.version) };
    let Some(proof) = prove_again(&principal.session, account, &right.verified, submission.now) else {
        return Ok(false);
    };
    if !renew(tx, submission, &principal.session, &proof, rotation).await? {
        return Ok(false);
    }
    right.budget.forgive(tx).await?;
    let event = events.make(0, EventKind::SessionRenewed).about(principal.session.id);
    tx.append_event(&event.with("by", "confirmation")).await?;
    Ok(true)
}

/// Why a password that was typed on a page of the account was not taken.
pub(super) struct Refused {
    text: String,
    wait: Option<Wait>,
}

impl Refused {
    /// What is said at the field.
    pub(super) fn fault_at(&self, field: &'static str) -> FieldFault {
        FieldFault { field, text: self.text.clone() }
    }

    /// The page, as the answer to this.
    pub(super) fn answer(&self, page: Response, now: Timestamp) -> Response {
        match self.wait {
            None => page,
            Some(wait) => attempts::too_many(page, wait, now),
        }
    }
}

/// Verifies the password in a field of the form: that of the account that the form is about. The guess counts like one at
/// the sign-in, so that these pages are no way round its budget.
pub(super) async fn verify(
    submission: &AccountSubmission,
    field: &str,
) -> Result<Result<RightPassword, Refused>, Stop> {
    let (site, now) = (&submission.site, submission.now);
    let refused = |text: String, wait| Ok(Err(Refused { text, wait }));
    let typed: SecretText = submission.form.secret(field);
    if typed.reveal().is_empty() {
        return refused(site.texts.get("password-empty"), None);
    }
    let aim = Aim {
        factor: GuessedFactor::Password,
        target: Target::SignedIn(submission.principal.user.id),
        browser: submission.browser.id,
        now,
    };
    match attempts::check_password(site, &aim, typed).await? {
        Checked::Right(right) => Ok(Ok(right)),
        Checked::Wrong => refused(site.texts.get("account-password-wrong"), None),
        Checked::TooMany(wait) => refused(attempts::wait_text(site.texts, wait, now), Some(wait)),
    }
}
