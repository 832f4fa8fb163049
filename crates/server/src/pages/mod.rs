//! What people see: server-rendered pages that need no script, and are handier with the one that they have.
//!
//! A handler takes a [`Visit`] (a GET) or a [`Submission`] (a POST whose origin and form token were checked), and
//! answers a page. What is wrong with the request itself is answered by a [`Stop`].

pub mod account;
pub mod admin;
pub mod brand;
pub mod client_card;
pub mod consent;
pub mod device;
pub mod error;
pub mod flow;
pub mod form_post;
pub mod front_channel;
pub mod home;
pub mod language;
pub mod mailbox;
pub mod moving_on;
pub mod password_strength;
pub mod recover;
pub mod select_account;
pub mod setting_fault;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod style;
pub mod upload;
pub mod verify;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use identity::branding::LogoRef;
use identity::sign_in::SignIn;
use identity::{BrowserRecord, Session};
use store::Fault;
use store::flows::Flow;
use store::sessions::PageFacts;
use terms::{FlowId, Language, RecoveryId, SecretText, SignInId, SignUpId, Timestamp, limits};

use crate::app::App;
use crate::browser::{self, BrowserContext};
use crate::error::Failure;
use crate::locale::{Texts, Variable};
use crate::place;
use crate::rate_limits::Limit;
use crate::request::Site;
use crate::routes;
use crate::tenant::Tenant;
use client_card::ClientCard;
use error::Problem;

/// Scripts, style and pictures from here only and none within the page, forms to here only, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What every template is given.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub texts: &'static Texts,
    pub tenant: &'a Tenant,
    /// Where the choice of a language leads back to.
    pub here: &'a str,
}

impl<'a> View<'a> {
    pub fn new(site: &'a Site) -> Self {
        Self { texts: site.texts, tenant: &site.tenant, here: site.here() }
    }

    pub fn text(&self, key: &str) -> String {
        self.texts.get(key)
    }

    /// A text with one variable.
    pub fn text_with(&self, key: &str, name: &str, value: &dyn Variable) -> String {
        self.texts.with(key, &[(name, value)])
    }

    /// What accounts sign in with, in the word by which texts choose.
    pub fn identifier_kind(&self) -> &'static str {
        match (self.tenant.has_addresses(), self.tenant.has_usernames()) {
            (true, true) => "either",
            (false, true) => "username",
            (_, false) => "email",
        }
    }

    /// A text about what accounts sign in with.
    pub fn text_on_identifiers(&self, key: &str) -> String {
        self.text_with(key, "kind", &self.identifier_kind())
    }

    /// A text with a link in it: what stands before the brackets, within them, and after.
    pub fn around_link(&self, key: &str) -> (String, String, String) {
        let text = self.text(key);
        let (before, rest) = text.split_once('[').unwrap_or((&text, ""));
        let (link, after) = rest.split_once(']').unwrap_or((rest, ""));
        (before.to_owned(), link.to_owned(), after.to_owned())
    }

    pub fn language(&self) -> &'static str {
        self.texts.language.as_str()
    }

    /// Every language with its name in itself, for the switch.
    pub fn languages(&self) -> Vec<LanguageChoice> {
        LanguageChoice::all(self.texts.language)
    }

    /// A day and a minute as the reader writes them, with the zone.
    pub fn date_time(&self, at: Timestamp) -> String {
        self.texts.date_time(at)
    }

    /// A day as the reader writes it.
    pub fn date(&self, at: Timestamp) -> String {
        self.texts.date(at)
    }

    /// What people call this service.
    pub fn service(&self) -> &'a str {
        self.tenant.display_name()
    }

    /// The tenant's logo, when it has one.
    pub fn logo(&self) -> Option<&'a LogoRef> {
        self.tenant.settings.logo.as_ref()
    }

    /// What signing up agrees to.
    pub fn terms(&self) -> Option<&'a str> {
        self.tenant.settings.terms_uri.as_deref()
    }

    pub fn privacy(&self) -> Option<&'a str> {
        self.tenant.settings.privacy_uri.as_deref()
    }

    pub fn path(&self, path: &str) -> String {
        self.tenant.path(path)
    }

    pub fn stylesheet(&self) -> String {
        self.tenant.path(style::path())
    }

    /// The tenant's own sheet, when it has one.
    pub fn theme(&self) -> Option<String> {
        self.tenant.theme.as_ref().map(|theme| self.asset(&theme.file_name))
    }

    pub fn script(&self) -> String {
        self.tenant.path(style::script_path())
    }

    /// The path of a file that is the tenant's own.
    pub fn asset(&self, file_name: &str) -> String {
        self.tenant.path(&format!("/assets/{file_name}"))
    }

    /// A path with the flow that waits, if one does.
    pub fn path_in_flow(&self, path: &str, flow: Option<&FlowId>) -> String {
        let path = self.tenant.path(path);
        flow.map_or_else(|| path.clone(), |flow| format!("{path}?flow={flow}"))
    }
}

