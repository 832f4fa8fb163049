//! The authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2): what is asked, and what happens next.

mod refusal;

use std::time::Duration;

use terms::{
    CanonicalEmail, CanonicalUsername, ClientId, EmailAddress, SessionId, Subject, Timestamp, UserId, limits,
};

use crate::claims_request::ClaimsRequest;
use crate::client::{ApplicationType, Client, GrantType, LegacyClients, ResponseType};
use crate::front_channel::{FrontChannel, NoFrontChannel};
use crate::params::Parameters;
use crate::pkce::{ChallengeError, CodeChallenge};
use crate::prompt::Prompt;
use crate::redirect_uri::{RedirectKind, RegisteredRedirectUri};
use crate::request_object::{PlainRequest, RequestRefusal};
use crate::resource_server::ResourceIdentifier;
use crate::response_mode::{AuthorizeResponse, ResponseMode};
use crate::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::session_state::BrowserState;
use refusal::error_response;
pub use refusal::{AuthorizeError, AuthorizeErrorCode, AuthorizeRefusal, PageReason};

/// An authorization request in which nothing is left to be checked but who the person is and what they want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: ClientId,
    /// Where the answer goes.
    pub redirect_uri: RegisteredRedirectUri,
    /// Whether the request named it; the token request must do the same (RFC 6749 section 4.1.3).
    pub redirect_uri_named: bool,
    /// What the answer holds.
    pub response_type: ResponseType,
    /// Where tokens of the answer may go, if it holds any.
    pub front_channel: Option<FrontChannel>,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// Given back as it came.
    pub state: Option<String>,
    /// What the client asks for and may have.
    pub scope: Scope,
    /// What it asks for beyond that (OpenID Connect Core section 5.5).
    pub claims: ClaimsRequest,
    /// For the ID token.
    pub nonce: Option<String>,
    /// RFC 7636 section 4.3.
    pub code_challenge: Option<CodeChallenge>,
    /// What must happen first.
    pub prompt: Prompt,
    /// How old the authentication may be, in seconds: the request's, or the client's default.
    pub max_age: Option<u64>,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// The resource servers that tokens will be for (RFC 8707 section 2.1).
    pub resources: Vec<ResourceIdentifier>,
}

impl AuthorizationRequest {
    /// The successful answer (RFC 6749 sections 4.1.2 and 4.2.2, OpenID Connect Core sections 3.2.2.5 and 3.3.2.5).
    pub fn answer(&self, issued: &Issued, issuer: &str) -> AuthorizeResponse {
        let mut response = self.response(issuer);
        if let Some(code) = &issued.code {
            response = response.with("code", code);
        }
        if let Some(token) = &issued.access_token {
            response = response
                .with("access_token", &token.text)
                .with("token_type", "Bearer")
                .with("expires_in", token.expires_in.as_secs().to_string());
            if !token.scope.is_empty() {
                response = response.with("scope", token.scope.to_string());
            }
        }
        if let Some(id_token) = &issued.id_token {
            response = response.with("id_token", id_token);
        }
        response
    }

    /// The answer that refuses (RFC 6749 section 4.1.2.1).
    pub fn refuse(&self, error: AuthorizeError, issuer: &str) -> AuthorizeResponse {
        error_response(self.response(issuer), error)
    }

    /// What of it a person is asked about.
    pub fn ask(&self, client: &Client) -> Ask {
        // RFC 8252 section 8.6, RFC 6749 section 10.2: neither a secret nor the owner of a host stands behind the claim.
        let could_be_anyone = client.is_public() && self.redirect_uri.kind() != RedirectKind::Https;
        Ask {
            asker: if could_be_anyone { Asker::Anybody } else { Asker::Client },
            scope: self.scope.clone(),
            claims: self.claims.clone(),
            prompt: self.prompt,
            max_age: self.max_age,
            login_hint: self.login_hint.clone(),
            resources: self.resources.clone(),
        }
    }

    /// `session_state` (OpenID Connect Session Management section 2), where the client has pages that could ask with it.
    pub fn session_state(&self, state: &BrowserState, salt: [u8; 16]) -> Option<String> {
        Some(state.session_state(&self.client, &self.redirect_uri.origin()?, salt))
    }

