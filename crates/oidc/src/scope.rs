//! Scope: what a client asks for and is granted (RFC 6749 section 3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use terms::limits;

/// Asks for an ID token (OpenID Connect Core section 3.1.2.1).
pub const OPENID: &str = "openid";
/// Asks for a refresh token that outlives the session (OpenID Connect Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The scopes that OpenID Connect Core defines (sections 3.1.2.1, 5.4 and 11), in the order in which they are listed and asked for.
/// All of them are about a person.
pub const STANDARD: [&str; 6] = [OPENID, "profile", "email", "phone", "address", OFFLINE_ACCESS];

/// The scope that asks for a claim about a person (OpenID Connect Core section 5.4).
pub fn scope_of_claim(claim: &str) -> Option<&'static str> {
    Some(match claim {
        "name" | "family_name" | "given_name" | "middle_name" | "nickname" | "preferred_username"
        | "profile" | "picture" | "website" | "gender" | "birthdate" | "zoneinfo" | "locale"
        | "updated_at" => "profile",
        "email" | "email_verified" => "email",
        "address" => "address",
        "phone_number" | "phone_number_verified" => "phone",
        _ => return None,
    })
}

/// Why a text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeError {
    /// RFC 6749 section 3.3: tokens of `%x21 / %x23-5B / %x5D-7E`, with one blank between two of them.
    Malformed,
    /// More tokens or octets than [`limits::SCOPE_TOKENS`] and [`limits::SCOPE_BYTES`] allow.
    TooLarge,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "scope is not a list of scope tokens separated by single blanks",
            Self::TooLarge => "scope has too many tokens",
        })
    }
}

impl std::error::Error for ScopeError {}

/// A set of scope tokens. Their order means nothing, and one that is named twice counts once (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// No token at all.
    pub const fn empty() -> Self {
        Self(BTreeSet::new())
    }

    /// All that OpenID Connect Core defines.
    pub fn standard() -> Self {
        Self(STANDARD.iter().map(|&token| token.to_owned()).collect())
    }

    /// Whether `token` is in it; tokens are compared by octet (RFC 6749 section 3.3: case-sensitive).
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether all of it is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// What is in this one only.
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// This one without one token.
    pub fn without(mut self, token: &str) -> Self {
        self.0.remove(token);
        self
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    /// The empty text is the empty scope: a parameter without a value counts as left out (RFC 6749 section 3.1).
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text.is_empty() {
            return Ok(Self::empty());
        }
        if text.len() > limits::SCOPE_BYTES {
            return Err(ScopeError::TooLarge);
        }
        let mut tokens = BTreeSet::new();
        for (index, token) in text.split(' ').enumerate() {
            if index >= limits::SCOPE_TOKENS {
                return Err(ScopeError::TooLarge);
            }
            if token.is_empty() || !token.bytes().all(is_scope_character) {
                return Err(ScopeError::Malformed);
            }
            tokens.insert(token.to_owned());
        }
        Ok(Self(tokens))
    }
}

/// RFC 6749 appendix A.4 `NQCHAR`.
const fn is_scope_character(octet: u8) -> bool {
    matches!(octet, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_is_a_set() {
        assert_eq!(scope("profile openid openid"), scope("openid profile"));
        assert_eq!(scope("b a B").to_string(), "B a b");
        assert!(scope("").is_empty());
        assert!(scope("a").is_subset_of(&scope("a b")) && !scope("a c").is_subset_of(&scope("a b")));
        assert_eq!(scope("a b").intersection(&scope("b c")), scope("b"));
        assert_eq!(scope("a b").union(&scope("b c")), scope("a b c"));
        assert_eq!(scope("a b").difference(&scope("b c")), scope("a"));
    }

    #[test]
    fn what_the_grammar_forbids_is_refused() {
        for bad in [" ", "a  b", " a", "a ", "a\tb", "a\nb", "\"", "a\\b", "caf\u{e9}", "a\u{0}"] {
            assert_eq!(bad.parse::<Scope>(), Err(ScopeError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn too_much_is_refused_and_never_cut() {
        let many: Vec<String> = (0..=limits::SCOPE_TOKENS).map(|n| n.to_string()).collect();
        assert!(many[1..].join(" ").parse::<Scope>().is_ok());
        assert_eq!(many.join(" ").parse::<Scope>(), Err(ScopeError::TooLarge));
        assert_eq!("x".repeat(limits::SCOPE_BYTES + 1).parse::<Scope>(), Err(ScopeError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_scope_survives_its_text(text in "[!-~ ]{0,60}") {
            if let Ok(parsed) = text.parse::<Scope>() {
                prop_assert_eq!(parsed.to_string().parse::<Scope>(), Ok(parsed));
            }
        }
    }
}
