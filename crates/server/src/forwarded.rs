//! Whose address a request has, when proxies stand between the client and this server.
//!
//! Only `X-Forwarded-For` is read, and only from a peer that the configuration lists. No link, no scheme and no tenant
//! ever comes from a proxy's header.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Trusted proxies that may stand behind one another.
const HOPS: usize = 16;

/// The proxies whose word about their clients is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A trusted proxy wrote, where the next hop's address belongs, something that is none; or proxies without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl TrustedProxies {
    /// Networks (`10.0.0.0/8`) and single addresses. The error says what is wrong with the first that can't be taken.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        texts.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this address is listed.
    pub fn includes(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: of those that the connection and the header name, from the nearest on, the first that is
    /// no trusted proxy's.
    ///
    /// Every proxy appends whom it heard, so what stands right of that address was written by trusted proxies, and what
    /// stands left of it is the client's own word and never looked at.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Unreadable> {
        // A connection over IPv6 to a socket for both says `::ffff:192.0.2.1` for an IPv4 peer.
        let mut nearest = peer.to_canonical();
        if !self.includes(nearest) {
            return Ok(nearest);
        }
        // RFC 9110 section 5.3: several lines are one list, in their order.
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let hops = lines.flat_map(|line| line.as_bytes().rsplit(|octet| *octet == b','));
        for (count, hop) in hops.enumerate() {
            if count == HOPS {
                return Err(Unreadable);
            }
            nearest = address(hop).ok_or(Unreadable)?;
            if !self.includes(nearest) {
                return Ok(nearest);
            }
        }
        // No header: the proxy itself asks, for health. Or a client among the proxies.
        Ok(nearest)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match network {
        Ok(network) if network.prefix_len() == 0 => {
            Err(format!("{text:?} is everybody: whoever reaches this server could claim any address"))
        }
        Ok(network) => Ok(network),
        Err(_) => Err(format!("{text:?} is neither an address nor a network; write it like \"10.0.0.0/8\"")),
    }
}

/// An address, with a port after it or without.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().map(|it| it.ip());
    bare.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|it| it.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> Result<String, Unreadable> {
        let proxies = TrustedProxies::parse(["10.0.0.0/8", "::1", "2001:db8:1::/48"]).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).map(|address| address.to_string())
    }

    #[test]
    fn the_nearest_address_that_is_no_trusted_proxys_counts() {
        let cases: [(&str, &[&str], &str); 14] = [
            // Nobody's word is taken but a listed peer's.
            ("192.0.2.7", &["198.51.100.1"], "192.0.2.7"),
            ("192.0.2.7", &["nonsense"], "192.0.2.7"),
            ("::2", &["198.51.100.1"], "::2"),
            ("::1", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // What the client said about itself stands left, and is not looked at.
            ("10.1.2.3", &["127.0.0.1, nonsense, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["127.0.0.1", "198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["203.0.113.9, 198.51.100.1 ,10.9.9.9", "2001:db8:1::5"], "198.51.100.1"),
            ("10.1.2.3", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.1.2.3", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            // The proxy itself, and a client among the proxies.
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["10.7.7.7"], "10.7.7.7"),
        ];
        for (peer, lines, expected) in cases {
            assert_eq!(client(peer, lines).as_deref(), Ok(expected), "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_that_writes_no_address_is_refused() {
        let many = ["10.0.0.1"; HOPS + 1].join(",");
        for line in [
            "",
            "unknown",
            "198.51.100.1,",
            "198.51.100.1, unix:",
            "198.51.100.256",
            "10.0.0.1 10.0.0.2",
            &many,
        ] {
            assert_eq!(client("10.1.2.3", &[line]), Err(Unreadable), "{line}");
        }
        let just = ["10.0.0.1"; HOPS].join(",");
        assert_eq!(client("10.1.2.3", &[&just]).as_deref(), Ok("10.0.0.1"));
    }

    #[test]
    fn without_a_list_no_header_is_read() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, "198.51.100.1".parse().unwrap());
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(TrustedProxies::default().client(peer, &headers), Ok(peer));
    }

    #[test]
    fn a_list_of_everybody_or_of_nothing_readable_is_refused() {
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "localhost", "", "10.0.0.0-10.0.0.9"] {
            assert!(TrustedProxies::parse(["10.0.0.0/8", text]).is_err(), "{text}");
        }
    }
}
