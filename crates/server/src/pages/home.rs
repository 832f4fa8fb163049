//! `/`: who is signed in here.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{Stop, View, Visit, page};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    view: View<'a>,
    accounts: Vec<AccountLine>,
    /// Whether people make accounts here themselves.
    offers_sign_up: bool,
}

/// One account that is signed in.
pub(super) struct AccountLine {
    pub name: String,
    pub email: String,
    /// The first letter, in a circle.
    pub initial: String,
    pub since: String,
    /// Where this account is managed.
    pub manage: String,
}

/// The accounts that are signed in, for a page.
pub(super) async fn account_lines(visit: &Visit) -> Result<Vec<AccountLine>, Stop> {
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    let mut lines = Vec::new();
    for session in &visit.context.sessions {
        let Some(user) = read.user(session.user_id).await?.filter(identity::User::is_enabled) else {
            continue;
        };
        let name = user.display_name().to_owned();
        let email = user.identifier().to_owned();
        let initial = name.chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let since = visit.view().date_time(session.auth_time());
        let manage = visit.site.tenant.path(&format!("/account?account={}", session.id));
        lines.push(AccountLine { name, email, initial, since, manage });
    }
    Ok(lines)
}

/// `GET /`.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let accounts = account_lines(&visit).await?;
    let offers_sign_up = visit.site.offers_sign_up();
    page(StatusCode::OK, &HomePage { view: visit.view(), accounts, offers_sign_up })
}
