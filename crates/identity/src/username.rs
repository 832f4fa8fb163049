//! Usernames: who may take which.
//!
//! A name that was an account's is never another's, so that nobody is taken for a person who was here before. What is kept
//! of a name that is nobody's any more is a keyed hash, which tells no name.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use terms::CanonicalUsername;

use crate::account::RecentlyProven;
use crate::user::User;

/// How many names an account may give up within [`PERIOD`]: each is taken from everybody else.
pub const MOST_GIVEN_UP: i64 = 3;
pub const PERIOD: Duration = Duration::from_hours(30 * 24);

/// The key under which a tenant keeps names that were somebody's.
pub struct UsernameKey(hmac::Key);

impl UsernameKey {
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// One hash for all names that look alike.
    pub fn hash(&self, username: &CanonicalUsername) -> UsernameHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.0, username.skeleton().as_bytes()).as_ref());
        UsernameHash(hash)
    }
}

impl fmt::Debug for UsernameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsernameKey(..)")
    }
}

/// What is kept of a name that was somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsernameHash([u8; 32]);

impl UsernameHash {
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why an account keeps the name that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsernameRefusal {
    /// The proof is another account's.
    OtherAccount,
    /// The account has this name already.
    TheirsAlready,
    /// [`MOST_GIVEN_UP`] were given up.
    TooOften,
    /// Somebody has it, or one that looks like it, or had.
    Taken,
}

/// Whether an account may take a name: `given_up` were within the period, and `is_free` says that nobody else has or had
/// a name that looks like it.
pub fn may_take_username(
    user: &User,
    wanted: &CanonicalUsername,
    proof: &RecentlyProven,
    given_up: i64,
    is_free: bool,
) -> Result<(), UsernameRefusal> {
    if proof.user_id() != user.id {
        return Err(UsernameRefusal::OtherAccount);
    }
    if user.username.as_ref() == Some(wanted) {
        return Err(UsernameRefusal::TheirsAlready);
    }
    // The first name takes none from anybody.
    if user.username.is_some() && given_up >= MOST_GIVEN_UP {
        return Err(UsernameRefusal::TooOften);
    }
    if is_free { Ok(()) } else { Err(UsernameRefusal::Taken) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Device, Factor, FactorMethod, Session};
    use crate::sign_in::FactorProof;
    use UsernameRefusal as R;
    use terms::{BrowserId, SessionId, Timestamp, UserId};

    fn name(text: &str) -> CanonicalUsername {
        CanonicalUsername::parse(text).unwrap()
    }

    #[test]
    fn names_that_look_alike_are_kept_as_one_and_by_each_tenant_in_its_own_way() {
        let (key, other) = (UsernameKey::new(&[1; 32]), UsernameKey::new(&[2; 32]));
        assert_eq!(key.hash(&name("user1")), key.hash(&name("USERL")));
        assert_ne!(key.hash(&name("user1")), key.hash(&name("user2")));
        assert_ne!(key.hash(&name("user1")), other.hash(&name("user1")));
        assert_eq!(format!("{key:?}"), "UsernameKey(..)");
    }

    #[test]
    fn a_name_is_taken_by_its_own_account_after_a_proof_seldom_and_where_it_is_free() {
        const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
        let user = |n: u8, username: Option<&str>| User {
            id: UserId::new(NOW, [n; 10]),
            subject: "ada".parse().unwrap(),
            username: username.map(name),
            emails: Vec::new(),
            profile: crate::Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
        };
        let proof = |user: &User| {
            let factor = Factor { method: FactorMethod::Password, verified_at: NOW };
            let proof = FactorProof::new(user.id, factor);
            let (session, browser) = (SessionId::new(NOW, [2; 10]), BrowserId::new(NOW, [3; 10]));
            let session = Session::mint(session, browser, &proof, Device::default(), NOW);
            RecentlyProven::of(&session, user, NOW).unwrap()
        };
        let (ada, new, eve) = (user(1, Some("ada")), user(1, None), user(9, Some("eve")));
        let wanted = name("lovelace");
        let ask = |user: &User, wanted: &CanonicalUsername, by: &User, given_up, is_free| {
            may_take_username(user, wanted, &proof(by), given_up, is_free)
        };
        assert_eq!(ask(&ada, &wanted, &ada, MOST_GIVEN_UP - 1, true), Ok(()));
        assert_eq!(ask(&new, &wanted, &new, MOST_GIVEN_UP, true), Ok(()), "a first name");
        assert_eq!(ask(&ada, &wanted, &eve, 0, true), Err(R::OtherAccount));
        assert_eq!(ask(&ada, &name("ADA"), &ada, 0, true), Err(R::TheirsAlready));
        assert_eq!(ask(&ada, &wanted, &ada, MOST_GIVEN_UP, true), Err(R::TooOften));
        assert_eq!(ask(&ada, &wanted, &ada, 0, false), Err(R::Taken));
    }
}
