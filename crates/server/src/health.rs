//! Whether this process lives, and whether it can serve.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::app::App;

/// They are of the process and no tenant's, and told under any host, whatever becomes of the database.
pub const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// `/healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: the database answers, has the schema that this program was made for, and what is in memory is recent.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let waits_for = |what: &'static str| (StatusCode::SERVICE_UNAVAILABLE, what).into_response();
    match app.store.is_migrated().await {
        Err(_) => waits_for("the database does not answer\n"),
        Ok(false) => waits_for("the database is not migrated\n"),
        Ok(true) if !app.tenants.is_fresh() => waits_for("the tenants could not be read\n"),
        Ok(true) => "ready\n".into_response(),
    }
}
