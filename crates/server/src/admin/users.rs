use std::collections::HashSet;

use identity::password::{NewPassword, PasswordPolicy};
use identity::{EventKind, Identifier, Profile, User, UserEmail};
use serde_json::{Value, json};
use store::endings::Ended;
use store::mail::MailRecord;
use store::{Fault, Read, write_tx};
use terms::{CanonicalUsername, EmailAddress, SecretText, SessionId, Subject, UserId};

use super::part::Part;
use super::{AdminError, Desk, instant};
use crate::attempts;
use crate::logout_notices::tell;
use crate::notices::{self, ChangedBy};

pub async fn create(
    at: Desk<'_>,
    (email, username): (Option<&str>, Option<&str>),
    password: SecretText,
    profile: Option<Value>,
) -> Result<Value, AdminError> {
    let address = email.map(EmailAddress::parse).transpose().map_err(AdminError::refused)?;
    let username = username.map(CanonicalUsername::parse).transpose().map_err(AdminError::refused)?;
    if address.is_none() && username.is_none() {
        return Err(AdminError::refused("name an address, a username or both"));
    }
    if username.is_some() && !at.tenant.has_usernames() {
        return Err(AdminError::refused(
            "accounts of this tenant have no usernames; its setting `identifiers` says what they sign in with",
        ));
    }
    let profile = match profile {
        None => Profile::default(),
        Some(profile) => Profile::parse(&profile.to_string()).map_err(AdminError::all)?,
    };
    let context = [email.unwrap_or_default(), username.as_ref().map_or("", CanonicalUsername::as_str)];
    let hash = hashed(at, &password, context).await?;
    let user = User { profile, username, ..user_with(at, address)? };
    let name_hash = user.username.as_ref().map(|username| at.tenant.username_hash(username));
    let (id, webauthn_handle) = (user.id, at.app.entropy.bytes());
    let event = at.event(EventKind::UserCreated, id);
    let made = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        if let (Some(username), Some(hash)) = (&user.username, name_hash)
            && !tx.is_username_free(username, hash, id).await?
        {
            return Err(AdminError::refused(format!(
                "{username}, or a name that looks like it, is or was a user's"
            )));
        }
        if !tx.insert_user(&user, &webauthn_handle).await? {
            return Ok(false);
        }
        tx.set_password(id, &hash, at.now).await?;
        at.append(tx, &event).await?;
        Ok(true)
    })?;
    if made {
        Ok(shown(&user))
    } else {
        Err(AdminError::refused(format!("{} is a user's address already", email.unwrap_or_default())))
    }
}

async fn hashed(
    at: Desk<'_>,
    password: &SecretText,
    [identifier, username]: [&str; 2],
) -> Result<identity::password::PasswordHash, AdminError> {
    let context = [identifier, username, at.tenant.issuer.authority()];
    let new = NewPassword::check(password, PasswordPolicy::Alone, &context).map_err(AdminError::refused)?;
    let hash = at.app.hasher.hash(new, at.app.entropy.bytes()).await;
    hash.map_err(|error| AdminError::Fault(Fault::new("hash the password").because(error)))
}

pub async fn list(at: Desk<'_>, beginning: Option<&str>, part: &Part) -> Result<Value, AdminError> {
    let most = part.most()?;
    let mut read = at.app.store.read(at.tenant.id);
    let users = match (beginning, &part.after) {
        (None, after) => {
            let after = after.as_deref().map(str::parse::<UserId>).transpose();
            let after = after.map_err(|error| AdminError::refused(format!("--after: {error}")))?;
            read.users_after(after, most).await?
        }
        (Some(beginning), None) => found(&mut read, beginning, most).await?,
        (Some(_), Some(_)) => {
            return Err(AdminError::refused(
                "--search and --after can't be asked for together: say more of the beginning",
            ));
        }
    };
    Ok(users.iter().map(shown).collect())
}

/// As many users as are asked for, or all. One whom two of their names make a hit comes once.
async fn found(read: &mut Read, beginning: &str, most: u32) -> Result<Vec<User>, Fault> {
    let (mut seen, mut users, mut after) = (HashSet::new(), Vec::new(), None);
    loop {
        let hits = read.users_found(beginning, after.as_ref(), most).await?;
        let is_last = hits.len() < most as usize;
        after = hits.last().cloned();
        for hit in hits {
            if seen.insert(hit.user) {
                users.extend(read.user(hit.user).await?);
            }
            if users.len() == most as usize {
                return Ok(users);
            }
        }
        if is_last {
            return Ok(users);
        }
    }
}

