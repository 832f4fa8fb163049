//! Attempts to sign in.

use identity::sign_in::SignIn;
use terms::{SignInId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::value::Json;

/// The columns of an attempt, for `sign_in` as `i`.
macro_rules! sign_in_columns {
    () => {
        "i.sign_in_id, i.browser_id AS sign_in_browser, i.flow_id AS sign_in_flow, i.identifier, i.first_factor, \
         i.created_at AS sign_in_created_at, i.expires_at AS sign_in_expires_at, i.completed_at AS sign_in_completed_at"
    };
}

pub(crate) use sign_in_columns;

/// An attempt that was joined, if there is one.
pub(crate) fn joined_sign_in(row: &Row<'_>) -> Result<Option<SignIn>, BadColumn> {
    match row.opt_text(SignIn::KEY)? {
        None => Ok(None),
        Some(_) => SignIn::from_row(row).map(Some),
    }
}

impl FromRow for SignIn {
    const TABLE: &'static str = "sign_in";
    const KEY: &'static str = "sign_in_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("sign_in_id")?,
            browser_id: row.parse("sign_in_browser")?,
            flow_id: row.opt_parse("sign_in_flow")?,
            identifier: row.opt_parse("identifier")?,
            first_factor: row.opt_json("first_factor")?,
            created_at: row.time("sign_in_created_at")?,
            expires_at: row.time("sign_in_expires_at")?,
            completed_at: row.opt_time("sign_in_completed_at")?,
        })
    }
}

verbs! {
    pub read opt sign_in(sign_in: SignInId) -> SignIn =
        concat!("SELECT ", sign_in_columns!(), " FROM sign_in i WHERE i.tenant_id = $1 AND i.sign_in_id = $2");

    pub write exec insert_sign_in(it: &SignIn)
        [it.id, it.browser_id, it.flow_id, it.identifier.as_ref().map(identity::Identifier::as_written),
         it.first_factor.map(Json), it.created_at, it.expires_at, it.completed_at] =
        "INSERT INTO sign_in (tenant_id, sign_in_id, browser_id, flow_id, identifier, first_factor, created_at, expires_at, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// Completes an attempt with the factors that were proven in it. Of two at once, one gets true.
    pub write guard complete_sign_in(it: &SignIn, now: Timestamp)[it.id, now, it.first_factor.map(Json)] =
        "UPDATE sign_in SET completed_at = $3, first_factor = $4
          WHERE tenant_id = $1 AND sign_in_id = $2 AND completed_at IS NULL AND expires_at > $3";
}
