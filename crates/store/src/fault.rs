use std::error::Error;
use std::fmt;

use crate::statement::Statement;
use crate::value::Value;

/// Something outside the request failed: the database, the network, or this program.
///
/// Opaque: no caller decides by what is inside. It says what was being done, to which ids, and why it failed; never
/// the values, since those may be personal. Logged once, answered with `server_error` (or 503 when [busy](Fault::is_busy)).
pub struct Fault {
    busy: bool,
    doing: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault of this program or of what it found: `doing` completes "could not …".
    pub fn new(doing: impl Into<String>) -> Self {
        Self { busy: false, doing: doing.into(), source: None }
    }

    /// The database could not take the command now, and may in a moment: 503 and `Retry-After`.
    pub fn busy(doing: impl Into<String>) -> Self {
        Self { busy: true, doing: doing.into(), source: None }
    }

    /// The same fault with what brought it about.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// What the database said while `doing`.
    pub(crate) fn database(doing: impl Into<String>, error: impl Into<DatabaseError>) -> Self {
        let error = error.into();
        Self { busy: Failure::of(&error) != Failure::Final, doing: doing.into(), source: Some(error.into()) }
    }

    pub(crate) fn statement(statement: &Statement, values: &[Value], error: DatabaseError) -> Self {
        Self::database(statement.describe(values), error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}", self.doing)?;
        let mut source = self.source.as_deref().map(|source| source as &dyn Error);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display): a driver's own `Debug` would print the values of the row that a constraint refused.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Fault {}

/// How a database error is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// PostgreSQL asks to run the transaction again: `serialization_failure`, `deadlock_detected`.
    Again,
    /// The database has no room for us at the moment.
    Busy,
    Final,
}

/// PostgreSQL: too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now, and query_canceled by a timeout.
const BUSY: [&str; 5] = ["53300", "57P01", "57P02", "57P03", "57014"];

impl Failure {
    pub(crate) fn of(error: &DatabaseError) -> Self {
        match error {
            DatabaseError::Sqlite(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy) => Self::Busy,
                _ => Self::Final,
            },
            DatabaseError::Postgres(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)) => Self::Busy,
            DatabaseError::Postgres(sqlx::Error::Database(error)) => match error.code().as_deref() {
                Some("40001" | "40P01") => Self::Again,
                Some(code) if BUSY.contains(&code) => Self::Busy,
                _ => Self::Final,
            },
            DatabaseError::Postgres(_) => Self::Final,
        }
    }
}

/// What an engine's driver said.
pub(crate) enum DatabaseError {
    Sqlite(rusqlite::Error),
    Postgres(sqlx::Error),
}

/// What it would display: a driver's own `Debug` may print values.
impl fmt::Debug for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => fmt::Display::fmt(error, f),
            Self::Postgres(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            // It would say the whole statement.
            rusqlite::Error::SqlInputError { error, msg, .. } => {
                Self::Sqlite(rusqlite::Error::SqliteFailure(error, Some(msg)))
            }
            error => Self::Sqlite(error),
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<DatabaseError> for Box<dyn Error + Send + Sync> {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Sqlite(error) => Box::new(error),
            DatabaseError::Postgres(error) => Box::new(error),
        }
    }
}
