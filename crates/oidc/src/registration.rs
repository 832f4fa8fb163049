//! Clients that register themselves, and manage that: RFC 7591, OpenID Connect Registration, RFC 7592.

use std::fmt;

use serde_json::{Map, Value};
use terms::{InitialAccessTokenId, SecretText, Timestamp};

use crate::client::{Client, ClientMetadata, GrantType, MetadataFault};
use crate::jose::{Algorithm, json};
use crate::scope::Scope;
use crate::userinfo::{UserinfoRefusal, bearer};

/// What lets somebody register a client (RFC 7591 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialAccess {
    /// Its id, which is no secret.
    pub id: InitialAccessTokenId,
    /// How often it may still be used.
    pub uses_left: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

impl InitialAccess {
    /// Whether it lets somebody in now. Whether it still does when the client is stored, only the store can say.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && !self.expires_at.has_passed(now)
    }
}

/// What a client that registers itself may have.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The grant types that it may register.
    pub grant_types: &'a [GrantType],
    /// What it may ask for. Of what it registers beyond that, nothing is kept (RFC 7591 section 3.2.1).
    pub scope: &'a Scope,
    /// What the tenant can sign ID tokens and userinfo with: nobody but an administrator has a key made.
    pub id_token_algorithms: &'a [Algorithm],
}

/// Why a registration is not made, shown or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationRefusal {
    /// Nobody registers anything here, or what is asked for is the operator's to change (RFC 7592 section 2.2: 403).
    Closed,
    /// The tenant has as many clients of this kind as it takes.
    TooManyClients,
    /// RFC 7591 section 3: a token is needed.
    NoToken,
    /// RFC 6750 section 3.1: in more ways than one, or not as one is written.
    Malformed,
    /// RFC 7592 section 2: of no client that is there, or not this one's; or an initial one that is used up or expired.
    InvalidToken,
    /// RFC 7591 section 3.1: `application/json`, a single object.
    NotJson,
    /// RFC 7591 section 3.2.2.
    Metadata(Vec<MetadataFault>),
}

impl RegistrationRefusal {
    /// Of one member.
    pub fn of_member(member: &str, reason: impl Into<String>) -> Self {
        Self::Metadata(vec![MetadataFault { member: member.to_owned(), reason: reason.into() }])
    }

