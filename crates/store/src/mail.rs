//! Mail on its way out: appended in the transaction that it tells of.

use terms::{MailId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;

/// A mail as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecord {
    pub id: MailId,
    pub recipient: String,
    pub subject: String,
    /// Holds codes and links, so it is sealed.
    pub sealed_body: Vec<u8>,
    pub created_at: Timestamp,
}

impl FromRow for MailRecord {
    const TABLE: &'static str = "outbound_mail";
    const KEY: &'static str = "mail_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("mail_id")?,
            recipient: row.text("recipient")?,
            subject: row.text("subject")?,
            sealed_body: row.blob("sealed_body")?,
            created_at: row.time("created_at")?,
        })
    }
}

verbs! {
    pub write exec append_mail(it: &MailRecord)[it.id, it.recipient, it.subject, it.sealed_body, it.created_at] =
        "INSERT INTO outbound_mail (tenant_id, mail_id, recipient, subject, sealed_body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)";

    /// The newest first.
    pub read many mails(limit: i64) -> MailRecord =
        "SELECT mail_id, recipient, subject, sealed_body, created_at
           FROM outbound_mail WHERE tenant_id = $1 ORDER BY created_at DESC, mail_id DESC LIMIT $2";
}
