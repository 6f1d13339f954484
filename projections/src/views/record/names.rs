//! What people and rooms were called when, and which rooms there ever were.

use domain::room::{RoomCreated, RoomDeleted, RoomEvent, RoomKind, TeamDissolved};
use domain::user::UserEvent;
use domain::{Event, RoomId, UserId};
use eventstore::{CorrelationId, Position};
use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension as _, Params, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::postings;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::{number, unsigned};

pub(crate) const VIEW: Projection = Projection {
    name: "record_names",
    version: 3,
    tables: "CREATE TABLE record_names (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        since INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (kind, id, since)
    ) WITHOUT ROWID;
    CREATE TABLE record_rooms (
        id TEXT NOT NULL PRIMARY KEY,
        kind BLOB NOT NULL,
        was_public INTEGER NOT NULL,
        was_private INTEGER NOT NULL,
        participants BLOB NOT NULL,
        parent TEXT,
        -- The main room of the team that it is in.
        main_room TEXT
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("record_names_name", "record_names (kind, name)"),
        Index::new(
            "record_rooms_parent",
            "record_rooms (parent) WHERE parent IS NOT NULL",
        ),
        Index::new(
            "record_rooms_main",
            "record_rooms (main_room) WHERE main_room IS NOT NULL",
        ),
    ],
    apply: Apply::Total(apply),
};

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum NamedThing {
    User,
    Room,
}

impl NamedThing {
    const fn letter(self) -> &'static str {
        match self {
            Self::User => "u",
            Self::Room => "r",
        }
    }
}

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::User(UserEvent::UserCreated(created)) => call(
            tx,
            event,
            NamedThing::User,
            created.user.as_str(),
            &created.username,
        ),
        Event::User(UserEvent::UsernameChanged(changed)) => call(
            tx,
            event,
            NamedThing::User,
            changed.user.as_str(),
            &changed.username,
        ),
        Event::Room(room) => of_room(tx, event, room),
        _ => Ok(()),
    }
}

fn call(
    tx: &mut Tx,
    event: &Applied,
    thing: NamedThing,
    id: &str,
    name: &str,
) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO record_names (kind, id, since, name) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![thing.letter(), id, number(event.position), name])?;
    Ok(())
}

fn of_room(tx: &mut Tx, event: &Applied, of_room: &RoomEvent) -> rusqlite::Result<()> {
    match of_room {
        RoomEvent::RoomCreated(created) => {
            make(tx, created)?;
            // The name of a discussion is made up: people know its title.
            let title = created.display_name.as_ref();
            let title = title.filter(|_| created.discussion.is_some());
            let name = title.or(created.name.as_ref());
            name.map_or(Ok(()), |name| {
                call(tx, event, NamedThing::Room, created.room.as_str(), name)
            })
        }
        RoomEvent::RoomRenamed(renamed) => {
            let is_discussion: Option<bool> = tx
                .conn
                .prepare_cached("SELECT parent IS NOT NULL FROM record_rooms WHERE id = ?1")?
                .query_row([renamed.room.as_str()], |row| row.get(0))
                .optional()?;
            let name = if is_discussion == Some(true) {
                &renamed.display_name
            } else {
                &renamed.name
            };
            call(tx, event, NamedThing::Room, renamed.room.as_str(), name)
        }
        RoomEvent::RoomVisibilityChanged(changed) if is_public(changed.kind) => {
            tx.conn
                .prepare_cached("UPDATE record_rooms SET was_public = 1 WHERE id = ?1")?
                .execute([changed.room.as_str()])?;
            Ok(())
        }
        RoomEvent::RoomVisibilityChanged(changed) => close(tx, &changed.room),
        RoomEvent::RoomAddedToTeam(added) => {
            belong(tx, &added.room, Some(&added.main_room))?;
            if closed(tx, &added.main_room)? {
                close(tx, &added.room)?;
            }
            Ok(())
        }
        RoomEvent::RoomRemovedFromTeam(removed) => belong(tx, &removed.room, None),
        RoomEvent::TeamDissolved(TeamDissolved { room, .. })
        | RoomEvent::RoomDeleted(RoomDeleted { room, .. }) => {
            tx.need("record_rooms_main")?;
            tx.conn
                .prepare_cached("UPDATE record_rooms SET main_room = NULL WHERE main_room = ?1")?
                .execute([room.as_str()])?;
            Ok(())
        }
        RoomEvent::TopicChanged(_)
        | RoomEvent::DescriptionChanged(_)
        | RoomEvent::AnnouncementChanged(_)
        | RoomEvent::ReadOnlyChanged(_)
        | RoomEvent::RoomArchived(_)
        | RoomEvent::RoomUnarchived(_)
        | RoomEvent::RoomKeyChanged(_)
        | RoomEvent::ReactingInReadOnlyChanged(_)
        | RoomEvent::HiddenSystemMessagesChanged(_)
        | RoomEvent::DefaultRoomChanged(_)
        | RoomEvent::FeaturedRoomChanged(_)
        | RoomEvent::DefaultFavouriteChanged(_)
        | RoomEvent::JoinCodeSet(_)
        | RoomEvent::JoinCodeRemoved(_)
        | RoomEvent::RoomEncryptionChanged(_)
        | RoomEvent::RoomCustomFieldsChanged(_)
        | RoomEvent::RetentionChanged(_)
        | RoomEvent::StreamingOptionsChanged(_)
        | RoomEvent::HistoryPruned(_)
        | RoomEvent::TeamCreated(_)
        | RoomEvent::TeamAutoJoinChanged(_) => Ok(()),
    }
}

