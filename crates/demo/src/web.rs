use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cookie::{Cookie, SameSite};

use crate::http_client::Http;
use crate::pages;
use crate::provider::{Answer, Discovery, Pending, Provider, Settings, SignedIn, Trouble};
use crate::sessions::Sessions;

/// The whole relying party.
pub(crate) struct Demo {
    settings: Settings,
    http: Http,
    provider: RwLock<Arc<Provider>>,
    sessions: Sessions,
}

pub(crate) fn routes(demo: Arc<Demo>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .route("/refresh", post(refresh))
        .route("/sign-out", post(sign_out))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(&demo), guard))
        .with_state(demo)
}

async fn home(State(demo): State<Arc<Demo>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    match demo.sessions.signed_in(demo.cookie(&headers).as_deref()) {
        Some(person) => pages::person(demo.settings.issuer.as_str(), &person),
        None => pages::welcome(demo.settings.issuer.as_str(), query.as_deref() == Some("state=signed-out")),
    }
}

async fn sign_in(State(demo): State<Arc<Demo>>, headers: HeaderMap) -> Response {
    let (url, pending) = demo.provider().authorization_request();
    let cookie = demo.sessions.begin(demo.cookie(&headers).as_deref(), pending);
    (demo.set_cookie(&cookie), Redirect::to(url.as_str())).into_response()
}

async fn callback(State(demo): State<Arc<Demo>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let Some(mut parameters) = parameters(query.as_deref().unwrap_or_default()) else {
        return pages::trouble(&Trouble::NotTrusted("a parameter of the answer comes twice".to_owned()));
    };
    let cookie = demo.cookie(&headers);
    let state = parameters.remove("state").unwrap_or_default();
    let Some(pending) = demo.sessions.take_pending(cookie.as_deref(), &state) else {
        return pages::problem(
            StatusCode::BAD_REQUEST,
            "This sign-in was not begun here",
            "It was begun in another browser, is already finished, or the demo was restarted meanwhile.",
        );
    };
    let answer = Answer {
        issuer: parameters.remove("iss"),
        code: parameters.remove("code"),
        error: parameters.remove("error"),
        error_description: parameters.remove("error_description"),
    };
    match demo.finish_sign_in(&pending, answer).await {
        Ok(person) => {
            let cookie = demo.sessions.sign_in(cookie.as_deref(), person);
            (demo.set_cookie(&cookie), Redirect::to("/")).into_response()
        }
        Err(trouble) => pages::trouble(&trouble),
    }
}

async fn refresh(State(demo): State<Arc<Demo>>, headers: HeaderMap) -> Response {
    let cookie = demo.cookie(&headers);
    let Some(person) = demo.sessions.signed_in(cookie.as_deref()) else {
        return Redirect::to("/").into_response();
    };
    match demo.refreshed(&person).await {
        Ok(person) => {
            demo.sessions.refreshed(cookie.as_deref(), person);
            Redirect::to("/").into_response()
        }
        Err(trouble) => {
            // RFC 6749 section 5.2: the grant is over, so this sign-in is too.
            if matches!(&trouble, Trouble::Refused { error, .. } if error == "invalid_grant") {
                demo.sessions.sign_out(cookie.as_deref());
            }
            pages::trouble(&trouble)
        }
    }
}

