//! Mail on its way out: appended in the transaction that it tells of, claimed by whoever sends it, deleted when it was sent.

use terms::{MailId, TenantId, Timestamp};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;

/// A mail as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecord {
    pub id: MailId,
    pub recipient: String,
    pub subject: String,
    /// Holds codes and links, so it is sealed.
    pub sealed_body: Vec<u8>,
    pub created_at: Timestamp,
    /// From then on it is worth nothing to its reader, and not sent any more.
    pub expires_at: Timestamp,
}

/// A mail that this process alone may send, until the claim ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedMail {
    pub mail: MailRecord,
    /// Which attempt this is, from 1 on. Only the newest can record its end.
    pub attempt: u32,
}

/// What the queue tells about a mail, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMail {
    pub id: MailId,
    pub recipient: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// None when it was given up.
    pub next_attempt_at: Option<Timestamp>,
    pub attempts: u32,
    pub failure: Option<String>,
}

/// What waits in one tenant's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantQueue {
    pub tenant: TenantId,
    pub waiting: i64,
    /// When the oldest of them was appended.
    pub oldest: Timestamp,
    /// When the first of them is to be tried.
    pub due: Timestamp,
}

impl FromRow for MailRecord {
    const TABLE: &'static str = "outbound_mail";
    const KEY: &'static str = "mail_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("mail_id")?,
            recipient: row.text("recipient")?,
            subject: row.text("subject")?,
            sealed_body: row.blob("sealed_body")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

impl FromRow for ClaimedMail {
    const TABLE: &'static str = "outbound_mail";
    const KEY: &'static str = "mail_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { mail: MailRecord::from_row(row)?, attempt: row.narrow("attempts")? })
    }
}

impl FromRow for QueuedMail {
    const TABLE: &'static str = "outbound_mail";
    const KEY: &'static str = "mail_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("mail_id")?,
            recipient: row.text("recipient")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            next_attempt_at: row.opt_time("next_attempt_at")?,
            attempts: row.narrow("attempts")?,
            failure: row.opt_text("failure")?,
        })
    }
}

impl FromRow for TenantQueue {
    const TABLE: &'static str = "outbound_mail";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            waiting: row.int("waiting")?,
            oldest: row.time("oldest")?,
            due: row.time("due")?,
        })
    }
}

impl Tx {
    /// Appends a mail to the queue. Whoever sends is woken when the transaction is committed.
    pub async fn append_mail(&mut self, mail: &MailRecord) -> Result<(), Fault> {
        self.insert_mail(mail).await?;
        self.note_mail();
        Ok(())
    }
}

verbs! {
    // To be tried at once.
    write exec insert_mail(it: &MailRecord)
        [it.id, it.recipient, it.subject, it.sealed_body, it.created_at, it.expires_at, it.created_at] =
        "INSERT INTO outbound_mail (tenant_id, mail_id, recipient, subject, sealed_body, created_at, expires_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    /// The newest first.
    pub read many mails(limit: i64) -> MailRecord =
        "SELECT mail_id, recipient, subject, sealed_body, created_at, expires_at
           FROM outbound_mail WHERE tenant_id = $1 ORDER BY mail_id DESC LIMIT $2";

    /// The queue, the newest first, with what was given up.
    pub read many queued_mails(limit: i64) -> QueuedMail =
        "SELECT mail_id, recipient, created_at, expires_at, next_attempt_at, attempts, failure
           FROM outbound_mail WHERE tenant_id = $1 ORDER BY mail_id DESC LIMIT $2";

    /// The tenants with mail that waits, the longest due first. What is sent is deleted, so the table is small.
    pub directory many mail_queues() -> TenantQueue =
        "SELECT tenant_id, COUNT(*) AS waiting, MIN(created_at) AS oldest, MIN(next_attempt_at) AS due
           FROM outbound_mail WHERE next_attempt_at IS NOT NULL GROUP BY tenant_id ORDER BY due, tenant_id";

    /// Takes the mail that is due longest. Until `until` nobody else gets it: of several that claim at once, each mail has one.
    pub write opt claim_mail(now: Timestamp, until: Timestamp) -> ClaimedMail =
        "UPDATE outbound_mail SET next_attempt_at = $3, attempts = attempts + 1, failure = NULL
          WHERE tenant_id = $1 AND next_attempt_at <= $2 AND mail_id =
                (SELECT mail_id FROM outbound_mail WHERE tenant_id = $1 AND next_attempt_at <= $2
                  ORDER BY next_attempt_at, mail_id LIMIT 1)
         RETURNING mail_id, recipient, subject, sealed_body, created_at, expires_at, attempts";

    /// Deletes a mail that was sent or can't be of use any more, if this attempt is the newest.
    pub write guard delete_mail(mail: MailId, attempt: u32) =
        "DELETE FROM outbound_mail WHERE tenant_id = $1 AND mail_id = $2 AND attempts = $3";

    /// Lets a mail wait for its next attempt, if this attempt is the newest.
    pub write guard postpone_mail(mail: MailId, attempt: u32, at: Timestamp, failure: &str) =
        "UPDATE outbound_mail SET next_attempt_at = $4, failure = $5 WHERE tenant_id = $1 AND mail_id = $2 AND attempts = $3";

    /// Keeps a mail without trying it again, if this attempt is the newest.
    pub write guard shelve_mail(mail: MailId, attempt: u32, failure: &str) =
        "UPDATE outbound_mail SET next_attempt_at = NULL, failure = $4
          WHERE tenant_id = $1 AND mail_id = $2 AND attempts = $3";

    /// Lets one mail be tried at once that failed, also one that was given up. Not one that is being tried: that has no failure.
    pub write guard retry_mail(mail: MailId, now: Timestamp) =
        "UPDATE outbound_mail SET next_attempt_at = $3
          WHERE tenant_id = $1 AND mail_id = $2 AND expires_at > $3 AND failure IS NOT NULL";

    /// The same for all that failed; gives how many those are.
    pub write count retry_mails(now: Timestamp) =
        "UPDATE outbound_mail SET next_attempt_at = $2 WHERE tenant_id = $1 AND expires_at > $2 AND failure IS NOT NULL";
}
