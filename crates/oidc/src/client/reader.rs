//! Reads members of a JSON object, gathering what is wrong with them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use terms::limits;
use url::Url;

use super::metadata::{JWKS_BYTES, LogoutChannel, MetadataFault, RegisteredKeys};
use super::words::{ApplicationType, ResponseType};
use crate::jose::{ClientAlgorithm, ClientKeys, ContentEncryption, Encryption, JwkRefusal, KeyManagement};
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;

/// Octets of a name or of any other text of the metadata.
const TEXT_BYTES: usize = 2048;

/// Octets of a word.
const TOKEN_BYTES: usize = 256;

fn is_web_address(text: &str) -> bool {
    let host_is_loopback = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    text.bytes().all(|octet| octet.is_ascii_graphic())
        && Url::parse(text).is_ok_and(|url| {
            let scheme_fits = url.scheme() == "https" || (url.scheme() == "http" && host_is_loopback(&url));
            scheme_fits && url.username().is_empty() && url.password().is_none()
        })
}

/// Takes members out of a JSON object, gathering what is wrong with them.
pub(super) struct Reader {
    pub(super) members: Map<String, Value>,
    pub(super) faults: Vec<MetadataFault>,
    pub(super) rules: Rules,
}

/// Who gives the members, and so how strictly they are taken.
pub(super) enum Rules {
    /// Whoever administers, who can mend what is wrong; with the keys as they were before, if the client had any.
    Operator { before: Option<Value> },
    /// The client itself.
    Registration,
    /// Nobody: they are read back, and were taken before.
    Stored,
}

impl Reader {
    pub(super) fn fault(&mut self, member: &str, reason: impl Into<String>) {
        self.faults.push(MetadataFault { member: member.to_owned(), reason: reason.into() });
    }

    /// A member; `null` counts as left out.
    pub(super) fn take(&mut self, member: &str) -> Option<Value> {
        self.members.remove(member).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, member: &str) -> Option<String> {
        match self.take(member)? {
            Value::String(text)
                if text.len() <= TEXT_BYTES
                    && !text.trim().is_empty()
                    && !text.chars().any(char::is_control) =>
            {
                Some(text)
            }
            Value::String(_) => {
                self.fault(
                    member,
                    format!("must be a text of 1 to {TEXT_BYTES} octets without control characters"),
                );
                None
            }
            _ => {
                self.fault(member, "must be a text");
                None
            }
        }
    }

    pub(super) fn texts(&mut self, member: &str) -> Option<Vec<String>> {
        let Value::Array(items) = self.take(member)? else {
            self.fault(member, "must be a list of texts");
            return None;
        };
        if items.len() > limits::REDIRECT_URIS {
            self.fault(member, format!("has more than {} entries", limits::REDIRECT_URIS));
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            match item {
                Value::String(text) if !texts.contains(&text) => texts.push(text),
                Value::String(text) => self.fault(member, format!("names {text:?} twice")),
                _ => self.fault(member, "must be a list of texts"),
            }
        }
        Some(texts)
    }

    /// A web address that is shown to people or fetched: https, or http on a loopback host.
    pub(super) fn web_address(&mut self, member: &str) -> Option<String> {
        let text = self.text(member)?;
        let good = is_web_address(&text);
        if !good {
            self.fault(member, "must be an https address");
        }
        good.then_some(text)
    }

    /// A web address with https, on whatever host. That rule came later than some rows.
    pub(super) fn https_address(&mut self, member: &str) -> Option<String> {
        let address = self.web_address(member)?;
        let good = matches!(self.rules, Rules::Stored) || address.starts_with("https:");
        if !good {
            self.fault(member, "must be an https address");
        }
        good.then_some(address)
    }

    /// An address at which a client hears that a session ended, and whether it needs to be told which. An address without
    /// fragment (OpenID Connect Back-Channel Logout section 2.2, OpenID Connect Front-Channel Logout section 2).
    pub(super) fn logout_channel(&mut self, uri: &str, session: &str) -> Option<LogoutChannel> {
        let refused = self.faults.len();
        let address = self.web_address(uri);
        if address.as_ref().is_some_and(|it| it.contains('#')) {
            self.fault(uri, "must not have a fragment (the part from # on)");
        }
        let session_required = self.flag(session);
        if address.is_none() && session_required && self.faults.len() == refused {
            self.fault(session, format!("needs {uri}"));
        }
        address.map(|uri| LogoutChannel { uri, session_required })
    }

    /// Keys that whoever administers gives are refused for whatever is wrong with one of them. A client that registers itself
    /// may have keys for other servers, so that those that are not taken here are left aside (RFC 7517 section 5); but a
    /// private key that was shown never passes for a harmless one.
    pub(super) fn jwks(&mut self) -> Option<RegisteredKeys> {
        let json = self.take("jwks")?;
        if json.to_string().len() > JWKS_BYTES {
            self.fault("jwks", format!("has more than {JWKS_BYTES} octets"));
            return None;
        }
        match ClientKeys::read(&json) {
            Err(refusal) => {
                self.fault("jwks", refusal.to_string());
                None
            }
            Ok(keys) => {
                for fault in keys.faults() {
                    let counts = match &self.rules {
                        Rules::Operator { before } => before.as_ref() != Some(&json),
                        Rules::Registration => fault.refusal == JwkRefusal::Private,
                        Rules::Stored => false,
                    };
                    if counts {
                        self.fault("jwks", fault.to_string());
                    }
                }
                Some(RegisteredKeys { json, keys: Arc::new(keys) })
            }
        }
    }

