//! Which crate may use which, and what the pure ones must not touch.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// The edges that docs/architecture.md draws. A new crate is added there and here.
const EDGES: [(&str, &[&str]); 10] = [
    ("terms", &[]),
    ("oidc", &["terms"]),
    ("saml", &["terms"]),
    ("identity", &["terms"]),
    ("store", &["terms", "oidc", "saml", "identity"]),
    ("server", &["terms", "oidc", "saml", "identity", "store"]),
    ("demo", &["terms"]),
    ("bench", &["terms", "oidc", "identity", "store", "server"]),
    ("xtask", &[]),
    ("tests", &["terms", "server"]),
];

const PURE: [&str; 4] = ["terms", "oidc", "saml", "identity"];

/// Dependencies that bring a runtime, a network, a database or chance.
const IMPURE_DEPENDENCIES: [&str; 13] = [
    "tokio",
    "async-std",
    "axum",
    "hyper",
    "tower",
    "tower-http",
    "sqlx",
    "rusqlite",
    "reqwest",
    "rand",
    "getrandom",
    "fs4",
    "tempfile",
];

/// Standard modules that reach outside. Addresses without sockets are in `core::net`.
const IMPURE_CODE: [&str; 8] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
];

/// Names that say nothing of what is inside, so that anything ends up there.
const EMPTY_NAMES: [&str; 8] =
    ["common", "util", "utils", "helper", "helpers", "manager", "managers", "misc"];

/// Implementations of private-key operations that take as long as the key's bits say (RUSTSEC-2023-0071), or that stand
/// beside the one library by which the server signs. `openidconnect` brings them for the demo and the tests.
const SIDE_CHANNELS: [&str; 5] = ["rsa", "p256", "p384", "ed25519-dalek", "jsonwebtoken"];

struct Manifest {
    name: String,
    path: String,
    dependencies: Vec<String>,
}

pub(super) fn edges(tree: &Tree) -> Vec<Finding> {
    let (manifests, mut findings) = manifests(tree);
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let own: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    for manifest in &manifests {
        let Some(allowed) = allowed.get(manifest.name.as_str()) else {
            let what = format!(
                "`{}` is not in the table of crates; docs/architecture.md says who may use whom",
                manifest.name
            );
            findings.push(Finding::error(&manifest.path, what));
            continue;
        };
        for used in &manifest.dependencies {
            if own.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                findings.push(Finding::error(
                    &manifest.path,
                    format!("`{}` must not use `{used}`", manifest.name),
                ));
            }
        }
    }
    findings
}

pub(super) fn purity(tree: &Tree) -> Vec<Finding> {
    let (manifests, _) = manifests(tree);
    let mut findings = Vec::new();
    for manifest in manifests.iter().filter(|manifest| PURE.contains(&manifest.name.as_str())) {
        for used in manifest.dependencies.iter().filter(|used| IMPURE_DEPENDENCIES.contains(&used.as_str())) {
            findings.push(Finding::error(&manifest.path, format!("a pure crate must not use `{used}`")));
        }
    }
    // Its integration tests are programs of their own.
    let in_pure = |path: &str| PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    for text in tree.with_extension("rs").filter(|text| in_pure(&text.path)) {
        for (number, line) in text.lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in IMPURE_CODE.iter().filter(|word| line.contains(**word)) {
                findings.push(Finding::error(
                    format!("{}:{number}", text.path),
                    format!("`{word}` in a pure crate"),
                ));
            }
        }
    }
    findings
}

/// What the server links, however far away, does its private-key operations in one library.
pub(super) fn cryptography(tree: &Tree) -> Vec<Finding> {
    let Some(lock) = tree.texts.iter().find(|text| text.path == "Cargo.lock") else { return Vec::new() };
    let Ok(table) = lock.text.parse::<toml::Table>() else {
        return vec![Finding::error(&lock.path, "not a lock file")];
    };
    let packages = table.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let Some(name) = package.get("name").and_then(toml::Value::as_str) else { continue };
        let used = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
        // Of several versions the name alone counts.
        let used = used.filter_map(|it| it.as_str()?.split(' ').next());
        edges.entry(name).or_default().extend(used);
    }
    let (mut reached, mut waiting) = (vec!["server"], vec!["server"]);
    while let Some(name) = waiting.pop() {
        for used in edges.get(name).into_iter().flatten() {
            if !reached.contains(used) {
                reached.push(used);
                waiting.push(used);
            }
        }
    }
    let found = SIDE_CHANNELS.iter().filter(|name| reached.contains(name));
    found.map(|name| Finding::error(&lock.path, format!("the server must not link `{name}`"))).collect()
}

pub(super) fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for text in
        tree.texts.iter().filter(|text| text.path.starts_with("crates/") || text.path.starts_with("tests/"))
    {
        let stem = text.path.strip_suffix(".rs").unwrap_or(&text.path);
        if let Some(name) = stem.split('/').find(|part| EMPTY_NAMES.contains(part)) {
            findings.push(Finding::error(&text.path, format!("`{name}` says nothing about what is inside")));
        }
    }
    findings
}

/// Where the server may speak HTTP to others: the door that judges every address, and the operator's own check of the
/// issuer that the configuration names.
const DOORS: [&str; 3] =
    ["crates/server/src/egress.rs", "crates/server/src/egress/", "crates/server/src/doctor"];

