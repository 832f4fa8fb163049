//! Clients, their secrets, and the resource servers that their tokens are for.

use std::time::Duration;

use oidc::client::{Client, ClientMetadata, ClientSettings};
use oidc::client_assertion::{AssertionId, Single};
use oidc::client_auth::{KeptSecret, LiveSecret};
use oidc::resource_server::{ResourceIdentifier, ResourceServer};
use terms::{ClientId, ClientSecretHash, ClientSecretId, ResourceServerId, Timestamp};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::value::{Json, Kind, Value};
use crate::{Fault, Tx};

/// Secrets of one client that may live at once.
pub const LIVE_SECRETS: usize = 2;

impl FromRow for Client {
    const TABLE: &'static str = "client";
    const KEY: &'static str = "client_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let metadata: serde_json::Value = row.json("metadata")?;
        let metadata = ClientMetadata::stored(&metadata).map_err(|faults| {
            let members: Vec<&str> = faults.iter().map(|fault| fault.member.as_str()).collect();
            BadColumn::new("metadata", format!("members that are not valid: {}", members.join(", ")))
        })?;
        Ok(Self {
            id: row.parse("client_id")?,
            metadata,
            settings: row.json::<ClientSettings>("settings")?,
            created_at: row.time("created_at")?,
            last_used_at: row.opt_time("last_used_at")?,
        })
    }
}

impl FromRow for LiveSecret {
    const TABLE: &'static str = "client_secret";
    const KEY: &'static str = "secret_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("secret_id")?,
            kept: match (row.opt_hash("secret_hash")?, row.opt_blob("sealed_secret")?) {
                (Some(hash), None) => KeptSecret::Hashed(ClientSecretHash::from_bytes(hash)),
                (None, Some(sealed)) => KeptSecret::Sealed(sealed),
                _ => {
                    return Err(BadColumn::new(
                        "sealed_secret",
                        "a secret that is kept in no way, or in two",
                    ));
                }
            },
            expires_at: row.opt_time("expires_at")?,
        })
    }
}

/// The salt of a tenant's pairwise subjects (OpenID Connect Core section 8.1), sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSalt(pub Vec<u8>);

impl FromRow for SealedSalt {
    const TABLE: &'static str = "pairwise_salt";
    const KEY: &'static str = "tenant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self(row.blob("sealed_salt")?))
    }
}

impl FromRow for ResourceServer {
    const TABLE: &'static str = "resource_server";
    const KEY: &'static str = "resource_server_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: Some(row.parse("resource_server_id")?),
            identifier: row.parse("identifier")?,
            scopes: row.parse("scope")?,
            format: row.parse("token_format")?,
            access_token_lifetime: Duration::from_millis(row.narrow("token_lifetime")?),
            introspection_client: row.opt_parse("client_id")?,
        })
    }
}

