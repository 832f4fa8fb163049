//! The life of a signing key, as instants: published, activated, retired, revoked.
//!
//! What a key may do follows from them and from the time alone, so that every node comes to the same answer without
//! being told when something changes.
//!
//! ```text
//!            published          activated          retired       + LONGEST_TOKEN       + LONGEST_HINT
//!                |  Announced       |    Active       |   Retiring      |     Retired        |   Gone
//! key set        |__________________|_________________|_________________|
//! signs                             |_________________|
//! credentials    |__________________|_________________|_________________|
//! hints          |__________________|_________________|_________________|____________________|
//! ```

use std::time::Duration;

use terms::{SigningKeyId, Timestamp, limits};

use super::Algorithm;

/// How long after a key has retired it stays in the key set: until the last token that it signed has expired.
const LONGEST_TOKEN: Duration = limits::ACCESS_TOKEN_LONGEST;
/// How long after a key has retired its ID tokens still serve as hints: as long as a session may live.
const LONGEST_HINT: Duration = limits::SESSION_LIFETIME;

/// The instants of one key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLife {
    /// In the key set from here on, so that clients know it before it signs.
    pub published_at: Timestamp,
    /// Signs from here on; may lie in the future.
    pub activated_at: Option<Timestamp>,
    /// Signs no more from here on; may lie in the future.
    pub retired_at: Option<Timestamp>,
    /// Nothing that it signed is believed any more, whenever that was written down.
    pub revoked_at: Option<Timestamp>,
}

/// What a key may do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPhase {
    /// Published, and doesn't sign yet.
    Announced,
    /// Signs.
    Active {
        /// Since when.
        since: Timestamp,
    },
    /// Signs no more; published until the last token that it signed has expired.
    Retiring,
    /// No longer published; verifies hints only.
    Retired,
    /// Too old even for hints.
    Gone,
    /// Verifies nothing.
    Revoked,
}

impl KeyPhase {
    /// The word by which lists show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active { .. } => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Gone => "gone",
            Self::Revoked => "revoked",
        }
    }
}

impl KeyLife {
    /// A key that signs from the instant at which it is published.
    pub const fn active(now: Timestamp) -> Self {
        Self { published_at: now, activated_at: Some(now), retired_at: None, revoked_at: None }
    }

    /// What the key may do at `now`.
    pub fn phase(&self, now: Timestamp) -> KeyPhase {
        if self.revoked_at.is_some() {
            return KeyPhase::Revoked;
        }
        if let Some(retired_at) = self.retired_at.filter(|at| at.has_passed(now)) {
            return if retired_at.plus(LONGEST_HINT).has_passed(now) {
                KeyPhase::Gone
            } else if retired_at.plus(LONGEST_TOKEN).has_passed(now) {
                KeyPhase::Retired
            } else {
                KeyPhase::Retiring
            };
        }
        match self.activated_at.filter(|at| at.has_passed(now)) {
            Some(since) => KeyPhase::Active { since },
            None => KeyPhase::Announced,
        }
    }

    /// When the phase is next another one, if nothing is written down meanwhile.
    pub fn changes_after(&self, now: Timestamp) -> Option<Timestamp> {
        if self.revoked_at.is_some() {
            return None;
        }
        let retired = self.retired_at;
        let instants = [
            self.activated_at,
            retired,
            retired.map(|at| at.plus(LONGEST_TOKEN)),
            retired.map(|at| at.plus(LONGEST_HINT)),
        ];
        instants.into_iter().flatten().filter(|at| !at.has_passed(now)).min()
    }

    /// When the key leaves the key set, if it is known.
    pub fn leaves_at(&self) -> Option<Timestamp> {
        self.revoked_at.or_else(|| self.retired_at.map(|at| at.plus(LONGEST_TOKEN)))
    }
}

/// One of a tenant's keys, as far as its life goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its `kid`.
    pub id: SigningKeyId,
    /// Its one algorithm.
    pub algorithm: Algorithm,
    /// Its life so far, and as it is planned.
    pub life: KeyLife,
}

/// A key that takes over, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyToCome {
    /// A key that is published already.
    Announced(SigningKeyId),
    /// One that is still to be made, of this algorithm.
    New(Algorithm),
}

/// Why nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// The tenant has no key of that id.
    Unknown,
    /// It was revoked before.
    AlreadyRevoked,
    /// The tenant has no key of the algorithm that could be replaced.
    NoKey(Algorithm),
    /// A successor is published already, and takes over then.
    UnderWay(SigningKeyId, Timestamp),
}

impl std::fmt::Display for KeyRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such key; see `portico keys list`"),
            Self::AlreadyRevoked => f.write_str("the key is revoked already"),
            Self::NoKey(algorithm) => {
                write!(
                    f,
                    "there is no key for {algorithm} to replace; `portico keys create --alg {algorithm}` makes one"
                )
            }
            Self::UnderWay(id, _) => {
                write!(
                    f,
                    "the successor {id} is announced already and takes over by itself; `--now` hastens it"
                )
            }
        }
    }
}

