//! `/password/forgot` and `/password/reset`: a mailed code, then a new password. What comes next is asked of
//! `identity::recovery` each time. Whether an account has the address is told by mail to its owner, not here.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::attempt::GuessedFactor;
use identity::mailed_code::{self, CodePurpose, CodeRefusal, MailedCode, typed_code};
use identity::password::{NewPassword, PasswordHash, PasswordPolicy};
use identity::recovery::{self, Facts, RecoveredAccount, Step};
use identity::sign_in::{self, Account, SignIn};
use identity::{Actor, BrowserRecord, Event, EventKind, Identifier, Recovery, User};
use store::endings::Ended;
use store::mail::MailRecord;
use store::{Fault, Read, Tx, write_tx};
use terms::{
    EmailAddress, EventId, FlowId, MailedCodeId, RecoveryId, SecretText, SignInId, Timestamp, UserId, limits,
};

use super::error::{Problem, too_often};
use super::flow::waiting;
use super::sign_in::{Minting, choose_in_flow, email_fault};
use super::sign_up::{code_key, password_text};
use super::{
    Faults, FieldFault, Malformed, Stop, Submission, View, Visit, language, moving_on, page, see_other,
    with_cookie,
};
use crate::attempts::{self, Aim, Target};
use crate::browser::{self, Rotation};
use crate::error::Failure;
use crate::language::texts_for;
use crate::logout_notices::tell;
use crate::notices::{self, ChangedBy};
use crate::request::Site;

/// Codes that are sent for one attempt.
const CODES: i64 = 4;
const POLICY: PasswordPolicy = PasswordPolicy::Alone;

#[derive(Template)]
#[template(path = "password_forgot.html")]
struct ForgotPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    email: &'a str,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "password_code.html")]
struct CodePage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    attempt: RecoveryId,
    intro: String,
    notice: Option<String>,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "password_reset.html")]
struct ResetPage<'a> {
    view: View<'a>,
    form_token: String,
    attempt: RecoveryId,
    email: &'a str,
    hint: String,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "password_closed.html")]
struct ClosedPage<'a> {
    view: View<'a>,
    flow: Option<FlowId>,
}

/// Without a mail that arrives there is no way back in but the operator.
fn closed(view: View<'_>, flow: Option<FlowId>) -> Result<Response, Stop> {
    page(StatusCode::FORBIDDEN, &ClosedPage { view, flow })
}

/// `GET /password/forgot`: asks for the address.
pub async fn show_forgot(visit: Visit) -> Result<Response, Stop> {
    let flow = visit.flow()?;
    if !visit.site.app.config.can_mail() {
        return closed(visit.view(), flow);
    }
    let (browser, cookie) = visit.known_browser().await?;
    let waiting = waiting((&visit.site, &visit.named), flow, browser.id, visit.now).await?;
    let template = ForgotPage {
        view: visit.view(),
        form_token: browser::form_token(&visit.site.tenant, browser.id),
        flow,
        email: &waiting.login_hint,
        faults: Faults::default(),
    };
    Ok(with_cookie(page(StatusCode::OK, &template)?, cookie))
}

/// `POST /password/forgot`: begins an attempt and mails its code. The same work and the same answer whoever has the address.
pub async fn begin(submission: Submission) -> Result<Response, Stop> {
    let flow = submission.flow()?;
    let site = &submission.site;
    if !site.app.config.can_mail() {
        return closed(submission.view(), flow);
    }
    let written = submission.form.value("email");
    let email = match EmailAddress::parse(written) {
        Ok(email) => email,
        Err(error) => {
            let template = ForgotPage {
                view: submission.view(),
                form_token: submission.form_token(),
                flow,
                email: written,
                faults: email_fault(submission.view(), error).into(),
            };
            return page(template.faults.status(), &template);
        }
    };
    let (now, browser_id) = (submission.now, submission.browser.id);
    let attempt = Recovery {
        id: site.app.entropy.id(RecoveryId::new, now),
        browser_id,
        flow_id: flow,
        email,
        read_mail: None,
        created_at: now,
        expires_at: now.plus(limits::FLOW_LIFETIME),
        completed_at: None,
    };
    let mail = site.count_mail(&attempt.email, browser_id).await?;
    mail.map_err(|wait| too_often(site, wait))?;
    let letters = Letters::prepare(site, &attempt, now).await?;
    let id = site.app.entropy.id(EventId::new, now);
    let event = Event::new(id, EventKind::RecoveryStarted, Actor::Browser(browser_id), now);
    let event = event.about(attempt.id).from_address(site.address);
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> {
        tx.insert_recovery(&attempt).await?;
        letters.post(tx, &attempt).await?;
        tx.append_event(&event).await
    })?;
    Ok(see_other(&site.tenant, &format!("/password/reset?attempt={}", attempt.id)))
}

