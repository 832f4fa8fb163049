use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::browser::{Browser, client};
use crate::page::Page;

/// A verifier and its S256 challenge (RFC 7636, appendix B), so that requests are the same in every run.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The grant type of devices (RFC 8628 section 3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client as the tests play it: raw requests, so that each of them can be spoiled.
#[derive(Clone)]
pub struct RelyingParty {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub redirect_uri: String,
    pub scope: String,
    http: Client,
}

impl RelyingParty {
    pub fn new(issuer: &str, client_id: &str, client_secret: Option<&str>, redirect_uri: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.map(str::to_owned),
            redirect_uri: redirect_uri.to_owned(),
            scope: "openid".to_owned(),
            http: client().build().expect("an HTTP client"),
        }
    }

    /// The same client asking for another scope.
    pub fn asking(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    /// The parameters of a good authorization request.
    pub fn authorization_parameters(&self) -> Vec<(String, String)> {
        [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The address of an authorization request: the good one, with these parameters put in place of its own.
    /// An empty value leaves the parameter out.
    pub fn authorization_url(&self, changed: &[(&str, &str)]) -> String {
        let mut parameters = self.authorization_parameters();
        for (name, value) in changed {
            parameters.retain(|(known, _)| known != name);
            if !value.is_empty() {
                parameters.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        let mut url = Url::parse(&format!("{}/oauth/authorize", self.issuer)).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// Sends this browser to the authorization endpoint, and gives back where that ended.
    pub async fn authorize(&self, browser: &Browser) -> Answer {
        self.authorize_with(browser, &[]).await
    }

    pub async fn authorize_with(&self, browser: &Browser, changed: &[(&str, &str)]) -> Answer {
        Answer(browser.arrive(&self.authorization_url(changed)).await)
    }

    /// Redeems a code as this client.
    pub async fn exchange(&self, code: &str) -> TokenAnswer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub async fn refresh(&self, refresh_token: &str) -> TokenAnswer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    pub async fn client_credentials(&self, scope: &str) -> TokenAnswer {
        self.token(&[("grant_type", "client_credentials"), ("scope", scope)]).await
    }

    /// A token request of these parameters, with this client's authentication.
    pub async fn token(&self, parameters: &[(&str, &str)]) -> TokenAnswer {
        TokenAnswer::read(self.send("/oauth/token", parameters).await).await
    }

    /// Asks for codes as a device without a browser does.
    pub async fn ask_for_device(&self, parameters: &[(&str, &str)]) -> TokenAnswer {
        TokenAnswer::read(self.send("/oauth/device_authorization", parameters).await).await
    }

    /// Asks for the tokens of a device.
    pub async fn poll(&self, device_code: &str) -> TokenAnswer {
        self.token(&[("grant_type", DEVICE_CODE), ("device_code", device_code)]).await
    }

    pub async fn introspect(&self, token: &str) -> TokenAnswer {
        TokenAnswer::read(self.send("/oauth/introspect", &[("token", token)]).await).await
    }

    pub async fn revoke(&self, token: &str) -> TokenAnswer {
        TokenAnswer::read(self.send("/oauth/revoke", &[("token", token)]).await).await
    }

    pub async fn userinfo(&self, access_token: &str) -> TokenAnswer {
        let request = self.http.get(format!("{}/oauth/userinfo", self.issuer)).bearer_auth(access_token);
        TokenAnswer::read(request.send().await.expect("an answer")).await
    }

    /// The address that signs out at the provider.
    pub fn end_session_url(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = Url::parse(&format!("{}/oauth/end_session", self.issuer)).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// A POST without any authentication, to be spoiled at will.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.issuer))
    }

    /// A GET without any authentication.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.issuer))
    }

    /// Adds `client_secret_basic` for a confidential client (RFC 6749 section 2.3.1: both parts form-encoded).
    pub fn authenticated(&self, request: RequestBuilder) -> RequestBuilder {
        let Some(secret) = &self.client_secret else { return request };
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encode(&self.client_id), encode(secret)));
        request.header(AUTHORIZATION, format!("Basic {pair}"))
    }

    async fn send(&self, path: &str, parameters: &[(&str, &str)]) -> Response {
        let mut parameters = parameters.to_vec();
        if self.client_secret.is_none() {
            parameters.push(("client_id", &self.client_id));
        }
        let request = self.authenticated(self.post(path)).form(&parameters);
        request.send().await.expect("an answer")
    }
}

/// Where an authorization request ended.
#[derive(Debug)]
pub struct Answer(pub Page);

impl Answer {
    /// The code; a request that brought none is a failed test.
    pub fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code: {}", self.0))
    }

    /// The protocol's error, if the relying party got one.
    pub fn error(&self) -> Option<String> {
        self.parameter("error")
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        self.0.parameter(name)
    }
}

/// What an endpoint for machines said. Shown as `400 {"error":"invalid_grant"}`.
pub struct TokenAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl TokenAnswer {
    pub async fn read(answer: Response) -> Self {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, text, body }
    }

    /// The tokens; an answer without is a failed test.
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self}");
        let member = |name: &str| self.body[name].as_str().map(str::to_owned);
        Tokens {
            access: member("access_token").unwrap_or_else(|| panic!("no access token: {self}")),
            id: member("id_token"),
            refresh: member("refresh_token"),
        }
    }

    pub fn error(&self) -> Option<&str> {
        self.body["error"].as_str()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Display for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Value::Null => write!(f, "{} {}", self.status, self.text),
            body => write!(f, "{} {body}", self.status),
        }
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub id: Option<String>,
    pub refresh: Option<String>,
}

impl Tokens {
    /// The ID token's claims. Its signature is what the interop tests are about.
    pub fn id_claims(&self) -> Value {
        claims(self.id.as_deref().expect("an ID token"))
    }
}

/// What a JWT says, unverified.
pub fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

/// What a JWT's header says.
pub fn header(jwt: &str) -> Value {
    part(jwt, 0)
}

fn part(jwt: &str, position: usize) -> Value {
    let part = jwt.split('.').nth(position).unwrap_or_else(|| panic!("no JWT: {jwt}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
