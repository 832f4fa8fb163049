//! The userinfo endpoint as a protected resource (OpenID Connect Core section 5.3, RFC 6750).

use serde_json::{Map, Value};
use terms::{SecretText, Timestamp};

use crate::access_token::{AccessToken, Holder};
use crate::client::Client;
use crate::grant::Grant;
use crate::params::{Parameters, ParametersError};
use crate::presented::{TokenFacts, stands};
use crate::scope::{OPENID, Scope};

/// Why userinfo is refused. One variant per rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserinfoRefusal {
    /// RFC 6750 section 3.1: no token; the answer says no more than which scheme is asked for.
    NoToken,
    /// RFC 6750 section 2: not more than one way of sending the token.
    SeveralMethods,
    /// RFC 6750 section 2.1: not of the form of a bearer token.
    Malformed,
    /// RFC 6750 section 2.2: the form is malformed, repeats a parameter, or is too large.
    Form(ParametersError),
    /// RFC 6750 section 3.1: expired, revoked, for another audience, or not ours. One answer for all.
    Invalid,
    /// OpenID Connect Core section 5.3: a token that says `openid`.
    InsufficientScope,
}

impl UserinfoRefusal {
    /// Every refusal, for the table of refusals; of the form's faults one.
    pub const ALL: [Self; 6] = [
        Self::NoToken,
        Self::SeveralMethods,
        Self::Malformed,
        Self::Form(ParametersError::Encoding),
        Self::Invalid,
        Self::InsufficientScope,
    ];

    /// The table to the wire: `error` (RFC 6750 section 3.1).
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => None,
            Self::SeveralMethods | Self::Malformed | Self::Form(_) => Some("invalid_request"),
            Self::Invalid => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
        }
    }

    /// The table to the wire: the HTTP status (RFC 6750 section 3.1).
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoToken | Self::Invalid => 401,
            Self::SeveralMethods | Self::Malformed | Self::Form(_) => 400,
            Self::InsufficientScope => 403,
        }
    }

    /// What the client's developer is told.
    pub fn description(&self) -> String {
        match self {
            Self::NoToken => "an access token is required",
            Self::SeveralMethods => "the access token comes more than once; send it in one way",
            Self::Malformed => "the Authorization header does not hold a bearer token",
            Self::Form(error) => return error.to_string(),
            Self::Invalid => "the access token is expired, revoked, for another audience, or not ours",
            Self::InsufficientScope => "the access token does not have the scope openid",
        }
        .to_owned()
    }
}

/// Takes the token from the `Authorization` header fields or from a form, from exactly one of them (RFC 6750 section 2).
/// A token in the query is not looked at (RFC 9700 section 4.3.2).
pub fn bearer(headers: &[&[u8]], form: Option<&Parameters>) -> Result<SecretText, UserinfoRefusal> {
    let in_form = form.and_then(|form| form.get("access_token"));
    match (headers, in_form) {
        ([], None) => Err(UserinfoRefusal::NoToken),
        ([], Some(token)) => Ok(SecretText::new(token.to_owned())),
        ([header], None) => read_bearer(header),
        ([_], Some(_)) | ([_, _, ..], _) => Err(UserinfoRefusal::SeveralMethods),
    }
}

/// RFC 6750 section 2.1: `Bearer`, a blank, and a `b64token`.
fn read_bearer(header: &[u8]) -> Result<SecretText, UserinfoRefusal> {
    let text = std::str::from_utf8(header).map_err(|_| UserinfoRefusal::Malformed)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        // RFC 6750 section 3.1: another scheme is no bearer token at all.
        return Err(UserinfoRefusal::NoToken);
    }
    let is_b64token =
        |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let body = token.trim_end_matches('=');
    if body.is_empty() || !body.bytes().all(is_b64token) {
        return Err(UserinfoRefusal::Malformed);
    }
    Ok(SecretText::new(token.to_owned()))
}

