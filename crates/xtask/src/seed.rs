//! `cargo xtask seed`: data to measure growth with.

use std::process::Command;

use crate::place::Place;
use crate::{install, release, run};

/// Everything after the command's name goes to the driver, which says what it takes.
pub(crate) fn run(place: &Place, arguments: &[String]) -> Result<(), String> {
    install::for_building()?;
    release::build(place)?;
    run::run(Command::new(release::binary(place, "bench")).arg("seed").args(arguments))
}
