//! The token endpoint (RFC 6749 section 3.2): what is asked, and what is decided. One file per grant.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod refresh_token;

use crate::client::{Client, GrantType};
use crate::client_auth::{AuthenticatedClient, ClientRefusal};
use crate::grant::Grant;
use crate::params::{Parameters, ParametersError};
use crate::resource_server::{ResourceIdentifier, ResourceServer};
use crate::scope::{OPENID, Scope};
use authorization_code::CodeRedemption;
use client_credentials::ClientRequest;
use device_code::DevicePoll;
use refresh_token::RefreshRequest;

/// A token request: one variant per grant, with exactly its parameters.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// RFC 6749 section 4.1.3.
    AuthorizationCode(CodeRedemption),
    /// RFC 6749 section 6.
    RefreshToken(RefreshRequest),
    /// RFC 6749 section 4.4.2.
    ClientCredentials(ClientRequest),
    /// RFC 8628 section 3.4.
    DeviceCode(DevicePoll),
}

impl TokenRequest {
    /// As the request names it.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode(_) => GrantType::AuthorizationCode,
            Self::RefreshToken(_) => GrantType::RefreshToken,
            Self::ClientCredentials(_) => GrantType::ClientCredentials,
            Self::DeviceCode(_) => GrantType::DeviceCode,
        }
    }

    /// Reads a request of a client that is already believed. What a grant doesn't know is ignored (RFC 6749 section 3.2).
    pub fn parse(parameters: &Parameters, client: &AuthenticatedClient) -> Result<Self, TokenRefusal> {
        let grant_type = parameters.get("grant_type").ok_or(TokenRefusal::Missing("grant_type"))?;
        // RFC 6749 section 4.2: nobody comes here with `implicit`.
        let at_this_endpoint = GrantType::parse(grant_type).filter(|it| *it != GrantType::Implicit);
        let grant_type = at_this_endpoint.ok_or(TokenRefusal::GrantTypeUnknown)?;
        // RFC 6749 section 5.2, RFC 7591 section 2: only the grant types that the client registered.
        if !client.client().may_use(grant_type) {
            return Err(TokenRefusal::GrantTypeNotRegistered);
        }
        Ok(match grant_type {
            GrantType::AuthorizationCode => Self::AuthorizationCode(CodeRedemption::parse(parameters)?),
            GrantType::RefreshToken => Self::RefreshToken(RefreshRequest::parse(parameters)?),
            GrantType::ClientCredentials => Self::ClientCredentials(ClientRequest::parse(parameters)?),
            GrantType::DeviceCode => Self::DeviceCode(DevicePoll::parse(parameters)?),
            GrantType::Implicit => return Err(TokenRefusal::GrantTypeUnknown),
        })
    }
}

/// `scope`, if the request has one.
fn parse_scope(parameters: &Parameters) -> Result<Option<Scope>, TokenRefusal> {
    parameters.get("scope").map(str::parse).transpose().map_err(|_| TokenRefusal::ScopeMalformed)
}

/// `resource`: at most one, since a token has one audience (RFC 8707 section 2.2 leaves the choice to us; RFC 9068 section 3
/// advises against more).
fn parse_resource(parameters: &Parameters) -> Result<Option<ResourceIdentifier>, TokenRefusal> {
    let mut named = parameters.all("resource");
    let first = named.next().map(str::parse).transpose().map_err(|_| TokenRefusal::ResourceMalformed)?;
    if named.next().is_some() { Err(TokenRefusal::ResourceAmbiguous) } else { Ok(first) }
}

/// For whom a token is to be, before the resource server was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The issuer itself.
    BuiltIn,
    /// A registered one.
    Registered(ResourceIdentifier),
}

/// Chooses the audience among those of the Grant (RFC 8707 section 2.2).
///
/// The issuer may always be named where `openid` was granted, so that a client that asked for another API still gets a
/// token for userinfo.
pub fn target_of_grant(
    client: &Client,
    grant: &Grant,
    wanted: Option<&ResourceIdentifier>,
    issuer: &ResourceIdentifier,
) -> Result<Target, TokenRefusal> {
    let target = match (wanted, grant.resources.as_slice()) {
        (Some(wanted), granted) => {
            let issuer_by_right = wanted == issuer && (granted.is_empty() || grant.scope.contains(OPENID));
            if !issuer_by_right && !granted.contains(wanted) {
                return Err(TokenRefusal::ResourceNotGranted);
            }
            target_of(wanted, issuer)
        }
        (None, []) => Target::BuiltIn,
        (None, [one]) => target_of(one, issuer),
        (None, _) => return Err(TokenRefusal::ResourceAmbiguous),
    };
    allowed(client, target)
}

