use serde_json::{Value, json};

use super::{AdminError, Desk, instant};
use crate::keys::KeySummary;

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let records = at.app.store.read(at.tenant.id).signing_keys().await?;
    let mut keys = Vec::new();
    for record in records {
        let key = KeySummary::of(&record)?;
        keys.push(json!({
            "kid": key.kid,
            "alg": key.alg,
            "state": key.state,
            "published_at": instant(key.published_at),
            "thumbprint": key.thumbprint,
        }));
    }
    Ok(Value::Array(keys))
}
