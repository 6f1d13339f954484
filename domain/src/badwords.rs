//! Words that are not to be read in messages (contract, messages 3 step 9): a list of our own in English, and what
//! administrators add to it and take off it.
//!
//! A word is found where it stands as a whole, in any letter case; it may be a phrase. Its letters and digits become
//! stars, so that what stands around it stays where it is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::{Captures, Regex, RegexBuilder};

use crate::settings::{Settings, keys};
use crate::text;

/// One a line, in lower case.
const LIST: &str = include_str!("badwords.txt");

/// Finds the words of a workspace. Made once per value of its settings, because that takes a moment.
#[derive(Clone, Debug)]
pub struct BadWords {
    added: String,
    allowed: String,
    /// `None`: no word is left.
    words: Option<Regex>,
}

impl BadWords {
    /// The words of this workspace.
    pub fn new(settings: &Settings) -> Self {
        let added = settings.text(keys::MESSAGE_BAD_WORDS_FILTER_LIST);
        let allowed = settings.text(keys::MESSAGE_BAD_WORDS_WHITELIST);
        let taken_off: BTreeSet<String> = listed(allowed).collect();
        let kept =
            |words: BTreeSet<String>| words.into_iter().filter(|word| !taken_off.contains(word));
        let own = || LIST.lines().map(str::to_owned);
        // What administrators add may be too much for an expression.
        let words = expression(kept(own().chain(listed(added)).collect()))
            .or_else(|_| expression(kept(own().collect())));
        Self {
            words: words.ok().flatten(),
            added: added.to_owned(),
            allowed: allowed.to_owned(),
        }
    }

    /// Whether bad words are looked for in this workspace at all.
    pub fn are_masked(settings: &Settings) -> bool {
        settings.bool(keys::MESSAGE_ALLOW_BAD_WORDS_FILTER)
    }

    /// Whether it was made for these settings.
    pub fn fits(&self, settings: &Settings) -> bool {
        self.added == settings.text(keys::MESSAGE_BAD_WORDS_FILTER_LIST)
            && self.allowed == settings.text(keys::MESSAGE_BAD_WORDS_WHITELIST)
    }

    /// The text with stars for the letters of bad words.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(words) = &self.words else {
            return text.into();
        };
        words.replace_all(text, |found: &Captures<'_>| {
            let star = |letter: char| {
                if letter.is_alphanumeric() {
                    '*'
                } else {
                    letter
                }
            };
            found[0].chars().map(star).collect::<String>()
        })
    }
}

/// The words of a list that an administrator wrote, in lower case.
fn listed(list: &str) -> impl Iterator<Item = String> {
    list.split(',')
        .filter_map(text::filled)
        .map(str::to_lowercase)
}

/// Finds any of the words as a whole; `None`: there are none.
fn expression(words: impl Iterator<Item = String>) -> Result<Option<Regex>, regex::Error> {
    /// What an expression may take, in bytes.
    const SIZE: usize = 32 * 1024 * 1024;
    let mut words: Vec<String> = words.map(|word| regex::escape(&word)).collect();
    if words.is_empty() {
        return Ok(None);
    }
    // Of words that begin alike, the longest that is there.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    RegexBuilder::new(&format!(
        r"\b{{start-half}}(?:{})\b{{end-half}}",
        words.join("|")
    ))
    .case_insensitive(true)
    .size_limit(SIZE)
    .build()
    .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(added: &str, allowed: &str) -> BadWords {
        let mut settings = Settings::default();
        settings.set(keys::MESSAGE_BAD_WORDS_FILTER_LIST.id(), added.into());
        settings.set(keys::MESSAGE_BAD_WORDS_WHITELIST.id(), allowed.into());
        BadWords::new(&settings)
    }

    #[test]
    fn whole_words_are_masked_in_any_letter_case() {
        let words = with("Tofu, green tea,c++, käse ,,", "Damn");
        for (text, masked) in [
            ("no tofu today", "no **** today"),
            ("TOFU! (Tofu) tofu.", "****! (****) ****."),
            ("tofus tofu_ 1tofu", "tofus tofu_ 1tofu"),
            ("Green Tea, greens", "***** ***, greens"),
            ("c++ and c", "*++ and c"),
            ("KÄSE", "****"),
            ("shit happens", "**** happens"),
            ("well, damn", "well, damn"),
            ("", ""),
        ] {
            assert_eq!(words.mask(text), masked, "{text}");
        }
    }

    #[test]
    fn the_list_is_of_words_in_lower_case_each_once() {
        let words: Vec<&str> = LIST.lines().collect();
        assert!(words.iter().all(|word| text::filled(word) == Some(*word)));
        assert!(words.iter().all(|word| word.to_lowercase() == *word));
        assert!(words.is_sorted_by(|one, next| one < next), "in order");
    }

    #[test]
    fn clean_texts_are_not_copied() {
        assert!(matches!(with("", "").mask("hello"), Cow::Borrowed(_)));
        let none = with("", &LIST.replace('\n', ","));
        assert_eq!(none.mask("shit"), "shit");
    }

    #[test]
    fn they_are_made_anew_when_the_lists_change() {
        let words = with("tofu", "");
        let mut settings = Settings::default();
        assert!(!words.fits(&settings) && !BadWords::are_masked(&settings));
        settings.set(keys::MESSAGE_BAD_WORDS_FILTER_LIST.id(), "tofu".into());
        assert!(words.fits(&settings));
    }

    proptest! {
        #[test]
        fn masking_changes_no_length(text in "\\PC{0,40}|(shit|fuck|[ .,_a]){0,12}") {
            let words = with("", "");
            let masked = words.mask(&text);
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            prop_assert_eq!(&*words.mask(&masked), &*masked);
        }
    }
}
