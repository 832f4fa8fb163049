//! Attempts to set a new password in place of a forgotten one.

use identity::recovery::{ReadMail, Recovery};
use terms::{EmailAddress, RecoveryId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::value::Json;

impl FromRow for Recovery {
    const TABLE: &'static str = "recovery";
    const KEY: &'static str = "recovery_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let email = EmailAddress::parse(&row.text("email")?);
        Ok(Self {
            id: row.parse("recovery_id")?,
            browser_id: row.parse("browser_id")?,
            flow_id: row.opt_parse("flow_id")?,
            email: email.map_err(|error| BadColumn::new("email", error))?,
            read_mail: row.opt_json("read_mail")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            completed_at: row.opt_time("completed_at")?,
        })
    }
}

verbs! {
    pub read opt recovery(recovery: RecoveryId) -> Recovery =
        "SELECT recovery_id, browser_id, flow_id, email, read_mail, created_at, expires_at, completed_at
           FROM recovery WHERE tenant_id = $1 AND recovery_id = $2";

    /// A new attempt; nothing of it is shown yet.
    pub write exec insert_recovery(it: &Recovery)
        [it.id, it.browser_id, it.flow_id, it.email.as_written(), it.created_at, it.expires_at] =
        "INSERT INTO recovery (tenant_id, recovery_id, browser_id, flow_id, email, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// Records that the person read the mail, in an attempt that is still open.
    pub write guard record_read_mail(recovery: RecoveryId, it: &ReadMail)[recovery, Json(it)] =
        "UPDATE recovery SET read_mail = $3 WHERE tenant_id = $1 AND recovery_id = $2 AND completed_at IS NULL";

    /// Completes an attempt. Of two at once, one gets true.
    pub write guard complete_recovery(recovery: RecoveryId, now: Timestamp) =
        "UPDATE recovery SET completed_at = $3
          WHERE tenant_id = $1 AND recovery_id = $2 AND completed_at IS NULL AND expires_at > $3";
}
