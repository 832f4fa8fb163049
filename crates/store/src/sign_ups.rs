//! Attempts to sign up.

use identity::password::PasswordHash;
use identity::sign_up::{SignUp, VerifiedAddress};
use terms::{SignUpId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::users::opt_address;

impl FromRow for SignUp {
    const TABLE: &'static str = "sign_up";
    const KEY: &'static str = "sign_up_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let verified = match (opt_address(row, "verified_email")?, row.opt_time("verified_at")?) {
            (Some(address), Some(verified_at)) => Some(VerifiedAddress { address, verified_at }),
            (None, None) => None,
            _ => {
                return Err(BadColumn::new(
                    "verified_at",
                    "an instant without an address, or the other way round",
                ));
            }
        };
        Ok(Self {
            id: row.parse("sign_up_id")?,
            browser_id: row.parse("browser_id")?,
            flow_id: row.opt_parse("flow_id")?,
            username: row.opt_parse("username")?,
            email: opt_address(row, "email")?,
            password: row.opt_text("password_phc")?.map(PasswordHash::from_stored),
            verified,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            completed_at: row.opt_time("completed_at")?,
        })
    }
}

verbs! {
    pub read opt sign_up(sign_up: SignUpId) -> SignUp =
        "SELECT sign_up_id, browser_id, flow_id, username, email, password_phc, verified_email, verified_at, created_at, expires_at, completed_at
           FROM sign_up WHERE tenant_id = $1 AND sign_up_id = $2";

    /// A new attempt; nothing of it is verified yet.
    pub write exec insert_sign_up(it: &SignUp)
        [it.id, it.browser_id, it.flow_id, it.email.as_ref().map(terms::EmailAddress::as_written),
         it.password.as_ref().map(PasswordHash::as_phc), it.created_at, it.expires_at, it.username.as_ref()] =
        "INSERT INTO sign_up (tenant_id, sign_up_id, browser_id, flow_id, email, password_phc, created_at, expires_at, username)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// Records that the person read the mail sent to the address, in an attempt that is still open.
    pub write guard record_verified_address(sign_up: SignUpId, it: &VerifiedAddress)
        [sign_up, it.address.as_written(), it.verified_at] =
        "UPDATE sign_up SET verified_email = $3, verified_at = $4
          WHERE tenant_id = $1 AND sign_up_id = $2 AND completed_at IS NULL";

    /// Completes an attempt and forgets the hash, which the account now has. Of two at once, one gets true.
    pub write guard complete_sign_up(sign_up: SignUpId, now: Timestamp) =
        "UPDATE sign_up SET completed_at = $3, password_phc = NULL
          WHERE tenant_id = $1 AND sign_up_id = $2 AND completed_at IS NULL AND expires_at > $3";
}
