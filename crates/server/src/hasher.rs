//! Password hashing as a bounded resource: so many hashes at once, so many waiting, the rest is sent away.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identity::attempt::Admitted;
use identity::password::{
    self, HashCost, HashMemory, NewPassword, PasswordFault, PasswordHash, StoredPassword, VerifiedPassword,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use terms::SecretText;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::Instant;

use crate::config::PasswordHashing;

/// Hashes that may wait for each that runs: a quarter of a second of work at the standard cost.
const WAITING_PER_RUNNING: usize = 16;
/// Bounds of the histogram of waits, in seconds.
const WAITS: [f64; 7] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 1.0];

/// Why there is no answer about a password.
#[derive(Debug)]
pub enum HasherError {
    /// Too many wait already.
    Busy,
    Fault(PasswordFault),
    /// The hashing thread ended without an answer.
    Lost,
}

impl fmt::Display for HasherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the queue of password hashes is full"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Lost => f.write_str("a password hash was given up"),
        }
    }
}

impl std::error::Error for HasherError {}

impl From<HasherError> for crate::error::Failure {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy => Self::busy(error),
            HasherError::Fault(_) | HasherError::Lost => Self::new(error),
        }
    }
}

/// Hashes passwords on blocking threads, each in a buffer of its own that is used again and again.
///
/// argon2 wants 19 MiB for a hash. Without a bound, a burst of sign-ins would take all memory; with fresh memory each
/// time, most of a hash would be page faults.
pub struct Hasher {
    cost: HashCost,
    /// Buffers that no hash uses at the moment. Invariant: never more than there are permits.
    buffers: Arc<Mutex<Vec<HashMemory>>>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    width: usize,
    /// How long each waited for a buffer, in seconds.
    pub(crate) waits: Histogram,
    pub(crate) turned_away: Counter,
    /// Processor time that hashes took, in seconds.
    pub(crate) processor_time: Counter<f64, AtomicU64>,
}

/// Processor time of the calling thread so far.
fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

impl Hasher {
    /// A hasher with the cost and the width that the configuration says.
    pub fn new(settings: PasswordHashing) -> Self {
        let width = settings.at_once.max(1);
        Self {
            cost: settings.cost,
            buffers: Arc::default(),
            running: Arc::new(Semaphore::new(width)),
            admitted: Arc::new(Semaphore::new(width * (1 + WAITING_PER_RUNNING))),
            width,
            waits: Histogram::new(WAITS),
            turned_away: Counter::default(),
            processor_time: Counter::default(),
        }
    }

    /// How many hashes run, and how many wait.
    pub fn queue(&self) -> (usize, usize) {
        let running = self.width.saturating_sub(self.running.available_permits());
        let room = self.width * (1 + WAITING_PER_RUNNING);
        let admitted = room.saturating_sub(self.admitted.available_permits());
        (running, admitted.saturating_sub(running))
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: NewPassword, salt: [u8; 16]) -> Result<PasswordHash, HasherError> {
        let cost = self.cost;
        self.run(move |memory| password::hash(&password, salt, cost, memory)).await
    }

    /// Verifies a typed password; without a stored one it does the same work for nothing. A guess is judged once, and only
    /// after it was counted: [`crate::attempts`] is where guesses are taken.
    pub async fn verify(
        &self,
        _counted: Admitted,
        typed: SecretText,
        stored: Option<StoredPassword>,
    ) -> Result<Option<VerifiedPassword>, HasherError> {
        let cost = self.cost;
        self.run(move |memory| password::verify(&typed, stored.as_ref(), cost, memory)).await
    }

