//! The frame around every request: its id, its log line, its tenant, the headers that every answer has.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    USER_AGENT, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use identity::{Device, UserAgent};
use oidc::params::Parameters;
use terms::Language;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::app::App;
use crate::error::Notice;
use crate::language::{self, Spoken};
use crate::locale::Texts;
use crate::tenant::Tenant;
use crate::{browser, place};

/// What a handler works for: the server and the tenant that the request found.
#[derive(Clone)]
pub struct Site {
    pub app: Arc<App>,
    pub tenant: Arc<Tenant>,
    /// The client's address: the connection's other end, or whom the trusted proxies name.
    pub address: IpAddr,
    /// Whether no rate limit applies to this request.
    pub is_spared: bool,
    /// What the browser says of itself, if it is fit to be shown.
    pub user_agent: Option<UserAgent>,
    /// The texts in the language of whoever asks.
    pub texts: &'static Texts,
    /// The language that the person chose in this browser. Who chose one is spoken to in no other.
    pub chosen_language: Option<Language>,
    /// The page that this request shows, as a path of the tenant: where the choice of a language leads back to.
    pub here: String,
    spoken: Spoken,
}

impl Site {
    /// Whether people make accounts here themselves.
    pub fn offers_sign_up(&self) -> bool {
        self.app.offers_sign_up(&self.tenant)
    }

    /// From where a session would be signed in to by this request.
    pub fn device(&self) -> Device {
        Device { address: Some(self.address), user_agent: self.user_agent.clone() }
    }

    /// Speaks the language that a relying party asks for in `ui_locales`, unless the person chose one (OpenID Connect Core
    /// section 3.1.2.1, RP-Initiated Logout section 2).
    pub fn heed(&mut self, parameters: &Parameters) {
        let asked = parameters.get("ui_locales").and_then(language::of_ui_locales);
        if let (None, Some(asked)) = (self.chosen_language, asked) {
            self.speak(asked);
        }
    }

    /// Answers this request in that language.
    pub fn speak(&mut self, language: Language) {
        self.texts = Texts::of(language);
        self.spoken.set(language);
    }
}

/// The language that the person chose in the browser that asks.
#[derive(Clone, Copy, Debug)]
struct Chosen(Language);

/// The other end of the connection that a request came by. Every connection has one; the tests of single handlers have
/// none, and are then taken to come from this machine.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Who sent the request; beside the tenant, in every request that has one.
#[derive(Clone, Copy)]
struct ClientAddress(IpAddr);

impl FromRequestParts<Arc<App>> for Site {
    type Rejection = Notice;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Notice> {
        let tenant = parts.extensions.get::<Arc<Tenant>>().ok_or(Notice::UNKNOWN_HOST)?;
        let ClientAddress(address) = *parts.extensions.get().ok_or(Notice::UNKNOWN_HOST)?;
        // The tests of single handlers have no frame around them.
        let spoken = parts.extensions.get::<Spoken>().cloned().unwrap_or_default();
        let chosen_language = parts.extensions.get::<Chosen>().map(|chosen| chosen.0);
        let here = if parts.method == Method::GET { place::of(&parts.uri) } else { place::START.to_owned() };
        let texts = Texts::of(spoken.get());
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = user_agent.and_then(UserAgent::parse);
        let is_spared = app.rate_limits.spares(address, &parts.headers);
        let (app, tenant) = (Arc::clone(app), Arc::clone(tenant));
        Ok(Self { app, tenant, address, is_spared, user_agent, texts, chosen_language, here, spoken })
    }
}

