//! `/account`: what people see and do with their own account.
//!
//! A browser may hold several accounts, so every page says by `?account=` and every form by its field `account` which
//! session it is about. A handler takes an [`AccountVisit`] or an [`AccountSubmission`]: only their extractors make a
//! [`Principal`], from a session that is live in the browser that asks and of a user who may use their account.

pub mod clients;
pub mod confirm;
pub mod data;
pub mod delete;
pub mod device;
pub mod email;
pub mod language;
mod letters;
pub mod password;
pub mod profile;
pub mod sessions;
pub mod username;

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::request::Parts;
use identity::account::RecentlyProven;
use identity::{Actor, BrowserRecord, Event, EventKind, Session, User};
use oidc::params::Parameters;
use store::flows::FlowKind;
use store::{Fault, Read, Tx, write_one, write_tx};
use terms::{EventId, FlowId, SessionId, Timestamp};

use super::admin::Target;
use super::error::Problem;
use super::{Fields, Malformed, Stop, Submission, View, Visit, see_other, with_cookie};
use crate::app::App;
use crate::browser::{self, Rotation};
use crate::oauth::authorize::{claim_flow, new_flow};
use crate::request::Site;

/// The pages of an account: the only places to which a sign-in or a confirmation leads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Profile,
    Email,
    Password,
    Sessions,
    Clients,
    Language,
    Data,
    Delete,
}

impl Place {
    pub const ALL: [Self; 8] = [
        Self::Profile,
        Self::Email,
        Self::Password,
        Self::Sessions,
        Self::Clients,
        Self::Language,
        Self::Data,
        Self::Delete,
    ];

    const fn path(self) -> &'static str {
        match self {
            Self::Profile => "/account",
            Self::Email => "/account/email",
            Self::Password => "/account/password",
            Self::Sessions => "/account/sessions",
            Self::Clients => "/account/clients",
            Self::Language => "/account/language",
            Self::Data => "/account/data",
            Self::Delete => "/account/delete",
        }
    }

    /// What the navigation calls it.
    const fn label(self) -> &'static str {
        match self {
            Self::Profile => "account-nav-profile",
            Self::Email => "account-nav-email",
            Self::Password => "account-nav-password",
            Self::Sessions => "account-nav-sessions",
            Self::Clients => "account-nav-clients",
            Self::Language => "account-nav-language",
            Self::Data => "account-nav-data",
            Self::Delete => "account-nav-delete",
        }
    }

    /// As it stands in forms and flows.
    const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Password => "password",
            Self::Sessions => "sessions",
            Self::Clients => "clients",
            Self::Language => "language",
            Self::Data => "data",
            Self::Delete => "delete",
        }
    }

    /// The page at this path or above it.
    fn of_path(path: &str) -> Self {
        let is_at = |place: &Self| {
            path.strip_prefix(place.path()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self::ALL.into_iter().filter(is_at).max_by_key(|place| place.path().len()).unwrap_or(Self::Profile)
    }

    /// The page, for this account.
    fn of(self, session: SessionId) -> String {
        format!("{}?account={session}", self.path())
    }
}

impl FromStr for Place {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|place| place.name() == text).ok_or(Malformed)
    }
}

/// Where a sign-in or a confirmation leads back to: a page of the account, or one of the administration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    Account(Place),
    Admin(Target),
}

impl Back {
    /// As it stands in queries, forms and flows. No place's name begins as a path does.
    fn name(&self) -> String {
        match self {
            Self::Account(place) => place.name().to_owned(),
            Self::Admin(target) => target.path(),
        }
    }
}

impl FromStr for Back {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self::Account).or_else(|Malformed| text.parse().map(Self::Admin))
    }
}

/// What was done by the form before, said on the page that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    ProfileSaved,
    UsernameChanged,
    EmailAdded,
    EmailRemoved,
    PrimaryChanged,
    PasswordChanged,
    SessionEnded,
    SessionsEnded,
    ClientDisconnected,
    LanguageChosen,
    Confirmed,
}

impl Done {
    const ALL: [Self; 11] = [
        Self::ProfileSaved,
        Self::UsernameChanged,
        Self::EmailAdded,
        Self::EmailRemoved,
        Self::PrimaryChanged,
        Self::PasswordChanged,
        Self::SessionEnded,
        Self::SessionsEnded,
        Self::ClientDisconnected,
        Self::LanguageChosen,
        Self::Confirmed,
    ];

