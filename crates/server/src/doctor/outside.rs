//! What browsers and relying parties meet at the issuer's address.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use oidc::discovery::path;
use reqwest::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, COOKIE, DATE, HeaderMap, LOCATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use terms::Timestamp;

use super::data::{Data, MUCH, SOME, off};
use super::echo::{self, EchoKey, Seen};
use super::{Check, Options, Report, files, proxy};
use crate::config::Config;
use crate::entropy::Entropy;
use crate::tenant::Issuer;
use crate::tls;

/// For one whole answer.
const TIME: Duration = Duration::from_secs(10);
/// Octets of an answer that is read; each of ours has less.
const OCTETS: usize = 256 * 1024;
/// What is asked once the issuer answers.
const BEHIND: [Check; 5] = [Check::Identity, Check::Ready, Check::Clock, Check::Proxy, Check::Cookies];

/// An answer, read.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The server's certificate, as DER.
    certificate: Option<Vec<u8>>,
    /// Our clock before the question, and after the answer.
    asked: (Timestamp, Timestamp),
}

/// The way to the issuer.
struct Outside<'a> {
    http: Client,
    issuer: &'a Issuer,
    config: &'a Config,
    options: &'a Options,
}

pub(super) async fn look(report: &mut Report, config: &Config, options: &Options, data: Option<&Data>) {
    let Some(issuer) = &config.issuer else { return };
    let http = match client(options) {
        Ok(http) => http,
        Err(problem) => {
            report.fail(Check::Issuer, problem, "correct --ca-file: a PEM file of certificates");
            return report.unknown(&BEHIND, "there is no way to ask the issuer");
        }
    };
    Outside { http, issuer, config, options }.look(report, data).await;
}

fn client(options: &Options) -> Result<Client, String> {
    // Redirects are findings, and what the environment says of proxies is this machine's way out, not people's way in.
    let builder = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIME).tls_info(true);
    let builder = match &options.ca_file {
        None => builder,
        Some(file) => {
            let told = |error: &dyn Error| format!("{}: {error}", file.display());
            let pem = std::fs::read(file).map_err(|error| told(&error))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| told(&error))?;
            builder.tls_certs_only(authorities)
        }
    };
    builder.build().map_err(|error| chain(&error))
}

