//! Requests that wait for a person, and which session a client used last in a browser.

use std::fmt;
use std::str::FromStr;

use oidc::params::Parameters;
use oidc::scope::Scope;
use terms::{BrowserId, ClientId, FlowId, SessionId, Timestamp, UserId};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;

/// What a flow is to end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    Authorize,
    EndSession,
    /// In a page of the person's account, for which they must sign in.
    Account,
    /// In an answer to a device that asked elsewhere (RFC 8628 section 3.3).
    Device,
}

impl FlowKind {
    pub const ALL: [Self; 4] = [Self::Authorize, Self::EndSession, Self::Account, Self::Device];
    /// Those that ask a person for something in a client's name.
    pub const OF_CLIENTS: [Self; 2] = [Self::Authorize, Self::Device];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::EndSession => "end_session",
            Self::Account => "account",
            Self::Device => "device",
        }
    }
}

/// A text that names no kind of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFlowKind;

impl fmt::Display for UnknownFlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a kind of flow")
    }
}

impl std::error::Error for UnknownFlowKind {}

impl FromStr for FlowKind {
    type Err = UnknownFlowKind;

    fn from_str(text: &str) -> Result<Self, UnknownFlowKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownFlowKind)
    }
}

/// A request that waits for a person, and what has happened since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub id: FlowId,
    pub kind: FlowKind,
    /// As they came, or as a request object had them that is opened by now. They are validated at each step, since the client may change meanwhile.
    pub parameters: Parameters,
    /// The browser that may go on with it; `None` until the first one does.
    pub browser: Option<BrowserId>,
    /// The session that the person chose, or got by signing in.
    pub session: Option<SessionId>,
    /// Who consented to what in this flow.
    pub consented: Option<(UserId, Scope)>,
    pub denied_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

/// The columns of a flow, for `flow` as `f`.
macro_rules! flow_columns {
    () => {
        "f.flow_id AS named_flow, f.kind, f.parameters, f.browser_id AS flow_browser, f.session_id AS flow_session, \
         f.consent_user_id, f.consent_scope, f.denied_at, f.created_at AS flow_created_at, f.expires_at AS flow_expires_at, \
         f.completed_at AS flow_completed_at"
    };
}

pub(crate) use flow_columns;

/// A flow that was joined, if there is one.
pub(crate) fn joined_flow(row: &Row<'_>) -> Result<Option<Flow>, BadColumn> {
    match row.opt_text(Flow::KEY)? {
        None => Ok(None),
        Some(_) => Flow::from_row(row).map(Some),
    }
}

impl FromRow for Flow {
    const TABLE: &'static str = "flow";
    const KEY: &'static str = "named_flow";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let parameters = Parameters::parse(row.text("parameters")?.as_bytes());
        let consented = match (row.opt_parse("consent_user_id")?, row.opt_parse("consent_scope")?) {
            (Some(user), Some(scope)) => Some((user, scope)),
            (None, None) => None,
            _ => return Err(BadColumn::new("consent_scope", "a consent of which a part is missing")),
        };
        Ok(Self {
            id: row.parse("named_flow")?,
            kind: row.parse("kind")?,
            parameters: parameters.map_err(|error| BadColumn::new("parameters", error))?,
            browser: row.opt_parse("flow_browser")?,
            session: row.opt_parse("flow_session")?,
            consented,
            denied_at: row.opt_time("denied_at")?,
            created_at: row.time("flow_created_at")?,
            expires_at: row.time("flow_expires_at")?,
            completed_at: row.opt_time("flow_completed_at")?,
        })
    }
}

verbs! {
    /// Whether it is this browser's, still open, and not too old, the flow says.
    pub read opt flow(flow: FlowId) -> Flow =
        concat!("SELECT ", flow_columns!(), " FROM flow f WHERE f.tenant_id = $1 AND f.flow_id = $2");

    /// Stores a flow that has just begun.
    pub write exec insert_flow(it: &Flow)
        [it.id, it.kind.as_str(), it.parameters.encode(), it.browser, it.created_at, it.expires_at] =
        "INSERT INTO flow (tenant_id, flow_id, kind, parameters, browser_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// Binds a flow that has no browser yet. Of two at once, one gets true.
    pub write guard bind_flow(flow: FlowId, browser: BrowserId) =
        "UPDATE flow SET browser_id = $3 WHERE tenant_id = $1 AND flow_id = $2 AND browser_id IS NULL";

    /// Records that the person chose a session, or got it by signing in.
    pub write guard choose_flow_session(flow: FlowId, browser: BrowserId, session: SessionId, now: Timestamp) =
        "UPDATE flow SET session_id = $4
          WHERE tenant_id = $1 AND flow_id = $2 AND browser_id = $3 AND completed_at IS NULL AND expires_at > $5";

    /// Records that a user consented in this flow.
    pub write guard consent_in_flow(flow: FlowId, browser: BrowserId, user: UserId, scope: &Scope, now: Timestamp)
        [flow, browser, user, scope.to_string(), now] =
        "UPDATE flow SET consent_user_id = $4, consent_scope = $5
          WHERE tenant_id = $1 AND flow_id = $2 AND browser_id = $3 AND completed_at IS NULL AND denied_at IS NULL
            AND expires_at > $6";

    /// Records that the person refused.
    pub write guard deny_flow(flow: FlowId, browser: BrowserId, now: Timestamp) =
        "UPDATE flow SET denied_at = $4
          WHERE tenant_id = $1 AND flow_id = $2 AND browser_id = $3 AND completed_at IS NULL AND denied_at IS NULL
            AND expires_at > $4";

    /// Ends a flow: its answer goes out. Of two at once, one gets true.
    pub write guard complete_flow(flow: FlowId, browser: BrowserId, now: Timestamp) =
        "UPDATE flow SET completed_at = $4
          WHERE tenant_id = $1 AND flow_id = $2 AND browser_id = $3 AND completed_at IS NULL AND expires_at > $4";

    /// Remembers which session a client used last in a browser.
    pub write exec use_session(browser: BrowserId, client: &ClientId, session: SessionId, now: Timestamp) =
        "INSERT INTO session_client (tenant_id, browser_id, client_id, session_id, used_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, browser_id, client_id)
         DO UPDATE SET session_id = excluded.session_id, used_at = excluded.used_at";
}
