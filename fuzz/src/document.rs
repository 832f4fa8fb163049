//! JSON that others write: what a client registers, a set of keys, a `claims` request. One input is read as each.

use oidc::authorize::{AuthorizeRefusal, Offered};
use oidc::client::{
    ApplicationType, Client, ClientAuthMethod, ClientMetadata, ClientSettings, GrantType, LegacyClients,
};
use oidc::jose::{Algorithm, ClientKeys, PublicJwk, VerifyingKey, json};
use oidc::params::{self, Parameters};
use oidc::registration::{self, Terms};
use oidc::scope::{Scope, scope_of_claim};
use serde_json::{Map, Value};
use terms::limits;

use super::redirect_uri::{assert_harmless, assert_sound};
use super::world::{self, ISSUER};

/// Members of a JWK that only a private or symmetric key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Reads a document as everything that it could be.
pub fn check(input: &[u8]) {
    strict_json(input);
    registration(input);
    key(input);
    if let Ok(keys) = ClientKeys::parse(input) {
        key_set(input, &keys);
    }
    if let Ok(text) = std::str::from_utf8(input) {
        claims(text);
    }
    if let Ok(members) = json::parse_object(input) {
        settings(members);
    }
}

/// What is read here, a common reader reads in the same way; and no member is there twice, at whatever level.
fn strict_json(input: &[u8]) {
    let Ok(value) = json::parse(input) else { return };
    let lenient: Value = serde_json::from_slice(input).expect("a common reader reads it, too");
    assert_eq!(value, lenient);
    assert!(depth(&value) <= json::DEPTH);
    let text = std::str::from_utf8(input).expect("JSON is UTF-8");
    // Outside of texts, each member is one colon.
    let colons = outside_of_texts(text).filter(|character| *character == ':').count();
    assert_eq!(colons, members(&value), "a member was lost");
}

