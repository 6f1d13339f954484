//! How long a text may be that is a key, a name, or is copied into other documents, and how many of something there
//! may be in one command. Lengths are in bytes unless they say characters. `docs/limits.md` is the table for people.

/// An id that a client chooses, and any id at all: messages, rooms, roles, devices, registrations.
pub const ID: usize = 256;

/// The name of a stream: the ids in it, and what stands between them.
pub const STREAM: usize = 1_024;

/// A user name, in characters.
pub const USERNAME: usize = 100;

/// What somebody is called, in characters.
pub const PERSON_NAME: usize = 256;

/// An address for mail (RFC 5321: 64 before the `@`, 255 behind it).
pub const EMAIL: usize = 320;

/// The name of a room, in characters.
pub const ROOM_NAME: usize = 256;

/// What a room says of itself in topic, announcement and description, in characters.
pub const ROOM_TEXT: usize = 10_000;

/// The name of a custom status or of a token, in characters.
pub const NAME: usize = 128;

/// The name of a field in an object, in characters.
pub const FIELD_NAME: usize = 1_024;

/// The text of a message.
pub const MESSAGE_TEXT: usize = 256 * 1024;

/// A message with everything in it.
pub const MESSAGE: usize = 512 * 1024;

/// The last message of a room as it is shown with the room; a larger one is shown without what makes it large.
pub const LAST_MESSAGE: usize = 16 * 1024;

/// As much of a message as highlighted words are looked for in.
pub const HIGHLIGHTED: usize = 16 * 1024;

/// What a member has begun to write in a room.
pub const DRAFT: usize = 16 * 1024;

/// How many of those a member has in a room: one, and one for each thread.
pub const DRAFTS: usize = 50;

/// People whom a member does not want to see in a room.
pub const IGNORED: usize = 500;

/// Attachments of a message.
pub const ATTACHMENTS: usize = 100;

/// Blocks of a message.
pub const BLOCKS: usize = 100;

/// How many lists and objects may be within each other in a request. Readers of JSON give up at 128, and MongoDB at 100,
/// with what is around a value counted.
pub const DEPTH: usize = 50;

/// People, rooms and links found in one message: so many of each. What comes after them is text like any other.
pub const MENTIONS: usize = 200;

/// Members of a room whom one message calls by the names of teams and roles.
pub const CALLED: usize = 5_000;

/// Links of one message that lead to messages and are quoted.
pub const QUOTES: usize = 10;

/// What of the text of a message is quoted in another one, in bytes; and how large its attachments may be to be quoted
/// with it.
pub const QUOTE: usize = 64 * 1024;

/// Links of one message whose pages are previewed (contract, messages 4.4).
pub const PREVIEWS: usize = 5;

/// What is kept of a page that a message links to: so many fields.
pub const PREVIEW_FIELDS: usize = 32;

/// One of those.
pub const PREVIEW_VALUE: usize = 4 * 1024;

/// All of those of a page, with their names.
pub const PREVIEW: usize = 32 * 1024;

/// Rooms one call may post to.
pub const TARGETS: usize = 50;

/// Roles of one user.
pub const ROLES: usize = 100;

/// Items of a list in a request.
pub const ITEMS: usize = 1_000;

/// A text in a request, in characters, unless its place has a limit of its own.
pub const TEXT: usize = 65_536;

/// A text in a request that holds a document: a script, a picture as text, a call. What it holds has limits of its own.
pub const DOCUMENT: usize = 64 * 1024 * 1024;

/// The table for people: what is limited, to how much, of what.
pub const TABLE: &[(&str, usize, &str)] = &[
    ("id that a client chooses", ID, "bytes"),
    ("name of a stream in the log", STREAM, "bytes"),
    ("user name", USERNAME, "characters"),
    ("name of a person", PERSON_NAME, "characters"),
    ("mail address", EMAIL, "bytes"),
    ("name of a room", ROOM_NAME, "characters"),
    (
        "topic, announcement or description of a room",
        ROOM_TEXT,
        "characters",
    ),
    ("name of a status, a token", NAME, "characters"),
    ("name of a field in an object", FIELD_NAME, "characters"),
    ("text of a message", MESSAGE_TEXT, "bytes"),
    ("message with everything in it", MESSAGE, "bytes"),
    ("last message shown with its room", LAST_MESSAGE, "bytes"),
    (
        "beginning of a message that is searched for highlighted words",
        HIGHLIGHTED,
        "bytes",
    ),
    ("draft of a message", DRAFT, "bytes"),
    ("drafts of a member in a room", DRAFTS, "items"),
    ("people a member ignores in a room", IGNORED, "items"),
    ("attachments of a message", ATTACHMENTS, "items"),
    ("blocks of a message", BLOCKS, "items"),
    (
        "people, rooms or links found in a message",
        MENTIONS,
        "each",
    ),
    (
        "members called by teams and roles in a message",
        CALLED,
        "items",
    ),
    ("messages quoted in a message", QUOTES, "items"),
    ("quoted text of a message", QUOTE, "bytes"),
    ("links of a message that are previewed", PREVIEWS, "items"),
    ("fields of the preview of a link", PREVIEW_FIELDS, "items"),
    ("value in the preview of a link", PREVIEW_VALUE, "bytes"),
    ("preview of a link", PREVIEW, "bytes"),
    ("rooms one call posts to", TARGETS, "items"),
    ("roles of a user", ROLES, "items"),
    ("list or object in a request", ITEMS, "items"),
    ("nesting in a request", DEPTH, "levels"),
    ("text in a request", TEXT, "characters"),
    ("document as a text in a request", DOCUMENT, "characters"),
];

/// Whether a text has more than `most` characters. Nothing has more characters than bytes, so that counting is rarely
/// needed.
pub fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(!is_longer("äöü", 3));
        assert!(is_longer("äöü", 2));
        assert!(!is_longer("", 0));
    }

    #[test]
    fn people_find_the_limits_in_the_manual() {
        let manual = include_str!("../../docs/limits.md");
        for (what, most, unit) in TABLE {
            let line = format!("| {what} | {} {unit} |", grouped(*most));
            assert!(manual.contains(&line), "docs/limits.md lacks:\n{line}");
        }
    }

    /// `65536` as `65,536`.
    fn grouped(number: usize) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }
}
