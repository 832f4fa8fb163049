//! Request objects (OpenID Connect Core section 6, RFC 9101): an authorization request's parameters in a JWT that its client
//! signed, in the request itself or at an address that the client registered.
//!
//! They are never unsigned, and encrypted ones are not taken.

use std::sync::Arc;

use serde_json::{Map, Value};
use terms::{Timestamp, limits};

use crate::authorize::AuthorizeErrorCode;
use crate::client::{Client, ResponseType};
use crate::client_assertion::instant;
use crate::client_auth::OpenedSecret;
use crate::jose::{ClientAlgorithm, ClientJws, ClientKeys, JwsRefusal};
use crate::params::{self, Parameters};

/// The parameters that carry an object, or say where it lies. They are never in one (RFC 9101 section 4).
const CARRIERS: [&str; 2] = ["request", "request_uri"];
/// The `typ` by which a JWT says that it is a request object and nothing else (RFC 9101 section 4).
const EXPLICIT: &str = "oauth-authz-req+jwt";
/// What `typ` may say, where there is one.
const TYPES: [&str; 2] = ["JWT", EXPLICIT];
/// What a JWT says about itself (RFC 7519 section 4.1). No parameter has such a name.
const CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Why a request object is refused. One variant per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestRefusal {
    /// RFC 9101 section 5: `request` and `request_uri` don't come together.
    Both,
    /// OpenID Connect Registration section 2 `request_uris`: only what was registered is fetched.
    UriUnregistered,
    /// OpenID Connect Core section 6.2: nothing that could be one was found there.
    UriUnreachable,
    /// OpenID Connect Core section 6.1: it may be encrypted where a server offers that; this one doesn't.
    Encrypted,
    /// RFC 9101 section 6.2: not a JWS in its one canonical spelling, or its header says what isn't taken, or its payload is no
    /// JSON object.
    Malformed,
    /// OpenID Connect Registration section 2 `request_object_signing_alg`, RFC 8725 section 3.1: unsigned, or signed otherwise
    /// than this client may.
    Algorithm,
    /// RFC 9101 section 6.2: not signed by the client, as far as its keys are known.
    Signature,
    /// RFC 8725 section 3.11: a JWT of another kind.
    Type,
    /// OpenID Connect Core section 6.1: `iss` is the client's id.
    Issuer,
    /// RFC 9101 section 10.8: a JWT about the client itself is one by which it could authenticate.
    Subject,
    /// OpenID Connect Core section 6.1: `aud` has the issuer among it.
    Audience,
    /// RFC 7519 section 4.1.4: `exp` is a number, and has not come.
    Expired,
    /// RFC 7519 sections 4.1.5 and 4.1.6: `nbf` and `iat` are numbers, and don't lie ahead.
    NotYet,
    /// RFC 9101 section 4: it holds no other one.
    Nested,
    /// OpenID Connect Core section 6.1: `client_id` is the same within and without.
    OtherClient,
    /// OpenID Connect Core section 6.1: so is `response_type`.
    OtherResponseType,
    /// With what is in it, the request is larger than any may be.
    TooLarge,
}

impl RequestRefusal {
    /// Every refusal, for the table of refusals.
    pub const ALL: [Self; 17] = [
        Self::Both,
        Self::UriUnregistered,
        Self::UriUnreachable,
        Self::Encrypted,
        Self::Malformed,
        Self::Algorithm,
        Self::Signature,
        Self::Type,
        Self::Issuer,
        Self::Subject,
        Self::Audience,
        Self::Expired,
        Self::NotYet,
        Self::Nested,
        Self::OtherClient,
        Self::OtherResponseType,
        Self::TooLarge,
    ];

    /// The table to the wire (OpenID Connect Core section 3.1.2.6, RFC 9101 section 7).
    pub const fn code(self) -> AuthorizeErrorCode {
        match self {
            Self::Both => AuthorizeErrorCode::InvalidRequest,
            Self::UriUnregistered | Self::UriUnreachable => AuthorizeErrorCode::InvalidRequestUri,
            Self::Encrypted => AuthorizeErrorCode::RequestNotSupported,
            Self::Malformed
            | Self::Algorithm
            | Self::Signature
            | Self::Type
            | Self::Issuer
            | Self::Subject
            | Self::Audience
            | Self::Expired
            | Self::NotYet
            | Self::Nested
            | Self::OtherClient
            | Self::OtherResponseType
            | Self::TooLarge => AuthorizeErrorCode::InvalidRequestObject,
        }
    }

