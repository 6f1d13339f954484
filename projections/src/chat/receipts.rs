//! The view of receipts: who has read which message, and up to where everybody has (contract, messages 6), while the
//! settings say that it is to be noted.
//!
//! A read cursor that moves is noted as it is: its reader has read everything behind one send time and up to another.
//! So noting costs the same whatever lies between, messages need not be looked at, and one that is gone has no
//! receipts. The *floor* of a room is the send time up to which everybody has read; it never falls, for what was read
//! stays read. Those count who are people and may log in: neither a bot nor somebody who cannot come keeps a message
//! unread. Whoever may come and has not does.

use std::collections::BTreeMap;

use domain::setting::SettingEvent;
use domain::settings::keys;
use domain::user::UserEvent;
use domain::{Event, MessageId, RoomId, Timestamp, UserId};
use eventstore::Position;
use rusqlite::{Connection, OptionalExtension, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::Row as _;
use crate::engine::rows::message::MessageRow;
use crate::engine::tx::{Moved, Tx};
use crate::error::QueryError;
use crate::names::ROCKET_CAT;
use crate::numbers::number;

pub(crate) const VIEW: Projection = Projection {
    name: "receipts",
    version: 1,
    // Of one reader and one thread (empty: the room), what was read at a time never overlaps. `behind` is NULL for the
    // beginning of the room.
    tables: "CREATE TABLE reads (
        room TEXT NOT NULL,
        thread TEXT NOT NULL,
        user TEXT NOT NULL,
        until INTEGER NOT NULL,
        behind INTEGER,
        at INTEGER NOT NULL,
        PRIMARY KEY (room, thread, user, until)
    ) WITHOUT ROWID;
    -- All that a room ever had, and the event since which: clients that come back are told.
    CREATE TABLE read_floors (
        room TEXT NOT NULL,
        until INTEGER NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (room, until)
    ) WITHOUT ROWID;
    -- Between which events what is noted.
    CREATE TABLE receipt_periods (
        what TEXT NOT NULL,
        begun INTEGER NOT NULL,
        ended INTEGER,
        PRIMARY KEY (what, begun)
    ) WITHOUT ROWID;",
    indexes: &[Index::new("read_floors_position", "read_floors (position)")],
    apply: Apply::Total(apply),
};

const FLOORS: &str = "floors";
const READERS: &str = "readers";

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Setting(setting) if is_about_receipts(setting) => switch(tx, event)?,
        Event::User(UserEvent::UserDeleted(deleted)) => forget_reader(tx, &deleted.user)?,
        _ => {}
    }
    if tx.was_active.is_some() {
        tx.forget_cursors();
    }
    match tx.moved.take() {
        Some(moved) => note(tx, event, &moved),
        None => Ok(()),
    }
}

fn is_about_receipts(event: &SettingEvent) -> bool {
    let id = match event {
        SettingEvent::SettingChanged(e) => &e.setting,
        SettingEvent::SettingReset(e) => &e.setting,
    };
    [
        keys::MESSAGE_READ_RECEIPT_ENABLED.id(),
        keys::MESSAGE_READ_RECEIPT_STORE_USERS.id(),
    ]
    .contains(&id.as_str())
}

/// Begins and ends what the settings say now.
fn switch(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let position = number(event.position);
    let wanted = tx.policy.receipts;
    for (what, wanted) in [(FLOORS, wanted.floors), (READERS, wanted.readers)] {
        if !wanted {
            tx.conn
                .prepare_cached(
                    "UPDATE receipt_periods SET ended = ?2 WHERE what = ?1 AND ended IS NULL",
                )?
                .execute(params![what, position])?;
            continue;
        }
        let begun = tx
            .conn
            .prepare_cached(
                "INSERT INTO receipt_periods (what, begun) SELECT ?1, ?2
                 WHERE NOT EXISTS (SELECT 1 FROM receipt_periods WHERE what = ?1 AND ended IS NULL)",
            )?
            .execute(params![what, position])?;
        if what == FLOORS && begun > 0 {
            // What was said before is not unread.
            tx.rooms.flush(&tx.conn)?;
            tx.conn
                .prepare_cached(
                    "INSERT OR IGNORE INTO read_floors (room, until, position) SELECT id, clock, ?1 FROM rooms",
                )?
                .execute([position])?;
        }
    }
    Ok(())
}

