//! The view of rooms.

mod queries;
mod selection;
mod standings;
pub(crate) mod teams;

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::membership::MembershipEvent;
use domain::room::{RoomCreated, RoomEvent, RoomKind};
use domain::user::UserEvent;
use domain::{Event, RoomId, UserId};

use crate::chat::access::memberships::{owns, pairs_of, rooms_of};
use crate::chat::access::rooms::{delete_room, members_changed, name_participants, tell_parent};
use crate::chat::system_messages::announcement;
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::membership::OWNER;
use crate::engine::rows::room::latest::Latest;
use crate::engine::rows::room::tail::Tail;
use crate::engine::rows::room::{Rest, RoomDoc, RoomRow};
use crate::engine::rows::user::UserRow;
use crate::engine::tx::{Roster, Tx};
use crate::iso::Date;
use crate::names::UserRef;
use crate::numbers::number;

pub use queries::RoomRecord;
pub use selection::{NameFilter, Parent, RoomQuery, RoomSort, Teams};
pub use teams::{TeamEntry, TeamRecord, TeamRoomQuery};

pub(crate) const VIEW: Projection = Projection {
    name: "rooms",
    version: 10,
    tables: "CREATE TABLE rooms (
        id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT,
        display TEXT,
        creator TEXT,
        participants TEXT,
        archived INTEGER NOT NULL,
        joined_by_default INTEGER NOT NULL,
        members INTEGER NOT NULL,
        owners INTEGER NOT NULL,
        msgs INTEGER NOT NULL,
        stored INTEGER NOT NULL,
        lm INTEGER,
        last_message TEXT,
        clock INTEGER NOT NULL,
        head INTEGER NOT NULL,
        born INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        doc BLOB NOT NULL,
        rest BLOB,
        join_code TEXT,
        -- Of discussions: the room they belong to, the message there that tells of them, and the one they are about.
        parent TEXT,
        announced_by TEXT,
        about TEXT,
        team TEXT,
        -- The main room of the team that it, or the room it is a discussion of, belongs to.
        main_room TEXT,
        auto_join INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE teams (
        id TEXT NOT NULL PRIMARY KEY,
        room TEXT NOT NULL,
        creator TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE standings (
        room TEXT NOT NULL,
        user TEXT NOT NULL,
        voice TEXT NOT NULL,
        banned INTEGER NOT NULL,
        PRIMARY KEY (room, user)
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("rooms_name", "rooms (name) WHERE name IS NOT NULL"),
        Index::new("rooms_kind", "rooms (kind, name)"),
        Index::new("rooms_creator", "rooms (creator) WHERE creator IS NOT NULL"),
        Index::new(
            "rooms_default",
            "rooms (created_at, id) WHERE joined_by_default = 1",
        ),
        Index::new(
            "rooms_participants",
            "rooms (participants) WHERE participants IS NOT NULL",
        ),
        standings::BY_USER,
        Index::new("rooms_updated", "rooms (updated_at)"),
        Index::new("rooms_parent", "rooms (parent) WHERE parent IS NOT NULL"),
        teams::BY_MAIN_ROOM,
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    count_message(tx, event)?;
    match &event.event {
        Event::Room(RoomEvent::RoomCreated(created)) => create(tx, event, created),
        Event::Room(RoomEvent::RoomDeleted(deleted)) => {
            teams::dissolve(tx, event, &deleted.room)?;
            delete_room(tx, event, &deleted.room)
        }
        Event::Room(
            of_team @ (RoomEvent::TeamCreated(_)
            | RoomEvent::TeamDissolved(_)
            | RoomEvent::RoomAddedToTeam(_)
            | RoomEvent::RoomRemovedFromTeam(_)
            | RoomEvent::TeamAutoJoinChanged(_)),
        ) => teams::apply(tx, event, of_team),
        Event::Room(room_event) => change(tx, event, room_event),
        Event::Avatar(avatar) => show(tx, event, avatar),
        Event::Membership(MembershipEvent::MemberJoined(joined)) => {
            let known = tx
                .memberships
                .get(&tx.conn, &(joined.room.clone(), joined.user.clone()))?
                .is_some();
            if known {
                return Ok(());
            }
            let owner = joined.roles.iter().any(|role| role.as_str() == OWNER);
            let counted = i64::from(is_counted(tx, &joined.user)?);
            members_changed(tx, event, &joined.room, counted, i64::from(owner))
        }
        Event::Membership(MembershipEvent::MemberLeft(left)) => {
            member_gone(tx, event, &left.room, &left.user)
        }
        Event::Membership(MembershipEvent::MemberRemoved(removed)) => {
            member_gone(tx, event, &removed.room, &removed.user)
        }
        Event::Membership(MembershipEvent::RoomRoleGranted(granted))
            if granted.role.as_str() == OWNER =>
        {
            if owns(tx, &granted.room, &granted.user)? == Some(false) {
                members_changed(tx, event, &granted.room, 0, 1)?;
            }
            Ok(())
        }
        Event::Membership(MembershipEvent::RoomRoleRevoked(revoked))
            if revoked.role.as_str() == OWNER =>
        {
            if owns(tx, &revoked.room, &revoked.user)? == Some(true) {
                members_changed(tx, event, &revoked.room, 0, -1)?;
            }
            Ok(())
        }
        Event::Membership(
            standing @ (MembershipEvent::MemberMuted(_)
            | MembershipEvent::MemberUnmuted(_)
            | MembershipEvent::UserBannedFromRoom(_)
            | MembershipEvent::UserUnbannedFromRoom(_)),
        ) => standings::apply(tx, event, standing),
        Event::User(UserEvent::UsernameChanged(changed)) => {
            standings::rename(tx, event, &changed.user)?;
            rename_user(tx, event, &changed.user)
        }
        Event::User(UserEvent::UserDeleted(deleted)) => standings::forget(tx, event, &deleted.user),
        Event::User(UserEvent::UserActivated(activated)) => {
            if tx.was_active == Some(false) {
                count_everywhere(tx, event, &activated.user, 1)?;
            }
            silence(tx, event, &activated.user, false)
        }
        Event::User(UserEvent::UserDeactivated(deactivated)) => {
            if tx.was_active == Some(true) {
                count_everywhere(tx, event, &deactivated.user, -1)?;
            }
            if deactivated.idle {
                return Ok(());
            }
            silence(tx, event, &deactivated.user, true)
        }
        _ => Ok(()),
    }
}

/// Conversations between two are read-only while one of them may not log in (contract, conventions 7.4).
fn silence(tx: &mut Tx, event: &Applied, user: &UserId, silent: bool) -> rusqlite::Result<()> {
    for (room, other) in pairs_of(tx, user)? {
        let both = tx
            .users
            .get(&tx.conn, &other)?
            .is_some_and(UserRow::is_active);
        if !silent && !both {
            continue;
        }
        tx.stale.rooms.insert(room.clone());
        if let Some(row) = tx.rooms.get_mut(&tx.conn, &room)? {
            row.doc.read_only = silent;
            row.doc.updated_at = Date(event.recorded_at);
        }
    }
    Ok(())
}

/// Counts the message just added (contract, rooms 1.5).
fn count_message(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Some(posted) = &tx.posted else {
        return Ok(());
    };
    let Some(row) = tx.rooms.get_mut(&tx.conn, &posted.room)? else {
        return Ok(());
    };
    // The quote that opens a discussion is what it is about, and not counted (contract, teams 2).
    let opens = row.about.is_some() && posted.before == row.born;
    row.doc.msgs += i64::from(!opens);
    row.stored += 1;
    row.doc.updated_at = Date(event.recorded_at);
    if !posted.system && posted.shown {
        let at = Date(posted.at);
        row.doc.lm = Some(row.doc.lm.map_or(at, |lm| lm.max(at)));
        if posted.plain {
            row.latest.posted(at, &posted.id);
        }
        if tx.policy.store_last_message {
            row.last = Some((posted.id.clone(), posted.doc.clone()));
        }
    }
    if posted.system || opens {
        return Ok(());
    }
    let room = posted.room.clone();
    tell_parent(tx, event, &room)
}

fn create(tx: &mut Tx, event: &Applied, created: &RoomCreated) -> rusqlite::Result<()> {
    let direct = created.kind == RoomKind::Direct;
    let creator = match &created.creator {
        Some(creator) if !direct => Some(UserRef::short(tx, creator)?),
        _ => None,
    };
    let discussion = created.discussion.as_deref();
    let mut doc = RoomDoc {
        id: created.room.clone(),
        kind: created.kind.letter().into(),
        name: created.name.as_deref().map(CompactString::new),
        display: created.display_name.as_deref().map(CompactString::new),
        creator,
        created_at: Date(created.at),
        updated_at: Date(event.recorded_at),
        msgs: 0,
        members: 0,
        lm: None,
        read_only: created.read_only,
        react_when_read_only: None,
        hidden_system_messages: Vec::new(),
        broadcast: created.broadcast.then_some(true),
        default: created.default.then_some(true),
        encrypted: created.encrypted.then_some(true),
        key_id: None,
        topic: created.topic.clone(),
        description: created.description.clone(),
        announcement: created.announcement.clone(),
        announcement_details: None,
        join_code_required: None,
        retention: None,
        streaming_options: None,
        muted: Vec::new(),
        unmuted: Vec::new(),
        custom_fields: created.custom_fields.clone(),
        archived: None,
        parent: discussion.map(|discussion| discussion.parent.clone()),
        team: None,
        team_main: None,
        avatar_etag: None,
        participants: direct.then(|| created.participants.clone()),
        usernames: None,
        last: None,
        rest: Rest::default(),
    };
    doc.name_participants(tx)?;
    let main_room = match &doc.parent {
        Some(parent) => {
            let parent = tx.rooms.get(&tx.conn, parent)?;
            parent.and_then(|parent| parent.main_room.clone())
        }
        None => None,
    };
    let position = number(event.position);
    let clock = tx
        .rooms
        .get(&tx.conn, &created.room)?
        .map_or(created.at, |row| row.clock.max(created.at));
    let row = RoomRow {
        doc,
        owners: 0,
        join_code: None,
        announced_by: announcement(event, created).map(|posted| posted.message),
        about: discussion.and_then(|discussion| discussion.message.clone()),
        main_room,
        stored: 0,
        last: None,
        latest: Latest::none(),
        clock,
        head: position,
        born: position,
        tail: Tail::after(position, clock),
    };
    tx.rooms.put(&tx.conn, created.room.clone(), row)?;
    // A new room has no members yet: nothing to look up later.
    let nobody = Roster {
        quiet: Some(BTreeSet::new()),
        members: Some(BTreeSet::new()),
        keen: Some(BTreeMap::new()),
        cursors: None,
    };
    tx.rosters.insert(created.room.clone(), nobody);
    tx.stale.rooms.insert(created.room.clone());
    Ok(())
}

fn change(tx: &mut Tx, event: &Applied, room_event: &RoomEvent) -> rusqlite::Result<()> {
    let room = room_event.room();
    if let RoomEvent::RoomRenamed(_) | RoomEvent::RoomVisibilityChanged(_) = room_event {
        teams::touch(tx, event, room)?;
    }
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    let doc = &mut row.doc;
    doc.updated_at = Date(event.recorded_at);
    match room_event {
        RoomEvent::RoomRenamed(e) => {
            let old = doc.name.replace(CompactString::new(&e.name));
            doc.display = Some(CompactString::new(&e.display_name));
            if let Some(old) = old.filter(|old| *old != e.name) {
                return rename_parent(tx, event, room, &old, &e.name);
            }
        }
        RoomEvent::TopicChanged(e) => doc.topic = Some(e.text.clone()),
        RoomEvent::DescriptionChanged(e) => doc.description = Some(e.text.clone()),
        RoomEvent::AnnouncementChanged(e) => {
            doc.announcement = Some(e.text.clone());
            doc.announcement_details.clone_from(&e.details);
        }
        RoomEvent::ReadOnlyChanged(e) => doc.read_only = e.read_only,
        RoomEvent::RoomArchived(_) => doc.archived = Some(true),
        RoomEvent::RoomUnarchived(_) => doc.archived = Some(false),
        RoomEvent::RoomKeyChanged(e) => doc.key_id = Some(e.key_id.clone()),
        RoomEvent::RoomVisibilityChanged(e) => {
            doc.kind = e.kind.letter().into();
            doc.default = doc.default.filter(|_| e.kind == RoomKind::Channel);
        }
        RoomEvent::ReactingInReadOnlyChanged(e) => doc.react_when_read_only = Some(e.allowed),
        RoomEvent::HiddenSystemMessagesChanged(e) => {
            doc.hidden_system_messages.clone_from(&e.kinds);
        }
        RoomEvent::DefaultRoomChanged(e) => doc.default = Some(e.default),
        RoomEvent::FeaturedRoomChanged(e) => doc.rest.featured = e.featured.then_some(true),
        RoomEvent::DefaultFavouriteChanged(e) => {
            doc.rest.favourite = e.favourite.then_some(true);
        }
        RoomEvent::JoinCodeSet(e) => {
            doc.join_code_required = Some(true);
            row.join_code = Some(e.code.clone());
        }
        RoomEvent::JoinCodeRemoved(_) => {
            doc.join_code_required = Some(false);
            row.join_code = None;
        }
        RoomEvent::RoomEncryptionChanged(e) => doc.encrypted = Some(e.encrypted),
        RoomEvent::RoomCustomFieldsChanged(e) => doc.custom_fields = Some(e.fields.clone()),
        RoomEvent::RetentionChanged(e) => doc.retention = Some((&e.retention).into()),
        RoomEvent::StreamingOptionsChanged(e) => doc.streaming_options = Some(e.options.clone()),
        RoomEvent::RoomCreated(_)
        | RoomEvent::RoomDeleted(_)
        | RoomEvent::HistoryPruned(_)
        | RoomEvent::TeamCreated(_)
        | RoomEvent::TeamDissolved(_)
        | RoomEvent::RoomAddedToTeam(_)
        | RoomEvent::RoomRemovedFromTeam(_)
        | RoomEvent::TeamAutoJoinChanged(_) => {}
    }
    Ok(())
}

/// The topic of a discussion is at first the name of the room it belongs to, and follows it (contract, rooms 4).
fn rename_parent(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    old: &str,
    new: &str,
) -> rusqlite::Result<()> {
    for discussion in discussions(tx, room)? {
        if let Some(row) = tx.rooms.get_mut(&tx.conn, &discussion)?
            && row.doc.topic.as_deref() == Some(old)
        {
            row.doc.topic = Some(new.to_owned());
            row.doc.updated_at = Date(event.recorded_at);
        }
    }
    Ok(())
}

/// The discussions of a room.
fn discussions(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<Vec<RoomId>> {
    tx.need("rooms_parent")?;
    tx.rooms.flush(&tx.conn)?;
    tx.conn
        .prepare_cached("SELECT id FROM rooms WHERE parent = ?1 ORDER BY id")?
        .query_map([room.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect()
}

/// The picture of a room was changed or removed.
fn show(tx: &mut Tx, event: &Applied, avatar: &AvatarEvent) -> rusqlite::Result<()> {
    let (owner, origin, etag) = match avatar {
        AvatarEvent::AvatarSet(set) => (&set.owner, Some(&*set.origin), Some(&*set.file.id)),
        AvatarEvent::AvatarReset(reset) => (&reset.owner, None, None),
    };
    let AvatarOwner::Room(room) = owner else {
        return Ok(());
    };
    tx.stale.rooms.insert(room.clone());
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.doc.rest.avatar_origin = origin.map(CompactString::new);
        row.doc.avatar_etag = etag.map(CompactString::new);
        row.doc.updated_at = Date(event.recorded_at);
    }
    Ok(())
}

fn member_gone(tx: &mut Tx, event: &Applied, room: &RoomId, user: &UserId) -> rusqlite::Result<()> {
    match owns(tx, room, user)? {
        Some(owner) => {
            let counted = i64::from(is_counted(tx, user)?);
            members_changed(tx, event, room, -counted, -i64::from(owner))
        }
        None => Ok(()),
    }
}

/// Whether a user counts as a member: only those who may log in do (contract, newer: counts).
fn is_counted(tx: &mut Tx, user: &UserId) -> rusqlite::Result<bool> {
    Ok(tx
        .users
        .get(&tx.conn, user)?
        .is_some_and(UserRow::is_active))
}

/// A user may log in again, or no longer: each of their rooms has one counted member more or less.
fn count_everywhere(
    tx: &mut Tx,
    event: &Applied,
    user: &UserId,
    members: i64,
) -> rusqlite::Result<()> {
    for room in rooms_of(tx, user)? {
        members_changed(tx, event, &room, members, 0)?;
    }
    Ok(())
}

/// A user was renamed: rooms show the name as their creator's, and direct messages as a participant's.
fn rename_user(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    tx.need("rooms_creator")?;
    tx.rooms.flush(&tx.conn)?;
    let created: Vec<RoomId> = tx
        .conn
        .prepare_cached("SELECT id FROM rooms WHERE creator = ?1 ORDER BY id")?
        .query_map([user.as_str()], |row| {
            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let username = UserRef::short(tx, user)?.username;
    for room in created {
        if let Some(row) = tx.rooms.get_mut(&tx.conn, &room)? {
            row.doc.updated_at = Date(event.recorded_at);
            if let Some(creator) = &mut row.doc.creator {
                creator.username.clone_from(&username);
            }
        }
    }
    for room in rooms_of(tx, user)? {
        let direct = tx
            .rooms
            .get(&tx.conn, &room)?
            .is_some_and(|row| row.doc.participants.is_some());
        if direct {
            if let Some(row) = tx.rooms.get_mut(&tx.conn, &room)? {
                row.doc.updated_at = Date(event.recorded_at);
            }
            name_participants(tx, &room)?;
        }
    }
    Ok(())
}
