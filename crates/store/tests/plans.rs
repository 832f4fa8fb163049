//! How each engine finds the rows of each statement: by an index that narrows further than the tenant does, so that what an
//! operation costs doesn't grow with what is stored.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::collections::BTreeSet;

use serde_json::Value;
use store::testing::{self, Asker, TestDatabase, TestStore};
use store::{EngineKind, STATEMENTS, Statement};

/// Statements that read a whole table, or all of a tenant in one, and why they may.
const WHOLE: &[(&str, &str)] = &[
    // Few in each tenant.
    ("store::admins::admin_roles", "a tenant has few administrators"),
    ("store::clients::resource_servers", "an administrator names each of them"),
    ("store::registrations::initial_accesses", "an administrator makes each of them, and they expire"),
    ("store::signing_keys::signing_keys", "a tenant has one or two of each algorithm"),
    ("store::sweep::sweep_retired_keys", "a tenant has one or two of each algorithm"),
    ("store::sweep::sweep_revoked_keys", "a tenant has one or two of each algorithm"),
    ("store::registrations::registered_clients", "the tenant's settings limit how many there are"),
    // What is done is taken away at once.
    ("store::endings::notice_queues", "what is told is deleted"),
    ("store::mail::mail_queues", "by an index of what waits; what is sent is deleted"),
    ("store::mail::retry_mails", "an operator's order to all that failed"),
    // The first rows of an index, none of which is passed over.
    ("store::mail::mails", "the newest by their key, as many as are asked for"),
    ("store::mail::queued_mails", "the newest by their key, as many as are asked for"),
    // Of all tenants.
    ("store::gauges::oldest_signing_keys", "at each reading of the metrics, all tenants' keys"),
    ("store::signing_keys::tenants_with_keys_from_before", "those that are found are to be rotated"),
    ("store::tenants::tenants", "asked for by a command"),
    ("store::tenants::tenant_names", "by their key, as many as are asked for"),
    ("store::tenants::tenant_hosts", "asked for by no request"),
    ("store::tenants::data_keys_by_head", "at the start, all tenants"),
    ("store::registrations::tenants_with_clients_unused_since", "every ten minutes, all tenants"),
    // The end of an index.
    ("store::tenants::newest_tenant_version", "the newest of all"),
    ("store::tenants::tenants_from_version", "those that changed within a second"),
    ("store::tenants::insert_tenant", "beyond the newest of all"),
    ("store::tenants::raise_tenant_version", "beyond the newest of all"),
    ("store::tenants::hosts_of_tenant", "an operator gives a tenant each of them"),
    ("store::signing_keys::insert_very_first_signing_key", "whether there is one"),
    ("store::tenants::tenant_count", "asked for by a command"),
    ("store::attempts::refused_guesses", "asked for by no request"),
];

/// Those that find what a sweep is to take away: every ten minutes, all tenants, a look into an index for each.
const FINDS: &str = "store::sweep::find_";

/// Columns of which many rows share one value: by them alone a search stays as long as the table.
fn is_broad(column: &str) -> bool {
    column.ends_with("_at") || ["tenant_id", "kind", "purpose", "algorithm", "aimed_at"].contains(&column)
}

/// Tables whose rows are one for each tenant.
const ONE_PER_TENANT: [&str; 4] = ["tenant", "tenant_logo", "tenant_sweep", "pairwise_salt"];

/// How an engine goes through the rows of a table.
#[derive(Debug)]
struct Access {
    table: String,
    /// The columns by which it seeks, and whether it seeks one value of each.
    sought: Vec<(String, bool)>,
    /// Whether it stops as soon as it has as many rows as were asked for.
    stops: bool,
    told: String,
}

impl Access {
    /// Whether it stays short however much is stored.
    fn is_short(&self) -> bool {
        let narrow = self.sought.iter().any(|(column, one)| *one && !is_broad(column));
        let whole_key = ONE_PER_TENANT.contains(&self.table.as_str());
        let sought = |wanted: &str| self.sought.iter().any(|(column, one)| *one && column == wanted);
        narrow || self.stops && self.sought.len() > 1 || whole_key && sought("tenant_id")
    }
}

