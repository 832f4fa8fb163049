//! Every text of the pages exists in every language with the same parts and variables, has every plural of its language,
//! and is shown somewhere.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Pattern, PatternElement, Resource, Variant, VariantKey,
};
use fluent_syntax::parser;

use super::Finding;
use super::tree::{Text, Tree};

const LOCALES: &str = "crates/server/locales/";
const SERVER: &str = "crates/server/";
/// How templates and handlers ask for a text: of a page's view.
const CALLS: [&str; 4] = ["view.text(\"", "view.text_with(\"", "view().text(\"", "view().text_with(\""];
/// The language that every other one is measured by.
const ORIGINAL: &str = "en";
/// The plural categories of each language (Unicode CLDR, cardinal numbers): a new language adds its line.
const PLURALS: [(&str, &[&str]); 2] = [("en", &["one", "other"]), ("pl", &["few", "many", "one", "other"])];
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

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
    findings.extend(meanings(&files));
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

/// What each text is made of: by key and part (the value or an attribute), the names that it uses.
type Meanings<'t> = BTreeMap<(&'t str, &'t str), BTreeSet<String>>;

/// The places where a text means something else than the original, where a plural is missing, and what can't be read.
fn meanings(files: &[&Text]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut languages: BTreeMap<&str, Meanings<'_>> = BTreeMap::new();
    for file in files {
        let resource = parser::parse(file.text.as_str()).unwrap_or_else(|(resource, faults)| {
            findings.extend(faults.into_iter().map(|fault| Finding::error(&file.path, fault.to_string())));
            resource
        });
        let plurals = PLURALS.iter().find(|(name, _)| *name == language(file)).map(|(_, plurals)| *plurals);
        if plurals.is_none() {
            findings
                .push(Finding::error(&file.path, "the plurals of this language are not known".to_owned()));
        }
        let meanings = languages.entry(language(file)).or_default();
        for (key, part, names, missing) in parts(&resource, plurals.unwrap_or_default()) {
            for category in missing {
                let what = format!("`{key}` lacks the plural [{category}]");
                findings.push(Finding::error(&file.path, what));
            }
            if meanings.insert((key, part), names).is_some() {
                findings.push(Finding::error(&file.path, format!("`{key}` stands twice")));
            }
        }
    }
    let original = languages.remove(ORIGINAL).unwrap_or_default();
    for (other, own) in languages {
        let place = format!("{LOCALES}{other}");
        let has_key = |meanings: &Meanings<'_>, key: &str| meanings.keys().any(|(own, _)| *own == key);
        for ((key, part), names) in &original {
            match own.get(&(*key, *part)) {
                Some(own) if own == names => {}
                Some(own) => {
                    let what = format!("`{key}` uses {own:?}, and {names:?} in {ORIGINAL}");
                    findings.push(Finding::error(&place, what));
                }
                // A key that is missing whole is found with the keys.
                None if has_key(&own, key) => {
                    findings.push(Finding::error(&place, format!("`{key}` lacks `{part}`")));
                }
                None => {}
            }
        }
        for (key, part) in own.keys().filter(|it| !original.contains_key(*it) && has_key(&original, it.0)) {
            findings
                .push(Finding::error(&place, format!("`{key}` has `{part}`, which is not in {ORIGINAL}")));
        }
    }
    findings
}

/// The value and the attributes of every message: key, part, names that are used, plurals that are missing.
fn parts<'t>(
    resource: &Resource<&'t str>,
    plurals: &'static [&'static str],
) -> Vec<(&'t str, &'t str, BTreeSet<String>, BTreeSet<&'static str>)> {
    let mut parts = Vec::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else { continue };
        let value = message.value.iter().map(|pattern| ("value", pattern));
        let attributes = message.attributes.iter().map(|attribute| (attribute.id.name, &attribute.value));
        for (part, pattern) in value.chain(attributes) {
            let mut reading = Reading { plurals, names: BTreeSet::new(), missing: BTreeSet::new() };
            reading.pattern(pattern);
            parts.push((message.id.name, part, reading.names, reading.missing));
        }
    }
    parts
}

/// One text while it is read.
struct Reading {
    plurals: &'static [&'static str],
    /// Variables as `$name`, other texts by their key.
    names: BTreeSet<String>,
    missing: BTreeSet<&'static str>,
}

