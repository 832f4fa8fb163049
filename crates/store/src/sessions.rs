//! Browsers and the sessions in them.

use identity::sign_in::SignIn;
use identity::{BrowserRecord, Device, Factor, Session, User, UserAgent};
use oidc::scope::Scope;
use terms::{BrowserHandleHash, BrowserId, ClientId, FlowId, SessionId, SignInId, Timestamp, UserId};

use crate::flows::{Flow, flow_columns, joined_flow};
use crate::row::{BadColumn, FromRow, Row};
use crate::sign_ins::{joined_sign_in, sign_in_columns};
use crate::statement::verbs;
use crate::users::{joined_user, user_columns, user_joins};
use crate::value::Json;
use crate::{Fault, Read};

/// A browser; the instant of its making stands in the column named.
fn browser_of(row: &Row, created_at: &'static str) -> Result<BrowserRecord, BadColumn> {
    Ok(BrowserRecord {
        id: row.parse("browser_id")?,
        handle_hash: BrowserHandleHash::from_bytes(row.hash("handle_hash")?),
        previous_handle_hash: row.opt_hash("previous_handle_hash")?.map(BrowserHandleHash::from_bytes),
        rotated_at: row.time("rotated_at")?,
        created_at: row.time(created_at)?,
        last_seen_at: row.time("last_seen_at")?,
    })
}

impl FromRow for BrowserRecord {
    const TABLE: &'static str = "browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        browser_of(row, "created_at")
    }
}

/// A session; the instant of its making stands in the column named.
fn session_of(row: &Row, created_at: &'static str) -> Result<Session, BadColumn> {
    let factors: Vec<Factor> = row.json("factors")?;
    if factors.is_empty() {
        return Err(BadColumn::new("factors", "no factor"));
    }
    let user_agent = row.opt_text("user_agent")?;
    let no_text = || BadColumn::new("user_agent", "no such text");
    Ok(Session {
        id: row.parse("session_id")?,
        browser_id: row.parse("browser_id")?,
        user_id: row.parse("user_id")?,
        factors,
        created_at: row.time(created_at)?,
        last_active_at: row.time("last_active_at")?,
        expires_at: row.time("expires_at")?,
        ended_at: row.opt_time("ended_at")?,
        device: Device {
            address: row.opt_parse("address")?,
            user_agent: user_agent.map(|text| UserAgent::parse(&text).ok_or_else(no_text)).transpose()?,
        },
    })
}

impl FromRow for Session {
    const TABLE: &'static str = "session";
    const KEY: &'static str = "session_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        session_of(row, "created_at")
    }
}

/// A session that the row has, if it has one.
fn opt_session(row: &Row<'_>) -> Result<Option<Session>, BadColumn> {
    match row.opt_text("session_id")? {
        None => Ok(None),
        Some(_) => session_of(row, "session_created_at").map(Some),
    }
}

/// What a request for a page names: each is as it is stored, and may be another browser's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// The browser, with the sessions in it that nobody ended, oldest first.
    pub browser: Option<(BrowserRecord, Vec<Session>)>,
    /// The flow that is named, or else the one that the attempt to sign in is for.
    pub flow: Option<Flow>,
    pub sign_in: Option<SignIn>,
}

/// The same with one session at most.
pub struct PageRow {
    browser: Option<BrowserRow>,
    flow: Option<Flow>,
    sign_in: Option<SignIn>,
}

impl FromRow for PageRow {
    const TABLE: &'static str = "browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let browser = match row.opt_text("browser_id")? {
            None => None,
            Some(_) => Some(BrowserRow::from_row(row)?),
        };
        Ok(Self { browser, flow: joined_flow(row)?, sign_in: joined_sign_in(row)? })
    }
}

/// A browser with one of its sessions, or with none: one with several comes as several rows.
pub struct BrowserRow {
    browser: BrowserRecord,
    session: Option<Session>,
}

impl FromRow for BrowserRow {
    const TABLE: &'static str = "browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { browser: browser_of(row, "browser_created_at")?, session: opt_session(row)? })
    }
}

/// A session with its user, and with what that user approved for a client and didn't withdraw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub session: Session,
    pub user: User,
    pub consented: Option<Scope>,
}

/// A browser as a client meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserInFull {
    pub browser: BrowserRecord,
    /// Of the sessions that nobody ended, oldest first. Whether each is live, the session says.
    pub present: Vec<Presence>,
    /// The session that the client used last there.
    pub last_used: Option<SessionId>,
}

/// The same with one address of one user at most, and with a flow.
pub struct PresenceRow {
    browser: Option<BrowserRecord>,
    presence: Option<Presence>,
    last_used: Option<SessionId>,
    flow: Option<Flow>,
}

impl FromRow for PresenceRow {
    const TABLE: &'static str = "browser";
    const KEY: &'static str = "browser_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let presence = match (opt_session(row)?, joined_user(row)?) {
            (Some(session), Some(user)) => {
                Some(Presence { session, user, consented: row.opt_parse("consented")? })
            }
            (None, None) => None,
            _ => return Err(BadColumn::new("user_id", "a session of nobody")),
        };
        let browser = match row.opt_text("browser_id")? {
            None => None,
            Some(_) => Some(browser_of(row, "browser_created_at")?),
        };
        Ok(Self { browser, presence, last_used: row.opt_parse("last_used")?, flow: joined_flow(row)? })
    }
}