    /// The table to the wire: `error` (RFC 7591 section 3.2.2, RFC 6750 section 3.1). Of several faults, one with a redirect
    /// URI is told first.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Closed | Self::TooManyClients => "access_denied",
            Self::NoToken | Self::InvalidToken => "invalid_token",
            Self::Malformed => "invalid_request",
            Self::NotJson => "invalid_client_metadata",
            Self::Metadata(faults) => {
                let codes = || faults.iter().map(MetadataFault::code);
                codes().find(|code| *code == "invalid_redirect_uri").unwrap_or("invalid_client_metadata")
            }
        }
    }

    /// The table to the wire: the HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Closed | Self::TooManyClients => 403,
            Self::NoToken | Self::InvalidToken => 401,
            Self::Malformed | Self::NotJson | Self::Metadata(_) => 400,
        }
    }

    /// What the client's developer is told.
    pub fn description(&self) -> String {
        match self {
            Self::Closed => "this is for whoever runs the server to do".to_owned(),
            Self::TooManyClients => "no more clients can register themselves here".to_owned(),
            Self::NoToken => "an access token is required".to_owned(),
            Self::Malformed => "the Authorization header does not hold a bearer token".to_owned(),
            Self::InvalidToken => {
                "the token is expired, used up, of no client that is there, or not ours".to_owned()
            }
            Self::NotJson => "the body must be one JSON object, as application/json".to_owned(),
            Self::Metadata(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    }
}

impl From<UserinfoRefusal> for RegistrationRefusal {
    fn from(refusal: UserinfoRefusal) -> Self {
        match refusal {
            UserinfoRefusal::NoToken => Self::NoToken,
            UserinfoRefusal::SeveralMethods | UserinfoRefusal::Malformed | UserinfoRefusal::Form(_) => {
                Self::Malformed
            }
            UserinfoRefusal::Invalid | UserinfoRefusal::InsufficientScope => Self::InvalidToken,
        }
    }
}

/// The token of the request (RFC 7591 section 3, RFC 7592 section 2: as RFC 6750 section 2.1 says).
pub fn presented(headers: &[&[u8]]) -> Result<SecretText, RegistrationRefusal> {
    Ok(bearer(headers, None)?)
}

/// Reads what a client says of itself, within what it may have (RFC 7591 section 3.1). What isn't understood is left aside
/// (section 2), a software statement too: no issuer of such is trusted here (section 3.1.1).
pub fn read(document: &[u8], terms: Terms<'_>) -> Result<ClientMetadata, RegistrationRefusal> {
    within(json::parse_object(document).map_err(|_| RegistrationRefusal::NotJson)?, terms)
}

/// What a change says beside the metadata.
#[derive(Debug)]
pub struct Update {
    /// All metadata of the client from now on: what is left out has its default again.
    pub metadata: ClientMetadata,
    /// The secret that the client believes to have; another one is refused.
    pub secret: Option<SecretText>,
}

/// What only the server says of a client (RFC 7592 section 2.2).
const NOT_THE_CLIENTS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Reads a change of a registration (RFC 7592 section 2.2).
pub fn read_update(
    document: &[u8],
    client: &Client,
    terms: Terms<'_>,
) -> Result<Update, RegistrationRefusal> {
    let mut members = json::parse_object(document).map_err(|_| RegistrationRefusal::NotJson)?;
    if let Some(member) = NOT_THE_CLIENTS.into_iter().find(|member| members.contains_key(*member)) {
        return Err(RegistrationRefusal::of_member(member, "must not be there"));
    }
    if members.remove("client_id").as_ref().and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err(RegistrationRefusal::of_member("client_id", "must be there, and be the client's own"));
    }
    let secret = match members.remove("client_secret") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(SecretText::new(text)),
        Some(_) => return Err(RegistrationRefusal::of_member("client_secret", "must be a text")),
    };
    Ok(Update { metadata: within(members, terms)?, secret })
}

fn within(members: Map<String, Value>, terms: Terms<'_>) -> Result<ClientMetadata, RegistrationRefusal> {
    let mut metadata = ClientMetadata::parse_known(members).map_err(RegistrationRefusal::Metadata)?;
    let mut faults = Vec::new();
    let mut refuse = |member: &str, reason: String| {
        faults.push(MetadataFault { member: member.to_owned(), reason });
    };
    for grant in metadata.grant_types.iter().filter(|grant| !terms.grant_types.contains(grant)) {
        refuse("grant_types", format!("{grant} is not for clients that register themselves"));
    }
    for (member, algorithm) in [
        ("id_token_signed_response_alg", Some(metadata.id_token_algorithm)),
        ("userinfo_signed_response_alg", metadata.userinfo_algorithm),
    ] {
        if let Some(algorithm) = algorithm
            && !terms.id_token_algorithms.contains(&algorithm)
        {
            refuse(member, format!("{algorithm} is not what this server signs such things with"));
        }
    }
    if !faults.is_empty() {
        return Err(RegistrationRefusal::Metadata(faults));
    }
    metadata.scope = metadata.scope.intersection(terms.scope);
    Ok(metadata)
}

