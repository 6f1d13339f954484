//! What a stretch of a conversation is made of, told with the names of its time.

use std::collections::BTreeSet;

use domain::membership::MembershipEvent;
use domain::message::MessageEvent;
use domain::{Event, MessageId, UserId};
use eventstore::Position;
use projections::RecordNames;

use super::conversation::{Change, Conversation, Happening, Line, Members, Message, Stretch};
use super::endings::Endings;
use crate::record::deed::{Called as _, Envelope};
use crate::record::entries::Then;
use crate::record::message::History;
use crate::record::sentence;

/// A stretch ends with the line that brings it to so many, or its data to this size, in bytes.
const MOST_LINES: usize = 2_000;
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The most members that are named.
const MOST_MEMBERS: usize = 200;

/// What a line is made of.
pub(super) enum Raw {
    Message {
        id: MessageId,
        events: Vec<(Envelope, Event)>,
        cut: bool,
    },
    Other(Envelope, Box<Event>),
}

/// A stretch that is being gathered.
pub(super) struct Draft {
    conversation: Conversation,
    /// The day or month (UTC) that everything in it is of.
    pub(super) time: String,
    first: Position,
    /// The last position that was looked at.
    pub(super) last: Position,
    members: BTreeSet<UserId>,
    raw: Vec<Raw>,
    bytes: usize,
}

impl Draft {
    /// `members`: when it begins.
    pub(super) fn new(
        conversation: Conversation,
        time: String,
        first: Position,
        members: BTreeSet<UserId>,
    ) -> Self {
        Self {
            conversation,
            time,
            first,
            last: first,
            members,
            raw: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a line that is made of so many bytes.
    pub(super) fn add(&mut self, raw: Raw, bytes: usize) {
        self.raw.push(raw);
        self.bytes += bytes;
    }

    pub(super) fn is_full(&self) -> bool {
        self.raw.len() >= MOST_LINES || self.bytes >= MOST_BYTES
    }

    pub(super) fn told(self, names: &mut RecordNames<'_>, endings: &Endings) -> Stretch {
        let Self {
            conversation,
            time,
            first,
            last,
            members,
            raw,
            ..
        } = self;
        let more = members.len().saturating_sub(MOST_MEMBERS);
        let named = members.iter().take(MOST_MEMBERS);
        let members = Members {
            named: named.map(|user| names.person(user, first)).collect(),
            more,
        };
        let lines = raw.into_iter();
        let lines = lines.filter_map(|raw| line(raw, &conversation, names, endings));
        Stretch {
            lines: lines.collect(),
            conversation,
            time,
            first,
            last,
            members,
        }
    }
}

fn line(
    raw: Raw,
    conversation: &Conversation,
    names: &mut RecordNames<'_>,
    endings: &Endings,
) -> Option<Line> {
    match raw {
        Raw::Message {
            id,
            mut events,
            cut,
        } => {
            if let Some((envelope, Event::Message(MessageEvent::MessagePosted(posted)))) =
                events.first()
            {
                let (author, at) = (posted.author.clone(), envelope.at.position);
                events.extend(endings.of(&conversation.id, &author, at));
            }
            events.sort_by_key(|(envelope, _)| envelope.at);
            let history = History::fold(events, names)?;
            Some(Line::Message(Box::new(Message { id, history, cut })))
        }
        Raw::Other(envelope, event) => Some(Line::Happening(happening(&envelope, &event, names))),
    }
}

fn happening(envelope: &Envelope, event: &Event, names: &mut RecordNames<'_>) -> Happening {
    let position = envelope.at.position;
    let change = match event {
        Event::Membership(MembershipEvent::MemberJoined(joined)) => {
            Change::Joined(names.person(&joined.user, position))
        }
        Event::Membership(MembershipEvent::MemberLeft(left)) => {
            Change::Left(names.person(&left.user, position))
        }
        Event::Membership(MembershipEvent::MemberRemoved(removed)) => {
            Change::Left(names.person(&removed.user, position))
        }
        _ => Change::Other,
    };
    // What a new name replaces is told by the old one.
    let before = Position::new(position.get().saturating_sub(1));
    Happening {
        at: envelope.at,
        change,
        sentence: sentence::sentence(event, &envelope.actor, &Then::new(names, before)),
    }
}
