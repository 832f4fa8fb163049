//! `cargo xtask conformance`: the OpenID Foundation's suite, which runs somewhere, against the release build.

use crate::place::Place;
use crate::{install, release, run};

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
        command.arg("--program").arg(release::build(place)?);
    }
    run::run(&mut command)
}
