//! The ends of sessions, and the clients that are to be told of them.
//!
//! A session ends here and nowhere else. Whatever ends one also queues, in the same transaction, what the clients with a grant
//! of it are told (OpenID Connect Back-Channel Logout section 2.5), so that no way to end a session can forget them. The raw
//! statements are this module's own; that no other one ends or deletes a session, a test reads out of the list of them all.

use std::time::Duration;

use identity::Session;
use oidc::back_channel_logout::NOTICE_LIFETIME;
use oidc::client::Client;
use terms::{ClientId, SessionId, Subject, TenantId, Timestamp, UserId, limits};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;

/// For so long the notices of a session are its ender's own to send: longer than first attempts and their recording take.
/// Those that nobody sent are taken by whoever looks at the queue then.
pub const FIRST_ATTEMPT: Duration = Duration::from_secs(10);

/// Sessions that ended, and the notices that their end put into the queue.
///
/// Whoever ends sessions tells their clients once the transaction is committed. What isn't told by then stays in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the clients of these sessions are to be told; whoever drops it leaves that to the queue"]
pub struct Ended {
    pub sessions: Vec<Session>,
    /// Claimed: until [`FIRST_ATTEMPT`] is over nobody else sends them.
    pub notices: Vec<LogoutNotice>,
}

impl Ended {
    /// Whether it was one live session at least.
    pub fn is_any(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// These and those of another one.
    pub fn and(mut self, other: Self) -> Self {
        self.sessions.extend(other.sessions);
        self.notices.extend(other.notices);
        self
    }
}

/// A client that is to be told of the end of a session. It holds what its user and session may be gone for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutNotice {
    pub session: SessionId,
    pub client: ClientId,
    /// The person, as the client knows them.
    pub subject: Subject,
    pub queued_at: Timestamp,
    /// Which attempt this is, from 1 on. Only the newest can record its end.
    pub attempt: u32,
}

impl FromRow for LogoutNotice {
    const TABLE: &'static str = "logout_notice";
    const KEY: &'static str = "session_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            session: row.parse("session_id")?,
            client: row.parse("client_id")?,
            subject: row.parse("subject")?,
            queued_at: row.time("queued_at")?,
            attempt: row.narrow("attempts")?,
        })
    }
}

/// What waits in one tenant's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeQueue {
    pub tenant: TenantId,
    pub waiting: i64,
    /// When the first of them is to be tried.
    pub due: Timestamp,
}

impl FromRow for NoticeQueue {
    const TABLE: &'static str = "logout_notice";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { tenant: row.parse("tenant_id")?, waiting: row.int("waiting")?, due: row.time("due")? })
    }
}

impl Tx {
    /// Ends a session, if it hasn't ended. Of two at once, one gets it.
    pub async fn end_session(&mut self, session: SessionId, now: Timestamp) -> Result<Ended, Fault> {
        let ended = self.end_row(session, now).await?;
        self.with_notices(ended, now).await
    }

