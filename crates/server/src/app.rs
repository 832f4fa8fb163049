//! What every handler may use, and how it is opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use identity::tenant_settings::SignUpMode;
use oidc::jose::Algorithm;
use store::{Fault, Store};
use terms::{EventId, TenantId};

use crate::client_keys::FetchedKeys;
use crate::clock::Clock;
use crate::config::{Config, Database, MasterKeySource, Mode};
use crate::egress::Egress;
use crate::entropy::Entropy;
use crate::geo::{Places, PlacesError};
use crate::hasher::Hasher;
use crate::keys::{KeySource, TenantKeys};
use crate::lock::DataLock;
use crate::logout_notices::NoticeCounts;
use crate::metrics::Metrics;
use crate::post::PostCounts;
use crate::provision::{self, NewTenant, ProvisionError};
use crate::rate_limits::RateLimits;
use crate::registered::Registered;
use crate::sealing::{MasterKeyError, MasterKeyRing};
use crate::tenant::{DEFAULT_SLUG, Issuer, Tenant};
use crate::tenants::Tenants;
use crate::tls::Certificate;

/// Where `portico dev` listens unless told otherwise.
const USUAL_PORT: u16 = 8080;

/// The running server, shared by all requests.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub entropy: Entropy,
    pub store: Store,
    pub hasher: Hasher,
    pub metrics: Metrics,
    pub master_keys: MasterKeyRing,
    /// Where addresses are, for people to recognise their sessions by.
    pub places: Places,
    /// Where the private keys of new tenants come from.
    pub key_source: KeySource,
    /// The tenants' clients and resource servers.
    pub registered: Registered,
    /// The way to addresses that clients name.
    pub egress: Egress,
    /// Clients' keys that came from there.
    pub fetched_keys: FetchedKeys,
    /// Our own TLS, where the server speaks it.
    pub certificate: OnceLock<Arc<Certificate>>,
    /// What the post has done.
    pub post: PostCounts,
    /// What became of notices to clients that sessions ended.
    pub notices: NoticeCounts,
    /// The tenants that were asked for, as of the last look at the database.
    pub tenants: Tenants,
    /// How often something may be asked.
    pub rate_limits: RateLimits,
    /// With SQLite one process has the data.
    lock: Mutex<Option<DataLock>>,
}

impl App {
    /// A tenant's signing keys, parsed, as they are now.
    pub async fn keys(&self, tenant: &Arc<Tenant>) -> Result<Arc<TenantKeys>, Fault> {
        tenant.opened.keys.get(self, tenant).await
    }

    /// The same, for signing with these algorithms. A key that another node has made since this one last looked for
    /// changes is found too.
    pub async fn keys_for(
        &self,
        tenant: &Arc<Tenant>,
        algorithms: &[Algorithm],
    ) -> Result<Arc<TenantKeys>, Fault> {
        let keys = self.keys(tenant).await?;
        if algorithms.iter().all(|algorithm| keys.set.signer(*algorithm).is_some()) {
            return Ok(keys);
        }
        self.catch_up().await?;
        let newer = self.tenant(tenant.id).await?;
        self.keys(newer.as_ref().unwrap_or(tenant)).await
    }

    /// Whether people make accounts of this tenant themselves: it lets them, and where accounts have addresses, the code that
    /// shows one to be theirs can reach them.
    pub fn offers_sign_up(&self, tenant: &Tenant) -> bool {
        tenant.settings.sign_up == SignUpMode::Open && (self.config.can_mail() || !tenant.has_addresses())
    }

    /// A new event's id.
    pub fn event_id(&self) -> EventId {
        self.entropy.id(EventId::new, self.clock.now())
    }
}

/// What to do about a schema that is missing or older than the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// `dev` and `migrate`.
    Migrate,
    /// Everything else.
    Require,
}

/// An issuer that was asked for, and the one that the data has.
#[derive(Debug)]
pub struct IssuerDiffers {
    pub stored: Issuer,
    pub asked: Issuer,
    pub mode: Mode,
}