/// A discussion of a room that was ever private is private, too, whatever it is itself.
fn make(tx: &mut Tx, created: &RoomCreated) -> rusqlite::Result<()> {
    let public = is_public(created.kind);
    let discussion = created.discussion.as_deref();
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO record_rooms (id, kind, was_public, was_private, participants, parent)
             VALUES (?1, ?2, ?3, NOT ?3 OR ?5 IS NOT NULL AND
                 coalesce((SELECT was_private FROM record_rooms WHERE id = ?5), 1), ?4, ?5)",
        )?
        .execute(params![
            created.room.as_str(),
            json::encode(&created.kind)?,
            public,
            json::encode(&created.participants)?,
            discussion.map(|discussion| discussion.parent.as_str()),
        ])?;
    Ok(())
}

fn is_public(kind: RoomKind) -> bool {
    kind == RoomKind::Channel
}

/// Says which team a room is in.
fn belong(tx: &Tx, room: &RoomId, main: Option<&RoomId>) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("UPDATE record_rooms SET main_room = ?2 WHERE id = ?1")?
        .execute(params![room.as_str(), main.map(RoomId::as_str)])?;
    Ok(())
}

/// Whether a room is, or was once, not for everybody. What is not known of a room is taken for private.
fn closed(tx: &Tx, room: &RoomId) -> rusqlite::Result<bool> {
    let private: Option<bool> = tx
        .conn
        .prepare_cached("SELECT was_private FROM record_rooms WHERE id = ?1")?
        .query_row([room.as_str()], |row| row.get(0))
        .optional()?;
    Ok(private.unwrap_or(true))
}

/// A room is not for everybody, and neither are its discussions and, if it is the main room of a team, the rooms of that.
fn close(tx: &mut Tx, room: &RoomId) -> rusqlite::Result<()> {
    tx.need("record_rooms_parent")?;
    tx.need("record_rooms_main")?;
    tx.conn
        .prepare_cached(
            "WITH RECURSIVE within (id) AS (
                 VALUES (?1)
                 UNION SELECT rooms.id FROM record_rooms AS rooms JOIN within ON rooms.parent = within.id
                 UNION SELECT rooms.id FROM record_rooms AS rooms JOIN within ON rooms.main_room = within.id
             )
             UPDATE record_rooms SET was_private = 1 WHERE id IN (SELECT id FROM within)",
        )?
        .execute([room.as_str()])?;
    Ok(())
}

