//! `/admin`: the pages of a tenant's administrators.
//!
//! Every handler but the one of the link takes an [`AdminVisit`] or an [`AdminSubmission`], which only come to be when
//! `identity` says that an administrator asks. What is changed is changed by [`crate::admin::execute_for`], which asks again
//! within the transaction. What isn't this tenant's is not found.

mod client_form;
pub mod clients;
pub mod enter;
pub mod events;
pub mod keys;
pub mod password;
pub mod settings;
mod target;
pub mod users;

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use identity::BrowserRecord;
use identity::tenant_admin::AdminRefusal;
use serde_json::Value;
use store::Fault;
use terms::{SessionId, Timestamp};

use super::account::{Back, confirm, to_sign_in};
use super::error::Problem;
use super::upload::Upload;
use super::{Fields, Stop, Submission, View, Visit, see_other};
use crate::admin::{AdminAtWork, AdminCommand, AdminError, Authority, Needs, Warrant, admit, execute_for};
use crate::app::App;
use crate::browser;
use crate::error::Notice;
use crate::request::Site;

pub use target::Target;

/// Rows of one page of a list.
const ROWS: u32 = 50;

/// The parts of the administration, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Users,
    Clients,
    Keys,
    Events,
    Settings,
}

impl Section {
    const ALL: [Self; 5] = [Self::Users, Self::Clients, Self::Keys, Self::Events, Self::Settings];

    const fn path(self) -> &'static str {
        match self {
            Self::Users => "/admin/users",
            Self::Clients => "/admin/clients",
            Self::Keys => "/admin/keys",
            Self::Events => "/admin/events",
            Self::Settings => "/admin/settings",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::Users => "people",
            Self::Clients => "apps",
            Self::Keys => "key",
            Self::Events => "list",
            Self::Settings => "settings",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Users => "admin-users",
            Self::Clients => "admin-clients",
            Self::Keys => "admin-keys",
            Self::Events => "admin-events",
            Self::Settings => "admin-settings",
        }
    }
}

/// A place of the navigation.
pub struct Place {
    pub path: String,
    pub name: String,
    pub icon: &'static str,
    pub is_here: bool,
}

/// What surrounds every page of the administration.
pub struct Frame {
    pub places: Vec<Place>,
    /// What the person is called who administers.
    pub who: String,
    pub form_token: String,
    /// The session that a form speaks for, so that two accounts in one browser are never mixed up.
    pub account: SessionId,
    /// What was done by the form before.
    pub notice: Option<String>,
}

impl Frame {
    fn new(view: View<'_>, at_work: &AdminAtWork, who: &str, here: Section) -> Self {
        let place = |section: Section| Place {
            path: view.path(section.path()),
            name: view.text(section.key()),
            icon: section.icon(),
            is_here: section == here,
        };
        Self {
            places: Section::ALL.map(place).into(),
            who: who.to_owned(),
            form_token: browser::form_token(view.tenant, at_work.browser.id),
            account: at_work.admin.session_id(),
            notice: None,
        }
    }
}

/// A GET by an administrator.
pub struct AdminVisit {
    pub site: Site,
    pub now: Timestamp,
    pub query: Fields,
    at_work: AdminAtWork,
    who: String,
}

impl AdminVisit {
    pub fn view(&self) -> View<'_> {
        View::new(&self.site)
    }

    pub fn frame(&self, here: Section) -> Frame {
        let frame = Frame::new(self.view(), &self.at_work, &self.who, here);
        Frame { notice: notice(self.view(), self.query.value("done")), ..frame }
    }

    /// Before a form that takes a recent proof: whoever has none gives it first, so that nothing that they type is lost.
    pub fn require_recent(&self, back: &Target) -> Result<(), Stop> {
        let authority = Authority::Admin(&self.at_work);
        match authority.require(self.site.tenant.id, Needs::RecentAdmin, self.now) {
            Ok(()) => Ok(()),
            Err(AdminRefusal::NotRecent) => {
                let path = confirm_path(&self.at_work, back);
                Err(Stop::Page(Box::new(see_other(&self.site.tenant, &path))))
            }
            Err(_) => Err(Problem::NotAdmin.stop(&self.site)),
        }
    }

    /// Whether the row of a user is the administrator's own.
    pub fn is_own(&self, user: terms::UserId) -> bool {
        self.at_work.admin.user_id() == user
    }
}

