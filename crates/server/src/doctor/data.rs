//! The database, and what it needs the master key for.

use std::time::Duration;

use oidc::jose::{Algorithm, KeyPhase, StoredKey, is_due};
use store::Store;
use store::signing_keys::SigningKeyRecord;
use store::tenants::TenantRecord;
use terms::Timestamp;

use super::{Check, Options, Report};
use crate::config::{Config, Database, KeysConfig, MasterKeySource};
use crate::entropy::Entropy;
use crate::sealing::{DataKey, MasterKeyError, MasterKeyRing};
use crate::tenant::DEFAULT_SLUG;

/// A clock that is off by more than this makes tokens that others refuse.
pub(super) const MUCH: Duration = Duration::from_secs(30);
/// More than what a question takes.
pub(super) const SOME: Duration = Duration::from_secs(5);
/// How old a key may get where nothing rotates it.
const OLD: Duration = Duration::from_hours(365 * 24);
/// How late a rotation may come.
const GRACE: Duration = Duration::from_hours(24);
/// A planned end without a successor that comes sooner is told.
const SOON: Duration = Duration::from_hours(14 * 24);

/// What could be opened.
pub(super) struct Data {
    pub(super) store: Store,
    /// The key of the default tenant, by which its server is known.
    pub(super) default_key: Option<DataKey>,
}

pub(super) async fn look(report: &mut Report, config: &Config, options: &Options) -> Option<Data> {
    let ring = master_keys(report, config);
    let needs_data = [Check::DatabaseIssuer, Check::SigningKeys];
    let Some(store) = open(report, config, options).await else {
        report.unknown(&needs_data, "there is no database to look into");
        return None;
    };
    let tenants = match store.directory().tenants().await {
        Ok(tenants) => tenants,
        Err(fault) => {
            report.fail(Check::Database, fault.to_string(), "look into the database's own log");
            report.unknown(&needs_data, "the database does not answer");
            return None;
        }
    };
    issuer(report, config, &tenants);
    let mut default_key = None;
    if let Some(ring) = &ring {
        for tenant in &tenants {
            let key = data_key(report, ring, tenant, options);
            if tenant.slug == DEFAULT_SLUG {
                default_key = key;
            }
        }
        if report.of(Check::MasterKey).next().is_none() {
            report.ok(Check::MasterKey, format!("opens the data keys of {} tenants", tenants.len()));
        }
    }
    for tenant in &tenants {
        signing_keys(report, &store, config.keys, tenant, options).await;
    }
    if report.of(Check::SigningKeys).next().is_none() {
        report.ok(
            Check::SigningKeys,
            "every tenant that was asked for its keys has one that signs, and none is overdue",
        );
    }
    Some(Data { store, default_key })
}

fn master_keys(report: &mut Report, config: &Config) -> Option<MasterKeyRing> {
    let ring = match &config.master_keys {
        // The doctor makes nothing.
        MasterKeySource::FileOrNew(path) => MasterKeyRing::read(path),
        source => source.ring(&Entropy),
    };
    ring.map_err(|error| {
        let mend = match error {
            MasterKeyError::Permissions => {
                "chmod 600 that file; it must be its owner's only, and its owner the server's user"
            }
            MasterKeyError::File(_) => {
                "put the master key's file back from where it is kept, readable by the server's user only"
            }
            MasterKeyError::Empty
            | MasterKeyError::TooMany
            | MasterKeyError::Encoding { .. }
            | MasterKeyError::Placeholder => {
                "put the master key in force there, as it was when the database was made"
            }
        };
        report.fail(Check::MasterKey, error.to_string(), mend);
    })
    .ok()
}

async fn open(report: &mut Report, config: &Config, options: &Options) -> Option<Store> {
    let migrate = format!("portico migrate {}", options.target);
    if let Database::Sqlite(path) = &config.database
        && !path.exists()
    {
        report.fail(Check::Database, format!("there is no file {}", path.display()), migrate);
        report.unknown(&[Check::Schema], "there is no database");
        return None;
    }
    let store = match Store::open(&config.database.to_open()).await {
        Ok(store) => store,
        Err(fault) => {
            let mend = match &config.database {
                Database::Sqlite(_) => {
                    "run this as the user that the server runs as; a damaged file is restored from its backup"
                }
                Database::Postgres(_) => {
                    "start PostgreSQL, or correct the URL of the database: host, port, name, user, password, sslmode"
                }
            };
            report.fail(Check::Database, fault.to_string(), mend);
            report.unknown(&[Check::Schema, Check::DatabaseClock], "the database can't be reached");
            return None;
        }
    };
    report.ok(Check::Database, "answers");
    match store.is_migrated().await {
        Ok(true) => report.ok(Check::Schema, "is this program's"),
        Ok(false) => {
            report.fail(Check::Schema, "the database is not migrated, or by an older program only", migrate);
            store.close().await;
            return None;
        }
        Err(fault) => {
            let mend = "run the newest program that this database was used with; migrations go forward only";
            report.fail(Check::Schema, fault.to_string(), mend);
            store.close().await;
            return None;
        }
    }
    clock(report, &store, options).await;
    Some(store)
}

