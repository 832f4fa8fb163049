use serde_json::{Value, json};

use super::*;
use crate::jose::{Algorithm, ContentEncryption, KeyManagement};

fn good() -> Value {
    json!({
        "client_name": "Web shop",
        "redirect_uris": ["https://shop.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid email",
    })
}

#[test]
fn absent_members_have_the_defaults_of_the_rfc() {
    let metadata = ClientMetadata::parse(&json!({ "redirect_uris": ["https://shop.example/cb"] })).unwrap();
    assert_eq!(metadata.auth_method, ClientAuthMethod::ClientSecretBasic);
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!(metadata.response_types, [ResponseType::Code]);
    assert_eq!(metadata.application_type, ApplicationType::Web);
    assert_eq!(metadata.scope, Scope::standard());
    let machine = ClientMetadata::parse(&json!({ "grant_types": ["client_credentials"] })).unwrap();
    assert!(machine.scope.is_empty() && machine.response_types.is_empty());
}

#[test]
fn metadata_survive_their_json() {
    let whole = json!({
        "client_name": "App",
        "redirect_uris": ["https://shop.example/cb", "com.example.app:/cb"],
        "post_logout_redirect_uris": ["https://shop.example/bye"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "id_token_signed_response_alg": "RS256",
        "scope": "email openid",
        "contacts": ["ops@shop.example"],
        "client_uri": "https://shop.example",
        "logo_uri": "https://shop.example/logo.png",
        "policy_uri": "https://shop.example/policy",
        "tos_uri": "https://shop.example/tos",
        "initiate_login_uri": "https://shop.example/login",
        "request_uris": ["https://shop.example/r.jwt#x", "http://127.0.0.1/r.jwt"],
        "backchannel_logout_uri": "https://shop.example/out?x=1",
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://shop.example/out",
        "frontchannel_logout_session_required": true,
        "default_max_age": 3600,
        "default_acr_values": ["2", "urn:example:gold"],
        "require_auth_time": true,
        "software_id": "app",
        "software_version": "1",
    });
    let metadata = ClientMetadata::parse(&whole).unwrap();
    assert_eq!(metadata.to_json(), whole);
    assert_eq!(ClientMetadata::parse(&metadata.to_json()), Ok(metadata));
}

#[test]
fn each_spoiled_member_is_named() {
    let cases: &[(&str, Value)] = &[
        ("client_name", json!(7)),
        ("client_name", json!("")),
        ("client_name", json!("a\nb")),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!("https://shop.example/cb")),
        ("redirect_uris", json!(["https://shop.example/cb", "https://shop.example/cb"])),
        ("redirect_uris", json!(["http://shop.example/cb"])),
        ("redirect_uris", json!(["com.example.app:/cb"])),
        ("post_logout_redirect_uris", json!(["javascript:alert(1)"])),
        ("grant_types", json!(["password"])),
        ("response_types", json!(["code", "token code id_token"])),
        ("grant_types", json!(["authorization_code", 1])),
        ("response_types", json!(["token"])),
        ("response_types", json!([])),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_signing_alg", json!("none")),
        ("token_endpoint_auth_signing_alg", json!("ES256")),
        ("jwks", json!([])),
        ("jwks", json!({ "keys": {} })),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AA" }] })),
        ("jwks_uri", json!("http://shop.example/jwks.json")),
        ("application_type", json!("tv")),
        ("scope", json!("a  b")),
        ("scope", json!(["a"])),
        ("contacts", json!("me")),
        ("logo_uri", json!("javascript:alert(1)")),
        ("logo_uri", json!("http://shop.example/logo.png")),
        ("tos_uri", json!("https://u:p@shop.example/")),
        ("initiate_login_uri", json!("http://127.0.0.1/login")),
        ("request_object_signing_alg", json!("none")),
        ("request_object_signing_alg", json!("ES256")),
        ("request_object_signing_alg", json!("HS256")),
        ("request_uris", json!("https://shop.example/r.jwt")),
        ("request_uris", json!(["http://shop.example/r.jwt"])),
        ("request_uris", json!(["urn:example:r"])),
        ("request_uris", json!([format!("https://shop.example/{}", "r".repeat(500))])),
        ("request_uris", json!(["https://shop.example/r.jwt", "https://shop.example/r.jwt"])),
        ("default_acr_values", json!("1")),
        ("default_acr_values", json!([""])),
        ("default_acr_values", json!(["1 2"])),
        ("default_max_age", json!(-1)),
        ("default_max_age", json!("1")),
        ("require_auth_time", json!("yes")),
        ("id_token_signed_response_alg", json!("none")),
        ("userinfo_signed_response_alg", json!("none")),
        ("userinfo_signed_response_alg", json!("HS256")),
        ("userinfo_signed_response_alg", json!(["RS256"])),
        ("id_token_encrypted_response_alg", json!("RSA1_5")),
        ("id_token_encrypted_response_alg", json!("dir")),
        ("id_token_encrypted_response_enc", json!("A128GCM")),
        ("userinfo_encrypted_response_alg", json!("ecdh-es")),
        ("userinfo_encrypted_response_alg", json!("ECDH-ES")),
        ("userinfo_encrypted_response_enc", json!("A192GCM")),
        ("subject_type", json!("private")),
        ("sector_identifier_uri", json!("http://shop.example/sector.json")),
        ("redirect_uri", json!("https://shop.example/cb")),
    ];
    for (member, value) in cases {
        let mut metadata = good();
        metadata[*member] = value.clone();
        let faults = ClientMetadata::parse(&metadata).unwrap_err();
        assert!(faults.iter().any(|fault| fault.member == *member), "{member} {value}: {faults:?}");
    }
}

#[test]
fn what_was_stored_before_a_rule_came_is_read() {
    let stored = json!({ "redirect_uris": ["https://shop.example/cb"], "initiate_login_uri": "http://127.0.0.1/login" });
    assert!(ClientMetadata::parse(&stored).is_err());
    let metadata = ClientMetadata::stored(&stored).unwrap();
    assert_eq!(metadata.initiate_login_uri.as_deref(), Some("http://127.0.0.1/login"));
    let corrupt = json!({ "redirect_uris": ["https://shop.example/cb"], "initiate_login_uri": "http://shop.example/login" });
    assert!(ClientMetadata::stored(&corrupt).is_err());
}

#[test]
fn all_faults_are_told_at_once() {
    let bad =
        json!({ "client_name": 1, "logo_uri": "x", "redirect_uris": ["http://a.example"], "colour": "red" });
    let faults = ClientMetadata::parse(&bad).unwrap_err();
    let members: Vec<&str> = faults.iter().map(|fault| fault.member.as_str()).collect();
    assert_eq!(members, ["client_name", "redirect_uris", "logo_uri", "colour"]);
    assert_eq!(faults[1].code(), "invalid_redirect_uri");
    assert_eq!(faults[0].code(), "invalid_client_metadata");
}

#[test]
fn members_must_fit_together() {
    for (metadata, member) in [
        (
            json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" }),
            "grant_types",
        ),
        (json!({ "grant_types": ["refresh_token"] }), "grant_types"),
        (json!({ "grant_types": [] }), "grant_types"),
        (json!({ "grant_types": ["client_credentials"], "response_types": ["code"] }), "response_types"),
        (json!({}), "redirect_uris"),
        (
            json!({ "redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "subject_type": "pairwise" }),
            "sector_identifier_uri",
        ),
        (
            json!({ "grant_types": ["client_credentials"], "subject_type": "pairwise" }),
            "sector_identifier_uri",
        ),
        (
            legacy(&json!({ "grant_types": ["implicit"], "response_types": ["code id_token"] })),
            "response_types",
        ),
        (legacy(&json!({ "response_types": ["code"] })), "response_types"),
        (legacy(&json!({ "redirect_uris": ["https://localhost/cb"] })), "redirect_uris"),
        (legacy(&json!({ "redirect_uris": ["http://127.0.0.1/cb"] })), "redirect_uris"),
        (legacy(&json!({ "redirect_uris": [] })), "redirect_uris"),
        (legacy(&json!({ "application_type": "native" })), "grant_types"),
        (signer(&json!({})), "jwks"),
        (signer(&json!({ "jwks": { "keys": [] } })), "jwks"),
        (signer(&json!({ "jwks": keys(), "jwks_uri": "https://shop.example/jwks.json" })), "jwks_uri"),
        (
            signer(&json!({ "jwks": keys(), "token_endpoint_auth_signing_alg": "HS256" })),
            "token_endpoint_auth_signing_alg",
        ),
        (signer(&json!({ "jwks": keys(), "token_endpoint_auth_signing_alg": "RS256" })), "jwks"),
        (
            json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt",
                    "token_endpoint_auth_signing_alg": "ES256" }),
            "token_endpoint_auth_signing_alg",
        ),
        (encrypted(&json!({ "jwks": null })), "userinfo_encrypted_response_alg"),
        (encrypted(&json!({ "jwks": { "keys": [] } })), "jwks"),
        (encrypted(&json!({ "userinfo_encrypted_response_alg": "RSA-OAEP-256" })), "jwks"),
        (
            encrypted(&json!({ "userinfo_encrypted_response_enc": "A192GCM" })),
            "userinfo_encrypted_response_enc",
        ),
        (
            encrypted(
                &json!({ "userinfo_encrypted_response_alg": null, "userinfo_encrypted_response_enc": "A128GCM" }),
            ),
            "userinfo_encrypted_response_enc",
        ),
    ] {
        let faults = ClientMetadata::parse(&metadata).unwrap_err();
        assert_eq!(faults[0].member, member, "{metadata}");
    }
}

/// A client with a key that wants its userinfo encrypted.
fn encrypted(changed: &Value) -> Value {
    let mut metadata = good();
    metadata["jwks"] = keys();
    metadata["userinfo_encrypted_response_alg"] = "ECDH-ES".into();
    metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    metadata
}

#[test]
fn what_is_to_be_encrypted_says_how() {
    let metadata = ClientMetadata::parse(&encrypted(&json!({}))).unwrap();
    let wish = metadata.userinfo_encryption.unwrap();
    assert_eq!((wish.key, wish.content), (KeyManagement::EcdhEs, ContentEncryption::A128CbcHs256));
    assert_eq!((metadata.id_token_encryption, metadata.userinfo_algorithm), (None, None));
    assert_eq!(metadata.to_json()["userinfo_encrypted_response_enc"], "A128CBC-HS256");
    assert!(
        ClientMetadata::parse(&encrypted(&json!({ "jwks": null, "jwks_uri": "https://shop.example/j" })))
            .is_ok()
    );
    for content in ContentEncryption::ALL {
        let changed = json!({
            "userinfo_signed_response_alg": "EdDSA", "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": content.as_str(),
        });
        let metadata = ClientMetadata::parse(&encrypted(&changed)).unwrap();
        assert_eq!(metadata.id_token_encryption.map(|it| it.content), Some(content));
        assert_eq!(metadata.userinfo_algorithm, Some(Algorithm::EdDsa));
        assert_eq!(ClientMetadata::parse(&metadata.to_json()), Ok(metadata));
    }
}

#[test]
fn whoever_gives_keys_says_how_strictly_they_are_taken() {
    let with = |more: &[Value]| {
        let mut metadata = good();
        metadata["jwks"] = keys();
        metadata["jwks"]["keys"].as_array_mut().unwrap().extend(more.to_vec());
        metadata
    };
    let by_itself = |metadata: &Value| ClientMetadata::parse_known(metadata.as_object().unwrap().clone());
    // Of a kind that is not known here: RFC 7517 section 5.
    let foreign =
        with(&[json!({ "kty": "AKP", "alg": "ML-DSA-44" }), json!({ "kty": "EC", "crv": "secp256k1" })]);
    assert!(ClientMetadata::parse(&foreign).is_ok() && by_itself(&foreign).is_ok());
    // Of a known kind, and no good: for whoever can mend it.
    let broken = with(&[json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })]);
    assert_eq!(ClientMetadata::parse(&broken).unwrap_err()[0].member, "jwks");
    let metadata = by_itself(&broken).unwrap();
    assert_eq!(metadata.to_json()["jwks"], broken["jwks"], "given back as they were given");
    assert_eq!(ClientMetadata::stored(&metadata.to_json()).as_ref(), Ok(&metadata));
    // Whoever changes something else needn't mend it.
    assert!(ClientMetadata::parse_change(&metadata.to_json(), &metadata).is_ok());
    assert!(ClientMetadata::parse_change(&broken, &ClientMetadata::parse(&good()).unwrap()).is_err());
    let private = with(&[json!({ "kty": "RSA", "d": "AA" })]);
    assert!(ClientMetadata::parse(&private).is_err() && by_itself(&private).is_err());
}

