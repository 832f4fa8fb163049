//! `/admin/users`: the people of the tenant.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use identity::{Session, User, UserEmail};
use store::users::Found;
use terms::{EmailAddress, SessionId, UserId};

use super::{
    AdminSubmission, AdminVisit, Frame, Outcome, ROWS, Section, Target, instant, nothing_there, query_of,
};
use crate::admin::AdminCommand;
use crate::pages::account::device;
use crate::pages::error::Problem;
use crate::pages::{Faults, FieldFault, Stop, View, page};

/// A user in the list.
struct Row {
    path: String,
    name: String,
    email: String,
    created: String,
    is_enabled: bool,
}

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersPage<'a> {
    view: View<'a>,
    frame: Frame,
    wanted: String,
    /// The list from its beginning, without a search.
    all: String,
    rows: Vec<Row>,
    next: Option<String>,
}

/// `GET /admin/users`: all of them, or those whose address or name begins as asked; a part at a time.
pub async fn list(visit: AdminVisit) -> Result<Response, Stop> {
    let wanted = visit.query.value("q").trim().to_owned();
    let (users, next) =
        if wanted.is_empty() { newest(&visit).await? } else { found(&visit, &wanted).await? };
    let view = visit.view();
    let rows = users.iter().map(|user| row(view, user)).collect();
    let next = next.map(|query| format!("{}?{query}", view.path(Section::Users.path())));
    let (frame, all) = (visit.frame(Section::Users), view.path(Section::Users.path()));
    page(StatusCode::OK, &UsersPage { view, frame, wanted, all, rows, next })
}

fn email_of(user: &User) -> String {
    user.identifier().to_owned()
}

fn row(view: View<'_>, user: &User) -> Row {
    Row {
        path: view.path(&format!("/admin/users/{}", user.id)),
        name: user.display_name().to_owned(),
        email: email_of(user),
        created: instant(user.created_at),
        is_enabled: user.is_enabled(),
    }
}

type Part = (Vec<User>, Option<String>);

async fn newest(visit: &AdminVisit) -> Result<Part, Stop> {
    let after = visit.query.id::<UserId>("after").map_err(|_| Problem::Request.stop(&visit.site))?;
    let mut users = visit.site.app.store.read(visit.site.tenant.id).users_after(after, ROWS + 1).await?;
    let more = users.len() > ROWS as usize;
    users.truncate(ROWS as usize);
    let last = users.last().filter(|_| more);
    let next = last.map(|user| query_of(&[("after", &user.id.to_string())]));
    Ok((users, next))
}

/// A user whom two of their names make a hit comes once in a page.
async fn found(visit: &AdminVisit, wanted: &str) -> Result<Part, Stop> {
    let after = match visit.query.id::<UserId>("after") {
        Ok(None) => None,
        Ok(Some(user)) => Some(Found { term: visit.query.value("term").to_owned(), user }),
        Err(_) => return Err(Problem::Request.stop(&visit.site)),
    };
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    let mut hits = read.users_found(wanted, after.as_ref(), ROWS + 1).await?;
    let more = hits.len() > ROWS as usize;
    hits.truncate(ROWS as usize);
    let last = hits.last().filter(|_| more);
    let next =
        last.map(|hit| query_of(&[("q", wanted), ("term", &hit.term), ("after", &hit.user.to_string())]));
    let mut users: Vec<User> = Vec::new();
    for hit in &hits {
        if users.iter().any(|user| user.id == hit.user) {
            continue;
        }
        users.extend(read.user(hit.user).await?);
    }
    Ok((users, next))
}

/// A session of a user, as a line.
struct SessionLine {
    id: SessionId,
    device: String,
    /// The place, where it is known, and the address.
    place: String,
    since: String,
    active: String,
    methods: String,
}

/// An address of a user.
struct EmailLine {
    address: String,
    is_verified: bool,
    is_primary: bool,
}

#[derive(Template)]
#[template(path = "admin/user.html")]
struct UserPage<'a> {
    view: View<'a>,
    frame: Frame,
    path: String,
    events: String,
    list: String,
    user: User,
    emails: Vec<EmailLine>,
    created: String,
    is_admin: bool,
    is_self: bool,
    has_password: bool,
    sessions: Vec<SessionLine>,
    reasons: Vec<String>,
}

/// `GET /admin/users/{user}`.
pub async fn show(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<UserId>() else { return Err(nothing_there()) };
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    let Some(user) = read.user(id).await? else { return Err(nothing_there()) };
    let mut sessions = read.sessions_of_user(id).await?;
    sessions.retain(|session| session.is_live(visit.now));
    let view = visit.view();
    let template = UserPage {
        view,
        frame: visit.frame(Section::Users),
        path: view.path(&format!("/admin/users/{id}")),
        events: format!("{}?{}", view.path("/admin/events"), query_of(&[("about", &id.to_string())])),
        list: view.path(Section::Users.path()),
        emails: user.emails.iter().map(email_line).collect(),
        created: instant(user.created_at),
        is_admin: read.admin_role(id).await?.is_some(),
        is_self: visit.is_own(id),
        has_password: read.password_of(id).await?.is_some(),
        sessions: sessions.iter().map(|session| line(&visit, session)).collect(),
        reasons: Vec::new(),
        user,
    };
    page(StatusCode::OK, &template)
}

fn email_line(email: &UserEmail) -> EmailLine {
    EmailLine {
        address: email.address.as_written().to_owned(),
        is_verified: email.verified_at.is_some(),
        is_primary: email.is_primary,
    }
}

