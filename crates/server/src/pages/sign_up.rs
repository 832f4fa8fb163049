//! `/sign-up`: what accounts sign in with, and a password. Whether an address is free is told by mail to its owner, not here; a
//! taken username shows by nature.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::mailed_code::{self, CodePurpose, MailedCode, MailedCodeKey};
use identity::password::{NewPassword, PasswordPolicy, PasswordRefusal};
use identity::sign_up::SignUpRefusal;
use identity::{Actor, Event, EventKind, SignUp};
use store::mail::MailRecord;
use store::{Fault, write_tx};
use terms::{
    CanonicalUsername, EmailAddress, EventId, FlowId, MailedCodeId, SignUpId, Timestamp, UserId,
    UsernameError, limits,
};

use super::client_card::ClientCard;
use super::error::{Problem, too_often};
use super::flow::{Waiting, waiting};
use super::sign_in::email_fault;
use super::verify::{Making, Verdict};
use super::{
    Faults, FieldFault, Stop, Submission, View, Visit, moving_on, page, page_for, see_other, with_cookie,
};
use crate::browser::{self, Rotation};
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
    typed: Typed<'a>,
    hint: String,
    client: Option<&'a ClientCard>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "sign_up_closed.html")]
struct ClosedPage<'a> {
    view: View<'a>,
    flow: Option<FlowId>,
}

/// What a form begins with.
#[derive(Clone, Copy, Default)]
struct Typed<'a> {
    username: &'a str,
    email: &'a str,
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
    waiting: &'a Waiting,
    typed: Typed<'a>,
    faults: Faults,
) -> Result<Response, Stop> {
    let kind = view.identifier_kind();
    let intro = match &waiting.client {
        Some(client) => view.texts.with("sign-up-intro-for", &[("client", client), ("kind", &kind)]),
        None => view.text_on_identifiers("sign-up-intro"),
    };
    let hint = view.text_with("sign-up-password-hint", "least", &POLICY.least_characters());
    let client = waiting.card.as_ref();
    let template = SignUpPage { view, form_token, flow, intro, typed, hint, client, faults };
    page_for(template.faults.status(), &template, client)
}

/// `GET /sign-up`.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let flow = visit.flow()?;
    if !visit.site.offers_sign_up() {
        return closed(visit.view(), flow);
    }
    let (browser, cookie) = visit.known_browser().await?;
    let form_token = browser::form_token(&visit.site.tenant, browser.id);
    let waiting = waiting((&visit.site, &visit.named), flow, browser.id, visit.now).await?;
    let hint = waiting.login_hint.as_str();
    let is_address = hint.contains('@') || !visit.site.tenant.has_usernames();
    let typed = if is_address {
        Typed { email: hint, ..Typed::default() }
    } else {
        Typed { username: hint, ..Typed::default() }
    };
    let response = form(visit.view(), form_token, flow, &waiting, typed, Faults::default())?;
    Ok(with_cookie(response, cookie))
}

/// What the form holds, once nothing is wrong with it: of each kind that accounts sign in with, one.
struct Chosen {
    username: Option<CanonicalUsername>,
    email: Option<EmailAddress>,
    password: NewPassword,
}

/// Reads the form, and says all that is wrong with it.
async fn read(submission: &Submission) -> Result<Result<Chosen, Faults>, Fault> {
    let (view, form) = (submission.view(), &submission.form);
    let tenant = &submission.site.tenant;
    let mut faults = Vec::new();
    let mut username = None;
    if tenant.has_usernames() {
        match CanonicalUsername::parse(form.value("username")) {
            Ok(chosen) if !is_free(&submission.site, &chosen).await? => faults.push(username_taken(view)),
            Ok(chosen) => username = Some(chosen),
            Err(error) => faults.push(username_fault(view, error)),
        }
    }
    let mut email = None;
    if tenant.has_addresses() {
        match EmailAddress::parse(form.value("email")) {
            Ok(address) => email = Some(address),
            Err(error) => faults.push(email_fault(view, error)),
        }
    }
    let context =
        [form.value("email"), form.value("username"), tenant.display_name(), tenant.issuer.authority()];
    match NewPassword::check(&form.secret("password"), POLICY, &context) {
        Ok(password) if faults.is_empty() => return Ok(Ok(Chosen { username, email, password })),
        Ok(_) => {}
        Err(refusal) => faults.push(FieldFault { field: "password", text: password_text(view, refusal) }),
    }
    Ok(Err(faults.into_iter().collect()))
}

/// Whether nobody has or had a name that looks like it.
async fn is_free(site: &Site, username: &CanonicalUsername) -> Result<bool, Fault> {
    let nobody = UserId::new(Timestamp::from_millis(0), [0; 10]);
    let hash = site.tenant.username_hash(username);
    site.app.store.read(site.tenant.id).is_username_free(username, hash, nobody).await
}

