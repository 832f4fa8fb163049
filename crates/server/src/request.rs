//! The frame around every request: its id, its log line, its tenant, the headers that every answer has.

use std::any::Any;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::uri::PathAndQuery;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    USER_AGENT, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use identity::{Device, UserAgent};
use oidc::discovery::path;
use oidc::params::Parameters;
use terms::{Language, limits};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt as _};
use tower_http::catch_panic::{CatchPanic, ResponseForPanic};
use tower_http::limit::{RequestBodyLimit, RequestBodyLimitLayer};
use tower_http::timeout::{Timeout, TimeoutLayer};
use tracing::Instrument as _;

use crate::app::App;
use crate::entropy::RequestIds;
use crate::error::{Failure, Notice};
use crate::language::{self, Spoken};
use crate::listen::Answers;
use crate::locale::Texts;
use crate::oauth::respond;
use crate::tenant::Tenant;
use crate::{browser, health, place};

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
    /// What was asked for; and the page of it, once somebody wanted to know.
    uri: Uri,
    here: OnceLock<String>,
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

    /// The page that this request shows, as a path of the tenant: where the choice of a language leads back to.
    pub fn here(&self) -> &str {
        self.here.get_or_init(|| place::of(&self.uri))
    }

    /// Says that the page which is shown lies elsewhere.
    pub fn set_here(&mut self, place: String) {
        self.here = place.into();
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

/// The other end of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What is known of a request before its handler is asked, carried beside it as one value.
#[derive(Clone)]
struct Arrival {
    tenant: Arc<Tenant>,
    peer: Peer,
    /// Who sent the request.
    address: IpAddr,
    /// The language that the person chose in the browser that asks.
    chosen_language: Option<Language>,
    spoken: Spoken,
}

impl FromRequestParts<Arc<App>> for Peer {
    type Rejection = Notice;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Notice> {
        parts.extensions.get::<Arrival>().map(|arrival| arrival.peer).ok_or(Notice::UNKNOWN_HOST)
    }
}

impl FromRequestParts<Arc<App>> for Site {
    type Rejection = Notice;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Notice> {
        let arrival = parts.extensions.get::<Arrival>().ok_or(Notice::UNKNOWN_HOST)?.clone();
        let Arrival { tenant, address, chosen_language, spoken, .. } = arrival;
        // What was sent is not shown again by going there.
        let here = if parts.method == Method::GET {
            OnceLock::new()
        } else {
            OnceLock::from(place::START.to_owned())
        };
        let uri = parts.uri.clone();
        let texts = Texts::of(spoken.get());
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = user_agent.and_then(UserAgent::parse);
        let is_spared = app.rate_limits.spares(address, &parts.headers);
        let app = Arc::clone(app);
        Ok(Self { app, tenant, address, is_spared, user_agent, texts, chosen_language, uri, here, spoken })
    }
}

/// Marks the answer of a page that is made to stand in the pages of other sites. There is one.
#[derive(Clone, Copy, Debug)]
pub struct Framed;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that answers: the request's frame around the tables of routes.
///
/// It is one function that calls the next, and not a stack of middleware: each layer of that would be allocated, cloned and
/// called through a pointer for every request, which for a cheap one is most of its cost.
#[derive(Clone)]
pub struct Front {
    app: Arc<App>,
    ids: Arc<RequestIds>,
    /// What a tenant answers.
    table: Guarded,
    /// What is answered under any host.
    operations: Guarded,
}

impl Answers for Front {
    async fn answer(&self, request: Request, peer: SocketAddr) -> Response {
        let peer = Peer(peer);
        match self.published(&request, peer) {
            Some(response) => response,
            // On the heap, so that what is asked for most doesn't carry it.
            None => Box::pin(self.framed(request, peer)).await,
        }
    }
}

impl Front {
    pub fn new(app: Arc<App>, table: Router, operations: Router) -> Self {
        let [table, operations] = [table, operations].map(|it| guarded(it, app.config.request_timeout));
        Self { app, ids: Arc::default(), table, operations }
    }

    /// The short way of what is asked for most and is the same for everybody: the documents by which relying parties configure
    /// themselves, once they are in memory. The routes answer the same, with the same headers.
    fn published(&self, request: &Request, peer: Peer) -> Option<Response> {
        if request.method() != Method::GET {
            return None;
        }
        let started = Instant::now();
        let (app, asked) = (&self.app, request.uri().path());
        let (tenant, routed) = app.tenants.resolve_held(authority(request)?, asked)?;
        let (route, mut response) = match routed.path {
            path::JWKS => {
                (path::JWKS, tenant.opened.keys.held(app.clock.now())?.jwks.answer(request.headers()))
            }
            path::OPENID_CONFIGURATION => {
                (path::OPENID_CONFIGURATION, tenant.opened.discovery.get()?.answer(request.headers()))
            }
            path::AUTHORIZATION_SERVER => {
                (path::AUTHORIZATION_SERVER, tenant.opened.discovery.get()?.answer(request.headers()))
            }
            _ => return None,
        };
        // Whom it must refuse, the long way refuses.
        if !app.tenants.is_fresh()
            || app.config.trusted_proxies.client(peer.0.ip(), request.headers()).is_err()
        {
            return None;
        }
        let id = self.ids.another();
        respond::any_origin(response.headers_mut());
        https_from_now_on(&tenant, response.headers_mut());
        finish(&mut response, &id);
        app.metrics.answered(&Method::GET, Some(route), response.status(), started.elapsed());
        tracing::debug!(id, path = asked, "answered from memory");
        Some(response)
    }

    /// Names the request, logs it without its query, and gives notices their form.
    ///
    /// The id by which a request is found in the log is ours only: one that the caller sends is not taken.
    async fn framed(&self, request: Request, peer: Peer) -> Response {
        let id = self.ids.another();
        let started = Instant::now();
        let method = request.method().clone();
        let as_page = takes_html(request.headers());
        let span = tracing::info_span!("request", id, method = %method, path = request.uri().path());
        let spoken = Spoken::new(language::of_browser(request.headers()).unwrap_or(Language::ALL[0]));
        async {
            let mut response = self.with_tenant(request, peer, &spoken).await;
            let route = response.extensions_mut().remove::<MatchedPath>();
            let notice = response.extensions().get::<Notice>().copied();
            // What limits bodies knows nothing of notices.
            let notice = notice.or_else(|| {
                (response.status() == StatusCode::PAYLOAD_TOO_LARGE).then_some(Notice::TOO_LARGE)
            });
            if let Some(notice) = notice {
                response = notice.render(as_page, &id, Texts::of(spoken.get()));
            }
            language::label(response.headers_mut(), spoken.get());
            let took = started.elapsed();
            let route = route.as_ref().map(MatchedPath::as_str);
            self.app.metrics.answered(&method, route, response.status(), took);
            let (status, millis) = (response.status().as_u16(), took.as_millis());
            // What went well is counted in the metrics; a line for each would cost more than many an answer.
            if status < 400 {
                tracing::debug!(status, millis, "answered");
            } else {
                tracing::info!(status, millis, "answered");
            }
            finish(&mut response, &id);
            response
        }
        .instrument(span)
        .await
    }

    /// Finds the tenant, and takes the part that named it out of the path, before the routes are asked.
    async fn with_tenant(&self, mut request: Request, peer: Peer, spoken: &Spoken) -> Response {
        let Some(authority) = authority(&request) else {
            return Notice::AMBIGUOUS_HOST.into_response();
        };
        // Health is of the process, asked by whatever watches it, by its address mostly, and told whatever becomes of the database.
        if health::PATHS.contains(&request.uri().path()) {
            return self.ask(&self.operations, request).await;
        }
        let (tenant, routed) = match self.app.resolve(authority, request.uri().path()).await {
            Ok(Some(found)) => found,
            // All else only a tenant can answer, and there is no default tenant for an unknown host.
            Ok(None) => return self.ask(&self.operations, request).await,
            Err(fault) => return Failure::from(fault).into_response(),
        };
        if !self.app.tenants.is_fresh() {
            return Notice::BUSY.into_response();
        }
        let Ok(address) = self.app.config.trusted_proxies.client(peer.0.ip(), request.headers()) else {
            tracing::error!("a trusted proxy's X-Forwarded-For ends in something that is no address");
            return Notice::AMBIGUOUS_CLIENT.into_response();
        };
        if routed.changed {
            let path = routed.path.to_owned();
            if let Some(uri) = with_path(request.uri(), &path) {
                *request.uri_mut() = uri;
            }
        }
        let chosen_language = browser::chosen_language(&tenant, request.headers());
        if let Some(chosen) = chosen_language {
            spoken.set(chosen);
        }
        let state = browser::StateKeeper::for_request(&tenant, &request);
        let spoken = spoken.clone();
        request.extensions_mut().insert(Arrival {
            tenant: Arc::clone(&tenant),
            peer,
            address,
            chosen_language,
            spoken,
        });
        let mut response = self.ask(&self.table, request).await;
        if let Some(state) = state {
            state.keep(&tenant, response.headers_mut());
        }
        https_from_now_on(&tenant, response.headers_mut());
        response
    }

    /// Asks a table.
    async fn ask(&self, table: &Guarded, request: Request) -> Response {
        match table.clone().oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

/// A table within limits of size and time. A panic, which is a bug, ends one request; the others go on.
type Guarded = Timeout<CatchPanic<RequestBodyLimit<Router>, Apology>>;

fn guarded(table: Router, time: Duration) -> Guarded {
    let limited = RequestBodyLimitLayer::new(limits::REQUEST_BYTES).layer(table);
    let caught = CatchPanic::custom(limited, Apology);
    TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, time).layer(caught)
}

/// What is answered where a handler panicked.
#[derive(Clone, Copy, Debug)]
struct Apology;

impl ResponseForPanic for Apology {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send>) -> Response {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let said = panic.downcast_ref::<&str>().copied().or(text);
        tracing::error!(panic = said.unwrap_or("of no text"), "a request panicked");
        Notice::SERVER_ERROR.into_response()
    }
}

/// Tells the frame, which stands before the routes, which of them was found.
#[derive(Clone, Copy, Debug)]
pub struct TellRoute;

impl<S> Layer<S> for TellRoute {
    type Service = RouteTeller<S>;

    fn layer(&self, inner: S) -> RouteTeller<S> {
        RouteTeller(inner)
    }
}

/// What [`TellRoute`] makes of a route.
#[derive(Clone, Debug)]
pub struct RouteTeller<S>(S);

impl<S> Service<Request> for RouteTeller<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let answered = self.0.call(request);
        Box::pin(async move {
            let Ok(mut response) = answered.await;
            if let Some(route) = route {
                response.extensions_mut().insert(route);
            }
            Ok(response)
        })
    }
}

/// RFC 9112 section 3.2: exactly one Host header; a target in absolute form overrides it (section 3.2.2).
fn authority(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => host.to_str().ok(),
    }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

/// The headers that every answer has.
fn finish(response: &mut Response, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let is_framed = response.extensions().get::<Framed>().is_some();
    default_headers(response.headers_mut(), is_framed);
}

/// A tenant whose issuer is https is asked by https only from then on (RFC 6797 section 6.1).
fn https_from_now_on(tenant: &Tenant, headers: &mut HeaderMap) {
    if tenant.issuer.is_https() {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
    }
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
