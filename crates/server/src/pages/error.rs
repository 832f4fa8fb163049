//! What is said to a person when a page can't be shown.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::attempt::Wait;

use super::{Stop, View, page};
use crate::attempts;
use crate::request::Site;

/// What went wrong, in the person's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The attempt is another browser's, expired, or was used: which of these is nobody's business.
    Stale,
    /// The form didn't come from our page, or without the browser's cookie.
    Form,
    /// A parameter is missing, malformed or there twice.
    Request,
    /// The address got an account while this sign-up was under way.
    Taken,
    /// The same of a username.
    UsernameTaken,
    /// Whoever asks is no administrator of this tenant, or is one no longer.
    NotAdmin,
    /// What was asked for takes a proof of the last minutes.
    NotRecent,
}

impl Problem {
    const fn keys(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Stale => (StatusCode::GONE, "error-stale-title", "error-stale-text"),
            Self::Form => (StatusCode::FORBIDDEN, "error-form-title", "error-form-text"),
            Self::Request => (StatusCode::BAD_REQUEST, "error-request-title", "error-request-text"),
            Self::Taken => (StatusCode::CONFLICT, "error-taken-title", "error-taken-text"),
            Self::UsernameTaken => {
                (StatusCode::CONFLICT, "error-username-taken-title", "error-username-taken-text")
            }
            Self::NotAdmin => (StatusCode::FORBIDDEN, "error-not-admin-title", "error-not-admin-text"),
            Self::NotRecent => (StatusCode::FORBIDDEN, "error-not-recent-title", "error-not-recent-text"),
        }
    }

    /// The page that says it, as the end of a handler.
    pub fn stop(self, site: &Site) -> Stop {
        self.stop_in_flow(site, None)
    }

    /// The same, with the way back into the flow that waits.
    pub fn stop_in_flow(self, site: &Site, flow: Option<&terms::FlowId>) -> Stop {
        let view = View::new(site);
        let (status, title, text) = self.keys();
        let template = ErrorPage {
            view,
            title: view.text(title),
            text: view.text(text),
            start: view.path_in_flow("/sign-in", flow),
        };
        match page(status, &template) {
            Ok(response) => Stop::Page(Box::new(response)),
            Err(stop) => stop,
        }
    }
}

/// Something was asked too often (429, RFC 6585 section 4).
pub fn too_often(site: &Site, wait: Wait) -> Stop {
    let (view, now) = (View::new(site), site.app.clock.now());
    let template = ErrorPage {
        view,
        title: view.text("error-too-often-title"),
        text: attempts::wait_text(view.texts, wait, now),
        start: view.path("/sign-in"),
    };
    match page(StatusCode::TOO_MANY_REQUESTS, &template) {
        Ok(response) => Stop::Page(Box::new(attempts::too_many(response, wait, now))),
        Err(stop) => stop,
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    view: View<'a>,
    title: String,
    text: String,
    start: String,
}

/// A protocol request that can't be answered to whoever made it, and so is told to the person (RFC 6749 section 4.1.2.1).
/// `detail` is for the developer whom they will ask.
pub fn request_refused(site: &Site, detail: &str) -> Result<Response, Stop> {
    page(StatusCode::BAD_REQUEST, &RequestRefusedPage { view: View::new(site), detail })
}

#[derive(Template)]
#[template(path = "request_refused.html")]
struct RequestRefusedPage<'a> {
    view: View<'a>,
    detail: &'a str,
}
