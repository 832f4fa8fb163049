//! By this the doctor knows the server that answers for the issuer: who has the tenant's data key answers with a tag that nobody else
//! can make, and says from where the question came. To anybody else there is nothing at this address.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::error::Notice;
use crate::rate_limits::{FORWARDED_FOR, is_relayed};
use crate::request::{Peer, Site};
use crate::sealing::DataKey;

/// A tenant's own path.
pub const PATH: &str = "/doctor/echo";
/// A question, and the tag of an answer.
pub(super) const TAG: HeaderName = HeaderName::from_static("portico-doctor");
/// Octets of a nonce, as text.
const NONCE: usize = 32;

/// What the server saw of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whom it takes for the client.
    pub address: IpAddr,
    /// Whether any header of a proxy came along.
    pub is_relayed: bool,
    /// Whether the one that counts did.
    pub has_forwarded_for: bool,
}

/// What only this deployment has.
pub(super) struct EchoKey(hmac::Key);

impl EchoKey {
    pub(super) fn of(data_key: &DataKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, data_key.derive("doctor").as_slice()))
    }

    fn sign(&self, what: &[u8], nonce: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        // The first two are of fixed length.
        for part in [what, nonce.as_bytes(), body] {
            context.update(part);
        }
        context.sign()
    }

    fn verifies(&self, what: &[u8], nonce: &str, body: &[u8], tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        let message: Vec<u8> = [what, nonce.as_bytes(), body].concat();
        hmac::verify(&self.0, &message, &tag).is_ok()
    }

    /// The header of a question.
    pub(super) fn question(&self, nonce: &str) -> String {
        format!("{nonce}.{}", URL_SAFE_NO_PAD.encode(self.sign(b"ask:", nonce, b"")))
    }

    /// The nonce of a question that somebody with this key asks.
    fn asked<'h>(&self, header: &'h str) -> Option<&'h str> {
        let (nonce, tag) = header.split_once('.')?;
        (nonce.len() == NONCE && self.verifies(b"ask:", nonce, b"", tag)).then_some(nonce)
    }

    /// Whether this answers that question.
    pub(super) fn answers(&self, nonce: &str, body: &[u8], tag: &str) -> bool {
        self.verifies(b"saw:", nonce, body, tag)
    }
}

/// `GET /doctor/echo`.
pub async fn answer(site: Site, peer: Peer, headers: HeaderMap) -> Response {
    let key = EchoKey::of(&site.tenant.data_key);
    let question = headers.get(TAG).and_then(|value| value.to_str().ok());
    let Some(nonce) = question.and_then(|question| key.asked(question)) else {
        return Notice::NO_SUCH_PAGE.into_response();
    };
    let seen = Seen {
        peer: peer.0.ip().to_canonical(),
        address: site.address,
        is_relayed: is_relayed(&headers),
        has_forwarded_for: headers.contains_key(FORWARDED_FOR),
    };
    // Four members that always can be written.
    let body = serde_json::to_vec(&seen).unwrap_or_default();
    let tag = URL_SAFE_NO_PAD.encode(key.sign(b"saw:", nonce, &body));
    let mut response = body.into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(TAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::sealing::MasterKeyRing;
    use terms::{SecretText, TenantId, Timestamp};

    fn key(tenant: u8) -> EchoKey {
        let ring = MasterKeyRing::parse(&SecretText::new("0123456789abcdef".repeat(4))).unwrap();
        let tenant = TenantId::new(Timestamp::from_seconds(1), [tenant; 10]);
        EchoKey::of(&ring.new_data_key(&Entropy, tenant).unwrap().0)
    }

    #[test]
    fn only_who_has_the_key_asks_and_answers() {
        let (ours, other) = (key(1), key(2));
        let nonce = "0123456789abcdef0123456789abcdef";
        let question = ours.question(nonce);
        assert_eq!(ours.asked(&question), Some(nonce));
        assert_eq!(other.asked(&question), None);
        assert_eq!(ours.asked(&question[1..]), None, "another nonce");
        for end in 0..question.len() {
            assert_eq!(ours.asked(&question[..end]), None);
        }
        let tag = |key: &EchoKey, what: &[u8]| URL_SAFE_NO_PAD.encode(key.sign(what, nonce, b"{}"));
        assert!(ours.answers(nonce, b"{}", &tag(&ours, b"saw:")));
        assert!(!ours.answers(nonce, b"{ }", &tag(&ours, b"saw:")));
        assert!(!ours.answers(&"f".repeat(32), b"{}", &tag(&ours, b"saw:")));
        assert!(!ours.answers(nonce, b"{}", &tag(&other, b"saw:")));
        assert!(!ours.answers(nonce, b"{}", &tag(&ours, b"ask:")), "a question is no answer");
    }
}