    /// What the client's developer is told. Only characters that RFC 6749 section 4.1.2.1 allows.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Both => "request and request_uri are both there; use one",
            Self::UriUnregistered => "request_uri is not one that the client registered",
            Self::UriUnreachable => "nothing that could be a request object was found at request_uri",
            Self::Encrypted => "encrypted request objects are not supported",
            Self::Malformed => "the request object is not a well-formed signed JWT",
            Self::Algorithm => {
                "the request object is unsigned, or signed with an algorithm that the client may not use"
            }
            Self::Signature => "the request object is not signed with a key of the client",
            Self::Type => {
                "the request object is a token of another kind; its typ may be oauth-authz-req+jwt or JWT"
            }
            Self::Issuer => "the request object must have the client_id as iss, if any",
            Self::Subject => "the request object must not have the client_id as sub",
            Self::Audience => "the request object must have this issuer in aud, if any",
            Self::Expired => "the request object has expired, or its exp is no number",
            Self::NotYet => "the request object is from the future; check the clock",
            Self::Nested => "the request object must hold neither request nor request_uri",
            Self::OtherClient => "client_id differs from the one in the request object",
            Self::OtherResponseType => "response_type differs from the one in the request object",
            Self::TooLarge => "the request object makes the request too large",
        }
    }
}

/// The parameters of an authorization request in which there is no object to be opened (any more): they came without one, or
/// they are what became of one. Only these can be validated, and only these wait in a flow, so that an object is opened once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainRequest(Parameters);

impl PlainRequest {
    /// Of parameters without an object. The others are given back.
    pub fn of(parameters: Parameters) -> Result<Self, Carrying> {
        if CARRIERS.iter().any(|name| parameters.get(name).is_some()) {
            return Err(Carrying(parameters));
        }
        Ok(Self(parameters))
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.0
    }

    /// The parameters, to be kept.
    pub fn into_parameters(self) -> Parameters {
        self.0
    }
}

/// The parameters of a request that has more to say in an object.
#[derive(Clone, Debug)]
pub struct Carrying(Parameters);

/// Where the object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier<'a> {
    /// Here (`request`).
    Value(&'a str),
    /// At this address (`request_uri`), if the client registered it.
    Reference(&'a str),
}

impl Carrying {
    /// What stands beside the object.
    pub fn outer(&self) -> &Parameters {
        &self.0
    }

    /// Where the object is.
    pub fn carrier(&self) -> Result<Carrier<'_>, RequestRefusal> {
        match CARRIERS.map(|name| self.0.get(name)) {
            [Some(object), None] => Ok(Carrier::Value(object)),
            [None, Some(uri)] => Ok(Carrier::Reference(uri)),
            [Some(_), Some(_)] | [None, None] => Err(RequestRefusal::Both),
        }
    }
}

/// The address to fetch for a `request_uri`, which is one that the client registered, octet by octet (OpenID Connect
/// Registration section 2). Its fragment is part of the name, and goes to no server; that it is the hash of what is there
/// (OpenID Connect Core section 6.2) is for servers that keep what they fetched.
pub fn address<'a>(asked: &str, client: &'a Client) -> Result<&'a str, RequestRefusal> {
    let registered = client.request_uris.iter().find(|registered| registered.as_str() == asked);
    let registered = registered.ok_or(RequestRefusal::UriUnregistered)?;
    Ok(registered.split_once('#').map_or(registered.as_str(), |(address, _)| address))
}

/// By what a client's signatures are verified, as far as the object needs it.
#[derive(Clone, Debug, Default)]
pub struct Verifiers {
    /// Its secrets, opened.
    pub secrets: Vec<OpenedSecret>,
    /// Its public keys.
    pub keys: Option<Arc<ClientKeys>>,
}

/// A request object that was taken apart and not yet verified.
#[derive(Debug)]
pub struct RequestObject<'t>(ClientJws<'t>);

impl<'t> RequestObject<'t> {
    /// Reads what a client sent, or what lay at its address. It must be signed in a way that this client may use.
    pub fn parse(token: &'t str, client: &Client) -> Result<Self, RequestRefusal> {
        // RFC 7516 section 9: five parts are a JWE.
        if token.bytes().filter(|&octet| octet == b'.').count() == 4 {
            return Err(RequestRefusal::Encrypted);
        }
        let jws = ClientJws::parse(token).map_err(|refusal| match refusal {
            JwsRefusal::Algorithm => RequestRefusal::Algorithm,
            JwsRefusal::Type => RequestRefusal::Type,
            JwsRefusal::TooLong
            | JwsRefusal::NotThreeParts
            | JwsRefusal::NotBase64Url
            | JwsRefusal::Header
            | JwsRefusal::ForbiddenHeader
            | JwsRefusal::KeyId
            | JwsRefusal::UnknownKey
            | JwsRefusal::Signature
            | JwsRefusal::Payload => RequestRefusal::Malformed,
        })?;
        if !client.may_sign_requests_with(jws.algorithm()) {
            return Err(RequestRefusal::Algorithm);
        }
        Ok(Self(jws))
    }

    /// Its `alg`, which the client may use.
    pub fn algorithm(&self) -> ClientAlgorithm {
        self.0.algorithm()
    }

