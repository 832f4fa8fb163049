use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A text that is not a secret of the kind asked for. It never says what the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretError {
    pub kind: &'static str,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {}", self.kind)
    }
}

impl std::error::Error for SecretError {}

/// Secrets that only need to be recognised: 256 random bits behind a prefix of their own. Only the SHA-256 is stored.
///
/// Neither printable nor serialisable: [`reveal`](AuthorizationCode::reveal) is the one way out, and it is easy to search for.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident / $hash:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<[u8; 32]>);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// Out of random bytes that the caller brings.
            pub fn new(random: [u8; 32]) -> Self {
                Self(Zeroizing::new(random))
            }

            /// Exactly the canonical text: prefix, then 43 characters of base64url. Nothing shorter, longer or padded.
            pub fn parse(text: &str) -> Result<Self, SecretError> {
                const WRONG: SecretError = SecretError { kind: stringify!($name) };
                let body = text.strip_prefix($prefix).filter(|body| body.len() == 43).ok_or(WRONG)?;
                let mut bytes = Zeroizing::new([0; 32]);
                match URL_SAFE_NO_PAD.decode_slice(body, bytes.as_mut_slice()) {
                    Ok(32) => Ok(Self(bytes)),
                    _ => Err(WRONG),
                }
            }

            /// The text that its holder gets, once.
            pub fn reveal(&self) -> String {
                format!("{}{}", $prefix, URL_SAFE_NO_PAD.encode(self.0.as_slice()))
            }

            /// What is stored and looked up: SHA-256 of the whole text.
            pub fn hash(&self) -> $hash {
                $hash(sha256(self.reveal().as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        #[doc = concat!("The SHA-256 by which a [`", stringify!($name), "`] is recognised. Compares in constant time.")]
        #[derive(Clone, Copy)]
        pub struct $hash([u8; 32]);

        impl $hash {
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl PartialEq for $hash {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $hash {}

        impl fmt::Debug for $hash {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($hash), "(..)"))
            }
        }
    )*};
}

handles! {
    /// RFC 6749 section 1.3.1.
    AuthorizationCode / AuthorizationCodeHash = "ptc_ac_";
    /// What a device asks for its tokens with (RFC 8628 section 3.2).
    DeviceCode / DeviceCodeHash = "ptc_dc_";
    /// An access token of a resource server that takes opaque ones.
    AccessTokenHandle / AccessTokenHandleHash = "ptc_at_";
    /// RFC 6749 section 2.3.1.
    ClientSecret / ClientSecretHash = "ptc_cs_";
    /// What a one-time sign-in link for an administrator carries.
    AdminLinkSecret / AdminLinkHash = "ptc_al_";
    /// What lets somebody register a client (RFC 7591 section 3).
    InitialAccessToken / InitialAccessTokenHash = "ptc_ia_";
    /// What a client manages its own registration with (RFC 7592 section 3).
    RegistrationAccessToken / RegistrationAccessTokenHash = "ptc_ra_";
    /// What a browser's cookie holds.
    BrowserHandle / BrowserHandleHash = "ptc_br_";
}

impl ClientSecret {
    /// The random octets, for sealing: [`new`](Self::new) makes the secret of them again.
    pub fn octets(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    hash
}

/// A secret that somebody typed or that must be read back: a password, a mailed code, a token of unknown kind.
/// Wiped when dropped; prints nothing; compares in constant time (over its length).
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Each call is a place to review.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_survives_its_text_and_hides_itself() {
        let code = AuthorizationCode::new([9; 32]);
        let text = code.reveal();
        assert_eq!(AuthorizationCode::parse(&text).unwrap().hash(), code.hash());
        assert_eq!(format!("{code:?} {:?}", code.hash()), "AuthorizationCode(..) AuthorizationCodeHash(..)");
    }

    #[test]
    fn no_handle_passes_for_another_and_none_bends() {
        let text = AuthorizationCode::new([0xff; 32]).reveal();
        assert!(AccessTokenHandle::parse(&text).is_err());
        for cut in 0..text.len() {
            assert!(AuthorizationCode::parse(&text[..cut]).is_err(), "{cut}");
        }
        // The last character of 32 bytes carries two unused bits; a text that sets them is another spelling.
        assert!(AuthorizationCode::parse(&format!("{}9", &text[..text.len() - 1])).is_err());
        for bad in [format!("{text}="), format!("{text}A"), format!(" {text}")] {
            assert!(AuthorizationCode::parse(&bad).is_err(), "{bad}");
        }
    }
}
