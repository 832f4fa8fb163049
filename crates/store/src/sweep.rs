//! What has expired is taken away, in small batches, so that no sweep holds the writer for long.

use std::time::Duration;

use terms::{TenantId, Timestamp};

use crate::fault::Fault;
use crate::statement::verbs;
use crate::store::Store;
use crate::write_tx;

/// How long an expired row stays: a late page can say "expired" instead of "unknown", and a late replay is still noticed.
const KEPT: Duration = Duration::from_hours(24);
/// How long a browser stays that nobody comes back with; longer than any of its sessions lives.
const BROWSER_KEPT: Duration = Duration::from_hours(90 * 24);
/// Rows in one transaction.
const BATCH: i64 = 200;

/// Declares a sweep per table: the table, its key after the tenant, the instant that counts, and how long after it a row
/// is kept. The table has an index on tenant and instant.
macro_rules! sweeps {
    ($($verb:ident = $table:literal, $key:literal, $expiry:literal, $kept:expr;)*) => {
        verbs! {$(
            write count $verb(before: Timestamp, limit: i64) = concat!(
                "DELETE FROM ", $table, " WHERE tenant_id = $1 AND ", $key, " IN (SELECT ", $key, " FROM ", $table,
                " WHERE tenant_id = $1 AND ", $expiry, " <= $2 ORDER BY ", $expiry, " LIMIT $3)");
        )*}

        impl Store {
            /// Takes away what expired in one tenant; gives how many rows that were.
            pub async fn sweep(&self, tenant: TenantId, now: Timestamp) -> Result<u64, Fault> {
                let mut swept = 0;
                $(
                    let before = now.minus($kept);
                    loop {
                        let batch = write_tx!(self, tenant, |tx| -> Result<u64, Fault> { tx.$verb(before, BATCH).await })?;
                        swept += batch;
                        if batch < BATCH.unsigned_abs() {
                            break;
                        }
                    }
                )*
                Ok(swept)
            }
        }
    };
}

sweeps! {
    sweep_mailed_codes = "mailed_code", "code_id", "expires_at", KEPT;
    // Sent mails are deleted at once, and those given up for their age too: these are others that were given up.
    sweep_mails = "outbound_mail", "mail_id", "expires_at", KEPT;
    sweep_admin_links = "admin_link", "link_id", "expires_at", KEPT;
    sweep_sign_ins = "sign_in", "sign_in_id", "expires_at", KEPT;
    sweep_email_additions = "email_addition", "email_addition_id", "expires_at", KEPT;
    sweep_sign_ups = "sign_up", "sign_up_id", "expires_at", KEPT;
    sweep_recoveries = "recovery", "recovery_id", "expires_at", KEPT;
    sweep_flows = "flow", "flow_id", "expires_at", KEPT;
    sweep_sessions = "session", "session_id", "expires_at", KEPT;
    // Before the grants, so that those don't take a heap of them along.
    sweep_authorization_codes = "authorization_code", "code_hash", "expires_at", KEPT;
    sweep_access_tokens = "access_token", "token_hash", "expires_at", KEPT;
    sweep_revoked_tokens = "revoked_token", "token_id", "expires_at", KEPT;
    // Nobody asks for these again: an assertion that has expired is refused as such.
    sweep_spent_assertions = "spent_assertion", "assertion_hash", "expires_at", Duration::ZERO;
    sweep_grants = "grant_record", "grant_id", "expires_at", KEPT;
    sweep_attempt_budgets = "attempt_budget", "budget_id", "expires_at", Duration::ZERO;
    // Who tried what from which address is kept for as long as an operator may ask after it.
    sweep_refused_guesses = "refused_guess", "event_id", "minute_at", BROWSER_KEPT;
    sweep_browsers = "browser", "browser_id", "last_seen_at", BROWSER_KEPT;
}
