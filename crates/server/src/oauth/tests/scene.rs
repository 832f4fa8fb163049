//! A server without a socket, and the people and clients of a story, put into its store directly.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, StatusCode};
use identity::{BrowserRecord, Device, Factor, FactorMethod, Profile, Session, User, UserEmail};
use oidc::client::{Client, ClientMetadata, ClientSettings};
use oidc::client_auth::{KeptSecret, LiveSecret};
use oidc::device::{UserCode, UserCodeKey};
use oidc::grant::{Authentication, Grant, IssuedCode};
use oidc::params::{self, Parameters};
use oidc::pkce::CodeChallenge;
use oidc::resource_server::{ResourceServer, TokenFormat};
use serde_json::{Value, json};
use store::consents::Consent;
use store::devices::DeviceAuthorization;
use store::testing::{TestDatabase, engine_kinds};
use store::{EngineKind, Fault, write_tx};
use terms::{
    AuthorizationCode, BrowserHandle, BrowserId, ClientId, ClientSecret, ClientSecretId,
    DeviceAuthorizationId, DeviceCode, EmailAddress, FlowId, GrantId, ResourceServerId, SecretText,
    SessionId, TenantId, Timestamp, UserId, limits,
};

use crate::app::{App, Schema};
use crate::clock::{Clock, HeldClock};
use crate::config::{Config, Database};
use crate::keys::FixedKeys;
use crate::listen::Answers as _;
use crate::request::Front;
use crate::tenant::{DEFAULT_SLUG, Issuer};
use crate::{routes, tenants};

pub(super) const ISSUER: &str = "http://localhost:8080";
pub(super) const REDIRECT_URI: &str = "https://app.example.test/cb";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Resource servers: one that takes handles and introspects as `cli_api`, one that takes RS256.
pub(super) const OPAQUE_API: &str = "https://opaque.example.test";
pub(super) const RS256_API: &str = "https://rs256.example.test";

pub(super) struct Scene {
    pub(super) app: Arc<App>,
    pub(super) clock: HeldClock,
    pub(super) tenant: TenantId,
    service: Front,
    /// As in a running server; without it the requests of a long story are refused.
    fresh: tokio::task::JoinHandle<()>,
    _database: TestDatabase,
    folder: std::path::PathBuf,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.fresh.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Somebody who is signed in and gave the clients consent.
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

/// A client with its secret, if it has one.
#[derive(Clone)]
pub(super) struct Party {
    pub(super) id: ClientId,
    pub(super) secret: Option<String>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    pub(super) fn text(&self, member: &str) -> String {
        self.body[member]
            .as_str()
            .unwrap_or_else(|| panic!("no {member} in {} {}", self.status, self.body))
            .to_owned()
    }
}

/// What a code shall be like.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) offline: bool,
    pub(super) by_consent: bool,
    pub(super) scope: &'static str,
    pub(super) resource: Option<&'static str>,
}

pub(super) const GOOD: Wanted =
    Wanted { offline: false, by_consent: true, scope: "openid profile api:read", resource: None };

impl Scene {
    pub(super) async fn each(story: impl AsyncFn(&Scene)) {
        for engine in engine_kinds() {
            println!("on {engine:?}");
            story(&Self::on(engine).await).await;
        }
    }

