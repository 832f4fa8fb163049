//! `/admin/password`: the first password of an administrator who came in by a link, so that the next time takes none.

use askama::Template;
use axum::response::Response;
use identity::password::{NewPassword, PasswordHash, PasswordPolicy};
use identity::tenant_admin::AdminRefusal;
use identity::{EventKind, User};
use store::mail::MailRecord;
use store::write_tx;

use super::{AdminSubmission, AdminVisit, Target, nothing_there};
use crate::admin::{AdminError, Needs};
use crate::notices;
use crate::pages::error::Problem;
use crate::pages::sign_up::password_text;
use crate::pages::{Faults, FieldFault, Stop, Submission, View, page, see_other};

const POLICY: PasswordPolicy = PasswordPolicy::Alone;

#[derive(Template)]
#[template(path = "admin/password.html")]
struct PasswordPage<'a> {
    view: View<'a>,
    frame: super::Frame,
    email: String,
    hint: String,
    faults: Faults,
}

fn email_of(user: &User) -> String {
    user.primary_email().map_or("", |email| email.address.as_written()).to_owned()
}

fn form(view: View<'_>, frame: super::Frame, user: &User, faults: Faults) -> Result<Response, Stop> {
    let hint = view.text_with("sign-up-password-hint", "least", &POLICY.least_characters());
    let template = PasswordPage { view, frame, email: email_of(user), hint, faults };
    page(template.faults.status(), &template)
}

/// `GET /admin/password`.
pub async fn show(visit: AdminVisit) -> Result<Response, Stop> {
    let user = visit.at_work.admin.user_id();
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    if read.password_of(user).await?.is_some() {
        return Ok(see_other(&visit.site.tenant, &Target::Users.path()));
    }
    visit.require_recent(&Target::Password)?;
    let Some(user) = read.user(user).await? else { return Err(nothing_there()) };
    form(visit.view(), visit.frame(super::Section::Users), &user, Faults::default())
}

/// `POST /admin/password`: sets the first one, after the proof that the link was opened a moment ago. Whoever has a password
/// changes it in their account, where the old one is asked for.
pub async fn choose(submission: AdminSubmission) -> Result<Response, Stop> {
    let Submission { site, now, form: fields, .. } = &submission.submission;
    let user = submission.at_work.admin.user_id();
    let warrant = submission.warrant(Needs::RecentAdmin);
    if let Err(refusal) = warrant.authority.require(site.tenant.id, warrant.needs, *now) {
        return refused(&submission, refusal);
    }
    let Some(user) = site.app.store.read(site.tenant.id).user(user).await? else {
        return Err(nothing_there());
    };
    let email = email_of(&user);
    let context =
        [email.as_str(), user.display_name(), site.tenant.display_name(), site.tenant.issuer.authority()];
    let chosen = match NewPassword::check(&fields.secret("password"), POLICY, &context) {
        Ok(chosen) => chosen,
        Err(refusal) => {
            let text = password_text(submission.view(), refusal);
            let frame = submission.frame(super::Section::Users);
            return form(submission.view(), frame, &user, FieldFault { field: "password", text }.into());
        }
    };
    let hash = site.app.hasher.hash(chosen, site.app.entropy.bytes()).await?;
    let can_mail = site.app.config.can_mail();
    let notice = if can_mail { notices::first_password(site, &user, *now)? } else { None };
    match set(&submission, &user, &hash, notice.as_ref()).await {
        // One that was chosen meanwhile stays.
        Ok(false) => Ok(see_other(&site.tenant, &Target::Users.path())),
        Ok(true) => Ok(submission.done(&Target::Users, "password-chosen")),
        Err(AdminError::Forbidden(refusal)) => refused(&submission, refusal),
        Err(AdminError::Fault(fault)) => Err(fault.into()),
        Err(AdminError::Refused(_) | AdminError::Unknown(_)) => Err(Problem::Stale.stop(site)),
    }
}

fn refused(submission: &AdminSubmission, refusal: AdminRefusal) -> Result<Response, Stop> {
    match refusal {
        AdminRefusal::NotRecent => Ok(submission.to_confirm(&Target::Password)),
        AdminRefusal::NotSignedIn | AdminRefusal::NotAdmin => {
            Err(Problem::NotAdmin.stop(&submission.submission.site))
        }
    }
}

/// Whether there was none before.
async fn set(
    submission: &AdminSubmission,
    user: &User,
    hash: &PasswordHash,
    notice: Option<&MailRecord>,
) -> Result<bool, AdminError> {
    let Submission { site, now, .. } = &submission.submission;
    let warrant = submission.warrant(Needs::RecentAdmin);
    let event = warrant.event(site.app.event_id(), EventKind::PasswordChanged, user.id).with("by", "first");
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, AdminError> {
        if tx.password_of(user.id).await?.is_some() {
            return Ok(false);
        }
        tx.set_password(user.id, hash, *now).await?;
        if let Some(notice) = notice {
            tx.append_mail(notice).await?;
        }
        warrant.append::<AdminError>(tx, &event).await?;
        Ok(true)
    })
}