/// A language that pages can be read in.
pub struct LanguageChoice {
    /// BCP 47.
    pub tag: &'static str,
    pub name: String,
    pub is_current: bool,
}

impl LanguageChoice {
    /// Every language, of which one is current.
    pub fn all(current: Language) -> Vec<Self> {
        let choice = |language| Self {
            tag: Language::as_str(language),
            name: Texts::of(language).get("language-name"),
            is_current: language == current,
        };
        Language::ALL.into_iter().map(choice).collect()
    }
}

/// What is wrong with a field of a form, said at the field and in the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    pub field: &'static str,
    pub text: String,
}

/// All that is wrong with a form.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// What is said at a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|fault| fault.field == field).map(|fault| fault.text.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One fault is said at its field, which then has the focus; several get a summary that leads to each.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    pub fn iter(&self) -> impl Iterator<Item = &FieldFault> {
        self.0.iter()
    }

    /// Of a page: the form is shown as it is, or again with what is wrong.
    pub fn status(&self) -> StatusCode {
        if self.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }
}

impl FromIterator<FieldFault> for Faults {
    fn from_iter<I: IntoIterator<Item = FieldFault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl From<FieldFault> for Faults {
    fn from(fault: FieldFault) -> Self {
        Self(vec![fault])
    }
}

/// Why a handler ends without its page.
pub enum Stop {
    Failure(Failure),
    /// The page that says it.
    Page(Box<Response>),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::Failure(failure) => failure.into_response(),
            Self::Page(page) => *page,
        }
    }
}

/// Renders a page.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, Stop> {
    page_with(status, template, HeaderValue::from_static(POLICY))
}

/// Renders a page that shows the client for which it is there.
pub fn page_for(
    status: StatusCode,
    template: &impl Template,
    client: Option<&ClientCard>,
) -> Result<Response, Stop> {
    page_with(status, template, client_card::policy(client)?)
}

/// Renders a page that has a policy of its own.
pub fn page_with(
    status: StatusCode,
    template: &impl Template,
    policy: HeaderValue,
) -> Result<Response, Stop> {
    let html = template.render().map_err(Failure::new)?;
    let headers = [(CONTENT_TYPE, HTML), (CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, NO_STORE)];
    Ok((status, headers, html).into_response())
}

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Leads the browser on to another page of this server, after a POST or to where a GET belongs (303, RFC 9110 section 15.4.4).
pub fn see_other(tenant: &Tenant, path: &str) -> Response {
    axum::response::Redirect::to(&tenant.path(path)).into_response()
}

/// The parameters of a query or a form: each at most once, few, and none too long. They are wiped when dropped.
pub struct Fields(BTreeMap<String, SecretText>);

impl Fields {
    /// Nothing when a parameter comes twice, or when they are too many or too long.
    fn parse(encoded: &[u8]) -> Option<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            let fits = fields.len() < limits::PARAMETERS && value.len() <= limits::PARAMETER_BYTES;
            let is_new = fields.insert(name.into_owned(), SecretText::new(value.into_owned())).is_none();
            if !fits || !is_new {
                return None;
            }
        }
        Some(Self(fields))
    }

    /// A field's text; empty when it isn't there, as browsers leave out what was not filled in.
    pub fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", SecretText::reveal)
    }

    /// What stands after this beginning in the names of all fields that have it.
    pub fn names_after<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter_map(move |name| name.strip_prefix(beginning))
    }

    pub fn secret(&self, name: &str) -> SecretText {
        self.0.get(name).cloned().unwrap_or_else(|| SecretText::new(String::new()))
    }

    /// An identifier. An absent one is nothing; a malformed one is not the same as an absent one.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, Malformed> {
        match self.value(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| Malformed),
        }
    }
}

