//! In which language a request is answered: the person's own choice, else what the relying party asks for in
//! `ui_locales`, else the browser's wish, else English.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use identity::User;
use terms::Language;
use unic_langid::LanguageIdentifier;

use crate::locale::{Texts, identifier};

/// Octets of a list of wishes. Browsers send some dozens; a longer list is no wish.
const WISHES_BYTES: usize = 1024;

/// A language that the texts exist in, with its identifier.
#[derive(PartialEq)]
struct Available(Language, LanguageIdentifier);

impl AsRef<LanguageIdentifier> for Available {
    fn as_ref(&self) -> &LanguageIdentifier {
        &self.1
    }
}

/// The first wish that one of our languages fulfils: `pl-PL` is fulfilled by `pl` (RFC 4647 section 3.4).
fn fulfilled(wishes: &[LanguageIdentifier]) -> Option<Language> {
    let available = Language::ALL.map(|language| Available(language, identifier(language)));
    let found = negotiate_languages(wishes, &available, None, NegotiationStrategy::Filtering);
    found.first().map(|found| found.0)
}

/// The language of `ui_locales`: tags in order of preference, with blanks between. Nothing when none of them is ours;
/// that is no error (OpenID Connect Core section 3.1.2.1).
pub fn of_ui_locales(text: &str) -> Option<Language> {
    if text.len() > WISHES_BYTES {
        return None;
    }
    let wishes: Vec<_> = text.split(' ').filter_map(|tag| tag.parse().ok()).collect();
    fulfilled(&wishes)
}

/// The language of `Accept-Language` (RFC 9110 section 12.5.4). What can't be read in it is passed over.
pub fn of_browser(headers: &HeaderMap) -> Option<Language> {
    let lines: Vec<&str> =
        headers.get_all(ACCEPT_LANGUAGE).iter().map(|line| line.to_str().ok()).collect::<Option<_>>()?;
    let length: usize = lines.iter().map(|line| line.len()).sum();
    if length > WISHES_BYTES {
        return None;
    }
    let mut ranges: Vec<(&str, u16)> =
        lines.iter().flat_map(|line| line.split(',')).filter_map(range).collect();
    // A stable sort: of two with one weight, the earlier one is meant more.
    ranges.sort_by_key(|(_, weight)| Reverse(*weight));
    let refused: Vec<Language> =
        ranges.iter().filter(|it| it.1 == 0).filter_map(|it| language_of(it.0)).collect();
    ranges.into_iter().filter(|(_, weight)| *weight > 0).find_map(|(tag, _)| match tag {
        "*" => Language::ALL.into_iter().find(|language| !refused.contains(language)),
        tag => language_of(tag),
    })
}

fn language_of(tag: &str) -> Option<Language> {
    fulfilled(&[tag.parse().ok()?])
}

/// One range of `Accept-Language`, or one coding of `Accept-Encoding`, with its weight in thousandths.
pub fn range(item: &str) -> Option<(&str, u16)> {
    let Some((tag, parameter)) = item.split_once(';') else { return Some((item.trim(), 1000)) };
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    Some((tag.trim(), weight(value.trim())?))
}

