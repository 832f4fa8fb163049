//! What devices ask for (RFC 8628), what people answered, and that the answer is fetched once.

use oidc::device::{IssuedDeviceCode, UserCodeHash};
use oidc::params::Parameters;
use oidc::token::device_code::{DeviceAnswer, DeviceFacts};
use terms::{BrowserId, ClientId, DeviceAuthorizationId, DeviceCodeHash, FlowId, GrantId, Timestamp};

use crate::grants::{grant, grant_columns, standing, standing_joins};
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;

/// What a device asked for, for whoever answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    pub id: DeviceAuthorizationId,
    /// To whom its codes were given.
    pub client: ClientId,
    /// As they came, without what proves the client. They are validated at each step.
    pub parameters: Parameters,
    /// In which browser somebody said that the device is theirs; the one that may go on with it.
    pub browser: Option<BrowserId>,
    /// The flow in which that person answers.
    pub flow: Option<FlowId>,
    pub denied_at: Option<Timestamp>,
    /// What was allowed.
    pub grant: Option<GrantId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl DeviceAuthorization {
    /// Whether an answer is still waited for.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.denied_at.is_none() && self.grant.is_none() && !self.expires_at.has_passed(now)
    }

    /// Whether somebody in this browser may answer it: nobody elsewhere has said that the device is theirs.
    pub fn is_open_to(&self, browser: BrowserId, now: Timestamp) -> bool {
        self.is_open(now) && self.browser.is_none_or(|of| of == browser)
    }
}

impl FromRow for DeviceAuthorization {
    const TABLE: &'static str = "device_authorization";
    const KEY: &'static str = "device_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let parameters = Parameters::parse(row.text("parameters")?.as_bytes());
        Ok(Self {
            id: row.parse("device_id")?,
            client: row.parse("client_id")?,
            parameters: parameters.map_err(|error| BadColumn::new("parameters", error))?,
            browser: row.opt_parse("browser_id")?,
            flow: row.opt_parse("flow_id")?,
            denied_at: row.opt_time("denied_at")?,
            grant: row.opt_parse("grant_id")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

impl FromRow for DeviceFacts {
    const TABLE: &'static str = "device_authorization";
    const KEY: &'static str = "device_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let answer = match (row.opt_time("denied_at")?, row.opt_text("grant_id")?) {
            (None, None) => DeviceAnswer::Pending,
            (Some(_), None) => DeviceAnswer::Denied,
            (None, Some(_)) => {
                DeviceAnswer::Approved { grant: Box::new(grant(row)?), standing: standing(row)? }
            }
            (Some(_), Some(_)) => return Err(BadColumn::new("denied_at", "an instant, beside a grant")),
        };
        Ok(Self {
            issued: IssuedDeviceCode {
                id: row.parse("device_id")?,
                client: row.parse("device_client")?,
                interval: row.narrow("poll_interval")?,
                polled_at: row.opt_time("polled_at")?,
                expires_at: row.time("device_expires_at")?,
                redeemed_at: row.opt_time("redeemed_at")?,
            },
            answer,
        })
    }
}

/// The columns of what a device asked for.
macro_rules! device_columns {
    () => {
        "device_id, client_id, parameters, browser_id, flow_id, denied_at, grant_id, created_at, expires_at"
    };
}

verbs! {
    /// Stores what a device asked for, with its two codes and the seconds between two questions. False when one of the codes is
    /// taken.
    pub write guard insert_device(hash: DeviceCodeHash, code: UserCodeHash, interval: u32, it: &DeviceAuthorization)[
        it.id, hash, code, it.client, it.parameters.encode(), interval, it.created_at, it.expires_at,
    ] =
        "INSERT INTO device_authorization (tenant_id, device_id, device_code_hash, user_code_hash, client_id, parameters,
                                           poll_interval, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";

    /// By what a person typed. Whether it still waits, and for whom, the record says.
    pub read opt device_by_user_code(code: UserCodeHash) -> DeviceAuthorization =
        concat!("SELECT ", device_columns!(), " FROM device_authorization WHERE tenant_id = $1 AND user_code_hash = $2");

    /// By the flow in which it is answered.
    pub read opt device_of_flow(flow: FlowId) -> DeviceAuthorization =
        concat!("SELECT ", device_columns!(), " FROM device_authorization WHERE tenant_id = $1 AND flow_id = $2");

    /// Binds it to the browser in which somebody says that the device is theirs, and to the flow in which they answer; in that
    /// browser they may begin anew. Of two browsers at once, one gets true.
    pub write guard claim_device(device: DeviceAuthorizationId, browser: BrowserId, flow: FlowId, now: Timestamp) =
        "UPDATE device_authorization SET browser_id = $3, flow_id = $4
          WHERE tenant_id = $1 AND device_id = $2 AND (browser_id IS NULL OR browser_id = $3)
            AND denied_at IS NULL AND grant_id IS NULL AND expires_at > $5";

    /// Records that the person of this flow allowed it. Of two answers at once, one gets true.
    pub write guard approve_device(device: DeviceAuthorizationId, flow: FlowId, grant: GrantId, now: Timestamp) =
        "UPDATE device_authorization SET grant_id = $4
          WHERE tenant_id = $1 AND device_id = $2 AND flow_id = $3
            AND denied_at IS NULL AND grant_id IS NULL AND expires_at > $5";

    /// Records that the person of this flow refused it, or that it can't be allowed.
    pub write guard deny_device(device: DeviceAuthorizationId, flow: FlowId, now: Timestamp) =
        "UPDATE device_authorization SET denied_at = $4
          WHERE tenant_id = $1 AND device_id = $2 AND flow_id = $3
            AND denied_at IS NULL AND grant_id IS NULL AND expires_at > $4";

    /// By what the device holds, with what holds now of what was allowed.
    pub read opt device_code(hash: DeviceCodeHash) -> DeviceFacts =
        concat!("SELECT d.device_id, d.client_id AS device_client, d.denied_at, d.poll_interval, d.polled_at,
                        d.expires_at AS device_expires_at, d.redeemed_at, ", grant_columns!(),
                " FROM device_authorization d
                 LEFT JOIN grant_record g ON g.tenant_id = d.tenant_id AND g.grant_id = d.grant_id ", standing_joins!(),
                "WHERE d.tenant_id = $1 AND d.device_code_hash = $2");

    /// Notes that the device asked, and how many seconds it must wait from now on.
    pub write exec note_device_poll(hash: DeviceCodeHash, interval: u32, now: Timestamp) =
        "UPDATE device_authorization SET poll_interval = $3, polled_at = $4 WHERE tenant_id = $1 AND device_code_hash = $2";

    /// Spends a device code. Of two redemptions at once, one gets true.
    pub write guard spend_device_code(hash: DeviceCodeHash, now: Timestamp) =
        "UPDATE device_authorization SET redeemed_at = $3
          WHERE tenant_id = $1 AND device_code_hash = $2 AND grant_id IS NOT NULL AND redeemed_at IS NULL
            AND expires_at > $3";
}
