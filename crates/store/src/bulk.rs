//! People and clients in bulk, to measure with: statements that make thousands of rows each. They are numbered, and otherwise
//! as the program makes them, except that those of one batch share the handle that authenticators would keep.

use identity::password::PasswordHash;
use identity::{Actor, EventKind, Profile};
use oidc::client::Client;
use terms::{ClientSecretHash, ClientSecretId, EventId, Timestamp, UserId};

use crate::Tx;
use crate::fault::Fault;
use crate::statement::verbs;
use crate::value::Json;

/// People to be made: those with the numbers from `first` to `last`, whose addresses are `person{number}@example.test`.
#[derive(Clone, Debug)]
pub struct People<'a> {
    pub first: i64,
    pub last: i64,
    /// From which the ids of all are made, and which tell when.
    pub user: UserId,
    pub event: EventId,
    /// The first sixteen hexadecimal digits of their subjects.
    pub subject: &'a str,
    pub webauthn_handle: [u8; 32],
    /// Everybody's given name, by which they are found.
    pub name: &'a str,
    pub password: &'a PasswordHash,
    pub now: Timestamp,
}

/// Clients to be made: those with the numbers from `first` to `last`, whose ids are `client{number}`.
#[derive(Clone, Debug)]
pub struct Clients<'a> {
    pub first: i64,
    pub last: i64,
    /// What all are like; its id is none of theirs.
    pub like: &'a Client,
    pub secret: ClientSecretId,
    pub secret_hash: ClientSecretHash,
    pub now: Timestamp,
}

/// All of an id but its last sixteen digits, in whose place numbers come.
fn stem(id: &impl ToString) -> String {
    let id = id.to_string();
    id.get(..id.len().saturating_sub(16)).unwrap_or_default().to_owned()
}

impl Tx {
    /// Makes people with a verified address and a password, and the events that say so. Their numbers must be free.
    pub async fn insert_people(&mut self, it: &People<'_>) -> Result<(), Fault> {
        let (user, event) = (stem(&it.user), stem(&it.event));
        let profile = Profile { given_name: Some(it.name.to_owned()), ..Profile::default() };
        self.insert_accounts(it.first, it.last, &user, it.subject, &it.webauthn_handle, &profile, it.now)
            .await?;
        self.insert_addresses(it.first, it.last, &user, it.now).await?;
        self.insert_passwords(it.first, it.last, &user, it.password, it.now).await?;
        for term in identity::search::terms_of(&profile) {
            self.insert_names(it.first, it.last, &user, &term).await?;
        }
        self.insert_creations(it.first, it.last, &event, &user, it.now).await
    }

    /// Makes clients with one secret, which all share. Their numbers must be free.
    pub async fn insert_clients(&mut self, it: &Clients<'_>) -> Result<(), Fault> {
        self.bump_tenant_version().await?;
        self.insert_client_rows(it.first, it.last, it.like, it.now).await?;
        self.insert_secrets(it.first, it.last, &stem(&it.secret), it.secret_hash, it.now).await
    }
}

/// The numbers from `$2` to `$3` as the column `i`, for an `INSERT` from a `SELECT`.
macro_rules! numbered {
    ($insert:literal, $select:literal) => {
        concat!(
            $insert,
            " WITH RECURSIVE n (i) AS (SELECT CAST($2 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < CAST($3 AS BIGINT)) ",
            $select,
            " FROM n"
        )
    };
}

verbs! {
    write exec insert_accounts(
        first: i64, last: i64, user: &str, subject: &str, webauthn_handle: &[u8; 32], profile: &Profile, now: Timestamp,
    )[first, last, user, subject, *webauthn_handle, Json(profile), now] = numbered!(
        "INSERT INTO user_account (tenant_id, user_id, subject, webauthn_handle, profile, created_at, updated_at)",
        "SELECT $1, CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), CAST($5 AS TEXT) || CAST(8000000000000000 + i AS TEXT),
                $6, $7, $8, $8");

    write exec insert_addresses(first: i64, last: i64, user: &str, now: Timestamp) = numbered!(
        "INSERT INTO user_email (tenant_id, canonical, written, user_id, verified_at, is_primary)",
        "SELECT $1, 'person' || CAST(i AS TEXT) || '@example.test', 'person' || CAST(i AS TEXT) || '@example.test',
                CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), $5, TRUE");

    write exec insert_passwords(first: i64, last: i64, user: &str, hash: &PasswordHash, now: Timestamp)
        [first, last, user, hash.as_phc(), now] = numbered!(
        "INSERT INTO password (tenant_id, user_id, phc, version, changed_at)",
        "SELECT $1, CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), $5, 1, $6");

    write exec insert_names(first: i64, last: i64, user: &str, term: &str) = numbered!(
        "INSERT INTO user_search (tenant_id, user_id, term)",
        "SELECT $1, CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), $5");

    write exec insert_creations(first: i64, last: i64, event: &str, user: &str, now: Timestamp)
        [first, last, event, user, EventKind::UserCreated.as_str(), now, Json(Actor::Operator), Json(serde_json::json!({}))] = numbered!(
        "INSERT INTO event (tenant_id, event_id, subject, kind, at, actor, details)",
        "SELECT $1, CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), CAST($5 AS TEXT) || CAST(8000000000000000 + i AS TEXT),
                $6, $7, $8, $9");

    write exec insert_client_rows(first: i64, last: i64, like: &Client, now: Timestamp)
        [first, last, like.metadata.to_json(), Json(&like.settings), now] = numbered!(
        "INSERT INTO client (tenant_id, client_id, metadata, settings, created_at)",
        "SELECT $1, 'client' || CAST(i AS TEXT), $4, $5, $6");

    write exec insert_secrets(first: i64, last: i64, secret: &str, hash: ClientSecretHash, now: Timestamp) = numbered!(
        "INSERT INTO client_secret (tenant_id, client_id, secret_id, secret_hash, created_at)",
        "SELECT $1, 'client' || CAST(i AS TEXT), CAST($4 AS TEXT) || CAST(8000000000000000 + i AS TEXT), $5, $6");
}