/// A room that is there, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomIdentity {
    /// What it was made as.
    pub kind: RoomKind,
    /// It was not for everybody at some time: a group, a direct message, in a private team, or a discussion of such a room.
    pub was_private: bool,
    /// Who a direct message is between.
    pub participants: Vec<UserId>,
    /// The room it is a discussion of.
    pub parent: Option<RoomId>,
}

/// All names of a thing, each with the position since when.
type Called = Vec<(u64, String)>;

/// Of what was never heard of.
static NAMELESS: Called = Vec::new();

/// What was looked up before. What happened up to a position is looked up by it only if it was looked up when the views
/// were there.
#[derive(Debug, Default)]
pub struct KnownNames {
    users: HashMap<UserId, Called>,
    rooms: HashMap<RoomId, Called>,
}

impl KnownNames {
    /// How many things are known by name.
    pub fn len(&self) -> usize {
        self.users.len() + self.rooms.len()
    }

    /// Whether nothing was looked up.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Looks names up as they were at a position, and remembers what it found.
///
/// If the file cannot be read, nothing is found any more, and whoever asked for the names is told in the end.
pub struct RecordNames<'conn> {
    conn: &'conn Connection,
    known: KnownNames,
    /// Not known for longer: a room may become private.
    identities: HashMap<RoomId, Option<RoomIdentity>>,
    failure: Option<rusqlite::Error>,
}

/// The name at a position.
fn at(names: &Called, at: Position) -> Option<&str> {
    let later = names.partition_point(|(since, _)| *since <= at.get());
    // Events recorded together may name what only the last of them makes.
    let name = names.get(later.saturating_sub(1));
    name.map(|(_, name)| name.as_str())
}

impl<'conn> RecordNames<'conn> {
    fn new(conn: &'conn Connection, known: KnownNames) -> Self {
        Self {
            conn,
            known,
            identities: HashMap::new(),
            failure: None,
        }
    }

    fn found<T: Default>(&mut self, outcome: rusqlite::Result<T>) -> T {
        outcome.unwrap_or_else(|error| {
            self.failure = Some(error);
            T::default()
        })
    }

    /// All names of a thing with the positions since when it has them.
    fn load(&self, thing: NamedThing, id: &str) -> rusqlite::Result<Called> {
        self.conn
            .prepare_cached(
                "SELECT since, name FROM record_names WHERE kind = ?1 AND id = ?2 ORDER BY since",
            )?
            .query_map([thing.letter(), id], |row| {
                Ok((unsigned(row, 0)?, row.get(1)?))
            })?
            .collect()
    }

    fn names_of_user(&mut self, user: &UserId) -> &Called {
        if !self.known.users.contains_key(user) {
            let loaded = self.load(NamedThing::User, user.as_str());
            let loaded = self.found(loaded);
            self.known.users.insert(user.clone(), loaded);
        }
        self.known.users.get(user).unwrap_or(&NAMELESS)
    }

    fn names_of_room(&mut self, room: &RoomId) -> &Called {
        if !self.known.rooms.contains_key(room) {
            let loaded = self.load(NamedThing::Room, room.as_str());
            let loaded = self.found(loaded);
            self.known.rooms.insert(room.clone(), loaded);
        }
        self.known.rooms.get(room).unwrap_or(&NAMELESS)
    }

    fn all(&mut self, thing: NamedThing, id: &str) -> &Called {
        match thing {
            NamedThing::User => self.names_of_user(&UserId::new(id)),
            NamedThing::Room => self.names_of_room(&RoomId::new(id)),
        }
    }

    /// What a thing was called before the request that an event at `at` came of: the request may have renamed it.
    pub fn before(
        &mut self,
        thing: NamedThing,
        id: &str,
        at: Position,
        request: CorrelationId,
    ) -> Option<&str> {
        let since = self.all(thing, id).iter().map(|(since, _)| *since);
        let since: Vec<u64> = since.take_while(|since| *since <= at.get()).collect();
        let mut earlier = since.len();
        for renamed in since.iter().rev() {
            let of_request = postings::is_of(self.conn, Position::new(*renamed), request);
            if !self.found(of_request) {
                break;
            }
            earlier -= 1;
        }
        let name = self.all(thing, id).get(earlier.saturating_sub(1));
        name.map(|(_, name)| name.as_str())
    }

