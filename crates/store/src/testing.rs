//! What tests of the store, and of what stands on it, begin with: a fresh, migrated store on each engine.
//!
//! `PORTICO_TEST_ENGINES` names the engines, by default `sqlite`. PostgreSQL is reached by `PORTICO_TEST_POSTGRES`,
//! the URL of a server where a schema per test may be made.
#![expect(clippy::expect_used, reason = "a test whose set-up fails can only stop")]

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use terms::{TenantId, Timestamp};
use tokio::sync::Barrier;

use crate::pools::PATIENCE;
use crate::store::{EngineKind, Store};
use crate::tenants::TenantRecord;
use crate::{Fault, write_tx};

/// An empty database of its own, taken away when dropped.
pub struct TestDatabase {
    url: String,
    kind: EngineKind,
    leftover: Leftover,
}

enum Leftover {
    Folder(PathBuf),
    Schema { server: String, name: String },
}

/// A fresh store, migrated, with one tenant.
pub struct TestStore {
    pub store: Store,
    pub tenant: TenantId,
    /// The store's database: open it again to see what a restart sees.
    pub database: TestDatabase,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// The instant at which tests of the store begin.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The engines that this run is about.
pub fn engine_kinds() -> Vec<EngineKind> {
    let names = std::env::var("PORTICO_TEST_ENGINES").unwrap_or_else(|_| "sqlite".to_owned());
    let kind = |name: &str| match name.trim() {
        "sqlite" => EngineKind::Sqlite,
        "postgres" => EngineKind::Postgres,
        other => panic!(
            "PORTICO_TEST_ENGINES names {other:?}; it takes `sqlite` and `postgres`, with a comma between"
        ),
    };
    names.split(',').map(kind).collect()
}

/// A fresh store for each engine.
pub async fn engines() -> Vec<TestStore> {
    let mut stores = Vec::new();
    for kind in engine_kinds() {
        stores.push(TestStore::make(kind).await);
    }
    stores
}

/// A number that nothing else in this process has: for ids and names.
pub fn unique() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Random bits for an id, different each time.
pub fn id_bits() -> [u8; 10] {
    let mut bits = [0; 10];
    bits[2..].copy_from_slice(&unique().to_be_bytes());
    bits
}

impl TestDatabase {
    pub async fn make(kind: EngineKind) -> Self {
        let name = format!("portico_test_{}_{}", std::process::id(), unique());
        match kind {
            EngineKind::Sqlite => {
                let folder = std::env::temp_dir().join(name);
                let _ = std::fs::remove_dir_all(&folder);
                std::fs::create_dir_all(&folder).expect("a folder for the test's database");
                let url = folder.join("portico.db").to_str().expect("a path in UTF-8").to_owned();
                Self { url, kind, leftover: Leftover::Folder(folder) }
            }
            EngineKind::Postgres => {
                let server = std::env::var("PORTICO_TEST_POSTGRES").expect(
                    "PORTICO_TEST_ENGINES names postgres, so PORTICO_TEST_POSTGRES must say where it is",
                );
                let mut connection =
                    PgConnection::connect(&server).await.expect("the PostgreSQL of PORTICO_TEST_POSTGRES");
                let make = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
                // The name is made above, of digits.
                connection.execute(AssertSqlSafe(make)).await.expect("a schema for the test");
                let separator = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{separator}options[search_path]={name}");
                Self { url, kind, leftover: Leftover::Schema { server, name } }
            }
        }
    }

    /// What `Store::open`, or the program's configuration, takes.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn kind(&self) -> EngineKind {
        self.kind
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.leftover {
            Leftover::Folder(folder) => {
                let _ = std::fs::remove_dir_all(folder);
            }
            Leftover::Schema { server, name } => drop_schema(server.clone(), name.clone()),
        }
    }
}

/// On a thread with a runtime of its own, since the test's may be gone.
fn drop_schema(server: String, name: String) {
    let gone = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&server).await.map_err(std::io::Error::other)?;
            // A connection of the test that is still at work would hold the drop up.
            let drop = format!("SET lock_timeout = '3s'; DROP SCHEMA IF EXISTS {name} CASCADE");
            connection.execute(AssertSqlSafe(drop)).await.map(|_| ()).map_err(std::io::Error::other)
        })
    });
    let _ = gone.join();
}

impl TestStore {
    pub async fn make(kind: EngineKind) -> Self {
        let database = TestDatabase::make(kind).await;
        let store = Store::open(database.url()).await.expect("the test's database opens");
        store.migrate().await.expect("the test's database migrates");
        let tenant = add_tenant(&store, "default").await.expect("the test's tenant");
        Self { store, tenant, database }
    }

    /// The same database through new connections, as after a restart.
    pub async fn reopened(&self) -> Store {
        Store::open(self.database.url()).await.expect("the test's database opens again")
    }
}

/// Another tenant, for tests that nothing crosses over.
pub async fn add_tenant(store: &Store, slug: &str) -> Result<TenantId, Fault> {
    let tenant = TenantRecord {
        id: TenantId::new(NOW, id_bits()),
        slug: slug.to_owned(),
        issuer: format!("https://{slug}.example.test"),
        settings: serde_json::json!({}),
        sealed_data_key: vec![0; 32],
        version: 1,
        created_at: NOW,
    };
    write_tx!(store, tenant.id, |tx| -> Result<bool, Fault> { tx.insert_tenant(&tenant).await })?;
    Ok(tenant.id)
}

/// A connection of its own, which waits while the program writes.
pub fn sqlite(database: &TestDatabase) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(database.url()).expect("another connection");
    connection.busy_timeout(PATIENCE).expect("a patient connection");
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("a connection that minds references");
    connection
}

