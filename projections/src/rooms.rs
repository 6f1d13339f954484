//! The view of rooms.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::membership::MembershipEvent;
use domain::room::{RoomCreated, RoomEvent, RoomFacts, RoomKind};
use domain::user::UserEvent;
use domain::{Event, MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::memberships::{self, OWNER};
use crate::messages;
use crate::names::{Names, RoomName, UserRef, kind_of};
use crate::projection::{Applied, Index, Projection};
use crate::rows::Row;
use crate::tombstones::{self, Kind, Sync};
use crate::tx::{Roster, Tx};
use crate::users::UserRow;
use crate::views::{Page, Slice, Views, bounds, unsigned};

/// See the module.
pub(crate) struct RoomsView;

impl Projection for RoomsView {
    fn name(&self) -> &'static str {
        "rooms"
    }

    fn version(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE rooms (
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
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            doc BLOB NOT NULL
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static [Index] {
        &[
            Index {
                name: "rooms_name",
                on: "rooms (name) WHERE name IS NOT NULL",
            },
            Index {
                name: "rooms_kind",
                on: "rooms (kind, name)",
            },
            Index {
                name: "rooms_creator",
                on: "rooms (creator) WHERE creator IS NOT NULL",
            },
            Index {
                name: "rooms_participants",
                on: "rooms (participants) WHERE participants IS NOT NULL",
            },
        ]
    }

    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
        count_message(tx, event)?;
        match &event.event {
            Event::Room(RoomEvent::RoomCreated(created)) => create(tx, event, created),
            Event::Room(RoomEvent::RoomDeleted(deleted)) => delete(tx, event, &deleted.room),
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
                members_changed(tx, event, &joined.room, 1, i64::from(owner))
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
                if memberships::owns(tx, &granted.room, &granted.user)? == Some(false) {
                    members_changed(tx, event, &granted.room, 0, 1)?;
                }
                Ok(())
            }
            Event::Membership(MembershipEvent::RoomRoleRevoked(revoked))
                if revoked.role.as_str() == OWNER =>
            {
                if memberships::owns(tx, &revoked.room, &revoked.user)? == Some(true) {
                    members_changed(tx, event, &revoked.room, 0, -1)?;
                }
                Ok(())
            }
            Event::User(UserEvent::UsernameChanged(changed)) => {
                rename_user(tx, event, &changed.user)
            }
            Event::User(UserEvent::UserActivated(activated)) => {
                silence(tx, event, &activated.user, false)
            }
            Event::User(UserEvent::UserDeactivated(deactivated)) if !deactivated.idle => {
                silence(tx, event, &deactivated.user, true)
            }
            _ => Ok(()),
        }
    }
}