    /// What the user was called at a position.
    pub fn user(&mut self, user: &UserId, position: Position) -> Option<&str> {
        at(self.names_of_user(user), position)
    }

    /// What the room was called at a position; direct messages have no name.
    pub fn room(&mut self, room: &RoomId, position: Position) -> Option<&str> {
        at(self.names_of_room(room), position)
    }

    /// What kind of room it is or was; `None` if there never was one.
    pub fn identity(&mut self, room: &RoomId) -> Option<&RoomIdentity> {
        if !self.identities.contains_key(room) {
            let loaded = self.load_identity(room);
            let loaded = self.found(loaded);
            self.identities.insert(room.clone(), loaded);
        }
        self.identities.get(room)?.as_ref()
    }

    /// The room of the message that a report is about.
    pub fn room_of_report(&mut self, report: &str) -> Option<RoomId> {
        let found = room_of_report(self.conn, report);
        self.found(found)
    }

    fn load_identity(&self, room: &RoomId) -> rusqlite::Result<Option<RoomIdentity>> {
        self.conn
            .prepare_cached(
                "SELECT kind, was_private, participants, parent FROM record_rooms WHERE id = ?1",
            )?
            .query_row([room.as_str()], |row| {
                Ok(RoomIdentity {
                    kind: json::decode(row.get_ref(0)?.as_bytes()?)?,
                    was_private: row.get(1)?,
                    participants: json::decode(row.get_ref(2)?.as_bytes()?)?,
                    parent: row.get_ref(3)?.as_str_or_null()?.map(RoomId::new),
                })
            })
            .optional()
    }

    /// The ids of what has that id, and of what was called so, the last first. Names of users are compared without regard
    /// to the case of the letters a to z.
    pub fn find(&mut self, thing: NamedThing, named: &str) -> Vec<String> {
        let known = match thing {
            NamedThing::User => "SELECT id FROM record_names WHERE kind = 'u' AND id = ?1 LIMIT 1",
            NamedThing::Room => "SELECT id FROM record_rooms WHERE id = ?1",
        };
        let called = match thing {
            NamedThing::User => {
                "SELECT id FROM record_names WHERE kind = 'u' AND name = ?1 COLLATE NOCASE
                 ORDER BY since DESC LIMIT 100"
            }
            NamedThing::Room => {
                "SELECT id FROM record_names WHERE kind = 'r' AND name = ?1 ORDER BY since DESC LIMIT 100"
            }
        };
        let found = [known, called].map(|sql| {
            let found = self.ids(sql, named);
            self.found(found)
        });
        found.concat()
    }

    fn ids(&self, sql: &str, named: &str) -> rusqlite::Result<Vec<String>> {
        self.conn
            .prepare_cached(sql)?
            .query_map([named], |row| row.get(0))?
            .collect()
    }

    /// The ids of the rooms there ever were, in order, from behind `after` on; so many at most.
    pub fn rooms_after(&mut self, after: &RoomId, most: u32) -> Vec<RoomId> {
        let loaded = self.load_rooms(after, most);
        self.found(loaded)
    }

    /// How many rooms there ever were.
    pub fn rooms(&mut self) -> u64 {
        let sql = "SELECT count(*) FROM record_rooms";
        let counted = self.conn.prepare_cached(sql);
        let counted = counted.and_then(|mut count| count.query_row([], |row| unsigned(row, 0)));
        self.found(counted)
    }

    /// How many of them are before a room, in the order of [`Self::rooms_after`].
    pub fn rooms_before(&mut self, room: &RoomId) -> u64 {
        let sql = "SELECT count(*) FROM record_rooms WHERE id < ?1";
        let counted = self.conn.prepare_cached(sql);
        let counted =
            counted.and_then(|mut count| count.query_row([room.as_str()], |row| unsigned(row, 0)));
        self.found(counted)
    }

