//! System messages (contract, rooms 9): derived from room and membership events, never recorded themselves.

use compact_str::CompactString;
use domain::id::{ID_LENGTH, id_from_bytes};
use domain::membership::{Joining, MembershipEvent};
use domain::message::{Content, MessagePinned, MessagePosted};
use domain::room::{
    RoomAddedToTeam, RoomCreated, RoomDeleted, RoomEvent, RoomKind, RoomRemovedFromTeam,
};
use domain::{Event, MessageId, RoleId, RoomId, Timestamp, UserId};
use eventstore::EventId;
use sha2::{Digest, Sha256};

use crate::chat::message_doc::MessageDoc;
use crate::engine::applied::Applied;
use crate::names::{Names, RoomName, UserRef};

/// An id that is the same whenever the views are built: made of the event's id. Hashed first, because ids of
/// events made in the same millisecond differ in few bytes.
pub(crate) fn derived_id(event: EventId) -> CompactString {
    let digest = Sha256::digest(event.0.as_bytes());
    let mut bytes = [0; ID_LENGTH];
    bytes.copy_from_slice(&digest[..ID_LENGTH]);
    id_from_bytes(&bytes)
}

struct Telling<'a> {
    room: &'a RoomId,
    kind: &'static str,
    by: &'a UserId,
    at: Timestamp,
    says: Says<'a>,
    role: Option<&'a RoleId>,
}

