//! `/sign-up/verify`: the mailed code, and with it the account.

use askama::Template;
use axum::response::Response;
use identity::mailed_code::{CodePurpose, CodeRefusal, typed_code};
use identity::sign_up::{self, Facts, NewAccount, SignUpRefusal, Step, Taken};
use identity::{BrowserRecord, EventKind, Profile, SignUp, User, UserEmail};
use store::{Fault, Tx, write_tx};
use terms::{EmailAddress, FlowId, SecretText, SignUpId, Subject, Timestamp, UserId};

use super::error::{Problem, too_often};
use super::sign_in::{Minting, choose_in_flow};
use super::sign_up::{Letters, closed, code_key};
use super::{Faults, FieldFault, Malformed, Stop, Submission, View, Visit, moving_on, page};
use crate::app::App;
use crate::browser::{self, Rotation};
use crate::metrics::SignInRefused;
use crate::rate_limits::Limit;
use crate::request::Site;

/// Codes that are sent for one sign-up.
const CODES: i64 = 4;

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage<'a> {
    view: View<'a>,
    form_token: String,
    flow: Option<FlowId>,
    attempt: SignUpId,
    intro: String,
    notice: Option<String>,
    faults: Faults,
}

/// What the page says besides asking for the code.
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

fn verify_page(
    view: View<'_>,
    browser: &BrowserRecord,
    attempt: &SignUp,
    said: Said,
) -> Result<Response, Stop> {
    let email = attempt.email.as_ref().map_or("", EmailAddress::as_written);
    let template = VerifyPage {
        view,
        form_token: browser::form_token(view.tenant, browser.id),
        flow: attempt.flow_id,
        attempt: attempt.id,
        intro: view.text_with("verify-intro", "email", &email),
        notice: said.notice,
        faults: said.fault.into_iter().map(|text| FieldFault { field: "code", text }).collect(),
    };
    page(template.faults.status(), &template)
}

async fn named_attempt(site: &Site, id: Result<Option<SignUpId>, Malformed>) -> Result<SignUp, Stop> {
    let Ok(Some(id)) = id else { return Err(Problem::Request.stop(site)) };
    let attempt = site.app.store.read(site.tenant.id).sign_up(id).await?;
    attempt.ok_or_else(|| Problem::Stale.stop(site))
}

/// As long as nothing is to be made, it doesn't matter who has what the attempt asks for.
fn facts_of<'a>(site: &'a Site, sign_up: &'a SignUp, browser: &BrowserRecord, now: Timestamp) -> Facts<'a> {
    let (identifiers, taken) = (site.tenant.identifiers(), Taken::default());
    Facts { sign_up, identifiers, browser_id: browser.id, taken, now }
}

/// Refuses an attempt that is another browser's, too old or done, and each one once sign-up is closed.
fn require_open(site: &Site, facts: &Facts<'_>) -> Result<(), Stop> {
    if !site.offers_sign_up() {
        return Err(Stop::Page(Box::new(closed(View::new(site), facts.sign_up.flow_id)?)));
    }
    match sign_up::next_step(facts) {
        Ok(Step::Needs(_)) => Ok(()),
        Ok(Step::Complete(_)) | Err(_) => {
            Err(Problem::Stale.stop_in_flow(site, facts.sign_up.flow_id.as_ref()))
        }
    }
}

/// `GET /sign-up/verify`: asks for the code.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let attempt = named_attempt(&visit.site, visit.query.id("attempt")).await?;
    let Some(browser) = &visit.context.browser else { return Err(Problem::Stale.stop(&visit.site)) };
    let facts = facts_of(&visit.site, &attempt, browser, visit.now);
    require_open(&visit.site, &facts)?;
    verify_page(visit.view(), browser, &attempt, Said::default())
}

