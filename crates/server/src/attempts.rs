//! Guesses at what only a person knows: counted against their budget, then judged, and noted when they are wrong. Every
//! channel that takes a password or a mailed code comes through here; a password can't be verified otherwise, since the
//! hasher asks for the proof that the guess was counted.

use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use identity::attempt::{Admitted, Budget, BudgetId, BudgetKey, BudgetOwner, GuessedFactor, Wait};
use identity::password::{PasswordHash, StoredPassword, VerifiedPassword};
use identity::{Actor, Event, EventKind, Identifier, User};
use store::{Fault, Tx, write_tx};
use terms::{BrowserId, CanonicalEmail, CanonicalUsername, EventId, SecretText, Timestamp, UserId};

use crate::error::Failure;
use crate::locale::Texts;
use crate::rate_limits::Limit;
use crate::request::Site;
use crate::tenant::Tenant;

/// What a guess is aimed at, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Aim<'a> {
    pub factor: GuessedFactor,
    pub target: Target<'a>,
    pub browser: BrowserId,
    pub now: Timestamp,
}

/// Whose factor is guessed at.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Whoever has the address that was typed: an account, or nobody.
    Email { email: &'a CanonicalEmail, account: Option<UserId> },
    /// The same of a username.
    Username { username: &'a CanonicalUsername, account: Option<UserId> },
    /// A person who is signed in, and shows again who they are.
    SignedIn(UserId),
}

impl<'a> Target<'a> {
    /// Whoever is found by what was typed: an account, or nobody.
    pub fn of(identifier: &'a Identifier, account: Option<UserId>) -> Self {
        match identifier {
            Identifier::Email(address) => Self::Email { email: address.canonical(), account },
            Identifier::Username(username) => Self::Username { username, account },
        }
    }

    fn account(self) -> Option<UserId> {
        match self {
            Self::Email { account, .. } | Self::Username { account, .. } => account,
            Self::SignedIn(user) => Some(user),
        }
    }
}

/// A guess that was counted.
#[derive(Debug)]
pub struct Counted {
    admitted: Admitted,
    budget: SpentBudget,
}

impl Counted {
    /// For a factor that is judged elsewhere: what to forgive when the guess was right.
    pub fn budget(&self) -> SpentBudget {
        self.budget
    }
}

/// The budget that a guess was taken from.
#[derive(Debug, Clone, Copy)]
pub struct SpentBudget(BudgetId);

impl SpentBudget {
    /// Makes the budget whole again: in the transaction in which the guess led to something, so that a right guess that
    /// led nowhere looks like a wrong one.
    pub async fn forgive(self, tx: &mut Tx) -> Result<(), Fault> {
        tx.forget_guesses(self.0).await.map(|_: bool| ())
    }
}

/// How a guess at a password came out.
pub enum Checked {
    Right(RightPassword),
    /// Not the password, or no such account.
    Wrong,
    /// It wasn't looked at.
    TooMany(Wait),
}

/// A password that was guessed right.
pub struct RightPassword {
    pub verified: VerifiedPassword,
    /// The same password at the cost now asked for, when the stored hash has another.
    pub raised: Option<PasswordHash>,
    pub budget: SpentBudget,
}

/// What the address may still ask. A browser in which the person signed in before has a budget of its own, so that its
/// neighbours behind one address can't use up what it needs.
async fn require_of_address(
    site: &Site,
    aim: &Aim<'_>,
    asked: Result<(), Wait>,
) -> Result<Result<(), Wait>, Fault> {
    if asked.is_ok() {
        return Ok(asked);
    }
    let known =
        site.app.store.read(site.tenant.id).known_browser(account_or_nobody(aim), aim.browser).await?;
    Ok(if known.is_some() { Ok(()) } else { asked })
}

/// Counts a guess at a mailed code, or says how long to wait.
pub async fn count_code(site: &Site, aim: &Aim<'_>) -> Result<Result<Counted, Wait>, Fault> {
    match require_of_address(site, aim, site.look(Limit::WrongGuesses)).await? {
        Ok(()) => count(site, aim).await,
        Err(wait) => Ok(Err(wait)),
    }
}

async fn count(site: &Site, aim: &Aim<'_>) -> Result<Result<Counted, Wait>, Fault> {
    let (budget, seen) = budget_of(site, aim).await?;
    admit(site, (budget, seen), aim.now).await
}

async fn admit(
    site: &Site,
    (budget, seen): (BudgetId, Option<Budget>),
    now: Timestamp,
) -> Result<Result<Counted, Wait>, Fault> {
    let admitted = site.app.store.admit_guess(site.tenant.id, budget, seen, now).await?;
    Ok(admitted.map(|admitted| Counted { admitted, budget: SpentBudget(budget) }))
}

/// Counts a guess at the code that a device shows, or says how long to wait. Each browser has a budget of its own; what all
/// browsers of one address may guess wrong is bounded besides.
pub async fn count_user_code(
    site: &Site,
    browser: BrowserId,
    now: Timestamp,
) -> Result<Result<Counted, Wait>, Fault> {
    if let Err(wait) = site.look(Limit::WrongGuesses) {
        return Ok(Err(wait));
    }
    let budget = budget_key(&site.tenant).budget(GuessedFactor::UserCode, BudgetOwner::Browser(browser));
    let seen = site.app.store.read(site.tenant.id).attempt_budget(budget).await?;
    admit(site, (budget, seen), now).await
}

/// Counts a guess at a password, as it is stored, and judges it. Whoever the target is, an account or nobody, the work is the same.
pub async fn check_password(
    site: &Site,
    aim: &Aim<'_>,
    typed: SecretText,
    stored: Option<StoredPassword>,
) -> Result<Checked, Failure> {
    let asked = site.count(Limit::Passwords).and_then(|()| site.look(Limit::WrongGuesses));
    if let Err(wait) = require_of_address(site, aim, asked).await? {
        return Ok(Checked::TooMany(wait));
    }
    let counted = match count(site, aim).await? {
        Ok(counted) => counted,
        Err(wait) => {
            note_refused(site, aim).await?;
            return Ok(Checked::TooMany(wait));
        }
    };
    let hash = stored.as_ref().map(|stored| stored.hash.clone());
    let hasher = &site.app.hasher;
    let verified = hasher.verify(counted.admitted, typed.clone(), stored).await?;
    let (Some(verified), Some(hash)) = (verified, hash) else {
        note_refused(site, aim).await?;
        return Ok(Checked::Wrong);
    };
    let raised = hasher.rehash(verified.clone(), typed, &hash, site.app.entropy.bytes()).await?;
    Ok(Checked::Right(RightPassword { verified, raised, budget: counted.budget }))
}

/// Counts a refused guess for the operator: by account, client address and minute. The first of a minute is an event.
pub async fn note_refused(site: &Site, aim: &Aim<'_>) -> Result<(), Fault> {
    site.note(Limit::WrongGuesses);
    let minute = aim.now.as_millis() - aim.now.as_millis().rem_euclid(60_000);
    let minute = Timestamp::from_millis(minute);
    let id = site.app.entropy.id(EventId::new, aim.now);
    let event = Event::new(id, EventKind::SignInRefused, Actor::Browser(aim.browser), aim.now);
    let event = event.from_address(site.address).with("factor", aim.factor.as_str());
    let (event, aimed_at) = match aim.target.account() {
        Some(user) => (event.about(user), user.to_string()),
        None => (event, String::new()),
    };
    let address = site.address.to_string();
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> {
        if tx.count_refused(&aimed_at, &address, minute, event.id).await? == 1 {
            tx.append_event(&event).await?;
        }
        Ok(())
    })
}

