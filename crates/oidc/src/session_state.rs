//! Session management: by what a client sees, without asking, that somebody's sign-in has changed (OpenID Connect Session Management
//! 1.0).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use terms::ClientId;

/// The state of a browser as its scripts may know it: another text after each sign-in and each sign-out. It opens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserState(String);

impl BrowserState {
    /// Out of octets that change with the sign-ins of the browser and tell nothing.
    pub fn new(octets: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(octets))
    }

    /// The text in the browser's cookie.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `session_state` for a client at an origin (Session Management section 2): the script of `check_session_iframe` computes the
    /// same over what the browser then holds. The salt keeps two clients from joining what they have.
    pub fn session_state(&self, client: &ClientId, origin: &str, salt: [u8; 16]) -> String {
        let salt = URL_SAFE_NO_PAD.encode(salt);
        let hash = digest(&SHA256, format!("{client} {origin} {} {salt}", self.0).as_bytes());
        format!("{}.{salt}", URL_SAFE_NO_PAD.encode(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_changes_the_whole_and_nothing_in_it_is_a_blank() {
        let (shop, state) = ("shop".parse().unwrap(), BrowserState::new(&[1; 32]));
        let good = state.session_state(&shop, "https://shop.example", [2; 16]);
        assert_eq!(good, "onWYUbm3pM1L4L-dk591W3oVL3iBSEAXDYBHceKDvS0.AgICAgICAgICAgICAgICAg");
        let other = BrowserState::new(&[3; 32]);
        for spoilt in [
            state.session_state(&"other".parse().unwrap(), "https://shop.example", [2; 16]),
            state.session_state(&shop, "https://shop.example:8443", [2; 16]),
            state.session_state(&shop, "https://shop.example", [4; 16]),
            other.session_state(&shop, "https://shop.example", [2; 16]),
        ] {
            assert_ne!(spoilt, good);
            // Session Management section 2: the message of the frame is divided at the blank.
            assert!(spoilt.bytes().all(|octet| octet.is_ascii_graphic()), "{spoilt}");
        }
    }
}
