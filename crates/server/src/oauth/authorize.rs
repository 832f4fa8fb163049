//! `/oauth/authorize`: an authorization request, from its coming to its answer.
//!
//! Each page returns to `/oauth/authorize/continue`, where the next step is asked for anew, over what then holds. The
//! request's parameters are validated anew as well, since the client may have changed meanwhile.

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, HeaderValue};
use identity::{Actor, BrowserRecord, Event, EventKind, Session, User};
use oidc::authorize::{
    self, Ask, AuthorizationRequest, AuthorizeRefusal, Facts, FlowFact, IdTokenHint, Interaction, Issue,
    Issued, IssuedAccessToken, NextStep, Offered, PageReason, SessionFact, next_step,
};
use oidc::client::{Client, ResponseType};
use oidc::grant::{Approved, Authentication, Grant, IssuedCode, Wish, approve_front_channel};
use oidc::id_token::verify_hint;
use oidc::params::Parameters;
use oidc::request_object::PlainRequest;
use oidc::resource_server::{ResourceIdentifier, ResourceServer};
use oidc::response_mode::{AuthorizeResponse, Delivery};
use oidc::subject::Naming;
use std::net::IpAddr;
use std::sync::Arc;
use store::flows::{Flow, FlowKind};
use store::sessions::{BrowserInFull, Presence};
use store::{Fault, Read, Tx, write_guarded, write_one};
use terms::{
    AuthorizationCode, BrowserHandleHash, EventId, FlowId, GrantId, SessionId, Subject, Timestamp, limits,
};

use super::request_object::{Arrived, arrive};
use super::{device, issue};
use crate::app::App;
use crate::browser::{self, Minted};
use crate::client_keys::{Envelope, NoRecipient, envelope};
use crate::error::Failure;
use crate::pages::error::{Problem, request_refused, too_often};
use crate::pages::{Stop, Visit, account, form_body, form_post, see_other, with_cookie};
use crate::rate_limits::Limit;
use crate::request::Site;

/// `GET /oauth/authorize` (RFC 6749 section 4.1.1).
pub async fn show(mut site: Site, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, Stop> {
    let now = site.app.clock.now();
    let parameters = match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => parameters,
        Err(error) => return refusal(&site, AuthorizeRefusal::Page(PageReason::Malformed(error))),
    };
    let (asked, is_counted) = match receive(&mut site, parameters, now).await? {
        Ok(received) => received,
        Err(refused) => return refusal(&site, refused),
    };
    if !is_counted && !asked.request.prompt.none {
        site.count(Limit::Starts).map_err(|wait| too_often(&site, wait))?;
    }
    let handle = browser::presented_hash(&site.tenant, &headers);
    Box::pin(advance(&site, &asked, handle, None, now)).await
}

/// Understands a request that has just come, and speaks its language; says too whether it was counted.
async fn receive(
    site: &mut Site,
    parameters: Parameters,
    now: Timestamp,
) -> Result<Result<(Asked, bool), AuthorizeRefusal>, Stop> {
    site.heed(&parameters);
    let Arrived { request, is_counted } = match arrive(site, parameters, now).await? {
        Ok(arrived) => arrived,
        Err(refused) => return Ok(Err(refused)),
    };
    site.heed(request.parameters());
    Ok(understand(site, request).await?.map(|asked| (asked, is_counted)))
}

/// `POST /oauth/authorize` (OpenID Connect Core section 3.1.2.1).
///
/// A form of another site brings no cookie, so who asks is seen only at the next request, which our own redirect makes.
pub async fn store_and_go_on(
    State(app): State<Arc<App>>,
    mut site: Site,
    request: Request,
) -> Result<Response, Stop> {
    let now = app.clock.now();
    let Some(body) = form_body(request, &app).await else { return Err(Problem::Request.stop(&site)) };
    let parameters = match Parameters::parse(&body) {
        Ok(parameters) => parameters,
        Err(error) => return refusal(&site, AuthorizeRefusal::Page(PageReason::Malformed(error))),
    };
    let (asked, is_counted) = match receive(&mut site, parameters, now).await? {
        Ok(received) => received,
        Err(refused) => return refusal(&site, refused),
    };
    if !is_counted {
        site.count(Limit::Starts).map_err(|wait| too_often(&site, wait))?;
    }
    let flow = new_flow(&site, FlowKind::Authorize, asked.parameters, None, now);
    write_one!(app.store, site.tenant.id, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })?;
    Ok(see_other(&site.tenant, &continue_path(flow.id)))
}