/// What a rotation must do. Nothing of it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The successor signs from `at`, and from then on the others don't.
    Replace {
        /// Who takes over.
        successor: KeyToCome,
        /// When.
        at: Timestamp,
        /// Those that sign until then.
        retiring: Vec<SigningKeyId>,
    },
    /// Nothing changes.
    Refuse(KeyRefusal),
}

/// Replaces what signs with an algorithm, `lead` from now: that long clients and nodes have to learn the new key.
pub fn rotate(keys: &[StoredKey], algorithm: Algorithm, lead: Duration, now: Timestamp) -> Rotation {
    let of_it = || keys.iter().filter(|key| key.algorithm == algorithm);
    let signing: Vec<&StoredKey> =
        of_it().filter(|key| matches!(key.life.phase(now), KeyPhase::Active { .. })).collect();
    let announced = of_it().filter(|key| key.life.phase(now) == KeyPhase::Announced).max_by_key(|key| key.id);
    let at = now.plus(lead);
    let successor = match announced.map(|key| (key.id, key.life.activated_at)) {
        Some((id, Some(then))) if then <= at => return Rotation::Refuse(KeyRefusal::UnderWay(id, then)),
        Some((id, _)) => KeyToCome::Announced(id),
        None if signing.is_empty() => return Rotation::Refuse(KeyRefusal::NoKey(algorithm)),
        None => KeyToCome::New(algorithm),
    };
    Rotation::Replace { successor, at, retiring: signing.into_iter().map(|key| key.id).collect() }
}

/// Whether a key of the algorithm has signed for so long that it is to be replaced, and isn't being replaced yet.
pub fn is_due(keys: &[StoredKey], algorithm: Algorithm, age: Duration, now: Timestamp) -> bool {
    let mut newest = None;
    for key in keys.iter().filter(|key| key.algorithm == algorithm) {
        match key.life.phase(now) {
            KeyPhase::Announced => return false,
            KeyPhase::Active { since } => newest = newest.max(Some(since)),
            KeyPhase::Retiring | KeyPhase::Retired | KeyPhase::Gone | KeyPhase::Revoked => {}
        }
    }
    newest.is_some_and(|since| since.plus(age).has_passed(now))
}

/// What a revocation must do. Nothing of it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The key is revoked.
    Revoke {
        /// Who signs in its stead, and from when; none where the key was neither signing nor about to.
        successor: Option<(KeyToCome, Timestamp)>,
    },
    /// Nothing changes.
    Refuse(KeyRefusal),
}

