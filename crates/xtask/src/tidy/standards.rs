//! `docs/reference/standards.md` says where each rule of a standard is enforced and which test shows it. Those places and
//! tests must be there.
//!
//! A row has four cells: section, what it asks, enforced by, shown by. The last two hold a path in backticks, then names in
//! that file in backticks, and so on. A path is one from the root, or from `crates/`.

use super::Finding;
use super::tree::{Text, Tree};

const PAGE: &str = "docs/reference/standards.md";

/// What a declaration begins with, after its visibility.
const KEYWORDS: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "const", "static", "mod", "macro_rules!"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.texts.iter().find(|text| text.path == PAGE) else {
        return vec![Finding::error(
            PAGE,
            "there is no such page; it says which standards hold, and by what",
        )];
    };
    let mut findings = Vec::new();
    let mut rows = 0;
    for (number, line) in page.lines().filter(|(_, line)| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").map(str::trim).collect();
        if cells[0] == "section" || cells[0].starts_with("---") {
            continue;
        }
        rows += 1;
        let place = format!("{PAGE}:{number}");
        let mut fault = |what: String| findings.push(Finding::error(&place, what));
        let [_, _, enforced, shown] = cells.as_slice() else {
            fault(format!(
                "a row has 4 cells (section, what, enforced by, shown by); this one has {}",
                cells.len()
            ));
            continue;
        };
        for (cell, kind) in [(enforced, Kind::Symbol), (shown, Kind::Test)] {
            faults(tree, cell, kind).into_iter().for_each(&mut fault);
        }
    }
    if rows == 0 {
        findings.push(Finding::error(PAGE, "it has no row"));
    }
    findings
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Symbol,
    Test,
}

/// What is wrong with one cell.
fn faults(tree: &Tree, cell: &str, kind: Kind) -> Vec<String> {
    let mut faults = Vec::new();
    let mut file: Option<&Text> = None;
    let mut names = 0;
    for word in cell.split('`').skip(1).step_by(2) {
        if word.contains('/') {
            file = tree.texts.iter().find(|text| text.path == word || text.path == format!("crates/{word}"));
            if file.is_none() {
                faults.push(format!("there is no file `{word}`; name it from the root, or from crates/"));
            }
            continue;
        }
        names += 1;
        let Some(file) = file else {
            // An unknown file was told.
            if faults.is_empty() {
                faults.push(format!("`{word}` stands before any path: in which file is it?"));
            }
            continue;
        };
        if !is_there(file, word, kind) {
            let what = match kind {
                Kind::Symbol => "declares no",
                Kind::Test => "has no test",
            };
            faults
                .push(format!("{} {what} `{word}`; was it renamed or moved? Name what holds now", file.path));
        }
    }
    if names == 0 && faults.is_empty() {
        let what = match kind {
            Kind::Symbol => "names no symbol by which the rule is enforced",
            Kind::Test => "names no test that shows it",
        };
        faults.push(format!("the row {what}"));
    }
    faults
}

fn is_there(file: &Text, name: &str, kind: Kind) -> bool {
    if !file.has_extension("rs") {
        // A template, a style sheet, a script: the name is in it.
        return kind == Kind::Symbol && file.text.contains(name);
    }
    match kind {
        Kind::Test => is_test(file, name),
        Kind::Symbol => match name.split_once("::") {
            None => declares(file, name),
            Some((owner, member)) => declares(file, owner) && has_member(file, member),
        },
    }
}

/// Whether an item of this name begins on some line.
fn declares(file: &Text, name: &str) -> bool {
    file.text.lines().any(|line| declared(line) == Some(name))
}