/// A code and both mails that may go out: which of them does is decided in the transaction, after the same work.
struct Letters {
    code: MailedCode,
    with_code: MailRecord,
    no_account: MailRecord,
}

impl Letters {
    async fn prepare(site: &Site, attempt: &Recovery, now: Timestamp) -> Result<Self, Failure> {
        // Whoever has the address is told in their own language.
        let mut read = site.app.store.read(site.tenant.id);
        let owner = read.user_by_email(attempt.email.canonical()).await?;
        let texts = owner.map_or(site.texts, |owner| texts_for(&owner, site.texts));
        let code = mailed_code::new_code(site.app.entropy.bytes());
        let (id, purpose) = (site.app.entropy.id(MailedCodeId::new, now), CodePurpose::Recovery(attempt.id));
        let hash = code_key(&site.tenant).hash(id, purpose, attempt.email.canonical(), &code);
        Ok(Self {
            code: MailedCode::new(id, purpose, attempt.email.canonical().clone(), hash, now),
            with_code: notices::recovery_code(site, &attempt.email, texts, &code, now)?,
            no_account: notices::no_account(site, &attempt.email, now)?,
        })
    }

    /// Stores the code in either case. It is sent to an address that an account showed to be its own, and to no other.
    async fn post(&self, tx: &mut Tx, attempt: &Recovery) -> Result<(), Fault> {
        tx.replace_code(&self.code).await?;
        let user = tx.user_by_email(attempt.email.canonical()).await?;
        let is_sent = recovery::may_be_mailed(attempt, user.as_ref());
        tx.append_mail(if is_sent { &self.with_code } else { &self.no_account }).await
    }
}

/// Who has the address of an attempt, and with which password.
struct Known {
    user: Option<User>,
    password_version: Option<i64>,
}

impl Known {
    /// The same questions are asked of the database whether an account has the address or not.
    async fn read(read: &mut Read, attempt: &Recovery) -> Result<Self, Fault> {
        let user = read.user_by_email(attempt.email.canonical()).await?;
        let nobody = UserId::new(Timestamp::from_millis(0), [0; 10]);
        let password = read.password_of(user.as_ref().map_or(nobody, |user| user.id)).await?;
        Ok(Self { user, password_version: password.map(|password| password.version) })
    }

    fn facts<'a>(&'a self, attempt: &'a Recovery, browser: &BrowserRecord, now: Timestamp) -> Facts<'a> {
        let version = self.password_version;
        let account = self.user.as_ref().map(|user| Account { user, password_version: version });
        Facts { recovery: attempt, browser_id: browser.id, account, now }
    }
}

async fn named_attempt(
    site: &Site,
    id: Result<Option<RecoveryId>, Malformed>,
) -> Result<(Recovery, Known), Stop> {
    let Ok(Some(id)) = id else { return Err(Problem::Request.stop(site)) };
    let mut read = site.app.store.read(site.tenant.id);
    let attempt = read.recovery(id).await?.ok_or_else(|| Problem::Stale.stop(site))?;
    let known = Known::read(&mut read, &attempt).await?;
    Ok((attempt, known))
}

/// What the page that asks for the code says besides.
#[derive(Default)]
struct Said {
    notice: Option<String>,
    fault: Option<String>,
}

impl Said {
    fn fault(text: String) -> Self {
        Self { notice: None, fault: Some(text) }
    }
}

