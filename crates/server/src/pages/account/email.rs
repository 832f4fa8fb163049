//! `/account/email`: the addresses of an account. Whether an address that somebody adds is another's is told by mail to
//! whoever has it, and not here: the same answer, the same work.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use identity::account::{
    EmailAddition, EmailRefusal, RecentlyProven, may_add_email, next_primary, removable,
};
use identity::mailed_code::{CodePurpose, CodeRefusal, typed_code};
use identity::{EventKind, UserEmail};
use store::mail::MailRecord;
use store::{Fault, Tx, write_tx};
use terms::{EmailAdditionId, EmailAddress, SecretText};

use super::letters::{Letters, Notice, notice, notice_to};
use super::{AccountSubmission, AccountVisit, Done, Events, Frame, Place};
use crate::pages::error::{Problem, too_often};
use crate::pages::sign_in::email_fault;
use crate::pages::sign_up::code_key;
use crate::pages::{Faults, FieldFault, Malformed, Stop, View, page, see_other};
use crate::request::Site;

/// Codes that are sent for one addition.
const CODES: i64 = 4;
/// Additions that one account may begin within [`PERIOD`]: each mails somebody.
const ADDITIONS: i64 = 5;
const PERIOD: Duration = Duration::from_hours(1);

#[derive(Template)]
#[template(path = "account_email.html")]
struct EmailPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    emails: Vec<Line>,
    typed: String,
    faults: Faults,
}

/// An address of the account.
struct Line {
    email: String,
    is_primary: bool,
    is_verified: bool,
}

impl Line {
    fn of(email: &UserEmail) -> Self {
        let is_verified = email.verified_at.is_some();
        Self { email: email.address.as_written().to_owned(), is_primary: email.is_primary, is_verified }
    }
}

#[derive(Template)]
#[template(path = "account_email_verify.html")]
struct VerifyPage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    addition: EmailAdditionId,
    intro: String,
    notice: Option<String>,
    faults: Faults,
}

fn list(visit: &AccountVisit, typed: String, faults: Faults) -> Result<Response, Stop> {
    let mut emails: Vec<Line> = visit.principal().user().emails.iter().map(Line::of).collect();
    emails.sort_by_key(|email| !email.is_primary);
    let template = EmailPage { view: visit.view(), frame: visit.frame(Place::Email), emails, typed, faults };
    page(template.faults.status(), &template)
}

/// `GET /account/email`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    list(&visit, String::new(), Faults::default())
}

fn refusal_key(refusal: EmailRefusal) -> &'static str {
    match refusal {
        EmailRefusal::NotTheirs | EmailRefusal::OtherAccount => "account-email-not-yours",
        EmailRefusal::TheirsAlready => "account-email-already",
        EmailRefusal::TooMany => "account-email-too-many",
        EmailRefusal::Unverified => "account-email-unverified",
        EmailRefusal::Primary => "account-email-is-primary",
    }
}

/// How a change ended. Every arm has been applied.
enum Outcome {
    Changed,
    Refused(EmailRefusal),
    /// Too many additions for now.
    TooOften,
    /// The password was typed too long ago.
    Unproven,
    /// Signed out, disabled or deleted meanwhile.
    Stale,
}

/// The answer to a change that was not made.
fn unchanged(submission: AccountSubmission, outcome: &Outcome, typed: String) -> Result<Response, Stop> {
    let view = submission.view();
    let text = match outcome {
        Outcome::Changed | Outcome::Stale => return Err(submission.stale()),
        Outcome::Unproven => return Ok(submission.to_confirm(Place::Email)),
        Outcome::Refused(refusal) => view.text(refusal_key(*refusal)),
        Outcome::TooOften => view.text("account-email-too-often"),
    };
    list(&submission.visit(), typed, FieldFault { field: "email", text }.into())
}

