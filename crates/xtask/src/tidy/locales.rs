//! Every text of the pages exists in every language, and is shown somewhere.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{Text, Tree};

const LOCALES: &str = "crates/server/locales/";
const SERVER: &str = "crates/server/";
/// The language that every other one is measured by.
const ORIGINAL: &str = "en";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let files: Vec<&Text> =
        tree.with_extension("ftl").filter(|text| text.path.starts_with(LOCALES)).collect();
    let original: BTreeSet<&str> =
        files.iter().filter(|file| language(file) == ORIGINAL).flat_map(|file| keys(file)).collect();
    let languages: BTreeSet<&str> = files.iter().map(|file| language(file)).collect();
    let mut findings = Vec::new();
    for other in languages.into_iter().filter(|language| *language != ORIGINAL) {
        let own: BTreeSet<&str> =
            files.iter().filter(|file| language(file) == other).flat_map(|file| keys(file)).collect();
        let place = format!("{LOCALES}{other}");
        findings.extend(
            original.difference(&own).map(|key| Finding::error(&place, format!("`{key}` is missing"))),
        );
        findings.extend(
            own.difference(&original)
                .map(|key| Finding::error(&place, format!("`{key}` is not in {ORIGINAL}"))),
        );
    }
    let shown = |key: &&str| !is_shown(tree, key);
    findings.extend(
        original
            .into_iter()
            .filter(shown)
            .map(|key| Finding::error(format!("{LOCALES}{ORIGINAL}"), format!("`{key}` is shown nowhere"))),
    );
    findings
}

/// `locales/en.ftl` and `locales/en/pages.ftl` both are `en`.
fn language(file: &Text) -> &str {
    let name = file.path.strip_prefix(LOCALES).unwrap_or(&file.path);
    name.split(['/', '.']).next().unwrap_or_default()
}

/// The messages of a Fluent file. Terms (`-name`), attributes and continued lines are not messages.
fn keys(file: &Text) -> Vec<&str> {
    file.text.lines().filter_map(message).collect()
}

fn message(line: &str) -> Option<&str> {
    let name_end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))?;
    let (name, rest) = line.split_at(name_end);
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.trim_start().starts_with('='))
        .then_some(name)
}

/// Whether a template, or the server's code, names the key as a whole string.
fn is_shown(tree: &Tree, key: &str) -> bool {
    let quoted = format!("\"{key}\"");
    let in_code = |text: &&Text| text.path.starts_with(SERVER) && !text.path.starts_with(LOCALES);
    tree.texts.iter().filter(in_code).any(|text| text.text.contains(&quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: (&str, &str) = ("crates/server/templates/a.html", "{{ t(\"hello\") }} {{ t(\"bye\") }}");
    const ENGLISH: (&str, &str) = (
        "crates/server/locales/en/a.ftl",
        "# Words\nhello = Hello\n    and welcome\nbye = Bye\n-brand = Portico\n",
    );

    fn count(texts: &[(&str, &str)]) -> usize {
        check(&Tree::of(texts)).len()
    }

    #[test]
    fn every_language_has_every_text() {
        assert_eq!(count(&[TEMPLATE, ENGLISH]), 0);
        assert_eq!(
            count(&[TEMPLATE, ENGLISH, ("crates/server/locales/de/a.ftl", "hello = Hallo\nbye = Tschau")]),
            0
        );
        assert_eq!(count(&[TEMPLATE, ENGLISH, ("crates/server/locales/de.ftl", "hello = Hallo")]), 1);
        assert_eq!(
            count(&[TEMPLATE, ENGLISH, ("crates/server/locales/de.ftl", "hello = x\nbye = y\nmore = z")]),
            1
        );
    }

    #[test]
    fn a_text_that_nothing_shows_is_found() {
        assert_eq!(count(&[ENGLISH]), 2);
    }
}
