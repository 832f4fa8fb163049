//! Redirect URIs: which may be registered, and which request names a registered one (RFC 6749 section 3.1.2, RFC 9700 section 2.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use terms::limits;
use url::Url;

use crate::client::ApplicationType;
use crate::params;

/// Why a text may not be registered as a redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectUriError {
    /// Longer than [`limits::REDIRECT_URI_BYTES`].
    TooLong,
    /// RFC 6749 section 3.1.2: an absolute URI, of the characters that RFC 3986 section 2 allows.
    NotAUri,
    /// RFC 6749 section 3.1.2: no fragment.
    Fragment,
    /// RFC 9700 section 4.1: parsers disagree on what stands before the `@`.
    UserInfo,
    /// Anything but https, http on a loopback host, and what a native application may claim: `javascript:` and `data:` run in our origin.
    Scheme,
    /// RFC 9700 section 2.6: http only to the person's own machine.
    HttpBeyondLoopback,
    /// RFC 8252 section 7.1: the scheme of a native application is a reversed domain name.
    PrivateSchemeWithoutDot,
    /// RFC 8252 section 7.1: only native applications have schemes of their own.
    PrivateSchemeOfWeb,
    /// RFC 9700 section 2.1: no patterns.
    Wildcard,
    /// Written otherwise than a URL parser would write it, so that two parsers could read two things.
    NotCanonical,
    /// It carries a parameter that only an authorization response may add.
    ResponseParameter,
}

impl fmt::Display for RedirectUriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "is too long",
            Self::NotAUri => "is not an absolute URI",
            Self::Fragment => "has a fragment (the part from # on)",
            Self::UserInfo => "has a user name or password before the host",
            Self::Scheme => "has a scheme that is not allowed; use https",
            Self::HttpBeyondLoopback => "uses http; only 127.0.0.1, [::1] and localhost may, use https",
            Self::PrivateSchemeWithoutDot => "has a private scheme without a dot; use a reversed domain name, such as com.example.app",
            Self::PrivateSchemeOfWeb => "has a private scheme; only clients of application_type native may",
            Self::Wildcard => "has a * in its host; patterns are not supported",
            Self::NotCanonical => {
                "is not in its canonical form (lower-case scheme and host, no default port, no . or .. segments, host in ASCII)"
            }
            Self::ResponseParameter => "has a query parameter that belongs to authorization responses, such as code or state",
        })
    }
}

impl std::error::Error for RedirectUriError {}

/// What kind of place a redirect URI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `https`: whoever owns the host gets the answer (for native applications: RFC 8252 section 7.2).
    Https,
    /// `http` on the person's own machine (RFC 8252 section 7.3).
    Loopback,
    /// A scheme that an application claimed on the device, which any other may claim too (RFC 8252 section 7.1).
    PrivateUse,
}

/// A redirect URI that may be registered. Kept as it was written, which is its canonical form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RedirectUri(String);

/// How a loopback URI begins, before its port.
const LOOPBACK_PREFIXES: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// What an authorization response may add to the query.
const RESPONSE_PARAMETERS: [&str; 12] = [
    "access_token",
    "code",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "id_token",
    "iss",
    "response",
    "session_state",
    "state",
    "token_type",
];

impl RedirectUri {
    /// Whether `text` may be registered by a client of this type, and if not, why.
    pub fn parse(text: &str, application: ApplicationType) -> Result<Self, RedirectUriError> {
        let uri: Self = text.parse()?;
        if uri.kind() == RedirectKind::PrivateUse && application == ApplicationType::Web {
            return Err(RedirectUriError::PrivateSchemeOfWeb);
        }
        Ok(uri)
    }

    /// The URI as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of place it names.
    pub fn kind(&self) -> RedirectKind {
        if self.0.starts_with("https:") {
            RedirectKind::Https
        } else if self.0.starts_with("http:") {
            RedirectKind::Loopback
        } else {
            RedirectKind::PrivateUse
        }
    }