/// `POST /account/email`: begins to add an address and mails its code.
pub async fn add(submission: AccountSubmission) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let now = submission.now;
    let typed = submission.form.value("email").to_owned();
    let Some(proof) = submission.principal.recently_proven(now) else {
        return Ok(submission.to_confirm(Place::Email));
    };
    let address = match EmailAddress::parse(&typed) {
        Ok(address) => address,
        Err(error) => {
            let fault = email_fault(submission.view(), error);
            return list(&submission.visit(), typed, fault.into());
        }
    };
    let addition = EmailAddition::begin(app.entropy.id(EmailAdditionId::new, now), address, &proof, now);
    let mail = submission.site.count_mail(&addition.address, submission.browser.id).await?;
    mail.map_err(|wait| too_often(&submission.site, wait))?;
    let letters = Letters::prepare(&submission, addition.id, &addition.address).await?;
    let events = submission.events();
    let outcome = write_tx!(app.store, tenant.id, |tx| -> Result<Outcome, Fault> {
        begin(tx, &submission, &addition, &letters, &events).await
    })?;
    if !matches!(outcome, Outcome::Changed) {
        return unchanged(submission, &outcome, typed);
    }
    Ok(see_other(tenant, &verify_path(&submission, addition.id)))
}

fn verify_path(submission: &AccountSubmission, addition: EmailAdditionId) -> String {
    format!("/account/email/verify?account={}&addition={addition}", submission.principal.session.id)
}

async fn begin(
    tx: &mut Tx,
    submission: &AccountSubmission,
    addition: &EmailAddition,
    letters: &Letters,
    events: &Events,
) -> Result<Outcome, Fault> {
    let now = submission.now;
    let Some(principal) = submission.anew(tx).await? else { return Ok(Outcome::Stale) };
    let Some(proof) = principal.recently_proven(now) else { return Ok(Outcome::Unproven) };
    if let Err(refusal) = may_add_email(&principal.user, &addition.address, &proof) {
        return Ok(Outcome::Refused(refusal));
    }
    if tx.email_additions_since(principal.user.id, now.minus(PERIOD)).await? >= ADDITIONS {
        return Ok(Outcome::TooOften);
    }
    tx.insert_email_addition(addition).await?;
    letters.post(tx, &addition.address).await?;
    let event = events.make(0, EventKind::EmailAdditionStarted).about(addition.id);
    tx.append_event(&event.with("user", principal.user.id)).await?;
    Ok(Outcome::Changed)
}

/// What the page says besides asking for the code.
#[derive(Default)]
struct Said {
    notice: Option<String>,
    fault: Option<String>,
}

fn ask(visit: &AccountVisit, addition: &EmailAddition, said: Said) -> Result<Response, Stop> {
    let view = visit.view();
    let template = VerifyPage {
        view,
        frame: visit.frame(Place::Email),
        addition: addition.id,
        intro: view.text_with("account-email-verify-intro", "email", &addition.address.as_written()),
        notice: said.notice,
        faults: said.fault.into_iter().map(|text| FieldFault { field: "code", text }).collect(),
    };
    page(template.faults.status(), &template)
}

/// An addition that is this session's and still open.
async fn named(
    site: &Site,
    id: Result<Option<EmailAdditionId>, Malformed>,
    is_open: impl Fn(&EmailAddition) -> bool,
) -> Result<EmailAddition, Stop> {
    let Ok(Some(id)) = id else { return Err(Problem::Request.stop(site)) };
    let addition = site.app.store.read(site.tenant.id).email_addition(id).await?;
    addition.filter(is_open).ok_or_else(|| Problem::Stale.stop(site))
}

/// `GET /account/email/verify`: asks for the code.
pub async fn show_verify(visit: AccountVisit) -> Result<Response, Stop> {
    let is_open = |it: &EmailAddition| it.is_open_to(visit.principal().session(), visit.now);
    let addition = named(&visit.site, visit.query.id("addition"), is_open).await?;
    ask(&visit, &addition, Said::default())
}

async fn named_in(submission: &AccountSubmission) -> Result<EmailAddition, Stop> {
    let is_open = |it: &EmailAddition| it.is_open_to(&submission.principal.session, submission.now);
    named(&submission.site, submission.form.id("addition"), is_open).await
}

