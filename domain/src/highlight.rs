//! Highlighted words: what somebody wants to be called by besides their name (preference `highlights`).
//!
//! A word hits where it stands as a whole, in any letter case. It may be a phrase or hold punctuation; it is compared
//! as it is, never as a pattern. What is a whole word is what Unicode says (UAX #29), with one difference: `anna's`
//! and `example.com` are several words.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::text;

/// The highlighted words of one user, prepared for searching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Highlights(Vec<Phrase>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Phrase {
    /// With letter case folded.
    text: String,
    /// Its first word: a text without that need not be searched. `None`: it has none, such as `:-)`.
    word: Option<String>,
}

impl Highlights {
    /// Prepares the words as they were chosen. Blank ones are left out.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let phrases = words.into_iter().filter_map(|word| {
            let text = folded(text::trim(word));
            let word = pieces(&text)
                .find(|piece| is_word(piece))
                .map(str::to_owned);
            (!text.is_empty()).then_some(Phrase { text, word })
        });
        Self(phrases.collect())
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Looks through one text for the words of many users.
#[derive(Debug)]
pub struct Search {
    text: String,
    words: HashSet<String>,
}

impl Search {
    /// Prepares a text to be searched.
    pub fn new(text: &str) -> Self {
        let text = folded(text);
        let words = pieces(&text)
            .filter(|piece| is_word(piece))
            .map(str::to_owned)
            .collect();
        Self { text, words }
    }

    /// Whether the text has any of the words.
    pub fn hits(&self, highlights: &Highlights) -> bool {
        highlights.0.iter().any(|phrase| {
            phrase
                .word
                .as_ref()
                .is_none_or(|word| self.words.contains(word))
                && self.has_whole(&phrase.text)
        })
    }

    fn has_whole(&self, phrase: &str) -> bool {
        self.text
            .match_indices(phrase)
            .any(|(start, found)| self.is_edge(start) && self.is_edge(start + found.len()))
    }

    /// Whether a word begins or ends at that byte. Looks only at what is near.
    fn is_edge(&self, at: usize) -> bool {
        let (before, after) = self.text.split_at(at);
        let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else {
            return true;
        };
        if joins(last) || joins(first) {
            return true;
        }
        let from = before
            .char_indices()
            .rev()
            .take(NEAR)
            .last()
            .map_or(at, |(start, _)| start);
        let until = after
            .char_indices()
            .nth(NEAR)
            .map_or(self.text.len(), |(end, _)| at + end);
        self.text[from..until]
            .split_word_bound_indices()
            .any(|(start, _)| from + start == at)
    }
}

/// How many characters on both sides tell whether a word ends between them. More than any sequence of marks that people
/// write.
const NEAR: usize = 16;

/// Punctuation that Unicode counts to a word when it stands within one.
const fn joins(character: char) -> bool {
    matches!(
        character,
        '\'' | '\u{2019}' | '.' | ':' | ',' | ';' | '\u{b7}'
    )
}

fn is_word(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

/// The words of a text, and what is between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_word_bounds()
        .flat_map(|piece| piece.split(joins))
}

/// The text with letter case folded.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        // A sigma that ends a word has a form of its own.
        .map(|character| if character == 'ς' { 'σ' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hits(word: &str, text: &str) -> bool {
        Search::new(text).hits(&Highlights::of([word]))
    }

    #[test]
    fn whole_words_hit_in_any_letter_case() {
        for (word, text) in [
            ("tea", "tea"),
            ("tea", "More TEA, please"),
            ("TEA", "a cup of tea."),
            ("tea", "(tea)"),
            ("tea", "teapot or tea"),
            ("anna", "anna's turn"),
            ("anna", "Anna\u{2019}s turn"),
            ("example", "see example.com"),
            ("käse", "KÄSE!"),
            ("ΟΔΟΣ", "η οδος"),
            ("東京", "東京都にいます"),
            ("green tea", "Some Green Tea here"),
            ("c++", "we use C++ here"),
            ("c++", "C++"),
            (":-)", "well :-) then"),
            ("a.b*", "is it a.b* now"),
            (" tea ", "tea"),
            ("#ops", "tell #OPS about it"),
        ] {
            assert!(hits(word, text), "{word:?} in {text:?}");
        }
    }

    #[test]
    fn parts_of_words_do_not_hit() {
        for (word, text) in [
            ("tea", "teapot"),
            ("tea", "instead"),
            ("tea", "steam"),
            ("tea", "tea_time"),
            ("tea", "tea2"),
            ("cafe", "cafe\u{301}"),
            ("green tea", "green teapot"),
            ("green tea", "green  tea"),
            (".", ""),
            ("", "anything"),
            (" ", "any thing"),
            ("a.b", "axb"),
            (".*", "anything"),
        ] {
            assert!(!hits(word, text), "{word:?} in {text:?}");
        }
    }

    #[test]
    fn looking_takes_time_in_proportion_to_the_text() {
        // A word that begins everywhere and is whole nowhere.
        let text = "ab".repeat(500_000);
        assert!(!hits("ab", &text));
        let text = "ab ".repeat(300_000);
        assert!(!hits("ab c", &text));
    }

    proptest! {
        #[test]
        fn a_word_between_spaces_hits(
            word in "[\\p{Lu}\\p{Ll}][\\p{Lu}\\p{Ll}\\p{Nd}+#. ]{0,8}[\\p{Ll}]",
            before in ".{0,20}",
            after in ".{0,20}",
        ) {
            let text = format!("{before} {} {after}", word.to_lowercase());
            prop_assert!(hits(&word.to_lowercase(), &text));
        }

        #[test]
        fn nothing_panics(word in any::<String>(), text in any::<String>()) {
            hits(&word, &text);
        }
    }
}