verbs! {
    pub read opt client(client: &ClientId) -> Client =
        "SELECT client_id, metadata, settings, created_at, last_used_at FROM client WHERE tenant_id = $1 AND client_id = $2";

    /// A page of clients in the order of their ids, after one of them.
    pub read many clients_after(after: &str, most: u32) -> Client =
        "SELECT client_id, metadata, settings, created_at, last_used_at FROM client
          WHERE tenant_id = $1 AND client_id > $2 ORDER BY client_id LIMIT $3";

    write guard insert_client_row(it: &Client)
        [it.id, it.metadata.to_json(), Json(&it.settings), it.created_at, it.last_used_at] =
        "INSERT INTO client (tenant_id, client_id, metadata, settings, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

    write guard update_client_row(it: &Client)[it.id, it.metadata.to_json(), Json(&it.settings)] =
        "UPDATE client SET metadata = $3, settings = $4 WHERE tenant_id = $1 AND client_id = $2";

    write guard delete_client_row(client: &ClientId) =
        "DELETE FROM client WHERE tenant_id = $1 AND client_id = $2";

    write exec forget_introspection_client(client: &ClientId) =
        "UPDATE resource_server SET client_id = NULL WHERE tenant_id = $1 AND client_id = $2";

    /// The secrets of a client, oldest first, the expired ones too: whether each lives, who authenticates decides.
    pub read many client_secrets(client: &ClientId) -> LiveSecret =
        "SELECT secret_id, secret_hash, sealed_secret, expires_at FROM client_secret
          WHERE tenant_id = $1 AND client_id = $2 ORDER BY secret_id";

    write exec insert_client_secret_row(client: &ClientId, it: &LiveSecret, now: Timestamp)
        [client, it.id, hash_of(it), sealed_of(it), now, it.expires_at] =
        "INSERT INTO client_secret (tenant_id, client_id, secret_id, secret_hash, sealed_secret, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    write exec delete_client_secret_rows(client: &ClientId) =
        "DELETE FROM client_secret WHERE tenant_id = $1 AND client_id = $2";

    /// Remembers that an assertion was used. False when it was used before: of two at once, one gets true.
    pub write guard spend_assertion(it: &Single)[it.id, it.expires_at] =
        "INSERT INTO spent_assertion (tenant_id, assertion_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    /// The salt of the tenant's pairwise subjects, sealed.
    pub read opt pairwise_salt() -> SealedSalt =
        "SELECT tenant_id, sealed_salt FROM pairwise_salt WHERE tenant_id = $1";

    /// Gives the tenant its salt. False when it has one: of two at once, one gets true.
    pub write guard insert_pairwise_salt(sealed: &[u8], now: Timestamp) =
        "INSERT INTO pairwise_salt (tenant_id, sealed_salt, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

    write exec delete_expired_client_secrets(client: &ClientId, now: Timestamp) =
        "DELETE FROM client_secret WHERE tenant_id = $1 AND client_id = $2 AND expires_at <= $3";

    write exec delete_client_secret_rows_before(client: &ClientId, secret: ClientSecretId) =
        "DELETE FROM client_secret WHERE tenant_id = $1 AND client_id = $2 AND secret_id < $3";

    write count expire_client_secret_rows(client: &ClientId, at: Timestamp) =
        "UPDATE client_secret SET expires_at = $3
          WHERE tenant_id = $1 AND client_id = $2 AND (expires_at IS NULL OR expires_at > $3)";

    pub read opt resource_server(identifier: &ResourceIdentifier)[identifier.as_str()] -> ResourceServer =
        "SELECT resource_server_id, identifier, scope, token_format, token_lifetime, client_id FROM resource_server
          WHERE tenant_id = $1 AND identifier = $2";

    /// A resource server by the client as which it introspects.
    pub read many resource_servers_of_client(client: &ClientId) -> ResourceServer =
        "SELECT resource_server_id, identifier, scope, token_format, token_lifetime, client_id FROM resource_server
          WHERE tenant_id = $1 AND client_id = $2 ORDER BY resource_server_id";

    pub read many resource_servers() -> ResourceServer =
        "SELECT resource_server_id, identifier, scope, token_format, token_lifetime, client_id FROM resource_server
          WHERE tenant_id = $1 ORDER BY resource_server_id";

    write guard delete_resource_server_row(id: ResourceServerId) =
        "DELETE FROM resource_server WHERE tenant_id = $1 AND resource_server_id = $2";

    write guard insert_resource_server_row(id: ResourceServerId, it: &ResourceServer)[
        id, it.identifier.as_str(), it.scopes.to_string(), it.format.as_str(), millis(it.access_token_lifetime),
        it.introspection_client,
    ] =
        "INSERT INTO resource_server (tenant_id, resource_server_id, identifier, scope, token_format, token_lifetime, client_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
}

fn hash_of(secret: &LiveSecret) -> Option<ClientSecretHash> {
    match &secret.kept {
        KeptSecret::Hashed(hash) => Some(*hash),
        KeptSecret::Sealed(_) => None,
    }
}

fn sealed_of(secret: &LiveSecret) -> Option<&Vec<u8>> {
    match &secret.kept {
        KeptSecret::Hashed(_) => None,
        KeptSecret::Sealed(sealed) => Some(sealed),
    }
}

impl crate::value::ToValue for AssertionId {
    const KIND: Kind = Kind::Blob;

    fn to_value(&self) -> Value {
        Value::Blob(self.as_bytes().to_vec())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What nodes keep in memory changes with the tenant's version, so each change here raises it.
impl Tx {
    /// False when the id is taken.
    pub async fn insert_client(&mut self, client: &Client) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.insert_client_row(client).await
    }

    /// Stores changed metadata and settings. False when there is no such client.
    pub async fn update_client(&mut self, client: &Client) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.update_client_row(client).await
    }

