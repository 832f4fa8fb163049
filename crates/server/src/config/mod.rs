//! The typed configuration: what the server may rely on after everything that was written was checked.

mod rate_limits;
mod raw;
mod smtp;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity::password::HashCost;
use terms::SecretText;

pub use rate_limits::{RateLimitsConfig, RawRateLimits};
pub use raw::{EXAMPLE, RawConfig, Surroundings, schema};
pub use smtp::{Encryption, RawSmtp, SmtpConfig, SmtpCredentials};

use crate::egress::EgressRules;
use crate::entropy::Entropy;
use crate::forwarded::TrustedProxies;
use crate::keys::FixedKeys;
use crate::sealing::{MasterKeyError, MasterKeyRing};
use crate::tenant::Issuer;
use crate::tls::TlsFiles;

/// How the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `portico dev`: loopback only, mail is shown instead of sent.
    Development,
    /// `portico serve`.
    Production,
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub mode: Mode,
    /// Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Whose `X-Forwarded-For` is read.
    pub trusted_proxies: TrustedProxies,
    /// Where `/metrics` is shown.
    pub metrics_listen: Option<SocketAddr>,
    /// None where a proxy before this server speaks TLS.
    pub tls: Option<Tls>,
    /// The default tenant's issuer. In development none means `http://localhost` with the port in use.
    pub issuer: Option<Issuer>,
    pub database: Database,
    pub master_keys: MasterKeySource,
    /// How mail leaves. None: it doesn't.
    pub smtp: Option<SmtpConfig>,
    pub log: LogConfig,
    pub password_hashing: PasswordHashing,
    pub keys: KeysConfig,
    /// A database in the MMDB format that tells where addresses are.
    pub geo_database: Option<PathBuf>,
    /// Where this server may fetch what a client names.
    pub egress: EgressRules,
    /// How long events are kept; for good, if none.
    pub events_kept: Option<Duration>,
    /// How often something may be asked.
    pub rate_limits: RateLimitsConfig,
    /// Set by tests only; no configuration file can.
    pub fixed_signing_keys: Option<FixedKeys>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long requests in flight may go on after the order to stop.
    pub shutdown_grace: Duration,
}

impl Config {
    /// What `portico dev` runs with: everything in one folder, on loopback.
    pub fn development(data: &Path, port: u16, issuer: Option<Issuer>) -> Self {
        Self {
            mode: Mode::Development,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            trusted_proxies: TrustedProxies::default(),
            metrics_listen: None,
            tls: None,
            issuer,
            database: Database::Sqlite(data.join("portico.db")),
            master_keys: MasterKeySource::FileOrNew(data.join("master.key")),
            smtp: None,
            log: LogConfig::default(),
            password_hashing: PasswordHashing::default(),
            keys: KeysConfig::default(),
            geo_database: None,
            egress: EgressRules::development(),
            events_kept: DEFAULT_EVENTS_KEPT,
            rate_limits: RateLimitsConfig::default(),
            fixed_signing_keys: None,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            shutdown_grace: DEFAULT_SHUTDOWN_GRACE,
        }
    }

    pub fn is_development(&self) -> bool {
        self.mode == Mode::Development
    }

    /// Whether a mail that is queued can arrive; development has a mailbox of its own.
    pub fn can_mail(&self) -> bool {
        self.is_development() || self.smtp.is_some()
    }
}

const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A year, and a month to look back over it.
const DEFAULT_EVENTS_KEPT: Option<Duration> = Some(Duration::from_hours(400 * 24));
const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(20);

/// How this server speaks TLS itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub files: TlsFiles,
    /// Where plain http is answered by a redirect to https.
    pub redirect_listen: Option<SocketAddr>,
}

/// Where the data lies.
#[derive(Clone)]
pub enum Database {
    Sqlite(PathBuf),
    /// A URL, which may hold a password.
    Postgres(SecretText),
}

impl Database {
    /// As [`store::Store::open`] takes it.
    pub fn to_open(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.reveal().to_owned(),
        }
    }

    /// The folder beside the SQLite file, for the lock and the socket.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => path.parent(),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

/// Where the master keys come from.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
    Text(SecretText),
    File(PathBuf),
    /// The file, made with a new key where there is none. Development only.
    FileOrNew(PathBuf),
}

impl MasterKeySource {
    pub fn ring(&self, entropy: &Entropy) -> Result<MasterKeyRing, MasterKeyError> {
        match self {
            Self::Text(text) => MasterKeyRing::parse(text),
            Self::File(path) => MasterKeyRing::read(path),
            Self::FileOrNew(path) => MasterKeyRing::read_or_create(path, entropy),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// As the `RUST_LOG` variable of many programs: a level, or `target=level` with commas between.
    pub filter: String,
    pub json: bool,
}

impl LogConfig {
    /// The variable `PORTICO_LOG` goes before the configured filter, so that one run can tell more.
    pub fn apply_environment(&mut self) {
        if let Ok(filter) = std::env::var("PORTICO_LOG") {
            self.filter = filter;
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false }
    }
}

/// What a password hash may cost this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordHashing {
    pub cost: HashCost,
    /// Hashes at once; each holds its memory for as long as the server runs.
    pub at_once: usize,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cost: HashCost::STANDARD, at_once: cores }
    }
}

/// How signing keys follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeysConfig {
    /// How long a key is published before it signs. Longer than clients keep the key set.
    pub publish_before: Duration,
    /// How long a key signs before a successor is announced; never, if none.
    pub rotate_after: Option<Duration>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { publish_before: Duration::from_hours(1), rotate_after: Some(Duration::from_hours(90 * 24)) }
    }
}

/// One thing that is wrong with a configuration: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    pub key: String,
    pub problem: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}
