//! Texts that people chose, as pages and mails show them: whole, and without anything that is obeyed instead of shown.

use std::fmt::Write as _;

use domain::Timestamp;
use domain::message::Remains;

use crate::dates::iso;
use crate::record::message::Fate;

/// The text with controls written as their numbers, e.g. `\u{1b}`. Line ends and tabs stay.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' | '\t' => visible.push(character),
            character if character.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(visible, "\\u{{{:x}}}", u32::from(character));
            }
            character => visible.push(character),
        }
    }
    visible
}

/// The same as HTML, in an element or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    html_escape::encode_quoted_attribute(&visible(text)).into_owned()
}

/// A time for people, to the second.
pub(super) fn seconds(at: Timestamp) -> String {
    let mut text = iso(at).replacen('T', " ", 1);
    text.truncate(19);
    text
}

/// What became of a message.
pub(super) const fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Deleted(Remains::Nothing) => "deleted it; nothing remains",
        Fate::Deleted(Remains::Placeholder) => "deleted it; a placeholder remains",
        Fate::WithRoom => "deleted the room, and this message with it",
        Fate::WithAccount => "deleted the account of its author, and this message with it",
        Fate::Unlinked => "deleted the account of its author; the message stays without their name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_no_letter_is_lost() {
        for (text, wanted) in [
            ("a\r\nb\tc", "a\nb\tc"),
            ("\u{1b}[2J\0", "\\u{1b}[2J\\u{0}"),
            (
                "<script>alert(\"1\")</script>",
                "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;",
            ),
            ("' onclick='x", "&#x27; onclick=&#x27;x"),
            ("漢字 👩\u{200d}👧", "漢字 👩\u{200d}👧"),
        ] {
            assert_eq!(escaped(text), wanted, "{text:?}");
        }
    }
}
