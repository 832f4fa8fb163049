//! `POST /oauth/device_authorization` (RFC 8628 section 3.1), and the flow in which a person answers what a device asks.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};
use identity::{Actor, BrowserRecord, Event, EventKind};
use oidc::authorize::{IdTokenHint, Interaction, NextStep, Offered};
use oidc::client::Client;
use oidc::device::{DeviceRefusal, DeviceRequest, UserCode};
use oidc::discovery::path;
use oidc::params::{self, Parameters};
use serde_json::json;
use store::devices::DeviceAuthorization;
use store::flows::{Flow, FlowKind};
use store::{Fault, Tx, write_tx};
use terms::{ClientId, DeviceAuthorizationId, DeviceCode, EventId, GrantId, Timestamp, limits};

use super::authorize::{
    Pending, claim, decide, insert_grant, issuer_as_resource, named_resources, new_grant, page_of,
};
use super::caller;
use super::respond::{self, Problem};
use crate::error::Failure;
use crate::pages::error::Problem as PageProblem;
use crate::pages::{Stop, see_other, with_cookie};
use crate::rate_limits::Limit;
use crate::request::Site;

/// How many user codes are tried before it is given up: with the codes of a whole day in the table, one hardly ever is taken.
const TRIES: usize = 4;

/// The handler of the endpoint.
pub async fn begin(site: Site, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match answer(&site, &headers, body).await {
        Ok(response) => response,
        Err(Problem::Refusal(refusal)) => {
            respond::error(&site.tenant, refusal.code(), &refusal.description())
        }
        Err(Problem::TooOften(wait)) => respond::too_often(&site, wait),
        Err(Problem::Failure(failure)) => axum::response::IntoResponse::into_response(failure),
    }
}

async fn answer(
    site: &Site,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem<DeviceRefusal>> {
    let now = site.app.clock.now();
    let malformed = |error| Problem::Refusal(DeviceRefusal::Form(error));
    let form = caller::form(headers, body).map_err(malformed)?;
    let believed = caller::client(site, headers, &form, now, DeviceRefusal::Client).await?;
    let client = believed.client();
    let parameters = DeviceRequest::kept(&client.id, &form).map_err(malformed)?;
    validate(site, client, &parameters).await?.map_err(Problem::Refusal)?;
    // Whoever names a client that anybody can name makes a row, and one more code that others could guess.
    if client.is_public() {
        site.count(Limit::Starts).map_err(Problem::TooOften)?;
    }
    let device = DeviceAuthorization {
        id: site.app.entropy.id(DeviceAuthorizationId::new, now),
        client: client.id.clone(),
        parameters,
        browser: None,
        flow: None,
        denied_at: None,
        grant: None,
        created_at: now,
        expires_at: now.plus(limits::DEVICE_CODE_LIFETIME),
    };
    let device_code = site.app.entropy.secret(DeviceCode::new);
    let user_code = store(site, &device, &device_code).await?;
    let verification_uri = site.tenant.url(path::DEVICE);
    let shown = user_code.shown();
    // RFC 8628 section 3.2.
    let body = json!({
        "device_code": device_code.reveal(),
        "user_code": shown,
        "verification_uri": verification_uri,
        "verification_uri_complete": format!("{verification_uri}?{}", params::encode([("user_code", shown.as_str())])),
        "expires_in": limits::DEVICE_CODE_LIFETIME.as_secs(),
        "interval": limits::DEVICE_POLL_INTERVAL.as_secs(),
    });
    Ok(respond::json(StatusCode::OK, body))
}

/// Stores it under a user code that nobody else has.
async fn store(
    site: &Site,
    device: &DeviceAuthorization,
    device_code: &DeviceCode,
) -> Result<UserCode, Fault> {
    let codes = [(); TRIES].map(|()| UserCode::new(site.app.entropy.bytes()));
    let interval = u32::try_from(limits::DEVICE_POLL_INTERVAL.as_secs()).unwrap_or(u32::MAX);
    let free = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<Option<UserCode>, Fault> {
        for code in codes {
            if tx
                .insert_device(device_code.hash(), site.tenant.user_code_hash(&code), interval, device)
                .await?
            {
                return Ok(Some(code));
            }
        }
        Ok(None)
    })?;
    free.ok_or_else(|| Fault::busy(format!("find a free user code for {}", device.id)))
}

/// Gathers what the validation needs, and validates.
async fn validate(
    site: &Site,
    client: &Client,
    parameters: &Parameters,
) -> Result<Result<DeviceRequest, DeviceRefusal>, Failure> {
    let issuer = issuer_as_resource(site)?;
    let registered = named_resources(site, parameters).await?;
    let offered = Offered {
        issuer: &issuer,
        registered: &registered,
        sign_up: site.offers_sign_up(),
        legacy: site.tenant.legacy_clients(),
    };
    Ok(DeviceRequest::validate(parameters, client, &offered))
}

