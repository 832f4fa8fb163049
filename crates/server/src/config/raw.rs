//! The configuration as it is written, and the checks between it and [`Config`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity::password::HashCost;
use schemars::JsonSchema;
use serde::Deserialize;
use terms::SecretText;
use toml::{Table, Value};

use super::{
    Config, ConfigFault, DEFAULT_EVENTS_KEPT, DEFAULT_REQUEST_TIMEOUT, DEFAULT_SHUTDOWN_GRACE, Database,
    KeysConfig, LogConfig, MasterKeySource, Mode, PasswordHashing, RawRateLimits, RawSmtp, Tls,
};
use crate::egress::EgressRules;
use crate::forwarded::TrustedProxies;
use crate::secret_file;
use crate::tenant::Issuer;
use crate::tls::TlsFiles;

/// An example that names every key; the one in `config/` is this text.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The JSON Schema of the configuration file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawConfig).to_value()
}

/// The configuration of `portico serve`. Relative paths start at the folder of the file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Portico configuration")]
pub struct RawConfig {
    /// Address and port to listen on, for example "127.0.0.1:8080". A proxy before it speaks TLS, or the section tls
    /// makes this server do so.
    pub listen: Option<String>,
    /// Addresses and networks of the proxies before this server, such as `10.0.0.0/8` or `::1`. Of a request that
    /// comes from one of them, the client's address is taken from X-Forwarded-For.
    pub trusted_proxies: Option<Vec<String>>,
    /// The issuer of the default tenant: the https URL by which browsers reach it. It is stored when the database is
    /// migrated first and can't be changed afterwards.
    pub issuer: Option<String>,
    /// The path of an SQLite file, or a postgres:// URL. Or the environment variable PORTICO_DATABASE, where a
    /// password is better kept.
    #[schemars(with = "Option<String>")]
    pub database: Option<SecretText>,
    /// A file with the postgres:// URL, instead of `database`, readable by its owner only.
    pub database_file: Option<PathBuf>,
    /// A file with the master key, readable by its owner only. Or the environment variable PORTICO_MASTER_KEY.
    pub master_key_file: Option<PathBuf>,
    /// How long a request may take, in seconds (1 to 300).
    pub request_timeout_seconds: Option<u64>,
    /// How long requests in flight may go on after the order to stop, in seconds (0 to 300).
    pub shutdown_grace_seconds: Option<u64>,
    pub tls: Option<RawTls>,
    pub metrics: Option<RawMetrics>,
    pub smtp: Option<RawSmtp>,
    pub log: Option<RawLog>,
    pub password_hashing: Option<RawPasswordHashing>,
    pub keys: Option<RawKeys>,
    pub geo: Option<RawGeo>,
    pub egress: Option<RawEgress>,
    pub rate_limits: Option<RawRateLimits>,
    pub events: Option<RawEvents>,
    /// What the environment says; never part of the file.
    #[serde(skip)]
    #[schemars(skip)]
    pub surroundings: Surroundings,
}

/// This server's own TLS. Both files are PEM, and are read again when they change.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// The certificate, followed by those that lead to the authority.
    pub certificate_file: Option<PathBuf>,
    /// The certificate's private key, readable by its owner only.
    pub key_file: Option<PathBuf>,
    /// Address and port on which plain http is answered by a redirect to https, for example "0.0.0.0:80".
    pub redirect_listen: Option<String>,
}

/// Metrics for Prometheus.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetrics {
    /// Address and port on which /metrics is shown, for example "127.0.0.1:9464". Not for the public.
    pub listen: Option<String>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    /// A level (error, warn, info, debug, trace), or target=level pairs with commas between.
    pub filter: Option<String>,
    /// One JSON object per line instead of text.
    pub json: Option<bool>,
}

/// What a password hash (argon2id) costs. The defaults are what OWASP recommends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPasswordHashing {
    /// Memory of one hash in KiB (19456 to 131072).
    pub memory_kib: Option<u32>,
    /// Passes over that memory (1 to 16); with less than 46 MiB at least 2.
    pub passes: Option<u32>,
    /// Hashes at once (1 to 256); by default the number of processor cores.
    pub at_once: Option<usize>,
}