/// Chooses the audience of what a client asks for in its own name (RFC 8707 section 2.2).
pub fn target_of_client(
    client: &Client,
    wanted: Option<&ResourceIdentifier>,
    issuer: &ResourceIdentifier,
) -> Result<Target, TokenRefusal> {
    let target = wanted.map_or(Target::BuiltIn, |wanted| target_of(wanted, issuer));
    allowed(client, target)
}

/// The operator may have said which resource servers the client's tokens are for; what it may no longer name, it no
/// longer gets.
fn allowed(client: &Client, target: Target) -> Result<Target, TokenRefusal> {
    let named = &client.settings.resource_servers;
    match &target {
        Target::Registered(identifier) if !named.is_empty() && !named.contains(identifier) => {
            Err(TokenRefusal::ResourceUnknown)
        }
        Target::BuiltIn | Target::Registered(_) => Ok(target),
    }
}

/// What an identifier names.
fn target_of(identifier: &ResourceIdentifier, issuer: &ResourceIdentifier) -> Target {
    if identifier == issuer { Target::BuiltIn } else { Target::Registered(identifier.clone()) }
}

/// The outcome of choosing and finding the audience. Gathered early and judged late, so that a wrong audience never hides
/// that a code was stolen.
pub type Audience = Result<ResourceServer, TokenRefusal>;

