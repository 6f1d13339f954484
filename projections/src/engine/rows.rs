//! Rows of one table in memory, written back once per batch. The files in this folder are the tables that are kept so.
//!
//! A busy room's row changes with every message; it is read from SQLite once and written once per batch, however
//! often it changed. Rows stay after the batch, as many as the capacity allows, so that the next batch finds them.

pub(crate) mod membership;
pub(crate) mod message;
pub(crate) mod room;
pub(crate) mod shared_counters;
pub(crate) mod tally;
pub(crate) mod user;

use std::hash::Hash;

use hashbrown::HashMap;
use rusqlite::{Connection, Statement};

pub(crate) trait Row: Clone {
    type Key: Clone + Eq + Hash + Ord;

    const INSERT: &'static str;
    /// Takes the same values as `INSERT`.
    const UPDATE: &'static str;

    fn load(conn: &Connection, key: &Self::Key) -> rusqlite::Result<Option<Self>>;
    /// Writes it with one of the two statements, which is prepared once for many rows.
    fn write(
        &self,
        conn: &Connection,
        statement: &mut Statement<'_>,
        key: &Self::Key,
    ) -> rusqlite::Result<()>;
    fn delete(&self, conn: &Connection, key: &Self::Key) -> rusqlite::Result<()>;
    /// Where it is written among the rows of a batch: near its neighbours in the file.
    fn place(&self) -> i64 {
        0
    }
}

/// How a row in memory relates to the one in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The same as in the file, or absent in both.
    Clean,
    /// Not in the file yet.
    New,
    /// Different from the one in the file.
    Changed,
}

struct Slot<R: Row> {
    key: R::Key,
    row: Option<R>,
    state: State,
    /// The row in the file that is to be removed before `row` is written. Rare, so it takes no room.
    gone: Option<Box<R>>,
    /// On the list of dirty slots.
    listed: bool,
    /// Used since rows were last dropped.
    used: bool,
}

impl<R: Row> Slot<R> {
    fn is_clean(&self) -> bool {
        self.state == State::Clean && self.gone.is_none()
    }
}

pub(crate) struct Rows<R: Row> {
    index: HashMap<R::Key, usize>,
    slots: Vec<Slot<R>>,
    dirty: Vec<usize>,
    capacity: usize,
    /// Every row of the table is here: a row that is not here need not be looked for in the file.
    complete: bool,
}

