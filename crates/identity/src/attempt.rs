//! Budgets for guesses: how often somebody may be wrong about a factor, and how long they then wait.
//!
//! Every guess is counted before it is judged, so that of guesses made at once none is free, and only an [`Admitted`]
//! guess may be judged. Whoever asks from a browser that signed in to the account before spends a budget of that
//! browser's own; everybody else shares the one of what they typed, whether an account has it or not. So a stranger can
//! neither go on guessing from many places, nor keep a person out of their own browser.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use terms::{BrowserId, CanonicalEmail, CanonicalUsername, Timestamp, UserId};

/// What is guessed at. Each has budgets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuessedFactor {
    Password,
    /// Codes that were mailed to an address: each code has its few guesses, and this counts those at all of them.
    MailedCode,
    /// Codes that devices show (RFC 8628 section 5.1), whoever's: they belong to no account.
    UserCode,
}

impl GuessedFactor {
    /// Every factor of an account; what is reset is reset for all of them.
    pub const ALL: [Self; 2] = [Self::Password, Self::MailedCode];

    /// The name under which budgets are kept, and that events tell.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::MailedCode => "mailed_code",
            Self::UserCode => "user_code",
        }
    }
}

/// Whose budget a guess is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetOwner<'a> {
    /// Everybody who typed this address and whom nothing ties to its account.
    Email(&'a CanonicalEmail),
    /// The same of a username.
    Username(&'a CanonicalUsername),
    /// A browser that signed in to this account before.
    KnownBrowser { user: UserId, browser: BrowserId },
    /// A person who is signed in and shows again who they are, in a browser that isn't known.
    SignedIn(UserId),
    /// Whoever is at this browser, where nothing is known of whom the guess is about.
    Browser(BrowserId),
}

/// The key under which a tenant's budgets are named: the table of budgets alone doesn't tell who was guessed at.
pub struct BudgetKey(hmac::Key);

impl BudgetKey {
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The name of a budget.
    pub fn budget(&self, factor: GuessedFactor, owner: BudgetOwner<'_>) -> BudgetId {
        match owner {
            BudgetOwner::Email(email) => self.tag(&[factor.as_str(), "email", email.as_str()]),
            BudgetOwner::Username(username) => self.tag(&[factor.as_str(), "username", username.as_str()]),
            BudgetOwner::SignedIn(user) => self.tag(&[factor.as_str(), "user", &user.to_string()]),
            BudgetOwner::Browser(browser) => {
                self.tag(&[factor.as_str(), "any browser", &browser.to_string()])
            }
            BudgetOwner::KnownBrowser { user, browser } => {
                self.tag(&[factor.as_str(), "browser", &user.to_string(), &browser.to_string()])
            }
        }
    }

    /// Each part with its length before it, so that no two different lists of parts run together to one text.
    fn tag(&self, parts: &[&str]) -> BudgetId {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut id = [0; 32];
        id.copy_from_slice(context.sign().as_ref());
        BudgetId(id)
    }
}

impl fmt::Debug for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BudgetKey(..)")
    }
}

/// The name of a budget: a keyed hash of the factor and of whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetId([u8; 32]);

impl BudgetId {
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What was spent of a budget, as it is stored. One that nobody touched has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Guesses in a row, none of them right.
    pub attempts: i64,
    /// Until then no guess is judged.
    pub next_at: Timestamp,
    /// From then on the budget is whole again.
    pub expires_at: Timestamp,
}

/// Guesses without any wait: people mistype.
pub const FREE_ATTEMPTS: i64 = 5;
/// The wait after the first guess that is not free; each further one doubles it.
pub const FIRST_DELAY: Duration = Duration::from_secs(30);
/// The longest wait of those that grow.
pub const LONGEST_DELAY: Duration = Duration::from_hours(24);
/// NIST SP 800-63B-4 section 3.2.2: no more than 100 failed attempts in a row. Then the factor rests until the budget is
/// forgotten, unless the person shows who they are in another way.
pub const MOST_ATTEMPTS: i64 = 100;
/// How long after the last guess a budget is whole again.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(30 * 24);

