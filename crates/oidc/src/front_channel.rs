//! Answers of the authorization endpoint that hold tokens (OpenID Connect Core sections 3.2 and 3.3).

use crate::client::{Client, LegacyClients, ResponseType};
use crate::redirect_uri::RegisteredRedirectUri;
use crate::response_mode::ResponseMode;

/// Proof that tokens may leave by the authorization endpoint: the operator lets this client have them there, it registered
/// the response type and the redirect URI to which they go, and not in a query, which servers and proxies write down.
///
/// It stands where an [`AuthenticatedClient`](crate::client_auth::AuthenticatedClient) stands at the token endpoint: nobody
/// authenticates here, so that all that is known of the receiver is where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontChannel {
    client: Client,
    to: RegisteredRedirectUri,
}

/// Why there is no such proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrontChannel {
    /// Neither the tenant nor the operator lets the client.
    NotAllowed,
    /// The client didn't register the response type.
    NotRegistered,
    /// OAuth 2.0 Multiple Response Type Encoding Practices section 3.
    InQuery,
}

impl FrontChannel {
    /// The one way to the proof.
    pub(crate) fn open(
        client: &Client,
        to: &RegisteredRedirectUri,
        (response_type, mode): (ResponseType, ResponseMode),
        legacy: LegacyClients,
    ) -> Result<Self, NoFrontChannel> {
        if !legacy.include(client) {
            return Err(NoFrontChannel::NotAllowed);
        }
        if !client.response_types.contains(&response_type) {
            return Err(NoFrontChannel::NotRegistered);
        }
        if mode == ResponseMode::Query {
            return Err(NoFrontChannel::InQuery);
        }
        Ok(Self { client: client.clone(), to: to.clone() })
    }

    /// Whose tokens they are.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where they go.
    pub fn to(&self) -> &RegisteredRedirectUri {
        &self.to
    }
}
