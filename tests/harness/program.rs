use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::script::{REMEDY, target};

/// One of the programs as people run them; killed when dropped. What it said is shown when the test fails.
pub struct Program {
    name: String,
    child: Child,
    /// The JSON line by which it said that it listens.
    pub ready: Value,
    said: Said,
}

/// The last lines of a program.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<VecDeque<String>>>);

/// Longer than any of them takes, also on a machine that does much else.
const STARTING: Duration = Duration::from_mins(3);
const LINES_KEPT: usize = 400;

impl Program {
    /// Starts `portico` or `demo` and waits until it says that it is ready.
    pub async fn start(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary(name));
        command.args(arguments).envs(environment.iter().copied());
        Self::run(name, command).await
    }

    /// Runs a program that prints a JSON line with `"ready": true` once it listens.
    pub async fn run(name: &str, command: Command) -> Self {
        let (mut program, mut ready) = Self::spawn(name, command);
        tokio::select! {
            said = ready.recv() => {
                program.ready = said.unwrap_or_else(|| panic!("{name} ended before it was ready"));
            }
            () = tokio::time::sleep(STARTING) => panic!("{name} was not ready within {STARTING:?}"),
        }
        program
    }

    /// Runs a program that says nothing of the kind, until something listens on its port.
    pub async fn listening(name: &str, command: Command, port: u16) -> Self {
        let (program, mut output) = Self::spawn(name, command);
        let listening = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = listening => program,
            _ = output.recv() => panic!("{name} ended before it listened"),
            () = tokio::time::sleep(STARTING) => panic!("{name} did not listen within {STARTING:?}"),
        }
    }

    /// The receiver gets the lines by which it says that it is ready, and ends with its output.
    fn spawn(name: &str, mut command: Command) -> (Self, UnboundedReceiver<Value>) {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot run {name} ({error}): {REMEDY}"));
        let (said, (sender, ready)) = (Said::default(), unbounded_channel());
        let heard = move |line: &str| {
            let value = serde_json::from_str::<Value>(line).ok().filter(|value| value["ready"] == true);
            if let Some(value) = value {
                let _ = sender.send(value);
            }
        };
        said.listen(child.stdout.take().expect("its output"), heard.clone());
        said.listen(child.stderr.take().expect("its errors"), heard);
        (Self { name: name.to_owned(), child, ready: Value::Null, said }, ready)
    }

    /// Kills it as a power cut would (SIGKILL), and waits for its end.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a program that ran");
    }
}

impl Said {
    /// Reads on for as long as there is something, so that no program waits for a reader.
    fn listen(&self, from: impl AsyncRead + Unpin + Send + 'static, heard: impl Fn(&str) + Send + 'static) {
        let Self(said) = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard(&line);
                let mut said = said.lock().expect("lines");
                if said.len() == LINES_KEPT {
                    said.pop_front();
                }
                said.push_back(line);
            }
        });
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(said) = self.said.0.lock()
        {
            for line in said.iter() {
                println!("{}: {line}", self.name);
            }
        }
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
