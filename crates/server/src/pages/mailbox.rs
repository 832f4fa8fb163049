//! `/dev/mailbox`: the mails that `portico dev` would have sent. These routes don't exist in `serve`.

use askama::Template;
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use store::mail::MailRecord;
use terms::MailId;

use super::{Stop, View, Visit, page};
use crate::error::{Failure, Notice};
use crate::mail::MailBody;

/// How many mails are shown.
const MOST: i64 = 100;

/// A mail may style itself. It has no other right: not even the origin of this server, were there a script in it.
const MAIL_POLICY: HeaderValue = HeaderValue::from_static(
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);

/// One mail, as the JSON form gives it.
#[derive(Serialize)]
pub(super) struct ShownMail {
    id: String,
    to: String,
    subject: String,
    text: String,
    html: Option<String>,
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
        let MailBody { text, html, code, link } = body;
        let MailRecord { id, recipient: to, subject, .. } = mail;
        shown.push(ShownMail { id: id.to_string(), to, subject, text, html, code, link, at });
    }
    Ok(shown)
}

/// `GET /dev/mailbox`, newest first.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let mails = mails(&visit).await?;
    page(StatusCode::OK, &MailboxPage { view: visit.view(), mails })
}

/// `GET /dev/mailbox/{mail}`: one mail as a mail program shows it.
pub async fn show_html(visit: Visit, Path(mail): Path<String>) -> Result<Response, Stop> {
    let named = mail.parse::<MailId>().ok().map(|mail| mail.to_string());
    let found = mails(&visit).await?.into_iter().find(|mail| Some(&mail.id) == named.as_ref());
    let Some(html) = found.and_then(|mail| mail.html) else {
        return Ok(Notice::NO_SUCH_PAGE.into_response());
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    Ok(([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, MAIL_POLICY)], html).into_response())
}

/// `GET /dev/mailbox.json`, newest first.
pub async fn list(visit: Visit) -> Result<Response, Stop> {
    Ok(Json(mails(&visit).await?).into_response())
}
