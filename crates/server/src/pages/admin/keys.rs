//! `/admin/keys`: the keys that sign tokens.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{AdminVisit, Frame, Section, instant};
use crate::keys::KeySummary;
use crate::pages::{Stop, View, page};

struct Row {
    kid: String,
    alg: String,
    state: String,
    published: String,
}

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct KeysPage<'a> {
    view: View<'a>,
    frame: Frame,
    rows: Vec<Row>,
}

/// `GET /admin/keys`.
pub async fn list(visit: AdminVisit) -> Result<Response, Stop> {
    let records = visit.site.app.store.read(visit.site.tenant.id).signing_keys().await?;
    let mut rows = Vec::new();
    for record in &records {
        let key = KeySummary::of(record, visit.now)?;
        rows.push(Row {
            kid: key.kid.to_string(),
            alg: key.alg.to_string(),
            state: key.state.to_string(),
            published: instant(key.life.published_at),
        });
    }
    page(StatusCode::OK, &KeysPage { view: visit.view(), frame: visit.frame(Section::Keys), rows })
}
