//! Texts that people typed: what is around them, whether there is anything to see in them, and where they may be cut.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation as _;

/// Something to see: neither white space nor control, and no character that is drawn as nothing or only on top of
/// another one.
#[expect(clippy::expect_used, reason = "a constant pattern, run by every test")]
static VISIBLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        // White space, controls, what directs or joins others, what is to be ignored (fillers, variation selectors,
        // tags), marks without a letter, no characters at all, and three blank symbols.
        r"[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Mn}\p{Me}\p{Noncharacter_Code_Point}",
        r"\u{2800}\u{FFFC}\u{1D159}]",
        // They direct what follows, and are drawn all the same.
        r"|\p{Prepended_Concatenation_Mark}",
    ))
    .expect("a pattern")
});

/// White space and line ends as ECMAScript has them, which `String.prototype.trim` removes: U+FEFF is, U+0085 is not.
pub const fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{B}' | '\u{C}' | '\r' | ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200A}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202F}'
                | '\u{205F}'
                | '\u{3000}'
                | '\u{FEFF}'
    )
}

/// The text without the white space around it, as clients trim.
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The words of a text, separated by white space.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Whether there is nothing to see in it.
pub fn is_blank(text: &str) -> bool {
    // Most texts have a letter that is seen at once.
    !text.bytes().any(|byte| byte.is_ascii_graphic()) && !VISIBLE.is_match(text)
}

/// The trimmed text; `None` when there is nothing to see in it.
pub fn filled(text: &str) -> Option<&str> {
    Some(trim(text)).filter(|text| !is_blank(text))
}

/// The most characters of what somebody typed that an error tells them back.
const TOLD_BACK: usize = 100;

/// What somebody typed, as an error tells it back: only its beginning, if it is long.
pub fn told_back(text: &str) -> Cow<'_, str> {
    let kept = cut(text, TOLD_BACK);
    if kept.len() == text.len() {
        return text.into();
    }
    format!("{kept}…").into()
}

/// The same in quotation marks, and nothing in it does anything to a terminal.
pub fn quoted(text: &str) -> String {
    format!("{:?}", told_back(text))
}

/// The longest beginning of at most `most` characters (code points) that does not split a grapheme cluster.
pub fn cut(text: &str, most: usize) -> &str {
    // There are no more characters than bytes.
    if text.len() <= most {
        return text;
    }
    let Some((too_far, _)) = text.char_indices().nth(most) else {
        return text;
    };
    cut_bytes(text, too_far)
}

/// The longest beginning of at most `most` bytes that does not split a grapheme cluster.
pub fn cut_bytes(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    // Of letters of ASCII each stands for itself, but for the two that end a line. Clusters are slow to find.
    let head = text.as_bytes().get(..=most);
    if head.is_some_and(|head| head.is_ascii() && !head.ends_with(b"\r\n")) {
        return &text[..most];
    }
    let ends = text.grapheme_indices(true).map(|(start, _)| start);
    let end = ends.take_while(|start| *start <= most).last();
    &text[..end.unwrap_or(0)]
}