/// What is wrong with a username that was typed.
pub(super) fn username_fault(view: View<'_>, error: UsernameError) -> FieldFault {
    let text = match error {
        UsernameError::Empty => view.text("username-empty"),
        UsernameError::TooShort => {
            view.text_with("username-too-short", "least", &limits::USERNAME_LEAST_CHARACTERS)
        }
        UsernameError::TooLong => view.text_with("username-too-long", "most", &limits::USERNAME_CHARACTERS),
        UsernameError::Character => view.text("username-characters"),
        UsernameError::MixedScripts => view.text("username-mixed-scripts"),
    };
    FieldFault { field: "username", text }
}

pub(super) fn username_taken(view: View<'_>) -> FieldFault {
    FieldFault { field: "username", text: view.text("username-taken") }
}

/// The form again, with what is wrong with it.
async fn again(submission: &Submission, flow: Option<FlowId>, faults: Faults) -> Result<Response, Stop> {
    let named = (&submission.site, &submission.named);
    let waiting = waiting(named, flow, submission.browser.id, submission.now).await?;
    let form_of = &submission.form;
    let typed = Typed { username: form_of.value("username"), email: form_of.value("email") };
    form(submission.view(), submission.form_token(), flow, &waiting, typed, faults)
}

/// `POST /sign-up`: begins an attempt. Where accounts have an address it mails a code: the same work and the same answer whoever
/// has the address. Where they have none, nothing is left to be shown, and the account is made.
pub async fn begin(submission: Submission) -> Result<Response, Stop> {
    let flow = submission.flow()?;
    let Site { app, .. } = &submission.site;
    if !submission.site.offers_sign_up() {
        return closed(submission.view(), flow);
    }
    submission.site.count(Limit::Passwords).map_err(|wait| too_often(&submission.site, wait))?;
    let chosen = match read(&submission).await? {
        Ok(chosen) => chosen,
        Err(faults) => return again(&submission, flow, faults).await,
    };
    if let Some(email) = &chosen.email {
        let mail = submission.site.count_mail(email, submission.browser.id).await?;
        mail.map_err(|wait| too_often(&submission.site, wait))?;
    }
    let hash = app.hasher.hash(chosen.password, app.entropy.bytes()).await?;
    let now = submission.now;
    let attempt = SignUp {
        id: app.entropy.id(SignUpId::new, now),
        browser_id: submission.browser.id,
        flow_id: flow,
        username: chosen.username,
        email: chosen.email,
        password: Some(hash),
        verified: None,
        created_at: now,
        expires_at: now.plus(limits::FLOW_LIFETIME),
        completed_at: None,
    };
    let id = app.entropy.id(EventId::new, now);
    let event = Event::new(id, EventKind::SignUpStarted, Actor::Browser(attempt.browser_id), now);
    let event = event.about(attempt.id).from_address(submission.site.address);
    match &attempt.email {
        Some(email) => mail_code(&submission, &attempt, email, &event).await,
        None => make_at_once(&submission, &attempt, &event).await,
    }
}

async fn mail_code(
    submission: &Submission,
    attempt: &SignUp,
    email: &EmailAddress,
    event: &Event,
) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let letters = Letters::prepare(&submission.site, attempt.id, email, submission.now).await?;
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> {
        tx.insert_sign_up(attempt).await?;
        letters.post(tx, email).await?;
        tx.append_event(event).await
    })?;
    Ok(see_other(tenant, &format!("/sign-up/verify?attempt={}", attempt.id)))
}

async fn make_at_once(submission: &Submission, attempt: &SignUp, event: &Event) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let (making, rotation) = (Making::new(app, submission), Rotation::new(app));
    let verdict = write_tx!(app.store, tenant.id, |tx| -> Result<Verdict, Fault> {
        tx.insert_sign_up(attempt).await?;
        tx.append_event(event).await?;
        making.finish(tx, attempt, &rotation).await
    })?;
    match verdict {
        Verdict::SignedUp => {
            let cookie = rotation.cookie(tenant);
            moving_on::to_next_step(&submission.site, attempt.flow_id.as_ref(), Some(cookie))
        }
        // Somebody was quicker.
        Verdict::Refused(SignUpRefusal::UsernameTaken) => {
            again(submission, attempt.flow_id, username_taken(submission.view()).into()).await
        }
        Verdict::Refused(_) | Verdict::Code(_) => {
            Err(Problem::Stale.stop_in_flow(&submission.site, attempt.flow_id.as_ref()))
        }
    }
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
