//! A good case of each record, for tests that spoil one thing.

use std::time::Duration;

use serde_json::json;
use terms::{GrantId, SessionId, Subject, Timestamp, UserId};

use crate::client::{Client, ClientMetadata, ClientSettings, GrantType};
use crate::client_assertion::Addressee;
use crate::client_auth::{
    AuthenticatedClient, Believed, Credentials, KeptSecret, KnownClient, LiveSecret, authenticate,
};
use crate::grant::{Authentication, Grant, Standing};
use crate::params::Parameters;
use crate::resource_server::{ResourceIdentifier, ResourceServer, TokenFormat};
use crate::scope::Scope;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub(crate) fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

pub(crate) fn resource(text: &str) -> ResourceIdentifier {
    text.parse().unwrap()
}

/// A public client.
pub(crate) fn client() -> Client {
    let mut metadata = ClientMetadata::parse(&json!({
        "redirect_uris": ["https://app.example.test/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "scope": "openid profile email offline_access api:read api:write",
    }))
    .unwrap();
    metadata.grant_types.push(GrantType::ClientCredentials);
    Client {
        id: "cli_web".parse().unwrap(),
        metadata,
        settings: ClientSettings::default(),
        created_at: NOW,
        last_used_at: None,
    }
}

/// The proof for a public client.
pub(crate) fn believed(client: Client) -> AuthenticatedClient {
    let form = format!("client_id={}", client.id);
    let credentials = Credentials::read(&[], &Parameters::parse(form.as_bytes()).unwrap()).unwrap();
    believe(&credentials, KnownClient::new(client, Vec::new()))
}

fn believe(credentials: &Credentials, known: KnownClient) -> AuthenticatedClient {
    let addressee = Addressee { issuer: "https://login.example.test", token_endpoint: "" };
    match authenticate(credentials, Some(known), addressee, NOW).unwrap() {
        Believed::Now(client) => client,
        Believed::Once(unspent) => unspent.spent(true).unwrap(),
    }
}

pub(crate) fn grant() -> Grant {
    Grant {
        id: GrantId::new(NOW, [1; 10]),
        client: client().id,
        user: UserId::new(NOW, [2; 10]),
        pairwise_subject: None,
        session: SessionId::new(NOW, [3; 10]),
        offline: false,
        by_consent: true,
        scope: scope("openid profile api:read"),
        claims: crate::claims_request::ClaimsRequest::default(),
        resources: Vec::new(),
        authentication: Authentication { time: NOW, methods: vec!["pwd".to_owned()], acr: "1".to_owned() },
        created_at: NOW,
        ended_at: None,
    }
}

pub(crate) fn subject() -> Subject {
    "alice".parse().unwrap()
}

pub(crate) fn standing() -> Standing {
    Standing {
        subject: Some(subject()),
        user_disabled: false,
        session_ends_at: Some(later(3600)),
        consented: Some(scope("openid profile email api:read")),
    }
}

pub(crate) fn issuer() -> ResourceServer {
    ResourceServer::built_in(resource("https://login.example.test"))
}

pub(crate) fn api() -> ResourceServer {
    ResourceServer {
        id: Some(terms::ResourceServerId::new(NOW, [4; 10])),
        identifier: resource("https://api.example.test"),
        scopes: scope("api:read api:write"),
        format: TokenFormat::JwtEs256,
        access_token_lifetime: Duration::from_mins(5),
        introspection_client: None,
    }
}

/// The proof for a client with `client_secret_post`.
pub(crate) fn believed_with_secret(client: Client) -> AuthenticatedClient {
    let secret = terms::ClientSecret::new([7; 32]);
    let form = format!("client_id={}&client_secret={}", client.id, secret.reveal());
    let credentials = Credentials::read(&[], &Parameters::parse(form.as_bytes()).unwrap()).unwrap();
    let kept = KeptSecret::Hashed(secret.hash());
    let live = LiveSecret { id: terms::ClientSecretId::new(NOW, [7; 10]), kept, expires_at: None };
    believe(&credentials, KnownClient::new(client, vec![live]))
}
