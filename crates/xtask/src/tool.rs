//! Programs of crates.io that are built here when they are missing, each in the version that was tried.

use std::fs;
use std::path::PathBuf;

use crate::place::Place;
use crate::run;

pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// Where it lies once it was built.
    pub(crate) fn program(&self, place: &Place) -> PathBuf {
        folder(place).join("bin").join(self.name)
    }

    /// Builds it, unless that was done.
    pub(crate) fn install(&self, place: &Place) -> Result<(), String> {
        let folder = folder(place);
        let books = fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default();
        if self.program(place).is_file() && books.contains(&format!("\"{} {} ", self.name, self.version)) {
            return Ok(());
        }
        println!("building {} {}, which takes a few minutes", self.name, self.version);
        let mut command =
            place.cargo(["install", "--locked", "--force", "--version", self.version, self.name]);
        // Another selection of features than ours: it has a place of its own, so that nothing of ours is built again.
        command.arg("--root").arg(&folder).env("CARGO_TARGET_DIR", folder.join("build"));
        run::run(&mut command)
    }
}

/// What such programs need and write stays together.
pub(crate) fn folder(place: &Place) -> PathBuf {
    place.downloads().join("supply")
}
