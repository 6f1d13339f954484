//! Texts that people chose, made fit for one line of a terminal: whoever reads the record must neither have their
//! terminal driven by what is in it nor take a part of a text for something else.

use std::fmt::Write as _;

/// The text on one line, without anything that is obeyed instead of shown. Line ends become `⏎`, tabs become spaces,
/// and what controls, directs or cannot be seen becomes its number, e.g. `\u{1b}`. A backslash becomes two, so that
/// nobody can type such a number. What joins letters and emoji stays.
pub fn harmless(text: &str) -> String {
    // Most texts are plain, and very many are looked at.
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut harmless = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' => harmless.push('⏎'),
            '\t' => harmless.push(' '),
            '\\' => harmless.push_str("\\\\"),
            character if is_obeyed(character) || is_unseen(character) => {
                // Writing to a string does not fail.
                let _ = write!(harmless, "\\u{{{:x}}}", u32::from(character));
            }
            character => harmless.push(character),
        }
    }
    harmless
}

/// Controls, line ends, and what changes the direction of the letters that follow.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

/// What is drawn as nothing and joins nothing: it can only make texts look alike, or carry another text unseen.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{AD}'
            | '\u{34F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0D}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_nothing_is_hidden() {
        let table = [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\nb\r\nc", "a⏎b⏎c"),
            ("a\rb", "a\\u{d}b"),
            ("a\u{2028}b\u{85}", "a\\u{2028}b\\u{85}"),
            ("a\tb", "a b"),
            ("a\0b", "a\\u{0}b"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2067}a\u{2069}", "\\u{2067}a\\u{2069}"),
            ("an\u{200b}n", "an\\u{200b}n"),
            ("a\u{e0041}", "a\\u{e0041}"),
            ("typed \\u{1b}", "typed \\\\u{1b}"),
        ];
        for (text, wanted) in table {
            assert_eq!(harmless(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "it's \"fine\"",
            "é e\u{301}",
            "漢\u{3000}字",
            "ที่",
            "👩\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "❤\u{fe0f}",
            "שלום",
        ] {
            assert_eq!(harmless(text), text);
        }
    }
}