/// Whose claims are given out, and which: what the access token says, as far as it still stands.
pub fn decide<'a>(
    token: &AccessToken,
    facts: &'a TokenFacts,
    now: Timestamp,
) -> Result<(&'a Grant, Scope), UserinfoRefusal> {
    if !stands(token, facts, now) {
        return Err(UserinfoRefusal::Invalid);
    }
    // OpenID Connect Core section 5.3: about an end-user. A client's own token has none.
    let Holder::User { .. } = token.holder else {
        return Err(UserinfoRefusal::InsufficientScope);
    };
    let (grant, _) = facts.grant.as_ref().ok_or(UserinfoRefusal::Invalid)?;
    let scope: Scope = token.scope.parse().map_err(|_| UserinfoRefusal::Invalid)?;
    if scope.contains(OPENID) { Ok((grant, scope)) } else { Err(UserinfoRefusal::InsufficientScope) }
}

/// The claims of a JWT of userinfo: with who says so, to whom (OpenID Connect Core section 5.3.2) and when. It has neither
/// `exp` nor `nonce`, so that no relying party takes it for an ID token.
pub fn addressed(
    issuer: &str,
    client: &Client,
    mut claims: Map<String, Value>,
    now: Timestamp,
) -> Map<String, Value> {
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    claims.insert("iat".to_owned(), now.as_seconds().into());
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, grant, later};
    use crate::presented::tests::{facts, token};
    use UserinfoRefusal as R;

    fn form(text: &str) -> Parameters {
        Parameters::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_token_comes_in_exactly_one_way() {
        let in_form = form("access_token=abc");
        let empty = form("");
        assert_eq!(bearer(&[b"Bearer abc"], None).unwrap().reveal(), "abc");
        assert_eq!(bearer(&[b"bEARER abc=="], Some(&empty)).unwrap().reveal(), "abc==");
        assert_eq!(bearer(&[], Some(&in_form)).unwrap().reveal(), "abc");
        let cases: [(&[&[u8]], &Parameters, R); 11] = [
            (&[], &empty, R::NoToken),
            (&[b"Basic YWJj"], &empty, R::NoToken),
            (&[b"Basic YWJj"], &in_form, R::SeveralMethods),
            (&[b"Bearer abc"], &in_form, R::SeveralMethods),
            (&[b"Bearer abc", b"Bearer abc"], &empty, R::SeveralMethods),
            (&[b"Bearer"], &empty, R::Malformed),
            (&[b"Bearer "], &empty, R::Malformed),
            (&[b"Bearer  abc"], &empty, R::Malformed),
            (&[b"Bearer a b"], &empty, R::Malformed),
            (&[b"Bearer a=b"], &empty, R::Malformed),
            (&[b"Bearer \xff"], &empty, R::Malformed),
        ];
        for (headers, form, refusal) in cases {
            assert_eq!(bearer(headers, Some(form)), Err(refusal), "{headers:?}");
        }
    }

    #[test]
    fn a_standing_token_with_openid_opens_its_users_claims() {
        let facts = facts();
        let (found, scope) = decide(&token(), &facts, NOW).unwrap();
        assert_eq!((found.id, scope.to_string()), (grant().id, "openid profile".to_owned()));
    }

    #[test]
    fn what_does_not_stand_or_say_openid_opens_nothing() {
        assert_eq!(decide(&token(), &facts(), later(300)), Err(R::Invalid));
        let without = AccessToken { scope: "profile".to_owned(), ..token() };
        assert_eq!(decide(&without, &facts(), NOW), Err(R::InsufficientScope));
        let clients = AccessToken { holder: Holder::Client, ..token() };
        assert_eq!(decide(&clients, &facts(), NOW), Err(R::InsufficientScope));
    }

    #[test]
    fn a_jwt_of_userinfo_says_by_whom_and_for_whom_and_nothing_of_an_id_token() {
        let about = serde_json::json!({ "sub": "alice", "email": "a@example.test" });
        let claims = about.as_object().unwrap().clone();
        let told = addressed("https://login.example.test", &crate::fixture::client(), claims, NOW);
        let expected = serde_json::json!({
            "iss": "https://login.example.test", "aud": "cli_web", "iat": 1_800_000_000,
            "sub": "alice", "email": "a@example.test",
        });
        assert_eq!(Value::Object(told), expected);
    }

    #[test]
    fn descriptions_fit_into_a_quoted_string() {
        for refusal in UserinfoRefusal::ALL {
            let plain = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
            assert!(refusal.description().chars().all(plain), "{refusal:?}");
        }
    }
}
