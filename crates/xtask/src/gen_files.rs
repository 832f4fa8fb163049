//! `cargo xtask gen`: files that the program itself prints, kept in git so that a change to them is seen in review.

use std::fs;
use std::process::Command;

use crate::place::Place;
use crate::run;

/// What `portico print …` is asked for, and where it is kept.
const FILES: [(&str, &str); 3] = [
    ("config-example", "config/portico.example.toml"),
    ("config-schema", "config/schema.json"),
    ("tenant-settings-schema", "config/tenant-settings.schema.json"),
];

/// Builds the program and writes every file.
pub(crate) fn write(place: &Place) -> Result<(), String> {
    run::run(&mut place.cargo(["build", "--workspace", "--all-targets"]))?;
    for (topic, file) in FILES {
        let path = place.root().join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| format!("cannot make {}: {error}", parent.display()))?;
        }
        fs::write(&path, print(place, topic)?).map_err(|error| format!("cannot write {file}: {error}"))?;
        println!("wrote {file}");
    }
    Ok(())
}

/// Compares, in memory, what the built program prints with what is kept.
pub(crate) fn compare(place: &Place) -> Result<(), String> {
    let mut stale = Vec::new();
    for (topic, file) in FILES {
        let kept = fs::read_to_string(place.root().join(file)).unwrap_or_default();
        if kept != print(place, topic)? {
            stale.push(file);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not what the program prints now: {}. Run `cargo xtask gen` and look at the difference",
        stale.join(", ")
    ))
}

fn print(place: &Place, topic: &str) -> Result<String, String> {
    run::capture(Command::new(place.binary("portico")).args(["print", topic]))
}