pub async fn set_password(at: Desk<'_>, user: &str, password: SecretText) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let username = user.username.as_ref().map_or("", CanonicalUsername::as_str);
    let hash = hashed(at, &password, [user.identifier(), username]).await?;
    let event = at.event(EventKind::PasswordChanged, user.id);
    let notice = told(at, &user)?;
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        tx.set_password(user.id, &hash, at.now).await?;
        // Whoever knew the old password may be signed in with it, and have let clients in.
        let ended = tx.end_sessions_of_user(user.id, at.now).await?;
        tx.end_grants_of_user(user.id, at.now).await?;
        if let Some(notice) = &notice {
            tx.append_mail(notice).await?;
        }
        at.append(tx, &event).await?;
        Ok(ended)
    })?;
    tell(at.app, at.tenant, ended).await;
    Ok(shown(&user))
}

/// The mail that tells a user that their password was changed for them; none where they have no address, or no mail can
/// arrive.
fn told(at: Desk<'_>, user: &User) -> Result<Option<MailRecord>, AdminError> {
    if !at.app.config.can_mail() {
        return Ok(None);
    }
    let notice = notices::password_changed(at.app, at.tenant, user, ChangedBy::Administrator, at.now);
    notice.map_err(|failure| AdminError::Fault(Fault::new("write the notice").because(failure.into_cause())))
}

/// A user whose address counts as verified and who has no password yet.
pub async fn invite(at: Desk<'_>, email: &str, profile: Option<Value>) -> Result<Value, AdminError> {
    let address = EmailAddress::parse(email).map_err(AdminError::refused)?;
    let profile = match profile {
        None => Profile::default(),
        Some(profile) => Profile::parse(&profile.to_string()).map_err(AdminError::all)?,
    };
    let user = User { profile, ..fresh(at, address)? };
    let webauthn_handle = at.app.entropy.bytes();
    let event = at.event(EventKind::UserCreated, user.id);
    let made = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<bool, AdminError> {
        if !tx.insert_user(&user, &webauthn_handle).await? {
            return Ok(false);
        }
        at.append(tx, &event).await?;
        Ok(true)
    })?;
    if made {
        Ok(shown(&user))
    } else {
        Err(AdminError::refused(format!("{email} is a user's address already")))
    }
}

/// A new user with a verified address, not stored yet.
pub fn fresh(at: Desk<'_>, address: EmailAddress) -> Result<User, AdminError> {
    user_with(at, Some(address))
}

fn user_with(at: Desk<'_>, address: Option<EmailAddress>) -> Result<User, AdminError> {
    let email = |address| UserEmail { address, verified_at: Some(at.now), is_primary: true };
    Ok(User {
        id: at.app.entropy.id(UserId::new, at.now),
        subject: Subject::try_from(at.app.entropy.hex::<16>()).map_err(AdminError::refused)?,
        emails: address.map(email).into_iter().collect(),
        profile: Profile::default(),
        created_at: at.now,
        updated_at: at.now,
        disabled_at: None,
        language: None,
        username: None,
    })
}

/// Nobody locks themselves out by a slip of the hand.
fn not_oneself(at: Desk<'_>, user: &User) -> Result<(), AdminError> {
    if at.authority.is_own(user.id) {
        return Err(AdminError::refused("an administrator can't do this to themselves"));
    }
    Ok(())
}

/// Nothing is issued for the user any more, and they are signed out everywhere.
pub async fn disable(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    not_oneself(at, &user)?;
    let event = at.event(EventKind::UserDisabled, user.id);
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        if !tx.set_disabled(user.id, Some(at.now)).await? {
            return Err(gone());
        }
        let ended = tx.end_sessions_of_user(user.id, at.now).await?;
        at.append(tx, &event).await?;
        Ok(ended)
    })?;
    tell(at.app, at.tenant, ended).await;
    Ok(shown(&User { disabled_at: Some(at.now), ..user }))
}

pub async fn enable(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let event = at.event(EventKind::UserEnabled, user.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        if !tx.set_disabled(user.id, None).await? {
            return Err(gone());
        }
        at.append(tx, &event).await
    })?;
    Ok(shown(&User { disabled_at: None, ..user }))
}

/// Ends every session, and every grant, those too that outlive their session.
pub async fn sign_out(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let event = at.event(EventKind::UserSignedOut, user.id);
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        let ended = tx.end_sessions_of_user(user.id, at.now).await?;
        tx.end_grants_of_user(user.id, at.now).await?;
        at.append(tx, &event).await?;
        Ok(ended)
    })?;
    tell(at.app, at.tenant, ended).await;
    Ok(shown(&user))
}

