//! The view of memberships: who is in which room, and what is new there for them.
//!
//! This is where unread counts come from (contract, rooms 2.3 and messages 4). A message raises the alert of everybody
//! else in the room. To keep that cheap, the worker knows for each busy room the few members that are *quiet*: not
//! alerted, or not shown the room ([`crate::engine::tx::Roster`]). What counts for everybody is counted once for all
//! ([`crate::engine::rows::shared_counters`]).

mod members;
mod people;
mod place;
mod queries;
mod unread;

use compact_str::CompactString;
use domain::Event;
use domain::e2e::KeyPairEvent;
use domain::membership::{Joining, MemberJoined, MembershipEvent};
use domain::message::MessageEvent;
use domain::room::{RoomEvent, RoomKind};
use people::{account, gone};
use unread::message;

use crate::chat::access::memberships::{
    alter, alter_all, change, change_all, forget_cursors, note_keen, note_quiet, remove_all,
    rooms_of, shared_counts,
};
use crate::chat::cursor;
use crate::chat::system_messages::{announcement, derived_id};
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::membership::{MembershipDoc, MembershipRow, Rest};
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::names::UserRef;
use crate::numbers::number;

pub use members::{MemberOrder, MemberQuery, MemberRecord, Who};
#[cfg(test)]
pub(crate) use queries::listed_since;
pub use queries::{MembershipRecord, RoleHolder};

