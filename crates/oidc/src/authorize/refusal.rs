//! Why an authorization request is refused, and who is told.

use std::fmt;

use crate::params::ParametersError;
use crate::redirect_uri::RegisteredRedirectUri;
use crate::request_object::RequestRefusal;
use crate::response_mode::{AuthorizeResponse, ResponseMode};

pub(super) fn error_response(response: AuthorizeResponse, error: AuthorizeError) -> AuthorizeResponse {
    response.with("error", error.code().as_str()).with("error_description", error.description())
}

/// Told to the person at the browser, since there is no client, or no place of it, that could be trusted with an answer
/// (RFC 6749 section 4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageReason {
    /// RFC 6749 section 3.1: malformed, too large, or with a parameter that is repeated. Which client it was can't be told then.
    Malformed(ParametersError),
    /// RFC 6749 section 4.1.1: `client_id` is required.
    ClientIdMissing,
    /// RFC 6749 section 4.1.2.1: no such client.
    ClientUnknown,
    /// RFC 6749 section 3.1.2.3: required unless exactly one is registered; OpenID Connect Core section 3.1.2.1: required.
    RedirectUriMissing,
    /// RFC 6749 section 3.1.2.4, RFC 9700 section 2.1: not one that the client registered.
    RedirectUriUnregistered,
    /// A `state` of more than [`terms::limits::STATE_BYTES`], which could not be given back.
    StateTooLong,
    /// The request object is refused, and what stands beside it says no place to tell that to.
    RequestObject(RequestRefusal),
}

impl PageReason {
    /// Every reason, for the table of refusals; of those of request objects one.
    pub fn all() -> [Self; 7] {
        [
            Self::Malformed(ParametersError::Encoding),
            Self::ClientIdMissing,
            Self::ClientUnknown,
            Self::RedirectUriMissing,
            Self::RedirectUriUnregistered,
            Self::StateTooLong,
            Self::RequestObject(RequestRefusal::Signature),
        ]
    }

    /// What the client's developer reads on the page. These texts are stable: conformance runs look for them.
    pub fn description(&self) -> String {
        match self {
            Self::Malformed(error) => return error.to_string(),
            Self::ClientIdMissing => "client_id is missing",
            Self::ClientUnknown => "client_id names no client",
            Self::RedirectUriMissing => "redirect_uri is missing",
            Self::RedirectUriUnregistered => "redirect_uri is not one that the client registered",
            Self::StateTooLong => "state is too long",
            Self::RequestObject(refusal) => refusal.description(),
        }
        .to_owned()
    }
}

/// Why an authorization request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeRefusal {
    /// Told to the person at the browser.
    Page(PageReason),
    /// Told to the client.
    Redirect {
        /// Where, which the client registered.
        to: RegisteredRedirectUri,
        /// How.
        mode: ResponseMode,
        /// The request's `state`.
        state: Option<String>,
        /// Why.
        error: AuthorizeError,
    },
}

impl AuthorizeRefusal {
    /// The answer to the client, or the reason for the page.
    pub fn into_response(self, issuer: &str) -> Result<AuthorizeResponse, PageReason> {
        match self {
            Self::Page(reason) => Err(reason),
            Self::Redirect { to, mode, state, error } => {
                Ok(error_response(AuthorizeResponse::new(to, mode, state, issuer), error))
            }
        }
    }
}

