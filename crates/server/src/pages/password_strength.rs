//! `/password/strength`: how hard a password is to guess, while it is being chosen. It is a help for whoever types; what
//! counts is decided when the form comes.
//!
//! Nothing of it is stored or logged, and nothing is said that the form would not say.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use identity::password::{PasswordPolicy, PasswordRefusal, Strength, strength};
use serde_json::json;
use terms::{SecretText, Timestamp, limits};

use super::{Submission, View};
use crate::request::Site;

const POLICY: PasswordPolicy = PasswordPolicy::Alone;
/// A person's typing asks twice a second at most; an office shares an address.
const WINDOW: Duration = Duration::from_secs(10);
const MOST_IN_WINDOW: u32 = 60;
/// Addresses that are counted at once. Beyond that nobody is answered until the window ends: it is a help only.
const MOST_ADDRESSES: usize = 50_000;

/// How often each address has asked since the window began. Of this node alone: it bounds the work.
#[derive(Debug, Default)]
pub struct Judgements(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began_at: Option<Timestamp>,
    asked: HashMap<IpAddr, u32>,
}

impl Judgements {
    /// Counts a question, and tells whether it may be answered.
    fn admit(&self, address: IpAddr, now: Timestamp) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began_at.is_none_or(|began_at| began_at.plus(WINDOW).has_passed(now)) {
            *window = Window { began_at: Some(now), asked: HashMap::new() };
        }
        let is_known = window.asked.contains_key(&network(address));
        if !is_known && window.asked.len() >= MOST_ADDRESSES {
            return false;
        }
        let asked = window.asked.entry(network(address)).or_default();
        *asked = asked.saturating_add(1);
        *asked <= MOST_IN_WINDOW
    }
}

/// Who has one address of IPv6 has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// `POST /password/strength`, with the form's own token. Answers JSON: `score` from 0 to 4, `label` and `text` in the
/// person's language.
pub async fn judge(submission: Submission) -> Response {
    let Site { app, tenant, address, .. } = &submission.site;
    if !app.judgements.admit(*address, submission.now) {
        let wait = HeaderValue::from_static("10");
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, wait)]).into_response();
    }
    let chosen = submission.form.secret("password");
    let written = submission.form.value("email");
    if written.len() > limits::EMAIL_BYTES {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let context = [written, tenant.display_name(), tenant.issuer.authority()];
    let strength = strength(&chosen, POLICY, &context);
    let (score, label, text) = words(submission.view(), &chosen, strength);
    Json(json!({ "score": score, "label": label, "text": text })).into_response()
}

fn words(view: View<'_>, chosen: &SecretText, strength: Strength) -> (u8, String, String) {
    let (score, label, text) = match strength {
        Strength::Refused(refusal) => {
            let text = match refusal {
                PasswordRefusal::TooShort { least } => {
                    let missing = least.saturating_sub(chosen.reveal().chars().count()).max(1);
                    view.text_with("look-advice-short", "missing", &missing)
                }
                PasswordRefusal::TooLong { .. } => view.text("look-advice-long"),
                PasswordRefusal::Guessable => view.text("look-advice-guessable"),
            };
            (1, view.text("look-strength-weak"), text)
        }
        Strength::Fair => (2, view.text("look-strength-fair"), view.text("look-advice-fair")),
        Strength::Good => (3, view.text("look-strength-good"), view.text("look-advice-good")),
        Strength::Strong => (4, view.text("look-strength-strong"), view.text("look-advice-strong")),
    };
    (score, label, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_asks_so_often_and_no_oftener() {
        let judgements = Judgements::default();
        let now = Timestamp::from_seconds(100);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let asks = |text: &str, at: Timestamp| judgements.admit(address(text), at);
        for _ in 0..MOST_IN_WINDOW {
            assert!(asks("2001:db8::1", now));
        }
        assert!(!asks("2001:db8::1", now) && !asks("2001:db8::2", now), "a /64 is one");
        assert!(asks("2001:db8:0:1::1", now) && asks("192.0.2.1", now), "others aren't kept from it");
        assert!(!asks("2001:db8::1", now.plus(Duration::from_secs(9))));
        assert!(asks("2001:db8::1", now.plus(WINDOW)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let judgements = Judgements::default();
        let now = Timestamp::from_seconds(100);
        for n in 0..u32::try_from(MOST_ADDRESSES).unwrap() {
            assert!(judgements.admit(std::net::Ipv4Addr::from_bits(n).into(), now));
        }
        let (known, new) = ([0, 0, 0, 1].into(), [255, 0, 0, 1].into());
        assert!(judgements.admit(known, now) && !judgements.admit(new, now));
        assert!(judgements.admit(new, now.plus(WINDOW)));
    }
}
