//! `/admin/clients`: the relying parties of the tenant.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use oidc::client::{Client, ClientMetadata, ClientSettings, SecretKeeping};
use oidc::client_auth::LiveSecret;
use serde_json::{Map, Value};
use terms::ClientId;

use super::users::RefusedPage;
use super::{AdminSubmission, AdminVisit, Frame, Outcome, ROWS, Section, instant, nothing_there, query_of};
use crate::admin::{AdminCommand, ClientChanges};
use crate::pages::{Fields, Stop, View, page};

struct Row {
    path: String,
    name: String,
    id: String,
    method: &'static str,
}

#[derive(Template)]
#[template(path = "admin/clients.html")]
struct ClientsPage<'a> {
    view: View<'a>,
    frame: Frame,
    rows: Vec<Row>,
    next: Option<String>,
}

/// `GET /admin/clients`.
pub async fn list(visit: AdminVisit) -> Result<Response, Stop> {
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    let mut clients = read.clients_after(visit.query.value("after"), ROWS + 1).await?;
    let more = clients.len() > ROWS as usize;
    clients.truncate(ROWS as usize);
    let view = visit.view();
    let last = clients.last().filter(|_| more);
    let next = last.map(|client| {
        format!("{}?{}", view.path(Section::Clients.path()), query_of(&[("after", client.id.as_str())]))
    });
    let row = |client: &Client| Row {
        path: view.path(&path_of(&client.id)),
        name: client.display_name().to_owned(),
        id: client.id.to_string(),
        method: client.auth_method.as_str(),
    };
    let rows = clients.iter().map(row).collect();
    page(StatusCode::OK, &ClientsPage { view, frame: visit.frame(Section::Clients), rows, next })
}

/// A client's id may hold whatever is visible ASCII, a slash too.
fn path_of(client: &ClientId) -> String {
    // It has no blank, which is where a form's encoding differs from a path's.
    let encoded: String = url::form_urlencoded::byte_serialize(client.as_str().as_bytes()).collect();
    format!("/admin/clients/{encoded}")
}

/// One member of a client's metadata, or of the operator's settings, as text.
struct Line {
    name: String,
    values: Vec<String>,
}

fn lines(members: &Map<String, Value>) -> Vec<Line> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |(name, value): (&String, &Value)| Line {
        name: name.clone(),
        values: match value {
            Value::Array(values) => values.iter().map(text).collect(),
            value => vec![text(value)],
        },
    };
    members.iter().map(line).collect()
}

#[derive(Template)]
#[template(path = "admin/client.html")]
struct ClientPage<'a> {
    view: View<'a>,
    frame: Frame,
    path: String,
    events: String,
    name: String,
    id: String,
    created: String,
    has_secrets: bool,
    metadata: Vec<Line>,
    settings: Vec<Line>,
    /// When each secret that lives was made, oldest first.
    secrets: Vec<String>,
}

/// The client that a path names, if this tenant has it.
async fn named(visit: &AdminVisit, id: &str) -> Result<Client, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    visit.site.app.store.read(visit.site.tenant.id).client(&id).await?.ok_or_else(nothing_there)
}

/// `GET /admin/clients/{client}`.
pub async fn show(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let client = named(&visit, &id).await?;
    let secrets = visit.site.app.store.read(visit.site.tenant.id).client_secrets(&client.id).await?;
    let view = visit.view();
    let object = |value: Value| match value {
        Value::Object(members) => lines(&members),
        _ => Vec::new(),
    };
    let made = |secret: &LiveSecret| {
        view.text_with("admin-client-secret-made", "when", &instant(secret.id.made_at()))
    };
    let template = ClientPage {
        view,
        frame: visit.frame(Section::Clients),
        path: view.path(&path_of(&client.id)),
        events: format!("{}?{}", view.path("/admin/events"), query_of(&[("about", client.id.as_str())])),
        name: client.display_name().to_owned(),
        id: client.id.to_string(),
        created: instant(client.created_at),
        has_secrets: client.auth_method.secret_keeping() != SecretKeeping::None,
        metadata: object(client.metadata.to_json()),
        settings: object(serde_json::to_value(&client.settings).unwrap_or_default()),
        secrets: secrets.iter().map(made).collect(),
    };
    page(StatusCode::OK, &template)
}

/// How a member of the metadata is edited. What isn't listed is edited as JSON, so no member is out of reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// One value a line.
    Lines,
}

/// The members that have a field of their own, and the text of its label.
const FIELDS: [(&str, Kind, &str); 5] = [
    ("client_name", Kind::Text, "admin-client-name"),
    ("redirect_uris", Kind::Lines, "admin-client-redirect-uris"),
    ("post_logout_redirect_uris", Kind::Lines, "admin-client-post-logout-uris"),
    ("scope", Kind::Text, "admin-client-scope"),
    ("grant_types", Kind::Lines, "admin-client-grant-types"),
];

