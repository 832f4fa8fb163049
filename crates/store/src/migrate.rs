//! One migration source for both engines, forward only.
//!
//! The text is SQL that both take, with a few tokens for what they name differently (`@int`, `@bool`, `@json`,
//! `@blob`, `@strict`), and, where nothing else helps, lines between `-- @sqlite` or `-- @postgres` and `-- @end`.

use std::fmt::Write as _;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use crate::fault::{DatabaseError, Fault};
use crate::statistics;
use crate::store::{Engine, EngineKind};
use crate::writer;

/// One file of `migrations/`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        /// All of them, oldest first. Their numbers are their places.
        pub const MIGRATIONS: &[Migration] =
            &[$(Migration { name: $name, text: include_str!(concat!("../../../migrations/", $name, ".sql")) }),*];
    };
}

migrations! {
    "0001_foundation",
    "0002_people",
    "0003_clients_and_flows",
    "0004_grants",
    "0005_delivery",
    "0006_attempts",
    "0007_language",
    "0008_tenant_logo",
    "0009_accounts",
    "0010_client_authentication",
    "0011_administration",
    "0012_recovery",
    "0013_sweeping",
    "0014_usernames",
    "0015_claims_request",
    "0016_registration",
    "0017_logout_notices",
    "0018_devices",
    "0019_growth",
    "0020_many_tenants",
}

/// A migration that a database says it had.
#[derive(Debug, PartialEq, Eq)]
struct Applied {
    version: i64,
    name: String,
    checksum: String,
}

impl Migration {
    /// SHA-256 of the source, so that a file that was changed after it ran doesn't go unnoticed.
    fn checksum(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text.as_bytes());
        digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The text for one engine.
    pub fn sql(&self, engine: EngineKind) -> String {
        let tokens: [(&str, &str); 5] = match engine {
            EngineKind::Sqlite => [
                ("@int", "INTEGER"),
                ("@bool", "INTEGER"),
                ("@json", "TEXT"),
                ("@blob", "BLOB"),
                (" @strict", " STRICT"),
            ],
            EngineKind::Postgres => [
                ("@int", "BIGINT"),
                ("@bool", "BOOLEAN"),
                ("@json", "JSONB"),
                ("@blob", "BYTEA"),
                (" @strict", ""),
            ],
        };
        let mut sql = String::with_capacity(self.text.len());
        let mut wanted = true;
        for line in self.text.lines() {
            match line.trim() {
                "-- @sqlite" => wanted = engine == EngineKind::Sqlite,
                "-- @postgres" => wanted = engine == EngineKind::Postgres,
                "-- @end" => wanted = true,
                _ if wanted => {
                    sql.push_str(line);
                    sql.push('\n');
                }
                _ => {}
            }
        }
        tokens.iter().fold(sql, |sql, (token, word)| sql.replace(token, word))
    }
}

/// How many of `known` the database has; a fault where it has others.
fn position(applied: &[Applied], known: &[Migration]) -> Result<usize, Fault> {
    if applied.len() > known.len() {
        return Err(Fault::new("use this database").because("a newer version of the program has migrated it"));
    }
    for (index, (had, have)) in applied.iter().zip(known).enumerate() {
        let number = i64::try_from(index + 1).unwrap_or(i64::MAX);
        if had.version != number || had.name != have.name || had.checksum != have.checksum() {
            let what = format!(
                "its migration {} ({}) is not this program's {} of that number",
                had.version, had.name, have.name
            );
            return Err(Fault::new("use this database").because(what));
        }
    }
    Ok(applied.len())
}

const LIST: &str = "SELECT version, name, checksum FROM schema_migration ORDER BY version";
const RECORD: &str = "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)";
const BOOKS: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
const HAS_BOOKS: &str = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'";
/// Of two nodes that start at once, one migrates and the other finds it done. The number is arbitrary.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7041626114)";

fn failed(error: impl Into<DatabaseError>) -> Fault {
    Fault::database("migrate the database", error)
}

/// A migration as it is to be run and recorded.
struct Step {
    version: i64,
    migration: Migration,
}

impl Step {
    fn failed(&self, error: impl Into<DatabaseError>) -> Fault {
        Fault::database(format!("run the migration {}", self.migration.name), error)
    }
}

/// What is still to be run on a database that has `applied`.
fn missing(applied: &[Applied]) -> Result<Vec<Step>, Fault> {
    let position = position(applied, MIGRATIONS)?;
    let numbered = (1..).zip(MIGRATIONS.iter().copied());
    Ok(numbered.skip(position).map(|(version, migration)| Step { version, migration }).collect())
}

pub(crate) async fn run(engine: &Engine) -> Result<(), Fault> {
    match engine {
        Engine::Sqlite { path, .. } => {
            let mut connection = writer::connect(path).await?;
            // What sorts all of a large table, to make an index, may take files.
            connection.batch("PRAGMA temp_store = DEFAULT").map_err(failed)?;
            writer::patiently(|| connection.batch("BEGIN IMMEDIATE")).await.map_err(failed)?;
            // On a thread for itself: where there is much, it takes long. It goes on, and is whole, when nobody waits for it any more.
            let migrated = tokio::task::spawn_blocking(move || {
                sqlite(connection.raw())?;
                connection.batch("COMMIT").map_err(failed)?;
                connection.close();
                Ok(())
            });
            migrated.await.map_err(|error| Fault::new("migrate the database").because(error))?
        }
        Engine::Postgres { pool, .. } => {
            let mut tx = pool.begin("BEGIN").await.map_err(failed)?;
            tx.run("SET LOCAL statement_timeout = 0").await.map_err(failed)?;
            tx.run(LOCK).await.map_err(failed)?;
            // What fails leaves it midway, to be put in order.
            postgres(tx.start().map_err(failed)?).await?;
            tx.finish(Ok(())).map_err(failed)?;
            tx.commit().await.map_err(failed)
        }
    }
}

