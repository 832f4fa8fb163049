//! `cargo xtask tidy`: the rules of this repository that neither the compiler nor clippy knows.
//!
//! Each rule is a function from the tree's texts to findings, so that a test can give it a tree of three lines.

mod crates;
mod documents;
mod locales;
mod standards;
mod texts;
mod tree;

use std::fmt;

use crate::place::Place;
use tree::Tree;

/// One thing that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    what: String,
    severity: Severity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

impl Finding {
    fn error(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), severity: Severity::Error }
    }

    fn warning(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), severity: Severity::Warning }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: {}", self.place, self.what)
    }
}

/// Prints every finding. Warnings alone don't fail.
pub(crate) fn run(place: &Place) -> Result<(), String> {
    let tree = Tree::read(place.root())?;
    let findings = findings(&tree);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.iter().filter(|finding| finding.severity == Severity::Error).count() {
        0 => Ok(()),
        1 => Err("tidy found an error".to_owned()),
        count => Err(format!("tidy found {count} errors")),
    }
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let rules: [fn(&Tree) -> Vec<Finding>; 11] = [
        crates::edges,
        crates::purity,
        crates::cryptography,
        crates::names,
        crates::one_door,
        texts::forbidden,
        texts::long_files,
        texts::lock_files,
        documents::check,
        locales::check,
        standards::check,
    ];
    rules.iter().flat_map(|rule| rule(tree)).collect()
}
