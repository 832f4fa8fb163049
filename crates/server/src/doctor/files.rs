//! What lies on this machine: who may read it, how long it lasts, and whether there is room.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use terms::{SecretText, Timestamp};

use super::{Check, Options, Report};
use crate::config::{Config, Database};
use crate::tls::{self, Validity};

const MIB: u64 = 1024 * 1024;

pub(super) fn look(report: &mut Report, config: &Config, options: &Options) {
    permissions(report, config);
    disk(report, config);
    let Some(tls) = &config.tls else { return };
    match tls::validity_of_file(&tls.files.certificate) {
        Ok(validity) => {
            certificate(report, "the certificate of tls.certificate_file", validity, options.clock.now());
        }
        Err(problem) => report.fail(Check::Certificate, problem, "put a certificate as PEM there"),
    }
}

/// A configuration that holds a password is a secret itself.
pub(super) fn configuration(report: &mut Report, file: &Path, config: &Config, text: &str) {
    let Database::Postgres(url) = &config.database else { return };
    let has_password =
        |url: &SecretText| url::Url::parse(url.reveal()).is_ok_and(|url| url.password().is_some());
    let stands_here = text
        .lines()
        .any(|line| line.trim_start().starts_with("database ") || line.trim_start().starts_with("database="));
    if stands_here && has_password(url) && mode(file).is_some_and(|mode| mode & 0o007 != 0) {
        report.fail(
            Check::Permissions,
            format!(
                "everybody on this machine may read {}, which holds the database's password",
                file.display()
            ),
            format!(
                "chmod 600 {}, or write the URL into a file of its own and name it in database_file",
                file.display()
            ),
        );
    }
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|file| file.permissions().mode())
}

/// Files that others than the owner must not read. What the program itself refuses to read is not asked again.
fn permissions(report: &mut Report, config: &Config) {
    let mut open: Vec<PathBuf> = Vec::new();
    if let Database::Sqlite(path) = &config.database {
        let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
        let files = [path.clone(), beside("-wal"), beside("-shm")];
        open.extend(files.into_iter().filter(|path| mode(path).is_some_and(|mode| mode & 0o077 != 0)));
    }
    if let Some(tls) = &config.tls
        && tls.files.key_is_open()
    {
        open.push(tls.files.key.clone());
    }
    if open.is_empty() {
        return report.ok(Check::Permissions, "secret files are their owner's only");
    }
    for path in open {
        report.fail(
            Check::Permissions,
            format!("others than its owner may read {}", path.display()),
            format!("chmod 600 {}", path.display()),
        );
    }
}

/// What a database can't do without.
fn disk(report: &mut Report, config: &Config) {
    let Some(folder) = config.database.folder() else { return };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match rustix::fs::statvfs(folder) {
        Ok(room) => room_of(report, folder, room.f_bavail.saturating_mul(room.f_frsize)),
        Err(error) => report.warn(
            Check::Disk,
            format!("cannot ask how much room there is at {}: {error}", folder.display()),
            "look with `df -h`",
        ),
    }
}

fn room_of(report: &mut Report, folder: &Path, free: u64) {
    let what = format!("{} MiB are free at {}", free / MIB, folder.display());
    let mend =
        "make room on that file system, or move the database; events.keep_days says how long events are kept";
    match free / MIB {
        0..100 => report.fail(Check::Disk, what, mend),
        100..1024 => report.warn(Check::Disk, what, mend),
        _ => report.ok(Check::Disk, what),
    }
}

/// Late enough that whatever renews certificates should have done so: a quarter of the certificate's own life, three weeks
/// at most.
pub(super) fn certificate(report: &mut Report, whose: &str, validity: Validity, now: Timestamp) {
    let Validity { from, until } = validity;
    let left = until.since(now);
    let days = left.as_secs() / (24 * 60 * 60);
    let mend = "renew it, and find out why nothing did; Portico takes new files within seconds, a proxy mostly must be reloaded";
    if until.has_passed(now) {
        return report.fail(Check::Certificate, format!("{whose} has expired"), mend);
    }
    if !from.has_passed(now) {
        let mend = "set this machine's clock right (`timedatectl`), or wait";
        return report.fail(Check::Certificate, format!("{whose} is not valid yet"), mend);
    }
    let late = (until.since(from) / 4).min(std::time::Duration::from_hours(21 * 24));
    if left < late {
        return report.warn(Check::Certificate, format!("{whose} expires in {days} days"), mend);
    }
    report.ok(Check::Certificate, format!("{whose} is valid for {days} days more"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;
    use std::time::Duration;

    #[test]
    fn little_room_is_told() {
        for (mib, status) in [
            (0, Status::Fail),
            (99, Status::Fail),
            (100, Status::Warn),
            (1023, Status::Warn),
            (1024, Status::Ok),
        ] {
            let mut report = Report::default();
            room_of(&mut report, Path::new("/data"), mib * MIB);
            assert_eq!(report.findings[0].status, status, "{mib}");
        }
        let mut report = Report::default();
        disk(&mut report, &Config::development(&std::env::temp_dir(), 0, None));
        assert!(report.findings[0].what.contains("MiB are free"), "{report:?}");
    }

    #[test]
    fn a_certificate_near_its_end_is_told_by_its_own_measure() {
        let day = Duration::from_hours(24);
        let from = Timestamp::from_seconds(1_800_000_000);
        for (life, age, status) in [
            (90, 68, Status::Ok),
            (90, 70, Status::Warn),
            (90, 90, Status::Fail),
            (6, 4, Status::Ok),
            (6, 5, Status::Warn),
            (365, 340, Status::Ok),
            (365, 345, Status::Warn),
        ] {
            let mut report = Report::default();
            certificate(
                &mut report,
                "it",
                Validity { from, until: from.plus(day * life) },
                from.plus(day * age),
            );
            assert_eq!(report.findings[0].status, status, "{age} of {life}");
        }
        let mut report = Report::default();
        certificate(&mut report, "it", Validity { from, until: from.plus(day) }, from.minus(day));
        assert_eq!(
            (report.findings[0].status, report.findings[0].what.as_str()),
            (Status::Fail, "it is not valid yet")
        );
    }
}
