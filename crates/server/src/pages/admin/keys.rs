//! `/admin/keys`: the keys that sign tokens; their replacement, and the end of one that leaked.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use oidc::jose::Algorithm;
use store::signing_keys::SigningKeyRecord;
use terms::SigningKeyId;

use super::users::RefusedPage;
use super::{AdminSubmission, AdminVisit, Frame, Outcome, Section, Target, instant, nothing_there};
use crate::admin::AdminCommand;
use crate::keys::KeySummary;
use crate::pages::error::Problem;
use crate::pages::{Stop, View, page};

/// What a key is doing, as a person reads it.
struct State {
    text: String,
    badge: &'static str,
}

fn state(view: View<'_>, state: &str) -> State {
    let (key, badge) = match state {
        "active" => ("admin-key-active", "ok"),
        "announced" => ("admin-key-announced", "accent"),
        "retiring" => ("admin-key-retiring", "warn"),
        "retired" => ("admin-key-retired", ""),
        "revoked" => ("admin-key-revoked", "bad"),
        _ => ("admin-key-gone", ""),
    };
    State { text: view.text(key), badge }
}

struct Row {
    kid: String,
    alg: String,
    state: State,
    published: String,
    /// Since when it signs, or when it will.
    signs: String,
    /// Where it is revoked; nothing for one that verifies nothing any more.
    revoke: Option<String>,
}

fn row(view: View<'_>, key: &KeySummary) -> Row {
    let is_over = matches!(key.state, "revoked" | "gone");
    Row {
        kid: key.kid.to_string(),
        alg: key.alg.to_string(),
        state: state(view, key.state),
        published: instant(key.life.published_at),
        signs: key.life.activated_at.map(instant).unwrap_or_default(),
        revoke: (!is_over).then(|| view.path(&Target::RevokeKey(key.kid).path())),
    }
}

#[derive(Template)]
#[template(path = "admin/keys.html")]
struct KeysPage<'a> {
    view: View<'a>,
    frame: Frame,
    rows: Vec<Row>,
    /// What the tenant signs with, to be replaced.
    algorithms: Vec<&'static str>,
}

/// `GET /admin/keys`.
pub async fn list(visit: AdminVisit) -> Result<Response, Stop> {
    let records = visit.site.app.signing_keys(&visit.site.tenant).await?;
    let view = visit.view();
    let keys: Vec<KeySummary> =
        records.iter().map(|record| KeySummary::of(record, visit.now)).collect::<Result<_, _>>()?;
    let signs = |algorithm: &Algorithm| keys.iter().any(|key| key.alg == *algorithm && key.state == "active");
    let algorithms = Algorithm::ALL.into_iter().filter(signs).map(Algorithm::as_str).collect();
    let rows = keys.iter().map(|key| row(view, key)).collect();
    page(StatusCode::OK, &KeysPage { view, frame: visit.frame(Section::Keys), rows, algorithms })
}

fn refused(submission: &AdminSubmission, reasons: Vec<String>) -> Result<Response, Stop> {
    let (view, frame) = (submission.view(), submission.frame(Section::Keys));
    let back = view.path(&Target::Keys.path());
    page(StatusCode::UNPROCESSABLE_ENTITY, &RefusedPage { view, frame, back, reasons })
}

/// `POST /admin/keys/rotate`: announces the successor of what signs with an algorithm, or lets it take over at once.
pub async fn rotate(submission: AdminSubmission) -> Result<Response, Stop> {
    let form = submission.form();
    let Ok(Some(algorithm)) = form.id::<Algorithm>("alg") else {
        return Err(Problem::Request.stop(&submission.submission.site));
    };
    let now = !form.value("now").is_empty();
    let command = AdminCommand::KeysRotate { alg: Some(algorithm.to_string()), now };
    match submission.carry_out(command).await? {
        Outcome::Done(_) => Ok(submission.done(&Target::Keys, "key-rotated")),
        Outcome::Refused(reasons) => refused(&submission, reasons),
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::Keys)),
    }
}

#[derive(Template)]
#[template(path = "admin/key_revoke.html")]
struct RevokePage<'a> {
    view: View<'a>,
    frame: Frame,
    key: Row,
    signs_now: bool,
    action: String,
    back: String,
}

async fn named(visit: &AdminVisit, id: &str) -> Result<(SigningKeyId, SigningKeyRecord), Stop> {
    let Ok(id) = id.parse::<SigningKeyId>() else { return Err(nothing_there()) };
    let records = visit.site.app.signing_keys(&visit.site.tenant).await?;
    let record = records.into_iter().find(|record| record.id == id).ok_or_else(nothing_there)?;
    Ok((id, record))
}

/// `GET /admin/keys/{key}/revoke`: what breaks, before it does.
pub async fn show_revoke(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let (id, record) = named(&visit, &id).await?;
    visit.require_recent(&Target::RevokeKey(id))?;
    let view = visit.view();
    let summary = KeySummary::of(&record, visit.now)?;
    let key = row(view, &summary);
    let Some(action) = key.revoke.clone() else { return Err(nothing_there()) };
    let template = RevokePage {
        view,
        frame: visit.frame(Section::Keys),
        key,
        signs_now: summary.state == "active",
        action,
        back: view.path(&Target::Keys.path()),
    };
    page(StatusCode::OK, &template)
}

/// `POST /admin/keys/{key}/revoke`.
pub async fn revoke(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<SigningKeyId>() else { return Err(nothing_there()) };
    // Another tenant's key, or nobody's, is not found, whatever the command says of it.
    let site = &submission.submission.site;
    let known = site.app.signing_keys(&site.tenant).await?;
    if !known.iter().any(|record| record.id == id) {
        return Err(nothing_there());
    }
    match submission.carry_out(AdminCommand::KeysRevoke { kid: id.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.done(&Target::Keys, "key-revoked")),
        Outcome::Refused(reasons) => refused(&submission, reasons),
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::RevokeKey(id))),
    }
}
