use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use terms::limits;

use super::{Algorithm, json};

/// Octets of a `kid`.
const KID_BYTES: usize = 128;

/// Header parameters that would let a token choose its own key or change how it is read. None is understood here,
/// so a token that has one is refused, whatever its value.
///
/// `jwk`, `jku`, `x5c` and `x5u` name a key from within (RFC 8725 section 3.10); `crit` and `b64` change the
/// processing (RFC 7515 section 4.1.11, RFC 7797); `zip` and `enc` belong to encryption (RFC 7516).
const FORBIDDEN: [&str; 8] = ["b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"];

/// Why a text is not a token that is taken here. What the text was is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsRefusal {
    /// More than [`limits::TOKEN_BYTES`].
    TooLong,
    /// RFC 7515 section 7.1: exactly three parts.
    NotThreeParts,
    /// RFC 7515 section 2: base64url without padding, each octet string in its one canonical spelling.
    NotBase64Url,
    /// RFC 7515 section 5.2 steps 3 and 4: the header is a JSON object without duplicate members.
    Header,
    /// A header parameter that would choose the key or change the processing.
    ForbiddenHeader,
    /// RFC 8725 section 3.1: an algorithm outside the allow-list.
    Algorithm,
    /// No `kid`, or one that is not short visible ASCII.
    KeyId,
    /// RFC 8725 section 3.11: the `typ` is not the one that this kind of token has.
    Type,
    /// No key of ours has this `kid`, or it doesn't verify this kind of token (any more), or it is of another algorithm.
    UnknownKey,
    /// RFC 7515 section 5.2 step 8.
    Signature,
    /// RFC 7519 section 7.2 step 10: the payload is a JSON object without duplicate members.
    Payload,
}

impl fmt::Display for JwsRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the token is too long",
            Self::NotThreeParts => "the token doesn't have three parts",
            Self::NotBase64Url => "a part of the token is not canonical base64url",
            Self::Header => "the token's header is not a JSON object with unique members",
            Self::ForbiddenHeader => "the token's header has a parameter that is not taken here",
            Self::Algorithm => "the token's algorithm is not taken here",
            Self::KeyId => "the token's header has no usable kid",
            Self::Type => "the token is of another kind",
            Self::UnknownKey => "the token names a key that doesn't verify it",
            Self::Signature => "the token's signature is wrong",
            Self::Payload => "the token's payload is not a JSON object with unique members",
        })
    }
}

impl std::error::Error for JwsRefusal {}

/// A JWS in compact serialization (RFC 7515 section 7.1), taken apart and not yet verified.
///
/// The payload can't be read from here: only [`KeySet::verify`](super::KeySet::verify) gives it, after the signature.
#[derive(Debug)]
pub struct CompactJws<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: String,
    pub(super) typ: Option<String>,
    pub(super) signing_input: &'t str,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'t> CompactJws<'t> {
    /// Takes a token apart, refusing every spelling but the canonical one.
    pub fn parse(token: &'t str) -> Result<Self, JwsRefusal> {
        let parts = Parts::take_apart(token)?;
        Ok(Self {
            algorithm: parts.text("alg").and_then(|alg| alg.parse().ok()).ok_or(JwsRefusal::Algorithm)?,
            key_id: parts.key_id()?.ok_or(JwsRefusal::KeyId)?,
            typ: parts.typ()?,
            signing_input: parts.signing_input,
            payload: parts.payload,
            signature: parts.signature,
        })
    }
}

