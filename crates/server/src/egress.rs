//! The only door out to addresses that others name: a client's `jwks_uri`, its `sector_identifier_uri`, one of its
//! `request_uris`, its `backchannel_logout_uri`.
//!
//! Whoever may write such an address must not reach through this server what only this server reaches. So a name is
//! resolved once, every address that it has is judged, and the connection goes to those addresses and no other; private
//! and special networks are refused unless the configuration names them. Redirects are not followed, answers are bounded
//! in octets and time, nothing is kept between two fetches, and no variable of the environment says otherwise.

mod networks;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::{Host, Url};

use crate::tenant::is_loopback_name;

/// For everything: waiting for a turn, resolving, connecting, the whole answer.
const TIME: Duration = Duration::from_secs(5);
/// Fetches at once. A tenant's slow key server must not take all of the server's connections.
const AT_ONCE: usize = 16;
/// Of request objects at once. Whoever opens a link can have one fetched, and must not keep keys from being fetched by that.
const REQUEST_OBJECTS_AT_ONCE: usize = 8;
/// Posts at once, apart from those: clients that are slow to hear of something must not hold up who needs keys. More, since a
/// person who signs out waits for all of theirs.
const POSTS_AT_ONCE: usize = 64;
/// Octets of an answer.
const OCTETS: usize = 64 * 1024;
/// Addresses of one name.
const ADDRESSES: usize = 32;

/// Where a server may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressRules {
    /// Networks that are allowed though they are private or special.
    pub allow: Vec<IpNet>,
    /// Whether plain http is taken on this machine. Development only.
    pub http_on_loopback: bool,
}

impl EgressRules {
    /// Networks (`10.0.0.0/8`) and single addresses. The error says what is wrong with the first that can't be taken.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let network = |text: &str| {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| {
                format!("{text:?} is neither an address nor a network; write it like \"10.0.0.0/8\"")
            })
        };
        let allow = texts.into_iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { allow, http_on_loopback: false })
    }

    /// For `portico dev`: this machine too.
    pub fn development() -> Self {
        Self { allow: networks::LOOPBACK.into(), http_on_loopback: true }
    }

    /// Whether a connection may go to this address.
    fn admit(&self, address: IpAddr) -> bool {
        let address = networks::meant(address);
        networks::is_public(address) || self.allow.iter().any(|network| network.contains(&address))
    }
}

/// Why nothing was fetched. The text is for operators; it never repeats what was answered.
#[derive(Debug)]
pub enum EgressError {
    /// Not a URL with a host, or with a user or a fragment.
    Address,
    /// Not https.
    Scheme,
    /// The name is of an address that must not be reached from here.
    Forbidden(IpAddr),
    /// The name has no address, or too many.
    Unresolved,
    /// Too many fetches wait already, or it took too long.
    Late,
    /// Redirects are not followed.
    Redirect,
    /// Another status than 200.
    Status(u16),
    /// Not what was to be fetched, by its media type.
    MediaType(Document),
    /// More than the limit.
    TooLarge,
    /// No connection, no TLS, no HTTP.
    Network(reqwest::Error),
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("the address is not a URL with a host, without user and fragment"),
            Self::Scheme => f.write_str("only https is fetched"),
            Self::Forbidden(address) => write!(
                f,
                "the address {address} is private or special; if it is meant, name its network in `egress.allow`"
            ),
            Self::Unresolved => f.write_str("the name has no address"),
            Self::Late => f.write_str("there was no whole answer in time"),
            Self::Redirect => {
                f.write_str("it answers with a redirect, which is not followed; name the place itself")
            }
            Self::Status(status) => write!(f, "it answers with status {status}"),
            Self::MediaType(Document::Json) => f.write_str("it doesn't answer with JSON (application/json)"),
            Self::MediaType(Document::RequestObject) => {
                f.write_str("it doesn't answer with a request object (application/oauth-authz-req+jwt)")
            }
            Self::TooLarge => write!(f, "it answers with more than {OCTETS} octets"),
            Self::Network(_) => f.write_str("it can't be reached by TLS and HTTP"),
        }
    }
}

impl Error for EgressError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Network(error) => Some(error),
            _ => None,
        }
    }
}

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// A JSON document.
    Json,
    /// A signed request (RFC 9101 section 5.2.3).
    RequestObject,
}

impl Document {
    const fn accepted(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::RequestObject => "application/oauth-authz-req+jwt, application/jwt",
        }
    }

    /// Whether this media type, in small letters, is one for it. One that says in what form it is (RFC 6839 section 3.1, RFC
    /// 8417 section 7.2) is one.
    fn is_of(self, essence: &str) -> bool {
        let Some(subtype) = essence.strip_prefix("application/") else { return false };
        match self {
            Self::Json => subtype == "json" || subtype.ends_with("+json"),
            Self::RequestObject => subtype == "jwt" || subtype == "jose" || subtype.ends_with("+jwt"),
        }
    }
}

/// The addresses of a name; the system's word, but in the tests.
type Lookup =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// The door.
pub struct Egress {
    rules: Arc<EgressRules>,
    client: Client,
    turns: Semaphore,
    request_object_turns: Semaphore,
    turns_to_post: Semaphore,
    time: Duration,
}

