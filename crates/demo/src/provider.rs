//! The OpenID Connect part: everything that the pages need from the provider, in the order of the protocol.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGenderClaim, CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, DiscoveryError, EndSessionUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl, RefreshToken,
    Scope, SignatureVerificationError, SubjectIdentifier, TokenResponse as _, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::fault::chain;
use crate::http_client::Http;

/// What this relying party asks for. With `offline_access` a refresh token outlives the session (OpenID Connect Core section 11).
const SCOPES: [&str; 5] = ["profile", "email", "phone", "address", "offline_access"];

/// Who we are, and at which provider.
pub(crate) struct Settings {
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: ClientId,
    pub(crate) client_secret: Option<ClientSecret>,
    /// Where this relying party is reached; its redirect URIs lie below.
    pub(crate) own: Url,
}

impl Settings {
    fn redirect_uri(&self) -> String {
        format!("{}callback", self.own)
    }
}

/// Metadata that `openidconnect` doesn't know by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MoreMetadata {
    end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207 section 3.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type RelyingParty = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Claims beyond the standard ones: this relying party shows whatever it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

/// Why there is no provider to talk to yet.
pub(crate) enum Discovery {
    /// Perhaps it still starts.
    NotReady(String),
    /// It answered, with something that waiting won't mend.
    Wrong(String),
}

/// One authorization request on its way: what has to be remembered to check the answer.
pub(crate) struct Pending {
    pub(crate) state: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

#[cfg(test)]
impl Pending {
    pub(crate) fn for_test(state: &str) -> Self {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        Self { state: state.to_owned(), nonce: Nonce::new_random(), verifier }
    }
}

/// What the authorization endpoint sent back along with `state`.
pub(crate) struct Answer {
    pub(crate) issuer: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

/// What we hold of a person who signed in. Every claim in it was verified.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) id_token: CoreIdToken,
    pub(crate) claims: Map<String, Value>,
    pub(crate) userinfo: Map<String, Value>,
    pub(crate) scope: String,
    pub(crate) refreshed: u32,
    refresh_token: Option<RefreshToken>,
    subject: SubjectIdentifier,
}

impl SignedIn {
    pub(crate) fn can_refresh(&self) -> bool {
        self.refresh_token.is_some()
    }
}

/// Why a sign-in or a refresh came to nothing; each is shown to the person.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The provider said no, in the protocol's own words.
    Refused { error: String, description: String },
    /// What came back doesn't prove what it should: nobody is signed in by it.
    NotTrusted(String),
    /// The provider couldn't be reached, or made no sense.
    Failed(String),
    /// The ID token's key isn't among those that we know; the provider may have new ones.
    UnknownKey,
}

/// A provider that was discovered, and our registration there.
pub(crate) struct Provider {
    issuer: IssuerUrl,
    more: MoreMetadata,
    relying_party: RelyingParty,
}

impl Provider {
    /// OpenID Connect Discovery 1.0 section 4; the library checks that the document's issuer is the one asked for.
    pub(crate) async fn discover(settings: &Settings, http: &Http) -> Result<Self, Discovery> {
        let metadata = Metadata::discover_async(settings.issuer.clone(), http).await.map_err(|error| {
            let said = chain(&error);
            match error {
                DiscoveryError::Request(_) => Discovery::NotReady(said),
                DiscoveryError::Response(status, ..) if status.is_server_error() => Discovery::NotReady(said),
                _ => Discovery::Wrong(said),
            }
        })?;
        let redirect_uri = RedirectUrl::new(settings.redirect_uri())
            .map_err(|error| Discovery::Wrong(format!("our redirect URI is no URL: {error}")))?;
        let more = metadata.additional_metadata().clone();
        let secret = settings.client_secret.clone();
        let relying_party = CoreClient::from_provider_metadata(metadata, settings.client_id.clone(), secret)
            .set_redirect_uri(redirect_uri);
        Ok(Self { issuer: settings.issuer.clone(), more, relying_party })
    }

    /// The address to send the browser to.
    pub(crate) fn authorization_request(&self) -> (Url, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = self
            .relying_party
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        (url, Pending { state: state.secret().clone(), nonce, verifier })
    }

