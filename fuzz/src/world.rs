//! The clients and the provider that a request meets.

use std::sync::{Arc, OnceLock};

use oidc::authorize::{self, AuthorizationRequest, AuthorizeRefusal, Offered, PageReason};
use oidc::client::{
    ApplicationType, Client, ClientAuthMethod, ClientMetadata, ClientProfile, ClientSettings,
};
use oidc::client_assertion::Addressee;
use oidc::client_auth::{KeptSecret, KnownClient, LiveSecret, OpenedSecret};
use oidc::jose::{Algorithm, ClientKeys, KeySet, KeySetEntry, SigningKey, generate_pkcs8};
use oidc::params::Parameters;
use oidc::request_object::{self, Carrier, Carrying, PlainRequest, RequestObject, RequestRefusal, Verifiers};
use serde_json::{Value, json};
use terms::{ClientSecret, ClientSecretId, SigningKeyId, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const ISSUER: &str = "https://login.example.test";
pub(crate) const API: &str = "https://api.example.test";
pub(crate) const ADDRESSEE: Addressee<'static> =
    Addressee { issuer: ISSUER, token_endpoint: "https://login.example.test/oauth/token" };

/// What becomes of an authorization request.
pub(crate) fn validated(
    parameters: &Parameters,
    client: &Client,
    offered: &Offered<'_>,
) -> Result<AuthorizationRequest, AuthorizeRefusal> {
    let carrying = match PlainRequest::of(parameters.clone()) {
        Ok(request) => return authorize::validate(&request, Some(client), offered),
        Err(carrying) => carrying,
    };
    match authorize::client_id(carrying.outer()) {
        Ok(id) if id == client.id => {
            let refusal = opened(&carrying, client).expect_err("nobody here signs requests");
            Err(authorize::refuse_object(carrying.outer(), client, refusal))
        }
        Ok(_) => Err(AuthorizeRefusal::Page(PageReason::ClientUnknown)),
        Err(reason) => Err(AuthorizeRefusal::Page(reason)),
    }
}

/// What becomes of a request object.
fn opened(carrying: &Carrying, client: &Client) -> Result<PlainRequest, RequestRefusal> {
    match carrying.carrier()? {
        Carrier::Value(token) => {
            let known = known(client);
            let by = Verifiers { secrets: known.opened, keys: known.keys };
            RequestObject::parse(token, client)?.verify(client, &by, ISSUER, NOW)?.merge(carrying.outer())
        }
        Carrier::Reference(uri) => {
            request_object::address(uri, client).and(Err(RequestRefusal::UriUnreachable))
        }
    }
}

/// The only secret of every client that has one.
pub(crate) fn secret() -> ClientSecret {
    ClientSecret::new([7; 32])
}

fn registered(id: &str, metadata: &Value) -> Client {
    Client {
        id: id.parse().expect("an id"),
        metadata: ClientMetadata::parse(metadata).expect("metadata that hold"),
        settings: ClientSettings::default(),
        created_at: NOW,
        last_used_at: None,
    }
}

/// A client of this type that may do little.
pub(crate) fn client(application: ApplicationType) -> Client {
    registered(
        "cli",
        &json!({ "redirect_uris": ["https://a.test/"], "application_type": application.as_str() }),
    )
}

/// One client of each kind that the rules tell apart.
pub(crate) fn clients() -> &'static [Client] {
    static CLIENTS: OnceLock<Vec<Client>> = OnceLock::new();
    CLIENTS.get_or_init(|| {
        let web = registered(
            "web",
            &json!({
                "redirect_uris": ["https://app.example.test/cb", "https://app.example.test/cb?x=1"],
                "post_logout_redirect_uris": ["https://app.example.test/bye?x=1"],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scope": "openid profile email offline_access api:read",
            }),
        );
        let public = registered(
            "app",
            &json!({
                "application_type": "native",
                "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"],
                "post_logout_redirect_uris": ["com.example.app:/bye"],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
            }),
        );
        let all =
            ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"];
        let mut legacy = registered(
            "old",
            &json!({
                "redirect_uris": ["https://old.example.test/cb"],
                "token_endpoint_auth_method": "client_secret_post",
                "grant_types": ["authorization_code", "implicit", "refresh_token"],
                "response_types": all,
                "default_max_age": 60,
            }),
        );
        legacy.settings.profile = ClientProfile::OidcLegacy;
        let mac = registered(
            "mac",
            &json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt",
                    "scope": "api:read" }),
        );
        let signer = registered(
            "key",
            &json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
                    "scope": "api:read", "jwks": client_jwks() }),
        );
        vec![web, public, legacy, mac, signer]
    })
}

/// What the store would know of a client.
pub(crate) fn known(client: &Client) -> KnownClient {
    let id = ClientSecretId::new(NOW, [1; 10]);
    let secrets = match client.auth_method {
        ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
            vec![LiveSecret { id, kept: KeptSecret::Hashed(secret().hash()), expires_at: None }]
        }
        _ => Vec::new(),
    };
    let mut known = KnownClient::new(client.clone(), secrets);
    if client.auth_method == ClientAuthMethod::ClientSecretJwt {
        known.opened = vec![OpenedSecret { secret: secret(), expires_at: None }];
    }
    if client.auth_method == ClientAuthMethod::PrivateKeyJwt {
        known.keys = Some(Arc::new(ClientKeys::read(&client_jwks()).expect("keys")));
    }
    known
}

fn key(algorithm: Algorithm, number: u8) -> SigningKey {
    let document = generate_pkcs8(algorithm).expect("a key");
    let id = SigningKeyId::new(NOW, [number; 10]);
    SigningKey::from_pkcs8(id, algorithm, &document).expect("a key of ours")
}

/// The keys of the client `key`.
pub(crate) fn client_keys() -> &'static [SigningKey] {
    static KEYS: OnceLock<Vec<SigningKey>> = OnceLock::new();
    KEYS.get_or_init(|| vec![key(Algorithm::Es256, 21), key(Algorithm::EdDsa, 22)])
}

fn client_jwks() -> Value {
    json!({ "keys": client_keys().iter().map(|key| key.public().to_json()).collect::<Vec<_>>() })
}

/// The provider's keys: one active of each algorithm, one announced, one retired, one revoked. No two runs have the same,
/// so that no input can hold what one of them signed.
pub(crate) struct Provider {
    pub(crate) keys: KeySet,
    pub(crate) announced: SigningKey,
    pub(crate) retired: SigningKey,
    pub(crate) revoked: SigningKey,
}

pub(crate) fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let (announced, retired) = (key(Algorithm::Es256, 11), key(Algorithm::EdDsa, 12));
        let mut entries = vec![
            KeySetEntry::published(announced.public().clone()).expect("a key"),
            KeySetEntry::retired(retired.public().clone()).expect("a key"),
        ];
        for (number, algorithm) in (1..).zip(Algorithm::ALL) {
            entries.push(KeySetEntry::active(key(algorithm, number), NOW).expect("a key"));
        }
        let keys = KeySet::new(entries).expect("keys of different ids");
        Provider { keys, announced, retired, revoked: key(Algorithm::Es256, 13) }
    })
}
