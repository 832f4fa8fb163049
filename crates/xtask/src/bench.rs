//! `cargo xtask bench`: what each operation costs, beside what this machine does at most.

use std::ffi::OsStr;
use std::process::Command;

use crate::place::Place;
use crate::postgres::{Cluster, Durability};
use crate::{install, release, run};

/// The processor of the driver; the driver gives what it measures the other one.
const ITS_PROCESSOR: &str = "1";

/// What the driver measures; the first if nothing is said.
const KINDS: [&str; 3] = ["run", "grow", "memory"];

/// Everything after the command's name goes to the driver, which says what it takes. It is given the release build, a PostgreSQL
/// of its own that commits durably, and a processor that nothing it measures runs on.
pub(crate) fn run(place: &Place, arguments: &[String]) -> Result<(), String> {
    install::for_building()?;
    let asks_only = arguments.iter().any(|it| it == "--help" || it == "-h");
    let program = release::build(place)?;
    let driver = release::binary(place, "bench");
    if asks_only {
        return run::run(Command::new(driver).args(arguments));
    }
    let (kind, arguments) = match arguments.split_first() {
        Some((kind, rest)) if KINDS.contains(&kind.as_str()) => (kind.as_str(), rest),
        _ => (KINDS[0], arguments),
    };
    install::for_measuring()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Err("this needs two processors: one for what is measured, one for the driver".to_owned());
    }
    let cluster = Cluster::start(Durability::Kept)?;
    let mut command = run::tied("taskset");
    command
        .args(["--cpu-list", ITS_PROCESSOR])
        .arg(driver)
        .arg(kind)
        .args(arguments)
        .current_dir(place.root());
    command.arg("--program").arg(program).args(["--postgres", cluster.url()]);
    command.args([OsStr::new("--postgres-process"), cluster.process().to_string().as_ref()]);
    run::run(&mut command)
}