impl<R: Row> Rows<R> {
    /// Keeps at most about `capacity` clean rows. `empty`: the table has no rows yet.
    pub(crate) fn new(capacity: usize, empty: bool) -> Self {
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            dirty: Vec::new(),
            capacity,
            complete: empty,
        }
    }

    fn push(&mut self, key: R::Key, row: Option<R>) -> &mut Slot<R> {
        let place = self.slots.len();
        self.index.insert(key.clone(), place);
        self.slots.push(Slot {
            key,
            row,
            state: State::Clean,
            gone: None,
            listed: false,
            used: true,
        });
        &mut self.slots[place]
    }

    /// The slot of a key, read from the file if necessary.
    fn slot(&mut self, conn: &Connection, key: &R::Key) -> rusqlite::Result<usize> {
        if let Some(place) = self.index.get(key) {
            self.slots[*place].used = true;
            return Ok(*place);
        }
        let row = if self.complete {
            None
        } else {
            R::load(conn, key)?
        };
        self.push(key.clone(), row);
        Ok(self.slots.len() - 1)
    }

    fn list(&mut self, place: usize) {
        if !self.slots[place].listed {
            self.slots[place].listed = true;
            self.dirty.push(place);
        }
    }

    pub(crate) fn get(&mut self, conn: &Connection, key: &R::Key) -> rusqlite::Result<Option<&R>> {
        let place = self.slot(conn, key)?;
        Ok(self.slots[place].row.as_ref())
    }

    pub(crate) fn get_mut(
        &mut self,
        conn: &Connection,
        key: &R::Key,
    ) -> rusqlite::Result<Option<&mut R>> {
        let place = self.slot(conn, key)?;
        if self.slots[place].row.is_some() && self.slots[place].state == State::Clean {
            self.slots[place].state = State::Changed;
            self.list(place);
        }
        Ok(self.slots[place].row.as_mut())
    }

    /// Inserts a row that is known not to exist, without a lookup.
    pub(crate) fn insert_new(&mut self, key: R::Key, row: R) {
        let place = if let Some(place) = self.index.get(&key) {
            *place
        } else {
            self.push(key, None);
            self.slots.len() - 1
        };
        let slot = &mut self.slots[place];
        slot.row = Some(row);
        slot.used = true;
        if slot.state == State::Clean {
            slot.state = State::New;
        }
        self.list(place);
    }

    /// Inserts or replaces a row.
    pub(crate) fn put(&mut self, conn: &Connection, key: R::Key, row: R) -> rusqlite::Result<()> {
        if let Some(present) = self.get_mut(conn, &key)? {
            *present = row;
        } else {
            self.insert_new(key, row);
        }
        Ok(())
    }

    /// Removes a row and returns it.
    pub(crate) fn remove(
        &mut self,
        conn: &Connection,
        key: &R::Key,
    ) -> rusqlite::Result<Option<R>> {
        let place = self.slot(conn, key)?;
        let slot = &mut self.slots[place];
        let Some(row) = slot.row.take() else {
            return Ok(None);
        };
        // A new row never reached the file: nothing to remove there.
        if std::mem::replace(&mut slot.state, State::Clean) != State::New {
            slot.gone = Some(Box::new(row.clone()));
            self.list(place);
        }
        Ok(Some(row))
    }

    /// Whether the row is known without reading the file.
    pub(crate) fn holds(&self, key: &R::Key) -> bool {
        self.complete || self.index.contains_key(key)
    }

    /// Whether the row was changed and not written yet.
    pub(crate) fn is_dirty(&self, key: &R::Key) -> bool {
        self.index
            .get(key)
            .is_some_and(|place| !self.slots[*place].is_clean())
    }

    /// Forgets a row that is no longer in the file as it is here; it must be clean.
    pub(crate) fn forget(&mut self, key: &R::Key) {
        if let Some(place) = self.index.get(key)
            && self.slots[*place].is_clean()
        {
            self.slots[*place].row = None;
        }
    }

    /// How many rows were changed and not written yet.
    pub(crate) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// Writes what changed, in an order that depends on nothing but the rows. All rows are clean then.
    pub(crate) fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if self.dirty.is_empty() {
            return Ok(());
        }
        let mut order = std::mem::take(&mut self.dirty);
        let slots = &mut self.slots;
        let at = |place: usize| {
            slots[place]
                .row
                .as_ref()
                .or(slots[place].gone.as_deref())
                .map_or(0, Row::place)
        };
        order.sort_unstable_by(|a, b| {
            at(*a)
                .cmp(&at(*b))
                .then_with(|| slots[*a].key.cmp(&slots[*b].key))
        });
        let mut insert = conn.prepare_cached(R::INSERT)?;
        let mut update = conn.prepare_cached(R::UPDATE)?;
        for place in order {
            let slot = &mut slots[place];
            slot.listed = false;
            if let Some(gone) = slot.gone.take() {
                gone.delete(conn, &slot.key)?;
            }
            match (slot.state, &slot.row) {
                (State::New, Some(row)) => row.write(conn, &mut insert, &slot.key)?,
                (State::Changed, Some(row)) => row.write(conn, &mut update, &slot.key)?,
                _ => {}
            }
            slot.state = State::Clean;
        }
        Ok(())
    }

    /// Drops rows not used lately, if there are more than the capacity allows. Called between batches; rows that were
    /// not written yet stay.
    pub(crate) fn trim(&mut self) {
        if self.slots.len() <= self.capacity {
            return;
        }
        self.complete = false;
        let mut kept = 0;
        // The newest are looked at first: there are many, and they are wanted most.
        for slot in self.slots.iter_mut().rev() {
            let wanted = slot.used && kept < self.capacity / 2;
            slot.used = slot.listed || wanted;
            kept += usize::from(slot.used);
        }
        self.slots
            .retain_mut(|slot| std::mem::replace(&mut slot.used, false));
        self.index.clear();
        self.dirty.clear();
        for (place, slot) in self.slots.iter().enumerate() {
            self.index.insert(slot.key.clone(), place);
            if slot.listed {
                self.dirty.push(place);
            }
        }
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Forgets everything, written or not.
    pub(crate) fn clear(&mut self) {
        self.complete = false;
        self.index.clear();
        self.slots.clear();
        self.dirty.clear();
    }
}
