//! Mails about an account's safety.

use identity::User;
use store::mail::MailRecord;
use terms::{EmailAddress, Language, SecretText, Timestamp};

use crate::app::App;
use crate::error::Failure;
use crate::language::texts_for;
use crate::locale::Texts;
use crate::mail::{Centre, Letter};
use crate::pages::account::device;
use crate::request::Site;
use crate::tenant::Tenant;

/// The code that lets somebody set a new password.
pub fn recovery_code(
    site: &Site,
    to: &EmailAddress,
    texts: &'static Texts,
    code: &SecretText,
    now: Timestamp,
) -> Result<MailRecord, Failure> {
    let centre = Centre::Code(code);
    let letter = Letter { message: "mail-recovery", to, texts, variables: &[], centre };
    letter.seal(&site.app, &site.tenant, now)
}

/// Tells whoever forgot which address their account has that it isn't this one, instead of telling whoever asks.
pub fn no_account(site: &Site, to: &EmailAddress, now: Timestamp) -> Result<MailRecord, Failure> {
    let (texts, centre) = (site.texts, Centre::Nothing);
    let letter = Letter { message: "mail-no-account", to, texts, variables: &[], centre };
    letter.seal(&site.app, &site.tenant, now)
}

/// Who changed a password.
#[derive(Clone, Copy)]
pub enum ChangedBy<'a> {
    /// Its person, as far as is known, by a request to this site.
    Person(&'a Site),
    /// An administrator of the tenant, or the operator.
    Administrator,
}

/// Tells a person at their primary address that their password was changed, in case it wasn't them. Whoever has no
/// address isn't told.
pub fn password_changed(
    app: &App,
    tenant: &Tenant,
    user: &User,
    by: ChangedBy<'_>,
    now: Timestamp,
) -> Result<Option<MailRecord>, Failure> {
    let Some(email) = user.primary_email() else { return Ok(None) };
    let (texts, by, device, from) = match by {
        ChangedBy::Person(site) => {
            let texts = texts_for(user, site.texts);
            (texts, "person", device_of(site, texts), place_of(site, texts))
        }
        ChangedBy::Administrator => {
            let texts = texts_for(user, Texts::of(Language::ALL[0]));
            (texts, "administrator", String::new(), String::new())
        }
    };
    let (when, link) = (texts.date_time(now), tenant.url("/password/forgot"));
    let letter = Letter {
        message: "mail-password-changed",
        to: &email.address,
        texts,
        variables: &[("when", &when), ("by", &by), ("device", &device), ("from", &from)],
        centre: Centre::Link(&link),
    };
    letter.seal(app, tenant, now).map(Some)
}

/// Tells a person that an administrator took their password away, and how to choose another. Whoever has no address isn't
/// told.
pub fn password_reset(
    app: &App,
    tenant: &Tenant,
    user: &User,
    now: Timestamp,
) -> Result<Option<MailRecord>, Failure> {
    let texts = texts_for(user, Texts::of(Language::ALL[0]));
    with_way_to_choose("admin-mail-password-reset", app, tenant, user, texts, now)
}

/// Tells an administrator that the one-time link was used to choose a password, in case it wasn't them who opened it.
pub fn first_password(site: &Site, user: &User, now: Timestamp) -> Result<Option<MailRecord>, Failure> {
    let texts = texts_for(user, site.texts);
    with_way_to_choose("admin-mail-first-password", &site.app, &site.tenant, user, texts, now)
}

fn with_way_to_choose(
    message: &'static str,
    app: &App,
    tenant: &Tenant,
    user: &User,
    texts: &'static Texts,
    now: Timestamp,
) -> Result<Option<MailRecord>, Failure> {
    let Some(email) = user.primary_email() else { return Ok(None) };
    let link = tenant.url("/password/forgot");
    let letter = Letter { message, to: &email.address, texts, variables: &[], centre: Centre::Link(&link) };
    letter.seal(app, tenant, now).map(Some)
}

/// Tells a person at their primary address that somebody signed in from a browser that hadn't signed in to the account
/// before. Whoever has no address isn't told.
pub fn new_device(site: &Site, user: &User, now: Timestamp) -> Result<Option<MailRecord>, Failure> {
    let Some(email) = user.primary_email() else { return Ok(None) };
    let texts = texts_for(user, site.texts);
    let (when, link) = (texts.date_time(now), site.tenant.url("/account/sessions"));
    let letter = Letter {
        message: "mail-new-device",
        to: &email.address,
        texts,
        variables: &[("when", &when), ("device", &device_of(site, texts)), ("from", &place_of(site, texts))],
        centre: Centre::Link(&link),
    };
    letter.seal(&site.app, &site.tenant, now).map(Some)
}

/// What a browser is called that asks.
fn device_of(site: &Site, texts: &Texts) -> String {
    device::in_words(texts, site.user_agent.as_ref())
}

/// The network address that asks, with its place where that is known.
fn place_of(site: &Site, texts: &Texts) -> String {
    match site.app.places.of(site.address, texts.language.as_str()) {
        Some(place) => format!("{} ({place})", site.address),
        None => site.address.to_string(),
    }
}