    fn response(&self, issuer: &str) -> AuthorizeResponse {
        AuthorizeResponse::new(self.redirect_uri.clone(), self.response_mode, self.state.clone(), issuer)
    }
}

/// What is known of who asks, beyond the name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The client of that name: a secret or the owner of a host stands behind it.
    Client,
    /// A program in the person's own hands that could be any (RFC 8252 section 8.6).
    Anybody,
    /// A device that is elsewhere, perhaps in the hands of somebody else (RFC 8628 section 5.4).
    Device,
}

/// What is asked of a person, by whatever way the request came: all of a request that the next step depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub asker: Asker,
    /// What for.
    pub scope: Scope,
    /// What beyond that (OpenID Connect Core section 5.5).
    pub claims: ClaimsRequest,
    /// What must happen first.
    pub prompt: Prompt,
    /// How old the authentication may be, in seconds.
    pub max_age: Option<u64>,
    /// Who will probably sign in.
    pub login_hint: Option<String>,
    /// The resource servers that tokens will be for (RFC 8707 section 2.1).
    pub resources: Vec<ResourceIdentifier>,
}

impl Ask {
    /// What a person is asked about: the scope, and the scopes to which single claims belong that it doesn't have.
    pub fn consent_scope(&self) -> Scope {
        self.scope.union(&self.claims.scope())
    }

    /// The address in `login_hint`, if it is one.
    pub fn hinted_address(&self) -> Option<EmailAddress> {
        self.login_hint.as_deref().and_then(|hint| EmailAddress::parse(hint).ok())
    }

    /// The username in `login_hint`, if it could be one.
    pub fn hinted_username(&self) -> Option<CanonicalUsername> {
        self.login_hint.as_deref().and_then(|hint| CanonicalUsername::parse(hint).ok())
    }
}

/// What the successful answer holds.
#[derive(Debug, Default)]
pub struct Issued {
    /// `code`
    pub code: Option<String>,
    /// `access_token`
    pub access_token: Option<IssuedAccessToken>,
    /// `id_token`
    pub id_token: Option<String>,
}

/// An access token that passes through the browser.
#[derive(Debug)]
pub struct IssuedAccessToken {
    /// `access_token`
    pub text: String,
    /// `expires_in`
    pub expires_in: Duration,
    /// `scope`
    pub scope: Scope,
}

/// Which client a request names, for finding it.
pub fn client_id(parameters: &Parameters) -> Result<ClientId, PageReason> {
    let text = parameters.get("client_id").ok_or(PageReason::ClientIdMissing)?;
    text.parse().map_err(|_| PageReason::ClientUnknown)
}

/// What the tenant has of what a request may ask for.
pub struct Offered<'a> {
    /// The built-in resource server.
    pub issuer: &'a ResourceIdentifier,
    /// The tenant's registered ones, at least those that the request names.
    pub registered: &'a [ResourceIdentifier],
    /// Whether people make accounts themselves.
    pub sign_up: bool,
    /// Which clients may have tokens out of this endpoint.
    pub legacy: LegacyClients,
}

/// Where a request's answer goes, whatever it will be.
struct Addressed {
    redirect_uri: RegisteredRedirectUri,
    redirect_uri_named: bool,
    state: Option<String>,
    mode: Result<ResponseMode, AuthorizeError>,
    default_mode: ResponseMode,
}

impl Addressed {
    fn read(parameters: &Parameters, client: &Client) -> Result<Self, PageReason> {
        let (redirect_uri, redirect_uri_named) = redirect_uri(parameters, client)?;
        let state = parameters.get("state").map(str::to_owned);
        if state.as_ref().is_some_and(|state| state.len() > limits::STATE_BYTES) {
            return Err(PageReason::StateTooLong);
        }
        let default_mode = ResponseMode::default_of(parameters.get("response_type"));
        let mode = response_mode(parameters, &redirect_uri, default_mode);
        Ok(Self { redirect_uri, redirect_uri_named, state, mode, default_mode })
    }

    /// A mode that isn't known, or isn't fit, can't carry its own refusal; the default of the response type does.
    fn refuse(self, error: AuthorizeError) -> AuthorizeRefusal {
        AuthorizeRefusal::Redirect {
            to: self.redirect_uri,
            mode: self.mode.unwrap_or(self.default_mode),
            state: self.state,
            error,
        }
    }
}

