//! People, their addresses and their passwords.

use identity::password::{PasswordHash, StoredPassword};
use identity::{Identifier, Profile, User, UserEmail, search};
use terms::{CanonicalEmail, CanonicalUsername, EmailAddress, Language, Subject, Timestamp, UserId};

use crate::endings::Ended;
use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::{Read, Tx};
use crate::value::Json;

/// A column that holds an address as its owner writes it, or nothing.
pub(crate) fn opt_address(row: &Row, column: &'static str) -> Result<Option<EmailAddress>, BadColumn> {
    let text = row.opt_text(column)?;
    text.map(|text| EmailAddress::parse(&text).map_err(|error| BadColumn::new(column, error))).transpose()
}

/// A user with one of their addresses: a user with several comes as several rows.
pub struct UserRow {
    user: User,
}

impl FromRow for UserRow {
    const TABLE: &'static str = "user_account";
    const KEY: &'static str = "user_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { user: user_of(row, "user_id", "created_at")? })
    }
}

/// The columns of a user that is joined to something else, with one of their addresses: for `user_account` as `u` with
/// `user_joins`.
macro_rules! user_columns {
    () => {
        "u.user_id AS account_id, u.subject, u.profile, u.created_at AS account_created_at, u.updated_at, u.disabled_at, \
         u.language, n.canonical AS username, e.written, e.verified_at, e.is_primary"
    };
}

macro_rules! user_joins {
    () => {
        "LEFT JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id \
         LEFT JOIN user_username n ON n.tenant_id = u.tenant_id AND n.user_id = u.user_id "
    };
}

macro_rules! password_columns {
    () => {
        "p.user_id, p.phc, p.version, p.changed_at"
    };
}

macro_rules! password_join {
    () => {
        "LEFT JOIN password p ON p.tenant_id = u.tenant_id AND p.user_id = u.user_id "
    };
}

pub(crate) use {user_columns, user_joins};

/// A user who was joined, if there is one.
pub(crate) fn joined_user(row: &Row<'_>) -> Result<Option<User>, BadColumn> {
    match row.opt_text("account_id")? {
        None => Ok(None),
        Some(_) => user_of(row, "account_id", "account_created_at").map(Some),
    }
}

/// A user with one address at most; their id and the instant of their making stand in the columns named.
fn user_of(row: &Row, id: &'static str, created_at: &'static str) -> Result<User, BadColumn> {
    let email = match opt_address(row, "written")? {
        None => None,
        Some(address) => Some(UserEmail {
            address,
            verified_at: row.opt_time("verified_at")?,
            is_primary: row.bool("is_primary")?,
        }),
    };
    Ok(User {
        id: row.parse(id)?,
        subject: row.parse("subject")?,
        emails: email.into_iter().collect(),
        profile: row.json::<Profile>("profile")?,
        created_at: row.time(created_at)?,
        updated_at: row.time("updated_at")?,
        disabled_at: row.opt_time("disabled_at")?,
        language: row.opt_parse("language")?,
        username: row.opt_parse("username")?,
    })
}

/// Joins rows of one user that follow each other.
fn users_of(rows: Vec<UserRow>) -> Vec<User> {
    let mut users: Vec<User> = Vec::new();
    for UserRow { user } in rows {
        match users.last_mut() {
            Some(last) if last.id == user.id => last.emails.extend(user.emails),
            _ => users.push(user),
        }
    }
    users
}

impl FromRow for StoredPassword {
    const TABLE: &'static str = "password";
    const KEY: &'static str = "user_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            user_id: row.parse("user_id")?,
            hash: PasswordHash::from_stored(row.text("phc")?),
            version: row.int("version")?,
            changed_at: row.time("changed_at")?,
        })
    }
}

/// A user with one of their addresses, and with their password if they have one.
pub struct GuardedRow {
    user: User,
    password: Option<StoredPassword>,
}

impl FromRow for GuardedRow {
    const TABLE: &'static str = "user_account";
    const KEY: &'static str = "account_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let user = user_of(row, "account_id", "account_created_at")?;
        let password = match row.opt_text("user_id")? {
            None => None,
            Some(_) => Some(StoredPassword::from_row(row)?),
        };
        Ok(Self { user, password })
    }
}

/// Joins the rows of one user.
fn guarded_of(rows: Vec<GuardedRow>) -> Option<(User, Option<StoredPassword>)> {
    let mut found: Option<(User, Option<StoredPassword>)> = None;
    for GuardedRow { user, password } in rows {
        match &mut found {
            None => found = Some((user, password)),
            Some((known, _)) => known.emails.extend(user.emails),
        }
    }
    found
}

