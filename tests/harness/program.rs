use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::script::target;

/// One of the programs as people run them; killed when dropped.
pub struct Program {
    child: Child,
    /// The JSON line by which it said that it listens.
    pub ready: Value,
}

const STARTING: Duration = Duration::from_mins(1);

impl Program {
    /// Starts `portico` or `demo` and waits until it says that it is ready.
    pub async fn start(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary(name));
        command.args(arguments).envs(environment.iter().copied());
        Self::run(name, command).await
    }

    /// Runs a program that prints a JSON line with `"ready": true` once it listens.
    pub async fn run(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                match serde_json::from_str::<Value>(&line) {
                    Ok(value) if value["ready"] == true => return value,
                    _ => println!("{name}: {line}"),
                }
            }
            panic!("{name} ended before it was ready: {command:?}");
        };
        let Ok(ready) = tokio::time::timeout(STARTING, ready).await else {
            panic!("{name} was not ready within {STARTING:?}");
        };
        // What it prints later is read, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, ready }
    }

    /// Kills it as a power cut would (SIGKILL), and waits for its end.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a program that ran");
    }
}

/// Runs `portico` with these arguments; gives whether it succeeded, and what it said to standard output and error.
pub async fn run_portico(arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(binary("portico")).args(arguments).output().await.expect("portico runs");
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Runs `portico` with these arguments and gives what it prints as JSON.
pub async fn portico(arguments: &[&str]) -> Value {
    let output = Command::new(binary("portico")).args(arguments).output().await.expect("portico runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "portico {}: {}\n{said}{complaints}",
        arguments.join(" "),
        output.status
    );
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("not JSON ({error}): {said}"))
}

/// The program of this name, built if it isn't up to date.
fn binary(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut command = std::process::Command::new(cargo);
        // As `cargo xtask test` builds: with another selection cargo would unify features anew, and build everything twice.
        command
            .args(["build", "--quiet", "--workspace", "--all-targets"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(command.status().expect("cargo runs").success(), "the programs don't build");
    });
    target().join("debug").join(name)
}

/// A port that nothing listens on at this moment, for what must be known before a program starts.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
