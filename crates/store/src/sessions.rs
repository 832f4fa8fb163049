//! Browsers and the sessions in them.

use identity::{BrowserRecord, Device, Factor, Session, UserAgent};
use terms::{BrowserHandleHash, BrowserId, SessionId, Timestamp, UserId};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::value::Json;

impl FromRow for BrowserRecord {
    const TABLE: &'static str = "browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("browser_id")?,
            handle_hash: BrowserHandleHash::from_bytes(row.hash("handle_hash")?),
            previous_handle_hash: row.opt_hash("previous_handle_hash")?.map(BrowserHandleHash::from_bytes),
            rotated_at: row.time("rotated_at")?,
            created_at: row.time("created_at")?,
            last_seen_at: row.time("last_seen_at")?,
        })
    }
}

impl FromRow for Session {
    const TABLE: &'static str = "session";
    const KEY: &'static str = "session_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        let factors: Vec<Factor> = row.json("factors")?;
        if factors.is_empty() {
            return Err(BadColumn::new("factors", "no factor"));
        }
        let user_agent = row.opt_text("user_agent")?;
        Ok(Self {
            id: row.parse("session_id")?,
            browser_id: row.parse("browser_id")?,
            user_id: row.parse("user_id")?,
            factors,
            created_at: row.time("created_at")?,
            last_active_at: row.time("last_active_at")?,
            expires_at: row.time("expires_at")?,
            ended_at: row.opt_time("ended_at")?,
            device: Device {
                address: row.opt_parse("address")?,
                user_agent: user_agent
                    .map(|text| {
                        UserAgent::parse(&text).ok_or_else(|| BadColumn::new("user_agent", "no such text"))
                    })
                    .transpose()?,
            },
        })
    }
}

verbs! {
    /// The browser whose current or previous handle this is. Whether it still reaches it, the record says.
    pub read opt browser_by_handle(hash: BrowserHandleHash) -> BrowserRecord =
        "SELECT browser_id, handle_hash, previous_handle_hash, rotated_at, created_at, last_seen_at FROM browser
          WHERE tenant_id = $1 AND (handle_hash = $2 OR previous_handle_hash = $2)";

    pub read opt browser(browser: BrowserId) -> BrowserRecord =
        "SELECT browser_id, handle_hash, previous_handle_hash, rotated_at, created_at, last_seen_at FROM browser
          WHERE tenant_id = $1 AND browser_id = $2";

    pub write exec insert_browser(it: &BrowserRecord)
        [it.id, it.handle_hash, it.previous_handle_hash, it.rotated_at, it.created_at, it.last_seen_at] =
        "INSERT INTO browser (tenant_id, browser_id, handle_hash, previous_handle_hash, rotated_at, created_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// Gives a browser a new handle in place of the one in force when it was read. Of two at once, one gets true.
    pub write guard rotate_browser(browser: BrowserId, seen: BrowserHandleHash, next: BrowserHandleHash, now: Timestamp) =
        "UPDATE browser SET previous_handle_hash = handle_hash, handle_hash = $4, rotated_at = $5, last_seen_at = $5
          WHERE tenant_id = $1 AND browser_id = $2 AND handle_hash = $3";

    pub write guard touch_browser(browser: BrowserId, now: Timestamp) =
        "UPDATE browser SET last_seen_at = $3 WHERE tenant_id = $1 AND browser_id = $2";

    pub read opt session(session: SessionId) -> Session =
        "SELECT session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent FROM session
          WHERE tenant_id = $1 AND session_id = $2";

    /// Sessions of a browser that nobody ended, oldest first. Whether each is live, the session says.
    pub read many sessions_of_browser(browser: BrowserId) -> Session =
        "SELECT session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent FROM session
          WHERE tenant_id = $1 AND browser_id = $2 AND ended_at IS NULL ORDER BY session_id";

    pub read many sessions_of_user(user: UserId) -> Session =
        "SELECT session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent FROM session
          WHERE tenant_id = $1 AND user_id = $2 AND ended_at IS NULL ORDER BY session_id";

    pub write exec insert_session(it: &Session)
        [it.id, it.browser_id, it.user_id, Json(&it.factors), it.created_at, it.last_active_at, it.expires_at, it.ended_at,
         it.device.address.map(|it| it.to_string()), it.device.user_agent.as_ref().map(UserAgent::as_str)] =
        "INSERT INTO session (tenant_id, session_id, browser_id, user_id, factors, created_at, last_active_at, expires_at, ended_at, address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    /// Stores what a renewed sign-in changed. False when the session has ended meanwhile.
    pub write guard renew_session(it: &Session)[it.id, Json(&it.factors), it.last_active_at, it.expires_at,
         it.device.address.map(|it| it.to_string()), it.device.user_agent.as_ref().map(UserAgent::as_str)] =
        "UPDATE session SET factors = $3, last_active_at = $4, expires_at = $5, address = $6, user_agent = $7
          WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL";

    pub write guard touch_session(session: SessionId, now: Timestamp) =
        "UPDATE session SET last_active_at = $3 WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL";
}