impl Read {
    /// A user with their password, if they have one.
    pub async fn user_and_password(
        &mut self,
        user: UserId,
    ) -> Result<Option<(User, Option<StoredPassword>)>, Fault> {
        Ok(guarded_of(self.guarded_rows(user).await?))
    }

    /// Who is found by what was typed, with their password, if they have one.
    pub async fn user_and_password_by_identifier(
        &mut self,
        identifier: &Identifier,
    ) -> Result<Option<(User, Option<StoredPassword>)>, Fault> {
        let rows = match identifier {
            Identifier::Email(address) => self.guarded_rows_by_email(address.canonical()).await?,
            Identifier::Username(username) => self.guarded_rows_by_username(username).await?,
        };
        Ok(guarded_of(rows))
    }

    pub async fn user(&mut self, user: UserId) -> Result<Option<User>, Fault> {
        Ok(users_of(self.user_rows(user).await?).pop())
    }

    /// Who has this address, verified or not.
    pub async fn user_by_email(&mut self, email: &CanonicalEmail) -> Result<Option<User>, Fault> {
        Ok(users_of(self.user_rows_by_email(email).await?).pop())
    }

    pub async fn user_by_username(&mut self, username: &CanonicalUsername) -> Result<Option<User>, Fault> {
        Ok(users_of(self.user_rows_by_username(username).await?).pop())
    }

    /// Who is found by what was typed.
    pub async fn user_by_identifier(&mut self, identifier: &Identifier) -> Result<Option<User>, Fault> {
        match identifier {
            Identifier::Email(address) => self.user_by_email(address.canonical()).await,
            Identifier::Username(username) => self.user_by_username(username).await,
        }
    }

    pub async fn user_by_subject(&mut self, subject: &Subject) -> Result<Option<User>, Fault> {
        Ok(users_of(self.user_rows_by_subject(subject).await?).pop())
    }

    /// Users in the order of their making, after the one named.
    pub async fn users_after(&mut self, after: Option<UserId>, most: u32) -> Result<Vec<User>, Fault> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        Ok(users_of(self.user_rows_after(&after, most).await?))
    }

    /// Who is found by the beginning of an address, a username or a name, after what a page ended with. Each row is one way of
    /// finding: a user with several fitting terms comes several times.
    pub async fn users_found(
        &mut self,
        beginning: &str,
        after: Option<&Found>,
        most: u32,
    ) -> Result<Vec<Found>, Fault> {
        let address = beginning.trim().to_lowercase();
        let name = search::fold(beginning);
        let ends = (search::end_of_prefix(&address), search::end_of_prefix(&name));
        // A page begins where the one before it ended, not where the first one did.
        let from = |first: &str| match after {
            Some(after) if after.term.as_str() >= first => (after.term.clone(), after.user.to_string()),
            _ => (first.to_owned(), String::new()),
        };
        let (addressed, named) = (from(&address), from(&name));
        self.found(&addressed.0, &addressed.1, &ends.0, &named.0, &named.1, &ends.1, most).await
    }
}

impl Tx {
    /// Makes a user with their addresses and their username. False when the subject, an address or the username is another's, or
    /// the subject was one's (whether the username was, [`Read::is_username_free`] says): then the caller must roll
    /// back or answer without having made anyone, which is why nothing stays behind.
    pub async fn insert_user(&mut self, user: &User, webauthn_handle: &[u8; 32]) -> Result<bool, Fault> {
        if self.is_retired(&user.subject).await? || !self.insert_account(user, webauthn_handle).await? {
            return Ok(false);
        }
        for email in &user.emails {
            if !self.insert_email(user.id, email).await? {
                self.delete_user_row(user.id).await?;
                return Ok(false);
            }
        }
        if let Some(username) = &user.username
            && !self.insert_username(user.id, username, user.created_at).await?
        {
            self.delete_user_row(user.id).await?;
            return Ok(false);
        }
        self.index_names(user.id, &user.profile).await?;
        Ok(true)
    }

    /// Stores what a user tells of themselves. False when there is no such user.
    pub async fn set_profile(
        &mut self,
        user: UserId,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        if !self.update_profile(user, profile, now).await? {
            return Ok(false);
        }
        self.index_names(user, profile).await?;
        Ok(true)
    }