/// Refuses the object of a request of `client`: to where the parameters beside it lead, for those within it are nobody's word.
pub fn refuse_object(outer: &Parameters, client: &Client, refusal: RequestRefusal) -> AuthorizeRefusal {
    match Addressed::read(outer, client) {
        Ok(addressed) => addressed.refuse(AuthorizeError::RequestObject(refusal)),
        Err(_) => AuthorizeRefusal::Page(PageReason::RequestObject(refusal)),
    }
}

/// Checks a request of `client`, in the order in which an answer becomes possible: first where to, then what.
pub fn validate(
    request: &PlainRequest,
    client: Option<&Client>,
    offered: &Offered<'_>,
) -> Result<AuthorizationRequest, AuthorizeRefusal> {
    let parameters = request.parameters();
    let id = client_id(parameters).map_err(AuthorizeRefusal::Page)?;
    let client =
        client.filter(|client| client.id == id).ok_or(AuthorizeRefusal::Page(PageReason::ClientUnknown))?;
    let addressed = Addressed::read(parameters, client).map_err(AuthorizeRefusal::Page)?;
    let checked = check(parameters, client, offered).and_then(|asked| {
        let response_mode = addressed.mode?;
        let how = (asked.response_type, response_mode);
        let front_channel = front_channel(client, &addressed.redirect_uri, how, offered)?;
        Ok((asked, response_mode, front_channel))
    });
    match checked {
        Ok((asked, response_mode, front_channel)) => Ok(AuthorizationRequest {
            client: id,
            redirect_uri: addressed.redirect_uri,
            redirect_uri_named: addressed.redirect_uri_named,
            response_type: asked.response_type,
            front_channel,
            response_mode,
            state: addressed.state,
            scope: asked.scope,
            claims: asked.claims,
            nonce: asked.nonce,
            code_challenge: asked.code_challenge,
            prompt: asked.prompt,
            max_age: asked.max_age,
            login_hint: parameters.get("login_hint").map(str::to_owned),
            resources: asked.resources,
        }),
        Err(error) => Err(addressed.refuse(error)),
    }
}

/// The mode that is asked for, if an answer of this response type may travel so to this place.
fn response_mode(
    parameters: &Parameters,
    to: &RegisteredRedirectUri,
    default: ResponseMode,
) -> Result<ResponseMode, AuthorizeError> {
    let Some(asked) = parameters.get("response_mode") else { return Ok(default) };
    let asked = ResponseMode::parse(asked).ok_or(AuthorizeError::ResponseModeUnsupported)?;
    match asked {
        // OAuth 2.0 Multiple Response Type Encoding Practices section 3: tokens must not be in the query.
        ResponseMode::Query if default != ResponseMode::Query => Err(AuthorizeError::ResponseModeUnfit),
        ResponseMode::FormPost if to.kind() == RedirectKind::PrivateUse => {
            Err(AuthorizeError::ResponseModeUnfit)
        }
        ResponseMode::Query | ResponseMode::Fragment | ResponseMode::FormPost => Ok(asked),
    }
}

/// The proof that tokens of the answer may go out, where it has any.
fn front_channel(
    client: &Client,
    to: &RegisteredRedirectUri,
    how: (ResponseType, ResponseMode),
    offered: &Offered<'_>,
) -> Result<Option<FrontChannel>, AuthorizeError> {
    if !how.0.is_front_channel() {
        return Ok(None);
    }
    let opened = FrontChannel::open(client, to, how, offered.legacy);
    opened.map(Some).map_err(|reason| match reason {
        NoFrontChannel::NotAllowed => AuthorizeError::ResponseTypeNotAllowed,
        NoFrontChannel::NotRegistered => AuthorizeError::ResponseTypeNotRegistered,
        NoFrontChannel::InQuery => AuthorizeError::ResponseModeUnfit,
    })
}

