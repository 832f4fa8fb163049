use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// A script of `tests/browser` or `tests/interop`, run by Node with a real Chromium at hand.
pub struct Script {
    name: &'static str,
    world: Value,
}

/// Longer than any story takes; one that hangs fails.
const LONGEST: Duration = Duration::from_mins(4);
/// What to do when something that the tests need is not there.
pub const REMEDY: &str = "`cargo xtask test` installs what these tests need and runs them";

impl Script {
    /// `name` is a path below `tests/`; the script finds `world` under that name.
    pub fn new(name: &'static str, world: Value) -> Self {
        Self { name, world }
    }

    /// Runs to the end; a script that fails is a failed test. Each question that it asks goes to `answer`.
    pub async fn run(self, mut answer: impl AsyncFnMut(Value) -> Value) {
        let mut child = self.start();
        let mut stdin = child.stdin.take().expect("its input");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut stderr = child.stderr.take().expect("its errors");
        let complaints = tokio::spawn(async move {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text).await;
            text
        });
        let told = async {
            let mut said = String::new();
            while let Some(line) = lines.next_line().await.expect("text") {
                let Some(question) = line.strip_prefix("? ") else {
                    said.push_str(&line);
                    said.push('\n');
                    continue;
                };
                let reply = answer(serde_json::from_str(question).expect("a question in JSON")).await;
                stdin.write_all(format!("{reply}\n").as_bytes()).await.expect("a script that listens");
            }
            said
        };
        let Ok(said) = tokio::time::timeout(LONGEST, told).await else {
            panic!("{} did not end within {LONGEST:?}", self.name);
        };
        let status = child.wait().await.expect("its end");
        let complaints = complaints.await.expect("its errors");
        assert!(status.success(), "{} failed ({status})\n{said}{complaints}", self.name);
    }

    fn start(&self) -> Child {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(tests.join("node_modules").is_dir(), "tests/node_modules is missing: {REMEDY}");
        let node = std::env::var("NODE").unwrap_or_else(|_| "node".to_owned());
        let mut command = Command::new(&node);
        command.arg(tests.join(self.name)).env("WORLD", self.world.to_string()).env("CHROMIUM", chromium());
        if std::env::var_os("SCREENSHOTS").is_some() {
            command.env("SCREENSHOTS_TO", target().join("screenshots"));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().unwrap_or_else(|error| panic!("cannot run {node} ({error}): {REMEDY}"))
    }
}

fn chromium() -> PathBuf {
    let path = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    assert!(path.exists(), "no Chromium at {}: {REMEDY}", path.display());
    path
}

/// Where cargo builds to, known by where this test's own program lies.
pub fn target() -> PathBuf {
    let own = std::env::current_exe().expect("this program's path");
    own.ancestors().nth(3).expect("target/PROFILE/deps/TEST").to_owned()
}
