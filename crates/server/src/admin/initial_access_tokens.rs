use std::time::Duration;

use identity::EventKind;
use oidc::registration::InitialAccess;
use serde_json::{Value, json};
use store::write_tx;
use terms::{InitialAccessToken, InitialAccessTokenId, limits};

use super::{AdminError, Desk, instant};

pub async fn create(at: Desk<'_>, uses: u32, lifetime: u64) -> Result<Value, AdminError> {
    let (most_uses, longest) =
        (limits::INITIAL_ACCESS_TOKEN_USES, limits::INITIAL_ACCESS_TOKEN_LIFETIME.as_secs());
    let mut faults = Vec::new();
    if !(1..=most_uses).contains(&uses) {
        faults.push(format!("--uses: must be from 1 to {most_uses}"));
    }
    if !(1..=longest).contains(&lifetime) {
        faults.push(format!("--lifetime: must be from 1 to {longest} seconds"));
    }
    if !faults.is_empty() {
        return Err(AdminError::Refused(faults));
    }
    let token = at.app.entropy.secret(InitialAccessToken::new);
    let access = InitialAccess {
        id: at.app.entropy.id(InitialAccessTokenId::new, at.now),
        uses_left: uses,
        created_at: at.now,
        expires_at: at.now.plus(Duration::from_secs(lifetime)),
    };
    let event = at.event(EventKind::InitialAccessTokenCreated, access.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        tx.insert_initial_access(token.hash(), &access).await?;
        at.append(tx, &event).await
    })?;
    let mut answer = shown(&access);
    answer["initial_access_token"] = token.reveal().into();
    Ok(answer)
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    Ok(at.app.store.read(at.tenant.id).initial_accesses().await?.iter().map(shown).collect())
}

pub async fn delete(at: Desk<'_>, token_id: &str) -> Result<Value, AdminError> {
    let unknown = || {
        AdminError::unknown(format!("there is no token {token_id}; see `portico initial-access-tokens list`"))
    };
    let id: InitialAccessTokenId = token_id.parse().map_err(|_| unknown())?;
    let event = at.event(EventKind::InitialAccessTokenDeleted, id);
    let gone = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        let gone = tx.delete_initial_access(id).await?;
        if gone {
            at.append(tx, &event).await?;
        }
        Ok(gone)
    })?;
    if gone { Ok(json!({ "deleted": id })) } else { Err(unknown()) }
}

fn shown(access: &InitialAccess) -> Value {
    json!({
        "token_id": access.id,
        "uses_left": access.uses_left,
        "created_at": instant(access.created_at),
        "expires_at": instant(access.expires_at),
    })
}
