//! `prompt`: what a client wants to happen before it gets its answer.

use crate::authorize::AuthorizeError;

/// What the client wants to happen before it gets its answer (OpenID Connect Core section 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// No page at all.
    pub none: bool,
    /// The person signs in again, signed in or not.
    pub login: bool,
    /// The person is asked for consent, remembered or not.
    pub consent: bool,
    /// The person chooses the account.
    pub select_account: bool,
    /// The person makes an account (Initiating User Registration via OpenID Connect 1.0 section 4).
    pub create: bool,
}

impl Prompt {
    /// The values that every tenant has.
    const ALWAYS: [&'static str; 4] = ["none", "login", "consent", "select_account"];
    const CREATE: &'static str = "create";

    /// The values that are listed as `prompt_values_supported`: `create` where people make accounts themselves.
    pub fn values(sign_up_is_open: bool) -> Vec<&'static str> {
        Self::ALWAYS.into_iter().chain(sign_up_is_open.then_some(Self::CREATE)).collect()
    }

    /// Of several values that all show pages, each is heeded: `create` says which page is the first, and an account made
    /// in this flow is one that was chosen, and its person one who just showed who they are.
    pub(crate) fn parse(text: &str, sign_up_is_open: bool) -> Result<Self, AuthorizeError> {
        let mut prompt = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                // Initiating User Registration section 4: a value that isn't in `prompt_values_supported` is refused with
                // `invalid_request`, so that the client doesn't believe that it is heeded.
                Self::CREATE if sign_up_is_open => prompt.create = true,
                _ => return Err(AuthorizeError::PromptUnknown),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account || prompt.create) {
            return Err(AuthorizeError::PromptNoneWithOthers);
        }
        Ok(prompt)
    }
}
