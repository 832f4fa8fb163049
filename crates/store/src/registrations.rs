//! Clients that register themselves (RFC 7591), and the tokens that let them.

use oidc::client::Client;
use oidc::registration::InitialAccess;
use terms::{
    ClientId, InitialAccessTokenHash, InitialAccessTokenId, RegistrationAccessTokenHash, Timestamp, limits,
};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tenants::TenantVersion;
use crate::{Fault, Tx};

impl FromRow for InitialAccess {
    const TABLE: &'static str = "initial_access_token";
    const KEY: &'static str = "token_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("token_id")?,
            uses_left: row.narrow("uses_left")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

verbs! {
    pub read opt initial_access(hash: InitialAccessTokenHash) -> InitialAccess =
        "SELECT token_id, uses_left, created_at, expires_at FROM initial_access_token
          WHERE tenant_id = $1 AND token_hash = $2";

    /// The oldest first.
    pub read many initial_accesses() -> InitialAccess =
        "SELECT token_id, uses_left, created_at, expires_at FROM initial_access_token
          WHERE tenant_id = $1 ORDER BY token_id";

    pub write exec insert_initial_access(hash: InitialAccessTokenHash, it: &InitialAccess)
        [it.id, hash, it.uses_left, it.created_at, it.expires_at] =
        "INSERT INTO initial_access_token (tenant_id, token_id, token_hash, uses_left, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)";

    /// Takes one use away. False when none is left, or it is too late: of more at once than there are uses, only so many get
    /// true.
    pub write guard use_initial_access(hash: InitialAccessTokenHash, now: Timestamp) =
        "UPDATE initial_access_token SET uses_left = uses_left - 1
          WHERE tenant_id = $1 AND token_hash = $2 AND uses_left > 0 AND expires_at > $3";

    pub write guard delete_initial_access(id: InitialAccessTokenId) =
        "DELETE FROM initial_access_token WHERE tenant_id = $1 AND token_id = $2";

    /// The client that manages its registration with this token.
    pub read opt client_by_registration_token(client: &ClientId, hash: RegistrationAccessTokenHash) -> Client =
        "SELECT client_id, metadata, settings, created_at, last_used_at FROM client
          WHERE tenant_id = $1 AND client_id = $2 AND registration_token_hash = $3";

    /// How many clients registered themselves.
    pub read one registered_clients() -> i64 =
        "SELECT COUNT(*) AS n FROM client WHERE tenant_id = $1 AND last_used_at IS NOT NULL";

    /// The tenants that have a client of that kind that was used by nobody since then.
    pub directory many tenants_with_clients_unused_since(before: Timestamp) -> TenantVersion =
        "SELECT t.tenant_id, t.version FROM tenant t
          WHERE EXISTS (SELECT 1 FROM client c WHERE c.tenant_id = t.tenant_id AND c.last_used_at <= $1)";

    /// Some of those that were used by nobody since then.
    pub read many clients_unused_since(before: Timestamp, most: u32) -> Client =
        "SELECT client_id, metadata, settings, created_at, last_used_at FROM client
          WHERE tenant_id = $1 AND last_used_at <= $2 ORDER BY last_used_at, client_id LIMIT $3";

    write exec set_registration_token(client: &ClientId, hash: RegistrationAccessTokenHash) =
        "UPDATE client SET registration_token_hash = $3 WHERE tenant_id = $1 AND client_id = $2";

    write guard is_unused_since(client: &ClientId, before: Timestamp) =
        "UPDATE client SET last_used_at = last_used_at
          WHERE tenant_id = $1 AND client_id = $2 AND last_used_at <= $3";

    /// Notes that a client is used, if it is one of those that go unused, and that wasn't noted of late.
    pub write exec note_client_use(client: &ClientId, now: Timestamp)
        [client, now, now.minus(limits::CLIENT_USE_NOTED)] =
        "UPDATE client SET last_used_at = $3 WHERE tenant_id = $1 AND client_id = $2 AND last_used_at <= $4";
}

impl Tx {
    /// Stores a client that registered itself. False when the id is taken.
    pub async fn insert_registered_client(
        &mut self,
        client: &Client,
        hash: RegistrationAccessTokenHash,
    ) -> Result<bool, Fault> {
        if !self.insert_client(client).await? {
            return Ok(false);
        }
        self.set_registration_token(&client.id, hash).await?;
        Ok(true)
    }

    /// Takes a client away that registered itself and was not used since then. False when it was, or is gone.
    pub async fn delete_unused_client(
        &mut self,
        client: &ClientId,
        before: Timestamp,
    ) -> Result<bool, Fault> {
        if !self.is_unused_since(client, before).await? {
            return Ok(false);
        }
        self.delete_client(client).await
    }
}
