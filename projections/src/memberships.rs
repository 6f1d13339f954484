//! The view of memberships: who is in which room, and what is new there for them.
//!
//! This is where unread counts come from (contract, rooms 2.3 and messages 4). A message raises the alert of
//! everybody else in the room; so that this costs what changes and not what there is, the worker knows for each busy
//! room the few members that are *quiet*: not alerted, or not shown the room ([`crate::tx::Roster`]).

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::e2e::KeyPairEvent;
use domain::membership::{Joining, MemberJoined, MembershipEvent, MembershipFacts, MembershipView};
use domain::message::{Mention, MessageEvent, MessagePosted};
use domain::room::{RoomEvent, RoomKind};
use domain::user::UserEvent;
use domain::{Event, MessageId, RoleId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::messages;
use crate::names::{Names, UserRef};
use crate::projection::{Applied, Index, Projection};
use crate::rooms;
use crate::rows::Row;
use crate::system_messages::derived_id;
use crate::tombstones::{self, Kind, Sync};
use crate::tx::{Tx, number};
use crate::users::UserRow;
use crate::views::{Page, Slice, Views, bounds, unsigned};

/// The role that owns a room.
pub(crate) const OWNER: &str = "owner";

/// See the module.
pub(crate) struct MembershipsView;

impl Projection for MembershipsView {
    fn name(&self) -> &'static str {
        "memberships"
    }

    fn version(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE memberships (
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
            owner INTEGER NOT NULL,
            roles INTEGER NOT NULL,
            position INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            doc BLOB NOT NULL,
            PRIMARY KEY (room, user)
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static [Index] {
        &[Index {
            name: "memberships_user",
            on: "memberships (user)",
        }]
    }

    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
        match &event.event {
            Event::Message(MessageEvent::MessagePosted(posted)) => message(tx, event, posted),
            Event::Membership(membership_event) => member(tx, event, membership_event),
            Event::Room(room_event) => room(tx, event, room_event),
            Event::User(user_event) => account(tx, event, user_event),
            Event::KeyPair(KeyPairEvent::KeyPairReset(reset)) => {
                // Keys of rooms were encrypted for a pair that is no more.
                for room in rooms_of(tx, &reset.user)? {
                    change(tx, event, &room, &reset.user, MembershipDoc::forget_keys)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn account(tx: &mut Tx, event: &Applied, user_event: &UserEvent) -> rusqlite::Result<()> {
    match user_event {
        UserEvent::UsernameChanged(changed) => rename_user(tx, event, &changed.user),
        UserEvent::ProfileChanged(changed) => {
            if changed.change.name.is_some() {
                rename_user(tx, event, &changed.user)?;
            }
            if changed.change.custom_fields.is_some() {
                describe_user(tx, event, &changed.user)?;
            }
            Ok(())
        }
        UserEvent::PreferencesChanged(changed) => {
            if !changed.set.keys().any(|name| is_copied(name)) {
                return Ok(());
            }
            for room in rooms_of(tx, &changed.user)? {
                change(tx, event, &room, &changed.user, |doc| {
                    doc.prefer(&changed.set);
                })?;
            }
            Ok(())
        }
        UserEvent::UserActivated(activated) => silence(tx, event, &activated.user, false),
        UserEvent::UserDeactivated(deactivated) if !deactivated.idle => {
            silence(tx, event, &deactivated.user, true)
        }
        UserEvent::UserDeleted(deleted) => user_gone(tx, event, &deleted.user),
        _ => Ok(()),
    }
}

/// Preferences that memberships have copies of (contract, conventions 7.3).
fn is_copied(preference: &str) -> bool {
    matches!(
        preference,
        "desktopNotifications" | "pushNotifications" | "emailNotificationMode" | "highlights"
    )
}

/// The direct messages a user has with one other, and who that is.
pub(crate) fn pairs_of(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<(RoomId, UserId)>> {
    let mut pairs = Vec::new();
    for room in rooms_of(tx, user)? {
        let participants = tx
            .rooms
            .get(&tx.conn, &room)?
            .map(rooms::RoomRow::participants)
            .unwrap_or_default();
        if let [a, b] = participants.as_slice() {
            let other = if a == user { b } else { a };
            pairs.push((room, other.clone()));
        }
    }
    Ok(pairs)
}

/// Puts away what others have of their conversations with a user who may not log in any more, or takes it out again
/// where both may (contract, conventions 7.4).
fn silence(tx: &mut Tx, event: &Applied, user: &UserId, silent: bool) -> rusqlite::Result<()> {
    for (room, other) in pairs_of(tx, user)? {
        if silent {
            change(tx, event, &room, &other, |doc| doc.archived = Some(true))?;
        } else if tx
            .users
            .get(&tx.conn, &other)?
            .is_some_and(UserRow::is_active)
        {
            for side in [user, &other] {
                change(tx, event, &room, side, |doc| {
                    if doc.archived == Some(true) {
                        doc.archived = Some(false);
                    }
                })?;
            }
        }
    }
    Ok(())
}

/// A user has other custom fields: their direct messages have copies.
fn describe_user(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    let fields = tx
        .users
        .get(&tx.conn, user)?
        .and_then(|row| row.custom_fields().cloned());
    for room in rooms_of(tx, user)? {
        let direct = tx
            .rooms
            .get(&tx.conn, &room)?
            .is_some_and(|row| row.kind() == RoomKind::Direct);
        if direct {
            change(tx, event, &room, user, |doc| {
                doc.custom_fields.clone_from(&fields);
            })?;
        }
    }
    Ok(())
}

fn member(
    tx: &mut Tx,
    event: &Applied,
    membership_event: &MembershipEvent,
) -> rusqlite::Result<()> {
    match membership_event {
        MembershipEvent::MemberJoined(joined) => join(tx, event, joined),
        MembershipEvent::MemberLeft(left) => remove(tx, event, &left.room, &left.user),
        MembershipEvent::MemberRemoved(removed) => remove(tx, event, &removed.room, &removed.user),
        MembershipEvent::RoomRoleGranted(granted) => {
            tx.stale
                .memberships
                .insert((granted.room.clone(), granted.user.clone()));
            change(tx, event, &granted.room, &granted.user, |doc| {
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
            change(tx, event, &revoked.room, &revoked.user, |doc| {
                doc.roles
                    .iter_mut()
                    .for_each(|roles| roles.retain(|role| *role != revoked.role));
            })
        }
        MembershipEvent::ReadCursorMoved(read) => {
            change(tx, event, &read.room, &read.user, |doc| {
                if read.threads {
                    doc.thread_unread.clear();
                    doc.thread_unread_user.clear();
                    doc.thread_unread_group.clear();
                }
                doc.alert = doc.alert && !doc.thread_unread.is_empty();
                doc.open = true;
                doc.seen_to(read.at);
            })
        }
        MembershipEvent::MarkedUnread(marked) => {
            change(tx, event, &marked.room, &marked.user, |doc| {
                doc.open = true;
                doc.alert = true;
                doc.seen = Some(Date(marked.cursor));
            })
        }
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
    }
}

fn room(tx: &mut Tx, event: &Applied, room_event: &RoomEvent) -> rusqlite::Result<()> {
    match room_event {
        RoomEvent::RoomRenamed(renamed) => change_all(tx, event, &renamed.room, |doc| {
            doc.name = Some(CompactString::new(&renamed.name));
            doc.display = Some(CompactString::new(&renamed.display_name));
            doc.alert = true;
        }),
        RoomEvent::RoomArchived(archived) => change_all(tx, event, &archived.room, |doc| {
            doc.archived = Some(true);
            doc.open = false;
            doc.alert = false;
        }),
        RoomEvent::RoomUnarchived(unarchived) => change_all(tx, event, &unarchived.room, |doc| {
            doc.archived = Some(false);
            doc.open = true;
            doc.alert = false;
        }),
        RoomEvent::RoomDeleted(deleted) => remove_all(tx, event, &deleted.room),
        RoomEvent::RoomKeyChanged(changed) if changed.reset => {
            change_all(tx, event, &changed.room, MembershipDoc::forget_keys)
        }
        RoomEvent::RoomCreated(_)
        | RoomEvent::TopicChanged(_)
        | RoomEvent::DescriptionChanged(_)
        | RoomEvent::AnnouncementChanged(_)
        | RoomEvent::ReadOnlyChanged(_)
        | RoomEvent::RoomKeyChanged(_) => Ok(()),
    }
}

/// Makes somebody a member, with the first values of their way in (contract, rooms 2.2).
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
        Joining::Joined | Joining::Added { .. } | Joining::Default
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
        custom_fields: room.custom_fields().cloned(),
        desktop_notifications: None,
        desktop_pref_origin: None,
        mobile_push_notifications: None,
        mobile_pref_origin: None,
        email_notifications: None,
        email_pref_origin: None,
        user_highlights: Vec::new(),
        room_key: None,
        suggested_key: None,
        auto_translate: None,
        auto_translate_language: None,
        updated_at: Date(event.recorded_at),
    };
    if called.kind == RoomKind::Direct {
        doc.name_others(tx, &participants)?;
    }
    if let Some(row) = tx.users.get(&tx.conn, &joined.user)? {
        if called.kind == RoomKind::Direct {
            doc.custom_fields = row.custom_fields().cloned();
        }
        if let Some(preferences) = row.preferences() {
            doc.prefer(preferences);
        }
    }
    tx.stale.memberships.insert(key.clone());
    let quiet = doc.is_quiet();
    let position = number(event.position);
    tx.memberships
        .insert_new(key, MembershipRow { doc, position });
    if let Some(members) = tx
        .rosters
        .get_mut(&joined.room)
        .and_then(|roster| roster.members.as_mut())
    {
        members.insert(joined.user.clone());
    }
    note_quiet(tx, &joined.room, &joined.user, quiet);
    Ok(())
}

/// Ends a membership.
fn remove(tx: &mut Tx, event: &Applied, room: &RoomId, user: &UserId) -> rusqlite::Result<()> {
    let key = (room.clone(), user.clone());
    let Some(row) = tx.memberships.remove(&tx.conn, &key)? else {
        return Ok(());
    };
    tombstones::bury(
        tx,
        event,
        Kind::Membership,
        &row.doc.id,
        Some(room),
        Some(user),
    )?;
    tx.stale.memberships.insert(key);
    if let Some(roster) = tx.rosters.get_mut(room) {
        for set in [&mut roster.quiet, &mut roster.members]
            .into_iter()
            .flatten()
        {
            set.remove(user);
        }
    }
    Ok(())
}

/// Ends all memberships of a room that is gone.
fn remove_all(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    for user in tx.members(room)?.clone() {
        remove(tx, event, room, &user)?;
    }
    tx.rosters.remove(room);
    Ok(())
}

/// Changes one membership, if there is one.
fn change(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
    change: impl FnOnce(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    let Some(row) = tx
        .memberships
        .get_mut(&tx.conn, &(room.clone(), user.clone()))?
    else {
        return Ok(());
    };
    let was = row.doc.is_quiet();
    change(&mut row.doc);
    row.doc.updated_at = Date(event.recorded_at);
    let quiet = row.doc.is_quiet();
    if was != quiet {
        note_quiet(tx, room, user, quiet);
    }
    Ok(())
}

/// Changes every membership of a room.
fn change_all(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    how: impl Fn(&mut MembershipDoc),
) -> rusqlite::Result<()> {
    for user in tx.members(room)?.clone() {
        change(tx, event, room, &user, &how)?;
    }
    Ok(())
}

/// Keeps the set of quiet members, where it is loaded.
fn note_quiet(tx: &mut Tx, room: &RoomId, user: &UserId, quiet: bool) {
    if let Some(set) = tx
        .rosters
        .get_mut(room)
        .and_then(|roster| roster.quiet.as_mut())
    {
        if quiet {
            set.insert(user.clone());
        } else {
            set.remove(user);
        }
    }
}

/// What a message means to the members (contract, rooms 2.3, messages 4.1 and 4.2).
fn message(tx: &mut Tx, event: &Applied, posted: &MessagePosted) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let Some(direct) = tx
        .rooms
        .get(&tx.conn, room)?
        .map(|row| row.kind() == RoomKind::Direct)
    else {
        return Ok(());
    };
    let group = posted
        .content
        .mentions
        .iter()
        .any(|mention| !matches!(mention, Mention::User(_)));
    let mentioned: Vec<UserId> = posted
        .content
        .mentions
        .iter()
        .filter_map(|mention| match mention {
            Mention::User(user) if user != author => Some(user.clone()),
            _ => None,
        })
        .collect();

    // Sending marks the room read for the sender.
    change(tx, event, room, author, |doc| {
        doc.open = true;
        doc.alert = false;
        doc.seen_to(posted.at);
        if posted.thread.is_some() {
            doc.last_reply = Some(Date(posted.at));
        }
    })?;
    if let Some(thread) = &posted.thread {
        follow(tx, event, posted, thread, &mentioned, group)?;
        if !posted.shown_in_room {
            return Ok(());
        }
    } else {
        count(tx, event, posted, direct, &mentioned, group)?;
    }
    // Everybody else sees the room alerted: only those who do not yet are touched.
    let quiet: Vec<UserId> = tx
        .quiet(room)?
        .iter()
        .filter(|user| *user != author)
        .cloned()
        .collect();
    for user in quiet {
        change(tx, event, room, &user, MembershipDoc::alert)?;
    }
    Ok(())
}

/// Raises the counters.
fn count(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    direct: bool,
    mentioned: &[UserId],
    group: bool,
) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let counting = if direct {
        tx.policy.direct
    } else {
        tx.policy.room
    };
    for user in mentioned {
        change(tx, event, room, user, |doc| {
            doc.user_mentions += 1;
            doc.unread += i64::from(counting.user_mentions);
            doc.alert();
        })?;
    }
    // Direct mentions win over group mentions.
    let everybody = if group {
        mentioned.is_empty()
    } else {
        counting.all
    };
    if !everybody {
        return Ok(());
    }
    let others: Vec<UserId> = tx
        .members(room)?
        .iter()
        .filter(|user| *user != author && !mentioned.contains(user))
        .cloned()
        .collect();
    for user in others {
        change(tx, event, room, &user, |doc| {
            if group {
                doc.group_mentions += 1;
                doc.unread += i64::from(counting.group_mentions);
            } else {
                doc.unread += 1;
            }
            doc.alert();
        })?;
    }
    Ok(())
}

/// A reply: those it concerns see the room alerted, those who follow the thread see it unread.
fn follow(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    thread: &MessageId,
    mentioned: &[UserId],
    group: bool,
) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let (audience, mut followers) = match &mut tx.posted {
        Some(scratch) => (
            std::mem::take(&mut scratch.audience),
            std::mem::take(&mut scratch.followers),
        ),
        None => (Vec::new(), Vec::new()),
    };
    for user in &audience {
        change(tx, event, room, user, |doc| {
            doc.alert();
            doc.last_reply = Some(Date(posted.at));
        })?;
    }
    followers.extend(
        mentioned
            .iter()
            .filter(|user| !followers.contains(user))
            .cloned()
            .collect::<Vec<_>>(),
    );
    for user in followers.iter().filter(|user| *user != author) {
        change(tx, event, room, user, |doc| {
            let add = |list: &mut Vec<MessageId>| {
                if !list.contains(thread) {
                    list.push(thread.clone());
                }
            };
            add(&mut doc.thread_unread);
            if mentioned.contains(user) {
                add(&mut doc.thread_unread_user);
            } else if group {
                add(&mut doc.thread_unread_group);
            }
        })?;
    }
    Ok(())
}

/// Whether a member owns the room; `None`: not a member.
pub(crate) fn owns(tx: &mut Tx, room: &RoomId, user: &UserId) -> rusqlite::Result<Option<bool>> {
    Ok(tx
        .memberships
        .get(&tx.conn, &(room.clone(), user.clone()))?
        .map(MembershipRow::is_owner))
}

/// The rooms a user is a member of.
pub(crate) fn rooms_of(tx: &mut Tx, user: &UserId) -> rusqlite::Result<Vec<RoomId>> {
    tx.need("memberships_user")?;
    tx.memberships.flush(&tx.conn)?;
    tx.conn
        .prepare_cached("SELECT room FROM memberships WHERE user = ?1 ORDER BY room")?
        .query_map([user.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect()
}

/// A user is called differently: their memberships say so, and direct messages are named after them.
fn rename_user(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    let called = UserRef::full(tx, user)?;
    for room in rooms_of(tx, user)? {
        change(tx, event, &room, user, |doc| doc.user = called.clone())?;
        name_direct(tx, event, &room)?;
    }
    Ok(())
}

/// Names a direct message anew for all who are in it.
fn name_direct(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    let participants = tx
        .rooms
        .get(&tx.conn, room)?
        .map(rooms::RoomRow::participants)
        .unwrap_or_default();
    if participants.is_empty() {
        return Ok(());
    }
    for member in tx.members(room)?.clone() {
        let key = (room.clone(), member.clone());
        let Some(mut doc) = tx
            .memberships
            .get(&tx.conn, &key)?
            .map(|row| row.doc.clone())
        else {
            continue;
        };
        let before = (doc.name.clone(), doc.display.clone());
        doc.name_others(tx, &participants)?;
        if before != (doc.name.clone(), doc.display.clone()) {
            change(tx, event, room, &member, |old| {
                old.name = doc.name;
                old.display = doc.display;
            })?;
        }
    }
    Ok(())
}

/// A deleted account leaves its rooms; direct messages between two go altogether (contract, conventions 7.4).
fn user_gone(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    for room in rooms_of(tx, user)? {
        let Some(row) = tx.rooms.get(&tx.conn, &room)? else {
            continue;
        };
        let (direct, participants) = (row.kind() == RoomKind::Direct, row.participants().len());
        if direct && participants <= 2 {
            messages::delete_room(tx, &room)?;
            remove_all(tx, event, &room)?;
            rooms::delete(tx, event, &room)?;
            continue;
        }
        let owner = owns(tx, &room, user)?.unwrap_or(false);
        remove(tx, event, &room, user)?;
        if direct {
            rooms::participant_gone(tx, event, &room, user)?;
            name_direct(tx, event, &room)?;
        } else {
            rooms::members_changed(tx, event, &room, -1, -i64::from(owner))?;
        }
    }
    Ok(())
}

/// The wire document (contract, rooms 2.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MembershipDoc {
    #[serde(rename = "_id")]
    id: CompactString,
    rid: RoomId,
    #[serde(rename = "t")]
    kind: CompactString,
    #[serde(rename = "u")]
    user: UserRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    #[serde(rename = "fname", default, skip_serializing_if = "Option::is_none")]
    display: Option<CompactString>,
    #[serde(rename = "ts", default, skip_serializing_if = "Option::is_none")]
    since: Option<Date>,
    #[serde(rename = "ls", default, skip_serializing_if = "Option::is_none")]
    seen: Option<Date>,
    #[serde(rename = "lr", default, skip_serializing_if = "Option::is_none")]
    last_reply: Option<Date>,
    open: bool,
    alert: bool,
    unread: i64,
    user_mentions: i64,
    group_mentions: i64,
    #[serde(rename = "tunread", default, skip_serializing_if = "Vec::is_empty")]
    thread_unread: Vec<MessageId>,
    #[serde(rename = "tunreadUser", default, skip_serializing_if = "Vec::is_empty")]
    thread_unread_user: Vec<MessageId>,
    #[serde(
        rename = "tunreadGroup",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    thread_unread_group: Vec<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<RoleId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desktop_notifications: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desktop_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mobile_push_notifications: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mobile_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_notifications: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    user_highlights: Vec<String>,
    #[serde(rename = "E2EKey", default, skip_serializing_if = "Option::is_none")]
    room_key: Option<String>,
    #[serde(
        rename = "E2ESuggestedKey",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    suggested_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auto_translate: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auto_translate_language: Option<String>,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

/// Where a choice for a room comes from: what its user wants everywhere, or this room's own.
const FROM_USER: &str = "user";
const FROM_ROOM: &str = "subscription";

/// Copies what a user wants everywhere, unless the room has a choice of its own. `default` takes a copy back.
fn copy_choice(
    choice: &mut Option<CompactString>,
    origin: &mut Option<CompactString>,
    wanted: &str,
) {
    if origin.as_deref() == Some(FROM_ROOM) {
        return;
    }
    if wanted != "default" {
        *choice = Some(CompactString::new(wanted));
        *origin = Some(CompactString::const_new(FROM_USER));
    } else if origin.as_deref() == Some(FROM_USER) {
        *choice = None;
        *origin = None;
    }
}

impl MembershipDoc {
    /// Follows preferences of the user (contract, conventions 7.3).
    fn prefer(&mut self, preferences: &Map<String, Value>) {
        let text = |name: &str| preferences.get(name).and_then(Value::as_str);
        if let Some(wanted) = text("desktopNotifications") {
            let origin = &mut self.desktop_pref_origin;
            copy_choice(&mut self.desktop_notifications, origin, wanted);
        }
        if let Some(wanted) = text("pushNotifications") {
            let origin = &mut self.mobile_pref_origin;
            copy_choice(&mut self.mobile_push_notifications, origin, wanted);
        }
        if let Some(wanted) = text("emailNotificationMode") {
            let origin = &mut self.email_pref_origin;
            copy_choice(&mut self.email_notifications, origin, wanted);
        }
        if let Some(Value::Array(words)) = preferences.get("highlights") {
            let words = words.iter().filter_map(Value::as_str);
            self.user_highlights = words.map(str::to_owned).collect();
        }
    }

    fn forget_keys(&mut self) {
        self.room_key = None;
        self.suggested_key = None;
    }

    /// A new message would change it.
    fn is_quiet(&self) -> bool {
        !(self.alert && self.open)
    }

    fn alert(&mut self) {
        self.alert = true;
        self.open = true;
    }

    fn seen_to(&mut self, at: Timestamp) {
        self.unread = 0;
        self.user_mentions = 0;
        self.group_mentions = 0;
        self.seen = Some(Date(at));
    }

    /// Names a direct message after the others in it; one with oneself after oneself.
    fn name_others(
        &mut self,
        names: &mut dyn Names,
        participants: &[UserId],
    ) -> rusqlite::Result<()> {
        let (mut usernames, mut shown) = (Vec::new(), Vec::new());
        let alone = participants.iter().all(|user| *user == self.user.id);
        for user in participants
            .iter()
            .filter(|user| alone || **user != self.user.id)
        {
            let user = UserRef::full(names, user)?;
            shown.push(user.name.unwrap_or_else(|| user.username.clone()));
            usernames.push(user.username);
        }
        self.name = Some(usernames.join(", ").into());
        self.display = Some(shown.join(", ").into());
        Ok(())
    }
}

/// A row of `memberships`.
#[derive(Clone)]
pub(crate) struct MembershipRow {
    doc: MembershipDoc,
    /// Where in the log the user joined: who is in the room the longest has the smallest.
    position: i64,
}

impl MembershipRow {
    fn is_owner(&self) -> bool {
        self.doc
            .roles
            .iter()
            .flatten()
            .any(|role| role.as_str() == OWNER)
    }

    fn write(
        &self,
        conn: &Connection,
        sql: &'static str,
        key: &(RoomId, UserId),
    ) -> rusqlite::Result<()> {
        let doc = &self.doc;
        conn.prepare_cached(sql)?.execute(params![
            key.0.as_str(),
            key.1.as_str(),
            doc.id.as_str(),
            doc.open,
            doc.alert,
            doc.is_quiet(),
            doc.unread,
            doc.user_mentions,
            doc.group_mentions,
            doc.seen.map(|seen| seen.0.as_millis()),
            self.is_owner(),
            doc.roles.as_ref().is_some_and(|roles| !roles.is_empty()),
            doc.updated_at.0.as_millis(),
            json::encode(doc)?,
            self.position,
        ])?;
        Ok(())
    }
}

impl Row for MembershipRow {
    type Key = (RoomId, UserId);

    fn load(conn: &Connection, key: &Self::Key) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached("SELECT doc, position FROM memberships WHERE room = ?1 AND user = ?2")?
            .query_row([key.0.as_str(), key.1.as_str()], |row| {
                Ok(Self {
                    doc: json::decode(row.get_ref(0)?.as_bytes()?)?,
                    position: row.get(1)?,
                })
            })
            .optional()
    }

    fn insert(&self, conn: &Connection, key: &Self::Key) -> rusqlite::Result<()> {
        self.write(
            conn,
            "INSERT INTO memberships (room, user, id, open, alert, quiet, unread, user_mentions, group_mentions,
                seen, owner, roles, updated_at, doc, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            key,
        )
    }

    fn update(&self, conn: &Connection, key: &Self::Key) -> rusqlite::Result<()> {
        self.write(
            conn,
            "UPDATE memberships SET id = ?3, open = ?4, alert = ?5, quiet = ?6, unread = ?7, user_mentions = ?8,
                group_mentions = ?9, seen = ?10, owner = ?11, roles = ?12, updated_at = ?13, doc = ?14, position = ?15
             WHERE room = ?1 AND user = ?2",
            key,
        )
    }

    fn delete(&self, conn: &Connection, key: &Self::Key) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM memberships WHERE room = ?1 AND user = ?2")?
            .execute([key.0.as_str(), key.1.as_str()])?;
        Ok(())
    }
}

/// A membership as the views have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRecord {
    /// The wire document (contract, rooms 2.1).
    pub doc: Bytes,
    /// The changing part.
    pub view: MembershipView,
    /// How many messages count as unread.
    pub unread: u64,
    /// How many of them call the user.
    pub user_mentions: u64,
}

/// A member with roles in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHolder {
    /// The wire `_id` of the membership.
    pub id: String,
    /// Who.
    pub user: UserId,
    /// Their user name.
    pub username: String,
    /// The name people go by.
    pub name: Option<String>,
    /// Which roles.
    pub roles: Vec<RoleId>,
}

/// Which members of a room are wanted.
#[derive(Clone, Debug)]
pub struct MemberQuery {
    /// The room.
    pub room: RoomId,
    /// Only those whose user name, name, nickname or bio contain this, without regard to case.
    pub filter: Option<String>,
    /// Last first; the order is by user name.
    pub descending: bool,
    /// Which part.
    pub slice: Slice,
}

impl Views {
    /// How much a user has not read, in all rooms that are not archived.
    pub async fn unread_total(&self, user: &UserId) -> Result<u64, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT coalesce(sum(unread), 0) FROM memberships WHERE user = ?1
                 AND coalesce(json_extract(doc, '$.archived'), 0) = 0",
            )?
            .query_row([user.as_str()], |row| unsigned(row, 0))
        })
        .await
    }

    /// What rules need to know of a user's place in a room; `None`: not a member. Cached.
    pub async fn membership_facts(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<Arc<MembershipFacts>>, QueryError> {
        let key = (room.clone(), user.clone());
        let wanted = key.clone();
        self.facts()
            .memberships
            .get(&key, || {
                self.read(move |conn| {
                    let row = MembershipRow::load(conn, &wanted)?;
                    Ok(row.map(|row| {
                        Arc::new(MembershipFacts {
                            roles: row.doc.roles.unwrap_or_default(),
                            blocked: false,
                        })
                    }))
                })
            })
            .await
    }

    /// One membership; `None`: not a member.
    pub async fn membership(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<MembershipRecord>, QueryError> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT doc, open, alert, unread, user_mentions, group_mentions, seen FROM memberships
                 WHERE room = ?1 AND user = ?2",
            )?
            .query_row([room.as_str(), user.as_str()], |row| {
                let (unread, user_mentions) = (unsigned(row, 3)?, unsigned(row, 4)?);
                let group_mentions = unsigned(row, 5)?;
                let alert: bool = row.get(2)?;
                let view = MembershipView {
                    open: row.get(1)?,
                    unread: alert || unread + user_mentions + group_mentions > 0,
                    cursor: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
                };
                Ok(MembershipRecord { doc: json::column(row, 0)?, view, unread, user_mentions })
            })
            .optional()
        })
        .await
    }

    /// A user's memberships that changed after `since`, and those that ended after it. Without `since`: all.
    pub async fn memberships_sync(
        &self,
        user: &UserId,
        since: Option<Timestamp>,
    ) -> Result<Sync, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let update = conn
                .prepare_cached(
                    "SELECT doc FROM memberships WHERE user = ?1 AND updated_at > ?2 ORDER BY room",
                )?
                .query_map(
                    params![user.as_str(), since.map_or(i64::MIN, Timestamp::as_millis)],
                    |row| json::column(row, 0),
                )?
                .collect::<rusqlite::Result<_>>()?;
            let remove = match since {
                Some(since) => tombstones::since(conn, Kind::Membership, Some(&user), since)?,
                None => Vec::new(),
            };
            Ok(Sync { update, remove })
        })
        .await
    }

    /// Documents of the users in a room that may log in.
    pub async fn members(&self, query: MemberQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let filter = query.filter.map(|filter| filter.to_lowercase());
            let matching = "memberships.room = ?1 AND users.active = 1 AND (?2 IS NULL OR instr(search, ?2) > 0)";
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let values = params![query.room.as_str(), filter];
            let items = conn
                .prepare_cached(&format!(
                    "SELECT users.doc FROM memberships JOIN users ON users.id = memberships.user WHERE {matching}
                     ORDER BY username_key {direction}, users.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(values, |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!(
                    "SELECT count(*) FROM memberships JOIN users ON users.id = memberships.user WHERE {matching}"
                ))?
                .query_row(values, |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// The members of a room that hold a role in it, by user name.
    pub async fn role_holders(&self, room: &RoomId) -> Result<Vec<RoleHolder>, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            let mut holders: Vec<RoleHolder> = conn
                .prepare_cached("SELECT doc FROM memberships WHERE room = ?1 AND roles = 1")?
                .query_map([room.as_str()], |row| {
                    let doc: MembershipDoc = json::decode(row.get_ref(0)?.as_bytes()?)?;
                    Ok(RoleHolder {
                        id: doc.id.into_string(),
                        user: doc.user.id,
                        username: doc.user.username.into_string(),
                        name: doc.user.name.map(CompactString::into_string),
                        roles: doc.roles.unwrap_or_default(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            holders.sort_by(|a, b| (&a.username, &a.user).cmp(&(&b.username, &b.user)));
            Ok(holders)
        })
        .await
    }

    /// Who of those that may log in is in a room the longest, `except` left out.
    pub async fn longest_member(
        &self,
        room: &RoomId,
        except: &UserId,
    ) -> Result<Option<UserId>, QueryError> {
        let (room, except) = (room.clone(), except.clone());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT memberships.user FROM memberships JOIN users ON users.id = memberships.user
                 WHERE memberships.room = ?1 AND users.active = 1 AND memberships.user <> ?2
                 ORDER BY memberships.position LIMIT 1",
            )?
            .query_row([room.as_str(), except.as_str()], |row| {
                Ok(UserId::new(row.get_ref(0)?.as_str()?))
            })
            .optional()
        })
        .await
    }

    /// The owners of a room.
    pub async fn owners(&self, room: &RoomId) -> Result<Vec<UserId>, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT user FROM memberships WHERE room = ?1 AND owner = 1 ORDER BY user",
            )?
            .query_map([room.as_str()], |row| {
                Ok(UserId::new(row.get_ref(0)?.as_str()?))
            })?
            .collect()
        })
        .await
    }
}
