//! `/sign-in`: the address first, then the password. What comes next is asked of `identity::sign_in` each time.

use std::net::IpAddr;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::attempt::GuessedFactor;
use identity::password::StoredPassword;
use identity::sign_in::{self, Account, FactorProof, Facts, SignIn, SignInRefusal, Step};
use identity::{Actor, BrowserRecord, Device, Event, EventKind, Identifier, IdentifierError, Session, User};
use store::mail::MailRecord;
use store::{Fault, Tx, write_guarded, write_one};
use terms::{EmailAddressError, EventId, FlowId, SessionId, SignInId, Timestamp, UserId, limits};

use super::client_card::ClientCard;
use super::error::{Problem, too_often};
use super::flow::{Waiting, client_waiting, waiting};
use super::{
    Faults, FieldFault, Malformed, Named, Stop, Submission, View, Visit, language, moving_on, page_for,
    see_other, with_cookie,
};
use crate::attempts::{self, Aim, Checked, RightPassword, Target};
use crate::browser::{self, Rotation};
use crate::error::Failure;
use crate::metrics::SignInRefused;
use crate::notices;
use crate::rate_limits::Limit;
use crate::request::Site;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    intro: String,
    email: String,
    /// Whether people make accounts here themselves.
    offers_sign_up: bool,
    client: Option<ClientCard>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "sign_in_password.html")]
struct PasswordPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    attempt: SignInId,
    email: &'a str,
    client: Option<&'a ClientCard>,
    faults: Faults,
}

/// `GET /sign-in`: asks for the address or the username, in one field.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let flow = visit.flow()?;
    let (browser, cookie) = visit.known_browser().await?;
    let waiting = waiting((&visit.site, &visit.named), flow, browser.id, visit.now).await?;
    let template = SignInPage {
        view: visit.view(),
        form_token: browser::form_token(&visit.site.tenant, browser.id),
        flow,
        intro: intro(visit.view(), &waiting),
        email: waiting.login_hint,
        offers_sign_up: visit.site.offers_sign_up(),
        client: waiting.card,
        faults: Faults::default(),
    };
    Ok(with_cookie(page_for(StatusCode::OK, &template, template.client.as_ref())?, cookie))
}

fn intro(view: View<'_>, waiting: &Waiting) -> String {
    match &waiting.client {
        Some(client) => {
            let kind = view.identifier_kind();
            view.texts.with("sign-in-intro-for", &[("client", client), ("kind", &kind)])
        }
        None => view.text_on_identifiers("sign-in-intro"),
    }
}

/// `POST /sign-in`: begins an attempt for what was typed. Nobody is told whether an account has it.
pub async fn identify(submission: Submission) -> Result<Response, Stop> {
    let flow = submission.flow()?;
    let Site { app, tenant, .. } = &submission.site;
    let written = submission.form.value("email");
    let identifier = match Identifier::parse(written, tenant.identifiers()) {
        Ok(identifier) => identifier,
        Err(error) => {
            let named = (&submission.site, &submission.named);
            let waiting = waiting(named, flow, submission.browser.id, submission.now).await?;
            let template = SignInPage {
                view: submission.view(),
                form_token: submission.form_token(),
                flow,
                intro: intro(submission.view(), &waiting),
                email: written.to_owned(),
                offers_sign_up: submission.site.offers_sign_up(),
                client: waiting.card,
                faults: identifier_fault(submission.view(), error).into(),
            };
            return page_for(StatusCode::UNPROCESSABLE_ENTITY, &template, template.client.as_ref());
        }
    };
    submission.site.count(Limit::Starts).map_err(|wait| too_often(&submission.site, wait))?;
    let now = submission.now;
    let attempt = SignIn {
        id: app.entropy.id(SignInId::new, now),
        browser_id: submission.browser.id,
        flow_id: flow,
        identifier: Some(identifier),
        first_factor: None,
        created_at: now,
        expires_at: now.plus(limits::FLOW_LIFETIME),
        completed_at: None,
    };
    write_one!(app.store, tenant.id, |tx| -> Result<(), Fault> { tx.insert_sign_in(&attempt).await })?;
    Ok(see_other(tenant, &format!("/sign-in/password?attempt={}", attempt.id)))
}