/// Runs a statement that the program doesn't have: to spoil a row, say.
pub async fn run_raw(database: &TestDatabase, sql: &'static str) {
    match database.kind() {
        EngineKind::Sqlite => {
            sqlite(database).execute_batch(sql).expect("the statement runs");
        }
        EngineKind::Postgres => {
            let mut connection = PgConnection::connect(database.url()).await.expect("another connection");
            connection.execute(sql).await.expect("the statement runs");
        }
    }
}

/// Gives the tenant `acme` another name without a version of its own, as an engine that doesn't serialise might.
pub async fn change_acme_by_a_tie(database: &TestDatabase) {
    let sql =
        "UPDATE tenant SET settings = '{\"name\":\"Tied\"}', version = (SELECT MAX(version) FROM tenant)
                WHERE slug = 'acme'";
    run_raw(database, sql).await;
}

/// Takes the settings and the versions of all tenants back to the beginning, as an older copy of the database has them.
pub async fn take_tenants_back(database: &TestDatabase) {
    run_raw(database, "UPDATE tenant SET settings = '{}', version = 1").await;
}

/// What a query that the program doesn't have finds: the first column, a text, of each row. For what a test must read
/// from the database itself.
pub async fn texts(database: &TestDatabase, sql: &'static str) -> Vec<String> {
    match database.kind() {
        EngineKind::Sqlite => {
            let connection = sqlite(database);
            let mut query = connection.prepare(sql).expect("the query is understood");
            let texts = query.query_map((), |row| row.get(0)).expect("the query runs");
            texts.map(|text| text.expect("a text")).collect()
        }
        EngineKind::Postgres => {
            let mut connection = PgConnection::connect(database.url()).await.expect("another connection");
            sqlx::query_scalar(sql).fetch_all(&mut connection).await.expect("the query runs")
        }
    }
}

/// What hangs on a grant, as the database has it.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredGrant {
    pub ended: bool,
    pub codes_spent: i64,
    /// One row stands for all the refresh tokens of a grant.
    pub refresh_rows: i64,
    pub generation: i64,
}

/// Every grant by its id, for tests of what racing and killed programs leave behind. The newest has the greatest id.
pub async fn stored_grants(database: &TestDatabase) -> BTreeMap<String, StoredGrant> {
    let rows = texts(
        database,
        "SELECT g.grant_id || ' ' || CASE WHEN g.ended_at IS NULL THEN 0 ELSE 1 END
                || ' ' || (SELECT COUNT(*) FROM authorization_code a
                            WHERE a.tenant_id = g.tenant_id AND a.grant_id = g.grant_id AND a.redeemed_at IS NOT NULL)
                || ' ' || (SELECT COUNT(*) FROM refresh_token r
                            WHERE r.tenant_id = g.tenant_id AND r.grant_id = g.grant_id)
                || ' ' || (SELECT COALESCE(MAX(r.generation), 0) FROM refresh_token r
                            WHERE r.tenant_id = g.tenant_id AND r.grant_id = g.grant_id)
           FROM grant_record g",
    )
    .await;
    let read = |row: String| {
        let (grant, numbers) = row.split_once(' ')?;
        let numbers: Option<Vec<i64>> = numbers.split(' ').map(|number| number.parse().ok()).collect();
        let &[ended, codes_spent, refresh_rows, generation] = numbers?.as_slice() else { return None };
        Some((grant.to_owned(), StoredGrant { ended: ended == 1, codes_spent, refresh_rows, generation }))
    };
    rows.into_iter().map(|row| read(row).expect("an id and four numbers")).collect()
}

/// Runs `count` tasks that all start at once, and gives what each came to.
pub async fn race<T, F>(count: usize, make: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let runners: Vec<_> = (0..count)
        .map(|index| {
            let (start, run) = (Arc::clone(&start), make(index));
            tokio::spawn(async move {
                start.wait().await;
                run.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(count);
    for runner in runners {
        results.push(runner.await.expect("a racing task ends"));
    }
    results
}

/// A connection for statements that a test puts together: to fill tables, and to ask for plans.
pub enum Asker {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

impl Asker {
    pub async fn of(database: &TestDatabase) -> Self {
        let url = database.url();
        match database.kind() {
            EngineKind::Sqlite => Self::Sqlite(sqlite(database)),
            EngineKind::Postgres => {
                Self::Postgres(PgConnection::connect(url).await.expect("another connection"))
            }
        }
    }

    pub async fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql).expect("the statement runs"),
            Self::Postgres(connection) => {
                let sql = AssertSqlSafe(sql.to_owned());
                connection.execute(sql).await.map(|_| ()).expect("the statement runs");
            }
        }
    }

    /// What SQLite's `EXPLAIN QUERY PLAN` says: of each line the number of the one above it, and its text. None of PostgreSQL.
    pub fn sqlite_plan(&mut self, sql: &str) -> Vec<(i64, String)> {
        let Self::Sqlite(connection) = self else { return Vec::new() };
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a plan");
        let lines = explain.raw_query().mapped(|row| Ok((row.get(1)?, row.get(3)?)));
        lines.map(|line| line.expect("a plan's line")).collect()
    }

    /// What PostgreSQL's `EXPLAIN` says. None of SQLite.
    pub async fn postgres_plan(&mut self, sql: &str) -> serde_json::Value {
        let Self::Postgres(connection) = self else { return serde_json::Value::Null };
        let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) {sql}"));
        sqlx::query_scalar(explain).persistent(false).fetch_one(connection).await.expect("a plan")
    }
}
