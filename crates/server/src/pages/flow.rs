//! What waits while a person signs in or up: an authorization request, what a device asks, or a page of their account.

use store::Fault;
use store::flows::{Flow, FlowKind};
use terms::{BrowserId, ClientId, FlowId, Timestamp};

use super::client_card::ClientCard;
use super::error::Problem;
use super::{Named, Stop};
use crate::request::Site;

/// Who waits, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The client's name, if it has one.
    pub client: Option<String>,
    /// The client, as it shows itself.
    pub card: Option<ClientCard>,
    /// The `login_hint` of the request (OpenID Connect Core section 3.1.2.1): only ever the beginning of a form.
    pub login_hint: String,
}

/// What is known of the flow that a page was opened for. One that is another browser's, done or too old leads nowhere.
pub async fn waiting(
    (site, named): (&Site, &Named),
    flow: Option<FlowId>,
    browser: BrowserId,
    now: Timestamp,
) -> Result<Waiting, Stop> {
    let Some(id) = flow else { return Ok(Waiting::default()) };
    read((site, named), id, browser, now).await?.ok_or_else(|| Problem::Stale.stop(site))
}

/// The client for which somebody signs in or up, where the attempt names its flow and goes on without it as well.
pub async fn client_waiting(
    (site, named): (&Site, &Named),
    flow: Option<FlowId>,
    browser: BrowserId,
    now: Timestamp,
) -> Result<Option<ClientCard>, Fault> {
    let Some(id) = flow else { return Ok(None) };
    Ok(read((site, named), id, browser, now).await?.and_then(|waiting| waiting.card))
}

async fn read(
    (site, named): (&Site, &Named),
    id: FlowId,
    browser: BrowserId,
    now: Timestamp,
) -> Result<Option<Waiting>, Fault> {
    let Some(flow) = named.flow(site, id).await?.filter(|flow| is_open(flow, browser, now)) else {
        return Ok(None);
    };
    let client = match flow.parameters.get("client_id").and_then(|id| id.parse::<ClientId>().ok()) {
        Some(id) => site.app.client(&site.tenant, &id).await?,
        None => None,
    };
    Ok(Some(Waiting {
        card: client.as_deref().map(ClientCard::of),
        client: client.and_then(|client| client.metadata.name.clone()),
        login_hint: flow.parameters.get("login_hint").unwrap_or_default().to_owned(),
    }))
}

fn is_open(flow: &Flow, browser: BrowserId, now: Timestamp) -> bool {
    matches!(flow.kind, FlowKind::Authorize | FlowKind::Account | FlowKind::Device)
        && flow.browser == Some(browser)
        && flow.completed_at.is_none()
        && !flow.expires_at.has_passed(now)
}
