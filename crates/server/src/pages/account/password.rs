//! `/account/password`: another password in place of the current one.

use askama::Template;
use axum::response::Response;
use identity::EventKind;
use identity::account::prove_again;
use identity::password::{NewPassword, PasswordHash, PasswordPolicy};
use identity::sign_in::Account;
use store::endings::Ended;
use store::mail::MailRecord;
use store::{Fault, write_tx};
use terms::CanonicalUsername;

use super::confirm::verify;
use super::{AccountSubmission, AccountVisit, Done, Events, Frame, Place, renew};
use crate::attempts::{self, RightPassword};
use crate::browser::Rotation;
use crate::logout_notices::tell;
use crate::notices::{self, ChangedBy};
use crate::pages::sign_up::password_text;
use crate::pages::{Faults, FieldFault, Stop, View, page, with_cookie};
use crate::request::Site;

const POLICY: PasswordPolicy = PasswordPolicy::Alone;

#[derive(Template)]
#[template(path = "account_password.html")]
struct PasswordPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    email: &'a str,
    hint: String,
    faults: Faults,
}

fn form(visit: &AccountVisit, faults: Faults) -> Result<Response, Stop> {
    let view = visit.view();
    let template = PasswordPage {
        view,
        frame: visit.frame(Place::Password),
        email: visit.principal().user().identifier(),
        hint: view.text_with("sign-up-password-hint", "least", &POLICY.least_characters()),
        faults,
    };
    page(template.faults.status(), &template)
}

/// `GET /account/password`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    form(&visit, Faults::default())
}

/// `POST /account/password`: the current one is verified, in whatever way the session was proven before.
pub async fn change(submission: AccountSubmission) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let user = &submission.principal.user;
    let chosen = submission.form.secret("new_password");
    let username = user.username.as_ref().map_or("", CanonicalUsername::as_str);
    let context =
        [user.identifier(), username, user.display_name(), tenant.display_name(), tenant.issuer.authority()];
    let is_same = chosen.reveal() == submission.form.secret("password").reveal();
    let view = submission.view();
    let new = NewPassword::check(&chosen, POLICY, &context).map_err(|refusal| password_text(view, refusal));
    // Judged before the current one, which would cost a guess each time.
    let new = match new {
        Ok(_) if is_same => Err(view.text("account-password-same")),
        new => new,
    };
    let new = match new {
        Ok(new) => new,
        Err(text) => {
            return form(&submission.visit(), FieldFault { field: "new_password", text }.into());
        }
    };
    let right = match verify(&submission, "password").await? {
        Ok(right) => right,
        Err(refused) => {
            let (now, fault) = (submission.now, refused.fault_at("password"));
            let answer = form(&submission.visit(), fault.into())?;
            return Ok(refused.answer(answer, now));
        }
    };
    let by = ChangedBy::Person(&submission.site);
    let change = Change {
        hash: app.hasher.hash(new, app.entropy.bytes()).await?,
        rotation: Rotation::new(app),
        events: submission.events(),
        notice: notices::password_changed(app, tenant, user, by, submission.now)?,
        right,
    };
    let changed = write_tx!(app.store, tenant.id, |tx| -> Result<Option<Ended>, Fault> {
        change.apply(tx, &submission).await
    })?;
    let Some(ended) = changed else { return Err(submission.stale()) };
    tell(app, tenant, ended).await;
    let answer = submission.done(Place::Password, Done::PasswordChanged);
    Ok(with_cookie(answer, Some(change.rotation.cookie(tenant))))
}

/// A change that may be applied again.
struct Change {
    right: RightPassword,
    hash: PasswordHash,
    rotation: Rotation,
    events: Events,
    notice: Option<MailRecord>,
}

impl Change {
    /// Whoever knew the old password may have signed in with it and let clients in. So all other sessions end, and all
    /// grants that were not given in this one (docs/decisions/ tells why).
    async fn apply(
        &self,
        tx: &mut store::Tx,
        submission: &AccountSubmission,
    ) -> Result<Option<Ended>, Fault> {
        let now = submission.now;
        let Some(principal) = submission.anew(tx).await? else { return Ok(None) };
        let (user, session) = (&principal.user, principal.session.id);
        // First, as a sign-in does: in another order the two could wait for each other.
        tx.hold_user(user.id).await?;
        let stored = tx.password_of(user.id).await?;
        let account = Account { user, password_version: stored.map(|stored| stored.version) };
        let Some(proof) = prove_again(&principal.session, account, &self.right.verified, now) else {
            return Ok(None);
        };
        if !renew(tx, submission, &principal.session, &proof, &self.rotation).await? {
            return Ok(None);
        }
        attempts::forgive_account(tx, &submission.site.tenant, user).await?;
        tx.set_password(user.id, &self.hash, now).await?;
        let ended = tx.end_other_sessions_of_user(user.id, session, now).await?;
        tx.end_other_grants_of_user(user.id, session, now).await?;
        if let Some(notice) = &self.notice {
            tx.append_mail(notice).await?;
        }
        let event = self.events.make(0, EventKind::PasswordChanged).about(user.id).with_session(session);
        tx.append_event(&event).await?;
        self.events.sessions_ended(tx, 1, &ended.sessions, "password_change").await?;
        Ok(Some(ended))
    }
}
