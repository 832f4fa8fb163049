//! `/language`: the switch at the foot of every page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderValue;
use identity::User;
use terms::Language;

use super::error::Problem;
use super::{Fields, Stop, form_body, see_other, with_cookie};
use crate::app::App;
use crate::browser;
use crate::place;
use crate::request::Site;

/// `POST /language`: keeps the choice in this browser, and leads back to the page on which it was made.
///
/// It changes what this browser reads and nothing else, so a browser that isn't known may send it, and there is no form
/// token; a form of another site is refused all the same.
pub async fn choose(State(app): State<Arc<App>>, site: Site, request: Request) -> Result<Response, Stop> {
    if !browser::comes_from_own_page(&site.tenant, request.headers()) {
        return Err(Problem::Form.stop(&site));
    }
    let form = form_body(request, &app).await.and_then(|body| Fields::parse(&body));
    let chosen = form.as_ref().and_then(|form| form.value("language").parse::<Language>().ok());
    let back = form.as_ref().and_then(|form| place::parse(form.value("back")));
    let (Some(chosen), Some(back)) = (chosen, back) else { return Err(Problem::Request.stop(&site)) };
    let cookie = browser::language_cookie(&site.tenant, chosen);
    Ok(with_cookie(see_other(&site.tenant, &back), Some(cookie)))
}

/// Brings the choice that a person made for their account to the browser in which they just signed in, unless another was
/// made there.
pub(super) fn bring(site: &Site, user: Option<&User>) -> Option<HeaderValue> {
    let chosen = user.and_then(|user| user.language).filter(|_| site.chosen_language.is_none());
    chosen.map(|chosen| browser::language_cookie(&site.tenant, chosen))
}
