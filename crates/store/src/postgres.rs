//! PostgreSQL's connections, shared by a pool that asks nothing of them between two uses.
//!
//! sqlx's own pool asks each connection for a sign of life before it is used and again after: three round trips for one statement.
//! Here a connection is asked when nobody has used it for a second, and put in order when somebody was dropped in the midst of using it.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgRow, PgSeverity};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Postgres, Row as _};

use crate::fault::Fault;
use crate::pools::{PATIENCE, PREPARED_STATEMENTS};

/// For each processor, of which there are taken to be between two and four: each connection is a process that plans for itself.
const CONNECTIONS_PER_PROCESSOR: usize = 4;
/// One that was used so recently is taken to be alive. Where it isn't, what can't be asked again is a fault.
const RECENTLY: Duration = Duration::from_secs(1);
/// Then another one takes its place, with memory and plans of its own.
const LONGEST_LIFE: Duration = Duration::from_mins(30);
/// Then it is closed, before something on the way forgets it.
const LONGEST_IDLE: Duration = Duration::from_mins(10);
/// Until it is looked again whether all connections have ended.
const ENDING: Duration = Duration::from_millis(5);
/// Until a database that is just starting, or full, is tried again.
const BREATH: Duration = Duration::from_millis(100);

/// Every statement finds its rows by an index, whatever its values are (`tests/plans.rs`), so PostgreSQL plans each once for a
/// connection, and never goes through a table because it is small at the moment: SERIALIZABLE then locks the whole of it. What such
/// a price makes look dear is not to be compiled.
const PLANNING: [(&str, &str); 3] =
    [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")];

/// Makes connections, and looks at those that come back.
struct Maker {
    options: PgConnectOptions,
}

impl Manager for Maker {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        loop {
            match self.options.connect().await {
                Err(error) if is_starting(&error) => tokio::time::sleep(BREATH).await,
                made => return made,
            }
        }
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LONGEST_LIFE {
            return Err(RecycleError::message("it is old"));
        }
        if metrics.last_used() > RECENTLY {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// Whether a server may be there in a moment, or have room.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        // too_many_connections, cannot_connect_now.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}

/// The connections of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections(Pool<Maker>);

impl Connections {
    pub(crate) fn new(url: &str) -> Result<Self, Fault> {
        let options: PgConnectOptions =
            url.parse().map_err(|_| Fault::new("read the database's address: it is not a PostgreSQL URL"))?;
        let options = options
            .statement_cache_capacity(PREPARED_STATEMENTS)
            .options([("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s")])
            .options(PLANNING);
        let pool = Pool::builder(Maker { options })
            .max_size(CONNECTIONS_PER_PROCESSOR * processors())
            // The one that was used last, so that those nobody needs are idle and go.
            .queue_mode(QueueMode::Lifo)
            .build();
        pool.map(Self).map_err(|error| Fault::new("make a pool of connections").because(error))
    }

    /// A connection, to be used by one.
    pub(crate) async fn get(&self) -> Result<Lease, sqlx::Error> {
        // For all of it: waiting for one, looking whether it is alive, making one.
        let got =
            tokio::time::timeout(PATIENCE, self.0.get()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let object = got.map_err(|error| match error {
            PoolError::Backend(error) => error,
            _ => sqlx::Error::PoolClosed,
        })?;
        Ok(Lease { object: Some(object), in_transaction: false, state: State::Quiet })
    }

    /// The rows of a query that may be asked again.
    pub(crate) async fn fetch(&self, query: impl Fn() -> Asked) -> Result<Vec<PgRow>, sqlx::Error> {
        match self.get().await?.fetch(query()).await {
            Err(error) if is_lost(&error) => {
                self.distrust();
                self.get().await?.fetch(query()).await
            }
            done => done,
        }
    }

    /// The same for one whole number.
    pub(crate) async fn number(&self, sql: &'static str) -> Result<i64, sqlx::Error> {
        let rows = self.fetch(|| sqlx::query(sql)).await?;
        rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
    }

    /// A connection with a transaction.
    pub(crate) async fn begin(&self, sql: &'static str) -> Result<Lease, sqlx::Error> {
        let mut lease = self.get().await?;
        match lease.begin(sql).await {
            Err(error) if is_lost(&error) => {
                drop(lease);
                self.distrust();
                lease = self.get().await?;
                lease.begin(sql).await?;
            }
            begun => begun?,
        }
        Ok(lease)
    }

    /// Lets go of all that are idle: where one has lost its server, the others mostly have.
    fn distrust(&self) {
        let _ = self.0.retain(|_, _| false);
    }

    /// How many there are, and how many of them are idle.
    pub(crate) fn count(&self) -> (u32, usize) {
        let status = self.0.status();
        (u32::try_from(status.size).unwrap_or(u32::MAX), status.available)
    }

    /// Closes those that nobody has needed for long.
    pub(crate) fn close_idle(&self) {
        let _ = self.0.retain(|_, metrics| metrics.last_used() < LONGEST_IDLE);
    }

    /// Lets nobody begin, and waits a while for those who have begun.
    pub(crate) async fn close(&self) {
        self.0.close();
        let all_ended = async {
            while self.0.status().size > 0 {
                tokio::time::sleep(ENDING).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, all_ended).await;
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 4)
}

/// A statement with its values.
pub(crate) type Asked = sqlx::query::Query<'static, Postgres, <Postgres as sqlx::Database>::Arguments>;

/// A connection while one uses it. Dropped, it goes back to the others when it is in order again.
pub(crate) struct Lease {
    /// Absent once dropped.
    object: Option<Object<Maker>>,
    in_transaction: bool,
    state: State,
}

/// Written down before each step, so that it is right also when the step is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everything that was asked is answered.
    Quiet,
    /// Something was sent of which the answer isn't read.
    Midway,
    /// It lost its server, or doesn't understand it.
    Broken,
}

impl Lease {
    /// The connection, to be asked something; then [`finish`](Self::finish) is told what came of it.
    pub(crate) fn start(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        match (self.object.as_deref_mut(), self.state) {
            (Some(connection), State::Quiet | State::Midway) => {
                self.state = State::Midway;
                Ok(connection)
            }
            _ => Err(sqlx::Error::WorkerCrashed),
        }
    }

    pub(crate) fn finish<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.state = if done.as_ref().is_err_and(is_lost) { State::Broken } else { State::Quiet };
        done
    }

    pub(crate) async fn fetch(&mut self, query: Asked) -> Result<Vec<PgRow>, sqlx::Error> {
        let done = query.fetch_all(self.start()?).await;
        self.finish(done)
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&mut self, query: Asked) -> Result<u64, sqlx::Error> {
        let done = query.execute(self.start()?).await.map(|done| done.rows_affected());
        self.finish(done)
    }

    /// Runs text without values, as one message.
    pub(crate) async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let done = self.start()?.execute(sql).await.map(|_| ());
        self.finish(done)
    }

    /// Begins a transaction.
    async fn begin(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.run(sql).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends it. With an error nobody knows whether it was committed, unless PostgreSQL says so.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(crate) async fn roll_back(mut self) {
        // Cut off, it is gone on with when the connection is put in order.
        let _ = tokio::time::timeout(PATIENCE, self.end("ROLLBACK")).await;
    }

    async fn end(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let ended = self.run(sql).await;
        // With some errors PostgreSQL has ended it, with others it waits for the ROLLBACK.
        if ended.is_ok() || ended.as_ref().is_err_and(is_refused) {
            self.in_transaction = false;
        }
        ended
    }
}

/// Whether a COMMIT was carried out, and came to nothing: others were in its way, or a constraint that is looked at last.
fn is_refused(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    !is_lost(error) && code.is_some_and(|code| matches!(&*code, "40001" | "40P01") || code.starts_with("23"))
}

/// Whether an error leaves nothing to go on with.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| {
            matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)
                || error.code().starts_with("08")
        }),
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => false,
        _ => true,
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        match (self.state, tokio::runtime::Handle::try_current()) {
            // It goes back.
            (State::Quiet, _) if !self.in_transaction => drop(object),
            // An open transaction holds what others wait for, so this is done now and not when it is next needed.
            (State::Quiet | State::Midway, Ok(runtime)) => {
                let lease = Self { object: Some(object), in_transaction: false, state: State::Broken };
                runtime.spawn(put_in_order(lease));
            }
            // Closed by being let go of, which also undoes a transaction.
            (State::Broken, _) | (_, Err(_)) => drop(Object::take(object)),
        }
    }
}

