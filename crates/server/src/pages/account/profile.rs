//! `/account`: what a person tells of themselves.

use askama::Template;
use axum::response::Response;
use identity::EventKind;
use identity::account::OwnProfile;
use store::{Fault, write_tx};
use terms::CanonicalUsername;

use super::{AccountSubmission, AccountVisit, Done, Frame, Place};
use crate::pages::{Faults, FieldFault, Stop, View, page};
use crate::request::Site;

/// A field of the form: the member of the profile, its label, its hint, and what browsers call it (HTML, "Autofill").
struct Shown(&'static str, &'static str, Option<&'static str>, &'static str);

/// Fields that belong together, under their heading.
struct ShownGroup(&'static str, &'static [Shown]);

const SHOWN: [ShownGroup; 3] = [
    ShownGroup("account-profile-names", NAMES),
    ShownGroup("account-profile-about", ABOUT),
    ShownGroup("account-profile-contact", CONTACT),
];

const NAMES: &[Shown] = &[
    Shown("name", "account-profile-name", Some("account-profile-name-hint"), "name"),
    Shown("given_name", "account-profile-given-name", None, "given-name"),
    Shown("middle_name", "account-profile-middle-name", None, "additional-name"),
    Shown("family_name", "account-profile-family-name", None, "family-name"),
    Shown("nickname", "account-profile-nickname", None, "nickname"),
];

const ABOUT: &[Shown] = &[
    Shown("gender", "account-profile-gender", None, "sex"),
    Shown("birthdate", "account-profile-birthdate", Some("account-profile-birthdate-hint"), "bday"),
    Shown("picture", "account-profile-picture", Some("account-profile-url-hint"), "photo"),
    Shown("profile", "account-profile-page", Some("account-profile-url-hint"), "off"),
    Shown("website", "account-profile-website", Some("account-profile-url-hint"), "url"),
    Shown("zoneinfo", "account-profile-zoneinfo", Some("account-profile-zoneinfo-hint"), "off"),
];

const CONTACT: &[Shown] = &[
    Shown("phone_number", "account-profile-phone", Some("account-profile-phone-hint"), "tel"),
    Shown("address.street_address", "account-profile-street", None, "address-line1"),
    Shown("address.postal_code", "account-profile-postal-code", None, "postal-code"),
    Shown("address.locality", "account-profile-locality", None, "address-level2"),
    Shown("address.region", "account-profile-region", None, "address-level1"),
    Shown("address.country", "account-profile-country", None, "country-name"),
];

#[derive(Template)]
#[template(path = "account_profile.html")]
struct ProfilePage<'a> {
    view: View<'a>,
    frame: Frame<'a>,
    /// What was typed, where accounts have usernames.
    username: Option<String>,
    groups: Vec<Group>,
    faults: Faults,
}

struct Group {
    heading: String,
    fields: Vec<Field>,
}

/// A field of the form as it is shown.
struct Field {
    name: &'static str,
    label: String,
    hint: Option<String>,
    autocomplete: &'static str,
    value: String,
}

fn form(visit: &AccountVisit, profile: &OwnProfile, faults: Faults) -> Result<Response, Stop> {
    let username = visit.principal().user().username.as_ref();
    form_with(visit, profile, username.map_or("", CanonicalUsername::as_str), faults)
}

/// The page of somebody whose username stays as it is.
pub(super) fn again(submission: AccountSubmission, fault: FieldFault) -> Result<Response, Stop> {
    let typed = submission.form.value("username").to_owned();
    let visit = submission.visit();
    form_with(&visit, &OwnProfile::of(&visit.principal().user().profile), &typed, fault.into())
}

fn form_with(
    visit: &AccountVisit,
    profile: &OwnProfile,
    username: &str,
    faults: Faults,
) -> Result<Response, Stop> {
    let view = visit.view();
    let field = |Shown(name, label, hint, autocomplete): &Shown| Field {
        name,
        label: view.text(label),
        hint: hint.map(|hint| view.text(hint)),
        autocomplete,
        value: profile.get(name).to_owned(),
    };
    let group = |ShownGroup(heading, fields): &ShownGroup| Group {
        heading: view.text(heading),
        fields: fields.iter().map(field).collect(),
    };
    let groups = SHOWN.iter().map(group).collect();
    let username = visit.site.tenant.has_usernames().then(|| username.to_owned());
    let template = ProfilePage { view, frame: visit.frame(Place::Profile), username, groups, faults };
    page(template.faults.status(), &template)
}

/// `GET /account`.
pub async fn show(visit: AccountVisit) -> Result<Response, Stop> {
    let profile = OwnProfile::of(&visit.principal().user().profile);
    form(&visit, &profile, Faults::default())
}

/// What is said of a member that is not of its form.
fn fault_key(member: &str) -> &'static str {
    match member {
        "birthdate" => "account-fault-birthdate",
        "zoneinfo" => "account-fault-zoneinfo",
        "phone_number" => "account-fault-phone",
        "picture" | "profile" | "website" => "account-fault-url",
        _ => "account-fault-line",
    }
}

/// `POST /account`: only the members of [`OwnProfile`] are read; whatever else the form holds changes nothing.
pub async fn save(submission: AccountSubmission) -> Result<Response, Stop> {
    let own = OwnProfile::read(|name| submission.form.value(name));
    if let Err(members) = own.apply(&submission.principal.user.profile) {
        let texts = submission.site.texts;
        let fault = |field| FieldFault { field, text: texts.get(fault_key(field)) };
        return form(&submission.visit(), &own, members.into_iter().map(fault).collect());
    }
    let events = submission.events();
    let Site { app, tenant, .. } = &submission.site;
    let saved = write_tx!(app.store, tenant.id, |tx| -> Result<bool, Fault> {
        let Some(principal) = submission.anew(tx).await? else { return Ok(false) };
        let user = principal.user;
        let Ok(profile) = own.apply(&user.profile) else { return Ok(false) };
        if profile != user.profile && tx.set_profile(user.id, &profile, submission.now).await? {
            let event = events.make(0, EventKind::UserUpdated).about(user.id);
            tx.append_event(&event.with_session(principal.session.id)).await?;
        }
        Ok(true)
    })?;
    if saved { Ok(submission.done(Place::Profile, Done::ProfileSaved)) } else { Err(submission.stale()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_shows_what_can_be_said_and_nothing_else() {
        let mut shown: Vec<_> = SHOWN.iter().flat_map(|group| group.1).map(|shown| shown.0).collect();
        let mut members = OwnProfile::MEMBERS.to_vec();
        shown.sort_unstable();
        members.sort_unstable();
        assert_eq!(shown, members);
    }
}