/// A parameter that is not of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A GET of a page: who asks, when, and for what.
pub struct Visit {
    pub site: Site,
    pub now: Timestamp,
    pub context: BrowserContext,
    pub query: Fields,
    pub named: Named,
}

impl Visit {
    pub fn view(&self) -> View<'_> {
        View::new(&self.site)
    }

    /// The flow named in the query.
    pub fn flow(&self) -> Result<Option<FlowId>, Stop> {
        self.query.id("flow").map_err(|Malformed| Problem::Request.stop(&self.site))
    }

    /// The browser, made known when it isn't yet: every page with a form needs one, for the form's token.
    pub async fn known_browser(&self) -> Result<(BrowserRecord, Option<HeaderValue>), Stop> {
        if let Some(browser) = &self.context.browser {
            return Ok((browser.clone(), None));
        }
        self.site.count(Limit::Starts).map_err(|wait| error::too_often(&self.site, wait))?;
        let minted = browser::mint(&self.site.app, &self.site.tenant, self.now).await?;
        Ok((minted.browser, Some(minted.cookie)))
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let mut site = Site::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Some(query) = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()) else {
            return Err(Problem::Request.stop(&site).into_response());
        };
        let now = app.clock.now();
        let found = find(&mut site, &parts.headers, &query, now).await;
        let (named, context) = found.map_err(IntoResponse::into_response)?;
        Ok(Self { site, now, context, query, named })
    }
}

/// What a request names, as far as it was read to learn its language. It may be anybody's: what is shown of it, and whether
/// anything is done for it, the page itself asks.
#[derive(Default)]
pub struct Named {
    flow: Option<Flow>,
    sign_in: Option<SignIn>,
}

impl Named {
    /// A flow, read once in a request.
    pub async fn flow(&self, site: &Site, id: FlowId) -> Result<Option<Flow>, Fault> {
        match &self.flow {
            Some(flow) if flow.id == id => Ok(Some(flow.clone())),
            Some(_) | None => site.app.store.read(site.tenant.id).flow(id).await,
        }
    }

    /// An attempt to sign in, read once in a request.
    pub async fn sign_in(&self, site: &Site, id: SignInId) -> Result<Option<SignIn>, Fault> {
        match &self.sign_in {
            Some(attempt) if attempt.id == id => Ok(Some(attempt.clone())),
            Some(_) | None => site.app.store.read(site.tenant.id).sign_in(id).await,
        }
    }
}

/// What a request names by its cookie, its `flow` and its `attempt` to sign in or up; and the language that the authorization
/// request asks for that waits behind. Whether the flow is this browser's, the page itself asks.
async fn find(
    site: &mut Site,
    headers: &HeaderMap,
    fields: &Fields,
    now: Timestamp,
) -> Result<(Named, BrowserContext), Stop> {
    let mut read = site.app.store.read(site.tenant.id);
    let mut flow: Option<FlowId> = fields.id("flow").ok().flatten();
    let sign_in: Option<SignInId> = fields.id("attempt").ok().flatten();
    if site.chosen_language.is_none() {
        if let (None, Ok(Some(attempt))) = (flow, fields.id::<SignUpId>("attempt")) {
            flow = read.sign_up(attempt).await?.and_then(|attempt| attempt.flow_id);
        }
        if let (None, Ok(Some(attempt))) = (flow, fields.id::<RecoveryId>("attempt")) {
            flow = read.recovery(attempt).await?.and_then(|attempt| attempt.flow_id);
        }
    }
    if flow.is_none() && sign_in.is_none() {
        let context = browser::load(&site.app, &site.tenant, headers, now).await?;
        return Ok((Named::default(), context));
    }
    let hash = browser::presented_hash(&site.tenant, headers);
    let PageFacts { browser, flow, sign_in } = read.page_facts(hash, flow, sign_in).await?;
    if let (None, Some(flow)) = (site.chosen_language, &flow) {
        site.heed(&flow.parameters);
    }
    let context = match hash {
        Some(hash) => browser::reached(&site.app, &site.tenant, (hash, browser), now).await?,
        None => BrowserContext::default(),
    };
    Ok((Named { flow, sign_in }, context))
}