fn outside_of_texts(json: &str) -> impl Iterator<Item = char> {
    let (mut inside, mut escaped) = (false, false);
    json.chars().filter(move |character| {
        let was_inside = inside;
        if inside && escaped {
            escaped = false;
        } else if inside && *character == '\\' {
            escaped = true;
        } else if *character == '"' {
            inside = !inside;
        }
        !was_inside
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(members_of) => members_of.len() + members_of.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

fn registration(input: &[u8]) {
    let scope: Scope = "openid profile email".parse().expect("a scope");
    let grants = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Implicit];
    let terms = Terms { grant_types: &grants, scope: &scope, id_token_algorithms: &Algorithm::AT_FIRST };
    match registration::read(input, terms) {
        Ok(metadata) => {
            assert!(metadata.grant_types.iter().all(|grant| grants.contains(grant)));
            assert!(metadata.scope.is_subset_of(&scope));
            assert!(Algorithm::AT_FIRST.contains(&metadata.id_token_algorithm));
            assert_metadata(&metadata);
        }
        Err(refusal) => assert!(!refusal.description().is_empty() && (400..=403).contains(&refusal.status())),
    }
    if let Ok(value) = json::parse(input)
        && let Ok(metadata) = ClientMetadata::parse(&value)
    {
        assert_metadata(&metadata);
        let known = ClientMetadata::parse_known(value.as_object().expect("an object").clone());
        assert_eq!(known.as_ref(), Ok(&metadata), "a stricter reading is no other");
    }
    let client = &world::clients()[0];
    if let Ok(update) = registration::read_update(input, client, terms) {
        assert_metadata(&update.metadata);
        let members = json::parse_object(input).expect("it was read");
        assert_eq!(members.get("client_id").and_then(Value::as_str), Some(client.id.as_str()));
        let ours = ["registration_access_token", "registration_client_uri", "client_secret_expires_at"];
        assert!(ours.iter().all(|name| !members.contains_key(*name)));
    }
}

/// What holds of every client's metadata, and that they survive the store.
fn assert_metadata(metadata: &ClientMetadata) {
    let json = metadata.to_json();
    assert_eq!(ClientMetadata::parse(&json).as_ref(), Ok(metadata));
    assert_eq!(ClientMetadata::stored(&json).as_ref(), Ok(metadata));
    let native = metadata.application_type == ApplicationType::Native;
    for uri in metadata.redirect_uris.iter().chain(&metadata.post_logout_redirect_uris) {
        assert_sound(uri, metadata.application_type);
    }
    assert!(metadata.response_types.is_empty() || !metadata.redirect_uris.is_empty(), "somewhere to go");
    let has = |grant| metadata.grant_types.contains(&grant);
    assert!(!has(GrantType::RefreshToken) || has(GrantType::AuthorizationCode));
    assert!(!has(GrantType::ClientCredentials) || metadata.auth_method != ClientAuthMethod::None);
    let front = metadata.response_types.iter().any(|kind| kind.is_front_channel());
    assert_eq!(front, has(GrantType::Implicit));
    if front {
        let web = |text: &str| text.starts_with("https://") && !text.starts_with("https://localhost");
        assert!(!native && metadata.redirect_uris.iter().all(|uri| web(uri.as_str())));
    }
    let fetched_or_shown = [
        &metadata.jwks_uri,
        &metadata.sector_identifier_uri,
        &metadata.client_uri,
        &metadata.logo_uri,
        &metadata.policy_uri,
        &metadata.tos_uri,
        &metadata.initiate_login_uri,
    ];
    for address in fetched_or_shown.into_iter().flatten() {
        assert!(address.bytes().all(|octet| octet.is_ascii_graphic()), "{address:?}");
        let lower = address.to_ascii_lowercase();
        assert!(lower.starts_with("https:") || lower.starts_with("http:"), "{address:?}");
        assert!(
            !address.contains('@') || !url::Url::parse(address).is_ok_and(|url| !url.username().is_empty())
        );
    }
    for text in [&metadata.name, &metadata.software.0, &metadata.software.1].into_iter().flatten() {
        assert!(!text.trim().is_empty() && !text.chars().any(char::is_control));
    }
    if metadata.auth_method == ClientAuthMethod::PrivateKeyJwt {
        assert!(metadata.jwks.is_some() != metadata.jwks_uri.is_some());
    }
    if let Some(keys) = &metadata.jwks {
        assert!(keys.keys().faults().is_empty());
        assert_public(json.get("jwks").expect("the keys that were given"));
    }
}

/// No private part of a key is kept, nor shown again.
fn assert_public(keys: &Value) {
    for key in keys.get("keys").and_then(Value::as_array).into_iter().flatten() {
        assert!(PRIVATE.iter().all(|name| key.get(name).is_none()), "a private key");
    }
}

fn key(input: &[u8]) {
    let Ok(key) = PublicJwk::parse(input) else { return };
    let json = key.to_json();
    assert!(PRIVATE.iter().all(|name| json.get(name).is_none()));
    assert_eq!(PublicJwk::parse(json.to_string().as_bytes()).as_ref(), Ok(&key));
    assert_eq!(key.thumbprint().len(), 43);
    if let Ok(verifying) = VerifyingKey::new(key.clone()) {
        assert_eq!(verifying.public(), &key);
        for signature in [&[][..], &[0; 64], &[0; 256]] {
            assert!(!verifying.verifies(b"anything", signature), "a key that takes anything");
        }
    }
}

fn key_set(input: &[u8], keys: &ClientKeys) {
    let set = json::parse(input).expect("it was read");
    let items = set.get("keys").and_then(Value::as_array).expect("a list of keys");
    assert!(items.len() <= limits::CLIENT_KEYS && keys.faults().len() <= items.len());
    for (index, item) in items.iter().enumerate() {
        let private = PRIVATE.iter().any(|name| item.get(name).is_some());
        assert!(
            !private || keys.faults().iter().any(|fault| fault.place == index + 1),
            "a private key is taken"
        );
    }
    for algorithm in Algorithm::ALL {
        let names = items.iter().filter_map(|item| item.get("kid").and_then(Value::as_str));
        for name in names.map(Some).chain([None]) {
            let Some(key) = keys.find(name, algorithm) else { continue };
            assert_eq!(key.public().algorithm(), algorithm);
            assert!(name.is_none_or(|name| name == key.public().key_id()));
            assert!(keys.has(name, algorithm) && keys.serve(Some(algorithm)));
            assert!(!key.verifies(b"anything", &[0; 64]));
        }
    }
}

/// A `claims` parameter, as one of an authorization request.
fn claims(text: &str) {
    let client = &world::clients()[0];
    let encoded = params::encode([
        ("client_id", client.id.as_str()),
        ("redirect_uri", "https://app.example.test/cb"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("claims", text),
    ]);
    let Ok(parameters) = Parameters::parse(encoded.as_bytes()) else { return };
    let (issuer, client) = (ISSUER.parse().expect("an identifier"), client as &Client);
    let offered = Offered { issuer: &issuer, registered: &[], sign_up: false, legacy: LegacyClients::None };
    match world::validated(&parameters, client, &offered) {
        Ok(request) => {
            let asked = &request.claims;
            let permitted = |name: &str| match scope_of_claim(name) {
                Some(scope) => client.scope.contains(scope),
                None => name == "sub" || name == "acr",
            };
            assert!(asked.for_userinfo().chain(asked.for_id_token()).all(permitted));
            assert!(asked.for_userinfo().count() <= limits::CLAIMS);
            assert!(asked.scope().is_subset_of(&client.scope));
            assert_eq!(asked.permitted(&client.scope), *asked);
            let fewer = asked.permitted(&"openid".parse().expect("a scope"));
            assert!(fewer.scope().is_empty(), "what was withdrawn is asked for no more");
            let stored = serde_json::to_value(asked).expect("JSON");
            assert_eq!(serde_json::from_value(stored).ok().as_ref(), Some(asked));
        }
        Err(AuthorizeRefusal::Redirect { to, .. }) => assert_harmless(to.as_str()),
        Err(AuthorizeRefusal::Page(reason)) => panic!("{reason:?} has nothing to do with claims"),
    }
}

fn settings(members: Map<String, Value>) {
    let Ok(settings) = ClientSettings::parse(members) else { return };
    let json = serde_json::to_value(&settings).expect("JSON");
    let again = ClientSettings::parse(json.as_object().expect("an object").clone());
    assert_eq!(again.as_ref(), Ok(&settings));
    let longest = limits::LONGEST_TOKEN_LIFETIME.as_secs();
    for lifetime in [settings.access_token_lifetime, settings.id_token_lifetime].into_iter().flatten() {
        assert!(lifetime <= longest);
    }
}
