//! The texts that people see: Fluent files, one folder per language, compiled in.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use terms::{Language, Timestamp};
use unic_langid::{LanguageIdentifier, langid};

/// The files that every language has in its folder of `locales/`.
macro_rules! areas {
    ($($area:literal),* $(,)?) => {
        const fn sources(language: Language) -> &'static [&'static str] {
            match language {
                Language::English => &[$(include_str!(concat!("../locales/en/", $area, ".ftl"))),*],
                Language::Polish => &[$(include_str!(concat!("../locales/pl/", $area, ".ftl"))),*],
            }
        }
    };
}

areas! {
    "account",
    "admin",
    "attempts",
    "device",
    "look",
    "mails",
    "pages",
    "post",
    "recover",
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::parse(Language::English));
static POLISH: LazyLock<Texts> = LazyLock::new(|| Texts::parse(Language::Polish));

/// The language's identifier, as Fluent and the negotiation know it.
pub(crate) const fn identifier(language: Language) -> LanguageIdentifier {
    match language {
        Language::English => langid!("en"),
        Language::Polish => langid!("pl"),
    }
}

/// The texts of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    pub language: Language,
}

impl Texts {
    /// The texts of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Polish => &POLISH,
        }
    }

    fn parse(language: Language) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![identifier(language)]);
        // Isolation marks are for texts of mixed direction and would be copied along with addresses and codes.
        bundle.set_use_isolating(false);
        for source in sources(language) {
            // What Fluent could not read is left out of the resource; a test refuses a file with such a place.
            let resource = match FluentResource::try_new((*source).to_owned()) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(resource);
        }
        Self { bundle, language }
    }

    /// A text without variables.
    pub fn get(&self, key: &str) -> String {
        self.format(key, None, &[])
    }

    /// A text with its variables.
    pub fn with<'v>(&self, key: &str, variables: &[(&'v str, &'v dyn Variable)]) -> String {
        self.format(key, None, variables)
    }

    /// One part of a text that has several (Fluent's attributes).
    pub fn part<'v>(&self, key: &str, part: &str, variables: &[(&'v str, &'v dyn Variable)]) -> String {
        self.format(key, Some(part), variables)
    }

    /// Whether a text has this part.
    pub fn has_part(&self, key: &str, part: &str) -> bool {
        self.bundle.get_message(key).is_some_and(|message| message.get_attribute(part).is_some())
    }

    /// A day and a minute as people write them, with the zone: nobody's own is known, so it is UTC.
    pub fn date_time(&self, at: Timestamp) -> String {
        let at = utc(at);
        let time = at.strftime("%H:%M").to_string();
        let (day, month, year) = parts(&at);
        self.with("date-time", &[("day", &day), ("month", &month), ("year", &year), ("time", &time)])
    }

    /// A day as people write it, in UTC.
    pub fn date(&self, at: Timestamp) -> String {
        let (day, month, year) = parts(&utc(at));
        self.with("date", &[("day", &day), ("month", &month), ("year", &year)])
    }

    fn format(&self, key: &str, part: Option<&str>, variables: &[(&str, &dyn Variable)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in variables {
            args.set(*name, value.to_fluent());
        }
        let message = self.bundle.get_message(key);
        let pattern = message.and_then(|message| match part {
            None => message.value(),
            Some(part) => message.get_attribute(part).map(|part| part.value()),
        });
        let Some(pattern) = pattern else {
            tracing::error!(key, part, "a text is missing");
            return key.to_owned();
        };
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut faults).into_owned();
        if !faults.is_empty() {
            tracing::error!(key, part, "a text has a variable that was not given");
        }
        text
    }
}

fn utc(at: Timestamp) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(at)
}

/// Day, month and year. A year is no quantity, so it is a text.
fn parts(at: &jiff::civil::DateTime) -> (i64, i64, String) {
    (at.day().into(), at.month().into(), at.year().to_string())
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
        sources(Language::English)
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(key)
            .filter(is_key)
            .collect()
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
        for language in Language::ALL {
            for source in sources(language) {
                let resource = FluentResource::try_new((*source).to_owned());
                assert!(resource.is_ok(), "{language}: {:?}", resource.err().map(|(_, faults)| faults));
            }
            for key in keys() {
                assert!(Texts::of(language).bundle.has_message(key), "{language}: {key}");
            }
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
        let texts = Texts::of(Language::English);
        for (left, text) in [
            (1_i64, "That is not the code. You have one more try."),
            (3, "That is not the code. You have 3 more tries."),
        ] {
            assert_eq!(texts.with("verify-wrong", &[("left", &left)]), text);
        }
        let texts = Texts::of(Language::Polish);
        for (left, text) in [
            (1_i64, "To nie ten kod. Została jeszcze jedna próba."),
            (2, "To nie ten kod. Zostały jeszcze 2 próby."),
            (4, "To nie ten kod. Zostały jeszcze 4 próby."),
            (5, "To nie ten kod. Zostało jeszcze 5 prób."),
            (12, "To nie ten kod. Zostało jeszcze 12 prób."),
            (22, "To nie ten kod. Zostały jeszcze 22 próby."),
        ] {
            assert_eq!(texts.with("verify-wrong", &[("left", &left)]), text);
        }
        let subject = Texts::of(Language::English).part("mail-code", "subject", &[("service", &"<b>")]);
        assert_eq!(subject, "Your code for <b>");
    }

    #[test]
    fn dates_are_written_as_people_of_the_language_do() {
        let at = Timestamp::from_seconds(1_795_529_100);
        for (language, date, date_time) in [
            (Language::English, "24 November 2026", "24 November 2026, 14:05 UTC"),
            (Language::Polish, "24 listopada 2026", "24 listopada 2026, 14:05 UTC"),
        ] {
            assert_eq!(Texts::of(language).date(at), date);
            assert_eq!(Texts::of(language).date_time(at), date_time);
        }
        let months: BTreeSet<String> = (0..12)
            .map(|month| Texts::of(Language::Polish).date(Timestamp::from_seconds(month * 2_635_200)))
            .collect();
        assert_eq!(months.len(), 12, "{months:?}");
    }
}