    /// Whether a request that names `asked` means this one: simple string comparison (RFC 9700 section 2.1, RFC 3986 section
    /// 6.2.1), but for the port of a native application's loopback URI, which the operating system gives it when it runs
    /// (RFC 8252 section 7.3).
    fn is_meant_by(&self, asked: &str, application: ApplicationType) -> bool {
        if self.0 == asked {
            return true;
        }
        if application != ApplicationType::Native {
            return false;
        }
        // Only digits may differ, between a host and a rest that are octet by octet the registered ones: no parser is asked.
        match (split_loopback(&self.0), split_loopback(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    }
}

/// The host and what follows the port of a loopback URI with a port from 1 to 65535, or with none.
fn split_loopback(text: &str) -> Option<(&str, &str)> {
    let host = LOOPBACK_PREFIXES.into_iter().find(|prefix| text.starts_with(prefix))?;
    let after = &text[host.len()..];
    let Some(port_on) = after.strip_prefix(':') else {
        // `http://127.0.0.1.example` begins like a loopback host and is none.
        return (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after));
    };
    let digits = port_on.find(|c: char| !c.is_ascii_digit()).unwrap_or(port_on.len());
    let (port, rest) = port_on.split_at(digits);
    let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
    (is_port && (rest.is_empty() || rest.starts_with(['/', '?']))).then_some((host, rest))
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    /// Everything but what depends on the client's application type.
    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        use RedirectUriError as E;
        if text.len() > limits::REDIRECT_URI_BYTES {
            return Err(E::TooLong);
        }
        // URL parsers drop or turn around blanks, tabs, line ends and backslashes; RFC 3986 has none of them.
        if !text.bytes().all(is_uri_character) || !percents_are_whole(text) {
            return Err(E::NotAUri);
        }
        let url = Url::parse(text).map_err(|_| E::NotAUri)?;
        if url.fragment().is_some() {
            return Err(E::Fragment);
        }
        let authority =
            text.split_once("//").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err(E::UserInfo);
        }
        match url.scheme() {
            "https" => {}
            "http" if split_loopback(text).is_some() => {}
            "http" if is_loopback(&url) => return Err(E::NotCanonical),
            "http" => return Err(E::HttpBeyondLoopback),
            "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "ftp" | "ws" | "wss" => {
                return Err(E::Scheme);
            }
            private if !private.contains('.') => return Err(E::PrivateSchemeWithoutDot),
            _ => {}
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(E::Wildcard);
        }
        // The one freedom: an https or http URI without a path may be written without its `/`.
        let canonical = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        if !canonical {
            return Err(E::NotCanonical);
        }
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref())) {
            return Err(E::ResponseParameter);
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// RFC 3986 sections 2.2 and 2.3, and `%`.
const fn is_uri_character(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

/// RFC 3986 section 2.1.
fn percents_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        text.parse()
    }
}

/// A redirect URI of a request that was found among those that the request's client registered.
///
/// Only [`find_registered`] makes one, and a redirect can be built from nothing else, so an open redirect doesn't type-check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredRedirectUri {
    /// As the request wrote it: with the port of the day, for a loopback one.
    text: String,
    kind: RedirectKind,
}

/// Finds what the request asks for among what the client registered.
pub(crate) fn find_registered(
    registered: &[RedirectUri],
    asked: &str,
    application: ApplicationType,
) -> Option<RegisteredRedirectUri> {
    let found = registered.iter().find(|uri| uri.is_meant_by(asked, application))?;
    Some(RegisteredRedirectUri { text: asked.to_owned(), kind: found.kind() })
}

impl RegisteredRedirectUri {
    /// As the request wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of place it names.
    pub const fn kind(&self) -> RedirectKind {
        self.kind
    }