/// Reads what is still to come and undoes what is open. Unless that succeeds the connection stays broken.
async fn put_in_order(mut lease: Lease) {
    let Some(connection) = lease.object.as_deref_mut() else { return };
    if let Ok(Ok(_)) = tokio::time::timeout(PATIENCE, connection.execute("ROLLBACK")).await {
        lease.state = State::Quiet;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineKind;
    use crate::testing::{TestDatabase, engine_kinds};

    const WHO: &str = "SELECT pg_backend_pid()::BIGINT";

    async fn connections() -> Vec<(TestDatabase, Connections)> {
        let mut all = Vec::new();
        for kind in engine_kinds().into_iter().filter(|kind| *kind == EngineKind::Postgres) {
            let database = TestDatabase::make(kind).await;
            let connections = Connections::new(database.url()).unwrap();
            all.push((database, connections));
        }
        all
    }

    async fn number(lease: &mut Lease, sql: &'static str) -> Result<i64, sqlx::Error> {
        let rows = lease.fetch(sqlx::query(sql)).await?;
        rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
    }

    /// Until every connection is idle, of which there are then so many.
    async fn all_idle(connections: &Connections) -> u32 {
        let waiting = async {
            loop {
                let (open, idle) = connections.count();
                if usize::try_from(open).unwrap() == idle {
                    return open;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE * 2, waiting).await.unwrap()
    }

    #[tokio::test]
    async fn who_is_dropped_in_a_transaction_leaves_nothing_of_it() {
        for (_database, connections) in connections().await {
            let mut lease = connections.get().await.unwrap();
            let first = number(&mut lease, WHO).await.unwrap();
            lease.begin("BEGIN").await.unwrap();
            lease.run("CREATE TABLE t (v BIGINT)").await.unwrap();
            drop(lease);
            assert_eq!(all_idle(&connections).await, 1);
            let mut next = connections.get().await.unwrap();
            assert_eq!(number(&mut next, WHO).await.unwrap(), first);
            let there = "SELECT COUNT(to_regclass('t'))";
            assert_eq!(number(&mut next, there).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn who_is_dropped_midway_leaves_no_answer_to_the_next() {
        for (_database, connections) in connections().await {
            let mut lease = connections.get().await.unwrap();
            let first = number(&mut lease, WHO).await.unwrap();
            let slow = number(&mut lease, "SELECT 7::BIGINT FROM pg_sleep(0.2)");
            tokio::time::timeout(Duration::from_millis(50), slow).await.unwrap_err();
            drop(lease);
            assert_eq!(connections.count(), (1, 0), "it is not handed on before it was put in order");
            assert_eq!(all_idle(&connections).await, 1);
            let mut next = connections.get().await.unwrap();
            assert_eq!(number(&mut next, WHO).await.unwrap(), first);
        }
    }

    #[tokio::test]
    async fn one_that_lost_its_server_is_not_handed_on() {
        for (_database, connections) in connections().await {
            let mut lease = connections.get().await.unwrap();
            let first = number(&mut lease, WHO).await.unwrap();
            let end = "SELECT pg_terminate_backend(pg_backend_pid())::INT::BIGINT";
            number(&mut lease, end).await.unwrap_err();
            assert!(number(&mut lease, WHO).await.is_err());
            drop(lease);
            assert_eq!(connections.count(), (0, 0));
            let mut next = connections.get().await.unwrap();
            assert_ne!(number(&mut next, WHO).await.unwrap(), first);
        }
    }

    #[tokio::test]
    async fn an_error_of_a_statement_costs_no_connection() {
        for (_database, connections) in connections().await {
            let mut lease = connections.get().await.unwrap();
            assert!(number(&mut lease, "SELECT 1::BIGINT / 0").await.is_err());
            assert_eq!(number(&mut lease, "SELECT 1::BIGINT").await.unwrap(), 1);
            lease.begin("BEGIN").await.unwrap();
            assert!(number(&mut lease, "SELECT 1::BIGINT / 0").await.is_err());
            lease.roll_back().await;
            assert_eq!(connections.count(), (1, 1));
        }
    }
}