    fn load_rooms(&self, after: &RoomId, most: u32) -> rusqlite::Result<Vec<RoomId>> {
        self.conn
            .prepare_cached("SELECT id FROM record_rooms WHERE id > ?1 ORDER BY id LIMIT ?2")?
            .query_map(params![after.as_str(), most], |row| {
                Ok(RoomId::new(row.get_ref(0)?.as_str()?))
            })?
            .collect()
    }

    /// Every name that a user ever had, or a room that was never private; so many at most.
    pub fn public(&mut self, thing: NamedThing, most: u32) -> Vec<String> {
        let loaded = self.load_public(thing, most);
        self.found(loaded)
    }

    /// The positions of the events that made the rooms that were public at some time, in order.
    pub fn public_rooms(&mut self) -> Vec<Position> {
        let loaded = self.load_made("rooms.was_public", []);
        self.found(loaded)
    }

    /// The same of all discussions there ever were of a room.
    pub fn discussions(&mut self, parent: &RoomId) -> Vec<Position> {
        let loaded = self.load_made("rooms.parent = ?1", [parent.as_str()]);
        self.found(loaded)
    }

    fn load_made(
        &self,
        which: &'static str,
        value: impl Params,
    ) -> rusqlite::Result<Vec<Position>> {
        self.conn
            .prepare_cached(&format!(
                "SELECT min(names.since) FROM record_rooms AS rooms
                 JOIN record_names AS names ON names.kind = 'r' AND names.id = rooms.id
                 WHERE {which} GROUP BY rooms.id ORDER BY 1",
            ))?
            .query_map(value, |row| Ok(Position::new(unsigned(row, 0)?)))?
            .collect()
    }

    /// The rooms that were public at one time and private at another.
    pub fn rooms_of_both_kinds(&mut self) -> Vec<RoomId> {
        let sql = "SELECT id FROM record_rooms WHERE was_public AND was_private ORDER BY id";
        let loaded = self.conn.prepare_cached(sql).and_then(|mut select| {
            let ids = select.query_map([], |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)))?;
            ids.collect::<rusqlite::Result<_>>()
        });
        self.found(loaded)
    }

    fn load_public(&self, thing: NamedThing, most: u32) -> rusqlite::Result<Vec<String>> {
        let sql = match thing {
            NamedThing::User => "SELECT DISTINCT name FROM record_names WHERE kind = 'u' LIMIT ?1",
            NamedThing::Room => {
                "SELECT DISTINCT names.name FROM record_names AS names
                 JOIN record_rooms AS rooms ON rooms.id = names.id
                 WHERE names.kind = 'r' AND NOT rooms.was_private LIMIT ?1"
            }
        };
        self.conn
            .prepare_cached(sql)?
            .query_map([most], |row| row.get(0))?
            .collect()
    }
}

/// The room of the message that a report is about.
pub(super) fn room_of_report(conn: &Connection, report: &str) -> rusqlite::Result<Option<RoomId>> {
    let room = conn
        .prepare_cached("SELECT room FROM reports WHERE id = ?1 AND room IS NOT NULL")?
        .query_row([report], |row| Ok(RoomId::new(row.get_ref(0)?.as_str()?)))
        .optional()?;
    Ok(room)
}

impl Views {
    /// Runs `work` where names can be looked up, off the runtime. It sees everything that was told of before.
    pub async fn with_record_names<T, F>(&self, work: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut RecordNames<'_>) -> T + Send + 'static,
    {
        let done = self.with_known_names(KnownNames::default(), work).await?;
        Ok(done.0)
    }

    /// The same, for those who do so again and again. Also returns what is known then.
    pub async fn with_known_names<T, F>(
        &self,
        known: KnownNames,
        work: F,
    ) -> Result<(T, KnownNames), QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut RecordNames<'_>) -> T + Send + 'static,
    {
        self.read(move |conn| {
            let mut names = RecordNames::new(conn, known);
            let done = work(&mut names);
            names.failure.map_or(Ok((done, names.known)), Err)
        })
        .await
    }
}
