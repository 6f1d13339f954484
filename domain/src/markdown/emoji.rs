//! Emoji: by name, as emoticons, as characters.

use winnow::Parser;
use winnow::combinator::delimited;
use winnow::error::EmptyError;
use winnow::token::take_while;

use super::node::{Inline, Plain};

/// The names of emoji, and the faces that stand for them.
const EMOTICONS: &[(&str, &[&str])] = &[
    ("angry", &[":@", ">:(", ">:-("]),
    ("broken_heart", &["</3"]),
    (
        "confused",
        &[":-.", ":-/", ":/", ":L", ":\\", "=/", "=L", "=\\", ">:\\"],
    ),
    ("cry", &[":'(", ";(", ";-("]),
    ("disappointed", &[":(", ":-(", ":-[", ":[", "=(", ">:["]),
    ("dizzy_face", &["#)", "%)", "%-)", "X)", "X-)"]),
    ("expressionless", &["-__-", "-___-"]),
    ("fearful", &["D:"]),
    ("flushed", &[":$", "=$"]),
    ("heart", &["<3"]),
    (
        "innocent",
        &[
            "0:)", "0:-)", "0:-3", "0:3", "0;-)", "0;^)", "O:)", "O:-)", "O:-3", "O:3", "O;-)",
            "O=)",
        ],
    ),
    ("joy", &[":')", ":'-)"]),
    ("kissing_heart", &[":*", ":-*", ":^*", "=*"]),
    ("laughing", &[">:)", ">:-)", ">;)", ">=)"]),
    ("no_mouth", &[":#", ":-#", ":-X", ":X", "=#", "=X"]),
    ("open_mouth", &[":-O", ":O", ">:O"]),
    ("persevere", &[">.<"]),
    ("slight_smile", &[":)", ":-)", ":]", "=)", "=]"]),
    ("smiley", &[":-D", ":D", "=D"]),
    (
        "stuck_out_tongue",
        &[":-P", ":-b", ":-Þ", ":P", ":b", ":Þ", "=P"],
    ),
    ("stuck_out_tongue_winking_eye", &[">:P", "X-P"]),
    ("sunglasses", &["8)", "8-)", "8-D", "B)", "B-)", "B-D"]),
    ("sweat", &["':(", "':-(", "'=("]),
    ("sweat_smile", &["':)", "':-)", "':-D", "':D", "'=)", "'=D"]),
    ("thumbsup", &["(y)"]),
    (
        "wink",
        &["*)", "*-)", ";)", ";-)", ";-]", ";D", ";]", ";^)"],
    ),
];

/// Those that are emoji only where the message has nothing but emoji: elsewhere they look like other things.
const ALONE: &[(&str, &[&str])] = &[
    ("dizzy_face", &["#-)"]),
    ("expressionless", &["-_-"]),
    ("open_mouth", &["O_O"]),
    ("person_gesturing_ok", &["*\\0/*", "*\\O/*"]),
];

/// Characters that are emoji by themselves.
const EMOJI: &[(char, char)] = &[
    ('\u{2194}', '\u{2195}'),
    ('\u{2300}', '\u{23ff}'),
    ('\u{2600}', '\u{27bf}'),
    ('\u{2b1b}', '\u{2b1c}'),
    ('\u{1f0cf}', '\u{1f0cf}'),
    ('\u{1f18e}', '\u{1f18e}'),
    ('\u{1f191}', '\u{1f19a}'),
    ('\u{1f201}', '\u{1f201}'),
    ('\u{1f232}', '\u{1f23a}'),
    ('\u{1f250}', '\u{1f251}'),
    ('\u{1f300}', '\u{1f64f}'),
    ('\u{1f680}', '\u{1f6ff}'),
    ('\u{1f7e0}', '\u{1f7eb}'),
    ('\u{1f7f0}', '\u{1f7f0}'),
    ('\u{1f900}', '\u{1fbff}'),
];

/// Characters that are emoji when a variation selector says so.
const TEXT: &[(char, char)] = &[
    ('\u{a9}', '\u{a9}'),
    ('\u{ae}', '\u{ae}'),
    ('\u{203c}', '\u{203c}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2139}', '\u{2139}'),
    ('\u{2196}', '\u{2199}'),
    ('\u{21a9}', '\u{21aa}'),
    ('\u{24c2}', '\u{24c2}'),
    ('\u{25aa}', '\u{25ab}'),
    ('\u{25b6}', '\u{25b6}'),
    ('\u{25c0}', '\u{25c0}'),
    ('\u{25fb}', '\u{25fe}'),
    ('\u{2934}', '\u{2935}'),
    ('\u{2b05}', '\u{2b07}'),
    ('\u{2b50}', '\u{2b50}'),
    ('\u{2b55}', '\u{2b55}'),
    ('\u{3030}', '\u{3030}'),
    ('\u{303d}', '\u{303d}'),
    ('\u{3297}', '\u{3297}'),
    ('\u{3299}', '\u{3299}'),
    ('\u{1f004}', '\u{1f004}'),
    ('\u{1f170}', '\u{1f171}'),
    ('\u{1f17e}', '\u{1f17f}'),
    ('\u{1f202}', '\u{1f202}'),
    ('\u{1f21a}', '\u{1f21a}'),
    ('\u{1f22f}', '\u{1f22f}'),
];