/// How long to wait after so many guesses in a row.
pub fn delay_after(attempts: i64) -> Duration {
    if attempts >= MOST_ATTEMPTS {
        return FORGOTTEN_AFTER;
    }
    let Ok(doublings) = u32::try_from(attempts - FREE_ATTEMPTS) else { return Duration::ZERO };
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    FIRST_DELAY.saturating_mul(factor).min(LONGEST_DELAY)
}

/// What to do about a guess that somebody wants to make.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Count it; once that is stored it may be judged.
    Count(Counting),
    /// It isn't judged, so that nobody learns whether it would have been right.
    Refuse(Wait),
}

/// A budget is spent for the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    pub until: Timestamp,
}

impl Wait {
    /// Whole seconds until the next guess, at least one: the value of `Retry-After` (RFC 9110 section 10.2.3).
    pub fn seconds(self, now: Timestamp) -> u64 {
        u64::try_from(self.until.since(now).as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
    }
}

/// A guess on its way to be counted: what the budget was when it was read, and what it becomes.
#[derive(Debug, PartialEq, Eq)]
pub struct Counting {
    seen: Option<Budget>,
    next: Budget,
}

impl Counting {
    /// The row that must still be as it was. None: there must be none.
    pub fn seen(&self) -> Option<&Budget> {
        self.seen.as_ref()
    }

    pub fn next(&self) -> &Budget {
        &self.next
    }

