//! What is asked: each workload is one operation, done over and over by actors with a connection each.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use crate::Problem;
use crate::http::{Answer, Browser, Connection, form};
use crate::provider::Provider;

const CALLBACK: &str = "https://rp.example.test/callback";
const PASSWORD: &str = "quiet lantern harbour moss";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";
/// People who sign in.
const PEOPLE: usize = 16;

/// How the access tokens of a resource server are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    Rs256,
    Es256,
    EdDsa,
}

impl Signature {
    pub(crate) const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    fn api(self) -> String {
        format!("https://{}.example.test", self.name().to_lowercase())
    }
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Discovery,
    Jwks,
    ClientCredentials(Signature),
    /// From the authorization request of a browser that was never here, over the pages, to the tokens.
    Login,
    /// `prompt=none` in a browser that is signed in, and the code redeemed.
    LiveSession,
    Refresh,
    Userinfo,
    Introspection,
}

impl Workload {
    pub(crate) const ALL: [Self; 10] = [
        Self::Discovery,
        Self::Jwks,
        Self::ClientCredentials(Signature::Rs256),
        Self::ClientCredentials(Signature::Es256),
        Self::ClientCredentials(Signature::EdDsa),
        Self::Login,
        Self::LiveSession,
        Self::Refresh,
        Self::Userinfo,
        Self::Introspection,
    ];

    /// What it is to come to.
    pub(crate) fn target(self) -> Target {
        match self {
            Self::Discovery | Self::Jwks => Target::OfLimit(0.8),
            Self::ClientCredentials(_) | Self::Userinfo | Self::Introspection => Target::OfLimit(0.6),
            Self::Login => Target::AboveHash(2000.0),
            Self::LiveSession => Target::Under(600.0),
            Self::Refresh => Target::Under(500.0),
        }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Discovery => "discovery".to_owned(),
            Self::Jwks => "JWKS".to_owned(),
            Self::ClientCredentials(signature) => format!("client credentials {}", signature.name()),
            Self::Login => "login by password".to_owned(),
            Self::LiveSession => "live session".to_owned(),
            Self::Refresh => "refresh".to_owned(),
            Self::Userinfo => "userinfo".to_owned(),
            Self::Introspection => "introspection".to_owned(),
        }
    }
}

/// The bound of an operation's processor time, the database's included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// The limit's time is at least this part of it.
    OfLimit(f64),
    /// At most so many microseconds more than a password hash takes.
    AboveHash(f64),
    /// At most so many microseconds.
    Under(f64),
}

/// Who asks: what was registered before.
#[derive(Clone)]
pub(crate) struct Scene(Arc<Registered>);

struct Registered {
    address: std::net::SocketAddr,
    host: String,
    /// A client of the default tenant.
    client_id: String,
    /// Of the actors, each plays one; more actors than that share them.
    cast: Vec<Role>,
}

/// Whom an actor plays: a person of a tenant who uses a client.
#[derive(Clone)]
pub(crate) struct Role {
    /// What the tenant's paths begin with; nothing for the default one.
    pub tenant: String,
    pub email: String,
    pub password: &'static str,
    pub client_id: String,
    /// `Authorization` of the client.
    pub authorization: String,
    pub redirect_uri: &'static str,
}

/// `client_secret_basic` (RFC 6749 section 2.3.1). Neither half has a letter that would have to be escaped.
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

impl Scene {
    /// Registers the client, its APIs and the people.
    pub(crate) async fn prepare(provider: &Provider) -> Result<Self, Problem> {
        for signature in Signature::ALL {
            let format = format!("jwt-{}", signature.name().to_lowercase());
            let api = signature.api();
            let create = [
                "resource-servers",
                "create",
                "--identifier",
                &api,
                "--scope",
                "read",
                "--token-format",
                &format,
            ];
            provider.operate(&create).await?;
        }
        let create = [
            "clients",
            "create",
            "--name",
            "Bench",
            "--redirect-uri",
            CALLBACK,
            "--first-party",
            "true",
            "--rotate-refresh-tokens",
            "true",
            "--scope",
            "openid email offline_access read",
            "--grant-type",
            "authorization_code",
            "--grant-type",
            "refresh_token",
            "--grant-type",
            "client_credentials",
        ];
        let made = provider.operate(&create).await?;
        let member =
            |name: &str| made[name].as_str().map(str::to_owned).ok_or("a client without credentials");
        let (client_id, secret) = (member("client_id")?, member("client_secret")?);
        let mut cast = Vec::new();
        for person in 0..PEOPLE {
            let email = format!("somebody{person}@example.test");
            provider.operate(&["users", "create", "--email", &email, "--password", PASSWORD]).await?;
            cast.push(Role {
                tenant: String::new(),
                email,
                password: PASSWORD,
                client_id: client_id.clone(),
                authorization: basic(&client_id, &secret),
                redirect_uri: CALLBACK,
            });
        }
        Self::of(provider, client_id, cast)
    }

