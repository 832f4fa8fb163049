//! Attempts to sign in.

use identity::sign_in::{ProvenFactor, SignIn};
use terms::{SignInId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::value::Json;

impl FromRow for SignIn {
    const TABLE: &'static str = "sign_in";
    const KEY: &'static str = "sign_in_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("sign_in_id")?,
            browser_id: row.parse("browser_id")?,
            flow_id: row.opt_parse("flow_id")?,
            identifier: row.opt_parse("identifier")?,
            first_factor: row.opt_json("first_factor")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            completed_at: row.opt_time("completed_at")?,
        })
    }
}

verbs! {
    pub read opt sign_in(sign_in: SignInId) -> SignIn =
        "SELECT sign_in_id, browser_id, flow_id, identifier, first_factor, created_at, expires_at, completed_at FROM sign_in
          WHERE tenant_id = $1 AND sign_in_id = $2";

    pub write exec insert_sign_in(it: &SignIn)
        [it.id, it.browser_id, it.flow_id, it.identifier.as_ref().map(identity::Identifier::as_written),
         it.first_factor.map(Json), it.created_at, it.expires_at, it.completed_at] =
        "INSERT INTO sign_in (tenant_id, sign_in_id, browser_id, flow_id, identifier, first_factor, created_at, expires_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// Records a proven factor in an attempt that is still open.
    pub write guard record_first_factor(sign_in: SignInId, record: &ProvenFactor)[sign_in, Json(record)] =
        "UPDATE sign_in SET first_factor = $3 WHERE tenant_id = $1 AND sign_in_id = $2 AND completed_at IS NULL";

    /// Completes an attempt. Of two at once, one gets true.
    pub write guard complete_sign_in(sign_in: SignInId, now: Timestamp) =
        "UPDATE sign_in SET completed_at = $3
          WHERE tenant_id = $1 AND sign_in_id = $2 AND completed_at IS NULL AND expires_at > $3";
}
