//! `/admin/enter`: an administrator comes in by the one-time link that the operator gave out.
//!
//! Opening the link spends nothing, since mail scanners and previews open links too. The button does.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use identity::EventKind;
use identity::tenant_admin::prove_link;
use store::{Fault, write_tx};
use terms::AdminLinkSecret;

use super::Target;
use crate::browser::{self, Rotation};
use crate::pages::error::Problem;
use crate::pages::sign_in::Minting;
use crate::pages::{Stop, Submission, View, Visit, page, see_other, with_cookie};

#[derive(Template)]
#[template(path = "admin/enter.html")]
struct EnterPage<'a> {
    view: View<'a>,
    form_token: String,
    link: String,
}

/// `GET /admin/enter`: a button. Whether the link is good, nobody is told by looking.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let Ok(link) = AdminLinkSecret::parse(visit.query.value("link")) else {
        return Err(Problem::Request.stop(&visit.site));
    };
    let (browser, cookie) = visit.known_browser().await?;
    let form_token = browser::form_token(&visit.site.tenant, browser.id);
    let template = EnterPage { view: visit.view(), form_token, link: link.reveal() };
    Ok(with_cookie(page(StatusCode::OK, &template)?, cookie))
}

/// How a link that was opened turned out.
enum Entered {
    Not,
    Known,
    /// The link was the only way in, so the person is asked to choose a password at once.
    WithoutPassword,
}

/// `POST /admin/enter`: spends the link and signs in.
pub async fn enter(submission: Submission) -> Result<Response, Stop> {
    let Submission { site, now, browser, sessions, form, .. } = &submission;
    let Ok(link) = AdminLinkSecret::parse(form.value("link")) else {
        return Err(Problem::Request.stop(site));
    };
    let rotation = Rotation::new(&site.app);
    let Some(holder) = site.app.store.read(site.tenant.id).admin_link_holder(link.hash()).await? else {
        return Err(Problem::Stale.stop(site));
    };
    let user = site.app.store.read(site.tenant.id).user(holder.0).await?;
    let minting = Minting::for_user(site, user.as_ref(), *now)?;
    let entered = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<Entered, Fault> {
        let Some(spent) = tx.spend_admin_link(link.hash(), *now).await? else { return Ok(Entered::Not) };
        let user = tx.user(spent.0.user_id).await?;
        let role = tx.admin_role(spent.0.user_id).await?;
        let Some(proof) = prove_link(&spent, user.as_ref(), role.as_ref(), *now) else {
            return Ok(Entered::Not);
        };
        if !rotation.apply(tx, browser, *now).await? {
            return Ok(Entered::Not);
        }
        let session = minting.session(tx, (browser, sessions), &proof).await?;
        minting.event(tx, EventKind::SignInCompleted, &proof, &session).await?;
        let has_password = tx.password_of(proof.user_id()).await?.is_some();
        Ok(if has_password { Entered::Known } else { Entered::WithoutPassword })
    })?;
    let target = match entered {
        Entered::Not => return Err(Problem::Stale.stop(site)),
        Entered::Known => Target::Users,
        Entered::WithoutPassword => Target::Password,
    };
    Ok(with_cookie(see_other(&site.tenant, &target.path()), Some(rotation.cookie(&site.tenant))))
}