    /// A scene with this cast, of what is registered already.
    pub(crate) fn of(provider: &Provider, client_id: String, cast: Vec<Role>) -> Result<Self, Problem> {
        let host = Url::parse(&provider.issuer)?;
        let host = format!("{}:{}", host.host_str().unwrap_or_default(), provider.address.port());
        Ok(Self(Arc::new(Registered { address: provider.address, host, client_id, cast })))
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// What one of the documents says.
    pub(crate) async fn document(&self, workload: Workload) -> Result<Bytes, Problem> {
        let mut actors = self.actors(workload, 1).await?;
        let path = if workload == Workload::Jwks { JWKS } else { DISCOVERY };
        let actor = actors.first_mut().ok_or("nobody to ask")?;
        actor.fetch(path).await
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::new(self.0.address, &self.0.host)
    }

    /// Actors who are ready to begin.
    pub(crate) async fn actors(&self, workload: Workload, count: usize) -> Result<Vec<Actor>, Problem> {
        let mut actors = Vec::new();
        for index in 0..count {
            let mut actor = Actor {
                workload,
                browser: Browser::new(self.connection()),
                role: self.0.cast.get(index % self.0.cast.len().max(1)).ok_or("nobody to play")?.clone(),
                token: String::new(),
            };
            actor.begin().await?;
            actors.push(actor);
        }
        Ok(actors)
    }
}

impl Role {
    fn authorization(&self) -> [(HeaderName, &str); 1] {
        [(AUTHORIZATION, self.authorization.as_str())]
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.tenant)
    }

    fn authorize(&self, more: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri),
            ("scope", "openid email offline_access"),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        fields.extend_from_slice(more);
        format!("{}/oauth/authorize?{}", self.tenant, form(&fields))
    }
}

/// Somebody with a connection, and what they hold.
pub(crate) struct Actor {
    workload: Workload,
    browser: Browser,
    role: Role,
    /// The refresh token, or the access token.
    token: String,
}

impl Actor {
    async fn begin(&mut self) -> Result<(), Problem> {
        let wanted = match self.workload {
            Workload::LiveSession | Workload::Refresh | Workload::Userinfo | Workload::Introspection => {
                self.login().await?
            }
            _ => return Ok(()),
        };
        let member = if self.workload == Workload::Refresh { "refresh_token" } else { "access_token" };
        self.token = text(&wanted, member)?;
        Ok(())
    }

    /// Does the operation once, and looks whether it succeeded.
    pub(crate) async fn act(&mut self) -> Result<(), Problem> {
        match self.workload {
            Workload::Discovery => self.fetch(DISCOVERY).await.map(drop),
            Workload::Jwks => self.fetch(JWKS).await.map(drop),
            Workload::ClientCredentials(signature) => {
                let api = signature.api();
                let fields = [("grant_type", "client_credentials"), ("scope", "read"), ("resource", &api)];
                self.ask_for_tokens(&fields).await.map(drop)
            }
            Workload::Login => {
                self.browser.forget();
                self.login().await.map(drop)
            }
            Workload::LiveSession => {
                let answer = self.browser.open(&self.role.authorize(&[("prompt", "none")])).await?;
                self.redeem(&answer.must_be(StatusCode::SEE_OTHER)?).await.map(drop)
            }
            Workload::Refresh => {
                let token = std::mem::take(&mut self.token);
                let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                self.token = text(&self.ask_for_tokens(&fields).await?, "refresh_token")?;
                Ok(())
            }
            Workload::Userinfo => {
                let bearer = format!("Bearer {}", self.token);
                let answer = self
                    .browser
                    .connection()
                    .get(&self.role.path("/oauth/userinfo"), &[(AUTHORIZATION, &bearer)])
                    .await?;
                text(&answer.must_be(StatusCode::OK)?.json()?, "email").map(drop)
            }
            Workload::Introspection => {
                let fields = [("token", self.token.as_str())];
                let answer = self
                    .browser
                    .connection()
                    .post(&self.role.path("/oauth/introspect"), &self.role.authorization(), &fields)
                    .await?;
                let answer = answer.must_be(StatusCode::OK)?.json()?;
                if answer["active"] == true { Ok(()) } else { Err("a token that isn't active".into()) }
            }
        }
    }

