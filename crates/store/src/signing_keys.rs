//! The keys that sign a tenant's tokens. The private part is sealed; what unseals it isn't in the database.

use oidc::jose::{Algorithm, KeyLife, StoredKey};
use terms::{SigningKeyId, TenantId, Timestamp};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;

/// A signing key as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct SigningKeyRecord {
    pub id: SigningKeyId,
    pub algorithm: Algorithm,
    pub public_jwk: serde_json::Value,
    pub sealed_private: Vec<u8>,
    pub life: KeyLife,
}

impl SigningKeyRecord {
    /// What decisions about the key need to know.
    pub fn stored(&self) -> StoredKey {
        StoredKey { id: self.id, algorithm: self.algorithm, life: self.life }
    }
}

impl FromRow for SigningKeyRecord {
    const TABLE: &'static str = "signing_key";
    const KEY: &'static str = "key_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("key_id")?,
            algorithm: row.parse("algorithm")?,
            public_jwk: row.json("public_jwk")?,
            sealed_private: row.blob("sealed_private")?,
            life: KeyLife {
                published_at: row.time("published_at")?,
                activated_at: row.opt_time("activated_at")?,
                retired_at: row.opt_time("retired_at")?,
                revoked_at: row.opt_time("revoked_at")?,
            },
        })
    }
}

/// A tenant, by one of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOwner {
    pub id: TenantId,
}

impl FromRow for KeyOwner {
    const TABLE: &'static str = "signing_key";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { id: row.parse("tenant_id")? })
    }
}

verbs! {
    /// The tenants that have a key which signs since before that instant, and whose end isn't planned.
    pub directory many tenants_with_keys_from_before(instant: Timestamp) -> KeyOwner =
        "SELECT DISTINCT tenant_id FROM signing_key
          WHERE activated_at <= $1 AND retired_at IS NULL AND revoked_at IS NULL ORDER BY tenant_id";

    /// Every key, the oldest first. A change of them belongs in one transaction with
    /// [`bump_tenant_version`](crate::Tx::bump_tenant_version).
    pub read many signing_keys() -> SigningKeyRecord =
        "SELECT key_id, algorithm, public_jwk, sealed_private, published_at, activated_at, retired_at, revoked_at
           FROM signing_key WHERE tenant_id = $1 ORDER BY published_at, key_id";

    pub write exec insert_signing_key(it: &SigningKeyRecord)
        [it.id, it.algorithm.as_str(), it.public_jwk, it.sealed_private, it.life.published_at, it.life.activated_at,
         it.life.retired_at, it.life.revoked_at] =
        "INSERT INTO signing_key
            (tenant_id, key_id, algorithm, public_jwk, sealed_private, published_at, activated_at, retired_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// The same for a tenant that has never had a key. Of several nodes that make the first one at once, one gets true.
    write guard insert_very_first_signing_key(it: &SigningKeyRecord)
        [it.id, it.algorithm.as_str(), it.public_jwk, it.sealed_private, it.life.published_at, it.life.activated_at,
         it.life.retired_at, it.life.revoked_at] =
        "INSERT INTO signing_key
            (tenant_id, key_id, algorithm, public_jwk, sealed_private, published_at, activated_at, retired_at, revoked_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT EXISTS (SELECT 1 FROM signing_key WHERE tenant_id = $1)";

    /// Lets a published key sign from that instant on. False when it does so no later already, or never will again.
    pub write guard activate_signing_key(key: SigningKeyId, at: Timestamp) =
        "UPDATE signing_key SET activated_at = $3
          WHERE tenant_id = $1 AND key_id = $2 AND (activated_at IS NULL OR activated_at > $3)
            AND retired_at IS NULL AND revoked_at IS NULL";

    /// Lets a key sign until that instant only. False when it ends no later already.
    pub write guard retire_signing_key(key: SigningKeyId, at: Timestamp) =
        "UPDATE signing_key SET retired_at = $3
          WHERE tenant_id = $1 AND key_id = $2 AND (retired_at IS NULL OR retired_at > $3) AND revoked_at IS NULL";

    /// Nothing that a key signed is believed any more. False when it is revoked already.
    pub write guard revoke_signing_key(key: SigningKeyId, now: Timestamp) =
        "UPDATE signing_key SET revoked_at = $3 WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL";
}

impl Tx {
    /// Stores the first keys of a tenant that has none. False, and nothing is stored, when it has some: then those are its keys.
    ///
    /// No node has known the tenant's keys before, so its version stays as it is.
    pub async fn insert_first_signing_keys(&mut self, keys: &[SigningKeyRecord]) -> Result<bool, Fault> {
        let Some((first, others)) = keys.split_first() else { return Ok(false) };
        if !self.insert_very_first_signing_key(first).await? {
            return Ok(false);
        }
        for key in others {
            self.insert_signing_key(key).await?;
        }
        Ok(true)
    }
}