fn redirect_uri(
    parameters: &Parameters,
    client: &Client,
) -> Result<(RegisteredRedirectUri, bool), PageReason> {
    if let Some(asked) = parameters.get("redirect_uri") {
        let found = client.redirect_uri(asked).ok_or(PageReason::RedirectUriUnregistered)?;
        return Ok((found, true));
    }
    // OpenID Connect Core section 3.1.2.1 requires it; RFC 6749 section 3.1.2.3 does where several are registered.
    let by_openid =
        parameters.get("scope").is_some_and(|scope| scope.split(' ').any(|token| token == OPENID));
    match client.redirect_uris.as_slice() {
        [only] if !by_openid => {
            let found = client.redirect_uri(only.as_str()).ok_or(PageReason::RedirectUriMissing)?;
            Ok((found, false))
        }
        _ => Err(PageReason::RedirectUriMissing),
    }
}

/// What [`check`] makes of a request.
struct Asked {
    response_type: ResponseType,
    scope: Scope,
    claims: ClaimsRequest,
    nonce: Option<String>,
    code_challenge: Option<CodeChallenge>,
    prompt: Prompt,
    max_age: Option<u64>,
    resources: Vec<ResourceIdentifier>,
}

/// The rules whose refusals are told to the client. What isn't known here is ignored (RFC 6749 section 3.1).
fn check(parameters: &Parameters, client: &Client, offered: &Offered<'_>) -> Result<Asked, AuthorizeError> {
    use AuthorizeError as E;
    // OpenID Connect Core section 7.2.1. First, since it would change what the others say.
    if parameters.get("registration").is_some() {
        return Err(E::RegistrationUnsupported);
    }
    let response_type = parameters.get("response_type").ok_or(E::ResponseTypeMissing)?;
    // Where the tenant has none of the others, they are as unknown as any (RFC 6749 section 3.1.1).
    let response_type = ResponseType::of_words(response_type)
        .filter(|it| !it.is_front_channel() || offered.legacy != LegacyClients::None)
        .ok_or(E::ResponseTypeUnsupported)?;
    if !client.response_types.contains(&response_type) {
        return Err(E::ResponseTypeNotRegistered);
    }
    let nonce = parameters.get("nonce").map(str::to_owned);
    // OpenID Connect Core sections 3.2.2.1 and 3.3.2.11.
    if response_type.has_id_token() && nonce.is_none() {
        return Err(E::NonceMissing);
    }
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > limits::NONCE_BYTES) {
        return Err(E::NonceTooLong);
    }
    let max_age = match parameters.get("max_age") {
        // OpenID Connect Registration section 2 `default_max_age`: the request's own comes first.
        None => client.default_max_age,
        Some(text) if text.bytes().all(|octet| octet.is_ascii_digit()) => {
            Some(text.parse().map_err(|_| E::MaxAgeMalformed)?)
        }
        Some(_) => return Err(E::MaxAgeMalformed),
    };
    Ok(Asked {
        scope: asked_scope(parameters, client, response_type)?,
        prompt: asked_prompt(parameters, offered)?,
        code_challenge: asked_challenge(parameters, client, response_type)?,
        resources: asked_resources(parameters, client, offered, response_type)?,
        claims: asked_claims(parameters, client)?,
        response_type,
        nonce,
        max_age,
    })
}

fn asked_claims(parameters: &Parameters, client: &Client) -> Result<ClaimsRequest, AuthorizeError> {
    let Some(text) = parameters.get("claims") else { return Ok(ClaimsRequest::default()) };
    ClaimsRequest::parse(text, &client.scope).map_err(|_| AuthorizeError::ClaimsMalformed)
}

fn asked_prompt(parameters: &Parameters, offered: &Offered<'_>) -> Result<Prompt, AuthorizeError> {
    let Some(text) = parameters.get("prompt") else { return Ok(Prompt::default()) };
    let prompt = Prompt::parse(text, offered.sign_up)?;
    if prompt.create && parameters.get("id_token_hint").is_some() {
        return Err(AuthorizeError::PromptCreateWithHint);
    }
    Ok(prompt)
}

fn asked_scope(
    parameters: &Parameters,
    client: &Client,
    response_type: ResponseType,
) -> Result<Scope, AuthorizeError> {
    let asked: Scope = parameters
        .get("scope")
        .ok_or(AuthorizeError::ScopeMissing)?
        .parse()
        .map_err(|_| AuthorizeError::ScopeMalformed)?;
    // OpenID Connect Core section 3.1.2.1: what isn't understood is ignored; the token response says what was granted (RFC 6749 section 5.1).
    let mut scope = client.permitted(&asked);
    // OpenID Connect Core section 11: ignored where no refresh token can come of it.
    if !client.may_use(GrantType::RefreshToken) || !response_type.has_code() {
        scope = scope.without(OFFLINE_ACCESS);
    }
    if scope.is_empty() {
        return Err(AuthorizeError::ScopeNotAllowed);
    }
    if response_type.has_id_token() && !scope.contains(OPENID) {
        return Err(AuthorizeError::OpenidMissing);
    }
    Ok(scope)
}