/// RFC 7515 appendix A.3.
fn keys() -> Value {
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "a3",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }] })
}

#[test]
fn settings_have_bounds_and_each_fault_its_name() {
    let parse = |members: Value| ClientSettings::parse(members.as_object().unwrap().clone());
    assert_eq!(parse(json!({})), Ok(ClientSettings::default()));
    assert_eq!(parse(json!({ "id_token_lifetime": null })), Ok(ClientSettings::default()));
    let good = json!({
        "first_party": true, "access_token_lifetime": 60, "id_token_lifetime": 86400, "refresh_token_idle": 600,
        "refresh_token_lifetime": 600, "id_token_claims": true,
    });
    let settings = parse(good).unwrap();
    let again = serde_json::to_value(&settings).unwrap();
    assert_eq!(parse(again), Ok(settings));
    // What was stored before there were these is read.
    let stored = json!({ "first_party": true, "rotate_refresh_tokens": false, "resource_servers": [] });
    assert!(serde_json::from_value::<ClientSettings>(stored).unwrap().first_party);
    for (name, value) in [
        ("access_token_lifetime", json!(59)),
        ("access_token_lifetime", json!(86401)),
        ("access_token_lifetime", json!("60")),
        ("id_token_lifetime", json!(0)),
        ("id_token_lifetime", json!(-1)),
        ("refresh_token_idle", json!(365 * 86400 + 1)),
        ("refresh_token_lifetime", json!(365 * 86400 + 1)),
        ("id_token_claims", json!("yes")),
        ("first-party", json!(true)),
    ] {
        let faults = parse(json!({ name: value.clone() })).unwrap_err();
        assert_eq!(faults.iter().map(|it| it.member.as_str()).collect::<Vec<_>>(), [name], "{value}");
    }
    let faults = parse(json!({ "refresh_token_idle": 601, "refresh_token_lifetime": 600 })).unwrap_err();
    assert_eq!(faults[0].member, "refresh_token_idle");
}

