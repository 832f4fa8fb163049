//! The cookie that names a browser, and what hangs on it: the record, its live sessions, the tokens of its forms.

use std::time::Duration;

use aws_lc_rs::hmac;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use identity::{BrowserRecord, Session};
use oidc::discovery::path;
use oidc::session_state::BrowserState;
use store::{Fault, Read, Tx, write_one, write_tx};
use terms::{BrowserHandle, BrowserHandleHash, BrowserId, Language, SessionId, Timestamp};

use crate::app::App;
use crate::tenant::Tenant;

/// How long a browser keeps its cookie: 400 days, the most that browsers allow (RFC 6265bis section 5.5). Sessions end
/// by their own rules long before.
const COOKIE_SECONDS: u32 = 400 * 24 * 60 * 60;
/// How old "last active" may be. Less would make every page view a write.
const ACTIVITY_STEP: Duration = Duration::from_mins(5);

/// Who asks: the browser that the cookie names, if it names one, and the sessions that are live in it.
#[derive(Debug, Clone, Default)]
pub struct BrowserContext {
    pub browser: Option<BrowserRecord>,
    /// Oldest first.
    pub sessions: Vec<Session>,
}

/// Finds the browser of a request and its live sessions, and notes that they were active.
pub async fn load(
    app: &App,
    tenant: &Tenant,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<BrowserContext, Fault> {
    let Some(hash) = presented_hash(tenant, headers) else { return Ok(BrowserContext::default()) };
    let found = app.store.read(tenant.id).browser_with_sessions(hash).await?;
    reached(app, tenant, (hash, found), now).await
}

/// The same of what was found by the handle's hash in this request.
pub async fn reached(
    app: &App,
    tenant: &Tenant,
    (hash, found): (BrowserHandleHash, Option<(BrowserRecord, Vec<Session>)>),
    now: Timestamp,
) -> Result<BrowserContext, Fault> {
    let Some((browser, reach, mut sessions)) = found.and_then(|(browser, sessions)| {
        let reach = browser.reach(hash, now)?;
        Some((browser, reach, sessions))
    }) else {
        return Ok(BrowserContext::default());
    };
    sessions.retain(|session| session.is_live(now) && browser.may_use(reach, session));
    let due = due(&sessions, now);
    if !due.is_empty() {
        write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> { note_activity(tx, &due, now).await })?;
    }
    // As the request knows it: a rotation takes the place of this handle, and of no other.
    let browser = BrowserRecord { handle_hash: hash, ..browser };
    Ok(BrowserContext { browser: Some(browser), sessions })
}

/// The live sessions of a browser that the handle with which the request came may use: the one way in which a decision
/// reads them. Within a transaction it sees a rotation that was committed since the request began.
pub async fn live_sessions(
    read: &mut Read,
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Vec<Session>, Fault> {
    let found = read.browser_with_sessions(browser.handle_hash).await?;
    let Some((current, mut sessions)) = found else { return Ok(Vec::new()) };
    let Some(reach) = current.reach(browser.handle_hash, now) else { return Ok(Vec::new()) };
    sessions.retain(|session| session.is_live(now) && current.may_use(reach, session));
    Ok(sessions)
}

/// A live session of which it is to be noted that it is active, and its browser.
pub type Due = (SessionId, BrowserId);

/// Those of live sessions that are active without that having been noted of late.
pub fn due<'s>(sessions: impl IntoIterator<Item = &'s Session>, now: Timestamp) -> Vec<Due> {
    let is_due = |session: &&Session| now.since(session.last_active_at) >= ACTIVITY_STEP;
    sessions.into_iter().filter(is_due).map(|session| (session.id, session.browser_id)).collect()
}

/// Notes that sessions are active.
pub async fn note_activity(tx: &mut Tx, due: &[Due], now: Timestamp) -> Result<(), Fault> {
    for (session, browser) in due {
        tx.touch_session(*session, now).await?;
        tx.touch_browser(*browser, now).await?;
    }
    Ok(())
}

/// A browser that was just made known, and the cookie that tells it so.
#[derive(Debug)]
pub struct Minted {
    pub browser: BrowserRecord,
    pub cookie: HeaderValue,
}

