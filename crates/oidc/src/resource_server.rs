//! Those whom access tokens are for (RFC 8707, RFC 9068): resource servers and what their tokens look like.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use terms::{ClientId, ResourceServerId, limits};

use crate::jose::Algorithm;
use crate::scope::Scope;

/// A text that can't name a resource server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAResourceIdentifier;

impl fmt::Display for NotAResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource identifier is an absolute URI without a fragment (RFC 8707 section 2)")
    }
}

impl std::error::Error for NotAResourceIdentifier {}

/// What `resource` names and `aud` says: an absolute URI without a fragment (RFC 8707 section 2).
///
/// Compared octet by octet, as it was registered: two spellings of one URI are two resource servers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ResourceIdentifier(String);

impl ResourceIdentifier {
    /// The identifier as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ResourceIdentifier {
    type Err = NotAResourceIdentifier;

    fn from_str(text: &str) -> Result<Self, NotAResourceIdentifier> {
        // RFC 3986 section 2: a URI is visible ASCII; the parser would take off blanks and encode the rest.
        let visible = text.bytes().all(|b| b.is_ascii_graphic()) && text.len() <= limits::REDIRECT_URI_BYTES;
        let absolute = url::Url::parse(text).is_ok_and(|url| url.fragment().is_none());
        if visible && absolute { Ok(Self(text.to_owned())) } else { Err(NotAResourceIdentifier) }
    }
}

impl TryFrom<String> for ResourceIdentifier {
    type Error = NotAResourceIdentifier;

    fn try_from(text: String) -> Result<Self, NotAResourceIdentifier> {
        text.parse()
    }
}

impl From<ResourceIdentifier> for String {
    fn from(identifier: ResourceIdentifier) -> Self {
        identifier.0
    }
}

impl fmt::Display for ResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an access token is: a signed text that the resource server reads itself, or a handle that it asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// RFC 9068, signed with ES256.
    JwtEs256,
    /// RFC 9068, signed with RS256.
    JwtRs256,
    /// RFC 9068, signed with PS256.
    JwtPs256,
    /// RFC 9068, signed with EdDSA.
    JwtEdDsa,
    /// A handle, for introspection (RFC 7662).
    Opaque,
}

impl TokenFormat {
    /// Every format, for lists and tests.
    pub const ALL: [Self; 5] = [Self::JwtEs256, Self::JwtRs256, Self::JwtPs256, Self::JwtEdDsa, Self::Opaque];

    /// The word by which settings and the store name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JwtEs256 => "jwt-es256",
            Self::JwtRs256 => "jwt-rs256",
            Self::JwtPs256 => "jwt-ps256",
            Self::JwtEdDsa => "jwt-eddsa",
            Self::Opaque => "opaque",
        }
    }

    /// What signs such a token; nothing signs a handle.
    pub const fn algorithm(self) -> Option<Algorithm> {
        match self {
            Self::JwtEs256 => Some(Algorithm::Es256),
            Self::JwtRs256 => Some(Algorithm::Rs256),
            Self::JwtPs256 => Some(Algorithm::Ps256),
            Self::JwtEdDsa => Some(Algorithm::EdDsa),
            Self::Opaque => None,
        }
    }
}

impl FromStr for TokenFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            "a token format is jwt-es256, jwt-rs256, jwt-ps256, jwt-eddsa or opaque".to_owned()
        })
    }
}

/// An API that takes our access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    /// Its row; `None` for the built-in one, the issuer itself.
    pub id: Option<ResourceServerId>,
    /// The `aud` of its tokens.
    pub identifier: ResourceIdentifier,
    /// What its tokens may say. The built-in one knows every scope that was granted.
    pub scopes: Scope,
    /// What its tokens look like.
    pub format: TokenFormat,
    /// How long its tokens live, unless the client's setting is shorter.
    pub access_token_lifetime: Duration,
    /// The client as which it introspects tokens (RFC 7662 section 2.1).
    pub introspection_client: Option<ClientId>,
}

impl ResourceServer {
    /// The issuer as a resource server: the default audience, and the only one that userinfo takes.
    pub fn built_in(issuer: ResourceIdentifier) -> Self {
        Self {
            id: None,
            identifier: issuer,
            scopes: Scope::default(),
            format: TokenFormat::JwtEs256,
            access_token_lifetime: limits::ACCESS_TOKEN_LIFETIME,
            introspection_client: None,
        }
    }

    /// Whether this is the issuer itself.
    pub const fn is_built_in(&self) -> bool {
        self.id.is_none()
    }

    /// The part of a granted scope that a token for this resource server says: only what it knows (RFC 8707 section 2.2).
    pub fn narrow(&self, granted: &Scope) -> Scope {
        if self.is_built_in() { granted.clone() } else { granted.intersection(&self.scopes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_an_absolute_uri_without_fragment() {
        for good in ["https://api.example.test", "https://api.example.test/v1?x=1", "urn:example:api"] {
            assert_eq!(good.parse::<ResourceIdentifier>().unwrap().as_str(), good);
        }
        let long = format!("https://api.example.test/{}", "a".repeat(3000));
        for bad in [
            "",
            "api",
            "/v1",
            "//api.example.test",
            "https://api.example.test/#x",
            " https://a.test",
            "https://a.test/\u{e9}",
            &long,
        ] {
            assert!(bad.parse::<ResourceIdentifier>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn formats_survive_their_words() {
        for format in TokenFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert!("jwt".parse::<TokenFormat>().is_err());
    }
}