/// How signing keys follow each other.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// How long a key is published before it signs, in seconds (600 to 604800). Clients keep the key set for five minutes.
    pub publish_before_seconds: Option<u64>,
    /// How many days a key signs before a successor is announced (1 to 3650); 0 for never.
    pub rotate_after_days: Option<u64>,
}

/// The record of what was done.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEvents {
    /// How many days an event is kept (1 to 36500); 0 for good. They hold addresses of people: keep them no longer than you need.
    pub keep_days: Option<u64>,
}

/// Where addresses are: shown to people beside their sessions, and nothing else.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGeo {
    /// A file in the MMDB format, such as GeoLite2 City. It is read when the server starts. Without one, sessions are shown
    /// with their address alone.
    pub database: Option<PathBuf>,
}

/// Where this server may fetch what a client names (its `jwks_uri`, say).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEgress {
    /// Networks and addresses that may be reached though they are private, such as `10.0.0.0/8`. All others that are not
    /// on the open Internet are refused.
    pub allow: Option<Vec<String>>,
}

/// What the configuration takes from around the file.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The folder at which relative paths start.
    pub folder: PathBuf,
    /// `PORTICO_MASTER_KEY`.
    pub master_key: Option<SecretText>,
    /// `PORTICO_DATABASE`.
    pub database: Option<SecretText>,
    /// `PORTICO_SMTP_PASSWORD`.
    pub smtp_password: Option<SecretText>,
}

impl Surroundings {
    /// The process's environment, and the folder of the configuration file.
    pub fn of(file: &Path) -> Self {
        let secret = |name| std::env::var(name).ok().filter(|text| !text.is_empty()).map(SecretText::new);
        Self {
            folder: file.parent().map(Path::to_owned).unwrap_or_default(),
            master_key: secret("PORTICO_MASTER_KEY"),
            database: secret("PORTICO_DATABASE"),
            smtp_password: secret("PORTICO_SMTP_PASSWORD"),
        }
    }
}

impl RawConfig {
    /// Reads the text of a file. Unknown keys and values of a wrong type are faults, each with its key.
    ///
    /// A value that can't be read is left out, so that the rest can still be checked: see [`Config::read`].
    fn parse(text: &str) -> (Self, Vec<ConfigFault>) {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let fault =
                    ConfigFault { key: "the file".to_owned(), problem: format!("is not TOML: {error}") };
                return (Self::default(), vec![fault]);
            }
        };
        let mut faults = Vec::new();
        let mut good = Table::new();
        for leaf in leaves(&table) {
            match Self::deserialize(Value::Table(leaf.alone())) {
                Ok(_) => leaf.put_into(&mut good),
                Err(error) => {
                    faults
                        .push(ConfigFault { key: leaf.path.join("."), problem: error.message().to_owned() });
                }
            }
        }
        match Self::deserialize(Value::Table(good)) {
            Ok(raw) => (raw, faults),
            Err(error) => {
                faults.push(ConfigFault { key: "the file".to_owned(), problem: error.message().to_owned() });
                (Self::default(), faults)
            }
        }
    }
}

/// One value of a table of tables, with the keys that lead to it.
struct Leaf {
    path: Vec<String>,
    value: Value,
}

impl Leaf {
    fn alone(&self) -> Table {
        let mut table = Table::new();
        self.put_into(&mut table);
        table
    }

    fn put_into(&self, table: &mut Table) {
        match self.path.as_slice() {
            [key] => {
                table.insert(key.clone(), self.value.clone());
            }
            [section, key] => {
                let inner = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(inner) = inner {
                    inner.insert(key.clone(), self.value.clone());
                }
            }
            _ => {}
        }
    }
}

/// Sections are one deep. What lies deeper stays a value, and is refused as one.
fn leaves(table: &Table) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(section) if !section.is_empty() => {
                leaves.extend(section.iter().map(|(inner, value)| Leaf {
                    path: vec![key.clone(), inner.clone()],
                    value: value.clone(),
                }));
            }
            value => leaves.push(Leaf { path: vec![key.clone()], value: value.clone() }),
        }
    }
    leaves
}