/// Makes a browser known.
pub async fn mint(app: &App, tenant: &Tenant, now: Timestamp) -> Result<Minted, Fault> {
    let minted = newcomer(app, tenant, now);
    let browser = &minted.browser;
    write_one!(app.store, tenant.id, |tx| -> Result<(), Fault> { tx.insert_browser(browser).await })?;
    Ok(minted)
}

/// A browser that is about to be made known.
pub fn newcomer(app: &App, tenant: &Tenant, now: Timestamp) -> Minted {
    let handle: BrowserHandle = app.entropy.secret(BrowserHandle::new);
    let browser = BrowserRecord {
        id: app.entropy.id(BrowserId::new, now),
        handle_hash: handle.hash(),
        previous_handle_hash: None,
        rotated_at: now,
        created_at: now,
        last_seen_at: now,
    };
    Minted { browser, cookie: cookie(tenant, &handle) }
}

/// A new handle for a browser whose privileges change. Made before the transaction that changes them, applied within it.
#[derive(Debug)]
pub struct Rotation {
    next: BrowserHandle,
}

impl Rotation {
    pub fn new(app: &App) -> Self {
        Self { next: app.entropy.secret(BrowserHandle::new) }
    }

    /// Puts the new handle in the place of the one that the request came with. False when that one is no longer in
    /// force: then nothing may change, or who planted the old handle would get the new one.
    pub async fn apply(&self, tx: &mut Tx, browser: &BrowserRecord, now: Timestamp) -> Result<bool, Fault> {
        tx.rotate_browser(browser.id, browser.handle_hash, self.next.hash(), now).await
    }

    /// The cookie to answer with once the transaction is committed.
    pub fn cookie(&self, tenant: &Tenant) -> HeaderValue {
        cookie(tenant, &self.next)
    }
}

/// The cookie that names the browser.
const HANDLE: &str = "portico";
/// The cookie that tells the language which the person chose.
const LANGUAGE: &str = "portico_language";

/// The cookie that tells scripts the browser's state, and opens nothing.
const STATE: &str = "portico_state";

/// `__Host-` where the tenant has an https origin to itself; tenants that share one are told apart by path.
fn cookie_name(tenant: &Tenant, kind: &str) -> String {
    let id = tenant.id.to_string();
    // The last digits of an id are its random ones.
    let suffix = &id[id.len() - 12..];
    let prefix = if tenant.issuer.is_https() && tenant.issuer.path().is_empty() { "__Host-" } else { "" };
    format!("{prefix}{kind}_{suffix}")
}

fn cookie(tenant: &Tenant, handle: &BrowserHandle) -> HeaderValue {
    let mut value = set_cookie(tenant, HANDLE, &handle.reveal());
    value.set_sensitive(true);
    value
}

/// The cookie that keeps the language which the person chose in this browser.
pub fn language_cookie(tenant: &Tenant, language: Language) -> HeaderValue {
    set_cookie(tenant, LANGUAGE, language.as_str())
}

/// The language that the person chose in this browser. A text that is no language of ours is no choice.
pub fn chosen_language(tenant: &Tenant, headers: &HeaderMap) -> Option<Language> {
    presented(tenant, headers, LANGUAGE)?.parse().ok()
}

fn set_cookie(tenant: &Tenant, kind: &str, content: &str) -> HeaderValue {
    let secure = if tenant.issuer.is_https() { "; Secure" } else { "" };
    cookie_with(tenant, kind, content, &format!("HttpOnly; SameSite=Lax{secure}"))
}