/// Makes all budgets of an account whole again, the ones that strangers share and those of its browsers: an operator says
/// so, or the person proved in another way who they are.
pub async fn forgive_account(tx: &mut Tx, tenant: &Tenant, user: &User) -> Result<(), Fault> {
    let key = budget_key(tenant);
    let browsers = tx.known_browsers(user.id).await?;
    for factor in GuessedFactor::ALL {
        tx.forget_guesses(key.budget(factor, BudgetOwner::SignedIn(user.id))).await?;
        for email in &user.emails {
            tx.forget_guesses(key.budget(factor, BudgetOwner::Email(email.address.canonical()))).await?;
        }
        if let Some(username) = &user.username {
            tx.forget_guesses(key.budget(factor, BudgetOwner::Username(username))).await?;
        }
        for known in &browsers {
            let owner = BudgetOwner::KnownBrowser { user: user.id, browser: known.browser };
            tx.forget_guesses(key.budget(factor, owner)).await?;
        }
    }
    Ok(())
}

fn budget_key(tenant: &Tenant) -> BudgetKey {
    BudgetKey::new(&tenant.data_key.derive("attempt budget"))
}

/// The browser's own budget where it signed in to the account before, else the one that everybody shares; with what is left of it.
async fn budget_of(site: &Site, aim: &Aim<'_>) -> Result<(BudgetId, Option<Budget>), Fault> {
    let (user, browser) = (account_or_nobody(aim), aim.browser);
    let key = budget_key(&site.tenant);
    let shared = match aim.target {
        Target::Email { email, .. } => BudgetOwner::Email(email),
        Target::Username { username, .. } => BudgetOwner::Username(username),
        Target::SignedIn(user) => BudgetOwner::SignedIn(user),
    };
    let shared = key.budget(aim.factor, shared);
    let own = key.budget(aim.factor, BudgetOwner::KnownBrowser { user, browser });
    // Asked in either case, as all that is asked of the database here. Nobody is known in any browser.
    let facts = site.app.store.read(site.tenant.id).guess_facts(user, browser, own, shared).await?;
    Ok((if facts.is_known { own } else { shared }, facts.budget))
}

/// The account, or an id that nobody has.
fn account_or_nobody(aim: &Aim<'_>) -> UserId {
    aim.target.account().unwrap_or_else(|| UserId::new(Timestamp::from_millis(0), [0; 10]))
}

/// Says how long to wait, in the person's words: in the greatest unit that fits, rounded up.
pub fn wait_text(texts: &Texts, wait: Wait, now: Timestamp) -> String {
    let seconds = wait.seconds(now);
    let (key, count) = match seconds {
        0..=90 => ("attempts-wait-seconds", seconds),
        91..=5400 => ("attempts-wait-minutes", seconds.div_ceil(60)),
        5401..=172_800 => ("attempts-wait-hours", seconds.div_ceil(60 * 60)),
        _ => ("attempts-wait-days", seconds.div_ceil(24 * 60 * 60)),
    };
    texts.with(key, &[("count", &i64::try_from(count).unwrap_or(i64::MAX))])
}

/// 429 (RFC 6585 section 4), with the time to come again.
pub fn too_many(mut response: Response, wait: Wait, now: Timestamp) -> Response {
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.seconds(now)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_wait_is_said_in_a_unit_that_fits() {
        let now = Timestamp::from_seconds(1_000);
        for (seconds, words) in [
            (1, "one second"),
            (90, "90 seconds"),
            (91, "2 minutes"),
            (5400, "90 minutes"),
            (5401, "2 hours"),
            (172_801, "3 days"),
        ] {
            let wait = Wait { until: now.plus(Duration::from_secs(seconds)) };
            let said = wait_text(Texts::of(terms::Language::English), wait, now);
            assert!(said.contains(words), "{seconds}: {said}");
        }
    }
}
