//! Proof Key for Code Exchange (RFC 7636).

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// The one method. A server that also took `plain` would let a stolen code be redeemed by whoever read the authorization
/// request (RFC 7636 section 7.2; RFC 9700 section 2.1.1).
pub const METHOD_S256: &str = "S256";

/// Why an authorization request's PKCE parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// RFC 7636 section 4.4.1: a method that this server doesn't have. A missing one means `plain` (section 4.3).
    Method,
    /// RFC 7636 section 4.3: a method without a challenge.
    Missing,
    /// RFC 7636 section 4.2: an S256 challenge is 32 octets in base64url, which are 43 characters.
    Malformed,
}

/// `code_challenge` of method `S256`: the SHA-256 of the verifier (RFC 7636 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method`; `None` when the request has neither.
    pub fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, ChallengeError> {
        match (challenge, method) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(ChallengeError::Missing),
            (Some(challenge), Some(METHOD_S256)) => {
                Self::decode(challenge).map(Some).ok_or(ChallengeError::Malformed)
            }
            (Some(_), _) => Err(ChallengeError::Method),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Whether `verifier` is a well-formed code verifier (RFC 7636 section 4.1) that hashes to this challenge (section 4.6).
    pub fn is_met_by(&self, verifier: &str) -> bool {
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(is_unreserved) {
            return false;
        }
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        hash.as_ref().ct_eq(&self.0).into()
    }
}

/// RFC 3986 section 2.3.
const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeChallenge({self})")
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.to_string()
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::decode(&text).ok_or("not the challenge of a code verifier")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge() -> CodeChallenge {
        CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap().unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert!(challenge().is_met_by(VERIFIER));
        assert_eq!(challenge().to_string(), CHALLENGE);
    }

    #[test]
    fn no_other_verifier_meets_it() {
        let long = "a".repeat(129);
        for wrong in
            ["", &VERIFIER[..42], &VERIFIER.to_lowercase(), CHALLENGE, &format!("{VERIFIER}="), &long]
        {
            assert!(!challenge().is_met_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_well_hashed_verifier_outside_the_grammar_is_refused() {
        let short = "a".repeat(42);
        let hash = digest::digest(&digest::SHA256, short.as_bytes());
        let met = CodeChallenge(hash.as_ref().try_into().unwrap());
        assert!(!met.is_met_by(&short));
    }

    #[test]
    fn only_s256_and_only_whole() {
        use ChallengeError as E;
        let padded = format!("{CHALLENGE}=");
        for (challenge, method, error) in [
            (None, Some("S256"), E::Missing),
            (Some(CHALLENGE), None, E::Method),
            (Some(CHALLENGE), Some("plain"), E::Method),
            (Some(CHALLENGE), Some("s256"), E::Method),
            (Some(""), Some("S256"), E::Malformed),
            (Some(&CHALLENGE[..42]), Some("S256"), E::Malformed),
            (Some(padded.as_str()), Some("S256"), E::Malformed),
            // The last character carries unused bits; another spelling of the same octets is refused.
            (Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"), Some("S256"), E::Malformed),
        ] {
            assert_eq!(CodeChallenge::read(challenge, method), Err(error), "{challenge:?} {method:?}");
        }
        assert_eq!(CodeChallenge::read(None, None), Ok(None));
    }
}
