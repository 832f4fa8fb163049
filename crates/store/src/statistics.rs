//! What the planners are told of the data.
//!
//! PostgreSQL gathers statistics by itself, about a minute after there is something in a table. Until then it takes any index that
//! begins with the tenant for as good as another, and a plan that was made so stays. So tables of which it knows nothing are
//! looked at as soon as they have a few rows: in a new database, and in one that was just restored.
//!
//! Every index begins with the tenant. Of a database without statistics SQLite takes it that ten rows have the same first
//! column, so it would rather read all of a tenant in the order that is asked for than seek one user's rows and sort them.
//! Statistics that it gathered itself would hold for the data of that moment, and plans would change with them. So it is told
//! once and for all what this program is made for: large tenants, and many of them.

use crate::fault::Fault;
use crate::store::{Engine, Store};

/// How many tables have some rows of which PostgreSQL knows nothing. Of tables that are another role's it may not be asked.
const UNKNOWN: &str = "
    SELECT COUNT(*) FROM pg_stat_user_tables
     WHERE n_live_tup >= 10 AND last_analyze IS NULL AND last_autoanalyze IS NULL AND schemaname = current_schema()
       AND EXISTS (SELECT 1 FROM pg_class WHERE oid = relid AND pg_has_role(relowner, 'USAGE'))";
/// Has it look at these.
const GATHER: &str = "
    DO $$ DECLARE found TEXT; BEGIN
        FOR found IN SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables
             WHERE n_live_tup >= 10 AND last_analyze IS NULL AND last_autoanalyze IS NULL AND schemaname = current_schema()
               AND EXISTS (SELECT 1 FROM pg_class WHERE oid = relid AND pg_has_role(relowner, 'USAGE'))
        LOOP
            EXECUTE 'ANALYZE ' || found;
        END LOOP;
    END $$";

impl Store {
    /// Has PostgreSQL gather statistics of the tables of which it has none though they have rows, and tells how many those
    /// were. Its connections plan anew what they planned without. For SQLite there is nothing to do.
    pub async fn gather_missing_statistics(&self) -> Result<i64, Fault> {
        let Engine::Postgres { pool, .. } = self.engine() else { return Ok(0) };
        let failed = |error: sqlx::Error| Fault::database("gather statistics", error);
        pool.close_idle();
        let tables = pool.number(UNKNOWN).await.map_err(failed)?;
        if tables > 0 {
            pool.get().await.map_err(failed)?.run(GATHER).await.map_err(failed)?;
        }
        Ok(tables)
    }
}

/// Rows of a large table.
const ROWS: u64 = 10_000_000;
/// Those of one tenant.
const ROWS_OF_TENANT: u64 = 1_000_000;
/// Rows that belong to one of whatever has rows of its own: the sessions of a user, say.
const FEW: u64 = 10;

/// Columns of which many rows of a tenant have the same value: instants for being absent, the others for having few values.
fn is_broad(column: &str) -> bool {
    column.ends_with("_at") || ["tenant_id", "kind", "purpose"].contains(&column)
}

/// The rows of the whole index, then how many rows have the same values in its first column, in its first two, and so on.
fn statistic(columns: &[&str], is_unique: bool) -> String {
    let mut words = vec![ROWS.to_string()];
    let mut rows = ROWS;
    for (place, column) in columns.iter().enumerate() {
        rows = match *column {
            _ if is_unique && place + 1 == columns.len() => 1,
            "tenant_id" => ROWS_OF_TENANT,
            broad if is_broad(broad) => (rows / 2).max(1),
            _ if rows > FEW => FEW,
            _ => (rows / 2).max(1),
        };
        words.push(rows.to_string());
    }
    words.join(" ")
}

/// Table, name, whether it is unique, and the columns with commas between, of each.
const INDEXES: &str = "
    SELECT m.name, i.name, i.\"unique\",
           (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
      FROM sqlite_schema m, pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";

/// Writes the statistics of every index, in the transaction that has just changed them. Connections that are open read them with
/// the changed schema.
pub(crate) fn tell(connection: &rusqlite::Connection) -> Result<(), rusqlite::Error> {
    let mut listing = connection.prepare(INDEXES)?;
    let index = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let indexes: Vec<(String, String, bool, String)> =
        listing.query_map((), index)?.collect::<Result<_, _>>()?;
    // Makes the table, by looking at a small one.
    connection.execute_batch("ANALYZE schema_migration; DELETE FROM sqlite_stat1")?;
    let mut insertion =
        connection.prepare("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)")?;
    for (table, index, is_unique, columns) in indexes {
        let columns: Vec<&str> = columns.split(',').collect();
        insertion.execute((table, index, statistic(&columns, is_unique)))?;
    }
    // Makes this connection read them.
    connection.execute_batch("ANALYZE sqlite_schema")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_narrows_nothing_and_a_user_all() {
        for (columns, is_unique, told) in [
            (&["tenant_id", "canonical"][..], true, "10000000 1000000 1"),
            (&["tenant_id", "user_id"], false, "10000000 1000000 10"),
            (&["tenant_id", "user_id", "client_id"], false, "10000000 1000000 10 5"),
            (&["tenant_id", "ended_at"], false, "10000000 1000000 500000"),
            (&["tenant_id", "kind", "event_id"], false, "10000000 1000000 500000 10"),
            (&["tenant_id"], true, "10000000 1"),
            (&["tenant_id"], false, "10000000 1000000"),
        ] {
            assert_eq!(statistic(columns, is_unique), told, "{columns:?}");
        }
    }
}
