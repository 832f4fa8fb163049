//! Codes that were mailed.

use identity::mailed_code::{CodePurpose, MailedCode, MailedCodeHash};
use terms::{EmailAddress, MailedCodeId, Timestamp, limits};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::{Read, Tx};

impl FromRow for MailedCode {
    const TABLE: &'static str = "mailed_code";
    const KEY: &'static str = "code_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let purpose = CodePurpose::from_stored(&row.text("purpose")?, &row.text("record_id")?);
        let recipient = EmailAddress::parse(&row.text("recipient")?);
        Ok(Self {
            id: row.parse("code_id")?,
            purpose: purpose
                .ok_or_else(|| BadColumn::new("purpose", "an unknown purpose, or another's record"))?,
            recipient: recipient.map_err(|error| BadColumn::new("recipient", error))?.canonical().clone(),
            hash: MailedCodeHash::from_bytes(row.hash("code_hash")?),
            attempts: row.int("attempts")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            spent_at: row.opt_time("spent_at")?,
        })
    }
}

impl Read {
    /// How many codes were made for this purpose.
    pub async fn codes_made(&mut self, purpose: CodePurpose) -> Result<i64, Fault> {
        self.count_codes(purpose.kind(), &purpose.record()).await
    }
}

impl Tx {
    /// Stores a new code; the one before it is worth nothing from now on.
    pub async fn replace_code(&mut self, code: &MailedCode) -> Result<(), Fault> {
        self.withdraw_codes(code.purpose.kind(), &code.purpose.record(), code.created_at).await?;
        self.insert_code(code).await
    }

    /// Counts a guess and gives the code to judge it by: none when there is no code that could still be guessed.
    pub async fn count_guess(
        &mut self,
        purpose: CodePurpose,
        now: Timestamp,
    ) -> Result<Option<MailedCode>, Fault> {
        self.count_guess_at(purpose.kind(), &purpose.record(), limits::MAILED_CODE_ATTEMPTS, now).await
    }
}

verbs! {
    read one count_codes(purpose: &str, record: &str) -> i64 =
        "SELECT COUNT(*) AS n FROM mailed_code WHERE tenant_id = $1 AND purpose = $2 AND record_id = $3";

    write exec withdraw_codes(purpose: &str, record: &str, now: Timestamp) =
        "UPDATE mailed_code SET spent_at = $4 WHERE tenant_id = $1 AND purpose = $2 AND record_id = $3 AND spent_at IS NULL";

    write exec insert_code(it: &MailedCode)
        [it.id, it.purpose.kind(), it.purpose.record(), it.recipient, *it.hash.as_bytes(), it.attempts, it.created_at, it.expires_at] =
        "INSERT INTO mailed_code (tenant_id, code_id, purpose, record_id, recipient, code_hash, attempts, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    write opt count_guess_at(purpose: &str, record: &str, most: i64, now: Timestamp) -> MailedCode =
        "UPDATE mailed_code SET attempts = attempts + 1
          WHERE tenant_id = $1 AND purpose = $2 AND record_id = $3 AND attempts < $4 AND spent_at IS NULL AND expires_at > $5
         RETURNING code_id, purpose, record_id, recipient, code_hash, attempts, created_at, expires_at, spent_at";

    /// Spends a code that was guessed right. Of two at once, one gets true.
    pub write guard spend_mailed_code(code: MailedCodeId, now: Timestamp) =
        "UPDATE mailed_code SET spent_at = $3 WHERE tenant_id = $1 AND code_id = $2 AND spent_at IS NULL";
}
