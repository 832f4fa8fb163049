//! `cargo xtask conformance`: the OpenID Foundation's suite, which runs somewhere, against the release build.

use std::path::PathBuf;

use crate::place::Place;
use crate::{install, run};

/// Everything after the command's name goes to the runner, which says what it takes.
pub(crate) fn run(place: &Place, arguments: &[String]) -> Result<(), String> {
    install::for_building()?;
    // As `test` builds, so that nothing is built twice for another selection of features.
    run::run(&mut place.cargo(["build", "--quiet", "--workspace", "--all-targets"]))?;
    let runner = place.binary("conformance");
    let asks_only = arguments.iter().any(|it| it == "--help" || it == "-h");
    let names_program = arguments.iter().any(|it| it == "--program" || it.starts_with("--program="));
    let mut command = run::tied(&runner);
    command.args(arguments).current_dir(place.root());
    if !asks_only && !names_program {
        println!("building the release (the first time takes minutes)");
        run::run(&mut place.cargo(["build", "--release", "--package", "server", "--bin", "portico"]))?;
        command.arg("--program").arg(release(place));
    }
    run::run(&mut command)
}

/// Where cargo puts the release build: beside the directory that this program lies in.
fn release(place: &Place) -> PathBuf {
    place.downloads().join("release").join("portico")
}
