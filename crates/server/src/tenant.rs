//! Tenants and how a request finds its own.
//!
//! A tenant's issuer is stored and never changes. Every link that leaves this server is built from it: what a request
//! says about its own host only selects a tenant, and `Forwarded` and `X-Forwarded-*` are never read.

use std::borrow::Cow;
use std::fmt;

use identity::TenantSettings;
use identity::tenant_settings::{IdentifierKind, OidcLegacy, SessionManagement};
use identity::username::{UsernameHash, UsernameKey};
use oidc::client::LegacyClients;
use oidc::device::{UserCode, UserCodeHash, UserCodeKey};
use oidc::subject::PairwiseSalt;
use terms::{CanonicalUsername, TenantId};
use tokio::sync::OnceCell;
use url::Url;

use crate::document::Document;
use crate::keys::KeySlot;
use crate::pages::brand::Theme;
use crate::sealing::DataKey;

/// The slug of the tenant that `dev` and `migrate` make.
pub const DEFAULT_SLUG: &str = "default";

/// An issuer identifier that a tenant can have (OpenID Connect Discovery section 3; RFC 8414 section 2): https, or http on
/// a loopback name; no query, no fragment, no user; at the root of its host or at `/t/{slug}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    authority: String,
    path: String,
    secure: bool,
    loopback: bool,
}

/// Why a text can't be an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerError {
    NotAUrl,
    Scheme,
    Parts,
    /// The text must be what a client sees and compares, octet by octet.
    NotCanonical,
    Path,
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => "is not a URL; write it like https://login.example.com",
            Self::Scheme => "must begin with https:// (http:// only on localhost, 127.0.0.1 or [::1])",
            Self::Parts => "must have no user, query or fragment",
            Self::NotCanonical => "is not in its canonical form: write the host in lower case, without a default port and without a slash at the end",
            Self::Path => "must have no path, or the path /t/{slug} with the tenant's slug",
        })
    }
}

impl std::error::Error for IssuerError {}

