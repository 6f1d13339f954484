//! What is told of a conversation, in whatever form.

use domain::{MessageId, RoomId, Timestamp};
use eventstore::Position;
use sha2::{Digest as _, Sha256};

use super::order::{ConversationNote, FileNote, Reached};
use crate::dates::iso;
use crate::record::deed::{Person, Point};
use crate::record::message::History;

/// How long a stretch may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Day,
    Month,
}

impl Span {
    /// The day or month (UTC) that a time is in, e.g. `2026-11-27` or `2026-11`.
    pub(super) fn of(self, time: Timestamp) -> String {
        let mut text = iso(time);
        text.truncate(match self {
            Self::Day => 10,
            Self::Month => 7,
        });
        text
    }
}

/// A room, or the direct messages of some people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) id: RoomId,
    /// What it is called at the end of the export. Any text, e.g. `#general`.
    pub(super) name: String,
    /// Who takes part does not change.
    pub(super) direct: bool,
}

/// The most characters of a name of a folder that come from the name of a conversation.
const LONGEST_SLUG: usize = 40;

impl Conversation {
    /// The name of its folder, on every file system: what it is called, as far as possible, and what tells it from others.
    pub(super) fn folder(&self) -> String {
        let mut slug = String::new();
        for letter in self.name.chars().flat_map(char::to_lowercase) {
            if letter.is_ascii_alphanumeric() {
                slug.push(letter);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() == LONGEST_SLUG {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "room" } else { slug };
        let digest = hex::encode(Sha256::digest(self.id.as_str()));
        format!("{slug}-{}", &digest[..12])
    }
}

/// A message with all that happened to it up to the end of the export.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) history: History,
    /// More happened to it than is told.
    pub(super) cut: bool,
}

/// What else happens in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Joined(Person),
    Left(Person),
    Other,
}

/// What else happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) at: Point,
    pub(super) change: Change,
    pub(super) sentence: String,
}

/// What stands for itself in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// Where it was posted; or, if that was before the export begins, where the first thing happened to it.
    Message(Box<Message>),
    Happening(Happening),
}

impl Line {
    /// When it was: of a message, when it was posted.
    pub(super) fn at(&self) -> Option<Point> {
        match self {
            Self::Message(message) => message.history.versions.first().map(|first| first.deed.at),
            Self::Happening(happening) => Some(happening.at),
        }
    }

    /// Everybody who has something to do with it. May name somebody twice.
    pub(super) fn people(&self) -> Vec<&Person> {
        match self {
            Self::Message(message) => {
                let history = &message.history;
                let versions = history.versions.iter().map(|one| &one.deed.by);
                let reactions = history.reactions.iter().map(|one| &one.deed.by);
                let outcomes = history.outcomes.iter().map(|one| &one.deed.by);
                versions.chain(reactions).chain(outcomes).collect()
            }
            Self::Happening(happening) => match &happening.change {
                Change::Joined(person) | Change::Left(person) => vec![person],
                Change::Other => vec![],
            },
        }
    }
}

/// The members of a conversation at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// In the order of their ids.
    pub(super) named: Vec<Person>,
    /// How many there are besides.
    pub(super) more: usize,
}

/// Part of a conversation: a day or month of it, or part of one if there is much.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) conversation: Conversation,
    /// The day or month (UTC).
    pub(super) time: String,
    /// The first and the last position that it may tell of.
    pub(super) first: Position,
    pub(super) last: Position,
    /// Who were members when it began.
    pub(super) members: Members,
    pub(super) lines: Vec<Line>,
}

impl Stretch {
    /// The name of its file. It does not depend on what comes before it.
    pub(super) fn file(&self, ending: &str) -> String {
        let folder = self.conversation.folder();
        format!("{folder}/{}-{:012}.{ending}", self.time, self.first.get())
    }

    pub(super) fn note(&self) -> FileNote {
        FileNote {
            reached: Reached {
                room: Some(self.conversation.id.clone()),
                position: self.last,
            },
            results: self.lines.len() as u64,
            first: self.first,
            conversation: Some(ConversationNote {
                room: self.conversation.id.clone(),
                name: self.conversation.name.clone(),
                time: self.time.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_names_that_are_safe_on_every_file_system() {
        for (name, begins) in [
            ("#general", "general-"),
            ("../../etc/passwd", "etc-passwd-"),
            ("CON", "con-"),
            ("a\nb\0c", "a-b-c-"),
            ("漢字", "room-"),
            ("İstanbul", "i-stanbul-"),
            (&"x".repeat(500), &format!("{}-", "x".repeat(40))),
        ] {
            let conversation = Conversation {
                id: RoomId::new("r"),
                name: name.to_owned(),
                direct: false,
            };
            let folder = conversation.folder();
            let rest = folder.strip_prefix(begins);
            let rest = rest.unwrap_or_else(|| panic!("{folder} begins with {begins}"));
            assert_eq!(rest.len(), 12, "{folder} ends with digits of a digest");
        }
    }

    #[test]
    fn days_and_months_are_those_of_utc() {
        let time = Timestamp::from_millis(1_656_633_600_000);
        let before = Timestamp::from_millis(1_656_633_599_999);
        assert_eq!(Span::Day.of(time), "2022-07-01");
        assert_eq!(Span::Day.of(before), "2022-06-30");
        assert_eq!(Span::Month.of(time), "2022-07");
        assert_eq!(Span::Month.of(before), "2022-06");
    }
}