/// What a device asks a person for, in these parameters that were kept. `None`: its client may ask for it no longer.
pub(super) async fn understand(site: &Site, parameters: &Parameters) -> Result<Option<Pending>, Failure> {
    let Site { app, tenant, .. } = site;
    let Some(id) = parameters.get("client_id").and_then(|id| id.parse::<ClientId>().ok()) else {
        return Ok(None);
    };
    let Some(client) = app.client(tenant, &id).await? else { return Ok(None) };
    let Ok(request) = validate(site, &client, parameters).await? else { return Ok(None) };
    let naming = app.naming(tenant, &client).await?;
    Ok(Some(Pending { ask: request.ask(), client, naming, hint: IdTokenHint::Absent }))
}

/// What a command needs that may be run again: made before it.
struct Prepared {
    grant: GrantId,
    event: EventId,
    address: IpAddr,
    now: Timestamp,
}

/// How the command ended.
enum Step {
    Interact(Interaction),
    /// What the person said is recorded, for the device to fetch.
    Answered,
    Stale,
}

/// Takes the flow's next step: shows a page, or records the answer. Every page of the flow returns here.
pub(super) async fn go_on(
    site: &Site,
    stored: Option<Flow>,
    browser: &BrowserRecord,
    cookie: Option<HeaderValue>,
    now: Timestamp,
) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = site;
    let flow = claim(site, stored, &[FlowKind::Device], browser, now).await?;
    let pending = understand(site, &flow.parameters).await?;
    let prepared = Prepared {
        grant: app.entropy.id(GrantId::new, now),
        event: app.entropy.id(EventId::new, now),
        address: site.address,
        now,
    };
    let step = write_tx!(app.store, tenant.id, |tx| -> Result<Step, Fault> {
        take_step(tx, pending.as_ref(), browser, &flow, &prepared).await
    })?;
    let response = match (step, &pending) {
        (Step::Interact(interaction), Some(pending)) => {
            see_other(tenant, &page_of(interaction, flow.id, &pending.ask))
        }
        (Step::Answered, pending) => {
            if let Some(pending) = pending.as_ref().filter(|it| it.client.use_is_noteworthy(now)) {
                app.forget_client(tenant.id, &pending.client.id);
            }
            see_other(tenant, &format!("{}/done?flow={}", path::DEVICE, flow.id))
        }
        (Step::Interact(_), None) | (Step::Stale, _) => return Err(PageProblem::Stale.stop(site)),
    };
    Ok(with_cookie(response, cookie))
}

async fn take_step(
    tx: &mut Tx,
    pending: Option<&Pending>,
    browser: &BrowserRecord,
    flow: &Flow,
    prepared: &Prepared,
) -> Result<Step, Fault> {
    let now = prepared.now;
    let Some(device) = tx.device_of_flow(flow.id).await?.filter(|device| device.is_open(now)) else {
        return Ok(Step::Stale);
    };
    let Some(pending) = pending else { return deny(tx, &device, browser, flow, prepared).await };
    let decided = decide(tx, pending, Some(browser), Some(flow.id), now).await?;
    let Some((step, sessions)) = decided else { return Ok(Step::Stale) };
    let issue = match step {
        NextStep::Interact(interaction) => return Ok(Step::Interact(interaction)),
        NextStep::Refuse(_) => return deny(tx, &device, browser, flow, prepared).await,
        NextStep::Issue(issue) => issue,
    };
    let session = sessions.into_iter().find(|(fact, _, _)| fact.id == issue.session);
    let Some((_, session, user)) = session else { return Ok(Step::Stale) };
    if !tx.complete_flow(flow.id, browser.id, now).await? {
        return Ok(Step::Stale);
    }
    let grant = new_grant(prepared.grant, pending, issue, (&session, &user.subject), now);
    insert_grant(tx, &pending.client, &grant).await?;
    if !tx.approve_device(device.id, flow.id, grant.id, now).await? {
        // It was open within this very transaction, so nobody can have come between.
        return Err(Fault::busy(format!("approve {}", device.id)));
    }
    tx.use_session(browser.id, &pending.client.id, session.id, now).await?;
    let event = Event::new(prepared.event, EventKind::GrantCreated, Actor::User(grant.user), now)
        .from_address(prepared.address);
    let event = event.about(grant.id).with_client(&grant.client).with_session(grant.session);
    tx.append_event(&event.with("device", device.id)).await?;
    Ok(Step::Answered)
}

/// The person refused, or what is asked can't be allowed to anybody: the device is told either way.
async fn deny(
    tx: &mut Tx,
    device: &DeviceAuthorization,
    browser: &BrowserRecord,
    flow: &Flow,
    prepared: &Prepared,
) -> Result<Step, Fault> {
    let now = prepared.now;
    if !tx.complete_flow(flow.id, browser.id, now).await? || !tx.deny_device(device.id, flow.id, now).await? {
        return Ok(Step::Stale);
    }
    let event = Event::new(prepared.event, EventKind::DeviceDenied, Actor::Browser(browser.id), now)
        .from_address(prepared.address);
    tx.append_event(&event.about(device.id).with_client(&device.client).with_flow(flow.id)).await?;
    Ok(Step::Answered)
}