    /// Reads the answer to `pending` and turns its code into tokens.
    pub(crate) async fn exchange(
        &self,
        pending: &Pending,
        answer: Answer,
        http: &Http,
    ) -> Result<CoreTokenResponse, Trouble> {
        check_issuer(
            &self.issuer,
            self.more.authorization_response_iss_parameter_supported,
            answer.issuer.as_deref(),
        )?;
        if let Some(error) = answer.error {
            return Err(Trouble::Refused {
                error,
                description: answer.error_description.unwrap_or_default(),
            });
        }
        let code = answer.code.ok_or_else(|| Trouble::NotTrusted("the answer has no code".to_owned()))?;
        self.relying_party
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Trouble::Failed(chain(&error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.secret().clone()))
            .request_async(http)
            .await
            .map_err(token_trouble)
    }

    /// Verifies the tokens of a sign-in, asks userinfo, and says who this is.
    pub(crate) async fn sign_in(
        &self,
        pending: &Pending,
        tokens: &CoreTokenResponse,
        http: &Http,
    ) -> Result<SignedIn, Trouble> {
        let id_token = tokens.id_token().ok_or_else(|| missing("ID token"))?.clone();
        let verifier = self.relying_party.id_token_verifier();
        let claims = id_token.claims(&verifier, &pending.nonce).map_err(token_not_trusted)?;
        self.check_access_token(&id_token, claims.access_token_hash(), tokens.access_token())?;
        let subject = claims.subject().clone();
        let userinfo = self.userinfo(tokens.access_token(), &subject, http).await?;
        Ok(SignedIn {
            claims: payload(&id_token)?,
            id_token,
            userinfo,
            scope: scope_of(tokens).unwrap_or_else(|| format!("openid {}", SCOPES.join(" "))),
            refreshed: 0,
            refresh_token: tokens.refresh_token().cloned(),
            subject,
        })
    }

    /// New tokens for the refresh token (RFC 6749 section 6).
    pub(crate) async fn refresh(
        &self,
        signed_in: &SignedIn,
        http: &Http,
    ) -> Result<CoreTokenResponse, Trouble> {
        let refresh_token = signed_in.refresh_token.as_ref().ok_or_else(|| missing("refresh token"))?;
        self.relying_party
            .exchange_refresh_token(refresh_token)
            .map_err(|error| Trouble::Failed(chain(&error)))?
            .request_async(http)
            .await
            .map_err(token_trouble)
    }

    /// Verifies what a refresh brought: it has to be about the same person (OpenID Connect Core section 12.2).
    pub(crate) async fn refreshed(
        &self,
        before: &SignedIn,
        tokens: &CoreTokenResponse,
        http: &Http,
    ) -> Result<SignedIn, Trouble> {
        let mut now = before.clone();
        if let Some(id_token) = tokens.id_token() {
            let verifier = self.relying_party.id_token_verifier();
            // A refreshed ID token need not repeat the nonce (OpenID Connect Core section 12.2).
            let claims = id_token.claims(&verifier, |_: Option<&Nonce>| Ok(())).map_err(token_not_trusted)?;
            self.check_access_token(id_token, claims.access_token_hash(), tokens.access_token())?;
            if *claims.subject() != before.subject {
                return Err(Trouble::NotTrusted("the new ID token is about someone else".to_owned()));
            }
            now.claims = payload(id_token)?;
            now.id_token = id_token.clone();
        }
        now.userinfo = self.userinfo(tokens.access_token(), &before.subject, http).await?;
        if let Some(successor) = tokens.refresh_token() {
            now.refresh_token = Some(successor.clone());
        }
        now.scope = scope_of(tokens).unwrap_or(now.scope);
        now.refreshed += 1;
        Ok(now)
    }

    /// Where to send the browser to sign out at the provider too (OpenID Connect RP-Initiated Logout 1.0 section 2).
    pub(crate) fn logout_address(&self, settings: &Settings, id_token: &CoreIdToken) -> Option<Url> {
        let back = PostLogoutRedirectUrl::new(settings.own.to_string()).ok()?;
        let end_session = self.more.end_session_endpoint.clone()?;
        Some(
            LogoutRequest::from(end_session)
                .set_id_token_hint(id_token)
                .set_client_id(settings.client_id.clone())
                .set_post_logout_redirect_uri(back)
                .set_state(CsrfToken::new("signed-out".to_owned()))
                .http_get_url(),
        )
    }