/// Revokes a key at once. A tenant is never left without a key for an algorithm that it signs with, now or when a planned
/// change comes.
pub fn revoke(keys: &[StoredKey], id: SigningKeyId, now: Timestamp) -> Revocation {
    let Some(key) = keys.iter().find(|key| key.id == id) else {
        return Revocation::Refuse(KeyRefusal::Unknown);
    };
    let others = || keys.iter().filter(|other| other.algorithm == key.algorithm && other.id != id);
    let signs_on = |other: &&StoredKey| matches!(other.life.phase(now), KeyPhase::Active { .. });
    let successor = match key.life.phase(now) {
        KeyPhase::Revoked => return Revocation::Refuse(KeyRefusal::AlreadyRevoked),
        KeyPhase::Active { .. }
            if others().any(|other| signs_on(&other) && other.life.retired_at.is_none()) =>
        {
            None
        }
        KeyPhase::Active { .. } => {
            let announced = others().filter(|other| other.life.phase(now) == KeyPhase::Announced);
            let next = announced.map(|other| KeyToCome::Announced(other.id)).next();
            Some((next.unwrap_or(KeyToCome::New(key.algorithm)), now))
        }
        // Those that sign now retire when this one would have taken over: another one must take its place.
        KeyPhase::Announced => {
            let at = others().filter(signs_on).filter_map(|other| other.life.retired_at).max();
            at.map(|at| (KeyToCome::New(key.algorithm), at))
        }
        KeyPhase::Retiring | KeyPhase::Retired | KeyPhase::Gone => None,
    };
    Revocation::Revoke { successor }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(10_000_000);
    const HOUR: Duration = Duration::from_hours(1);
    const ALG: Algorithm = Algorithm::Es256;

    fn id(number: u8) -> SigningKeyId {
        SigningKeyId::new(Timestamp::from_seconds(1), [number; 10])
    }

    fn key(number: u8, activated_at: Option<Timestamp>, retired_at: Option<Timestamp>) -> StoredKey {
        let life =
            KeyLife { published_at: NOW.minus(HOUR * 100), activated_at, retired_at, revoked_at: None };
        StoredKey { id: id(number), algorithm: ALG, life }
    }

    fn long_active(number: u8) -> StoredKey {
        key(number, Some(NOW.minus(HOUR * 99)), None)
    }

    fn revoked(mut key: StoredKey) -> StoredKey {
        key.life.revoked_at = Some(NOW);
        key
    }

    #[test]
    fn the_phases_follow_each_other_and_each_change_is_foretold() {
        let life = KeyLife {
            published_at: NOW,
            activated_at: Some(NOW.plus(HOUR)),
            retired_at: Some(NOW.plus(HOUR * 50)),
            revoked_at: None,
        };
        let mut seen = vec![life.phase(NOW).as_str()];
        let mut at = NOW;
        while let Some(next) = life.changes_after(at) {
            assert_eq!(
                life.phase(next.minus(Duration::from_millis(1))),
                life.phase(at),
                "nothing changes earlier"
            );
            assert_ne!(life.phase(next), life.phase(at));
            at = next;
            seen.push(life.phase(at).as_str());
        }
        assert_eq!(seen, ["announced", "active", "retiring", "retired", "gone"]);
        let revoked = KeyLife { revoked_at: Some(NOW), ..life };
        assert_eq!((revoked.phase(NOW), revoked.changes_after(NOW)), (KeyPhase::Revoked, None));
    }

    #[test]
    fn a_retired_key_stays_published_for_as_long_as_any_token_lives() {
        let life = KeyLife { retired_at: Some(NOW), ..long_active(1).life };
        let last = NOW.plus(limits::ACCESS_TOKEN_LONGEST);
        assert_eq!(life.phase(last.minus(Duration::from_millis(1))), KeyPhase::Retiring);
        assert_eq!(life.phase(last), KeyPhase::Retired);
        assert_eq!(life.leaves_at(), Some(last));
    }

    #[test]
    fn a_rotation_announces_a_successor_and_plans_the_end_of_what_signs() {
        let replace = |successor, retiring: &[u8]| Rotation::Replace {
            successor,
            at: NOW.plus(HOUR),
            retiring: retiring.iter().map(|number| id(*number)).collect(),
        };
        let soon = NOW.plus(Duration::from_mins(5));
        let later = NOW.plus(HOUR * 2);
        for (keys, expected) in [
            (vec![long_active(1)], replace(KeyToCome::New(ALG), &[1])),
            (vec![long_active(1), long_active(2)], replace(KeyToCome::New(ALG), &[1, 2])),
            (
                vec![long_active(1), key(2, Some(soon), None)],
                Rotation::Refuse(KeyRefusal::UnderWay(id(2), soon)),
            ),
            (vec![long_active(1), key(2, Some(later), None)], replace(KeyToCome::Announced(id(2)), &[1])),
            (vec![long_active(1), key(2, None, None)], replace(KeyToCome::Announced(id(2)), &[1])),
            (vec![revoked(long_active(1))], Rotation::Refuse(KeyRefusal::NoKey(ALG))),
            (vec![], Rotation::Refuse(KeyRefusal::NoKey(ALG))),
        ] {
            assert_eq!(rotate(&keys, ALG, HOUR, NOW), expected, "{keys:?}");
            assert_eq!(
                rotate(&keys, Algorithm::Rs256, HOUR, NOW),
                Rotation::Refuse(KeyRefusal::NoKey(Algorithm::Rs256)),
                "another algorithm's keys are its own affair"
            );
        }
    }

    #[test]
    fn a_key_is_due_once_it_is_old_and_nobody_follows_yet() {
        let age = HOUR * 99;
        for (keys, due) in [
            (vec![long_active(1)], true),
            (vec![key(1, Some(NOW.minus(HOUR * 98)), None)], false),
            (vec![long_active(1), key(2, Some(NOW.minus(HOUR)), None)], false),
            (vec![long_active(1), key(2, Some(NOW.plus(HOUR)), None)], false),
            (vec![revoked(long_active(1))], false),
            (vec![], false),
        ] {
            assert_eq!(is_due(&keys, ALG, age, NOW), due, "{keys:?}");
        }
    }

    #[test]
    fn a_revocation_never_leaves_a_gap() {
        let end = NOW.plus(HOUR);
        let replaced = || key(1, Some(NOW.minus(HOUR * 99)), Some(end));
        let cases = [
            ("the only one", vec![long_active(1)], 1, Some((KeyToCome::New(ALG), NOW))),
            ("one of two", vec![long_active(1), long_active(2)], 1, None),
            (
                "the signing one, with a successor announced",
                vec![replaced(), key(2, Some(end), None)],
                1,
                Some((KeyToCome::Announced(id(2)), NOW)),
            ),
            ("the successor", vec![replaced(), key(2, Some(end), None)], 2, Some((KeyToCome::New(ALG), end))),
            ("one that retires", vec![key(1, Some(NOW.minus(HOUR)), Some(NOW)), long_active(2)], 1, None),
        ];
        for (what, keys, number, successor) in cases {
            assert_eq!(revoke(&keys, id(number), NOW), Revocation::Revoke { successor }, "{what}");
        }
        let twice = [revoked(long_active(1))];
        assert_eq!(revoke(&twice, id(1), NOW), Revocation::Refuse(KeyRefusal::AlreadyRevoked));
        assert_eq!(revoke(&twice, id(9), NOW), Revocation::Refuse(KeyRefusal::Unknown));
    }
}
