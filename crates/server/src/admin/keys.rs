use oidc::jose::Algorithm;
use serde_json::{Value, json};
use terms::SigningKeyId;

use super::{AdminError, Desk, instant};
use crate::key_changes::{Bench, KeyChangeError, NODES_KNOW, Successor};
use crate::keys::KeySummary;

impl From<KeyChangeError> for AdminError {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Fault(fault) => Self::Fault(fault),
            KeyChangeError::Forbidden(refusal) => Self::Forbidden(refusal),
            refused @ (KeyChangeError::Refused(_) | KeyChangeError::Keys(_)) => Self::refused(refused),
        }
    }
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let records = at.app.signing_keys(at.tenant).await?;
    let mut keys = Vec::new();
    for record in records {
        let key = KeySummary::of(&record, at.now)?;
        keys.push(json!({
            "kid": key.kid,
            "alg": key.alg,
            "state": key.state,
            "published_at": instant(key.life.published_at),
            "signs_from": key.life.activated_at.map(instant),
            "signs_until": key.life.retired_at.map(instant),
            "leaves_at": key.life.leaves_at().map(instant),
            "thumbprint": key.thumbprint,
        }));
    }
    Ok(Value::Array(keys))
}

fn bench(at: Desk<'_>) -> Bench<'_> {
    Bench { app: at.app, tenant: at.tenant, warrant: at.warrant(), now: at.now }
}

fn algorithm(text: &str) -> Result<Algorithm, AdminError> {
    text.parse().map_err(|error| AdminError::refused(format!("--alg {text}: {error}")))
}

/// Makes sure that the tenant can sign with an algorithm: part of whatever lets somebody ask for it.
pub async fn ensure(at: Desk<'_>, algorithm: Algorithm) -> Result<(), AdminError> {
    bench(at).ensure(algorithm).await?;
    Ok(())
}

pub async fn create(at: Desk<'_>, alg: &str) -> Result<Value, AdminError> {
    let algorithm = algorithm(alg)?;
    match bench(at).ensure(algorithm).await? {
        Some(made) => Ok(shown(made)),
        None => Err(AdminError::refused(format!(
            "there is a key for {algorithm} already; `portico keys rotate --alg {algorithm}` replaces it"
        ))),
    }
}

/// Rotates one algorithm, or each that the tenant signs with. Of all of them, those that are being replaced already are
/// left as they are.
pub async fn rotate(at: Desk<'_>, alg: Option<&str>, at_once: bool) -> Result<Value, AdminError> {
    let lead = if at_once { NODES_KNOW } else { at.app.config.keys.publish_before };
    if let Some(alg) = alg {
        return Ok(json!([shown(bench(at).rotate(algorithm(alg)?, lead).await?)]));
    }
    let mut rotated = Vec::new();
    for algorithm in Algorithm::ALL {
        match bench(at).rotate(algorithm, lead).await {
            Ok(successor) => rotated.push(shown(successor)),
            Err(KeyChangeError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if rotated.is_empty() {
        return Err(AdminError::refused(
            "every key is being replaced already, see `portico keys list`; `--now` hastens that",
        ));
    }
    Ok(Value::Array(rotated))
}

pub async fn revoke(at: Desk<'_>, kid: &str) -> Result<Value, AdminError> {
    let key: SigningKeyId = kid
        .parse()
        .map_err(|_| AdminError::unknown(format!("there is no key {kid}; see `portico keys list`")))?;
    let successor = bench(at).revoke(key).await?;
    Ok(json!({ "revoked": key, "successor": successor.map(shown) }))
}

fn shown(successor: Successor) -> Value {
    json!({ "kid": successor.key, "alg": successor.algorithm, "signs_from": instant(successor.signs_from) })
}