/// Conversations between two are read-only while one of them may not log in (contract, conventions 7.4).
fn silence(tx: &mut Tx, event: &Applied, user: &UserId, silent: bool) -> rusqlite::Result<()> {
    for (room, other) in memberships::pairs_of(tx, user)? {
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
    row.doc.msgs += 1;
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
    Ok(())
}

fn create(tx: &mut Tx, event: &Applied, created: &RoomCreated) -> rusqlite::Result<()> {
    let direct = created.kind == RoomKind::Direct;
    let creator = match &created.creator {
        Some(creator) if !direct => Some(UserRef::short(tx, creator)?),
        _ => None,
    };
    let mut doc = RoomDoc {
        id: created.room.clone(),
        kind: created.kind.letter().into(),
        name: created.name.as_deref().map(CompactString::new),
        display: created.display_name.as_deref().map(CompactString::new),
        creator,
        created_at: Date(created.at),
        updated_at: Date(event.recorded_at),
        msgs: 0,
        members: if direct {
            i64::try_from(created.participants.len()).unwrap_or(0)
        } else {
            0
        },
        lm: None,
        read_only: created.read_only,
        broadcast: created.broadcast.then_some(true),
        default: created.default.then_some(true),
        encrypted: created.encrypted.then_some(true),
        key_id: None,
        topic: created.topic.clone(),
        description: created.description.clone(),
        announcement: created.announcement.clone(),
        custom_fields: created.custom_fields.clone(),
        archived: None,
        avatar_origin: None,
        avatar_etag: None,
        participants: direct.then(|| created.participants.clone()),
        usernames: None,
        last: None,
    };
    doc.name_participants(tx)?;
    let row = RoomRow {
        doc,
        owners: 0,
        stored: 0,
        last: None,
        latest: Latest::none(),
    };
    tx.rooms.put(&tx.conn, created.room.clone(), row)?;
    // A new room has no members yet: nothing to look up later.
    let nobody = Roster {
        quiet: Some(BTreeSet::new()),
        members: Some(BTreeSet::new()),
    };
    tx.rosters.insert(created.room.clone(), nobody);
    tx.stale.rooms.insert(created.room.clone());
    Ok(())
}

fn change(tx: &mut Tx, event: &Applied, room_event: &RoomEvent) -> rusqlite::Result<()> {
    let room = match room_event {
        RoomEvent::RoomCreated(e) => &e.room,
        RoomEvent::RoomRenamed(e) => &e.room,
        RoomEvent::TopicChanged(e) => &e.room,
        RoomEvent::DescriptionChanged(e) => &e.room,
        RoomEvent::AnnouncementChanged(e) => &e.room,
        RoomEvent::ReadOnlyChanged(e) => &e.room,
        RoomEvent::RoomArchived(e) => &e.room,
        RoomEvent::RoomUnarchived(e) => &e.room,
        RoomEvent::RoomDeleted(e) => &e.room,
        RoomEvent::RoomKeyChanged(e) => &e.room,
    };
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    let doc = &mut row.doc;
    doc.updated_at = Date(event.recorded_at);
    match room_event {
        RoomEvent::RoomRenamed(e) => {
            doc.name = Some(CompactString::new(&e.name));
            doc.display = Some(CompactString::new(&e.display_name));
        }
        RoomEvent::TopicChanged(e) => doc.topic = Some(e.text.clone()),
        RoomEvent::DescriptionChanged(e) => doc.description = Some(e.text.clone()),
        RoomEvent::AnnouncementChanged(e) => doc.announcement = Some(e.text.clone()),
        RoomEvent::ReadOnlyChanged(e) => doc.read_only = e.read_only,
        RoomEvent::RoomArchived(_) => doc.archived = Some(true),
        RoomEvent::RoomUnarchived(_) => doc.archived = Some(false),
        RoomEvent::RoomKeyChanged(e) => doc.key_id = Some(e.key_id.clone()),
        RoomEvent::RoomCreated(_) | RoomEvent::RoomDeleted(_) => {}
    }
    Ok(())
}

/// A room has another picture, or none.
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
        row.doc.avatar_origin = origin.map(CompactString::new);
        row.doc.avatar_etag = etag.map(CompactString::new);
        row.doc.updated_at = Date(event.recorded_at);
    }
    Ok(())
}

/// Removes the row of a room. Its messages and memberships go in their own views.
pub(crate) fn delete(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    if let Some(row) = tx.rooms.remove(&tx.conn, room)? {
        tombstones::bury_room(tx, event, room, &row.called())?;
    }
    Ok(())
}

fn member_gone(tx: &mut Tx, event: &Applied, room: &RoomId, user: &UserId) -> rusqlite::Result<()> {
    match memberships::owns(tx, room, user)? {
        Some(owner) => members_changed(tx, event, room, -1, -i64::from(owner)),
        None => Ok(()),
    }
}

/// Counts members and owners. The number of members of a direct message is fixed at creation.
pub(crate) fn members_changed(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    members: i64,
    owners: i64,
) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    if row.doc.participants.is_none() {
        row.doc.members += members;
    }
    row.owners += owners;
    row.doc.updated_at = Date(event.recorded_at);
    Ok(())
}

/// Takes a deleted user out of a direct message between more than two.
pub(crate) fn participant_gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
) -> rusqlite::Result<()> {
    tx.stale.rooms.insert(room.clone());
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    row.doc
        .participants
        .iter_mut()
        .for_each(|participants| participants.retain(|one| one != user));
    row.doc.members -= 1;
    row.doc.updated_at = Date(event.recorded_at);
    name_participants(tx, room)
}