/// What is wrong with what was typed as an address or a username.
fn identifier_fault(view: View<'_>, error: IdentifierError) -> FieldFault {
    let key = match error {
        IdentifierError::Email(error) => return email_fault(view, error),
        IdentifierError::Empty => "identifier-empty",
        IdentifierError::Username(_) => "identifier-malformed",
    };
    FieldFault { field: "email", text: view.text_on_identifiers(key) }
}

/// What is wrong with an address that was typed.
pub(super) fn email_fault(view: View<'_>, error: EmailAddressError) -> FieldFault {
    let text = match error {
        EmailAddressError::Empty => view.text("email-empty"),
        EmailAddressError::TooLong => view.text("email-too-long"),
        EmailAddressError::NoAtSign | EmailAddressError::LocalPart | EmailAddressError::Domain => {
            view.text("email-malformed")
        }
    };
    FieldFault { field: "email", text }
}

/// `GET /sign-in/password`: asks for the password.
pub async fn show_password(visit: Visit) -> Result<Response, Stop> {
    let attempt = named_attempt((&visit.site, &visit.named), visit.query.id("attempt")).await?;
    let stale = || Problem::Stale.stop(&visit.site);
    let browser = visit.context.browser.as_ref().ok_or_else(stale)?;
    let facts = Facts { sign_in: &attempt, browser_id: browser.id, account: None, now: visit.now };
    let Ok(Step::NeedsFirstFactor { identifier }) = sign_in::next_step(&facts) else { return Err(stale()) };
    let client = client_waiting((&visit.site, &visit.named), attempt.flow_id, browser.id, visit.now).await?;
    password_page(visit.view(), browser, &attempt, &identifier, client.as_ref(), Faults::default())
}

fn password_page(
    view: View<'_>,
    browser: &BrowserRecord,
    attempt: &SignIn,
    identifier: &Identifier,
    client: Option<&ClientCard>,
    faults: Faults,
) -> Result<Response, Stop> {
    let template = PasswordPage {
        view,
        form_token: browser::form_token(view.tenant, browser.id),
        flow: attempt.flow_id,
        attempt: attempt.id,
        email: identifier.as_written(),
        client,
        faults,
    };
    page_for(template.faults.status(), &template, client)
}

async fn named_attempt(
    (site, named): (&Site, &Named),
    id: Result<Option<SignInId>, Malformed>,
) -> Result<SignIn, Stop> {
    let Ok(Some(id)) = id else { return Err(Problem::Request.stop(site)) };
    let attempt = named.sign_in(site, id).await?;
    attempt.ok_or_else(|| Problem::Stale.stop(site))
}

/// `POST /sign-in/password`: verifies the password and, if the machine says so, signs in.
pub async fn prove(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let named = (site, &submission.named);
    let attempt = named_attempt(named, submission.form.id("attempt")).await?;
    let identifier = match sign_in::next_step(&facts_of(&submission, &attempt, None)) {
        Ok(Step::NeedsFirstFactor { identifier }) => identifier,
        Ok(Step::NeedsIdentifier | Step::Complete(_)) | Err(_) => {
            return Err(Problem::Stale.stop_in_flow(site, attempt.flow_id.as_ref()));
        }
    };
    let client = client_waiting(named, attempt.flow_id, submission.browser.id, submission.now).await?;
    let typed = submission.form.secret("password");
    let again = |key: &str| {
        let view = submission.view();
        let fault = FieldFault { field: "password", text: view.text_on_identifiers(key) };
        password_page(view, &submission.browser, &attempt, &identifier, client.as_ref(), fault.into())
    };
    if typed.reveal().is_empty() {
        return again("password-empty");
    }
    // Verified or not, an address finds its account.
    let mut read = site.app.store.read(site.tenant.id);
    let (user, stored) = read.user_and_password_by_identifier(&identifier).await?.unzip();
    let account = user.as_ref().map(|user| user.id);
    let aim = Aim {
        factor: GuessedFactor::Password,
        target: Target::of(&identifier, account),
        browser: submission.browser.id,
        now: submission.now,
    };
    let right = match attempts::check_password(site, &aim, typed, stored.flatten()).await? {
        Checked::Right(right) => right,
        Checked::Wrong => {
            site.app.metrics.sign_in_refused(SignInRefused::Password);
            return again("sign-in-refused");
        }
        Checked::TooMany(wait) => {
            site.app.metrics.sign_in_refused(SignInRefused::TooMany);
            let text = attempts::wait_text(submission.view().texts, wait, aim.now);
            let fault = FieldFault { field: "password", text }.into();
            let (view, browser) = (submission.view(), &submission.browser);
            let page = password_page(view, browser, &attempt, &identifier, client.as_ref(), fault)?;
            return Ok(attempts::too_many(page, wait, aim.now));
        }
    };
    site.count_sign_in(right.verified.user_id()).map_err(|wait| too_often(site, wait))?;
    match complete(&submission, attempt.id, &right, user.as_ref()).await? {
        Completion::SignedIn(rotation) => {
            let cookie = rotation.cookie(&site.tenant);
            let moved = moving_on::to_next_step(site, attempt.flow_id.as_ref(), Some(cookie))?;
            Ok(with_cookie(moved, language::bring(site, user.as_ref())))
        }
        Completion::NotThisAccount => {
            attempts::note_refused(site, &aim).await?;
            again("sign-in-refused")
        }
        Completion::Stale => Err(Problem::Stale.stop_in_flow(site, attempt.flow_id.as_ref())),
    }
}

