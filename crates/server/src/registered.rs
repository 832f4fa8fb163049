//! The clients and resource servers of the tenants in memory, as this node last read them
//! ([decision 40](../../../docs/decisions/0040-what-a-node-remembers.md)).
//!
//! What decides about a request reads them here; what changes them reads the database.

use std::collections::HashMap;
use std::sync::Arc;

use oidc::client::Client;
use oidc::client_auth::{KeptSecret, LiveSecret};
use oidc::resource_server::{ResourceIdentifier, ResourceServer};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use store::{Fault, Store};
use terms::{ClientId, TenantId};

use crate::app::App;
use crate::tenant::Tenant;

/// Octets of clients: some ten thousand of them. Of more, those that are asked for least are read again each time.
const CLIENT_OCTETS: u64 = 32 * 1024 * 1024;
/// Octets of resource servers, in some thousand tenants.
const SERVER_OCTETS: u64 = 16 * 1024 * 1024;
/// What a cache is laid out for. It may hold more.
const ENTRIES: usize = 8 * 1024;

/// When something was read.
#[derive(Clone, Copy, Debug)]
struct ReadAt {
    /// The tenant's version, as the poll had told it before the read.
    version: i64,
    /// How often this process had changed something of the tenant before the read.
    reconfigurations: u64,
}

impl ReadAt {
    /// To be taken before the rows are read: what changes in between is newer than it says, never older.
    fn before_reading(store: &Store, tenant: &Tenant) -> Self {
        Self { version: tenant.version, reconfigurations: store.reconfigurations(tenant.id) }
    }

    /// Whether what was read is still good for a request that found its tenant so: neither the poll nor this process knows of a
    /// change since.
    fn holds(self, store: &Store, tenant: &Tenant) -> bool {
        self.version >= tenant.version && self.reconfigurations == store.reconfigurations(tenant.id)
    }
}

/// A client, and what it proves itself with.
#[derive(Clone, Debug)]
pub struct RegisteredClient {
    pub client: Arc<Client>,
    /// The expired ones too: whether each lives, who authenticates decides. What is sealed stays so until it is needed.
    pub secrets: Arc<[LiveSecret]>,
}

/// The resource servers of one tenant.
#[derive(Debug)]
pub struct ResourceServers(HashMap<ResourceIdentifier, ResourceServer>);

impl ResourceServers {
    pub fn get(&self, identifier: &ResourceIdentifier) -> Option<&ResourceServer> {
        self.0.get(identifier)
    }
}

#[derive(Clone)]
struct Held<T> {
    read_at: ReadAt,
    /// About how much memory it takes.
    octets: u64,
    it: T,
}

/// By what is told that was measured when it was put in.
#[derive(Clone, Copy)]
struct Octets;

impl<K, T> Weighter<K, Held<T>> for Octets {
    fn weight(&self, _: &K, held: &Held<T>) -> u64 {
        held.octets
    }
}

/// What is held of all tenants: only what there is, so names that nobody has take no room.
pub struct Registered {
    clients: Cache<(TenantId, ClientId), Held<RegisteredClient>, Octets>,
    servers: Cache<TenantId, Held<Arc<ResourceServers>>, Octets>,
}

impl Default for Registered {
    fn default() -> Self {
        Self {
            clients: Cache::with_weighter(ENTRIES, CLIENT_OCTETS, Octets),
            servers: Cache::with_weighter(ENTRIES, SERVER_OCTETS, Octets),
        }
    }
}

impl Registered {
    /// How many clients are held, and about how many octets they take.
    pub fn clients_held(&self) -> (usize, u64) {
        (self.clients.len(), self.clients.weight())
    }
}

impl App {
    /// A client with its secrets, as it was a second ago at most, and as this process last changed it.
    pub async fn registered_client(
        &self,
        tenant: &Tenant,
        id: &ClientId,
    ) -> Result<Option<RegisteredClient>, Fault> {
        // Both lead the key, so that no tenant is given another's.
        let key = (tenant.id, id.clone());
        if let Some(held) = self.registered.clients.get(&key)
            && held.read_at.holds(&self.store, tenant)
        {
            return Ok(Some(held.it));
        }
        let read_at = ReadAt::before_reading(&self.store, tenant);
        let mut read = self.store.read(tenant.id);
        let Some(client) = read.client(id).await? else {
            self.registered.clients.remove(&key);
            return Ok(None);
        };
        let secrets: Arc<[LiveSecret]> = read.client_secrets(id).await?.into();
        let octets = size_of_client(&client, &secrets);
        let it = RegisteredClient { client: Arc::new(client), secrets };
        self.registered.clients.insert(key, Held { read_at, octets, it: it.clone() });
        Ok(Some(it))
    }

    /// A client, as it was a second ago at most, and as this process last changed it.
    pub async fn client(&self, tenant: &Tenant, id: &ClientId) -> Result<Option<Arc<Client>>, Fault> {
        Ok(self.registered_client(tenant, id).await?.map(|it| it.client))
    }

    /// Reads the client again when it is next asked for: its last use was noted, which no version tells.
    pub fn forget_client(&self, tenant: TenantId, id: &ClientId) {
        self.registered.clients.remove(&(tenant, id.clone()));
    }

    /// The tenant's resource servers, as they were a second ago at most, and as this process last changed them.
    ///
    /// All at once: which of them a token is for is known within a transaction only, where nothing else is read.
    pub async fn resource_servers(&self, tenant: &Tenant) -> Result<Arc<ResourceServers>, Fault> {
        if let Some(held) = self.registered.servers.get(&tenant.id)
            && held.read_at.holds(&self.store, tenant)
        {
            return Ok(held.it);
        }
        let read_at = ReadAt::before_reading(&self.store, tenant);
        let servers = self.store.read(tenant.id).resource_servers().await?;
        let octets = octets(servers.iter().map(size_of_server).sum::<usize>()) + 256;
        let by_identifier = servers.into_iter().map(|server| (server.identifier.clone(), server));
        let it = Arc::new(ResourceServers(by_identifier.collect()));
        self.registered.servers.insert(tenant.id, Held { read_at, octets, it: Arc::clone(&it) });
        Ok(it)
    }
}

fn octets(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// About twice its text, since most of it is texts and what leads to them.
fn size_of_client(client: &Client, secrets: &[LiveSecret]) -> u64 {
    let text = client.metadata.to_json().to_string().len();
    let sealed = |secret: &LiveSecret| match &secret.kept {
        KeptSecret::Hashed(_) => 0,
        KeptSecret::Sealed(sealed) => sealed.len(),
    };
    let secrets: usize = secrets.iter().map(|secret| size_of::<LiveSecret>() + sealed(secret)).sum();
    octets(size_of::<Client>() + 2 * text + secrets)
}

fn size_of_server(server: &ResourceServer) -> usize {
    let text = 2 * server.identifier.as_str().len() + server.scopes.to_string().len();
    size_of::<(ResourceIdentifier, ResourceServer)>() + 2 * text
}