    /// The origin of the pages there (RFC 6454 section 6.2); a private-use scheme has none.
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.text).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// The address to send the browser to: the URI with these parameters added to its query, which is retained (RFC 6749 section 3.1.2).
    pub fn with_query<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        params::with_query(&self.text, pairs)
    }

    /// The same with the parameters in the fragment, which a redirect URI itself doesn't have (RFC 6749 section 4.2.2).
    pub fn with_fragment<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        format!("{}#{}", self.text, params::encode(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ApplicationType::{Native, Web};
    use proptest::prelude::*;

    #[test]
    fn what_may_be_registered() {
        for (application, text) in [
            (Web, "https://app.example/cb"),
            (Web, "https://app.example"),
            (Web, "https://app.example/?a=b&c=%20"),
            (Web, "https://app.example:8443/cb/"),
            (Web, "https://127.0.0.1:4000/test/a/x/callback?dummy1=lorem&dummy2=ipsum"),
            (Web, "https://xn--bcher-kva.example/cb"),
            (Web, "http://localhost:8090/callback"),
            (Web, "http://127.0.0.1/cb"),
            (Native, "http://[::1]/cb"),
            (Native, "http://127.0.0.1"),
            (Native, "com.example.app:/cb"),
            (Native, "com.example.app://cb/done"),
            (Native, "https://app.example/cb"),
        ] {
            assert_eq!(RedirectUri::parse(text, application).unwrap().as_str(), text);
        }
    }

    /// The shapes by which others were broken: each is refused for its own reason.
    #[test]
    fn the_corpus_of_bad_ones_is_refused() {
        use RedirectUriError as E;
        let long = format!("https://app.example/{}", "a".repeat(limits::REDIRECT_URI_BYTES));
        for (text, error) in [
            ("", E::NotAUri),
            ("/cb", E::NotAUri),
            ("//app.example/cb", E::NotAUri),
            ("app.example/cb", E::NotAUri),
            ("https://", E::NotAUri),
            ("https://app.example/c b", E::NotAUri),
            (" https://app.example/cb", E::NotAUri),
            ("https://app.example/cb\r\nLocation: https://evil.example", E::NotAUri),
            ("https://app.example/cb\t", E::NotAUri),
            ("https://app.example\\@evil.example/", E::NotAUri),
            ("https:\\\\app.example/cb", E::NotAUri),
            ("https://b\u{fc}cher.example/cb", E::NotAUri),
            ("https://app.example/\u{202e}", E::NotAUri),
            ("https://app.example/%", E::NotAUri),
            ("https://app.example/%zz", E::NotAUri),
            ("https://app.example/\0", E::NotAUri),
            ("https://app.example/<script>", E::NotAUri),
            ("https://app.example/cb#x", E::Fragment),
            ("https://app.example/cb#", E::Fragment),
            ("https://user@app.example/cb", E::UserInfo),
            ("https://app.example@evil.example/cb", E::UserInfo),
            ("https://@app.example/cb", E::UserInfo),
            ("https://:@app.example/cb", E::UserInfo),
            ("https://user:pw@app.example/cb", E::UserInfo),
            ("javascript:alert(1)", E::Scheme),
            ("JavaScript:alert(1)", E::Scheme),
            ("javascript://app.example/%0aalert(1)", E::Scheme),
            ("data:text/html,x", E::Scheme),
            ("vbscript:x", E::Scheme),
            ("file:///etc/passwd", E::Scheme),
            ("blob:https://app.example/x", E::Scheme),
            ("ftp://app.example/cb", E::Scheme),
            ("http://app.example/cb", E::HttpBeyondLoopback),
            ("http://127.0.0.1.evil.example/cb", E::HttpBeyondLoopback),
            ("http://localhost.evil.example/cb", E::HttpBeyondLoopback),
            ("http://10.0.0.1/cb", E::HttpBeyondLoopback),
            ("http://127.1/cb", E::NotCanonical),
            ("http://2130706433/cb", E::NotCanonical),
            ("http://LOCALHOST/cb", E::NotCanonical),
            ("http://localhost:80/cb", E::NotCanonical),
            ("http://localhost:08090/cb", E::NotCanonical),
            ("myapp:/cb", E::PrivateSchemeWithoutDot),
            ("urn:ietf:wg:oauth:2.0:oob", E::PrivateSchemeWithoutDot),
            ("https://*.app.example/cb", E::Wildcard),
            ("HTTPS://app.example/cb", E::NotCanonical),
            ("https://App.example/cb", E::NotCanonical),
            ("https://app.example:443/cb", E::NotCanonical),
            ("https://app.example/a/../cb", E::NotCanonical),
            ("https://app.example/a/%2e%2e/cb", E::NotCanonical),
            ("https://app.example/./cb", E::NotCanonical),
            ("https:app.example/cb", E::NotCanonical),
            ("https:///app.example/cb", E::NotCanonical),
            ("https://app%2eexample/cb", E::NotCanonical),
            ("https://app.example/cb?code=1", E::ResponseParameter),
            ("https://app.example/cb?x=1&%73tate=1", E::ResponseParameter),
            (&long, E::TooLong),
        ] {
            assert_eq!(RedirectUri::parse(text, Native), Err(error), "{text:?}");
        }
        assert_eq!(RedirectUri::parse("com.example.app:/cb", Web), Err(E::PrivateSchemeOfWeb));
    }

    fn found(registered: &str, asked: &str, application: ApplicationType) -> bool {
        find_registered(&[RedirectUri::parse(registered, application).unwrap()], asked, application).is_some()
    }

    #[test]
    fn a_request_names_a_registered_one_octet_by_octet() {
        let registered = "https://app.example/cb?x=1";
        assert!(found(registered, registered, Web));
        for other in [
            "",
            "https://app.example/cb",
            "https://app.example/cb?x=1&y=2",
            "https://app.example/cb?x=1#",
            "https://app.example/cb/?x=1",
            "https://app.example/CB?x=1",
            "https://app.example:443/cb?x=1",
            "https://app.example/%63b?x=1",
            "https://app.example/a/../cb?x=1",
            "https://app.example@evil.example/cb?x=1",
            "https://app.example.evil.example/cb?x=1",
            "https://app.example\\/cb?x=1",
            "http://app.example/cb?x=1",
            " https://app.example/cb?x=1",
            "https://app.example/cb?x=1\r\n",
        ] {
            for application in [Web, Native] {
                assert!(!found(registered, other, application), "{other:?}");
            }
        }
        // RFC 3986 section 6.2.1: even an equivalent spelling is another text.
        assert!(!found("https://app.example", "https://app.example/", Web));
    }

    #[test]
    fn only_the_port_of_a_native_loopback_uri_is_free() {
        for registered in ["http://127.0.0.1/cb?x=1", "http://127.0.0.1:5000/cb?x=1"] {
            for port in ["", ":1", ":5000", ":65535"] {
                assert!(found(registered, &format!("http://127.0.0.1{port}/cb?x=1"), Native), "{port}");
            }
            for other in [
                "http://127.0.0.1:0/cb?x=1",
                "http://127.0.0.1:65536/cb?x=1",
                "http://127.0.0.1:080/cb?x=1",
                "http://127.0.0.1:/cb?x=1",
                "http://127.0.0.1:+1/cb?x=1",
                "http://127.0.0.1:5000@evil.example/cb?x=1",
                "http://127.0.0.1:5000.evil.example/cb?x=1",
                "http://127.0.0.1.evil.example/cb?x=1",
                "http://127.0.0.1@evil.example/cb?x=1",
                "http://127.0.0.1:5000\\@evil.example/cb?x=1",
                "http://127.0.0.1:5000/cb?x=2",
                "http://127.0.0.1:5000/cb",
                "http://localhost:5000/cb?x=1",
                "http://[::1]:5000/cb?x=1",
                "https://127.0.0.1:5001/cb?x=1",
            ] {
                assert!(!found(registered, other, Native), "{other}");
            }
        }
        assert!(!found("http://127.0.0.1:5000/cb", "http://127.0.0.1:5001/cb", Web));
        assert!(!found("https://127.0.0.1:5000/cb", "https://127.0.0.1:5001/cb", Native));
    }

    #[test]
    fn a_response_is_added_to_the_query_and_nothing_of_it_is_lost() {
        for (registered, expected) in [
            ("https://app.example", "https://app.example?code=a%26b&state=%0D%0A"),
            ("https://app.example/cb", "https://app.example/cb?code=a%26b&state=%0D%0A"),
            ("https://app.example/cb?", "https://app.example/cb?code=a%26b&state=%0D%0A"),
            ("https://app.example/cb?x=1", "https://app.example/cb?x=1&code=a%26b&state=%0D%0A"),
            ("com.example.app:/cb", "com.example.app:/cb?code=a%26b&state=%0D%0A"),
        ] {
            let uri = RedirectUri::parse(registered, Native).unwrap();
            let uri = find_registered(&[uri], registered, Native).unwrap();
            assert_eq!(uri.with_query([("code", "a&b"), ("state", "\r\n")]), expected);
        }
    }

    proptest! {
        /// Whatever a stranger asks for: if it is taken, it goes to the host and path that were registered.
        #[test]
        fn no_spelling_leaves_the_registered_place(tail in "[!-~]{0,24}") {
            let registered = [RedirectUri::parse("http://127.0.0.1/cb", Native).unwrap()];
            let asked = format!("http://127.0.0.1{tail}");
            if let Some(uri) = find_registered(&registered, &asked, Native) {
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert_eq!((url.scheme(), url.host_str(), url.path()), ("http", Some("127.0.0.1"), "/cb"));
                prop_assert!(url.username().is_empty() && url.query().is_none() && url.fragment().is_none());
            }
        }

        #[test]
        fn what_is_registered_parses_as_itself(text in "(https|http|com\\.x|javascript)://[a-z0-9.:@\\\\/?&=%#*-]{0,40}") {
            if let Ok(uri) = text.parse::<RedirectUri>() {
                let url = Url::parse(uri.as_str()).unwrap();
                prop_assert!(url.as_str().trim_end_matches('/') == text.trim_end_matches('/'));
                prop_assert!(url.username().is_empty() && url.fragment().is_none());
            }
        }
    }
}