/// The last word of a dotted name, without what stands around it.
fn bare(name: &str) -> String {
    let name = name.trim_matches(|it: char| !it.is_alphanumeric() && it != '_');
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

#[tokio::test]
async fn no_statement_gets_slower_as_the_data_grows() {
    let mut unused: BTreeSet<&str> = WHOLE.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for store in testing::engines().await {
        let mut plans = Plans::of(&store).await;
        for statement in STATEMENTS.iter().copied().flatten() {
            let long: Vec<Access> =
                plans.of_statement(statement).await.into_iter().filter(|it| !it.is_short()).collect();
            if long.is_empty() || statement.name.starts_with(FINDS) {
                continue;
            }
            if WHOLE.iter().any(|(name, _)| *name == statement.name) {
                unused.remove(statement.name);
                continue;
            }
            let told: Vec<&str> = long.iter().map(|it| it.told.as_str()).collect();
            faults.push(format!("{:?} {}: {}", store.kind(), statement.name, told.join("; ")));
        }
    }
    assert!(faults.is_empty(), "{} statements:\n{}", faults.len(), faults.join("\n"));
    assert!(unused.is_empty(), "these need no excuse any more: {unused:?}");
}

/// Asks for the plans of one engine.
struct Plans {
    kind: EngineKind,
    asker: Asker,
    tables: BTreeSet<String>,
}

impl Plans {
    async fn of(store: &TestStore) -> Self {
        let (kind, mut asker) = (store.kind(), Asker::of(&store.database).await);
        let tables = match kind {
            // Its planner goes by the schema and by what it is told with it, whatever is stored.
            EngineKind::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table'",
            EngineKind::Postgres => {
                fill(&store.database, &mut asker).await;
                // So that a table is read from end to end only where no index leads to the rows. The plan is the one for
                // any values.
                asker.run("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").await;
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
            }
        };
        let tables = testing::texts(&store.database, tables).await.into_iter().collect();
        Self { kind, asker, tables }
    }

    async fn of_statement(&mut self, statement: &Statement) -> Vec<Access> {
        match self.kind {
            EngineKind::Sqlite => self.of_sqlite(statement),
            EngineKind::Postgres => self.of_postgres(statement).await,
        }
    }

    fn of_sqlite(&mut self, statement: &Statement) -> Vec<Access> {
        let lines = self.asker.sqlite_plan(statement.sql);
        let limited = statement.sql.contains(" LIMIT ");
        let mut accesses = Vec::new();
        for (parent, told) in &lines {
            let words: Vec<&str> = told.split_whitespace().collect();
            let &[verb @ ("SCAN" | "SEARCH"), name, ..] = words.as_slice() else { continue };
            let Some(table) = table_of(statement.sql, name, &self.tables) else { continue };
            let sorted =
                lines.iter().any(|it| it.0 == *parent && it.1.starts_with("USE TEMP B-TREE FOR ORDER BY"));
            let conditions = told.split_once(" (").map_or("", |(_, it)| it.trim_end_matches(')'));
            let sought = conditions.split(" AND ").filter(|_| verb == "SEARCH").filter_map(|it| {
                let end = it.find(['=', '<', '>'])?;
                Some((bare(&it[..end]), it[end..].starts_with('=')))
            });
            accesses.push(Access {
                table,
                sought: sought.collect(),
                stops: limited && !sorted,
                told: told.clone(),
            });
        }
        accesses
    }

    async fn of_postgres(&mut self, statement: &Statement) -> Vec<Access> {
        // The rows asked for are a number that it knows: without, it takes it for a tenth of the table.
        let (mut sql, mut limit) = (statement.sql.to_owned(), None);
        if let Some((_, number)) = statement.sql.rsplit_once("LIMIT $") {
            let number: String = number.chars().take_while(char::is_ascii_digit).collect();
            sql = sql.replace(&format!("LIMIT ${number}"), "LIMIT 2");
            limit = number.parse::<usize>().ok();
        }
        let types: Vec<&str> = (1..=statement.parameters)
            .map(|place| if limit == Some(place) { "bigint" } else { "unknown" })
            .collect();
        let nulls = vec!["NULL"; statement.parameters];
        let among = |words: &[&str]| match words {
            [] => String::new(),
            words => format!("({})", words.join(", ")),
        };
        self.asker.run(&format!("PREPARE looked_at{} AS {sql}", among(&types))).await;
        let plan = self.asker.postgres_plan(&format!("EXECUTE looked_at{}", among(&nulls))).await;
        self.asker.run("DEALLOCATE looked_at").await;
        let mut accesses = Vec::new();
        walk(&plan[0]["Plan"], false, &mut accesses);
        accesses
    }
}

/// The table of this name, or of this alias in the statement; none where that is a subquery.
fn table_of(sql: &str, name: &str, tables: &BTreeSet<String>) -> Option<String> {
    if tables.contains(name) {
        return Some(name.to_owned());
    }
    let words: Vec<&str> = sql.split_whitespace().map(|it| it.trim_end_matches([',', ')'])).collect();
    let named = words.windows(2).find(|it| it[1] == name && tables.contains(it[0]));
    named.map(|it| it[0].to_owned())
}

/// Rows of one tenant in each table, five thousand of them, that differ in every column. An empty table would have
/// PostgreSQL take whichever index comes first.
async fn fill(database: &TestDatabase, asker: &mut Asker) {
    const COLUMNS: &str = "
        SELECT t.table_name || ' ' || string_agg(c.column_name || ' ' || c.data_type || ' ' || c.is_nullable, ',')
          FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
         WHERE t.table_schema = current_schema() AND t.table_name <> 'schema_migration' GROUP BY t.table_name";
    const CHECKS: &str = "
        SELECT 'ALTER TABLE ' || t.relname || ' DROP CONSTRAINT ' || c.conname FROM pg_constraint c
          JOIN pg_class t ON t.oid = c.conrelid
         WHERE c.contype = 'c' AND t.relnamespace = current_schema()::regnamespace";
    let tables = testing::texts(database, COLUMNS).await;
    for drop in testing::texts(database, CHECKS).await {
        asker.run(&drop).await;
    }
    // No foreign key is looked at.
    asker.run("SET session_replication_role = replica").await;
    for table in tables {
        let (table, columns) = table.split_once(' ').unwrap();
        let values = columns.split(',').map(|column| {
            let words: Vec<&str> = column.split(' ').collect();
            let &[name, kind, nullable] = words.as_slice() else { panic!("{column}") };
            let value = match kind {
                "text"
                    if name == "tenant_id" && !ONE_PER_TENANT.contains(&table) && table != "tenant_host" =>
                {
                    "'ten_one'".to_owned()
                }
                "text" => format!("'{name}' || i"),
                "bigint" => "i".to_owned(),
                "boolean" => "i % 2 = 0".to_owned(),
                "jsonb" => "jsonb_build_object('i', i)".to_owned(),
                "bytea" => "int8send(i)".to_owned(),
                other => panic!("{table}.{name} is {other}"),
            };
            let value =
                if nullable == "YES" { format!("CASE WHEN i % 2 = 0 THEN {value} END") } else { value };
            format!("{value} AS {name}")
        });
        let values: Vec<String> = values.collect();
        let names: Vec<&str> = columns.split(',').filter_map(|column| column.split(' ').next()).collect();
        let insert = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM generate_series(1::bigint, 5000) i",
            names.join(", "),
            values.join(", "),
        );
        asker.run(&insert).await;
    }
    asker.run("ANALYZE").await;
}

/// Collects what reads a table, below a node of the plan. `stops` is whether the node above takes only so many rows.
fn walk(node: &Value, stops: bool, accesses: &mut Vec<Access>) {
    let kind = node["Node Type"].as_str().unwrap();
    let conditions = node["Index Cond"].as_str().unwrap_or_default();
    if ["Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"].contains(&kind) {
        let sought = conditions.split(" AND ").filter_map(|it| {
            let mut words = it.split_whitespace();
            let (column, operator) = (words.next()?, words.next()?);
            Some((bare(column.trim_end_matches("::text")), ["=", "IS"].contains(&operator)))
        });
        let name = |member: &str| node[member].as_str().unwrap_or_default().to_owned();
        accesses.push(Access {
            table: if kind == "Bitmap Index Scan" { name("Index Name") } else { name("Relation Name") },
            sought: sought.collect(),
            stops,
            told: format!("{kind} {} {} {conditions}", name("Relation Name"), name("Index Name")),
        });
    }
    let stops = match kind {
        "Limit" => true,
        "Sort" | "Aggregate" | "Hash" | "Bitmap Heap Scan" => false,
        _ => stops,
    };
    for below in node["Plans"].as_array().into_iter().flatten() {
        walk(below, stops, accesses);
    }
}
