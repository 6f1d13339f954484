//! What texts are searched by: words without letter case and accents, and their stems.
//!
//! Words are those of Unicode (UAX #29), cut where punctuation joins them, so that `example` finds `example.com`. Where
//! people write without spaces (Chinese, Japanese, Korean, Thai and their neighbours), every character is a word, and so are
//! every two that follow one another. Stems are those of several languages at a time: nobody says in which one a message
//! is written. Which they are depends on nothing but the text.

use std::collections::HashMap;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{PreTokenizedString, Token};
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// What is longer is searched by its beginning.
const LONGEST: usize = 64;

/// The languages of words in Latin letters.
const LATIN: [Algorithm; 4] = [
    Algorithm::English,
    Algorithm::German,
    Algorithm::French,
    Algorithm::Spanish,
];

/// Words whose stems are remembered.
const REMEMBERED: usize = 20_000;

/// A word as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Whether it may be several words, written without spaces.
    pub(super) is_run: bool,
}

/// The words of a text, in their order.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut parts = Vec::new();
    while let Some(first) = rest.chars().next() {
        let is_run = writes_without_spaces(first);
        let other = |c: char| writes_without_spaces(c) != is_run;
        let (part, after) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        parts.push((part, is_run));
        rest = after;
    }
    parts.into_iter().flat_map(|(text, is_run)| {
        let found: Vec<_> = if is_run {
            vec![Piece { text, is_run }]
        } else {
            let words = text.unicode_words().flat_map(|word| word.split(joins));
            let words = words.filter(|word| !word.is_empty());
            words.map(|text| Piece { text, is_run }).collect()
        };
        found
    })
}

/// Punctuation that Unicode counts to a word when it stands within one.
const fn joins(character: char) -> bool {
    matches!(
        character,
        '\'' | '’' | '.' | ':' | ',' | ';' | '_' | '·' | '․' | '＿' | '．' | '：' | '，'
    )
}

/// Letters of those who write without spaces, or whose words have endings that are not cut off: Thai, Lao, Burmese, Khmer,
/// Korean, Japanese, Chinese.
const fn writes_without_spaces(character: char) -> bool {
    matches!(
        character,
        '\u{E01}'..='\u{E3A}'
            | '\u{E40}'..='\u{E4E}'
            | '\u{E81}'..='\u{ECD}'
            | '\u{EDC}'..='\u{EDF}'
            | '\u{1000}'..='\u{103F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17D3}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{309F}'
            | '\u{30A1}'..='\u{30FA}'
            | '\u{30FC}'..='\u{30FF}'
            | '\u{3131}'..='\u{318E}'
            | '\u{31F0}'..='\u{31FF}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7FB}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}'
            | '\u{20000}'..='\u{3FFFD}'
    )
}

