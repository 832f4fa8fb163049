//! The tenants in memory: each is read when a request is for it, and read again when an administrator changed something
//! ([decision 39](../../../docs/decisions/0039-ten-thousand-tenants.md)).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identity::TenantSettings;
use quick_cache::sync::Cache;
use store::tenants::{TenantRecord, TenantVersion};
use store::{Fault, Store};
use terms::TenantId;
use tokio::time::Instant;

use crate::app::App;
use crate::pages::brand::Theme;
use crate::sealing::MasterKeyRing;
use crate::tenant::{Issuer, Opened, RoutedPath, Tenant, canonical_authority, named_in_path};

/// How often a node asks whether something changed.
const POLL: Duration = Duration::from_secs(1);
/// A node that could not ask for this long may hold a key or a client that was revoked, so it issues nothing.
const STALE: Duration = Duration::from_secs(5);
/// Tenants that are held, with their keys some ten kilobytes each. Of more, those that are asked for least are read again each time.
const HELD: usize = 16 * 1024;

/// The tenants that were asked for, each as its newest version was when this was last known to be true.
///
/// What a name leads to is only a guess of where to look: whether the tenant has that name is asked of the tenant itself.
pub struct Tenants {
    held: Cache<TenantId, Arc<Tenant>>,
    slugs: Cache<Box<str>, TenantId>,
    hosts: Cache<Box<str>, TenantId>,
    /// The newest version that has been looked at. Whoever puts a tenant in or takes one out holds it, so that nobody puts in
    /// what was read before a change that has been looked at since.
    newest: Mutex<i64>,
    since: Instant,
    /// When the database was last known to have nothing newer, in milliseconds from `since` on.
    confirmed: AtomicU64,
}

impl Tenants {
    /// None is held yet. Refuses data keys that no master key here opens.
    pub async fn open(store: &Store, master_keys: &MasterKeyRing) -> Result<Self, Fault> {
        let since = Instant::now();
        let newest = store.directory().newest_tenant_version().await?;
        for sealed in store.directory().data_keys_by_head().await? {
            let failed = || Fault::new(format!("open the data keys of {} tenants", sealed.tenants));
            master_keys.require(&sealed.head).map_err(|error| failed().because(error))?;
        }
        Ok(Self {
            held: Cache::new(HELD),
            slugs: Cache::new(HELD),
            hosts: Cache::new(HELD),
            newest: Mutex::new(newest),
            since,
            confirmed: AtomicU64::new(0),
        })
    }

    /// Whether what is held may still be acted on.
    pub fn is_fresh(&self) -> bool {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Relaxed));
        self.since.elapsed() < confirmed + STALE
    }

    /// As [`App::resolve`], among the tenants that are held: nothing where that would have to ask the database.
    pub fn resolve_held<'p>(&self, authority: &str, path: &'p str) -> Option<(Arc<Tenant>, RoutedPath<'p>)> {
        let authority = canonical_authority(authority);
        if let Some((slug, routed)) = named_in_path(path) {
            let tenant = self.held.get(&self.slugs.get(slug)?)?;
            return (tenant.slug == slug && is_here(&tenant, &authority, slug)).then_some((tenant, routed));
        }
        let tenant = self.held.get(&self.hosts.get(&*authority)?)?;
        tenant.has_host(&authority).then_some((tenant, RoutedPath { path, changed: false }))
    }

    fn newest(&self) -> MutexGuard<'_, i64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of what has changed.
    ///
    /// `changed` are the tenants from version `known` on, read from `asked` on.
    fn learn(&self, known: i64, changed: &[TenantVersion], asked: Instant) {
        let mut newest = self.newest();
        match changed.iter().map(|it| it.version).max() {
            Some(version) => *newest = version.max(*newest),
            None if known == 0 => {}
            // The newest tenant is gone, so this is not the database that it was: an older copy, perhaps.
            None => {
                self.held.clear();
                *newest = 0;
            }
        }
        for it in changed {
            if self.held.peek(&it.id).is_some_and(|held| held.version < it.version) {
                self.held.remove(&it.id);
            }
        }
        let asked = u64::try_from(asked.duration_since(self.since).as_millis()).unwrap_or(u64::MAX);
        self.confirmed.fetch_max(asked, Ordering::Relaxed);
    }

    /// Keeps a tenant that was read when `known` was the newest version, and gives the one that all have: of several who
    /// read it at once, the first one's, so that its keys are opened once.
    fn keep(&self, tenant: Tenant, known: i64) -> Arc<Tenant> {
        let newest = self.newest();
        if let Some(held) = self.held.get(&tenant.id).filter(|held| held.version >= tenant.version) {
            return held;
        }
        let tenant = Arc::new(tenant);
        // Else something has changed since it was read. It is still true for who asked before that.
        if *newest == known {
            self.held.insert(tenant.id, Arc::clone(&tenant));
        }
        tenant
    }
}

