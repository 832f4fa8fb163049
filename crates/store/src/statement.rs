use std::sync::Arc;
use std::time::Duration;

use sqlx::Postgres;
use sqlx::postgres::PgRow;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::coop::consume_budget;
use tokio::task::{block_in_place, yield_now};
use tokio::time::Instant;

use crate::fault::{DatabaseError, Failure, Fault};
use crate::gauges::Tally;
use crate::pools::Pools;
use crate::postgres::{Asked, Connections, Lease};
use crate::row::{FromRow, Row, decode};
use crate::sqlite::Connection;
use crate::value::{Kind, Value};
use crate::writer::Turn;

/// One SQL text that both engines run. Declared by [`verbs!`] only, which also lists it for the check.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Its verb's name, with the module.
    pub name: &'static str,
    pub sql: &'static str,
    /// How many parameters the verb binds.
    pub parameters: usize,
    /// Whether `$1` is the tenant. Only the [`Directory`](crate::Directory)'s statements come before a tenant is known.
    pub tenant_bound: bool,
}

/// After a statement that took longer, others have a turn on its thread.
const SLOW: Duration = Duration::from_millis(1);

/// Statements that may go through rows without bound: some are about every tenant, some take away what hangs on a row. They are
/// seldom asked: each that is has a thread more for a while, with memory of its own.
const LONG: [&str; 8] = [
    "store::clients::delete_client_row",
    "store::gauges::oldest_signing_keys",
    "store::registrations::tenants_with_clients_unused_since",
    "store::signing_keys::tenants_with_keys_from_before",
    "store::tenants::data_keys_by_head",
    "store::tenants::tenant_hosts",
    "store::tenants::tenants",
    "store::users::delete_user_row",
];

impl Statement {
    fn may_be_long(&self) -> bool {
        LONG.contains(&self.name)
    }

    /// The verb and the ids it was given, for a fault.
    pub(crate) fn describe(&self, values: &[Value]) -> String {
        let mut text = format!("run {}", self.name);
        for value in values {
            if let Value::Id(id) = value {
                text.push(' ');
                text.push_str(id);
            }
        }
        text
    }
}

