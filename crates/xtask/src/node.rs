//! Node for the JavaScript clients among the tests: the system's, or a newer one where that is too old.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::Place;
use crate::run;

/// The oldest major version that the tests' packages support.
const OLDEST: u32 = 20;
/// What is installed where the system's is older: npm's own packaging of Node, one package per platform.
const NEWER: &str = "24.20.0";

/// A search path on which `node` is recent enough.
pub(crate) fn search_path(place: &Place) -> Result<OsString, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let version = run::capture(Command::new("node").arg("--version"))?;
    if major(&version).is_some_and(|major| major >= OLDEST) {
        return Ok(path);
    }
    let own = install(place, version.trim())?;
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)))
        .map_err(|error| format!("cannot put Node on the search path: {error}"))
}

fn install(place: &Place, found: &str) -> Result<PathBuf, String> {
    let platform = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => {
            return Err(format!(
                "Node {found} is too old, and npm has none for {other}: please install Node {OLDEST}"
            ));
        }
    };
    let package = format!("node-linux-{platform}");
    let directory = place.downloads().join("node");
    let programs = directory.join("node_modules").join(&package).join("bin");
    if !works(&programs) {
        println!("Node {found} is older than {OLDEST}: installing {package} {NEWER} from npm");
        std::fs::create_dir_all(&directory)
            .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        run::run(npm.arg(&directory).arg(format!("{package}@{NEWER}")))?;
    }
    if works(&programs) {
        Ok(programs)
    } else {
        Err(format!("{package} {NEWER} does not run on this machine"))
    }
}

fn works(programs: &Path) -> bool {
    run::capture(Command::new(programs.join("node")).arg("--version"))
        .is_ok_and(|version| version.trim().strip_prefix('v') == Some(NEWER))
}

/// Installs what the lock files under `tests/` name, and nothing else; no package's own script runs.
///
/// By the system's npm with the system's Node: Debian's npm finds its own modules with no other.
pub(crate) fn install_locked(place: &Place) -> Result<(), String> {
    for directory in ["tests", "tests/browser", "tests/interop"] {
        let directory = place.root().join(directory);
        if directory.join("package-lock.json").is_file() {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&directory);
            run::run(&mut npm)?;
        }
    }
    Ok(())
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("v18.20.4\n"), Some(18));
        assert_eq!(major("v24.0.0"), Some(24));
        assert_eq!(major("unknown"), None);
    }
}
