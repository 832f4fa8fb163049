use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use terms::{TenantId, Timestamp};
use tokio::sync::{Notify, RwLock};

use crate::fault::{DatabaseError, Fault};
use crate::gauges::Tally;
use crate::migrate;
use crate::pools::Pools;
use crate::postgres::Connections;
use crate::sqlite::Readers;
use crate::statement::{Conn, Place};
use crate::tx::{Command, Directory, Isolation, Read, in_a_write};
use crate::writer::Writer;

/// The database of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    mail_appended: Arc<Notify>,
    tally: Arc<Tally>,
    reconfigurations: Arc<Reconfigurations>,
}

/// How often this process has changed what nodes keep in memory of a tenant. Tenants share the counts by their ids' last octet: a
/// change of one makes the nodes read some others again as well, and no tenant costs memory.
struct Reconfigurations([AtomicU64; 256]);

impl Reconfigurations {
    fn of(&self, tenant: TenantId) -> &AtomicU64 {
        let [.., last] = tenant.to_bytes();
        &self.0[usize::from(last)]
    }
}

pub(crate) enum Engine {
    Sqlite {
        path: PathBuf,
        readers: Arc<Readers>,
        writer: Writer,
    },
    Postgres {
        pool: Connections,
        /// Held by every command that runs, together with others or, when it kept failing for their sake, alone.
        turns: Arc<RwLock<()>>,
    },
}

/// Which of the two engines a store runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Sqlite,
    Postgres,
}

impl Store {
    /// Opens `postgres://…` (or `postgresql://…`), or else the SQLite file of that path, which is made when there is none.
    ///
    /// Must be called within a tokio runtime. Doesn't migrate.
    pub async fn open(database: &str) -> Result<Self, Fault> {
        let engine = if database.starts_with("postgres://") || database.starts_with("postgresql://") {
            Engine::Postgres { pool: Connections::new(database)?, turns: Arc::default() }
        } else {
            let path = PathBuf::from(database.strip_prefix("sqlite:").unwrap_or(database));
            // The writer first: it makes the file, and sets its journal mode before anyone reads.
            let writer = Writer::open(path.clone()).await?;
            Engine::Sqlite { readers: Arc::new(Readers::new(path.clone())), path, writer }
        };
        let store = Self {
            engine: Arc::new(engine),
            mail_appended: Arc::default(),
            tally: Arc::default(),
            reconfigurations: Arc::new(Reconfigurations([const { AtomicU64::new(0) }; 256])),
        };
        store.ping().await?;
        Ok(store)
    }

    pub fn kind(&self) -> EngineKind {
        match self.engine() {
            Engine::Sqlite { .. } => EngineKind::Sqlite,
            Engine::Postgres { .. } => EngineKind::Postgres,
        }
    }

    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Commits of SQLite's writer.
    pub(crate) fn commits(&self) -> Option<u64> {
        match self.engine() {
            Engine::Sqlite { writer, .. } => Some(writer.commits()),
            Engine::Postgres { .. } => None,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn pools(&self) -> Pools {
        match self.engine() {
            Engine::Sqlite { readers, .. } => Pools::Sqlite(Arc::clone(readers)),
            Engine::Postgres { pool, .. } => Pools::Postgres(pool.clone()),
        }
    }

    /// Brings the schema up to date, in one transaction. A database that a newer program has migrated is refused.
    pub async fn migrate(&self) -> Result<(), Fault> {
        migrate::run(self.engine()).await
    }

    /// Whether the schema is exactly the one that this program was made for.
    pub async fn is_migrated(&self) -> Result<bool, Fault> {
        migrate::is_current(self.engine()).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        let failed = |error| Fault::database("reach the database", error);
        match self.pools() {
            Pools::Sqlite(readers) => {
                readers.with(|it| it.query("SELECT 1", &[], &mut |_| ()))?.map_err(DatabaseError::from)
            }
            Pools::Postgres(pool) => {
                pool.number("SELECT 1::BIGINT").await.map(|_| ()).map_err(DatabaseError::from)
            }
        }
        .map_err(failed)
    }

    /// What time it is for the database's machine. SQLite has no clock but ours.
    pub async fn clock(&self) -> Result<Option<Timestamp>, Fault> {
        let Pools::Postgres(pool) = self.pools() else { return Ok(None) };
        let told = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT";
        let failed = |error: sqlx::Error| Fault::database("ask the database for the time", error);
        let millis = pool.number(told).await;
        millis.map(|millis| Some(Timestamp::from_millis(millis))).map_err(failed)
    }

    /// The reading verbs of one tenant, each on the newest committed state.
    ///
    /// Within a [`write_tx!`](crate::write_tx) use its `tx`: what is read here would not be part of the transaction.
    pub fn read(&self, tenant: TenantId) -> Read {
        debug_assert!(!in_a_write(), "read through `tx` within a transaction");
        Read::new(tenant, self.pooled())
    }

    /// Lookups that come before a tenant is known.
    pub fn directory(&self) -> Directory {
        Directory::new(self.pooled())
    }

    /// Notified when a transaction of this process that appended a mail was committed.
    pub fn mail_appended(&self) -> &Notify {
        &self.mail_appended
    }

    fn pooled(&self) -> Conn {
        Conn::new(Place::Pool(self.pools()), Arc::clone(&self.tally))
    }

    /// Another number whenever this process may have changed what nodes keep in memory of the tenant: whoever read it before
    /// reading such a row, and finds it still the same, holds what every transaction left there that this process has answered.
    /// What other processes change, the tenant's version tells.
    pub fn reconfigurations(&self, tenant: TenantId) -> u64 {
        self.reconfigurations.of(tenant).load(Ordering::Acquire)
    }

    pub(crate) fn reconfigured(&self, tenant: TenantId) {
        self.reconfigurations.of(tenant).fetch_add(1, Ordering::Release);
    }

    /// A part of [`write_tx!`](crate::write_tx).
    #[doc(hidden)]
    pub fn command(&self, tenant: TenantId) -> Command<'_> {
        Command::new(self, tenant, Isolation::Serializable)
    }

    /// A part of [`write_guarded!`](crate::write_guarded).
    #[doc(hidden)]
    pub fn command_of_guards(&self, tenant: TenantId) -> Command<'_> {
        Command::new(self, tenant, Isolation::Guarded)
    }

    /// A part of [`write_one!`](crate::write_one).
    #[doc(hidden)]
    pub fn command_of_one(&self, tenant: TenantId) -> Command<'_> {
        Command::new(self, tenant, Isolation::Single)
    }

    /// Commits what is under way and closes every connection.
    pub async fn close(&self) {
        match self.engine() {
            Engine::Sqlite { readers, writer, .. } => {
                readers.close();
                writer.close().await;
            }
            Engine::Postgres { pool, .. } => pool.close().await,
        }
    }
}
