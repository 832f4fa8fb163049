//! A token for the client itself (RFC 6749 section 4.4).

use super::{Audience, TokenRefusal, parse_resource, parse_scope};
use crate::client_auth::AuthenticatedClient;
use crate::grant::{Approved, approve_client};
use crate::params::Parameters;
use crate::resource_server::ResourceIdentifier;
use crate::scope::Scope;

/// RFC 6749 section 4.4.2, with `resource` (RFC 8707 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    /// What is asked for; everything that the client registered, if it names nothing.
    pub scope: Option<Scope>,
    /// For whom the token shall be.
    pub resource: Option<ResourceIdentifier>,
}

impl ClientRequest {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenRefusal> {
        Ok(Self { scope: parse_scope(parameters)?, resource: parse_resource(parameters)? })
    }
}

/// Decides. Nothing is to be written for it.
pub fn decide(
    client: &AuthenticatedClient,
    request: &ClientRequest,
    audience: Audience,
) -> Result<Approved, TokenRefusal> {
    // RFC 6749 section 4.4: "MUST only be used by confidential clients".
    if !client.is_confidential() {
        return Err(TokenRefusal::ClientNotConfidential);
    }
    let audience = audience?;
    let registered = client.client().own_scope();
    let scope = match &request.scope {
        // RFC 6749 section 3.3; a scope about a person says nothing here, and `offline_access` means a person who is away.
        Some(wanted) if !wanted.is_subset_of(&registered) => return Err(TokenRefusal::ScopeNotAllowed),
        Some(wanted) => wanted.clone(),
        // RFC 6749 section 3.3: a documented default.
        None => registered,
    };
    Ok(approve_client(client, scope, &audience))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{api, believed, believed_with_secret, client, issuer, scope};
    use TokenRefusal as R;

    fn ask(wanted: Option<&str>, audience: Audience) -> Result<Approved, TokenRefusal> {
        let mut client = client();
        client.metadata.auth_method = crate::client::ClientAuthMethod::ClientSecretPost;
        let request = ClientRequest { scope: wanted.map(scope), resource: None };
        decide(&believed_with_secret(client), &request, audience)
    }

    #[test]
    fn a_client_gets_what_it_registered_and_nothing_about_a_person() {
        let approved = ask(None, Ok(issuer())).unwrap();
        assert_eq!(approved.scope(), &scope("api:read api:write"));
        assert_eq!(approved.subject().as_str(), "cli_web");
        assert!(approved.person().is_none() && !approved.with_id_token());
        assert_eq!(ask(Some("api:read"), Ok(api())).unwrap().scope(), &scope("api:read"));
    }

    #[test]
    fn what_it_may_not_have_is_refused() {
        for wanted in ["openid", "offline_access api:read", "profile", "api:delete"] {
            assert_eq!(ask(Some(wanted), Ok(issuer())), Err(R::ScopeNotAllowed), "{wanted}");
        }
        assert_eq!(ask(None, Err(R::ResourceUnknown)), Err(R::ResourceUnknown));
    }

    #[test]
    fn a_public_client_gets_nothing_in_its_own_name() {
        let request = ClientRequest { scope: None, resource: None };
        assert_eq!(decide(&believed(client()), &request, Ok(issuer())), Err(R::ClientNotConfidential));
    }
}
