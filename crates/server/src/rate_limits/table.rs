//! What is remembered of everybody: bounded, however many come.

use std::sync::{Arc, Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// Each has a lock of its own.
const SETS: usize = 1024;
/// Who is remembered in one.
const WAYS: usize = 64;

/// The most that one limit remembers at once.
#[cfg(test)]
pub(super) const MOST: usize = SETS * WAYS;

/// Somebody, and until when what they asked for is paid for.
#[derive(Clone, Copy, Debug)]
struct Slot {
    name: u64,
    paid_until: u64,
}

/// A set is chosen by the name. In a full one, whoever is nearest to a whole budget makes room: who is kept waiting is
/// forgotten last, and who is new is judged like everybody, however many others there are.
#[derive(Debug)]
pub(super) struct Table(Box<[Mutex<Vec<Slot>>]>);

impl Table {
    pub(super) fn shared() -> Arc<Self> {
        Arc::new(Self((0..SETS).map(|_| Mutex::default()).collect()))
    }

    fn judge<T, F, E>(&self, name: u64, is_kept: bool, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let chosen = usize::try_from(name % SETS as u64).unwrap_or_default();
        let mut set = self.0[chosen].lock().unwrap_or_else(PoisonError::into_inner);
        let found = set.iter().position(|slot| slot.name == name);
        let (outcome, next) = decide(found.map(|at| set[at].paid_until.into()))?;
        if !is_kept {
            return Ok(outcome);
        }
        let slot = Slot { name, paid_until: next.into() };
        let nearest = || set.iter().enumerate().min_by_key(|(_, slot)| slot.paid_until).map(|(at, _)| at);
        let place = match found {
            Some(at) => Some(at),
            None if set.len() < WAYS => None,
            None => nearest(),
        };
        match place {
            Some(at) => set[at] = slot,
            None => set.push(slot),
        }
        Ok(outcome)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.0.iter().map(|set| set.lock().unwrap().len()).sum()
    }
}

/// Judges and keeps what came out.
pub(super) struct Counting(pub(super) Arc<Table>);

/// Judges only.
pub(super) struct Looking(pub(super) Arc<Table>);

impl StateStore for Counting {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, name: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.judge(*name, true, decide)
    }
}

impl StateStore for Looking {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, name: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.judge(*name, false, decide)
    }
}
