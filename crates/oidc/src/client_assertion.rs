//! Assertions by which clients prove who they are (RFC 7521 section 4.2, RFC 7523 section 3, OpenID Connect Core section 9).

use aws_lc_rs::digest;
use serde_json::{Map, Value};
use terms::{ClientId, Timestamp, limits};

/// The only `client_assertion_type` (RFC 7523 section 2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What `typ` may say, where there is one: that it is a JWT, or that it is this kind of JWT (draft-ietf-oauth-rfc7523bis
/// section 4). Whoever signs other kinds of tokens with the same key is so kept from handing out one that would do here.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// As whom an assertion may address us, told to [`check`].
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// The issuer: what a client is to write (draft-ietf-oauth-rfc7523bis section 3; FAPI 2.0 Security Profile section 5.3.2.1).
    pub issuer: &'a str,
    /// The token endpoint's URL: what RFC 7523 section 3 and OpenID Connect Core section 9 let clients write, so that most do.
    pub token_endpoint: &'a str,
}

/// Why an assertion is refused that its client did sign. Since it did, it may be told more than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionRefusal {
    /// RFC 8725 section 3.11: a token of another kind.
    Type,
    /// RFC 7523 section 3 items 1 and 2: `iss` and `sub` are both the client's id.
    Issuer,
    /// RFC 7523 section 3 item 3, draft-ietf-oauth-rfc7523bis section 3: for us, and for nobody else.
    Audience,
    /// RFC 7523 section 3 item 4: `exp` is a number and has not come.
    Expired,
    /// `exp` lies more than [`limits::ASSERTION_LIFETIME`] ahead, by a clock that may be [`limits::CLIENT_CLOCK_SKEW`] ahead of ours.
    TooLong,
    /// RFC 7523 section 3 items 5 and 6: `nbf` or `iat` is no number, or lies ahead.
    NotYet,
    /// OpenID Connect Core section 9: `jti` is a text, and of bounded length.
    Id,
    /// OpenID Connect Core section 9: a `jti` is used once.
    Spent,
}

impl AssertionRefusal {
    /// Every refusal, for the table of refusals.
    pub const ALL: [Self; 8] = [
        Self::Type,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::TooLong,
        Self::NotYet,
        Self::Id,
        Self::Spent,
    ];

    /// What the client's developer is told.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Type => {
                "client_assertion is a token of another kind; its typ may be JWT or client-authentication+jwt"
            }
            Self::Issuer => "client_assertion must have the client_id as iss and as sub",
            Self::Audience => "client_assertion must have this issuer as its only aud",
            Self::Expired => "client_assertion has expired, or has no exp",
            Self::TooLong => "client_assertion lives too long; let it expire within the hour",
            Self::NotYet => "client_assertion is from the future; check the clock",
            Self::Id => "client_assertion needs a jti: a text of at most 512 octets",
            Self::Spent => "client_assertion was used before; make a new one for each request",
        }
    }
}

/// An assertion that holds, if it wasn't used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Single {
    /// By what a second use is noticed.
    pub id: AssertionId,
    /// Until when that must be remembered.
    pub expires_at: Timestamp,
}

/// Names one assertion of one client: the SHA-256 of the client's id and the `jti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssertionId([u8; 32]);

impl AssertionId {
    fn new(client: &ClientId, jti: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        // The length of the first tells where it ends, so that no two pairs have the same octets.
        context.update(&(client.as_str().len() as u64).to_be_bytes());
        context.update(client.as_str().as_bytes());
        context.update(jti.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(context.finish().as_ref());
        Self(id)
    }

    /// The octets that are stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Checks what a client says in an assertion whose signature is its own.
pub fn check(
    typ: Option<&str>,
    claims: &Map<String, Value>,
    client: &ClientId,
    addressee: Addressee<'_>,
    now: Timestamp,
) -> Result<Single, AssertionRefusal> {
    use AssertionRefusal as R;
    // RFC 7515 section 4.1.9: media types are compared without regard to case.
    if typ.is_some_and(|typ| !TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ))) {
        return Err(R::Type);
    }
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(client.as_str()) || text("sub") != Some(client.as_str()) {
        return Err(R::Issuer);
    }
    if !is_for_us(claims.get("aud"), addressee) {
        return Err(R::Audience);
    }
    let expires_at = claims.get("exp").and_then(instant).ok_or(R::Expired)?;
    if expires_at.has_passed(now) {
        return Err(R::Expired);
    }
    // An hour by the client's clock, as libraries make them.
    if expires_at > now.plus(limits::ASSERTION_LIFETIME + limits::CLIENT_CLOCK_SKEW) {
        return Err(R::TooLong);
    }
    for name in ["nbf", "iat"] {
        let ahead = now.plus(limits::CLIENT_CLOCK_SKEW);
        if claims.get(name).is_some_and(|value| instant(value).is_none_or(|at| at > ahead)) {
            return Err(R::NotYet);
        }
    }
    let jti = text("jti").filter(|jti| (1..=limits::JTI_BYTES).contains(&jti.len())).ok_or(R::Id)?;
    Ok(Single { id: AssertionId::new(client, jti), expires_at })
}