    /// Its `kid`, if it names a key.
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id()
    }

    /// Verifies that the client signed it, and that it is meant for us and for now.
    pub fn verify(
        &self,
        client: &Client,
        by: &Verifiers,
        issuer: &str,
        now: Timestamp,
    ) -> Result<VerifiedRequest, RequestRefusal> {
        let members = match self.algorithm() {
            ClientAlgorithm::Hs256 => {
                let live = by.secrets.iter().filter(|it| it.lives(now));
                self.0.verify_mac(live.map(|it| &it.secret))
            }
            ClientAlgorithm::Signature(_) => {
                self.0.verify_signature(by.keys.as_ref().ok_or(RequestRefusal::Signature)?)
            }
        };
        let members = members.map_err(|refusal| match refusal {
            JwsRefusal::Payload => RequestRefusal::Malformed,
            _ => RequestRefusal::Signature,
        })?;
        check(self.0.typ(), &members, client, issuer, now)?;
        let is_explicit = self.0.typ().is_some_and(|typ| typ.eq_ignore_ascii_case(EXPLICIT));
        Ok(VerifiedRequest { members, is_explicit })
    }
}

/// What the object says about itself. What it may leave out is checked where it is there.
fn check(
    typ: Option<&str>,
    members: &Map<String, Value>,
    client: &Client,
    issuer: &str,
    now: Timestamp,
) -> Result<(), RequestRefusal> {
    use RequestRefusal as R;
    // RFC 7515 section 4.1.9: media types are compared without regard to case.
    if typ.is_some_and(|typ| !TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ))) {
        return Err(R::Type);
    }
    let is_client = |value: &Value| value.as_str() == Some(client.id.as_str());
    if members.get("iss").is_some_and(|iss| !is_client(iss)) {
        return Err(R::Issuer);
    }
    if members.get("sub").is_some_and(is_client) {
        return Err(R::Subject);
    }
    let is_issuer = |value: &Value| value.as_str() == Some(issuer);
    let is_for_us = |aud: &Value| match aud {
        Value::Array(items) => items.iter().any(is_issuer),
        one => is_issuer(one),
    };
    if members.get("aud").is_some_and(|aud| !is_for_us(aud)) {
        return Err(R::Audience);
    }
    if members.get("exp").is_some_and(|exp| instant(exp).is_none_or(|at| at.has_passed(now))) {
        return Err(R::Expired);
    }
    for name in ["nbf", "iat"] {
        let ahead = now.plus(limits::CLIENT_CLOCK_SKEW);
        if members.get(name).is_some_and(|value| instant(value).is_none_or(|at| at > ahead)) {
            return Err(R::NotYet);
        }
    }
    if CARRIERS.iter().any(|name| members.contains_key(*name)) {
        return Err(R::Nested);
    }
    Ok(())
}

/// A request object that its client signed, for us and for now. Only [`RequestObject::verify`] makes one.
#[derive(Clone)]
pub struct VerifiedRequest {
    members: Map<String, Value>,
    /// Whether it says by its `typ` that it is what RFC 9101 means.
    is_explicit: bool,
}

impl VerifiedRequest {
    /// The request: what the object says, and what is said beside it only.
    ///
    /// By OpenID Connect Core section 6.1 that counts too, by RFC 9101 section 6.3 it doesn't; an object of the type that
    /// RFC 9101 section 4 brought is read by the latter.
    pub fn merge(&self, outer: &Parameters) -> Result<PlainRequest, RequestRefusal> {
        let within = self.parameters();
        let is_within = |name: &str| within.iter().any(|(known, _)| *known == name);
        let said =
            |name: &str| within.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
        let differs = |name: &str, same: fn(&str, &str) -> bool| match (outer.get(name), said(name)) {
            (Some(outer), Some(within)) => !same(outer, within),
            _ => false,
        };
        if differs("client_id", |outer, within| outer == within) {
            return Err(RequestRefusal::OtherClient);
        }
        if differs("response_type", is_same_response_type) {
            return Err(RequestRefusal::OtherResponseType);
        }
        let counts = |name: &str| {
            !CARRIERS.contains(&name)
                && !is_within(name)
                // RFC 9101 section 5: which client it is must be told without opening the object.
                && (!self.is_explicit || name == "client_id")
        };
        let pairs = within.iter().map(|(name, text)| (*name, text.as_str()));
        let encoded = params::encode(pairs.chain(outer.iter().filter(|(name, _)| counts(name))));
        let merged = Parameters::parse(encoded.as_bytes()).map_err(|_| RequestRefusal::TooLarge)?;
        Ok(PlainRequest(merged))
    }

    /// Its members as parameters. A text is its own value, and everything else is its JSON (RFC 9101 section 4): a number like
    /// `max_age`, an object like `claims`. A list of resources is that parameter repeated (RFC 8707 section 2). `null` is
    /// left out.
    fn parameters(&self) -> Vec<(&str, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut parameters = Vec::new();
        for (name, value) in &self.members {
            let name = name.as_str();
            match value {
                _ if CLAIMS.contains(&name) => {}
                Value::Null => {}
                Value::Array(items) if name == "resource" => {
                    parameters.extend(items.iter().map(|item| (name, text(item))));
                }
                value => parameters.push((name, text(value))),
            }
        }
        parameters
    }
}

/// The order of the words means nothing (OAuth 2.0 Multiple Response Type Encoding Practices section 3).
fn is_same_response_type(one: &str, other: &str) -> bool {
    one == other || ResponseType::of_words(one).is_some_and(|it| ResponseType::of_words(other) == Some(it))
}

#[cfg(test)]
mod tests;
