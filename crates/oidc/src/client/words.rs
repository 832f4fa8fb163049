//! The closed lists of words by which a client is described.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Client;
use crate::jose::ClientAlgorithm;

/// A closed list of words of a registry, with their wire forms.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one that this word names.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// How a client proves who it is at the token endpoint (RFC 7591 section 2).
    ClientAuthMethod {
        /// A public client (RFC 6749 section 2.1): it proves nothing.
        None = "none",
        /// RFC 6749 section 2.3.1, in the `Authorization` header.
        ClientSecretBasic = "client_secret_basic",
        /// RFC 6749 section 2.3.1, in the form.
        ClientSecretPost = "client_secret_post",
        /// An assertion that the client's secret authenticates (RFC 7523 section 2.2, OpenID Connect Core section 9).
        ClientSecretJwt = "client_secret_jwt",
        /// An assertion that the client signed with a key of its own (RFC 7523 section 2.2, OpenID Connect Core section 9).
        PrivateKeyJwt = "private_key_jwt",
    }

    /// RFC 7591 section 2.
    GrantType {
        /// RFC 6749 section 4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 section 6.
        RefreshToken = "refresh_token",
        /// RFC 6749 section 4.4.
        ClientCredentials = "client_credentials",
        /// RFC 8628 section 3.4.
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// RFC 6749 section 4.2: tokens out of the authorization endpoint. Nothing asks for it at the token endpoint.
        Implicit = "implicit",
    }

    /// RFC 6749 section 3.1.1, OAuth 2.0 Multiple Response Type Encoding Practices sections 3 and 5. There is no `token` alone: it
    /// says nobody for whom it is (RFC 9700 section 2.1.2).
    ResponseType {
        /// RFC 6749 section 4.1.
        Code = "code",
        /// OpenID Connect Core section 3.2.
        IdToken = "id_token",
        /// OpenID Connect Core section 3.2.
        IdTokenToken = "id_token token",
        /// OpenID Connect Core section 3.3.
        CodeIdToken = "code id_token",
        /// OpenID Connect Core section 3.3.
        CodeToken = "code token",
        /// OpenID Connect Core section 3.3.
        CodeIdTokenToken = "code id_token token",
    }

    /// Which rules a client is held to beyond those of every client.
    #[derive(Default)]
    ClientProfile {
        /// None.
        #[default]
        Standard = "standard",
        /// May have tokens out of the authorization endpoint (OpenID Connect Core sections 3.2 and 3.3), which RFC 9700 section 2.1.2
        /// advises against: for clients that can't be changed any more.
        OidcLegacy = "oidc-legacy",
    }

    /// By what name it knows people (OpenID Connect Core section 8).
    SubjectType {
        /// The same as every other client.
        Public = "public",
        /// One that only the clients of its sector know.
        Pairwise = "pairwise",
    }

    /// OpenID Connect Registration section 2.
    ApplicationType {
        /// Runs on a server or in a browser.
        Web = "web",
        /// Is installed on a device (RFC 8252).
        Native = "native",
    }
}

impl ResponseType {
    /// Reads a list of words: their order means nothing (OAuth 2.0 Multiple Response Type Encoding Practices section 3).
    pub fn of_words(text: &str) -> Option<Self> {
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        let asked = sorted(text);
        Self::ALL.iter().copied().find(|it| sorted(it.as_str()) == asked)
    }

    fn has(self, word: &str) -> bool {
        self.as_str().split(' ').any(|it| it == word)
    }

    /// Whether a code is part of the answer.
    pub fn has_code(self) -> bool {
        self.has("code")
    }

    /// Whether an ID token is.
    pub fn has_id_token(self) -> bool {
        self.has("id_token")
    }

    /// Whether an access token is.
    pub fn has_token(self) -> bool {
        self.has("token")
    }

    /// Whether a token of any kind passes through the browser.
    pub fn is_front_channel(self) -> bool {
        self.has_id_token() || self.has_token()
    }

    /// Those that a tenant has, in the order in which they are listed.
    pub fn offered(legacy: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| legacy || !it.is_front_channel())
    }
}

impl GrantType {
    /// Those that a tenant has, in the order in which they are listed.
    pub fn offered(legacy: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| legacy || *it != Self::Implicit)
    }
}

impl Serialize for ClientProfile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientProfile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no such profile"))
    }
}

/// Whose clients may have tokens out of the authorization endpoint: what a tenant decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyClients {
    /// Nobody's.
    None,
    /// Those to whom the operator gave [`ClientProfile::OidcLegacy`].
    Profiled,
    /// Every client that registered such a response type, itself or by the operator.
    All,
}

impl LegacyClients {
    /// Whether this client may.
    pub fn include(self, client: &Client) -> bool {
        match self {
            Self::None => false,
            Self::Profiled => client.settings.profile == ClientProfile::OidcLegacy,
            Self::All => true,
        }
    }
}

/// How a client's secrets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKeeping {
    /// It has none.
    None,
    /// They only need to be recognised.
    Hashed,
    /// They are needed as they are, for a MAC.
    Sealed,
}

impl ClientAuthMethod {
    /// How a client with this method has its secrets kept.
    pub const fn secret_keeping(self) -> SecretKeeping {
        match self {
            Self::None | Self::PrivateKeyJwt => SecretKeeping::None,
            Self::ClientSecretBasic | Self::ClientSecretPost => SecretKeeping::Hashed,
            Self::ClientSecretJwt => SecretKeeping::Sealed,
        }
    }

    /// Whether an assertion of this algorithm can be of this method (OpenID Connect Core section 9).
    pub const fn signs_with(self, algorithm: ClientAlgorithm) -> bool {
        match self {
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost => false,
            Self::ClientSecretJwt => matches!(algorithm, ClientAlgorithm::Hs256),
            Self::PrivateKeyJwt => matches!(algorithm, ClientAlgorithm::Signature(_)),
        }
    }
}