/// No part of the server reaches an address that somebody else named, but through the one door.
pub(super) fn one_door(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let inside = |path: &str| path.starts_with("crates/server/src/");
    for text in tree.with_extension("rs").filter(|text| inside(&text.path)) {
        if DOORS.iter().any(|door| text.path.starts_with(door)) {
            continue;
        }
        for (number, line) in text.lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if line.contains("reqwest") {
                let place = format!("{}:{number}", text.path);
                findings
                    .push(Finding::error(place, "only egress.rs fetches: `reqwest` is used past the door"));
            }
        }
    }
    findings
}

/// The manifests of this workspace's packages; one that can't be read is a finding.
fn manifests(tree: &Tree) -> (Vec<Manifest>, Vec<Finding>) {
    let mut manifests = Vec::new();
    let mut findings = Vec::new();
    for text in &tree.texts {
        if text.path == "Cargo.toml" || text.path.starts_with("fuzz/") || !text.path.ends_with("/Cargo.toml")
        {
            continue;
        }
        match parse(&text.path, &text.text) {
            Ok(manifest) => manifests.push(manifest),
            Err(problem) => findings.push(Finding::error(&text.path, problem)),
        }
    }
    (manifests, findings)
}

fn parse(path: &str, text: &str) -> Result<Manifest, String> {
    let table: toml::Table = text.parse().map_err(|error| format!("not a manifest: {error}"))?;
    let name = table.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.ok_or("a manifest without a package name")?.to_owned();
    let mut dependencies = Vec::new();
    add_dependencies(&table, &mut dependencies);
    for target in
        table.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values)
    {
        target.as_table().into_iter().for_each(|table| add_dependencies(table, &mut dependencies));
    }
    Ok(Manifest { name, path: path.to_owned(), dependencies })
}

fn add_dependencies(table: &toml::Table, dependencies: &mut Vec<String>) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, value) in table.get(kind).and_then(toml::Value::as_table).into_iter().flatten() {
            // `oidc2 = { package = "oidc" }` is the same edge.
            let renamed = value.get("package").and_then(toml::Value::as_str);
            dependencies.push(renamed.unwrap_or(name).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_door() {
        let line = "let client = reqwest::Client::new();";
        let tree = Tree::of(&[
            ("crates/server/src/egress.rs", line),
            ("crates/server/src/egress/tests.rs", line),
            ("crates/server/src/oauth/token.rs", line),
            ("crates/server/src/mail.rs", "// as reqwest does"),
            ("tests/harness/browser.rs", line),
        ]);
        let places: Vec<String> = one_door(&tree).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["crates/server/src/oauth/token.rs:1"]);
    }

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    fn edge_findings(name: &str, rest: &str) -> usize {
        let terms = manifest("terms", "");
        let store = manifest("store", "");
        let own = manifest(name, rest);
        let path = format!("crates/{name}/Cargo.toml");
        let tree = Tree::of(&[
            ("crates/terms/Cargo.toml", &terms),
            ("crates/store/Cargo.toml", &store),
            (&path, &own),
        ]);
        edges(&tree).len()
    }

    #[test]
    fn edges_that_are_drawn_are_allowed() {
        assert_eq!(edge_findings("oidc", "[dependencies]\nterms.workspace = true\nserde = \"1\""), 0);
        assert_eq!(
            edge_findings("server", "[dependencies]\nterms.workspace = true\nstore.workspace = true"),
            0
        );
    }

    #[test]
    fn edges_that_are_not_drawn_are_found_in_every_table_and_under_every_name() {
        let cases = [
            "[dependencies]\nstore.workspace = true",
            "[dev-dependencies]\nstore.workspace = true",
            "[build-dependencies]\nstore.workspace = true",
            "[target.'cfg(unix)'.dependencies]\nstore.workspace = true",
            "[dependencies]\nother = { package = \"store\", path = \"../store\" }",
        ];
        for case in cases {
            assert_eq!(edge_findings("oidc", case), 1, "{case}");
        }
    }

    #[test]
    fn a_crate_that_is_not_drawn_is_found() {
        assert_eq!(edge_findings("federation", ""), 1);
    }

    #[test]
    fn pure_crates_use_nothing_that_reaches_outside() {
        let impure = manifest("oidc", "[dependencies]\ntokio = \"1\"");
        assert_eq!(purity(&Tree::of(&[("crates/oidc/Cargo.toml", &impure)])).len(), 1);
        assert_eq!(purity(&Tree::of(&[("crates/oidc/src/a.rs", "let now = SystemTime::now();")])).len(), 1);
        assert_eq!(
            purity(&Tree::of(&[("crates/oidc/src/a.rs", "// not std::fs\nuse core::net::IpAddr;")])).len(),
            0
        );
        for path in ["crates/server/src/a.rs", "crates/oidc/tests/a.rs"] {
            assert_eq!(purity(&Tree::of(&[(path, "use std::fs;")])).len(), 0, "{path}");
        }
    }

    #[test]
    fn the_server_signs_in_one_library_only() {
        let lock = |uses: &str| {
            let package =
                |name: &str, uses: &str| format!("[[package]]\nname = \"{name}\"\ndependencies = [{uses}]\n");
            let packages =
                [package("demo", "\"rsa 0.9.10\""), package("server", "\"far\""), package("far", uses)];
            cryptography(&Tree::of(&[("Cargo.lock", &packages.concat())])).len()
        };
        assert_eq!(lock("\"serde\", \"server\""), 0);
        assert_eq!(lock("\"rsa 0.9.10\", \"p256\""), 2);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(names(&Tree::of(&[("crates/common/src/lib.rs", "")])).len(), 1);
        assert_eq!(names(&Tree::of(&[("crates/server/src/utils.rs", "")])).len(), 1);
        assert_eq!(names(&Tree::of(&[("crates/server/src/commonplace.rs", "")])).len(), 0);
    }
}