/// The `error` of RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6 and RFC 8707 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthorizeErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `access_denied`
    AccessDenied,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `unsupported_response_type`
    UnsupportedResponseType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_target`
    InvalidTarget,
    /// `login_required`
    LoginRequired,
    /// `account_selection_required`
    AccountSelectionRequired,
    /// `consent_required`
    ConsentRequired,
    /// `unmet_authentication_requirements` (OpenID Connect Core Error Code unmet_authentication_requirements section 2)
    UnmetAuthenticationRequirements,
    /// `invalid_request_object`
    InvalidRequestObject,
    /// `invalid_request_uri`
    InvalidRequestUri,
    /// `request_not_supported`
    RequestNotSupported,
    /// `registration_not_supported`
    RegistrationNotSupported,
}

impl AuthorizeErrorCode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::LoginRequired => "login_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }
}

/// What is told to the client. One variant per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthorizeError {
    /// RFC 6749 section 3.1.1: `response_type` is required.
    ResponseTypeMissing,
    /// RFC 6749 section 3.1.1: one that this server doesn't have.
    ResponseTypeUnsupported,
    /// RFC 7591 section 2: one that the client didn't register.
    ResponseTypeNotRegistered,
    /// RFC 9700 section 2.1.2: tokens leave by this endpoint only where the tenant and the operator let the client.
    ResponseTypeNotAllowed,
    /// OAuth 2.0 Multiple Response Type Encoding Practices section 2.1: a mode that this server doesn't have.
    ResponseModeUnsupported,
    /// OAuth 2.0 Multiple Response Type Encoding Practices section 3: no tokens in a query, and no form for what is no web address.
    ResponseModeUnfit,
    /// OpenID Connect Core section 6: the request object is not taken.
    RequestObject(RequestRefusal),
    /// OpenID Connect Core section 7.2.1: registration within a request is not supported.
    RegistrationUnsupported,
    /// RFC 6749 section 3.3: there is no default scope.
    ScopeMissing,
    /// RFC 6749 section 3.3: not a list of scope tokens.
    ScopeMalformed,
    /// RFC 6749 section 3.3: none of what is asked for is anything that the client may have.
    ScopeNotAllowed,
    /// OpenID Connect Core section 3.1.2.1: an ID token is for who asks with `openid`.
    OpenidMissing,
    /// OpenID Connect Core section 3.2.2.1: required where an ID token comes through the browser.
    NonceMissing,
    /// A `nonce` of more than [`terms::limits::NONCE_BYTES`].
    NonceTooLong,
    /// OpenID Connect Core section 3.1.2.1: not a value of `prompt` that this server has.
    PromptUnknown,
    /// OpenID Connect Core section 3.1.2.1: `none` stands alone.
    PromptNoneWithOthers,
    /// OpenID Connect Core section 3.1.2.1: a hint asks for an answer about that person or none, and a new account is
    /// another's (Initiating User Registration section 4 leaves such conditions to us).
    PromptCreateWithHint,
    /// OpenID Connect Core section 3.1.2.1: not a whole number of seconds.
    MaxAgeMalformed,
    /// RFC 7636 section 4.4.1, RFC 9700 section 2.1.1: public clients must use it. Also: a method without a challenge.
    ChallengeMissing,
    /// RFC 7636 section 4.4.1: only `S256`.
    ChallengeMethodUnsupported,
    /// RFC 7636 section 4.2: not a SHA-256 in base64url.
    ChallengeMalformed,
    /// RFC 8707 section 2: not an absolute URI, or with a fragment.
    ResourceMalformed,
    /// RFC 8707 section 2: no such resource server, or not one for this client.
    ResourceUnknown,
    /// More than [`terms::limits::RESOURCES`]; or more than one, where an access token comes through the browser: it is for one.
    TooManyResources,
    /// OpenID Connect Core section 3.1.2.2: the hint is no ID token of ours for this client.
    IdTokenHintInvalid,
    /// OpenID Connect Core section 5.5: not JSON of that shape, or too much of it.
    ClaimsMalformed,
    /// OpenID Connect Core section 5.5.1.1: none of the `acr` that are required was reached.
    AcrUnmet,
    /// OpenID Connect Core section 3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core section 3.1.2.1: another person than the one in `id_token_hint` signed in.
    OtherUserSignedIn,
    /// OpenID Connect Core section 3.1.2.6.
    AccountSelectionRequired,
    /// OpenID Connect Core section 3.1.2.6.
    ConsentRequired,
    /// RFC 6749 section 4.1.2.1: the person said no.
    AccessDenied,
    /// OpenID Connect Registration section 2: the client wants its ID tokens encrypted, and has no key to which that could be
    /// done, or it can't be fetched. An ID token goes out in no other way.
    ClientKeyUnavailable,
}

impl AuthorizeError {
    /// Every error, for the table of refusals; of those of request objects one.
    pub const ALL: [Self; 33] = [
        Self::ResponseTypeMissing,
        Self::ResponseTypeUnsupported,
        Self::ResponseTypeNotRegistered,
        Self::ResponseTypeNotAllowed,
        Self::ResponseModeUnsupported,
        Self::ResponseModeUnfit,
        Self::RequestObject(RequestRefusal::Signature),
        Self::RegistrationUnsupported,
        Self::ScopeMissing,
        Self::ScopeMalformed,
        Self::ScopeNotAllowed,
        Self::OpenidMissing,
        Self::NonceMissing,
        Self::NonceTooLong,
        Self::PromptUnknown,
        Self::PromptNoneWithOthers,
        Self::PromptCreateWithHint,
        Self::MaxAgeMalformed,
        Self::ChallengeMissing,
        Self::ChallengeMethodUnsupported,
        Self::ChallengeMalformed,
        Self::ResourceMalformed,
        Self::ResourceUnknown,
        Self::TooManyResources,
        Self::IdTokenHintInvalid,
        Self::ClaimsMalformed,
        Self::AcrUnmet,
        Self::LoginRequired,
        Self::OtherUserSignedIn,
        Self::AccountSelectionRequired,
        Self::ConsentRequired,
        Self::AccessDenied,
        Self::ClientKeyUnavailable,
    ];

    /// The table to the wire.
    pub const fn code(self) -> AuthorizeErrorCode {
        use AuthorizeErrorCode as Code;
        match self {
            Self::ResponseTypeMissing
            | Self::ResponseModeUnsupported
            | Self::ResponseModeUnfit
            | Self::NonceMissing
            | Self::NonceTooLong
            | Self::PromptUnknown
            | Self::PromptNoneWithOthers
            | Self::PromptCreateWithHint
            | Self::MaxAgeMalformed
            | Self::ChallengeMissing
            | Self::ChallengeMethodUnsupported
            | Self::ChallengeMalformed
            | Self::IdTokenHintInvalid
            | Self::ClaimsMalformed => Code::InvalidRequest,
            Self::AcrUnmet => Code::UnmetAuthenticationRequirements,
            Self::ResponseTypeUnsupported => Code::UnsupportedResponseType,
            Self::ResponseTypeNotRegistered | Self::ResponseTypeNotAllowed => Code::UnauthorizedClient,
            Self::RequestObject(refusal) => refusal.code(),
            Self::RegistrationUnsupported => Code::RegistrationNotSupported,
            Self::ScopeMissing | Self::ScopeMalformed | Self::ScopeNotAllowed | Self::OpenidMissing => {
                Code::InvalidScope
            }
            Self::ResourceMalformed | Self::ResourceUnknown | Self::TooManyResources => Code::InvalidTarget,
            Self::LoginRequired | Self::OtherUserSignedIn => Code::LoginRequired,
            Self::AccountSelectionRequired => Code::AccountSelectionRequired,
            Self::ConsentRequired => Code::ConsentRequired,
            Self::AccessDenied => Code::AccessDenied,
            Self::ClientKeyUnavailable => Code::TemporarilyUnavailable,
        }
    }

    /// What the client's developer is told. Only characters that RFC 6749 section 4.1.2.1 allows.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ResponseTypeMissing => "response_type is missing",
            Self::ResponseTypeUnsupported => "this server has no such response_type; use code",
            Self::ResponseTypeNotRegistered => "the client has not registered this response_type",
            Self::ResponseTypeNotAllowed => {
                "tokens from this endpoint are for clients of the profile oidc-legacy only; use code"
            }
            Self::ResponseModeUnsupported => {
                "this server has no such response_mode; use query, fragment or form_post"
            }
            Self::ResponseModeUnfit => "this response_mode is not for this response_type or redirect_uri",
            Self::RequestObject(refusal) => refusal.description(),
            Self::RegistrationUnsupported => "the registration parameter is not supported",
            Self::ScopeMissing => "scope is missing",
            Self::ScopeMalformed => "scope is not a list of scope tokens separated by single blanks",
            Self::ScopeNotAllowed => "the client may not ask for any of this scope",
            Self::OpenidMissing => "an ID token is asked for, but scope does not have openid",
            Self::NonceMissing => "nonce is missing: an ID token comes through the browser",
            Self::NonceTooLong => "nonce is too long",
            Self::PromptUnknown => "prompt has a value that this server does not have",
            Self::PromptNoneWithOthers => "prompt has none together with another value",
            Self::PromptCreateWithHint => {
                "prompt has create, but id_token_hint names somebody who has an account"
            }
            Self::MaxAgeMalformed => "max_age is not a whole number of seconds",
            Self::ChallengeMissing => "code_challenge is missing; use PKCE with the method S256",
            Self::ChallengeMethodUnsupported => "code_challenge_method must be S256",
            Self::ChallengeMalformed => "code_challenge is not a SHA-256 in base64url",
            Self::ResourceMalformed => "resource is not an absolute URI without a fragment",
            Self::ResourceUnknown => "resource names nothing that the client may have tokens for",
            Self::TooManyResources => "resource is repeated too often",
            Self::IdTokenHintInvalid => {
                "id_token_hint is not an ID token that this server issued to the client"
            }
            Self::ClaimsMalformed => "claims is not JSON as OpenID Connect Core section 5.5 has it",
            Self::AcrUnmet => "none of the acr that claims requires can be reached",
            Self::LoginRequired => "the person must sign in",
            Self::OtherUserSignedIn => "another person than the one in id_token_hint signed in",
            Self::AccountSelectionRequired => "the person must choose an account",
            Self::ConsentRequired => "the person must consent",
            Self::AccessDenied => "the person refused",
            Self::ClientKeyUnavailable => {
                "no key for encrypting the ID token can be had from the client's jwks or jwks_uri"
            }
        }
    }
}

impl fmt::Display for AuthorizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}
