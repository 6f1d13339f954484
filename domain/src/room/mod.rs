//! One room: a place with members and messages. Public channel, private group and direct message are kinds.

mod decide;
mod events;
pub mod name;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, RoomId, StreamId, Timestamp, UserId};

/// The stream of a room.
pub fn stream(room: &RoomId) -> StreamId {
    StreamId::new(Category::Room, room.as_str())
}

/// What other rules need to know of a room, kept by the views. Changes rarely, so it can be cached.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomFacts {
    pub id: RoomId,
    pub kind: RoomKind,
    /// `None` for direct messages.
    pub name: Option<String>,
    pub archived: bool,
    /// Only holders of `post-readonly` and those in `unmuted` may post.
    pub read_only: bool,
    /// Reacting is allowed although read-only.
    pub react_when_read_only: bool,
    pub broadcast: bool,
    /// User names that may not post.
    pub muted: Vec<String>,
    /// User names that may post although read-only.
    pub unmuted: Vec<String>,
    /// Who a direct message is between; empty otherwise.
    pub participants: Vec<UserId>,
    /// How many members hold the role `owner`.
    pub owners: u32,
    /// How many of its members may log in.
    pub members: u32,
}

/// What decisions about a room need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Room {
    #[default]
    Absent,
    Open(OpenRoom),
    Deleted,
}

/// A room that is there.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OpenRoom {
    pub kind: RoomKind,
    pub name: Option<String>,
    /// As typed.
    pub display_name: Option<String>,
    pub topic: Option<String>,
    pub description: Option<String>,
    pub announcement: Option<String>,
    pub read_only: bool,
    pub broadcast: bool,
    pub archived: bool,
    pub key_id: Option<String>,
}

/// What can be asked of a room.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomCommand {
    /// Carries the whole wish. For a user, its creator and the texts that follow from a rule are corrected. Its `name`
    /// is the one claimed ([`name::resolve`]), its `display_name` the one as typed.
    Create(Box<RoomCreated>),
    Rename {
        room: RoomId,
        /// As typed.
        name: String,
        at: Timestamp,
    },
    SetTopic {
        room: RoomId,
        text: String,
        at: Timestamp,
    },
    SetDescription {
        room: RoomId,
        text: String,
        at: Timestamp,
    },
    SetAnnouncement {
        room: RoomId,
        text: String,
        at: Timestamp,
    },
    SetReadOnly {
        room: RoomId,
        read_only: bool,
        at: Timestamp,
    },
    Archive {
        room: RoomId,
        at: Timestamp,
    },
    Unarchive {
        room: RoomId,
        at: Timestamp,
    },
    Delete {
        room: RoomId,
        at: Timestamp,
    },
    /// Set what clients know the key of its encrypted messages by. Members may; the door checks that.
    SetKey {
        room: RoomId,
        key_id: String,
        /// In place of one that got lost.
        reset: bool,
        at: Timestamp,
    },
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomContext<'a> {
    /// The server itself: first start, or a direct message made by rule.
    System,
    /// A user, with their roles in the room.
    User {
        authority: crate::permission::Authority<'a>,
        settings: &'a crate::settings::Settings,
    },
}

/// Why a wish about a room is refused. A wish for what is so already is not refused: it gives no events, and doors
/// whose contract calls that an error ("is the same as what it would be changed to", contract, rooms 11) report it
/// themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomRefusal {
    /// There is no such room (any more) (rooms 6 and 7: `error-invalid-room`).
    #[error("no such room")]
    NotFound,
    /// There is, or was, a room of this id.
    #[error("there is a room of this id already")]
    AlreadyExists,
    /// `create-c`, `create-p` or `create-d` is missing (rooms 11 `create`: 403; direct messages, rooms 5 step 3).
    #[error("not allowed to make such a room")]
    CreateNotAllowed(RoomKind),
    /// Empty, blank or missing (rooms 4).
    #[error("the name is blank")]
    EmptyName,
    /// Characters that are not allowed, or a name that the system reserves (rooms 4).
    #[error("{name} is no name for a room")]
    InvalidName {
        /// The unique name it would have had.
        name: String,
    },
    /// A name that rooms may be made with, but not renamed to (rooms 4).
    #[error("{name} is blocked")]
    BlockedName {
        /// The unique name it would have had.
        name: String,
    },
    #[error("longer than {limit} characters")]
    TextTooLong { limit: usize },
    /// Direct messages have no name (rooms 4).
    #[error("a direct message has no name")]
    DirectHasNoName,
    /// A direct message with oneself, which `Message_AllowDirectMessagesToYourself` forbids, or with nobody (rooms 5
    /// steps 1 and 2).
    #[error("not between these")]
    InvalidParticipants,
    /// More than `DirectMesssage_maxUsers` (rooms 5 step 4).
    #[error("more than {limit} participants")]
    TooManyParticipants { limit: i64 },
    /// `edit-room` is missing (rooms 7, details.action `Editing_room`).
    #[error("not allowed to change the room")]
    EditNotAllowed,
    /// A broadcast room is read-only in its own way (rooms 7).
    #[error("a broadcast room cannot be made read-only")]
    BroadcastIsReadOnly,
    /// `archive-room` or `unarchive-room` is missing (rooms 6).
    #[error("not allowed to put the room away or take it out")]
    ArchiveNotAllowed,
    /// Direct messages cannot be archived (rooms 6).
    #[error("a direct message cannot be put away")]
    DirectNotArchivable,
    /// `delete-c`, `delete-p` or `delete-d` is missing (rooms 6, erase).
    #[error("not allowed to delete the room")]
    DeleteNotAllowed,
    /// There is a key already, and nobody said that it got lost.
    #[error("the room has a key already")]
    HasKey,
    /// Free-form fields give an address that must not be followed.
    #[error("not a link")]
    InvalidLink,
}

