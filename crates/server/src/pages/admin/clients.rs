//! `/admin/clients`: the relying parties of the tenant.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use oidc::client::{Client, ClientMetadata, ClientSettings, SecretKeeping};
use oidc::client_auth::LiveSecret;
use serde_json::{Map, Value};
use store::Fault;
use terms::ClientId;

use super::client_form::{self, FactGroup, FieldGroup, Written};
use super::users::RefusedPage;
use super::{
    AdminSubmission, AdminVisit, Frame, Outcome, ROWS, Section, Target, instant, nothing_there, query_of,
};
use crate::admin::{AdminCommand, ClientChanges};
use crate::pages::{Faults, Stop, View, page};
use crate::request::Site;

/// A client's own page.
fn page_of(client: &ClientId) -> String {
    Target::Client(client.clone()).path()
}

struct Row {
    path: String,
    name: String,
    id: String,
    method: String,
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
        path: view.path(&page_of(&client.id)),
        name: client.display_name().to_owned(),
        id: client.id.to_string(),
        method: client_form::method_name(view, client.auth_method),
    };
    let rows = clients.iter().map(row).collect();
    page(StatusCode::OK, &ClientsPage { view, frame: visit.frame(Section::Clients), rows, next })
}

#[derive(Template)]
#[template(path = "admin/client.html")]
struct ClientPage<'a> {
    view: View<'a>,
    frame: Frame,
    path: String,
    list: String,
    events: String,
    name: String,
    id: String,
    created: String,
    has_secrets: bool,
    groups: Vec<FactGroup>,
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
    let made = |secret: &LiveSecret| {
        view.text_with("admin-client-secret-made", "when", &instant(secret.id.made_at()))
    };
    let template = ClientPage {
        view,
        frame: visit.frame(Section::Clients),
        path: view.path(&page_of(&client.id)),
        list: view.path(Section::Clients.path()),
        events: format!("{}?{}", view.path("/admin/events"), query_of(&[("about", client.id.as_str())])),
        name: client.display_name().to_owned(),
        id: client.id.to_string(),
        created: instant(client.created_at),
        has_secrets: client.auth_method.secret_keeping() != SecretKeeping::None,
        groups: client_form::facts(view, &client.metadata.to_json(), &client.settings),
        secrets: secrets.iter().map(made).collect(),
    };
    page(StatusCode::OK, &template)
}

#[derive(Template)]
#[template(path = "admin/client_form.html")]
struct FormPage<'a> {
    view: View<'a>,
    frame: Frame,
    title: String,
    action: String,
    back: String,
    /// Of a client that there is: what can't be changed.
    id: Option<String>,
    groups: Vec<FieldGroup>,
    faults: Faults,
    reasons: Vec<String>,
    /// Where the password is asked for, when it takes one.
    confirm: Option<String>,
}

/// Which client a form is about.
enum Form {
    New,
    Of(ClientId),
}

impl Form {
    fn target(&self) -> Target {
        match self {
            Self::New => Target::NewClient,
            Self::Of(id) => Target::EditClient(id.clone()),
        }
    }

