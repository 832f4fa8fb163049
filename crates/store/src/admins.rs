//! Administrators of the tenant, and the one-time links by which they come in.

use identity::tenant_admin::{AdminLink, AdminRole, SpentAdminLink};
use terms::{AdminLinkHash, Timestamp, UserId};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;

impl FromRow for AdminRole {
    const TABLE: &'static str = "tenant_admin";
    const KEY: &'static str = "user_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            tenant_id: row.parse("tenant_id")?,
            user_id: row.parse("user_id")?,
            granted_at: row.time("granted_at")?,
        })
    }
}

impl FromRow for SpentAdminLink {
    const TABLE: &'static str = "admin_link";
    const KEY: &'static str = "link_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self(AdminLink {
            id: row.parse("link_id")?,
            user_id: row.parse("user_id")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        }))
    }
}

/// Whose a link is. It proves nothing: only a spent link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkHolder(pub UserId);

impl FromRow for LinkHolder {
    const TABLE: &'static str = "admin_link";
    const KEY: &'static str = "user_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self(row.parse("user_id")?))
    }
}

impl Tx {
    /// Stores a new link; those that the user had before are worth nothing from now on.
    pub async fn replace_admin_link(&mut self, hash: AdminLinkHash, link: &AdminLink) -> Result<(), Fault> {
        self.spend_admin_links_of(link.user_id, link.created_at).await?;
        self.insert_admin_link(hash, link).await
    }

    /// Takes the role and the links away. Of two at once, one gets true.
    pub async fn withdraw_admin(&mut self, user: UserId, now: Timestamp) -> Result<bool, Fault> {
        self.spend_admin_links_of(user, now).await?;
        self.delete_admin_role(user).await
    }
}

verbs! {
    pub read opt admin_role(user: UserId) -> AdminRole =
        "SELECT tenant_id, user_id, granted_at FROM tenant_admin WHERE tenant_id = $1 AND user_id = $2";

    pub read many admin_roles() -> AdminRole =
        "SELECT tenant_id, user_id, granted_at FROM tenant_admin WHERE tenant_id = $1 ORDER BY user_id";

    /// False when the user holds it already.
    pub write guard grant_admin(user: UserId, now: Timestamp) =
        "INSERT INTO tenant_admin (tenant_id, user_id, granted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    write guard delete_admin_role(user: UserId) =
        "DELETE FROM tenant_admin WHERE tenant_id = $1 AND user_id = $2";

    write exec spend_admin_links_of(user: UserId, now: Timestamp) =
        "UPDATE admin_link SET spent_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND spent_at IS NULL";

    write exec insert_admin_link(hash: AdminLinkHash, it: &AdminLink)
        [it.id, hash, it.user_id, it.created_at, it.expires_at] =
        "INSERT INTO admin_link (tenant_id, link_id, link_hash, user_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)";

    pub read opt admin_link_holder(hash: AdminLinkHash) -> LinkHolder =
        "SELECT user_id FROM admin_link WHERE tenant_id = $1 AND link_hash = $2";

    /// Spends a link. Of two at once, one gets it.
    pub write opt spend_admin_link(hash: AdminLinkHash, now: Timestamp) -> SpentAdminLink =
        "UPDATE admin_link SET spent_at = $3 WHERE tenant_id = $1 AND link_hash = $2 AND spent_at IS NULL AND expires_at > $3
         RETURNING link_id, user_id, created_at, expires_at";
}
