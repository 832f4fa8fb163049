//! What a handler answers when it can't do its work: the cause is logged once, the answer names the request and
//! nothing else.

use std::error::Error;
use std::fmt;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::locale::Texts;
use crate::pages::style;

/// The cause lies not in the request but here: the database, the network, a bug.
///
/// It becomes a `server_error` that names the request id. The cause itself goes to the log, never to the caller.
pub struct Failure {
    notice: Notice,
    cause: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { notice: Notice::SERVER_ERROR, cause: cause.into() }
    }

    /// Why, for whoever answers in another way.
    pub fn into_cause(self) -> Box<dyn Error + Send + Sync> {
        self.cause
    }

    /// The client that asks has no key to which the answer could be encrypted, or it can't be fetched.
    pub fn no_client_key(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { notice: Notice::NO_CLIENT_KEY, cause: cause.into() }
    }

    /// Too much to do at this moment; the caller may come again.
    pub fn busy(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { notice: Notice::BUSY, cause: cause.into() }
    }
}

impl From<store::Fault> for Failure {
    fn from(fault: store::Fault) -> Self {
        if fault.is_busy() { Self::busy(fault) } else { Self::new(fault) }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({})", self.cause)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        tracing::error!(cause = %chain(self.cause.as_ref()), "a request failed");
        self.notice.into_response()
    }
}

/// An error with its sources, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |error| (*error).source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An answer for whoever asked, a person or a program. The request's frame gives it its form, since only that knows
/// what the caller takes and which id the request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub status: StatusCode,
    /// The `error` of the JSON form.
    pub code: &'static str,
    /// The `error_description` of the JSON form, for the developer who reads it.
    pub text: &'static str,
    /// The key of the page's heading; the page's text is in the locale files too.
    title_key: &'static str,
    text_key: &'static str,
}

impl Notice {
    pub const SERVER_ERROR: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "server_error",
        text: "Something went wrong on our side. Please try again; if it stays, tell the operator the request id.",
        title_key: "notice-failed-title",
        text_key: "notice-failed",
    };
    pub const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "temporarily_unavailable",
        text: "There is too much to do at the moment. Please try again in a few seconds.",
        title_key: "notice-busy-title",
        text_key: "notice-busy",
    };
    /// Only programs ask for what is encrypted; a person would read what is said at too much load.
    pub const NO_CLIENT_KEY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "temporarily_unavailable",
        text: "The client wants the answer encrypted, and no key for that can be had from its jwks or jwks_uri.",
        title_key: "notice-busy-title",
        text_key: "notice-busy",
    };
    pub const TOO_LARGE: Self = Self {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "invalid_request",
        text: "The request is too large.",
        title_key: "notice-too-large-title",
        text_key: "notice-too-large",
    };
    pub const NO_SUCH_PAGE: Self = Self {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        text: "There is nothing at this address.",
        title_key: "notice-nothing-here-title",
        text_key: "notice-nothing-here",
    };
    pub const UNKNOWN_HOST: Self = Self {
        status: StatusCode::NOT_FOUND,
        code: "unknown_host",
        text: "No tenant lives at this host. Use the host name of the issuer.",
        title_key: "notice-unknown-host-title",
        text_key: "notice-unknown-host",
    };
    pub const AMBIGUOUS_HOST: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "invalid_request",
        text: "The request must name exactly one host.",
        title_key: "notice-ambiguous-host-title",
        text_key: "notice-ambiguous-host",
    };

    pub const AMBIGUOUS_CLIENT: Self = Self {
        status: StatusCode::BAD_REQUEST,
        code: "invalid_request",
        text: "The proxy before this server does not say whom it speaks for. Please tell the operator.",
        title_key: "notice-ambiguous-client-title",
        text_key: "notice-ambiguous-client",
    };

    /// The answer as a page or as JSON.
    pub fn render(self, as_page: bool, request_id: &str, texts: &Texts) -> Response {
        let mut response = if as_page {
            let policy = HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
            );
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            ([(CONTENT_TYPE, html), (CONTENT_SECURITY_POLICY, policy)], self.page(request_id, texts))
                .into_response()
        } else {
            let body =
                json!({ "error": self.code, "error_description": self.text, "request_id": request_id });
            axum::Json(body).into_response()
        };
        *response.status_mut() = self.status;
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }

    fn page(self, request_id: &str, texts: &Texts) -> String {
        let page = NoticePage {
            language: texts.language.as_str(),
            stylesheet: style::path(),
            title: texts.get(self.title_key),
            text: texts.get(self.text_key),
            request_label: texts.get("notice-request-id"),
            request_id,
        };
        // Writing into a string can't fail. If it did, the developer's text would still be better than nothing.
        page.render().unwrap_or_else(|_| self.text.to_owned())
    }
}

/// The page of a [`Notice`]. It stands alone, since it is also what is said when everything else fails.
#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    language: &'a str,
    stylesheet: &'a str,
    title: String,
    text: String,
    request_label: String,
    request_id: &'a str,
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
