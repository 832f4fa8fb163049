//! One migration source for both engines, forward only.
//!
//! The text is SQL that both take, with a few tokens for what they name differently (`@int`, `@bool`, `@json`,
//! `@blob`, `@strict`), and, where nothing else helps, lines between `-- @sqlite` or `-- @postgres` and `-- @end`.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::fault::Fault;
use crate::sqlite;
use crate::statistics;
use crate::store::{Engine, EngineKind};

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
/// Of two nodes that start at once, one migrates and the other finds it done. The number is arbitrary.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7041626114)";

macro_rules! read_applied {
    ($connection:expr) => {
        sqlx::query(LIST).fetch_all($connection).await.and_then(|rows| {
            let applied = rows.iter().map(|row| {
                Ok(Applied { version: row.try_get(0)?, name: row.try_get(1)?, checksum: row.try_get(2)? })
            });
            applied.collect::<Result<Vec<_>, sqlx::Error>>()
        })
    };
}

/// The steps that both engines share, within the transaction that is open on `$connection`. Gives whether there was anything to do.
macro_rules! catch_up {
    ($connection:expr, $engine:expr) => {{
        let connection = $connection;
        sqlx::query(BOOKS).execute(&mut *connection).await.map_err(failed)?;
        let applied = read_applied!(&mut *connection).map_err(failed)?;
        let position = position(&applied, MIGRATIONS)?;
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(position) {
            let doing = || format!("run the migration {}", migration.name);
            // Our own files, embedded; they take no value from anywhere.
            sqlx::raw_sql(AssertSqlSafe(migration.sql($engine)))
                .execute(&mut *connection)
                .await
                .map_err(|error| Fault::database(doing(), error))?;
            sqlx::query(RECORD)
                .bind(i64::try_from(index + 1).unwrap_or(i64::MAX))
                .bind(migration.name)
                .bind(migration.checksum())
                .execute(&mut *connection)
                .await
                .map_err(|error| Fault::database(doing(), error))?;
        }
        position < MIGRATIONS.len()
    }};
}

fn failed(error: sqlx::Error) -> Fault {
    Fault::database("migrate the database", error)
}

pub(crate) async fn run(engine: &Engine) -> Result<(), Fault> {
    match engine {
        Engine::Sqlite { path, .. } => {
            let mut connection = sqlite::connect(path).await?;
            let mut tx = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
            if catch_up!(&mut *tx, EngineKind::Sqlite) {
                let told = statistics::tell(&mut tx).await;
                told.map_err(|error| Fault::database("write what the planner goes by", error))?;
            }
            tx.commit().await.map_err(failed)?;
            connection.close().await.map_err(failed)
        }
        Engine::Postgres { pool, .. } => {
            let mut tx = pool.begin().await.map_err(failed)?;
            sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await.map_err(failed)?;
            sqlx::query(LOCK).execute(&mut *tx).await.map_err(failed)?;
            let _ = catch_up!(&mut *tx, EngineKind::Postgres);
            tx.commit().await.map_err(failed)
        }
    }
}

pub(crate) async fn is_current(engine: &Engine) -> Result<bool, Fault> {
    let applied = match engine {
        Engine::Sqlite { readers, .. } => {
            let books = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migration'");
            match books.fetch_optional(readers).await.map_err(failed)? {
                Some(_) => read_applied!(readers).map_err(failed)?,
                None => Vec::new(),
            }
        }
        Engine::Postgres { pool, .. } => {
            let books = sqlx::query("SELECT 1 WHERE to_regclass('schema_migration') IS NOT NULL");
            match books.fetch_optional(pool).await.map_err(failed)? {
                Some(_) => read_applied!(pool).map_err(failed)?,
                None => Vec::new(),
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