#[test]
fn an_access_token_lives_as_long_as_client_and_api_both_allow() {
    let mut client = crate::fixture::client();
    let lifetime = |client: &Client, server: &ResourceServer| {
        client.resource_server(server).access_token_lifetime.as_secs()
    };
    let (issuer, api) = (crate::fixture::issuer(), crate::fixture::api());
    assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (300, 300));
    client.settings.access_token_lifetime = Some(60);
    assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (60, 60));
    client.settings.access_token_lifetime = Some(3600);
    assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (3600, 300));
}

#[test]
fn the_sector_is_the_uris_host_or_the_only_one() {
    let sector = |changed: Value| {
        let mut metadata = good();
        metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        let metadata = ClientMetadata::parse(&metadata).unwrap();
        assert_eq!(ClientMetadata::parse(&metadata.to_json()).as_ref(), Ok(&metadata));
        metadata.sector()
    };
    let uri = "https://sector.example/uris.json";
    assert_eq!(sector(json!({})), None);
    assert_eq!(sector(json!({ "sector_identifier_uri": uri })), None, "it knows people by their own names");
    let pairwise = json!({ "subject_type": "pairwise", "redirect_uris": ["https://shop.example/a", "https://shop.example:8443/b"] });
    assert_eq!(sector(pairwise).as_deref(), Some("shop.example"));
    let named = json!({
        "subject_type": "pairwise", "sector_identifier_uri": uri,
        "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
    });
    assert_eq!(sector(named).as_deref(), Some("sector.example"));
}