/// The settings that have a box of their own.
const FLAGS: [&str; 2] = ["first_party", "rotate_refresh_tokens"];

/// A JSON object that was typed. Nothing is one without members.
fn object(what: &str, text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(if text.trim().is_empty() { "{}" } else { text }) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(format!("the {what} must be a JSON object")),
    }
}

/// A field of the form.
struct Field {
    name: &'static str,
    label: String,
    is_lines: bool,
    value: String,
}

/// What the form holds.
struct Written {
    fields: Vec<Field>,
    further: String,
    first_party: bool,
    rotate_refresh_tokens: bool,
    /// The other settings, as JSON.
    settings: String,
}

#[derive(Template)]
#[template(path = "admin/client_form.html")]
struct FormPage<'a> {
    view: View<'a>,
    frame: Frame,
    title: String,
    action: String,
    back: String,
    written: Written,
    reasons: Vec<String>,
}

impl Written {
    /// As a client stands.
    fn of(view: View<'_>, metadata: &Value, settings: &ClientSettings) -> Self {
        let mut members = metadata.as_object().cloned().unwrap_or_default();
        let mut field = |&(name, kind, label): &(&'static str, Kind, &str)| {
            let value = match members.remove(name) {
                Some(Value::Array(values)) => {
                    values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
                }
                Some(Value::String(text)) => text,
                _ => String::new(),
            };
            Field { name, label: view.text(label), is_lines: kind == Kind::Lines, value }
        };
        let fields = FIELDS.iter().map(&mut field).collect();
        let further = serde_json::to_string_pretty(&members).unwrap_or_default();
        let ClientSettings { first_party, rotate_refresh_tokens, .. } = *settings;
        let mut others = match serde_json::to_value(settings) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        others.retain(|name, _| !FLAGS.contains(&name.as_str()));
        let settings = serde_json::to_string_pretty(&others).unwrap_or_default();
        Self { fields, further, first_party, rotate_refresh_tokens, settings }
    }

    /// As it was sent.
    fn again(view: View<'_>, form: &Fields) -> Self {
        let field = |&(name, kind, label): &(&'static str, Kind, &str)| Field {
            name,
            label: view.text(label),
            is_lines: kind == Kind::Lines,
            value: form.value(name).to_owned(),
        };
        Self {
            fields: FIELDS.iter().map(field).collect(),
            further: form.value("further").to_owned(),
            first_party: !form.value("first_party").is_empty(),
            rotate_refresh_tokens: !form.value("rotate_refresh_tokens").is_empty(),
            settings: form.value("settings").to_owned(),
        }
    }

    /// All of the metadata. What is left empty is left out; a member can't be given twice.
    fn metadata(&self) -> Result<Value, String> {
        let mut members = object("further metadata", &self.further)?;
        for field in &self.fields {
            let value = if field.is_lines {
                let lines: Vec<&str> =
                    field.value.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if lines.is_empty() { None } else { Some(Value::from(lines)) }
            } else {
                let text = field.value.trim();
                if text.is_empty() { None } else { Some(Value::from(text)) }
            };
            let Some(value) = value else { continue };
            if members.insert(field.name.to_owned(), value).is_some() {
                return Err(format!("{} stands in its field and in the further metadata", field.name));
            }
        }
        Ok(Value::Object(members))
    }

    /// The settings beside the flags. One that was taken out of the text is its default again.
    fn further_settings(&self) -> Result<Map<String, Value>, String> {
        let mut settings = match serde_json::to_value(ClientSettings::default()) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        settings.retain(|name, _| !FLAGS.contains(&name.as_str()));
        for (name, value) in object("further settings", &self.settings)? {
            if FLAGS.contains(&name.as_str()) {
                return Err(format!("{name} has a box of its own"));
            }
            settings.insert(name, value);
        }
        Ok(settings)
    }

    fn changes(&self) -> Result<ClientChanges, String> {
        Ok(ClientChanges {
            metadata: self.metadata()?,
            whole: true,
            first_party: Some(self.first_party),
            rotate_refresh_tokens: Some(self.rotate_refresh_tokens),
            settings: self.further_settings()?,
        })
    }
}

