//! Clients: OAuth relying parties, and the metadata by which they are registered (RFC 7591 section 2, OpenID Connect
//! Registration section 2).

mod metadata;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use terms::{ClientId, Timestamp, limits};

pub use self::metadata::{ClientMetadata, JWKS_BYTES, LogoutChannel, MetadataFault, RegisteredKeys};
pub use self::settings::{ClientSettings, RefreshTerms};
pub use self::words::{
    ApplicationType, ClientAuthMethod, ClientProfile, GrantType, LegacyClients, ResponseType, SecretKeeping,
    SubjectType,
};
use crate::jose::{ClientAlgorithm, ClientKeys};
use crate::redirect_uri::{RegisteredRedirectUri, find_registered};
use crate::resource_server::ResourceServer;
use crate::scope::Scope;

/// Where a client's public keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource<'a> {
    /// Here.
    Registered(&'a Arc<ClientKeys>),
    /// At this address (`jwks_uri`).
    Fetched(&'a str),
}

/// An OAuth relying party, registered in a tenant. Its metadata are its own fields by [`Deref`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`
    pub id: ClientId,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// What the operator says of it.
    pub settings: ClientSettings,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used, to about a day. Only of one that registered itself: unused, those go.
    pub last_used_at: Option<Timestamp>,
}

impl Deref for Client {
    type Target = ClientMetadata;

    fn deref(&self) -> &ClientMetadata {
        &self.metadata
    }
}

impl Client {
    /// The name to show to people: the registered one, or the id.
    pub fn display_name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Whether it registered itself (RFC 7591), so that nobody vouches for what it says of itself.
    pub fn registered_itself(&self) -> bool {
        self.last_used_at.is_some()
    }

    /// Whether it is to be noted that it is used: where that matters, about once a day.
    pub fn use_is_noteworthy(&self, now: Timestamp) -> bool {
        self.last_used_at.is_some_and(|last| now.since(last) >= limits::CLIENT_USE_NOTED)
    }

    /// Whether it can't keep a secret (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.metadata.auth_method == ClientAuthMethod::None
    }

    /// Where its public keys are, if it has any.
    pub fn key_source(&self) -> Option<KeySource<'_>> {
        let registered = self.metadata.jwks.as_ref().map(|it| KeySource::Registered(&it.keys));
        registered.or(self.metadata.jwks_uri.as_deref().map(KeySource::Fetched))
    }

    /// Whether it may sign an assertion with this algorithm: the one that it registered, or any that its method has (OpenID
    /// Connect Registration section 2 `token_endpoint_auth_signing_alg`).
    pub fn may_sign_with(&self, algorithm: ClientAlgorithm) -> bool {
        self.metadata.auth_method.signs_with(algorithm)
            && self.metadata.auth_signing_alg.is_none_or(|registered| registered == algorithm)
    }

    /// Whether it may sign a request object with this algorithm: the one that it registered, or any by which there is something
    /// of it to verify (OpenID Connect Registration section 2 `request_object_signing_alg`).
    pub fn may_sign_requests_with(&self, algorithm: ClientAlgorithm) -> bool {
        let is_verifiable = match algorithm {
            ClientAlgorithm::Hs256 => self.metadata.auth_method.secret_keeping() == SecretKeeping::Sealed,
            ClientAlgorithm::Signature(_) => self.key_source().is_some(),
        };
        is_verifiable && self.metadata.request_object_signing_alg.is_none_or(|it| it == algorithm)
    }

    /// Whether it registered this grant type.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// The part of `asked` that the client may ask for (RFC 7591 section 2 `scope`).
    pub fn permitted(&self, asked: &Scope) -> Scope {
        asked.intersection(&self.metadata.scope)
    }

    /// The part of its scope that isn't about a person: what it may have in its own name (RFC 6749 section 4.4).
    pub fn own_scope(&self) -> Scope {
        self.metadata.scope.difference(&Scope::standard())
    }

    /// RFC 9700 section 2.2.2: refresh tokens of public clients rotate; others by setting.
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.is_public() || self.settings.rotate_refresh_tokens
    }

    /// How long its refresh tokens live.
    pub fn refresh_terms(&self) -> RefreshTerms {
        self.settings.refresh_terms()
    }

    /// How long its ID tokens live.
    pub fn id_token_lifetime(&self) -> Duration {
        self.settings.id_token_lifetime.map_or(limits::ID_TOKEN_LIFETIME, Duration::from_secs)
    }

    /// The resource server as it is for this client: its tokens may live shorter. Longer only where the resource server is the
    /// issuer, since a registered one was promised its own bound.
    pub fn resource_server(&self, server: &ResourceServer) -> ResourceServer {
        let promised = server.access_token_lifetime;
        let own = self.settings.access_token_lifetime.map_or(promised, Duration::from_secs);
        let access_token_lifetime = if server.id.is_none() { own } else { own.min(promised) };
        ResourceServer { access_token_lifetime, ..server.clone() }
    }

    /// The registered redirect URI that a request means by `asked`.
    pub fn redirect_uri(&self, asked: &str) -> Option<RegisteredRedirectUri> {
        find_registered(&self.metadata.redirect_uris, asked, self.metadata.application_type)
    }

    /// The registered URI to go to after a sign-out (OpenID Connect RP-Initiated Logout section 3: by exact match).
    pub fn post_logout_redirect_uri(&self, asked: &str) -> Option<RegisteredRedirectUri> {
        find_registered(&self.metadata.post_logout_redirect_uris, asked, self.metadata.application_type)
    }
}