fn code_page(
    view: View<'_>,
    browser: &BrowserRecord,
    attempt: &Recovery,
    said: Said,
) -> Result<Response, Stop> {
    let template = CodePage {
        view,
        form_token: browser::form_token(view.tenant, browser.id),
        flow: attempt.flow_id,
        attempt: attempt.id,
        intro: view.text_with("recover-code-intro", "email", &attempt.email.as_written()),
        notice: said.notice,
        faults: said.fault.into_iter().map(|text| FieldFault { field: "code", text }).collect(),
    };
    page(template.faults.status(), &template)
}

fn reset_page(
    view: View<'_>,
    browser: &BrowserRecord,
    attempt: &Recovery,
    faults: Faults,
) -> Result<Response, Stop> {
    let template = ResetPage {
        view,
        form_token: browser::form_token(view.tenant, browser.id),
        attempt: attempt.id,
        email: attempt.email.as_written(),
        hint: view.text_with("sign-up-password-hint", "least", &POLICY.least_characters()),
        faults,
    };
    page(template.faults.status(), &template)
}

/// `GET /password/reset`: asks for the code, or for the new password once the code was right.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let (attempt, known) = named_attempt(&visit.site, visit.query.id("attempt")).await?;
    let Some(browser) = &visit.context.browser else { return Err(Problem::Stale.stop(&visit.site)) };
    match recovery::next_step(&known.facts(&attempt, browser, visit.now)) {
        Ok(Step::NeedsCode) => code_page(visit.view(), browser, &attempt, Said::default()),
        Ok(Step::NeedsPassword(_)) => reset_page(visit.view(), browser, &attempt, Faults::default()),
        // Whose attempt it was is nobody else's business, nor is the flow that waits for it.
        Err(_) => Err(Problem::Stale.stop(&visit.site)),
    }
}

/// `POST /password/resend`: mails another code; the one before is worth nothing from then on.
pub async fn resend(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let (attempt, known) = named_attempt(site, submission.form.id("attempt")).await?;
    let Ok(Step::NeedsCode) =
        recovery::next_step(&known.facts(&attempt, &submission.browser, submission.now))
    else {
        return Err(Problem::Stale.stop(site));
    };
    let mail = site.count_mail(&attempt.email, submission.browser.id).await?;
    mail.map_err(|wait| too_often(site, wait))?;
    let letters = Letters::prepare(site, &attempt, submission.now).await?;
    let sent = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        if tx.codes_made(CodePurpose::Recovery(attempt.id)).await? >= CODES {
            return Ok(false);
        }
        letters.post(tx, &attempt).await?;
        Ok(true)
    })?;
    let view = submission.view();
    let said = if sent {
        Said { notice: Some(view.text("verify-resent")), fault: None }
    } else {
        Said::fault(view.text("recover-no-more"))
    };
    code_page(view, &submission.browser, &attempt, said)
}

/// `POST /password/code`: judges the code; the right one leads to the form for the new password.
pub async fn verify(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let (attempt, known) = named_attempt(site, submission.form.id("attempt")).await?;
    let on = || Ok(see_other(&site.tenant, &format!("/password/reset?attempt={}", attempt.id)));
    match recovery::next_step(&known.facts(&attempt, &submission.browser, submission.now)) {
        Ok(Step::NeedsCode) => {}
        Ok(Step::NeedsPassword(_)) => return on(),
        Err(_) => return Err(Problem::Stale.stop(site)),
    }
    let view = submission.view();
    let again = |text: String| code_page(view, &submission.browser, &attempt, Said::fault(text));
    let Some(guess) = typed_code(&submission.form.secret("code")) else {
        return again(view.text("verify-shape"));
    };
    let account = known.user.as_ref().map(|user| user.id);
    let aim = Aim {
        factor: GuessedFactor::MailedCode,
        target: Target::Email { email: attempt.email.canonical(), account },
        browser: submission.browser.id,
        now: submission.now,
    };
    if let Err(wait) = attempts::count_code(site, &aim).await? {
        attempts::note_refused(site, &aim).await?;
        let page = again(attempts::wait_text(view.texts, wait, aim.now))?;
        return Ok(attempts::too_many(page, wait, aim.now));
    }
    let refusal = match judge(&submission, attempt.id, &guess).await? {
        Verdict::Right => return on(),
        Verdict::Stale => return Err(Problem::Stale.stop(site)),
        Verdict::Refused(refusal) => refusal,
    };
    attempts::note_refused(site, &aim).await?;
    match refusal {
        CodeRefusal::Wrong { left } => again(view.text_with("verify-wrong", "left", &left)),
        CodeRefusal::Unusable => again(view.text("verify-unusable")),
    }
}

