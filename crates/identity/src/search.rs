//! By what a user is found: text in a folded form, so that neither case nor accents matter.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::user::Profile;

/// Characters of a term. What is longer is found by its beginning.
const TERM_CHARACTERS: usize = 64;

/// Text as it is searched: compatibility forms made one, accents dropped, in lower case, blanks made one.
pub fn fold(text: &str) -> String {
    let plain: String =
        text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).nfc().collect();
    let spaced = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    spaced.chars().take(TERM_CHARACTERS).collect()
}

/// What a profile's owner is found by: each name as a whole, and each further word of it.
pub fn terms_of(profile: &Profile) -> Vec<String> {
    let names = [
        &profile.name,
        &profile.given_name,
        &profile.family_name,
        &profile.nickname,
        &profile.preferred_username,
    ];
    let mut terms = Vec::new();
    for name in names.into_iter().flatten() {
        let folded = fold(name);
        let words: Vec<&str> = folded.split(' ').collect();
        terms.extend((0..words.len()).map(|first| words[first..].join(" ")));
    }
    terms.retain(|term| !term.is_empty());
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The least text that is greater than all that begin with `prefix`, in the order of their octets.
pub fn end_of_prefix(prefix: &str) -> String {
    // No text has a character above this one, and it is never assigned.
    format!("{prefix}\u{10ffff}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_blanks_do_not_matter() {
        for (written, folded) in [
            ("Zo\u{eb}  QUINN", "zoe quinn"),
            ("\u{17b}aneta", "zaneta"),
            ("\u{ff21}da", "ada"),
            (" ", ""),
            ("\u{391}\u{39d}\u{39d}\u{391}", "\u{3b1}\u{3bd}\u{3bd}\u{3b1}"),
        ] {
            assert_eq!(fold(written), folded);
            assert_eq!(fold(folded), folded, "folding again changes nothing");
        }
        assert_eq!(fold(&"x".repeat(500)).len(), TERM_CHARACTERS);
    }

    #[test]
    fn a_name_is_found_by_each_word_of_it() {
        let profile = Profile {
            name: Some("Ada King Lovelace".to_owned()),
            given_name: Some("Ada".to_owned()),
            ..Profile::default()
        };
        assert_eq!(terms_of(&profile), ["ada", "ada king lovelace", "king lovelace", "lovelace"]);
        assert!(terms_of(&Profile::default()).is_empty());
    }

    #[test]
    fn a_prefix_ends_after_all_that_begin_with_it() {
        for longer in ["ann", "anna", "ann\u{10fffe}", "ann\u{7f}"] {
            assert!(("ann"..end_of_prefix("ann").as_str()).contains(&longer), "{longer}");
        }
        assert!(end_of_prefix("ann").as_str() < "ano");
    }
}