    /// In the query, and the key of its text.
    const fn key(self) -> &'static str {
        match self {
            Self::ProfileSaved => "account-done-profile",
            Self::UsernameChanged => "account-done-username",
            Self::EmailAdded => "account-done-email-added",
            Self::EmailRemoved => "account-done-email-removed",
            Self::PrimaryChanged => "account-done-primary",
            Self::PasswordChanged => "account-done-password",
            Self::SessionEnded => "account-done-session",
            Self::SessionsEnded => "account-done-sessions",
            Self::ClientDisconnected => "account-done-client",
            Self::LanguageChosen => "account-done-language",
            Self::Confirmed => "account-done-confirmed",
        }
    }
}

/// Whose account a request is about: a session that is live in the browser that asks, and its user, who is enabled.
#[derive(Clone, Debug)]
pub struct Principal {
    session: Session,
    user: User,
}

impl Principal {
    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn user(&self) -> &User {
        &self.user
    }

    /// The proof that the password was typed in this session a short while ago.
    pub fn recently_proven(&self, now: Timestamp) -> Option<RecentlyProven> {
        RecentlyProven::of(&self.session, &self.user, now)
    }
}

/// The accounts that can be used in a browser at this moment.
async fn principals(read: &mut Read, sessions: Vec<Session>) -> Result<Vec<Principal>, Fault> {
    let mut found = Vec::new();
    for session in sessions {
        if let Some(user) = read.user(session.user_id).await?.filter(User::is_enabled) {
            found.push(Principal { session, user });
        }
    }
    Ok(found)
}

/// A GET of an account's page.
pub struct AccountVisit {
    pub site: Site,
    pub now: Timestamp,
    pub browser: BrowserRecord,
    pub query: Fields,
    principal: Principal,
    /// The other accounts of this browser.
    others: Vec<Principal>,
}

impl AccountVisit {
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn view(&self) -> View<'_> {
        View::new(&self.site)
    }

    pub fn recently_proven(&self) -> Option<RecentlyProven> {
        self.principal.recently_proven(self.now)
    }

    /// What surrounds the page.
    fn frame(&self, here: Place) -> Frame<'_> {
        let said = self.query.value("done");
        let done = Done::ALL.into_iter().find(|done| done.key() == said);
        let accounts = std::iter::once(&self.principal).chain(&self.others);
        Frame {
            view: self.view(),
            form_token: browser::form_token(&self.site.tenant, self.browser.id),
            session: self.principal.session.id,
            here,
            name: self.principal.user.display_name().to_owned(),
            accounts: accounts.map(Choice::of).collect(),
            proven: self.recently_proven().is_some(),
            done: done.map(|done| self.site.texts.get(done.key())),
        }
    }
}

impl FromRequestParts<Arc<App>> for AccountVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let place = Place::of_path(parts.uri.path());
        let visit = Visit::from_request_parts(parts, app).await?;
        Self::of(visit, place).await.map_err(IntoResponse::into_response)
    }
}

impl AccountVisit {
    async fn of(visit: Visit, place: Place) -> Result<Self, Stop> {
        let wanted = visit.query.id::<SessionId>("account");
        let wanted = wanted.map_err(|Malformed| Problem::Request.stop(&visit.site))?;
        let back = Back::Account(place);
        let Some(browser) = visit.context.browser.clone() else {
            return Err(to_sign_in(&visit, &back).await?);
        };
        let mut read = visit.site.app.store.read(visit.site.tenant.id);
        let mut others = principals(&mut read, visit.context.sessions.clone()).await?;
        let found = match wanted {
            Some(id) => others.iter().position(|it| it.session.id == id),
            // Whoever showed last who they are.
            None => (0..others.len()).max_by_key(|&index| others[index].session.auth_time()),
        };
        let Some(found) = found else { return Err(to_sign_in(&visit, &back).await?) };
        let principal = others.remove(found);
        let Visit { site, now, query, .. } = visit;
        Ok(Self { site, now, browser, query, principal, others })
    }
}

