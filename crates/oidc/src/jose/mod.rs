//! Signed and encrypted tokens and their keys: the one place where a JOSE object is read or made.
//!
//! What comes from outside goes through a strict parser first ([`CompactJws`], [`json`]); only then does a
//! cryptographic library see it. Keys are parsed once and held, since parsing costs more than an ES256 signature.
//! `aws-lc-rs` signs, verifies and encrypts; `josekit` represents JWKs.

mod client_jws;
mod client_keys;
mod compact;
mod encryption;
pub mod json;
mod jwk;
mod key;
mod key_set;
mod lifecycle;
#[cfg(test)]
pub(crate) mod test_keys;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use client_jws::{ClientAlgorithm, ClientJws};
pub use client_keys::{ClientKeyFault, ClientKeys, ClientKeysRefusal};
pub use compact::{CompactJws, JwsRefusal};
pub use encryption::{ContentEncryption, Encryption, KeyManagement, Recipient};
pub use jwk::{JwkRefusal, PublicJwk};
pub use key::{KeyError, SigningKey, VerifyingKey, generate_pkcs8};
pub use key_set::{JwkSet, KeySet, KeySetEntry, TokenUse};
pub use lifecycle::{
    KeyLife, KeyPhase, KeyRefusal, KeyToCome, Revocation, Rotation, StoredKey, is_due, revoke, rotate,
};

/// The signature algorithms that Portico makes and takes (RFC 7518 section 3.1, RFC 8037 section 3.1). A closed list: a token that names
/// another, `none` and the symmetric ones included, is refused before any key is looked at (RFC 8725 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: the ID token's default (OpenID Connect Core section 15.1).
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt of as many octets (RFC 7518 section 3.5).
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519 (RFC 8037 section 3.1). Of the curves that the name covers, the only one taken.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, in the order in which metadata documents list them.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];
    /// Those that a new tenant has keys for: what ID tokens and access tokens are signed with unless something else is
    /// asked for. A key of another algorithm is made when the first client or resource server wants it.
    pub const AT_FIRST: [Self; 2] = [Self::Rs256, Self::Es256];

    /// The name in the JOSE registry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of an algorithm that is not taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the algorithm must be RS256, PS256, ES256 or EdDSA")
    }
}

impl std::error::Error for UnknownAlgorithm {}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// The registered name exactly: JOSE names are case-sensitive (RFC 7515 section 4.1.1).
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}
