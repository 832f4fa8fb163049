//! Tenants and the hosts by which they are found.

use terms::{TenantId, Timestamp};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;
use crate::value::Json;

/// A tenant as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRecord {
    pub id: TenantId,
    pub slug: String,
    pub issuer: String,
    pub settings: serde_json::Value,
    /// The tenant's data key, sealed by a master key.
    pub sealed_data_key: Vec<u8>,
    /// Goes up with each change that an administrator makes to the tenant, its keys or its clients, beyond that of every
    /// other tenant.
    pub version: i64,
    pub created_at: Timestamp,
}

impl FromRow for TenantRecord {
    const TABLE: &'static str = "tenant";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("tenant_id")?,
            slug: row.text("slug")?,
            issuer: row.text("issuer")?,
            settings: row.json("settings")?,
            sealed_data_key: row.blob("sealed_data_key")?,
            version: row.int("version")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// How far a tenant's configuration has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantVersion {
    pub id: TenantId,
    pub version: i64,
}

/// By what a tenant is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantNames {
    pub id: TenantId,
    pub slug: String,
    pub issuer: String,
}

impl FromRow for TenantNames {
    const TABLE: &'static str = "tenant";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { id: row.parse("tenant_id")?, slug: row.text("slug")?, issuer: row.text("issuer")? })
    }
}

/// How many data keys begin with the same octets, which say by what they are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBy {
    pub head: Vec<u8>,
    pub tenants: i64,
}

impl FromRow for SealedBy {
    const TABLE: &'static str = "tenant";
    const KEY: &'static str = "head";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { head: row.blob("head")?, tenants: row.int("tenants")? })
    }
}

impl FromRow for TenantVersion {
    const TABLE: &'static str = "tenant";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { id: row.parse("tenant_id")?, version: row.int("version")? })
    }
}

/// A host and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantHost {
    pub host: String,
    pub tenant: TenantId,
}

impl FromRow for TenantHost {
    const TABLE: &'static str = "tenant_host";
    const KEY: &'static str = "host";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { host: row.text("host")?, tenant: row.parse("tenant_id")? })
    }
}

/// A tenant's logo as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLogo {
    pub file_name: String,
    pub media_type: String,
    pub octets: Vec<u8>,
}

impl FromRow for StoredLogo {
    const TABLE: &'static str = "tenant_logo";
    const KEY: &'static str = "file_name";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            file_name: row.text("file_name")?,
            media_type: row.text("media_type")?,
            octets: row.blob("octets")?,
        })
    }
}

impl Tx {
    /// Tells the nodes that the tenant, its keys or its clients have changed. Part of every such change's transaction.
    pub async fn bump_tenant_version(&mut self) -> Result<(), Fault> {
        self.note_reconfiguration();
        self.raise_tenant_version().await
    }
}

verbs! {
    /// Every tenant, in the order of their making.
    pub directory many tenants() -> TenantRecord =
        "SELECT tenant_id, slug, issuer, settings, sealed_data_key, version, created_at FROM tenant ORDER BY tenant_id";

    pub directory one tenant_count() -> i64 =
        "SELECT COUNT(*) AS n FROM tenant";

    pub directory opt tenant_by_slug(slug: &str) -> TenantVersion =
        "SELECT tenant_id, version FROM tenant WHERE slug = $1";

    /// The tenant that an exact host, in lower case and with its port if it has one, leads to.
    pub directory opt tenant_by_host(host: &str) -> TenantVersion =
        "SELECT t.tenant_id, t.version FROM tenant_host h JOIN tenant t ON t.tenant_id = h.tenant_id WHERE h.host = $1";

    /// What tenants are called, in the order of their making, after one of them.
    pub directory many tenant_names(after: &str, most: u32) -> TenantNames =
        "SELECT tenant_id, slug, issuer FROM tenant WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2";

    /// What seals the data keys: their first nine octets, which are the format and the key's id.
    pub directory many data_keys_by_head() -> SealedBy =
        "SELECT substr(sealed_data_key, 1, 9) AS head, COUNT(*) AS tenants FROM tenant GROUP BY substr(sealed_data_key, 1, 9)";

    /// Every host of every tenant.
    pub directory many tenant_hosts() -> TenantHost =
        "SELECT host, tenant_id FROM tenant_host ORDER BY host";

    /// The version that is newer than every other; 0 where there is no tenant.
    pub directory one newest_tenant_version() -> i64 =
        "SELECT COALESCE(MAX(version), 0) AS n FROM tenant";

    /// What a node polls to learn whose configuration has changed: the tenants of that version, and the newer ones. When nothing has
    /// changed since, that is the one that a node knows already.
    pub directory many tenants_from_version(version: i64) -> TenantVersion =
        "SELECT tenant_id, version FROM tenant WHERE version >= $1";

    pub read opt tenant_record() -> TenantRecord =
        "SELECT tenant_id, slug, issuer, settings, sealed_data_key, version, created_at FROM tenant WHERE tenant_id = $1";

    /// The hosts that lead to the tenant.
    pub read many hosts_of_tenant() -> TenantHost =
        "SELECT host, tenant_id FROM tenant_host WHERE tenant_id = $1 ORDER BY host";

    /// Makes the tenant of this transaction (`it.id` must be its id), with a version of its own whatever `it` says. False when
    /// the slug or the issuer is taken.
    pub write guard insert_tenant(it: &TenantRecord)
        [it.slug, it.issuer, Json(&it.settings), it.sealed_data_key, it.created_at] =
        "INSERT INTO tenant (tenant_id, slug, issuer, settings, sealed_data_key, created_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, (SELECT COALESCE(MAX(version), 0) + 1 FROM tenant)) ON CONFLICT DO NOTHING";

    /// The only statement that raises a version, so that a newer one is newer than all that were committed before.
    write exec raise_tenant_version() =
        "UPDATE tenant SET version = (SELECT MAX(version) + 1 FROM tenant) WHERE tenant_id = $1";

    /// Stores the tenant's data key as another master key sealed it. False when it is no longer sealed as it was.
    pub write guard replace_sealed_data_key(before: &[u8], after: &[u8]) =
        "UPDATE tenant SET sealed_data_key = $3 WHERE tenant_id = $1 AND sealed_data_key = $2";

    write exec update_tenant_settings_row(settings: &serde_json::Value) =
        "UPDATE tenant SET settings = $2 WHERE tenant_id = $1";

    /// The tenant's logo, when it is the one of this name.
    pub read opt tenant_logo(file_name: &str) -> StoredLogo =
        "SELECT file_name, media_type, octets FROM tenant_logo WHERE tenant_id = $1 AND file_name = $2";

    /// Gives the tenant a logo in the place of the one that it has, if it has one.
    pub write exec put_tenant_logo(file_name: &str, media_type: &str, octets: &[u8]) =
        "INSERT INTO tenant_logo (tenant_id, file_name, media_type, octets) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id) DO UPDATE
            SET file_name = excluded.file_name, media_type = excluded.media_type, octets = excluded.octets";

    pub write exec delete_tenant_logo() =
        "DELETE FROM tenant_logo WHERE tenant_id = $1";

    /// Leads a host to the tenant. False when it leads somewhere already.
    pub write guard insert_tenant_host(host: &str) =
        "INSERT INTO tenant_host (tenant_id, host) VALUES ($1, $2) ON CONFLICT DO NOTHING";
}

impl Tx {
    /// Replaces the tenant's settings, and tells the nodes.
    pub async fn update_tenant_settings(&mut self, settings: &serde_json::Value) -> Result<(), Fault> {
        self.bump_tenant_version().await?;
        self.update_tenant_settings_row(settings).await
    }
}
