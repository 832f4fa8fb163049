//! Other programs: run to their end, or kept running; and stopped when this one is.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long a program has for its orderly end.
const GRACE: Duration = Duration::from_secs(15);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on Ctrl-C, SIGTERM and a closed terminal no longer end this program by themselves: it first stops what it
/// started.
pub(crate) fn watch_for_interrupts() -> Result<(), String> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|error| format!("cannot watch for signal {signal}: {error}"))?;
    }
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// A command that ends with this program even if that is killed outright, where the system can do so (Linux).
///
/// It leads a process group: Ctrl-C then reaches only this program, which ends the group in order.
pub(crate) fn tied(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = if exists("setpriv") {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.process_group(0).stdin(Stdio::null());
    command
}

/// Runs to the end, its output going to the terminal. An end without success, or an interrupt, is an error.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    command.process_group(0).stdin(Stdio::null());
    finish(command)
}

/// The same, for a program that may ask a person for something (sudo): it stays in the terminal's foreground.
pub(crate) fn run_asking(command: &mut Command) -> Result<(), String> {
    finish(command)
}

fn finish(command: &mut Command) -> Result<(), String> {
    let mut child = start(command)?;
    loop {
        if let Some(status) = ended(&mut child)? {
            return if status.success() { Ok(()) } else { Err(format!("{} {}", told(command), how(status))) };
        }
        if interrupted() {
            stop(&mut child);
            return Err("interrupted".to_owned());
        }
        sleep(LOOK);
    }
}

/// What a command prints; its complaints are part of the error.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {}\n{}", told(command), how(output.status), complaint.trim_end()));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("{} printed something that is not UTF-8", told(command)))
}

pub(crate) fn start(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| cannot_start(command, &error))
}

/// How it ended, if it has.
pub(crate) fn ended(child: &mut Child) -> Result<Option<ExitStatus>, String> {
    child.try_wait().map_err(|error| format!("cannot ask after process {}: {error}", child.id()))
}

/// Asks the program and what it started to end; after a while, makes them.
pub(crate) fn stop(child: &mut Child) {
    stop_by("TERM", child);
}

/// The same, by the signal that this program understands best.
pub(crate) fn stop_by(name: &str, child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    signal(name, child);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        sleep(LOOK);
    }
    signal("KILL", child);
    let _ = child.wait();
}

/// The shell's own `kill`: every system has it, and it needs no unsafe code. One that leads no group gets it alone.
fn signal(name: &str, child: &Child) {
    let id = child.id();
    let script = format!("kill -{name} -{id} 2>/dev/null || kill -{name} {id}");
    let _ = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
}

/// Whether the search path has this program.
pub(crate) fn exists(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// "ended with status 1", "was ended by signal 9".
pub(crate) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => format!("`{program}` is not on this machine"),
        _ => format!("cannot start `{program}`: {error}"),
    }
}

/// The command as a person would type it, without its path.
fn told(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = format!("`{}", program.file_name().unwrap_or_default().to_string_lossy());
    for argument in command.get_args().take(8) {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text.push('`');
    text
}

/// "1 min 5 s", "3.2 s".
pub(crate) fn elapsed(since: Instant) -> String {
    let took = since.elapsed();
    match took.as_secs() {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