/// The id by which a request is found in the log. Ours only: an id that the caller sends is not taken.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Marks the answer of a page that is made to stand in the pages of other sites. There is one.
#[derive(Clone, Copy, Debug)]
pub struct Framed;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Outermost: names the request, logs it without its query, and gives notices their form.
pub async fn frame(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = app.entropy.hex::<8>();
    let started = Instant::now();
    let method = request.method().clone();
    let as_page = takes_html(request.headers());
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(RequestId(id.clone()));
    let spoken = Spoken::new(language::of_browser(request.headers()).unwrap_or(Language::ALL[0]));
    request.extensions_mut().insert(spoken.clone());
    async {
        let mut response = next.run(request).await;
        let notice = response.extensions().get::<Notice>().copied();
        // The layer that limits bodies knows nothing of notices.
        let notice = notice
            .or_else(|| (response.status() == StatusCode::PAYLOAD_TOO_LARGE).then_some(Notice::TOO_LARGE));
        if let Some(notice) = notice {
            let route = response.extensions_mut().remove::<MatchedPath>();
            response = notice.render(as_page, &id, Texts::of(spoken.get()));
            route.map(|route| response.extensions_mut().insert(route));
        }
        language::label(response.headers_mut(), spoken.get());
        let took = started.elapsed();
        let route = response.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        app.metrics.answered(&method, route, response.status(), took);
        tracing::info!(status = response.status().as_u16(), millis = took.as_millis(), "answered");
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        let is_framed = response.extensions().get::<Framed>().is_some();
        default_headers(response.headers_mut(), is_framed);
        response
    }
    .instrument(span)
    .await
}

/// Tells the frame, which stands before the routes, which of them was found.
pub async fn tell_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

/// Finds the tenant, and takes the part that named it out of the path, before the routes are asked.
pub async fn find_tenant(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(authority) = authority(&request) else {
        return Notice::AMBIGUOUS_HOST.into_response();
    };
    let loaded = app.tenants.load_full();
    let directory = &loaded.directory;
    let Some((tenant, routed)) = directory.resolve(&authority, request.uri().path()) else {
        // Health is asked by address, by whatever watches this process.
        return next.run(request).await;
    };
    if !loaded.is_fresh() {
        return Notice::BUSY.into_response();
    }
    let peer = request.extensions().get::<Peer>().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip());
    let Ok(client) = app.config.trusted_proxies.client(peer, request.headers()) else {
        tracing::error!("a trusted proxy's X-Forwarded-For ends in something that is no address");
        return Notice::AMBIGUOUS_CLIENT.into_response();
    };
    if routed.changed {
        let path = routed.path.to_owned();
        if let Some(uri) = with_path(request.uri(), &path) {
            *request.uri_mut() = uri;
        }
    }
    if let Some(chosen) = browser::chosen_language(&tenant, request.headers()) {
        if let Some(spoken) = request.extensions().get::<Spoken>() {
            spoken.set(chosen);
        }
        request.extensions_mut().insert(Chosen(chosen));
    }
    let secure = tenant.issuer.is_https();
    let state = browser::StateKeeper::for_request(&tenant, &request);
    request.extensions_mut().insert(Arc::clone(&tenant));
    request.extensions_mut().insert(ClientAddress(client));
    let mut response = next.run(request).await;
    if let Some(state) = state {
        state.keep(&tenant, response.headers_mut());
    }
    if secure {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().entry(STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
    response
}

/// Refuses what only a tenant can answer. There is no default tenant for an unknown host.
pub async fn require_tenant(request: Request, next: Next) -> Response {
    if request.extensions().get::<Arc<Tenant>>().is_none() {
        return Notice::UNKNOWN_HOST.into_response();
    }
    next.run(request).await
}

/// RFC 9112 section 3.2: exactly one Host header; a target in absolute form overrides it (section 3.2.2).
fn authority(request: &Request) -> Option<String> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => host.to_str().ok().map(str::to_owned),
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// Whether a person's browser asks: those name `text/html` when they navigate.
fn takes_html(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// The strict answer wherever a handler doesn't say otherwise.
fn default_headers(headers: &mut HeaderMap, is_framed: bool) {
    const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
        ),
    ];
    for (name, value) in DEFAULTS {
        if name != X_FRAME_OPTIONS || !is_framed {
            headers.entry(name).or_insert(value);
        }
    }
}
