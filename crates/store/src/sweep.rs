//! What has expired is taken away, in small batches, so that no sweep holds the writer for long.

use std::collections::BTreeSet;
use std::time::Duration;

use terms::{EventId, TenantId, Timestamp, limits};

use crate::endings::Ended;
use crate::fault::Fault;
use crate::statement::verbs;
use crate::store::Store;
use crate::tenants::TenantVersion;
use crate::write_tx;

/// How long an expired row stays: a late page can say "expired" instead of "unknown", and a late replay is still noticed.
const KEPT: Duration = Duration::from_hours(24);
/// How long a browser stays that nobody comes back with; longer than any of its sessions lives.
const BROWSER_KEPT: Duration = Duration::from_hours(90 * 24);
/// How long a grant stays that somebody ended: its client is still to be told when the session ends in which it was given.
const ENDED_GRANT_KEPT: Duration = limits::SESSION_LIFETIME.saturating_add(KEPT);
/// How long a signing key stays after its end: until nothing that it signed is a hint any more, and a while for whoever asks.
const KEY_KEPT: Duration = limits::SESSION_LIFETIME.saturating_add(BROWSER_KEPT);
/// Rows in one transaction.
const BATCH: i64 = 200;

/// Declares a sweep, by a verb that takes rows away and one that finds the tenants that have any: the table, its key after the tenant,
/// the instant that counts, and how long after it a row is kept. A table that grows has an index on tenant and instant.
macro_rules! sweeps {
    ($($verb:ident, $find:ident = $table:literal, $key:literal, $expiry:literal, $kept:expr;)*) => {
        verbs! {
            $(
                directory many $find(before: Timestamp) -> TenantVersion = concat!(
                    "SELECT t.tenant_id, t.version FROM tenant t WHERE EXISTS (SELECT 1 FROM ", $table,
                    " e WHERE e.tenant_id = t.tenant_id AND e.", $expiry, " <= $1)");

                write count $verb(before: Timestamp, limit: i64) = concat!(
                    "DELETE FROM ", $table, " WHERE tenant_id = $1 AND (", $key, ") IN (SELECT ", $key, " FROM ", $table,
                    " WHERE tenant_id = $1 AND ", $expiry, " <= $2 ORDER BY ", $expiry, " LIMIT $3)");
            )*

            /// An id tells its time.
            write count sweep_events_before(first: &str, limit: i64) =
                "DELETE FROM event WHERE tenant_id = $1 AND event_id IN (
                    SELECT event_id FROM event WHERE tenant_id = $1 AND event_id < $2 ORDER BY event_id LIMIT $3)";

            directory many find_events(first: &str) -> TenantVersion =
                "SELECT t.tenant_id, t.version FROM tenant t
                  WHERE EXISTS (SELECT 1 FROM event e WHERE e.tenant_id = t.tenant_id AND e.event_id < $1)";

            directory many find_lapsed_sessions(now: Timestamp, idle_since: Timestamp) -> TenantVersion =
                "SELECT t.tenant_id, t.version FROM tenant t
                  WHERE EXISTS (SELECT 1 FROM session e
                                 WHERE e.tenant_id = t.tenant_id AND e.ended_at IS NULL AND e.expires_at <= $1)
                     OR EXISTS (SELECT 1 FROM session e
                                 WHERE e.tenant_id = t.tenant_id AND e.ended_at IS NULL AND e.last_active_at <= $2)";

            /// Takes the sweeping of the tenant over, when nobody did since that instant. Of several at once, one gets true.
            pub write guard claim_sweep(now: Timestamp, since: Timestamp) =
                "INSERT INTO tenant_sweep (tenant_id, claimed_at) VALUES ($1, $2)
                 ON CONFLICT (tenant_id) DO UPDATE SET claimed_at = excluded.claimed_at WHERE tenant_sweep.claimed_at <= $3";
        }

        /// The tables of which rows are taken away when their time is over.
        pub const SWEPT: &[&str] = &[$($table,)* "event"];

        impl Store {
            /// The tenants that [`Store::sweep`] would take something from, and those that have events of before `events_before`.
            ///
            /// A few statements, however many tenants there are; each tenant costs them a look into an index.
            pub async fn tenants_to_sweep(
                &self,
                now: Timestamp,
                events_before: Option<Timestamp>,
            ) -> Result<BTreeSet<TenantId>, Fault> {
                let mut directory = self.directory();
                let mut found = directory.find_lapsed_sessions(now, now.minus(limits::SESSION_IDLE)).await?;
                if let Some(before) = events_before {
                    found.extend(directory.find_events(&first_event(before)).await?);
                }
                $(
                    found.extend(directory.$find(now.minus($kept)).await?);
                )*
                Ok(found.into_iter().map(|it| it.id).collect())
            }

            /// Ends the sessions of one tenant whose time is over, and takes away what expired; gives how many rows that were.
            ///
            /// Others write between two batches, however much there is to take away.
            pub async fn sweep(&self, tenant: TenantId, now: Timestamp) -> Result<u64, Fault> {
                // On the heap: every caller of a sweep would carry it.
                Box::pin(self.end_lapsed(tenant, now)).await?;
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

/// What no event of before that instant reaches.
fn first_event(before: Timestamp) -> String {
    EventId::new(before, [0; 10]).to_string()
}

impl Store {
    /// Ends the sessions whose time is over. Their clients are told by whoever looks at the queue.
    async fn end_lapsed(&self, tenant: TenantId, now: Timestamp) -> Result<(), Fault> {
        loop {
            let ended = write_tx!(self, tenant, |tx| -> Result<Ended, Fault> {
                tx.end_lapsed_sessions(BATCH, now).await
            })?;
            if u64::try_from(ended.sessions.len()).is_ok_and(|ended| ended < BATCH.unsigned_abs()) {
                return Ok(());
            }
        }
    }

    /// Takes away one tenant's events of before that instant, which somebody decided to keep no longer; gives how many.
    pub async fn sweep_events(&self, tenant: TenantId, before: Timestamp) -> Result<u64, Fault> {
        let first = first_event(before);
        let mut swept = 0;
        loop {
            let batch = write_tx!(self, tenant, |tx| -> Result<u64, Fault> {
                tx.sweep_events_before(&first, BATCH).await
            })?;
            swept += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(swept);
            }
        }
    }
}

sweeps! {
    sweep_mailed_codes, find_mailed_codes = "mailed_code", "code_id", "expires_at", KEPT;
    // Sent mails are deleted at once, and those given up for their age too: these are others that were given up.
    sweep_mails, find_mails = "outbound_mail", "mail_id", "expires_at", KEPT;
    sweep_admin_links, find_admin_links = "admin_link", "link_id", "expires_at", KEPT;
    sweep_sign_ins, find_sign_ins = "sign_in", "sign_in_id", "expires_at", KEPT;
    sweep_email_additions, find_email_additions = "email_addition", "email_addition_id", "expires_at", KEPT;
    sweep_sign_ups, find_sign_ups = "sign_up", "sign_up_id", "expires_at", KEPT;
    sweep_recoveries, find_recoveries = "recovery", "recovery_id", "expires_at", KEPT;
    sweep_flows, find_flows = "flow", "flow_id", "expires_at", KEPT;
    // Those whose time is over were ended just before.
    sweep_ended_sessions, find_ended_sessions = "session", "session_id", "ended_at", KEPT;
    // Told or given up by then, where anybody tells.
    sweep_logout_notices, find_logout_notices = "logout_notice", "session_id, client_id", "expires_at", KEPT;
    // Before the grants, so that those don't take a heap of them along.
    sweep_authorization_codes, find_authorization_codes = "authorization_code", "code_hash", "expires_at", KEPT;
    sweep_devices, find_devices = "device_authorization", "device_id", "expires_at", KEPT;
    sweep_access_tokens, find_access_tokens = "access_token", "token_hash", "expires_at", KEPT;
    sweep_revoked_tokens, find_revoked_tokens = "revoked_token", "token_id", "expires_at", KEPT;
    // Nobody asks for these again: an assertion that has expired is refused as such.
    sweep_spent_assertions, find_spent_assertions = "spent_assertion", "assertion_hash", "expires_at", Duration::ZERO;
    sweep_initial_access_tokens, find_initial_access_tokens = "initial_access_token", "token_id", "expires_at", KEPT;
    sweep_grants, find_grants = "grant_record", "grant_id", "expires_at", KEPT;
    sweep_ended_grants, find_ended_grants = "grant_record", "grant_id", "ended_at", ENDED_GRANT_KEPT;
    sweep_client_secrets, find_client_secrets = "client_secret", "client_id, secret_id", "expires_at", KEPT;
    sweep_retired_keys, find_retired_keys = "signing_key", "key_id", "retired_at", KEY_KEPT;
    sweep_revoked_keys, find_revoked_keys = "signing_key", "key_id", "revoked_at", KEY_KEPT;
    sweep_attempt_budgets, find_attempt_budgets = "attempt_budget", "budget_id", "expires_at", Duration::ZERO;
    // Who tried what from which address is kept for as long as an operator may ask after it.
    sweep_refused_guesses, find_refused_guesses = "refused_guess", "event_id", "minute_at", BROWSER_KEPT;
    // In a browser that others still use.
    sweep_known_browsers, find_known_browsers = "known_browser", "user_id, browser_id", "last_at", BROWSER_KEPT;
    sweep_browsers, find_browsers = "browser", "browser_id", "last_seen_at", BROWSER_KEPT;
}