pub(crate) const VIEW: Projection = Projection {
    name: "memberships",
    version: 10,
    tables: "CREATE TABLE memberships (
        room TEXT NOT NULL,
        user TEXT NOT NULL,
        id TEXT NOT NULL,
        open INTEGER NOT NULL,
        alert INTEGER NOT NULL,
        quiet INTEGER NOT NULL,
        unread INTEGER NOT NULL,
        user_mentions INTEGER NOT NULL,
        group_mentions INTEGER NOT NULL,
        seen INTEGER,
        highlights INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        roles INTEGER NOT NULL,
        position INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        doc BLOB NOT NULL,
        rest BLOB,
        from_cursor INTEGER NOT NULL,
        choices BLOB,
        counted_unread INTEGER NOT NULL,
        counted_group_mentions INTEGER NOT NULL,
        PRIMARY KEY (room, user)
    ) WITHOUT ROWID;
    CREATE TABLE shared_counters (
        room TEXT NOT NULL PRIMARY KEY,
        unread INTEGER NOT NULL,
        group_mentions INTEGER NOT NULL,
        raised_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("memberships_user", "memberships (user)"),
        Index::new("memberships_updated", "memberships (user, updated_at)"),
        Index::new("shared_counters_raised", "shared_counters (raised_at)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        // What was unread is no matter of the past.
        Event::Message(MessageEvent::MessagePosted(_)) if tx.past => Ok(()),
        Event::Message(MessageEvent::MessagePosted(posted)) => message(tx, event, posted),
        Event::Membership(membership_event) => member(tx, event, membership_event),
        Event::Room(room_event) => room(tx, event, room_event),
        Event::User(user_event) => account(tx, event, user_event),
        Event::KeyPair(KeyPairEvent::KeyPairReset(reset)) => {
            // Room keys were encrypted for a key pair that no longer exists.
            for room in rooms_of(tx, &reset.user)? {
                change(tx, event, &room, &reset.user, MembershipDoc::forget_keys)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn member(
    tx: &mut Tx,
    event: &Applied,
    membership_event: &MembershipEvent,
) -> rusqlite::Result<()> {
    match membership_event {
        MembershipEvent::MemberJoined(joined) => join(tx, event, joined),
        MembershipEvent::MemberLeft(left) => gone(tx, event, &left.room, &left.user),
        MembershipEvent::MemberRemoved(removed) => gone(tx, event, &removed.room, &removed.user),
        MembershipEvent::RoomRoleGranted(granted) => {
            tx.stale
                .memberships
                .insert((granted.room.clone(), granted.user.clone()));
            alter(tx, event, &granted.room, &granted.user, |doc| {
                let roles = doc.roles.get_or_insert_default();
                if !roles.contains(&granted.role) {
                    roles.push(granted.role.clone());
                }
            })
        }
        MembershipEvent::RoomRoleRevoked(revoked) => {
            tx.stale
                .memberships
                .insert((revoked.room.clone(), revoked.user.clone()));
            alter(tx, event, &revoked.room, &revoked.user, |doc| {
                doc.roles
                    .iter_mut()
                    .for_each(|roles| roles.retain(|role| *role != revoked.role));
            })
        }
        MembershipEvent::ReadCursorMoved(_)
        | MembershipEvent::MarkedUnread(_)
        | MembershipEvent::ThreadRead(_)
            if tx.past =>
        {
            Ok(())
        }
        MembershipEvent::ReadCursorMoved(read) => cursor::read(tx, event, read),
        MembershipEvent::MarkedUnread(marked) => cursor::mark_unread(tx, event, marked),
        MembershipEvent::ThreadRead(read) => cursor::read_thread(tx, event, read),
        MembershipEvent::RoomHidden(hidden) => {
            change(tx, event, &hidden.room, &hidden.user, |doc| {
                doc.open = false;
                doc.alert = false;
            })
        }
        MembershipEvent::RoomOpened(opened) => {
            change(tx, event, &opened.room, &opened.user, |doc| doc.open = true)
        }
        MembershipEvent::RoomKeyReceived(received) => {
            change(tx, event, &received.room, &received.user, |doc| {
                doc.room_key = Some(received.key.clone());
                doc.suggested_key = None;
            })
        }
        MembershipEvent::RoomKeySuggested(suggested) => {
            change(tx, event, &suggested.room, &suggested.user, |doc| {
                doc.suggested_key = Some(suggested.key.clone());
            })
        }
        MembershipEvent::SuggestedKeyAccepted(accepted) => {
            change(tx, event, &accepted.room, &accepted.user, |doc| {
                doc.room_key = doc.suggested_key.take().or(doc.room_key.take());
            })
        }
        MembershipEvent::SuggestedKeyRejected(rejected) => {
            change(tx, event, &rejected.room, &rejected.user, |doc| {
                doc.suggested_key = None;
            })
        }
        MembershipEvent::AutoTranslateChanged(changed) => {
            change(tx, event, &changed.room, &changed.user, |doc| {
                doc.auto_translate = changed.enabled.or(doc.auto_translate);
                if changed.language.is_some() {
                    doc.auto_translate_language.clone_from(&changed.language);
                }
            })
        }
        MembershipEvent::FavouriteChanged(changed) => {
            change(tx, event, &changed.room, &changed.user, |doc| {
                doc.favourite = Some(changed.favourite);
            })
        }
        // How somebody stands in a room does not end with their membership: the view of rooms has it.
        MembershipEvent::MemberMuted(_)
        | MembershipEvent::MemberUnmuted(_)
        | MembershipEvent::UserBannedFromRoom(_)
        | MembershipEvent::UserUnbannedFromRoom(_) => Ok(()),
        MembershipEvent::NotificationsChanged(_)
        | MembershipEvent::UserIgnored(_)
        | MembershipEvent::UserUnignored(_)
        | MembershipEvent::DraftChanged(_)
        | MembershipEvent::DirectMessageBlocked(_)
        | MembershipEvent::DirectMessageUnblocked(_) => place::apply(tx, event, membership_event),
    }
}

fn room(tx: &mut Tx, event: &Applied, room_event: &RoomEvent) -> rusqlite::Result<()> {
    match room_event {
        RoomEvent::RoomRenamed(renamed) => alter_all(tx, event, &renamed.room, |doc| {
            doc.name = Some(CompactString::new(&renamed.name));
            doc.display = Some(CompactString::new(&renamed.display_name));
            doc.alert |= doc.parent.is_none();
        }),
        RoomEvent::RoomArchived(archived) => alter_all(tx, event, &archived.room, |doc| {
            doc.archived = Some(true);
            doc.open = false;
            doc.alert = false;
        }),
        RoomEvent::RoomUnarchived(unarchived) => alter_all(tx, event, &unarchived.room, |doc| {
            doc.archived = Some(false);
            doc.open = true;
            doc.alert = false;
        }),
        RoomEvent::RoomDeleted(deleted) => remove_all(tx, event, &deleted.room),
        RoomEvent::RoomKeyChanged(changed) if changed.reset => {
            change_all(tx, event, &changed.room, MembershipDoc::forget_keys)
        }
        RoomEvent::RoomVisibilityChanged(changed) => alter_all(tx, event, &changed.room, |doc| {
            doc.kind = changed.kind.letter().into();
        }),
        RoomEvent::RoomCustomFieldsChanged(changed) => alter_all(tx, event, &changed.room, |doc| {
            doc.rest.custom_fields = Some(changed.fields.clone());
        }),
        // What was unread is no matter of the past.
        RoomEvent::RoomCreated(_) if tx.past => Ok(()),
        RoomEvent::RoomCreated(created) => match announcement(event, created) {
            Some(posted) => message(tx, event, &posted),
            None => Ok(()),
        },
        RoomEvent::TopicChanged(_)
        | RoomEvent::DescriptionChanged(_)
        | RoomEvent::AnnouncementChanged(_)
        | RoomEvent::ReadOnlyChanged(_)
        | RoomEvent::RoomKeyChanged(_)
        | RoomEvent::ReactingInReadOnlyChanged(_)
        | RoomEvent::HiddenSystemMessagesChanged(_)
        | RoomEvent::DefaultRoomChanged(_)
        | RoomEvent::FeaturedRoomChanged(_)
        | RoomEvent::DefaultFavouriteChanged(_)
        | RoomEvent::JoinCodeSet(_)
        | RoomEvent::JoinCodeRemoved(_)
        | RoomEvent::RoomEncryptionChanged(_)
        | RoomEvent::RetentionChanged(_)
        | RoomEvent::StreamingOptionsChanged(_)
        | RoomEvent::HistoryPruned(_)
        | RoomEvent::TeamCreated(_)
        | RoomEvent::TeamDissolved(_)
        | RoomEvent::RoomAddedToTeam(_)
        | RoomEvent::RoomRemovedFromTeam(_)
        | RoomEvent::TeamAutoJoinChanged(_) => Ok(()),
    }
}

/// Makes a user a member, with the initial values of their way to join (contract, rooms 2.2).
fn join(tx: &mut Tx, event: &Applied, joined: &MemberJoined) -> rusqlite::Result<()> {
    let key = (joined.room.clone(), joined.user.clone());
    if tx.memberships.get(&tx.conn, &key)?.is_some() {
        return Ok(());
    }
    let user = UserRef::full(tx, &joined.user)?;
    let Some(room) = tx.rooms.get(&tx.conn, &joined.room)? else {
        return Ok(());
    };
    let called = room.called();
    let participants = room.participants();
    let counted = matches!(
        joined.joining,
        Joining::Joined
            | Joining::Added { .. }
            | Joining::AddedWithAll { .. }
            | Joining::Default
            | Joining::Invited
    );
    let mut doc = MembershipDoc {
        id: derived_id(event.id),
        rid: joined.room.clone(),
        kind: called.kind.letter().into(),
        user,
        name: called.name,
        display: called.display,
        since: match called.kind {
            RoomKind::Direct => None,
            _ if counted => Some(Date(joined.at)),
            _ => Some(room.created_at()),
        },
        seen: (joined.joining == Joining::Creator).then_some(Date(joined.at)),
        last_reply: None,
        open: joined.joining != Joining::DirectOther || participants.len() > 2,
        alert: counted,
        unread: i64::from(counted),
        user_mentions: i64::from(counted),
        group_mentions: 0,
        thread_unread: Vec::new(),
        thread_unread_user: Vec::new(),
        thread_unread_group: Vec::new(),
        roles: (!joined.roles.is_empty()).then(|| joined.roles.clone()),
        archived: room.archived().filter(|archived| *archived),
        parent: room.parent().cloned(),
        desktop_notifications: None,
        mobile_push_notifications: None,
        email_notifications: None,
        room_key: None,
        suggested_key: None,
        auto_translate: None,
        auto_translate_language: None,
        favourite: None,
        updated_at: Date(event.recorded_at),
        from_cursor: false,
        choices: None,
        rest: Rest {
            custom_fields: room.custom_fields().cloned(),
            ..Rest::default()
        },
    };
    if called.kind == RoomKind::Direct {
        doc.name_others(tx, &participants)?;
    }
    if let Some(row) = tx.users.get(&tx.conn, &joined.user)? {
        if called.kind == RoomKind::Direct {
            doc.rest.custom_fields = row.custom_fields().cloned();
        }
        if let Some(preferences) = row.preferences() {
            doc.prefer(preferences);
        }
    }
    tx.stale.memberships.insert(key.clone());
    let quiet = doc.is_quiet();
    let highlights = doc.highlights();
    let row = MembershipRow {
        doc,
        position: number(event.position),
        counted: shared_counts(tx, &joined.room)?,
    };
    tx.memberships.insert_new(key, row);
    if let Some(members) = tx
        .rosters
        .get_mut(&joined.room)
        .and_then(|roster| roster.members.as_mut())
    {
        members.insert(joined.user.clone());
    }
    forget_cursors(tx, &joined.room);
    note_quiet(tx, &joined.room, &joined.user, quiet);
    note_keen(tx, &joined.room, &joined.user, &highlights);
    Ok(())
}