/// Declares the verbs of an aggregate. Each line is `pub role verb name(arguments) -> Row = "SQL";`
///
/// | role | where the method lands | `$1` |
/// |---|---|---|
/// | `read` | [`Read`](crate::Read), and by that also [`Tx`](crate::Tx) | the tenant |
/// | `write` | [`Tx`](crate::Tx) | the tenant |
/// | `directory` | [`Directory`](crate::Directory) | the first argument |
///
/// | verb | answer |
/// |---|---|
/// | `exec` | `()` |
/// | `guard` | `bool`: whether the guarded statement changed a row |
/// | `count` | `u64`: how many rows it changed |
/// | `opt` | `Option<Row>`; a second row is a fault |
/// | `one` | `Row`; none, or a second, is a fault |
/// | `many` | `Vec<Row>` |
///
/// The arguments are bound in their order, from `$2` on. Where a record is taken apart, the values to bind stand in
/// brackets after the arguments: `pub write exec insert_tenant(it: &TenantRecord)[it.slug, it.issuer] = "…";`
macro_rules! verbs {
    ($(
        $(#[$doc:meta])*
        $vis:vis $role:ident $verb:ident $name:ident ( $($arg:ident : $ty:ty),* $(,)? ) $([ $($bind:expr),* $(,)? ])?
            $(-> $out:ty)? = $sql:expr ;
    )*) => {
        $($crate::statement::verbs!(@impl $role [
            $(#[$doc])*
            #[allow(clippy::too_many_arguments, reason = "the columns of a row")]
            $vis async fn $name(&mut self $(, $arg: $ty)*)
                -> Result<$crate::statement::verbs!(@answer $verb $($out)?), $crate::Fault> {
                const STATEMENT: $crate::statement::Statement = $crate::statement::verbs!(
                    @statement $role $name [$($arg),*] $([$($bind),*])? $sql);
                let values = $crate::statement::verbs!(@values $role self [$($arg),*] $([$($bind),*])?);
                self.conn().$verb $(::<$out>)? (&STATEMENT, values).await
            }
        ]);)*

        pub(crate) const STATEMENTS: &[$crate::statement::Statement] = &[
            $($crate::statement::verbs!(@statement $role $name [$($arg),*] $([$($bind),*])? $sql),)*
        ];
    };

    (@impl read [$($item:tt)*]) => { impl $crate::Read { $($item)* } };
    (@impl write [$($item:tt)*]) => { impl $crate::Tx { $($item)* } };
    (@impl directory [$($item:tt)*]) => { impl $crate::Directory { $($item)* } };

    (@answer exec) => { () };
    (@answer guard) => { bool };
    (@answer count) => { u64 };
    (@answer opt $out:ty) => { Option<$out> };
    (@answer one $out:ty) => { $out };
    (@answer many $out:ty) => { Vec<$out> };

    (@statement $role:ident $name:ident [$($arg:ident),*] [$($bind:expr),*] $sql:expr) => {
        $crate::statement::verbs!(@describe $role $name $sql, [$(stringify!($bind)),*])
    };
    (@statement $role:ident $name:ident [$($arg:ident),*] $sql:expr) => {
        $crate::statement::verbs!(@describe $role $name $sql, [$(stringify!($arg)),*])
    };
    (@describe directory $name:ident $sql:expr, $values:expr) => {
        $crate::statement::verbs!(@make $name $sql, $values, false)
    };
    (@describe $role:ident $name:ident $sql:expr, $values:expr) => {
        $crate::statement::verbs!(@make $name $sql, $values, true)
    };
    (@make $name:ident $sql:expr, $values:expr, $tenant:literal) => {
        $crate::statement::Statement {
            name: concat!(module_path!(), "::", stringify!($name)),
            sql: $sql,
            parameters: { const VALUES: &[&str] = &$values; VALUES.len() + $tenant as usize },
            tenant_bound: $tenant,
        }
    };

    (@values directory $self:ident [$($arg:ident),*] [$($bind:expr),*]) => {
        vec![$($crate::value::ToValue::to_value(&$bind)),*]
    };
    (@values directory $self:ident [$($arg:ident),*]) => {
        vec![$($crate::value::ToValue::to_value(&$arg)),*]
    };
    (@values $role:ident $self:ident [$($arg:ident),*] [$($bind:expr),*]) => {
        vec![$crate::value::ToValue::to_value(&$self.tenant()) $(, $crate::value::ToValue::to_value(&$bind))*]
    };
    (@values $role:ident $self:ident [$($arg:ident),*]) => {
        vec![$crate::value::ToValue::to_value(&$self.tenant()) $(, $crate::value::ToValue::to_value(&$arg))*]
    };
}
pub(crate) use verbs;

/// Where statements run, and who counts them.
pub(crate) struct Conn {
    place: Place,
    tally: Arc<Tally>,
    /// How many statements may still run here, where that is bounded.
    left: Option<u8>,
}

pub(crate) enum Place {
    /// Each statement by itself, on any connection of the pool.
    Pool(Pools),
    /// Within a command on SQLite's one writing connection.
    Writer { turn: Turn, failure: Option<Failure> },
    /// Within a transaction of PostgreSQL.
    Transaction { tx: Lease, failure: Option<Failure> },
    /// A command of one statement on PostgreSQL, which is a transaction by itself.
    Single { pool: Connections, failure: Option<Failure> },
}

impl Conn {
    pub(crate) fn new(place: Place, tally: Arc<Tally>) -> Self {
        Self { place, tally, left: None }
    }

    /// The same for one statement at most, if that is so.
    pub(crate) fn of_one(self, single: bool) -> Self {
        Self { left: single.then_some(1), ..self }
    }

    /// To be asked before a statement runs.
    fn admit(&mut self, statement: &Statement) -> Result<(), Fault> {
        match &mut self.left {
            None => Ok(()),
            Some(0) => {
                Err(Fault::new(format!("run {} as a second statement of a command of one", statement.name)))
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    /// Whether this is SQLite's one writing connection.
    pub(crate) fn is_writer(&self) -> bool {
        matches!(self.place, Place::Writer { .. })
    }

    pub(crate) fn into_place(self) -> Place {
        self.place
    }

    pub(crate) async fn exec(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<(), Fault> {
        self.count(statement, values).await.map(|_| ())
    }

    pub(crate) async fn guard(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<bool, Fault> {
        self.count(statement, values).await.map(|changed| changed > 0)
    }

    pub(crate) async fn count(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<u64, Fault> {
        self.admit(statement)?;
        let result = match self.on_sqlite(statement, |it| it.execute(statement.sql, &values)).await {
            Some(result) => result?.map_err(DatabaseError::from),
            None => Box::pin(execute(&mut self.place, statement, &values)).await,
        };
        self.tally.ran(0);
        result.map_err(|error| self.fail(statement, &values, error))
    }

    pub(crate) async fn opt<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Option<T>, Fault> {
        let mut rows = self.rows(statement, &values).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            _ => Err(Fault::new(statement.describe(&values)).because("it gave more than one row")),
        }
    }

    pub(crate) async fn one<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<T, Fault> {
        let mut rows = self.rows(statement, &values).await?;
        match rows.len() {
            1 => rows.pop(),
            _ => None,
        }
        .ok_or_else(|| Fault::new(statement.describe(&values)).because("it gave no row, or more than one"))
    }

    pub(crate) async fn many<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Fault> {
        self.rows(statement, &values).await
    }

    /// All rows, always: a `RETURNING` that isn't read to its end may be left undone.
    async fn rows<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: &[Value],
    ) -> Result<Vec<T>, Fault> {
        self.admit(statement)?;
        let (mut rows, mut bad) = (Vec::new(), None);
        let mut count = 0;
        let mut each = |row: &Row<'_>| {
            count += 1;
            match decode(row) {
                Ok(row) => rows.push(row),
                Err(fault) => {
                    bad.get_or_insert(fault);
                }
            }
        };
        let on_sqlite = self.on_sqlite(statement, |it| it.query(statement.sql, values, &mut each)).await;
        let result = if let Some(result) = on_sqlite {
            result?.map_err(DatabaseError::from)
        } else {
            let fetched = Box::pin(fetch(&mut self.place, statement, values)).await;
            fetched.map(|rows| rows.iter().for_each(|row| each(&Row::Postgres(row))))
        };
        self.tally.ran(count);
        result.map_err(|error| self.fail(statement, values, error))?;
        bad.map_or(Ok(rows), Err)
    }

    /// Has a connection do something, if it is SQLite's.
    async fn on_sqlite<T>(
        &mut self,
        statement: &Statement,
        run: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error>,
    ) -> Option<Result<Result<T, rusqlite::Error>, Fault>> {
        let run = |connection: &mut Connection| {
            if statement.may_be_long() { aside(|| run(connection)) } else { run(connection) }
        };
        let started = Instant::now();
        let done = match &mut self.place {
            Place::Pool(Pools::Sqlite(readers)) => readers.with(run),
            Place::Writer { turn, .. } => turn.connection().map(run),
            Place::Pool(Pools::Postgres(_)) | Place::Transaction { .. } | Place::Single { .. } => {
                return None;
            }
        };
        // Nothing else would let others have a turn while one task goes through many statements, or through slow ones.
        if started.elapsed() > SLOW {
            yield_now().await;
        } else {
            consume_budget().await;
        }
        Some(done)
    }

    /// Marks the transaction: after an error PostgreSQL turns COMMIT into a silent rollback, so nobody may take it for done.
    fn fail(&mut self, statement: &Statement, values: &[Value], error: DatabaseError) -> Fault {
        if let Place::Writer { failure, .. }
        | Place::Transaction { failure, .. }
        | Place::Single { failure, .. } = &mut self.place
        {
            failure.get_or_insert(Failure::of(&error));
        }
        Fault::statement(statement, values, error)
    }
}

/// Runs what may take long while another thread takes over what this one has to do besides. Tests may have one thread only.
fn aside<T>(run: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(run),
        _ => run(),
    }
}

// A driver's futures hold kilobytes. On the heap, they are there while a statement runs, and not in every handler that may run one:
// a request's future is allocated and moved whole, however little of it is needed.

/// How many rows it changed on PostgreSQL.
async fn execute(
    place: &mut Place,
    statement: &'static Statement,
    values: &[Value],
) -> Result<u64, DatabaseError> {
    let query = bind(statement, values);
    Ok(match place {
        Place::Transaction { tx, .. } => tx.execute(query).await?,
        Place::Single { pool, .. } | Place::Pool(Pools::Postgres(pool)) => {
            pool.get().await?.execute(query).await?
        }
        Place::Pool(Pools::Sqlite(_)) | Place::Writer { .. } => return Err(elsewhere()),
    })
}

/// The rows that it gave on PostgreSQL.
async fn fetch(
    place: &mut Place,
    statement: &'static Statement,
    values: &[Value],
) -> Result<Vec<PgRow>, DatabaseError> {
    let query = || bind(statement, values);
    Ok(match place {
        Place::Transaction { tx, .. } => tx.fetch(query()).await?,
        Place::Single { pool, .. } => pool.get().await?.fetch(query()).await?,
        Place::Pool(Pools::Postgres(pool)) => pool.fetch(query).await?,
        Place::Pool(Pools::Sqlite(_)) | Place::Writer { .. } => return Err(elsewhere()),
    })
}

/// SQLite's statements don't come here.
fn elsewhere() -> DatabaseError {
    sqlx::Error::InvalidArgument("a statement of SQLite was sent to PostgreSQL".to_owned()).into()
}

fn bind(statement: &'static Statement, values: &[Value]) -> Asked {
    values.iter().cloned().fold(sqlx::query::<Postgres>(statement.sql), |query, value| match value {
        Value::Id(text) | Value::Text(text) => query.bind(text),
        Value::Int(number) => query.bind(number),
        Value::Bool(truth) => query.bind(truth),
        Value::Blob(bytes) => query.bind(bytes),
        Value::Json(json) => query.bind(sqlx::types::Json(json)),
        Value::Null(Kind::Text) => query.bind(None::<String>),
        Value::Null(Kind::Int) => query.bind(None::<i64>),
        Value::Null(Kind::Bool) => query.bind(None::<bool>),
        Value::Null(Kind::Blob) => query.bind(None::<Vec<u8>>),
        Value::Null(Kind::Json) => query.bind(None::<sqlx::types::Json<serde_json::Value>>),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_long_is_there() {
        let all: Vec<&Statement> = crate::STATEMENTS.iter().copied().flatten().collect();
        for name in LONG {
            assert!(all.iter().any(|statement| statement.name == name), "{name}");
        }
        for statement in all.iter().filter(|statement| statement.may_be_long()) {
            let bounded = statement.sql.contains("slug = $1") || statement.sql.contains("host = $1");
            assert!(!bounded, "{} is asked by anybody", statement.name);
        }
    }
}