/// SQLite has no clock of its own.
async fn clock(report: &mut Report, store: &Store, options: &Options) {
    let before = options.clock.now();
    match store.clock().await {
        Ok(None) => {}
        Ok(Some(theirs)) => match off(theirs, before, options.clock.now()) {
            apart if apart > MUCH => report.fail(
                Check::DatabaseClock,
                format!("the database's clock is {} seconds from this machine's", apart.as_secs()),
                "set both by the same time servers (`timedatectl set-ntp true`)",
            ),
            apart if apart > SOME => report.warn(
                Check::DatabaseClock,
                format!("the database's clock is {} seconds from this machine's", apart.as_secs()),
                "set both by the same time servers (`timedatectl set-ntp true`)",
            ),
            _ => report.ok(Check::DatabaseClock, "agrees with this machine's"),
        },
        Err(fault) => {
            report.fail(Check::DatabaseClock, fault.to_string(), "look into the database's own log");
        }
    }
}

/// How far a clock is from ours that was read some time between two of our readings.
pub(super) fn off(theirs: Timestamp, before: Timestamp, after: Timestamp) -> Duration {
    before.since(theirs).max(theirs.since(after))
}

fn issuer(report: &mut Report, config: &Config, tenants: &[TenantRecord]) {
    let stored =
        tenants.iter().find(|tenant| tenant.slug == DEFAULT_SLUG).map(|tenant| tenant.issuer.as_str());
    match (stored, &config.issuer) {
        (None, _) => {
            report.fail(Check::DatabaseIssuer, "there is no default tenant", "run `portico migrate`");
        }
        (Some(stored), Some(asked)) if stored != asked.as_str() => report.fail(
            Check::DatabaseIssuer,
            format!("the database belongs to {stored}, and the configuration says {asked}"),
            format!("set issuer = {stored:?}, which never changes, or use another database"),
        ),
        (Some(stored), _) => {
            report.ok(Check::DatabaseIssuer, format!("is {stored}, as the configuration says"));
        }
    }
}

fn data_key(
    report: &mut Report,
    ring: &MasterKeyRing,
    tenant: &TenantRecord,
    options: &Options,
) -> Option<DataKey> {
    let slug = &tenant.slug;
    match ring.open_data_key(tenant.id, &tenant.sealed_data_key) {
        Ok(key) => {
            let wraps = MasterKeyRing::wraps(&tenant.sealed_data_key).ok();
            if wraps.is_some() && wraps != ring.ids().first().copied() {
                report.warn(
                    Check::MasterKey,
                    format!("an older master key seals the data key of the tenant {slug}"),
                    format!("portico master-key rewrap {}", options.target),
                );
            }
            Some(key)
        }
        Err(error) => {
            let mend =
                "put the master key back that this database was made with, first or after the newer one";
            report.fail(Check::MasterKey, format!("the data key of the tenant {slug}: {error}"), mend);
            None
        }
    }
}

async fn signing_keys(
    report: &mut Report,
    store: &Store,
    config: KeysConfig,
    tenant: &TenantRecord,
    options: &Options,
) {
    match store.read(tenant.id).signing_keys().await {
        Err(fault) => report.fail(Check::SigningKeys, fault.to_string(), "look into the database's own log"),
        Ok(records) => {
            let keys: Vec<StoredKey> = records.iter().map(SigningKeyRecord::stored).collect();
            judge_keys(report, &keys, config, (&tenant.slug, &options.target), options.clock.now());
        }
    }
}

