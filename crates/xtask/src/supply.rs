//! What the program is made of: `cargo deny` judges it, and a bill of materials lists it (CycloneDX).
//!
//! Both tools are built here when they are missing, which takes minutes, so none of it is part of `check`. They and what they
//! write stay in `target/supply`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::Place;
use crate::run;
use crate::steps::Steps;
use crate::tool::{self, Tool};

const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
const CYCLONEDX: Tool = Tool { name: "cargo-cyclonedx", version: "0.5.9" };

/// Where the tool writes what it finds of our program, and where that is kept.
const WRITTEN: &str = "portico_bin.cdx.json";
const KEPT: &str = "portico.cdx.json";

pub(crate) fn run(place: &Place) -> Result<(), String> {
    let supply = Supply { place };
    let mut steps = Steps::of(5);
    steps.step("tools", || [DENY, CYCLONEDX].iter().try_for_each(|tool| tool.install(place)))?;
    steps.step("bans, licences, sources", || {
        run::run(supply.tool(&DENY).args(["--offline", "check", "bans", "licenses", "sources"]))
    })?;
    let fetched = steps
        .step("database of advisories", || Ok(run::run(supply.tool(&DENY).args(["fetch", "db"])).is_ok()))?;
    steps.step("advisories", || {
        if fetched {
            return run::run(supply.tool(&DENY).args(["--offline", "check", "advisories"]));
        }
        println!("NOT CHECKED: the database of advisories could not be fetched.");
        Ok(())
    })?;
    let bill = steps.step("bill of materials", || supply.bill())?;
    steps.summary();
    println!("\n{}", bill.display());
    if !fetched {
        println!(
            "Known vulnerabilities were NOT looked for: run this where the database of advisories can be fetched."
        );
    }
    Ok(())
}

struct Supply<'a> {
    place: &'a Place,
}

impl Supply<'_> {
    fn tool(&self, tool: &Tool) -> Command {
        let mut command = Command::new(tool.program(self.place));
        command.current_dir(self.place.root());
        command
    }

    /// Everything that is in the program, by its version, source and licence.
    fn bill(&self) -> Result<PathBuf, String> {
        let manifest = self.place.root().join("crates/server/Cargo.toml");
        let mut command = self.tool(&CYCLONEDX);
        command.args(["cyclonedx", "--format", "json", "--spec-version", "1.5"]);
        command
            .args(["--describe", "binaries", "--no-build-deps", "--quiet", "--manifest-path"])
            .arg(manifest);
        // The same commit gives the same bill.
        let committed = run::capture(
            Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(self.place.root()),
        )?;
        run::run(command.env("SOURCE_DATE_EPOCH", committed.trim()))?;
        let kept = tool::folder(self.place).join(KEPT);
        let found = gather(&self.place.root().join("crates"), &kept)?;
        if !found {
            return Err(format!("{} wrote no {WRITTEN}", CYCLONEDX.name));
        }
        let components = judge(
            &fs::read_to_string(&kept).map_err(|error| format!("cannot read {}: {error}", kept.display()))?,
        )?;
        println!("{components} components");
        Ok(kept)
    }
}

/// The tool writes one beside each package of the workspace: ours is kept, the others go. Whether ours was there.
fn gather(packages: &Path, kept: &Path) -> Result<bool, String> {
    let failed = |error: std::io::Error| format!("cannot gather the bills of materials: {error}");
    let mut found = false;
    for package in fs::read_dir(packages).map_err(failed)? {
        for file in fs::read_dir(package.map_err(failed)?.path()).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name == WRITTEN {
                fs::copy(&path, kept).map_err(failed)?;
                found = true;
            }
            if name.ends_with(".cdx.json") {
                fs::remove_file(&path).map_err(failed)?;
            }
        }
    }
    Ok(found)
}

/// How many components a bill has; one that lacks what every build of ours has is none.
fn judge(text: &str) -> Result<usize, String> {
    let bill: Value = serde_json::from_str(text).map_err(|error| format!("the bill is not JSON: {error}"))?;
    if bill["bomFormat"] != "CycloneDX" || bill["specVersion"] != "1.5" {
        return Err("the bill is not CycloneDX 1.5".to_owned());
    }
    let components = bill["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in ["aws-lc-rs", "axum", "rustls", "sqlx", "oidc"] {
        if !components.iter().any(|it| it["name"] == name && it["version"].is_string()) {
            return Err(format!("the bill of materials lacks {name}"));
        }
    }
    Ok(components.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bill_that_lacks_something_is_none() {
        let names = ["aws-lc-rs", "axum", "rustls", "sqlx", "oidc"];
        let bill = |names: &[&str]| {
            let components: Vec<Value> =
                names.iter().map(|name| json!({ "name": name, "version": "1" })).collect();
            json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "components": components }).to_string()
        };
        assert_eq!(judge(&bill(&names)), Ok(5));
        assert!(judge(&bill(&names[1..])).unwrap_err().contains("aws-lc-rs"));
        assert!(judge(&bill(&names).replace("1.5", "1.3")).is_err());
        assert!(judge("").is_err() && judge("{}").is_err());
    }

    #[test]
    fn ours_is_kept_and_nothing_is_left_in_the_sources() {
        let folder = std::env::temp_dir().join(format!("portico-bills-{}", std::process::id()));
        let package = folder.join("crates/server");
        fs::create_dir_all(&package).unwrap();
        let kept = folder.join(KEPT);
        for name in [WRITTEN, "other_bin.cdx.json", "Cargo.toml"] {
            fs::write(package.join(name), name).unwrap();
        }
        assert_eq!(gather(&folder.join("crates"), &kept), Ok(true));
        assert_eq!(fs::read_to_string(&kept).unwrap(), WRITTEN);
        let left: Vec<_> = fs::read_dir(&package).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["Cargo.toml"]);
        assert_eq!(gather(&folder.join("crates"), &kept), Ok(false));
        fs::remove_dir_all(&folder).unwrap();
    }
}
