//! Budgets for guesses, the browsers that have one of their own, and how often a guess was refused.

use identity::attempt::{Admitted, Budget, BudgetId, Decision, Wait, decide};
use terms::{BrowserId, EventId, TenantId, Timestamp, UserId};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::store::Store;
use crate::write_one;

impl FromRow for Budget {
    const TABLE: &'static str = "attempt_budget";
    // It has no other name than its hash, which is nothing for a log.
    const KEY: &'static str = "attempts";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let attempts = row.int("attempts")?;
        if attempts < 1 {
            return Err(BadColumn::new("attempts", "a number below one"));
        }
        Ok(Self { attempts, next_at: row.time("next_at")?, expires_at: row.time("expires_at")? })
    }
}

/// A browser in which a user signed in at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBrowser {
    pub browser: BrowserId,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl FromRow for KnownBrowser {
    const TABLE: &'static str = "known_browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            browser: row.parse("browser_id")?,
            first_at: row.time("first_at")?,
            last_at: row.time("last_at")?,
        })
    }
}

/// How often guesses were refused that were aimed at one account from one client address within one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedGuesses {
    pub client_address: String,
    pub minute_at: Timestamp,
    pub refused: i64,
    /// The event of the first of them.
    pub event: EventId,
}

impl FromRow for RefusedGuesses {
    const TABLE: &'static str = "refused_guess";
    const KEY: &'static str = "event_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            client_address: row.text("client_address")?,
            minute_at: row.time("minute_at")?,
            refused: row.int("refused")?,
            event: row.parse("event_id")?,
        })
    }
}

/// How often a guess is tried to be counted when others keep being quicker.
const COUNTING_TRIES: u32 = 20;

/// Which budget a guess at an account from a browser is taken from, and what is left of it.
pub struct GuessFacts {
    /// Whether the user signed in in this browser before.
    pub is_known: bool,
    /// The browser's own budget in that case, else the one that everybody shares.
    pub budget: Option<Budget>,
}

impl FromRow for GuessFacts {
    const TABLE: &'static str = "attempt_budget";
    const KEY: &'static str = "attempts";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let budget = match row.opt_int("attempts")? {
            None => None,
            Some(_) => Some(Budget::from_row(row)?),
        };
        Ok(Self { is_known: row.bool("is_known")?, budget })
    }
}

impl Store {
    /// Counts a guess against its budget, as it was just read, before anybody judges it. Of guesses at once each is counted, so
    /// that no more are admitted than the budget has.
    pub async fn admit_guess(
        &self,
        tenant: TenantId,
        budget: BudgetId,
        mut seen: Option<Budget>,
        now: Timestamp,
    ) -> Result<Result<Admitted, Wait>, Fault> {
        let mut tries = 1;
        loop {
            let counting = match decide(seen.as_ref(), now) {
                Decision::Refuse(wait) => return Ok(Err(wait)),
                Decision::Count(counting) => counting,
            };
            let stored = write_one!(self, tenant, |tx| -> Result<bool, Fault> {
                match counting.seen() {
                    None => tx.begin_budget(budget, counting.next()).await,
                    Some(seen) => tx.spend_budget(budget, seen, counting.next()).await,
                }
            })?;
            if stored || tries == COUNTING_TRIES {
                return Ok(counting.counted(stored, now));
            }
            tries += 1;
            seen = self.read(tenant).attempt_budget(budget).await?;
        }
    }
}

verbs! {
    pub read opt attempt_budget(budget: BudgetId) -> Budget =
        "SELECT attempts, next_at, expires_at FROM attempt_budget WHERE tenant_id = $1 AND budget_id = $2";

    /// What is known of a guess, with the two budgets that it may be taken from.
    pub read one guess_facts(user: UserId, browser: BrowserId, own: BudgetId, shared: BudgetId) -> GuessFacts =
        "SELECT k.browser_id IS NOT NULL AS is_known, b.attempts, b.next_at, b.expires_at FROM (SELECT 1 AS one) AS x
           LEFT JOIN known_browser k ON k.tenant_id = $1 AND k.user_id = $2 AND k.browser_id = $3
           LEFT JOIN attempt_budget b ON b.tenant_id = $1
                AND (b.budget_id = $4 AND k.browser_id IS NOT NULL OR b.budget_id = $5 AND k.browser_id IS NULL)";

    write guard begin_budget(budget: BudgetId, next: &Budget)[budget, next.attempts, next.next_at, next.expires_at] =
        "INSERT INTO attempt_budget (tenant_id, budget_id, attempts, next_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING";

    write guard spend_budget(budget: BudgetId, seen: &Budget, next: &Budget)
        [budget, seen.attempts, seen.next_at, next.attempts, next.next_at, next.expires_at] =
        "UPDATE attempt_budget SET attempts = $5, next_at = $6, expires_at = $7
          WHERE tenant_id = $1 AND budget_id = $2 AND attempts = $3 AND next_at = $4";

    /// Makes a budget whole again: the guess was right, or an operator says so.
    pub write guard forget_guesses(budget: BudgetId) =
        "DELETE FROM attempt_budget WHERE tenant_id = $1 AND budget_id = $2";

    pub read opt known_browser(user: UserId, browser: BrowserId) -> KnownBrowser =
        "SELECT browser_id, first_at, last_at FROM known_browser WHERE tenant_id = $1 AND user_id = $2 AND browser_id = $3";

    pub read many known_browsers(user: UserId) -> KnownBrowser =
        "SELECT browser_id, first_at, last_at FROM known_browser WHERE tenant_id = $1 AND user_id = $2 ORDER BY browser_id";

    /// Remembers that a user signed in in a browser. True the first time.
    pub write guard know_browser(user: UserId, browser: BrowserId, now: Timestamp) =
        "INSERT INTO known_browser (tenant_id, user_id, browser_id, first_at, last_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT DO NOTHING";

    /// Remembers that a user signed in again in a browser. False if they didn't before.
    pub write guard touch_known_browser(user: UserId, browser: BrowserId, now: Timestamp) =
        "UPDATE known_browser SET last_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND browser_id = $3";

    /// Counts a refused guess, and gives the count so far: one is the first of its minute, whose event is then to be written.
    pub write one count_refused(aimed_at: &str, client_address: &str, minute_at: Timestamp, event: EventId) -> i64 =
        "INSERT INTO refused_guess (tenant_id, aimed_at, client_address, minute_at, refused, event_id)
         VALUES ($1, $2, $3, $4, 1, $5)
         ON CONFLICT (tenant_id, aimed_at, client_address, minute_at) DO UPDATE SET refused = refused_guess.refused + 1
         RETURNING refused AS n";

    /// Guesses that were refused at one account, or at none with an empty text; the newest minutes first.
    pub read many refused_guesses(aimed_at: &str, limit: i64) -> RefusedGuesses =
        "SELECT client_address, minute_at, refused, event_id FROM refused_guess
          WHERE tenant_id = $1 AND aimed_at = $2 ORDER BY minute_at DESC, client_address LIMIT $3";
}
