//! What a tenant says about itself, prepared once and sent as it is.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use axum::response::Response;
use http::HeaderMap;
use identity::tenant_settings::RegistrationMode;
use oidc::client::LegacyClients;
use oidc::discovery::{self, Provider};
use oidc::scope;
use store::Fault;
use terms::TenantId;

use super::respond::published;
use crate::app::App;
use crate::error::Failure;
use crate::request::Site;
use crate::tenant::Tenant;

/// The `acr` values that sessions reach: how many independent factors stand behind them.
const ACR_VALUES: [&str; 1] = ["1"];

/// The tenants' documents, each made once per version of its tenant.
#[derive(Debug, Default)]
pub struct Documents(ArcSwap<HashMap<TenantId, Arc<Prepared>>>);

#[derive(Debug)]
struct Prepared {
    version: i64,
    bytes: Bytes,
}

impl Documents {
    async fn of(&self, app: &App, tenant: &Arc<Tenant>) -> Result<Bytes, Failure> {
        if let Some(prepared) = self.0.load().get(&tenant.id).filter(|it| it.version >= tenant.version) {
            return Ok(prepared.bytes.clone());
        }
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
        let bytes = Bytes::from(serde_json::to_vec(&discovery::document(&provider)).map_err(Failure::new)?);
        let prepared = Arc::new(Prepared { version: tenant.version, bytes: bytes.clone() });
        self.0.rcu(|documents| {
            let mut documents = HashMap::clone(documents);
            documents.insert(tenant.id, Arc::clone(&prepared));
            documents
        });
        Ok(bytes)
    }
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
    let bytes = site.app.documents.of(&site.app, &site.tenant).await?;
    Ok(published(bytes, &headers))
}
