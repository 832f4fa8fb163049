//! The cookie that names a browser, and what hangs on it: the record, its live sessions, the tokens of its forms.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, ORIGIN};
use http::{HeaderMap, HeaderValue};
use identity::{BrowserRecord, Session};
use store::{Fault, Read, Tx, write_tx};
use terms::{BrowserHandle, BrowserId, Language, Timestamp};

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
    let Some(handle) = presented_handle(tenant, headers) else { return Ok(BrowserContext::default()) };
    let hash = handle.hash();
    let mut read = app.store.read(tenant.id);
    let Some(mut browser) = read.browser_by_handle(hash).await? else { return Ok(BrowserContext::default()) };
    if browser.reach(hash, now).is_none() {
        return Ok(BrowserContext::default());
    }
    // As the request knows it: a rotation takes the place of this handle, and of no other.
    browser.handle_hash = hash;
    let sessions = live_sessions(&mut read, &browser, now).await?;
    note_activity(app, tenant, &sessions, now).await?;
    Ok(BrowserContext { browser: Some(browser), sessions })
}

/// The live sessions of a browser that the handle with which the request came may use: the one way in which a decision
/// reads them. Within a transaction it sees a rotation that was committed since the request began.
pub async fn live_sessions(
    read: &mut Read,
    browser: &BrowserRecord,
    now: Timestamp,
) -> Result<Vec<Session>, Fault> {
    let Some(current) = read.browser(browser.id).await? else { return Ok(Vec::new()) };
    let Some(reach) = current.reach(browser.handle_hash, now) else { return Ok(Vec::new()) };
    let mut sessions = read.sessions_of_browser(browser.id).await?;
    sessions.retain(|session| session.is_live(now) && current.may_use(reach, session));
    Ok(sessions)
}

async fn note_activity(
    app: &App,
    tenant: &Tenant,
    sessions: &[Session],
    now: Timestamp,
) -> Result<(), Fault> {
    let is_due = |session: &&Session| now.since(session.last_active_at) >= ACTIVITY_STEP;
    let due: Vec<_> =
        sessions.iter().filter(is_due).map(|session| (session.id, session.browser_id)).collect();
    if due.is_empty() {
        return Ok(());
    }
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> {
        for (session, browser) in &due {
            tx.touch_session(*session, now).await?;
            tx.touch_browser(*browser, now).await?;
        }
        Ok(())
    })
}

/// A browser that was just made known, and the cookie that tells it so.
#[derive(Debug)]
pub struct Minted {
    pub browser: BrowserRecord,
    pub cookie: HeaderValue,
}

/// Makes a browser known.
pub async fn mint(app: &App, tenant: &Tenant, now: Timestamp) -> Result<Minted, Fault> {
    let handle: BrowserHandle = app.entropy.secret(BrowserHandle::new);
    let browser = BrowserRecord {
        id: app.entropy.id(BrowserId::new, now),
        handle_hash: handle.hash(),
        previous_handle_hash: None,
        rotated_at: now,
        created_at: now,
        last_seen_at: now,
    };
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> { tx.insert_browser(&browser).await })?;
    Ok(Minted { browser, cookie: cookie(tenant, &handle) })
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
    let name = cookie_name(tenant, kind);
    let path = tenant.path("/");
    // A path attribute covers what is below it; `/t/acme` covers `/t/acme/…` and not `/t/acme2` (RFC 6265 section 5.1.4).
    let path = if path == "/" { "/" } else { path.trim_end_matches('/') };
    let secure = if tenant.issuer.is_https() { "; Secure" } else { "" };
    let text =
        format!("{name}={content}; Path={path}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    // Made of base64url or a language's tag, and of what is checked when a tenant is made: always a header value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The handle that the request presents.
fn presented_handle(tenant: &Tenant, headers: &HeaderMap) -> Option<BrowserHandle> {
    BrowserHandle::parse(presented(tenant, headers, HANDLE)?).ok()
}

/// What the request presents in a cookie. Two different texts under one name are none: somebody planted one of them.
fn presented<'h>(tenant: &Tenant, headers: &'h HeaderMap, kind: &str) -> Option<&'h str> {
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