/// `POST /sign-up/resend`: mails another code; the one before is worth nothing from then on.
pub async fn resend(submission: Submission) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let attempt = named_attempt(&submission.site, submission.form.id("attempt")).await?;
    let facts = facts_of(&submission.site, &attempt, &submission.browser, submission.now);
    require_open(&submission.site, &facts)?;
    let Some(email) = &attempt.email else { return Err(Problem::Stale.stop(&submission.site)) };
    let purpose = CodePurpose::SignUp(attempt.id);
    let mail = submission.site.count_mail(email, submission.browser.id).await?;
    mail.map_err(|wait| too_often(&submission.site, wait))?;
    let letters = Letters::prepare(&submission.site, attempt.id, email, submission.now).await?;
    let sent = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
        if tx.codes_made(purpose).await? >= CODES {
            return Ok(false);
        }
        letters.post(tx, email).await?;
        Ok(true)
    })?;
    let view = submission.view();
    let said = if sent {
        Said { notice: Some(view.text("verify-resent")), fault: None }
    } else {
        Said::fault(view.text("verify-no-more"))
    };
    verify_page(view, &submission.browser, &attempt, said)
}

/// `POST /sign-up/verify`: judges the code; the right one makes the account and signs in.
pub async fn prove(submission: Submission) -> Result<Response, Stop> {
    let site = &submission.site;
    let attempt = named_attempt(site, submission.form.id("attempt")).await?;
    let facts = facts_of(&submission.site, &attempt, &submission.browser, submission.now);
    require_open(site, &facts)?;
    let view = submission.view();
    let again = |text: String| verify_page(view, &submission.browser, &attempt, Said::fault(text));
    let Some(guess) = typed_code(&submission.form.secret("code")) else {
        return again(view.text("verify-shape"));
    };
    site.look(Limit::WrongGuesses).map_err(|wait| too_often(site, wait))?;
    let rotation = Rotation::new(&site.app);
    match judge(&submission, attempt.id, &guess, &rotation).await? {
        Verdict::SignedUp => {
            moving_on::to_next_step(site, attempt.flow_id.as_ref(), Some(rotation.cookie(&site.tenant)))
        }
        Verdict::Code(CodeRefusal::Wrong { left }) => {
            site.app.metrics.sign_in_refused(SignInRefused::MailedCode);
            site.note(Limit::WrongGuesses);
            again(view.text_with("verify-wrong", "left", &left))
        }
        Verdict::Code(CodeRefusal::Unusable) => again(view.text("verify-unusable")),
        Verdict::Refused(SignUpRefusal::AddressTaken) => {
            Err(Problem::Taken.stop_in_flow(site, attempt.flow_id.as_ref()))
        }
        Verdict::Refused(SignUpRefusal::UsernameTaken) => {
            Err(Problem::UsernameTaken.stop_in_flow(site, attempt.flow_id.as_ref()))
        }
        Verdict::Refused(_) => Err(Problem::Stale.stop_in_flow(site, attempt.flow_id.as_ref())),
    }
}

/// How an attempt ended that somebody wanted to complete.
pub(super) enum Verdict {
    SignedUp,
    Code(CodeRefusal),
    Refused(SignUpRefusal),
}

impl From<SignUpRefusal> for Verdict {
    fn from(refusal: SignUpRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// One transaction from the guess to the session: a crash leaves either nothing or all of it.
async fn judge(
    submission: &Submission,
    attempt: SignUpId,
    guess: &SecretText,
    rotation: &Rotation,
) -> Result<Verdict, Fault> {
    let Site { app, tenant, .. } = &submission.site;
    let (now, key) = (submission.now, code_key(tenant));
    let making = Making::new(app, submission);
    write_tx!(app.store, tenant.id, |tx| -> Result<Verdict, Fault> {
        let Some(mut sign_up) = tx.sign_up(attempt).await? else { return Ok(SignUpRefusal::Expired.into()) };
        let facts = facts_of(&submission.site, &sign_up, &submission.browser, now);
        if let Err(refusal) = sign_up::next_step(&facts) {
            return Ok(refusal.into());
        }
        let Some(code) = tx.count_guess(CodePurpose::SignUp(attempt), now).await? else {
            return Ok(Verdict::Code(CodeRefusal::Unusable));
        };
        let verified = match code.judge(&key, guess, now) {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Verdict::Code(refusal)),
        };
        match sign_up::record_verified_address(&facts, &verified) {
            Err(refusal) => return Ok(refusal.into()),
            Ok(None) => return Ok(Verdict::Code(CodeRefusal::Unusable)),
            Ok(Some(record)) => {
                tx.record_verified_address(attempt, &record).await?;
                sign_up.verified = Some(record);
            }
        }
        if !tx.spend_mailed_code(code.id, now).await? {
            return Ok(Verdict::Code(CodeRefusal::Unusable));
        }
        making.finish(tx, &sign_up, rotation).await
    })
}

/// What a new account is made with: chosen before the transaction, so that it may be run again.
pub(super) struct Making<'a> {
    submission: &'a Submission,
    user_id: UserId,
    subject: Option<Subject>,
    webauthn_handle: [u8; 32],
    minting: Minting,
}