/// An error with its causes: the last one is mostly the one that helps.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Outside<'_> {
    async fn look(&self, report: &mut Report, data: Option<&Data>) {
        let found = match self.get(&format!("{}{}", self.issuer, path::OPENID_CONFIGURATION), &[]).await {
            Ok(found) => found,
            Err(problem) => {
                let mend = self.way_there().await;
                report.fail(Check::Issuer, format!("{} can't be reached: {problem}", self.issuer), mend);
                return report.unknown(&BEHIND, "the issuer can't be reached");
            }
        };
        if let Some(der) = &found.certificate {
            match tls::validity_of_der(der) {
                Ok(validity) => {
                    let whose = format!("the certificate at {}", self.issuer);
                    files::certificate(report, &whose, validity, self.options.clock.now());
                }
                Err(problem) => {
                    report.warn(Check::Certificate, problem, "look at it with `openssl s_client`");
                }
            }
        }
        clock(report, &found);
        if !self.discovery(report, &found) {
            return report.unknown(
                &[Check::Identity, Check::Ready, Check::Proxy, Check::Cookies],
                "the issuer answers otherwise than Portico does",
            );
        }
        self.identity(report, data).await;
        self.ready(report).await;
        self.cookies(report).await;
    }

    async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, String> {
        let before = self.options.clock.now();
        let request =
            headers.iter().fold(self.http.get(url), |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.map_err(|error| chain(&error))?;
        let certificate =
            response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body(response).await?;
        Ok(Answer { status, headers, body, certificate, asked: (before, self.options.clock.now()) })
    }

    /// What to do where nobody answers: the server itself is asked, past everything that stands before it.
    async fn way_there(&self) -> String {
        let listen = self.config.listen;
        let here = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let connecting = tokio::net::TcpStream::connect(SocketAddr::new(here, listen.port()));
        let listens =
            tokio::time::timeout(Duration::from_secs(2), connecting).await.is_ok_and(|it| it.is_ok());
        if listens {
            format!(
                "something listens on {listen}: look at the way there, which is the name in DNS, the firewall, the proxy and \
                 its certificate"
            )
        } else {
            format!("nothing listens on {listen}: start `portico serve {}`", self.options.target)
        }
    }

    /// Whether the document is there and names this issuer.
    fn discovery(&self, report: &mut Report, found: &Answer) -> bool {
        let document: Value = serde_json::from_slice(&found.body).unwrap_or_default();
        if found.status.is_redirection() {
            let to = found.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
            report.fail(
                Check::Issuer,
                format!("{} redirects to {to}", self.issuer),
                "the issuer must answer itself; let the proxy pass all paths of it on as they are",
            );
            return false;
        }
        if document["error"] == "unknown_host" {
            report.fail(
                Check::Proxy,
                "the server answers, and does not know the host that it is asked for",
                format!(
                    "let the proxy pass on `Host` unchanged (nginx: `proxy_set_header Host $host;`), which is {}",
                    self.issuer.authority()
                ),
            );
            return false;
        }
        if found.status != StatusCode::OK {
            let status = found.status.as_u16();
            report.fail(
                Check::Issuer,
                format!("{} answers {status} to {}", self.issuer, path::OPENID_CONFIGURATION),
                "look into the log of the proxy and of Portico; 502 and 504 are a proxy that doesn't reach the server",
            );
            return false;
        }
        if document["issuer"] != self.issuer.as_str() {
            report.fail(
                Check::Identity,
                format!("{} calls itself {}", self.issuer, document["issuer"]),
                "let the name lead to this server, or set issuer to what this deployment was made with",
            );
            return false;
        }
        report.ok(Check::Issuer, format!("{} answers", self.issuer));
        true
    }

    /// Whether it is this deployment that answers, and what it sees of who asks.
    async fn identity(&self, report: &mut Report, data: Option<&Data>) {
        let Some(data_key) = data.and_then(|data| data.default_key.as_ref()) else {
            return report.unknown(
                &[Check::Identity, Check::Proxy],
                "without database and master key there is nothing to know it by",
            );
        };
        let (key, nonce) = (EchoKey::of(data_key), Entropy.hex::<16>());
        let url = format!("{}{}", self.issuer, echo::PATH);
        let mend =
            "let the name lead to this server; a server that runs since before an upgrade must be restarted";
        let answer = match self.get(&url, &[(echo::TAG.as_str(), &key.question(&nonce))]).await {
            Ok(answer) => answer,
            Err(problem) => {
                report.fail(Check::Identity, format!("{url}: {problem}"), mend);
                return report.unknown(&[Check::Proxy], "it did not answer");
            }
        };
        let tag = answer.headers.get(echo::TAG).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let seen = key
            .answers(&nonce, &answer.body, tag)
            .then(|| serde_json::from_slice::<Seen>(&answer.body).ok())
            .flatten();
        let Some(seen) = seen else {
            report.fail(
                Check::Identity,
                format!("{} is a Portico with other data than this configuration's", self.issuer),
                mend,
            );
            return report.unknown(&[Check::Proxy], "the issuer is another server");
        };
        report.ok(Check::Identity, "the issuer is this deployment's");
        proxy::judge(report, &seen, self.config);
    }

    async fn ready(&self, report: &mut Report) {
        match self.get(&format!("{}/readyz", self.issuer.origin()), &[]).await {
            Ok(answer) if answer.status == StatusCode::OK => {
                report.ok(Check::Ready, "the server can answer requests");
            }
            Ok(answer) => report.fail(
                Check::Ready,
                format!(
                    "/readyz answers {}: {}",
                    answer.status.as_u16(),
                    String::from_utf8_lossy(&answer.body).trim()
                ),
                "the server's log says more; it needs its database, migrated",
            ),
            Err(problem) => report.fail(Check::Ready, problem, "let the proxy pass on /readyz too"),
        }
    }

    /// What a browser gets with the first page, and whether it comes back.
    async fn cookies(&self, report: &mut Report) {
        match self.first_page().await {
            Ok(()) => report.ok(Check::Cookies, "come as they must, and come back"),
            Err(what) => report.fail(
                Check::Cookies,
                what,
                "let the proxy leave the headers Cookie, Set-Cookie and those of the answers alone, and pass all paths on",
            ),
        }
    }

    async fn first_page(&self) -> Result<(), String> {
        let url = format!("{}/sign-in", self.issuer);
        let html = (ACCEPT.as_str(), "text/html");
        let page = self.get(&url, &[html]).await?;
        if page.status != StatusCode::OK {
            return Err(format!("/sign-in answers {}", page.status.as_u16()));
        }
        let cookie = handle(&page.headers).ok_or("the sign-in page sets no cookie")?;
        judge_cookie(self.issuer, cookie)?;
        if !page.headers.contains_key(CONTENT_SECURITY_POLICY) {
            return Err("the answer's Content-Security-Policy is missing".to_owned());
        }
        if self.issuer.is_https() && !page.headers.contains_key(STRICT_TRANSPORT_SECURITY) {
            return Err("the answer's Strict-Transport-Security is missing".to_owned());
        }
        let pair = cookie.split(';').next().unwrap_or_default();
        let again = self.get(&url, &[html, (COOKIE.as_str(), pair)]).await?;
        match handle(&again.headers) {
            None if again.status == StatusCode::OK => Ok(()),
            None => {
                Err(format!("/sign-in answers {} to a browser that was there before", again.status.as_u16()))
            }
            Some(_) => Err("the cookie does not come back to the server: it sets another one".to_owned()),
        }
    }
}

