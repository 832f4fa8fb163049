//! What a browser shows of clients when a session ends in it (OpenID Connect Front-Channel Logout 1.0).

use terms::SessionId;
use url::Url;

use crate::client::Client;
use crate::params;

/// A page of a client that is to be shown, in a frame that nobody needs to see, so that the client's own cookies go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutFrame {
    /// Its address.
    pub address: String,
    /// Scheme, host and port: what the page around it allows to be framed.
    pub origin: String,
}

impl LogoutFrame {
    /// What this client wants shown when this session ends; `None` for one that wants nothing.
    ///
    /// With `iss` and `sid` in the query where the client registered that it needs them; either both or none (OpenID Connect
    /// Front-Channel Logout section 2). A query that it registered is retained.
    pub fn of(client: &Client, issuer: &str, session: SessionId) -> Option<Self> {
        let channel = client.frontchannel_logout.as_ref()?;
        let origin = origin(&channel.uri)?;
        let session = session.to_string();
        let address = if channel.session_required {
            params::with_query(&channel.uri, [("iss", issuer), ("sid", session.as_str())])
        } else {
            channel.uri.clone()
        };
        Some(Self { address, origin })
    }
}

/// The origin of a web address, if it may stand in a policy (Content Security Policy Level 3 section 2.3.1): a host of letters,
/// digits, dots and hyphens, or an address. URL parsers take more, among it what ends a directive.
pub(crate) fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let host = url.host_str()?;
    let is_plain =
        |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    if !matches!(url.scheme(), "https" | "http") || !host.bytes().all(is_plain) {
        return None;
    }
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::LogoutChannel;
    use crate::fixture::{NOW, client};

    const ISSUER: &str = "https://id.example/t/a b";

    fn frame(uri: &str, session_required: bool) -> Option<LogoutFrame> {
        let mut client = client();
        client.metadata.frontchannel_logout = Some(LogoutChannel { uri: uri.to_owned(), session_required });
        LogoutFrame::of(&client, ISSUER, SessionId::new(NOW, [5; 10]))
    }

    #[test]
    fn iss_and_sid_come_together_where_they_are_needed_and_a_query_is_retained() {
        let sid = SessionId::new(NOW, [5; 10]).to_string();
        let named = format!("iss=https%3A%2F%2Fid.example%2Ft%2Fa+b&sid={sid}");
        for (uri, needed, address) in [
            ("https://app.example/out", false, "https://app.example/out".to_owned()),
            ("https://app.example/out?a=b", false, "https://app.example/out?a=b".to_owned()),
            ("https://app.example/out", true, format!("https://app.example/out?{named}")),
            ("https://app.example/out?a=b", true, format!("https://app.example/out?a=b&{named}")),
            ("https://app.example/out?", true, format!("https://app.example/out?{named}")),
        ] {
            let frame = frame(uri, needed).unwrap();
            assert_eq!((frame.address, frame.origin.as_str()), (address, "https://app.example"));
        }
        assert_eq!(LogoutFrame::of(&client(), ISSUER, SessionId::new(NOW, [5; 10])), None);
    }

    #[test]
    fn an_origin_is_what_a_policy_can_hold() {
        for (uri, expected) in [
            ("https://app.example/out", Some("https://app.example")),
            ("https://app.example:443/out", Some("https://app.example")),
            ("https://app.example:8443/out", Some("https://app.example:8443")),
            ("https://a_b.example/", Some("https://a_b.example")),
            ("http://127.0.0.1:8000/out", Some("http://127.0.0.1:8000")),
            ("http://[::1]:8000/out", Some("http://[::1]:8000")),
            ("https://app.example;sandbox/out", None),
            ("https://app.example,b/out", None),
            ("https://*.example/out", None),
            ("https://app'.example/out", None),
            ("com.example.app:/out", None),
            ("data:text/html,x", None),
            ("out", None),
        ] {
            assert_eq!(origin(uri).as_deref(), expected, "{uri}");
        }
    }
}
