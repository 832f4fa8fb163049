use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError {
    pub kind: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a {} (check for a missing prefix, a cut-off end or a blank)", self.kind)
    }
}

impl std::error::Error for IdError {}

/// Identifiers: the kind's prefix, then a UUIDv7 as 32 lower-case hexadecimal digits. They tell when they were made
/// and are no secret: knowing one authorizes nothing. An id is never given out twice.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(u128);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new id out of an instant and random bits that the caller brings.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128())
            }

            /// The 16 octets of the body, for texts that pack an id among other octets.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// The instant that it was made at: its first 48 bits (RFC 9562 section 5.7).
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0 >> 80).unwrap_or_default())
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:032x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                const WRONG: IdError = IdError { kind: stringify!($name) };
                let body = text.strip_prefix($prefix).ok_or(WRONG)?;
                let canonical = body.len() == 32 && body.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !canonical {
                    return Err(WRONG);
                }
                u128::from_str_radix(body, 16).map(Self).map_err(|_| WRONG)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// An isolated directory with one issuer.
    TenantId = "ten_";
    /// A person within a tenant. Relying parties see the [`Subject`], never this.
    UserId = "usr_";
    /// One user agent of one tenant.
    BrowserId = "brw_";
    /// One user's authenticated presence in a browser; the `sid` claim.
    SessionId = "ses_";
    /// An attempt to sign in.
    SignInId = "sin_";
    /// An attempt to sign up.
    SignUpId = "sup_";
    /// An attempt to set a new password in place of a forgotten one.
    RecoveryId = "rec_";
    /// An address on its way into an account.
    EmailAdditionId = "ead_";
    /// A request that waits for a person.
    FlowId = "flo_";
    /// What a device asked for, until a person has answered it.
    DeviceAuthorizationId = "dva_";
    /// One completed authorization.
    GrantId = "gra_";
    /// One of a client's live secrets.
    ClientSecretId = "csi_";
    ResourceServerId = "rsv_";
    /// A token that lets somebody register a client.
    InitialAccessTokenId = "iat_";
    /// A record of a change of state.
    EventId = "evt_";
    MailId = "mai_";
    MailedCodeId = "mco_";
    /// A one-time sign-in link for an administrator.
    AdminLinkId = "adl_";
    /// A signing key's row; its `kid` is the same text.
    SigningKeyId = "key_";
}

/// Text identifiers that others may choose: visible ASCII of bounded length, compared octet by octet.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident <= $most:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                let fits = (1..=$most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
                if fits { Ok(Self(text)) } else { Err(IdError { kind: stringify!($name) }) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

texts! {
    /// A client identifier (RFC 6749 section 2.2): up to 128 visible ASCII characters. Ours begin with `cli_`.
    ClientId <= 128;
    /// The `sub` of a user (OpenID Connect Core section 2: at most 255 ASCII characters). Random or imported; never changes.
    Subject <= 255;
}

impl Subject {
    /// A subject made of a hash: 43 characters of base64url.
    pub fn from_octets(octets: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(octets))
    }
}

/// Tokens that a client gets in its own name are about the client (RFC 9068 section 2.2).
impl From<ClientId> for Subject {
    fn from(client: ClientId) -> Self {
        Self(client.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = UserId::new(Timestamp::from_millis(1_700_000_000_000), [7; 10]);
        let text = id.to_string();
        assert!(text.starts_with("usr_018bcfe5"), "{text}");
        assert_eq!(text.parse::<UserId>(), Ok(id));
        assert_eq!(id.made_at(), Timestamp::from_millis(1_700_000_000_000));
    }

    #[test]
    fn an_id_of_another_kind_or_shape_is_refused() {
        let good = UserId::new(Timestamp::from_millis(1), [0; 10]).to_string();
        for bad in [
            good.replace("usr_", "ses_"),
            good.replace("usr_", ""),
            good[..good.len() - 1].to_owned(),
            good.to_uppercase(),
            format!("{good}0"),
            format!(" {good}"),
            format!("usr_+{}", &good[5..]),
        ] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_id_is_visible_ascii() {
        assert!("web-1".parse::<ClientId>().is_ok());
        for bad in ["", "a b", "caf\u{e9}", "a\n"] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(129).parse::<ClientId>().is_err());
    }
}
