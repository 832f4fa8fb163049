//! One user's authenticated presence in a browser, and what it says of how the user was authenticated.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};
use terms::{BrowserId, SessionId, Timestamp, UserId, limits};

use crate::sign_in::FactorProof;

/// A way in which a person shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorMethod {
    /// A password that was verified, or one set in the very request that proved the account's email address.
    Password,
    /// A one-time link that the operator gave to an administrator.
    OneTimeLink,
}

impl FactorMethod {
    /// Every method; enumerations in tests walk it.
    pub const ALL: [Self; 2] = [Self::Password, Self::OneTimeLink];

    /// The value of `amr` (RFC 8176 section 2).
    pub const fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::OneTimeLink => "otp",
        }
    }
}

/// A factor that was verified, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    pub method: FactorMethod,
    pub verified_at: Timestamp,
}

/// From where a session was last signed in to. Its owner recognises it by this; nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    pub address: Option<IpAddr>,
    /// What the browser says of itself.
    pub user_agent: Option<UserAgent>,
}

/// The `User-Agent` of a request (RFC 9110 section 10.1.5): visible ASCII and blanks, of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// Nothing when it is none that a browser would send. A request isn't refused for it, since nothing depends on it.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=limits::USER_AGENT_BYTES).contains(&text.len());
        (fits && text.bytes().all(|b| matches!(b, b' '..=b'~'))).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One user's authenticated presence in one browser. Its id is the `sid` claim and never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub browser_id: BrowserId,
    pub user_id: UserId,
    /// In the order of their verification. Invariant: never empty.
    pub factors: Vec<Factor>,
    pub created_at: Timestamp,
    pub last_active_at: Timestamp,
    /// The end in any case, however active the session is.
    pub expires_at: Timestamp,
    /// Set by sign-out, by a changed password and by an administrator.
    pub ended_at: Option<Timestamp>,
    pub device: Device,
}

impl Session {
    /// A new session. Only [`crate::sign_in`] and [`crate::sign_up`] make the proof that it takes.
    pub fn mint(
        id: SessionId,
        browser_id: BrowserId,
        proof: &FactorProof,
        device: Device,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            browser_id,
            user_id: proof.user_id(),
            factors: vec![proof.factor()],
            created_at: now,
            last_active_at: now,
            expires_at: now.plus(limits::SESSION_LIFETIME),
            ended_at: None,
            device,
        }
    }

    /// The same session after its user was authenticated anew in it: the same `sid`, a new `auth_time`, a new end.
    pub fn renewed(&self, proof: &FactorProof, device: Device, now: Timestamp) -> Self {
        let newest = proof.factor();
        let mut factors: Vec<_> =
            self.factors.iter().copied().filter(|f| f.method != newest.method).collect();
        factors.push(newest);
        let expires_at = now.plus(limits::SESSION_LIFETIME);
        Self { factors, device, last_active_at: now, expires_at, ..self.clone() }
    }

    /// Whether the session still stands for its user at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && !self.expires_at.has_passed(now)
            && !self.last_active_at.plus(limits::SESSION_IDLE).has_passed(now)
    }

    /// When the person last showed who they are (`auth_time`, OpenID Connect Core section 2).
    pub fn auth_time(&self) -> Timestamp {
        self.factors.iter().map(|factor| factor.verified_at).max().unwrap_or(self.created_at)
    }

    /// `amr` (RFC 8176): the methods used, each once.
    pub fn amr(&self) -> Vec<&'static str> {
        let mut values: Vec<_> = self.factors.iter().map(|factor| factor.method.amr()).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// `acr`: how many independent factors stand behind the session, `1` or `2`. A link stands in for a password, not
    /// beside one.
    pub fn acr(&self) -> &'static str {
        let is_beside = |factor: &Factor| match factor.method {
            FactorMethod::Password | FactorMethod::OneTimeLink => false,
        };
        if self.factors.iter().any(is_beside) { "2" } else { "1" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    type Spoil = fn(&mut Session);

    fn proof(verified_at: Timestamp) -> FactorProof {
        FactorProof::new(UserId::new(NOW, [1; 10]), Factor { method: FactorMethod::Password, verified_at })
    }

    fn session() -> Session {
        Session::mint(
            SessionId::new(NOW, [2; 10]),
            BrowserId::new(NOW, [3; 10]),
            &proof(NOW),
            Device::default(),
            NOW,
        )
    }

    #[test]
    fn a_session_lives_until_it_ends_idles_or_grows_old() {
        let day = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
        let cases: [(Spoil, Timestamp, bool); 6] = [
            (|_| (), NOW, true),
            (|_| (), NOW.plus(day(7)).minus(Duration::from_millis(1)), true),
            (|_| (), NOW.plus(day(7)), false),
            (|s| s.ended_at = Some(NOW), NOW, false),
            (|s| s.last_active_at = s.expires_at, NOW.plus(day(30)).minus(Duration::from_millis(1)), true),
            (|s| s.last_active_at = s.expires_at, NOW.plus(day(30)), false),
        ];
        for (index, (spoil, now, lives)) in cases.into_iter().enumerate() {
            let mut session = session();
            spoil(&mut session);
            assert_eq!(session.is_live(now), lives, "case {index}");
        }
    }

    #[test]
    fn a_renewed_session_is_the_same_one_with_a_new_time() {
        let later = NOW.plus(Duration::from_secs(500));
        let device = Device { address: None, user_agent: UserAgent::parse("Mozilla/5.0") };
        let renewed = session().renewed(&proof(later), device.clone(), later);
        assert_eq!((renewed.id, renewed.created_at), (session().id, NOW));
        assert_eq!((renewed.auth_time(), renewed.last_active_at, renewed.factors.len()), (later, later, 1));
        assert_eq!((renewed.amr(), renewed.acr()), (vec!["pwd"], "1"));
        assert_eq!(renewed.device, device);
    }

    #[test]
    fn what_a_browser_says_of_itself_is_text_of_bounded_length() {
        let longest = "x".repeat(limits::USER_AGENT_BYTES);
        assert_eq!(UserAgent::parse(&longest).unwrap().as_str(), longest);
        for bad in ["", "a\nb", "caf\u{e9}", &format!("{longest}x")] {
            assert_eq!(UserAgent::parse(bad), None, "{bad:?}");
        }
    }
}
