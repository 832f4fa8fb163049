//! What people do with their own account: addresses on their way in, connected clients, everything to take along, the end.

use identity::account::EmailAddition;
use identity::username::UsernameHash;
use identity::{Event, Session, User};
use terms::{
    CanonicalEmail, ClientId, EmailAdditionId, EventId, GrantId, SessionId, Subject, Timestamp, UserId,
    limits,
};

use crate::endings::Ended;
use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::{Read, Tx};
use crate::users::opt_address;

impl FromRow for EmailAddition {
    const TABLE: &'static str = "email_addition";
    const KEY: &'static str = "email_addition_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("email_addition_id")?,
            user_id: row.parse("user_id")?,
            session_id: row.parse("session_id")?,
            address: opt_address(row, "email")?.ok_or_else(|| BadColumn::new("email", "no address"))?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
            completed_at: row.opt_time("completed_at")?,
        })
    }
}

/// A client that holds live grants of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub client: ClientId,
    /// When the user last signed in there.
    pub last_granted_at: Timestamp,
    /// Whether one of the grants outlives its session.
    pub offline: bool,
}

impl FromRow for Connection {
    const TABLE: &'static str = "grant_record";
    const KEY: &'static str = "client_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            client: row.parse("client_id")?,
            last_granted_at: row.time("last_granted_at")?,
            offline: row.int("offline_grants")? > 0,
        })
    }
}

/// A grant as its user is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantLine {
    pub id: GrantId,
    pub client: ClientId,
    pub scope: String,
    pub offline: bool,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl FromRow for GrantLine {
    const TABLE: &'static str = "grant_record";
    const KEY: &'static str = "grant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("grant_id")?,
            client: row.parse("client_id")?,
            scope: row.text("scope")?,
            offline: row.bool("offline")?,
            created_at: row.time("created_at")?,
            ended_at: row.opt_time("ended_at")?,
        })
    }
}

impl Read {
    /// The clients that hold live grants of a user, by their ids.
    pub async fn connections(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Connection>, Fault> {
        self.connections_at(user, now, now.minus(limits::SESSION_IDLE)).await
    }

    /// Grants of a user after the one named, in the order of their making.
    pub async fn grants_of_user(
        &mut self,
        user: UserId,
        after: Option<GrantId>,
        most: u32,
    ) -> Result<Vec<GrantLine>, Fault> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        self.grants_of_user_after(user, &after, most).await
    }

    /// Events that a user caused or that are about them, after the one named, in the order of their happening.
    pub async fn events_of_user(
        &mut self,
        user: UserId,
        after: Option<EventId>,
        most: u32,
    ) -> Result<Vec<Event>, Fault> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        self.events_of_user_after(user, &after, most).await
    }

    /// Whether a deleted account had this subject.
    pub async fn is_retired(&mut self, subject: &Subject) -> Result<bool, Fault> {
        Ok(self.count_retired(subject).await? > 0)
    }
}

impl Tx {
    /// Makes a verified address of a user the primary one, in place of the one that is. False when it isn't theirs, isn't
    /// verified, or is the primary one already: then the caller must not commit.
    pub async fn change_primary_email(
        &mut self,
        user: UserId,
        to: &CanonicalEmail,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.clear_primary_email(user, to).await?;
        Ok(self.set_primary_email(user, to).await? && self.touch_user(user, now).await?)
    }

    /// Deletes an account with all that is its own. Its sessions and its grants end, and its subject and its username, whose hash
    /// this is, are never given out again. `None` when it is gone already: of two at once, one gets what ended.
    pub async fn delete_account(
        &mut self,
        user: &User,
        username: Option<UsernameHash>,
        now: Timestamp,
    ) -> Result<Option<Ended>, Fault> {
        if let Some(username) = username {
            self.retire_username(username, user.id, now).await?;
        }
        self.end_grants_of_user(user.id, now).await?;
        self.retire_subject(&user.subject, now).await?;
        self.delete_user(user.id, now).await
    }
}

