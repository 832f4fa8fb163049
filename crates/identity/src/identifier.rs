//! What somebody types to say who they are.

use std::fmt;
use std::str::FromStr;

use terms::{CanonicalUsername, EmailAddress, EmailAddressError, UsernameError};

use crate::tenant_settings::IdentifierKind;

/// An address or a username. Nobody is told by it whether an account has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    Email(EmailAddress),
    Username(CanonicalUsername),
}

/// Why a text is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierError {
    Empty,
    Email(EmailAddressError),
    Username(UsernameError),
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the identifier is empty"),
            Self::Email(error) => error.fmt(f),
            Self::Username(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for IdentifierError {}

impl Identifier {
    /// Reads what was typed where accounts sign in with these. Of several kinds an `@` decides, which no username has.
    pub fn parse(text: &str, kinds: &[IdentifierKind]) -> Result<Self, IdentifierError> {
        if text.trim().is_empty() {
            return Err(IdentifierError::Empty);
        }
        let kind = match kinds {
            [only] => *only,
            _ if text.contains('@') => IdentifierKind::Email,
            _ => IdentifierKind::Username,
        };
        match kind {
            IdentifierKind::Email => {
                EmailAddress::parse(text).map(Self::Email).map_err(IdentifierError::Email)
            }
            IdentifierKind::Username => {
                CanonicalUsername::parse(text).map(Self::Username).map_err(IdentifierError::Username)
            }
        }
    }

    /// As its owner writes it.
    pub fn as_written(&self) -> &str {
        match self {
            Self::Email(address) => address.as_written(),
            Self::Username(username) => username.as_str(),
        }
    }
}

/// Reads what was parsed before, of whichever kind.
impl FromStr for Identifier {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        Self::parse(text, IdentifierKind::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_decides_where_both_are_taken() {
        const EMAIL: &[IdentifierKind] = &[IdentifierKind::Email];
        const USERNAME: &[IdentifierKind] = &[IdentifierKind::Username];
        let both = IdentifierKind::ALL;
        for (text, kinds, expected) in [
            ("Ada@X.test", EMAIL, "email Ada@X.test"),
            ("Ada@X.test", both, "email Ada@X.test"),
            ("Ada", USERNAME, "username ada"),
            (" Ada ", both, "username ada"),
            ("Ada", EMAIL, "error the email address has no @"),
            ("a d a", both, "error the username has a character"),
            ("@", both, "error the part before the @"),
            ("ada@x.test", USERNAME, "error the username has a character"),
            (" ", both, "error the identifier is empty"),
        ] {
            let read = match Identifier::parse(text, kinds) {
                Ok(Identifier::Email(address)) => format!("email {}", address.as_written()),
                Ok(Identifier::Username(username)) => format!("username {username}"),
                Err(error) => format!("error {error}"),
            };
            assert!(read.starts_with(expected), "{text:?}: {read}");
        }
    }

    #[test]
    fn each_survives_its_text() {
        for text in ["Ada@x.test", "ada", "\u{142}ukasz"] {
            let read: Identifier = text.parse().unwrap();
            assert_eq!(read.as_written().parse(), Ok(read));
        }
    }
}