fn asked_challenge(
    parameters: &Parameters,
    client: &Client,
    response_type: ResponseType,
) -> Result<Option<CodeChallenge>, AuthorizeError> {
    let challenge =
        CodeChallenge::read(parameters.get("code_challenge"), parameters.get("code_challenge_method"));
    let challenge = challenge.map_err(|error| match error {
        ChallengeError::Method => AuthorizeError::ChallengeMethodUnsupported,
        ChallengeError::Missing => AuthorizeError::ChallengeMissing,
        ChallengeError::Malformed => AuthorizeError::ChallengeMalformed,
    })?;
    // RFC 9700 section 2.1.1: public clients must; a confidential one is bound to its code by its own credentials.
    if challenge.is_none() && client.is_public() && response_type.has_code() {
        return Err(AuthorizeError::ChallengeMissing);
    }
    Ok(challenge)
}

fn asked_resources(
    parameters: &Parameters,
    client: &Client,
    offered: &Offered<'_>,
    response_type: ResponseType,
) -> Result<Vec<ResourceIdentifier>, AuthorizeError> {
    let most = if response_type.has_token() { 1 } else { limits::RESOURCES };
    offered.named_resources(parameters, client, most).map_err(|fault| match fault {
        ResourceFault::Malformed => AuthorizeError::ResourceMalformed,
        ResourceFault::Unknown => AuthorizeError::ResourceUnknown,
        ResourceFault::TooMany => AuthorizeError::TooManyResources,
    })
}

/// What is wrong with the resource servers that a request names (RFC 8707 section 2).
pub(crate) enum ResourceFault {
    /// Not an absolute URI without a fragment.
    Malformed,
    /// None that is registered, or that this client's tokens may be for.
    Unknown,
    /// More than a request may name.
    TooMany,
}

impl Offered<'_> {
    /// The resource servers that a request of this client names, each once.
    pub(crate) fn named_resources(
        &self,
        parameters: &Parameters,
        client: &Client,
        most: usize,
    ) -> Result<Vec<ResourceIdentifier>, ResourceFault> {
        let mut resources: Vec<ResourceIdentifier> = Vec::new();
        for text in parameters.all("resource") {
            let resource: ResourceIdentifier = text.parse().map_err(|_| ResourceFault::Malformed)?;
            let allowed = &client.settings.resource_servers;
            let is_known = resource == *self.issuer
                || (self.registered.contains(&resource)
                    && (allowed.is_empty() || allowed.contains(&resource)));
            if !is_known {
                return Err(ResourceFault::Unknown);
            }
            if !resources.contains(&resource) {
                resources.push(resource);
            }
            if resources.len() > most {
                return Err(ResourceFault::TooMany);
            }
        }
        Ok(resources)
    }
}

/// What `id_token_hint` turned out to be (OpenID Connect Core section 3.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdTokenHint {
    /// There was none.
    Absent,
    /// No ID token of ours, or one of another client.
    Invalid,
    /// An ID token of ours about this person. Its expiry doesn't matter.
    Of(Subject),
}

/// A live session in the browser that asks, of a user who may use the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFact {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The user's `sub`, as the client that asks knows it: hints are compared with it.
    pub subject: Subject,
    /// The user's verified addresses.
    pub addresses: Vec<CanonicalEmail>,
    /// The user's username, where there is one.
    pub username: Option<CanonicalUsername>,
    /// When the person last showed who they are.
    pub auth_time: Timestamp,
    /// The authentication context class that the session reached.
    pub acr: String,
    /// What the user's remembered consent to this client covers.
    pub consented: Option<Scope>,
}

/// What has happened since the request came, as the flow's row records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowFact {
    /// When the request came.
    pub created_at: Timestamp,
    /// The session that the person chose, or got by signing in.
    pub chosen: Option<SessionId>,
    /// Who consented to what in this flow.
    pub consented: Option<(UserId, Scope)>,
    /// Whether the person refused.
    pub denied: bool,
}