    /// `alg` and `enc` of what is to be encrypted (OpenID Connect Registration section 2: no `enc` without `alg`, and
    /// A128CBC-HS256 is its default).
    pub(super) fn encryption(&mut self, alg: &str, enc: &str) -> Option<Encryption> {
        let given = |reader: &Self, member: &str| reader.members.get(member).is_some_and(|it| !it.is_null());
        let (alg_is_given, enc_is_given) = (given(self, alg), given(self, enc));
        let key = self.maybe(alg, &KeyManagement::ALL);
        let content = self.word(enc, &ContentEncryption::ALL, ContentEncryption::A128CbcHs256);
        if enc_is_given && !alg_is_given {
            self.fault(enc, format!("must not be there without {alg}"));
        }
        Some(Encryption { key: key?, content })
    }

    pub(super) fn response_types(&mut self) -> Option<Vec<ResponseType>> {
        let texts = self.texts("response_types")?;
        let mut found = Vec::new();
        for text in &texts {
            match ResponseType::of_words(text) {
                Some(one) if found.contains(&one) => {
                    self.fault("response_types", format!("names {:?} twice", one.as_str()));
                }
                Some(one) => found.push(one),
                None => drop(self.one_of("response_types", ResponseType::ALL, text)),
            }
        }
        Some(found)
    }

    /// An algorithm by which a client signs. `none` is none of them.
    pub(super) fn client_algorithm(&mut self, member: &str) -> Option<ClientAlgorithm> {
        let text = self.text(member)?;
        let all: Vec<ClientAlgorithm> = ClientAlgorithm::all().collect();
        self.one_of(member, &all, &text)
    }

    /// Addresses of request objects (OpenID Connect Core section 6.2), with a fragment or without.
    pub(super) fn request_uris(&mut self) -> Vec<String> {
        let texts = self.texts("request_uris").unwrap_or_default();
        let is_good = |text: &String| text.len() <= limits::REQUEST_URI_BYTES && is_web_address(text);
        if let Some(bad) = texts.iter().find(|text| !is_good(text)) {
            let most = limits::REQUEST_URI_BYTES;
            self.fault("request_uris", format!("{bad:?} must be an https address of at most {most} octets"));
        }
        texts
    }

    /// A list of words that a request would give in one parameter, with blanks between them.
    pub(super) fn tokens(&mut self, member: &str) -> Vec<String> {
        let texts = self.texts(member).unwrap_or_default();
        let is_token = |text: &String| {
            (1..=TOKEN_BYTES).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic())
        };
        if !texts.iter().all(is_token) {
            self.fault(member, format!("must be words of at most {TOKEN_BYTES} octets without blanks"));
        }
        texts
    }

    pub(super) fn word<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T], default: T) -> T {
        let Some(text) = self.text(member) else {
            return default;
        };
        self.one_of(member, all, &text).unwrap_or(default)
    }

    /// A word, if there is one.
    pub(super) fn maybe<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T]) -> Option<T> {
        let text = self.text(member)?;
        self.one_of(member, all, &text)
    }

    pub(super) fn words<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T]) -> Option<Vec<T>> {
        let texts = self.texts(member)?;
        Some(texts.iter().filter_map(|text| self.one_of(member, all, text)).collect())
    }

    pub(super) fn one_of<T: Copy + fmt::Display>(
        &mut self,
        member: &str,
        all: &[T],
        text: &str,
    ) -> Option<T> {
        let found = all.iter().copied().find(|word| word.to_string() == text);
        if found.is_none() {
            let known: Vec<String> = all.iter().map(ToString::to_string).collect();
            self.fault(member, format!("{text:?} is not supported; supported: {}", known.join(", ")));
        }
        found
    }

    pub(super) fn redirect_uris(&mut self, member: &str, application: ApplicationType) -> Vec<RedirectUri> {
        let texts = self.texts(member).unwrap_or_default();
        let parsed = texts.iter().map(|text| (text, RedirectUri::parse(text, application)));
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (text, result) in parsed {
            match result {
                Ok(uri) => good.push(uri),
                Err(error) => bad.push(format!("{text:?} {error}")),
            }
        }
        for reason in bad {
            self.fault(member, reason);
        }
        good
    }

    pub(super) fn number(&mut self, member: &str) -> Option<u64> {
        let value = self.take(member)?;
        // Beyond this many seconds the sum with an instant in milliseconds would not fit.
        let number = value.as_u64().filter(|&seconds| u32::try_from(seconds).is_ok());
        if number.is_none() {
            self.fault(member, "must be a whole number of seconds");
        }
        number
    }

    pub(super) fn flag(&mut self, member: &str) -> bool {
        match self.take(member) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(member, "must be true or false");
                false
            }
        }
    }

    pub(super) fn scope(&mut self, default: Scope) -> Scope {
        match self.take("scope") {
            None => default,
            Some(Value::String(text)) => text.parse().unwrap_or_else(|error: crate::scope::ScopeError| {
                self.fault("scope", error.to_string());
                default
            }),
            Some(_) => {
                self.fault("scope", "must be a text: scope tokens separated by blanks");
                default
            }
        }
    }
}