/// `POST /account/email/resend`: mails another code; the one before is worth nothing from then on.
pub async fn resend(submission: AccountSubmission) -> Result<Response, Stop> {
    let addition = named_in(&submission).await?;
    let mail = submission.site.count_mail(&addition.address, submission.browser.id).await?;
    mail.map_err(|wait| too_often(&submission.site, wait))?;
    let letters = Letters::prepare(&submission, addition.id, &addition.address).await?;
    let Site { app, tenant, .. } = &submission.site;
    let sent = write_tx!(app.store, tenant.id, |tx| -> Result<Option<bool>, Fault> {
        if submission.anew(tx).await?.is_none() {
            return Ok(None);
        }
        if tx.codes_made(CodePurpose::AddEmail(addition.id)).await? >= CODES {
            return Ok(Some(false));
        }
        letters.post(tx, &addition.address).await?;
        Ok(Some(true))
    })?;
    let view = submission.view();
    let said = match sent {
        None => return Err(submission.stale()),
        Some(true) => Said { notice: Some(view.text("verify-resent")), fault: None },
        Some(false) => Said { notice: None, fault: Some(view.text("account-email-no-more-codes")) },
    };
    ask(&submission.visit(), &addition, said)
}

/// How a guess ended.
enum Verdict {
    Added,
    Code(CodeRefusal),
    /// Somebody else has shown meanwhile that the address is theirs.
    Taken,
    Refused(EmailRefusal),
    Stale,
}

/// `POST /account/email/verify`: judges the code; the right one adds the address.
pub async fn verify(submission: AccountSubmission) -> Result<Response, Stop> {
    let addition = named_in(&submission).await?;
    let text = match typed_code(&submission.form.secret("code")) {
        None => submission.view().text("verify-shape"),
        Some(guess) => {
            let notice = notice(&submission, Notice::EmailAdded(&addition.address))?;
            let adding = Adding { addition: &addition, guess, notice, events: submission.events() };
            let Site { app, tenant, .. } = &submission.site;
            let verdict = write_tx!(app.store, tenant.id, |tx| -> Result<Verdict, Fault> {
                adding.judge(tx, &submission).await
            })?;
            let view = submission.view();
            match verdict {
                Verdict::Added => return Ok(submission.done(Place::Email, Done::EmailAdded)),
                Verdict::Stale => return Err(submission.stale()),
                Verdict::Taken => view.text("account-email-taken"),
                Verdict::Refused(refusal) => view.text(refusal_key(refusal)),
                Verdict::Code(CodeRefusal::Unusable) => view.text("verify-unusable"),
                Verdict::Code(CodeRefusal::Wrong { left }) => view.text_with("verify-wrong", "left", &left),
            }
        }
    };
    ask(&submission.visit(), &addition, Said { notice: None, fault: Some(text) })
}

/// What a guess needs: made before the transaction, so that it may be run again.
struct Adding<'a> {
    addition: &'a EmailAddition,
    guess: SecretText,
    notice: Option<MailRecord>,
    events: Events,
}

