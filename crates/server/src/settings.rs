//! Changing a tenant's settings: the one way, for the command line and for an administrator's page alike.

use identity::tenant_settings::{LogoChange, SettingFault, SettingsChange};
use identity::{EventKind, TenantSettings};
use serde_json::Value;
use store::{Fault, write_tx};

use crate::admin::{AdminError, Warrant};
use crate::app::App;
use crate::tenant::Tenant;

/// Merges what was given into the tenant's settings as they are at this moment, and lets this process know. With anything
/// wrong, nothing is changed, and all that is wrong is told.
pub async fn change(
    app: &App,
    tenant: &Tenant,
    given: &Value,
    warrant: Warrant<'_>,
) -> Result<Result<TenantSettings, Vec<SettingFault>>, AdminError> {
    let event_id = app.event_id();
    let outcome = write_tx!(app.store, tenant.id, |tx| -> Result<_, AdminError> {
        let failed = || Fault::new(format!("change the settings of the tenant {}", tenant.id));
        let Some(record) = tx.tenant_record().await? else {
            return Err(failed().because("the tenant is gone").into());
        };
        let before = TenantSettings::stored(&record.settings).map_err(|error| failed().because(error))?;
        let SettingsChange { settings, logo, changed } = match before.changed(given) {
            Ok(change) => change,
            Err(faults) => return Ok(Err(faults)),
        };
        if changed.is_empty() {
            return Ok(Ok(settings));
        }
        match &logo {
            LogoChange::Keep => {}
            LogoChange::Remove => tx.delete_tenant_logo().await?,
            LogoChange::Put(logo) => {
                let about = logo.about();
                tx.put_tenant_logo(&about.file_name(), about.format.media_type(), logo.octets()).await?;
            }
        }
        tx.update_tenant_settings(&settings.to_json()).await?;
        let event = warrant.event(event_id, EventKind::TenantUpdated, tenant.id);
        warrant.append::<AdminError>(tx, &event.with("settings", changed.join(" "))).await?;
        Ok(Ok(settings))
    })?;
    if outcome.is_ok() {
        app.catch_up().await?;
    }
    Ok(outcome)
}