/// The name of the item that begins on this line.
fn declared(line: &str) -> Option<&str> {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub") || ["async", "unsafe", "super)", "crate)"].contains(word));
    let mut keyword = words.next()?;
    let mut rest = words.next()?;
    if keyword == "const" && rest == "fn" {
        (keyword, rest) = (rest, words.next()?);
    }
    KEYWORDS.contains(&keyword).then(|| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// A function, or a variant or field on a line of its own.
fn has_member(file: &Text, member: &str) -> bool {
    let begins = |line: &str| {
        let line = line.trim().strip_prefix("pub ").unwrap_or(line.trim());
        line.strip_prefix(member)
            .is_some_and(|rest| rest.starts_with([',', '(', ':', ' ']) || rest.is_empty())
    };
    declares(file, member) || file.text.lines().any(begins)
}

/// A function with `#[test]` or a like attribute.
fn is_test(file: &Text, name: &str) -> bool {
    let lines: Vec<&str> = file.text.lines().collect();
    (0..lines.len()).filter(|&index| declared(lines[index]) == Some(name)).any(|index| {
        let above = lines[..index].iter().rev().map(|line| line.trim());
        let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        attributes.any(|line| line.starts_with("#[test]") || line.contains("::test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "pub(crate) struct Held;\nimpl Held {\n    pub const fn is_good(&self) {}\n}\nenum Kind {\n    Plain,\n    Rich(u8),\n}\n\
        pub async fn enforce() {}\n#[tokio::test]\nasync fn it_holds() {}\n    /// Why.\n    #[test]\n    fn it_is_so() {}\nfn no_test() {}";

    fn told(row: &str) -> Vec<String> {
        let page = format!("| section | what | enforced by | shown by |\n|---|---|---|---|\n{row}\n");
        let tree = Tree::of(&[
            (PAGE, &page),
            ("crates/oidc/src/a.rs", CODE),
            ("crates/server/templates/a.html", "form_post"),
        ]);
        check(&tree).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_row_whose_places_and_tests_are_there_is_good() {
        for row in [
            "| 1 | x | `oidc/src/a.rs`: `enforce` | `oidc/src/a.rs`: `it_holds`, `it_is_so` |",
            "| 1 | x | `crates/oidc/src/a.rs`: `Held`, `Held::is_good`, `Kind::Rich`, `Kind::Plain` | `oidc/src/a.rs`: `it_holds` |",
            "| 1 | x | `server/templates/a.html`: `form_post`; `oidc/src/a.rs`: `enforce` | `oidc/src/a.rs`: `it_holds` |",
        ] {
            assert_eq!(told(row), [""; 0], "{row}");
        }
    }

    #[test]
    fn a_row_that_names_what_is_not_there_is_told_with_its_place() {
        for (row, what) in [
            ("| 1 | x | `oidc/src/a.rs`: `gone` | `oidc/src/a.rs`: `it_holds` |", "declares no `gone`"),
            ("| 1 | x | `oidc/src/a.rs`: `enforce` | `oidc/src/a.rs`: `no_test` |", "has no test `no_test`"),
            (
                "| 1 | x | `oidc/src/a.rs`: `Held::gone` | `oidc/src/a.rs`: `it_holds` |",
                "declares no `Held::gone`",
            ),
            (
                "| 1 | x | `oidc/src/b.rs`: `enforce` | `oidc/src/a.rs`: `it_holds` |",
                "no file `oidc/src/b.rs`",
            ),
            ("| 1 | x | `enforce` | `oidc/src/a.rs`: `it_holds` |", "before any path"),
            ("| 1 | x | nothing | `oidc/src/a.rs`: `it_holds` |", "no symbol"),
            ("| 1 | x | `oidc/src/a.rs`: `enforce` | by hand |", "no test"),
            ("| 1 | x | `oidc/src/a.rs`: `enforce` |", "this one has 3"),
        ] {
            let told = told(row);
            assert_eq!(told.len(), 1, "{row}: {told:?}");
            assert!(
                told[0].starts_with("docs/reference/standards.md:3: error:") && told[0].contains(what),
                "{told:?}"
            );
        }
    }

    #[test]
    fn the_page_is_there_and_has_rows() {
        assert_eq!(check(&Tree::of(&[("README.md", "")])).len(), 1);
        assert_eq!(told("no row").len(), 1);
    }
}
