//! What projections apply events to: the write connection, and the rows in memory that are not written back yet.

mod policy;
mod rosters;

use bytes::Bytes;
use compact_str::CompactString;
use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use domain::{MessageId, RoleId, RoomId, Timestamp, TokenHash, UserId, markdown};
use eventstore::event::Leaf;
use eventstore::{LogId, Place, Position};
use hashbrown::{HashMap, HashSet};
use rusqlite::{Connection, params};

pub(crate) use policy::Policy;
pub(crate) use rosters::Roster;

use crate::engine::hub::update::LiveUpdate;
use crate::engine::index::Index;
use crate::engine::past::{self, Spacing};
use crate::engine::postings::OpenBlock;
use crate::engine::rows::Rows;
use crate::engine::rows::membership::MembershipRow;
use crate::engine::rows::message::MessageRow;
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::shared_counters::SharedCounters;
use crate::engine::rows::user::UserRow;
use crate::names::{DiscussionNow, Names, RoomName, UserName, markdown_of, role_name};
use crate::numbers::number;

/// How many rows stay in memory between batches while following the log.
const LIVE_ROWS: Capacity = if cfg!(test) {
    // So few that tests go through everything that happens when there are more.
    Capacity {
        users: 4,
        rooms: 3,
        memberships: 20,
        messages: 30,
    }
} else {
    Capacity {
        users: 20_000,
        rooms: 10_000,
        memberships: 50_000,
        messages: 8_000,
    }
};

/// The same while rebuilding a file: memory is spent so that the file is read seldom.
const BULK_ROWS: Capacity = if cfg!(test) {
    Capacity {
        users: 6,
        rooms: 4,
        memberships: 30,
        messages: 100,
    }
} else {
    Capacity {
        users: 100_000,
        rooms: 50_000,
        memberships: 400_000,
        messages: 60_000,
    }
};

/// How many changed rows wait to be written while a file is rebuilt.
const BULK_WAITING: Waiting = if cfg!(test) {
    Waiting {
        messages: 50,
        others: 40,
    }
} else {
    Waiting {
        messages: 8192,
        others: 250_000,
    }
};

/// The same while tables of an earlier moment are made: written rows stay in memory too, several moments at a time.
const PAST_WAITING: Waiting = if cfg!(test) {
    BULK_WAITING
} else {
    Waiting {
        messages: 16_384,
        others: 16_384,
    }
};

struct Capacity {
    users: usize,
    rooms: usize,
    memberships: usize,
    messages: usize,
}

struct Waiting {
    messages: usize,
    others: usize,
}

/// What the views of rooms and memberships need to know of a message that was just added.
pub(crate) struct Posted {
    pub(crate) id: MessageId,
    pub(crate) room: RoomId,
    pub(crate) doc: Bytes,
    /// Send time, as the room shows it.
    pub(crate) at: Timestamp,
    /// Position of the room's message before it.
    pub(crate) before: i64,
    pub(crate) system: bool,
    /// In the room, not only in its thread.
    pub(crate) shown: bool,
    /// Without a `t`: not a system message of any kind.
    pub(crate) plain: bool,
    /// Users it concerns as a reply: they see the room alerted.
    pub(crate) audience: Vec<UserId>,
    /// Followers of the thread it was added to.
    pub(crate) followers: Vec<UserId>,
}

/// A member who has read on, or back, in a room.
pub(crate) struct Moved {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    /// Only a thread of the room was read.
    pub(crate) thread: Option<MessageId>,
    /// Where their read cursor was; `None`: nowhere yet.
    pub(crate) from: Option<Timestamp>,
    /// Up to where they have read.
    pub(crate) to: Timestamp,
    pub(crate) at: Timestamp,
}

/// Facts that a batch changed and that caches must not serve any more.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// Whose rows, second factors or granted programs changed.
    pub(crate) users: HashSet<UserId>,
    /// Lower-case user names that changed hands.
    pub(crate) usernames: HashSet<CompactString>,
    /// Users were added, removed or renamed.
    pub(crate) user_order: bool,
    pub(crate) sessions: HashSet<TokenHash>,
    pub(crate) rooms: HashSet<RoomId>,
    pub(crate) memberships: HashSet<(RoomId, UserId)>,
    /// Message documents as they are now; `None`: removed.
    pub(crate) messages: HashMap<MessageId, Option<Bytes>>,
    /// Messages were removed in bulk: no cached document can be trusted.
    pub(crate) all_messages: bool,
    pub(crate) settings: bool,
    pub(crate) permissions: bool,
    pub(crate) roles: bool,
}

/// What doors are shown as a whole.
pub(crate) struct Shown {
    pub(crate) settings: Settings,
    pub(crate) permissions: PermissionTable,
    pub(crate) roles: RoleTable,
    pub(crate) dead_letters: u64,
}