/// All that the next step depends on.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What is asked.
    pub ask: &'a Ask,
    /// The client that asks, or is said to.
    pub client: &'a Client,
    /// `id_token_hint`, verified.
    pub hint: &'a IdTokenHint,
    /// The live sessions of this browser.
    pub sessions: &'a [SessionFact],
    /// The session that this client used last in this browser.
    pub last_used: Option<SessionId>,
    /// What has happened; `None` when the request has just come.
    pub flow: Option<&'a FlowFact>,
    /// Now.
    pub now: Timestamp,
}

/// What a person must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// Sign in, or sign up.
    SignIn,
    /// Sign up, or sign in.
    SignUp,
    /// Choose one of the accounts that are signed in, or another.
    SelectAccount,
    /// Approve or refuse what the client asks for, as the user of this session.
    Consent(SessionId),
}

impl Interaction {
    /// The refusal instead of it, where no page may be shown (OpenID Connect Core section 3.1.2.6).
    const fn refusal(self) -> AuthorizeError {
        match self {
            Self::SignIn | Self::SignUp => AuthorizeError::LoginRequired,
            Self::SelectAccount => AuthorizeError::AccountSelectionRequired,
            Self::Consent(_) => AuthorizeError::ConsentRequired,
        }
    }
}

/// What happens next. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Record the grant and issue a code for it.
    Issue(Issue),
    /// Show a page.
    Interact(Interaction),
    /// Tell the client.
    Refuse(AuthorizeError),
}

/// What a code is to be issued for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// In which session.
    pub session: SessionId,
    /// By whom.
    pub user: UserId,
    /// What is granted.
    pub scope: Scope,
    /// Whether it rests on a consent; a first-party client needs none.
    pub by_consent: bool,
}

/// Decides what happens next. Asked again after each page, with what holds then.
pub fn next_step(facts: &Facts<'_>) -> NextStep {
    match decide(facts) {
        // OpenID Connect Core section 3.1.2.1: no page of any kind.
        Ok(NextStep::Interact(interaction)) if facts.ask.prompt.none => {
            NextStep::Refuse(interaction.refusal())
        }
        Ok(step) => step,
        Err(error) => NextStep::Refuse(error),
    }
}

fn decide(facts: &Facts<'_>) -> Result<NextStep, AuthorizeError> {
    if facts.flow.is_some_and(|flow| flow.denied) {
        return Err(AuthorizeError::AccessDenied);
    }
    let session = match choose_session(facts)? {
        Choice::Session(session) => session,
        Choice::Ask(interaction) => return Ok(NextStep::Interact(interaction)),
    };
    if must_sign_in_again(facts, session) {
        return Ok(NextStep::Interact(Interaction::SignIn));
    }
    // OpenID Connect Core section 5.5.1.1: required, so that an answer with another would be worse than none.
    if facts.ask.claims.required_acr().is_some_and(|acr| !acr.contains(&session.acr.as_str())) {
        return Err(AuthorizeError::AcrUnmet);
    }
    let by_consent = needs_consent(facts);
    if by_consent && must_ask_consent(facts, session) {
        return Ok(NextStep::Interact(Interaction::Consent(session.id)));
    }
    Ok(NextStep::Issue(Issue {
        session: session.id,
        user: session.user,
        scope: facts.ask.scope.clone(),
        by_consent,
    }))
}

enum Choice<'a> {
    Session(&'a SessionFact),
    Ask(Interaction),
}