/// A code that can't be guessed at any more.
const UNUSABLE: Verdict = Verdict::Refused(CodeRefusal::Unusable);

enum Verdict {
    Right,
    Refused(CodeRefusal),
    Stale,
}

/// One transaction from the guess to the record of it.
async fn judge(submission: &Submission, attempt: RecoveryId, guess: &SecretText) -> Result<Verdict, Fault> {
    let Site { app, tenant, .. } = &submission.site;
    let (now, key, purpose) = (submission.now, code_key(tenant), CodePurpose::Recovery(attempt));
    write_tx!(app.store, tenant.id, |tx| -> Result<Verdict, Fault> {
        let Some(recovery) = tx.recovery(attempt).await? else { return Ok(Verdict::Stale) };
        let known = Known::read(tx, &recovery).await?;
        let facts = known.facts(&recovery, &submission.browser, now);
        if !matches!(recovery::next_step(&facts), Ok(Step::NeedsCode)) {
            return Ok(Verdict::Stale);
        }
        let Some(code) = tx.count_guess(purpose, now).await? else { return Ok(UNUSABLE) };
        let verified = match code.judge(&key, guess, now) {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Verdict::Refused(refusal)),
        };
        let Ok(Some(record)) = recovery::record_read_mail(&facts, &verified) else { return Ok(UNUSABLE) };
        if !tx.spend_mailed_code(code.id, now).await? {
            return Ok(UNUSABLE);
        }
        let recorded = tx.record_read_mail(attempt, &record).await?;
        Ok(if recorded { Verdict::Right } else { Verdict::Stale })
    })
}

/// `POST /password/reset`: sets the new password, signs everybody out who was signed in with the old one, and signs in here.
pub async fn set(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let (attempt, known) = named_attempt(site, submission.form.id("attempt")).await?;
    let user = match recovery::next_step(&known.facts(&attempt, &submission.browser, submission.now)) {
        Ok(Step::NeedsPassword(account)) => account.user_id(),
        Ok(Step::NeedsCode) => {
            return Ok(see_other(&site.tenant, &format!("/password/reset?attempt={}", attempt.id)));
        }
        Err(_) => return Err(Problem::Stale.stop(site)),
    };
    let context = [attempt.email.as_written(), site.tenant.display_name(), site.tenant.issuer.authority()];
    let password = match NewPassword::check(&submission.form.secret("password"), POLICY, &context) {
        Ok(password) => password,
        Err(refusal) => {
            let text = password_text(submission.view(), refusal);
            let fault = FieldFault { field: "password", text };
            return reset_page(submission.view(), &submission.browser, &attempt, fault.into());
        }
    };
    let hash = site.app.hasher.hash(password, site.app.entropy.bytes()).await?;
    let Some(known_user) = &known.user else { return Err(Problem::Stale.stop(site)) };
    let by = ChangedBy::Person(site);
    let notice = notices::password_changed(&site.app, &site.tenant, known_user, by, submission.now)?;
    let resetting = Resetting::new(&submission, user, hash, notice);
    let flow = attempt.flow_id.as_ref();
    let (outcome, ended) = resetting.run(attempt.id).await?;
    tell(&site.app, &site.tenant, ended).await;
    match outcome {
        Outcome::SignedIn => {
            let cookie = resetting.rotation.cookie(&site.tenant);
            let moved = moving_on::to_next_step(site, flow, Some(cookie))?;
            Ok(with_cookie(moved, language::bring(site, Some(known_user))))
        }
        Outcome::NotSignedIn => {
            let cookie = resetting.rotation.cookie(&site.tenant);
            let to = flow.map_or_else(|| "/sign-in".to_owned(), |flow| format!("/sign-in?flow={flow}"));
            Ok(with_cookie(see_other(&site.tenant, &to), Some(cookie)))
        }
        Outcome::Stale => Err(Problem::Stale.stop_in_flow(site, flow)),
    }
}

enum Outcome {
    SignedIn,
    /// The password is set, but the sign-in machine asks for more than that.
    NotSignedIn,
    Stale,
}

