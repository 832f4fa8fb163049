use std::future::Future;
use std::pin::Pin;

use harness::{Landing, RelyingParty, Script, World, client};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndSessionUrl,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, LogoutRequest,
    Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl,
    ProviderMetadataWithLogout, RedirectUrl, Scope, SubjectIdentifier, TokenResponse as _,
};
use serde_json::{Value, json};
use url::Url;

const EMAIL: &str = "grace@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";

/// The `openidconnect` crate goes the whole way; `errands.mjs` is the person's browser.
#[tokio::test]
async fn the_openidconnect_crate_goes_the_whole_way() {
    World::each(async |world| {
        world.create_user(EMAIL, PASSWORD).await;
        for is_public in [false, true] {
            let landing = Landing::start().await;
            let party = world.register_landing("openidconnect", &landing, is_public).await;
            let told = json!({
                "issuer": world.issuer(),
                "landing": landing.url,
                "person": { "email": EMAIL, "password": PASSWORD },
            });
            let mut story = Story::begin(&party, &landing).await;
            Script::new("interop/errands.mjs", told)
                .run(async |question| story.next(question["ended"].as_str()).await)
                .await;
            assert!(matches!(story.stage, Stage::Over), "the browser ended before the story did");
        }
    })
    .await;
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// One way through the protocol, in the pieces between which a browser has to go somewhere.
struct Story {
    client: Client,
    http: Http,
    end_session: EndSessionUrl,
    landing: String,
    stage: Stage,
}

enum Stage {
    Begun,
    SigningIn { state: CsrfToken, nonce: Nonce, verifier: PkceCodeVerifier },
    SigningOut,
    Over,
}

impl Story {
    async fn begin(party: &RelyingParty, landing: &Landing) -> Self {
        let http = Http(client().build().unwrap());
        let issuer = IssuerUrl::new(party.issuer.clone()).unwrap();
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &http).await.unwrap();
        let end_session = metadata.additional_metadata().end_session_endpoint.clone().unwrap();
        let secret = party.client_secret.clone().map(ClientSecret::new);
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new(party.client_id.clone()), secret)
                .set_redirect_uri(RedirectUrl::new(landing.url.clone()).unwrap());
        Self { client, http, end_session, landing: landing.url.clone(), stage: Stage::Begun }
    }

    /// Where the browser has to go next, after it ended where it was sent before.
    async fn next(&mut self, ended: Option<&str>) -> Value {
        let ended = ended.map(|url| Url::parse(url).unwrap());
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Begun => self.sign_in(),
            Stage::SigningIn { state, nonce, verifier } => {
                let answer = ended.expect("the browser arrived");
                assert_eq!(parameter(&answer, "state").as_deref(), Some(state.secret().as_str()));
                let code = AuthorizationCode::new(parameter(&answer, "code").expect("a code"));
                let id_token = self.redeem(code, &nonce, verifier).await;
                self.sign_out(&id_token)
            }
            Stage::SigningOut => {
                let answer = ended.expect("the browser arrived");
                assert_eq!(parameter(&answer, "state").as_deref(), Some("bye"));
                json!({})
            }
            Stage::Over => panic!("the story is over"),
        }
    }

    fn sign_in(&mut self) -> Value {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        self.stage = Stage::SigningIn { state, nonce, verifier };
        json!({ "open": url, "task": "sign in" })
    }

    /// Tokens, userinfo, refresh; gives the newest ID token.
    async fn redeem(
        &self,
        code: AuthorizationCode,
        nonce: &Nonce,
        verifier: PkceCodeVerifier,
    ) -> CoreIdToken {
        let request = self.client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        let tokens = request.request_async(&self.http).await.unwrap();
        let id_token = tokens.id_token().expect("an ID token").clone();
        let trust = self.client.id_token_verifier();
        let claims = id_token.claims(&trust, nonce).unwrap();
        let at_hash = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg().unwrap(),
            id_token.signing_key(&trust).unwrap(),
        );
        assert_eq!(claims.access_token_hash(), Some(&at_hash.unwrap()));
        assert!(claims.auth_time().is_some(), "auth_time");
        let subject = claims.subject().clone();
        self.check_userinfo(&tokens, &subject).await;

        let refresh_token = tokens.refresh_token().expect("a refresh token");
        let request = self.client.exchange_refresh_token(refresh_token).unwrap();
        let refreshed = request.request_async(&self.http).await.unwrap();
        assert_ne!(refreshed.access_token().secret(), tokens.access_token().secret());
        self.check_userinfo(&refreshed, &subject).await;
        let Some(newest) = refreshed.id_token() else { return id_token };
        // OpenID Connect Core section 12.2: the same subject; the nonce may be absent.
        let same = newest.claims(&trust, |_: Option<&Nonce>| Ok(())).unwrap().subject() == &subject;
        assert!(same, "the refreshed ID token is about the same person");
        newest.clone()
    }

    async fn check_userinfo(&self, tokens: &CoreTokenResponse, subject: &SubjectIdentifier) {
        let request = self.client.user_info(tokens.access_token().clone(), Some(subject.clone())).unwrap();
        let userinfo: CoreUserInfoClaims = request.request_async(&self.http).await.unwrap();
        assert_eq!(userinfo.email().map(|email| email.as_str()), Some(EMAIL));
        assert_eq!(userinfo.email_verified(), Some(true));
    }

    fn sign_out(&mut self, id_token: &CoreIdToken) -> Value {
        let url = LogoutRequest::from(self.end_session.clone())
            .set_id_token_hint(id_token)
            .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(self.landing.clone()).unwrap())
            .set_state(CsrfToken::new("bye".to_owned()))
            .http_get_url();
        self.stage = Stage::SigningOut;
        json!({ "open": url, "task": "confirm sign-out" })
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.0.execute(request.try_into()?).await?;
            let mut response = HttpResponse::new(Vec::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = answer.bytes().await?.to_vec();
            Ok(response)
        })
    }
}
