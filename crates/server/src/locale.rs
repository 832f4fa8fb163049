//! The texts that people see: Fluent files, one per language, compiled in.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::{LanguageIdentifier, langid};

/// The files of a language, in `locales/`.
const ENGLISH_SOURCES: &[&str] =
    &[include_str!("../locales/en/pages.ftl"), include_str!("../locales/en/attempts.ftl")];

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::parse(langid!("en"), ENGLISH_SOURCES));

/// The texts of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    /// The value of the page's `lang` attribute (WCAG 2.2, success criterion 3.1.1).
    pub language: String,
}

impl Texts {
    /// English, the only language so far.
    pub fn english() -> &'static Self {
        &ENGLISH
    }

    fn parse(language: LanguageIdentifier, sources: &[&str]) -> Self {
        let name = language.to_string();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Isolation marks are for texts of mixed direction and would be copied along with addresses and codes.
        bundle.set_use_isolating(false);
        for source in sources {
            // What Fluent could not read is left out of the resource; a test refuses a file with such a place.
            let resource = match FluentResource::try_new((*source).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(resource);
        }
        Self { bundle, language: name }
    }

    /// A text without variables.
    pub fn get(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text with its variables.
    pub fn with<'v>(&self, key: &str, variables: &[(&'v str, &'v dyn Variable)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in variables {
            args.set(*name, value.to_fluent());
        }
        self.format(key, Some(&args))
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.bundle.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            tracing::error!(key, "a text is missing");
            return key.to_owned();
        };
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut faults).into_owned();
        if !faults.is_empty() {
            tracing::error!(key, "a text has a variable that was not given");
        }
        text
    }
}

/// What a text's variable may be.
pub trait Variable {
    fn to_fluent(&self) -> FluentValue<'static>;
}

impl Variable for str {
    fn to_fluent(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}

impl Variable for &str {
    fn to_fluent(&self) -> FluentValue<'static> {
        FluentValue::from((*self).to_owned())
    }
}

impl Variable for String {
    fn to_fluent(&self) -> FluentValue<'static> {
        FluentValue::from(self.clone())
    }
}

impl Variable for i64 {
    fn to_fluent(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

impl Variable for usize {
    fn to_fluent(&self) -> FluentValue<'static> {
        FluentValue::from(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    /// The keys of the English files: what stands at the beginning of a line before ` =`.
    fn keys() -> BTreeSet<&'static str> {
        let key = |line: &'static str| line.split_once(" =").map(|(key, _)| key);
        let is_key =
            |key: &&str| key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        ENGLISH_SOURCES.iter().flat_map(|source| source.lines()).filter_map(key).filter(is_key).collect()
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs" || it == "html") {
                found.push(path);
            }
        }
    }

    /// Every text in quotes in sources and templates that has the shape of a key.
    fn quoted() -> BTreeSet<String> {
        let mut paths = Vec::new();
        for folder in ["src", "templates"] {
            files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
        }
        paths
            .iter()
            .flat_map(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                text.split('"').skip(1).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// What is asked of the texts: `text("…")`, `text_with("…"`, `.get("…")`, `.with("…"` and the keys of faults.
    fn asked() -> BTreeSet<String> {
        let mut paths = Vec::new();
        for folder in ["src/pages", "templates"] {
            files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
        }
        let mut asked = BTreeSet::new();
        for path in paths {
            let source = std::fs::read_to_string(&path).unwrap();
            for opening in ["text(\"", "text_with(\"", "texts.get(\"", "texts.with(\"", "fault(\"", "key: \""]
            {
                asked.extend(
                    source
                        .split(opening)
                        .skip(1)
                        .filter_map(|rest| rest.split('"').next())
                        .map(str::to_owned),
                );
            }
        }
        asked
    }

    #[test]
    fn every_file_is_read_whole() {
        for source in ENGLISH_SOURCES {
            let resource = FluentResource::try_new((*source).to_owned());
            assert!(resource.is_ok(), "{:?}", resource.err().map(|(_, faults)| faults));
        }
        let texts = Texts::english();
        for key in keys() {
            assert!(texts.bundle.has_message(key), "{key}");
        }
    }

    #[test]
    fn every_text_that_is_asked_for_exists_and_every_one_that_exists_is_asked_for() {
        let (keys, quoted, asked) = (keys(), quoted(), asked());
        let missing: Vec<_> = asked.iter().filter(|key| !keys.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "texts that are asked for and missing: {missing:?}");
        assert!(
            asked.len() > 20,
            "only {} texts are asked for: does the search still find them?",
            asked.len()
        );
        let unused: Vec<_> = keys.iter().filter(|key| !quoted.contains(**key)).collect();
        assert!(unused.is_empty(), "texts that nothing asks for: {unused:?}");
    }

    #[test]
    fn variables_and_plurals_are_filled_in() {
        let texts = Texts::english();
        assert_eq!(
            texts.with("verify-wrong", &[("left", &1_i64)]),
            "That is not the code. You have one more try."
        );
        assert_eq!(
            texts.with("verify-wrong", &[("left", &3_i64)]),
            "That is not the code. You have 3 more tries."
        );
        assert_eq!(texts.with("mail-code-subject", &[("service", &"<b>")]), "Your code for <b>");
    }
}
