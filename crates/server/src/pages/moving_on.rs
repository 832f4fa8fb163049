//! The page that moves on by itself.
//!
//! `form-action 'self'` is enforced along the whole chain of redirects that follows a form, and the last of them leads to
//! a relying party. So the last POST answers 200 with this page, and the chain begins anew.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode};
use terms::FlowId;

use super::{Stop, View, page, with_cookie};
use crate::request::Site;

#[derive(Template)]
#[template(path = "moving_on.html")]
struct MovingOnPage<'a> {
    view: View<'a>,
    to: String,
}

/// Moves on to where the flow's next step is decided, or to the account's page without a flow.
pub fn to_next_step(
    site: &Site,
    flow: Option<&FlowId>,
    cookie: Option<HeaderValue>,
) -> Result<Response, Stop> {
    match flow {
        Some(flow) => to(site, site.tenant.path(&format!("/oauth/authorize/continue?flow={flow}")), cookie),
        None => to(site, site.tenant.path("/"), cookie),
    }
}

/// Moves on to a path of this server or to a registered redirect URI, which the caller has checked.
pub fn to(site: &Site, to: String, cookie: Option<HeaderValue>) -> Result<Response, Stop> {
    let template = MovingOnPage { view: View::new(site), to };
    Ok(with_cookie(page(StatusCode::OK, &template)?, cookie))
}
