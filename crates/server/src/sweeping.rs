//! Takes away what has expired, tenant by tenant, for as long as the server runs. Of several nodes, one sweeps a tenant.

use std::sync::Arc;
use std::time::Duration;

use store::{Fault, write_tx};
use terms::{TenantId, Timestamp};

use crate::app::App;
use crate::registration;

/// Far apart: what has expired is refused whether it is still there or not.
const PERIOD: Duration = Duration::from_mins(10);
/// Between two looks of one node: shorter, so that a tenant whose sweeper died is not forgotten for long.
const LOOK: Duration = Duration::from_mins(2);

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

/// Sweeps the tenants that nobody has swept for a while.
pub async fn sweep(app: &App) -> Result<u64, Fault> {
    let now = app.clock.now();
    let since = now.minus(PERIOD);
    let mut rows = 0;
    for tenant in app.store.directory().tenants_to_sweep(since).await? {
        let is_ours = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
            tx.claim_sweep(now, since).await
        })?;
        if is_ours {
            // On the heap: it holds the parts of every sweep.
            rows += Box::pin(sweep_tenant(app, tenant.id, now)).await?;
        }
    }
    Ok(rows)
}

async fn sweep_tenant(app: &App, tenant: TenantId, now: Timestamp) -> Result<u64, Fault> {
    let expired = app.store.sweep(tenant, now).await?;
    let events = match app.config.events_kept {
        Some(kept) => app.store.sweep_events(tenant, now.minus(kept)).await?,
        None => 0,
    };
    let directory = app.directory();
    let unused = match directory.by_id(tenant) {
        Some(tenant) => registration::sweep_unused(app, tenant).await?,
        None => 0,
    };
    Ok(expired + events + unused)
}
