use identity::TenantSettings;
use serde_json::{Value, json};

use super::part::Part;
use super::{AdminError, Desk, find_tenant};
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

/// By the rows of the part alone, however many tenants there are.
pub async fn list(at: Desk<'_>, part: &Part) -> Result<Value, AdminError> {
    let most = part.most()?;
    let after = match &part.after {
        Some(name) => find_tenant(at.app, name).await?.id.to_string(),
        None => String::new(),
    };
    let mut rows = Vec::new();
    for it in at.app.store.directory().tenant_names(&after, most).await? {
        let hosts = at.app.store.read(it.id).hosts_of_tenant().await?;
        let hosts: Vec<String> = hosts.into_iter().map(|host| host.host).collect();
        rows.push(json!({ "tenant_id": it.id, "slug": it.slug, "issuer": it.issuer, "hosts": hosts }));
    }
    Ok(Value::Array(rows))
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