/// What is said after a change. The word stands in the address, so it is one of ours.
fn notice(view: View<'_>, done: &str) -> Option<String> {
    let key = match done {
        "confirmed" => "admin-done-confirmed",
        "password-chosen" => "admin-done-password-chosen",
        "user-created" => "admin-done-user-created",
        "user-disabled" => "admin-done-user-disabled",
        "user-enabled" => "admin-done-user-enabled",
        "user-signed-out" => "admin-done-user-signed-out",
        "attempts-forgiven" => "admin-done-attempts-forgiven",
        "password-reset" => "admin-done-password-reset",
        "user-deleted" => "admin-done-user-deleted",
        "client-updated" => "admin-done-client-updated",
        "client-deleted" => "admin-done-client-deleted",
        "secrets-ended" => "admin-done-secrets-ended",
        "session-ended" => "admin-done-session-ended",
        "key-rotated" => "admin-done-key-rotated",
        "key-revoked" => "admin-done-key-revoked",
        "settings-saved" => "admin-done-settings-saved",
        "logo-saved" => "admin-done-logo-saved",
        "logo-removed" => "admin-done-logo-removed",
        _ => return None,
    };
    Some(view.text(key))
}

/// Where the administrator proves again who they are, to come back to a page.
fn confirm_path(at_work: &AdminAtWork, back: &Target) -> String {
    confirm::path(at_work.admin.session_id(), &Back::Admin(back.clone()))
}

/// A POST by an administrator, for the session that the form names.
pub struct AdminSubmission {
    pub submission: Submission,
    at_work: AdminAtWork,
    who: String,
}

/// What came of a command.
pub enum Outcome {
    Done(Value),
    /// What is wrong with what was asked for, a line each. Its words are for developers.
    Refused(Vec<String>),
    /// It takes a proof of the last minutes, and the last one is older.
    NotRecent,
}

impl AdminSubmission {
    pub fn view(&self) -> View<'_> {
        self.submission.view()
    }

    pub fn form(&self) -> &Fields {
        &self.submission.form
    }

    pub fn frame(&self, here: Section) -> Frame {
        Frame::new(self.view(), &self.at_work, &self.who, here)
    }

    /// Carries a command out in the administrator's name.
    pub async fn carry_out(&self, command: AdminCommand) -> Result<Outcome, Stop> {
        let Submission { site, now, .. } = &self.submission;
        match execute_for(&site.app, &site.tenant, &self.at_work, command, *now).await {
            Ok(answer) => Ok(Outcome::Done(answer)),
            Err(AdminError::Refused(reasons)) => Ok(Outcome::Refused(reasons)),
            Err(AdminError::Unknown(_)) => Err(nothing_there()),
            Err(AdminError::Forbidden(AdminRefusal::NotRecent)) => Ok(Outcome::NotRecent),
            Err(AdminError::Forbidden(AdminRefusal::NotSignedIn | AdminRefusal::NotAdmin)) => {
                Err(Problem::NotAdmin.stop(site))
            }
            Err(AdminError::Fault(fault)) => Err(fault.into()),
        }
    }

    /// By what the administrator may do what needs this much.
    fn warrant(&self, needs: Needs) -> Warrant<'_> {
        let Submission { site, now, .. } = &self.submission;
        Warrant { authority: Authority::Admin(&self.at_work), needs, tenant: site.tenant.id, now: *now }
    }

    /// Leads on to a page of the administration, which says what was done.
    pub fn done(&self, target: &Target, done: &str) -> Response {
        see_other(&self.submission.site.tenant, &target.after(done))
    }

    /// Leads to where the administrator proves again who they are, and from there to a page of the administration.
    pub fn to_confirm(&self, back: &Target) -> Response {
        see_other(&self.submission.site.tenant, &confirm_path(&self.at_work, back))
    }

    /// The same for a form that is shown again with all that was typed: to be opened beside it.
    pub fn confirm_beside(&self) -> String {
        self.view().path(&confirm_path(&self.at_work, &Target::Users))
    }
}