impl Issuer {
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|_| IssuerError::NotAUrl)?;
        let host = url.host_str().ok_or(IssuerError::NotAUrl)?;
        let loopback = is_loopback_name(host);
        let secure = url.scheme() == "https";
        let local = url.scheme() == "http" && loopback;
        if !secure && !local {
            return Err(IssuerError::Scheme);
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(IssuerError::Parts);
        }
        let path = if url.path() == "/" { "" } else { url.path() };
        let canonical = format!("{}{path}", url.origin().ascii_serialization());
        if canonical != text {
            return Err(IssuerError::NotCanonical);
        }
        if !path.is_empty() && !path.strip_prefix("/t/").is_some_and(is_slug) {
            return Err(IssuerError::Path);
        }
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { text: text.to_owned(), authority, path: path.to_owned(), secure, loopback })
    }

    /// Where `portico dev` lives unless told otherwise.
    pub fn on_localhost(port: u16) -> Self {
        let authority = if port == 80 { "localhost".to_owned() } else { format!("localhost:{port}") };
        Self {
            text: format!("http://{authority}"),
            authority,
            path: String::new(),
            secure: false,
            loopback: true,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host, and port where it isn't the scheme's own: what a `Host` header says.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Empty, or `/t/{slug}`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Scheme and authority, as in an `Origin` header.
    pub fn origin(&self) -> &str {
        &self.text[..self.text.len() - self.path.len()]
    }

    pub fn is_https(&self) -> bool {
        self.secure
    }

    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a URL's host always names this machine (RFC 8252 section 8.3, RFC 6761 section 6.3).
pub fn is_loopback_name(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// A tenant's name in paths and on the command line: lower-case letters, digits and inner hyphens, at most 63.
pub fn is_slug(text: &str) -> bool {
    let shaped = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    shaped && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

/// An isolated directory with one issuer, as requests see it.
#[derive(Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub issuer: Issuer,
    /// The authorities under which a tenant with a host of its own is reached, that of its issuer among them.
    pub hosts: Vec<String>,
    /// Goes up with each change that an administrator makes.
    pub version: i64,
    /// Seals and opens this tenant's secrets.
    pub data_key: DataKey,
    pub settings: TenantSettings,
    /// The sheet that follows from the settings, where they ask for one.
    pub theme: Option<Theme>,
    pub opened: Opened,
}

/// What was made ready of a tenant since it was read, each when it was first needed. It belongs to that version of that tenant and
/// goes with it, so it is never another's.
#[derive(Debug, Default)]
pub struct Opened {
    pub keys: KeySlot,
    /// The document about the provider, ready to be sent.
    pub discovery: OnceCell<Document>,
    pub pairwise_salt: OnceCell<PairwiseSalt>,
}

impl Tenant {
    /// Which clients may have tokens out of the authorization endpoint.
    pub fn legacy_clients(&self) -> LegacyClients {
        match self.settings.oidc_legacy {
            OidcLegacy::Off => LegacyClients::None,
            OidcLegacy::PerClient => LegacyClients::Profiled,
            OidcLegacy::AllClients => LegacyClients::All,
        }
    }

    /// Whether this authority alone names the tenant.
    pub fn has_host(&self, authority: &str) -> bool {
        self.issuer.path().is_empty() && self.hosts.iter().any(|host| host == authority)
    }

    /// What accounts sign in with.
    pub fn identifiers(&self) -> &[IdentifierKind] {
        &self.settings.identifiers
    }

    pub fn has_usernames(&self) -> bool {
        self.identifiers().contains(&IdentifierKind::Username)
    }

    pub fn has_addresses(&self) -> bool {
        self.identifiers().contains(&IdentifierKind::Email)
    }

    /// Whether clients see in a frame that a sign-in has changed.
    pub fn has_session_management(&self) -> bool {
        self.settings.session_management == SessionManagement::On
    }

    /// By what the code that a device shows is recognised here.
    pub fn user_code_hash(&self, code: &UserCode) -> UserCodeHash {
        UserCodeKey::new(&self.data_key.derive("user code")).hash(code)
    }

    /// What is kept of a username when it is somebody's no more.
    pub fn username_hash(&self, username: &CanonicalUsername) -> UsernameHash {
        UsernameKey::new(&self.data_key.derive("username")).hash(username)
    }

    /// What people call the service.
    pub fn display_name(&self) -> &str {
        &self.settings.name
    }

    /// The absolute URL of one of this tenant's own paths.
    pub fn url(&self, path: &str) -> String {
        debug_assert!(path.starts_with('/'), "{path}");
        format!("{}{path}", self.issuer)
    }

    /// One of this tenant's own paths as the browser must ask for it, with `/t/{slug}` where the tenant has that.
    pub fn path(&self, path: &str) -> String {
        debug_assert!(path.starts_with('/'), "{path}");
        format!("{}{path}", self.issuer.path())
    }
}

/// A request's path after the part that named the tenant was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutedPath<'p> {
    pub path: &'p str,
    pub changed: bool,
}

/// `/t/{slug}/rest`, and for metadata also the form that puts the well-known part first: RFC 8414 section 3.1 inserts
/// it between host and path, OpenID Connect Discovery section 4 appends it.
pub fn named_in_path(path: &str) -> Option<(&str, RoutedPath<'_>)> {
    if let Some(rest) = path.strip_prefix("/t/") {
        let (slug, rest) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        return Some((slug, RoutedPath { path: rest, changed: true }));
    }
    let (document, slug) = path.strip_prefix("/.well-known/")?.split_once("/t/")?;
    let known = matches!(document, "oauth-authorization-server" | "openid-configuration");
    let end = "/.well-known/".len() + document.len();
    known.then(|| (slug, RoutedPath { path: &path[..end], changed: true }))
}

/// Lower case, without a default port: the spelling that issuers have.
pub fn canonical_authority(authority: &str) -> Cow<'_, str> {
    let bare = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80")).unwrap_or(authority);
    if bare.bytes().any(|octet| octet.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

#[cfg(test)]
mod tests {
    use super::IssuerError as E;
    use super::*;
    use crate::entropy::Entropy;
    use crate::sealing::MasterKeyRing;
    use terms::{SecretText, Timestamp};

    fn tenant(slug: &str, issuer: &str, hosts: &[&str]) -> Tenant {
        let id = TenantId::new(Timestamp::from_seconds(1), [slug.as_bytes()[0]; 10]);
        let ring = MasterKeyRing::parse(&SecretText::new("0123456789abcdef".repeat(4))).unwrap();
        Tenant {
            id,
            data_key: ring.new_data_key(&Entropy, id).unwrap().0,
            slug: slug.to_owned(),
            issuer: Issuer::parse(issuer).unwrap(),
            version: 1,
            settings: TenantSettings::default(),
            theme: None,
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            opened: Opened::default(),
        }
    }

    #[test]
    fn an_issuer_is_a_canonical_https_url_or_a_loopback_one() {
        for good in [
            "https://a.example",
            "https://a.example:8443",
            "https://a.example/t/x",
            "http://localhost:8080",
            "http://[::1]:1",
        ] {
            assert_eq!(Issuer::parse(good).unwrap().as_str(), good);
        }
        for (bad, error) in [
            ("login", E::NotAUrl),
            ("ftp://a.example", E::Scheme),
            ("http://a.example", E::Scheme),
            ("http://localhost.example", E::Scheme),
            ("https://u@a.example", E::Parts),
            ("https://a.example?x", E::Parts),
            ("https://a.example#x", E::Parts),
            ("https://a.example/", E::NotCanonical),
            ("https://A.example", E::NotCanonical),
            ("https://a.example:443", E::NotCanonical),
            ("https://a.example/t/../t/x", E::NotCanonical),
            ("https://a.example/login", E::Path),
            ("https://a.example/t/", E::Path),
            ("https://a.example/t/X", E::Path),
            ("https://a.example/t/x/", E::Path),
        ] {
            assert_eq!(Issuer::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn links_come_from_the_issuer() {
        let acme = tenant("acme", "https://login.example.com/t/acme", &[]);
        assert_eq!(acme.url("/sign-in"), "https://login.example.com/t/acme/sign-in");
        assert_eq!(acme.path("/sign-in"), "/t/acme/sign-in");
        assert_eq!(acme.issuer.origin(), "https://login.example.com");
    }
}