    async fn userinfo(
        &self,
        access_token: &AccessToken,
        subject: &SubjectIdentifier,
        http: &Http,
    ) -> Result<Map<String, Value>, Trouble> {
        let request = self
            .relying_party
            // OpenID Connect Core section 5.3.2: userinfo counts only when its `sub` is the ID token's.
            .user_info(access_token.clone(), Some(subject.clone()))
            .map_err(|error| Trouble::Failed(chain(&error)))?;
        let claims: UserInfoClaims<OtherClaims, CoreGenderClaim> =
            request.request_async(http).await.map_err(|error| Trouble::Failed(chain(&error)))?;
        match serde_json::to_value(&claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(Trouble::Failed("userinfo is not a JSON object".to_owned())),
        }
    }

    /// OpenID Connect Core section 3.1.3.8: the access token is the one that was issued with the ID token.
    fn check_access_token(
        &self,
        id_token: &CoreIdToken,
        expected: Option<&AccessTokenHash>,
        access_token: &AccessToken,
    ) -> Result<(), Trouble> {
        let Some(expected) = expected else { return Ok(()) };
        let verifier = self.relying_party.id_token_verifier();
        let not_trusted = |why: &dyn std::error::Error| Trouble::NotTrusted(chain(why));
        let actual = AccessTokenHash::from_token(
            access_token,
            id_token.signing_alg().map_err(|error| not_trusted(&error))?,
            id_token.signing_key(&verifier).map_err(|error| not_trusted(&error))?,
        )
        .map_err(|error| not_trusted(&error))?;
        if actual == *expected {
            Ok(())
        } else {
            Err(Trouble::NotTrusted("the access token is not the one that came with the ID token".to_owned()))
        }
    }
}

/// RFC 9207 section 2.4: an answer of another provider, or of none when ours always says who it is, is an attack.
fn check_issuer(expected: &IssuerUrl, always_sent: bool, got: Option<&str>) -> Result<(), Trouble> {
    match got {
        Some(got) if got == expected.as_str() => Ok(()),
        Some(got) => {
            Err(Trouble::NotTrusted(format!("the answer is from {got}, not from {}", expected.as_str())))
        }
        None if always_sent => {
            Err(Trouble::NotTrusted("the answer doesn't say which provider it is from".to_owned()))
        }
        None => Ok(()),
    }
}

/// The claims of an ID token whose signature and claims were verified just before, all of them, as they were sent.
fn payload(verified: &CoreIdToken) -> Result<Map<String, Value>, Trouble> {
    let compact = verified.to_string();
    compact
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Trouble::Failed("the ID token's claims can't be shown".to_owned()))
}

fn scope_of(tokens: &CoreTokenResponse) -> Option<String> {
    tokens.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
}

fn missing(what: &str) -> Trouble {
    Trouble::Failed(format!("the provider sent no {what}"))
}

fn token_not_trusted(error: ClaimsVerificationError) -> Trouble {
    match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            Trouble::UnknownKey
        }
        error => Trouble::NotTrusted(format!("the ID token is not valid: {}", chain(&error))),
    }
}

type TokenError<E> = openidconnect::RequestTokenError<
    E,
    openidconnect::StandardErrorResponse<openidconnect::core::CoreErrorResponseType>,
>;

fn token_trouble<E: std::error::Error + 'static>(error: TokenError<E>) -> Trouble {
    match error {
        openidconnect::RequestTokenError::ServerResponse(said) => Trouble::Refused {
            error: said.error().to_string(),
            description: said.error_description().cloned().unwrap_or_default(),
        },
        error => Trouble::Failed(chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> IssuerUrl {
        IssuerUrl::new("http://localhost:8080".to_owned()).expect("a URL")
    }

    #[test]
    fn an_answer_of_another_provider_is_refused() {
        assert!(check_issuer(&issuer(), true, Some("http://localhost:8080")).is_ok());
        for (always_sent, got) in [
            (true, Some("http://localhost:8081")),
            (false, Some("http://localhost:8081")),
            (true, Some("http://localhost:8080/")),
            (true, Some("")),
            (true, None),
        ] {
            assert!(check_issuer(&issuer(), always_sent, got).is_err(), "{got:?}");
        }
        assert!(check_issuer(&issuer(), false, None).is_ok(), "a provider that doesn't know RFC 9207");
    }
}
