//! What users approved for clients, until they withdraw it.

use oidc::scope::Scope;
use terms::{ClientId, Timestamp, UserId};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::{Fault, Tx};

/// What a user approved for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub user: UserId,
    pub client: ClientId,
    pub scope: Scope,
    pub given_at: Timestamp,
}

impl FromRow for Consent {
    const TABLE: &'static str = "consent";
    const KEY: &'static str = "client_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            user: row.parse("user_id")?,
            client: row.parse("client_id")?,
            scope: row.parse("scope")?,
            given_at: row.time("given_at")?,
        })
    }
}

verbs! {
    /// What stands now; a consent that was withdrawn does not.
    pub read opt consent(user: UserId, client: &ClientId) -> Consent =
        "SELECT user_id, client_id, scope, given_at FROM consent
          WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND withdrawn_at IS NULL";

    pub read many consents_of_user(user: UserId) -> Consent =
        "SELECT user_id, client_id, scope, given_at FROM consent
          WHERE tenant_id = $1 AND user_id = $2 AND withdrawn_at IS NULL ORDER BY client_id";

    write exec put_consent(it: &Consent)[it.user, it.client, it.scope.to_string(), it.given_at] =
        "INSERT INTO consent (tenant_id, user_id, client_id, scope, given_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, user_id, client_id)
         DO UPDATE SET scope = excluded.scope, given_at = excluded.given_at, withdrawn_at = NULL";

    write guard hold_consent_row(user: UserId, client: &ClientId) =
        "UPDATE consent SET withdrawn_at = withdrawn_at
          WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND withdrawn_at IS NULL";

    write guard withdraw_consent_row(user: UserId, client: &ClientId, now: Timestamp) =
        "UPDATE consent SET withdrawn_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND withdrawn_at IS NULL";

    write count end_grants_by_consent(user: UserId, client: &ClientId, now: Timestamp) =
        "UPDATE grant_record SET ended_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND by_consent = TRUE AND ended_at IS NULL";
}

impl Tx {
    /// Sees to it, in a command of guards, that nobody takes the consent back beside it
    /// ([`hold_session`](Self::hold_session) is the same of a session). False when it isn't given, or not any longer.
    pub async fn hold_consent(&mut self, user: UserId, client: &ClientId) -> Result<bool, Fault> {
        if self.is_alone() {
            return Ok(true);
        }
        self.hold_consent_row(user, client).await
    }

    /// Remembers an approval on top of what was approved before and not withdrawn.
    pub async fn add_consent(&mut self, consent: &Consent) -> Result<(), Fault> {
        let before = self.consent(consent.user, &consent.client).await?;
        let scope = before.map_or_else(Scope::empty, |before| before.scope).union(&consent.scope);
        self.put_consent(&Consent { scope, ..consent.clone() }).await
    }

    /// Takes a consent back, and ends the grants that rest on it, so that a consent given later doesn't wake them. Of two
    /// at once, one gets true.
    pub async fn withdraw_consent(
        &mut self,
        user: UserId,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.end_grants_by_consent(user, client, now).await?;
        self.withdraw_consent_row(user, client, now).await
    }
}