/// A user has another unique name: rooms show it as their creator's, and direct messages as a participant's.
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
    for room in memberships::rooms_of(tx, user)? {
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

fn name_participants(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<()> {
    let Some(mut doc) = tx.rooms.get(&tx.conn, room)?.map(|row| row.doc.clone()) else {
        return Ok(());
    };
    doc.name_participants(tx)?;
    if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
        row.doc.usernames = doc.usernames;
    }
    Ok(())
}

/// What became of a message that is gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Emptied, its place stays.
    Blanked,
    /// Removed.
    Removed,
    /// The place of an emptied one was removed.
    PlaceRemoved,
}

/// A message of the room is gone (contract, rooms 1.5).
pub(crate) fn message_gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    message: &MessageId,
    gone: Gone,
) -> rusqlite::Result<()> {
    let Some(row) = tx.rooms.get_mut(&tx.conn, room)? else {
        return Ok(());
    };
    row.doc.msgs -= i64::from(gone != Gone::PlaceRemoved);
    row.stored -= i64::from(gone != Gone::Blanked);
    row.doc.updated_at = Date(event.recorded_at);
    row.latest.gone(message);
    if row.last.as_ref().is_some_and(|(last, _)| last == message) {
        let newest = match row.latest.newest() {
            Newest::Nothing => None,
            Newest::Is(newest) => messages::as_last(tx, newest)?,
            Newest::Unknown => messages::newest(tx, room)?,
        };
        if let Some(row) = tx.rooms.get_mut(&tx.conn, room)? {
            row.last = newest;
        }
    }
    Ok(())
}

/// A message has another document: the room's copy follows if it is the last one.
pub(crate) fn last_message_changed(
    tx: &mut Tx,
    room: &RoomId,
    message: &MessageId,
    doc: &Bytes,
) -> rusqlite::Result<()> {
    let last = tx
        .rooms
        .get(&tx.conn, room)?
        .and_then(|row| row.last.as_ref());
    if last.is_some_and(|(last, _)| last == message)
        && let Some(row) = tx.rooms.get_mut(&tx.conn, room)?
    {
        row.last = Some((message.clone(), doc.clone()));
    }
    Ok(())
}

/// The wire document (contract, rooms 1.3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomDoc {
    #[serde(rename = "_id")]
    id: RoomId,
    #[serde(rename = "t")]
    kind: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    #[serde(rename = "fname", default, skip_serializing_if = "Option::is_none")]
    display: Option<CompactString>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    creator: Option<UserRef>,
    #[serde(rename = "ts")]
    created_at: Date,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
    msgs: i64,
    #[serde(rename = "usersCount")]
    members: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lm: Option<Date>,
    #[serde(rename = "ro")]
    read_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broadcast: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encrypted: Option<bool>,
    #[serde(rename = "e2eKeyId", default, skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announcement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar_origin: Option<CompactString>,
    #[serde(
        rename = "avatarETag",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    avatar_etag: Option<CompactString>,
    #[serde(rename = "uids", default, skip_serializing_if = "Option::is_none")]
    participants: Option<Vec<UserId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usernames: Option<Vec<CompactString>>,
    /// Read only: it is written by splicing in the message's own bytes.
    #[serde(rename = "lastMessage", default, skip_serializing)]
    last: Option<Box<RawValue>>,
}

impl RoomDoc {
    /// Fills in the names of who a direct message is between, by the name people go by.
    fn name_participants(&mut self, names: &mut dyn Names) -> rusqlite::Result<()> {
        let Some(participants) = &self.participants else {
            return Ok(());
        };
        let mut named = Vec::with_capacity(participants.len());
        for user in participants {
            let user = UserRef::full(names, user)?;
            let shown = user
                .name
                .as_deref()
                .unwrap_or(&user.username)
                .to_lowercase();
            named.push((shown, user.username));
        }
        named.sort();
        self.usernames = Some(named.into_iter().map(|(_, username)| username).collect());
        Ok(())
    }
}

/// A row of `rooms`.
#[derive(Clone)]
pub(crate) struct RoomRow {
    doc: RoomDoc,
    owners: i64,
    /// How many rows the view of messages has for the room.
    stored: i64,
    /// The message that is shown as the last.
    last: Option<(MessageId, Bytes)>,
    /// The latest messages that may be shown as the last, as far as they are known without looking.
    latest: Latest,
}