/// The write connection, with the rows in memory that are not written back yet.
pub struct Tx {
    pub(crate) conn: Connection,
    pub(crate) users: Rows<UserRow>,
    pub(crate) rooms: Rows<RoomRow>,
    pub(crate) memberships: Rows<MembershipRow>,
    pub(crate) shared_counters: Rows<SharedCounters>,
    pub(crate) messages: Rows<MessageRow>,
    pub(crate) postings: OpenBlock,
    /// References from users to messages that name them, and since which position; not written yet.
    pub(crate) references: Vec<(UserId, i64, i64)>,
    pub(crate) rosters: HashMap<RoomId, Roster>,
    pub(crate) settings: Settings,
    pub(crate) permissions: PermissionTable,
    pub(crate) roles: RoleTable,
    pub(crate) policy: Policy,
    /// What the message view found out about the message being applied, for the views after it.
    pub(crate) posted: Option<Posted>,
    /// Who the event says has read what, for the view of receipts. `None` while none are noted.
    pub(crate) moved: Option<Moved>,
    /// Up to where everybody has read the room of the event since that, if they had not before.
    pub(crate) risen: Option<Timestamp>,
    /// The old unique name of the user that is being renamed.
    pub(crate) renamed: Option<CompactString>,
    /// Whether the user that the event is about was there and active before it; `None` if that does not change.
    pub(crate) was_active: Option<bool>,
    pub(crate) stale: Stale,
    /// How many dead letters the file has.
    pub(crate) dead_letters: u64,
    /// Where live updates are collected; `None` while there cannot be subscribers.
    pub(crate) updates: Option<Vec<LiveUpdate>>,
    /// Indexes that do not exist yet, while a file is rebuilt.
    missing: HashMap<&'static str, &'static Index>,
    bulk: bool,
    /// The tables are those of an earlier position: nobody reads them but who asked for it, and nothing is kept of them.
    pub(crate) past: bool,
    /// After how many events a snapshot is taken.
    spacing: Spacing,
    /// The last snapshot.
    pub(crate) snapshot: Position,
    log: LogId,
    /// The last position applied.
    pub(crate) position: Position,
    pub(crate) leaf: Leaf,
}

impl Tx {
    /// For an open views file that contains everything up to `place`; settings, permissions and roles are yet to be
    /// read. `missing`: the indexes that do not exist yet, of a file that is rebuilt.
    pub(crate) fn new(
        conn: Connection,
        place: Place,
        spacing: Spacing,
        missing: Option<HashMap<&'static str, &'static Index>>,
    ) -> Self {
        let bulk = missing.is_some();
        let rows = if bulk { &BULK_ROWS } else { &LIVE_ROWS };
        Self {
            users: Rows::new(rows.users, bulk),
            rooms: Rows::new(rows.rooms, bulk),
            memberships: Rows::new(rows.memberships, bulk),
            shared_counters: Rows::new(rows.rooms, bulk),
            messages: Rows::new(rows.messages, bulk),
            postings: OpenBlock::default(),
            references: Vec::new(),
            rosters: HashMap::new(),
            settings: Settings::default(),
            permissions: PermissionTable::default(),
            roles: RoleTable::default(),
            policy: Policy::default(),
            posted: None,
            moved: None,
            risen: None,
            renamed: None,
            was_active: None,
            stale: Stale::default(),
            dead_letters: 0,
            updates: None,
            missing: missing.unwrap_or_default(),
            bulk,
            past: false,
            spacing,
            snapshot: Position::START,
            log: place.log,
            position: place.position,
            leaf: place.leaf,
            conn,
        }
    }

    /// The file of the views, for a view that is not of this crate: its own tables, within the transaction that is under
    /// way.
    pub fn connection(&self) -> &Connection {
        &self.conn
    }

    /// Drops everything but the connection.
    pub(crate) fn into_connection(self) -> Connection {
        self.conn
    }

    pub(crate) fn shown(&self) -> Shown {
        Shown {
            settings: self.settings.clone(),
            permissions: self.permissions.clone(),
            roles: self.roles.clone(),
            dead_letters: self.dead_letters,
        }
    }

