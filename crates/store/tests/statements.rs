//! What holds for every statement and every table, on every engine.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::collections::BTreeSet;

use sqlx::{Connection as _, Either, Executor as _, PgConnection, SqlSafeStr as _, Statement as _};
use store::testing::{self, TestStore};
use store::{EngineKind, Fault, STATEMENTS, Statement, write_tx};

fn statements() -> impl Iterator<Item = &'static Statement> {
    STATEMENTS.iter().copied().flatten()
}

#[tokio::test]
async fn every_statement_is_understood_by_every_engine() {
    for store in testing::engines().await {
        let url = store.database.url();
        let mut faults = Vec::new();
        for statement in statements() {
            let parameters = match store.kind() {
                EngineKind::Sqlite => {
                    let connection = testing::sqlite(&store.database);
                    let prepared = connection.prepare(statement.sql);
                    prepared.map(|it| it.parameter_count()).map_err(|error| error.to_string())
                }
                EngineKind::Postgres => {
                    let mut connection = PgConnection::connect(url).await.unwrap();
                    let prepared = connection.prepare(statement.sql.into_sql_str()).await;
                    prepared.map(|it| count(it.parameters())).map_err(|error| error.to_string())
                }
            };
            match parameters {
                Ok(count) if count == statement.parameters => {}
                Ok(count) => faults
                    .push(format!("{}: takes {count}, is given {}", statement.name, statement.parameters)),
                Err(error) => faults.push(format!("{}: {error}", statement.name)),
            }
        }
        assert!(faults.is_empty(), "{:?}\n{}", store.kind(), faults.join("\n"));
    }
}

fn count<T>(parameters: Option<Either<&[T], usize>>) -> usize {
    match parameters {
        Some(Either::Left(types)) => types.len(),
        Some(Either::Right(count)) => count,
        None => 0,
    }
}

#[test]
fn every_statement_is_bound_to_its_tenant() {
    for statement in statements().filter(|it| it.tenant_bound) {
        let sql = statement.sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let bound = sql.contains("tenant_id = $1")
            || sql.strip_prefix("INSERT INTO ").is_some_and(|insert| {
                insert.split_once('(').is_some_and(|(_, columns)| columns.starts_with("tenant_id"))
            });
        assert!(
            bound,
            "{}: write `tenant_id = $1`, or `tenant_id` as the first column: {sql}",
            statement.name
        );
    }
}

#[test]
fn no_module_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let listed: BTreeSet<&str> = statements().filter_map(|it| it.name.split("::").nth(1)).collect();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let module = path.file_stem().unwrap().to_str().unwrap();
        if text.contains("\nverbs! {") {
            assert!(listed.contains(module), "{module}::STATEMENTS is not in the list of lib.rs");
        }
    }
}

/// Columns, indexes and foreign keys, one line each.
async fn schema(store: &TestStore) -> BTreeSet<String> {
    let lines = match store.kind() {
        EngineKind::Sqlite => testing::texts(&store.database, SQLITE_SCHEMA).await,
        EngineKind::Postgres => testing::texts(&store.database, POSTGRES_SCHEMA).await,
    };
    lines.into_iter().filter(|line| !line.starts_with("schema_migration")).collect()
}