    /// Takes a client away with its secrets and consents. Its grants stay and hold no more, since their client is unknown.
    pub async fn delete_client(&mut self, client: &ClientId) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.forget_introspection_client(client).await?;
        self.delete_client_row(client).await
    }

    /// Adds a secret. False when [`LIVE_SECRETS`] of them live already.
    pub async fn insert_client_secret(
        &mut self,
        client: &ClientId,
        secret: &LiveSecret,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.delete_expired_client_secrets(client, now).await?;
        if self.client_secrets(client).await?.len() >= LIVE_SECRETS {
            return Ok(false);
        }
        self.insert_client_secret_row(client, secret, now).await?;
        Ok(true)
    }

    /// Takes away every secret of a client.
    pub async fn delete_client_secrets(&mut self, client: &ClientId) -> Result<(), Fault> {
        self.bump_tenant_version().await?;
        self.delete_client_secret_rows(client).await
    }

    /// Takes away the secrets of a client that are older than one of them.
    pub async fn delete_client_secrets_before(
        &mut self,
        client: &ClientId,
        secret: ClientSecretId,
    ) -> Result<(), Fault> {
        self.bump_tenant_version().await?;
        self.delete_client_secret_rows_before(client, secret).await
    }

    /// Lets the secrets of a client expire that live beyond an instant.
    pub async fn expire_client_secrets(&mut self, client: &ClientId, at: Timestamp) -> Result<u64, Fault> {
        self.bump_tenant_version().await?;
        self.expire_client_secret_rows(client, at).await
    }

    /// Takes a resource server away: nobody gets a token for it any more. False when there is none.
    pub async fn delete_resource_server(&mut self, id: ResourceServerId) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.delete_resource_server_row(id).await
    }

    /// False when its identifier is taken.
    pub async fn insert_resource_server(
        &mut self,
        id: ResourceServerId,
        server: &ResourceServer,
    ) -> Result<bool, Fault> {
        self.bump_tenant_version().await?;
        self.insert_resource_server_row(id, server).await
    }
}

#[cfg(test)]
mod tests {
    use oidc::client_assertion::Addressee;
    use oidc::resource_server::TokenFormat;
    use oidc::scope::Scope;
    use serde_json::json;
    use terms::{ClientSecret, ClientSecretId};

    use super::*;
    use crate::testing::{self, NOW};
    use crate::write_tx;

