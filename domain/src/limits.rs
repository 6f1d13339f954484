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

/// The name of a role, an emoji, a sound, a status, a token, an application: in characters.
pub const NAME: usize = 128;

/// A short text about somebody or something: status texts, nicknames, reasons; in characters.
pub const SHORT_TEXT: usize = 1_024;

/// What somebody tells about themselves, in characters.
pub const BIO: usize = 10_000;

/// What a program says it is.
pub const USER_AGENT: usize = 512;

/// The text of a message.
pub const MESSAGE_TEXT: usize = 256 * 1024;

/// A message with everything in it.
pub const MESSAGE: usize = 512 * 1024;

/// The last message of a room as it is shown with the room; a larger one is shown without what makes it large.
pub const LAST_MESSAGE: usize = 16 * 1024;

/// Attachments of a message.
pub const ATTACHMENTS: usize = 100;

/// How deep lists and objects may nest in what a client sends to be kept.
pub const DEPTH: usize = 32;

/// People, rooms and links found in one message: so many of each. What comes after them is text like any other.
pub const MENTIONS: usize = 200;

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
}
