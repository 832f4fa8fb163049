//! What a tenant says about itself, prepared once and sent as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;
use identity::tenant_settings::RegistrationMode;
use oidc::client::LegacyClients;
use oidc::discovery::{self, Provider};
use oidc::scope;
use store::Fault;

use super::respond::published;
use crate::app::App;
use crate::document::Document;
use crate::error::Failure;
use crate::request::Site;
use crate::tenant::Tenant;

/// The `acr` values that sessions reach: how many independent factors stand behind them.
const ACR_VALUES: [&str; 1] = ["1"];

/// The document, made once per version of its tenant.
async fn prepared(app: &App, tenant: &Arc<Tenant>) -> Result<Document, Failure> {
    let further_scopes = further_scopes(app, tenant).await?;
    let id_token_algorithms = app.keys(tenant).await?.set.algorithms();
    let provider = Provider {
        issuer: tenant.issuer.as_str(),
        acr_values: &ACR_VALUES,
        id_token_algorithms: &id_token_algorithms,
        further_scopes: &further_scopes,
        sign_up: app.offers_sign_up(tenant),
        legacy: tenant.legacy_clients() != LegacyClients::None,
        registration: tenant.settings.registration.mode != RegistrationMode::Closed,
        session_management: tenant.has_session_management(),
    };
    Ok(published(serde_json::to_vec(&discovery::document(&provider)).map_err(Failure::new)?))
}

/// What the tenant's resource servers know beyond the standard scopes, sorted.
async fn further_scopes(app: &App, tenant: &Tenant) -> Result<Vec<String>, Fault> {
    let servers = app.store.read(tenant.id).resource_servers().await?;
    let all: BTreeSet<String> =
        servers.iter().flat_map(|server| server.scopes.iter()).map(str::to_owned).collect();
    Ok(all.into_iter().filter(|scope| !scope::STANDARD.contains(&scope.as_str())).collect())
}

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`.
pub async fn document(site: Site, headers: HeaderMap) -> Result<Response, Failure> {
    let Site { app, tenant, .. } = &site;
    let document = tenant.opened.discovery.get_or_try_init(|| prepared(app, tenant)).await?;
    Ok(document.answer(&headers))
}