    pub(crate) fn settings_changed(&mut self) {
        self.policy = Policy::of(&self.settings);
        self.forget_cursors();
        self.stale.settings = true;
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            log: self.log,
            position: self.position,
            leaf: self.leaf,
        }
    }

    /// Writes all rows and the checkpoint. The caller begins and commits.
    pub(crate) fn flush(&mut self) -> rusqlite::Result<()> {
        self.users.flush(&self.conn)?;
        self.rooms.flush(&self.conn)?;
        self.memberships.flush(&self.conn)?;
        self.shared_counters.flush(&self.conn)?;
        self.flush_messages()?;
        self.postings.flush(&self.conn)?;
        let mut checkpoint = self
            .conn
            .prepare_cached("UPDATE log SET position = ?1, leaf = ?2")?;
        checkpoint.execute(params![number(self.position), self.leaf.as_slice()])?;
        Ok(())
    }

    /// While nobody reads the tables yet: writes rows only if there are many. Busy rooms and members are then written a few
    /// times in all, not once per batch.
    pub(crate) fn relieve(&mut self) -> rusqlite::Result<()> {
        let most = if self.past {
            PAST_WAITING
        } else {
            BULK_WAITING
        };
        if self.messages.dirty() >= most.messages {
            self.flush_messages()?;
        }
        if self.users.dirty() + self.rooms.dirty() + self.memberships.dirty() >= most.others {
            self.users.flush(&self.conn)?;
            self.rooms.flush(&self.conn)?;
            self.memberships.flush(&self.conn)?;
            self.shared_counters.flush(&self.conn)?;
        }
        self.stale = Stale::default();
        self.trim();
        Ok(())
    }

    /// Writes message rows, so that SQL sees them.
    pub(crate) fn flush_messages(&mut self) -> rusqlite::Result<()> {
        self.messages.flush(&self.conn)?;
        if self.references.is_empty() {
            return Ok(());
        }
        self.references.sort_unstable();
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO message_references (user, message, since) VALUES (?1, ?2, ?3)",
        )?;
        for (user, message, since) in self.references.drain(..) {
            insert.execute(params![user.as_str(), message, since])?;
        }
        Ok(())
    }

    /// Takes a snapshot if it is time for one. Rows that the past is told of are not written for it.
    pub(crate) fn keep_past(&mut self) -> rusqlite::Result<()> {
        let since = self.position.get().saturating_sub(self.snapshot.get());
        if self.past || since < self.spacing.events() {
            return Ok(());
        }
        self.users.flush(&self.conn)?;
        self.rooms.flush(&self.conn)?;
        self.flush_messages()?;
        past::take(&self.conn, self.place())?;
        self.snapshot = self.position;
        Ok(())
    }

    /// Drops rows not used lately. Called between batches.
    pub(crate) fn trim(&mut self) {
        self.users.trim();
        self.rooms.trim();
        self.memberships.trim();
        self.shared_counters.trim();
        self.messages.trim();
        self.trim_rosters();
    }

    /// Forgets all rows, written or not. The file has everything up to `place`.
    pub(crate) fn forget(&mut self, place: Place) {
        self.users.clear();
        self.rooms.clear();
        self.memberships.clear();
        self.shared_counters.clear();
        self.messages.clear();
        self.references.clear();
        self.rosters.clear();
        self.stale = Stale::default();
        if let Some(updates) = &mut self.updates {
            updates.clear();
        }
        (self.position, self.leaf) = (place.position, place.leaf);
    }

    /// Makes sure an index exists that is needed to apply the event.
    pub(crate) fn need(&mut self, name: &'static str) -> rusqlite::Result<()> {
        match self.missing.remove(name) {
            Some(index) => index.create(&self.conn),
            None => Ok(()),
        }
    }

    /// Makes sure a message can be found by its id.
    pub(crate) fn need_message(&mut self, id: &MessageId) -> rusqlite::Result<()> {
        if self.bulk && !self.messages.holds(id) {
            self.need("messages_id")
        } else {
            Ok(())
        }
    }

    /// The file is complete, with all indexes: it goes on as one that serves.
    pub(crate) fn finish_bulk(&mut self) {
        self.bulk = false;
        self.users.set_capacity(LIVE_ROWS.users);
        self.rooms.set_capacity(LIVE_ROWS.rooms);
        self.memberships.set_capacity(LIVE_ROWS.memberships);
        self.shared_counters.set_capacity(LIVE_ROWS.rooms);
        self.messages.set_capacity(LIVE_ROWS.messages);
    }

    /// Notes a message document for the cache of recent ones.
    pub(crate) fn note_message(&mut self, id: &MessageId, doc: Option<Bytes>) {
        if !self.bulk {
            self.stale.messages.insert(id.clone(), doc);
        }
    }
}

impl Names for Tx {
    fn user(&mut self, user: &UserId) -> rusqlite::Result<Option<UserName>> {
        Ok(self.users.get(&self.conn, user)?.map(UserRow::called))
    }

    fn room(&mut self, room: &RoomId) -> rusqlite::Result<Option<RoomName>> {
        Ok(self.rooms.get(&self.conn, room)?.map(RoomRow::called))
    }

    fn discussion(&mut self, room: &RoomId) -> rusqlite::Result<Option<DiscussionNow>> {
        Ok(self
            .rooms
            .get(&self.conn, room)?
            .and_then(RoomRow::discussion))
    }

    fn send_time(&mut self, _: Position) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.posted.as_ref().map(|posted| posted.at))
    }

    fn role(&self, role: &RoleId) -> CompactString {
        role_name(&self.roles, role)
    }

    fn markdown(&self) -> markdown::Options {
        markdown_of(&self.settings)
    }

    fn read_by_all(&mut self, _: &RoomId, _: Position) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.risen)
    }
}
