//! Mails about an account's safety.

use store::mail::MailRecord;
use terms::{EmailAddress, SecretText, Timestamp};

use crate::error::Failure;
use crate::locale::Texts;
use crate::mail::{Centre, Letter};
use crate::request::Site;

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

/// Tells a person that their password was changed, in case it wasn't them. `texts` are in their language.
pub fn password_changed(
    site: &Site,
    to: &EmailAddress,
    texts: &'static Texts,
    now: Timestamp,
) -> Result<MailRecord, Failure> {
    let (when, address) = (texts.date_time(now), site.address.to_string());
    let link = site.tenant.url("/password/forgot");
    let letter = Letter {
        message: "mail-password-changed",
        to,
        texts,
        variables: &[("when", &when), ("address", &address)],
        centre: Centre::Link(&link),
    };
    letter.seal(&site.app, &site.tenant, now)
}
