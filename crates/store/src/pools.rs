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

/// Each reader of SQLite is a thread; more of them than cores only wait for one another.
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection, or for SQLite's writer, before it is told to come again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Above the number of our statements, so that each is prepared once per connection.
const PREPARED_STATEMENTS: usize = 1000;

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

pub(crate) fn sqlite_readers(path: &Path) -> SqlitePool {
    // Never a second writing connection: with several, SQLite's waits have tails of seconds.
    let options = sqlite_options(path).pragma("query_only", "ON");
    SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options)
}

pub(crate) fn postgres(url: &str) -> Result<PgPool, Fault> {
    let options: PgConnectOptions =
        url.parse().map_err(|_| Fault::new("read the database's address: it is not a PostgreSQL URL"))?;
    let options = options
        .statement_cache_capacity(PREPARED_STATEMENTS)
        .options([("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s")]);
    Ok(PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options))
}
