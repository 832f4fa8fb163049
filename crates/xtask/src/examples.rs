//! The integrators' examples in languages that bring a package manager of their own: their locked packages and their
//! builds lie in the target directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;
use crate::run;

const SOURCES: &str = "tests/interop/examples";

/// Makes `target/examples/python`, an environment with the packages of the lock file; `target/examples/go`, a program; and
/// `target/examples/java`, classes with the libraries that they need.
pub(crate) fn build(place: &Place) -> Result<(), String> {
    let built = place.downloads().join("examples");
    fs::create_dir_all(&built).map_err(|error| format!("cannot make {}: {error}", built.display()))?;
    python(&place.root().join(SOURCES).join("python"), &built.join("python"))?;
    go(&place.root().join(SOURCES).join("go"), &built.join("go"))?;
    java(&place.root().join(SOURCES).join("java"), &built.join("java"))
}

fn python(source: &Path, environment: &Path) -> Result<(), String> {
    let lock = source.join("requirements.txt");
    let wanted = fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let installed = environment.join("installed.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin").join("python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
        "-r",
    ]);
    run::run(pip.arg(&lock))?;
    fs::write(&installed, wanted).map_err(|error| format!("cannot write {}: {error}", installed.display()))
}

fn go(source: &Path, program: &Path) -> Result<(), String> {
    let mut go = Command::new("go");
    // The Go that is here is new enough for the example; another one is not fetched.
    go.env("GOTOOLCHAIN", "local")
        .args(["build", "-trimpath", "-o"])
        .arg(program)
        .arg(".")
        .current_dir(source);
    run::run(&mut go)
}

fn java(source: &Path, built: &Path) -> Result<(), String> {
    let mut wanted = String::new();
    for file in
        ["pom.xml", "src/main/java/example/Application.java", "src/main/resources/application.properties"]
    {
        let file = source.join(file);
        let text =
            fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        wanted.push_str(&text);
    }
    let record = built.join("built.txt");
    if fs::read_to_string(&record).is_ok_and(|record| record == wanted) {
        return Ok(());
    }
    let mut maven = Command::new("mvn");
    // What it downloads must be what the repository's checksums say.
    maven.args([
        "--batch-mode",
        "--no-transfer-progress",
        "--quiet",
        "--strict-checksums",
        "-Dstyle.color=never",
    ]);
    maven.args(["clean", "compile", "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    maven.arg(format!("-Dbuilt={}", built.display()));
    maven.arg(format!("-DoutputDirectory={}", built.join("lib").display()));
    run::run(maven.current_dir(source))?;
    fs::write(&record, wanted).map_err(|error| format!("cannot write {}: {error}", record.display()))
}
