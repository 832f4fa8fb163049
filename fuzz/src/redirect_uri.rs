//! Redirect URIs: which may be registered, which request means a registered one, and where an answer goes.
//!
//! An input is up to three lines: what is registered, what a request asks for (the same, if there is no line), and its
//! `state`. The first character of the first line may be `!`: then the client is a native application.

use oidc::client::ApplicationType;
use oidc::redirect_uri::{RedirectKind, RedirectUri, RegisteredRedirectUri};
use terms::limits;
use url::Url;

use super::world;

/// Whatever is accepted is sound, whatever is found was registered, and an answer goes nowhere else.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (native, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let application = if native { ApplicationType::Native } else { ApplicationType::Web };
    let mut lines = text.splitn(3, '\n');
    let registered = lines.next().unwrap_or_default();
    let asked = lines.next().unwrap_or(registered);
    let state = lines.next().unwrap_or("s");
    // Each of the two lines is judged by itself, too.
    for line in [registered, asked] {
        if let Ok(uri) = RedirectUri::parse(line, application) {
            assert_eq!(uri.as_str(), line);
            assert_sound(&uri, application);
        }
    }
    let Ok(uri) = RedirectUri::parse(registered, application) else { return };
    let mut client = world::client(application);
    client.metadata.redirect_uris = vec![uri.clone()];
    client.metadata.post_logout_redirect_uris = vec![uri.clone()];
    let itself = client.redirect_uri(registered).expect("what is registered is found");
    assert_eq!(itself.as_str(), registered);
    let found = client.redirect_uri(asked);
    assert_eq!(found, client.post_logout_redirect_uri(asked), "one rule for both lists");
    match found {
        Some(found) => {
            assert_eq!(found.as_str(), asked);
            assert_eq!(found.kind(), uri.kind());
            assert!(means(registered, asked, application), "{asked:?} is taken for {registered:?}");
            assert_answers(&found, state);
        }
        None => assert!(!means(registered, asked, application), "{asked:?} is not taken for {registered:?}"),
    }
}

/// What holds of every URI that may be registered.
pub(crate) fn assert_sound(uri: &RedirectUri, application: ApplicationType) {
    let text = uri.as_str();
    assert!(text.len() <= limits::REDIRECT_URI_BYTES);
    assert_harmless(text);
    assert!(!text.contains('#'), "a fragment: {text}");
    let url = Url::parse(text).expect("a URL parser reads it");
    assert_eq!(
        url.as_str().trim_end_matches('/'),
        text.trim_end_matches('/'),
        "another parser reads another address"
    );
    assert!(url.username().is_empty() && url.password().is_none(), "user information: {text}");
    assert!(!authority(text).contains('@'), "user information: {text}");
    assert!(url.host_str().is_none_or(|host| !host.contains('*')), "a pattern: {text}");
    match url.scheme() {
        "https" => assert_eq!(uri.kind(), RedirectKind::Https),
        "http" => {
            assert_eq!(uri.kind(), RedirectKind::Loopback);
            assert!(is_loopback(&url), "http beyond the machine: {text}");
        }
        other => {
            assert_eq!(uri.kind(), RedirectKind::PrivateUse);
            assert!(other.contains('.'), "{other} is no reversed domain name");
            assert_eq!(application, ApplicationType::Native, "a scheme of a web client's own");
        }
    }
    for name in ["code", "state", "iss", "error", "id_token", "access_token"] {
        assert!(url.query_pairs().all(|(known, _)| known != name), "{name} in {text}");
    }
    assert_eq!(text.parse().as_ref(), Ok(uri), "it is read back as it is stored");
}

/// The whole rule: octet by octet, but for the port of a native application's loopback address.
fn means(registered: &str, asked: &str, application: ApplicationType) -> bool {
    if registered == asked {
        return true;
    }
    if application == ApplicationType::Web {
        return false;
    }
    let (Some(registered), Some(asked)) = (without_port(registered), without_port(asked)) else {
        return false;
    };
    registered == asked
}

/// A loopback address with the port taken out, if what stands there is a port.
fn without_port(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("//")?;
    let authority_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_ends);
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| authority.starts_with(host))?;
    let port = match &authority[host.len()..] {
        "" => None,
        port => Some(port.strip_prefix(':')?),
    };
    let is_port = port.is_none_or(|port| {
        (1..=65535).contains(&port.parse::<u32>().unwrap_or(0))
            && port.parse::<u32>().unwrap_or(0).to_string() == port
    });
    (scheme == "http:" && is_port && !tail.starts_with('#')).then(|| format!("{host}{tail}"))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

/// What stands between the two slashes and the path.
fn authority(text: &str) -> &str {
    text.split_once("//").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""))
}

/// Nothing that ends a header field's line, that a parser drops, or that it turns around.
pub(crate) fn assert_harmless(text: &str) {
    assert!(text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'\\'), "{text:?}");
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    assert!(
        !["javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss"]
            .contains(&scheme.as_str()),
        "{text:?}"
    );
}

/// An answer goes to the registered place, and says there what it is to say.
fn assert_answers(to: &RegisteredRedirectUri, state: &str) {
    let pairs = [("code", "a&b=c#d"), ("state", state)];
    let location = to.with_query(pairs);
    assert_goes_to(&location, to.as_str());
    let said: Vec<_> = Url::parse(&location).expect("a URL").query_pairs().into_owned().collect();
    let said: Vec<_> =
        said[said.len() - 2..].iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(said, pairs, "{location}");
    let location = to.with_fragment(pairs);
    assert_goes_to(&location, to.as_str());
    assert_eq!(location.split_once('#').map(|(before, _)| before), Some(to.as_str()));
    assert_eq!(to.with_query([]), to.as_str());
}

/// The browser that follows `location` goes to the scheme, host, port and path of `place`, and its query keeps what was in it.
pub(crate) fn assert_goes_to(location: &str, place: &str) {
    assert_harmless(location);
    assert!(location.starts_with(place), "{location:?} for {place:?}");
    let (there, meant) = (Url::parse(location).expect("a URL"), Url::parse(place).expect("a URL"));
    let parts = |url: &Url| {
        let port = url.port_or_known_default();
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), port, url.path().to_owned())
    };
    assert_eq!(parts(&there), parts(&meant), "{location:?} for {place:?}");
    assert!(there.username().is_empty() && there.password().is_none());
    let kept = meant.query_pairs().zip(there.query_pairs()).all(|(meant, there)| meant == there);
    assert!(kept && meant.query_pairs().count() <= there.query_pairs().count(), "{location:?} for {place:?}");
}