impl Reading {
    fn pattern(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            match element {
                PatternElement::Placeable { expression } => self.expression(expression),
                PatternElement::TextElement { .. } => {}
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                self.plural(variants);
                for variant in variants {
                    self.pattern(&variant.value);
                }
            }
        }
    }

    /// A choice by words that are plural categories has all of the language's. One by numbers, of months say, has its own.
    fn plural(&mut self, variants: &[Variant<&str>]) {
        let words: BTreeSet<&str> = variants
            .iter()
            .filter_map(|variant| match variant.key {
                VariantKey::Identifier { name } => Some(name),
                VariantKey::NumberLiteral { .. } => None,
            })
            .collect();
        if words.iter().any(|word| CATEGORIES.contains(word)) {
            self.missing.extend(self.plurals.iter().filter(|category| !words.contains(**category)));
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.names.insert(format!("${}", id.name));
            }
            InlineExpression::MessageReference { id, .. } => {
                self.names.insert(id.name.to_owned());
            }
            InlineExpression::TermReference { id, .. } => {
                self.names.insert(format!("-{}", id.name));
            }
            InlineExpression::FunctionReference { arguments, .. } => {
                for argument in &arguments.positional {
                    self.inline(argument);
                }
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        }
    }
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
            count(&[TEMPLATE, ENGLISH, ("crates/server/locales/pl/a.ftl", "hello = Cześć\nbye = Pa")]),
            0
        );
        assert_eq!(count(&[TEMPLATE, ENGLISH, ("crates/server/locales/pl.ftl", "hello = Hallo")]), 1);
        assert_eq!(
            count(&[TEMPLATE, ENGLISH, ("crates/server/locales/pl.ftl", "hello = x\nbye = y\nmore = z")]),
            1
        );
    }

    #[test]
    fn a_text_that_nothing_shows_is_found() {
        assert_eq!(count(&[ENGLISH]), 2);
    }

    /// How much is wrong with a Polish file beside this English one, where each key is shown.
    fn beside(english: &str, polish: &str) -> usize {
        let template = ("crates/server/templates/a.html", "\"a\" \"b\"");
        count(&[
            template,
            ("crates/server/locales/en/a.ftl", english),
            ("crates/server/locales/pl/a.ftl", polish),
        ])
    }

    #[test]
    fn every_language_uses_the_same_variables_and_parts() {
        let english = "a = One { $x }\n    and { b }\nb =\n    .subject = { $s }\n    .after = Bye\n";
        let polish = "a = { b } i { $x }\nb =\n    .after = Pa\n    .subject = { $s }!\n";
        assert_eq!(beside(english, polish), 0);
        for (from, to) in [
            ("{ $x }", "{ $y }"),
            ("{ $x }", "x"),
            ("{ b }", "b"),
            (" { $s }", "s"),
            ("    .after = Pa\n", ""),
        ] {
            assert_eq!(beside(english, &polish.replace(from, to)), 1, "{from} {to}");
        }
        assert_eq!(beside(english, &format!("{polish}    .more = Więcej\n")), 1);
        assert_eq!(beside(english, &format!("{polish}a = {{ b }} {{ $x }}\n")), 1, "twice");
        assert_eq!(
            beside("a = { $x -> [1] One *[2] { $y } }\nb = b\n", "a = { $x }{ $y }\nb = b\n"),
            1,
            "unreadable"
        );
    }

    #[test]
    fn a_plural_has_every_category_of_its_language() {
        let english = "a = { $n ->\n    [one] One\n   *[other] { $n }\n}\nb = b\n";
        let polish = "a = { $n ->\n    [one] A\n    [few] B\n    [many] C\n   *[other] { $n }\n}\nb = b\n";
        assert_eq!(beside(english, polish), 0);
        assert_eq!(beside(english, &polish.replace("    [few] B\n", "")), 1);
        assert_eq!(beside(english, english), 2, "an English plural in Polish");
        assert_eq!(beside(&english.replace("    [one] One\n", ""), polish), 1);
        let months = "a = { $n ->\n    [1] January\n   *[2] February\n}\nb = b\n";
        assert_eq!(beside(months, months), 0);
    }

    #[test]
    fn a_language_whose_plurals_are_not_known_is_found() {
        assert_eq!(count(&[TEMPLATE, ENGLISH, ("crates/server/locales/xx/a.ftl", "hello = a\nbye = b")]), 1);
    }

    #[test]
    fn a_text_that_is_not_there_is_found() {
        let other = ("crates/server/templates/b.html", "{{ view.text(\"helo\") }}");
        assert_eq!(count(&[TEMPLATE, ENGLISH, other]), 1);
    }
}