    /// Deletes a user with their addresses, password and sessions, which end. What they did stays told, without from where.
    /// `None` when there is no such user: of two at once, one gets what ended.
    pub async fn delete_user(&mut self, user: UserId, now: Timestamp) -> Result<Option<Ended>, Fault> {
        // First, while it is known by what name their clients know them.
        let ended = self.end_sessions_of_user(user, now).await?;
        self.erase_addresses_of(user).await?;
        Ok(self.delete_user_row(user).await?.then_some(ended))
    }

    async fn index_names(&mut self, user: UserId, profile: &Profile) -> Result<(), Fault> {
        self.forget_names(user).await?;
        for term in search::terms_of(profile) {
            self.insert_name(&term, user).await?;
        }
        Ok(())
    }
}

/// One way in which a user was found, in the order of the terms: where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub term: String,
    pub user: UserId,
}

impl FromRow for Found {
    const TABLE: &'static str = "user_search";
    const KEY: &'static str = "user_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { term: row.text("term")?, user: row.parse("user_id")? })
    }
}

verbs! {
    read many user_rows(user: UserId) -> UserRow =
        "SELECT u.user_id, u.subject, u.profile, u.created_at, u.updated_at, u.disabled_at, u.language,
                n.canonical AS username, e.written, e.verified_at, e.is_primary
           FROM user_account u LEFT JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id
           LEFT JOIN user_username n ON n.tenant_id = u.tenant_id AND n.user_id = u.user_id
          WHERE u.tenant_id = $1 AND u.user_id = $2 ORDER BY e.canonical";

    read many user_rows_by_email(email: &CanonicalEmail) -> UserRow =
        "SELECT u.user_id, u.subject, u.profile, u.created_at, u.updated_at, u.disabled_at, u.language,
                n.canonical AS username, e.written, e.verified_at, e.is_primary
           FROM user_email f
           JOIN user_account u ON u.tenant_id = f.tenant_id AND u.user_id = f.user_id
           JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id
           LEFT JOIN user_username n ON n.tenant_id = u.tenant_id AND n.user_id = u.user_id
          WHERE f.tenant_id = $1 AND f.canonical = $2 ORDER BY e.canonical";

    read many user_rows_by_username(username: &CanonicalUsername) -> UserRow =
        "SELECT u.user_id, u.subject, u.profile, u.created_at, u.updated_at, u.disabled_at, u.language,
                n.canonical AS username, e.written, e.verified_at, e.is_primary
           FROM user_username n
           JOIN user_account u ON u.tenant_id = n.tenant_id AND u.user_id = n.user_id
           LEFT JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id
          WHERE n.tenant_id = $1 AND n.canonical = $2 ORDER BY e.canonical";

    read many user_rows_by_subject(subject: &Subject) -> UserRow =
        "SELECT u.user_id, u.subject, u.profile, u.created_at, u.updated_at, u.disabled_at, u.language,
                n.canonical AS username, e.written, e.verified_at, e.is_primary
           FROM user_account u LEFT JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id
           LEFT JOIN user_username n ON n.tenant_id = u.tenant_id AND n.user_id = u.user_id
          WHERE u.tenant_id = $1 AND u.subject = $2 ORDER BY e.canonical";

    read many user_rows_after(after: &str, most: u32) -> UserRow =
        "SELECT u.user_id, u.subject, u.profile, u.created_at, u.updated_at, u.disabled_at, u.language,
                n.canonical AS username, e.written, e.verified_at, e.is_primary
           FROM user_account u LEFT JOIN user_email e ON e.tenant_id = u.tenant_id AND e.user_id = u.user_id
           LEFT JOIN user_username n ON n.tenant_id = u.tenant_id AND n.user_id = u.user_id
          WHERE u.tenant_id = $1 AND u.user_id IN (
                SELECT p.user_id FROM user_account p WHERE p.tenant_id = $1 AND p.user_id > $2 ORDER BY p.user_id LIMIT $3)
          ORDER BY u.user_id, e.canonical";

    read many guarded_rows(user: UserId) -> GuardedRow =
        concat!("SELECT ", user_columns!(), ", ", password_columns!(), " FROM user_account u ", user_joins!(), password_join!(),
                "WHERE u.tenant_id = $1 AND u.user_id = $2 ORDER BY e.canonical");

    read many guarded_rows_by_email(email: &CanonicalEmail) -> GuardedRow =
        concat!("SELECT ", user_columns!(), ", ", password_columns!(), " FROM user_email f
                   JOIN user_account u ON u.tenant_id = f.tenant_id AND u.user_id = f.user_id ", user_joins!(), password_join!(),
                "WHERE f.tenant_id = $1 AND f.canonical = $2 ORDER BY e.canonical");

    read many guarded_rows_by_username(username: &CanonicalUsername) -> GuardedRow =
        concat!("SELECT ", user_columns!(), ", ", password_columns!(), " FROM user_username f
                   JOIN user_account u ON u.tenant_id = f.tenant_id AND u.user_id = f.user_id ", user_joins!(), password_join!(),
                "WHERE f.tenant_id = $1 AND f.canonical = $2 ORDER BY e.canonical");

    pub read opt password_of(user: UserId) -> StoredPassword =
        "SELECT user_id, phc, version, changed_at FROM password WHERE tenant_id = $1 AND user_id = $2";

    write guard insert_account(it: &User, webauthn_handle: &[u8; 32])
        [it.id, it.subject, *webauthn_handle, Json(&it.profile), it.created_at, it.updated_at, it.disabled_at, it.language] =
        "INSERT INTO user_account (tenant_id, user_id, subject, webauthn_handle, profile, created_at, updated_at, disabled_at,
                                   language)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";

    /// Gives a user an address. False when it is anyone's already.
    pub write guard insert_email(user: UserId, it: &UserEmail)
        [it.address.canonical(), it.address.as_written(), user, it.verified_at, it.is_primary] =
        "INSERT INTO user_email (tenant_id, canonical, written, user_id, verified_at, is_primary)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    /// Sets a password and answers its version: records that name an earlier one no longer hold.
    pub write one set_password(user: UserId, hash: &PasswordHash, now: Timestamp)[user, hash.as_phc(), now] -> i64 =
        "INSERT INTO password (tenant_id, user_id, phc, version, changed_at) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (tenant_id, user_id) DO UPDATE
            SET phc = excluded.phc, version = password.version + 1, changed_at = excluded.changed_at
         RETURNING version AS n";

    /// Stores the same password at another cost, if it is still the same.
    pub write guard rehash_password(user: UserId, version: i64, hash: &PasswordHash)[user, version, hash.as_phc()] =
        "UPDATE password SET phc = $4 WHERE tenant_id = $1 AND user_id = $2 AND version = $3";

    write guard update_profile(user: UserId, profile: &Profile, now: Timestamp)[user, Json(profile), now] =
        "UPDATE user_account SET profile = $3, updated_at = $4 WHERE tenant_id = $1 AND user_id = $2";

    /// Sets the language in which a user is written to. No claim tells of it, so `updated_at` stays.
    pub write guard set_language(user: UserId, language: Language) =
        "UPDATE user_account SET language = $3 WHERE tenant_id = $1 AND user_id = $2";

    /// Disables a user, or enables them again with nothing. Their live sessions are ended by
    /// [`Tx::end_sessions_of_user`].
    pub write guard set_disabled(user: UserId, disabled_at: Option<Timestamp>) =
        "UPDATE user_account SET disabled_at = $3 WHERE tenant_id = $1 AND user_id = $2";

    write guard delete_user_row(user: UserId) =
        "DELETE FROM user_account WHERE tenant_id = $1 AND user_id = $2";

    write exec forget_names(user: UserId) =
        "DELETE FROM user_search WHERE tenant_id = $1 AND user_id = $2";

    write exec insert_name(term: &str, user: UserId) =
        "INSERT INTO user_search (tenant_id, term, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    /// Ranges of three indexes, each no longer than the page.
    read many found(
        address: &str, address_user: &str, address_end: &str, name: &str, name_user: &str, name_end: &str, most: u32,
    ) -> Found =
        "SELECT term, user_id FROM (SELECT canonical AS term, user_id FROM user_email
            WHERE tenant_id = $1 AND (canonical, user_id) > ($2, $3) AND canonical < $4 ORDER BY canonical LIMIT $8) AS addressed
         UNION
         SELECT term, user_id FROM (SELECT canonical AS term, user_id FROM user_username
            WHERE tenant_id = $1 AND (canonical, user_id) > ($2, $3) AND canonical < $4 ORDER BY canonical LIMIT $8) AS called
         UNION
         SELECT term, user_id FROM (SELECT term, user_id FROM user_search
            WHERE tenant_id = $1 AND (term, user_id) > ($5, $6) AND term < $7 ORDER BY term, user_id LIMIT $8) AS named
          ORDER BY term, user_id LIMIT $8";
}
