//! `/sign-up`: an address and a password. Whether the address is free is told by mail to its owner, not here.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::mailed_code::{self, CodePurpose, MailedCode, MailedCodeKey};
use identity::password::{NewPassword, PasswordPolicy, PasswordRefusal};
use identity::{Actor, Event, EventKind, SignUp};
use store::mail::MailRecord;
use store::{Fault, write_tx};
use terms::{EmailAddress, EventId, FlowId, MailedCodeId, SignUpId, Timestamp, limits};

use super::error::too_often;
use super::flow::{Waiting, waiting};
use super::sign_in::email_fault;
use super::{Faults, FieldFault, Stop, Submission, View, Visit, page, see_other, with_cookie};
use crate::browser;
use crate::error::Failure;
use crate::language::texts_for;
use crate::mail;
use crate::rate_limits::Limit;
use crate::request::Site;
use crate::tenant::Tenant;

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    intro: String,
    email: &'a str,
    hint: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "sign_up_closed.html")]
struct ClosedPage<'a> {
    view: View<'a>,
    flow: Option<FlowId>,
}

const POLICY: PasswordPolicy = PasswordPolicy::Alone;

/// Who comes here where sign-up is closed, by a link of before it was.
pub(super) fn closed(view: View<'_>, flow: Option<FlowId>) -> Result<Response, Stop> {
    page(StatusCode::FORBIDDEN, &ClosedPage { view, flow })
}

fn form<'a>(
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    waiting: &Waiting,
    email: &'a str,
    faults: Faults,
) -> Result<Response, Stop> {
    let intro = match &waiting.client {
        Some(client) => view.text_with("sign-up-intro-for", "client", client),
        None => view.text("sign-up-intro"),
    };
    let hint = view.text_with("sign-up-password-hint", "least", &POLICY.least_characters());
    page(faults.status(), &SignUpPage { view, form_token, flow, intro, email, hint, faults })
}

/// `GET /sign-up`.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let flow = visit.flow()?;
    if !visit.site.offers_sign_up() {
        return closed(visit.view(), flow);
    }
    let (browser, cookie) = visit.known_browser().await?;
    let form_token = browser::form_token(&visit.site.tenant, browser.id);
    let waiting = waiting(&visit.site, flow, browser.id, visit.now).await?;
    let response = form(visit.view(), form_token, flow, &waiting, &waiting.login_hint, Faults::default())?;
    Ok(with_cookie(response, cookie))
}

/// `POST /sign-up`: begins an attempt and mails its code. The same work and the same answer whoever has the address.
pub async fn begin(submission: Submission) -> Result<Response, Stop> {
    let flow = submission.flow()?;
    let Site { app, tenant, .. } = &submission.site;
    if !submission.site.offers_sign_up() {
        return closed(submission.view(), flow);
    }
    submission.site.count(Limit::Passwords).map_err(|wait| too_often(&submission.site, wait))?;
    let written = submission.form.value("email");
    let chosen = submission.form.secret("password");
    let email = EmailAddress::parse(written);
    let context = [written, tenant.display_name(), tenant.issuer.authority()];
    let password = NewPassword::check(&chosen, POLICY, &context);
    let (email, password) = match (email, password) {
        (Ok(email), Ok(password)) => (email, password),
        (email, password) => {
            let view = submission.view();
            let email = email.err().map(|error| email_fault(view, error));
            let password = password
                .err()
                .map(|refusal| FieldFault { field: "password", text: password_text(view, refusal) });
            let faults = email.into_iter().chain(password).collect();
            let waiting = waiting(&submission.site, flow, submission.browser.id, submission.now).await?;
            return form(view, submission.form_token(), flow, &waiting, written, faults);
        }
    };
    let mail = submission.site.count_mail(&email, submission.browser.id).await?;
    mail.map_err(|wait| too_often(&submission.site, wait))?;
    let hash = app.hasher.hash(password, app.entropy.bytes()).await?;
    let now = submission.now;
    let attempt = SignUp {
        id: app.entropy.id(SignUpId::new, now),
        browser_id: submission.browser.id,
        flow_id: flow,
        email: Some(email.clone()),
        password: Some(hash),
        verified: None,
        created_at: now,
        expires_at: now.plus(limits::FLOW_LIFETIME),
        completed_at: None,
    };
    let letters = Letters::prepare(&submission.site, attempt.id, &email, now).await?;
    let event = Event::new(
        app.entropy.id(EventId::new, now),
        EventKind::SignUpStarted,
        Actor::Browser(attempt.browser_id),
        now,
    );
    let event = event.about(attempt.id).from_address(submission.site.address);
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> {
        tx.insert_sign_up(&attempt).await?;
        letters.post(tx, &email).await?;
        tx.append_event(&event).await
    })?;
    Ok(see_other(tenant, &format!("/sign-up/verify?attempt={}", attempt.id)))
}

/// What is wrong with a password that was chosen.
pub(super) fn password_text(view: View<'_>, refusal: PasswordRefusal) -> String {
    match refusal {
        PasswordRefusal::TooShort { least } => view.text_with("password-too-short", "least", &least),
        PasswordRefusal::TooLong { most } => view.text_with("password-too-long", "most", &most),
        PasswordRefusal::Guessable => view.text("password-guessable"),
    }
}

/// The key under which a tenant's mailed codes are hashed.
pub(super) fn code_key(tenant: &Tenant) -> MailedCodeKey {
    MailedCodeKey::new(&tenant.data_key.derive("mailed code"))
}

/// A code and both mails that may go out: which of them does is decided in the transaction, after the same work.
pub(super) struct Letters {
    code: MailedCode,
    with_code: MailRecord,
    address_taken: MailRecord,
}

impl Letters {
    pub(super) async fn prepare(
        site: &Site,
        attempt: SignUpId,
        to: &EmailAddress,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let Site { app, tenant, texts, .. } = site;
        // Whoever has the address is told so in their own language.
        let owner = app.store.read(tenant.id).user_by_email(to.canonical()).await?;
        let owners_texts = owner.map_or(*texts, |owner| texts_for(&owner, texts));
        let code = mailed_code::new_code(app.entropy.bytes());
        let (id, purpose) = (app.entropy.id(MailedCodeId::new, now), CodePurpose::SignUp(attempt));
        let hash = code_key(tenant).hash(id, purpose, to.canonical(), &code);
        Ok(Self {
            code: MailedCode::new(id, purpose, to.canonical().clone(), hash, now),
            with_code: mail::code_mail(to, texts, &code).seal(app, tenant, now)?,
            address_taken: mail::taken_mail(to, owners_texts, &tenant.url("/sign-in"))
                .seal(app, tenant, now)?,
        })
    }

    /// Stores the code in either case. To an address that an account has, the code is never sent.
    pub(super) async fn post(&self, tx: &mut store::Tx, to: &EmailAddress) -> Result<(), Fault> {
        tx.replace_code(&self.code).await?;
        let is_taken = tx.user_by_email(to.canonical()).await?.is_some();
        tx.append_mail(if is_taken { &self.address_taken } else { &self.with_code }).await
    }
}
