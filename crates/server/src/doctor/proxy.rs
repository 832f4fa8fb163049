//! Whether a proxy before the server says what it must.

use super::echo::Seen;
use super::{Check, Report};
use crate::config::Config;
use crate::tenant::Issuer;

/// How a request from outside comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nothing stands between.
    Direct,
    /// A listed proxy says whom it speaks for.
    Relayed,
    /// A proxy that is not listed: its clients share its address.
    NotListed,
    /// A proxy that doesn't say whom it speaks for.
    Silent,
}

pub(super) fn way(seen: &Seen, config: &Config) -> Way {
    let speaks_tls = config.issuer.as_ref().is_some_and(Issuer::is_https);
    match (config.trusted_proxies.includes(seen.peer), seen.has_forwarded_for) {
        (true, true) => Way::Relayed,
        // Who asks from a proxy's own machine comes directly, too; then no other header of a proxy is there.
        (true, false) if seen.is_relayed || (speaks_tls && config.tls.is_none()) => Way::Silent,
        (false, _) if seen.is_relayed => Way::NotListed,
        // Somebody speaks TLS for this server, and is not to be seen.
        (false, _) if speaks_tls && config.tls.is_none() => Way::Silent,
        (true | false, _) => Way::Direct,
    }
}

pub(super) fn judge(report: &mut Report, seen: &Seen, config: &Config) {
    let peer = seen.peer;
    match way(seen, config) {
        Way::Direct => report.ok(Check::Proxy, format!("no proxy stands before the server; it sees {}", seen.address)),
        Way::Relayed => report.ok(Check::Proxy, format!("the proxy at {peer} says whom it speaks for: {}", seen.address)),
        Way::NotListed => report.fail(
            Check::Proxy,
            format!("a proxy at {peer} passes requests on and is not listed, so that all people share its address and its rate limits"),
            format!("trusted_proxies = [\"{peer}\"]"),
        ),
        Way::Silent => report.fail(
            Check::Proxy,
            format!("the proxy at {peer} does not say whom it speaks for, so that all people share its address and its rate limits"),
            format!(
                "let it append the client's address to X-Forwarded-For (nginx: `proxy_set_header X-Forwarded-For \
                 $proxy_add_x_forwarded_for;`), and list it: trusted_proxies = [\"{peer}\"]"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forwarded::TrustedProxies;
    use std::path::Path;

    #[test]
    fn each_way_in_is_known_by_what_the_server_sees() {
        let config = |issuer: &str, proxies: &[&str]| {
            let mut config = Config::development(Path::new("data"), 0, Some(Issuer::parse(issuer).unwrap()));
            config.trusted_proxies = TrustedProxies::parse(proxies.iter().copied()).unwrap();
            config
        };
        let seen = |is_relayed, has_forwarded_for| Seen {
            peer: "10.0.0.1".parse().unwrap(),
            address: "203.0.113.7".parse().unwrap(),
            is_relayed,
            has_forwarded_for,
        };
        let (https, http) = ("https://login.example.com", "http://localhost:8080");
        for (issuer, proxies, relayed, forwarded, expected) in [
            (https, &["10.0.0.1"][..], true, true, Way::Relayed),
            (https, &["10.0.0.1"], true, false, Way::Silent),
            (https, &["10.0.0.1"], false, false, Way::Silent),
            (https, &[], true, true, Way::NotListed),
            (https, &["10.0.0.2"], true, true, Way::NotListed),
            (https, &[], false, false, Way::Silent),
            (http, &[], true, false, Way::NotListed),
            (http, &[], false, false, Way::Direct),
            (http, &["10.0.0.1"], false, false, Way::Direct),
            (http, &["10.0.0.1"], true, false, Way::Silent),
        ] {
            let found = way(&seen(relayed, forwarded), &config(issuer, proxies));
            assert_eq!(found, expected, "{issuer} {proxies:?} {relayed} {forwarded}");
        }
    }
}
