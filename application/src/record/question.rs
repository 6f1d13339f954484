//! What somebody asks of the record, as they typed it, and why it is not understood.

use std::collections::BTreeMap;

use domain::audit;
use domain::text::{quoted, told_back};
use eventstore::Position;
use serde::{Deserialize, Serialize};

/// The most names or ids of one kind in a question.
pub const MOST_NAMED: usize = 100;

/// What somebody asks, in their words. Of each list any one is enough; an empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Names or ids of rooms, with or without `#`.
    pub rooms: Vec<String>,
    /// Names or ids of users, with or without `@`: what they did, and what concerns them.
    pub users: Vec<String>,
    /// The same: what they did.
    pub actors: Vec<String>,
    /// Names of events, e.g. `MessageEdited`.
    pub types: Vec<String>,
    /// Kinds of stream, e.g. `message`.
    pub categories: Vec<String>,
    /// One stream, e.g. `message-<id>`.
    pub stream: Option<String>,
    /// One request.
    pub correlation: Option<String>,
    /// Messages that contain this, without regard to case.
    pub text: Option<String>,
    /// The first moment: a position, or a time.
    pub from: Option<String>,
    /// The last position, or the time before which events were recorded.
    pub to: Option<String>,
    /// The newest first.
    pub newest_first: bool,
    /// Only what gives or takes roles, rights and memberships. `users` are then those who were given something or lost it,
    /// and `types` mean nothing.
    pub grants: Option<AskedGrants>,
}

/// What of roles and permissions somebody asks for, in their words. Of each list any one is enough; an empty list asks for
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AskedGrants {
    /// Ids or names of roles that somebody was given or lost, or that were given or lost a permission.
    pub roles: Vec<String>,
    /// Names of permissions.
    pub permissions: Vec<String>,
}

/// Why a question is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum NotUnderstood {
    #[error("there is and was no {what} called {}{}", quoted(.named), suggested(.suggestions))]
    Unknown {
        what: &'static str,
        named: String,
        suggestions: Vec<String>,
    },
    #[error("at position {position}, {time}, there was no {what} {}{}", quoted(.named), suggested(.suggestions))]
    NotThen {
        what: &'static str,
        named: String,
        position: Position,
        time: String,
        suggestions: Vec<String>,
    },
    #[error(
        "{} is no correlation id: that looks like 0192d3a4-5b6c-7d8e-9f00-112233445566, and is what an answer that recorded \
         something had as X-Correlation-Id",
        quoted(.0)
    )]
    NotACorrelation(String),
    #[error(
        "nothing that may be shown here was recorded for the request {}; answers that recorded something have its id, such as \
         0192d3a4-5b6c-7d8e-9f00-112233445566, as X-Correlation-Id",
        told_back(.0)
    )]
    NoSuchRequest(String),
    #[error(
        "{} is neither a position, which is a whole number, nor a time, such as 2026-11-27 or 2026-11-27T10:42:00Z",
        quoted(.0)
    )]
    NotAMoment(String),
    #[error(
        "{} is before the record begins: its first event, position 1, was recorded at {begins}",
        told_back(.asked)
    )]
    BeforeTheRecord { asked: String, begins: String },
    #[error(
        "{} is after the record ends: its last event, position {head}, was recorded at {ends}",
        told_back(.asked)
    )]
    AfterTheRecord {
        asked: String,
        head: Position,
        ends: String,
    },
    #[error("the range is empty: {} does not come before {}", told_back(.from), told_back(.to))]
    Reversed { from: String, to: String },
    #[error("what is followed has no end: leave `to` out")]
    FollowedToAnEnd,
    #[error("the text to look for is empty")]
    EmptyText,
    #[error(
        "{} is a line that the server made of an event: nobody wrote it, and it has no versions; `hansard log --room` shows \
         the event",
        quoted(.0)
    )]
    NotWritten(String),
    #[error(
        "the message {} was not there yet: it was posted at position {posted}, {time}",
        quoted(.message)
    )]
    NotYetPosted {
        message: String,
        posted: Position,
        time: String,
    },
    #[error(
        "a subscription is not shown what the reading of subscriptions leaves in the record: leave the type {0} out"
    )]
    NotToSubscribeTo(String),
    #[error("the name of an export has 1 to {0} bytes")]
    NotAName(usize),
    #[error(
        "an export that goes on behind the last one of its name begins there: leave `from` out, or the name"
    )]
    TwoBeginnings,
    #[error(
        "the last finished export of that name goes up to position {last}, which is behind {upto}, where this one would end: \
         leave `to` out, or choose another name"
    )]
    EndsBeforeTheLast { last: Position, upto: Position },
    #[error("more than {MOST_NAMED} {0} are named")]
    TooMany(&'static str),
    #[error("the cursor {} is none: it is what an answer had as `cursor`, or a position", quoted(.0))]
    NotACursor(String),
    #[error("the cursor {} is of another record than this", told_back(.0))]
    ForeignCursor(String),
    #[error("the export is of another record than this: begin one anew")]
    OtherRecord,
    #[error(
        "the export was begun by version {0} of this program, and another would not go on in the same way: begin one anew"
    )]
    OtherProgram(String),
    #[error(
        "the last finished export called {} was asked for in another way ({what}: {}; now: {}), and what follows it would have \
         a gap, or be a mixture; ask the same, or choose another name",
        quoted(.name),
        told_back(.was),
        told_back(.wished)
    )]
    OtherQuestion {
        name: String,
        what: &'static str,
        was: String,
        wished: String,
    },
}