/// How many of a room's latest messages are remembered.
const LATEST: usize = 8;

/// The latest messages of a room, so that deleting the last one seldom has to look for the one before. Not stored.
#[derive(Clone, Debug)]
struct Latest {
    /// In the order they were posted.
    messages: VecDeque<(Date, MessageId)>,
    /// No message but these was sent after this time. `None`: there are no others.
    others: Option<Date>,
}

/// What is known of a room's newest message.
enum Newest {
    /// There is none.
    Nothing,
    /// It is this one.
    Is(MessageId),
    /// Nothing: it has to be looked for.
    Unknown,
}

impl Latest {
    fn none() -> Self {
        Self {
            messages: VecDeque::new(),
            others: None,
        }
    }

    fn posted(&mut self, at: Date, id: &MessageId) {
        if self.messages.len() == LATEST
            && let Some((at, _)) = self.messages.pop_front()
        {
            self.others = self.others.max(Some(at));
        }
        self.messages.push_back((at, id.clone()));
    }

    fn gone(&mut self, id: &MessageId) {
        self.messages.retain(|(_, message)| message != id);
    }

    /// The newest one.
    fn newest(&self) -> Newest {
        // Of several sent at the same time, the one posted last.
        match self.messages.iter().max_by_key(|(at, _)| *at) {
            Some((at, id)) if Some(*at) > self.others => Newest::Is(id.clone()),
            None if self.others.is_none() => Newest::Nothing,
            _ => Newest::Unknown,
        }
    }
}

impl RoomRow {
    /// What the room is called.
    pub(crate) fn called(&self) -> RoomName {
        RoomName {
            kind: self.kind(),
            name: self.doc.name.clone(),
            display: self.doc.display.clone(),
        }
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> RoomKind {
        kind_of(&self.doc.kind)
    }

    /// When it was made.
    pub(crate) fn created_at(&self) -> Date {
        self.doc.created_at
    }

    /// Put away.
    pub(crate) fn archived(&self) -> Option<bool> {
        self.doc.archived
    }

    /// Free-form fields.
    pub(crate) fn custom_fields(&self) -> Option<&Value> {
        self.doc.custom_fields.as_ref()
    }

    /// Who a direct message is between; empty otherwise.
    pub(crate) fn participants(&self) -> Vec<UserId> {
        self.doc.participants.clone().unwrap_or_default()
    }

    fn write(&self, conn: &Connection, sql: &'static str, id: &RoomId) -> rusqlite::Result<()> {
        let doc = &self.doc;
        let mut bytes = json::encode(doc)?;
        if let Some((_, last)) = &self.last {
            json::splice(&mut bytes, "lastMessage", last);
        }
        conn.prepare_cached(sql)?.execute(params![
            id.as_str(),
            doc.kind.as_str(),
            doc.name.as_deref(),
            doc.display.as_deref(),
            doc.creator.as_ref().map(|creator| creator.id.as_str()),
            doc.participants.as_deref().map(participants_key),
            doc.archived == Some(true),
            doc.default == Some(true),
            doc.members,
            self.owners,
            doc.msgs,
            self.stored,
            doc.lm.map(|lm| lm.0.as_millis()),
            self.last.as_ref().map(|(id, _)| id.as_str()),
            doc.created_at.0.as_millis(),
            doc.updated_at.0.as_millis(),
            bytes,
        ])?;
        Ok(())
    }
}

/// How a set of users is found again.
fn participants_key(participants: &[UserId]) -> String {
    let mut ids: Vec<&str> = participants.iter().map(UserId::as_str).collect();
    ids.sort_unstable();
    ids.join(",")
}

impl Row for RoomRow {
    type Key = RoomId;