    /// Ends one session of a user: nothing when they have no such live one.
    pub async fn end_session_of(
        &mut self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Ended, Fault> {
        let ended = self.end_row_of_user(session, user, now).await?;
        self.with_notices(ended, now).await
    }

    /// Sees to it, in a command of guards, that nobody ends the session beside it: whoever ends it waits, or runs again and finds
    /// what was made of it. False when it has ended. It is to come before anything is made that must end with the session.
    pub async fn hold_session(&mut self, session: SessionId) -> Result<bool, Fault> {
        if self.is_alone() {
            return Ok(true);
        }
        self.hold_session_row(session).await
    }

    /// The same of a user: nobody changes their password, disables them or ends all their sessions beside the command. False when
    /// there is no such user. What the command knows of them it is to read after this.
    pub async fn hold_user(&mut self, user: UserId) -> Result<bool, Fault> {
        if self.is_alone() {
            return Ok(true);
        }
        self.hold_user_row(user).await
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions_of_user(&mut self, user: UserId, now: Timestamp) -> Result<Ended, Fault> {
        self.hold_user(user).await?;
        let ended = self.end_rows_of_user(user, now).await?;
        self.with_notices(ended, now).await
    }

    /// Ends all sessions of a user but one.
    pub async fn end_other_sessions_of_user(
        &mut self,
        user: UserId,
        but: SessionId,
        now: Timestamp,
    ) -> Result<Ended, Fault> {
        self.hold_user(user).await?;
        let ended = self.end_other_rows_of_user(user, but, now).await?;
        self.with_notices(ended, now).await
    }

    /// Ends sessions whose time is over, as of when it was over; `most` of them.
    pub async fn end_lapsed_sessions(&mut self, most: i64, now: Timestamp) -> Result<Ended, Fault> {
        let idle = i64::try_from(limits::SESSION_IDLE.as_millis()).unwrap_or(i64::MAX);
        let ended = self.end_lapsed_rows(now, now.minus(limits::SESSION_IDLE), idle, most).await?;
        self.with_notices(ended, now).await
    }

    async fn with_notices(
        &mut self,
        sessions: impl IntoIterator<Item = Session>,
        now: Timestamp,
    ) -> Result<Ended, Fault> {
        let mut ended = Ended::default();
        for session in sessions {
            let (until, first) = (now.plus(NOTICE_LIFETIME), now.plus(FIRST_ATTEMPT));
            ended.notices.extend(self.queue_logout_notices(session.id, now, until, first).await?);
            ended.sessions.push(session);
        }
        Ok(ended)
    }
}

/// The columns of a session that ended.
macro_rules! ended_session {
    () => {
        " RETURNING session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent"
    };
}

verbs! {
    // A row that is written, if only as it was, is one that no transaction with an older view may write.
    write guard hold_session_row(session: SessionId) =
        "UPDATE session SET ended_at = ended_at WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL";

    write guard hold_user_row(user: UserId) =
        "UPDATE user_account SET disabled_at = disabled_at WHERE tenant_id = $1 AND user_id = $2";

    write opt end_row(session: SessionId, now: Timestamp) -> Session =
        concat!("UPDATE session SET ended_at = $3 WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL", ended_session!());

    write opt end_row_of_user(session: SessionId, user: UserId, now: Timestamp) -> Session =
        concat!("UPDATE session SET ended_at = $4
          WHERE tenant_id = $1 AND session_id = $2 AND user_id = $3 AND ended_at IS NULL", ended_session!());

    write many end_rows_of_user(user: UserId, now: Timestamp) -> Session =
        concat!("UPDATE session SET ended_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL", ended_session!());

    write many end_other_rows_of_user(user: UserId, but: SessionId, now: Timestamp) -> Session =
        concat!("UPDATE session SET ended_at = $4
          WHERE tenant_id = $1 AND user_id = $2 AND session_id <> $3 AND ended_at IS NULL", ended_session!());

    write many end_lapsed_rows(now: Timestamp, idle_since: Timestamp, idle: i64, most: i64) -> Session =
        concat!("UPDATE session
            SET ended_at = CASE WHEN last_active_at + $4 < expires_at THEN last_active_at + $4 ELSE expires_at END
          WHERE tenant_id = $1 AND ended_at IS NULL AND session_id IN (
                SELECT session_id FROM (SELECT session_id FROM session
                  WHERE tenant_id = $1 AND ended_at IS NULL AND expires_at <= $2 ORDER BY expires_at LIMIT $5) AS expired
                UNION
                SELECT session_id FROM (SELECT session_id FROM session
                  WHERE tenant_id = $1 AND ended_at IS NULL AND last_active_at <= $3 ORDER BY last_active_at LIMIT $5) AS idle
                LIMIT $5)", ended_session!());

    /// One notice for each client that wants to be told and has a grant of the session, ended or not: the client may still
    /// take its person for signed in. By the name that the newest of them says.
    write many queue_logout_notices(session: SessionId, now: Timestamp, expires_at: Timestamp, next: Timestamp) -> LogoutNotice =
        "INSERT INTO logout_notice (tenant_id, session_id, client_id, subject, queued_at, expires_at, next_attempt_at, attempts)
         SELECT g.tenant_id, g.session_id, g.client_id, COALESCE(g.pairwise_subject, u.subject),
                CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), 1
           FROM grant_record g
           JOIN user_account u ON u.tenant_id = g.tenant_id AND u.user_id = g.user_id
           JOIN client c ON c.tenant_id = g.tenant_id AND c.client_id = g.client_id
          WHERE g.tenant_id = $1 AND g.session_id = $2 AND (c.metadata ->> 'backchannel_logout_uri') IS NOT NULL
            AND g.grant_id = (SELECT MAX(n.grant_id) FROM grant_record n
                               WHERE n.tenant_id = g.tenant_id AND n.session_id = g.session_id AND n.client_id = g.client_id)
         RETURNING session_id, client_id, subject, queued_at, attempts";

    /// The clients with a grant of a session whose page is to be shown when it ends (OpenID Connect Front-Channel Logout section 2).
    pub read many front_channel_clients(session: SessionId) -> Client =
        "SELECT c.client_id, c.metadata, c.settings, c.created_at, c.last_used_at FROM client c
          WHERE c.tenant_id = $1 AND (c.metadata ->> 'frontchannel_logout_uri') IS NOT NULL
            AND c.client_id IN (SELECT g.client_id FROM grant_record g WHERE g.tenant_id = $1 AND g.session_id = $2)
          ORDER BY c.client_id";

    /// The tenants with notices that wait, the longest due first. What is told is deleted, so the table is small.
    pub directory many notice_queues() -> NoticeQueue =
        "SELECT tenant_id, COUNT(*) AS waiting, MIN(next_attempt_at) AS due
           FROM logout_notice GROUP BY tenant_id ORDER BY due, tenant_id";

    /// Takes the notice that is due longest. Until `until` nobody else gets it: of several that claim at once, each notice has one.
    pub write opt claim_logout_notice(now: Timestamp, until: Timestamp) -> LogoutNotice =
        "UPDATE logout_notice SET next_attempt_at = $3, attempts = attempts + 1
          WHERE tenant_id = $1 AND next_attempt_at <= $2 AND (session_id, client_id) IN
                (SELECT session_id, client_id FROM logout_notice WHERE tenant_id = $1 AND next_attempt_at <= $2
                  ORDER BY next_attempt_at, session_id, client_id LIMIT 1)
         RETURNING session_id, client_id, subject, queued_at, attempts";

    /// Deletes a notice that was told or can't be any more, if this attempt is the newest.
    pub write guard delete_logout_notice(it: &LogoutNotice)[it.session, it.client, it.attempt] =
        "DELETE FROM logout_notice WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND attempts = $4";

    /// Lets a notice wait for its next attempt, if this attempt is the newest.
    pub write guard postpone_logout_notice(it: &LogoutNotice, at: Timestamp)[it.session, it.client, it.attempt, at] =
        "UPDATE logout_notice SET next_attempt_at = $5
          WHERE tenant_id = $1 AND session_id = $2 AND client_id = $3 AND attempts = $4";
}