/// The text of a system message.
enum Says<'a> {
    Nothing,
    Text(&'a str),
    /// The user name of this user.
    Username(&'a UserId),
    /// The name of this room.
    RoomName(&'a RoomId),
}

/// The message by which a room tells that a discussion of it began, as its author could have posted it: unlike others
/// that are derived, it is as new to the members as what people say.
pub(crate) fn announcement(applied: &Applied, created: &RoomCreated) -> Option<MessagePosted> {
    let discussion = created.discussion.as_deref()?;
    Some(MessagePosted {
        message: MessageId::new(derived_id(applied.id)),
        room: discussion.parent.clone(),
        author: created.creator.clone().unwrap_or_else(UserId::system),
        at: created.at,
        content: Content {
            text: created.display_name.clone().unwrap_or_default(),
            attachments: Some(discussion.quote.iter().cloned().collect()),
            ..Content::default()
        },
        presentation: None,
        thread: None,
        shown_in_room: false,
        seen: None,
    })
}

/// The same as a document; `None` for a room that is no discussion, or of a room that is gone.
fn announced(
    applied: &Applied,
    created: &RoomCreated,
    names: &mut dyn Names,
) -> rusqlite::Result<Option<MessageDoc>> {
    let Some(posted) = announcement(applied, created) else {
        return Ok(None);
    };
    if names.room(&posted.room)?.is_none() {
        return Ok(None);
    }
    let mut doc = MessageDoc::posted(&posted, applied.recorded_at, names)?;
    doc.kind = Some(CompactString::const_new("discussion-created"));
    doc.md = None;
    doc.groupable = Some(false);
    doc.discussion = Some(created.room.clone());
    Ok(Some(doc))
}

/// The message by which a room tells of a pin, without the quote of what was pinned.
pub(crate) fn pinned(
    applied: &Applied,
    pinned: &MessagePinned,
    names: &mut dyn Names,
) -> rusqlite::Result<MessageDoc> {
    let telling = Telling {
        room: &pinned.room,
        kind: "message_pinned",
        by: &pinned.by,
        at: pinned.at,
        says: Says::Nothing,
        role: None,
    };
    tell(applied, &telling, telling.kind, names)
}

pub(crate) fn is_channel(names: &mut dyn Names, room: &RoomId) -> rusqlite::Result<bool> {
    let called = names.room(room)?;
    Ok(called.is_some_and(|room| room.kind == RoomKind::Channel))
}

/// What a team is told when a channel of it is deleted. The row of the room is still there.
fn deleted_of_team(
    applied: &Applied,
    deleted: &RoomDeleted,
    names: &mut dyn Names,
) -> rusqlite::Result<Option<MessageDoc>> {
    let Some(called) = names.room(&deleted.room)? else {
        return Ok(None);
    };
    let team = called.main_room.as_ref();
    let team = team.filter(|main| **main != deleted.room && !called.discussion);
    let Some(main) = team.filter(|_| called.kind == RoomKind::Channel) else {
        return Ok(None);
    };
    let telling = Telling {
        room: main,
        kind: "user-deleted-room-from-team",
        by: &deleted.by,
        at: deleted.at,
        says: Says::Text(called.name.as_deref().unwrap_or_default()),
        role: None,
    };
    tell(applied, &telling, telling.kind, names).map(Some)
}

/// The system message an event leads to, if any.
pub(crate) fn derive(
    applied: &Applied,
    names: &mut dyn Names,
) -> rusqlite::Result<Option<MessageDoc>> {
    let telling = match &applied.event {
        Event::Room(RoomEvent::RoomCreated(created)) => return announced(applied, created, names),
        Event::Room(RoomEvent::RoomDeleted(deleted)) => {
            return deleted_of_team(applied, deleted, names);
        }
        // A team is told of its channels alone.
        Event::Room(
            RoomEvent::RoomAddedToTeam(RoomAddedToTeam {
                room, main_room, ..
            })
            | RoomEvent::RoomRemovedFromTeam(RoomRemovedFromTeam {
                room, main_room, ..
            }),
        ) if !is_channel(names, room)? || names.room(main_room)?.is_none() => None,
        Event::Room(event) => of_room(event),
        Event::Membership(event) => of_membership(event),
        _ => None,
    };
    let Some(telling) = telling else {
        return Ok(None);
    };
    // Coming and going, and roles, are not told in direct messages.
    let called = names.room(telling.room)?;
    let direct = called
        .as_ref()
        .is_none_or(|room| room.kind == RoomKind::Direct);
    if direct && matches!(applied.event, Event::Membership(_)) {
        return Ok(None);
    }
    let is_main = |room: &RoomName| room.main_room.as_ref() == Some(telling.room);
    let kind = match (telling.kind, &called) {
        ("uj", Some(room)) if room.discussion => "ut",
        ("uj", Some(room)) if is_main(room) => "ujt",
        ("ul", Some(room)) if is_main(room) => "ult",
        ("au", Some(room)) if is_main(room) => "added-user-to-team",
        (kind, _) => kind,
    };
    tell(applied, &telling, kind, names).map(Some)
}

/// The message, of that kind.
fn tell(
    applied: &Applied,
    telling: &Telling<'_>,
    kind: &'static str,
    names: &mut dyn Names,
) -> rusqlite::Result<MessageDoc> {
    let author = UserRef::short(names, telling.by)?;
    let id = MessageId::new(derived_id(applied.id));
    let mut doc = MessageDoc::bare(
        id,
        telling.room.clone(),
        author,
        telling.at,
        applied.recorded_at,
    );
    doc.kind = Some(CompactString::const_new(kind));
    doc.groupable = Some(false);
    doc.role = telling.role.map(CompactString::new);
    doc.msg = match &telling.says {
        Says::Nothing => String::new(),
        Says::Text(text) => (*text).to_owned(),
        Says::Username(user) => UserRef::short(names, user)?.username.into_string(),
        Says::RoomName(room) => {
            let called = names.room(room)?.and_then(|called| called.name);
            called.map(CompactString::into_string).unwrap_or_default()
        }
    };
    Ok(doc)
}

fn of_room(event: &RoomEvent) -> Option<Telling<'_>> {
    let telling = |room, kind, by, at, says| {
        Some(Telling {
            room,
            kind,
            by,
            at,
            says,
            role: None,
        })
    };
    match event {
        RoomEvent::RoomRenamed(e) => {
            telling(&e.room, "r", &e.by, e.at, Says::Text(&e.display_name))
        }
        RoomEvent::TopicChanged(e) => telling(
            &e.room,
            "room_changed_topic",
            &e.by,
            e.at,
            Says::Text(&e.text),
        ),
        RoomEvent::DescriptionChanged(e) => telling(
            &e.room,
            "room_changed_description",
            &e.by,
            e.at,
            Says::Text(&e.text),
        ),
        RoomEvent::AnnouncementChanged(e) => telling(
            &e.room,
            "room_changed_announcement",
            &e.by,
            e.at,
            Says::Text(&e.text),
        ),
        RoomEvent::ReadOnlyChanged(e) => {
            let kind = if e.read_only {
                "room-set-read-only"
            } else {
                "room-removed-read-only"
            };
            telling(&e.room, kind, &e.by, e.at, Says::Nothing)
        }
        RoomEvent::RoomArchived(e) => telling(&e.room, "room-archived", &e.by, e.at, Says::Nothing),
        RoomEvent::RoomUnarchived(e) => {
            telling(&e.room, "room-unarchived", &e.by, e.at, Says::Nothing)
        }
        RoomEvent::RoomVisibilityChanged(e) => {
            let called = match e.kind {
                RoomKind::Channel => "Channel",
                RoomKind::Group | RoomKind::Direct => "Private Group",
            };
            let says = Says::Text(called);
            telling(&e.room, "room_changed_privacy", &e.by, e.at, says)
        }
        RoomEvent::ReactingInReadOnlyChanged(e) => {
            let kind = if e.allowed {
                "room-allowed-reacting"
            } else {
                "room-disallowed-reacting"
            };
            telling(&e.room, kind, &e.by, e.at, Says::Nothing)
        }
        RoomEvent::RoomEncryptionChanged(e) => {
            let kind = if e.encrypted {
                "room_e2e_enabled"
            } else {
                "room_e2e_disabled"
            };
            telling(&e.room, kind, &e.by, e.at, Says::Username(&e.by))
        }
        RoomEvent::TeamCreated(e) if e.converted => telling(
            &e.room,
            "user-converted-to-team",
            &e.by,
            e.at,
            Says::RoomName(&e.room),
        ),
        RoomEvent::TeamDissolved(e) => telling(
            &e.room,
            "user-converted-to-channel",
            &e.by,
            e.at,
            Says::RoomName(&e.room),
        ),
        RoomEvent::RoomAddedToTeam(e) => telling(
            &e.main_room,
            "user-added-room-to-team",
            &e.by,
            e.at,
            Says::RoomName(&e.room),
        ),
        RoomEvent::RoomRemovedFromTeam(e) => telling(
            &e.main_room,
            "user-removed-room-from-team",
            &e.by,
            e.at,
            Says::RoomName(&e.room),
        ),
        RoomEvent::RoomCreated(_)
        | RoomEvent::RoomDeleted(_)
        | RoomEvent::TeamCreated(_)
        | RoomEvent::TeamAutoJoinChanged(_)
        | RoomEvent::RoomKeyChanged(_)
        | RoomEvent::HiddenSystemMessagesChanged(_)
        | RoomEvent::DefaultRoomChanged(_)
        | RoomEvent::FeaturedRoomChanged(_)
        | RoomEvent::DefaultFavouriteChanged(_)
        | RoomEvent::JoinCodeSet(_)
        | RoomEvent::JoinCodeRemoved(_)
        | RoomEvent::RoomCustomFieldsChanged(_)
        | RoomEvent::RetentionChanged(_)
        | RoomEvent::StreamingOptionsChanged(_)
        | RoomEvent::HistoryPruned(_) => None,
    }
}

fn of_membership(event: &MembershipEvent) -> Option<Telling<'_>> {
    let telling = |room, kind, by, at, user, role| {
        Some(Telling {
            room,
            kind,
            by,
            at,
            says: Says::Username(user),
            role,
        })
    };
    match event {
        MembershipEvent::MemberJoined(e) => match &e.joining {
            Joining::Joined
            | Joining::Default
            | Joining::AddedWithAll { .. }
            | Joining::Invited => telling(&e.room, "uj", &e.user, e.at, &e.user, None),
            Joining::Added { by } => telling(&e.room, "au", by, e.at, &e.user, None),
            Joining::Creator
            | Joining::Initial
            | Joining::DirectCreator
            | Joining::DirectOther
            | Joining::DirectIntroduced => None,
        },
        MembershipEvent::MemberLeft(e) => telling(&e.room, "ul", &e.user, e.at, &e.user, None),
        MembershipEvent::MemberRemoved(e) => {
            let kind = if e.from_team {
                "removed-user-from-team"
            } else {
                "ru"
            };
            telling(&e.room, kind, &e.by, e.at, &e.user, None)
        }
        MembershipEvent::RoomRoleGranted(e) if e.quietly => None,
        MembershipEvent::RoomRoleRevoked(e) if e.quietly => None,
        MembershipEvent::MemberMuted(e) => {
            telling(&e.room, "user-muted", &e.by, e.at, &e.user, None)
        }
        MembershipEvent::MemberUnmuted(e) => {
            telling(&e.room, "user-unmuted", &e.by, e.at, &e.user, None)
        }
        MembershipEvent::RoomRoleGranted(e) => telling(
            &e.room,
            "subscription-role-added",
            &e.by,
            e.at,
            &e.user,
            Some(&e.role),
        ),
        MembershipEvent::RoomRoleRevoked(e) => telling(
            &e.room,
            "subscription-role-removed",
            &e.by,
            e.at,
            &e.user,
            Some(&e.role),
        ),
        MembershipEvent::ReadCursorMoved(_)
        | MembershipEvent::MarkedUnread(_)
        | MembershipEvent::RoomHidden(_)
        | MembershipEvent::RoomOpened(_)
        | MembershipEvent::RoomKeyReceived(_)
        | MembershipEvent::RoomKeySuggested(_)
        | MembershipEvent::SuggestedKeyAccepted(_)
        | MembershipEvent::SuggestedKeyRejected(_)
        | MembershipEvent::AutoTranslateChanged(_)
        | MembershipEvent::FavouriteChanged(_)
        | MembershipEvent::UserBannedFromRoom(_)
        | MembershipEvent::UserUnbannedFromRoom(_)
        | MembershipEvent::NotificationsChanged(_)
        | MembershipEvent::UserIgnored(_)
        | MembershipEvent::UserUnignored(_)
        | MembershipEvent::DraftChanged(_)
        | MembershipEvent::ThreadRead(_)
        | MembershipEvent::DirectMessageBlocked(_)
        | MembershipEvent::DirectMessageUnblocked(_) => None,
    }
}
