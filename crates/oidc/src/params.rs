//! The parameters of protocol requests: `application/x-www-form-urlencoded`, read strictly (RFC 6749 appendix B).

use std::fmt;

use terms::limits;

/// The one parameter that may be repeated (RFC 8707 section 2).
const REPEATABLE: &str = "resource";

/// Why a query string or form is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParametersError {
    /// More octets, parameters, or octets in one value, than [`limits`] allows. Nothing is ever cut off.
    TooLarge,
    /// RFC 6749 section 3.2: the body of the request is of another media type.
    NotAForm,
    /// RFC 6749 appendix B: a `%` without two hexadecimal digits, or octets that are not UTF-8.
    Encoding,
    /// RFC 6749 section 3.1 and 3.2: a parameter must not be included more than once. It holds the name, when that can be told.
    Repeated(String),
}

impl fmt::Display for ParametersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the request is too large"),
            Self::NotAForm => f.write_str("the body of the request is not application/x-www-form-urlencoded"),
            Self::Encoding => f.write_str("the request is not well-formed application/x-www-form-urlencoded"),
            Self::Repeated(name)
                if name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) =>
            {
                write!(f, "the parameter {name} is repeated")
            }
            Self::Repeated(_) => f.write_str("a parameter is repeated"),
        }
    }
}

impl std::error::Error for ParametersError {}

/// The parameters of one request. Those without a value count as left out (RFC 6749 section 3.1).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string, without its `?`, or the body of a form.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParametersError> {
        if encoded.len() > limits::REQUEST_BYTES {
            return Err(ParametersError::TooLarge);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (index, pair) in encoded.split(|&octet| octet == b'&').filter(|pair| !pair.is_empty()).enumerate()
        {
            if index >= limits::PARAMETERS {
                return Err(ParametersError::TooLarge);
            }
            let mut halves = pair.splitn(2, |&octet| octet == b'=');
            let name = decode(halves.next().unwrap_or_default()).ok_or(ParametersError::Encoding)?;
            let value = decode(halves.next().unwrap_or_default()).ok_or(ParametersError::Encoding)?;
            if name.len() > limits::PARAMETER_BYTES || value.len() > limits::PARAMETER_BYTES {
                return Err(ParametersError::TooLarge);
            }
            if name != REPEATABLE && pairs.iter().any(|(known, _)| *known == name) {
                return Err(ParametersError::Repeated(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that stands once; `None` when it is left out or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of a parameter that may be repeated, without the empty ones.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every parameter with its value, as they stood, the empty ones too.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These parameters in the form that [`parse`](Self::parse) reads.
    pub fn encode(&self) -> String {
        encode(self.iter())
    }
}

/// Values may be secrets: a code, a client secret, a token.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Encodes parameters as `application/x-www-form-urlencoded`.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The same added to the query of an address without fragment, which is retained.
pub(crate) fn with_query<'a>(address: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let added = encode(pairs);
    let joint = match address.split_once('?') {
        _ if added.is_empty() => "",
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{added}")
}

/// One name or value. Strict, where the usual decoders guess: a `%` that begins no octet, and octets that are not UTF-8, refuse
/// the whole.
pub(crate) fn decode(text: &[u8]) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_values_are_decoded_once() {
        let read = Parameters::parse(b"a=1+2%2B3&b=%2525&&c&d=&resource=x&resource=y&e=f=g").unwrap();
        assert_eq!(read.get("a"), Some("1 2+3"));
        assert_eq!(read.get("b"), Some("%25"));
        assert_eq!(read.get("c"), None);
        assert_eq!(read.get("d"), None);
        assert_eq!(read.get("e"), Some("f=g"));
        assert_eq!(read.all("resource").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(format!("{read:?}"), r#"{"a", "b", "c", "d", "resource", "resource", "e"}"#);
    }

    #[test]
    fn a_parameter_stands_once() {
        for twice in ["a=1&a=1", "a=1&a=2", "a&a", "a=&a=1", "a=1&%61=2"] {
            assert_eq!(
                Parameters::parse(twice.as_bytes()),
                Err(ParametersError::Repeated("a".into())),
                "{twice}"
            );
        }
        assert_eq!(ParametersError::Repeated("x\r\n\"".into()).to_string(), "a parameter is repeated");
    }

    #[test]
    fn what_is_malformed_is_not_guessed() {
        for bad in [&b"a=%"[..], b"a=%2", b"a=%zz", b"%=1", b"a=%ff", b"a=\xff", b"a=%c0%80", b"a=%+1"] {
            assert_eq!(Parameters::parse(bad), Err(ParametersError::Encoding), "{bad:?}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let long = |n: usize| format!("a={}", "x".repeat(n));
        assert!(Parameters::parse(long(limits::PARAMETER_BYTES).as_bytes()).is_ok());
        let names: Vec<String> = (0..=limits::PARAMETERS).map(|n| format!("p{n}=1")).collect();
        assert!(Parameters::parse(names[1..].join("&").as_bytes()).is_ok());
        let resources = vec!["resource=a"; limits::PARAMETERS + 1].join("&");
        for bad in
            [long(limits::PARAMETER_BYTES + 1), long(limits::REQUEST_BYTES), names.join("&"), resources]
        {
            assert_eq!(Parameters::parse(bad.as_bytes()), Err(ParametersError::TooLarge));
        }
    }

    proptest! {
        #[test]
        fn what_was_read_survives_its_text(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(read) = Parameters::parse(&octets) {
                prop_assert_eq!(Parameters::parse(read.encode().as_bytes()), Ok(read));
            }
        }
    }
}