/// The end of a handler for what this tenant doesn't have, whatever another may have.
pub fn nothing_there() -> Stop {
    Stop::Page(Box::new(Notice::NO_SUCH_PAGE.into_response()))
}

impl FromRequestParts<Arc<App>> for AdminVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let target = parts.uri.path().parse().unwrap_or(Target::Users);
        let visit = Visit::from_request_parts(parts, app).await?;
        Self::of(visit, target).await.map_err(IntoResponse::into_response)
    }
}

impl AdminVisit {
    async fn of(visit: Visit, target: Target) -> Result<Self, Stop> {
        let (site, now) = (&visit.site, visit.now);
        // The newest proof of those that this browser has: which one it is, each form then says.
        let mut sessions: Vec<_> = visit.context.sessions.iter().map(|it| (it.auth_time(), it.id)).collect();
        sessions.sort_by_key(|(proven, _)| std::cmp::Reverse(*proven));
        let mut refusal = AdminRefusal::NotSignedIn;
        for (_, session) in sessions {
            let Some(browser) = &visit.context.browser else { break };
            match admitted(site, browser, session, now).await? {
                Ok((at_work, who)) => {
                    let Visit { site, now, query, .. } = visit;
                    return Ok(Self { site, now, query, at_work, who });
                }
                // One who is signed in and is no administrator gets to hear that.
                Err(AdminRefusal::NotAdmin) => refusal = AdminRefusal::NotAdmin,
                Err(_) => {}
            }
        }
        Err(match refusal {
            AdminRefusal::NotSignedIn => to_sign_in(&visit, &Back::Admin(target)).await?,
            AdminRefusal::NotAdmin | AdminRefusal::NotRecent => Problem::NotAdmin.stop(site),
        })
    }
}

impl FromRequest<Arc<App>> for AdminSubmission {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let submission = Submission::from_request(request, app).await?;
        Self::of(submission).await.map_err(IntoResponse::into_response)
    }
}

impl AdminSubmission {
    async fn of(submission: Submission) -> Result<Self, Stop> {
        let Submission { site, browser, now, form, .. } = &submission;
        let Ok(Some(session)) = form.id::<SessionId>("account") else {
            return Err(Problem::Request.stop(site));
        };
        match admitted(site, browser, session, *now).await? {
            Ok((at_work, who)) => Ok(Self { submission, at_work, who }),
            Err(_) => Err(Problem::NotAdmin.stop(site)),
        }
    }
}

/// A POST by an administrator that brings a file.
pub struct AdminUpload {
    pub submission: AdminSubmission,
    pub file: Vec<u8>,
}

impl FromRequest<Arc<App>> for AdminUpload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let Upload { submission, file } = Upload::from_request(request, app).await?;
        let submission = AdminSubmission::of(submission).await.map_err(IntoResponse::into_response)?;
        Ok(Self { submission, file })
    }
}

/// The administrator whose session this is, and what they are called.
async fn admitted(
    site: &Site,
    browser: &BrowserRecord,
    session: SessionId,
    now: Timestamp,
) -> Result<Result<(AdminAtWork, String), AdminRefusal>, Stop> {
    let mut read = site.app.store.read(site.tenant.id);
    let admin = match admit(&mut read, browser, session, now).await? {
        Ok(admin) => admin,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let user = read.user(admin.user_id()).await?;
    let who = user.map(|user| user.display_name().to_owned());
    let who = who.ok_or_else(|| Fault::new("read the administrator who was there a moment ago"))?;
    Ok(Ok((AdminAtWork { admin, browser: browser.clone(), address: site.address }, who)))
}

/// Day and minute in UTC.
pub fn instant(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The beginning of the administration is the list of users.
pub async fn begin(visit: AdminVisit) -> Response {
    see_other(&visit.site.tenant, Section::Users.path())
}

/// A query's parameters put into an address.
fn query_of(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    query.finish()
}