/// Why the data can't be opened; the text says what to do.
#[derive(Debug)]
pub enum OpenError {
    Folder(PathBuf, io::Error),
    Locked(PathBuf),
    MasterKey(MasterKeyError),
    Places(PathBuf, PlacesError),
    NotMigrated,
    NoIssuer,
    IssuerDiffers(Box<IssuerDiffers>),
    Provision(ProvisionError),
    Fault(Fault),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path, error) => write!(f, "cannot use the data folder {}: {error}", path.display()),
            Self::Locked(path) => write!(
                f,
                "the data in {} is in use by another portico. Stop that one, or choose another data folder.",
                path.display()
            ),
            Self::MasterKey(error) => error.fmt(f),
            Self::Places(path, error) => write!(f, "geo.database: {} {error}", path.display()),
            Self::NotMigrated => f.write_str(
                "there is no database with this program's schema here. Run `portico migrate` with the same --config or \
                 --data first (`portico dev` does it by itself).",
            ),
            Self::NoIssuer => f.write_str("there is no issuer for the default tenant; set `issuer` in the configuration"),
            Self::IssuerDiffers(differ) => {
                let IssuerDiffers { stored, asked, mode } = &**differ;
                let change = match mode {
                    Mode::Development => "start with that issuer (`--issuer`, `--port`), or choose another `--data` folder",
                    Mode::Production => "set `issuer` to that, or use another database",
                };
                write!(
                    f,
                    "this data belongs to the issuer {stored}, not {asked}. An issuer never changes, since clients and \
                     tokens name it: {change}."
                )
            }
            Self::Provision(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl App {
    /// Opens the data that the configuration names. With [`Schema::Migrate`] also makes the default tenant where there
    /// is none.
    pub async fn open(config: Config, clock: Clock, schema: Schema) -> Result<Arc<Self>, OpenError> {
        let known = match &config.database {
            Database::Sqlite(path) => path.exists(),
            Database::Postgres(_) => true,
        };
        if !known && schema == Schema::Require {
            return Err(OpenError::NotMigrated);
        }
        let lock = config.database.folder().map(|folder| lock(folder, config.mode)).transpose()?;
        let places = match &config.geo_database {
            None => Places::default(),
            Some(path) => Places::open(path).map_err(|error| OpenError::Places(path.clone(), error))?,
        };
        let entropy = Entropy;
        let master_keys = match &config.master_keys {
            // Data that is there was sealed by a key that was there: another one would open nothing.
            MasterKeySource::FileOrNew(path) if known && config.database.folder().is_some() => {
                MasterKeyRing::read(path)
            }
            source => source.ring(&entropy),
        };
        let master_keys = master_keys.map_err(OpenError::MasterKey)?;
        let store = Store::open(&config.database.to_open()).await?;
        match schema {
            Schema::Migrate => store.migrate().await?,
            Schema::Require if !store.is_migrated().await? => return Err(OpenError::NotMigrated),
            Schema::Require => {}
        }
        let tenants = Tenants::open(&store, &master_keys).await?;
        let key_source = KeySource::new(config.fixed_signing_keys.clone());
        let lock = Mutex::new(lock);
        let hasher = Hasher::new(config.password_hashing);
        let metrics = Metrics::new(&hasher, clock.now());
        let rate_limits = RateLimits::new(&config.rate_limits, &clock);
        let egress = Egress::new(config.egress.clone())
            .map_err(|error| Fault::new("prepare the way out to other servers").because(error))?;
        let app = Self {
            config,
            clock,
            entropy,
            store,
            hasher,
            metrics,
            master_keys,
            places,
            key_source,
            registered: Registered::default(),
            egress,
            fetched_keys: FetchedKeys::default(),
            certificate: OnceLock::new(),
            post: PostCounts::default(),
            notices: NoticeCounts::default(),
            tenants,
            rate_limits,
            lock,
        };
        app.default_tenant(schema).await?;
        Ok(Arc::new(app))
    }

    /// Ends all work with the data, and lets another process have it.
    pub async fn close(&self) {
        self.store.close().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    async fn default_tenant(&self, schema: Schema) -> Result<(), OpenError> {
        let stored = self.tenant_by_slug(DEFAULT_SLUG).await?.map(|tenant| tenant.issuer.clone());
        match (stored, self.config.issuer.clone(), schema) {
            (Some(stored), Some(asked), _) if stored != asked => {
                let mode = self.config.mode;
                Err(OpenError::IssuerDiffers(Box::new(IssuerDiffers { stored, asked, mode })))
            }
            (Some(_), _, _) => Ok(()),
            (None, _, Schema::Require) => Err(OpenError::NotMigrated),
            (None, asked, Schema::Migrate) => {
                let usual = self.config.is_development().then(|| Issuer::on_localhost(USUAL_PORT));
                let issuer = asked.or(usual).ok_or(OpenError::NoIssuer)?;
                let new = NewTenant { slug: DEFAULT_SLUG.to_owned(), issuer, hosts: Vec::new() };
                provision::create_tenant(self, &new).await.map(|_: TenantId| ()).map_err(OpenError::Provision)
            }
        }
    }
}

/// One process has the data of a folder.
fn lock(folder: &Path, mode: Mode) -> Result<DataLock, OpenError> {
    let failed = |error| OpenError::Folder(folder.to_owned(), error);
    if mode == Mode::Development {
        make_private_folder(folder).map_err(failed)?;
    }
    DataLock::take(folder).map_err(failed)?.ok_or_else(|| OpenError::Locked(folder.to_owned()))
}

/// A folder that only its owner may look into, since it holds the master key.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