/// A word in lower case, with its accents.
fn lower(word: &str) -> String {
    let word = word
        .char_indices()
        .nth(LONGEST)
        .map_or(word, |(end, _)| &word[..end]);
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let lower = word.nfkc().flat_map(char::to_lowercase);
    // A sigma that ends a word has a form of its own.
    lower.map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// A word in lower case, without its accents.
fn folded(lower: &str) -> String {
    if lower.is_ascii() {
        return lower.to_owned();
    }
    let mut folded = String::with_capacity(lower.len());
    for character in lower.nfd() {
        match character {
            // й is a letter of its own, and not и with an accent.
            '\u{306}' if folded.ends_with('и') => {
                folded.pop();
                folded.push('й');
            }
            // What stands above and below letters: also vowels of Hebrew and Arabic.
            '\u{300}'..='\u{36F}'
            | '\u{591}'..='\u{5C7}'
            | '\u{640}'
            | '\u{64B}'..='\u{65F}'
            | '\u{670}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// The characters of what is written without spaces.
fn run(text: &str) -> Vec<char> {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// What words have in common with their other forms.
#[derive(Default)]
pub(super) struct Stems(HashMap<String, Box<[String]>>);

impl Stems {
    /// The stems of a word in lower case, each once. Numbers and what is short have none.
    pub(super) fn of(&mut self, lower: &str) -> &[String] {
        if !self.0.contains_key(lower) {
            if self.0.len() >= REMEMBERED {
                self.0.clear();
            }
            self.0.insert(lower.to_owned(), stems(lower));
        }
        self.0.get(lower).map_or(&[], |stems| stems)
    }
}

fn stems(lower: &str) -> Box<[String]> {
    let is_latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{DF}'..='\u{24F}');
    let is_cyrillic = |c: char| matches!(c, '\u{400}'..='\u{4FF}');
    let languages: &[Algorithm] = if lower.chars().all(is_latin) {
        &LATIN
    } else if lower.chars().all(is_cyrillic) {
        &[Algorithm::Russian]
    } else {
        &[]
    };
    if lower.chars().nth(2).is_none() {
        return Box::default();
    }
    let mut stems = Vec::new();
    for language in languages {
        let stem = folded(&Stemmer::new(*language).stem(lower));
        if !stem.is_empty() && !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems.into()
}

/// A text as the index has it: words with their places, and stems.
pub(super) fn of_message(
    text: &str,
    known: &mut Stems,
) -> (PreTokenizedString, PreTokenizedString) {
    let (mut words, mut stems) = (Vec::new(), Vec::new());
    let mut place = 0;
    for piece in pieces(text) {
        if piece.is_run {
            let run = run(piece.text);
            for (at, character) in run.iter().enumerate() {
                words.push(token(place, character.to_string()));
                if let Some(next) = run.get(at + 1) {
                    words.push(token(place, String::from_iter([character, next])));
                }
                place += 1;
            }
        } else {
            let lower = lower(piece.text);
            stems.extend(
                known
                    .of(&lower)
                    .iter()
                    .map(|stem| token(place, stem.clone())),
            );
            words.push(token(place, folded(&lower)));
            place += 1;
        }
    }
    let tokens = |tokens| PreTokenizedString {
        text: String::new(),
        tokens,
    };
    (tokens(words), tokens(stems))
}

fn token(position: usize, text: String) -> Token {
    Token {
        position,
        text,
        ..Token::default()
    }
}

/// What a text must have to be found by a word, or by a phrase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Words and how far they are from the first.
    pub(super) words: Vec<(usize, String)>,
    /// Instead of the word, if there is only one, one of these.
    pub(super) stems: Vec<String>,
}

/// What is looked for by something that was typed; `exact`: not by its stem.
pub(super) fn wanted(typed: &str, exact: bool) -> Wanted {
    let mut wanted = Wanted::default();
    let (mut place, mut lowers) = (0, Vec::new());
    for piece in pieces(typed) {
        if piece.is_run {
            let run = run(piece.text);
            if let [one] = &*run {
                wanted.words.push((place, one.to_string()));
            }
            for (at, two) in run.windows(2).enumerate() {
                wanted.words.push((place + at, two.iter().collect()));
            }
            place += run.len();
        } else {
            let lower = lower(piece.text);
            wanted.words.push((place, folded(&lower)));
            lowers.push(lower);
            place += 1;
        }
    }
    if let ([_], [lower], false) = (&*wanted.words, &*lowers, exact) {
        wanted.stems = stems(lower).into();
    }
    wanted
}

/// Shows where a text has what was looked for.
#[derive(Clone, Debug, Default)]
pub struct Highlighter {
    words: Vec<String>,
    stems: Vec<String>,
    runs: Vec<String>,
}

impl Highlighter {
    /// Of what was typed, word by word or phrase by phrase.
    pub fn of<'a>(typed: impl IntoIterator<Item = &'a domain::search::Word>) -> Self {
        let mut highlighter = Self::default();
        for word in typed.into_iter().filter(|word| !word.negated) {
            for piece in pieces(&word.text) {
                if piece.is_run {
                    highlighter.runs.push(run(piece.text).iter().collect());
                    continue;
                }
                let lower = lower(piece.text);
                if !word.exact {
                    highlighter.stems.extend(stems(&lower));
                }
                highlighter.words.push(folded(&lower));
            }
        }
        highlighter
    }

    /// The words of the text that were looked for, as they stand there, each once; `most` of them at most.
    pub fn found_in(&self, text: &str, most: usize) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for piece in pieces(text) {
            if found.len() >= most {
                break;
            }
            for word in self.hits(piece) {
                if !found.iter().any(|known| known == word) {
                    found.push(word.to_owned());
                }
            }
        }
        found.truncate(most);
        found
    }

    fn hits<'a>(&'a self, piece: Piece<'a>) -> Vec<&'a str> {
        if !piece.is_run {
            let lower = lower(piece.text);
            let is_hit = self.words.contains(&folded(&lower))
                || stems(&lower).iter().any(|stem| self.stems.contains(stem));
            return if is_hit { vec![piece.text] } else { Vec::new() };
        }
        let whole: String = run(piece.text).iter().collect();
        let runs = self.runs.iter().filter(|run| whole.contains(&***run));
        // Where it stands in another form, all of it is shown.
        let shown = |run: &'a String| match piece.text.find(&**run) {
            Some(start) => &piece.text[start..start + run.len()],
            None => piece.text,
        };
        runs.map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::search::Word;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let (words, _) = of_message(text, &mut Stems::default());
        words.tokens.into_iter().map(|token| token.text).collect()
    }

    /// Whether a text is found by something typed, by what the index does.
    fn finds(typed: &str, text: &str) -> bool {
        let (words, stems) = of_message(text, &mut Stems::default());
        let wanted = wanted(typed, false);
        let has = |place: usize, word: &str| {
            words
                .tokens
                .iter()
                .any(|token| token.position == place && token.text == *word)
        };
        let phrase = (0..words.tokens.len())
            .any(|start| wanted.words.iter().all(|(at, word)| has(start + at, word)));
        let stem = |token: &Token| wanted.stems.contains(&token.text);
        !wanted.words.is_empty() && (phrase || stems.tokens.iter().any(stem))
    }

    #[test]
    fn texts_are_cut_into_words() {
        for (text, wanted) in [
            ("Hello, World!", "hello world"),
            ("see example.com/a_b", "see example com a b"),
            ("don't l'eau", "don t l eau"),
            (
                "Fußball ŁÓDŹ smørrebrød Œuvre",
                "fussball lodz smorrebrod oeuvre",
            ),
            ("Ёлка Йод", "елка йод"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("ＡＢＣ １２", "abc 12"),
            ("3.14 v2", "3 14 v2"),
            ("🎉 :-) …", ""),
            ("東京都", "東 東京 京 京都 都"),
            ("カメラ", "カ カメ メ メラ ラ"),
            ("ｶﾒﾗ", "カ カメ メ メラ ラ"),
            ("水とtea", "水 水と と tea"),
            ("한국어", "한 한국 국 국어 어"),
            ("กิน", "ก กิ ิ ิน น"),
            ("ok好", "ok 好"),
        ] {
            assert_eq!(words(text).join(" "), wanted, "{text}");
        }
    }

    #[test]
    fn words_are_found_in_their_other_forms() {
        for (typed, text) in [
            // English, German, French, Spanish, Russian.
            ("deploy", "We are deploying it"),
            ("houses", "one house"),
            ("Haus", "viele Häuser"),
            ("Wohnungen", "eine Wohnung"),
            ("cafe", "un Café"),
            ("livres", "un livre"),
            ("élection", "les elections"),
            ("hablando", "quiero hablar"),
            ("книги", "эта книга"),
            ("елка", "Ёлка"),
            // Where there are no spaces, any part is found.
            ("京都", "東京都にいます"),
            ("水", "お水をください"),
            ("カメラ", "新しいｶﾒﾗです"),
            ("你好", "大家你好吗"),
            ("한국", "한국어를 배워요"),
            ("ภาษา", "ฉันเรียนภาษาไทย"),
            ("tea時間", "it is tea時間だ"),
            ("example.com", "at http://example.com/x"),
            ("STRASSE", "Hauptstraße, Straße"),
        ] {
            assert!(finds(typed, text), "{typed} in {text}");
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for (typed, text) in [
            ("tea", "teapot"),
            ("京都", "京の都"),
            ("example.com", "com example"),
            ("йод", "иод"),
            ("car", "cat"),
            ("한국", "한 국"),
            ("🎉", "🎉"),
            ("", "anything"),
        ] {
            assert!(!finds(typed, text), "{typed} in {text}");
        }
    }

    #[test]
    fn what_was_found_is_shown_as_it_stands_there() {
        let word = |text: &str, exact, negated| Word {
            text: text.to_owned(),
            exact,
            negated,
        };
        for (typed, text, wanted) in [
            (
                word("deploy", false, false),
                "Deployed, deploys; deployed",
                vec!["Deployed", "deploys", "deployed"],
            ),
            (
                word("deploy", true, false),
                "deploys DEPLOY",
                vec!["DEPLOY"],
            ),
            (word("deploy", false, true), "deploy", vec![]),
            (word("cafe", false, false), "un Café", vec!["Café"]),
            (word("京都", false, false), "東京都に", vec!["京都"]),
            (word("カメラ", false, false), "ｶﾒﾗ です", vec!["ｶﾒﾗ"]),
        ] {
            let found = Highlighter::of([&typed]).found_in(text, 10);
            assert_eq!(found, wanted, "{typed:?} in {text}");
        }
    }

    proptest! {
        #[test]
        fn a_message_is_found_by_what_it_says(text in "\\PC{0,40}") {
            let wanted = wanted(&text, false);
            prop_assert!(wanted.words.is_empty() || finds(&text, &text));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), typed in any::<String>()) {
            finds(&typed, &text);
            let word = Word { text: typed, exact: false, negated: false };
            Highlighter::of([&word]).found_in(&text, 3);
        }
    }
}