/// A client with tokens out of the authorization endpoint.
fn legacy(changed: &Value) -> Value {
    let mut metadata = json!({
        "redirect_uris": ["https://127.0.0.1/cb"], "grant_types": ["implicit"], "response_types": ["token id_token"],
    });
    metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    metadata
}

#[test]
fn the_order_of_the_words_of_a_response_type_means_nothing() {
    let metadata = ClientMetadata::parse(&legacy(&json!({}))).unwrap();
    assert_eq!(metadata.response_types, [ResponseType::IdTokenToken]);
    assert_eq!(ClientMetadata::parse(&metadata.to_json()), Ok(metadata));
    for bad in ["", "token", "id_token  token", "id_token id_token", "code code", "none", "Code"] {
        assert_eq!(ResponseType::of_words(bad), None, "{bad:?}");
    }
}

#[test]
fn tenant_and_operator_both_decide_about_legacy_clients() {
    let mut client = crate::fixture::client();
    let table = |client: &Client| {
        [LegacyClients::None, LegacyClients::Profiled, LegacyClients::All].map(|it| it.include(client))
    };
    assert_eq!(table(&client), [false, false, true]);
    client.settings.profile = ClientProfile::OidcLegacy;
    assert_eq!(table(&client), [false, true, true]);
    assert_eq!(serde_json::to_value(&client.settings).unwrap()["profile"], "oidc-legacy");
}

