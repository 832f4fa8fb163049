use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use server::config::{Encryption, SmtpConfig, SmtpCredentials};
use terms::SecretText;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::authority::Authority;
use crate::folder::Folder;

/// A mail server that others wrote, on loopback: npm's `smtp-server`. It is killed when dropped.
pub struct MailServer {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    pub port: u16,
    encryption: Encryption,
    credentials: Option<SmtpCredentials>,
    /// The authority that its certificate is from.
    trusted: PathBuf,
    _folder: Folder,
}

const PATIENCE: Duration = Duration::from_secs(20);

impl MailServer {
    /// One that speaks in plain text and takes everything.
    pub async fn start() -> Self {
        Self::start_with(Encryption::None, None, 0, json!({})).await
    }

    /// `port` 0 takes a free one. `more` goes to the script as it is.
    pub async fn start_with(
        encryption: Encryption,
        credentials: Option<(&str, &str)>,
        port: u16,
        more: Value,
    ) -> Self {
        let folder = Folder::new();
        let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
        let (trusted, authority) = (folder.path().join("authority.pem"), Authority::new());
        let mut world = more;
        world["port"] = json!(port);
        if encryption != Encryption::None {
            let issued = authority.issue(1);
            std::fs::write(&key, issued.key).expect("a file");
            std::fs::write(&certificate, issued.certificate).expect("a file");
            std::fs::write(&trusted, authority.pem()).expect("a file");
            world["key"] = json!(key);
            world["certificate"] = json!(certificate);
        }
        world["encryption"] = json!(match encryption {
            Encryption::None => "none",
            Encryption::Tls => "tls",
            Encryption::Starttls => "starttls",
        });
        if let Some((username, password)) = credentials {
            world["username"] = json!(username);
            world["password"] = json!(password);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/mail-server.mjs");
        let node = std::env::var("NODE").unwrap_or_else(|_| "node".to_owned());
        let mut command = Command::new(node);
        command.arg(script).env("WORLD", world.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child =
            command.spawn().expect("Node runs; `cargo xtask test` installs what these tests need");
        let input = child.stdin.take().expect("its input");
        let mut output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = next(&mut output, "ready").await;
        let port = u16::try_from(ready["port"].as_u64().expect("a port")).expect("a port");
        let credentials = credentials.map(|(username, password)| SmtpCredentials {
            username: username.to_owned(),
            password: SecretText::new(password.to_owned()),
        });
        Self { _child: child, input, output, port, encryption, credentials, trusted, _folder: folder }
    }

    /// How a server reaches it.
    pub fn config(&self) -> SmtpConfig {
        SmtpConfig {
            host: "localhost".to_owned(),
            port: self.port,
            encryption: self.encryption,
            credentials: self.credentials.clone(),
            from: "login@portico.example".parse().expect("an address"),
            from_name: None,
            timeout: Duration::from_secs(5),
            ca_file: (self.encryption != Encryption::None).then(|| self.trusted.clone()),
        }
    }

    /// Answers the next mails with this code, at `rcpt` or at `data`.
    pub async fn refuse(&mut self, code: u16, at: &str, times: u32) {
        let told = json!({ "code": code, "at": at, "times": times });
        self.input.write_all(format!("{told}\n").as_bytes()).await.expect("a script that listens");
        next(&mut self.output, "answers").await;
    }

    /// The next mail that it took.
    pub async fn mail(&mut self) -> Value {
        next(&mut self.output, "mail").await["mail"].clone()
    }

    /// Waits until it refused a mail.
    pub async fn refused(&mut self) -> Value {
        next(&mut self.output, "refused").await["refused"].clone()
    }
}

/// The next line that has this member.
async fn next(lines: &mut Lines<BufReader<ChildStdout>>, member: &str) -> Value {
    let told = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            let value: Value = serde_json::from_str(&line).expect("a line of JSON");
            if value.get(member).is_some() {
                return value;
            }
        }
        panic!("the mail server ended");
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("no {member} within {PATIENCE:?}"))
}
