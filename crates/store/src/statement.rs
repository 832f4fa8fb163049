use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Postgres, Sqlite, Transaction};

use crate::fault::{Failure, Fault};
use crate::gauges::Tally;
use crate::pools::Pools;
use crate::row::{FromRow, Row, decode};
use crate::sqlite::Turn;
use crate::value::{Kind, Value};

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

impl Statement {
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
    Transaction { tx: Transaction<'static, Postgres>, failure: Option<Failure> },
    /// A command of one statement on PostgreSQL, which is a transaction by itself.
    Single { pool: PgPool, failure: Option<Failure> },
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
        let result = Box::pin(execute(&mut self.place, statement, &values)).await?;
        self.tally.ran(0);
        result.map_err(|error| self.fail(statement, &values, error))
    }

    pub(crate) async fn opt<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Option<T>, Fault> {
        let rows = self.rows(statement, &values).await?;
        match rows.as_slice() {
            [] => Ok(None),
            [row] => decode(row).map(Some),
            _ => Err(Fault::new(statement.describe(&values)).because("it gave more than one row")),
        }
    }

    pub(crate) async fn one<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<T, Fault> {
        let described = statement.describe(&values);
        self.opt(statement, values).await?.ok_or_else(|| Fault::new(described).because("it gave no row"))
    }

    pub(crate) async fn many<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Fault> {
        self.rows(statement, &values).await?.iter().map(decode).collect()
    }

    /// All rows, always: a `RETURNING` that isn't read to its end may be left undone.
    async fn rows(&mut self, statement: &'static Statement, values: &[Value]) -> Result<Vec<Row>, Fault> {
        self.admit(statement)?;
        let result = Box::pin(fetch(&mut self.place, statement, values)).await?;
        self.tally.ran(result.as_ref().map_or(0, Vec::len));
        result.map_err(|error| self.fail(statement, values, error))
    }

    /// Marks the transaction: after an error PostgreSQL turns COMMIT into a silent rollback, so nobody may take it for done.
    fn fail(&mut self, statement: &Statement, values: &[Value], error: sqlx::Error) -> Fault {
        if let Place::Writer { failure, .. }
        | Place::Transaction { failure, .. }
        | Place::Single { failure, .. } = &mut self.place
        {
            failure.get_or_insert(Failure::of(&error));
        }
        Fault::statement(statement, values, error)
    }
}

// The drivers' futures hold kilobytes. On the heap, they are there while a statement runs, and not in every handler that may run one:
// a request's future is allocated and moved whole, however little of it is needed.

/// How many rows it changed. A fault: the database could not be asked.
async fn execute(
    place: &mut Place,
    statement: &'static Statement,
    values: &[Value],
) -> Result<Result<u64, sqlx::Error>, Fault> {
    Ok(match place {
        Place::Pool(Pools::Sqlite(pool)) => {
            execute_sqlite(&mut *acquire(pool, statement).await?, statement, values).await
        }
        Place::Pool(Pools::Postgres(pool)) | Place::Single { pool, .. } => {
            execute_postgres(&mut *acquire(pool, statement).await?, statement, values).await
        }
        Place::Writer { turn, .. } => execute_sqlite(turn.connection()?, statement, values).await,
        Place::Transaction { tx, .. } => execute_postgres(tx, statement, values).await,
    })
}

/// The rows that it gave. A fault: the database could not be asked.
async fn fetch(
    place: &mut Place,
    statement: &'static Statement,
    values: &[Value],
) -> Result<Result<Vec<Row>, sqlx::Error>, Fault> {
    Ok(match place {
        Place::Pool(Pools::Sqlite(pool)) => {
            fetch_sqlite(&mut *acquire(pool, statement).await?, statement, values).await
        }
        Place::Pool(Pools::Postgres(pool)) | Place::Single { pool, .. } => {
            fetch_postgres(&mut *acquire(pool, statement).await?, statement, values).await
        }
        Place::Writer { turn, .. } => fetch_sqlite(turn.connection()?, statement, values).await,
        Place::Transaction { tx, .. } => fetch_postgres(tx, statement, values).await,
    })
}

async fn acquire<D: sqlx::Database>(
    pool: &sqlx::Pool<D>,
    statement: &Statement,
) -> Result<PoolConnection<D>, Fault> {
    pool.acquire()
        .await
        .map_err(|error| Fault::database(format!("reach the database to run {}", statement.name), error))
}

macro_rules! engine {
    ($database:ty, $connection:ty, $execute:ident, $fetch:ident, $bind:ident, $row:path) => {
        fn $bind(
            statement: &'static Statement,
            values: &[Value],
        ) -> sqlx::query::Query<'static, $database, <$database as sqlx::Database>::Arguments> {
            values.iter().cloned().fold(sqlx::query::<$database>(statement.sql), |query, value| match value {
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

        async fn $execute(
            connection: &mut $connection,
            statement: &'static Statement,
            values: &[Value],
        ) -> Result<u64, sqlx::Error> {
            $bind(statement, values).execute(connection).await.map(|done| done.rows_affected())
        }

        async fn $fetch(
            connection: &mut $connection,
            statement: &'static Statement,
            values: &[Value],
        ) -> Result<Vec<Row>, sqlx::Error> {
            let rows = $bind(statement, values).fetch_all(connection).await?;
            Ok(rows.into_iter().map($row).collect())
        }
    };
}

engine!(Sqlite, SqliteConnection, execute_sqlite, fetch_sqlite, bind_sqlite, Row::Sqlite);
engine!(Postgres, PgConnection, execute_postgres, fetch_postgres, bind_postgres, Row::Postgres);