/// The `error` of RFC 6749 section 5.2, RFC 8707 section 2 and RFC 8628 section 3.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_client`
    InvalidClient,
    /// `invalid_grant`
    InvalidGrant,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_target`
    InvalidTarget,
    /// `authorization_pending` (RFC 8628 section 3.5)
    AuthorizationPending,
    /// `slow_down` (RFC 8628 section 3.5)
    SlowDown,
    /// `access_denied` (RFC 8628 section 3.5)
    AccessDenied,
    /// `expired_token` (RFC 8628 section 3.5)
    ExpiredToken,
}

impl ErrorCode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
        }
    }
}

/// Why a token request is refused. One variant per rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// RFC 6749 section 3.2: the form is malformed, repeats a parameter, or is too large.
    Form(ParametersError),
    /// RFC 6749 section 2.3.
    Client(ClientRefusal),
    /// RFC 6749 sections 4.1.3, 4.4.2 and 6: a required parameter is absent.
    Missing(&'static str),
    /// RFC 6749 section 5.2: a grant type that this server doesn't have.
    GrantTypeUnknown,
    /// RFC 6749 section 5.2, RFC 7591 section 2: a grant type that the client didn't register.
    GrantTypeNotRegistered,
    /// RFC 6749 section 4.4: only for confidential clients.
    ClientNotConfidential,
    /// RFC 6749 section 5.2: no such code, or another client's.
    CodeUnknown,
    /// RFC 6749 section 4.1.3: identical to the one in the authorization request, if there was one.
    RedirectUriMismatch,
    /// RFC 7636 section 4.6: the verifier must hash to the challenge.
    VerifierMismatch,
    /// RFC 7636 section 4.5: where there was a challenge there must be a verifier.
    VerifierMissing,
    /// RFC 9700 section 2.1.1: where there was no challenge there must be no verifier (a downgrade).
    VerifierUnexpected,
    /// RFC 6749 section 4.1.2: too old.
    CodeExpired,
    /// RFC 6749 section 4.1.2: used before.
    CodeSpent,
    /// RFC 6749 section 5.2: no such device code, or another client's.
    DeviceCodeUnknown,
    /// RFC 8628 section 3.5: the person has not answered yet.
    DevicePending,
    /// RFC 8628 section 3.5: nor has the person, and the device asks too often.
    DevicePolledTooSoon,
    /// RFC 8628 section 3.5: the person refused.
    DeviceDenied,
    /// RFC 8628 section 3.5: nobody answered in time.
    DeviceCodeExpired,
    /// RFC 8628 section 3.5: it bought its tokens before.
    DeviceCodeSpent,
    /// RFC 6749 section 5.2: the Grant was given to another client.
    GrantOfAnother,
    /// RFC 6749 section 5.2: the Grant was ended or ran out.
    GrantEnded,
    /// RFC 6749 section 5.2: the user was disabled or deleted.
    UserGone,
    /// OpenID Connect Core section 11: the session ended, and the Grant doesn't outlive it.
    SessionEnded,
    /// RFC 6749 section 5.2: the user withdrew the consent.
    ConsentWithdrawn,
    /// RFC 6749 section 5.2: not a refresh token of ours, or another client's.
    RefreshTokenUnknown,
    /// RFC 6749 section 5.2: too old, or too long unused.
    RefreshTokenExpired,
    /// RFC 9700 section 4.14.2: its successor is in use already; so shortly after, that is a race of the client with itself.
    RefreshTokenSuperseded,
    /// RFC 9700 section 4.14.2: used again long after its successor was given out.
    RefreshTokenReused,
    /// RFC 6749 section 3.3: not a list of scope tokens.
    ScopeMalformed,
    /// RFC 6749 section 6: more than was granted.
    ScopeExceedsGrant,
    /// RFC 6749 section 5.2: a scope that the client didn't register, or that needs a person.
    ScopeNotAllowed,
    /// RFC 8707 section 2: not an absolute URI, or with a fragment.
    ResourceMalformed,
    /// RFC 8707 section 2: no such resource server.
    ResourceUnknown,
    /// RFC 8707 section 2.2: not one of those that the authorization request named.
    ResourceNotGranted,
    /// RFC 8707 section 2.2: a token is for one resource server, and several come into question.
    ResourceAmbiguous,
}

impl TokenRefusal {
    /// The table to the wire.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing(_) => ErrorCode::InvalidRequest,
            Self::Client(refusal) => client_code(*refusal),
            Self::GrantTypeUnknown => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotRegistered | Self::ClientNotConfidential => ErrorCode::UnauthorizedClient,
            Self::DevicePending => ErrorCode::AuthorizationPending,
            Self::DevicePolledTooSoon => ErrorCode::SlowDown,
            Self::DeviceDenied => ErrorCode::AccessDenied,
            Self::DeviceCodeExpired => ErrorCode::ExpiredToken,
            Self::CodeUnknown
            | Self::DeviceCodeUnknown
            | Self::DeviceCodeSpent
            | Self::RedirectUriMismatch
            | Self::VerifierMismatch
            | Self::VerifierMissing
            | Self::VerifierUnexpected
            | Self::CodeExpired
            | Self::CodeSpent
            | Self::GrantOfAnother
            | Self::GrantEnded
            | Self::UserGone
            | Self::SessionEnded
            | Self::ConsentWithdrawn
            | Self::RefreshTokenUnknown
            | Self::RefreshTokenExpired
            | Self::RefreshTokenSuperseded
            | Self::RefreshTokenReused => ErrorCode::InvalidGrant,
            Self::ScopeMalformed | Self::ScopeExceedsGrant | Self::ScopeNotAllowed => ErrorCode::InvalidScope,
            Self::ResourceMalformed
            | Self::ResourceUnknown
            | Self::ResourceNotGranted
            | Self::ResourceAmbiguous => ErrorCode::InvalidTarget,
        }
    }

    /// What the client's developer is told. Only characters that RFC 6749 section 5.2 allows.
    pub fn description(&self) -> String {
        match self {
            Self::Form(error) => return error.to_string(),
            Self::Missing(name) => return format!("the parameter {name} is missing"),
            Self::Client(refusal) => refusal.description(),
            Self::GrantTypeUnknown => "this server has no such grant_type",
            Self::GrantTypeNotRegistered => "the client has not registered this grant_type",
            Self::ClientNotConfidential => "client_credentials is only for clients that authenticate",
            Self::CodeUnknown => "the code is not known, or was issued to another client",
            Self::RedirectUriMismatch => "redirect_uri is not the one of the authorization request",
            Self::VerifierMismatch => "code_verifier does not match the code_challenge",
            Self::VerifierMissing => {
                "code_verifier is missing: the authorization request had a code_challenge"
            }
            Self::VerifierUnexpected => "code_verifier without a code_challenge in the authorization request",
            Self::CodeExpired => "the code has expired",
            Self::CodeSpent => "the code was used before; its tokens are revoked",
            Self::DeviceCodeUnknown => "the device_code is not known, or was issued to another client",
            Self::DevicePending => "the person has not answered yet",
            Self::DevicePolledTooSoon => {
                "the person has not answered yet; wait 5 seconds more between two questions from now on"
            }
            Self::DeviceDenied => "the person refused",
            Self::DeviceCodeExpired => "the device_code has expired",
            Self::DeviceCodeSpent => "the device_code was used before; its tokens are revoked",
            Self::GrantOfAnother => "the authorization was given to another client",
            Self::GrantEnded => "the authorization has ended",
            Self::UserGone => "the user may not use this account any more",
            Self::SessionEnded => "the session has ended",
            Self::ConsentWithdrawn => "the user has withdrawn the consent",
            Self::RefreshTokenUnknown => "the refresh token is not known, or was issued to another client",
            Self::RefreshTokenExpired => "the refresh token has expired",
            Self::RefreshTokenSuperseded => "the refresh token was exchanged already; use the newest one",
            Self::RefreshTokenReused => "the refresh token was used again; the authorization has ended",
            Self::ScopeMalformed => "scope is not a list of scope tokens separated by single blanks",
            Self::ScopeExceedsGrant => "scope asks for more than was granted",
            Self::ScopeNotAllowed => "the client may not ask for this scope with this grant_type",
            Self::ResourceMalformed => "resource is not an absolute URI without a fragment",
            Self::ResourceUnknown => "there is no such resource",
            Self::ResourceNotGranted => "resource is not one of those that were granted",
            Self::ResourceAmbiguous => "a token is for one resource: name exactly one",
        }
        .to_owned()
    }
}

/// The table to the wire for what is wrong with a client.
pub const fn client_code(refusal: ClientRefusal) -> ErrorCode {
    match refusal {
        ClientRefusal::SeveralMethods
        | ClientRefusal::SeveralClients
        | ClientRefusal::AssertionIncomplete => ErrorCode::InvalidRequest,
        ClientRefusal::NoClient
        | ClientRefusal::HeaderUnreadable
        | ClientRefusal::AssertionTypeUnknown
        | ClientRefusal::NotAuthenticated
        // RFC 7521 section 4.2.1.
        | ClientRefusal::Assertion(_) => ErrorCode::InvalidClient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{believed, client, grant, resource};
    use TokenRefusal as R;

    fn parse(form: &str) -> Result<TokenRequest, TokenRefusal> {
        let mut client = client();
        client.metadata.grant_types.push(GrantType::DeviceCode);
        TokenRequest::parse(&Parameters::parse(form.as_bytes()).unwrap(), &believed(client))
    }

    #[test]
    fn each_grant_takes_its_own_parameters() {
        let code = terms::AuthorizationCode::new([1; 32]).reveal();
        let form =
            format!("grant_type=authorization_code&code={code}&redirect_uri=x&code_verifier=v&future=1");
        assert!(matches!(parse(&form), Ok(TokenRequest::AuthorizationCode(_))));
        assert!(matches!(parse("grant_type=client_credentials"), Ok(TokenRequest::ClientCredentials(_))));
        let device_code = terms::DeviceCode::new([1; 32]).reveal();
        let form = format!("grant_type={}&device_code={device_code}", GrantType::DeviceCode);
        assert!(matches!(parse(&form), Ok(TokenRequest::DeviceCode(_))));
    }

    #[test]
    fn what_is_missing_or_malformed_is_refused() {
        let code = terms::AuthorizationCode::new([1; 32]).reveal();
        let access = terms::AccessTokenHandle::new([1; 32]).reveal();
        let with_code = |rest: &str| format!("grant_type=authorization_code&code={code}&{rest}");
        let cases = [
            (String::new(), R::Missing("grant_type")),
            ("grant_type=".to_owned(), R::Missing("grant_type")),
            ("grant_type=password".to_owned(), R::GrantTypeUnknown),
            ("grant_type=implicit".to_owned(), R::GrantTypeUnknown),
            ("grant_type=Authorization_Code".to_owned(), R::GrantTypeUnknown),
            ("grant_type=authorization_code".to_owned(), R::Missing("code")),
            ("grant_type=authorization_code&code=".to_owned(), R::Missing("code")),
            ("grant_type=authorization_code&code=x".to_owned(), R::CodeUnknown),
            (format!("grant_type=authorization_code&code={access}"), R::CodeUnknown),
            (format!("grant_type={}", GrantType::DeviceCode), R::Missing("device_code")),
            (format!("grant_type={}&device_code={code}", GrantType::DeviceCode), R::DeviceCodeUnknown),
            ("grant_type=device_code".to_owned(), R::GrantTypeUnknown),
            ("grant_type=refresh_token".to_owned(), R::Missing("refresh_token")),
            (format!("grant_type=refresh_token&refresh_token={code}"), R::RefreshTokenUnknown),
            ("grant_type=client_credentials&scope=a%22b".to_owned(), R::ScopeMalformed),
            (with_code("resource=x"), R::ResourceMalformed),
            (with_code("resource=https://a.test/%23f"), R::ResourceMalformed),
            (with_code("resource=https://a.test&resource=https://b.test"), R::ResourceAmbiguous),
        ];
        for (form, refusal) in cases {
            assert_eq!(parse(&form).err(), Some(refusal), "{form}");
        }
    }

    #[test]
    fn a_grant_type_must_be_registered() {
        let mut client = client();
        client.metadata.grant_types = vec![GrantType::AuthorizationCode];
        let client = believed(client);
        for grant_type in ["refresh_token", "client_credentials", GrantType::DeviceCode.as_str()] {
            let form = Parameters::parse(format!("grant_type={grant_type}").as_bytes()).unwrap();
            assert_eq!(TokenRequest::parse(&form, &client).err(), Some(R::GrantTypeNotRegistered));
        }
    }

    #[test]
    fn the_audience_is_one_of_the_grant() {
        let issuer = resource("https://login.example.test");
        let (a, b) = (resource("https://a.test"), resource("https://b.test"));
        let choose = |granted: &[&ResourceIdentifier], scope: &str, wanted: Option<&ResourceIdentifier>| {
            let grant = Grant {
                resources: granted.iter().map(|&one| one.clone()).collect(),
                scope: scope.parse().unwrap(),
                ..grant()
            };
            target_of_grant(&client(), &grant, wanted, &issuer)
        };
        let at = |identifier: &ResourceIdentifier| Ok(Target::Registered(identifier.clone()));
        assert_eq!(choose(&[], "x", None), Ok(Target::BuiltIn));
        assert_eq!(choose(&[], "x", Some(&issuer)), Ok(Target::BuiltIn));
        assert_eq!(choose(&[], "openid", Some(&a)), Err(R::ResourceNotGranted));
        assert_eq!(choose(&[&a], "openid", None), at(&a));
        assert_eq!(choose(&[&a], "openid", Some(&issuer)), Ok(Target::BuiltIn));
        assert_eq!(choose(&[&a], "x", Some(&issuer)), Err(R::ResourceNotGranted));
        assert_eq!(choose(&[&a, &b], "x", Some(&b)), at(&b));
        assert_eq!(choose(&[&a, &b], "x", None), Err(R::ResourceAmbiguous));
        assert_eq!(choose(&[&issuer], "x", None), Ok(Target::BuiltIn));
    }

    #[test]
    fn the_operator_says_which_resource_servers_a_client_may_name() {
        let issuer = resource("https://login.example.test");
        let (a, b) = (resource("https://a.test"), resource("https://b.test"));
        let mut client = client();
        client.settings.resource_servers = vec![a.clone()];
        let choose = |wanted| target_of_client(&client, wanted, &issuer);
        assert_eq!(choose(None), Ok(Target::BuiltIn));
        assert_eq!(choose(Some(&a)), Ok(Target::Registered(a.clone())));
        assert_eq!(choose(Some(&b)), Err(R::ResourceUnknown));
        // What was granted before the operator said so is refused too.
        let grant = Grant { resources: vec![b.clone()], ..grant() };
        assert_eq!(target_of_grant(&client, &grant, None, &issuer), Err(R::ResourceUnknown));
    }

    #[test]
    fn descriptions_are_of_the_characters_that_the_wire_allows() {
        // RFC 6749 section 5.2.
        let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
        let refusals =
            [R::Missing("code"), R::GrantTypeUnknown, R::CodeSpent, R::ResourceAmbiguous, R::ScopeMalformed];
        let clients = ClientRefusal::ALL.map(R::Client);
        for refusal in refusals.into_iter().chain(clients) {
            assert!(refusal.description().chars().all(allowed), "{refusal:?}");
        }
    }
}