const SELECTOR: char = '\u{fe0f}';
const TEXT_SELECTOR: char = '\u{fe0e}';
const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';
const BLACK_FLAG: char = '\u{1f3f4}';

fn among(ranges: &[(char, char)], character: char) -> bool {
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&character))
}

/// An emoji by its name, `:smile:`. Whether there is one of that name, clients know.
pub(super) fn named(text: &str) -> Option<(usize, Inline<'_>)> {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '-');
    let mut rest = text;
    let mut shape = delimited(':', take_while(1.., name), ':');
    let name: Result<&str, EmptyError> = shape.parse_next(&mut rest);
    let name = name.ok()?;
    Some((name.len() + 2, emoji(name, name)))
}

fn emoji<'a>(text: &'a str, name: &'a str) -> Inline<'a> {
    Inline::Emoji {
        value: Plain::from(text),
        short_code: name,
    }
}

/// The longest emoticon that the text begins with.
pub(super) fn face(text: &str) -> Option<(usize, Inline<'_>)> {
    longest(EMOTICONS, text)
}

fn longest<'a>(table: &[(&'static str, &[&str])], text: &'a str) -> Option<(usize, Inline<'a>)> {
    let second = *text.as_bytes().get(1)?;
    match text.as_bytes()[0] {
        b'#' | b'%' | b'\'' | b'(' | b'*' | b'-' | b':' | b';' | b'<' | b'=' | b'>' => {}
        b'0' | b'8' | b'B' | b'D' | b'O' | b'X' if !second.is_ascii_alphanumeric() => {}
        _ => return None,
    }
    let faces = table
        .iter()
        .flat_map(|(name, faces)| faces.iter().map(move |face| (*name, *face)));
    let fitting = faces.filter(|(_, face)| text.starts_with(face));
    let (name, face) = fitting.max_by_key(|(_, face)| face.len())?;
    Some((face.len(), emoji(&text[..face.len()], name)))
}

/// How many bytes of the text are an emoji as a character, with all that belongs to it.
pub(super) fn character(text: &str) -> Option<usize> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let next = characters.next();
    if matches!(first, '#' | '*' | '0'..='9') {
        return keycap(text);
    }
    if matches!(first, '\u{1f1e6}'..='\u{1f1ff}') {
        let flag = next.is_some_and(|next| matches!(next, '\u{1f1e6}'..='\u{1f1ff}'));
        return flag.then_some(8);
    }
    let mut length = part(text)?;
    if first == BLACK_FLAG {
        let tags = |c: &char| matches!(c, '\u{e0020}'..='\u{e007f}');
        length += text[length..].chars().take_while(tags).count() * 4;
    }
    while let Some(rest) = text[length..].strip_prefix(JOINER) {
        let Some(more) = part(rest) else { break };
        length += JOINER.len_utf8() + more;
    }
    Some(length)
}

fn keycap(text: &str) -> Option<usize> {
    let rest = &text[1..];
    let bare = rest.strip_prefix(SELECTOR).unwrap_or(rest);
    bare.starts_with(KEYCAP)
        .then(|| text.len() - bare.len() + KEYCAP.len_utf8())
}

/// A character with what says how to show it.
fn part(text: &str) -> Option<usize> {
    let mut characters = text.chars();
    let first = characters.next()?;
    let next = characters.next();
    let length = first.len_utf8();
    let shown = next.filter(|c| matches!(*c, SELECTOR | TEXT_SELECTOR | '\u{1f3fb}'..='\u{1f3ff}'));
    if among(EMOJI, first) {
        return Some(length + shown.map_or(0, char::len_utf8));
    }
    (next == Some(SELECTOR) && among(TEXT, first)).then(|| length + SELECTOR.len_utf8())
}

/// The emoji of a message that has nothing but one to three of them.
pub(super) fn alone(text: &str, emoticons: bool) -> Option<Vec<Inline<'_>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        if found.len() == 3 {
            return None;
        }
        let (length, emoji) = one(rest, emoticons)?;
        found.push(emoji);
        rest = rest[length..].trim_ascii_start();
    }
    (!found.is_empty()).then_some(found)
}

fn one(text: &str, emoticons: bool) -> Option<(usize, Inline<'_>)> {
    let character = || {
        let length = character(text)?;
        let unicode = &text[..length];
        Some((length, Inline::EmojiCharacter { unicode }))
    };
    let faces = || {
        let tables = emoticons.then_some([EMOTICONS, ALONE]).into_iter();
        let faces = tables.flatten().filter_map(|table| longest(table, text));
        faces.max_by_key(|(length, _)| *length)
    };
    named(text).or_else(character).or_else(faces)
}