fn line(visit: &AdminVisit, session: &Session) -> SessionLine {
    let view = visit.view();
    let address = session.device.address;
    let place = address.and_then(|address| visit.site.app.places.of(address, view.language()));
    let parts = [place, address.map(|address| address.to_string())];
    SessionLine {
        id: session.id,
        device: device::in_words(view.texts, session.device.user_agent.as_ref()),
        place: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        since: instant(session.created_at),
        active: instant(session.last_active_at),
        methods: session.amr().join(", "),
    }
}

#[derive(Template)]
#[template(path = "admin/user_new.html")]
struct NewUserPage<'a> {
    view: View<'a>,
    frame: Frame,
    email: String,
    name: String,
    faults: Faults,
    reasons: Vec<String>,
}

/// `GET /admin/users/new`.
pub async fn show_new(visit: AdminVisit) -> Result<Response, Stop> {
    let (email, name) = (String::new(), String::new());
    let frame = visit.frame(Section::Users);
    let (faults, reasons) = (Faults::default(), Vec::new());
    page(StatusCode::OK, &NewUserPage { view: visit.view(), frame, email, name, faults, reasons })
}

/// `POST /admin/users/new`: a user without password, who chooses one by the code that "forgot password" mails.
pub async fn create(submission: AdminSubmission) -> Result<Response, Stop> {
    let email = submission.form().value("email").trim().to_owned();
    let name = submission.form().value("name").trim().to_owned();
    let again = |email: String, name: String, faults: Faults, reasons: Vec<String>| {
        let frame = submission.frame(Section::Users);
        let template = NewUserPage { view: submission.view(), frame, email, name, faults, reasons };
        page(StatusCode::UNPROCESSABLE_ENTITY, &template)
    };
    if EmailAddress::parse(&email).is_err() {
        let fault = FieldFault { field: "email", text: submission.view().text("email-malformed") };
        return again(email, name, fault.into(), Vec::new());
    }
    let profile = (!name.is_empty()).then(|| serde_json::json!({ "name": name }));
    match submission.carry_out(AdminCommand::UsersInvite { email: email.clone(), profile }).await? {
        Outcome::Done(answer) => {
            let Some(Ok(user)) = answer["user_id"].as_str().map(str::parse) else {
                return Err(nothing_there());
            };
            Ok(submission.done(&Target::User(user), "user-created"))
        }
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::NewUser)),
        Outcome::Refused(reasons) => again(email, name, Faults::default(), reasons),
    }
}

#[derive(Template)]
#[template(path = "admin/refused.html")]
pub(super) struct RefusedPage<'a> {
    pub view: View<'a>,
    pub frame: Frame,
    pub back: String,
    pub reasons: Vec<String>,
}

/// Does one thing to one user, and shows the user again.
async fn act(
    id: String,
    submission: AdminSubmission,
    done: &str,
    command: impl FnOnce(String) -> AdminCommand,
) -> Result<Response, Stop> {
    // By id only: an address would find somebody too, but a page's form names what it showed.
    let Ok(user) = id.parse::<UserId>() else { return Err(nothing_there()) };
    let target = Target::User(user);
    match submission.carry_out(command(user.to_string())).await? {
        Outcome::Done(_) => Ok(submission.done(&target, done)),
        Outcome::NotRecent => Ok(submission.to_confirm(&target)),
        Outcome::Refused(reasons) => {
            let (view, frame) = (submission.view(), submission.frame(Section::Users));
            let template = RefusedPage { view, frame, back: view.path(&target.path()), reasons };
            page(StatusCode::UNPROCESSABLE_ENTITY, &template)
        }
    }
}

/// `POST /admin/users/{user}/disable`.
pub async fn disable(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    act(id, submission, "user-disabled", |user| AdminCommand::UsersDisable { user }).await
}

/// `POST /admin/users/{user}/enable`.
pub async fn enable(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    act(id, submission, "user-enabled", |user| AdminCommand::UsersEnable { user }).await
}

/// `POST /admin/users/{user}/sign-out`.
pub async fn sign_out(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    act(id, submission, "user-signed-out", |user| AdminCommand::UsersSignOut { user }).await
}

/// `POST /admin/users/{user}/end-session`: signs the user out in one browser.
pub async fn end_session(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(user) = id.parse::<UserId>() else { return Err(nothing_there()) };
    let Ok(Some(session)) = submission.form().id::<SessionId>("session") else {
        return Err(Problem::Request.stop(&submission.submission.site));
    };
    act(user.to_string(), submission, "session-ended", |user| AdminCommand::UsersEndSession { user, session })
        .await
}

/// `POST /admin/users/{user}/forgive`.
pub async fn forgive(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    act(id, submission, "attempts-forgiven", |user| AdminCommand::UsersForgiveAttempts { user }).await
}

/// `POST /admin/users/{user}/reset-password`.
pub async fn reset_password(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    act(id, submission, "password-reset", |user| AdminCommand::UsersResetPassword { user }).await
}

/// `POST /admin/users/{user}/delete`: the page of the user is gone then, so it leads to the list.
pub async fn delete(Path(id): Path<String>, submission: AdminSubmission) -> Result<Response, Stop> {
    let Ok(user) = id.parse::<UserId>() else { return Err(nothing_there()) };
    match submission.carry_out(AdminCommand::UsersDelete { user: user.to_string() }).await? {
        Outcome::Done(_) => Ok(submission.done(&Target::Users, "user-deleted")),
        Outcome::NotRecent => Ok(submission.to_confirm(&Target::User(user))),
        Outcome::Refused(reasons) => {
            let (view, frame) = (submission.view(), submission.frame(Section::Users));
            let back = view.path(&Target::User(user).path());
            page(StatusCode::UNPROCESSABLE_ENTITY, &RefusedPage { view, frame, back, reasons })
        }
    }
}