    /// The same password at the cost now asked for, when the stored hash has another.
    pub async fn rehash(
        &self,
        verified: VerifiedPassword,
        typed: SecretText,
        stored: &PasswordHash,
        salt: [u8; 16],
    ) -> Result<Option<PasswordHash>, HasherError> {
        if !stored.needs_rehash(self.cost) {
            return Ok(None);
        }
        let cost = self.cost;
        self.run(move |memory| password::rehash(&verified, &typed, salt, cost, memory)).await.map(Some)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> Result<T, PasswordFault> + Send + 'static,
    ) -> Result<T, HasherError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => {
                self.turned_away.inc();
                HasherError::Busy
            }
            TryAcquireError::Closed => HasherError::Lost,
        })?;
        let asked = Instant::now();
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| HasherError::Lost)?;
        self.waits.observe(asked.elapsed().as_secs_f64());
        let (buffers, cost) = (Arc::clone(&self.buffers), self.cost);
        let processor_time = self.processor_time.clone();
        let done = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, also when whoever asked has gone.
            let _permits = (admitted, running);
            let kept = buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = kept.unwrap_or_else(|| HashMemory::new(cost));
            let begun = thread_time();
            let result = work(&mut memory);
            processor_time.inc_by(thread_time().saturating_sub(begun).as_secs_f64());
            buffers.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            result
        });
        done.await.map_err(|_| HasherError::Lost)?.map_err(HasherError::Fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::password::PasswordPolicy;

    const CHEAP: HashCost = HashCost { memory_kib: 16, passes: 1, lanes: 1 };

    fn hasher(cost: HashCost, at_once: usize) -> Hasher {
        Hasher::new(PasswordHashing { cost, at_once })
    }

    /// A guess at a budget that nobody touched.
    fn counted() -> Admitted {
        let now = terms::Timestamp::from_millis(1);
        match identity::attempt::decide(None, now) {
            identity::attempt::Decision::Count(counting) => counting.counted(true, now).unwrap(),
            identity::attempt::Decision::Refuse(wait) => panic!("{wait:?}"),
        }
    }

    fn typed() -> SecretText {
        SecretText::new("a quiet lamp over the harbour".to_owned())
    }

    #[tokio::test]
    async fn buffers_are_kept_and_never_more_than_run_at_once() {
        let it = hasher(CHEAP, 2);
        let password = NewPassword::check(&typed(), PasswordPolicy::Alone, &[]).unwrap();
        let hashes = (0..8).map(|n| it.hash(password.clone(), [n; 16]));
        let mut made = Vec::new();
        for hash in hashes {
            made.push(hash.await.unwrap());
        }
        assert_eq!(made.len(), 8);
        assert!((1..=2).contains(&it.buffers.lock().unwrap().len()));
    }

    #[tokio::test]
    async fn a_full_queue_sends_the_next_one_away() {
        let it = hasher(CHEAP, 1);
        let everything = it.admitted.clone().try_acquire_many_owned(17).unwrap();
        assert!(matches!(it.verify(counted(), typed(), None).await, Err(HasherError::Busy)));
        drop(everything);
        assert!(matches!(it.verify(counted(), typed(), None).await, Ok(None)));
    }

    #[tokio::test]
    async fn only_a_hash_of_another_cost_is_made_anew() {
        let dear = hasher(HashCost { memory_kib: 32, ..CHEAP }, 1);
        let cheap = hasher(CHEAP, 1);
        let password = NewPassword::check(&typed(), PasswordPolicy::Alone, &[]).unwrap();
        let hash = cheap.hash(password, [1; 16]).await.unwrap();
        let user_id = terms::UserId::new(terms::Timestamp::from_millis(1), [0; 10]);
        let stored = StoredPassword {
            user_id,
            hash: hash.clone(),
            version: 1,
            changed_at: terms::Timestamp::from_millis(1),
        };
        let verified = cheap.verify(counted(), typed(), Some(stored)).await.unwrap().unwrap();
        assert!(cheap.rehash(verified.clone(), typed(), &hash, [2; 16]).await.unwrap().is_none());
        let raised = dear.rehash(verified, typed(), &hash, [2; 16]).await.unwrap().unwrap();
        assert!(!raised.needs_rehash(HashCost { memory_kib: 32, ..CHEAP }));
    }
}