impl App {
    /// A tenant, as the database had it a moment ago at most.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, Fault> {
        match self.tenants.held.get(&id) {
            Some(tenant) => Ok(Some(tenant)),
            // On the heap, so that the requests that find theirs in memory don't carry it.
            None => Box::pin(self.read_tenant(id)).await,
        }
    }

    async fn read_tenant(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, Fault> {
        // First: what changes from here on is newer than this says.
        let known = *self.tenants.newest();
        let mut read = self.store.read(id);
        let Some(record) = read.tenant_record().await? else { return Ok(None) };
        let hosts = read.hosts_of_tenant().await?.into_iter().map(|it| it.host).collect();
        let tenant = opened(record, hosts, &self.master_keys)?;
        Ok(Some(self.tenants.keep(tenant, known)))
    }

    /// The tenant of this slug.
    pub async fn tenant_by_slug(&self, slug: &str) -> Result<Option<Arc<Tenant>>, Fault> {
        if let Some(id) = self.tenants.slugs.get(slug)
            && let Some(tenant) = self.tenant(id).await?.filter(|tenant| tenant.slug == slug)
        {
            return Ok(Some(tenant));
        }
        let Some(found) = self.store.directory().tenant_by_slug(slug).await? else { return Ok(None) };
        self.tenants.slugs.insert(slug.into(), found.id);
        self.tenant(found.id).await
    }

    /// The tenant that has a host of its own, and this one leads to it: in lower case, without a default port. A path tenant
    /// shares its host with others, so that host alone doesn't name it.
    pub async fn tenant_by_host(&self, authority: &str) -> Result<Option<Arc<Tenant>>, Fault> {
        if let Some(id) = self.tenants.hosts.get(authority)
            && let Some(tenant) = self.tenant(id).await?.filter(|tenant| tenant.has_host(authority))
        {
            return Ok(Some(tenant));
        }
        let Some(found) = self.store.directory().tenant_by_host(authority).await? else { return Ok(None) };
        self.tenants.hosts.insert(authority.into(), found.id);
        Ok(self.tenant(found.id).await?.filter(|tenant| tenant.has_host(authority)))
    }

    /// The tenant that a request is for, and the path within it.
    ///
    /// A path that names a tenant counts only on the host of that tenant's issuer, so one tenant's host never serves
    /// another's pages unless that is where the other lives. There is no default tenant for an unknown host.
    pub async fn resolve<'p>(
        &self,
        authority: &str,
        path: &'p str,
    ) -> Result<Option<(Arc<Tenant>, RoutedPath<'p>)>, Fault> {
        let authority = canonical_authority(authority);
        if let Some((slug, routed)) = named_in_path(path) {
            let found = self.tenant_by_slug(slug).await?;
            if let Some(tenant) = found.filter(|tenant| is_here(tenant, &authority, slug)) {
                return Ok(Some((tenant, routed)));
            }
        }
        let tenant = self.tenant_by_host(&authority).await?;
        Ok(tenant.map(|tenant| (tenant, RoutedPath { path, changed: false })))
    }

    /// Makes changes of tenants, keys and clients that are in the database known to this process at once.
    pub async fn catch_up(&self) -> Result<(), Fault> {
        let (asked, known) = (Instant::now(), *self.tenants.newest());
        let changed = self.store.directory().tenants_from_version(known).await?;
        self.tenants.learn(known, &changed, asked);
        Ok(())
    }
}