    async fn fetch(&mut self, path: &str) -> Result<Bytes, Problem> {
        Ok(self.browser.connection().get(path, &[]).await?.must_be(StatusCode::OK)?.body)
    }

    /// Signs in as a person does who comes from the client, up to the tokens.
    async fn login(&mut self) -> Result<Value, Problem> {
        let begun = self.browser.open(&self.role.authorize(&[])).await?.must_be(StatusCode::SEE_OTHER)?;
        let page = self.follow(&begun).await?.must_be(StatusCode::OK)?;
        let (form_token, flow) = (page.hidden("form_token")?, page.hidden("flow")?);
        let fields = [("form_token", form_token.as_str()), ("flow", &flow), ("email", &self.role.email)];
        let named = self
            .browser
            .submit(&self.role.path("/sign-in"), &fields)
            .await?
            .must_be(StatusCode::SEE_OTHER)?;
        let page = self.follow(&named).await?.must_be(StatusCode::OK)?;
        let (form_token, attempt) = (page.hidden("form_token")?, page.hidden("attempt")?);
        let fields =
            [("form_token", form_token.as_str()), ("attempt", &attempt), ("password", self.role.password)];
        let mut answer = self.browser.submit(&self.role.path("/sign-in/password"), &fields).await?;
        // The last of the pages says where to go on, since a form's answer may not lead to elsewhere.
        for _ in 0..4 {
            answer = match answer.status {
                StatusCode::SEE_OTHER if !answer.location()?.starts_with(self.role.redirect_uri) => {
                    self.follow(&answer).await?
                }
                StatusCode::SEE_OTHER => return self.redeem(&answer).await,
                StatusCode::OK => {
                    let path = moved(&answer)?;
                    self.browser.open(&path).await?
                }
                _ => answer.must_be(StatusCode::SEE_OTHER)?,
            };
        }
        Err("a sign-in that doesn't end".into())
    }

    async fn follow(&mut self, answer: &Answer) -> Result<Answer, Problem> {
        let location = answer.location()?.to_owned();
        let path = match Url::parse(&location) {
            Ok(url) => url[url::Position::BeforePath..].to_owned(),
            Err(_) => location,
        };
        self.browser.open(&path).await
    }

    async fn redeem(&mut self, answer: &Answer) -> Result<Value, Problem> {
        let url = Url::parse(answer.location()?)?;
        let code = url.query_pairs().find(|(name, _)| name == "code").ok_or("an answer without code")?.1;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", self.role.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.ask_for_tokens(&fields).await
    }

    async fn ask_for_tokens(&mut self, fields: &[(&str, &str)]) -> Result<Value, Problem> {
        let answer = self
            .browser
            .connection()
            .post(&self.role.path("/oauth/token"), &self.role.authorization(), fields)
            .await?;
        answer.must_be(StatusCode::OK)?.json()
    }
}

/// Where a page that moves on leads.
fn moved(answer: &Answer) -> Result<String, Problem> {
    let page = std::str::from_utf8(&answer.body)?;
    let (_, rest) = page.split_once("http-equiv=\"refresh\"").ok_or("a page that leads nowhere")?;
    let (_, rest) = rest.split_once("url=").ok_or("a page that leads nowhere")?;
    let (target, _) = rest.split_once('"').ok_or("a page that leads nowhere")?;
    let target = target.replace("&amp;", "&").replace("&#38;", "&");
    Ok(match Url::parse(&target) {
        Ok(url) => url[url::Position::BeforePath..].to_owned(),
        Err(_) => target,
    })
}

fn text(answer: &Value, member: &str) -> Result<String, Problem> {
    Ok(answer[member].as_str().ok_or_else(|| format!("an answer without {member}"))?.to_owned())
}
