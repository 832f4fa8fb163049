use std::collections::HashMap;

use identity::TenantSettings;
use serde_json::{Value, json};
use store::tenants::TenantNames;
use terms::TenantId;

use super::{AdminError, Desk};
use crate::provision::{NewTenant, ProvisionError, create_tenant};
use crate::settings;
use crate::tenant::{Issuer, Tenant};

pub async fn create(
    at: Desk<'_>,
    slug: String,
    issuer: Option<String>,
    hosts: Vec<String>,
) -> Result<Value, AdminError> {
    let issuer = issuer.unwrap_or_else(|| format!("{}/t/{slug}", at.tenant.issuer.origin()));
    let issuer =
        Issuer::parse(&issuer).map_err(|error| AdminError::refused(format!("--issuer {issuer}: {error}")))?;
    if at.app.config.is_development() && !issuer.is_loopback() {
        return Err(AdminError::refused(
            "development mode serves this machine only: the issuer must be on localhost",
        ));
    }
    let new = NewTenant { slug, issuer, hosts };
    let id = create_tenant(at.app, &new).await.map_err(|error| match error {
        ProvisionError::Fault(fault) => AdminError::Fault(fault),
        refusal => AdminError::refused(refusal),
    })?;
    let tenant = at.app.tenant(id).await?;
    let tenant = tenant.ok_or_else(|| AdminError::refused("the tenant is gone again"))?;
    Ok(shown(&tenant))
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let mut directory = at.app.store.directory();
    let mut hosts: HashMap<TenantId, Vec<String>> = HashMap::new();
    for host in directory.tenant_hosts().await? {
        hosts.entry(host.tenant).or_default().push(host.host);
    }
    let named = |it: TenantNames| json!({ "tenant_id": it.id, "slug": it.slug, "issuer": it.issuer, "hosts": hosts.remove(&it.id).unwrap_or_default() });
    Ok(directory.tenant_names().await?.into_iter().map(named).collect())
}

pub fn show(at: Desk<'_>) -> Value {
    with_settings(at.tenant, &at.tenant.settings)
}

/// Merges a change into the tenant's settings (RFC 7396).
pub async fn set(at: Desk<'_>, given: &Value) -> Result<Value, AdminError> {
    let outcome = settings::change(at.app, at.tenant, given, at.warrant()).await?;
    Ok(with_settings(at.tenant, &outcome.map_err(AdminError::all)?))
}

fn with_settings(tenant: &Tenant, settings: &TenantSettings) -> Value {
    let mut value = shown(tenant);
    value["settings"] = settings.to_json();
    value
}

fn shown(tenant: &Tenant) -> Value {
    json!({ "tenant_id": tenant.id, "slug": tenant.slug, "issuer": tenant.issuer.as_str(), "hosts": tenant.hosts })
}