const SQLITE_SCHEMA: &str = "
    SELECT m.name || '.' || p.name || ' '
           || CASE p.type WHEN 'INTEGER' THEN 'number' WHEN 'TEXT' THEN 'text' WHEN 'BLOB' THEN 'blob' ELSE p.type END
           || CASE p.\"notnull\" WHEN 0 THEN ' null' ELSE '' END
      FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
    UNION ALL
    SELECT m.name || ' index ' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
           || CASE i.\"unique\" WHEN 1 THEN ' unique' ELSE '' END || CASE i.partial WHEN 1 THEN ' partial' ELSE '' END
      FROM sqlite_schema m, pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
    UNION ALL
    SELECT m.name || ' ' || (SELECT group_concat(\"from\", ',') FROM (SELECT \"from\" FROM pragma_foreign_key_list(m.name) k WHERE k.id = f.id ORDER BY k.seq))
           || ' references ' || f.\"table\" || CASE f.on_delete WHEN 'NO ACTION' THEN '' ELSE ' on delete ' || lower(f.on_delete) END
      FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.seq = 0";

const POSTGRES_SCHEMA: &str = "
    SELECT table_name || '.' || column_name || ' '
           || CASE data_type WHEN 'bigint' THEN 'number' WHEN 'boolean' THEN 'number' WHEN 'text' THEN 'text'
                             WHEN 'jsonb' THEN 'text' WHEN 'bytea' THEN 'blob' ELSE data_type END
           || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END
      FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL
    SELECT t.relname || ' index '
           || (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY AS k (attnum, n)
                 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum)
           || CASE WHEN x.indisunique THEN ' unique' ELSE '' END || CASE WHEN x.indpred IS NOT NULL THEN ' partial' ELSE '' END
      FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid WHERE t.relnamespace = current_schema()::regnamespace
    UNION ALL
    SELECT t.relname || ' '
           || (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)
                 JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum)
           || ' references ' || r.relname
           || CASE c.confdeltype WHEN 'a' THEN '' WHEN 'c' THEN ' on delete cascade' WHEN 'n' THEN ' on delete set null' ELSE ' on delete ?' END
      FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
     WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace";

#[tokio::test]
async fn both_engines_have_the_same_schema() {
    let stores = testing::engines().await;
    for store in &stores {
        assert!(schema(store).await.contains("tenant.slug text"), "{:?}", store.kind());
    }
    if let [one, other] = stores.as_slice() {
        let (one, other) = (schema(one).await, schema(other).await);
        let differing: Vec<_> = one.symmetric_difference(&other).collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }
}

#[tokio::test]
async fn every_table_begins_its_key_with_the_tenant() {
    // A host leads to one tenant only: its own key, by which the tenant is found.
    const KEYED_OTHERWISE: [&str; 2] = ["tenant", "tenant_host"];
    // Those that have one are the answer: the tenants whose keys have signed for long.
    const ACROSS_TENANTS: [&str; 1] = ["signing_key index activated_at partial"];
    for store in testing::engines().await {
        let schema = schema(&store).await;
        let tables: BTreeSet<&str> =
            schema.iter().filter_map(|line| line.split_once('.')).map(|(table, _)| table).collect();
        for table in tables.iter().filter(|table| !KEYED_OTHERWISE.contains(table)) {
            let keyed = format!("{table} index tenant_id");
            assert!(schema.iter().any(|line| line.starts_with(&keyed) && line.contains("unique")), "{table}");
        }
        for line in schema.iter().filter(|line| line.contains(" index ") || line.contains(" references ")) {
            let (table, what) = line.split_once(' ').unwrap();
            let what = what.trim_start_matches("index ");
            let is_exempt = KEYED_OTHERWISE.contains(&table) || ACROSS_TENANTS.contains(&line.as_str());
            assert!(is_exempt || what.starts_with("tenant_id"), "{line}");
        }
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_a_newer_database_is_refused() {
    for store in testing::engines().await {
        assert!(store.is_migrated().await.unwrap());
        store.migrate().await.unwrap();
        let insert = "INSERT INTO schema_migration (version, name, checksum) VALUES (9999, '9999_later', '')";
        testing::run_raw(&store.database, insert).await;
        for refused in [store.migrate().await, store.is_migrated().await.map(|_| ())] {
            assert!(refused.unwrap_err().to_string().contains("newer version"));
        }
    }
}

#[tokio::test]
async fn two_that_migrate_at_once_both_succeed() {
    for kind in testing::engine_kinds() {
        let database = testing::TestDatabase::make(kind).await;
        let url = database.url().to_owned();
        let results = testing::race(4, move |_| {
            let url = url.clone();
            async move {
                let store = store::Store::open(&url).await?;
                store.migrate().await?;
                store.is_migrated().await
            }
        });
        for result in results.await {
            assert!(result.unwrap());
        }
    }
}

/// What nodes keep in memory changes by verbs only that tell them: those here are private to verbs that raise the tenant's version.
#[test]
fn every_statement_that_changes_clients_or_resource_servers_is_known() {
    const TABLES: [&str; 3] = ["client", "client_secret", "resource_server"];
    let told = [
        "store::bulk::insert_client_rows",
        "store::bulk::insert_secrets",
        "store::clients::delete_client_row",
        "store::clients::delete_client_secret_rows",
        "store::clients::delete_client_secret_rows_before",
        "store::clients::delete_expired_client_secrets",
        "store::clients::delete_resource_server_row",
        "store::clients::expire_client_secret_rows",
        "store::clients::forget_introspection_client",
        "store::clients::insert_client_row",
        "store::clients::insert_client_secret_row",
        "store::clients::insert_resource_server_row",
        "store::clients::update_client_row",
    ];
    let untold = [
        // When a client was last used: whoever noted it reads the client again.
        "store::registrations::is_unused_since",
        "store::registrations::note_client_use",
        // Nothing of it is in memory.
        "store::registrations::set_registration_token",
        // What has expired is refused in memory as well.
        "store::sweep::sweep_client_secrets",
    ];
    let mut found = BTreeSet::new();
    for statement in statements() {
        let sql = statement.sql.split_whitespace().collect::<Vec<_>>().join(" ");
        for verb in ["INSERT INTO", "UPDATE", "DELETE FROM"] {
            if TABLES.iter().any(|table| sql.contains(&format!("{verb} {table} "))) {
                found.insert(statement.name);
            }
        }
    }
    assert_eq!(found, told.into_iter().chain(untold).collect());
}

#[tokio::test]
async fn whoever_changes_a_client_tells_every_node_and_its_own_at_once() {
    for store in testing::engines().await {
        let tenant = store.tenant;
        let state = async || {
            let record = store.read(tenant).tenant_record().await.unwrap().unwrap();
            (record.version, store.reconfigurations(tenant))
        };
        let client = "cli_x".parse().unwrap();
        let id = |n| terms::ClientSecretId::new(testing::NOW, [n; 10]);
        for number in 0..4 {
            let before = state().await;
            write_tx!(store, tenant, |tx| -> Result<(), Fault> {
                match number {
                    0 => tx.delete_client(&client).await.map(|_: bool| ()),
                    1 => tx.delete_client_secrets(&client).await,
                    2 => tx.delete_client_secrets_before(&client, id(1)).await,
                    _ => tx.expire_client_secrets(&client, testing::NOW).await.map(|_: u64| ()),
                }
            })
            .unwrap();
            let after = state().await;
            assert!(after.0 > before.0 && after.1 > before.1, "{number}: {before:?} {after:?}");
        }
        let before = state().await;
        write_tx!(store, tenant, |tx| -> Result<(), Fault> {
            tx.note_client_use(&client, testing::NOW).await
        })
        .unwrap();
        assert_eq!(state().await, before);
    }
}