impl Egress {
    /// A door with these rules.
    pub fn new(rules: EgressRules) -> Result<Self, reqwest::Error> {
        Self::with_lookup(rules, Arc::new(|name| Box::pin(look_up(name))))
    }

    fn with_lookup(rules: EgressRules, lookup: Lookup) -> Result<Self, reqwest::Error> {
        let rules = Arc::new(rules);
        let client = Client::builder()
            .user_agent(concat!("portico/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Pinned { rules: Arc::clone(&rules), lookup })
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .https_only(!rules.http_on_loopback)
            // A connection that stays would outlive the judgement about its address.
            .pool_max_idle_per_host(0)
            .build()?;
        let [turns, request_object_turns, turns_to_post] =
            [AT_ONCE, REQUEST_OBJECTS_AT_ONCE, POSTS_AT_ONCE].map(Semaphore::new);
        Ok(Self { rules, client, turns, request_object_turns, turns_to_post, time: TIME })
    }

    /// Fetches a JSON document, whole.
    pub async fn fetch_json(&self, address: &str) -> Result<Vec<u8>, EgressError> {
        self.fetch_document(address, Document::Json).await
    }

    /// Fetches a request object, whole.
    pub async fn fetch_request_object(&self, address: &str) -> Result<Vec<u8>, EgressError> {
        self.fetch_document(address, Document::RequestObject).await
    }

    async fn fetch_document(&self, address: &str, document: Document) -> Result<Vec<u8>, EgressError> {
        let url = self.judge(address)?;
        match timeout(self.time, self.fetch(url, document)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(EgressError::Late),
        }
    }

    /// Posts a form, and gives the status of the answer, which is not read any further. `within` is for everything, and never
    /// longer than a fetch may take.
    pub async fn post_form(
        &self,
        address: &str,
        fields: &[(&str, &str)],
        within: Duration,
    ) -> Result<u16, EgressError> {
        let url = self.judge(address)?;
        let post = async {
            let _turn = self.turns_to_post.acquire().await.map_err(|_| EgressError::Late)?;
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let request = self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            let answer = request.body(body).send().await.map_err(cause)?;
            if answer.status().is_redirection() {
                return Err(EgressError::Redirect);
            }
            Ok(answer.status().as_u16())
        };
        match timeout(within.min(self.time), post).await {
            Ok(posted) => posted,
            Err(_) => Err(EgressError::Late),
        }
    }

    /// What can be said before anything is resolved. An address that is written out never passes the resolver.
    fn judge(&self, address: &str) -> Result<Url, EgressError> {
        let url = Url::parse(address).map_err(|_| EgressError::Address)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(EgressError::Address);
        }
        let host = url.host().ok_or(EgressError::Address)?;
        let plain = self.rules.http_on_loopback && is_loopback_name(&host.to_string());
        if url.scheme() != "https" && !(url.scheme() == "http" && plain) {
            return Err(EgressError::Scheme);
        }
        let written = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(address)),
            Host::Ipv6(address) => Some(IpAddr::from(address)),
        };
        match written {
            Some(address) if !self.rules.admit(address) => Err(EgressError::Forbidden(address)),
            _ => Ok(url),
        }
    }

    async fn fetch(&self, url: Url, document: Document) -> Result<Vec<u8>, EgressError> {
        let turns = match document {
            Document::Json => &self.turns,
            Document::RequestObject => &self.request_object_turns,
        };
        let _turn = turns.acquire().await.map_err(|_| EgressError::Late)?;
        let request = self.client.get(url).header(ACCEPT, document.accepted());
        let mut answer = request.send().await.map_err(cause)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_redirection() => return Err(EgressError::Redirect),
            status => return Err(EgressError::Status(status.as_u16())),
        }
        if !is_of(answer.headers(), document) {
            return Err(EgressError::MediaType(document));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(cause)? {
            if body.len() + chunk.len() > OCTETS {
                return Err(EgressError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Whether there is one media type, of this document.
fn is_of(headers: &HeaderMap, document: Document) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next()).unwrap_or_default();
    document.is_of(&essence.trim().to_ascii_lowercase())
}

/// What lies behind an error of the client: our own refusal to resolve, if it was that.
fn cause(error: reqwest::Error) -> EgressError {
    let mut source = error.source();
    while let Some(inner) = source {
        match inner.downcast_ref::<EgressError>() {
            Some(EgressError::Forbidden(address)) => return EgressError::Forbidden(*address),
            Some(EgressError::Unresolved) => return EgressError::Unresolved,
            _ => source = inner.source(),
        }
    }
    EgressError::Network(error)
}

/// Gives the connector the addresses of a name, all of them judged. It asks once per connection, and connects to none but
/// those, so that no second answer of the name server counts.
struct Pinned {
    rules: Arc<EgressRules>,
    lookup: Lookup,
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, found) = (Arc::clone(&self.rules), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = found.await.map_err(|_| EgressError::Unresolved)?;
            if addresses.is_empty() || addresses.len() > ADDRESSES {
                return Err(EgressError::Unresolved.into());
            }
            // One that is forbidden refuses the name: a public address beside it is how the judgement would be evaded.
            if let Some(forbidden) = addresses.iter().find(|address| !rules.admit(**address)) {
                return Err(EgressError::Forbidden(*forbidden).into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

async fn look_up(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}