/// Which session the request means: `id_token_hint`, what the person chose in this flow, `login_hint`, the one last used by
/// this client here, the only one; otherwise the person is asked.
fn choose_session<'a>(facts: &Facts<'a>) -> Result<Choice<'a>, AuthorizeError> {
    let sessions = facts.sessions;
    let by_id = |id: SessionId| sessions.iter().find(|session| session.id == id);
    let chosen = facts.flow.and_then(|flow| flow.chosen).and_then(by_id);
    // OpenID Connect Core section 5.5.1: an answer about one of these, or none, as with a hint.
    let named = facts.ask.claims.subjects();
    let is_named = |subject: &Subject| named.as_ref().is_none_or(|named| named.contains(&subject.as_str()));
    match facts.hint {
        IdTokenHint::Invalid => return Err(AuthorizeError::IdTokenHintInvalid),
        // OpenID Connect Core section 3.1.2.1: an answer about this person, or none.
        IdTokenHint::Of(subject) => {
            if !is_named(subject) || chosen.is_some_and(|chosen| chosen.subject != *subject) {
                return Err(AuthorizeError::OtherUserSignedIn);
            }
            let hinted = sessions.iter().find(|session| session.subject == *subject);
            return Ok(hinted.map_or(Choice::Ask(Interaction::SignIn), Choice::Session));
        }
        IdTokenHint::Absent if named.is_some() => {
            if chosen.is_some_and(|chosen| !is_named(&chosen.subject)) {
                return Err(AuthorizeError::OtherUserSignedIn);
            }
            let found = sessions.iter().find(|session| is_named(&session.subject));
            return Ok(chosen.or(found).map_or(Choice::Ask(Interaction::SignIn), Choice::Session));
        }
        IdTokenHint::Absent => {}
    }
    if let Some(chosen) = chosen {
        return Ok(Choice::Session(chosen));
    }
    // Also where somebody is signed in. Who then signs in instead, to the account that they had forgotten, is as welcome.
    if facts.ask.prompt.create {
        return Ok(Choice::Ask(Interaction::SignUp));
    }
    if sessions.is_empty() {
        return Ok(Choice::Ask(Interaction::SignIn));
    }
    // OpenID Connect Core section 3.1.2.1: also where there is one account only, for there may be others to sign in to.
    if facts.ask.prompt.select_account {
        return Ok(Choice::Ask(Interaction::SelectAccount));
    }
    // A name that is nobody's here may be no name at all, but what only the client knows the person by.
    if let Some(hinted) = facts.ask.hinted_username()
        && let Some(session) = sessions.iter().find(|it| it.username.as_ref() == Some(&hinted))
    {
        return Ok(Choice::Session(session));
    }
    if let Some(hinted) = facts.ask.hinted_address() {
        let of_address = |session: &&SessionFact| session.addresses.contains(hinted.canonical());
        return Ok(sessions
            .iter()
            .find(of_address)
            .map_or(Choice::Ask(Interaction::SignIn), Choice::Session));
    }
    let last_used = facts.last_used.and_then(by_id);
    Ok(match (last_used, sessions) {
        (Some(session), _) | (None, [session]) => Choice::Session(session),
        (None, _) => Choice::Ask(Interaction::SelectAccount),
    })
}

/// `prompt=login` and `max_age` (OpenID Connect Core section 3.1.2.1). What the person did since the request came satisfies
/// both, or a `max_age` of 0 would be asked for ever.
fn must_sign_in_again(facts: &Facts<'_>, session: &SessionFact) -> bool {
    if facts.flow.is_some_and(|flow| session.auth_time >= flow.created_at) {
        return false;
    }
    let too_old = |max_age: u64| facts.now.since(session.auth_time).as_millis() > u128::from(max_age) * 1000;
    facts.ask.prompt.login || facts.ask.max_age.is_some_and(too_old)
}

/// A first-party client isn't asked; but a program on the person's own device that only claims to be one is no first party,
/// and whose a device is nobody knows but the person.
fn needs_consent(facts: &Facts<'_>) -> bool {
    let is_native = facts.client.application_type == ApplicationType::Native;
    !facts.client.settings.first_party
        || match facts.ask.asker {
            Asker::Client => false,
            Asker::Anybody => is_native,
            Asker::Device => true,
        }
}

fn must_ask_consent(facts: &Facts<'_>, session: &SessionFact) -> bool {
    let scope = &facts.ask.consent_scope();
    let in_this_flow = facts.flow.and_then(|flow| flow.consented.as_ref());
    if in_this_flow.is_some_and(|(user, consented)| *user == session.user && scope.is_subset_of(consented)) {
        return false;
    }
    let remembered = session.consented.as_ref().is_some_and(|consented| scope.is_subset_of(consented));
    // A consent from before tells nothing about who asks now, where that can be somebody else.
    facts.ask.asker != Asker::Client || facts.ask.prompt.consent || !remembered
}

#[cfg(test)]
mod tests;
