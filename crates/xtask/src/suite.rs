//! `cargo xtask check` and `cargo xtask test`.
//!
//! Both name the whole workspace to cargo, with its tests, and select targets only: any other selection would have cargo
//! unify the dependencies' features anew, and build them again.

use std::fs;

use crate::place::Place;
use crate::postgres::{Cluster, Durability};
use crate::steps::Steps;
use crate::{examples, gen_files, install, node, run, tidy};

const ENGINES: &str = "PORTICO_TEST_ENGINES";
const POSTGRES: &str = "PORTICO_TEST_POSTGRES";

/// Under three minutes when everything was built before.
pub(crate) fn check(place: &Place) -> Result<(), String> {
    install::for_building()?;
    let mut steps = Steps::of(6);
    without_tests(place, &mut steps)?;
    steps.step("tests on SQLite", || {
        let mut command = place.cargo(["test", "--workspace", "--lib", "--bins", "--test", "http"]);
        for name in tests_of_crates(place)? {
            command.args(["--test", &name]);
        }
        run::run(command.env(ENGINES, "sqlite").env_remove(POSTGRES))
    })?;
    steps.summary();
    Ok(())
}

/// Everything, from nothing, in under 30 minutes on two cores.
pub(crate) fn test(place: &Place) -> Result<(), String> {
    let mut steps = Steps::of(10);
    steps.step("what the system must have", install::for_testing)?;
    let path = steps.step("Node and the locked JavaScript packages", || {
        node::install_locked(place)?;
        node::search_path(place)
    })?;
    steps.step("the examples in Python, Go and Java", || examples::build(place))?;
    without_tests(place, &mut steps)?;
    let cluster = steps.step("a private PostgreSQL", || Cluster::start(Durability::Spared))?;
    let outcome = steps.step("all tests, on both databases", || {
        let mut command = place.cargo(["test", "--workspace", "--no-fail-fast"]);
        command.env(ENGINES, "sqlite,postgres").env(POSTGRES, cluster.url()).env("PATH", &path);
        if let Some(chromium) = install::chromium() {
            command.env("CHROMIUM", chromium);
        }
        run::run(&mut command)
    });
    drop(cluster);
    outcome?;
    steps.summary();
    Ok(())
}

/// The crates' own integration tests, which need no more than a database: `crates/*/tests/*.rs`.
fn tests_of_crates(place: &Place) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read crates/: {error}");
    let mut names = Vec::new();
    for package in fs::read_dir(place.root().join("crates")).map_err(unreadable)? {
        let Ok(tests) = fs::read_dir(package.map_err(unreadable)?.path().join("tests")) else { continue };
        for test in tests {
            let path = test.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
    }
    Ok(names)
}

/// What both have in common; the quick ones first.
fn without_tests(place: &Place, steps: &mut Steps) -> Result<(), String> {
    steps.step("formatting", || run::run(&mut place.cargo(["fmt", "--all", "--check"])))?;
    steps.step("tidy", || tidy::run(place))?;
    steps.step("clippy", || {
        run::run(
            place.cargo(["clippy", "--workspace", "--all-targets", "--quiet", "--"]).args(["-D", "warnings"]),
        )
    })?;
    steps.step("build", || run::run(&mut place.cargo(["build", "--workspace", "--all-targets"])))?;
    steps.step("generated files", || gen_files::compare(place))
}
