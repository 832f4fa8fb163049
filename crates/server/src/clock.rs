//! The only place that reads the system clock. Everything else takes `now: Timestamp`, read once per request.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use terms::Timestamp;

/// Tells what time it is: the system's, or one that a test holds in its hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Held(HeldClock),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Held(clock) => clock.now(),
        }
    }

    /// What has passed since a moment of no meaning. It never goes back, whatever is done to the system's clock.
    pub fn steady(&self) -> Duration {
        match self {
            Self::System => BEGINNING.elapsed(),
            Self::Held(clock) => clock.now().since(Timestamp::from_millis(0)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is where time comes from")]
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A clock that stands still until its holder moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct HeldClock(Arc<AtomicI64>);

impl HeldClock {
    pub fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(instant.as_millis())))
    }

    /// A held clock that begins at the system's time, for tests whose other parties read the system clock.
    pub fn at_system_time() -> Self {
        Self::at(system_now())
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_millis(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is where time comes from")]
fn system_now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_when_moved() {
        let held = HeldClock::at(Timestamp::from_seconds(100));
        let clock = Clock::Held(held.clone());
        assert_eq!(clock.now(), Timestamp::from_seconds(100));
        held.advance(Duration::from_secs(5));
        assert_eq!((clock.now(), clock.steady()), (Timestamp::from_seconds(105), Duration::from_secs(105)));
    }
}
