//! How an authorization response travels (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, OAuth 2.0 Form Post
//! Response Mode).

use crate::redirect_uri::RegisteredRedirectUri;

/// Where the parameters of the response stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI: the default of `code`.
    Query,
    /// In its fragment: the default of every response type that puts a token into the answer.
    Fragment,
    /// In a form that the browser posts to it (OAuth 2.0 Form Post Response Mode section 2).
    FormPost,
}

impl ResponseMode {
    /// Every one, in the order in which they are listed.
    pub const ALL: &'static [Self] = &[Self::Query, Self::Fragment, Self::FormPost];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    /// The one that this word names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text)
    }

    /// The default for what a request has as its `response_type`, be it one that this server has or not: a refusal goes the
    /// way on which its client waits for the answer (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).
    pub(crate) fn default_of(response_type: Option<&str>) -> Self {
        let of_tokens = |word: &str| matches!(word, "id_token" | "token");
        let has_tokens = response_type.is_some_and(|text| text.split(' ').any(of_tokens));
        if has_tokens { Self::Fragment } else { Self::Query }
    }
}

/// A response to an authorization request, on its way to the client. There is none without a [`RegisteredRedirectUri`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeResponse {
    to: RegisteredRedirectUri,
    mode: ResponseMode,
    parameters: Vec<(&'static str, String)>,
}

/// What the browser is made to do with a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Go to this address.
    Redirect(String),
    /// Post these fields to this address.
    Post {
        /// The redirect URI as it is.
        to: String,
        /// The response's parameters.
        fields: Vec<(&'static str, String)>,
    },
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

    /// How it reaches the client.
    pub fn deliver(self) -> Delivery {
        let pairs = self.parameters.iter().map(|(name, value)| (*name, value.as_str()));
        match self.mode {
            ResponseMode::Query => Delivery::Redirect(self.to.with_query(pairs)),
            ResponseMode::Fragment => Delivery::Redirect(self.to.with_fragment(pairs)),
            ResponseMode::FormPost => {
                Delivery::Post { to: self.to.as_str().to_owned(), fields: self.parameters }
            }
        }
    }

    /// Where to send the browser with a response that is in the address.
    #[cfg(test)]
    pub(crate) fn location(self) -> String {
        match self.deliver() {
            Delivery::Redirect(location) => location,
            Delivery::Post { to, .. } => panic!("a form for {to}"),
        }
    }
}
