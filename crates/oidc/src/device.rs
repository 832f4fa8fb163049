//! What a device asks that has no browser of its own (RFC 8628): a person answers it elsewhere, where they have one.

use std::fmt;

use aws_lc_rs::hmac;
use terms::{ClientId, DeviceAuthorizationId, Timestamp, limits};

use crate::authorize::{Ask, Asker, Offered, ResourceFault};
use crate::claims_request::ClaimsRequest;
use crate::client::{Client, GrantType};
use crate::client_auth::ClientRefusal;
use crate::params::{self, Parameters, ParametersError};
use crate::prompt::Prompt;
use crate::resource_server::ResourceIdentifier;
use crate::scope::{OFFLINE_ACCESS, Scope};
use crate::token::{ErrorCode, client_code};

/// Letters that no keyboard hides, that make no words and that are not easily taken for one another (RFC 8628 section 6.1).
const ALPHABET: [u8; 20] = *b"BCDFGHJKLMNPQRSTVWXZ";
/// 20 to the power of 8 are more than 34 bits (RFC 8628 section 6.1).
const LETTERS: usize = 8;

/// What a person types who has a device before them. Prints nothing; [`shown`](Self::shown) is the one way out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserCode([u8; LETTERS]);

impl UserCode {
    /// Out of random octets that the caller brings: so many more than are needed that each code is as likely as the others.
    pub fn new(random: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(random);
        let base = ALPHABET.len() as u128;
        Self([(); LETTERS].map(|()| {
            let digit = usize::try_from(rest % base).unwrap_or_default();
            rest /= base;
            ALPHABET.get(digit).copied().unwrap_or_default()
        }))
    }

    /// What a person typed: in capitals or not, and with whatever stands between the letters (RFC 8628 section 6.1).
    /// `None` when it can't be a code.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > limits::USER_CODE_BYTES {
            return None;
        }
        let mut typed = text.chars().filter(|letter| letter.is_alphanumeric());
        let mut letters = [0; LETTERS];
        for place in &mut letters {
            let letter = u8::try_from(typed.next()?).ok()?.to_ascii_uppercase();
            *place = Some(letter).filter(|letter| ALPHABET.contains(letter))?;
        }
        typed.next().is_none().then_some(Self(letters))
    }

    /// In the one spelling that is looked up.
    const fn as_bytes(&self) -> &[u8; LETTERS] {
        &self.0
    }

    /// As the device shows it: two groups, so that it can be read and typed (RFC 8628 section 6.1).
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at(LETTERS / 2);
        let text = |half: &[u8]| half.iter().map(|&letter| char::from(letter)).collect::<String>();
        format!("{}-{}", text(first), text(second))
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

/// The key under which a tenant's user codes are recognised. There are so few of them that a plain hash would tell them.
pub struct UserCodeKey(hmac::Key);

impl UserCodeKey {
    /// Of octets that only this tenant has.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What is stored and looked up.
    pub fn hash(&self, code: &UserCode) -> UserCodeHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.0, code.as_bytes()).as_ref());
        UserCodeHash(hash)
    }
}

impl fmt::Debug for UserCodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCodeKey(..)")
    }
}

/// The keyed hash by which a user code is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserCodeHash([u8; 32]);

impl UserCodeHash {
    /// The octets that are stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for UserCodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCodeHash(..)")
    }
}

/// Why a device authorization request is refused. One variant per rule; RFC 8628 section 3.2 answers as RFC 6749 section 5.2 does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceRefusal {
    /// RFC 8628 section 3.1: the form is malformed, repeats a parameter, or is too large.
    Form(ParametersError),
    /// RFC 8628 section 3.1: the client authenticates as at the token endpoint.
    Client(ClientRefusal),
    /// RFC 6749 section 5.2: the client didn't register this grant type.
    GrantTypeNotRegistered,
    /// RFC 6749 section 3.3: without one, nobody could say what the person allows.
    ScopeMissing,
    /// RFC 6749 section 3.3: not a list of scope tokens.
    ScopeMalformed,
    /// RFC 6749 section 3.3: none of it is for this client.
    ScopeNotAllowed,
    /// RFC 8707 section 2: not an absolute URI, or with a fragment.
    ResourceMalformed,
    /// RFC 8707 section 2: no such resource server.
    ResourceUnknown,
    /// More than [`limits::RESOURCES`].
    TooManyResources,
}

