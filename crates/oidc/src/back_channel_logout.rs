//! What a client is told directly when a session ends: the logout token, and what becomes of it (OpenID Connect Back-Channel
//! Logout 1.0).

use std::fmt;
use std::time::Duration;

use serde_json::json;
use terms::{ClientId, SessionId, Subject, Timestamp};

use crate::access_token::TokenId;
use crate::jose::{KeyError, SigningKey};

/// The `typ` of a logout token (OpenID Connect Back-Channel Logout section 2.4), by which no other kind of token is taken for
/// one, nor one for an ID token (section 4.1).
pub const TYPE: &str = "logout+jwt";

/// The member of `events` that makes it a logout token (OpenID Connect Back-Channel Logout section 2.4).
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is good: it is made anew for each attempt (OpenID Connect Back-Channel Logout section 4 recommends
/// two minutes at most).
pub const LIFETIME: Duration = Duration::from_mins(2);

/// For how long a client is tried that can't be reached. Whoever was away for longer finds out by its own sessions' end.
pub const NOTICE_LIFETIME: Duration = Duration::from_hours(24);

/// How often a client is tried that answers that it doesn't accept: its trouble may be of the moment, such as keys of ours that
/// it doesn't know yet, but it has heard.
pub const MOST_ANSWERED: u32 = 4;

const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A logout token's claims (OpenID Connect Back-Channel Logout section 2.4). It always names both the person and the session, so
/// that a client ends that session only, whether it registered that it needs `sid` or not; and it has no `nonce`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// `iss`: the tenant's issuer.
    pub issuer: String,
    /// `aud`.
    pub audience: ClientId,
    /// `sub`: the person, as the client knows them.
    pub subject: Subject,
    /// `sid`: as ID tokens of that session said it.
    pub session: SessionId,
    /// `jti`: of this token alone.
    pub id: TokenId,
    /// `iat`; `exp` is [`LIFETIME`] later.
    pub issued_at: Timestamp,
}

impl LogoutToken {
    /// Signs these claims, with the key that signs the client's ID tokens (OpenID Connect Back-Channel Logout section 2.4).
    pub fn sign(&self, key: &SigningKey) -> Result<String, KeyError> {
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "sid": self.session,
            "jti": self.id,
            "iat": self.issued_at.as_seconds(),
            "exp": self.issued_at.plus(LIFETIME).as_seconds(),
            "events": { EVENT: {} },
        });
        key.sign_token(TYPE, &claims)
    }
}

/// How an attempt to tell a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It answered with this HTTP status.
    Answered(u16),
    /// There was no answer: no connection, none in time, or an address that may not be reached from here.
    NotReached,
    /// There is nobody to tell: the client is gone, or registers no address any more.
    NobodyThere,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(f, "answered {status}"),
            Self::NotReached => f.write_str("not reached"),
            Self::NobodyThere => f.write_str("nobody there"),
        }
    }
}

/// What the caller must now do with the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The client has ended its session: nothing is left to do.
    Told,
    /// There is nothing to tell any more.
    Dropped,
    /// It waits until then.
    RetryAt(Timestamp),
    /// The client will not be told.
    GiveUp,
}

/// Judges the attempt of this number, from 1 on, of a notice that was queued then. `chance` spreads notices that failed together.
///
/// OpenID Connect Back-Channel Logout section 2.8: 200 is a success, and so is 204, which some frameworks make of an empty
/// answer; 400 says that the client did not log out. What is no word about this token (a client that isn't there, is busy or
/// broken) is tried for [`NOTICE_LIFETIME`].
pub fn after_attempt(
    attempt: u32,
    ended: Attempt,
    queued_at: Timestamp,
    now: Timestamp,
    chance: u8,
) -> Telling {
    match ended {
        Attempt::Answered(200 | 204) => return Telling::Told,
        Attempt::NobodyThere => return Telling::Dropped,
        // 408, 425 and 429 are about the moment (RFC 9110 section 15.5.9, RFC 8470 section 5.2, RFC 6585 section 4).
        Attempt::Answered(408 | 425 | 429) | Attempt::NotReached => {}
        Attempt::Answered(400..=499 | 501) if attempt >= MOST_ANSWERED => return Telling::GiveUp,
        Attempt::Answered(_) => {}
    }
    let at = now.plus(wait_after(attempt, chance));
    if queued_at.plus(NOTICE_LIFETIME).has_passed(at) { Telling::GiveUp } else { Telling::RetryAt(at) }
}

