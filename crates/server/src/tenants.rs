//! The tenants in memory: read from the database, and read again when an administrator changed something.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use identity::TenantSettings;
use store::tenants::{TenantRecord, TenantVersion};
use store::{Fault, Store};
use terms::TenantId;
use tokio::time::Instant;

use crate::app::App;
use crate::pages::brand::Theme;
use crate::sealing::MasterKeyRing;
use crate::tenant::{Directory, Issuer, Tenant};

/// How often a node asks whether something changed.
const POLL: Duration = Duration::from_secs(1);
/// A node that could not ask for this long may hold a key or a client that was revoked, so it issues nothing.
const STALE: Duration = Duration::from_secs(5);

/// The tenants, with the versions that they had and when that was last known to be true.
pub struct Loaded {
    pub directory: Arc<Directory>,
    versions: HashMap<TenantId, i64>,
    confirmed: Instant,
}

impl Loaded {
    /// Whether what is in memory may still be acted on.
    pub fn is_fresh(&self) -> bool {
        self.confirmed.elapsed() < STALE
    }
}

/// Reads every tenant.
pub async fn load(store: &Store, master_keys: &MasterKeyRing) -> Result<Loaded, Fault> {
    let confirmed = Instant::now();
    if !store.is_migrated().await? {
        return Ok(Loaded { directory: Arc::default(), versions: HashMap::new(), confirmed });
    }
    let mut hosts: HashMap<TenantId, Vec<String>> = HashMap::new();
    for host in store.directory().tenant_hosts().await? {
        hosts.entry(host.tenant).or_default().push(host.host);
    }
    let mut versions = HashMap::new();
    let mut tenants = Vec::new();
    for record in store.directory().tenants().await? {
        versions.insert(record.id, record.version);
        let hosts = hosts.remove(&record.id).unwrap_or_default();
        tenants.push(tenant(record, hosts, master_keys)?);
    }
    Ok(Loaded { directory: Arc::new(Directory::new(tenants)), versions, confirmed })
}

fn tenant(record: TenantRecord, hosts: Vec<String>, master_keys: &MasterKeyRing) -> Result<Tenant, Fault> {
    let failed = |what: &str| Fault::new(format!("read {what} of the tenant {}", record.id));
    let issuer = Issuer::parse(&record.issuer).map_err(|error| failed("the issuer").because(error))?;
    let data_key = master_keys
        .open_data_key(record.id, &record.sealed_data_key)
        .map_err(|error| failed("the data key").because(error))?;
    let settings =
        TenantSettings::stored(&record.settings).map_err(|error| failed("the settings").because(error))?;
    let (version, theme) = (record.version, Theme::of(&settings));
    Ok(Tenant { id: record.id, slug: record.slug, issuer, hosts, version, data_key, settings, theme })
}

/// Asks once a second whether something changed, for as long as the server runs.
pub async fn keep_fresh(app: Arc<App>) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        match poll(&app).await {
            Ok(()) => failing = false,
            // Once, not every second.
            Err(fault) if !failing => {
                failing = true;
                tracing::error!(%fault, "cannot ask for changes of tenants");
            }
            Err(_) => {}
        }
    }
}

async fn poll(app: &App) -> Result<(), Fault> {
    let confirmed = Instant::now();
    let stored = app.store.directory().tenant_versions().await?;
    let known = app.tenants.load_full();
    let same = |it: &TenantVersion| known.versions.get(&it.id) == Some(&it.version);
    if stored.len() != known.versions.len() || !stored.iter().all(same) {
        return app.reload_tenants().await;
    }
    let directory = Arc::clone(&known.directory);
    let versions = known.versions.clone();
    app.tenants.store(Arc::new(Loaded { directory, versions, confirmed }));
    Ok(())
}
