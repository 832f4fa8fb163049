//! `/device`: the code that a device shows, and whether that device is one's own (RFC 8628 section 3.3). What follows is the flow
//! of any request of a client.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use oidc::client::Client;
use oidc::device::UserCode;
use store::devices::DeviceAuthorization;
use store::flows::{Flow, FlowKind};
use store::{Fault, write_tx};

use super::client_card::ClientCard;
use super::error::{Problem, too_often};
use super::{Faults, FieldFault, Stop, Submission, View, Visit, page, see_other, with_cookie};
use crate::attempts;
use crate::browser;
use crate::oauth::authorize::{continue_path, new_flow};
use crate::rate_limits::Limit;

#[derive(Template)]
#[template(path = "device.html")]
struct CodePage<'a> {
    view: View<'a>,
    form_token: String,
    user_code: &'a str,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
struct ConfirmPage<'a> {
    view: View<'a>,
    form_token: String,
    user_code: String,
    client: &'a str,
    card: Option<ClientCard>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DonePage<'a> {
    view: View<'a>,
    approved: bool,
    client: &'a str,
}

/// `GET /device`: asks for the code. One in the address (RFC 8628 section 3.3.1) only stands in the form already: whoever was sent
/// here by a stranger's link sees the same questions as everybody.
pub async fn show(visit: Visit) -> Result<Response, Stop> {
    let (browser, cookie) = visit.known_browser().await?;
    let user_code = UserCode::parse(visit.query.value("user_code")).map(|code| code.shown());
    let template = CodePage {
        view: visit.view(),
        form_token: browser::form_token(&visit.site.tenant, browser.id),
        user_code: user_code.as_deref().unwrap_or_default(),
        faults: Faults::default(),
    };
    Ok(with_cookie(page(StatusCode::OK, &template)?, cookie))
}

/// `POST /device`: looks the code up and asks whether the device is the person's own; when they said so, begins the flow.
pub async fn enter(submission: Submission) -> Result<Response, Stop> {
    let Submission { site, now, browser, form, .. } = &submission;
    let typed = form.value("user_code");
    let Some(code) = UserCode::parse(typed) else {
        let key = if typed.trim().is_empty() { "device-code-empty" } else { "device-code-malformed" };
        return again(&submission, submission.view().text(key));
    };
    let counted = match attempts::count_user_code(site, browser.id, *now).await? {
        Ok(counted) => counted,
        Err(wait) => {
            let answer = again(&submission, attempts::wait_text(site.texts, wait, *now))?;
            return Ok(attempts::too_many(answer, wait, *now));
        }
    };
    let mut read = site.app.store.read(site.tenant.id);
    let device = read.device_by_user_code(site.tenant.user_code_hash(&code)).await?;
    let device = device.filter(|device| device.is_open_to(browser.id, *now));
    let client = match &device {
        Some(device) => site.app.client(&site.tenant, &device.client).await?,
        None => None,
    };
    let (Some(device), Some(client)) = (device, client) else {
        site.note(Limit::WrongGuesses);
        return again(&submission, submission.view().text("device-code-wrong"));
    };
    // Who typed a right one is no guesser, and sends it once more when they have said whose device it is.
    let budget = counted.budget();
    write_tx!(site.app.store, site.tenant.id, |tx| -> Result<(), Fault> { budget.forgive(tx).await })?;
    match form.value("decision") {
        "" => confirm(&submission, code, &client),
        "go_on" => begin(&submission, device, true).await,
        "deny" => begin(&submission, device, false).await,
        _ => Err(Problem::Request.stop(site)),
    }
}

/// The form once more, with what is wrong about the code.
fn again(submission: &Submission, text: String) -> Result<Response, Stop> {
    let template = CodePage {
        view: submission.view(),
        form_token: submission.form_token(),
        user_code: submission.form.value("user_code"),
        faults: FieldFault { field: "user_code", text }.into(),
    };
    page(template.faults.status(), &template)
}

/// RFC 8628 sections 3.3 and 5.4: a stranger may have begun this and sent the code, so it is asked whose device it is.
fn confirm(submission: &Submission, code: UserCode, client: &Client) -> Result<Response, Stop> {
    let template = ConfirmPage {
        view: submission.view(),
        form_token: submission.form_token(),
        user_code: code.shown(),
        client: client.display_name(),
        card: Some(ClientCard::of(client)),
    };
    page(StatusCode::OK, &template)
}

/// The device is this browser's to answer from now on. Whoever said that it isn't theirs has answered already.
async fn begin(
    submission: &Submission,
    device: DeviceAuthorization,
    is_theirs: bool,
) -> Result<Response, Stop> {
    let Submission { site, now, browser, .. } = submission;
    site.count(Limit::Starts).map_err(|wait| too_often(site, wait))?;
    let flow = Flow {
        expires_at: device.expires_at,
        ..new_flow(site, FlowKind::Device, device.parameters, Some(browser), *now)
    };
    let claimed = write_tx!(site.app.store, site.tenant.id, |tx| -> Result<bool, Fault> {
        if !tx.claim_device(device.id, browser.id, flow.id, *now).await? {
            return Ok(false);
        }
        tx.insert_flow(&flow).await?;
        if !is_theirs {
            tx.deny_flow(flow.id, browser.id, *now).await?;
        }
        Ok(true)
    })?;
    if claimed {
        Ok(see_other(&site.tenant, &continue_path(flow.id)))
    } else {
        Err(Problem::Stale.stop(site))
    }
}

/// `GET /device/done`: what became of it, for the person to go back to the device.
pub async fn done(visit: Visit) -> Result<Response, Stop> {
    let site = &visit.site;
    let Some(id) = visit.flow()? else { return Err(Problem::Request.stop(site)) };
    let stale = || Problem::Stale.stop(site);
    let browser = visit.context.browser.as_ref().ok_or_else(stale)?;
    let mut read = site.app.store.read(site.tenant.id);
    let flow = read.flow(id).await?.filter(|flow| flow.browser == Some(browser.id)).ok_or_else(stale)?;
    let device = read.device_of_flow(flow.id).await?.ok_or_else(stale)?;
    let client = site.app.client(&site.tenant, &device.client).await?.ok_or_else(stale)?;
    if device.denied_at.is_none() && device.grant.is_none() {
        return Err(stale());
    }
    let approved = device.grant.is_some();
    page(StatusCode::OK, &DonePage { view: visit.view(), approved, client: client.display_name() })
}