impl fmt::Display for RegistrationRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{client, later};
    use RegistrationRefusal as R;

    fn terms(scope: &Scope) -> Terms<'_> {
        Terms {
            grant_types: &[GrantType::AuthorizationCode, GrantType::RefreshToken],
            scope,
            id_token_algorithms: &Algorithm::AT_FIRST,
        }
    }

    fn registered(metadata: &Value) -> Result<ClientMetadata, R> {
        let scope = "openid email".parse().unwrap();
        read(metadata.to_string().as_bytes(), terms(&scope))
    }

    #[test]
    fn what_is_not_understood_is_left_aside_and_a_scope_is_cut() {
        let metadata = registered(&json!({
            "redirect_uris": ["https://shop.example/cb"], "scope": "openid phone", "colour": "red",
            "client_name#ja": "x", "software_statement": "e30.e30.x", "client_id": "mine", "logo_uri": null,
        }));
        let metadata = metadata.unwrap();
        assert_eq!(metadata.scope.to_string(), "openid");
        assert!(metadata.to_json().get("colour").is_none());
        let by_default = registered(&json!({ "redirect_uris": ["https://shop.example/cb"] })).unwrap();
        assert_eq!(by_default.scope, "openid email".parse().unwrap());
    }

    #[test]
    fn each_fault_has_the_code_of_its_kind() {
        let with = |member: &str, value: Value| {
            let mut metadata = json!({ "redirect_uris": ["https://shop.example/cb"] });
            metadata[member] = value;
            registered(&metadata).unwrap_err()
        };
        for (refusal, code, member) in [
            (
                with("redirect_uris", json!(["https://a.example/cb#x"])),
                "invalid_redirect_uri",
                "redirect_uris",
            ),
            (with("redirect_uris", json!(["http://a.example/cb"])), "invalid_redirect_uri", "redirect_uris"),
            (
                with("initiate_login_uri", json!("http://a.example/")),
                "invalid_client_metadata",
                "initiate_login_uri",
            ),
            (with("grant_types", json!(["client_credentials"])), "invalid_client_metadata", "grant_types"),
            (
                with("id_token_signed_response_alg", json!("PS256")),
                "invalid_client_metadata",
                "id_token_signed_response_alg",
            ),
        ] {
            assert_eq!((refusal.code(), refusal.status()), (code, 400), "{refusal}");
            assert!(refusal.description().contains(member), "{refusal}");
        }
        for document in [&b"[]"[..], b"", b"{", br#"{"a":1,"a":2}"#, b"null"] {
            let scope = Scope::standard();
            assert_eq!(read(document, terms(&scope)), Err(R::NotJson));
        }
    }

    #[test]
    fn a_change_names_its_client_and_says_nothing_that_is_the_servers() {
        let (client, scope) = (client(), Scope::standard());
        let good = json!({ "client_id": client.id, "redirect_uris": ["https://shop.example/cb"] });
        let update = |metadata: &Value| read_update(metadata.to_string().as_bytes(), &client, terms(&scope));
        assert!(update(&good).unwrap().secret.is_none());
        let cases = [
            ("client_id", json!("other")),
            ("client_id", Value::Null),
            ("client_secret", json!(1)),
            ("registration_access_token", json!("x")),
            ("registration_client_uri", json!("https://a.example")),
            ("client_secret_expires_at", json!(0)),
            ("client_id_issued_at", json!(1)),
            ("redirect_uris", json!([])),
        ];
        for (member, value) in cases {
            let mut spoiled = good.clone();
            spoiled[member] = value;
            let refusal = update(&spoiled).unwrap_err();
            assert!(refusal.description().contains(member), "{member}: {refusal}");
        }
        let mut with_secret = good;
        with_secret["client_secret"] = json!("ptc_cs_x");
        assert_eq!(update(&with_secret).unwrap().secret.unwrap().reveal(), "ptc_cs_x");
    }

    #[test]
    fn an_initial_token_is_good_until_it_is_used_up_or_expires() {
        let id = InitialAccessTokenId::new(later(0), [1; 10]);
        let token = InitialAccess { id, uses_left: 1, created_at: later(0), expires_at: later(60) };
        assert!(token.is_good(later(59)));
        assert!(!token.is_good(later(60)));
        assert!(!InitialAccess { uses_left: 0, ..token }.is_good(later(0)));
    }
}