impl<'a> Making<'a> {
    pub(super) fn new(app: &App, submission: &'a Submission) -> Self {
        Self {
            submission,
            user_id: app.entropy.id(UserId::new, submission.now),
            subject: app.entropy.hex::<16>().parse().ok(),
            webauthn_handle: app.entropy.bytes(),
            minting: Minting::new(&submission.site, submission.now),
        }
    }

    /// Makes the account and signs in, if the machine says so over what holds now.
    pub(super) async fn finish(
        &self,
        tx: &mut Tx,
        attempt: &SignUp,
        rotation: &Rotation,
    ) -> Result<Verdict, Fault> {
        let Submission { site, browser, now, .. } = self.submission;
        let facts = Facts { taken: self.taken(tx, attempt).await?, ..facts_of(site, attempt, browser, *now) };
        match sign_up::next_step(&facts) {
            Err(refusal) => Ok(refusal.into()),
            Ok(Step::Needs(_)) => Ok(SignUpRefusal::Expired.into()),
            Ok(Step::Complete(account)) => self.account(tx, attempt, &account, rotation).await,
        }
    }

    async fn taken(&self, tx: &mut Tx, attempt: &SignUp) -> Result<Taken, Fault> {
        let mut taken = Taken::default();
        if let Some(email) = &attempt.email {
            taken.address = tx.user_by_email(email.canonical()).await?.is_some();
        }
        if let Some(username) = &attempt.username {
            let hash = self.submission.site.tenant.username_hash(username);
            taken.username = !tx.is_username_free(username, hash, self.user_id).await?;
        }
        Ok(taken)
    }

    async fn account(
        &self,
        tx: &mut Tx,
        attempt: &SignUp,
        new: &NewAccount,
        rotation: &Rotation,
    ) -> Result<Verdict, Fault> {
        let (now, browser) = (self.submission.now, &self.submission.browser);
        let Some(subject) = self.subject.clone() else { return Err(Fault::new("make a subject")) };
        let email = new.email().map(|email| UserEmail {
            address: email.address.clone(),
            verified_at: Some(email.verified_at),
            is_primary: true,
        });
        let user = User {
            id: self.user_id,
            subject,
            username: new.username().cloned(),
            emails: email.into_iter().collect(),
            profile: Profile::default(),
            created_at: now,
            updated_at: now,
            disabled_at: None,
            language: self.submission.site.chosen_language,
        };
        if !tx.complete_sign_up(attempt.id, now).await? {
            return Ok(SignUpRefusal::AlreadyComplete.into());
        }
        if !tx.insert_user(&user, &self.webauthn_handle).await? {
            // Whose it is was asked in this transaction; so it is the subject, which can't be but by chance.
            return Ok(SignUpRefusal::Expired.into());
        }
        tx.set_password(user.id, new.password(), now).await?;
        let proof = new.factor_proof(user.id);
        self.minting.user_created(tx, user.id).await?;
        // The account is made in any case, but only the browser as it was is signed in.
        if !rotation.apply(tx, browser, now).await? {
            return Ok(SignUpRefusal::OtherBrowser.into());
        }
        let session = self.minting.session(tx, (browser, &self.submission.sessions), &proof).await?;
        choose_in_flow(tx, attempt.flow_id, &session, now).await?;
        self.minting.event(tx, EventKind::SignInCompleted, &proof, &session).await?;
        Ok(Verdict::SignedUp)
    }
}