impl NotUnderstood {
    /// Whether that may be because what was named is in a private room, and whoever asked is not shown these.
    pub fn may_be_hidden(&self) -> bool {
        match self {
            Self::Unknown { what, .. } | Self::NotThen { what, .. } => {
                ["room", "message", "stream"].contains(what)
            }
            Self::NoSuchRequest(_) => true,
            _ => false,
        }
    }
}

fn suggested(suggestions: &[String]) -> String {
    let quoted: Vec<_> = suggestions.iter().map(|name| format!("{name:?}")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => format!("; did you mean {last}?"),
        Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

impl Asked {
    /// The question as the event of its reading has it.
    pub fn narrowed(&self) -> BTreeMap<String, String> {
        let lists = [
            (audit::ROOM, &self.rooms),
            ("user", &self.users),
            ("actor", &self.actors),
            ("type", &self.types),
            ("category", &self.categories),
        ];
        let single = [
            ("stream", &self.stream),
            ("correlation", &self.correlation),
            ("text", &self.text),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let grants = self.grants.iter();
        let grants = grants
            .flat_map(|grants| [("role", &grants.roles), ("permission", &grants.permissions)]);
        let lists = lists.into_iter().chain(grants);
        let lists = lists.filter(|(_, list)| !list.is_empty());
        let lists = lists.map(|(name, list)| (name.to_owned(), list.join(", ")));
        let single = single.into_iter();
        let single = single.filter_map(|(name, one)| Some((name.to_owned(), one.clone()?)));
        let order = self
            .newest_first
            .then(|| ("order".to_owned(), "newest first".to_owned()));
        lists.chain(single).chain(order).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_told_back_only_so_long() {
        let long = "x".repeat(5_000);
        let time = "2026-11-27T00:00:00.000Z".to_owned();
        let position = Position::new(7);
        let all = [
            NotUnderstood::Unknown {
                what: "room",
                named: long.clone(),
                suggestions: Vec::new(),
            },
            NotUnderstood::NotThen {
                what: "room",
                named: long.clone(),
                position,
                time: time.clone(),
                suggestions: Vec::new(),
            },
            NotUnderstood::NotACorrelation(long.clone()),
            NotUnderstood::NoSuchRequest(long.clone()),
            NotUnderstood::NotAMoment(long.clone()),
            NotUnderstood::BeforeTheRecord {
                asked: long.clone(),
                begins: time.clone(),
            },
            NotUnderstood::AfterTheRecord {
                asked: long.clone(),
                head: position,
                ends: time.clone(),
            },
            NotUnderstood::Reversed {
                from: long.clone(),
                to: long.clone(),
            },
            NotUnderstood::NotWritten(long.clone()),
            NotUnderstood::NotYetPosted {
                message: long.clone(),
                posted: position,
                time,
            },
            NotUnderstood::NotACursor(long.clone()),
            NotUnderstood::ForeignCursor(long.clone()),
            NotUnderstood::OtherQuestion {
                name: long.clone(),
                what: "room",
                was: long.clone(),
                wished: long,
            },
        ];
        for error in all {
            let told = error.to_string();
            assert!(told.chars().count() < 600 && told.contains('…'), "{told}");
        }
        let short = NotUnderstood::NotAMoment("x".repeat(100)).to_string();
        assert!(!short.contains('…'), "{short}");
    }

    #[test]
    fn suggestions_are_a_sentence() {
        assert_eq!(suggested(&["a".to_owned()]), "; did you mean \"a\"?");
        assert_eq!(
            suggested(&["a".to_owned(), "b".to_owned(), "c".to_owned()]),
            "; did you mean \"a\", \"b\" or \"c\"?"
        );
    }

    #[test]
    fn a_question_is_told_as_it_was_asked() {
        let asked = Asked {
            rooms: vec!["#general".to_owned(), "b".to_owned()],
            from: Some("1".to_owned()),
            newest_first: true,
            ..Asked::default()
        };
        let told: Vec<_> = asked.narrowed().into_iter().collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            told,
            [
                pair("from", "1"),
                pair("order", "newest first"),
                pair("room", "#general, b")
            ]
        );
    }
}