    fn load(conn: &Connection, key: &RoomId) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached("SELECT doc, owners, stored, last_message FROM rooms WHERE id = ?1")?
            .query_row([key.as_str()], |row| {
                let mut doc: RoomDoc = json::decode(row.get_ref(0)?.as_bytes()?)?;
                let last = doc
                    .last
                    .take()
                    .map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()));
                let id = row.get_ref(3)?.as_str_or_null()?.map(MessageId::new);
                let latest = Latest {
                    messages: VecDeque::new(),
                    others: doc.lm,
                };
                Ok(Self {
                    doc,
                    owners: row.get(1)?,
                    stored: row.get(2)?,
                    last: id.zip(last),
                    latest,
                })
            })
            .optional()
    }

    fn insert(&self, conn: &Connection, key: &RoomId) -> rusqlite::Result<()> {
        self.write(
            conn,
            "INSERT INTO rooms (id, kind, name, display, creator, participants, archived, joined_by_default, members,
                owners, msgs, stored, lm, last_message, created_at, updated_at, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            key,
        )
    }

    fn update(&self, conn: &Connection, key: &RoomId) -> rusqlite::Result<()> {
        self.write(
            conn,
            "UPDATE rooms SET kind = ?2, name = ?3, display = ?4, creator = ?5, participants = ?6, archived = ?7,
                joined_by_default = ?8, members = ?9, owners = ?10, msgs = ?11, stored = ?12, lm = ?13,
                last_message = ?14, created_at = ?15, updated_at = ?16, doc = ?17 WHERE id = ?1",
            key,
        )
    }

    fn delete(&self, conn: &Connection, key: &RoomId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM rooms WHERE id = ?1")?
            .execute([key.as_str()])?;
        Ok(())
    }
}

/// The record in a row `SELECT doc, id, kind, archived`.
fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        doc: json::column(row, 0)?,
        id: RoomId::new(row.get_ref(1)?.as_str()?),
        kind: kind_of(row.get_ref(2)?.as_str()?),
        archived: row.get(3)?,
    })
}

/// A room as the views have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// Put away.
    pub archived: bool,
    /// The wire document (contract, rooms 1.3).
    pub doc: Bytes,
}

/// What lists of rooms can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomSort {
    /// By unique name.
    #[default]
    Name,
    /// By when it was made.
    CreatedAt,
    /// By the newest message.
    LastMessage,
    /// By the number of messages.
    Messages,
    /// By the number of members.
    Members,
}

/// Which rooms are wanted.
#[derive(Clone, Debug)]
pub struct RoomQuery {
    /// Only these kinds; empty: any.
    pub kinds: Vec<RoomKind>,
    /// Only rooms this user is a member of.
    pub member: Option<UserId>,
    /// Only rooms whose name contains this, without regard to case.
    pub filter: Option<String>,
    /// The order.
    pub sort: RoomSort,
    /// Last first.
    pub descending: bool,
    /// Which part.
    pub slice: Slice,
}

impl Default for RoomQuery {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            member: None,
            filter: None,
            sort: RoomSort::Name,
            descending: false,
            slice: Slice::ALL,
        }
    }
}

impl Views {
    /// What rules need to know of a room. Cached.
    pub async fn room_facts(&self, room: &RoomId) -> Result<Option<Arc<RoomFacts>>, QueryError> {
        let key = room.clone();
        self.facts()
            .rooms
            .get(room, || {
                self.read(move |conn| {
                    let Some(RoomRow { doc, owners, .. }) = RoomRow::load(conn, &key)? else {
                        return Ok(None);
                    };
                    Ok(Some(Arc::new(RoomFacts {
                        kind: kind_of(&doc.kind),
                        id: doc.id,
                        name: doc.name.map(CompactString::into_string),
                        archived: doc.archived == Some(true),
                        read_only: doc.read_only,
                        react_when_read_only: false,
                        broadcast: doc.broadcast == Some(true),
                        muted: Vec::new(),
                        unmuted: Vec::new(),
                        participants: doc.participants.unwrap_or_default(),
                        owners: u32::try_from(owners).unwrap_or(0),
                        members: u32::try_from(doc.members).unwrap_or(0),
                    })))
                })
            })
            .await
    }