fn facts_of<'a>(submission: &Submission, attempt: &'a SignIn, account: Option<Account<'a>>) -> Facts<'a> {
    Facts { sign_in: attempt, browser_id: submission.browser.id, account, now: submission.now }
}

/// How an attempt with a verified password ended.
enum Completion {
    SignedIn(Rotation),
    /// The machine doesn't take the password for this attempt: the user is disabled, or it was changed meanwhile.
    NotThisAccount,
    Stale,
}

/// Everything is read again within the transaction, so that what was true while the password was hashed is still true: once the user
/// is held, nobody changes it until the session is there, to be ended by whoever does.
async fn complete(
    submission: &Submission,
    attempt: SignInId,
    right: &RightPassword,
    user: Option<&User>,
) -> Result<Completion, Failure> {
    let Site { app, tenant, .. } = &submission.site;
    let verified = &right.verified;
    let rotation = Rotation::new(app);
    let minting = Minting::for_user(&submission.site, user, submission.now)?;
    let done = write_guarded!(app.store, tenant.id, |tx| -> Result<Result<bool, SignInRefusal>, Fault> {
        if !tx.hold_user(verified.user_id()).await? {
            return Ok(Ok(false));
        }
        let Some(mut sign_in) = tx.sign_in(attempt).await? else { return Ok(Err(SignInRefusal::Expired)) };
        let found = tx.user_and_password(verified.user_id()).await?;
        let account = found.as_ref().map(|(user, password)| account_of(user, password.as_ref()));
        match sign_in::record_password(&facts_of(submission, &sign_in, account), verified) {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(None) => return Ok(Ok(false)),
            Ok(Some(record)) => sign_in.first_factor = Some(record),
        }
        let proof = match sign_in::next_step(&facts_of(submission, &sign_in, account)) {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Step::NeedsIdentifier | Step::NeedsFirstFactor { .. }) => return Ok(Ok(false)),
            Ok(Step::Complete(proof)) => proof,
        };
        if !tx.complete_sign_in(&sign_in, submission.now).await? {
            return Ok(Err(SignInRefusal::AlreadyComplete));
        }
        if !rotation.apply(tx, &submission.browser, submission.now).await? {
            return Ok(Err(SignInRefusal::OtherBrowser));
        }
        right.budget.forgive(tx).await?;
        if let Some(raised) = &right.raised {
            tx.rehash_password(verified.user_id(), verified.version(), raised).await?;
        }
        let session = minting.session(tx, (&submission.browser, &submission.sessions), &proof).await?;
        choose_in_flow(tx, sign_in.flow_id, &session, submission.now).await?;
        minting.event(tx, EventKind::SignInCompleted, &proof, &session).await?;
        Ok(Ok(true))
    })?;
    Ok(match done {
        Ok(true) => Completion::SignedIn(rotation),
        Ok(false) => Completion::NotThisAccount,
        Err(_) => Completion::Stale,
    })
}

