//! The rules of discussions: rooms that belong to another room (contract, teams 2).

use super::{
    OpenRoom, RoomContext, RoomCreated, RoomEvent, RoomKind, RoomRefusal, RoomVisibilityChanged,
};
use crate::permission::{Authority, Permission};
use crate::settings::{Settings, keys};
use crate::{RoomId, Timestamp, limits, text};

impl RoomKind {
    /// The kind of a discussion of such a room.
    #[must_use]
    pub const fn of_discussion(self) -> Self {
        match self {
            Self::Channel => Self::Channel,
            Self::Group | Self::Direct => Self::Group,
        }
    }
}

/// Whether somebody may begin discussions. They also have to be able to write into the room in question.
pub fn may_discuss(authority: &Authority<'_>, settings: &Settings) -> Result<(), RoomRefusal> {
    let held = authority.has(Permission::START_DISCUSSION)
        || authority.has(Permission::START_DISCUSSION_OTHER_USER);
    (held && settings.bool(keys::DISCUSSION_ENABLED))
        .then_some(())
        .ok_or(RoomRefusal::DiscussionNotAllowed)
}

/// Checks what a user wishes for, and fills in what the rules decide. The name is made up by the server: what is shown
/// is the title.
pub(super) fn put_right(
    wish: &mut RoomCreated,
    authority: &Authority<'_>,
    settings: &Settings,
) -> Result<(), RoomRefusal> {
    may_discuss(authority, settings)?;
    title(wish.display_name.as_deref().unwrap_or_default())?;
    wish.creator = Some(authority.actor.clone());
    wish.participants.clear();
    wish.custom_fields = None;
    for text in [&mut wish.topic, &mut wish.description]
        .into_iter()
        .flatten()
    {
        *text = text::cut(text, limits::ROOM_TEXT).to_owned();
    }
    Ok(())
}

/// A discussion is closed with the channel that it belongs to: what was said in it is no more open than what it is about.
/// That the channel was closed is for the use case to know.
pub(super) fn close(
    open: &OpenRoom,
    room: RoomId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Vec<RoomEvent> {
    if open.kind != RoomKind::Channel {
        return vec![];
    }
    let closed = RoomVisibilityChanged {
        room,
        kind: RoomKind::Group,
        by: context.actor(),
        at,
    };
    vec![closed.into()]
}

/// Refuses what cannot be the title of a discussion.
pub(super) fn title(typed: &str) -> Result<(), RoomRefusal> {
    if text::is_blank(typed) {
        return Err(RoomRefusal::EmptyName);
    }
    if limits::is_longer(typed, limits::ROOM_NAME) {
        return Err(RoomRefusal::TextTooLong {
            limit: limits::ROOM_NAME,
        });
    }
    Ok(())
}