impl DeviceRefusal {
    /// The table to the wire.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) => ErrorCode::InvalidRequest,
            Self::Client(refusal) => client_code(*refusal),
            Self::GrantTypeNotRegistered => ErrorCode::UnauthorizedClient,
            Self::ScopeMissing | Self::ScopeMalformed | Self::ScopeNotAllowed => ErrorCode::InvalidScope,
            Self::ResourceMalformed | Self::ResourceUnknown | Self::TooManyResources => {
                ErrorCode::InvalidTarget
            }
        }
    }

    /// What the client's developer is told. Only characters that RFC 6749 section 5.2 allows.
    pub fn description(&self) -> String {
        match self {
            Self::Form(error) => return error.to_string(),
            Self::Client(refusal) => refusal.description(),
            Self::GrantTypeNotRegistered => "the client has not registered the grant_type of devices",
            Self::ScopeMissing => "scope is missing",
            Self::ScopeMalformed => "scope is not a list of scope tokens separated by single blanks",
            Self::ScopeNotAllowed => "the client may ask for nothing of this scope",
            Self::ResourceMalformed => "resource is not an absolute URI without a fragment",
            Self::ResourceUnknown => "there is no such resource",
            Self::TooManyResources => "too many resources",
        }
        .to_owned()
    }
}

/// A device authorization request in which nothing is left to be checked but who the person is and what they want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// Who asks, or is said to.
    pub client: ClientId,
    scope: Scope,
    resources: Vec<ResourceIdentifier>,
    max_age: Option<u64>,
}

impl DeviceRequest {
    /// Checks a request of this client (RFC 8628 section 3.1). What isn't known is ignored.
    pub fn validate(
        parameters: &Parameters,
        client: &Client,
        offered: &Offered<'_>,
    ) -> Result<Self, DeviceRefusal> {
        if !client.may_use(GrantType::DeviceCode) {
            return Err(DeviceRefusal::GrantTypeNotRegistered);
        }
        let asked = parameters.get("scope").ok_or(DeviceRefusal::ScopeMissing)?;
        let asked: Scope = asked.parse().map_err(|_| DeviceRefusal::ScopeMalformed)?;
        // As at the authorization endpoint: what isn't understood is ignored, and the token response says what was granted.
        let mut scope = client.permitted(&asked);
        if !client.may_use(GrantType::RefreshToken) {
            scope = scope.without(OFFLINE_ACCESS);
        }
        if scope.is_empty() {
            return Err(DeviceRefusal::ScopeNotAllowed);
        }
        let resources = offered.named_resources(parameters, client, limits::RESOURCES);
        let resources = resources.map_err(|fault| match fault {
            ResourceFault::Malformed => DeviceRefusal::ResourceMalformed,
            ResourceFault::Unknown => DeviceRefusal::ResourceUnknown,
            ResourceFault::TooMany => DeviceRefusal::TooManyResources,
        })?;
        Ok(Self { client: client.id.clone(), scope, resources, max_age: client.default_max_age })
    }

    /// The parameters to keep while a person is waited for: they are validated anew at each step. Nothing that proves who the
    /// client is stays among them.
    pub fn kept(client: &ClientId, parameters: &Parameters) -> Result<Parameters, ParametersError> {
        let wanted = parameters.iter().filter(|(name, _)| matches!(*name, "scope" | "resource"));
        Parameters::parse(
            params::encode([("client_id", client.as_str())].into_iter().chain(wanted)).as_bytes(),
        )
    }

    /// What of it a person is asked about.
    pub fn ask(&self) -> Ask {
        Ask {
            asker: Asker::Device,
            scope: self.scope.clone(),
            claims: ClaimsRequest::default(),
            prompt: Prompt::default(),
            max_age: self.max_age,
            login_hint: None,
            resources: self.resources.clone(),
        }
    }
}

