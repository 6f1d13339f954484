//! What sentences are made of. Whatever comes from outside gets into a sentence by one of these functions only.

use std::fmt::Display;

use domain::{RoleId, RoomId, StoredFile, Timestamp, UserId, text};
use serde_json::Value;

use crate::dates;
use crate::record::harmless::harmless;

/// What the sentences call people and rooms. The answers may be any text.
pub trait Names {
    /// E.g. `ann`; the id where no name is known.
    fn user(&self, user: &UserId) -> String;

    /// E.g. `#general` or `a direct message of ann and bob`; the id where no name is known.
    fn room(&self, room: &RoomId) -> String;

    /// What a user was called before the request that is told of, which may have renamed them.
    fn former_user(&self, user: &UserId) -> String {
        self.user(user)
    }

    /// What a room was called before the request that is told of.
    fn former_room(&self, room: &RoomId) -> String {
        self.room(room)
    }
}

/// The most characters that are told of a text.
const LONGEST_QUOTE: usize = 80;

/// The most characters that are told of a name or an id. Rooms without a name are called by those who are in them.
const LONGEST_NAME: usize = 160;

/// The most things that are told of a list.
const LONGEST_LIST: usize = 10;

/// Who did it, and what everybody is called.
pub(super) struct Teller<'a> {
    actor: &'a UserId,
    names: &'a dyn Names,
}

impl<'a> Teller<'a> {
    pub(super) fn new(actor: &'a UserId, names: &'a dyn Names) -> Self {
        Self { actor, names }
    }

    pub(super) fn actor(&self) -> String {
        self.user(self.actor)
    }

    pub(super) fn is_actor(&self, user: &UserId) -> bool {
        user == self.actor
    }

    pub(super) fn user(&self, user: &UserId) -> String {
        if *user == UserId::system() {
            return "the server".to_owned();
        }
        name(&self.names.user(user))
    }

    /// A user to whom the actor did something, by the name that they had before.
    pub(super) fn whom_formerly(&self, user: &UserId) -> String {
        if self.is_actor(user) || *user == UserId::system() {
            return self.whom_actor(user);
        }
        name(&self.names.former_user(user))
    }

    /// A room, by the name that it had before.
    pub(super) fn former_room(&self, room: &RoomId) -> String {
        name(&self.names.former_room(room))
    }

    pub(super) fn users(&self, users: &[UserId]) -> String {
        list(users.iter().map(|user| self.user(user)))
    }

    pub(super) fn room(&self, room: &RoomId) -> String {
        name(&self.names.room(room))
    }

    /// A deed of the actor.
    pub(super) fn did(&self, deed: impl Display) -> String {
        format!("{} {deed}", self.actor())
    }

    /// A deed that the event ascribes to somebody. If the actor is somebody else, both are named.
    pub(super) fn deed(&self, doer: &UserId, deed: impl Display) -> String {
        let told = format!("{} {deed}", self.user(doer));
        if self.is_actor(doer) {
            return told;
        }
        format!("{told} (done by {})", self.actor())
    }

    /// Something of a user's, as the actor would say it.
    pub(super) fn of(&self, user: &UserId, thing: impl Display) -> String {
        if self.is_actor(user) {
            return format!("their {thing}");
        }
        format!("the {thing} of {}", self.user(user))
    }

    /// A user to whom `doer` did something.
    pub(super) fn whom(&self, user: &UserId, doer: &UserId) -> String {
        if user == doer {
            return "themselves".to_owned();
        }
        self.user(user)
    }

    /// A user to whom the actor did something.
    pub(super) fn whom_actor(&self, user: &UserId) -> String {
        self.whom(user, self.actor)
    }
}

fn cut(text: &str, most: usize) -> String {
    let kept = text::cut(text, most);
    let mut told = harmless(kept);
    if kept.len() < text.len() {
        told.push('…');
    }
    told
}

/// A name or an id, without quotation marks.
pub(super) fn name(text: &str) -> String {
    cut(text, LONGEST_NAME)
}

/// A text in quotation marks. Those within have a backslash in front.
pub(super) fn quoted(text: &str) -> String {
    let text = cut(text, LONGEST_QUOTE);
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            quoted.push_str("\\\"");
        }
        quoted.push_str(part);
    }
    quoted.push('"');
    quoted
}

/// A value of any type: a text in quotation marks, anything else as JSON.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => cut(&other.to_string(), LONGEST_QUOTE),
    }
}

/// What is in a list, separated by commas; `nothing` if nothing is.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let mut items = items.into_iter();
    let mut told: Vec<String> = items.by_ref().take(LONGEST_LIST).collect();
    let more = items.count();
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    if told.is_empty() {
        return "nothing".to_owned();
    }
    told.join(", ")
}

/// Texts in quotation marks.
pub(super) fn quotes(texts: &[String]) -> String {
    list(texts.iter().map(|text| quoted(text)))
}

/// Roles by their ids.
pub(super) fn roles(roles: &[RoleId]) -> String {
    list(roles.iter().map(|role| name(role.as_str())))
}

/// E.g. `the role owner`; `None`: there are no roles.
pub(super) fn the_roles(held: &[RoleId]) -> Option<String> {
    match held {
        [] => None,
        [role] => Some(format!("the role {}", name(role.as_str()))),
        held => Some(format!("the roles {}", roles(held))),
    }
}

/// E.g. `1 attachment`.
pub(super) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// What is told of a file.
pub(super) fn file(file: &StoredFile) -> String {
    format!("{}, {} bytes", name(&file.content_type), file.size)
}

/// A point in time that is not the one of the event.
pub(super) fn time(at: Timestamp) -> String {
    dates::iso(at)
}

/// The sentence with further facts, separated by commas.
pub(super) fn with(told: impl Into<String>, facts: impl IntoIterator<Item = String>) -> String {
    facts
        .into_iter()
        .fold(told.into(), |told, fact| format!("{told}, {fact}"))
}
