//! Takes away what has expired, tenant by tenant, for as long as the server runs.

use std::sync::Arc;
use std::time::Duration;

use store::Fault;

use crate::app::App;

/// Far apart: what has expired is refused whether it is still there or not.
const PERIOD: Duration = Duration::from_mins(10);

pub(crate) async fn keep_swept(app: Arc<App>) {
    loop {
        tokio::time::sleep(PERIOD).await;
        match sweep(&app).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "took away what had expired"),
            Err(fault) => tracing::warn!(%fault, "cannot take away what has expired"),
        }
    }
}

async fn sweep(app: &App) -> Result<u64, Fault> {
    let mut rows = 0;
    for tenant in app.store.directory().tenant_versions().await? {
        rows += app.store.sweep(tenant.id, app.clock.now()).await?;
    }
    Ok(rows)
}