/// By the header that every answer has (RFC 9110 section 6.6.1).
fn clock(report: &mut Report, found: &Answer) {
    let date = found.headers.get(DATE).and_then(|value| value.to_str().ok());
    let told = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(told) = told else {
        return report.unknown(&[Check::Clock], "the issuer's answer has no Date");
    };
    // The header names a whole second, which had begun by then.
    let second = Timestamp::from_millis(told.timestamp().as_millisecond());
    let (before, after) = found.asked;
    let apart = off(second, before.minus(Duration::from_secs(1)), after);
    let what = format!("the clock at the issuer is {} seconds from this machine's", apart.as_secs());
    let mend =
        "set the clocks of both machines by time servers (`timedatectl set-ntp true`); tokens tell the time";
    match apart {
        apart if apart > MUCH => report.fail(Check::Clock, what, mend),
        apart if apart > SOME => report.warn(Check::Clock, what, mend),
        _ => report.ok(Check::Clock, "the issuer's agrees with this machine's"),
    }
}

/// Whether the cookie is as the server writes it.
fn judge_cookie(issuer: &Issuer, cookie: &str) -> Result<(), String> {
    let attributes: Vec<String> =
        cookie.split(';').skip(1).map(|it| it.trim().to_ascii_lowercase()).collect();
    let has = |wanted: &str| attributes.iter().any(|it| it == wanted);
    let path = if issuer.path().is_empty() { "/" } else { issuer.path() };
    let path = format!("path={path}").to_ascii_lowercase();
    let mut wanted = vec!["httponly", "samesite=lax", &path];
    if issuer.is_https() {
        wanted.push("secure");
    }
    if let Some(missing) = wanted.into_iter().find(|wanted| !has(wanted)) {
        return Err(format!("the cookie comes without {missing}"));
    }
    if attributes.iter().any(|it| it.starts_with("domain=")) {
        return Err("the cookie comes with a Domain, which the server doesn't write".to_owned());
    }
    if issuer.is_https() && issuer.path().is_empty() && !cookie.starts_with("__Host-") {
        return Err("the cookie's name was changed".to_owned());
    }
    Ok(())
}

/// The cookie that names the browser.
fn handle(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.into_iter().find(|cookie| {
        let name = cookie.split('=').next().unwrap_or_default();
        name.contains("portico_") && !name.contains("portico_language")
    })
}

async fn body(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + chunk.len() > OCTETS {
            return Err(format!("answers with more than {OCTETS} octets"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_something_changed_is_told() {
        let good = "__Host-portico_070707070707=x; Path=/; Max-Age=1; HttpOnly; SameSite=Lax; Secure";
        let (root, path) = ("https://a.example", "https://a.example/t/acme");
        let told = |issuer: &str, cookie: &str| judge_cookie(&Issuer::parse(issuer).unwrap(), cookie).err();
        assert_eq!(told(root, good), None);
        assert_eq!(told("http://localhost:8080", &good.replace("; Secure", "")), None);
        for (from, to, said) in [
            ("; Secure", "", "without secure"),
            ("; HttpOnly", "", "without httponly"),
            ("SameSite=Lax", "SameSite=None", "without samesite=lax"),
            ("Path=/;", "Path=/auth;", "without path=/"),
            ("Path=/;", "Path=/; Domain=a.example;", "with a Domain"),
            ("__Host-", "", "name was changed"),
        ] {
            let found = told(root, &good.replace(from, to));
            assert!(found.as_ref().is_some_and(|found| found.contains(said)), "{from}: {found:?}");
        }
        assert_eq!(told(path, &good.replace("Path=/;", "Path=/t/acme;").replace("__Host-", "")), None);
        assert!(told(path, good).is_some());
    }
}