/// What is kept of a device code (RFC 8628 section 3.2), besides what a person answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedDeviceCode {
    /// Events name it.
    pub id: DeviceAuthorizationId,
    /// To whom it was given.
    pub client: ClientId,
    /// How many seconds the device must wait between two questions, by now.
    pub interval: u32,
    /// When it asked last.
    pub polled_at: Option<Timestamp>,
    /// The instant from which it is worthless.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub redeemed_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::LegacyClients;
    use crate::fixture::{client, resource, scope};
    use DeviceRefusal as R;

    #[test]
    fn a_code_is_read_however_it_is_typed_and_shown_in_one_way() {
        let code = UserCode::new(0x0123_4567_89ab_cdef_u128.to_be_bytes());
        let shown = code.shown();
        assert_eq!((shown.len(), shown.find('-')), (9, Some(4)));
        let bare = shown.replace('-', "");
        for typed in [
            shown.clone(),
            bare.clone(),
            bare.to_lowercase(),
            format!("  {} {} ", &shown[..4], &shown[5..]),
            format!("{}\u{2013}{}", &shown[..4], &shown[5..]),
            bare.chars().flat_map(|letter| [letter, '.']).collect(),
        ] {
            assert_eq!(UserCode::parse(&typed), Some(code), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "UserCode(..)");
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in [
            "",
            "-",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "BCDF-GHJA",
            "BCDF-GHJ1",
            "BCDF-GHJ\u{141}",
            "BCDFGHJ\u{412}",
            "\u{ff22}CDFGHJK",
        ] {
            assert_eq!(UserCode::parse(typed), None, "{typed}");
        }
        assert_eq!(UserCode::parse(&"-".repeat(limits::USER_CODE_BYTES)), None);
        assert_eq!(UserCode::parse(&format!("BCDFGHJK{}", "-".repeat(limits::USER_CODE_BYTES))), None);
    }

    #[test]
    fn every_letter_stands_at_every_place_and_there_are_34_bits_of_them() {
        let mut seen = [[false; 256]; LETTERS];
        for n in 0..20_u128 {
            // The same digit at each place.
            let number = (0..8).fold(0, |number, _| number * 20 + n);
            for (place, letter) in seen.iter_mut().zip(UserCode::new(number.to_be_bytes()).as_bytes()) {
                place[usize::from(*letter)] = true;
            }
        }
        assert!(seen.iter().all(|place| place.iter().filter(|seen| **seen).count() == 20));
        assert!(20_u64.pow(8) > 1 << 34);
        assert!(ALPHABET.iter().all(|letter| !b"AEIOUY".contains(letter)));
    }

    fn a_device() -> Client {
        let mut client = client();
        client.metadata.grant_types.push(GrantType::DeviceCode);
        client
    }

    fn validated(query: &str, client: &Client) -> Result<DeviceRequest, DeviceRefusal> {
        let (issuer, api) = (resource("https://login.example.test"), resource("https://api.example.test"));
        let registered = [api];
        let offered =
            Offered { issuer: &issuer, registered: &registered, sign_up: true, legacy: LegacyClients::None };
        DeviceRequest::validate(&Parameters::parse(query.as_bytes()).unwrap(), client, &offered)
    }

    #[test]
    fn a_good_request_asks_as_a_device() {
        let query = "client_id=cli_web&scope=openid+offline_access+unheard&resource=https://api.example.test&future=1";
        let ask = validated(query, &a_device()).unwrap().ask();
        assert_eq!((ask.asker, &ask.scope), (Asker::Device, &scope("openid offline_access")));
        assert_eq!(ask.resources, [resource("https://api.example.test")]);
        let mut client = a_device();
        client.metadata.grant_types.retain(|grant| *grant != GrantType::RefreshToken);
        client.metadata.default_max_age = Some(7);
        let ask = validated(query, &client).unwrap().ask();
        assert_eq!((ask.scope, ask.max_age), (scope("openid"), Some(7)));
    }

    #[test]
    fn one_thing_spoilt_is_one_refusal() {
        for (query, refusal) in [
            ("", R::ScopeMissing),
            ("scope=", R::ScopeMissing),
            ("scope=a%20%20b", R::ScopeMalformed),
            ("scope=phone", R::ScopeNotAllowed),
            ("scope=openid&resource=api", R::ResourceMalformed),
            ("scope=openid&resource=https://else.example.test", R::ResourceUnknown),
        ] {
            assert_eq!(validated(query, &a_device()), Err(refusal), "{query}");
        }
        assert_eq!(validated("scope=openid", &client()), Err(R::GrantTypeNotRegistered));
        let mut elsewhere = a_device();
        elsewhere.settings.resource_servers = vec![resource("https://else.example.test")];
        let query = "scope=openid&resource=https://api.example.test";
        assert_eq!(validated(query, &elsewhere), Err(R::ResourceUnknown));
    }

    #[test]
    fn what_is_kept_of_a_request_holds_no_secret() {
        let sent =
            Parameters::parse(b"client_id=x&client_secret=s&scope=a&resource=u&resource=v&state=1").unwrap();
        let kept = DeviceRequest::kept(&"cli_tv".parse().unwrap(), &sent).unwrap();
        assert_eq!(kept.encode(), "client_id=cli_tv&scope=a&resource=u&resource=v");
    }

    #[test]
    fn every_refusal_says_what_the_wire_allows() {
        let allowed = |text: &str| text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        for (refusal, code) in [
            (R::Form(ParametersError::Encoding), "invalid_request"),
            (R::Client(ClientRefusal::NoClient), "invalid_client"),
            (R::GrantTypeNotRegistered, "unauthorized_client"),
            (R::ScopeMissing, "invalid_scope"),
            (R::ScopeMalformed, "invalid_scope"),
            (R::ScopeNotAllowed, "invalid_scope"),
            (R::ResourceMalformed, "invalid_target"),
            (R::ResourceUnknown, "invalid_target"),
            (R::TooManyResources, "invalid_target"),
        ] {
            assert_eq!(refusal.code().as_str(), code);
            assert!(allowed(&refusal.description()), "{refusal:?}");
        }
    }
}