impl Config {
    /// Checks the text of a configuration file. All faults at once, each with its key and what to do.
    pub fn read(text: &str, surroundings: Surroundings) -> Result<Self, Vec<ConfigFault>> {
        let (mut raw, mut faults) = RawConfig::parse(text);
        raw.surroundings = surroundings;
        // A key whose value could not be read is not missing as well.
        let unread: Vec<String> = faults.iter().map(|fault| fault.key.clone()).collect();
        match Self::try_from(raw) {
            Ok(config) if faults.is_empty() => return Ok(config),
            Ok(_) => {}
            Err(more) => faults.extend(more.into_iter().filter(|fault| !unread.contains(&fault.key))),
        }
        Err(faults)
    }
}

impl TryFrom<RawConfig> for Config {
    type Error = Vec<ConfigFault>;

    fn try_from(raw: RawConfig) -> Result<Self, Vec<ConfigFault>> {
        let mut checks = Checks { faults: Vec::new() };
        let listen = checks.address("listen", raw.listen.as_deref().unwrap_or("127.0.0.1:8080"));
        let tls = raw.tls.as_ref().and_then(|tls| checks.tls(tls, &raw));
        let metrics_listen = raw.metrics.as_ref().and_then(|it| it.listen.as_deref());
        let metrics_listen = metrics_listen.and_then(|text| checks.address("metrics.listen", text));
        let trusted_proxies = checks.trusted_proxies(raw.trusted_proxies.as_deref().unwrap_or_default());
        let issuer = checks.issuer(raw.issuer.as_deref());
        let database = checks.database(&raw);
        let master_keys = checks.master_keys(&raw);
        let geo_database = checks.geo_database(&raw);
        let smtp = checks.smtp(raw.smtp, &raw.surroundings);
        let log = checks.log(raw.log.unwrap_or_default());
        let password_hashing = checks.password_hashing(&raw.password_hashing.unwrap_or_default());
        let keys = checks.keys(&raw.keys.unwrap_or_default());
        let egress = checks.egress(raw.egress.unwrap_or_default().allow.as_deref().unwrap_or_default());
        let events_kept = checks.events_kept(raw.events.and_then(|it| it.keep_days));
        let rate_limits = checks.rate_limits(&raw.rate_limits.unwrap_or_default());
        let request_timeout = checks.seconds(
            "request_timeout_seconds",
            raw.request_timeout_seconds,
            1,
            DEFAULT_REQUEST_TIMEOUT,
        );
        let shutdown_grace =
            checks.seconds("shutdown_grace_seconds", raw.shutdown_grace_seconds, 0, DEFAULT_SHUTDOWN_GRACE);
        let (Some(listen), Some(issuer), Some(database), Some(master_keys)) =
            (listen, issuer, database, master_keys)
        else {
            return Err(checks.faults);
        };
        if !checks.faults.is_empty() {
            return Err(checks.faults);
        }
        Ok(Self {
            mode: Mode::Production,
            listen,
            trusted_proxies,
            metrics_listen,
            tls,
            issuer: Some(issuer),
            database,
            master_keys,
            smtp,
            log,
            password_hashing,
            keys,
            geo_database,
            egress,
            events_kept,
            rate_limits,
            fixed_signing_keys: None,
            request_timeout,
            shutdown_grace,
        })
    }
}

/// Collects what is wrong while every key is looked at.
pub(super) struct Checks {
    faults: Vec<ConfigFault>,
}

impl Checks {
    pub(super) fn fault<T>(&mut self, key: &str, problem: impl Into<String>) -> Option<T> {
        self.faults.push(ConfigFault { key: key.to_owned(), problem: problem.into() });
        None
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        text.parse().ok().or_else(|| {
            self.fault(
                key,
                format!("{text:?} is not an address with a port; write it like \"127.0.0.1:8080\""),
            )
        })
    }