/// Leads somebody who isn't signed in to where they can, and from there back. The same for a session that ended, one of
/// another browser and one that never was.
pub(super) async fn to_sign_in(visit: &Visit, back: &Back) -> Result<Stop, Stop> {
    let Site { app, tenant, .. } = &visit.site;
    let (browser, cookie) = visit.known_browser().await?;
    let place: String = url::form_urlencoded::byte_serialize(back.name().as_bytes()).collect();
    let parameters = Parameters::parse(format!("place={place}").as_bytes());
    let parameters = parameters.map_err(|_| Problem::Request.stop(&visit.site))?;
    let flow = new_flow(&visit.site, FlowKind::Account, parameters, Some(&browser), visit.now);
    write_one!(app.store, tenant.id, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })?;
    let to = see_other(tenant, &format!("/sign-in?flow={}", flow.id));
    Ok(Stop::Page(Box::new(with_cookie(to, cookie))))
}

/// Ends a flow that began at a page of the account or of the administration: back there, as whoever signed in meanwhile.
pub async fn arrive(
    site: &Site,
    flow: FlowId,
    browser: &BrowserRecord,
    cookie: Option<HeaderValue>,
    now: Timestamp,
) -> Result<Response, Stop> {
    let flow = claim_flow(site, flow, FlowKind::Account, browser, now).await?;
    let done = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        tx.complete_flow(flow.id, browser.id, now).await
    })?;
    let back = flow.parameters.get("place").and_then(|name| name.parse::<Back>().ok());
    let (Some(back), true) = (back, done) else { return Err(Problem::Stale.stop(site)) };
    let path = match back {
        Back::Account(place) => {
            flow.session.map_or_else(|| place.path().to_owned(), |session| place.of(session))
        }
        Back::Admin(target) => target.path(),
    };
    Ok(with_cookie(see_other(&site.tenant, &path), cookie))
}

/// A POST of an account's page: origin and form token were checked, and the form names a session that is live here.
pub struct AccountSubmission {
    pub site: Site,
    pub now: Timestamp,
    pub browser: BrowserRecord,
    pub form: Fields,
    principal: Principal,
    others: Vec<Principal>,
}

impl FromRequest<Arc<App>> for AccountSubmission {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let submission = Submission::from_request(request, app).await?;
        Self::of(submission).await.map_err(IntoResponse::into_response)
    }
}

impl AccountSubmission {
    async fn of(submission: Submission) -> Result<Self, Stop> {
        let Submission { site, now, browser, sessions, form, named: _ } = submission;
        let Ok(Some(wanted)) = form.id::<SessionId>("account") else {
            return Err(Problem::Request.stop(&site));
        };
        let mut others = principals(&mut site.app.store.read(site.tenant.id), sessions).await?;
        let Some(found) = others.iter().position(|it| it.session.id == wanted) else {
            return Err(Problem::Stale.stop(&site));
        };
        let principal = others.remove(found);
        Ok(Self { site, now, browser, form, principal, others })
    }

    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn view(&self) -> View<'_> {
        View::new(&self.site)
    }

    /// The same, read again within the transaction. `None`: signed out, disabled or deleted since the request began.
    pub async fn anew(&self, tx: &mut Tx) -> Result<Option<Principal>, Fault> {
        let mut sessions = browser::live_sessions(tx, &self.browser, self.now).await?;
        sessions.retain(|session| session.id == self.principal.session.id);
        Ok(principals(tx, sessions).await?.pop())
    }

    /// The page again, with what is wrong with its form.
    fn visit(self) -> AccountVisit {
        let Self { site, now, browser, form, principal, others } = self;
        // The form's fields stand for the query's: it has no `done`.
        AccountVisit { site, now, browser, query: form, principal, others }
    }

    fn stale(&self) -> Stop {
        Problem::Stale.stop(&self.site)
    }

    /// To a page of this account, which says what was done.
    fn done(&self, place: Place, done: Done) -> Response {
        see_other(&self.site.tenant, &format!("{}&done={}", place.of(self.principal.session.id), done.key()))
    }

    /// To the page that asks for the password, and from there back.
    fn to_confirm(&self, place: Place) -> Response {
        see_other(&self.site.tenant, &confirm::path(self.principal.session.id, &Back::Account(place)))
    }

    /// Ids for events whose number is known in the transaction only.
    fn events(&self) -> Events {
        Events {
            bits: self.site.app.entropy.bytes(),
            actor: Actor::User(self.principal.user.id),
            address: self.site.address,
            now: self.now,
        }
    }
}

/// Makes the events of one command. Their ids come from bits made before it, so that it may be run again.
#[derive(Clone)]
struct Events {
    bits: [u8; 10],
    actor: Actor,
    address: IpAddr,
    now: Timestamp,
}

