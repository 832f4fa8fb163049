use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use serde::Serialize;
use unicode_security::MixedScript as _;
use unicode_security::confusable_detection::skeleton;

use crate::limits;

/// Why a text is not a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameError {
    Empty,
    /// Fewer than [`limits::USERNAME_LEAST_CHARACTERS`].
    TooShort,
    /// More than [`limits::USERNAME_CHARACTERS`].
    TooLong,
    /// A character that can't stand in a username, or not there: RFC 8265 section 3.3, and of what that leaves, of
    /// punctuation, only `.`, `_` and `-` between others.
    Character,
    /// Letters of two scripts, as in a Latin word with one Cyrillic letter (UTS 39 section 5.1).
    MixedScripts,
}

impl fmt::Display for UsernameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the username is empty",
            Self::TooShort => "the username is too short",
            Self::TooLong => "the username is too long",
            Self::Character => {
                "the username has a character that can't stand there (letters and digits can, and . _ - between them)"
            }
            Self::MixedScripts => "the username has letters of two scripts",
        })
    }
}

impl std::error::Error for UsernameError {}

/// A name by which an account is found: in the form that RFC 8265 section 3.3 (UsernameCaseMapped) gives it.
///
/// There is no other form. Two spellings that differ in case, width or composition are one name, so that lookups,
/// uniqueness and budgets can't be passed by another spelling, and what is shown is what is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CanonicalUsername(String);

impl CanonicalUsername {
    /// Blanks around the name are taken off; everything else is mapped to its canonical form, or refused.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UsernameError::Empty);
        }
        // Before the mappings, which cost something.
        if text.chars().count() > limits::USERNAME_CHARACTERS {
            return Err(UsernameError::TooLong);
        }
        let name = UsernameCaseMapped::enforce(text).map_err(|_| UsernameError::Character)?.into_owned();
        // RFC 8265 section 3.3.3 asks for rules that are applied until nothing changes, as idempotence isn't given.
        if UsernameCaseMapped::enforce(name.as_str()).ok().as_deref() != Some(name.as_str()) {
            return Err(UsernameError::Character);
        }
        let characters = name.chars().count();
        if characters > limits::USERNAME_CHARACTERS {
            return Err(UsernameError::TooLong);
        }
        let begins = name.chars().next().is_some_and(char::is_alphanumeric);
        let is_between = |c: char| matches!(c, '.' | '_' | '-');
        let fits = name.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || is_between(c));
        if !fits || !begins || name.ends_with(is_between) {
            return Err(UsernameError::Character);
        }
        if characters < limits::USERNAME_LEAST_CHARACTERS {
            return Err(UsernameError::TooShort);
        }
        if name.as_str().is_single_script() { Ok(Self(name)) } else { Err(UsernameError::MixedScripts) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What all names have in common that look alike (UTS 39 section 4): `раура1` in Cyrillic and `paypal`, `rn` and `m`.
    /// Two accounts of a tenant never have names of one skeleton. Only ever compared.
    pub fn skeleton(&self) -> String {
        skeleton(&self.0).collect()
    }
}

impl fmt::Display for CanonicalUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CanonicalUsername {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        CanonicalUsername::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).to_string()
    }

    #[test]
    fn spellings_of_one_name_meet() {
        assert_eq!(canonical("  Ada.Lovelace "), "ada.lovelace");
        assert_eq!(canonical("\u{ff21}\u{ff24}\u{ff21}\u{ff11}"), "ada1", "fullwidth");
        assert_eq!(canonical("JOS\u{c9}"), canonical("jose\u{301}"));
        assert_eq!(canonical("\u{141}ukasz"), "\u{142}ukasz");
        assert_eq!(canonical("\u{391}\u{39d}\u{39d}\u{391}"), "\u{3b1}\u{3bd}\u{3bd}\u{3b1}");
        assert_eq!(canonical("\u{5d3}\u{5d5}\u{5d3}"), "\u{5d3}\u{5d5}\u{5d3}");
        assert_eq!(canonical("\u{6587}\u{5b57}\u{304b}\u{306a}"), "\u{6587}\u{5b57}\u{304b}\u{306a}");
    }

    #[test]
    fn what_is_no_username_is_refused() {
        use UsernameError as E;
        let long = "a".repeat(limits::USERNAME_CHARACTERS + 1);
        for (text, error) in [
            ("", E::Empty),
            (" \t", E::Empty),
            ("a", E::TooShort),
            (&long, E::TooLong),
            ("ada@example.test", E::Character),
            ("ada lovelace", E::Character),
            (".ada", E::Character),
            ("ada-", E::Character),
            ("_", E::Character),
            ("ada/../root", E::Character),
            ("ada\u{0}", E::Character),
            ("ada\r\nx", E::Character),
            ("<b>ada", E::Character),
            ("ada%40", E::Character),
            ("ada\u{200b}x", E::Character),
            ("ada\u{200d}x", E::Character),
            ("ada\u{202e}x", E::Character),
            ("ada\u{feff}x", E::Character),
            ("ada\u{2010}x", E::Character),
            ("\u{fb01}nd", E::Character),
            ("\u{2168}x", E::Character),
            ("\u{1f600}\u{1f600}", E::Character),
            ("\u{301}ada", E::Character),
            ("p\u{430}ypal", E::MixedScripts),
            ("\u{3b1}da", E::MixedScripts),
        ] {
            assert_eq!(CanonicalUsername::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        let skeleton = |text: &str| CanonicalUsername::parse(text).unwrap().skeleton();
        for (one, other) in
            [("coco", "\u{441}\u{43e}\u{441}\u{43e}"), ("userl", "user1"), ("mary", "rnary"), ("ada", "ADA")]
        {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("ada", "adam"), ("user1", "user2"), ("jose", "jos\u{e9}"), ("ada.l", "ada-l")] {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn canonical_is_a_fixed_point_in_every_case(text in "[\\PC]{0,12}|[a-zA-Z0-9._\u{c0}-\u{17f}\u{370}-\u{52f}\u{ff01}-\u{ff5e}-]{1,20}") {
            if let Ok(name) = CanonicalUsername::parse(&text) {
                prop_assert_eq!(CanonicalUsername::parse(name.as_str()), Ok(name.clone()));
                prop_assert!(!name.as_str().contains('@') && !name.as_str().chars().any(|c| c.is_whitespace() || c.is_control()));
                // What Unicode's own case mapping takes for the same is the same; other capitals may be refused.
                let capitals = name.as_str().to_uppercase();
                let again = CanonicalUsername::parse(&capitals);
                if capitals.to_lowercase() == name.as_str() {
                    prop_assert!(again.is_err() || again == Ok(name.clone()), "{} {:?}", name, again);
                }
            }
        }

        #[test]
        fn ascii_names_survive_every_case(text in "[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])", mask in any::<u32>()) {
            let respelt: String = text.chars().enumerate()
                .map(|(place, c)| if mask >> (place % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect();
            prop_assert_eq!(canonical(&respelt), text);
        }
    }
}
