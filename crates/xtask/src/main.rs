//! `cargo xtask dev | check | test | tidy | gen | supply`: what a person, or CI, types in this repository.
//!
//! It links no system library, so that it runs on a machine that has only Rust and a C compiler, and installs the rest.

// A program for the terminal that measures how long its own steps take: neither rule is meant for it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod bench;
mod conformance;
mod dev;
mod examples;
mod fuzz;
mod gen_files;
mod install;
mod node;
mod place;
mod postgres;
mod release;
mod run;
mod seed;
mod steps;
mod suite;
mod supply;
mod tidy;
mod tool;

use std::process::ExitCode;

use place::Place;

const USAGE: &str = "\
Usage: cargo xtask <command>

  dev     Install what is missing, build, and start Portico in development mode with the demo application.
          Options after `--` go to `portico dev`: --data DIR, --port N, --issuer URL.
  check   What to run before each commit: formatting, clippy, tidy, generated files, tests on SQLite.
  test    Install what is missing and run everything, on SQLite and on a private PostgreSQL. CI runs this.
  tidy    The rules of this repository that the compiler doesn't know.
  gen     Write the generated files that `check` compares.
  supply  Judge what the program is made of (cargo deny), and list it (target/supply/portico.cdx.json). Builds both tools
          when they are missing, which takes minutes.
  conformance
          Run the OpenID Foundation's conformance suite, which runs at a URL, against the release build:
          --suite URL [--ca FILE.pem] [--plan NAME] [--module TEXT] [--accept].
  bench   Measure what each operation costs, on SQLite and on PostgreSQL, beside what this machine does at most: the release
          build on one processor, the driver on another. [run] [--only TEXT] [--seconds N] [--json FILE]; `grow` measures the
          same while the data grows, `memory` what many logins leave behind; or --help.
  seed    Make people, tenants and clients to measure growth with, in the database of a configuration:
          --config FILE [--users N] [--tenants N] [--clients N] [--append].
  fuzz    Have libFuzzer look for inputs on which the readers' rules don't hold: [--minutes N] [TARGET…]; ten minutes for
          each target if nothing else is said. Needs a nightly compiler.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\nxtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), String> {
    let Some((command, rest)) = arguments.split_first() else {
        return Err(format!("which command?\n\n{USAGE}"));
    };
    run::watch_for_interrupts()?;
    let place = Place::find()?;
    match (command.as_str(), rest) {
        ("dev", rest) => dev::run(&place, rest),
        ("check", []) => suite::check(&place),
        ("test", []) => suite::test(&place),
        ("tidy", []) => tidy::run(&place),
        ("gen", []) => gen_files::write(&place),
        ("supply", []) => supply::run(&place),
        ("conformance", rest) => conformance::run(&place, rest),
        ("bench", rest) => bench::run(&place, rest),
        ("seed", rest) => seed::run(&place, rest),
        ("fuzz", rest) => fuzz::run(&place, rest),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            Ok(())
        }
        ("check" | "test" | "tidy" | "gen" | "supply", [extra, ..]) => {
            Err(format!("`{command}` takes no {extra:?}\n\n{USAGE}"))
        }
        _ => Err(format!("there is no command {command:?}\n\n{USAGE}")),
    }
}
