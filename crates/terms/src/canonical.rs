use std::fmt;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;

use crate::limits;

/// Why a text is not an email address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailAddressError {
    Empty,
    /// RFC 5321 section 4.5.3.1: 64 octets before the `@`, 254 in all.
    TooLong,
    NoAtSign,
    /// The part before the `@`: atoms joined by single dots (RFC 5321 section 4.1.2; quoted strings are not taken).
    LocalPart,
    /// The part after the `@`: a domain name (RFC 5890), not an address in brackets.
    Domain,
}

impl fmt::Display for EmailAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the email address is empty",
            Self::TooLong => "the email address is too long (64 octets before the @, 254 in all)",
            Self::NoAtSign => "the email address has no @",
            Self::LocalPart => "the part before the @ has a character that can't stand there",
            Self::Domain => "the part after the @ is not a domain name",
        })
    }
}

impl std::error::Error for EmailAddressError {}

/// An email address by which an account is found: NFC, the local part in lower case, the domain in its ASCII form.
///
/// Two spellings of one mailbox have one canonical form, so that lookups, uniqueness and budgets can't be passed by another spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CanonicalEmail(String);

impl CanonicalEmail {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CanonicalEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An email address as its owner writes it, with its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    written: String,
    canonical: CanonicalEmail,
}

impl EmailAddress {
    /// Blanks around the address are taken off; everything else is refused or kept.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let written: String = text.trim().nfc().collect();
        if written.is_empty() {
            return Err(EmailAddressError::Empty);
        }
        let (local, domain) = written.rsplit_once('@').ok_or(EmailAddressError::NoAtSign)?;
        if written.len() > limits::EMAIL_BYTES || local.len() > 64 {
            return Err(EmailAddressError::TooLong);
        }
        if local.split('.').any(|atom| atom.is_empty() || !atom.chars().all(is_atom_character)) {
            return Err(EmailAddressError::LocalPart);
        }
        let domain = canonical_domain(domain).ok_or(EmailAddressError::Domain)?;
        let local: String = local.to_lowercase().nfc().collect();
        let canonical = CanonicalEmail(format!("{local}@{domain}"));
        Ok(Self { written, canonical })
    }

    pub fn as_written(&self) -> &str {
        &self.written
    }

    pub fn canonical(&self) -> &CanonicalEmail {
        &self.canonical
    }
}

/// RFC 5322 section 3.2.3 `atext`, and letters and digits beyond ASCII (RFC 6531 section 3.3).
fn is_atom_character(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric()
    }
}

fn canonical_domain(text: &str) -> Option<String> {
    let domain = idna::domain_to_ascii_strict(text).ok()?;
    let labels_fit = domain.split('.').all(|label| (1..=63).contains(&label.len()));
    (labels_fit && domain.len() <= 253 && !domain.ends_with('.')).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        EmailAddress::parse(text).unwrap().canonical().to_string()
    }

    #[test]
    fn spellings_of_one_mailbox_meet() {
        assert_eq!(canonical(" Alice@Example.TEST "), "alice@example.test");
        assert_eq!(canonical("a@b\u{fc}cher.example"), canonical("A@BU\u{308}CHER.example"));
        assert_eq!(canonical("jose\u{301}@x.test"), canonical("JOS\u{c9}@x.test"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        use EmailAddressError as E;
        let long = format!("{}@x.test", "a".repeat(65));
        for (text, error) in [
            ("", E::Empty),
            ("  ", E::Empty),
            ("alice", E::NoAtSign),
            ("@x.test", E::LocalPart),
            ("a b@x.test", E::LocalPart),
            ("a..b@x.test", E::LocalPart),
            ("a@b@x.test", E::LocalPart),
            ("a\r\nBcc: e@x.test", E::LocalPart),
            ("a\u{202e}@x.test", E::LocalPart),
            ("a@", E::Domain),
            ("a@x..test", E::Domain),
            ("a@[127.0.0.1]", E::Domain),
            ("a@x.test.", E::Domain),
            ("a@x_y.test", E::Domain),
            (&long, E::TooLong),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn canonical_is_a_fixed_point(text in "\\PC{0,40}@[a-z\u{e4}\u{df}A-Z0-9.-]{1,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(address.canonical().as_str()).unwrap();
                prop_assert_eq!(again.canonical(), address.canonical());
            }
        }
    }
}