    /// The room of that id.
    pub async fn room(&self, room: &RoomId) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived FROM rooms WHERE id = ?1",
            room.as_str().to_owned(),
        )
        .await
    }

    /// The room of exactly that name, whatever its kind.
    pub async fn room_by_name(&self, name: &str) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived FROM rooms WHERE name = ?1 ORDER BY id LIMIT 1",
            name.to_owned(),
        )
        .await
    }

    /// The direct message between exactly these users, whoever began it.
    pub async fn direct_room(
        &self,
        participants: &[UserId],
    ) -> Result<Option<RoomRecord>, QueryError> {
        self.one_room(
            "SELECT doc, id, kind, archived FROM rooms WHERE participants = ?1 ORDER BY created_at, id LIMIT 1",
            participants_key(participants),
        )
        .await
    }

    async fn one_room(
        &self,
        sql: &'static str,
        key: String,
    ) -> Result<Option<RoomRecord>, QueryError> {
        self.read(move |conn| {
            conn.prepare_cached(sql)?
                .query_row([key], record)
                .optional()
        })
        .await
    }

    /// Room documents: all channels, a user's groups, a user's direct messages, ...
    pub async fn rooms(&self, query: RoomQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let filter = query.filter.map(|filter| filter.to_lowercase());
            let member = query.member.as_ref().map(UserId::as_str);
            let mut values: Vec<&dyn ToSql> = vec![&filter];
            let mut matching = String::from(
                "(?1 IS NULL OR instr(lower(coalesce(rooms.name, rooms.display, '')), ?1) > 0)",
            );
            let mut tables = "rooms";
            if member.is_some() {
                tables = "memberships JOIN rooms ON rooms.id = memberships.room";
                matching.push_str(" AND memberships.user = ?2");
                values.push(&member);
            }
            if !query.kinds.is_empty() {
                // Letters of a closed set: no text of anybody enters the statement.
                let letters: Vec<String> = query
                    .kinds
                    .iter()
                    .map(|kind| format!("'{}'", kind.letter()))
                    .collect();
                matching += " AND rooms.kind IN (";
                matching += &letters.join(", ");
                matching += ")";
            }
            let column = match query.sort {
                RoomSort::Name => "rooms.name",
                RoomSort::CreatedAt => "rooms.created_at",
                RoomSort::LastMessage => "rooms.lm",
                RoomSort::Messages => "rooms.msgs",
                RoomSort::Members => "rooms.members",
            };
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT rooms.doc FROM {tables} WHERE {matching}
                     ORDER BY {column} {direction}, rooms.id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(values.as_slice(), |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM {tables} WHERE {matching}"))?
                .query_row(values.as_slice(), |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// A user's rooms that changed after `since`, and every room of the workspace deleted after it (contract, rooms
    /// 13). Without `since`: all of the user's rooms.
    pub async fn rooms_sync(
        &self,
        user: &UserId,
        since: Option<Timestamp>,
    ) -> Result<Sync, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let update = conn
                .prepare_cached(
                    "SELECT rooms.doc FROM memberships JOIN rooms ON rooms.id = memberships.room
                     WHERE memberships.user = ?1 AND rooms.updated_at > ?2 ORDER BY rooms.id",
                )?
                .query_map(
                    params![user.as_str(), since.map_or(i64::MIN, Timestamp::as_millis)],
                    |row| json::column(row, 0),
                )?
                .collect::<rusqlite::Result<_>>()?;
            let remove = match since {
                Some(since) => tombstones::since(conn, Kind::Room, None, since)?,
                None => Vec::new(),
            };
            Ok(Sync { update, remove })
        })
        .await
    }

    /// The rooms new users join by themselves.
    pub async fn default_rooms(&self) -> Result<Vec<RoomId>, QueryError> {
        self.read(|conn| {
            conn.prepare_cached(
                "SELECT id FROM rooms WHERE joined_by_default = 1 ORDER BY created_at, id",
            )?
            .query_map([], |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)))?
            .collect()
        })
        .await
    }

    /// The ids of the rooms a user is a member of.
    pub async fn room_ids_of(&self, user: &UserId) -> Result<Vec<RoomId>, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            conn.prepare_cached("SELECT room FROM memberships WHERE user = ?1 ORDER BY room")?
                .query_map([user.as_str()], |row| {
                    Ok(RoomId::new(row.get_ref(0)?.as_str()?))
                })?
                .collect()
        })
        .await
    }
}