impl Adding<'_> {
    /// One transaction from the guess to the address: a crash leaves either nothing or all of it.
    async fn judge(&self, tx: &mut Tx, submission: &AccountSubmission) -> Result<Verdict, Fault> {
        let (now, key) = (submission.now, code_key(&submission.site.tenant));
        let Some(principal) = submission.anew(tx).await? else { return Ok(Verdict::Stale) };
        let stored = tx.email_addition(self.addition.id).await?;
        let Some(addition) = stored.filter(|it| it.is_open_to(&principal.session, now)) else {
            return Ok(Verdict::Stale);
        };
        let purpose = CodePurpose::AddEmail(addition.id);
        let unusable = Verdict::Code(CodeRefusal::Unusable);
        let Some(code) = tx.count_guess(purpose, now).await? else { return Ok(unusable) };
        let verified = match code.judge(&key, &self.guess, now) {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Verdict::Code(refusal)),
        };
        let is_of_this =
            verified.purpose() == purpose && verified.recipient() == addition.address.canonical();
        if !is_of_this || !tx.spend_mailed_code(code.id, now).await? {
            return Ok(unusable);
        }
        if principal.user.emails.len() >= identity::account::MOST_EMAILS {
            return Ok(Verdict::Refused(EmailRefusal::TooMany));
        }
        let is_primary = principal.user.primary_email().is_none();
        let email = UserEmail { address: addition.address.clone(), verified_at: Some(now), is_primary };
        if !tx.complete_email_addition(addition.id, now).await? {
            return Ok(Verdict::Stale);
        }
        if !tx.insert_email(principal.user.id, &email).await? {
            return Ok(Verdict::Taken);
        }
        tx.touch_user(principal.user.id, now).await?;
        if let Some(notice) = &self.notice {
            tx.append_mail(notice).await?;
        }
        let event = self.events.make(0, EventKind::UserEmailAdded).about(principal.user.id);
        tx.append_event(&event.with_session(principal.session.id)).await?;
        Ok(Verdict::Added)
    }
}

/// Which change of an address that the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    MakePrimary,
    Remove,
}

impl Change {
    fn check<'a>(
        self,
        user: &'a identity::User,
        address: &EmailAddress,
        proof: &RecentlyProven,
    ) -> Result<&'a UserEmail, EmailRefusal> {
        match self {
            Self::MakePrimary => next_primary(user, address.canonical(), proof),
            Self::Remove => removable(user, address.canonical(), proof),
        }
    }
}

/// `POST /account/email/primary`: another verified address becomes the primary one. Both are told.
pub async fn make_primary(submission: AccountSubmission) -> Result<Response, Stop> {
    change(submission, Change::MakePrimary).await
}

/// `POST /account/email/remove`: takes away an address that is not the primary one. Both are told.
pub async fn remove(submission: AccountSubmission) -> Result<Response, Stop> {
    change(submission, Change::Remove).await
}

async fn change(submission: AccountSubmission, change: Change) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = &submission.site;
    let Ok(address) = EmailAddress::parse(submission.form.value("email")) else {
        return Err(Problem::Request.stop(&submission.site));
    };
    let told = match change {
        Change::MakePrimary => Notice::PrimaryChanged(&address),
        Change::Remove => Notice::EmailRemoved(&address),
    };
    let letters = [notice(&submission, told)?, Some(notice_to(&submission, told, &address)?)];
    let events = submission.events();
    let outcome = write_tx!(app.store, tenant.id, |tx| -> Result<Outcome, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(Outcome::Stale) };
        let user = &principal.user;
        let Some(proof) = principal.recently_proven(submission.now) else { return Ok(Outcome::Unproven) };
        if let Err(refusal) = change.check(user, &address, &proof) {
            return Ok(Outcome::Refused(refusal));
        }
        let (changed, kind) = match change {
            Change::MakePrimary => (
                tx.change_primary_email(user.id, address.canonical(), submission.now).await?,
                EventKind::UserPrimaryEmailChanged,
            ),
            Change::Remove => {
                let removed = tx.remove_email(user.id, address.canonical()).await?;
                (removed && tx.touch_user(user.id, submission.now).await?, EventKind::UserEmailRemoved)
            }
        };
        if !changed {
            // What was checked is not what was changed, which can't be within one transaction.
            return Err(
                Fault::new("change an address of a user").because("it changed within the transaction")
            );
        }
        for letter in letters.iter().flatten() {
            tx.append_mail(letter).await?;
        }
        let event = events.make(0, kind).about(user.id).with_session(principal.session.id);
        tx.append_event(&event).await?;
        Ok(Outcome::Changed)
    })?;
    match outcome {
        Outcome::Changed => {
            let done = if change == Change::Remove { Done::EmailRemoved } else { Done::PrimaryChanged };
            Ok(submission.done(Place::Email, done))
        }
        outcome => unchanged(submission, &outcome, String::new()),
    }
}
