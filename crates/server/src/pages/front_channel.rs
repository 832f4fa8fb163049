//! Clients' own pages that are shown when a session ends, in frames that nobody needs to see (OpenID Connect Front-Channel Logout
//! section 2), and the page that waits for them.

use std::collections::BTreeSet;

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use identity::BrowserRecord;
use oidc::front_channel_logout::LogoutFrame;
use store::endings::Ended;
use store::{Fault, Tx};

use super::{POLICY, Stop, View, page_with};
use crate::request::Site;
use crate::tenant::Tenant;

/// A page of a client, and who it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub address: String,
    /// The client's name.
    pub title: String,
}

/// What is to be shown on a page that follows a sign-out.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    list: Vec<Frame>,
    origins: BTreeSet<String>,
}

impl Frames {
    /// Of the clients that sessions of this browser were used for. In the transaction that ends them.
    pub async fn gather(
        tx: &mut Tx,
        tenant: &Tenant,
        browser: &BrowserRecord,
        ended: &Ended,
    ) -> Result<Self, Fault> {
        let mut frames = Self::default();
        for session in ended.sessions.iter().filter(|session| session.browser_id == browser.id) {
            for client in tx.front_channel_clients(session.id).await? {
                let Some(LogoutFrame { address, origin }) =
                    LogoutFrame::of(&client, tenant.issuer.as_str(), session.id)
                else {
                    continue;
                };
                let frame = Frame { address, title: client.display_name().to_owned() };
                if !frames.list.contains(&frame) {
                    frames.list.push(frame);
                    frames.origins.insert(origin);
                }
            }
        }
        Ok(frames)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.list.iter()
    }

    /// The policy of every page, which lets these be framed and nothing else.
    pub fn policy(&self) -> HeaderValue {
        if self.origins.is_empty() {
            return HeaderValue::from_static(POLICY);
        }
        let origins: Vec<&str> = self.origins.iter().map(String::as_str).collect();
        let text = format!("{POLICY}; frame-src {}", origins.join(" "));
        // An origin is of letters, digits and a few signs: always a header value. If not, nothing is framed.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(POLICY))
    }
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct SigningOutPage<'a> {
    view: View<'a>,
    frames: Frames,
    to: String,
}

/// The page that shows them and then moves on: to a path of this server, or to a registered URI, which the caller has checked.
pub fn signing_out_page(site: &Site, frames: Frames, to: String) -> Result<Response, Stop> {
    let policy = frames.policy();
    page_with(StatusCode::OK, &SigningOutPage { view: View::new(site), frames, to }, policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shown_may_be_framed() {
        assert_eq!(Frames::default().policy(), POLICY);
        let origins = ["https://a.example", "https://b.example:8443"].map(str::to_owned);
        let frames = Frames { list: Vec::new(), origins: origins.into() };
        let policy = frames.policy();
        let policy = policy.to_str().unwrap();
        assert_eq!(policy.strip_prefix(POLICY), Some("; frame-src https://a.example https://b.example:8443"));
    }
}