fn note(tx: &mut Tx, event: &Applied, moved: &Moved) -> rusqlite::Result<()> {
    let floor = floor(&tx.conn, &moved.room)?;
    if tx.policy.receipts.readers {
        note_reader(&tx.conn, moved, floor)?;
    }
    if moved.thread.is_some() {
        return Ok(());
    }
    tx.cursor_moved(moved);
    let behind = tx.furthest_behind(&moved.room)?;
    let Some(behind) = behind.filter(|behind| Some(*behind) > floor) else {
        return Ok(());
    };
    tx.risen = Some(behind);
    tx.conn
        .prepare_cached("INSERT INTO read_floors (room, until, position) VALUES (?1, ?2, ?3)")?
        .execute(params![
            moved.room.as_str(),
            behind.as_millis(),
            number(event.position)
        ])?;
    Ok(())
}

/// Notes what somebody has read that neither they nor everybody had read before.
fn note_reader(conn: &Connection, moved: &Moved, floor: Option<Timestamp>) -> rusqlite::Result<()> {
    let (room, user) = (moved.room.as_str(), moved.user.as_str());
    let thread = moved.thread.as_ref().map_or("", MessageId::as_str);
    let before = conn
        .prepare_cached(
            "SELECT max(until) FROM reads WHERE room = ?1 AND thread = ?2 AND user = ?3",
        )?
        .query_row([room, thread, user], time)?;
    let behind = moved.from.max(floor).max(before);
    if behind >= Some(moved.to) {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO reads (room, thread, user, until, behind, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        room,
        thread,
        user,
        moved.to.as_millis(),
        behind.map(Timestamp::as_millis),
        moved.at.as_millis(),
    ])?;
    Ok(())
}

fn time(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    let time: Option<i64> = row.get(0)?;
    Ok(time.map(Timestamp::from_millis))
}

/// Up to where everybody has read a room.
pub(crate) fn floor(conn: &Connection, room: &RoomId) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT max(until) FROM read_floors WHERE room = ?1")?
        .query_row([room.as_str()], time)
}

/// Up to where everybody has read a room since the event at `position`, if they had not before.
pub(crate) fn risen(
    conn: &Connection,
    room: &RoomId,
    position: Position,
) -> rusqlite::Result<Option<Timestamp>> {
    // Most events raise nothing: looked up by the position.
    let risen = conn
        .prepare_cached("SELECT until FROM read_floors WHERE position = ?1 AND +room = ?2")?
        .query_row(params![number(position), room.as_str()], time)
        .optional()?;
    Ok(risen.flatten())
}

/// Nobody has read anything in a room that is gone.
pub(crate) fn forget_room(tx: &Tx, room: &RoomId) -> rusqlite::Result<()> {
    if tx.past {
        return Ok(());
    }
    for sql in [
        "DELETE FROM reads WHERE room = ?1",
        "DELETE FROM read_floors WHERE room = ?1",
    ] {
        tx.conn.prepare_cached(sql)?.execute([room.as_str()])?;
    }
    Ok(())
}

/// What a deleted account has read is forgotten, also in rooms that it left. Each place is looked at: an index by readers
/// would cost a write whenever somebody reads.
fn forget_reader(tx: &Tx, user: &UserId) -> rusqlite::Result<()> {
    let mut next = tx.conn.prepare_cached(
        "SELECT room, thread FROM reads WHERE (room, thread) > (?1, ?2) ORDER BY room, thread LIMIT 1",
    )?;
    let mut forget = tx
        .conn
        .prepare_cached("DELETE FROM reads WHERE room = ?1 AND thread = ?2 AND user = ?3")?;
    let mut place = (String::new(), String::new());
    while let Some((room, thread)) = next
        .query_row(params![place.0, place.1], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
    {
        forget.execute(params![room, thread, user.as_str()])?;
        place = (room, thread);
    }
    Ok(())
}

/// Somebody has read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Receipt {
    pub user: UserId,
    pub username: String,
    pub name: Option<String>,
    pub at: Timestamp,
}

/// Up to where everybody has read a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadFloor(Option<Timestamp>);