    pub(super) async fn on(engine: EngineKind) -> Self {
        let database = TestDatabase::make(engine).await;
        let folder = std::env::temp_dir().join(format!(
            "portico_scene_{}_{}",
            std::process::id(),
            store::testing::unique()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let mut config = Config::development(&folder, 0, Some(Issuer::parse(ISSUER).unwrap()));
        config.database = match engine {
            EngineKind::Sqlite => Database::Sqlite(database.url().into()),
            EngineKind::Postgres => Database::Postgres(SecretText::new(database.url().to_owned())),
        };
        config.fixed_signing_keys = Some(FixedKeys {
            rs256: include_bytes!("../../../../../tests/harness/fixtures/rs256.pkcs8").to_vec(),
            es256: include_bytes!("../../../../../tests/harness/fixtures/es256.pkcs8").to_vec(),
        });
        config.password_hashing.cost.memory_kib = 64;
        config.password_hashing.cost.passes = 1;
        let clock = HeldClock::at(Timestamp::from_seconds(1_800_000_000));
        let app = App::open(config, Clock::Held(clock.clone()), Schema::Migrate).await.unwrap();
        let tenant = app.tenant_by_slug(DEFAULT_SLUG).await.unwrap().unwrap().id;
        let service = routes::service(&app);
        let fresh = tokio::spawn(tenants::keep_fresh(Arc::clone(&app)));
        let scene = Self { app, clock, tenant, service, fresh, _database: database, folder };
        scene.resource_server(OPAQUE_API, TokenFormat::Opaque, None).await;
        scene.resource_server(RS256_API, TokenFormat::JwtRs256, None).await;
        scene
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn id<T>(&self, new: fn(Timestamp, [u8; 10]) -> T) -> T {
        self.app.entropy.id(new, self.now())
    }

    async fn resource_server(&self, identifier: &str, format: TokenFormat, reader: Option<ClientId>) {
        let id = self.id(ResourceServerId::new);
        let server = ResourceServer {
            id: Some(id),
            identifier: identifier.parse().unwrap(),
            scopes: "api:read api:write".parse().unwrap(),
            format,
            access_token_lifetime: Duration::from_mins(2),
            introspection_client: reader,
        };
        let made = write_tx!(self.app.store, self.tenant, |tx| -> Result<bool, Fault> {
            tx.insert_resource_server(id, &server).await
        });
        assert!(made.unwrap());
    }

    /// Lets `OPAQUE_API` introspect as this client, by registering it anew.
    pub(super) async fn reads_tokens(&self, identifier: &str, reader: &Party) {
        self.resource_server(identifier, TokenFormat::Opaque, Some(reader.id.clone())).await;
    }

    /// Registers a client with these members of metadata beside the usual ones.
    pub(super) async fn party(&self, id: &str, method: &str, settings: ClientSettings) -> Party {
        let mut grant_types = vec!["authorization_code", "refresh_token", DEVICE_CODE];
        if method != "none" {
            grant_types.push("client_credentials");
        }
        let metadata = ClientMetadata::parse(&json!({
            "redirect_uris": [REDIRECT_URI],
            "grant_types": grant_types,
            "token_endpoint_auth_method": method,
            "scope": "openid profile email offline_access api:read api:write",
        }));
        let id: ClientId = id.parse().unwrap();
        let client = Client {
            id: id.clone(),
            metadata: metadata.unwrap(),
            settings,
            created_at: self.now(),
            last_used_at: None,
        };
        let secret = (method != "none").then(|| self.app.entropy.secret(ClientSecret::new));
        let live = secret.as_ref().map(|secret| LiveSecret {
            id: self.id(ClientSecretId::new),
            kept: KeptSecret::Hashed(secret.hash()),
            expires_at: None,
        });
        let now = self.now();
        write_tx!(self.app.store, self.tenant, |tx| -> Result<(), Fault> {
            assert!(tx.insert_client(&client).await?);
            if let Some(live) = &live {
                assert!(tx.insert_client_secret(&client.id, live, now).await?);
            }
            Ok(())
        })
        .unwrap();
        Party { id, secret: secret.map(|secret| secret.reveal()) }
    }

    /// A public client.
    pub(super) async fn web(&self) -> Party {
        self.party("cli_web", "none", ClientSettings::default()).await
    }

    /// A confidential client whose refresh tokens stay.
    pub(super) async fn backend(&self) -> Party {
        self.party("cli_backend", "client_secret_basic", ClientSettings::default()).await
    }

    pub(super) async fn person(&self, name: &str) -> Person {
        let now = self.now();
        let user = User {
            id: self.id(UserId::new),
            subject: name.parse().unwrap(),
            emails: vec![UserEmail {
                address: EmailAddress::parse(&format!("{name}@example.test")).unwrap(),
                verified_at: Some(now),
                is_primary: true,
            }],
            profile: Profile::parse(&json!({ "name": name }).to_string()).unwrap(),
            created_at: now,
            updated_at: now,
            disabled_at: None,
            language: None,
            username: None,
        };
        let browser = BrowserRecord {
            id: self.id(BrowserId::new),
            handle_hash: self.app.entropy.secret(BrowserHandle::new).hash(),
            previous_handle_hash: None,
            rotated_at: now,
            created_at: now,
            last_seen_at: now,
        };
        let session = Session {
            id: self.id(SessionId::new),
            browser_id: browser.id,
            user_id: user.id,
            factors: vec![Factor { method: FactorMethod::Password, verified_at: now }],
            created_at: now,
            last_active_at: now,
            expires_at: now.plus(limits::SESSION_LIFETIME),
            ended_at: None,
            device: Device::default(),
        };
        write_tx!(self.app.store, self.tenant, |tx| -> Result<(), Fault> {
            assert!(tx.insert_user(&user, &[7; 32]).await?);
            tx.insert_browser(&browser).await?;
            tx.insert_session(&session).await
        })
        .unwrap();
        Person { user: user.id, session: session.id }
    }

    /// A code as the authorization endpoint would issue it.
    pub(super) async fn code(&self, person: &Person, party: &Party, wanted: Wanted) -> String {
        self.code_and_grant(person, party, wanted).await.0
    }

    /// A device code that the person has allowed to buy tokens.
    pub(super) async fn device_code_and_grant(
        &self,
        person: &Person,
        party: &Party,
        wanted: Wanted,
    ) -> (String, GrantId) {
        let now = self.now();
        let grant = self.grant(person, party, wanted);
        let consent = Consent {
            user: person.user,
            client: party.id.clone(),
            scope: grant.scope.clone(),
            given_at: now,
        };
        let device = DeviceAuthorization {
            id: self.id(DeviceAuthorizationId::new),
            client: party.id.clone(),
            parameters: Parameters::default(),
            browser: None,
            flow: None,
            denied_at: None,
            grant: None,
            created_at: now,
            expires_at: now.plus(limits::DEVICE_CODE_LIFETIME),
        };
        let code = self.app.entropy.secret(DeviceCode::new);
        let user_code = UserCodeKey::new(&[1; 32]).hash(&UserCode::new(self.app.entropy.bytes()));
        let (browser, flow) = (self.id(BrowserId::new), self.id(FlowId::new));
        write_tx!(self.app.store, self.tenant, |tx| -> Result<(), Fault> {
            tx.add_consent(&consent).await?;
            tx.insert_grant(&grant).await?;
            assert!(tx.insert_device(code.hash(), user_code, 5, &device).await?);
            assert!(tx.claim_device(device.id, browser, flow, now).await?);
            assert!(tx.approve_device(device.id, flow, grant.id, now).await?);
            Ok(())
        })
        .unwrap();
        (code.reveal(), grant.id)
    }

    fn grant(&self, person: &Person, party: &Party, wanted: Wanted) -> Grant {
        let now = self.now();
        Grant {
            id: self.id(GrantId::new),
            client: party.id.clone(),
            user: person.user,
            pairwise_subject: None,
            session: person.session,
            offline: wanted.offline,
            by_consent: wanted.by_consent,
            scope: wanted.scope.parse().unwrap(),
            claims: oidc::claims_request::ClaimsRequest::default(),
            resources: wanted.resource.iter().map(|resource| resource.parse().unwrap()).collect(),
            authentication: Authentication {
                time: now,
                methods: vec!["pwd".to_owned()],
                acr: "1".to_owned(),
            },
            created_at: now,
            ended_at: None,
        }
    }

    pub(super) async fn code_and_grant(
        &self,
        person: &Person,
        party: &Party,
        wanted: Wanted,
    ) -> (String, GrantId) {
        let now = self.now();
        let grant = self.grant(person, party, wanted);
        let issued = IssuedCode {
            grant: grant.id,
            redirect_uri: Some(REDIRECT_URI.to_owned()),
            code_challenge: CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap(),
            nonce: Some("a-nonce".to_owned()),
            expires_at: now.plus(limits::AUTHORIZATION_CODE_LIFETIME),
            redeemed_at: None,
        };
        let consent = Consent {
            user: person.user,
            client: party.id.clone(),
            scope: grant.scope.clone(),
            given_at: now,
        };
        let code = self.app.entropy.secret(AuthorizationCode::new);
        write_tx!(self.app.store, self.tenant, |tx| -> Result<(), Fault> {
            tx.add_consent(&consent).await?;
            tx.insert_grant(&grant).await?;
            tx.insert_authorization_code(code.hash(), &issued).await
        })
        .unwrap();
        (code.reveal(), grant.id)
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.service.answer(request, (Ipv4Addr::LOCALHOST, 1).into()).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A form as this client.
    pub(super) async fn post(&self, path: &str, party: &Party, form: &[(&str, &str)]) -> Answer {
        let mut form = form.to_vec();
        let mut request = Request::post(path).header(HOST, "localhost:8080");
        match &party.secret {
            Some(secret) => request = request.header(AUTHORIZATION, basic(party.id.as_str(), secret)),
            None => form.push(("client_id", party.id.as_str())),
        }
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(params::encode(form).into()).unwrap()).await
    }

    pub(super) async fn exchange(&self, party: &Party, code: &str) -> Answer {
        self.post("/oauth/token", party, &exchange_form(code)).await
    }

    pub(super) async fn refresh(&self, party: &Party, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/oauth/token", party, &form).await
    }

    pub(super) async fn poll(&self, party: &Party, device_code: &str) -> Answer {
        let form = [("grant_type", DEVICE_CODE), ("device_code", device_code)];
        self.post("/oauth/token", party, &form).await
    }

    pub(super) async fn userinfo(&self, token: &str) -> Answer {
        let request = Request::get("/oauth/userinfo").header(HOST, "localhost:8080");
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn introspect(&self, party: &Party, token: &str) -> Value {
        let answer = self.post("/oauth/introspect", party, &[("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    pub(super) async fn is_active(&self, party: &Party, token: &str) -> bool {
        self.introspect(party, token).await["active"] == true
    }
}

pub(super) fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}")))
}

pub(super) fn exchange_form(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}