/// Doubles from attempt to attempt, with up to a quarter more by chance.
fn wait_after(attempt: u32, chance: u8) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST_WAIT);
    wait + wait / 4 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, later};
    use crate::id_token::verify_hint;
    use crate::jose::test_keys::key_set;
    use crate::jose::{Algorithm, JwsRefusal, TokenUse};

    fn token() -> LogoutToken {
        LogoutToken {
            issuer: "https://id.example".to_owned(),
            audience: "web".parse().unwrap(),
            subject: "alice".parse().unwrap(),
            session: SessionId::new(NOW, [5; 10]),
            id: TokenId::new([7; 16]),
            issued_at: NOW,
        }
    }

    #[test]
    fn the_claims_are_those_of_the_protocol_and_no_other() {
        let keys = key_set();
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let signed = token().sign(keys.signer(algorithm).unwrap()).unwrap();
            let claims = keys.verify(&signed, TYPE, TokenUse::Credential).unwrap();
            let expected = json!({
                "iss": "https://id.example", "aud": "web", "sub": "alice", "sid": token().session.to_string(),
                "jti": token().id.as_str(), "iat": 1_800_000_000, "exp": 1_800_000_120,
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            assert_eq!(serde_json::Value::Object(claims), expected);
        }
    }

    #[test]
    fn it_passes_for_no_other_kind_of_token() {
        let keys = key_set();
        let signed = token().sign(keys.signer(Algorithm::Rs256).unwrap()).unwrap();
        for typ in [crate::id_token::TYPE, crate::access_token::TYPE] {
            assert_eq!(keys.verify(&signed, typ, TokenUse::Credential), Err(JwsRefusal::Type), "{typ}");
        }
        assert!(verify_hint(&signed, &keys, "https://id.example", None).is_err());
    }

    fn after(attempt: u32, ended: Attempt) -> Telling {
        after_attempt(attempt, ended, NOW, NOW, 0)
    }

    #[test]
    fn the_answer_decides() {
        let again = Telling::RetryAt(later(5));
        for (ended, first, last) in [
            (Attempt::Answered(200), Telling::Told, Telling::Told),
            (Attempt::Answered(204), Telling::Told, Telling::Told),
            (Attempt::NobodyThere, Telling::Dropped, Telling::Dropped),
            (Attempt::Answered(400), again, Telling::GiveUp),
            (Attempt::Answered(404), again, Telling::GiveUp),
            (Attempt::Answered(501), again, Telling::GiveUp),
            (Attempt::Answered(408), again, Telling::RetryAt(later(40))),
            (Attempt::Answered(429), again, Telling::RetryAt(later(40))),
            (Attempt::Answered(202), again, Telling::RetryAt(later(40))),
            (Attempt::Answered(302), again, Telling::RetryAt(later(40))),
            (Attempt::Answered(500), again, Telling::RetryAt(later(40))),
            (Attempt::Answered(503), again, Telling::RetryAt(later(40))),
            (Attempt::NotReached, again, Telling::RetryAt(later(40))),
        ] {
            assert_eq!(after(1, ended), first, "{ended}");
            assert_eq!(after(MOST_ANSWERED, ended), last, "{ended}, the last time");
        }
    }

    #[test]
    fn waits_grow_up_to_a_bound_and_end() {
        let waits: Vec<u64> = (1..=12).map(|attempt| wait_after(attempt, 0).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
        assert_eq!(wait_after(u32::MAX, 255), LONGEST_WAIT + LONGEST_WAIT / 4);
        let (mut now, mut attempt) = (NOW, 1);
        while let Telling::RetryAt(at) = after_attempt(attempt, Attempt::NotReached, NOW, now, 255) {
            assert!(at > now && !NOW.plus(NOTICE_LIFETIME).has_passed(at), "attempt {attempt}");
            (now, attempt) = (at, attempt + 1);
        }
        assert!((20..60).contains(&attempt), "{attempt} attempts in a day");
    }
}