    pub(crate) fn a_client(id: &str) -> Client {
        let metadata = json!({ "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"] });
        Client {
            id: id.parse().unwrap(),
            metadata: ClientMetadata::parse(&metadata).unwrap(),
            settings: ClientSettings { first_party: true, ..ClientSettings::default() },
            created_at: NOW,
            last_used_at: None,
        }
    }

    fn a_secret(n: u8, expires_at: Option<Timestamp>) -> LiveSecret {
        let kept = match n {
            1 => KeptSecret::Sealed(vec![1, 2, 3]),
            _ => KeptSecret::Hashed(ClientSecret::new([n; 32]).hash()),
        };
        LiveSecret { id: ClientSecretId::new(NOW, testing::id_bits()), kept, expires_at }
    }

    #[tokio::test]
    async fn a_client_survives_its_row() {
        for store in testing::engines().await {
            let (mut shop, other) = (a_client("shop"), a_client("other"));
            let made = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                Ok([
                    tx.insert_client(&shop).await?,
                    tx.insert_client(&other).await?,
                    tx.insert_client(&shop).await?,
                ])
            });
            assert_eq!(made.unwrap(), [true, true, false]);
            shop.metadata.name = Some("Shop 2".to_owned());
            shop.settings.rotate_refresh_tokens = true;
            let updated =
                write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.update_client(&shop).await });
            assert!(updated.unwrap());
            let mut read = store.read(store.tenant);
            assert_eq!(read.client(&shop.id).await.unwrap().as_ref(), Some(&shop));
            assert_eq!(read.clients_after("", 1).await.unwrap(), std::slice::from_ref(&other));
            assert_eq!(read.clients_after("other", 9).await.unwrap(), [shop.clone()]);
            let stranger = testing::add_tenant(&store, "stranger").await.unwrap();
            assert_eq!(store.read(stranger).client(&shop.id).await.unwrap(), None);
            let gone =
                write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_client(&shop.id).await });
            assert!(gone.unwrap());
            assert_eq!(read.client(&shop.id).await.unwrap(), None);
            assert!(read.tenant_record().await.unwrap().unwrap().version > 4);
        }
    }

    #[tokio::test]
    async fn two_secrets_live_and_a_third_waits() {
        for store in testing::engines().await {
            let client = a_client("shop");
            let secrets = [a_secret(1, None), a_secret(2, None), a_secret(3, None)];
            let added = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                tx.insert_client(&client).await?;
                let mut added = Vec::new();
                for secret in &secrets {
                    added.push(tx.insert_client_secret(&client.id, secret, NOW).await?);
                }
                Ok(added)
            });
            assert_eq!(added.unwrap(), [true, true, false]);
            assert_eq!(store.read(store.tenant).client_secrets(&client.id).await.unwrap(), secrets[..2]);
            let later = NOW.plus(Duration::from_secs(1));
            let added = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                assert_eq!(tx.expire_client_secrets(&client.id, later).await?, 2);
                tx.insert_client_secret(&client.id, &secrets[2], later).await
            });
            assert!(added.unwrap());
            assert_eq!(store.read(store.tenant).client_secrets(&client.id).await.unwrap(), secrets[2..]);
            write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                tx.delete_client_secrets(&client.id).await
            })
            .unwrap();
            assert!(store.read(store.tenant).client_secrets(&client.id).await.unwrap().is_empty());
        }
    }

    /// An assertion of this `jti` that expires in a minute.
    fn single(jti: &str) -> Single {
        let claims = json!({
            "iss": "shop", "sub": "shop", "aud": "https://id.example", "jti": jti,
            "exp": NOW.plus(Duration::from_mins(1)).as_seconds(),
        });
        let addressee = Addressee { issuer: "https://id.example", token_endpoint: "" };
        let client = "shop".parse().unwrap();
        oidc::client_assertion::check(None, claims.as_object().unwrap(), &client, addressee, NOW).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_racing_uses_of_an_assertion_one_is_the_first() {
        for store in testing::engines().await {
            let (one, other) = (single("one"), single("other"));
            let results = testing::race(16, |_| {
                let (store, tenant) = (store.store.clone(), store.tenant);
                async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> { tx.spend_assertion(&one).await })
                }
            });
            assert_eq!(results.await.into_iter().filter(|result| *result.as_ref().unwrap()).count(), 1);
            let stranger = testing::add_tenant(&store, "stranger").await.unwrap();
            for (tenant, single, first) in
                [(store.tenant, other, true), (stranger, one, true), (store.tenant, one, false)]
            {
                let spent = write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                    tx.spend_assertion(&single).await
                });
                assert_eq!(spent.unwrap(), first);
            }
            // As long as it could be used it is remembered, and no longer.
            assert_eq!(store.sweep(store.tenant, NOW.plus(Duration::from_secs(59))).await.unwrap(), 0);
            assert_eq!(store.sweep(store.tenant, NOW.plus(Duration::from_mins(1))).await.unwrap(), 2);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_racing_salts_one_is_the_tenants_for_ever() {
        for store in testing::engines().await {
            assert_eq!(store.read(store.tenant).pairwise_salt().await.unwrap(), None);
            let results = testing::race(8, |index| {
                let (store, tenant) = (store.store.clone(), store.tenant);
                async move {
                    let sealed = vec![u8::try_from(index).unwrap(); 3];
                    let made = write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.insert_pairwise_salt(&sealed, NOW).await
                    });
                    made.unwrap().then_some(sealed)
                }
            });
            let made: Vec<_> = results.await.into_iter().flatten().collect();
            assert_eq!(made.len(), 1);
            let stored = store.read(store.tenant).pairwise_salt().await.unwrap();
            assert_eq!(stored.map(|salt| salt.0).as_ref(), made.first());
            let stranger = testing::add_tenant(&store, "stranger").await.unwrap();
            assert_eq!(store.read(stranger).pairwise_salt().await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_resource_server_survives_its_row() {
        for store in testing::engines().await {
            let client = a_client("api");
            let server = ResourceServer {
                id: Some(ResourceServerId::new(NOW, testing::id_bits())),
                identifier: "https://api.example".parse().unwrap(),
                scopes: "read write".parse::<Scope>().unwrap(),
                format: TokenFormat::Opaque,
                access_token_lifetime: Duration::from_mins(1),
                introspection_client: Some(client.id.clone()),
            };
            let made = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                tx.insert_client(&client).await?;
                let id = server.id.unwrap();
                Ok([
                    tx.insert_resource_server(id, &server).await?,
                    tx.insert_resource_server(id, &server).await?,
                ])
            });
            assert_eq!(made.unwrap(), [true, false]);
            let mut read = store.read(store.tenant);
            assert_eq!(read.resource_server(&server.identifier).await.unwrap().as_ref(), Some(&server));
            assert_eq!(read.resource_servers().await.unwrap(), std::slice::from_ref(&server));
            assert_eq!(
                read.resource_servers_of_client(&client.id).await.unwrap(),
                std::slice::from_ref(&server)
            );
            write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_client(&client.id).await })
                .unwrap();
            assert_eq!(read.resource_servers().await.unwrap()[0].introspection_client, None);
        }
    }
}