fn cookie_with(tenant: &Tenant, kind: &str, content: &str, attributes: &str) -> HeaderValue {
    let name = cookie_name(tenant, kind);
    let path = tenant.path("/");
    // A path attribute covers what is below it; `/t/acme` covers `/t/acme/…` and not `/t/acme2` (RFC 6265 section 5.1.4).
    let path = if path == "/" { "/" } else { path.trim_end_matches('/') };
    let text = format!("{name}={content}; Path={path}; Max-Age={COOKIE_SECONDS}; {attributes}");
    // Made of base64url or a language's tag, and of what is checked when a tenant is made: always a header value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The name of the cookie that holds the browser's state.
pub fn state_cookie_name(tenant: &Tenant) -> String {
    cookie_name(tenant, STATE)
}

/// The state of a browser that has this handle (OpenID Connect Session Management section 3.2): another one after each change
/// of the handle, and so after each sign-in and sign-out. Nobody gets from it to the handle.
pub fn state_of(tenant: &Tenant, handle: BrowserHandleHash) -> BrowserState {
    let key = hmac::Key::new(hmac::HMAC_SHA256, tenant.data_key.derive("browser state").as_slice());
    let mut octets = [0; 32];
    octets.copy_from_slice(hmac::sign(&key, handle.as_bytes()).as_ref());
    BrowserState::new(&octets)
}

/// Frames of other sites must see it, so it is the one cookie that goes along there and that scripts read.
fn state_cookie(tenant: &Tenant, handle: BrowserHandleHash) -> HeaderValue {
    cookie_with(tenant, STATE, state_of(tenant, handle).as_str(), "SameSite=None; Secure")
}

/// Sees to it that a browser has its state beside its handle, where the tenant wants that: wherever an answer sets the handle, and
/// before a client gets a `session_state` that is made of it.
#[derive(Debug)]
pub struct StateKeeper {
    /// The handle of a browser that has no state yet and may be about to bring one to a client.
    without_state: Option<BrowserHandleHash>,
}

impl StateKeeper {
    pub fn for_request(tenant: &Tenant, request: &Request) -> Option<Self> {
        if !tenant.has_session_management() {
            return None;
        }
        let headers = request.headers();
        let is_needed = request.uri().path().starts_with(path::AUTHORIZE);
        let lacks_it = is_needed && presented(tenant, headers, STATE).is_none();
        let handle = presented_handle(tenant, headers).filter(|_| lacks_it);
        Some(Self { without_state: handle.map(|handle| handle.hash()) })
    }

    /// Adds the cookie to an answer that needs it.
    pub fn keep(self, tenant: &Tenant, headers: &mut HeaderMap) {
        let name = cookie_name(tenant, HANDLE);
        let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut handles = set.filter_map(|text| {
            let text = text.strip_prefix(&name)?.strip_prefix('=')?.split(';').next()?;
            BrowserHandle::parse(text).ok()
        });
        let handle = handles.next_back().map(|handle| handle.hash()).or(self.without_state);
        if let Some(handle) = handle {
            headers.append(SET_COOKIE, state_cookie(tenant, handle));
        }
    }
}

/// By what the browser is found that the request comes from, if it says so.
pub fn presented_hash(tenant: &Tenant, headers: &HeaderMap) -> Option<BrowserHandleHash> {
    Some(presented_handle(tenant, headers)?.hash())
}

/// The handle that the request presents.
fn presented_handle(tenant: &Tenant, headers: &HeaderMap) -> Option<BrowserHandle> {
    BrowserHandle::parse(presented(tenant, headers, HANDLE)?).ok()
}

/// What the request presents in a cookie. Two different texts under one name are none: somebody planted one of them.
fn presented<'h>(tenant: &Tenant, headers: &'h HeaderMap, kind: &str) -> Option<&'h str> {
    if !headers.contains_key(COOKIE) {
        return None;
    }
    let name = cookie_name(tenant, kind);
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let first = values.next()?;
    if values.any(|other| other != first) { None } else { Some(first) }
}

/// The token that every form of this browser carries. It outlives rotations of the handle, and no other site knows it.
pub fn form_token(tenant: &Tenant, browser: BrowserId) -> String {
    let tag = hmac::sign(&form_key(tenant), browser.to_string().as_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref())
}

/// Whether a form's token is this browser's. Compares in constant time.
pub fn is_form_token(tenant: &Tenant, browser: BrowserId, presented: &str) -> bool {
    let Ok(tag) = URL_SAFE_NO_PAD.decode(presented) else { return false };
    hmac::verify(&form_key(tenant), browser.to_string().as_bytes(), &tag).is_ok()
}

fn form_key(tenant: &Tenant) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, tenant.data_key.derive("form token").as_slice())
}

