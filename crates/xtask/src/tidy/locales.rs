//! Every text of the pages exists in every language, and is shown somewhere.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{Text, Tree};

const LOCALES: &str = "crates/server/locales/";
const SERVER: &str = "crates/server/";
/// How templates and handlers ask for a text: of a page's view.
const CALLS: [&str; 4] = ["view.text(\"", "view.text_with(\"", "view().text(\"", "view().text_with(\""];
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
    findings.extend(
        asked_for(tree)
            .into_iter()
            .filter(|(_, key)| !original.contains(key))
            .map(|(place, key)| Finding::error(place, format!("`{key}` is not in {LOCALES}{ORIGINAL}"))),
    );
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

/// The keys that templates and handlers ask for, each with its place.
fn asked_for(tree: &Tree) -> Vec<(String, &str)> {
    let mut keys = Vec::new();
    for text in server_texts(tree) {
        for (number, line) in text.lines() {
            for call in CALLS {
                let found = line.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                keys.extend(found.map(|key| (format!("{}:{number}", text.path), key)));
            }
        }
    }
    keys
}

/// Whether a template, or the server's code, names the key as a whole string.
fn is_shown(tree: &Tree, key: &str) -> bool {
    let quoted = format!("\"{key}\"");
    server_texts(tree).any(|text| text.text.contains(&quoted))
}

fn server_texts(tree: &Tree) -> impl Iterator<Item = &Text> {
    tree.texts.iter().filter(|text| text.path.starts_with(SERVER) && !text.path.starts_with(LOCALES))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: (&str, &str) = (
        "crates/server/templates/a.html",
        "{{ view.text(\"hello\") }} {{ view.text_with(\"bye\", \"name\", name) }}",
    );
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

    #[test]
    fn a_text_that_is_not_there_is_found() {
        let other = ("crates/server/templates/b.html", "{{ view.text(\"helo\") }}");
        assert_eq!(count(&[TEMPLATE, ENGLISH, other]), 1);
    }
}