    /// Tells whether the guarded statement found the row as it was. When it didn't, another guess was quicker, and this
    /// one isn't judged.
    pub fn counted(self, stored: bool, now: Timestamp) -> Result<Admitted, Wait> {
        if stored { Ok(Admitted(())) } else { Err(Wait { until: now.plus(Duration::from_secs(1)) }) }
    }
}

/// The proof that a guess was counted against its budget. What judges a guess at a password takes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted(());

/// Whether a guess may be made now.
pub fn decide(budget: Option<&Budget>, now: Timestamp) -> Decision {
    let live = budget.filter(|budget| !budget.expires_at.has_passed(now));
    if let Some(budget) = live.filter(|budget| !budget.next_at.has_passed(now)) {
        return Decision::Refuse(Wait { until: budget.next_at });
    }
    let attempts = live.map_or(0, |budget| budget.attempts).saturating_add(1);
    let next_at = now.plus(delay_after(attempts));
    let next = Budget { attempts, next_at, expires_at: next_at.plus(FORGOTTEN_AFTER) };
    Decision::Count(Counting { seen: budget.copied(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn waits_grow_from_nothing_to_a_day_and_then_to_the_end() {
        let seconds = |attempts| delay_after(attempts).as_secs();
        let grown: Vec<_> = [0, 1, 4, 5, 6, 7, 12, 16, 17, 18, 99].map(seconds).into();
        let day = 24 * 60 * 60;
        assert_eq!(grown, [0, 0, 0, 30, 60, 120, 30 << 7, 30 << 11, day, day, day]);
        assert_eq!(delay_after(MOST_ATTEMPTS), FORGOTTEN_AFTER);
        assert_eq!(delay_after(i64::MAX), FORGOTTEN_AFTER);
        for attempts in 0..MOST_ATTEMPTS {
            assert!(delay_after(attempts) <= delay_after(attempts + 1), "{attempts}");
        }
    }

    #[test]
    fn a_guess_is_counted_or_waits() {
        let budget = |attempts, next_at, expires_at| Some(Budget { attempts, next_at, expires_at });
        let (later, earlier) = (NOW.plus(HOUR), NOW.minus(HOUR));
        let cases = [
            (None, Ok(1)),
            (budget(4, NOW, later), Ok(5)),
            (budget(5, later, later.plus(HOUR)), Err(later)),
            (budget(5, NOW, later), Ok(6)),
            (budget(5, NOW.plus(Duration::from_millis(1)), later), Err(NOW.plus(Duration::from_millis(1)))),
            // Forgotten: it begins anew.
            (budget(99, earlier, NOW), Ok(1)),
            (budget(99, later, NOW), Ok(1)),
            (budget(99, NOW, later), Ok(100)),
            (budget(i64::MAX, NOW, later), Ok(i64::MAX)),
        ];
        for (index, (budget, expected)) in cases.into_iter().enumerate() {
            match (decide(budget.as_ref(), NOW), expected) {
                (Decision::Count(counting), Ok(attempts)) => {
                    assert_eq!(
                        (counting.next().attempts, counting.seen()),
                        (attempts, budget.as_ref()),
                        "{index}"
                    );
                    assert_eq!(counting.next().next_at, NOW.plus(delay_after(attempts)), "{index}");
                    assert_eq!(counting.counted(true, NOW), Ok(Admitted(())), "{index}");
                }
                (Decision::Refuse(wait), Err(until)) => assert_eq!(wait.until, until, "{index}"),
                (decision, _) => panic!("case {index}: {decision:?}"),
            }
        }
        let Decision::Count(overtaken) = decide(None, NOW) else { panic!("a fresh budget is whole") };
        assert!(overtaken.counted(false, NOW).is_err(), "a guess that wasn't counted was admitted");
    }

    /// Whoever guesses from ever new places and as often as they are let.
    #[test]
    fn a_patient_guesser_gets_few_guesses_from_however_many_places() {
        let (mut now, mut budget, mut judged) = (NOW, None, 0);
        let (mut in_a_day, mut in_a_year) = (0, 0);
        while now < NOW.plus(Duration::from_hours(365 * 24)) {
            match decide(budget.as_ref(), now) {
                Decision::Count(counting) => {
                    budget = Some(*counting.next());
                    judged += 1;
                }
                Decision::Refuse(wait) => now = wait.until,
            }
            if now < NOW.plus(Duration::from_hours(24)) {
                in_a_day = judged;
            }
            in_a_year = judged;
        }
        assert_eq!(in_a_day, 16, "guesses on the first day");
        assert!(in_a_year < 300, "{in_a_year} guesses in a year");
    }

    #[test]
    fn the_wait_is_told_in_whole_seconds_and_never_as_nothing() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (30_000, 30)] {
            let wait = Wait { until: NOW.plus(Duration::from_millis(millis)) };
            assert_eq!(wait.seconds(NOW), seconds, "{millis}");
        }
    }

    #[test]
    fn no_two_budgets_have_one_name() {
        let [a, b] = ["a@x.test", "b@x.test"].map(|it| terms::EmailAddress::parse(it).unwrap());
        let [ada, bob] = ["ada", "bob"].map(|it| CanonicalUsername::parse(it).unwrap());
        let (user, browser) = (|n| UserId::new(NOW, [n; 10]), |n| BrowserId::new(NOW, [n; 10]));
        let key = BudgetKey::new(&[1; 32]);
        let mut seen = std::collections::BTreeSet::new();
        for factor in GuessedFactor::ALL {
            for owner in [
                BudgetOwner::Email(a.canonical()),
                BudgetOwner::Email(b.canonical()),
                BudgetOwner::Username(&ada),
                BudgetOwner::Username(&bob),
                BudgetOwner::KnownBrowser { user: user(1), browser: browser(1) },
                BudgetOwner::KnownBrowser { user: user(1), browser: browser(2) },
                BudgetOwner::KnownBrowser { user: user(2), browser: browser(1) },
                BudgetOwner::SignedIn(user(1)),
                BudgetOwner::SignedIn(user(2)),
            ] {
                assert!(seen.insert(key.budget(factor, owner)), "{factor:?} {owner:?}");
                assert!(seen.insert(BudgetKey::new(&[2; 32]).budget(factor, owner)), "another tenant's");
            }
        }
        let respelt = terms::EmailAddress::parse(" A@X.TEST").unwrap();
        let budget = |it: &terms::EmailAddress| {
            key.budget(GuessedFactor::Password, BudgetOwner::Email(it.canonical()))
        };
        assert_eq!(budget(&a), budget(&respelt), "another spelling found another budget");
        let respelt = CanonicalUsername::parse("\u{ff21}DA").unwrap();
        let budget = |it| key.budget(GuessedFactor::Password, BudgetOwner::Username(it));
        assert_eq!(budget(&ada), budget(&respelt), "another spelling found another budget");
    }
}
