use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::fault::Fault;

/// Connections that wait for nobody's transaction: SQLite's readers, or PostgreSQL's connections for everything.
#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// For each processor, of which there are taken to be between one and four. Each reader of SQLite is a thread with memory of its
/// own; more of them than processors only wait for one another, but one may be held up by a long list.
const SQLITE_READERS_PER_PROCESSOR: u32 = 2;
/// The same, with two processors at least: each connection of PostgreSQL is a process that plans for itself.
const POSTGRES_CONNECTIONS_PER_PROCESSOR: u32 = 4;
/// How long a request waits for a connection, or for SQLite's writer, before it is told to come again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Above the number of our statements, so that each is prepared once per connection.
const PREPARED_STATEMENTS: usize = 1000;

/// Every statement finds its rows by an index, whatever its values are (`tests/plans.rs`), so PostgreSQL plans each once for a
/// connection, and never goes through a table because it is small at the moment: SERIALIZABLE then locks the whole of it. What such
/// a price makes look dear is not to be compiled.
const PLANNING: [(&str, &str); 3] =
    [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")];

pub(crate) fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: what was answered is on the disk, also after a power cut. NORMAL would lose the last commits.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .statement_cache_capacity(PREPARED_STATEMENTS)
}

fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(4)).min(4)
}

pub(crate) fn sqlite_readers(path: &Path) -> SqlitePool {
    // Never a second writing connection: with several, SQLite's waits have tails of seconds.
    let options = sqlite_options(path).pragma("query_only", "ON");
    SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS_PER_PROCESSOR * processors())
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options)
}

pub(crate) fn postgres(url: &str) -> Result<PgPool, Fault> {
    let options: PgConnectOptions =
        url.parse().map_err(|_| Fault::new("read the database's address: it is not a PostgreSQL URL"))?;
    let options = options
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .options([("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s")])
        .options(PLANNING);
    Ok(PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_PER_PROCESSOR * processors().max(2))
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options))
}