/// The three parts of a token, each decoded, with a header that says nothing forbidden.
pub(super) struct Parts<'t> {
    header: Map<String, Value>,
    pub(super) signing_input: &'t str,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'t> Parts<'t> {
    pub(super) fn take_apart(token: &'t str) -> Result<Self, JwsRefusal> {
        if token.len() > limits::TOKEN_BYTES {
            return Err(JwsRefusal::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsRefusal::NotThreeParts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsRefusal::NotThreeParts)?;
        if payload.contains('.') {
            return Err(JwsRefusal::NotThreeParts);
        }
        let header = json::parse_object(&decode(header)?).map_err(|_| JwsRefusal::Header)?;
        if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
            return Err(JwsRefusal::ForbiddenHeader);
        }
        Ok(Self { header, signing_input, payload: decode(payload)?, signature: decode(signature)? })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// `kid`, if there is one. One that is there is short visible ASCII.
    pub(super) fn key_id(&self) -> Result<Option<String>, JwsRefusal> {
        match self.header.get("kid") {
            None => Ok(None),
            Some(Value::String(kid)) if is_key_id(kid) => Ok(Some(kid.clone())),
            Some(_) => Err(JwsRefusal::KeyId),
        }
    }

    pub(super) fn typ(&self) -> Result<Option<String>, JwsRefusal> {
        match self.header.get("typ") {
            None => Ok(None),
            Some(Value::String(typ)) => Ok(Some(typ.clone())),
            Some(_) => Err(JwsRefusal::Type),
        }
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JwsRefusal> {
    // This engine refuses padding and unused bits that are set, so one octet string has one spelling.
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsRefusal::NotBase64Url)
}

pub(super) fn is_key_id(text: &str) -> bool {
    (1..=KID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str) -> String {
        format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode("{}"),
            URL_SAFE_NO_PAD.encode("sig")
        )
    }

    fn refusal(token: &str) -> JwsRefusal {
        CompactJws::parse(token).unwrap_err()
    }

    #[test]
    fn a_plain_token_is_taken_apart() {
        let text = token(r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#);
        let jws = CompactJws::parse(&text).unwrap();
        assert_eq!(
            (jws.algorithm, jws.key_id.as_str(), jws.typ.as_deref()),
            (Algorithm::Es256, "k1", Some("JWT"))
        );
        assert_eq!((jws.payload.as_slice(), jws.signature.as_slice()), (b"{}".as_slice(), b"sig".as_slice()));
        assert_eq!(jws.signing_input, &text[..text.rfind('.').unwrap()]);
    }

    #[test]
    fn headers_that_mean_something_else_are_refused() {
        use JwsRefusal as R;
        let long = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(129));
        for (header, expected) in [
            (r#"{"alg":"none","kid":"k"}"#, R::Algorithm),
            (r#"{"alg":"HS256","kid":"k"}"#, R::Algorithm),
            (r#"{"alg":"es256","kid":"k"}"#, R::Algorithm),
            (r#"{"alg":["ES256"],"kid":"k"}"#, R::Algorithm),
            (r#"{"kid":"k"}"#, R::Algorithm),
            (r#"{"alg":"ES256"}"#, R::KeyId),
            (r#"{"alg":"ES256","kid":""}"#, R::KeyId),
            (r#"{"alg":"ES256","kid":7}"#, R::KeyId),
            (r#"{"alg":"ES256","kid":"a\nb"}"#, R::KeyId),
            (&long, R::KeyId),
            (r#"{"alg":"ES256","kid":"k","typ":1}"#, R::Type),
            (r#"{"alg":"ES256","kid":"k","crit":[]}"#, R::ForbiddenHeader),
            (r#"{"alg":"ES256","kid":"k","zip":"DEF"}"#, R::ForbiddenHeader),
            (r#"{"alg":"ES256","kid":"k","jwk":null}"#, R::ForbiddenHeader),
            (r#"{"alg":"ES256","kid":"k","jku":"https://evil.test"}"#, R::ForbiddenHeader),
            (r#"{"alg":"ES256","kid":"k","x5c":[]}"#, R::ForbiddenHeader),
            (r#"{"alg":"ES256","kid":"k","b64":false}"#, R::ForbiddenHeader),
            (r#"{"alg":"none","alg":"ES256","kid":"k"}"#, R::Header),
            (r#"{"alg":"ES256","kid":"k","x":{"y":1,"y":1}}"#, R::Header),
            ("[]", R::Header),
            ("", R::Header),
        ] {
            assert_eq!(refusal(&token(header)), expected, "{header}");
        }
    }

    #[test]
    fn only_three_canonical_parts() {
        use JwsRefusal as R;
        let good = token(r#"{"alg":"ES256","kid":"k1"}"#);
        assert!(CompactJws::parse(&good).is_ok());
        let (header, rest) = good.split_once('.').unwrap();
        for (text, expected) in [
            (String::new(), R::NotThreeParts),
            (header.to_owned(), R::NotThreeParts),
            (format!("{header}.e30"), R::NotThreeParts),
            (format!("{good}."), R::NotThreeParts),
            (format!("{good}.e30.e30"), R::NotThreeParts),
            (format!("{good}="), R::NotBase64Url),
            (format!("{good}\n"), R::NotBase64Url),
            (format!(" {good}"), R::NotBase64Url),
            // `e30` is `{}`; `e31` is the same two octets with an unused bit set.
            (good.replace(".e30.", ".e31."), R::NotBase64Url),
            (good.replace(".e30.", ".e+0."), R::NotBase64Url),
            (format!("{header}.{}.{rest}", "A".repeat(limits::TOKEN_BYTES)), R::TooLong),
        ] {
            assert_eq!(refusal(&text), expected, "{text:.80}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_what_is_taken_is_canonical(text in "[A-Za-z0-9_=.+/-]{0,80}") {
            let _ = CompactJws::parse(&text);
        }

        #[test]
        fn any_header_bytes_are_survived(header in proptest::collection::vec(any::<u8>(), 0..60)) {
            let text = format!("{}.e30.e30", URL_SAFE_NO_PAD.encode(header));
            if let Ok(jws) = CompactJws::parse(&text) {
                prop_assert!(is_key_id(&jws.key_id));
            }
        }
    }
}
