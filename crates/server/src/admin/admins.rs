use identity::tenant_admin::AdminLink;
use identity::{EventKind, User};
use serde_json::{Value, json};
use store::write_tx;
use terms::{AdminLinkId, AdminLinkSecret, EmailAddress, UserId};

use super::{AdminError, Desk, instant, users};

/// Makes the user of this address an administrator, and the user too where there is none, and gives out a link by which
/// they come in. For one who is an administrator already it is just another link; the one before is worth nothing then.
pub async fn create(at: Desk<'_>, email: &str) -> Result<Value, AdminError> {
    let address = EmailAddress::parse(email).map_err(AdminError::refused)?;
    // Without a password: the link is the way in, and the person chooses one afterwards.
    let new = users::fresh(at, address.clone())?;
    let webauthn_handle = at.app.entropy.bytes();
    let secret = at.app.entropy.secret(AdminLinkSecret::new);
    let link_id = at.app.entropy.id(AdminLinkId::new, at.now);
    // Whose they are is known in the transaction only.
    let events = |user: UserId| {
        [EventKind::UserCreated, EventKind::AdminGranted, EventKind::AdminLinkCreated]
            .map(|kind| at.event(kind, user))
    };
    let for_new = events(new.id);
    let known = at.app.store.read(at.tenant.id).user_by_email(address.canonical()).await?;
    let for_known = known.as_ref().map(|user| events(user.id));
    let (user, link) =
        write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(User, AdminLink), AdminError> {
            let (user, [created, granted, linked]) = match (&known, &for_known) {
                (Some(known), Some(events)) => (known, events),
                _ => (&new, &for_new),
            };
            if known.is_none() {
                if !tx.insert_user(user, &webauthn_handle).await? {
                    return Err(AdminError::refused("the address became somebody's just now; try again"));
                }
                at.append(tx, created).await?;
            } else if !tx.user(user.id).await?.is_some_and(|user| user.is_enabled()) {
                return Err(AdminError::refused("the user is disabled, or was deleted just now"));
            }
            if tx.grant_admin(user.id, at.now).await? {
                at.append(tx, granted).await?;
            }
            let link = AdminLink::new(link_id, user.id, at.now);
            tx.replace_admin_link(secret.hash(), &link).await?;
            at.append(tx, linked).await?;
            Ok((user.clone(), link))
        })?;
    Ok(json!({
        "user_id": user.id,
        "email": users::address_of(&user),
        "link": at.tenant.url(&format!("/admin/enter?link={}", secret.reveal())),
        "expires_at": instant(link.expires_at),
    }))
}

pub async fn list(at: Desk<'_>) -> Result<Value, AdminError> {
    let mut read = at.app.store.read(at.tenant.id);
    let mut rows = Vec::new();
    for role in read.admin_roles().await? {
        let user = read.user(role.user_id).await?;
        rows.push(json!({
            "user_id": role.user_id,
            "email": user.as_ref().and_then(users::address_of),
            "granted_at": instant(role.granted_at),
            "disabled": user.is_none_or(|user| !user.is_enabled()),
        }));
    }
    Ok(Value::Array(rows))
}

/// Takes the role away. The user stays.
pub async fn remove(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = users::find(at, user).await?;
    let event = at.event(EventKind::AdminWithdrawn, user.id);
    let was_one = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        if !tx.withdraw_admin(user.id, at.now).await? {
            return Ok(false);
        }
        at.append(tx, &event).await?;
        Ok(true)
    })?;
    if was_one {
        Ok(json!({ "removed": user.id }))
    } else {
        Err(AdminError::refused("the user is no administrator; see `portico admins list`"))
    }
}