/// One audience, as a text or as the only text of a list: an assertion that names a second one could be used there as well,
/// or come from there.
fn is_for_us(aud: Option<&Value>, addressee: Addressee<'_>) -> bool {
    let only = match aud {
        Some(Value::String(only)) => only,
        Some(Value::Array(items)) => match items.as_slice() {
            [Value::String(only)] => only,
            _ => return false,
        },
        _ => return false,
    };
    only == addressee.issuer || only == addressee.token_endpoint
}

/// A NumericDate (RFC 7519 section 2): seconds, which may have a fraction; it is cut off.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    const LAST: f64 = 1e11;
    let number = value.as_f64().filter(|number| (0.0..LAST).contains(number))?;
    #[expect(clippy::cast_possible_truncation, reason = "the range was looked at")]
    Some(Timestamp::from_seconds(number as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, later};
    use AssertionRefusal as R;
    use serde_json::json;

    const ADDRESSEE: Addressee<'static> = Addressee {
        issuer: "https://login.example.test",
        token_endpoint: "https://login.example.test/oauth/token",
    };

    fn id() -> ClientId {
        "cli_web".parse().unwrap()
    }

    fn good() -> Map<String, Value> {
        let claims = json!({
            "iss": "cli_web", "sub": "cli_web", "aud": ADDRESSEE.issuer, "jti": "j",
            "exp": later(60).as_seconds(), "iat": NOW.as_seconds(), "nbf": NOW.as_seconds(),
        });
        claims.as_object().unwrap().clone()
    }

    fn checked(claims: &Map<String, Value>) -> Result<Single, R> {
        check(Some("JWT"), claims, &id(), ADDRESSEE, NOW)
    }

    #[test]
    fn a_good_assertion_holds_until_it_expires_and_is_told_from_others() {
        let single = checked(&good()).unwrap();
        assert_eq!(single.expires_at, later(60));
        for (name, value) in [
            ("aud", json!(ADDRESSEE.token_endpoint)),
            ("aud", json!([ADDRESSEE.issuer])),
            ("exp", json!(later(3660).as_seconds())),
            ("iat", json!(later(60).as_seconds())),
            ("more", json!("of it")),
        ] {
            let mut claims = good();
            claims.insert(name.to_owned(), value);
            assert_eq!(checked(&claims).map(|it| it.id), Ok(single.id), "{name}");
        }
        for name in ["iat", "nbf"] {
            let mut claims = good();
            claims.remove(name);
            assert!(checked(&claims).is_ok(), "{name} may be left out");
        }
        for typ in [None, Some("jwt"), Some("client-authentication+jwt")] {
            assert!(check(typ, &good(), &id(), ADDRESSEE, NOW).is_ok(), "{typ:?}");
        }
        let mut other = good();
        other.insert("jti".to_owned(), json!("k"));
        assert_ne!(checked(&other).unwrap().id, single.id);
        assert_ne!(AssertionId::new(&id(), "1"), AssertionId::new(&"cli_web1".parse().unwrap(), ""));
    }

    #[test]
    fn each_claim_that_is_left_out_spoils_it() {
        for (name, refusal) in [
            ("iss", R::Issuer),
            ("sub", R::Issuer),
            ("aud", R::Audience),
            ("exp", R::Expired),
            ("jti", R::Id),
        ] {
            let mut claims = good();
            claims.remove(name);
            assert_eq!(checked(&claims), Err(refusal), "{name}");
            for spoilt in [Value::Null, json!({}), json!(true), json!([]), json!("x".repeat(9000))] {
                claims.insert(name.to_owned(), spoilt.clone());
                assert_eq!(checked(&claims), Err(refusal), "{name} {spoilt:.40}");
            }
        }
    }

    #[test]
    fn one_spoilt_claim_spoils_it() {
        let both = json!([ADDRESSEE.issuer, ADDRESSEE.token_endpoint]);
        for (name, value, refusal) in [
            ("iss", json!("cli_other"), R::Issuer),
            ("sub", json!("alice"), R::Issuer),
            ("aud", json!("https://login.example.test/"), R::Audience),
            ("aud", json!("https://login.example.test/oauth/introspect"), R::Audience),
            ("aud", json!("https://other.example.test"), R::Audience),
            ("aud", both, R::Audience),
            ("aud", json!([ADDRESSEE.issuer, "https://evil.test"]), R::Audience),
            ("exp", json!(NOW.as_seconds()), R::Expired),
            ("exp", json!(-1), R::Expired),
            ("exp", json!(later(60).as_seconds().to_string()), R::Expired),
            ("exp", json!(1e300), R::Expired),
            ("exp", json!(later(3661).as_seconds()), R::TooLong),
            ("iat", json!(later(61).as_seconds()), R::NotYet),
            ("nbf", json!(later(61).as_seconds()), R::NotYet),
            ("nbf", json!("now"), R::NotYet),
            ("iat", Value::Null, R::NotYet),
            ("jti", json!(7), R::Id),
            ("jti", json!(""), R::Id),
            ("jti", json!("x".repeat(513)), R::Id),
        ] {
            let mut claims = good();
            claims.insert(name.to_owned(), value.clone());
            assert_eq!(checked(&claims), Err(refusal), "{name} = {value:.60}");
        }
        for typ in ["at+jwt", "", "JWT ", "logout+jwt"] {
            assert_eq!(check(Some(typ), &good(), &id(), ADDRESSEE, NOW), Err(R::Type), "{typ}");
        }
    }
}
