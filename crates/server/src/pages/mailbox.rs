//! `/dev/mailbox`: the mails that `portico dev` would have sent. These routes don't exist in `serve`.

use askama::Template;
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;

use super::{Stop, View, Visit, page};
use crate::error::Failure;
use crate::mail::MailBody;

/// How many mails are shown.
const MOST: i64 = 100;

/// One mail, as the JSON form gives it.
#[derive(Serialize)]
pub(super) struct ShownMail {
    to: String,
    subject: String,
    text: String,
    code: Option<String>,
    link: Option<String>,
    /// RFC 3339.
    at: String,
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage<'a> {
    view: View<'a>,
    mails: Vec<ShownMail>,
}

async fn mails(visit: &Visit) -> Result<Vec<ShownMail>, Stop> {
    let tenant = &visit.site.tenant;
    let mut shown = Vec::new();
    for mail in visit.site.app.store.read(tenant.id).mails(MOST).await? {
        let body = MailBody::open(tenant, &mail).map_err(Failure::new)?;
        let at =
            jiff::Timestamp::from_millisecond(mail.created_at.as_millis()).unwrap_or_default().to_string();
        let MailBody { text, code, link } = body;
        shown.push(ShownMail { to: mail.recipient, subject: mail.subject, text, code, link, at });
    }
    Ok(shown)
}

/// `GET /dev/mailbox`, newest first.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let mails = mails(&visit).await?;
    page(StatusCode::OK, &MailboxPage { view: visit.view(), mails })
}

/// `GET /dev/mailbox.json`, newest first.
pub async fn list(visit: Visit) -> Result<Response, Stop> {
    Ok(Json(mails(&visit).await?).into_response())
}
