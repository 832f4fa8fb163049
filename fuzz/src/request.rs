//! Requests of the protocol's endpoints: the authorization, token, introspection, revocation, registration, userinfo and
//! end-session endpoints read the same kind of text, so one input is read as a request of each.
//!
//! An input is a query or form; if it has a line end, what stands before is the `Authorization` header field.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oidc::authorize::{AuthorizationRequest, AuthorizeRefusal, Issued, IssuedAccessToken, Offered};
use oidc::client::{Client, ClientAuthMethod, GrantType, LegacyClients};
use oidc::client_auth::{AuthenticatedClient, Believed, Credentials, authenticate};
use oidc::end_session::{self, Afterwards, EndSession, LogoutHint, SignedIn};
use oidc::introspection;
use oidc::params::Parameters;
use oidc::presented::PresentedToken;
use oidc::redirect_uri::RedirectKind;
use oidc::resource_server::ResourceIdentifier;
use oidc::response_mode::{AuthorizeResponse, Delivery, ResponseMode};
use oidc::token::TokenRequest;
use oidc::{registration, revocation, userinfo};
use terms::{SessionId, limits};
use url::Url;

use super::redirect_uri::{assert_goes_to, assert_harmless};
use super::world::{self, API, ISSUER, NOW};

/// Reads a request for every client at every endpoint.
pub fn check(input: &[u8]) {
    let line_end = input.iter().position(|octet| *octet == b'\n');
    let (header, form) = match line_end {
        Some(end) => (Some(&input[..end]), &input[end + 1..]),
        None => (None, input),
    };
    let Ok(parameters) = Parameters::parse(form) else { return };
    assert_parameters(form, &parameters);
    let headers: Vec<&[u8]> = header.into_iter().collect();
    for client in world::clients() {
        for legacy in [LegacyClients::None, LegacyClients::Profiled, LegacyClients::All] {
            for sign_up in [true, false] {
                authorization(&parameters, client, legacy, sign_up);
            }
        }
        token(&headers, &parameters, client);
        end_of_session(&parameters, client);
    }
    if let Ok(token) = userinfo::bearer(&headers, Some(&parameters)) {
        assert!(headers.is_empty() != parameters.get("access_token").is_none(), "in one way only");
        presented(token.reveal());
    }
    if let Ok(token) = registration::presented(&headers) {
        assert!(headers.len() == 1);
        presented(token.reveal());
    }
}

