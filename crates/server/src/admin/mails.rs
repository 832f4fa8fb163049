use serde_json::{Value, json};
use store::mail::QueuedMail;
use store::{Fault, write_tx};
use terms::{EmailAddress, Language, MailId};

use super::{AdminError, Desk, instant};
use crate::locale::Texts;
use crate::mail::{Centre, Letter};
use crate::parcel::{Content, Parcel};
use crate::smtp::Conversation;

/// Mails in one list.
const MOST: i64 = 1000;

/// Sends one mail at once, past the queue, and tells how far it came.
pub async fn test(at: Desk<'_>, to: &str) -> Result<Value, AdminError> {
    let address = EmailAddress::parse(to).map_err(AdminError::refused)?;
    let Some(smtp) = at.app.config.smtp.as_ref().filter(|_| !at.app.config.is_development()) else {
        return Err(AdminError::refused(
            "no mail is sent from here: the configuration has no [smtp], or this is development, where mail is shown at /dev/mailbox",
        ));
    };
    let service = at.tenant.display_name();
    let (subject, body) = test_letter(&address)
        .write(at.tenant)
        .map_err(|_| AdminError::refused("the mail can't be written"))?;
    let id = at.app.entropy.id(MailId::new, at.now);
    let content = Content {
        id,
        recipient: address.as_written(),
        subject: &subject,
        text: &body.text,
        html: body.html.as_deref(),
        written_at: at.now,
    };
    let parcel = Parcel::of(smtp, service, content)
        .ok_or_else(|| AdminError::refused("the mail can't be made into a message"))?;
    let server = format!("{}:{}", smtp.host, smtp.port);
    let failed = |step: &str, trouble: crate::smtp::Trouble| {
        AdminError::refused(format!("{server} {step} ({}): {}", trouble.attempt, trouble.said))
    };
    let mut conversation =
        Conversation::open(smtp).await.map_err(|trouble| failed("can't be used", trouble))?;
    let sent = conversation.send(&parcel.envelope, &parcel.message).await;
    sent.map_err(|trouble| failed("did not take the mail", trouble))?;
    conversation.end().await;
    Ok(json!({ "sent": true, "server": server, "mail_id": id }))
}

fn test_letter(to: &EmailAddress) -> Letter<'_> {
    let texts = Texts::of(Language::English);
    Letter { message: "post-test", to, texts, variables: &[], centre: Centre::Nothing }
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let mails = at.app.store.read(at.tenant.id).queued_mails(MOST).await?;
    Ok(mails.iter().map(|mail| shown(mail, at)).collect())
}

pub async fn retry(at: Desk<'_>, mail_id: Option<&str>) -> Result<Value, AdminError> {
    let id = mail_id.map(str::parse::<MailId>).transpose().map_err(AdminError::refused)?;
    let retried = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<u64, Fault> {
        match id {
            Some(id) => Ok(u64::from(tx.retry_mail(id, at.now).await?)),
            None => tx.retry_mails(at.now).await,
        }
    })?;
    if let (Some(id), 0) = (id, retried) {
        return Err(AdminError::refused(format!(
            "{id} did not fail, is being tried, is too old to be of use, or isn't there"
        )));
    }
    at.app.store.mail_appended().notify_one();
    Ok(json!({ "retried": retried }))
}

fn shown(mail: &QueuedMail, at: Desk<'_>) -> Value {
    let state = match mail.next_attempt_at {
        _ if mail.expires_at.has_passed(at.now) => "expired",
        None => "given up",
        Some(_) => "waits",
    };
    json!({
        "mail_id": mail.id,
        "to": mail.recipient,
        "state": state,
        "attempts": mail.attempts,
        "failure": mail.failure,
        "created_at": instant(mail.created_at),
        "next_attempt_at": mail.next_attempt_at.map(instant),
        "expires_at": instant(mail.expires_at),
    })
}