/// Whether a path that names this slug is the tenant's own at this authority.
fn is_here(tenant: &Tenant, authority: &str, slug: &str) -> bool {
    tenant.issuer.authority() == authority && tenant.issuer.path().strip_prefix("/t/") == Some(slug)
}

fn opened(record: TenantRecord, hosts: Vec<String>, master_keys: &MasterKeyRing) -> Result<Tenant, Fault> {
    let failed = |what: &str| Fault::new(format!("read {what} of the tenant {}", record.id));
    let issuer = Issuer::parse(&record.issuer).map_err(|error| failed("the issuer").because(error))?;
    let data_key = master_keys
        .open_data_key(record.id, &record.sealed_data_key)
        .map_err(|error| failed("the data key").because(error))?;
    let settings =
        TenantSettings::stored(&record.settings).map_err(|error| failed("the settings").because(error))?;
    let (version, theme, opened) = (record.version, Theme::of(&settings), Opened::default());
    Ok(Tenant { id: record.id, slug: record.slug, issuer, hosts, version, data_key, settings, theme, opened })
}

/// Asks once a second whether something changed, for as long as the server runs.
pub async fn keep_fresh(app: Arc<App>) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        match app.catch_up().await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Schema;
    use crate::clock::{Clock, HeldClock};
    use crate::config::{Config, Database};
    use crate::keys::FixedKeys;
    use crate::provision::{NewTenant, create_tenant};
    use store::testing::{TestDatabase, change_acme_by_a_tie, engine_kinds, race, take_tenants_back};
    use store::{EngineKind, write_tx};
    use terms::{SecretText, Timestamp};

    struct Place {
        database: TestDatabase,
        folder: std::path::PathBuf,
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    impl Place {
        async fn each() -> Vec<Self> {
            let mut places = Vec::new();
            for kind in engine_kinds() {
                let name = format!("portico_tenants_{}_{}", std::process::id(), store::testing::unique());
                let folder = std::env::temp_dir().join(name);
                std::fs::create_dir_all(&folder).unwrap();
                places.push(Self { database: TestDatabase::make(kind).await, folder });
            }
            places
        }

        /// A node of this database, with a default tenant at `https://login.example.com`.
        async fn node(&self) -> Arc<App> {
            let issuer = Issuer::parse("https://login.example.com").unwrap();
            let mut config = Config::development(&self.folder, 0, Some(issuer));
            config.database = match self.database.kind() {
                EngineKind::Sqlite => Database::Sqlite(self.database.url().into()),
                EngineKind::Postgres => Database::Postgres(SecretText::new(self.database.url().to_owned())),
            };
            config.fixed_signing_keys = Some(FixedKeys {
                rs256: include_bytes!("../../../tests/harness/fixtures/rs256.pkcs8").to_vec(),
                es256: include_bytes!("../../../tests/harness/fixtures/es256.pkcs8").to_vec(),
            });
            let clock = Clock::Held(HeldClock::at(Timestamp::from_seconds(1_800_000_000)));
            App::open(config, clock, Schema::Migrate).await.unwrap()
        }
    }

    async fn make(app: &App, slug: &str, issuer: &str, hosts: &[&str]) -> TenantId {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        let new = NewTenant { slug: slug.to_owned(), issuer: Issuer::parse(issuer).unwrap(), hosts };
        create_tenant(app, &new).await.unwrap()
    }

    async fn default(app: &App) -> Arc<Tenant> {
        app.tenant_by_slug("default").await.unwrap().unwrap()
    }

    async fn rename(app: &App, tenant: TenantId, name: &str) {
        let settings = serde_json::json!({ "name": name });
        write_tx!(app.store, tenant, |tx| -> Result<(), Fault> {
            tx.update_tenant_settings(&settings).await
        })
        .unwrap();
    }

    #[tokio::test]
    async fn a_request_finds_its_tenant_by_host_and_path() {
        let cases = [
            ("login.example.com", "/oauth/token", Some(("default", "/oauth/token"))),
            ("LOGIN.example.com:443", "/", Some(("default", "/"))),
            ("login.example.com", "/t/acme/oauth/token", Some(("acme", "/oauth/token"))),
            ("login.example.com", "/t/acme", Some(("acme", "/"))),
            (
                "login.example.com",
                "/t/acme/.well-known/openid-configuration",
                Some(("acme", "/.well-known/openid-configuration")),
            ),
            (
                "login.example.com",
                "/.well-known/oauth-authorization-server/t/acme",
                Some(("acme", "/.well-known/oauth-authorization-server")),
            ),
            (
                "login.example.com",
                "/.well-known/jwks.json/t/acme",
                Some(("default", "/.well-known/jwks.json/t/acme")),
            ),
            ("id.own.example", "/x", Some(("own", "/x"))),
            ("id.own.example.net", "/x", Some(("own", "/x"))),
            // A path names a tenant only on the host where that tenant lives; otherwise it is just a path.
            ("id.own.example", "/t/acme/x", Some(("own", "/t/acme/x"))),
            ("login.example.com", "/t/far/x", Some(("default", "/t/far/x"))),
            ("login.example.com", "/t/own/x", Some(("default", "/t/own/x"))),
            ("login.example.com", "/t/%61cme/x", Some(("default", "/t/%61cme/x"))),
            ("login.example.com", "/T/acme/x", Some(("default", "/T/acme/x"))),
            ("elsewhere.example", "/", None),
            ("elsewhere.example", "/t/far/", Some(("far", "/"))),
            ("unknown.example", "/", None),
            ("unknown.example", "/t/acme/", None),
            ("login.example.com:8443", "/", None),
            ("login.example.com.", "/", None),
            ("", "/", None),
        ];
        for place in Place::each().await {
            let app = place.node().await;
            make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            make(&app, "own", "https://id.own.example", &["id.own.example.net"]).await;
            make(&app, "far", "https://elsewhere.example/t/far", &[]).await;
            // The second time from memory.
            for (authority, path, expected) in cases.iter().chain(&cases) {
                let found = app.resolve(authority, path).await.unwrap();
                let found = found.as_ref().map(|(tenant, routed)| (tenant.slug.as_str(), routed.path));
                assert_eq!(found, *expected, "{authority} {path}");
            }
        }
    }

    #[tokio::test]
    async fn a_tenant_is_read_again_when_it_has_changed_and_the_others_stay() {
        for place in Place::each().await {
            let app = place.node().await;
            let acme = make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            let (before, other) = (app.tenant(acme).await.unwrap().unwrap(), default(&app).await);
            rename(&app, acme, "Acme 2").await;
            let known = app.tenant(acme).await.unwrap().unwrap();
            assert!(Arc::ptr_eq(&known, &before), "until somebody looks");
            app.catch_up().await.unwrap();
            let after = app.tenant_by_slug("acme").await.unwrap().unwrap();
            assert_eq!((after.display_name(), after.version > before.version), ("Acme 2", true));
            assert!(Arc::ptr_eq(&other, &default(&app).await));
            app.catch_up().await.unwrap();
            assert!(Arc::ptr_eq(&after, &app.tenant(acme).await.unwrap().unwrap()), "nothing is new");
        }
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        for place in Place::each().await {
            let app = place.node().await;
            let id = default(&app).await.id;
            let known = *app.tenants.newest();
            let record = app.store.read(id).tenant_record().await.unwrap().unwrap();
            let late = opened(record, Vec::new(), &app.master_keys).unwrap();
            rename(&app, id, "Newer").await;
            app.catch_up().await.unwrap();
            let theirs = app.tenants.keep(late, known);
            assert_ne!(theirs.display_name(), "Newer", "who asked before the change goes on with it");
            assert_eq!(app.tenant(id).await.unwrap().unwrap().display_name(), "Newer");
        }
    }

    /// Engines that don't serialise could give two tenants the same version; a tie is looked at too.
    #[tokio::test]
    async fn a_change_is_found_by_a_version_that_is_as_new_as_the_newest_known() {
        for place in Place::each().await {
            let app = place.node().await;
            let acme = make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            rename(&app, default(&app).await.id, "Newest").await;
            app.catch_up().await.unwrap();
            app.tenant(acme).await.unwrap().unwrap();
            change_acme_by_a_tie(&place.database).await;
            app.catch_up().await.unwrap();
            assert_eq!(app.tenant(acme).await.unwrap().unwrap().display_name(), "Tied");
        }
    }

    #[tokio::test]
    async fn an_older_copy_of_the_database_is_noticed() {
        for place in Place::each().await {
            let app = place.node().await;
            let acme = make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            rename(&app, acme, "Of later").await;
            app.catch_up().await.unwrap();
            assert_eq!(app.tenant(acme).await.unwrap().unwrap().display_name(), "Of later");
            take_tenants_back(&place.database).await;
            app.catch_up().await.unwrap();
            assert_ne!(app.tenant(acme).await.unwrap().unwrap().display_name(), "Of later");
        }
    }

    #[tokio::test]
    async fn only_what_a_master_key_here_sealed_is_served() {
        for place in Place::each().await {
            let app = place.node().await;
            make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            let other = MasterKeyRing::parse(&SecretText::new("0123456789abcdef".repeat(4))).unwrap();
            assert!(Tenants::open(&app.store, &app.master_keys).await.is_ok());
            let refused = Tenants::open(&app.store, &other).await.err().unwrap();
            assert!(refused.to_string().contains("2 tenants"), "{refused}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keys_are_made_at_the_first_need_once_and_opened_once() {
        for place in Place::each().await {
            let app = place.node().await;
            let acme = make(&app, "acme", "https://login.example.com/t/acme", &[]).await;
            assert!(app.store.read(acme).signing_keys().await.unwrap().is_empty(), "nobody has asked");
            let opened = race(20, |_| {
                let app = Arc::clone(&app);
                async move { app.keys(&app.tenant(acme).await.unwrap().unwrap()).await.unwrap() }
            })
            .await;
            assert!(opened.iter().all(|keys| Arc::ptr_eq(keys, &opened[0])));
            assert_eq!(app.store.read(acme).signing_keys().await.unwrap().len(), 2);
            let events = app.store.read(acme).events(10).await.unwrap();
            let mut kinds: Vec<String> = events.iter().map(|event| event.kind.to_string()).collect();
            kinds.sort();
            assert_eq!(kinds, ["key.published", "key.published", "tenant.created"]);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_nodes_that_need_the_first_keys_at_once_all_have_the_same() {
        for place in Place::each().await {
            if place.database.kind() == EngineKind::Sqlite {
                // One process has an SQLite database; that its tasks have the same keys is shown above.
                continue;
            }
            let nodes = [place.node().await, place.node().await, place.node().await];
            let acme = make(&nodes[0], "acme", "https://login.example.com/t/acme", &[]).await;
            let sets = race(12, |index| {
                let app = Arc::clone(&nodes[index % 3]);
                async move {
                    app.keys(&app.tenant(acme).await.unwrap().unwrap()).await.unwrap().jwks.body().clone()
                }
            })
            .await;
            assert!(sets.iter().all(|set| set == &sets[0]));
            assert_eq!(nodes[0].store.read(acme).signing_keys().await.unwrap().len(), 2);
        }
    }
}