fn assert_parameters(form: &[u8], parameters: &Parameters) {
    assert!(form.len() <= limits::REQUEST_BYTES);
    let pairs: Vec<(&str, &str)> = parameters.iter().collect();
    assert!(pairs.len() <= limits::PARAMETERS);
    for (index, (name, value)) in pairs.iter().enumerate() {
        assert!(name.len() <= limits::PARAMETER_BYTES && value.len() <= limits::PARAMETER_BYTES);
        let again = pairs[..index].iter().any(|(earlier, _)| earlier == name);
        assert!(!again || *name == "resource", "{name:?} is there twice");
        if *name != "resource" {
            assert_eq!(parameters.get(name), Some(*value).filter(|value| !value.is_empty()));
        }
    }
    // A lenient reader, as a proxy may have one, reads no other request.
    let lenient: Vec<(String, String)> = url::form_urlencoded::parse(form).into_owned().collect();
    assert!(pairs.iter().copied().eq(lenient.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    assert_eq!(Parameters::parse(parameters.encode().as_bytes()).as_ref(), Ok(parameters));
}

fn authorization(parameters: &Parameters, client: &Client, legacy: LegacyClients, sign_up: bool) {
    let (issuer, registered) = (resource(ISSUER), [resource(API)]);
    let offered = Offered { issuer: &issuer, registered: &registered, sign_up, legacy };
    match world::validated(parameters, client, &offered) {
        Ok(request) => {
            assert_request(&request, parameters, client, legacy);
            assert!(sign_up || !request.prompt.create);
            // A flow keeps the parameters and validates them at each step.
            let kept = Parameters::parse(parameters.encode().as_bytes()).expect("it was read before");
            assert_eq!(world::validated(&kept, client, &offered).as_ref(), Ok(&request));
            assert_answer(
                request.answer(&issued(&request), ISSUER),
                &request.redirect_uri,
                request.state.as_deref(),
            );
        }
        Err(AuthorizeRefusal::Page(reason)) => assert!(reason.description().is_ascii()),
        Err(AuthorizeRefusal::Redirect { to, mode, state, error }) => {
            assert!(is_registered(client, to.as_str()), "{to:?}");
            assert_eq!(state.as_deref(), parameters.get("state"));
            assert_description(error.description());
            let tokens_are_asked = parameters
                .get("response_type")
                .is_some_and(|text| text.split(' ').any(|word| word == "token" || word == "id_token"));
            assert!(!tokens_are_asked || mode != ResponseMode::Query, "who waits for a fragment gets one");
            let response = AuthorizeRefusal::Redirect { to: to.clone(), mode, state: state.clone(), error };
            assert_answer(response.into_response(ISSUER).expect("an answer"), &to, state.as_deref());
        }
    }
}

fn assert_request(
    request: &AuthorizationRequest,
    parameters: &Parameters,
    client: &Client,
    legacy: LegacyClients,
) {
    let to = &request.redirect_uri;
    assert_eq!(Some(client.id.as_str()), parameters.get("client_id"));
    assert_eq!(request.client, client.id);
    assert!(is_registered(client, to.as_str()), "{to:?}");
    match parameters.get("redirect_uri") {
        Some(asked) => assert!(request.redirect_uri_named && asked == to.as_str()),
        None => assert!(!request.redirect_uri_named && client.redirect_uris.len() == 1),
    }
    assert_eq!(request.state.as_deref(), parameters.get("state"));
    assert!(request.state.as_ref().is_none_or(|state| state.len() <= limits::STATE_BYTES));
    assert_eq!(request.nonce.as_deref(), parameters.get("nonce"));
    assert!(request.nonce.as_ref().is_none_or(|nonce| nonce.len() <= limits::NONCE_BYTES));
    let kind = request.response_type;
    assert!(client.response_types.contains(&kind));
    let mut asked: Vec<&str> = parameters.get("response_type").expect("it is required").split(' ').collect();
    let mut meant: Vec<&str> = kind.as_str().split(' ').collect();
    asked.sort_unstable();
    meant.sort_unstable();
    assert_eq!(asked, meant);
    // Tokens through the browser: only of whom it is allowed, never in a query, and with a nonce.
    assert_eq!(request.front_channel.is_some(), kind.is_front_channel());
    if let Some(channel) = &request.front_channel {
        assert!(legacy.include(client) && channel.client() == client && channel.to() == to);
        assert!(request.response_mode != ResponseMode::Query);
    }
    assert!(!kind.has_id_token() || (request.nonce.is_some() && request.scope.contains("openid")));
    assert!(to.kind() != RedirectKind::PrivateUse || request.response_mode != ResponseMode::FormPost);
    assert!(!client.is_public() || !kind.has_code() || request.code_challenge.is_some(), "PKCE is left out");
    if let Some(challenge) = request.code_challenge {
        assert_eq!(Some(challenge.to_string().as_str()), parameters.get("code_challenge"));
        assert_eq!(parameters.get("code_challenge_method"), Some("S256"));
    }
    let registered = &client.scope;
    assert!(!request.scope.is_empty() && request.scope.is_subset_of(registered));
    assert!(request.claims.scope().is_subset_of(registered), "what claims ask for is registered, too");
    let refreshes = client.may_use(GrantType::RefreshToken) && kind.has_code();
    assert!(refreshes || !request.scope.contains("offline_access"));
    let prompt = request.prompt;
    assert!(!prompt.none || !(prompt.login || prompt.consent || prompt.select_account || prompt.create));
    assert!(request.resources.len() <= if kind.has_token() { 1 } else { limits::RESOURCES });
    assert!(request.resources.iter().all(|it| [ISSUER, API].contains(&it.as_str())));
    let claims = serde_json::to_value(&request.claims).expect("JSON");
    assert_eq!(serde_json::from_value(claims).ok().as_ref(), Some(&request.claims), "as it is stored");
}

fn issued(request: &AuthorizationRequest) -> Issued {
    let kind = request.response_type;
    let access_token = kind.has_token().then(|| IssuedAccessToken {
        text: "an access+token".to_owned(),
        expires_in: Duration::from_mins(5),
        scope: request.scope.clone(),
    });
    Issued {
        code: kind.has_code().then(|| "a code&".to_owned()),
        access_token,
        id_token: kind.has_id_token().then(|| "an.id.token".to_owned()),
    }
}

/// The answer goes to the registered place and gives `state` and `iss` back as they are.
fn assert_answer(
    answer: AuthorizeResponse,
    to: &oidc::redirect_uri::RegisteredRedirectUri,
    state: Option<&str>,
) {
    let said: Vec<(String, String)> = match answer.deliver() {
        Delivery::Redirect(location) => {
            assert_goes_to(&location, to.as_str());
            let url = Url::parse(&location).expect("a URL");
            let added = location[to.as_str().len()..].to_owned();
            if let Some(fragment) = url.fragment() {
                assert_eq!(added, format!("#{fragment}"));
                url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
            } else {
                let tokens = ["access_token=", "id_token="];
                assert!(!tokens.iter().any(|name| added.contains(name)), "tokens in a query");
                url.query_pairs().into_owned().collect()
            }
        }
        Delivery::Post { to: address, fields } => {
            assert_eq!(address, to.as_str());
            assert_harmless(&address);
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        }
    };
    let value = |name: &str| {
        let mut values = said.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} stands once");
        value
    };
    assert_eq!(value("state"), state);
    assert_eq!(value("iss"), Some(ISSUER));
    assert!(value("error").is_none() || (value("code").is_none() && value("id_token").is_none()));
}

/// Octet by octet, but for the port of the one loopback address that is registered.
fn is_registered(client: &Client, uri: &str) -> bool {
    let port_of_the_day = || {
        let port = uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/cb"));
        port.is_some_and(|port| {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        })
    };
    client.redirect_uris.iter().any(|registered| {
        registered.as_str() == uri || (registered.as_str() == "http://127.0.0.1/cb" && port_of_the_day())
    })
}

fn token(headers: &[&[u8]], parameters: &Parameters, client: &Client) {
    let credentials = match Credentials::read(headers, parameters) {
        Ok(credentials) => credentials,
        Err(refusal) => return assert_description(refusal.description()),
    };
    if credentials.client_id() != &client.id {
        assert!(authenticate(&credentials, Some(world::known(client)), world::ADDRESSEE, NOW).is_err());
        return;
    }
    let caller = match authenticate(&credentials, Some(world::known(client)), world::ADDRESSEE, NOW) {
        // No input can hold what is signed with keys that were made just now; a MAC is the other target's.
        Ok(Believed::Once(unspent)) => unspent.spent(true).expect("the first time"),
        Ok(Believed::Now(caller)) => {
            assert!(proves(headers, parameters, client), "believed without proof");
            caller
        }
        Err(refusal) => {
            assert!(!proves(headers, parameters, client), "not believed with proof: {refusal:?}");
            return assert_description(refusal.description());
        }
    };
    assert_eq!(caller.client(), client);
    if let Err(refusal) = introspection::parse(parameters, &caller) {
        assert_description(&refusal.description());
    } else {
        assert!(!client.is_public(), "public clients ask about no token");
    }
    if let Ok(token) = revocation::parse(parameters) {
        assert!(parameters.get("token").is_some());
        drop(token);
    }
    grant(parameters, &caller);
}

fn grant(parameters: &Parameters, caller: &AuthenticatedClient) {
    let request = match TokenRequest::parse(parameters, caller) {
        Ok(request) => request,
        Err(refusal) => return assert_description(&refusal.description()),
    };
    assert!(caller.client().may_use(request.grant_type()));
    assert_eq!(parameters.get("grant_type"), Some(request.grant_type().as_str()));
    if let TokenRequest::AuthorizationCode(redemption) = &request {
        assert_eq!(parameters.get("code"), Some(redemption.code.reveal().as_str()));
        assert_eq!(redemption.redirect_uri.as_deref(), parameters.get("redirect_uri"));
        assert_eq!(redemption.code_verifier.as_deref(), parameters.get("code_verifier"));
    }
    if request.grant_type() == GrantType::RefreshToken {
        let text = parameters.get("refresh_token").expect("it is required");
        assert!(matches!(PresentedToken::read(text), PresentedToken::Refresh(_)));
    }
    assert!(request.grant_type() != GrantType::ClientCredentials || caller.is_confidential());
}

/// The proof by a secret, stated anew: the one registered way, and no other in the request.
fn proves(headers: &[&[u8]], parameters: &Parameters, client: &Client) -> bool {
    let asserted =
        ["client_assertion", "client_assertion_type"].iter().any(|name| parameters.get(name).is_some());
    let named = parameters.get("client_id");
    let secret = world::secret().reveal();
    if asserted || named.is_some_and(|named| named != client.id.as_str()) {
        return false;
    }
    match client.auth_method {
        ClientAuthMethod::None => {
            headers.is_empty() && parameters.get("client_secret").is_none() && named.is_some()
        }
        ClientAuthMethod::ClientSecretPost => {
            headers.is_empty() && parameters.get("client_secret") == Some(secret.as_str()) && named.is_some()
        }
        ClientAuthMethod::ClientSecretBasic => {
            let [header] = headers else { return false };
            parameters.get("client_secret").is_none()
                && basic(header).is_some_and(|(id, text)| id == client.id.as_str() && text == secret)
        }
        ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt => false,
    }
}

/// RFC 6749 section 2.3.1, RFC 7617 section 2.
fn basic(header: &[u8]) -> Option<(String, String)> {
    let (scheme, token) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(token.trim_matches(' ')).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    // A name without `=` is one that has no value.
    let half = |text: &str| {
        let read = Parameters::parse(format!("x={}", text.replace('&', "%26")).as_bytes()).ok()?;
        Some(read.get("x").unwrap_or_default().to_owned())
    };
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    Some((half(id)?, half(secret)?))
}

fn end_of_session(parameters: &Parameters, client: &Client) {
    let session = |number| SessionId::new(NOW, [number; 10]);
    let here = |number: u8, subject: &str| SignedIn {
        session: session(number),
        subject: subject.parse().expect("a subject"),
    };
    let signed_in = [here(1, "ada"), here(2, "bob")];
    let hint = LogoutHint::Valid {
        client: client.id.clone(),
        subject: "ada".parse().expect("a subject"),
        session: Some(session(1)),
    };
    for hint in [LogoutHint::Absent, LogoutHint::Invalid, hint] {
        for signed_in in [&[][..], &signed_in[1..], &signed_in] {
            let decided = match end_session::decide(parameters, Some(client), &hint, signed_in) {
                Ok(decided) => decided,
                Err(refusal) => {
                    assert!(!refusal.description().is_empty());
                    continue;
                }
            };
            assert_ne!(hint, LogoutHint::Invalid, "a hint that isn't ours is refused");
            let then = match decided {
                EndSession::Ask { then } => {
                    assert!(!signed_in.is_empty());
                    then
                }
                EndSession::End { sessions, then } => {
                    // Without a question only what the hint names, and only for whom it names.
                    let named = matches!(hint, LogoutHint::Valid { .. });
                    assert!(sessions.is_empty() || (named && sessions == [session(1)]));
                    assert!(!sessions.is_empty() || signed_in.is_empty());
                    then
                }
            };
            if let Afterwards::Redirect(way) = then {
                let known = named(parameters, client) || matches!(hint, LogoutHint::Valid { .. });
                let asked = parameters.get("post_logout_redirect_uri").expect("it was asked for");
                assert!(known && client.post_logout_redirect_uris.iter().any(|uri| uri.as_str() == asked));
                let location = way.location();
                assert_goes_to(&location, asked);
                let pairs =
                    Url::parse(&location).expect("a URL").query_pairs().into_owned().collect::<Vec<_>>();
                let state = pairs.iter().find(|(name, _)| name == "state").map(|(_, value)| value.as_str());
                assert_eq!(state, parameters.get("state"));
            }
        }
    }
}

fn named(parameters: &Parameters, client: &Client) -> bool {
    parameters.get("client_id") == Some(client.id.as_str())
}

/// A token is of one kind, by its text.
fn presented(text: &str) {
    match PresentedToken::read(text) {
        PresentedToken::Refresh(token) => assert_eq!(token.reveal(), text),
        PresentedToken::Handle(handle) => assert_eq!(handle.reveal(), text),
        PresentedToken::Jwt(token) => assert_eq!(token, text),
        PresentedToken::Unknown => {}
    }
}

/// RFC 6749 section 5.2: the characters of `error_description`.
fn assert_description(text: &str) {
    assert!(!text.is_empty());
    assert!(text.bytes().all(|octet| matches!(octet, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text:?}");
}

fn resource(text: &str) -> ResourceIdentifier {
    text.parse().expect("a resource identifier")
}
