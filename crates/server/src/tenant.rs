//! Tenants and how a request finds its own.
//!
//! A tenant's issuer is stored and never changes. Every link that leaves this server is built from it: what a request
//! says about its own host only selects a tenant, and `Forwarded` and `X-Forwarded-*` are never read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use identity::TenantSettings;
use identity::tenant_settings::{IdentifierKind, OidcLegacy, SessionManagement};
use identity::username::{UsernameHash, UsernameKey};
use oidc::client::LegacyClients;
use oidc::device::{UserCode, UserCodeHash, UserCodeKey};
use terms::{CanonicalUsername, TenantId};
use url::Url;

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
    /// Further authorities under which a tenant with a host of its own is reached.
    pub hosts: Vec<String>,
    /// Goes up with each change that an administrator makes.
    pub version: i64,
    /// Seals and opens this tenant's secrets.
    pub data_key: DataKey,
    pub settings: TenantSettings,
    /// The sheet that follows from the settings, where they ask for one.
    pub theme: Option<Theme>,
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

/// All tenants, by the ways a request can name one. Immutable: a change of any tenant makes a new one.
#[derive(Debug, Default)]
pub struct Directory {
    by_authority: HashMap<String, Arc<Tenant>>,
    by_slug: HashMap<String, Arc<Tenant>>,
    by_id: HashMap<TenantId, Arc<Tenant>>,
}

impl Directory {
    pub fn new(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let mut directory = Self::default();
        for tenant in tenants.into_iter().map(Arc::new) {
            // A path tenant shares its host with others, so that host alone doesn't name it.
            if tenant.issuer.path().is_empty() {
                let own = std::iter::once(tenant.issuer.authority().to_owned());
                for authority in own.chain(tenant.hosts.iter().cloned()) {
                    directory.by_authority.insert(authority, Arc::clone(&tenant));
                }
            }
            directory.by_slug.insert(tenant.slug.clone(), Arc::clone(&tenant));
            directory.by_id.insert(tenant.id, tenant);
        }
        directory
    }

    pub fn by_id(&self, id: TenantId) -> Option<&Arc<Tenant>> {
        self.by_id.get(&id)
    }

    pub fn by_slug(&self, slug: &str) -> Option<&Arc<Tenant>> {
        self.by_slug.get(slug)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.by_id.values()
    }

    /// The tenant that a request is for, and the path within it.
    ///
    /// A path that names a tenant counts only on the host of that tenant's issuer, so one tenant's host never serves
    /// another's pages unless that is where the other lives. There is no default tenant for an unknown host.
    pub fn resolve<'p>(&self, authority: &str, path: &'p str) -> Option<(Arc<Tenant>, RoutedPath<'p>)> {
        let authority = canonical_authority(authority);
        if let Some((slug, routed)) = named_in_path(path) {
            let here = |tenant: &&Arc<Tenant>| {
                tenant.issuer.authority() == authority
                    && tenant.issuer.path().strip_prefix("/t/") == Some(slug)
            };
            if let Some(tenant) = self.by_slug.get(slug).filter(here) {
                return Some((Arc::clone(tenant), routed));
            }
        }
        let tenant = self.by_authority.get(&*authority)?;
        Some((Arc::clone(tenant), RoutedPath { path, changed: false }))
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
fn named_in_path(path: &str) -> Option<(&str, RoutedPath<'_>)> {
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
fn canonical_authority(authority: &str) -> Cow<'_, str> {
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
        }
    }

    fn directory() -> Directory {
        Directory::new([
            tenant("default", "https://login.example.com", &[]),
            tenant("acme", "https://login.example.com/t/acme", &[]),
            tenant("own", "https://id.own.example", &["id.own.example.net"]),
            tenant("far", "https://elsewhere.example/t/far", &[]),
        ])
    }

    #[test]
    fn a_request_finds_its_tenant_by_host_and_path() {
        let cases = [
            ("login.example.com", "/oauth/token", Some(("default", "/oauth/token"))),
            ("LOGIN.example.com:443", "/", Some(("default", "/"))),
            ("login.example.com", "/t/acme/oauth/token", Some(("acme", "/oauth/token"))),
            ("login.example.com", "/t/acme", Some(("acme", "/"))),
            (
                "login.example.com",
                "/t/acme/.well-known/openid-configuration",
                Some(("acme", "/.well-known/openid-configuration")),
            ),
            (
                "login.example.com",
                "/.well-known/oauth-authorization-server/t/acme",
                Some(("acme", "/.well-known/oauth-authorization-server")),
            ),
            (
                "login.example.com",
                "/.well-known/jwks.json/t/acme",
                Some(("default", "/.well-known/jwks.json/t/acme")),
            ),
            ("id.own.example", "/x", Some(("own", "/x"))),
            ("id.own.example.net", "/x", Some(("own", "/x"))),
            // A path names a tenant only on the host where that tenant lives; otherwise it is just a path.
            ("id.own.example", "/t/acme/x", Some(("own", "/t/acme/x"))),
            ("login.example.com", "/t/far/x", Some(("default", "/t/far/x"))),
            ("login.example.com", "/t/own/x", Some(("default", "/t/own/x"))),
            ("login.example.com", "/t/%61cme/x", Some(("default", "/t/%61cme/x"))),
            ("login.example.com", "/T/acme/x", Some(("default", "/T/acme/x"))),
            ("elsewhere.example", "/", None),
            ("elsewhere.example", "/t/far/", Some(("far", "/"))),
            ("unknown.example", "/", None),
            ("unknown.example", "/t/acme/", None),
            ("login.example.com:8443", "/", None),
            ("login.example.com.", "/", None),
            ("", "/", None),
        ];
        let directory = directory();
        for (authority, path, expected) in cases {
            let found = directory.resolve(authority, path);
            let found = found.as_ref().map(|(tenant, routed)| (tenant.slug.as_str(), routed.path));
            assert_eq!(found, expected, "{authority} {path}");
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
