//! `cargo xtask fuzz`: libFuzzer, by `cargo-fuzz`, on the targets of `fuzz/`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::place::Place;
use crate::steps::Steps;
use crate::tool::Tool;
use crate::{install, run};

const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.1" };
const TOOLCHAIN: &str = "nightly";
const MINUTES: u32 = 10;

#[derive(Debug, PartialEq, Eq)]
struct Wish {
    minutes: u32,
    targets: Vec<String>,
}

pub(crate) fn run(place: &Place, arguments: &[String]) -> Result<(), String> {
    let known = targets(place)?;
    let wish = wish(arguments, &known)?;
    let compiler = run::capture(Command::new("rustc").arg(format!("+{TOOLCHAIN}")).arg("--version"));
    compiler.map_err(|error| {
        format!("fuzzing needs a nightly compiler: rustup toolchain install {TOOLCHAIN}\n{error}")
    })?;
    let mut steps = Steps::of(wish.targets.len() + 1);
    steps.step("tools", || install::for_building().and_then(|()| CARGO_FUZZ.install(place)))?;
    for target in &wish.targets {
        steps.step(target, || run::run(&mut looking(place, target, wish.minutes)?))?;
    }
    steps.summary();
    Ok(())
}

/// Those that have seeds, which the ordinary tests replay.
fn targets(place: &Place) -> Result<Vec<String>, String> {
    let seeds = place.root().join("fuzz/seeds");
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", seeds.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&seeds).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn wish(arguments: &[String], known: &[String]) -> Result<Wish, String> {
    let mut wish = Wish { minutes: MINUTES, targets: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--minutes" {
            let number =
                rest.next().and_then(|text| text.parse().ok()).filter(|number| (1..=10_000).contains(number));
            wish.minutes = number.ok_or("--minutes takes a number from 1 to 10000")?;
        } else if known.contains(argument) {
            wish.targets.push(argument.clone());
        } else {
            return Err(format!("there is no target {argument:?}; there are {}", known.join(", ")));
        }
    }
    if wish.targets.is_empty() {
        wish.targets = known.to_vec();
    }
    Ok(wish)
}

/// What is found is kept in `fuzz/corpus`, beside the seeds, which stay as they are.
fn looking(place: &Place, target: &str, minutes: u32) -> Result<Command, String> {
    let corpus: PathBuf = place.root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|error| format!("cannot make {}: {error}", corpus.display()))?;
    // The compiler that cargo names to this program is not the one that is wanted.
    let mut command = place.other_cargo(CARGO_FUZZ.program(place), TOOLCHAIN);
    // Without sanitizers: our own code has no `unsafe`, and they make everything slower.
    command.args(["run", "--sanitizer", "none", target]).arg(corpus);
    command.arg(place.root().join("fuzz/seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={}", minutes * 60));
    command.args(["-max_len=4096", "-timeout=10", "-dict=fuzz/words.dict"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Result<Wish, String> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        wish(&texts(arguments), &texts(&["request", "token"]))
    }

    #[test]
    fn all_targets_are_meant_where_none_is_named() {
        let all = asked(&[]).unwrap();
        assert_eq!((all.minutes, all.targets.len()), (MINUTES, 2));
        let one = asked(&["token", "--minutes", "1"]).unwrap();
        assert_eq!(one, Wish { minutes: 1, targets: vec!["token".to_owned()] });
        for bad in [&["other"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "x"]] {
            assert!(asked(bad).is_err(), "{bad:?}");
        }
    }
}