/// The first grapheme cluster.
pub fn first(text: &str) -> Option<&str> {
    text.graphemes(true).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_beginning_of_a_long_text_is_told_back() {
        for length in [0, 1, 100] {
            let text = "é".repeat(length);
            assert_eq!(told_back(&text), text, "{length} characters");
        }
        let told = told_back(&"é".repeat(101)).into_owned();
        assert_eq!(told, format!("{}…", "é".repeat(100)));
        assert_eq!(quoted("a\u{1b}b"), r#""a\u{1b}b""#, "no terminal obeys it");
    }

    #[test]
    fn texts_are_trimmed_as_clients_do() {
        for space in [
            "\t", "\n", "\u{B}", "\u{C}", "\r", " ", "\u{A0}", "\u{1680}", "\u{2003}", "\u{2028}",
            "\u{2029}", "\u{202F}", "\u{205F}", "\u{3000}", "\u{FEFF}",
        ] {
            assert_eq!(trim(&format!("{space}a b{space}")), "a b", "{space:?}");
        }
        for kept in ["\u{85}", "\u{200B}", "\u{180E}", "\u{2060}"] {
            let text = format!("{kept}a{kept}");
            assert_eq!(trim(&text), text, "{kept:?}");
        }
    }

    #[test]
    fn a_text_is_cut_between_what_is_seen_as_one() {
        for (text, most, kept) in [
            ("plain letters", 5, "plain"),
            ("short", 5, "short"),
            ("line\r\nend", 5, "line"),
            ("line\r\nend", 6, "line\r\n"),
            ("ae\u{301}b", 2, "a"),
            ("abe\u{301}", 2, "ab"),
            ("e\u{301}", 1, ""),
        ] {
            assert_eq!(cut_bytes(text, most), kept, "{text:?} at {most}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for text in [
            "",
            " ",
            "\u{85}",
            "\0",
            "\u{1}",
            "\u{7F}",
            "\u{AD}",
            "\u{34F}",
            "\u{61C}",
            "\u{115F}",
            "\u{1160}",
            "\u{17B4}",
            "\u{180B}",
            "\u{180E}",
            "\u{200B}\u{200C}\u{200D}",
            "\u{200E}\u{200F}",
            "\u{202A}\u{202E}",
            "\u{2060}\u{2064}",
            "\u{2066}\u{2069}",
            "\u{2800}",
            "\u{3000}",
            "\u{3164}",
            "\u{FE0F}",
            "\u{FEFF}",
            "\u{FFA0}",
            "\u{FFF9}",
            "\u{FFFC}",
            "\u{1D159}",
            "\u{1D173}",
            "\u{E0001}",
            "\u{E0041}\u{E007F}",
            "\u{E0100}",
            "\u{301}",
            "\u{20DD}",
            "\u{2800}\u{3164} \u{200B}\u{FE0F}",
        ] {
            assert!(is_blank(text), "{text:?}");
            assert_eq!(filled(text), None, "{text:?}");
        }
        for text in [
            "a",
            ".",
            "é",
            "e\u{301}",
            "ا",
            "漢",
            "👩‍👩‍👧",
            "❤\u{FE0F}",
            "\u{600}",
            "\u{E000}",
            "ที่",
            "\u{200B}x",
        ] {
            assert!(!is_blank(text), "{text:?}");
        }
        assert_eq!(filled("\u{FEFF} ada "), Some("ada"));
    }

    #[test]
    fn what_is_seen_as_one_is_not_torn_apart() {
        let family = "👩‍👩‍👧";
        let table = [
            ("abc", 2, "ab"),
            ("abc", 3, "abc"),
            ("abc", 0, ""),
            ("ae\u{301}", 2, "a"),
            ("ae\u{301}", 3, "ae\u{301}"),
            (family, 4, ""),
            ("🇩🇪🇫🇷", 3, "🇩🇪"),
            ("a\r\nb", 2, "a"),
        ];
        for (text, most, wanted) in table {
            assert_eq!(cut(text, most), wanted, "{text} to {most}");
        }
        assert_eq!(cut_bytes("aé", 2), "a");
        assert_eq!(cut_bytes("aé", 3), "aé");
        assert_eq!(first("e\u{301}a"), Some("e\u{301}"));
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning_of_whole_clusters(text in "\\PC{0,40}", most in 0_usize..50) {
            let kept = cut(&text, most);
            prop_assert!(text.starts_with(kept) && kept.chars().count() <= most);
            let whole: Vec<&str> = text.graphemes(true).collect();
            let clusters: Vec<&str> = kept.graphemes(true).collect();
            prop_assert_eq!(&whole[..clusters.len()], &clusters[..]);
            prop_assert_eq!(cut(kept, most), kept);
        }
    }
}