/// Where a flow's next step is asked for.
pub(crate) fn continue_path(flow: FlowId) -> String {
    format!("/oauth/authorize/continue?flow={flow}")
}

/// `GET /oauth/authorize/continue`: every page of a flow returns here.
pub async fn go_on(visit: Visit) -> Result<Response, Stop> {
    let Some(flow) = visit.flow()? else { return Err(Problem::Request.stop(&visit.site)) };
    let (browser, cookie) = visit.known_browser().await?;
    let stored = visit.named.flow(&visit.site, flow).await?;
    match stored.as_ref().map(|stored| stored.kind) {
        Some(FlowKind::Account) => {
            return account::arrive(&visit.site, flow, &browser, cookie, visit.now).await;
        }
        Some(FlowKind::Device) => {
            return Box::pin(device::go_on(&visit.site, stored, &browser, cookie, visit.now)).await;
        }
        Some(FlowKind::Authorize | FlowKind::EndSession) | None => {}
    }
    let flow = claim(&visit.site, stored, &[FlowKind::Authorize], &browser, visit.now).await?;
    let asked = match understand_waiting(&visit.site, flow.parameters).await? {
        Ok(asked) => asked,
        Err(refused) => return refusal(&visit.site, refused),
    };
    let handle = Some(browser.handle_hash);
    let response = Box::pin(advance(&visit.site, &asked, handle, Some(flow.id), visit.now)).await?;
    Ok(with_cookie(response, cookie))
}

/// A flow that has just begun.
pub(crate) fn new_flow(
    site: &Site,
    kind: FlowKind,
    parameters: Parameters,
    browser: Option<&BrowserRecord>,
    now: Timestamp,
) -> Flow {
    Flow {
        id: site.app.entropy.id(FlowId::new, now),
        kind,
        parameters,
        browser: browser.map(|browser| browser.id),
        session: None,
        consented: None,
        denied_at: None,
        created_at: now,
        expires_at: now.plus(limits::FLOW_LIFETIME),
        completed_at: None,
    }
}

/// The flow, if it is of this kind, open, and this browser's. One that has no browser yet becomes the first one's that comes.
pub(crate) async fn claim_flow(
    site: &Site,
    id: FlowId,
    kind: FlowKind,
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Flow, Stop> {
    let stored = site.app.store.read(site.tenant.id).flow(id).await?;
    claim(site, stored, &[kind], browser, now).await
}

/// The same for a flow that was read in this request.
pub(super) async fn claim(
    site: &Site,
    stored: Option<Flow>,
    kinds: &[FlowKind],
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Flow, Stop> {
    let Site { app, tenant, .. } = site;
    let open = |flow: &Flow| {
        kinds.contains(&flow.kind) && flow.completed_at.is_none() && !flow.expires_at.has_passed(now)
    };
    let stale = || Problem::Stale.stop(site);
    let mut flow = stored.filter(open).ok_or_else(stale)?;
    if flow.browser.is_none() {
        let bound = write_one!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
            tx.bind_flow(flow.id, browser.id).await
        })?;
        flow.browser = bound.then_some(browser.id);
    }
    // Whoever brings another browser's flow could have begun it to have this person end it (session fixation, OWASP ASVS 5.0
    // section 7.2).
    if flow.browser == Some(browser.id) { Ok(flow) } else { Err(stale()) }
}

/// What waits for a person in a client's name, by whatever way it came, with all that doesn't change meanwhile.
pub(crate) struct Pending {
    pub client: Arc<Client>,
    pub ask: Ask,
    /// By what names the client knows people.
    pub naming: Naming,
    pub hint: IdTokenHint,
}

