use std::sync::Arc;
use std::time::Duration;

use crate::postgres::Connections;
use crate::sqlite::Readers;

/// How long a request waits for a connection, or for SQLite's writer, before it is told to come again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Above the number of our statements, so that each is prepared once per connection.
pub(crate) const PREPARED_STATEMENTS: usize = 1000;

/// Connections that wait for nobody's transaction: SQLite's readers, or PostgreSQL's connections for everything.
#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite(Arc<Readers>),
    Postgres(Connections),
}