    fn page(self, view: View<'_>, frame: Frame, groups: Vec<FieldGroup>) -> FormPage<'_> {
        let (title, back) = match &self {
            Self::New => ("admin-client-new-title", Target::Clients),
            Self::Of(id) => ("admin-client-edit-title", Target::Client(id.clone())),
        };
        FormPage {
            view,
            frame,
            title: view.text(title),
            action: view.path(&self.target().path()),
            back: view.path(&back.path()),
            groups,
            faults: Faults::default(),
            reasons: Vec::new(),
            confirm: None,
            id: match self {
                Self::New => None,
                Self::Of(id) => Some(id.to_string()),
            },
        }
    }
}

/// The APIs that a client may be let to.
async fn resource_servers(site: &Site) -> Result<Vec<String>, Fault> {
    let servers = site.app.store.read(site.tenant.id).resource_servers().await?;
    Ok(servers.iter().map(|server| server.identifier.as_str().to_owned()).collect())
}

/// `GET /admin/clients/new`.
pub async fn show_new(visit: AdminVisit) -> Result<Response, Stop> {
    visit.require_recent(&Target::NewClient)?;
    let usual = serde_json::json!({
        "application_type": "web",
        "scope": "openid profile email",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
        "subject_type": "public",
    });
    let servers = resource_servers(&visit.site).await?;
    let groups = Written::of(&usual, &ClientSettings::default()).groups(visit.view(), &servers);
    page(StatusCode::OK, &Form::New.page(visit.view(), visit.frame(Section::Clients), groups))
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
    let (frame, path) = (submission.frame(Section::Clients), view.path(&page_of(&id)));
    page(StatusCode::OK, &SecretPage { view, frame, path, id: id.to_string(), secret })
}

/// Why a form comes back.
enum Wrong {
    Fields(Faults),
    Refused(Vec<String>),
    NotRecent,
}

/// The form again, with all that was typed, and what is wrong at its fields.
async fn again(submission: &AdminSubmission, form: Form, wrong: Wrong) -> Result<Response, Stop> {
    let view = submission.view();
    let servers = resource_servers(&submission.submission.site).await?;
    let groups = Written::again(submission.form()).groups(view, &servers);
    let template = form.page(view, submission.frame(Section::Clients), groups);
    let (status, template) = match wrong {
        Wrong::Fields(faults) => (StatusCode::UNPROCESSABLE_ENTITY, FormPage { faults, ..template }),
        Wrong::Refused(reasons) => {
            let (faults, reasons) = client_form::at_fields(view, reasons);
            (StatusCode::UNPROCESSABLE_ENTITY, FormPage { faults, reasons, ..template })
        }
        Wrong::NotRecent => {
            let confirm = Some(submission.confirm_beside());
            (StatusCode::FORBIDDEN, FormPage { confirm, ..template })
        }
    };
    page(status, &template)
}

/// `POST /admin/clients/new`.
pub async fn create(submission: AdminSubmission) -> Result<Response, Stop> {
    let changes = match Written::again(submission.form()).changes(submission.view()) {
        Ok(changes) => changes,
        Err(faults) => return again(&submission, Form::New, Wrong::Fields(faults)).await,
    };
    match submission.carry_out(AdminCommand::ClientsCreate(changes)).await? {
        Outcome::Done(answer) => made(&submission, &answer),
        Outcome::Refused(reasons) => again(&submission, Form::New, Wrong::Refused(reasons)).await,
        Outcome::NotRecent => again(&submission, Form::New, Wrong::NotRecent).await,
    }
}

/// `GET /admin/clients/{client}/edit`.
pub async fn show_edit(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let client = named(&visit, &id).await?;
    let form = Form::Of(client.id.clone());
    visit.require_recent(&form.target())?;
    let mut metadata = ClientMetadata::to_json(&client.metadata);
    // The one member that is not written where it has its default, and is chosen from a list.
    metadata["subject_type"] = client.subject_type.as_str().into();
    let servers = resource_servers(&visit.site).await?;
    let groups = Written::of(&metadata, &client.settings).groups(visit.view(), &servers);
    page(StatusCode::OK, &form.page(visit.view(), visit.frame(Section::Clients), groups))
}

/// `POST /admin/clients/{client}/edit`: replaces all that is said of it.
pub async fn edit(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    let site = &submission.submission.site;
    if site.app.store.read(site.tenant.id).client(&id).await?.is_none() {
        return Err(nothing_there());
    }
    let form = Form::Of(id.clone());
    let changes = match Written::again(submission.form()).changes(submission.view()) {
        Ok(changes) => changes,
        Err(faults) => return again(&submission, form, Wrong::Fields(faults)).await,
    };
    let command = AdminCommand::ClientsUpdate { client_id: id.to_string(), changes, new_secret: false };
    match submission.carry_out(command).await? {
        // One that authenticates otherwise has another secret from now on.
        Outcome::Done(answer) if answer["client_secret"].is_string() => made(&submission, &answer),
        Outcome::Done(_) => Ok(submission.done(&Target::Client(id), "client-updated")),
        Outcome::Refused(reasons) => again(&submission, form, Wrong::Refused(reasons)).await,
        Outcome::NotRecent => again(&submission, form, Wrong::NotRecent).await,
    }
}

fn refused(submission: &AdminSubmission, id: &ClientId, reasons: Vec<String>) -> Result<Response, Stop> {
    let (view, frame) = (submission.view(), submission.frame(Section::Clients));
    let back = view.path(&page_of(id));
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
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::Client(id))),
    }
}

/// `POST /admin/clients/{client}/end-secrets`: of several secrets, only the newest stays good.
pub async fn end_secrets(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    match submission.carry_out(AdminCommand::ClientsEndSecrets { client_id: id.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.done(&Target::Client(id), "secrets-ended")),
        Outcome::Refused(reasons) => refused(&submission, &id, reasons),
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::Client(id))),
    }
}

/// `POST /admin/clients/{client}/delete`.
pub async fn delete(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<ClientId>() else { return Err(nothing_there()) };
    match submission.carry_out(AdminCommand::ClientsDelete { client_id: id.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.done(&Target::Clients, "client-deleted")),
        Outcome::Refused(reasons) => refused(&submission, &id, reasons),
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::Client(id))),
    }
}