verbs! {
    pub write exec insert_email_addition(it: &EmailAddition)
        [it.id, it.user_id, it.session_id, it.address.as_written(), it.created_at, it.expires_at] =
        "INSERT INTO email_addition (tenant_id, email_addition_id, user_id, session_id, email, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// Whose it is and whether it is still open, the addition says.
    pub read opt email_addition(addition: EmailAdditionId) -> EmailAddition =
        "SELECT email_addition_id, user_id, session_id, email, created_at, expires_at, completed_at FROM email_addition
          WHERE tenant_id = $1 AND email_addition_id = $2";

    /// How many a user began since then.
    pub read one email_additions_since(user: UserId, since: Timestamp) -> i64 =
        "SELECT COUNT(*) AS n FROM email_addition WHERE tenant_id = $1 AND user_id = $2 AND created_at > $3";

    /// Of two at once, one gets true.
    pub write guard complete_email_addition(addition: EmailAdditionId, now: Timestamp) =
        "UPDATE email_addition SET completed_at = $3
          WHERE tenant_id = $1 AND email_addition_id = $2 AND completed_at IS NULL AND expires_at > $3";

    write exec clear_primary_email(user: UserId, but: &CanonicalEmail) =
        "UPDATE user_email SET is_primary = FALSE
          WHERE tenant_id = $1 AND user_id = $2 AND canonical <> $3 AND is_primary = TRUE";

    write guard set_primary_email(user: UserId, to: &CanonicalEmail) =
        "UPDATE user_email SET is_primary = TRUE
          WHERE tenant_id = $1 AND user_id = $2 AND canonical = $3 AND is_primary = FALSE AND verified_at IS NOT NULL";

    /// Removes an address that isn't the primary one. Of two at once, one gets true.
    pub write guard remove_email(user: UserId, address: &CanonicalEmail) =
        "DELETE FROM user_email WHERE tenant_id = $1 AND user_id = $2 AND canonical = $3 AND is_primary = FALSE";

    /// Notes that something changed that claims tell of.
    pub write guard touch_user(user: UserId, now: Timestamp) =
        "UPDATE user_account SET updated_at = $3 WHERE tenant_id = $1 AND user_id = $2";

    /// Every session of a user that is still stored, oldest first.
    pub read many all_sessions_of_user(user: UserId) -> Session =
        "SELECT session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent
           FROM session WHERE tenant_id = $1 AND user_id = $2 ORDER BY session_id";

    pub write count end_grants_of_user(user: UserId, now: Timestamp) =
        "UPDATE grant_record SET ended_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL";

    /// Ends all grants of a user but those of one session.
    pub write count end_other_grants_of_user(user: UserId, but: SessionId, now: Timestamp) =
        "UPDATE grant_record SET ended_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND session_id <> $3 AND ended_at IS NULL";

    /// Ends all grants of a user to a client, whether they rest on a consent or not.
    pub write count end_grants_to_client(user: UserId, client: &ClientId, now: Timestamp) =
        "UPDATE grant_record SET ended_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3 AND ended_at IS NULL";

    read many connections_at(user: UserId, now: Timestamp, idle_before: Timestamp) -> Connection =
        "SELECT g.client_id, MAX(g.created_at) AS last_granted_at,
                COUNT(CASE WHEN g.offline = TRUE THEN 1 END) AS offline_grants
           FROM grant_record g
           LEFT JOIN session s ON s.tenant_id = g.tenant_id AND s.session_id = g.session_id
          WHERE g.tenant_id = $1 AND g.user_id = $2 AND g.ended_at IS NULL AND g.expires_at > $3
            AND (g.offline = TRUE OR (s.ended_at IS NULL AND s.expires_at > $3 AND s.last_active_at > $4))
          GROUP BY g.client_id ORDER BY g.client_id";

    read many grants_of_user_after(user: UserId, after: &str, most: u32) -> GrantLine =
        "SELECT grant_id, client_id, scope, offline, created_at, ended_at FROM grant_record
          WHERE tenant_id = $1 AND user_id = $2 AND grant_id > $3 ORDER BY grant_id LIMIT $4";

    read many events_of_user_after(user: UserId, after: &str, most: u32) -> Event =
        "SELECT event_id, kind, at, actor, subject, address, details FROM event
          WHERE tenant_id = $1 AND event_id IN (
                SELECT event_id FROM (SELECT event_id FROM event
                  WHERE tenant_id = $1 AND actor_id = $2 AND event_id > $3 ORDER BY event_id LIMIT $4) AS done
                UNION
                SELECT event_id FROM (SELECT event_id FROM event
                  WHERE tenant_id = $1 AND subject = $2 AND event_id > $3 ORDER BY event_id LIMIT $4) AS suffered)
          ORDER BY event_id LIMIT $4";

    write exec retire_subject(subject: &Subject, now: Timestamp) =
        "INSERT INTO retired_subject (tenant_id, subject, retired_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    read one count_retired(subject: &Subject) -> i64 =
        "SELECT COUNT(*) AS n FROM retired_subject WHERE tenant_id = $1 AND subject = $2";
}