/// Per algorithm: whether a key signs, whether one will when it ends, and whether rotation goes on.
fn judge_keys(
    report: &mut Report,
    keys: &[StoredKey],
    config: KeysConfig,
    names: (&str, &str),
    now: Timestamp,
) {
    // They are made when somebody first asks for them.
    if keys.is_empty() {
        return;
    }
    let (slug, target) = names;
    for algorithm in Algorithm::ALL {
        let name = algorithm.as_str();
        let of_it: Vec<&StoredKey> = keys.iter().filter(|key| key.algorithm == algorithm).collect();
        let signs = |key: &&&StoredKey| matches!(key.life.phase(now), KeyPhase::Active { .. });
        let of_tenant = format!("--tenant {slug} {target}");
        if of_it.iter().filter(signs).count() == 0 {
            // Which algorithms a tenant signs with shows in the keys that it has; these two everybody has.
            if Algorithm::AT_FIRST.contains(&algorithm) {
                report.fail(
                    Check::SigningKeys,
                    format!("no {name} key of the tenant {slug} signs"),
                    format!("portico keys create --alg {name} {of_tenant}"),
                );
            }
            continue;
        }
        let rotate = format!("portico keys rotate --alg {name} {of_tenant}");
        let end = of_it
            .iter()
            .filter(signs)
            .map(|key| key.life.retired_at)
            .max_by_key(|end| end.map_or(i64::MAX, Timestamp::as_millis));
        if let Some(Some(end)) = end
            && end.since(now) < SOON
            && !of_it.iter().any(|key| takes_over(key, end, now))
        {
            let days = end.since(now).as_secs() / (24 * 60 * 60);
            let what =
                format!("the last {name} key of the tenant {slug} ends in {days} days, and none follows");
            report.fail(Check::SigningKeys, what, rotate);
            continue;
        }
        let late = config.rotate_after.map_or(OLD, |age| age + GRACE);
        if is_due(keys, algorithm, late, now) {
            let days = late.as_secs() / (24 * 60 * 60);
            let what = format!("the {name} key of the tenant {slug} signs since more than {days} days");
            report.warn(
                Check::SigningKeys,
                what,
                format!("{rotate}; a running server does it when keys.rotate_after_days says so"),
            );
        }
    }
}

/// Whether this key signs from that instant on.
fn takes_over(key: &StoredKey, at: Timestamp, now: Timestamp) -> bool {
    key.life.phase(now) == KeyPhase::Announced && key.life.activated_at.is_some_and(|from| from <= at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;
    use oidc::jose::KeyLife;
    use terms::SigningKeyId;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn key(algorithm: Algorithm, change: impl FnOnce(&mut KeyLife)) -> StoredKey {
        let mut life = KeyLife::active(NOW.minus(DAY));
        change(&mut life);
        StoredKey { id: SigningKeyId::new(NOW, [1; 10]), algorithm, life }
    }

    fn judged(keys: &[StoredKey], config: KeysConfig) -> Vec<Status> {
        let mut report = Report::default();
        judge_keys(&mut report, keys, config, ("default", "--config x"), NOW);
        report.findings.iter().map(|finding| finding.status).collect()
    }

    #[test]
    fn a_tenant_without_a_key_or_with_one_that_ends_is_told() {
        let usual = KeysConfig::default();
        let never = KeysConfig { rotate_after: None, ..usual };
        let [rs, es] = Algorithm::AT_FIRST;
        let good = [key(rs, |_| ()), key(es, |_| ())];
        assert_eq!(judged(&good, usual), []);
        assert_eq!(judged(&[], usual), [], "not asked for yet");
        assert_eq!(judged(&good[..1], usual), [Status::Fail], "none of ES256");
        let cases: [(&str, KeysConfig, Vec<StoredKey>, Vec<Status>); 7] = [
            ("revoked", usual, vec![key(es, |life| life.revoked_at = Some(NOW))], vec![Status::Fail]),
            (
                "not yet",
                usual,
                vec![key(es, |life| life.activated_at = Some(NOW.plus(DAY)))],
                vec![Status::Fail],
            ),
            ("ends", usual, vec![key(es, |life| life.retired_at = Some(NOW.plus(DAY)))], vec![Status::Fail]),
            (
                "ends, and another follows",
                usual,
                vec![
                    key(es, |life| life.retired_at = Some(NOW.plus(DAY))),
                    key(es, |life| life.activated_at = Some(NOW.plus(DAY))),
                ],
                vec![],
            ),
            (
                "overdue",
                usual,
                vec![key(es, |life| *life = KeyLife::active(NOW.minus(DAY * 92)))],
                vec![Status::Warn],
            ),
            ("as planned", usual, vec![key(es, |life| *life = KeyLife::active(NOW.minus(DAY * 90)))], vec![]),
            (
                "old",
                never,
                vec![key(es, |life| *life = KeyLife::active(NOW.minus(DAY * 366)))],
                vec![Status::Warn],
            ),
        ];
        for (name, config, keys, expected) in cases {
            let keys: Vec<StoredKey> = [vec![good[0]], keys].concat();
            assert_eq!(judged(&keys, config), expected, "{name}");
        }
    }

    #[test]
    fn a_clock_is_off_by_what_the_question_does_not_explain() {
        let at = |seconds: i64| Timestamp::from_seconds(1_000 + seconds);
        for (theirs, expected) in [(0, 0), (1, 0), (2, 0), (3, 1), (-40, 40)] {
            assert_eq!(off(at(theirs), at(0), at(2)), Duration::from_secs(expected), "{theirs}");
        }
    }
}