/// Whether a POST comes from one of our own pages, as far as the browser tells.
///
/// `Sec-Fetch-Site` is believed first: no script can set it. Our pages hide their address, so that their own forms say
/// `Origin: null` (Fetch standard, "append a request Origin header"); a named origin must be the tenant's. A browser too
/// old to tell either way is left to the form's token.
pub fn comes_from_own_page(tenant: &Tenant, headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    match headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        None => true,
        Some("null") => site.is_some(),
        Some(origin) => is_own_origin(tenant, origin),
    }
}

fn is_own_origin(tenant: &Tenant, origin: &str) -> bool {
    let scheme = if tenant.issuer.is_https() { "https://" } else { "http://" };
    let authority = origin.strip_prefix(scheme);
    origin == tenant.issuer.origin() || authority.is_some_and(|it| tenant.hosts.iter().any(|host| host == it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::sealing::MasterKeyRing;
    use crate::tenant::Issuer;
    use terms::{SecretText, TenantId};

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn tenant(issuer: &str, hosts: &[&str]) -> Tenant {
        let id = TenantId::new(NOW, [7; 10]);
        let ring = MasterKeyRing::parse(&SecretText::new("0123456789abcdef".repeat(4))).unwrap();
        Tenant {
            id,
            slug: "acme".to_owned(),
            version: 1,
            settings: identity::TenantSettings::default(),
            theme: None,
            issuer: Issuer::parse(issuer).unwrap(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            data_key: ring.new_data_key(&Entropy, id).unwrap().0,
            opened: crate::tenant::Opened::default(),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_cookie_is_as_strict_as_the_issuer_allows() {
        let handle = BrowserHandle::new([1; 32]);
        let cookie = |issuer: &str| {
            cookie(&tenant(issuer, &[]), &handle).to_str().unwrap().replace(&handle.reveal(), "…")
        };
        let rest = "Max-Age=34560000; HttpOnly; SameSite=Lax";
        assert_eq!(
            cookie("https://a.test"),
            format!("__Host-portico_070707070707=…; Path=/; {rest}; Secure")
        );
        assert_eq!(
            cookie("https://a.test/t/acme"),
            format!("portico_070707070707=…; Path=/t/acme; {rest}; Secure")
        );
        assert_eq!(cookie("http://localhost:8080"), format!("portico_070707070707=…; Path=/; {rest}"));
    }

    #[test]
    fn the_state_goes_along_everywhere_and_tells_nothing() {
        let (own, other) = (tenant("https://a.test", &[]), tenant("https://a.test", &[]));
        let [one, two] = [1, 2].map(|n| BrowserHandle::new([n; 32]));
        let state = state_of(&own, one.hash());
        assert_eq!(
            state_cookie(&own, one.hash()).to_str().unwrap(),
            format!(
                "__Host-portico_state_070707070707={}; Path=/; Max-Age=34560000; SameSite=None; Secure",
                state.as_str()
            )
        );
        assert_ne!(state, state_of(&own, two.hash()));
        // Each tenant has a key of its own.
        assert_ne!(state, state_of(&other, one.hash()));
        assert!(BrowserHandle::parse(state.as_str()).is_err());
    }

    #[test]
    fn a_state_is_set_wherever_a_handle_is() {
        let tenant = tenant("https://a.test", &[]);
        let [one, two] = [1, 2].map(|n| BrowserHandle::new([n; 32]));
        let kept = |without_state: Option<&BrowserHandle>, set: &[&BrowserHandle]| {
            let mut answer = HeaderMap::new();
            answer.append(SET_COOKIE, language_cookie(&tenant, Language::Polish));
            for handle in set {
                answer.append(SET_COOKIE, cookie(&tenant, handle));
            }
            let keeper = StateKeeper { without_state: without_state.map(BrowserHandle::hash) };
            keeper.keep(&tenant, &mut answer);
            let last = answer.get_all(SET_COOKIE).iter().next_back().unwrap().clone();
            last.to_str().unwrap().contains("portico_state_").then_some(last)
        };
        assert_eq!(kept(None, &[]), None);
        assert_eq!(kept(Some(&one), &[]), Some(state_cookie(&tenant, one.hash())));
        assert_eq!(kept(None, &[&two]), Some(state_cookie(&tenant, two.hash())));
        // The one that the answer gives is the one that the browser will have.
        assert_eq!(kept(Some(&one), &[&two]), Some(state_cookie(&tenant, two.hash())));
    }

    #[test]
    fn a_handle_is_taken_from_its_own_cookie_only_and_never_from_two() {
        let tenant = tenant("https://a.test", &[]);
        let [one, two] = [1, 2].map(|n| BrowserHandle::new([n; 32]));
        let name = cookie_name(&tenant, HANDLE);
        let found = |lines: &[String]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("cookie", line.as_str())).collect();
            presented_handle(&tenant, &headers(&pairs)).map(|handle| handle.hash())
        };
        assert_eq!(found(&[format!("x=1; {name}={}; y=2", one.reveal())]), Some(one.hash()));
        assert_eq!(found(&[format!("{name}={0}; {name}={0}", one.reveal())]), Some(one.hash()));
        assert_eq!(found(&[format!("{name}={}", one.reveal()), format!("{name}={}", two.reveal())]), None);
        assert_eq!(found(&[format!("portico_070707070707={}", one.reveal())]), None);
        assert_eq!(found(&[format!("{name}=ptc_ac_{}", &one.reveal()[7..])]), None);
    }

    #[test]
    fn a_language_is_kept_as_the_handle_is_and_only_ours_count() {
        let own = tenant("https://a.test", &[]);
        let rest = "Max-Age=34560000; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(
            language_cookie(&own, Language::Polish),
            format!("__Host-portico_language_070707070707=pl; Path=/; {rest}")
        );
        assert_eq!(
            language_cookie(&tenant("https://a.test/t/acme", &[]), Language::English),
            format!("portico_language_070707070707=en; Path=/t/acme; {rest}")
        );
        let name = cookie_name(&own, LANGUAGE);
        let long = "pl".repeat(4000);
        for (line, expected) in [
            (format!("{name}=pl"), Some(Language::Polish)),
            (format!("x=1; {name}=en; y=2"), Some(Language::English)),
            (format!("{name}=pl; {name}=pl"), Some(Language::Polish)),
            (format!("{name}=pl; {name}=en"), None),
            (format!("{name}=PL"), None),
            (format!("{name}=de"), None),
            (format!("{name}=../pl"), None),
            (format!("{name}="), None),
            (format!("{name}={long}"), None),
            ("portico_language_070707070707=pl".to_owned(), None),
        ] {
            assert_eq!(chosen_language(&own, &headers(&[("cookie", &line)])), expected, "{line}");
        }
    }

    #[test]
    fn a_form_counts_only_from_our_own_page() {
        let tenant = tenant("https://a.test", &["a.example"]);
        for (pairs, is_own) in [
            (vec![], true),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://a.test")], true),
            (vec![("origin", "https://a.test")], true),
            (vec![("origin", "https://a.example")], true),
            (vec![("origin", "null")], false),
            (vec![("origin", "http://a.test")], false),
            (vec![("origin", "https://a.test:8443")], false),
            (vec![("origin", "https://a.test.evil.example")], false),
            (vec![("sec-fetch-site", "same-site"), ("origin", "null")], false),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "https://a.test")], false),
            (vec![("sec-fetch-site", "none")], false),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
        ] {
            assert_eq!(comes_from_own_page(&tenant, &headers(&pairs)), is_own, "{pairs:?}");
        }
    }

    #[test]
    fn a_form_token_is_one_browsers_of_one_tenant() {
        let (tenant, other) = (tenant("https://a.test", &[]), tenant("https://b.test", &[]));
        let [one, two] = [1, 2].map(|n| BrowserId::new(NOW, [n; 10]));
        let token = form_token(&tenant, one);
        assert!(is_form_token(&tenant, one, &token));
        assert!(!is_form_token(&tenant, two, &token) && !is_form_token(&other, one, &token));
        for end in 0..token.len() {
            assert!(!is_form_token(&tenant, one, &token[..end]));
        }
    }
}
