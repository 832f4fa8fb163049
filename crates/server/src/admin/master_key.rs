use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::{Fault, write_tx};

use super::{AdminError, Desk};
use crate::sealing::{KeyId, MasterKeyRing};

/// Which master key wraps the data keys of how many tenants.
pub async fn status(at: Desk<'_>) -> Result<Value, AdminError> {
    let mut tenants: BTreeMap<KeyId, i64> = BTreeMap::new();
    for sealed in at.app.store.directory().data_keys_by_head().await? {
        let fault = |error| Fault::new("read what seals the data keys").because(error);
        let wrapping = MasterKeyRing::wraps(&sealed.head).map_err(fault)?;
        *tenants.entry(wrapping).or_default() += sealed.tenants;
    }
    let ring = at.app.master_keys.ids();
    let line = |key: KeyId, state: &str, wraps: i64| json!({ "key": key.to_string(), "state": state, "tenants": wraps });
    let mut lines: Vec<Value> = Vec::new();
    for (place, key) in ring.iter().enumerate() {
        let wraps = tenants.remove(key).unwrap_or_default();
        let state = match (place, wraps) {
            (0, _) => "current",
            (_, 0) => "no longer needed",
            (_, _) => "needed until `portico master-key rewrap`",
        };
        lines.push(line(*key, state, wraps));
    }
    lines.extend(tenants.into_iter().map(|(key, wraps)| line(key, "missing", wraps)));
    Ok(Value::Array(lines))
}

/// Wraps the data keys of all tenants by the current master key. Each tenant is one small write, so that it can be
/// interrupted and run again; a data key itself stays the same, and with it all that it sealed.
pub async fn rewrap(at: Desk<'_>) -> Result<Value, AdminError> {
    let mut rewrapped = 0;
    for record in at.app.store.directory().tenants().await? {
        let anew = at.app.master_keys.rewrap(&at.app.entropy, record.id, &record.sealed_data_key);
        let fault = |error| Fault::new(format!("open the data key of {}", record.id)).because(error);
        let Some(anew) = anew.map_err(fault)? else { continue };
        let replaced = write_tx!(at.app.store, record.id, |tx| -> Result<bool, Fault> {
            tx.replace_sealed_data_key(&record.sealed_data_key, &anew).await
        })?;
        rewrapped += usize::from(replaced);
    }
    Ok(json!({ "rewrapped": rewrapped }))
}