/// Where a page that answers a form of this path would be found by a GET.
fn page_of_form(path: &str) -> &str {
    match path {
        "/sign-up/resend" => "/sign-up/verify",
        "/password/code" | "/password/resend" => "/password/reset",
        "/oauth/end_session/confirm" => "/sign-out",
        "/account/email/resend" => "/account/email/verify",
        "/account/username" => "/account",
        "/account/email/primary" | "/account/email/remove" => "/account/email",
        // The link's secret isn't carried on.
        "/admin/enter" => place::START,
        of_admin if of_admin.starts_with("/admin/") => {
            let above = std::iter::successors(Some(of_admin), |path| Some(path.rsplit_once('/')?.0));
            above.into_iter().find(|path| routes::is_page_of_administration(path)).unwrap_or(place::START)
        }
        other => other,
    }
}

/// Where a page that answers a form would be found by a GET: there, with what the form says of its place.
fn place_of_form(path: &str, form: &Fields) -> String {
    let path = page_of_form(path);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in ["flow", "attempt", "account", "addition", "back", "user_code"] {
        if !form.value(name).is_empty() {
            query.append_pair(name, form.value(name));
        }
    }
    let query = query.finish();
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    place::parse(&text).unwrap_or_else(|| place::START.to_owned())
}

/// A POST of one of our own pages by a known browser: its origin and its form token were checked.
pub struct Submission {
    pub site: Site,
    pub now: Timestamp,
    pub browser: BrowserRecord,
    /// Live ones, oldest first.
    pub sessions: Vec<Session>,
    pub form: Fields,
    pub named: Named,
}

impl Submission {
    pub fn view(&self) -> View<'_> {
        View::new(&self.site)
    }

    /// The token for the next form of this browser.
    pub fn form_token(&self) -> String {
        browser::form_token(&self.site.tenant, self.browser.id)
    }

    /// The flow named in the form.
    pub fn flow(&self) -> Result<Option<FlowId>, Stop> {
        self.form.id("flow").map_err(|Malformed| Problem::Request.stop(&self.site))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The body of a form that any site may have made. Nothing when it is of another type (RFC 6749 appendix B) or too long.
pub async fn form_body(request: Request, app: &Arc<App>) -> Option<Bytes> {
    if !is_form(request.headers()) {
        return None;
    }
    Bytes::from_request(request, app).await.ok()
}

impl FromRequest<Arc<App>> for Submission {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let read = |headers: &HeaderMap, body: &Bytes| {
            if is_form(headers) { Some((Fields::parse(body)?, ())) } else { None }
        };
        Self::read(request, app, read).await.map(|(submission, ())| submission)
    }
}

impl Submission {
    /// A POST whose body is read in its own way: nothing when it isn't of its form.
    async fn read<T>(
        request: Request,
        app: &Arc<App>,
        read: impl FnOnce(&HeaderMap, &Bytes) -> Option<(Fields, T)>,
    ) -> Result<(Self, T), Response> {
        let (mut parts, body) = request.into_parts();
        let mut site =
            Site::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        if !browser::comes_from_own_page(&site.tenant, &parts.headers) {
            return Err(Problem::Form.stop(&site).into_response());
        }
        let (headers, path) = (parts.headers.clone(), parts.uri.path().to_owned());
        let bytes = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let Some((form, more)) = bytes.ok().and_then(|bytes| read(&headers, &bytes)) else {
            return Err(Problem::Request.stop(&site).into_response());
        };
        site.set_here(place_of_form(&path, &form));
        let now = app.clock.now();
        let found = find(&mut site, &headers, &form, now).await;
        let (named, context) = found.map_err(IntoResponse::into_response)?;
        match context.browser {
            Some(browser) if browser::is_form_token(&site.tenant, browser.id, form.value("form_token")) => {
                Ok((Self { site, now, browser, sessions: context.sessions, form, named }, more))
            }
            _ => Err(Problem::Form.stop(&site).into_response()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_a_form_of_the_administration_stands_where_a_page_is() {
        let mut forms = 0;
        for (method, path) in routes::ADMINISTRATION {
            let path = path.replace("{user}", "usr_1").replace("{client}", "shop");
            if *method == "post" {
                let place = page_of_form(&path);
                let is_page = place == place::START || routes::is_page_of_administration(place);
                assert!(is_page && path.starts_with(place), "{path}: {place}");
                forms += 1;
            }
        }
        assert!(forms > 5, "{forms}");
        assert_eq!(page_of_form("/admin/users/usr_1/disable"), "/admin/users/usr_1");
        assert_eq!(page_of_form("/admin/users/new"), "/admin/users/new");
        assert_eq!(page_of_form("/admin/no/such/thing"), "/admin");
    }
}