impl Decider for Room {
    type State = Self;
    type Command = RoomCommand;
    type Context<'a> = RoomContext<'a>;
    type Event = RoomEvent;
    type Refusal = RoomRefusal;

    fn decide(
        state: &Self,
        command: RoomCommand,
        context: &RoomContext<'_>,
    ) -> Result<Vec<RoomEvent>, RoomRefusal> {
        if let RoomCommand::Create(wish) = command {
            return decide::create(state, *wish, context);
        }
        let Self::Open(open) = state else {
            return Err(RoomRefusal::NotFound);
        };
        match command {
            RoomCommand::Create(_) => Err(RoomRefusal::AlreadyExists),
            RoomCommand::Rename { room, name, at } => {
                decide::rename(open, room, &name, at, context)
            }
            RoomCommand::SetTopic { room, text, at } => {
                let change = decide::text(open.topic.as_ref(), text, context)?;
                let event = |(text, by)| TopicChanged { room, text, by, at }.into();
                Ok(change.map(event).into_iter().collect())
            }
            RoomCommand::SetDescription { room, text, at } => {
                let change = decide::text(open.description.as_ref(), text, context)?;
                let event = |(text, by)| DescriptionChanged { room, text, by, at }.into();
                Ok(change.map(event).into_iter().collect())
            }
            RoomCommand::SetAnnouncement { room, text, at } => {
                let change = decide::text(open.announcement.as_ref(), text, context)?;
                let event = |(text, by)| AnnouncementChanged { room, text, by, at }.into();
                Ok(change.map(event).into_iter().collect())
            }
            RoomCommand::SetReadOnly {
                room,
                read_only,
                at,
            } => decide::set_read_only(open, room, read_only, at, context),
            RoomCommand::Archive { room, at } => decide::archive(open, room, at, context),
            RoomCommand::Unarchive { room, at } => decide::unarchive(open, room, at, context),
            RoomCommand::Delete { room, at } => decide::delete(open, room, at, context),
            RoomCommand::SetKey {
                room,
                key_id,
                reset,
                at,
            } => decide::set_key(open, room, key_id, reset, at, context),
        }
    }

    fn evolve(state: Self, event: &RoomEvent) -> Self {
        let mut open = match (event, state) {
            (RoomEvent::RoomCreated(event), _) => return Self::Open(OpenRoom::created(event)),
            (RoomEvent::RoomDeleted(_), _) => return Self::Deleted,
            (_, Self::Open(open)) => open,
            (_, state) => return state,
        };
        match event {
            RoomEvent::RoomCreated(_) | RoomEvent::RoomDeleted(_) => {}
            RoomEvent::RoomRenamed(event) => {
                open.name = Some(event.name.clone());
                open.display_name = Some(event.display_name.clone());
            }
            RoomEvent::TopicChanged(event) => open.topic = Some(event.text.clone()),
            RoomEvent::DescriptionChanged(event) => open.description = Some(event.text.clone()),
            RoomEvent::AnnouncementChanged(event) => open.announcement = Some(event.text.clone()),
            RoomEvent::ReadOnlyChanged(event) => open.read_only = event.read_only,
            RoomEvent::RoomArchived(_) => open.archived = true,
            RoomEvent::RoomUnarchived(_) => open.archived = false,
            RoomEvent::RoomKeyChanged(event) => open.key_id = Some(event.key_id.clone()),
        }
        Self::Open(open)
    }
}

impl OpenRoom {
    /// The room as it was made.
    fn created(event: &RoomCreated) -> Self {
        Self {
            kind: event.kind,
            name: event.name.clone(),
            display_name: event.display_name.clone(),
            topic: event.topic.clone(),
            description: event.description.clone(),
            announcement: event.announcement.clone(),
            read_only: event.read_only,
            broadcast: event.broadcast,
            archived: false,
            key_id: None,
        }
    }
}
