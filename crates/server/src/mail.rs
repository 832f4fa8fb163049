//! Mails: what they say, and how they wait, sealed, to be sent.

use identity::delivery::MAIL_LIFETIME;
use serde::{Deserialize, Serialize};
use store::mail::MailRecord;
use terms::{EmailAddress, MailId, SecretText, Timestamp, limits};

use crate::app::App;
use crate::locale::Texts;
use crate::sealing::{Place, SealError};
use crate::tenant::Tenant;

/// What a mail says. Sealed as JSON, since it holds a code or a link.
#[derive(Serialize, Deserialize)]
pub struct MailBody {
    pub text: String,
    /// The code in the text, for the mailbox of `portico dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The link in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl MailBody {
    /// Opens a stored mail.
    pub fn open(tenant: &Tenant, mail: &MailRecord) -> Result<Self, SealError> {
        let plain = tenant.data_key.open(Place::MailBody(mail.id), &mail.sealed_body)?;
        serde_json::from_slice(&plain).map_err(|_| SealError::Format)
    }
}

/// A code that confirms an address.
pub fn code_mail(
    app: &App,
    tenant: &Tenant,
    to: &EmailAddress,
    code: &SecretText,
    now: Timestamp,
) -> Result<MailRecord, SealError> {
    let texts = Texts::english();
    let service = tenant.display_name();
    let text = texts.with("mail-code-body", &[("service", &service), ("code", &code.reveal())]);
    let subject = texts.with("mail-code-subject", &[("service", &service)]);
    let body = MailBody { text, code: Some(code.reveal().to_owned()), link: None };
    sealed(app, tenant, to, subject, &body, now)
}

/// Tells the owner of an address that somebody tried to sign up with it, instead of telling whoever tried.
pub fn taken_mail(
    app: &App,
    tenant: &Tenant,
    to: &EmailAddress,
    now: Timestamp,
) -> Result<MailRecord, SealError> {
    let texts = Texts::english();
    let service = tenant.display_name();
    let link = tenant.url("/sign-in");
    let text = texts.with("mail-taken-body", &[("service", &service), ("link", &link)]);
    let subject = texts.with("mail-taken-subject", &[("service", &service)]);
    sealed(app, tenant, to, subject, &MailBody { text, code: None, link: Some(link) }, now)
}

fn sealed(
    app: &App,
    tenant: &Tenant,
    to: &EmailAddress,
    subject: String,
    body: &MailBody,
    now: Timestamp,
) -> Result<MailRecord, SealError> {
    let id = app.entropy.id(MailId::new, now);
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(body).map_err(|_| SealError::Format)?);
    let sealed_body = tenant.data_key.seal(&app.entropy, Place::MailBody(id), &plain)?;
    // A code is worth nothing after its time, and neither is a mail that brings it.
    let lifetime = if body.code.is_some() { limits::MAILED_CODE_LIFETIME } else { MAIL_LIFETIME };
    let (recipient, expires_at) = (to.as_written().to_owned(), now.plus(lifetime));
    Ok(MailRecord { id, recipient, subject, sealed_body, created_at: now, expires_at })
}
