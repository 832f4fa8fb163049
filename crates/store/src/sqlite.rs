//! SQLite's connections. Their statements run on the thread that asks for them: to hand one to a thread of its own, and to be
//! woken by its answer, costs several times what the statement takes ([decision 42](../../../docs/decisions/0042-sqlite-in-place.md)).
//!
//! So none of this is asynchronous, and nobody who is dropped can leave a statement half done.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::types::{Null, ValueRef};

use crate::fault::Fault;
use crate::pools::PREPARED_STATEMENTS;
use crate::row;
use crate::value::Value;

/// How long one that reads waits for another program that has the file locked. It holds up its thread, so it is for what hardly
/// happens: the log that is made anew after a crash, or that the last to close takes away.
const LOCKED: Duration = Duration::from_secs(1);

/// FULL: what was answered is on the disk, also after a power cut; NORMAL would lose the last commits. The log goes back to the
/// file when it has 16 MiB, so that a page which is often written goes back once. What a savepoint would have to restore is kept
/// in memory: in files, each would be made and taken away.
const WRITING: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA wal_autocheckpoint = 4096; PRAGMA temp_store = MEMORY";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads and writes; the file is made where there is none. While another program writes, it is told so at once.
    Write,
    /// Reads only, from a file that is there and has its log.
    Read,
    /// Takes the file as it is, with whatever journal it has.
    AsItIs,
}

/// One connection.
pub(crate) struct Connection {
    inner: rusqlite::Connection,
    /// The columns' names of the statements that ran, by where their text lies and how long it is.
    columns: HashMap<(usize, usize), Box<[Box<str>]>>,
}

impl Connection {
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, rusqlite::Error> {
        let made = if access == Access::Write { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE
            | made;
        let inner = rusqlite::Connection::open_with_flags(path, flags)?;
        inner.busy_timeout(if access == Access::Write { Duration::ZERO } else { LOCKED })?;
        inner.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
        inner.execute_batch(match access {
            Access::Write => WRITING,
            // Never a second writing connection: with several, SQLite's waits have tails of seconds.
            Access::Read => "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY",
            Access::AsItIs => "PRAGMA foreign_keys = ON",
        })?;
        Ok(Self { inner, columns: HashMap::new() })
    }

    /// Runs statements without values, up to the first that fails.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), rusqlite::Error> {
        self.inner.execute_batch(sql)
    }

    /// How many rows it changed.
    pub(crate) fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, rusqlite::Error> {
        let mut statement = self.inner.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        statement.raw_execute().map(|changed| u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Shows each of its rows.
    pub(crate) fn query(
        &mut self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(&row::Row<'_>),
    ) -> Result<(), rusqlite::Error> {
        let mut statement = self.inner.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        let columns = self
            .columns
            .entry((sql.as_ptr().addr(), sql.len()))
            .or_insert_with(|| statement.column_names().into_iter().map(Box::from).collect());
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            each(&row::Row::Sqlite(Row { row, columns, next: Cell::new(0) }));
        }
        Ok(())
    }

    /// The driver's own, for the few statements that are no verbs.
    pub(crate) fn raw(&mut self) -> &mut rusqlite::Connection {
        &mut self.inner
    }

    /// Closes it, with a word on why it could not be done cleanly.
    pub(crate) fn close(self) {
        if let Err((_, error)) = self.inner.close() {
            tracing::warn!(%error, "a connection of SQLite did not close cleanly");
        }
    }
}

/// Gives each parameter the value of its number. To SQLite `$1` is a name, and its own numbers go by where one is first seen.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> Result<(), rusqlite::Error> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        let Some(value) = value else {
            return Err(rusqlite::Error::InvalidParameterName(name.to_owned()));
        };
        match value {
            Value::Id(text) | Value::Text(text) => statement.raw_bind_parameter(index, text),
            Value::Int(number) => statement.raw_bind_parameter(index, number),
            Value::Bool(truth) => statement.raw_bind_parameter(index, truth),
            Value::Blob(bytes) => statement.raw_bind_parameter(index, bytes),
            Value::Json(json) => statement.raw_bind_parameter(index, json.to_string()),
            Value::Null(_) => statement.raw_bind_parameter(index, Null),
        }?;
    }
    Ok(())
}

/// A row that a statement stands at.
pub struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    columns: &'r [Box<str>],
    /// The column after the one that was read last: rows are mostly read in the order of their columns.
    next: Cell<usize>,
}

impl Row<'_> {
    /// What stands in a column, if there is one of the name.
    pub(crate) fn get(&self, column: &str) -> Option<ValueRef<'_>> {
        let next = self.next.get().min(self.columns.len());
        let named = |columns: &[Box<str>]| columns.iter().position(|name| **name == *column);
        let (before, after) = self.columns.split_at(next);
        let place = named(after).map(|place| next + place).or_else(|| named(before))?;
        self.next.set(place + 1);
        self.row.get_ref(place).ok()
    }
}

