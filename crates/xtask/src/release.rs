//! The release build: of the program, and of the driver that measures it, together, so that cargo chooses the same features each time.

use std::path::PathBuf;

use crate::place::Place;
use crate::run;

/// Builds both; gives the program.
pub(crate) fn build(place: &Place) -> Result<PathBuf, String> {
    println!("building the release (the first time takes minutes)");
    run::run(&mut place.cargo([
        "build",
        "--release",
        "--package",
        "server",
        "--package",
        "bench",
        "--bins",
    ]))?;
    Ok(binary(place, "portico"))
}

/// Where cargo puts a binary of the release: beside the directory that this program lies in.
pub(crate) fn binary(place: &Place, name: &str) -> PathBuf {
    place.downloads().join("release").join(name)
}