/// `0.85` is 850 (RFC 9110 section 12.4.2).
fn weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The texts in which a person is written to: in the language that they chose, else in the one that their `locale` claim
/// tells, else in the one of the request that it is about.
pub fn texts_for(user: &User, otherwise: &'static Texts) -> &'static Texts {
    let told = || user.profile.locale.as_deref().and_then(language_of);
    user.language.or_else(told).map_or(otherwise, Texts::of)
}

/// The language that one request is answered in, as far as it is known. The frame begins with the browser's wish; whoever
/// learns more says so, and the last of them counts, also for an answer that only the frame gives.
#[derive(Clone, Debug, Default)]
pub struct Spoken(Arc<AtomicUsize>);

impl Spoken {
    pub fn new(language: Language) -> Self {
        let spoken = Self::default();
        spoken.set(language);
        spoken
    }

    pub fn set(&self, language: Language) {
        let place = Language::ALL.iter().position(|it| *it == language).unwrap_or_default();
        self.0.store(place, Ordering::Relaxed);
    }

    pub fn get(&self) -> Language {
        Language::ALL.get(self.0.load(Ordering::Relaxed)).copied().unwrap_or(Language::English)
    }
}

/// Says in which language a page is, and by which headers that was decided (RFC 9110 sections 8.5 and 12.5.5).
pub fn label(headers: &mut HeaderMap, language: Language) {
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers.entry(CONTENT_LANGUAGE).or_insert(HeaderValue::from_static(language.as_str()));
        headers.append(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{English, Polish};

    fn wish(lines: &[&str]) -> Option<Language> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_LANGUAGE, line.parse().unwrap());
        }
        of_browser(&headers)
    }

    #[test]
    fn the_browsers_wish_is_the_heaviest_one_that_is_ours() {
        for (line, expected) in [
            ("pl", Some(Polish)),
            ("PL", Some(Polish)),
            ("pl-PL", Some(Polish)),
            ("pl-Latn-PL", Some(Polish)),
            ("en-GB,en;q=0.9", Some(English)),
            ("de", None),
            ("de,pl;q=0.1", Some(Polish)),
            ("de-DE, pl-PL;q=0.8, en;q=0.9", Some(English)),
            ("en;q=0.5,pl;q=0.51", Some(Polish)),
            ("en;q=0.5,pl;q=0.5", Some(English)),
            ("pl;q=0.5,en;q=0.5", Some(Polish)),
            ("pl;Q=1.000", Some(Polish)),
            ("pl ; q=0.7 , en ; q=0.3", Some(Polish)),
            ("*", Some(English)),
            ("*;q=0.5,pl;q=0.4", Some(English)),
            ("pl,*;q=0.5", Some(Polish)),
            ("en;q=0,*;q=0.5", Some(Polish)),
            ("*,en-US;q=0", Some(Polish)),
            ("pl;q=0", None),
            ("pl;q=0,en;q=0,*", None),
            ("", None),
            (",,;,", None),
            ("pl;q=2", None),
            ("pl;q=1.001", None),
            ("pl;q=0.1234", None),
            ("pl;q=-1", None),
            ("pl;q=", None),
            ("pl;level=1", None),
            ("pl;q=nan,en;q=0.1", Some(English)),
            ("p\"l,../../pl,<script>,en", Some(English)),
            ("plx", None),
            ("zh-Hant-TW,zh", None),
        ] {
            assert_eq!(wish(&[line]), expected, "{line}");
        }
        assert_eq!(wish(&["de", "pl;q=0.2"]), Some(Polish), "one list in two lines");
        assert_eq!(wish(&[]), None);
        assert_eq!(wish(&[&"de,".repeat(400), "pl"]), None, "a list without end is no wish");
    }

    #[test]
    fn octets_that_are_no_text_are_no_wish() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_bytes(b"pl\xff,pl").unwrap());
        assert_eq!(of_browser(&headers), None);
    }

    #[test]
    fn ui_locales_are_taken_in_their_order() {
        for (text, expected) in [
            ("pl", Some(Polish)),
            ("de-DE pl-PL en", Some(Polish)),
            ("en-GB pl", Some(English)),
            ("de fr", None),
            ("*", None),
            ("", None),
            ("  pl", Some(Polish)),
            ("pl,en", None),
            ("x en", Some(English)),
            ("pl\u{0}", None),
        ] {
            assert_eq!(of_ui_locales(text), expected, "{text:?}");
        }
        assert_eq!(of_ui_locales(&format!("{}pl", "de ".repeat(400))), None);
    }

    #[test]
    fn what_is_spoken_is_what_was_said_last() {
        let spoken = Spoken::default();
        assert_eq!(spoken.get(), English);
        let elsewhere = spoken.clone();
        for language in Language::ALL {
            elsewhere.set(language);
            assert_eq!(spoken.get(), language);
        }
    }

    #[test]
    fn only_pages_are_labelled() {
        for (kind, expected) in [("text/html; charset=utf-8", Some("pl")), ("application/json", None)] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            label(&mut headers, Polish);
            assert_eq!(headers.get(CONTENT_LANGUAGE).map(HeaderValue::as_bytes), expected.map(str::as_bytes));
            assert_eq!(headers.contains_key(VARY), expected.is_some());
        }
    }
}
