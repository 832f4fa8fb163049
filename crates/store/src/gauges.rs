//! What an operator's instruments read: how the database is used, and what lies in it.

use std::sync::atomic::{AtomicU64, Ordering};

use identity::EventKind;
use oidc::jose::Algorithm;
use terms::Timestamp;

use crate::pools::Pools;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::store::Store;

/// What was run and committed since the program started.
#[derive(Debug)]
pub(crate) struct Tally {
    statements: AtomicU64,
    rows: AtomicU64,
    transactions: AtomicU64,
    /// By the place of the kind in [`EventKind::ALL`].
    events: Vec<AtomicU64>,
}

impl Default for Tally {
    fn default() -> Self {
        let events = EventKind::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        let nought = AtomicU64::default;
        Self { statements: nought(), rows: nought(), transactions: nought(), events }
    }
}

impl Tally {
    /// A statement ran and gave so many rows.
    pub(crate) fn ran(&self, rows: usize) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn committed(&self, events: &[EventKind]) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        for event in events {
            let place = EventKind::ALL.iter().position(|kind| kind == event);
            if let Some(count) = place.and_then(|place| self.events.get(place)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// How the database is used at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Connections of the pool; with SQLite those that read.
    pub connections: u32,
    pub idle_connections: u32,
    /// Statements run since the start, without those that begin and end transactions.
    pub statements: u64,
    /// Rows that they gave.
    pub rows: u64,
    /// Transactions committed since the start.
    pub transactions: u64,
    /// Commits to SQLite's file: several transactions share one. With PostgreSQL each has its own.
    pub commits: u64,
}

impl Store {
    pub fn usage(&self) -> Usage {
        let (connections, idle) = match self.pools() {
            Pools::Sqlite(readers) => readers.count(),
            Pools::Postgres(pool) => pool.count(),
        };
        let transactions = self.tally().transactions.load(Ordering::Relaxed);
        let commits = self.commits().unwrap_or(transactions);
        let idle_connections = u32::try_from(idle).unwrap_or(u32::MAX).min(connections);
        let statements = self.tally().statements.load(Ordering::Relaxed);
        let rows = self.tally().rows.load(Ordering::Relaxed);
        Usage { connections, idle_connections, statements, rows, transactions, commits }
    }

    /// How many events of each kind were committed since the start.
    pub fn events_committed(&self) -> impl Iterator<Item = (EventKind, u64)> {
        let counts = self.tally().events.iter().map(|count| count.load(Ordering::Relaxed));
        EventKind::ALL.iter().copied().zip(counts)
    }
}

/// The oldest key of an algorithm that has begun to sign and has not retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldestKey {
    pub algorithm: Algorithm,
    pub activated_at: Timestamp,
}

impl FromRow for OldestKey {
    const TABLE: &'static str = "signing_key";
    const KEY: &'static str = "algorithm";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { algorithm: row.parse("algorithm")?, activated_at: row.time("activated_at")? })
    }
}

verbs! {
    /// Of all tenants' keys, by algorithm.
    pub directory many oldest_signing_keys(now: Timestamp) -> OldestKey =
        "SELECT algorithm, MIN(activated_at) AS activated_at FROM signing_key
          WHERE activated_at <= $1 AND (retired_at IS NULL OR retired_at > $1) AND revoked_at IS NULL GROUP BY algorithm";
}
