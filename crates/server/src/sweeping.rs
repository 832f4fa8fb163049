//! Takes away what has expired, tenant by tenant, for as long as the server runs. Of several nodes, one sweeps a tenant. And sees to
//! it that the database's planner knows something of each table that has grown.

use std::sync::Arc;
use std::time::Duration;

use store::{EngineKind, Fault, write_tx};

use crate::app::App;
use crate::registration;

/// Far apart: what has expired is refused whether it is still there or not.
const LOOK: Duration = Duration::from_mins(10);
/// How often it is looked for tables of which the planner knows nothing: a new database grows quickly.
const PLANNING: Duration = Duration::from_secs(5);
/// For so long a tenant is the sweeper's who claimed it: not until another node's look much later.
const CLAIM: Duration = Duration::from_mins(9);
/// No tenant takes clients away that were unused for less.
const LEAST_UNUSED: Duration = Duration::from_hours(24);

pub(crate) async fn keep_swept(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK).await;
        match sweep(&app).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "took away what had expired"),
            Err(fault) => tracing::warn!(%fault, "cannot take away what has expired"),
        }
    }
}

pub(crate) async fn keep_known(app: Arc<App>) {
    if app.store.kind() == EngineKind::Sqlite {
        return;
    }
    let mut is_failing = false;
    loop {
        tokio::time::sleep(PLANNING).await;
        match app.store.gather_missing_statistics().await {
            Ok(tables) => {
                is_failing = false;
                if tables > 0 {
                    tracing::info!(tables, "had the database gather its first statistics of tables");
                }
            }
            // Told once, not each time.
            Err(fault) if !is_failing => {
                is_failing = true;
                tracing::warn!(%fault, "cannot have the database gather statistics");
            }
            Err(_) => {}
        }
    }
}

/// Sweeps the tenants that have something to take away and that nobody has swept for a while. Those that have nothing, however many,
/// cost no statement of their own.
pub async fn sweep(app: &App) -> Result<u64, Fault> {
    let now = app.clock.now();
    let events_before = app.config.events_kept.map(|kept| now.minus(kept));
    let mut rows = 0;
    for tenant in app.store.tenants_to_sweep(now, events_before).await? {
        let is_ours = write_tx!(app.store, tenant, |tx| -> Result<bool, Fault> {
            tx.claim_sweep(now, now.minus(CLAIM)).await
        })?;
        if is_ours {
            // On the heap: it holds the parts of every sweep.
            rows += Box::pin(app.store.sweep(tenant, now)).await?;
            if let Some(before) = events_before {
                rows += app.store.sweep_events(tenant, before).await?;
            }
        }
    }
    for unused in app.store.directory().tenants_with_clients_unused_since(now.minus(LEAST_UNUSED)).await? {
        if let Some(tenant) = app.tenant(unused.id).await? {
            rows += registration::sweep_unused(app, &tenant).await?;
        }
    }
    Ok(rows)
}
