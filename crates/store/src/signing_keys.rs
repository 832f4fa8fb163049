//! The keys that sign a tenant's tokens. The private part is sealed; what unseals it isn't in the database.

use oidc::jose::Algorithm;
use terms::{SigningKeyId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;

/// A signing key as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct SigningKeyRecord {
    pub id: SigningKeyId,
    pub algorithm: Algorithm,
    pub public_jwk: serde_json::Value,
    pub sealed_private: Vec<u8>,
    /// In the key set from here on, so that clients know it before it signs.
    pub published_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    /// Neither signs nor is in the key set from here on, but still verifies an `id_token_hint`.
    pub retired_at: Option<Timestamp>,
    /// Verifies nothing from here on.
    pub revoked_at: Option<Timestamp>,
}

impl FromRow for SigningKeyRecord {
    const TABLE: &'static str = "signing_key";
    const KEY: &'static str = "key_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("key_id")?,
            algorithm: row.parse("algorithm")?,
            public_jwk: row.json("public_jwk")?,
            sealed_private: row.blob("sealed_private")?,
            published_at: row.time("published_at")?,
            activated_at: row.opt_time("activated_at")?,
            retired_at: row.opt_time("retired_at")?,
            revoked_at: row.opt_time("revoked_at")?,
        })
    }
}

verbs! {
    /// Every key, the oldest first. A change of them belongs in one transaction with
    /// [`bump_tenant_version`](crate::Tx::bump_tenant_version).
    pub read many signing_keys() -> SigningKeyRecord =
        "SELECT key_id, algorithm, public_jwk, sealed_private, published_at, activated_at, retired_at, revoked_at
           FROM signing_key WHERE tenant_id = $1 ORDER BY published_at, key_id";

    pub write exec insert_signing_key(it: &SigningKeyRecord)
        [it.id, it.algorithm.as_str(), it.public_jwk, it.sealed_private, it.published_at, it.activated_at, it.retired_at, it.revoked_at] =
        "INSERT INTO signing_key
            (tenant_id, key_id, algorithm, public_jwk, sealed_private, published_at, activated_at, retired_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    /// Lets a published key sign. False when it does already, or never will again.
    pub write guard activate_signing_key(key: SigningKeyId, now: Timestamp) =
        "UPDATE signing_key SET activated_at = $3
          WHERE tenant_id = $1 AND key_id = $2 AND activated_at IS NULL AND retired_at IS NULL AND revoked_at IS NULL";

    /// Takes a key out of use and out of the key set. False when it is out already.
    pub write guard retire_signing_key(key: SigningKeyId, now: Timestamp) =
        "UPDATE signing_key SET retired_at = $3
          WHERE tenant_id = $1 AND key_id = $2 AND retired_at IS NULL AND revoked_at IS NULL";

    /// Nothing that a key signed is believed any more. False when it is revoked already.
    pub write guard revoke_signing_key(key: SigningKeyId, now: Timestamp) =
        "UPDATE signing_key SET revoked_at = $3 WHERE tenant_id = $1 AND key_id = $2 AND revoked_at IS NULL";
}