impl ReadFloor {
    /// Nothing was read by everybody yet.
    pub const NOTHING: Self = Self(None);

    /// Everybody has read what was sent until then.
    pub const fn at(until: Timestamp) -> Self {
        Self(Some(until))
    }

    /// Whether somebody in the room has not read what was sent then.
    pub fn is_unread(self, sent: Timestamp) -> bool {
        Some(sent) > self.0
    }
}

/// Who has read what was sent at a time, of those who read the room or one of its threads: of each reader the first that
/// goes as far, if it begins before.
const READ_BY: &str = "WITH RECURSIVE readers (user) AS (
         SELECT min(user) FROM reads WHERE room = ?1 AND thread = ?2
         UNION ALL
         SELECT (SELECT min(user) FROM reads WHERE room = ?1 AND thread = ?2 AND user > readers.user)
         FROM readers WHERE readers.user IS NOT NULL
     )
     SELECT reads.user, reads.at FROM readers JOIN reads
         ON room = ?1 AND thread = ?2 AND reads.user = readers.user
         AND until = (SELECT min(until) FROM reads AS far
             WHERE far.room = ?1 AND far.thread = ?2 AND far.user = readers.user AND far.until >= ?3)
     WHERE behind IS NULL OR behind < ?3";

impl Views {
    /// Up to where everybody has read a room; `None` while that is not noted. Of messages that were asked for before, it
    /// tells what holds since: it waits for nothing that is not committed.
    pub async fn read_floor(&self, room: &RoomId) -> Result<Option<ReadFloor>, QueryError> {
        if !self.settings().bool(keys::MESSAGE_READ_RECEIPT_ENABLED) {
            return Ok(None);
        }
        let room = room.clone();
        self.read_committed(move |conn| Ok(Some(ReadFloor(floor(conn, &room)?))))
            .await
    }

    /// Who has read a message, the first reader first. Nobody has, while that is not noted.
    pub async fn receipts(&self, message: &MessageId) -> Result<Vec<Receipt>, QueryError> {
        let settings = self.settings();
        if !settings.bool(keys::MESSAGE_READ_RECEIPT_ENABLED)
            || !settings.bool(keys::MESSAGE_READ_RECEIPT_STORE_USERS)
        {
            return Ok(Vec::new());
        }
        let message = message.clone();
        self.read(move |conn| receipts(conn, &message)).await
    }
}

/// Those that were noted, and that of the author, who has read it when it was sent.
pub(crate) fn receipts(conn: &Connection, message: &MessageId) -> rusqlite::Result<Vec<Receipt>> {
    let Some(row) =
        MessageRow::load(conn, message)?.filter(|row| row.kind.as_deref() != Some("rm"))
    else {
        return Ok(Vec::new());
    };
    let mut readers: BTreeMap<UserId, Timestamp> = BTreeMap::new();
    let mut select = conn.prepare_cached(READ_BY)?;
    for thread in std::iter::once("").chain(row.thread.as_ref().map(MessageId::as_str)) {
        let mut found = select.query(params![row.room.as_str(), thread, row.at.as_millis()])?;
        while let Some(reader) = found.next()? {
            let user = UserId::new(reader.get_ref(0)?.as_str()?);
            let at = Timestamp::from_millis(reader.get(1)?);
            let first = readers.entry(user).or_insert(at);
            *first = (*first).min(at);
        }
    }
    let was_noted = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM receipt_periods
                 WHERE what = ?1 AND begun < ?2 AND (ended IS NULL OR ended > ?2))",
        )?
        .query_row(params![READERS, row.seq], |row| row.get(0))?;
    if was_noted && !row.system && row.author.as_str() != ROCKET_CAT {
        readers.insert(row.author, row.at);
    }
    let mut called = conn.prepare_cached("SELECT username, name FROM users WHERE id = ?1")?;
    let mut receipts = Vec::with_capacity(readers.len());
    for (user, at) in readers {
        let called = called.query_row([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)));
        if let Some((username, name)) = called.optional()? {
            receipts.push(Receipt {
                user,
                username,
                name,
                at,
            });
        }
    }
    receipts.sort_by_key(|receipt| receipt.at);
    Ok(receipts)
}
