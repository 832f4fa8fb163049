//! How an authorization response travels (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).

use crate::redirect_uri::RegisteredRedirectUri;

/// Where the parameters of the response stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI: the default of `code`.
    Query,
}

impl ResponseMode {
    /// Every one, in the order in which they are listed.
    pub const ALL: &'static [Self] = &[Self::Query];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
        }
    }

    /// The one that this word names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text)
    }
}

/// A response to an authorization request, on its way to the client. There is none without a [`RegisteredRedirectUri`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeResponse {
    to: RegisteredRedirectUri,
    mode: ResponseMode,
    parameters: Vec<(&'static str, String)>,
}

impl AuthorizeResponse {
    /// A response with `state` exactly as the request had it (RFC 6749 section 4.1.2) and with `iss` (RFC 9207 section 2).
    pub fn new(to: RegisteredRedirectUri, mode: ResponseMode, state: Option<String>, issuer: &str) -> Self {
        let mut parameters = Vec::new();
        parameters.extend(state.map(|state| ("state", state)));
        parameters.push(("iss", issuer.to_owned()));
        Self { to, mode, parameters }
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// Where to send the browser.
    pub fn location(&self) -> String {
        match self.mode {
            ResponseMode::Query => {
                self.to.with_query(self.parameters.iter().map(|(name, value)| (*name, value.as_str())))
            }
        }
    }
}