/// `GET /admin/clients/new`.
pub async fn show_new(visit: AdminVisit) -> Result<Response, Stop> {
    let view = visit.view();
    let usual = serde_json::json!({
        "scope": "openid profile email",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let template = FormPage {
        view,
        frame: visit.frame(Section::Clients),
        title: view.text("admin-client-new-title"),
        action: view.path("/admin/clients/new"),
        back: view.path(Section::Clients.path()),
        written: Written::of(view, &usual, &ClientSettings::default()),
        reasons: Vec::new(),
    };
    page(StatusCode::OK, &template)
}

#[derive(Template)]
#[template(path = "admin/client_secret.html")]
struct SecretPage<'a> {
    view: View<'a>,
    frame: Frame,
    path: String,
    id: String,
    secret: Option<String>,
}

/// The answer to what made a client or a secret: the only page that ever shows it.
fn made(submission: &AdminSubmission, answer: &Value) -> Result<Response, Stop> {
    let Some(Ok(id)) = answer["client_id"].as_str().map(str::parse::<ClientId>) else {
        return Err(nothing_there());
    };
    let secret = answer["client_secret"].as_str().map(str::to_owned);
    let view = submission.view();
    let (frame, path) = (submission.frame(Section::Clients), view.path(&path_of(&id)));
    page(StatusCode::OK, &SecretPage { view, frame, path, id: id.to_string(), secret })
}

fn again(
    submission: &AdminSubmission,
    title: &str,
    action: &str,
    reasons: Vec<String>,
) -> Result<Response, Stop> {
    let view = submission.view();
    let template = FormPage {
        view,
        frame: submission.frame(Section::Clients),
        title: view.text(title),
        action: view.path(action),
        back: view.path(Section::Clients.path()),
        written: Written::again(view, submission.form()),
        reasons,
    };
    page(StatusCode::UNPROCESSABLE_ENTITY, &template)
}

/// `POST /admin/clients/new`.
pub async fn create(submission: AdminSubmission) -> Result<Response, Stop> {
    let (title, action) = ("admin-client-new-title", "/admin/clients/new");
    let changes = match Written::again(submission.view(), submission.form()).changes() {
        Ok(changes) => changes,
        Err(reason) => return again(&submission, title, action, vec![reason]),
    };
    match submission.carry_out(AdminCommand::ClientsCreate(changes)).await? {
        Outcome::Done(answer) => made(&submission, &answer),
        Outcome::Refused(reasons) => again(&submission, title, action, reasons),
    }
}

/// `GET /admin/clients/{client}/edit`.
pub async fn show_edit(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let client = named(&visit, &id).await?;
    let view = visit.view();
    let metadata = ClientMetadata::to_json(&client.metadata);
    let template = FormPage {
        view,
        frame: visit.frame(Section::Clients),
        title: view.text("admin-client-edit-title"),
        action: view.path(&format!("{}/edit", path_of(&client.id))),
        back: view.path(&path_of(&client.id)),
        written: Written::of(view, &metadata, &client.settings),
        reasons: Vec::new(),
    };
    page(StatusCode::OK, &template)
}

/// `POST /admin/clients/{client}/edit`: replaces all of its metadata.
pub async fn edit(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    let (title, action) = ("admin-client-edit-title", format!("{}/edit", path_of(&id)));
    let changes = match Written::again(submission.view(), submission.form()).changes() {
        Ok(changes) => changes,
        Err(reason) => return again(&submission, title, &action, vec![reason]),
    };
    let command = AdminCommand::ClientsUpdate { client_id: id.to_string(), changes, new_secret: false };
    match submission.carry_out(command).await? {
        // One that became confidential has a secret from now on.
        Outcome::Done(answer) if answer["client_secret"].is_string() => made(&submission, &answer),
        Outcome::Done(_) => Ok(submission.on_to(&format!("{}?done=client-updated", path_of(&id)))),
        Outcome::Refused(reasons) => again(&submission, title, &action, reasons),
    }
}

fn refused(submission: &AdminSubmission, id: &ClientId, reasons: Vec<String>) -> Result<Response, Stop> {
    let (view, frame) = (submission.view(), submission.frame(Section::Clients));
    let back = view.path(&path_of(id));
    page(StatusCode::UNPROCESSABLE_ENTITY, &RefusedPage { view, frame, back, reasons })
}

/// `POST /admin/clients/{client}/secret`: another secret. The newest of those before stays good, until it is ended.
pub async fn new_secret(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    let changes = ClientChanges {
        metadata: Value::Object(Map::new()),
        whole: false,
        first_party: None,
        rotate_refresh_tokens: None,
        settings: Map::new(),
    };
    let command = AdminCommand::ClientsUpdate { client_id: id.to_string(), changes, new_secret: true };
    match submission.carry_out(command).await? {
        Outcome::Done(answer) => made(&submission, &answer),
        Outcome::Refused(reasons) => refused(&submission, &id, reasons),
    }
}

/// `POST /admin/clients/{client}/end-secrets`: of several secrets, only the newest stays good.
pub async fn end_secrets(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    match submission.carry_out(AdminCommand::ClientsEndSecrets { client_id: id.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.on_to(&format!("{}?done=secrets-ended", path_of(&id)))),
        Outcome::Refused(reasons) => refused(&submission, &id, reasons),
    }
}

/// `POST /admin/clients/{client}/delete`.
pub async fn delete(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    match submission.carry_out(AdminCommand::ClientsDelete { client_id: id.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.on_to("/admin/clients?done=client-deleted")),
        Outcome::Refused(reasons) => refused(&submission, &id, reasons),
    }
}