/// Connections that read, as many as there are threads that read at the same time.
pub(crate) struct Readers {
    path: PathBuf,
    /// `None` once closed.
    connections: Mutex<Option<Connections>>,
}

#[derive(Default)]
struct Connections {
    idle: Vec<Connection>,
    /// How many there are, with those at work.
    open: u32,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, connections: Mutex::new(Some(Connections::default())) }
    }

    /// Has a connection do something. Each statement by itself sees the newest committed state.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&mut Connection) -> T) -> Result<T, Fault> {
        let idle = match self.connections().as_mut() {
            None => return Err(Fault::busy("read: the database is closed")),
            Some(connections) => connections.idle.pop(),
        };
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let done = run(&mut connection);
        // Closed, if so, when the list is free again: the last one takes the log back to the file.
        let closed = match self.connections().as_mut() {
            Some(connections) => {
                connections.idle.push(connection);
                None
            }
            None => Some(connection),
        };
        closed.into_iter().for_each(Connection::close);
        Ok(done)
    }

    fn open(&self) -> Result<Connection, Fault> {
        let opened = Connection::open(&self.path, Access::Read);
        let opened =
            opened.map_err(|error| Fault::database(format!("open {}", self.path.display()), error))?;
        if let Some(connections) = self.connections().as_mut() {
            connections.open += 1;
        }
        Ok(opened)
    }

    /// How many there are, and how many of them are idle.
    pub(crate) fn count(&self) -> (u32, usize) {
        self.connections().as_ref().map_or((0, 0), |it| (it.open, it.idle.len()))
    }

    pub(crate) fn close(&self) {
        let connections = self.connections().take();
        connections.into_iter().flat_map(|it| it.idle).for_each(Connection::close);
    }

    fn connections(&self) -> MutexGuard<'_, Option<Connections>> {
        // Nobody panics within it.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Row as AnyRow;
    use crate::testing::TestDatabase;
    use crate::value::Kind;
    use crate::{BadColumn, EngineKind};

    async fn connection() -> (TestDatabase, Connection) {
        let database = TestDatabase::make(EngineKind::Sqlite).await;
        let connection = Connection::open(Path::new(database.url()), Access::Write).unwrap();
        (database, connection)
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[tokio::test]
    async fn a_value_goes_wherever_its_number_stands() {
        let (_database, mut connection) = connection().await;
        let sql = "SELECT $2 AS b, $1 AS a, $2 || $1 AS c";
        let mut seen = Vec::new();
        let mut each = |row: &AnyRow<'_>| {
            // In any order, and again.
            seen.extend(["c", "a", "b", "a"].map(|column| row.text(column).unwrap()));
        };
        connection.query(sql, &[text("1"), text("2")], &mut each).unwrap();
        assert_eq!(seen, ["21", "1", "2", "1"]);
        let error = connection.query(sql, &[text("1")], &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("$2"), "{error}");
    }

    #[tokio::test]
    async fn what_is_read_is_of_the_kind_that_was_asked_for() {
        let (_database, mut connection) = connection().await;
        let values = [
            text("é"),
            Value::Int(-7),
            Value::Bool(true),
            Value::Blob(vec![0, 255]),
            Value::Json(serde_json::json!({ "a": [1] })),
            Value::Null(Kind::Text),
        ];
        let sql = "SELECT $1 AS text, $2 AS int, $3 AS bool, $4 AS blob, $5 AS json, $6 AS empty";
        let mut rows = 0;
        let mut each = |row: &AnyRow<'_>| {
            rows += 1;
            assert_eq!(row.text("text").unwrap(), "é");
            assert_eq!(row.int("int").unwrap(), -7);
            assert!(row.bool("bool").unwrap());
            assert_eq!(row.blob("blob").unwrap(), [0, 255]);
            assert_eq!(row.json::<serde_json::Value>("json").unwrap(), serde_json::json!({ "a": [1] }));
            assert_eq!(row.opt_text("empty").unwrap(), None);
            assert_eq!(row.opt_int("int").unwrap(), Some(-7));
            let refusals: [Result<(), BadColumn>; 5] = [
                row.int("text").map(|_| ()),
                row.text("blob").map(|_| ()),
                row.blob("text").map(|_| ()),
                row.text("empty").map(|_| ()),
                row.text("absent").map(|_| ()),
            ];
            assert!(refusals.iter().all(Result::is_err), "{refusals:?}");
        };
        connection.query(sql, &values, &mut each).unwrap();
        assert_eq!(rows, 1);
    }

    #[tokio::test]
    async fn one_that_reads_can_not_write() {
        let (database, mut connection) = connection().await;
        connection.batch("CREATE TABLE t (v TEXT NOT NULL)").unwrap();
        let readers = Readers::new(database.url().into());
        let refused = readers.with(|it| it.execute("INSERT INTO t VALUES ('x')", &[])).unwrap();
        assert!(refused.is_err());
        assert_eq!(readers.count(), (1, 1));
        readers.close();
        assert!(readers.with(|_| ()).unwrap_err().is_busy());
    }
}
