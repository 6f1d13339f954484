//! Events as readers of the record get them: with names, and one sentence each.

use std::cell::RefCell;

use domain::message::MessageEvent;
use domain::{Event, RoomId, UserId};
use eventstore::{CorrelationId, Position, RecordedEvent};
use projections::{NamedThing, RecordNames};

use crate::record::filter::Filter;
use crate::record::grants::{Before, Change};
use crate::record::privacy::{is_private, room_of};
use crate::record::sentence::{self, Names};

/// An event of the record.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Entry {
    pub event: RecordedEvent,
    /// What the actor was called then.
    pub actor: String,
    /// The room it happened in or is about, and what that was called then.
    pub room: Option<(RoomId, String)>,
    /// What happened, on one line.
    pub sentence: String,
    /// What it gave and took, if that was asked for.
    pub changes: Option<Vec<Change>>,
}

/// What keeps events from somebody who reads the record.
#[derive(Clone)]
pub(crate) struct Sieve {
    pub(crate) filter: Filter,
    /// Events of private rooms and direct messages pass.
    pub(crate) private_rooms: bool,
}

/// The names of one moment.
pub(crate) struct Then<'a, 'conn> {
    names: RefCell<&'a mut RecordNames<'conn>>,
    at: Position,
    /// The request that what is told came of.
    request: Option<CorrelationId>,
}

impl<'a, 'conn> Then<'a, 'conn> {
    pub(crate) fn new(names: &'a mut RecordNames<'conn>, at: Position) -> Self {
        Self {
            names: RefCell::new(names),
            at,
            request: None,
        }
    }

    /// The names that an event is told by. What a new name replaces is told by the old one.
    fn of(names: &'a mut RecordNames<'conn>, event: &RecordedEvent) -> Self {
        let before = Position::new(event.position.get().saturating_sub(1));
        Self {
            request: Some(event.correlation_id),
            ..Self::new(names, before)
        }
    }

    /// What something was called before the request; `None`: it has no name.
    fn before(&self, thing: NamedThing, id: &str) -> Option<String> {
        let mut names = self.names.borrow_mut();
        let name = names.before(thing, id, self.at, self.request?);
        name.map(str::to_owned)
    }
}

impl Names for Then<'_, '_> {
    fn user(&self, user: &UserId) -> String {
        let mut names = self.names.borrow_mut();
        names
            .user(user, self.at)
            .unwrap_or(user.as_str())
            .to_owned()
    }

    fn room(&self, room: &RoomId) -> String {
        let mut names = self.names.borrow_mut();
        if let Some(name) = names.room(room, self.at) {
            return format!("#{name}");
        }
        let participants = match names.identity(room) {
            None => return room.to_string(),
            Some(identity) => identity.participants.clone(),
        };
        let called = participants.iter().map(|user| {
            names
                .user(user, self.at)
                .unwrap_or(user.as_str())
                .to_owned()
        });
        let called: Vec<_> = called.collect();
        match called.split_last() {
            None => room.to_string(),
            Some((one, [])) => format!("the direct messages of {one} alone"),
            Some((last, others)) => {
                format!("the direct messages of {} and {last}", others.join(", "))
            }
        }
    }

    fn former_user(&self, user: &UserId) -> String {
        let former = self.before(NamedThing::User, user.as_str());
        former.unwrap_or_else(|| self.user(user))
    }

    fn former_room(&self, room: &RoomId) -> String {
        let former = self.before(NamedThing::Room, room.as_str());
        former.map_or_else(|| self.room(room), |name| format!("#{name}"))
    }
}

impl Sieve {
    /// The event with its names, if it passes. `None` too for what this program does not understand, which the views
    /// would not have got past.
    ///
    /// `before`: what there was before events that give or take, if those are asked for.
    pub(crate) fn pass(
        &self,
        names: &mut RecordNames<'_>,
        before: &Before,
        event: RecordedEvent,
    ) -> Option<Entry> {
        if self
            .filter
            .correlation
            .is_some_and(|wanted| wanted != event.correlation_id)
        {
            return None;
        }
        if self.filter.left_out.contains(&event.event_type.as_str()) {
            return None;
        }
        let decoded: Event = event.decode().ok()?;
        let room = room_of(&decoded, names);
        if !self.private_rooms && is_private(&decoded, room.as_ref(), names) {
            return None;
        }
        if self
            .filter
            .text
            .as_deref()
            .is_some_and(|text| !says(&decoded, text))
        {
            return None;
        }
        let changes = match &self.filter.grants {
            None => None,
            Some(filter) => {
                let changes = before.changes(event.position, &decoded);
                let passes = changes.iter().any(|change| filter.passes(change));
                Some(passes.then_some(changes)?)
            }
        };
        let then = Then::of(names, &event);
        Some(Entry {
            sentence: match &changes {
                None => sentence::sentence(&decoded, &event.actor, &then),
                Some(changes) => sentence::of_grants(&decoded, &event.actor, &then, changes),
            },
            changes,
            actor: then.user(&event.actor),
            room: room.map(|room| {
                let called = then.room(&room);
                (room, called)
            }),
            event,
        })
    }
}

/// Whether it is a message whose text contains `wanted`, which is in lower case.
fn says(event: &Event, wanted: &str) -> bool {
    let content = match event {
        Event::Message(MessageEvent::MessagePosted(posted)) => &posted.content,
        Event::Message(MessageEvent::MessageEdited(edited)) => &edited.content,
        _ => return false,
    };
    content.text.to_lowercase().contains(wanted)
}
