//! The program under test: a release build, on a fresh database, held to one processor.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::Problem;
use crate::http::Connection;

/// The processor of what is measured; the driver has the other one.
pub(crate) const ITS_PROCESSOR: &str = "0";

/// What `portico serve` hashes with by default (OWASP).
pub(crate) const HASH_KIB: u32 = 19_456;

const STARTING: Duration = Duration::from_secs(30);
/// Any: it seals what only this run unseals.
const MASTER_KEY: &str = "5b0d4e8f1a2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6";

/// Which database.
#[derive(Clone)]
pub(crate) enum Engine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of this server, and the process that the server's others are children of.
    Postgres { url: String, process: u32 },
}

impl Engine {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }
}

/// What the database was asked for, and what the hashes took.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Counts {
    pub statements: f64,
    /// That statements gave.
    pub rows: f64,
    /// Committed: each is one durable write, alone or with others in a commit.
    pub transactions: f64,
    pub commits: f64,
    /// Processor time of password hashes within the server, in microseconds.
    pub hash_cpu: f64,
}

impl Counts {
    /// What came after an earlier count.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            statements: self.statements - earlier.statements,
            rows: self.rows - earlier.rows,
            transactions: self.transactions - earlier.transactions,
            commits: self.commits - earlier.commits,
            hash_cpu: self.hash_cpu - earlier.hash_cpu,
        }
    }

    /// For one of so many operations.
    pub(crate) fn by(&self, operations: f64) -> Self {
        Self {
            statements: self.statements / operations,
            rows: self.rows / operations,
            transactions: self.transactions / operations,
            commits: self.commits / operations,
            hash_cpu: self.hash_cpu / operations,
        }
    }
}

/// A provider that runs until it is dropped.
pub(crate) struct Provider {
    program: PathBuf,
    folder: PathBuf,
    server: Option<Child>,
    pub engine: Engine,
    pub issuer: String,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    pub database: String,
}

impl Provider {
    /// Prepares the files and the schema, and starts it.
    pub(crate) async fn start(program: &Path, engine: Engine) -> Result<Self, Problem> {
        let folder =
            std::env::temp_dir().join(format!("portico-bench-{}-{}", std::process::id(), engine.name()));
        fs::create_dir_all(&folder)?;
        let (address, metrics) = (free_address()?, free_address()?);
        let issuer = format!("http://localhost:{}", address.port());
        let database = match &engine {
            Engine::Sqlite => folder.join("portico.db").display().to_string(),
            Engine::Postgres { url, .. } => url.clone(),
        };
        let text = format!(
            "listen = \"{address}\"\nissuer = \"{issuer}\"\ndatabase = {database:?}\nmaster_key_file = \"master.key\"\n\
             [metrics]\nlisten = \"{metrics}\"\n\
             [password_hashing]\nmemory_kib = {HASH_KIB}\n"
        );
        private(&folder.join("portico.toml"), &text)?;
        private(&folder.join("master.key"), MASTER_KEY)?;
        let mut provider = Self {
            program: std::path::absolute(program)?,
            folder,
            server: None,
            engine,
            issuer,
            address,
            metrics,
            database,
        };
        provider.operate(&["migrate"]).await?;
        provider.begin().await?;
        Ok(provider)
    }

    /// Starts the server; gives how long it took until it was ready.
    pub(crate) async fn begin(&mut self) -> Result<Duration, Problem> {
        let began = Instant::now();
        let mut command = pinned(&self.program);
        command.args(["serve", "--config", "portico.toml"]).current_dir(&self.folder);
        // What it logs costs what it costs an operator.
        let log = fs::File::create(self.folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut server = command.spawn()?;
        let mut lines = BufReader::new(server.stdout.take().ok_or("no output")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if serde_json::from_str::<Value>(&line).is_ok_and(|it| it["ready"] == true) {
                    return Ok::<_, Problem>(began.elapsed());
                }
                eprintln!("portico: {line}");
            }
            Err("portico ended before it was ready".into())
        };
        let took = tokio::time::timeout(STARTING, ready).await??;
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                eprintln!("portico: {line}");
            }
        });
        self.server = Some(server);
        Ok(took)
    }

    /// Ends the server.
    pub(crate) async fn end(&mut self) -> Result<(), Problem> {
        if let Some(mut server) = self.server.take() {
            server.kill().await?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn process(&self) -> Result<u32, Problem> {
        Ok(self.server.as_ref().and_then(Child::id).ok_or("the server doesn't run")?)
    }

    /// Adds to the data by [`crate::seed`], while the server doesn't run.
    pub(crate) async fn seed(&self, people: i64, clients: i64, tenants: i64) -> Result<(), Problem> {
        let [people, clients, tenants] = [people, clients, tenants].map(|count| count.to_string());
        let status = Command::new(std::env::current_exe()?)
            .args(["seed", "--append", "--config", "portico.toml"])
            .args(["--users", &people, "--clients", &clients, "--tenants", &tenants])
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .status()
            .await?;
        if status.success() { Ok(()) } else { Err("the data could not be made".into()) }
    }

    /// What its instruments have counted since it started.
    pub(crate) async fn counts(&self) -> Result<Counts, Problem> {
        let mut connection = Connection::new(self.metrics, &self.metrics.to_string());
        let answer = connection.get("/metrics", &[]).await?.must_be(StatusCode::OK)?;
        let text = std::str::from_utf8(&answer.body)?;
        let count = |name: &str| -> Result<f64, Problem> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
            Ok(line.ok_or_else(|| format!("no metric {name}"))?.trim().parse()?)
        };
        Ok(Counts {
            statements: count("portico_database_statements")?,
            rows: count("portico_database_rows_read")?,
            transactions: count("portico_database_transactions")?,
            commits: count("portico_database_commits")?,
            hash_cpu: count("portico_password_hash_cpu_seconds")? * 1e6,
        })
    }

    /// A command of the operator.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Result<Value, Problem> {
        let output = Command::new(&self.program)
            .args(arguments)
            .args(["--config", "portico.toml", "--json"])
            .current_dir(&self.folder)
            .output()
            .await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("portico {}: {said}", arguments.join(" ")).into());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}

/// A command that runs on the processor of what is measured.
pub(crate) fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", ITS_PROCESSOR]).arg(program);
    command
}

/// A port that nothing listens on at this moment.
pub(crate) fn free_address() -> Result<SocketAddr, Problem> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A file for its owner only.
fn private(path: &Path, text: &str) -> Result<(), Problem> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(path)?.write_all(text.as_bytes())?)
}
