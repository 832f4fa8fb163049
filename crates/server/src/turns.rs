//! Turns at looking for work that nobody announces.

use std::time::Duration;

use tokio::sync::Mutex;

/// Those who have nothing to do look one after the other, with a while before each look: many who wait cost no more than one.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<()>);

impl Turns {
    /// Waits for the turn, and then for `period`. Who stops waiting leaves the turn to the next.
    pub(crate) async fn wait(&self, period: Duration) {
        let _turn = self.0.lock().await;
        tokio::time::sleep(period).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_while_goes_by_before_each_turn() {
        let (turns, period) = (Turns::default(), Duration::from_millis(10));
        let begun = Instant::now();
        let waits = (0..8).map(async |_| {
            turns.wait(period).await;
            begun.elapsed()
        });
        let mut waited = join_all(waits).await;
        waited.sort();
        for (place, waited) in (1..).zip(waited) {
            assert!(waited >= period * place, "{place}: {waited:?}");
        }
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_turn_to_the_next() {
        let turns = Turns::default();
        let stopped = tokio::time::timeout(Duration::from_millis(1), turns.wait(Duration::from_hours(1)));
        assert!(stopped.await.is_err());
        let next = tokio::time::timeout(Duration::from_secs(5), turns.wait(Duration::ZERO));
        assert!(next.await.is_ok());
    }
}