async fn sign_out(State(demo): State<Arc<Demo>>, headers: HeaderMap) -> Response {
    let person = demo.sessions.sign_out(demo.cookie(&headers).as_deref());
    let at_provider =
        person.and_then(|person| demo.provider().logout_address(&demo.settings, &person.id_token));
    match at_provider {
        Some(url) => Redirect::to(url.as_str()).into_response(),
        None => Redirect::to("/").into_response(),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

async fn icon() -> Response {
    ([(header::CONTENT_TYPE, "image/svg+xml")], pages::ICON).into_response()
}

async fn not_found() -> Response {
    pages::problem(StatusCode::NOT_FOUND, "There is nothing here", "This demo has a single page.")
}

/// What holds for every request: forms come from our own pages, and pages load nothing from elsewhere.
async fn guard(State(demo): State<Arc<Demo>>, request: Request, next: Next) -> Response {
    if request.method() == axum::http::Method::POST && !demo.is_own_form(request.headers()) {
        return pages::problem(
            StatusCode::FORBIDDEN,
            "This form is not ours",
            "It was sent from another site. Nothing was done.",
        );
    }
    let mut response = next.run(request).await;
    let provider = demo.settings.issuer.url().origin().ascii_serialization();
    // Browsers enforce form-action along redirects, and signing out goes on at the provider.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {provider}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with that, browsers send `Origin: null` along with our own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// The parameters of a query string, or nothing if one comes twice: then it isn't clear which one counts
/// (RFC 6749 section 3.1).
fn parameters(query: &str) -> Option<HashMap<String, String>> {
    let mut parameters = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if parameters.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(parameters)
}

impl Demo {
    pub(crate) fn new(settings: Settings, http: Http, provider: Provider) -> Self {
        Self { settings, http, provider: RwLock::new(Arc::new(provider)), sessions: Sessions::default() }
    }

    async fn finish_sign_in(&self, pending: &Pending, answer: Answer) -> Result<SignedIn, Trouble> {
        let provider = self.provider();
        let tokens = provider.exchange(pending, answer, &self.http).await?;
        match provider.sign_in(pending, &tokens, &self.http).await {
            Err(Trouble::UnknownKey) => self.ask_again().await?.sign_in(pending, &tokens, &self.http).await,
            settled => settled,
        }
    }

    async fn refreshed(&self, person: &SignedIn) -> Result<SignedIn, Trouble> {
        let provider = self.provider();
        let tokens = provider.refresh(person, &self.http).await?;
        match provider.refreshed(person, &tokens, &self.http).await {
            Err(Trouble::UnknownKey) => self.ask_again().await?.refreshed(person, &tokens, &self.http).await,
            settled => settled,
        }
    }

    fn provider(&self) -> Arc<Provider> {
        Arc::clone(&self.provider.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Providers change their keys (OpenID Connect Core section 10.1.1): an unknown one is a reason to ask again.
    async fn ask_again(&self) -> Result<Arc<Provider>, Trouble> {
        let provider = Provider::discover(&self.settings, &self.http).await.map_err(|error| match error {
            Discovery::NotReady(why) | Discovery::Wrong(why) => Trouble::Failed(why),
        })?;
        let provider = Arc::new(provider);
        *self.provider.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&provider);
        Ok(provider)
    }

    /// Cookies of `localhost` are sent to every port, so ours has its port in its name.
    fn cookie_name(&self) -> String {
        format!("portico_demo_{}", self.settings.own.port().unwrap_or(80))
    }

    fn cookie(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.cookie_name();
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    fn set_cookie(&self, value: &str) -> [(HeaderName, String); 1] {
        // Lax: the answer of the provider arrives by a redirect from its site, and has to bring the cookie.
        let cookie =
            Cookie::build((self.cookie_name(), value)).path("/").http_only(true).same_site(SameSite::Lax);
        [(header::SET_COOKIE, cookie.build().to_string())]
    }

    /// Every port of `localhost` is one site to SameSite cookies, so the origin of a form is compared as well.
    fn is_own_form(&self, headers: &HeaderMap) -> bool {
        let own = self.settings.own.origin().ascii_serialization();
        headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()) == Some(own.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_comes_twice_spoils_the_answer() {
        assert_eq!(parameters("code=a%20b&state=s").map(|p| p["code"].clone()), Some("a b".to_owned()));
        assert!(parameters("code=a&code=b").is_none());
        assert!(parameters("").is_some_and(|parameters| parameters.is_empty()));
    }
}