impl Events {
    /// The event of this place in the command.
    fn make(&self, place: usize, kind: EventKind) -> Event {
        let mut bits = self.bits;
        for (bit, add) in bits[2..].iter_mut().zip((place as u64).to_be_bytes()) {
            *bit ^= add;
        }
        let event = Event::new(EventId::new(self.now, bits), kind, self.actor.clone(), self.now);
        // With a person goes from where they acted, this last time too.
        if kind == EventKind::UserDeleted { event } else { event.from_address(self.address) }
    }

    /// Records that sessions ended, from this place on.
    async fn sessions_ended(
        &self,
        tx: &mut Tx,
        place: usize,
        ended: &[Session],
        by: &str,
    ) -> Result<(), Fault> {
        for (index, session) in ended.iter().enumerate() {
            let event = self.make(place + index, EventKind::SessionEnded);
            tx.append_event(&event.about(session.id).with("by", by)).await?;
        }
        Ok(())
    }
}

/// Renews a session in which the password was typed again. False when this browser's handle is no longer in force.
async fn renew(
    tx: &mut Tx,
    submission: &AccountSubmission,
    session: &Session,
    proof: &identity::FactorProof,
    rotation: &Rotation,
) -> Result<bool, Fault> {
    let now = submission.now;
    let renewed = session.renewed(proof, submission.site.device(), now);
    Ok(rotation.apply(tx, &submission.browser, now).await? && tx.renew_session(&renewed).await?)
}

/// What every page of an account has around it.
pub struct Frame<'a> {
    pub view: View<'a>,
    pub form_token: String,
    /// The session that the page is about.
    pub session: SessionId,
    pub here: Place,
    pub name: String,
    /// All accounts of this browser, this one first.
    pub accounts: Vec<Choice>,
    /// Whether the password was typed a short while ago, so that dangerous forms may be shown.
    pub proven: bool,
    pub done: Option<String>,
}

/// An account of this browser, to switch to.
pub struct Choice {
    pub session: SessionId,
    pub name: String,
    pub email: String,
}

impl Choice {
    fn of(principal: &Principal) -> Self {
        let user = &principal.user;
        Self {
            session: principal.session.id,
            name: user.display_name().to_owned(),
            email: user.identifier().to_owned(),
        }
    }
}

/// A link of the navigation.
pub struct PlaceLink {
    pub href: String,
    pub label: String,
    pub is_here: bool,
}

impl Frame<'_> {
    /// The pages of this account.
    pub fn links(&self) -> Vec<PlaceLink> {
        let link = |place: Place| PlaceLink {
            href: self.view.path(&place.of(self.session)),
            label: self.view.text(place.label()),
            is_here: place == self.here,
        };
        Place::ALL.into_iter().map(link).collect()
    }

    /// The first letter of the account's name, in a circle.
    pub fn initial(&self) -> String {
        self.name.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default()
    }

    pub fn title(&self) -> String {
        self.view.text(self.here.label())
    }

    /// A path of this server, for this account.
    pub fn path(&self, path: &str) -> String {
        self.view.path(path)
    }

    /// The same page for another account.
    pub fn path_for(&self, session: &SessionId) -> String {
        self.view.path(&self.here.of(*session))
    }

    /// Where the password is asked for, to come back here.
    pub fn confirm_path(&self) -> String {
        self.view.path(&confirm::path(self.session, &Back::Account(self.here)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_path_and_its_name_and_nothing_else_is_a_place() {
        for place in Place::ALL {
            assert_eq!(Place::of_path(place.path()), place);
            assert_eq!(Place::of_path(&format!("{}/more", place.path())), place);
            assert_eq!(place.name().parse(), Ok(place));
        }
        assert_eq!(Place::of_path("/account/emails"), Place::Profile);
        for name in ["", "/account", "https://elsewhere.example", "Email"] {
            assert_eq!(name.parse::<Place>(), Err(Malformed), "{name}");
            assert_eq!(name.parse::<Back>(), Err(Malformed), "{name}");
        }
        for back in [Back::Account(Place::Email), Back::Admin(Target::Keys)] {
            assert_eq!(back.name().parse(), Ok(back));
        }
    }

    #[test]
    fn no_two_events_of_a_command_share_an_id() {
        let now = Timestamp::from_seconds(1);
        let events = Events {
            bits: [7; 10],
            actor: Actor::System,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            now,
        };
        let ids: std::collections::BTreeSet<_> =
            (0..300).map(|place| events.make(place, EventKind::SessionEnded).id).collect();
        assert_eq!(ids.len(), 300);
    }
}