/// What a flow of this browser asks a person for. `None`: its request is good no longer, as the next step will tell.
pub(crate) async fn pending_in(
    site: &Site,
    flow: FlowId,
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Option<Pending>, Stop> {
    let stored = site.app.store.read(site.tenant.id).flow(flow).await?;
    let flow = claim(site, stored, &FlowKind::OF_CLIENTS, browser, now).await?;
    Ok(match flow.kind {
        FlowKind::Device => device::understand(site, &flow.parameters).await?,
        FlowKind::Authorize | FlowKind::EndSession | FlowKind::Account => {
            understand_waiting(site, flow.parameters).await?.ok().map(|asked| asked.pending)
        }
    })
}

/// An authorization request that is understood.
struct Asked {
    parameters: Parameters,
    request: AuthorizationRequest,
    pending: Pending,
}

/// Understands a request again that waits. What it said in an object was opened when it came, and isn't opened again.
async fn understand_waiting(
    site: &Site,
    parameters: Parameters,
) -> Result<Result<Asked, AuthorizeRefusal>, Failure> {
    let broken = || Fault::new("a flow keeps a request object that was never opened");
    let request = PlainRequest::of(parameters).map_err(|_| broken())?;
    understand(site, request).await
}

/// Gathers what the validation needs, and validates.
async fn understand(site: &Site, request: PlainRequest) -> Result<Result<Asked, AuthorizeRefusal>, Failure> {
    let Site { app, tenant, .. } = site;
    let parameters = request.parameters();
    let client = match authorize::client_id(parameters) {
        Ok(id) => app.client(tenant, &id).await?,
        Err(reason) => return Ok(Err(AuthorizeRefusal::Page(reason))),
    };
    let issuer = issuer_as_resource(site)?;
    let registered = named_resources(site, parameters).await?;
    let sign_up = app.offers_sign_up(tenant);
    let offered =
        Offered { issuer: &issuer, registered: &registered, sign_up, legacy: tenant.legacy_clients() };
    let validated = match authorize::validate(&request, client.as_deref(), &offered) {
        Ok(validated) => validated,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(client) = client else { return Ok(Err(AuthorizeRefusal::Page(PageReason::ClientUnknown))) };
    let hint = match parameters.get("id_token_hint") {
        None => IdTokenHint::Absent,
        Some(token) => {
            let keys = app.keys(tenant).await?;
            let verified = verify_hint(token, &keys.set, tenant.issuer.as_str(), Some(&client.id));
            verified.map_or(IdTokenHint::Invalid, |hint| IdTokenHint::Of(hint.subject().clone()))
        }
    };
    let naming = app.naming(tenant, &client).await?;
    let pending = Pending { ask: validated.ask(&client), client, naming, hint };
    Ok(Ok(Asked { parameters: request.into_parameters(), request: validated, pending }))
}

/// The built-in resource server's identifier.
pub(super) fn issuer_as_resource(site: &Site) -> Result<ResourceIdentifier, Failure> {
    site.tenant.issuer.as_str().parse().map_err(Failure::new)
}

/// Those of the named resource servers that exist. More than a request may name aren't looked for: it will be refused.
pub(super) async fn named_resources(
    site: &Site,
    parameters: &Parameters,
) -> Result<Vec<ResourceIdentifier>, Fault> {
    let named = parameters.all("resource").take(limits::RESOURCES);
    let mut named: Vec<ResourceIdentifier> = named.filter_map(|text| text.parse().ok()).collect();
    if !named.is_empty() {
        let servers = site.app.resource_servers(&site.tenant).await?;
        named.retain(|identifier| servers.get(identifier).is_some());
    }
    Ok(named)
}

/// Answers a refusal: to the client, or to the person.
fn refusal(site: &Site, refused: AuthorizeRefusal) -> Result<Response, Stop> {
    match refused.into_response(site.tenant.issuer.as_str()) {
        Ok(response) => deliver(site, response),
        Err(reason) => request_refused(site, &reason.description()),
    }
}

/// Sends a response to its client by way of the browser.
fn deliver(site: &Site, response: AuthorizeResponse) -> Result<Response, Stop> {
    match response.deliver() {
        // RFC 9700 section 4.12: 303, so that a browser never sends a form on.
        Delivery::Redirect(location) => Ok(Redirect::to(&location).into_response()),
        Delivery::Post { to, fields } => form_post::to(site, to, fields),
    }
}

/// A browser as the decision sees it.
struct Met {
    /// As the request knows it.
    browser: BrowserRecord,
    /// Its live sessions that the request may use, of users who may use their account.
    sessions: Vec<(SessionFact, Session, User)>,
    /// The session that the client used last.
    last_used: Option<SessionId>,
}

/// The sessions of a browser as the decision sees them: the live ones, of users who may use their account.
pub(crate) async fn session_facts(
    read: &mut Read,
    browser: &BrowserRecord,
    pending: &Pending,
    now: Timestamp,
) -> Result<Vec<(SessionFact, Session, User)>, Fault> {
    let handle = browser.handle_hash;
    let (found, _) = read.browser_in_full(Some(handle), &pending.client.id, None).await?;
    Ok(found.and_then(|found| meet(found, handle, pending, now)).map_or_else(Vec::new, |met| met.sessions))
}

/// The browser, if this handle reaches it. Read within a transaction it is as of a rotation that was committed since the request
/// began.
fn meet(found: BrowserInFull, handle: BrowserHandleHash, pending: &Pending, now: Timestamp) -> Option<Met> {
    let reach = found.browser.reach(handle, now)?;
    let mut sessions = Vec::new();
    for Presence { session, user, consented } in found.present {
        if !session.is_live(now) || !found.browser.may_use(reach, &session) || !user.is_enabled() {
            continue;
        }
        let verified = user.emails.iter().filter(|email| email.verified_at.is_some());
        let fact = SessionFact {
            id: session.id,
            user: user.id,
            subject: pending.naming.subject(&user.subject),
            addresses: verified.map(|email| email.address.canonical().clone()).collect(),
            username: user.username.clone(),
            auth_time: session.auth_time(),
            acr: session.acr().to_owned(),
            consented,
        };
        sessions.push((fact, session, user));
    }
    let browser = BrowserRecord { handle_hash: handle, ..found.browser };
    Some(Met { browser, sessions, last_used: found.last_used })
}

/// A flow's record, as the decision sees it.
fn flow_fact(flow: &Flow) -> FlowFact {
    FlowFact {
        created_at: flow.created_at,
        chosen: flow.session,
        consented: flow.consented.clone(),
        denied: flow.denied_at.is_some(),
    }
}

/// Reads what holds at this moment, and decides. `None`: the flow ended meanwhile.
pub(crate) async fn decide(
    read: &mut Read,
    pending: &Pending,
    browser: Option<&BrowserRecord>,
    flow: Option<FlowId>,
    now: Timestamp,
) -> Result<Option<(NextStep, Vec<(SessionFact, Session, User)>)>, Fault> {
    let handle = browser.map(|browser| browser.handle_hash);
    let decided = decide_of(read, pending, handle, flow, now).await?;
    Ok(decided.map(|(step, met)| (step, met.map_or_else(Vec::new, |met| met.sessions))))
}

/// The same, with the browser that the handle reaches, if it reaches one.
async fn decide_of(
    read: &mut Read,
    pending: &Pending,
    handle: Option<BrowserHandleHash>,
    flow: Option<FlowId>,
    now: Timestamp,
) -> Result<Option<(NextStep, Option<Met>)>, Fault> {
    let (found, named) = match (handle, flow) {
        (None, None) => (None, None),
        _ => read.browser_in_full(handle, &pending.client.id, flow).await?,
    };
    let flow = match (flow, named.filter(|flow| flow.completed_at.is_none())) {
        (Some(_), None) => return Ok(None),
        (_, named) => named.as_ref().map(flow_fact),
    };
    let met = handle.zip(found).and_then(|(handle, found)| meet(found, handle, pending, now));
    let sessions = met.iter().flat_map(|met| &met.sessions);
    let facts: Vec<SessionFact> = sessions.map(|(fact, _, _)| fact.clone()).collect();
    let step = next_step(&Facts {
        ask: &pending.ask,
        client: &pending.client,
        hint: &pending.hint,
        sessions: &facts,
        last_used: met.as_ref().and_then(|met| met.last_used),
        flow: flow.as_ref(),
        now,
    });
    Ok(Some((step, met)))
}

/// What a command needs that may be run again: made before it.
struct Prepared {
    flow: Flow,
    /// The browser that asks, if it isn't known and a page must be bound to it.
    newcomer: Minted,
    grant: GrantId,
    code: AuthorizationCode,
    token: issue::Minted,
    /// The form of the ID token, if the answer has one.
    envelope: Option<Envelope>,
    event: EventId,
    /// The issuer, as the built-in resource server is called.
    issuer: ResourceIdentifier,
    /// The resource server that an access token in the answer is for, if it is still there.
    audience: Option<ResourceServer>,
    address: IpAddr,
    now: Timestamp,
}

/// How the command ended.
enum Advanced {
    /// What the answer holds is recorded; with what was approved for tokens in it.
    Issued(Option<Box<Approved>>),
    Interact(Interaction, FlowId),
    Refused(authorize::AuthorizeError),
    Stale,
    /// The session or the consent that was decided by has ended since it was read: nothing was done.
    Overtaken,
}

impl Taken {
    /// Of a browser that was known, or is left unknown.
    fn of(advanced: Advanced, known: Option<BrowserHandleHash>) -> Self {
        Self { advanced, known, is_newcomer: false }
    }
}

/// How the command ended, and for whom.
struct Taken {
    advanced: Advanced,
    /// The handle of a browser that was known.
    known: Option<BrowserHandleHash>,
    /// Whether the browser that asks was made known.
    is_newcomer: bool,
}

/// Takes the next step: issues a code, shows a page, or refuses.
async fn advance(
    site: &Site,
    asked: &Asked,
    handle: Option<BrowserHandleHash>,
    flow: Option<FlowId>,
    now: Timestamp,
) -> Result<Response, Stop> {
    let Site { app, tenant, .. } = site;
    // An ID token that the client could not have encrypted is refused before anybody is asked for anything.
    let Ok(envelope) = id_token_envelope(site, asked, now).await else {
        let refused = authorize::AuthorizeError::ClientKeyUnavailable;
        return deliver(site, asked.request.refuse(refused, tenant.issuer.as_str()));
    };
    let issuer = issuer_as_resource(site)?;
    let prepared = Prepared {
        flow: new_flow(site, FlowKind::Authorize, asked.parameters.clone(), None, now),
        newcomer: browser::newcomer(app, tenant, now),
        grant: app.entropy.id(GrantId::new, now),
        code: app.entropy.secret(AuthorizationCode::new),
        token: issue::Minted::new(app),
        envelope,
        event: app.entropy.id(EventId::new, now),
        audience: audience(site, &asked.request, &issuer).await?,
        issuer,
        address: site.address,
        now,
    };
    let Taken { advanced, known, is_newcomer } = take(site, asked, handle, flow, &prepared).await?;
    if matches!(advanced, Advanced::Issued(_)) && asked.pending.client.use_is_noteworthy(now) {
        app.forget_client(tenant.id, &asked.pending.client.id);
    }
    let issuer = tenant.issuer.as_str();
    let state = session_state(site, asked, known);
    let with_state = |response: AuthorizeResponse| match &state {
        Some(state) => response.with("session_state", state),
        None => response,
    };
    let response = match advanced {
        Advanced::Issued(approved) => {
            let issued = issued(site, asked, approved.as_deref(), &prepared).await?;
            deliver(site, with_state(asked.request.answer(&issued, issuer)))?
        }
        Advanced::Refused(error) => deliver(site, with_state(asked.request.refuse(error, issuer)))?,
        Advanced::Interact(interaction, flow) => {
            see_other(tenant, &page_of(interaction, flow, &asked.pending.ask))
        }
        Advanced::Stale | Advanced::Overtaken => return Err(Problem::Stale.stop(site)),
    };
    Ok(with_cookie(response, is_newcomer.then_some(prepared.newcomer.cookie)))
}

/// The form of the ID token in the answer. Keys may be fetched here.
async fn id_token_envelope(
    site: &Site,
    asked: &Asked,
    now: Timestamp,
) -> Result<Option<Envelope>, NoRecipient> {
    if !asked.request.response_type.has_id_token() {
        return Ok(None);
    }
    let client = &asked.pending.client;
    Ok(Some(envelope(&site.app, &site.tenant, client, client.id_token_encryption, now).await?))
}

/// By what the client will see that the browser's sign-ins have changed, where the tenant lets it.
fn session_state(site: &Site, asked: &Asked, browser: Option<BrowserHandleHash>) -> Option<String> {
    let handle = browser.filter(|_| site.tenant.has_session_management())?;
    let state = browser::state_of(&site.tenant, handle);
    asked.request.session_state(&state, site.app.entropy.bytes())
}

/// How often it is decided again, when what it was decided by has ended meanwhile.
const TRIES: usize = 20;

/// Takes the step by what holds at this moment.
///
/// It is a command of guards: a flow ends once, and the session and the consent for which a Grant is made are held, so that whoever
/// ends them ends the Grant too. All else that the decision rests on is read again whenever the Grant is used.
async fn take(
    site: &Site,
    asked: &Asked,
    handle: Option<BrowserHandleHash>,
    flow: Option<FlowId>,
    prepared: &Prepared,
) -> Result<Taken, Fault> {
    for _ in 0..TRIES {
        let taken = write_guarded!(site.app.store, site.tenant.id, |tx| -> Result<Taken, Fault> {
            take_step(tx, asked, handle, flow, prepared).await
        })?;
        if !matches!(taken.advanced, Advanced::Overtaken) {
            return Ok(taken);
        }
    }
    // Such as a consent that was given in this flow and taken back elsewhere: the person begins anew.
    Ok(Taken::of(Advanced::Stale, None))
}

async fn take_step(
    tx: &mut Tx,
    asked: &Asked,
    handle: Option<BrowserHandleHash>,
    flow: Option<FlowId>,
    prepared: &Prepared,
) -> Result<Taken, Fault> {
    let now = prepared.now;
    let decided = decide_of(tx, &asked.pending, handle, flow, now).await?;
    let Some((step, met)) = decided else { return Ok(Taken::of(Advanced::Stale, None)) };
    if let Some(met) = &met {
        let due = browser::due(met.sessions.iter().map(|(_, session, _)| session), now);
        browser::note_activity(tx, &due, now).await?;
    }
    let known = met.as_ref().map(|met| met.browser.handle_hash);
    let advanced = match (step, flow, met) {
        (NextStep::Interact(interaction), Some(flow), _) => Advanced::Interact(interaction, flow),
        // A page needs a browser to be bound to; `prompt=none` shows none, and so makes nothing known.
        (NextStep::Interact(interaction), None, met) => {
            let is_newcomer = met.is_none();
            let browser = met.map_or(prepared.newcomer.browser.id, |met| met.browser.id);
            if is_newcomer {
                tx.insert_browser(&prepared.newcomer.browser).await?;
            }
            tx.insert_flow(&Flow { browser: Some(browser), ..prepared.flow.clone() }).await?;
            let advanced = Advanced::Interact(interaction, prepared.flow.id);
            return Ok(Taken { advanced, known, is_newcomer });
        }
        (NextStep::Refuse(error), None, _) => Advanced::Refused(error),
        // The handle that came is no longer in force, so the flow is no longer this request's to end.
        (_, Some(_), None) | (NextStep::Issue(_), None, None) => Advanced::Stale,
        (NextStep::Refuse(error), Some(flow), Some(met)) => {
            let is_ended = tx.complete_flow(flow, met.browser.id, now).await?;
            if is_ended { Advanced::Refused(error) } else { Advanced::Stale }
        }
        (NextStep::Issue(issue), flow, Some(met)) => give(tx, asked, issue, (met, flow), prepared).await?,
    };
    Ok(Taken::of(advanced, known))
}

/// Records what is issued, and ends the flow if there is one.
async fn give(
    tx: &mut Tx,
    asked: &Asked,
    issue: Issue,
    (met, flow): (Met, Option<FlowId>),
    prepared: &Prepared,
) -> Result<Advanced, Fault> {
    let now = prepared.now;
    let is_held = tx.hold_session(issue.session).await?
        && (!issue.by_consent || tx.hold_consent(issue.user, &asked.pending.client.id).await?);
    if !is_held {
        return Ok(Advanced::Overtaken);
    }
    if let Some(flow) = flow
        && !tx.complete_flow(flow, met.browser.id, now).await?
    {
        return Ok(Advanced::Stale);
    }
    let session = met.sessions.into_iter().find(|(fact, _, _)| fact.id == issue.session);
    let Some((_, session, user)) = session else { return Ok(Advanced::Stale) };
    let Some(audience) = &prepared.audience else {
        return Ok(Advanced::Refused(authorize::AuthorizeError::ResourceUnknown));
    };
    record_grant(tx, asked, issue, (&session, &user.subject), prepared).await?;
    if met.last_used != Some(session.id) {
        tx.use_session(met.browser.id, &asked.pending.client.id, session.id, now).await?;
    }
    approve(tx, asked, audience, prepared).await
}

/// The resource server that an access token in the answer is for. `None`: it was taken away meanwhile.
async fn audience(
    site: &Site,
    request: &AuthorizationRequest,
    issuer: &ResourceIdentifier,
) -> Result<Option<ResourceServer>, Fault> {
    match request.resources.as_slice() {
        [one] if one != issuer && request.response_type.has_token() => {
            Ok(site.app.resource_servers(&site.tenant).await?.get(one).cloned())
        }
        _ => Ok(Some(ResourceServer::built_in(issuer.clone()))),
    }
}

/// Takes tokens of the answer through the gate, over what holds in this very transaction, and so for a Grant that was given
/// in it.
async fn approve(
    tx: &mut Tx,
    asked: &Asked,
    audience: &ResourceServer,
    prepared: &Prepared,
) -> Result<Advanced, Fault> {
    let Some(front_channel) = &asked.request.front_channel else { return Ok(Advanced::Issued(None)) };
    let broken = |what: String| Fault::new(format!("approve {}: {what}", prepared.grant));
    let given = tx.grant(prepared.grant).await?.ok_or_else(|| broken("it isn't there".to_owned()))?;
    let wish = Wish { scope: None, audience, nonce: asked.request.nonce.as_deref() };
    let approved = approve_front_channel(front_channel, &given.grant, &given.standing, wish, prepared.now);
    // Decided a moment ago by the same rules: something that it rests on was taken away between.
    let changed = |refusal: oidc::token::TokenRefusal| {
        Fault::busy(format!("approve {}: it changed meanwhile: {}", prepared.grant, refusal.description()))
    };
    let approved = approved.map_err(changed)?;
    if asked.request.response_type.has_token() {
        issue::note_opaque(tx, &approved, prepared.issuer.as_str(), &prepared.token, prepared.now).await?;
    }
    Ok(Advanced::Issued(Some(Box::new(approved))))
}

/// What the answer holds, signed after the commit.
async fn issued(
    site: &Site,
    asked: &Asked,
    approved: Option<&Approved>,
    prepared: &Prepared,
) -> Result<Issued, Failure> {
    let response_type = asked.request.response_type;
    let code = response_type.has_code().then(|| prepared.code.reveal());
    let Some(approved) = approved else { return Ok(Issued { code, ..Issued::default() }) };
    let wanted = issue::Wanted {
        access_token: response_type.has_token(),
        id_token: prepared.envelope.as_ref(),
        code: code.as_deref(),
        without_userinfo: response_type == ResponseType::IdToken,
    };
    let signed =
        issue::sign(site, &asked.pending.client, approved, (&prepared.token, wanted), prepared.now).await?;
    let access_token = signed.access_token.map(|text| IssuedAccessToken {
        text,
        expires_in: approved.audience().access_token_lifetime,
        scope: approved.scope().clone(),
    });
    Ok(Issued { code, access_token, id_token: signed.id_token })
}

/// What a person allowed, as it is recorded.
pub(super) fn new_grant(
    id: GrantId,
    pending: &Pending,
    issue: Issue,
    (session, own_subject): (&Session, &Subject),
    now: Timestamp,
) -> Grant {
    Grant {
        id,
        client: pending.client.id.clone(),
        user: issue.user,
        pairwise_subject: pending.naming.pairwise(own_subject),
        session: session.id,
        // OpenID Connect Core section 11.
        offline: issue.scope.contains(oidc::scope::OFFLINE_ACCESS),
        by_consent: issue.by_consent,
        scope: issue.scope,
        resources: pending.ask.resources.clone(),
        claims: pending.ask.claims.clone(),
        authentication: Authentication {
            time: session.auth_time(),
            methods: session.amr().into_iter().map(str::to_owned).collect(),
            acr: session.acr().to_owned(),
        },
        created_at: now,
        ended_at: None,
    }
}

/// Stores a grant, and about once a day that a client is used that registered itself: unused, those go. Whoever commits it forgets
/// such a client, since what is in memory says otherwise.
pub(super) async fn insert_grant(tx: &mut Tx, client: &Client, grant: &Grant) -> Result<(), Fault> {
    if client.use_is_noteworthy(grant.created_at) {
        tx.note_client_use(&client.id, grant.created_at).await?;
    }
    tx.insert_grant(grant).await
}

/// Records the grant, its code if the answer has one, and what happened.
async fn record_grant(
    tx: &mut Tx,
    asked: &Asked,
    issue: Issue,
    (session, own_subject): (&Session, &Subject),
    prepared: &Prepared,
) -> Result<(), Fault> {
    let (request, now) = (&asked.request, prepared.now);
    let grant = new_grant(prepared.grant, &asked.pending, issue, (session, own_subject), now);
    let code = IssuedCode {
        grant: grant.id,
        // RFC 6749 section 4.1.3: the token request must repeat it exactly when this request had it.
        redirect_uri: request.redirect_uri_named.then(|| request.redirect_uri.as_str().to_owned()),
        code_challenge: request.code_challenge,
        nonce: request.nonce.clone(),
        expires_at: now.plus(limits::AUTHORIZATION_CODE_LIFETIME),
        redeemed_at: None,
    };
    insert_grant(tx, &asked.pending.client, &grant).await?;
    if request.response_type.has_code() {
        tx.insert_authorization_code(prepared.code.hash(), &code).await?;
    }
    let event = Event::new(prepared.event, EventKind::GrantCreated, Actor::User(grant.user), now)
        .from_address(prepared.address);
    tx.append_event(&event.about(grant.id).with_client(&grant.client).with_session(grant.session)).await
}

/// The page where a person does what is asked.
pub(super) fn page_of(interaction: Interaction, flow: FlowId, ask: &Ask) -> String {
    match interaction {
        Interaction::SignIn => match ask.hinted_address() {
            None => format!("/sign-in?flow={flow}"),
            Some(address) => {
                let hint = oidc::params::encode([("login_hint", address.as_written())]);
                format!("/sign-in?flow={flow}&{hint}")
            }
        },
        Interaction::SignUp => format!("/sign-up?flow={flow}"),
        Interaction::SelectAccount => format!("/select-account?flow={flow}"),
        Interaction::Consent(_) => format!("/consent?flow={flow}"),
    }
}

/// Where a page of a flow stands that isn't, or is no longer, what the flow needs.
pub(crate) fn back_to_flow(site: &Site, flow: FlowId, cookie: Option<HeaderValue>) -> Response {
    with_cookie(see_other(&site.tenant, &continue_path(flow)), cookie)
}
