//! `cargo xtask dev`: Portico in development mode and the demo application, from nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::place::Place;
use crate::{install, run};

const DEMO: &str = "http://localhost:8090";
const LOOK: Duration = Duration::from_millis(100);

pub(crate) fn run(place: &Place, arguments: &[String]) -> Result<(), String> {
    let forwarded = match arguments.split_first() {
        None => arguments,
        Some((separator, forwarded)) if separator == "--" => forwarded,
        Some((other, _)) => return Err(format!("{other:?} comes after `--`: cargo xtask dev -- {other} …")),
    };
    install::for_building()?;
    println!("building Portico and the demo (the first time takes minutes)");
    run::run(&mut place.cargo(["build"]))?;
    let mut programs = Programs(Vec::new());
    let outcome = start_and_watch(place, forwarded, &mut programs);
    programs.stop();
    // Ctrl-C is how this command is meant to end.
    if run::interrupted() { Ok(()) } else { outcome }
}

/// What runs, by name; stopped in the opposite order.
struct Programs(Vec<(&'static str, Child)>);

impl Programs {
    fn start(&mut self, name: &'static str, command: &mut Command) -> Result<&mut Child, String> {
        let child = run::start(command)?;
        self.0.push((name, child));
        self.0.last_mut().map(|(_, child)| child).ok_or_else(|| format!("{name} did not start"))
    }

    /// Waits for an interrupt. One program ending by itself is an error: neither is of use alone.
    fn still_run(&mut self) -> Result<(), String> {
        for (name, child) in &mut self.0 {
            if let Some(status) = run::ended(child)? {
                return Err(format!("{name} {}", run::how(status)));
            }
        }
        if run::interrupted() { Err("interrupted".to_owned()) } else { Ok(()) }
    }

    fn stop(&mut self) {
        for (_, child) in self.0.iter_mut().rev() {
            run::stop(child);
        }
    }
}

fn start_and_watch(place: &Place, forwarded: &[String], programs: &mut Programs) -> Result<(), String> {
    let mut portico = run::tied(place.binary("portico"));
    portico.arg("dev").args(forwarded).stdout(Stdio::piped());
    let lines = lines_of(programs.start("portico dev", &mut portico)?)?;
    let (ready_line, ready) = wait_for_ready(&lines, programs)?;
    let issuer =
        ready.get("issuer").and_then(Value::as_str).ok_or("the ready line of `portico dev` has no issuer")?;

    let data = data_directory(forwarded);
    let client = demo_client(place, &data)?;
    let mut demo = run::tied(place.binary("demo"));
    demo.args(["--issuer", issuer, "--client-id", &client.id]).env("DEMO_CLIENT_SECRET", &client.secret);
    let demo_lines = lines_of(programs.start("the demo", demo.stdout(Stdio::piped()))?)?;
    wait_for_ready(&demo_lines, programs)?;
    println!("\n    Click here:  {DEMO}\n    Its mail:    {issuer}/dev/mailbox\n    Ctrl-C stops both.\n");
    println!("{ready_line}");

    pass_on(lines);
    pass_on(demo_lines);
    loop {
        programs.still_run()?;
        thread::sleep(LOOK);
    }
}

/// What a program prints, line by line. A thread reads it, so that waiting for a line can end when the program does.
fn lines_of(child: &mut Child) -> Result<Receiver<String>, String> {
    let output = child.stdout.take().ok_or("its output is not readable")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

fn pass_on(lines: Receiver<String>) {
    thread::spawn(move || {
        for line in lines {
            println!("{line}");
        }
    });
}

fn wait_for_line(lines: &Receiver<String>, programs: &mut Programs) -> Result<String, String> {
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => return Ok(line),
            Err(RecvTimeoutError::Timeout) => programs.still_run()?,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(LOOK);
                programs.still_run()?;
            }
        }
    }
}

/// The JSON line by which a program says that it listens. What it says before is passed on at once; the line itself
/// is left to the caller, who says it when the demo is there too.
fn wait_for_ready(lines: &Receiver<String>, programs: &mut Programs) -> Result<(String, Value), String> {
    loop {
        let line = wait_for_line(lines, programs)?;
        match ready(&line) {
            Some(ready) => return Ok((line, ready)),
            None => println!("{line}"),
        }
    }
}

fn ready(line: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(line).ok()?;
    (value.get("ready") == Some(&Value::Bool(true))).then_some(value)
}

/// Where `portico dev` keeps its data: as its own options say.
fn data_directory(forwarded: &[String]) -> PathBuf {
    let mut directory = PathBuf::from("data");
    let mut options = forwarded.iter();
    while let Some(option) = options.next() {
        if let Some(value) = option.strip_prefix("--data=") {
            directory = value.into();
        } else if let Some(value) = (option == "--data").then(|| options.next()).flatten() {
            directory = value.into();
        }
    }
    directory
}

/// What the demo is registered as.
struct DemoClient {
    id: String,
    secret: String,
}

/// The client that an earlier run registered, if the server still knows it; else a new one, remembered beside the data.
fn demo_client(place: &Place, data: &Path) -> Result<DemoClient, String> {
    let file = data.join("demo-client.json");
    if let Some(client) = fs::read_to_string(&file).ok().and_then(|text| parse_client(&text)) {
        let known = run::capture(clients(place, data).args(["show", &client.id, "--json"]));
        if known.is_ok() {
            return Ok(client);
        }
    }
    let mut create = clients(place, data);
    create.args(["create", "--json", "--name", "Demo", "--first-party"]);
    create.args(["--redirect-uri", &format!("{DEMO}/callback")]);
    create.args(["--post-logout-redirect-uri", &format!("{DEMO}/")]);
    create.args(["--grant-type", "authorization_code", "--grant-type", "refresh_token"]);
    let text = run::capture(&mut create)?;
    let client = parse_client(&text)
        .ok_or("`portico clients create --json` printed no client_id and client_secret")?;
    keep(&file, &text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(client)
}

fn clients(place: &Place, data: &Path) -> Command {
    let mut command = Command::new(place.binary("portico"));
    command.arg("clients").env("PORTICO_LOG", "warn");
    command.arg("--data").arg(data);
    command
}

fn parse_client(text: &str) -> Option<DemoClient> {
    let value: Value = serde_json::from_str(text).ok()?;
    let member = |name| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(DemoClient { id: member("client_id")?, secret: member("client_secret")? })
}

/// It holds a secret: only its owner may read it.
fn keep(file: &Path, text: &str) -> std::io::Result<()> {
    let _ = fs::remove_file(file);
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_data_directory_is_the_one_that_portico_is_told() {
        assert_eq!(data_directory(&[]), Path::new("data"));
        assert_eq!(data_directory(&words("--port 9000 --data /tmp/x")), Path::new("/tmp/x"));
        assert_eq!(data_directory(&words("--data=y --port=1")), Path::new("y"));
    }

    #[test]
    fn only_the_ready_line_is_taken_for_it() {
        assert!(ready(r#"{"ready":true,"issuer":"http://localhost:8080"}"#).is_some());
        assert!(ready(r#"{"ready":false}"#).is_none());
        assert!(ready("Portico is at http://localhost:8080").is_none());
    }
}
