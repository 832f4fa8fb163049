use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue, LOCATION, ORIGIN, REFERRER_POLICY};
use reqwest::{Client, Method, RequestBuilder};
use url::{Origin, Url};

use crate::page::{Form, Page};

/// More hops than any of our flows has: a loop between pages is found, not waited for.
const HOPS: usize = 12;

/// A person's browser without scripts: it keeps cookies, follows redirects and pages that move on, fills in forms.
///
/// It stays at the server that it was made for: a redirect to anywhere else, a relying party's callback say, isn't
/// fetched but told by [`Page::left_to`].
pub struct Browser {
    http: Client,
    jar: Arc<Jar>,
    home: Url,
    /// What the person set in their browser: the value of `Accept-Language`.
    languages: Option<HeaderValue>,
}

impl Browser {
    /// A browser that never was here before.
    pub fn new(home: &str) -> Self {
        Self::made_of(client(), home)
    }

    /// The same, at a server by https whose certificate this authority gave.
    pub fn trusting(home: &str, authority: &reqwest::Certificate) -> Self {
        Self::made_of(client().tls_certs_only([authority.clone()]), home)
    }

    fn made_of(client: reqwest::ClientBuilder, home: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let http = client.cookie_provider(Arc::clone(&jar)).build().expect("an HTTP client");
        Self { http, jar, home: Url::parse(home).expect("a server's address"), languages: None }
    }

    /// The same browser, set to these languages (`Accept-Language`).
    pub fn speaking(mut self, languages: &str) -> Self {
        self.languages = Some(languages.parse().expect("a header"));
        self
    }

    /// The same browser, saying this of itself (`User-Agent`).
    pub fn calling_itself(self, agent: &str) -> Self {
        let http = client().cookie_provider(Arc::clone(&self.jar)).user_agent(agent);
        Self { http: http.build().expect("an HTTP client"), ..self }
    }

    /// The same browser, behind a proxy that says whom it speaks for (`X-Forwarded-For`).
    pub fn coming_from(self, address: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", address.parse().expect("a header"));
        let http = client().cookie_provider(Arc::clone(&self.jar)).default_headers(headers);
        Self { http: http.build().expect("an HTTP client"), ..self }
    }

    /// Types an address: a path at the server, or a whole URL.
    pub async fn open(&self, address: &str) -> Page {
        self.open_from(address, "none").await
    }

    /// Follows a link or a redirect from another site, so that cookies that are `SameSite=Strict` would not come along.
    pub async fn arrive(&self, address: &str) -> Page {
        self.open_from(address, "cross-site").await
    }

    /// Sends a form that [`Page::form`] found and the test filled in.
    pub async fn submit(&self, form: Form) -> Page {
        let origin = if form.page_hides_origin { None } else { Some(form.page.origin()) };
        let request = match form.method {
            Method::GET => {
                let mut url = form.action.clone();
                url.query_pairs_mut().clear().extend_pairs(&form.fields);
                self.navigate(Method::GET, url, "same-origin")
            }
            _ => self.navigate(Method::POST, form.action.clone(), "same-origin").form(&form.fields),
        };
        let request =
            if form.method == Method::GET { request } else { from_origin(request, origin.as_ref()) };
        self.follow(request).await
    }

    /// Sends a form that another site made: its own fields, its own origin.
    pub async fn submit_from_elsewhere(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        let stranger = Url::parse("https://elsewhere.example").expect("a URL").origin();
        let request = self.navigate(Method::POST, self.resolve(address), "cross-site").form(fields);
        self.follow(from_origin(request, Some(&stranger))).await
    }

    /// One request without following where it leads.
    pub async fn once(&self, request: RequestBuilder) -> Page {
        let answer = request.send().await.expect("an answer");
        Page::read(answer, &self.home).await
    }

    /// A request as this browser would send it for a navigation; nothing is sent yet.
    pub fn navigate(&self, method: Method, url: Url, site: &'static str) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"));
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("document"));
        headers.insert("sec-fetch-user", HeaderValue::from_static("?1"));
        if let Some(languages) = &self.languages {
            headers.insert(ACCEPT_LANGUAGE, languages.clone());
        }
        self.http.request(method, url).headers(headers)
    }

    /// The cookies that a request to this path would carry, as `name=value; …`.
    pub fn cookies(&self, path: &str) -> Option<String> {
        self.jar.cookies(&self.resolve(path)).and_then(|value| value.to_str().ok().map(str::to_owned))
    }

    /// Plants a cookie as a `Set-Cookie` of the server would.
    pub fn plant_cookie(&self, set_cookie: &str) {
        self.jar.add_cookie_str(set_cookie, &self.home);
    }

    pub fn resolve(&self, address: &str) -> Url {
        self.home.join(address).expect("an address")
    }

    async fn open_from(&self, address: &str, site: &'static str) -> Page {
        let request = self.navigate(Method::GET, self.resolve(address), site);
        self.follow(request).await
    }

    async fn follow(&self, request: RequestBuilder) -> Page {
        let mut page = self.once(request).await;
        let mut trail = vec![page.url.to_string()];
        while page.left_to.is_none() {
            let Some(next) = page.leads_to() else { return page };
            trail.push(next.to_string());
            assert!(trail.len() <= HOPS, "a browser would say: too many redirects\n{}", trail.join("\n"));
            if next.origin() == self.home.origin() {
                page = self.once(self.navigate(Method::GET, next, "same-origin")).await;
            } else {
                page.left_to = Some(next);
            }
        }
        page
    }
}

/// An HTTP client for a test: any name leads to this machine (tenants have hosts of their own), redirects are shown.
pub fn client() -> reqwest::ClientBuilder {
    Client::builder()
        .dns_resolver(Arc::new(ThisMachine))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

struct ThisMachine;

impl Resolve for ThisMachine {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// A page that sends `Referrer-Policy: no-referrer` makes browsers say `Origin: null` (Fetch standard, section
/// "Origin header").
fn from_origin(request: RequestBuilder, origin: Option<&Origin>) -> RequestBuilder {
    request.header(ORIGIN, origin.map_or_else(|| "null".to_owned(), Origin::ascii_serialization))
}

pub(crate) fn redirect(headers: &HeaderMap, from: &Url) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().expect("a Location of visible ASCII");
    Some(from.join(location).expect("a Location that is a URL"))
}

pub(crate) fn hides_origin(headers: &HeaderMap) -> bool {
    headers.get(REFERRER_POLICY).is_some_and(|policy| policy == "no-referrer")
}
