//! Making a tenant: its data key, its hosts, and the event that says so, in one transaction.

use std::fmt;

use identity::{Actor, Event, EventKind};
use store::tenants::TenantRecord;
use store::{Fault, write_tx};
use terms::TenantId;

use crate::app::App;
use crate::sealing::SealError;
use crate::tenant::{Issuer, is_slug};

/// A tenant to be made.
#[derive(Clone, Debug)]
pub struct NewTenant {
    pub slug: String,
    pub issuer: Issuer,
    /// Further hosts, for a tenant with a host of its own.
    pub hosts: Vec<String>,
}

/// Why a tenant can't be made.
#[derive(Debug)]
pub enum ProvisionError {
    Slug,
    /// A path issuer names the slug.
    SlugInPath,
    HostsOfPathTenant,
    /// The slug, the issuer or a host is another tenant's.
    Taken,
    Seal(SealError),
    Fault(Fault),
}

impl fmt::Display for ProvisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slug => f.write_str("a slug is 1 to 63 lower-case letters, digits and inner hyphens"),
            Self::SlugInPath => f.write_str("the path of the issuer must be /t/ and the slug"),
            Self::HostsOfPathTenant => {
                f.write_str("a tenant whose issuer has a path has no hosts of its own")
            }
            Self::Taken => f.write_str("the slug, the issuer or a host belongs to another tenant"),
            Self::Seal(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ProvisionError {}

impl From<Fault> for ProvisionError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Makes the tenant and lets this process know it. Its signing keys are made when they are first needed.
pub async fn create_tenant(app: &App, new: &NewTenant) -> Result<TenantId, ProvisionError> {
    if !is_slug(&new.slug) {
        return Err(ProvisionError::Slug);
    }
    let path = new.issuer.path();
    if !path.is_empty() && path.strip_prefix("/t/") != Some(new.slug.as_str()) {
        return Err(ProvisionError::SlugInPath);
    }
    if !path.is_empty() && !new.hosts.is_empty() {
        return Err(ProvisionError::HostsOfPathTenant);
    }
    let now = app.clock.now();
    let id = app.entropy.id(TenantId::new, now);
    let (_, sealed_data_key) =
        app.master_keys.new_data_key(&app.entropy, id).map_err(ProvisionError::Seal)?;
    let record = TenantRecord {
        id,
        slug: new.slug.clone(),
        issuer: new.issuer.to_string(),
        settings: serde_json::json!({}),
        sealed_data_key,
        version: 1,
        created_at: now,
    };
    let event = Event::new(app.event_id(), EventKind::TenantCreated, Actor::Operator, now).about(id);
    let own = path.is_empty().then(|| new.issuer.authority().to_owned());
    let hosts: Vec<String> =
        own.into_iter().chain(new.hosts.iter().map(|host| host.to_ascii_lowercase())).collect();
    write_tx!(app.store, id, |tx| -> Result<(), ProvisionError> {
        if !tx.insert_tenant(&record).await? {
            return Err(ProvisionError::Taken);
        }
        for host in &hosts {
            if !tx.insert_tenant_host(host).await? {
                return Err(ProvisionError::Taken);
            }
        }
        tx.append_event(&event).await?;
        Ok(())
    })?;
    app.catch_up().await?;
    Ok(id)
}
