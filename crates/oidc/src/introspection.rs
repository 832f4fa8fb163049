//! Telling whether a token stands (RFC 7662).

use serde_json::{Map, Value, json};
use terms::{ClientId, Subject, Timestamp};

use crate::access_token::{AccessToken, Holder};
use crate::client_auth::{AuthenticatedClient, ClientRefusal};
use crate::grant::Grant;
use crate::params::{Parameters, ParametersError};
use crate::presented::{PresentedToken, TokenFacts, stands};
use crate::scope::Scope;
use crate::token::{ErrorCode, client_code};

/// Why an introspection request is refused. That a token doesn't stand is no refusal but an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntrospectionRefusal {
    /// The form is malformed, repeats a parameter, or is too large.
    Form(ParametersError),
    /// RFC 7662 section 2.1: the caller authenticates.
    Client(ClientRefusal),
    /// RFC 7662 section 2.1: a client that proves nothing could go fishing for tokens.
    ClientNotConfidential,
    /// RFC 7662 section 2.1: `token` is required.
    Missing,
}

impl IntrospectionRefusal {
    /// The table to the wire (RFC 7662 section 2.3).
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing => ErrorCode::InvalidRequest,
            Self::Client(refusal) => client_code(*refusal),
            Self::ClientNotConfidential => ErrorCode::InvalidClient,
        }
    }

    /// What the client's developer is told.
    pub fn description(&self) -> String {
        match self {
            Self::Form(error) => error.to_string(),
            Self::Client(refusal) => refusal.description().to_owned(),
            Self::ClientNotConfidential => "introspection is only for clients that authenticate".to_owned(),
            Self::Missing => "the parameter token is missing".to_owned(),
        }
    }
}

/// Reads the token of a request whose caller is already believed.
pub fn parse(
    form: &Parameters,
    caller: &AuthenticatedClient,
) -> Result<PresentedToken, IntrospectionRefusal> {
    if !caller.is_confidential() {
        return Err(IntrospectionRefusal::ClientNotConfidential);
    }
    form.get("token").map(PresentedToken::read).ok_or(IntrospectionRefusal::Missing)
}

/// The answer (RFC 7662 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspection(Map<String, Value>);

impl Introspection {
    /// RFC 7662 section 2.2: about a token that doesn't stand, or that the caller may not know about, nothing else is said.
    pub fn inactive() -> Self {
        Self(Map::from_iter([("active".to_owned(), Value::Bool(false))]))
    }

    /// The JSON object of the answer.
    pub fn into_json(self) -> Value {
        Value::Object(self.0)
    }
}

/// About an access token. `reader` is the client as which the resource server in its `aud` introspects, if there is one.
pub fn of_access_token(
    caller: &AuthenticatedClient,
    token: &AccessToken,
    facts: &TokenFacts,
    reader: Option<&ClientId>,
    now: Timestamp,
) -> Introspection {
    let caller = &caller.client().id;
    // RFC 7662 section 4: only who has to do with the token may learn about it.
    if (token.client != *caller && reader != Some(caller)) || !stands(token, facts, now) {
        return Introspection::inactive();
    }
    let mut members = members(json!({
        "active": true,
        "token_type": "Bearer",
        "iss": token.issuer,
        "aud": token.audience,
        "client_id": token.client,
        "exp": token.expires_at.as_seconds(),
        "iat": token.issued_at.as_seconds(),
        "jti": token.id,
        "sub": token.client.as_str(),
    }));
    if !token.scope.is_empty() {
        members.insert("scope".to_owned(), token.scope.clone().into());
    }
    if let Holder::User { subject, authenticated_at, acr, amr, .. } = &token.holder {
        members.insert("sub".to_owned(), subject.as_str().into());
        // RFC 9470 section 6.2.
        members.insert("auth_time".to_owned(), authenticated_at.as_seconds().into());
        members.insert("acr".to_owned(), acr.clone().into());
        members.insert("amr".to_owned(), amr.clone().into());
    }
    Introspection(members)
}

/// About a refresh token that is genuine and the newest of its Grant, which holds for `subject`. Only its client learns.
pub fn of_refresh_token(
    caller: &AuthenticatedClient,
    grant: &Grant,
    subject: &Subject,
    issuer: &str,
    expires_at: Timestamp,
) -> Introspection {
    if grant.client != caller.client().id {
        return Introspection::inactive();
    }
    let scope: Scope = caller.client().permitted(&grant.scope);
    Introspection(members(json!({
        "active": true,
        "iss": issuer,
        "sub": subject.as_str(),
        "client_id": grant.client,
        "scope": scope.to_string(),
        "exp": expires_at.as_seconds(),
        "iat": grant.created_at.as_seconds(),
    })))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, believed, believed_with_secret, client, later, subject};
    use crate::presented::tests::{facts, token};

    fn caller(id: &str) -> AuthenticatedClient {
        let mut client = client();
        client.id = id.parse().unwrap();
        client.metadata.auth_method = crate::client::ClientAuthMethod::ClientSecretPost;
        believed_with_secret(client)
    }

    #[test]
    fn the_tokens_client_and_its_resource_server_learn_about_it_and_nobody_else() {
        let reader: ClientId = "cli_api".parse().unwrap();
        for (who, active) in [("cli_web", true), ("cli_api", true), ("cli_other", false)] {
            let answer = of_access_token(&caller(who), &token(), &facts(), Some(&reader), NOW).into_json();
            assert_eq!(answer["active"], active, "{who}");
            assert_eq!(answer.as_object().unwrap().len() > 1, active, "{who}");
        }
    }

    #[test]
    fn an_active_access_token_is_described_and_an_expired_one_is_not() {
        let answer = of_access_token(&caller("cli_web"), &token(), &facts(), None, NOW).into_json();
        let expected = json!({
            "active": true,
            "token_type": "Bearer",
            "iss": "https://login.example.test",
            "sub": "alice",
            "aud": "https://login.example.test",
            "client_id": "cli_web",
            "scope": "openid profile",
            "iat": 1_800_000_000,
            "exp": 1_800_000_300,
            "jti": "AQEBAQEBAQEBAQEBAQEBAQ",
            "auth_time": 1_800_000_000,
            "acr": "1",
            "amr": ["pwd"],
        });
        assert_eq!(answer, expected);
        let late = of_access_token(&caller("cli_web"), &token(), &facts(), None, later(300));
        assert_eq!(late, Introspection::inactive());
    }

    #[test]
    fn only_a_refresh_tokens_own_client_learns_about_it() {
        let grant = crate::fixture::grant();
        let about = |who| of_refresh_token(&caller(who), &grant, &subject(), "https://i.test", later(9));
        assert_eq!(about("cli_web").into_json()["active"], true);
        assert_eq!(about("cli_other"), Introspection::inactive());
    }

    #[test]
    fn a_public_client_may_not_ask() {
        let form = Parameters::parse(b"token=x").unwrap();
        let refusal = parse(&form, &believed(client())).unwrap_err();
        assert_eq!(refusal, IntrospectionRefusal::ClientNotConfidential);
        let empty = Parameters::parse(b"token=").unwrap();
        assert_eq!(parse(&empty, &caller("cli_web")).unwrap_err(), IntrospectionRefusal::Missing);
    }
}
