//! `portico doctor`: looks at everything that a set-up needs, from within and from outside, and says what to mend.
//!
//! It changes nothing but one row: the sign-in page makes the browser known that asks for it. It runs beside a server or
//! without one. `docs/guide/troubleshoot.md` has a section for each check, by its code.

pub mod echo;

mod data;
mod files;
mod mail;
mod outside;
mod proxy;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::{Config, ConfigFault, Surroundings};

/// What is looked at. The code is what `--json` and the guide call it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Config,
    Permissions,
    Disk,
    MasterKey,
    Database,
    Schema,
    DatabaseClock,
    DatabaseIssuer,
    SigningKeys,
    Certificate,
    Issuer,
    Identity,
    Ready,
    Clock,
    Proxy,
    Cookies,
    Mail,
}

impl Check {
    pub const ALL: [Self; 17] = [
        Self::Config,
        Self::Permissions,
        Self::Disk,
        Self::MasterKey,
        Self::Database,
        Self::Schema,
        Self::DatabaseClock,
        Self::DatabaseIssuer,
        Self::SigningKeys,
        Self::Certificate,
        Self::Issuer,
        Self::Identity,
        Self::Ready,
        Self::Clock,
        Self::Proxy,
        Self::Cookies,
        Self::Mail,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Permissions => "permissions",
            Self::Disk => "disk",
            Self::MasterKey => "master-key",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::DatabaseClock => "database-clock",
            Self::DatabaseIssuer => "database-issuer",
            Self::SigningKeys => "signing-keys",
            Self::Certificate => "certificate",
            Self::Issuer => "issuer",
            Self::Identity => "identity",
            Self::Ready => "ready",
            Self::Clock => "clock",
            Self::Proxy => "proxy",
            Self::Cookies => "cookies",
            Self::Mail => "mail",
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// It works, and soon may not, or not as well as it could.
    Warn,
    Fail,
    /// It could not be looked at, since something else failed.
    Unknown,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Unknown => "?",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: Check,
    pub status: Status,
    /// What is so.
    pub what: String,
    /// What to do about it: a command, or a setting.
    pub mend: Option<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing failed.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.status != Status::Fail)
    }

    pub fn failures(&self) -> usize {
        self.findings.iter().filter(|finding| finding.status == Status::Fail).count()
    }

    /// What was found by a check.
    pub fn of(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.check == check)
    }

    pub fn to_json(&self) -> Value {
        let finding = |it: &Finding| json!({ "check": it.check.code(), "status": it.status, "what": it.what, "mend": it.mend });
        json!({ "healthy": self.is_healthy(), "findings": self.findings.iter().map(finding).collect::<Vec<_>>() })
    }

    /// For a person: a line each, and how to mend what needs it below it.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for Finding { check, status, what, mend } in &self.findings {
            let _ = writeln!(text, "{:4}  {:15}  {}", status.word(), check.code(), shown(what));
            if let Some(mend) = mend {
                let _ = writeln!(text, "{:23}mend: {}", "", shown(mend));
            }
        }
        text
    }

    fn add(&mut self, check: Check, status: Status, what: impl Into<String>, mend: Option<String>) {
        self.findings.push(Finding { check, status, what: what.into(), mend });
    }

    fn ok(&mut self, check: Check, what: impl Into<String>) {
        self.add(check, Status::Ok, what, None);
    }

    fn warn(&mut self, check: Check, what: impl Into<String>, mend: impl Into<String>) {
        self.add(check, Status::Warn, what, Some(mend.into()));
    }

    fn fail(&mut self, check: Check, what: impl Into<String>, mend: impl Into<String>) {
        self.add(check, Status::Fail, what, Some(mend.into()));
    }

    fn unknown(&mut self, checks: &[Check], since: &str) {
        for check in checks {
            self.add(*check, Status::Unknown, format!("not looked at: {since}"), None);
        }
    }
}

/// Words of other servers come along, and must not control the terminal.
fn shown(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

/// With what is looked.
#[derive(Clone, Debug)]
pub struct Options {
    pub clock: Clock,
    /// The authorities that the issuer's certificate may be from; none means those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// How the commands that mend are told which data they are about: `--config FILE`.
    pub target: String,
}

/// Looks at the set-up of a configuration file.
pub async fn examine_file(file: &Path, around: Surroundings, options: &Options) -> Report {
    let mut report = Report::default();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            report.fail(
                Check::Config,
                format!("cannot read {}: {error}", file.display()),
                "name the file of `portico serve` with --config, and run this as the user that the server runs as",
            );
            return report;
        }
    };
    match Config::read(&text, around) {
        Err(faults) => faults.iter().for_each(|fault| note(&mut report, fault)),
        Ok(config) => {
            report.ok(Check::Config, format!("{} is good", file.display()));
            files::configuration(&mut report, file, &config, &text);
            examine(&mut report, &config, options).await;
        }
    }
    report
}

fn note(report: &mut Report, fault: &ConfigFault) {
    let check = if fault.key == "master_key_file" { Check::MasterKey } else { Check::Config };
    report.fail(
        check,
        fault.to_string(),
        format!("correct {} in the configuration; the rest is looked at then", fault.key),
    );
}

/// Looks at the set-up of a checked configuration.
pub async fn examine(report: &mut Report, config: &Config, options: &Options) {
    files::look(report, config, options);
    let data = data::look(report, config, options).await;
    outside::look(report, config, options, data.as_ref()).await;
    mail::look(report, config).await;
    if let Some(data) = data {
        data.store.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_a_section_for_each_check() {
        let guide = include_str!("../../../../docs/guide/troubleshoot.md");
        for check in Check::ALL {
            let heading = format!("\n### `{}`", check.code());
            assert_eq!(guide.matches(&heading).count(), 1, "{heading}");
        }
    }

    #[test]
    fn a_report_is_told_to_people_and_to_programs() {
        let mut report = Report::default();
        report.ok(Check::Config, "good");
        report.warn(Check::Disk, "little room", "make room");
        assert!(report.is_healthy(), "what works is no failure");
        report.fail(Check::Mail, "no\r\n\u{1b}[31mway", "find one");
        report.unknown(&[Check::Clock], "no issuer");
        assert!(!report.is_healthy() && report.failures() == 1);
        assert_eq!(
            report.to_text(),
            "ok    config           good\nwarn  disk             little room\n                       mend: make room\n\
             FAIL  mail             no   [31mway\n                       mend: find one\n\
             ?     clock            not looked at: no issuer\n"
        );
        let told = report.to_json();
        assert_eq!((&told["healthy"], &told["findings"][2]["status"]), (&json!(false), &json!("fail")));
        assert_eq!(
            told["findings"][0],
            json!({ "check": "config", "status": "ok", "what": "good", "mend": null })
        );
    }
}