fn signer(changed: &Value) -> Value {
    let mut metadata =
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt" });
    metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    metadata
}

#[test]
fn keys_survive_their_json_and_are_found() {
    for changed in [json!({ "jwks": keys() }), json!({ "jwks_uri": "https://shop.example/jwks.json" })] {
        let metadata = ClientMetadata::parse(&signer(&changed)).unwrap();
        assert_eq!(ClientMetadata::parse(&metadata.to_json()).as_ref(), Ok(&metadata));
        let id = "cli_web".parse().unwrap();
        let client = Client {
            id,
            metadata,
            settings: ClientSettings::default(),
            created_at: Timestamp::from_seconds(1),
            last_used_at: None,
        };
        assert_eq!(
            matches!(client.key_source(), Some(KeySource::Registered(_))),
            changed.get("jwks").is_some()
        );
        assert!(!client.is_public());
        assert!(!client.may_sign_with(ClientAlgorithm::Hs256));
    }
}

/// OpenID Connect Front-Channel Logout section 2; a rule that came later than some rows doesn't make them unreadable.
#[test]
fn a_page_for_the_sign_out_is_where_people_were_sent_before() {
    let with = |redirects: Value, uri: &str| json!({ "redirect_uris": redirects, "frontchannel_logout_uri": uri, "application_type": "native" });
    for (redirects, uri, fits) in [
        (json!(["https://shop.example/cb"]), "https://shop.example/out?x=1", true),
        (json!(["https://shop.example/cb"]), "https://shop.example:443/out", true),
        (json!(["https://a.example/cb", "https://b.example:8443/cb"]), "https://b.example:8443/out", true),
        (json!(["http://127.0.0.1:8000/cb"]), "http://127.0.0.1:8000/out", true),
        (json!(["http://127.0.0.1:8000/cb"]), "http://127.0.0.1:8001/out", false),
        (json!(["http://127.0.0.1:8000/cb"]), "http://localhost:8000/out", false),
        (json!(["com.example.app:/cb"]), "https://shop.example/out", false),
        (json!(["https://shop.example/cb"]), "https://shop.example.evil.example/out", false),
    ] {
        let value = with(redirects, uri);
        let faults = ClientMetadata::parse(&value).err().unwrap_or_default();
        let members: Vec<&str> = faults.iter().map(|fault| fault.member.as_str()).collect();
        assert_eq!(members.is_empty(), fits, "{uri}");
        assert!(fits || members == ["frontchannel_logout_uri"], "{uri}: {members:?}");
        assert!(ClientMetadata::stored(&value).is_ok(), "{uri}");
    }
}

#[test]
fn each_spoiled_address_for_a_sign_out_is_named() {
    let cases: &[(&str, Value)] = &[
        ("backchannel_logout_uri", json!("http://shop.example/out")),
        ("backchannel_logout_uri", json!("https://shop.example/out#x")),
        ("backchannel_logout_uri", json!("https://user@shop.example/out")),
        ("backchannel_logout_uri", json!("/out")),
        ("backchannel_logout_session_required", json!(true)),
        ("backchannel_logout_session_required", json!("yes")),
        ("frontchannel_logout_uri", json!("https://shop.example/out#x")),
        ("frontchannel_logout_uri", json!("https://shop.example:8443/out")),
        ("frontchannel_logout_uri", json!("https://www.shop.example/out")),
        ("frontchannel_logout_uri", json!("http://shop.example/out")),
        ("frontchannel_logout_uri", json!("http://localhost/out")),
        ("frontchannel_logout_session_required", json!(true)),
    ];
    for (member, value) in cases {
        let mut metadata = good();
        metadata[*member] = value.clone();
        let faults = ClientMetadata::parse(&metadata).unwrap_err();
        assert!(faults.iter().any(|fault| fault.member == *member), "{member} {value}: {faults:?}");
    }
}