/// Catches up within the transaction that is open.
fn sqlite(connection: &rusqlite::Connection) -> Result<(), Fault> {
    connection.execute_batch(BOOKS).map_err(failed)?;
    let steps = missing(&sqlite_applied(connection).map_err(failed)?)?;
    for step in &steps {
        // Our own files, embedded; they take no value from anywhere.
        let sql = step.migration.sql(EngineKind::Sqlite);
        connection.execute_batch(&sql).map_err(|error| step.failed(error))?;
        let values = (step.version, step.migration.name, step.migration.checksum());
        // By the order of their first appearance, `$1` to `$3` have these numbers for SQLite too.
        connection.execute(RECORD, values).map_err(|error| step.failed(error))?;
    }
    if !steps.is_empty() {
        let told = statistics::tell(connection);
        told.map_err(|error| Fault::database("write what the planner goes by", error))?;
    }
    Ok(())
}

/// The same.
async fn postgres(connection: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query(BOOKS).execute(&mut *connection).await.map_err(failed)?;
    let rows = sqlx::query(LIST).fetch_all(&mut *connection).await.map_err(failed)?;
    for step in missing(&postgres_applied(&rows).map_err(failed)?)? {
        let sql = AssertSqlSafe(step.migration.sql(EngineKind::Postgres));
        sqlx::raw_sql(sql).execute(&mut *connection).await.map_err(|error| step.failed(error))?;
        sqlx::query(RECORD)
            .bind(step.version)
            .bind(step.migration.name)
            .bind(step.migration.checksum())
            .execute(&mut *connection)
            .await
            .map_err(|error| step.failed(error))?;
    }
    Ok(())
}

fn sqlite_applied(connection: &rusqlite::Connection) -> Result<Vec<Applied>, rusqlite::Error> {
    let mut listing = connection.prepare(LIST)?;
    let applied = |row: &rusqlite::Row<'_>| {
        Ok(Applied { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
    };
    listing.query_map((), applied)?.collect()
}

fn postgres_applied(rows: &[PgRow]) -> Result<Vec<Applied>, sqlx::Error> {
    let applied = |row: &PgRow| {
        Ok(Applied { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? })
    };
    rows.iter().map(applied).collect()
}

pub(crate) async fn is_current(engine: &Engine) -> Result<bool, Fault> {
    let applied = match engine {
        Engine::Sqlite { readers, .. } => {
            let applied = readers.with(|connection| {
                let connection = connection.raw();
                // Asked by a query, which notices that another connection has changed the schema.
                if connection.prepare(HAS_BOOKS)?.exists(())? {
                    sqlite_applied(connection)
                } else {
                    Ok(Vec::new())
                }
            });
            applied?.map_err(failed)?
        }
        Engine::Postgres { pool, .. } => {
            let books = "SELECT COUNT(to_regclass('schema_migration'))";
            if pool.number(books).await.map_err(failed)? == 0 {
                Vec::new()
            } else {
                let rows = pool.fetch(|| sqlx::query(LIST)).await;
                rows.and_then(|rows| postgres_applied(&rows)).map_err(failed)?
            }
        }
    };
    Ok(position(&applied, MIGRATIONS)? == MIGRATIONS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [Migration; 2] =
        [Migration { name: "0001_a", text: "a" }, Migration { name: "0002_b", text: "b" }];

    fn applied(count: usize) -> Vec<Applied> {
        let make = |(index, it): (usize, &Migration)| Applied {
            version: i64::try_from(index + 1).unwrap(),
            name: it.name.to_owned(),
            checksum: it.checksum(),
        };
        TWO.iter().enumerate().take(count).map(make).collect()
    }

    #[test]
    fn a_database_is_somewhere_along_our_migrations_or_not_ours() {
        for count in 0..=2 {
            assert_eq!(position(&applied(count), &TWO).unwrap(), count);
        }
        let newer = position(&applied(2), &TWO[..1]).unwrap_err().to_string();
        assert!(newer.contains("newer version"), "{newer}");
        let mut changed = applied(2);
        changed[1].checksum = "0".repeat(64);
        let changed = position(&changed, &TWO).unwrap_err().to_string();
        assert!(changed.contains("0002_b"), "{changed}");
    }

    #[test]
    fn tokens_and_blocks_are_exchanged() {
        let text = "CREATE TABLE t (a @int, b @bool, c @json, d @blob) @strict;\n-- @sqlite\nx;\n-- @postgres\ny;\n-- @end\nz;\n";
        let migration = Migration { name: "0001_t", text };
        let sqlite = "CREATE TABLE t (a INTEGER, b INTEGER, c TEXT, d BLOB) STRICT;\nx;\nz;\n";
        let postgres = "CREATE TABLE t (a BIGINT, b BOOLEAN, c JSONB, d BYTEA);\ny;\nz;\n";
        assert_eq!(migration.sql(EngineKind::Sqlite), sqlite);
        assert_eq!(migration.sql(EngineKind::Postgres), postgres);
    }

    #[test]
    fn every_file_is_registered_in_its_place() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let registered: Vec<String> = MIGRATIONS.iter().map(|it| format!("{}.sql", it.name)).collect();
        assert_eq!(registered, files);
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert!(migration.name.starts_with(&format!("{:04}_", index + 1)), "{}", migration.name);
        }
    }
}
