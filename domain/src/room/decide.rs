//! The rules of making, archiving and deleting rooms (contract, rooms 4 to 6).

use super::{
    HistoryPruned, OpenRoom, Pruning, Room, RoomArchived, RoomContext, RoomCreated, RoomDeleted,
    RoomEvent, RoomKeyChanged, RoomKind, RoomRefusal, RoomUnarchived, discussion, name,
};
use crate::permission::{Authority, Permission};
use crate::settings::{Settings, keys};
use crate::{RoomId, Timestamp, UserId, limits, link};

type Decision = Result<Vec<RoomEvent>, RoomRefusal>;

impl RoomContext<'_> {
    /// In whose name things happen.
    pub(super) fn actor(&self) -> UserId {
        match self {
            Self::System => UserId::system(),
            Self::User { authority, .. } => authority.actor.clone(),
        }
    }

    /// Whether the permission is held in the room in question. The server may do anything.
    pub(super) fn may(&self, permission: Permission) -> bool {
        match self {
            Self::System => true,
            Self::User { authority, .. } => authority.has_in_room(permission),
        }
    }

    /// Whether the permission is held in the whole workspace.
    pub(super) fn may_everywhere(&self, permission: Permission) -> bool {
        match self {
            Self::System => true,
            Self::User { authority, .. } => authority.has(permission),
        }
    }

    /// `None`: what the server does by itself depends on none.
    pub(super) const fn settings(&self) -> Option<&Settings> {
        match self {
            Self::System => None,
            Self::User { settings, .. } => Some(settings),
        }
    }
}

/// The permission to make, and the one to delete, such a room.
pub(super) const fn permissions(kind: RoomKind) -> (Permission, Permission) {
    match kind {
        RoomKind::Channel => (Permission::CREATE_C, Permission::DELETE_C),
        RoomKind::Group => (Permission::CREATE_P, Permission::DELETE_P),
        RoomKind::Direct => (Permission::CREATE_D, Permission::DELETE_D),
    }
}

/// The permission to delete such a room.
pub const fn deletion(kind: RoomKind) -> Permission {
    permissions(kind).1
}

pub(super) fn create(state: &Room, mut wish: RoomCreated, context: &RoomContext<'_>) -> Decision {
    if *state != Room::Absent {
        return Err(RoomRefusal::AlreadyExists);
    }
    if let RoomContext::User {
        authority,
        settings,
    } = context
    {
        put_right(&mut wish, authority, settings)?;
    }
    // Posting into a broadcast room is for those who may post into read-only ones.
    wish.read_only |= wish.broadcast;
    wish.participants.sort();
    wish.participants.dedup();
    Ok(vec![wish.into()])
}

/// Checks what a user wishes for, and fills in what the rules decide.
fn put_right(
    wish: &mut RoomCreated,
    authority: &Authority<'_>,
    settings: &Settings,
) -> Result<(), RoomRefusal> {
    if wish.discussion.is_some() {
        return discussion::put_right(wish, authority, settings);
    }
    if !authority.has(permissions(wish.kind).0) {
        return Err(RoomRefusal::CreateNotAllowed(wish.kind));
    }
    if wish.kind == RoomKind::Direct {
        (wish.name, wish.display_name, wish.creator) = (None, None, None);
        return may_talk(&wish.participants, authority.actor, settings);
    }
    let names = name::resolve(wish.name.as_deref().unwrap_or(""), settings)?;
    if !wish.custom_fields.as_ref().is_none_or(link::are_harmless) {
        return Err(RoomRefusal::InvalidLink);
    }
    let texts = [&wish.topic, &wish.announcement, &wish.description];
    if texts
        .into_iter()
        .flatten()
        .any(|text| limits::is_longer(text, limits::ROOM_TEXT))
    {
        return Err(RoomRefusal::TextTooLong {
            limit: limits::ROOM_TEXT,
        });
    }
    wish.name = Some(names.slug);
    wish.display_name.get_or_insert(names.display);
    wish.creator = Some(authority.actor.clone());
    wish.participants.clear();
    Ok(())
}

/// Whether there may be a direct message between them, by what the workspace's settings say.
///
/// # Errors
/// If there may not: [`RoomRefusal::InvalidParticipants`], [`RoomRefusal::TooManyParticipants`].
pub fn may_talk(
    participants: &[UserId],
    actor: &UserId,
    settings: &Settings,
) -> Result<(), RoomRefusal> {
    let alone = participants.iter().all(|one| one == actor);
    if participants.is_empty()
        || (alone && !settings.bool(keys::MESSAGE_ALLOW_DIRECT_MESSAGES_TO_YOURSELF))
    {
        return Err(RoomRefusal::InvalidParticipants);
    }
    let limit = settings.int(keys::DIRECT_MESSSAGE_MAX_USERS);
    if usize::try_from(limit).is_ok_and(|limit| participants.len() > limit) {
        return Err(RoomRefusal::TooManyParticipants { limit });
    }
    Ok(())
}

pub(super) fn archive(
    open: &OpenRoom,
    room: RoomId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if open.kind == RoomKind::Direct {
        return Err(RoomRefusal::DirectNotArchivable);
    }
    if !context.may(Permission::ARCHIVE_ROOM) {
        return Err(RoomRefusal::ArchiveNotAllowed);
    }
    if open.archived {
        return Ok(vec![]);
    }
    Ok(vec![
        RoomArchived {
            room,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

pub(super) fn unarchive(
    open: &OpenRoom,
    room: RoomId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if !context.may(Permission::UNARCHIVE_ROOM) {
        return Err(RoomRefusal::ArchiveNotAllowed);
    }
    if !open.archived {
        return Ok(vec![]);
    }
    Ok(vec![
        RoomUnarchived {
            room,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

pub(super) fn delete(
    open: &OpenRoom,
    room: RoomId,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if !context.may(permissions(open.kind).1) {
        return Err(RoomRefusal::DeleteNotAllowed);
    }
    let is_main = open
        .team
        .as_ref()
        .is_some_and(|team| team.main_room == room);
    if is_main && matches!(context, RoomContext::User { .. }) {
        return Err(RoomRefusal::MainRoomOfTeam);
    }
    Ok(vec![
        RoomDeleted {
            room,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

pub(super) fn prune(
    room: RoomId,
    pruning: Pruning,
    messages: u64,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if !context.may(Permission::CLEAN_CHANNEL_HISTORY) {
        return Err(RoomRefusal::PruneNotAllowed);
    }
    if messages == 0 {
        return Ok(vec![]);
    }
    Ok(vec![
        HistoryPruned {
            room,
            pruning,
            messages,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}

pub(super) fn set_key(
    open: &OpenRoom,
    room: RoomId,
    key_id: String,
    reset: bool,
    at: Timestamp,
    context: &RoomContext<'_>,
) -> Decision {
    if open.key_id.as_ref() == Some(&key_id) {
        return Ok(vec![]);
    }
    if open.key_id.is_some() && !reset {
        return Err(RoomRefusal::HasKey);
    }
    Ok(vec![
        RoomKeyChanged {
            room,
            key_id,
            reset,
            by: context.actor(),
            at,
        }
        .into(),
    ])
}
