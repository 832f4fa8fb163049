//! The mail server, as the configuration names it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use schemars::JsonSchema;
use serde::Deserialize;
use terms::{EmailAddress, SecretText};

use super::raw::{Checks, Surroundings};

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub credentials: Option<SmtpCredentials>,
    /// The sender of every mail.
    pub from: Address,
    /// The name beside it; none means the tenant's.
    pub from_name: Option<String>,
    /// How long one step of the conversation may take.
    pub timeout: Duration,
    /// The authorities that the server's certificate may be from; none means those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct SmtpCredentials {
    pub username: String,
    pub password: SecretText,
}

/// How the connection to the mail server is kept from being read and changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// STARTTLS, and nothing without it (RFC 3207).
    Starttls,
    /// TLS from the first octet (RFC 8314 section 3.3).
    Tls,
    /// Not at all: on this machine only.
    None,
}

impl Encryption {
    const fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The mail server. Without this section no mail is sent, and people can't sign up by themselves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSmtp {
    /// The host name of the mail server; its certificate must be for this name.
    pub host: Option<String>,
    /// By default 587 with "starttls", 465 with "tls", 25 with "none".
    pub port: Option<u16>,
    /// "starttls" (the default), "tls", or "none", which is for a mail server on this machine only.
    pub encryption: Option<Encryption>,
    /// The name to sign in to the mail server with. Leave it out where the server knows this machine.
    pub username: Option<String>,
    /// A file with the password, readable by its owner only. Or the environment variable PORTICO_SMTP_PASSWORD.
    pub password_file: Option<PathBuf>,
    /// The address that mails come from.
    pub from: Option<String>,
    /// The name that mails come from; by default the tenant's.
    pub from_name: Option<String>,
    /// How long one step of the conversation with the mail server may take, in seconds (1 to 60).
    pub timeout_seconds: Option<u64>,
    /// A PEM file with the authorities that the server's certificate may be from, instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

impl Checks {
    /// The section; none where there is none, or where something is wrong with it.
    pub(super) fn smtp(&mut self, raw: Option<RawSmtp>, around: &Surroundings) -> Option<SmtpConfig> {
        let raw = raw?;
        let credentials = self.smtp_credentials(&raw, around);
        let encryption = raw.encryption.unwrap_or(Encryption::Starttls);
        let host = self.smtp_host(raw.host.as_deref(), encryption);
        let port = raw.port.unwrap_or_else(|| encryption.usual_port());
        if port == 0 {
            self.fault::<()>("smtp.port", "can't be 0");
        }
        let from = self.smtp_from(raw.from.as_deref());
        if raw.from_name.as_deref().is_some_and(|name| name.chars().any(char::is_control) || name.is_empty())
        {
            self.fault::<()>("smtp.from_name", "is empty or holds a control character");
        }
        let timeout = match raw.timeout_seconds {
            None => DEFAULT_TIMEOUT,
            Some(seconds @ 1..=60) => Duration::from_secs(seconds),
            Some(_) => self.fault("smtp.timeout_seconds", "must be between 1 and 60 seconds")?,
        };
        let ca_file = raw.ca_file.map(|path| around.folder.join(path));
        if let Some(path) = &ca_file
            && let Err(problem) = crate::smtp::authorities(path)
        {
            self.fault::<()>("smtp.ca_file", problem);
        }
        let (host, from, from_name) = (host?, from?, raw.from_name);
        Some(SmtpConfig { host, port, encryption, credentials, from, from_name, timeout, ca_file })
    }

    fn smtp_host(&mut self, host: Option<&str>, encryption: Encryption) -> Option<String> {
        let Some(host) = host else {
            return self.fault("smtp.host", "is missing; write the host name of the mail server");
        };
        if tokio_rustls::rustls::pki_types::ServerName::try_from(host).is_err() {
            return self
                .fault("smtp.host", format!("{host:?} is not a host name; the port stands in smtp.port"));
        }
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if encryption == Encryption::None && !is_here {
            return self.fault(
                "smtp.encryption",
                "\"none\" is for a mail server on localhost, 127.0.0.1 or ::1 only; use \"starttls\" or \"tls\"",
            );
        }
        Some(host.to_owned())
    }

    fn smtp_from(&mut self, from: Option<&str>) -> Option<Address> {
        let Some(from) = from else {
            return self.fault("smtp.from", "is missing; write the address that mails come from");
        };
        let parsed = EmailAddress::parse(from).map_err(|error| error.to_string());
        match parsed.and_then(|address| crate::smtp::address(&address).ok_or("is not taken".to_owned())) {
            Ok(address) if address.user().is_ascii() => Ok(address),
            Ok(_) => {
                Err("the part before the @ must be ASCII, since not every mail server takes others"
                    .to_owned())
            }
            Err(error) => Err(error),
        }
        .map_err(|problem| self.fault::<Address>("smtp.from", format!("{from:?}: {problem}")))
        .ok()
    }

    fn smtp_credentials(&mut self, raw: &RawSmtp, around: &Surroundings) -> Option<SmtpCredentials> {
        let file = raw.password_file.as_ref().map(|path| around.folder.join(path));
        let password = match (around.smtp_password.clone(), file) {
            (Some(_), Some(_)) => {
                return self.fault(
                    "smtp.password_file",
                    "PORTICO_SMTP_PASSWORD is set as well; keep one of the two",
                );
            }
            (Some(password), None) => Some(password),
            (None, Some(path)) => Some(self.secret("smtp.password_file", &path)?),
            (None, None) => None,
        };
        match (raw.username.clone(), password) {
            (None, None) => None,
            (Some(username), Some(password)) if !username.is_empty() && !password.reveal().is_empty() => {
                Some(SmtpCredentials { username, password })
            }
            (Some(_), _) => self.fault(
                "smtp.username",
                "needs a password that isn't empty: set smtp.password_file or PORTICO_SMTP_PASSWORD",
            ),
            (None, Some(_)) => self.fault(
                "smtp.username",
                "is missing, while there is a password; write the name that it belongs to",
            ),
        }
    }
}
