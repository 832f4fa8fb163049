//! What the server says about itself: OpenID Connect Discovery section 3 and RFC 8414 section 2, one document for both.

use serde_json::{Value, json};

use crate::client::{ClientAuthMethod, GrantType, ResponseType, SubjectType};
use crate::jose::{Algorithm, ClientAlgorithm, ContentEncryption, KeyManagement};
use crate::pkce::METHOD_S256;
use crate::prompt::Prompt;
use crate::response_mode::ResponseMode;
use crate::scope::STANDARD;

/// The claims that an ID token or userinfo may hold: the protocol's, then those of the standard scopes (OpenID Connect Core section 5.1).
const CLAIMS: [&str; 29] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
];

/// The paths of the endpoints under the issuer. The routes are made of the same constants.
pub mod path {
    /// OpenID Connect Discovery section 4.
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
    /// RFC 8414 section 3.
    pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
    /// The key set.
    pub const JWKS: &str = "/.well-known/jwks.json";
    /// RFC 6749 section 3.1.
    pub const AUTHORIZE: &str = "/oauth/authorize";
    /// RFC 6749 section 3.2.
    pub const TOKEN: &str = "/oauth/token";
    /// OpenID Connect Core section 5.3.
    pub const USERINFO: &str = "/oauth/userinfo";
    /// RFC 7662 section 2.
    pub const INTROSPECT: &str = "/oauth/introspect";
    /// RFC 7009 section 2.
    pub const REVOKE: &str = "/oauth/revoke";
    /// RFC 8628 section 3.1.
    pub const DEVICE_AUTHORIZATION: &str = "/oauth/device_authorization";
    /// RFC 8628 section 3.2 `verification_uri`: short, since people type it.
    pub const DEVICE: &str = "/device";
    /// RFC 7591 section 3; below it, each client that registered itself (RFC 7592).
    pub const REGISTER: &str = "/oauth/register";
    /// OpenID Connect Session Management section 3.3.
    pub const CHECK_SESSION: &str = "/oauth/check_session";
    /// OpenID Connect RP-Initiated Logout section 2.
    pub const END_SESSION: &str = "/oauth/end_session";
}

/// What a tenant's document depends on.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// The issuer, octet by octet as clients compare it.
    pub issuer: &'a str,
    /// The `acr` values that sessions can reach.
    pub acr_values: &'a [&'a str],
    /// What the tenant can sign ID tokens with; RS256 among them (OpenID Connect Discovery section 3).
    pub id_token_algorithms: &'a [Algorithm],
    /// The scopes of the tenant's resource servers, beyond the standard ones.
    pub further_scopes: &'a [String],
    /// Whether people make accounts themselves.
    pub sign_up: bool,
    /// Whether clients may have tokens out of the authorization endpoint.
    pub legacy: bool,
    /// Whether clients register themselves, with a token or without.
    pub registration: bool,
    /// Whether clients see in a frame that a sign-in has changed.
    pub session_management: bool,
}

/// The document. Only what holds is listed: a client that believes it must not be refused.
pub fn document(provider: &Provider<'_>) -> Value {
    let url = |path: &str| format!("{}{path}", provider.issuer);
    let auth_methods: Vec<&str> = ClientAuthMethod::ALL.iter().map(|method| method.as_str()).collect();
    // RFC 7662 section 2.1: who introspects proves who it is.
    let confidential: Vec<&str> = auth_methods.iter().copied().filter(|&method| method != "none").collect();
    let signing_algs: Vec<&str> = ClientAlgorithm::all().map(ClientAlgorithm::as_str).collect();
    let encryption_algs = KeyManagement::ALL.map(KeyManagement::as_str);
    let encryption_encs = ContentEncryption::ALL.map(ContentEncryption::as_str);
    let scopes: Vec<&str> =
        STANDARD.iter().copied().chain(provider.further_scopes.iter().map(String::as_str)).collect();
    let claims: Vec<&str> = CLAIMS.iter().copied().chain(["phone_number_verified", "address"]).collect();
    let mut document = json!({
        "issuer": provider.issuer,
        "authorization_endpoint": url(path::AUTHORIZE),
        "token_endpoint": url(path::TOKEN),
        "userinfo_endpoint": url(path::USERINFO),
        "jwks_uri": url(path::JWKS),
        "introspection_endpoint": url(path::INTROSPECT),
        "revocation_endpoint": url(path::REVOKE),
        "device_authorization_endpoint": url(path::DEVICE_AUTHORIZATION),
        "end_session_endpoint": url(path::END_SESSION),
        "scopes_supported": scopes,
        "response_types_supported": ResponseType::offered(provider.legacy).map(ResponseType::as_str).collect::<Vec<_>>(),
        "response_modes_supported": ResponseMode::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "grant_types_supported": GrantType::offered(provider.legacy).map(GrantType::as_str).collect::<Vec<_>>(),
        "code_challenge_methods_supported": [METHOD_S256],
        "prompt_values_supported": Prompt::values(provider.sign_up),
        "acr_values_supported": provider.acr_values,
        "subject_types_supported": SubjectType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "id_token_signing_alg_values_supported": provider.id_token_algorithms,
        "id_token_encryption_alg_values_supported": encryption_algs,
        "id_token_encryption_enc_values_supported": encryption_encs,
        "userinfo_signing_alg_values_supported": provider.id_token_algorithms,
        "userinfo_encryption_alg_values_supported": encryption_algs,
        "userinfo_encryption_enc_values_supported": encryption_encs,
        "token_endpoint_auth_methods_supported": auth_methods,
        // RFC 8414 section 2: required where an assertion is a method.
        "token_endpoint_auth_signing_alg_values_supported": signing_algs,
        "revocation_endpoint_auth_methods_supported": auth_methods,
        "revocation_endpoint_auth_signing_alg_values_supported": signing_algs,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": signing_algs,
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        // RFC 9207 section 3.
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "request_object_signing_alg_values_supported": signing_algs,
        // OpenID Connect Back-Channel Logout section 2.1, OpenID Connect Front-Channel Logout section 3.
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
    });
    if provider.registration {
        document["registration_endpoint"] = url(path::REGISTER).into();
    }
    if provider.session_management {
        document["check_session_iframe"] = url(path::CHECK_SESSION).into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_as_reviewed() {
        let provider = Provider {
            issuer: "https://login.example.com/t/acme",
            acr_values: &["1"],
            id_token_algorithms: &Algorithm::AT_FIRST,
            further_scopes: &["reports:read".to_owned()],
            sign_up: false,
            legacy: false,
            registration: false,
            session_management: false,
        };
        insta::assert_json_snapshot!(document(&provider));
        let open = document(&Provider { sign_up: true, ..provider });
        let prompts = json!(["none", "login", "consent", "select_account", "create"]);
        assert_eq!(open["prompt_values_supported"], prompts);
        assert!(open.get("registration_endpoint").is_none());
        assert!(open.get("check_session_iframe").is_none());
        let framed = document(&Provider { session_management: true, ..provider });
        assert_eq!(framed["check_session_iframe"], "https://login.example.com/t/acme/oauth/check_session");
        let open = document(&Provider { registration: true, ..provider });
        assert_eq!(open["registration_endpoint"], "https://login.example.com/t/acme/oauth/register");
    }
}
