//! Load: a closed loop, in which each of some connections asks again once it was answered, and an open one, in which requests are
//! due at a fixed rate whatever the server does. Latency in the open loop counts from the instant at which a request was due, so that a
//! server that stalls is charged for all who would have come meanwhile (coordinated omission).

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Problem;
use crate::workload::Actor;

/// What a loop came to.
pub(crate) struct Measured {
    pub operations: u64,
    pub took: Duration,
    /// In microseconds.
    pub latency: Histogram<u64>,
}

impl Measured {
    /// Operations, as what is divided by.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub(crate) fn count(&self) -> f64 {
        self.operations as f64
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() / self.took.as_secs_f64()
    }
}

/// No latency above this is told apart: a minute, in microseconds.
const LONGEST: u64 = 60_000_000;

fn histogram() -> Result<Histogram<u64>, Problem> {
    Ok(Histogram::new_with_max(LONGEST, 3)?)
}

/// When the actors ask.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as the last request was answered.
    Closed,
    /// So many in a second, of all actors together.
    Open(f64),
}

/// Lets the actors ask for so long.
pub(crate) async fn run(actors: &mut Vec<Actor>, pace: Pace, time: Duration) -> Result<Measured, Problem> {
    let begin = Instant::now();
    let end = begin + time;
    let mut running = JoinSet::new();
    let count = u32::try_from(actors.len())?.max(1);
    for (index, mut actor) in actors.drain(..).enumerate() {
        let every = match pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(Duration::from_secs_f64(f64::from(count) / rate)),
        };
        // They don't all begin at once.
        let offset = every.unwrap_or_default().mul_f64(f64::from(u32::try_from(index)?) / f64::from(count));
        running.spawn(async move {
            let (mut latency, mut operations) = (histogram()?, 0_u64);
            let mut due = begin + offset;
            while due < end {
                if every.is_some() {
                    tokio::time::sleep_until(due).await;
                } else {
                    due = Instant::now();
                }
                actor.act().await?;
                let micros = u64::try_from(due.elapsed().as_micros())?;
                latency.saturating_record(micros.min(LONGEST));
                operations += 1;
                due = match every {
                    Some(every) => due + every,
                    None => Instant::now(),
                };
            }
            Ok::<_, Problem>((actor, latency, operations))
        });
    }
    let mut measured = Measured { operations: 0, took: time, latency: histogram()? };
    while let Some(done) = running.join_next().await {
        let (actor, latency, operations) = done??;
        actors.push(actor);
        measured.latency.add(&latency)?;
        measured.operations += operations;
    }
    measured.took = begin.elapsed();
    Ok(measured)
}