/// What a new password is set with: made before the transaction, so that it may be run again.
struct Resetting<'a> {
    submission: &'a Submission,
    hash: PasswordHash,
    /// It tells of a new device as well.
    notice: Option<MailRecord>,
    event: Event,
    sign_in: SignInId,
    minting: Minting,
    rotation: Rotation,
}

impl<'a> Resetting<'a> {
    fn new(submission: &'a Submission, user: UserId, hash: PasswordHash, notice: Option<MailRecord>) -> Self {
        let (app, now) = (&submission.site.app, submission.now);
        let id = app.entropy.id(EventId::new, now);
        let event = Event::new(id, EventKind::PasswordChanged, Actor::User(user), now)
            .from_address(submission.site.address);
        Self {
            submission,
            hash,
            notice,
            event: event.about(user).with("by", "recovery"),
            sign_in: app.entropy.id(SignInId::new, now),
            minting: Minting::new(&submission.site, now),
            rotation: Rotation::new(app),
        }
    }

    /// Everything is read again, so that what was true while the password was hashed is still true.
    async fn run(&self, attempt: RecoveryId) -> Result<(Outcome, Ended), Fault> {
        let Submission { site, browser, now, .. } = self.submission;
        let stale = || (Outcome::Stale, Ended::default());
        write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(Outcome, Ended), Fault> {
            let Some(recovery) = tx.recovery(attempt).await? else { return Ok(stale()) };
            let known = Known::read(tx, &recovery).await?;
            let step = recovery::next_step(&known.facts(&recovery, browser, *now));
            let (Ok(Step::NeedsPassword(account)), Some(user)) = (step, &known.user) else {
                return Ok(stale());
            };
            if !tx.complete_recovery(attempt, *now).await? {
                return Ok(stale());
            }
            // Whoever planted the handle before may still have it: then nothing is set, and the person starts anew.
            if !self.rotation.apply(tx, browser, *now).await? {
                return Ok(stale());
            }
            let version = tx.set_password(user.id, &self.hash, *now).await?;
            // Whoever knew the old password may have signed in with it and let clients in.
            let ended = tx.end_sessions_of_user(user.id, *now).await?;
            tx.end_grants_of_user(user.id, *now).await?;
            attempts::forgive_account(tx, &site.tenant, user).await?;
            if let Some(notice) = &self.notice {
                tx.append_mail(notice).await?;
            }
            tx.append_event(&self.event.clone().with("sessions_ended", ended.sessions.len())).await?;
            let outcome = self.sign_in(tx, &recovery, user, &account, version).await?;
            Ok((outcome, ended))
        })
    }

    /// The new password is the first factor of a sign-in like any other, and the machine says whether that is enough.
    async fn sign_in(
        &self,
        tx: &mut Tx,
        recovery: &Recovery,
        user: &User,
        account: &RecoveredAccount,
        version: i64,
    ) -> Result<Outcome, Fault> {
        let (now, browser) = (self.submission.now, &self.submission.browser);
        let mut sign_in = SignIn {
            id: self.sign_in,
            browser_id: browser.id,
            flow_id: recovery.flow_id,
            identifier: Some(Identifier::Email(recovery.email.clone())),
            first_factor: None,
            created_at: now,
            expires_at: now.plus(limits::FLOW_LIFETIME),
            completed_at: None,
        };
        sign_in.first_factor = Some(account.first_factor(&sign_in, version, now));
        tx.insert_sign_in(&sign_in).await?;
        let account = Some(Account { user, password_version: Some(version) });
        let facts = sign_in::Facts { sign_in: &sign_in, browser_id: browser.id, account, now };
        let Ok(sign_in::Step::Complete(proof)) = sign_in::next_step(&facts) else {
            return Ok(Outcome::NotSignedIn);
        };
        if !tx.complete_sign_in(&sign_in, now).await? {
            return Ok(Outcome::NotSignedIn);
        }
        let session = self.minting.session(tx, (browser, &self.submission.sessions), &proof).await?;
        choose_in_flow(tx, recovery.flow_id, &session, now).await?;
        self.minting.event(tx, EventKind::SignInCompleted, &proof, &session).await?;
        Ok(Outcome::SignedIn)
    }
}