impl Read {
    /// The browser whose current or previous handle this is, with the sessions in it that nobody ended, oldest first. Whether the
    /// handle still reaches it, the record says, and whether each session is live, the session.
    pub async fn browser_with_sessions(
        &mut self,
        hash: BrowserHandleHash,
    ) -> Result<Option<(BrowserRecord, Vec<Session>)>, Fault> {
        let mut found: Option<(BrowserRecord, Vec<Session>)> = None;
        for BrowserRow { browser, session } in self.browser_rows(hash).await? {
            found.get_or_insert_with(|| (browser, Vec::new())).1.extend(session);
        }
        Ok(found)
    }

    /// All that a request for a page names, in one statement.
    pub async fn page_facts(
        &mut self,
        hash: Option<BrowserHandleHash>,
        flow: Option<FlowId>,
        sign_in: Option<SignInId>,
    ) -> Result<PageFacts, Fault> {
        let mut found = PageFacts::default();
        for PageRow { browser, flow, sign_in } in self.page_rows(hash, flow, sign_in).await? {
            (found.flow, found.sign_in) = (flow, sign_in);
            if let Some(BrowserRow { browser, session }) = browser {
                found.browser.get_or_insert_with(|| (browser, Vec::new())).1.extend(session);
            }
        }
        Ok(found)
    }

    /// The browser with what a client is to know of the people in it, and a flow, in one statement.
    pub async fn browser_in_full(
        &mut self,
        hash: Option<BrowserHandleHash>,
        client: &ClientId,
        flow: Option<FlowId>,
    ) -> Result<(Option<BrowserInFull>, Option<Flow>), Fault> {
        let mut found: Option<BrowserInFull> = None;
        let mut named = None;
        for PresenceRow { browser, presence, last_used, flow } in
            self.presence_rows(hash, client, flow).await?
        {
            named = flow;
            let Some(browser) = browser else { continue };
            let found =
                found.get_or_insert_with(|| BrowserInFull { browser, present: Vec::new(), last_used });
            let Some(next) = presence else { continue };
            match found.present.last_mut().filter(|last| last.session.id == next.session.id) {
                // The next address of the same user.
                Some(last) => last.user.emails.extend(next.user.emails),
                None => found.present.push(next),
            }
        }
        Ok((found, named))
    }
}

/// The columns of a browser and a session of it, for `browser` as `b` and `session` as `s`.
macro_rules! browser_columns {
    () => {
        "b.browser_id, b.handle_hash, b.previous_handle_hash, b.rotated_at, b.created_at AS browser_created_at, b.last_seen_at, \
         s.session_id, s.user_id, s.factors, s.created_at AS session_created_at, s.last_active_at, s.expires_at, s.ended_at, \
         s.address, s.user_agent"
    };
}

macro_rules! from_browser {
    () => {
        " FROM browser b LEFT JOIN session s ON s.tenant_id = b.tenant_id AND s.browser_id = b.browser_id AND s.ended_at IS NULL "
    };
}

/// What a browser is joined to that may not be there: one row in any case.
macro_rules! from_nothing {
    () => {
        " FROM (SELECT 1 AS one) AS x "
    };
}

macro_rules! browser_joins {
    () => {
        "LEFT JOIN browser b ON b.tenant_id = $1 AND (b.handle_hash = $2 OR b.previous_handle_hash = $2) \
         LEFT JOIN session s ON s.tenant_id = b.tenant_id AND s.browser_id = b.browser_id AND s.ended_at IS NULL "
    };
}

verbs! {
    read many page_rows(hash: Option<BrowserHandleHash>, flow: Option<FlowId>, sign_in: Option<SignInId>) -> PageRow =
        concat!("SELECT ", browser_columns!(), ", ", flow_columns!(), ", ", sign_in_columns!(), from_nothing!(),
                "LEFT JOIN sign_in i ON i.tenant_id = $1 AND i.sign_in_id = $4
                 LEFT JOIN flow f ON f.tenant_id = $1 AND f.flow_id = COALESCE($3, i.flow_id) ", browser_joins!(),
                "ORDER BY s.session_id");

    read many browser_rows(hash: BrowserHandleHash) -> BrowserRow =
        concat!("SELECT ", browser_columns!(), from_browser!(),
                "WHERE b.tenant_id = $1 AND (b.handle_hash = $2 OR b.previous_handle_hash = $2) ORDER BY s.session_id");

    read many presence_rows(hash: Option<BrowserHandleHash>, client: &ClientId, flow: Option<FlowId>) -> PresenceRow =
        concat!("SELECT ", browser_columns!(), ", ", user_columns!(), ", ", flow_columns!(), ", c.scope AS consented,
                        l.session_id AS last_used", from_nothing!(),
                "LEFT JOIN flow f ON f.tenant_id = $1 AND f.flow_id = $4 ", browser_joins!(),
                "LEFT JOIN user_account u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id ", user_joins!(),
                "LEFT JOIN consent c ON c.tenant_id = s.tenant_id AND c.user_id = s.user_id AND c.client_id = $3
                       AND c.withdrawn_at IS NULL
                 LEFT JOIN session_client l ON l.tenant_id = b.tenant_id AND l.browser_id = b.browser_id AND l.client_id = $3
                 ORDER BY s.session_id, e.canonical");

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