    fn tls(&mut self, tls: &RawTls, raw: &RawConfig) -> Option<Tls> {
        if raw.issuer.as_deref().is_some_and(|issuer| issuer.starts_with("http://")) {
            self.fault::<()>("issuer", "is an http URL, but the section tls makes this server speak https");
        }
        let redirect_listen =
            tls.redirect_listen.as_deref().and_then(|text| self.address("tls.redirect_listen", text));
        let mut file = |key: &str, path: &Option<PathBuf>| match path {
            Some(path) => Some(raw.surroundings.folder.join(path)),
            None => self.fault(key, "is missing; TLS takes a certificate and its key"),
        };
        let certificate = file("tls.certificate_file", &tls.certificate_file);
        let key = file("tls.key_file", &tls.key_file);
        let files = TlsFiles { certificate: certificate?, key: key? };
        match files.check() {
            Ok(()) => Some(Tls { files, redirect_listen }),
            Err(fault) => self.fault(fault.key(), fault.problem()),
        }
    }

    fn trusted_proxies(&mut self, texts: &[String]) -> TrustedProxies {
        TrustedProxies::parse(texts.iter().map(String::as_str)).unwrap_or_else(|problem| {
            self.fault::<()>("trusted_proxies", problem);
            TrustedProxies::default()
        })
    }

    fn issuer(&mut self, text: Option<&str>) -> Option<Issuer> {
        let Some(text) = text else {
            return self.fault("issuer", "is missing; write the URL by which browsers reach this server");
        };
        Issuer::parse(text).map_err(|error| self.fault::<Issuer>("issuer", format!("{text:?} {error}"))).ok()
    }

    fn database(&mut self, raw: &RawConfig) -> Option<Database> {
        let of_environment = raw.surroundings.database.as_ref();
        let (key, text) = match (of_environment, &raw.database_file, &raw.database) {
            (Some(_), Some(_), _) => {
                return self.fault("database_file", "PORTICO_DATABASE is set as well; keep one of the two");
            }
            (None, Some(_), Some(_)) => {
                return self.fault("database_file", "`database` is there as well; keep one of the two");
            }
            (None, Some(path), None) => {
                let path = raw.surroundings.folder.join(path);
                ("database_file", self.secret("database_file", &path)?)
            }
            (Some(text), None, _) | (None, None, Some(text)) => ("database", text.clone()),
            (None, None, None) => {
                return self.fault(
                    "database",
                    "is missing; write the path of an SQLite file or a postgres:// URL, or name a file with the URL in \
                     database_file, or set PORTICO_DATABASE",
                );
            }
        };
        self.database_of(key, &text, raw)
    }

