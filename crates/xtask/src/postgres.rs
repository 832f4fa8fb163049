//! A PostgreSQL for one run of the tests or of the measuring: a directory and a port of its own, gone afterwards.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{install, run};

const START_WITHIN: Duration = Duration::from_mins(1);

/// The signal on which PostgreSQL ends without waiting for its clients.
const FAST_END: &str = "INT";

/// Whether what was committed has to outlive the machine's power.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// As for people's data: the default of PostgreSQL.
    Kept,
    /// The files outlive neither the run nor the machine.
    Spared,
}

/// The running server; dropped, it ends and its files go.
pub(crate) struct Cluster {
    server: Child,
    directory: PathBuf,
    url: String,
}

impl Cluster {
    /// PostgreSQL refuses to run as root, so for root it runs as the user that its package made.
    pub(crate) fn start(durability: Durability) -> Result<Self, String> {
        let programs = programs().ok_or("PostgreSQL's server is not on this machine")?;
        let owner = if install::is_root()? { Some("postgres") } else { None };
        let directory = std::env::temp_dir().join(format!("portico-postgres-{}", std::process::id()));
        let mut builder = fs::DirBuilder::new();
        builder
            .mode(0o700)
            .create(&directory)
            .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
        let started = initialise(&programs, &directory, owner).and_then(|password| {
            let port = free_port()?;
            let server = serve(&programs, &directory, owner, port, durability)?;
            Ok((server, format!("postgres://portico:{password}@127.0.0.1:{port}/postgres"), port))
        });
        let (server, url, port) = started.inspect_err(|_| drop(fs::remove_dir_all(&directory)))?;
        let mut cluster = Self { server, directory, url };
        cluster.wait_until_ready(&programs, port)?;
        Ok(cluster)
    }

    /// For a superuser of the cluster, with its password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The process whose children serve the connections.
    pub(crate) fn process(&self) -> u32 {
        self.server.id()
    }

    fn wait_until_ready(&mut self, programs: &Path, port: u16) -> Result<(), String> {
        let deadline = Instant::now() + START_WITHIN;
        while Instant::now() < deadline && !run::interrupted() && run::ended(&mut self.server)?.is_none() {
            let mut ask = Command::new(programs.join("pg_isready"));
            if run::capture(ask.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()])).is_ok()
            {
                return Ok(());
            }
            sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        Err(format!("PostgreSQL did not start. It said:\n{log}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // TERM would have it wait for its clients.
        run::stop_by(FAST_END, &mut self.server);
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            eprintln!("cannot remove {}: {error}", self.directory.display());
        }
    }
}

/// The directory of the newest server's programs. Debian keeps them off the search path, one directory per version.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, programs)| is_server(programs))
        .max_by_key(|(version, _)| *version);
    if let Some((_, programs)) = newest {
        return Some(programs);
    }
    std::env::split_paths(&std::env::var_os("PATH")?).find(|directory| is_server(directory))
}

fn is_server(programs: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"].iter().all(|program| programs.join(program).is_file())
}

/// Makes the cluster's files. Its password is random: any local user can reach a loopback port.
fn initialise(programs: &Path, directory: &Path, owner: Option<&str>) -> Result<String, String> {
    let password = random_hex()?;
    let password_file = directory.join("password");
    fs::write(&password_file, &password)
        .map_err(|error| format!("cannot write {}: {error}", password_file.display()))?;
    if let Some(owner) = owner {
        let user = number("-u", owner)?;
        let group = number("-g", owner)?;
        for path in [directory, &password_file] {
            chown(path, Some(user), Some(group))
                .map_err(|error| format!("cannot give {} to {owner}: {error}", path.display()))?;
        }
    }
    let mut command = as_user(owner, &programs.join("initdb"));
    command.args(["--username", "portico", "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"]);
    command.args(["--no-sync", "--pgdata"]).arg(directory.join("data")).arg("--pwfile").arg(&password_file);
    run::capture(command.current_dir("/"))?;
    Ok(password)
}

fn serve(
    programs: &Path,
    directory: &Path,
    owner: Option<&str>,
    port: u16,
    durability: Durability,
) -> Result<Child, String> {
    let log_file = directory.join("log");
    let log =
        File::create(&log_file).map_err(|error| format!("cannot make {}: {error}", log_file.display()))?;
    let errors = log.try_clone().map_err(|error| format!("cannot share {}: {error}", log_file.display()))?;
    let mut command = as_user(owner, &programs.join("postgres"));
    command.arg("-D").arg(directory.join("data")).arg("-k").arg(directory).args(["-h", "127.0.0.1", "-p"]);
    command.arg(port.to_string()).args(["-c", "max_connections=300"]);
    if durability == Durability::Spared {
        command.args(["-F", "-c", "full_page_writes=off"]);
    }
    run::start(command.current_dir("/").stdout(log).stderr(errors))
}

/// `setpriv` is part of every Debian. The server ends with this program, whatever ends that.
fn as_user(owner: Option<&str>, program: &Path) -> Command {
    let Some(owner) = owner else { return tied_to_this(program) };
    let mut command = tied_to_this(Path::new("setpriv"));
    command.args(["--reuid", owner, "--regid", owner, "--init-groups", "--pdeathsig", FAST_END]).arg(program);
    command
}

fn tied_to_this(program: &Path) -> Command {
    let mut command = run::tied(program);
    command.stdout(Stdio::null());
    command
}

fn number(which: &str, user: &str) -> Result<u32, String> {
    let text = run::capture(Command::new("id").args([which, user]))?;
    text.trim().parse().map_err(|_| format!("`id {which} {user}` answered {text:?}"))
}

fn free_port() -> Result<u16, String> {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| format!("cannot find a free port: {error}"))
}

fn random_hex() -> Result<String, String> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(|error| format!("cannot read /dev/urandom: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