/// Ends one session of a user, and with it the grants that don't outlive it.
pub async fn end_session(at: Desk<'_>, user: &str, session: SessionId) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let event = at.event(EventKind::SessionEnded, session).with("by", "administration");
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        let ended = tx.end_session_of(user.id, session, at.now).await?;
        if ended.is_any() {
            at.append(tx, &event).await?;
        }
        Ok(ended)
    })?;
    if !ended.is_any() {
        return Err(AdminError::unknown(format!("the user has no session {session}, or has it no longer")));
    }
    tell(at.app, at.tenant, ended).await;
    Ok(shown(&user))
}

/// Lets a user who guessed wrong too often, or at whose account somebody guessed, try again at once.
pub async fn forgive_attempts(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let event = at.event(EventKind::AttemptsForgiven, user.id);
    write_tx!(at.app.store, at.tenant.id, |tx| -> Result<(), AdminError> {
        attempts::forgive_account(tx, at.tenant, &user).await?;
        at.append(tx, &event).await
    })?;
    Ok(shown(&user))
}

/// Puts a password in the place of the present one that nobody knows, and signs the user out everywhere. The row stays,
/// since its version must go on growing: records of earlier proofs name it. A mail tells the user, and how to choose
/// another: by a code that goes to whoever reads their mail, so that nobody else ever holds it.
pub async fn reset_password(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    let nobody_knows = SecretText::new(at.app.entropy.hex::<32>());
    let context = [at.tenant.issuer.authority()];
    let new =
        NewPassword::check(&nobody_knows, PasswordPolicy::Alone, &context).map_err(AdminError::refused)?;
    let hash = at.app.hasher.hash(new, at.app.entropy.bytes()).await;
    let hash = hash.map_err(|error| AdminError::Fault(Fault::new("hash the password").because(error)))?;
    let event = at.event(EventKind::PasswordReset, user.id);
    let notice = reset_notice(at, &user)?;
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        if tx.user(user.id).await?.is_none() {
            return Err(gone());
        }
        tx.set_password(user.id, &hash, at.now).await?;
        let ended = tx.end_sessions_of_user(user.id, at.now).await?;
        tx.end_grants_of_user(user.id, at.now).await?;
        if let Some(notice) = &notice {
            tx.append_mail(notice).await?;
        }
        at.append(tx, &event).await?;
        Ok(ended)
    })?;
    tell(at.app, at.tenant, ended).await;
    Ok(shown(&user))
}

/// None for whoever has no address, or where no mail can arrive.
fn reset_notice(at: Desk<'_>, user: &User) -> Result<Option<MailRecord>, Fault> {
    if !at.app.config.can_mail() {
        return Ok(None);
    }
    let notice = notices::password_reset(at.app, at.tenant, user, at.now);
    notice.map_err(|failure| Fault::new("write the notice").because(failure.into_cause()))
}

fn gone() -> AdminError {
    AdminError::unknown("the user was deleted just now")
}

pub async fn delete(at: Desk<'_>, user: &str) -> Result<Value, AdminError> {
    let user = find(at, user).await?;
    not_oneself(at, &user)?;
    let event = at.event(EventKind::UserDeleted, user.id);
    let username = user.username.as_ref().map(|username| at.tenant.username_hash(username));
    let ended = write_tx!(at.app.store, at.tenant.id, |tx| -> Result<Ended, AdminError> {
        let Some(ended) = tx.delete_account(&user, username, at.now).await? else {
            return Ok(Ended::default());
        };
        at.append(tx, &event).await?;
        Ok(ended)
    })?;
    tell(at.app, at.tenant, ended).await;
    Ok(json!({ "deleted": user.id }))
}

/// The user of an id, an address or a username. What has the form of an id is nothing else.
pub async fn find(at: Desk<'_>, name: &str) -> Result<User, AdminError> {
    let mut read = at.app.store.read(at.tenant.id);
    let found = match (name.parse::<UserId>(), name.parse::<Identifier>()) {
        (Ok(id), _) => read.user(id).await?,
        (Err(_), Ok(identifier)) => read.user_by_identifier(&identifier).await?,
        (Err(_), Err(_)) => None,
    };
    found.ok_or_else(|| {
        AdminError::unknown(format!("there is no user {name}; name the address, the username or the id"))
    })
}

/// The primary address, as its owner writes it.
pub fn address_of(user: &User) -> Option<&str> {
    user.primary_email().map(|email| email.address.as_written())
}

fn shown(user: &User) -> Value {
    let email = user.primary_email();
    json!({
        "user_id": user.id,
        "sub": user.subject,
        "username": user.username,
        "email": email.map(|email| email.address.as_written()),
        "email_verified": email.is_some_and(|email| email.verified_at.is_some()),
        "created_at": instant(user.created_at),
        "disabled": !user.is_enabled(),
    })
}