    fn database_of(&mut self, key: &str, text: &SecretText, raw: &RawConfig) -> Option<Database> {
        let written = text.reveal();
        if written.starts_with("postgres://") || written.starts_with("postgresql://") {
            return match url::Url::parse(written) {
                Ok(url) if url.has_host() => Some(Database::Postgres(text.clone())),
                _ => self.fault(key, "is not a postgres URL; write it like postgres://user@host:5432/name"),
            };
        }
        if written.is_empty() || written.contains("://") {
            return self.fault(key, "is neither the path of an SQLite file nor a postgres:// URL");
        }
        let path = raw.surroundings.folder.join(written.strip_prefix("sqlite:").unwrap_or(written));
        match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() || folder.is_dir() => Some(Database::Sqlite(path)),
            _ => self.fault(key, format!("the folder of {} does not exist; make it first", path.display())),
        }
    }

    /// What stands in a secret's own file.
    pub(super) fn secret(&mut self, key: &str, path: &Path) -> Option<SecretText> {
        secret_file::read(path)
            .map_err(|error| self.fault::<SecretText>(key, format!("{} {error}", path.display())))
            .ok()
    }

    fn master_keys(&mut self, raw: &RawConfig) -> Option<MasterKeySource> {
        let file = raw.master_key_file.as_ref().map(|path| raw.surroundings.folder.join(path));
        match (raw.surroundings.master_key.clone(), file) {
            (Some(text), None) => Some(MasterKeySource::Text(text)),
            (None, Some(path)) if path.is_file() => Some(MasterKeySource::File(path)),
            (None, Some(path)) => self.fault(
                "master_key_file",
                format!("there is no file {}; make one with `openssl rand -hex 32` and `chmod 600`", path.display()),
            ),
            (Some(_), Some(_)) => {
                self.fault("master_key_file", "PORTICO_MASTER_KEY is set as well; keep one of the two")
            }
            (None, None) => self.fault(
                "master_key_file",
                "is missing, and so is PORTICO_MASTER_KEY; make a key with `openssl rand -hex 32`, keep it apart from the data",
            ),
        }
    }

    fn geo_database(&mut self, raw: &RawConfig) -> Option<PathBuf> {
        let path = raw.surroundings.folder.join(raw.geo.as_ref()?.database.as_ref()?);
        if path.is_file() {
            return Some(path);
        }
        self.fault("geo.database", format!("there is no file {}", path.display()))
    }

    fn log(&mut self, raw: RawLog) -> LogConfig {
        let default = LogConfig::default();
        let filter = raw.filter.unwrap_or(default.filter);
        if let Err(error) = filter.parse::<tracing_subscriber::filter::Targets>() {
            self.fault::<()>(
                "log.filter",
                format!("{filter:?} is not a filter ({error}); write it like \"info\""),
            );
        }
        LogConfig { filter, json: raw.json.unwrap_or(default.json) }
    }

    fn password_hashing(&mut self, raw: &RawPasswordHashing) -> PasswordHashing {
        let default = PasswordHashing::default();
        let memory_kib = raw.memory_kib.unwrap_or(HashCost::STANDARD.memory_kib);
        let passes = raw.passes.unwrap_or(HashCost::STANDARD.passes);
        let at_once = raw.at_once.unwrap_or(default.at_once);
        if !(19_456..=131_072).contains(&memory_kib) {
            self.fault::<()>("password_hashing.memory_kib", "must be between 19456 and 131072");
        }
        let least = if memory_kib < 47_104 { 2 } else { 1 };
        if !(least..=16).contains(&passes) {
            self.fault::<()>(
                "password_hashing.passes",
                format!("must be between {least} and 16 with that memory"),
            );
        }
        if !(1..=256).contains(&at_once) {
            self.fault::<()>("password_hashing.at_once", "must be between 1 and 256");
        }
        PasswordHashing { cost: HashCost { memory_kib, passes, ..HashCost::STANDARD }, at_once }
    }

    fn keys(&mut self, raw: &RawKeys) -> KeysConfig {
        let mut config = KeysConfig::default();
        if let Some(seconds) = raw.publish_before_seconds {
            if !(600..=604_800).contains(&seconds) {
                self.fault::<()>("keys.publish_before_seconds", "must be between 600 and 604800 seconds");
            }
            config.publish_before = Duration::from_secs(seconds);
        }
        if let Some(days) = raw.rotate_after_days {
            if days > 3650 {
                self.fault::<()>("keys.rotate_after_days", "must be between 1 and 3650 days, or 0 for never");
            }
            config.rotate_after = (days > 0).then(|| Duration::from_hours(days.min(3650) * 24));
        }
        config
    }

    fn events_kept(&mut self, days: Option<u64>) -> Option<Duration> {
        match days {
            None => DEFAULT_EVENTS_KEPT,
            Some(0) => None,
            Some(days @ 1..=36_500) => Some(Duration::from_hours(days * 24)),
            Some(_) => self.fault("events.keep_days", "must be between 1 and 36500 days, or 0 for good"),
        }
    }

    fn egress(&mut self, texts: &[String]) -> EgressRules {
        EgressRules::parse(texts.iter().map(String::as_str)).unwrap_or_else(|problem| {
            self.fault::<()>("egress.allow", problem);
            EgressRules::default()
        })
    }

    fn seconds(&mut self, key: &str, value: Option<u64>, least: u64, default: Duration) -> Duration {
        match value {
            None => default,
            Some(seconds) if (least..=300).contains(&seconds) => Duration::from_secs(seconds),
            Some(_) => {
                self.fault::<()>(key, format!("must be between {least} and 300 seconds"));
                default
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            folder: std::env::temp_dir(),
            master_key: Some(SecretText::new("0123456789abcdef".repeat(4))),
            ..Surroundings::default()
        }
    }

    const GOOD: &str = "issuer = \"https://login.example.com\"\ndatabase = \"portico.db\"\n";

    fn keys(text: &str, surroundings: Surroundings) -> Vec<String> {
        Config::read(text, surroundings).unwrap_err().into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn little_is_enough() {
        let config = Config::read(GOOD, surroundings()).unwrap();
        assert_eq!(config.mode, Mode::Production);
        assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(config.database.folder(), Some(std::env::temp_dir().as_path()));
    }

    #[test]
    fn every_fault_comes_at_once_with_its_key() {
        let text = "listen = 8080\nissuer = \"http://login.example.com\"\ndatabse = \"x\"\nrequest_timeout_seconds = 0\n\
                    [log]\nfilter = \"a=b=c\"\ncolour = true\n[password_hashing]\nmemory_kib = 8\npasses = \"two\"\n";
        let mut found = keys(text, Surroundings::default());
        found.sort();
        let expected = [
            "database",
            "databse",
            "issuer",
            "listen",
            "log.colour",
            "log.filter",
            "master_key_file",
            "password_hashing.memory_kib",
            "password_hashing.passes",
            "request_timeout_seconds",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_wrong_thing_is_one_fault() {
        for (line, key) in [
            ("listen = \"localhost\"", "listen"),
            ("trusted_proxies = [\"0.0.0.0/0\"]", "trusted_proxies"),
            ("trusted_proxies = \"10.0.0.1\"", "trusted_proxies"),
            ("shutdown_grace_seconds = 301", "shutdown_grace_seconds"),
            ("master_key_file = \"/nowhere/key\"", "master_key_file"),
            ("[log]\njson = \"yes\"", "log.json"),
            ("[password_hashing]\nat_once = 0", "password_hashing.at_once"),
            ("[password_hashing]\npasses = 1", "password_hashing.passes"),
            ("[keys]\npublish_before_seconds = 599", "keys.publish_before_seconds"),
            ("[keys]\nrotate_after_days = 3651", "keys.rotate_after_days"),
            ("[egress]\nallow = [\"intranet\"]", "egress.allow"),
            ("[egress]\nallow = \"10.0.0.0/8\"", "egress.allow"),
            ("database_file = \"/nowhere/url\"", "database_file"),
            ("[smtp]\nfrom = \"a@b.example\"", "smtp.host"),
            ("[smtp]\nhost = \"mail.example\"", "smtp.from"),
            ("[smtp]\nhost = \"mail.example:25\"\nfrom = \"a@b.example\"", "smtp.host"),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nencryption = \"none\"",
                "smtp.encryption",
            ),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nencryption = \"ssl\"",
                "smtp.encryption",
            ),
            ("[smtp]\nhost = \"::1\"\nfrom = \"\u{e4}@b.example\"\nencryption = \"none\"", "smtp.from"),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nfrom_name = \"a\\nb\"",
                "smtp.from_name",
            ),
            ("[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nusername = \"a\"", "smtp.username"),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\ntimeout_seconds = 0",
                "smtp.timeout_seconds",
            ),
            ("[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nport = 0", "smtp.port"),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\npassword_file = \"/nowhere/x\"",
                "smtp.password_file",
            ),
            (
                "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nca_file = \"/nowhere/x\"",
                "smtp.ca_file",
            ),
            ("[rate_limits]\nmails_per_address = \"many\"", "rate_limits.mails_per_address"),
            ("[events]\nkeep_days = 36501", "events.keep_days"),
            ("[events]\nkeep_days = -1", "events.keep_days"),
            ("[rate_limits]\nmails_per_address = 5", "rate_limits.mails_per_address"),
            ("[rate_limits]\nexempt = [\"::/0\"]", "rate_limits.exempt"),
            ("[rate_limits]\nexempt = [\"localhost\"]", "rate_limits.exempt"),
            ("[serve]\n", "serve"),
            ("x = [", "the file"),
        ] {
            let found = keys(&format!("{GOOD}{line}"), surroundings());
            assert!(found.contains(&key.to_owned()), "{line}: {found:?}");
            assert!(found.len() == 1 || key == "the file", "{line}: {found:?}");
        }
        for database in ["", "mysql://x/y", "postgres://", "/nowhere/at/all/portico.db"] {
            let text = format!("issuer = \"https://a.example\"\ndatabase = \"{database}\"");
            assert_eq!(keys(&text, surroundings()), ["database"], "{database}");
        }
    }

    /// Every secret can stand in a file of its own, which is refused when others may read it, or when there is another
    /// source of the same secret.
    #[test]
    fn secrets_come_from_files_that_are_their_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder =
            std::env::temp_dir().join(format!("portico-secrets-{}", crate::entropy::Entropy.hex::<8>()));
        std::fs::create_dir(&folder).unwrap();
        let put = |name: &str, content: &str, mode: u32| {
            std::fs::write(folder.join(name), content).unwrap();
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let smtp = "[smtp]\nhost = \"mail.example\"\nfrom = \"a@b.example\"\nusername = \"a\"\npassword_file = \"smtp\"";
        let text = format!(
            "issuer = \"https://a.example\"\ndatabase_file = \"url\"\nmaster_key_file = \"key\"\n{smtp}"
        );
        let read = |change: &dyn Fn(&mut Surroundings)| {
            let mut around = Surroundings { folder: folder.clone(), ..Surroundings::default() };
            change(&mut around);
            Config::read(&text, around)
        };
        let refused = |change: &dyn Fn(&mut Surroundings)| -> Vec<String> {
            read(change).unwrap_err().into_iter().map(|fault| fault.key).collect()
        };
        let nothing = |_: &mut Surroundings| ();
        put("url", "postgres://portico:secret@db.example/portico\n", 0o600);
        put("smtp", "hush\n", 0o600);
        put("key", &"0123456789abcdef".repeat(4), 0o600);
        let config = read(&nothing).unwrap();
        assert!(matches!(&config.database, Database::Postgres(url) if url.reveal().ends_with("/portico")));
        assert_eq!(config.smtp.as_ref().unwrap().credentials.as_ref().unwrap().password.reveal(), "hush");
        assert!(!format!("{config:?}").contains("hush") && !format!("{config:?}").contains("secret@"));
        for (name, key) in [("url", "database_file"), ("smtp", "smtp.password_file")] {
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o604)).unwrap();
            assert_eq!(refused(&nothing), [key], "{name} is everybody's");
            std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let secret = || Some(SecretText::new("0123456789abcdef".repeat(4)));
        assert_eq!(refused(&|around| around.database = secret()), ["database_file"]);
        assert_eq!(refused(&|around| around.smtp_password = secret()), ["smtp.password_file"]);
        assert_eq!(refused(&|around| around.master_key = secret()), ["master_key_file"]);
        put("url", "mysql://x/y", 0o600);
        assert_eq!(refused(&nothing), ["database_file"]);
        let both = Config::read(
            &text.replace("database_file", "database = \"a.db\"\ndatabase_file"),
            Surroundings { folder: folder.clone(), ..Surroundings::default() },
        );
        assert_eq!(both.unwrap_err()[0].key, "database_file");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_environment_has_the_last_word_on_the_database() {
        let around = Surroundings {
            database: Some(SecretText::new("postgres://portico:secret@db.example/portico".to_owned())),
            ..surroundings()
        };
        let config = Config::read(GOOD, around).unwrap();
        assert!(matches!(config.database, Database::Postgres(_)));
        assert!(!format!("{config:?}").contains("secret@"), "the password must not be printed");
    }

    #[test]
    fn the_example_is_valid_and_names_every_key() {
        let folder =
            std::env::temp_dir().join(format!("portico-config-{}", crate::entropy::Entropy.hex::<8>()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("master.key"), "x").unwrap();
        let around = Surroundings { folder: folder.clone(), ..Surroundings::default() };
        Config::read(EXAMPLE, around).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let schema = schema();
        let definitions = schema["$defs"].as_object().unwrap().values();
        for object in definitions.chain([&schema]) {
            // A closed list of words has no keys.
            for key in object["properties"].as_object().into_iter().flat_map(serde_json::Map::keys) {
                assert!(
                    EXAMPLE.contains(&format!("{key} =")) || EXAMPLE.contains(&format!("[{key}]")),
                    "{key}"
                );
            }
        }
    }
}
