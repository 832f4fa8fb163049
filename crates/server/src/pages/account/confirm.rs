//! `/account/confirm`: the password again, before anything dangerous, on one's account or in the administration. It renews
//! the session, as a sign-in does.

use askama::Template;
use axum::response::Response;
use identity::EventKind;
use identity::account::prove_again;
use identity::attempt::{GuessedFactor, Wait};
use identity::sign_in::Account;
use store::{Fault, write_tx};
use terms::{SecretText, SessionId, Timestamp};

use super::{AccountSubmission, AccountVisit, Back, Done, Events, Frame, Place, renew};
use crate::attempts::{self, Aim, Checked, RightPassword, Target};
use crate::browser::Rotation;
use crate::pages::error::Problem;
use crate::pages::{Faults, FieldFault, Stop, View, page, see_other, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "account_confirm.html")]
struct ConfirmPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    back: String,
    email: &'a str,
    faults: Faults,
}

/// The same on the way to a page of the administration: alone, since the account is not what it is about.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
struct AdminConfirmPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    back: String,
    email: &'a str,
    /// Where somebody chooses a password who has none.
    forgot: Option<String>,
    faults: Faults,
}

/// Where it is, to come back to a page.
pub fn path(session: SessionId, back: &Back) -> String {
    let mut query = url::form_urlencoded::Serializer::new("/account/confirm?".to_owned());
    query.append_pair("account", &session.to_string()).append_pair("back", &back.name());
    query.finish()
}

async fn ask(visit: &AccountVisit, back: &Back, faults: Faults) -> Result<Response, Stop> {
    let user = visit.principal().user();
    let email = user.identifier();
    let (view, name) = (visit.view(), back.name());
    match back {
        Back::Account(place) => {
            let template = ConfirmPage { view, frame: visit.frame(*place), back: name, email, faults };
            page(template.faults.status(), &template)
        }
        Back::Admin(_) => {
            let password = visit.site.app.store.read(visit.site.tenant.id).password_of(user.id).await?;
            let forgot = password.is_none().then(|| view.path("/password/forgot"));
            let frame = visit.frame(Place::Profile);
            let template = AdminConfirmPage { view, frame, back: name, email, forgot, faults };
            page(template.faults.status(), &template)
        }
    }
}

/// `GET /account/confirm`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let Ok(back) = visit.query.value("back").parse() else { return Err(Problem::Request.stop(&visit.site)) };
    ask(&visit, &back, Faults::default()).await
}

/// `POST /account/confirm`.
pub async fn prove(submission: AccountSubmission) -> Result<Response, Stop> {
    let Ok(back) = submission.form.value("back").parse::<Back>() else {
        return Err(Problem::Request.stop(&submission.site));
    };
    let right = match verify(&submission, "password").await? {
        Ok(right) => right,
        Err(refused) => {
            let (now, fault) = (submission.now, refused.fault_at("password"));
            let answer = ask(&submission.visit(), &back, fault.into()).await?;
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
    let answer = match back {
        Back::Account(place) => submission.done(place, Done::Confirmed),
        Back::Admin(target) => see_other(tenant, &target.after("confirmed")),
    };
    Ok(with_cookie(answer, Some(rotation.cookie(tenant))))
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
    let stored = site.app.store.read(site.tenant.id).password_of(submission.principal.user.id).await?;
    match attempts::check_password(site, &aim, typed, stored).await? {
        Checked::Right(right) => Ok(Ok(right)),
        Checked::Wrong => refused(site.texts.get("account-password-wrong"), None),
        Checked::TooMany(wait) => refused(attempts::wait_text(site.texts, wait, now), Some(wait)),
    }
}