/// Whoever signs in for a flow goes on with it as that account. A flow that is another browser's or has ended is left as it is.
pub(super) async fn choose_in_flow(
    tx: &mut Tx,
    flow: Option<FlowId>,
    session: &Session,
    now: Timestamp,
) -> Result<(), Fault> {
    if let Some(flow) = flow {
        tx.choose_flow_session(flow, session.browser_id, session.id, now).await?;
    }
    Ok(())
}

fn account_of<'a>(user: &'a User, password: Option<&StoredPassword>) -> Account<'a> {
    Account { user, password_version: password.map(|password| password.version) }
}

/// What a new session needs, its ids among it: made before the transaction, so that it may be run again.
pub(super) struct Minting {
    device: Device,
    session: SessionId,
    events: [EventId; 3],
    address: IpAddr,
    /// Goes out when the browser hadn't signed in to the account before.
    new_device: Option<MailRecord>,
    now: Timestamp,
}

impl Minting {
    pub(super) fn new(site: &Site, now: Timestamp) -> Self {
        let entropy = &site.app.entropy;
        let event = || entropy.id(EventId::new, now);
        let (session, events) = (entropy.id(SessionId::new, now), [event(), event(), event()]);
        Self { device: site.device(), session, events, address: site.address, new_device: None, now }
    }

    /// The same for somebody who may sign in from a browser that is new to their account: then they are told by mail.
    /// Whoever has just made the account, or set its password by a mailed code, is told in another way.
    pub(super) fn for_user(site: &Site, user: Option<&User>, now: Timestamp) -> Result<Self, Failure> {
        let new_device = user.map(|user| notices::new_device(site, user, now)).transpose()?.flatten();
        Ok(Self { new_device, ..Self::new(site, now) })
    }

    fn mint(&self, browser: &BrowserRecord, proof: &FactorProof, device: Device) -> Session {
        Session::mint(self.session, browser.id, proof, device, self.now)
    }

    fn event_of(&self, number: usize, kind: EventKind, user: UserId) -> Event {
        Event::new(self.events[number], kind, Actor::User(user), self.now).from_address(self.address)
    }

    /// The session of a person who showed who they are: the one they have in this browser, renewed, or a new one.
    ///
    /// To be called after the browser's handle was rotated in this transaction. So its sessions, as they were read with that handle
    /// before, can have ended since, but none can have begun: every way to begin one rotates the handle.
    pub(super) async fn session(
        &self,
        tx: &mut Tx,
        (browser, sessions): (&BrowserRecord, &[Session]),
        proof: &FactorProof,
    ) -> Result<Session, Fault> {
        let existing = sessions.iter().find(|it| it.user_id == proof.user_id() && it.is_live(self.now));
        let renewed = existing.map(|existing| existing.renewed(proof, self.device.clone(), self.now));
        let (session, kind) = match renewed {
            Some(renewed) if tx.renew_session(&renewed).await? => (renewed, EventKind::SessionRenewed),
            Some(_) | None => {
                let begun = self.mint(browser, proof, self.device.clone());
                tx.insert_session(&begun).await?;
                (begun, EventKind::SessionCreated)
            }
        };
        let is_known = tx.touch_known_browser(session.user_id, browser.id, self.now).await?;
        let is_new = !is_known && tx.know_browser(session.user_id, browser.id, self.now).await?;
        match &self.new_device {
            Some(notice) if is_new => tx.append_mail(notice).await?,
            Some(_) | None => {}
        }
        let event = self.event_of(0, kind, session.user_id).about(session.id).with("browser", browser.id);
        let event = if is_new { event.with("new_browser", true) } else { event };
        tx.append_event(&event).await?;
        Ok(session)
    }

    /// The event of the attempt itself.
    pub(super) async fn event(
        &self,
        tx: &mut Tx,
        kind: EventKind,
        proof: &FactorProof,
        session: &Session,
    ) -> Result<(), Fault> {
        let event = self.event_of(1, kind, proof.user_id());
        let method = proof.factor().method.amr();
        tx.append_event(&event.about(proof.user_id()).with_session(session.id).with("method", method)).await
    }

    /// The event of an account that was made on the way.
    pub(super) async fn user_created(&self, tx: &mut Tx, user: UserId) -> Result<(), Fault> {
        let event = self.event_of(2, EventKind::UserCreated, user);
        tx.append_event(&event.about(user).with("by", "sign_up")).await
    }
}
