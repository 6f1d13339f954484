//! Searching the record: which positions have all that is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use domain::{Category, RoomId, UserId};
use eventstore::{CorrelationId, Position};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::engine::handle::Views;
use crate::engine::postings::{self, BLOCK, Bits, Word};
use crate::error::QueryError;
use crate::numbers::unsigned;

/// Which end of the record comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// Which events to find. Of each list any one is enough; an empty list asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct RecordQuery {
    /// Events in these rooms, or about them.
    pub rooms: Vec<RoomId>,
    /// Events of these users, or that concern them.
    pub users: Vec<UserId>,
    /// Events of these users.
    pub actors: Vec<UserId>,
    /// Events of these names.
    pub event_types: Vec<String>,
    /// Events that concern these users, whoever did them.
    pub concerning: Vec<UserId>,
    /// Beginnings of exports of these names.
    pub exports: Vec<String>,
    /// Events in streams of these categories.
    pub categories: Vec<Category>,
    /// Events that may be of this request: a few others are found too.
    pub correlation: Option<CorrelationId>,
    /// Only events at one of these positions, which ascend.
    pub among: Option<Vec<Position>>,
    /// Only events after this position.
    pub after: Position,
    /// Only events up to this position; `None`: up to the end of the views.
    pub upto: Option<Position>,
    /// Which end comes first.
    pub order: Order,
    /// How many at most.
    pub limit: usize,
    /// What an earlier answer to the same question said, of which this goes on: what was recorded since is not found, and
    /// the end of the record is not read again. `None`: the record as it is.
    pub as_of: Option<RecordEnd>,
}

/// The end of the record as one question found it. Good for that question only, from wherever it goes on.
#[derive(Clone, Debug)]
pub struct RecordEnd(Arc<OpenWords>);

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// In the order asked for.
    pub positions: Vec<Position>,
    /// There may be more behind the last.
    pub more: bool,
    /// The last position that was looked at, or could have been: the end of the views, or of what was asked for.
    pub end: Position,
    /// What to go on with, see [`RecordQuery::as_of`].
    pub as_of: RecordEnd,
}

impl RecordQuery {
    /// What must all occur: of each clause one word.
    fn clauses(&self) -> Vec<Vec<CompactString>> {
        let rooms = self.rooms.iter().map(|room| Word::Room(room.as_str()));
        let users = self
            .users
            .iter()
            .flat_map(|user| [Word::User(user.as_str()), Word::Actor(user.as_str())]);
        let actors = self.actors.iter().map(|user| Word::Actor(user.as_str()));
        let concerning = self.concerning.iter();
        let concerning = concerning.map(|user| Word::User(user.as_str()));
        let types = self.event_types.iter().map(|name| Word::Type(name));
        let categories = self
            .categories
            .iter()
            .map(|category| Word::Category(category.as_str()));
        let exports = self.exports.iter().map(|name| Word::Exports(name));
        let clauses = [
            rooms.map(Word::text).collect(),
            users.map(Word::text).collect(),
            actors.map(Word::text).collect(),
            concerning.map(Word::text).collect(),
            types.map(Word::text).collect(),
            exports.map(Word::text).collect(),
            categories.map(Word::text).collect::<Vec<_>>(),
        ];
        clauses
            .into_iter()
            .filter(|clause| !clause.is_empty())
            .collect()
    }
}

impl Views {
    /// The positions of events. Sees everything that was told of before.
    pub async fn search_record(&self, query: RecordQuery) -> Result<Found, QueryError> {
        self.read(move |conn| search(conn, &query)).await
    }
}

fn search(conn: &Connection, query: &RecordQuery) -> rusqlite::Result<Found> {
    let open = match &query.as_of {
        Some(RecordEnd(open)) => Arc::clone(open),
        None => Arc::new(OpenWords::load(conn, query)?),
    };
    let last = query
        .upto
        .map_or(open.applied, |upto| upto.get().min(open.applied));
    let first = query.after.get().saturating_add(1);
    let mut found = Found {
        positions: Vec::new(),
        more: false,
        end: Position::new(last),
        as_of: RecordEnd(Arc::clone(&open)),
    };
    if first > last {
        return Ok(found);
    }
    let search = Search {
        conn,
        clauses: query.clauses(),
        correlation: query.correlation,
        among: query.among.as_deref().map(by_block),
        open: &open,
        order: query.order,
        blocks: (first / BLOCK, last / BLOCK),
    };
    let mut at = Some(match query.order {
        Order::OldestFirst => first / BLOCK,
        Order::NewestFirst => last / BLOCK,
    });
    while let Some(block) = at.map(|at| search.nearest(at)).transpose()?.flatten() {
        for offset in in_order(&search.bits(block)?, query.order) {
            let position = block * BLOCK + u64::from(offset);
            if position < first || position > last {
                continue;
            }
            if found.positions.len() == query.limit {
                found.more = true;
                return Ok(found);
            }
            found.positions.push(Position::new(position));
        }
        at = search.after(block);
    }
    Ok(found)
}

fn by_block(positions: &[Position]) -> BTreeMap<u64, Bits> {
    let mut blocks = BTreeMap::new();
    for position in positions {
        let (block, offset) = postings::place(*position);
        blocks.entry(block).or_insert(Bits::NONE).add(offset);
    }
    blocks
}

fn in_order(bits: &Bits, order: Order) -> Box<dyn Iterator<Item = u16> + '_> {
    match order {
        Order::OldestFirst => Box::new(bits.offsets()),
        Order::NewestFirst => Box::new(bits.offsets().rev()),
    }
}

/// What is asked for, as far as it occurs in the open block.
#[derive(Debug)]
struct OpenWords {
    /// The last position of the views.
    applied: u64,
    block: u64,
    words: BTreeMap<CompactString, Bits>,
    correlated: Bits,
}

impl OpenWords {
    fn load(conn: &Connection, query: &RecordQuery) -> rusqlite::Result<Self> {
        let applied = conn
            .prepare_cached("SELECT position FROM log")?
            .query_row([], |row| unsigned(row, 0))?;
        let mut open = Self {
            applied,
            block: applied / BLOCK,
            words: query
                .clauses()
                .into_iter()
                .flatten()
                .map(|word| (word, Bits::NONE))
                .collect(),
            correlated: Bits::NONE,
        };
        postings::each_open(conn, |offset, kept, words| {
            for word in words {
                if let Some(bits) = open.words.get_mut(word.as_str()) {
                    bits.add(offset);
                }
            }
            if query
                .correlation
                .is_some_and(|one| postings::may_be_of(kept, one))
            {
                open.correlated.add(offset);
            }
        })?;
        Ok(open)
    }
}

struct Search<'a> {
    conn: &'a Connection,
    clauses: Vec<Vec<CompactString>>,
    correlation: Option<CorrelationId>,
    among: Option<BTreeMap<u64, Bits>>,
    open: &'a OpenWords,
    order: Order,
    /// The first and the last block to look at.
    blocks: (u64, u64),
}

impl Search<'_> {
    /// The block after `block` in the order asked for.
    fn after(&self, block: u64) -> Option<u64> {
        match self.order {
            Order::OldestFirst => (block < self.blocks.1).then(|| block + 1),
            Order::NewestFirst => (block > self.blocks.0).then(|| block - 1),
        }
    }

    /// The first block from `from` on, in the order asked for, where every clause has a word.
    fn nearest(&self, from: u64) -> rusqlite::Result<Option<u64>> {
        let mut block = from;
        loop {
            let Some(mut furthest) = self.nearest_among(block) else {
                return Ok(None);
            };
            for clause in &self.clauses {
                match self.nearest_of(clause, furthest)? {
                    None => return Ok(None),
                    Some(nearest) => furthest = nearest,
                }
            }
            if furthest == block {
                return Ok(Some(block));
            }
            block = furthest;
        }
    }

    /// The first block from `from` on with one of the positions that were asked for.
    fn nearest_among(&self, from: u64) -> Option<u64> {
        let Some(among) = &self.among else {
            return Some(from);
        };
        let found = match self.order {
            Order::OldestFirst => among.range(from..=self.blocks.1.max(from)).next(),
            Order::NewestFirst => among.range(self.blocks.0.min(from)..=from).next_back(),
        };
        found.map(|(block, _)| *block)
    }

    /// The first block from `from` on where one of the words occurs.
    fn nearest_of(&self, clause: &[CompactString], from: u64) -> rusqlite::Result<Option<u64>> {
        let (sql, limit) = match self.order {
            Order::OldestFirst => (
                "SELECT block FROM postings WHERE word = ?1 AND block >= ?2 AND block <= ?3 ORDER BY block LIMIT 1",
                self.blocks.1,
            ),
            Order::NewestFirst => (
                "SELECT block FROM postings WHERE word = ?1 AND block <= ?2 AND block >= ?3
                 ORDER BY block DESC LIMIT 1",
                self.blocks.0,
            ),
        };
        let mut select = self.conn.prepare_cached(sql)?;
        let mut nearest: Option<u64> = None;
        for word in clause {
            let stored = select
                .query_row(params![word.as_str(), signed(from), signed(limit)], |row| {
                    unsigned(row, 0)
                })
                .optional()?;
            let open = self.in_open(word, from).then_some(self.open.block);
            for block in stored.into_iter().chain(open) {
                nearest = Some(match (nearest, self.order) {
                    (None, _) => block,
                    (Some(other), Order::OldestFirst) => other.min(block),
                    (Some(other), Order::NewestFirst) => other.max(block),
                });
            }
        }
        Ok(nearest)
    }

    /// Whether the open block, from `from` on, has the word.
    fn in_open(&self, word: &CompactString, from: u64) -> bool {
        let ahead = match self.order {
            Order::OldestFirst => (from..=self.blocks.1).contains(&self.open.block),
            Order::NewestFirst => (self.blocks.0..=from).contains(&self.open.block),
        };
        ahead
            && self
                .open
                .words
                .get(word)
                .is_some_and(|bits| *bits != Bits::NONE)
    }

    /// Where in a block everything occurs that is asked for.
    fn bits(&self, block: u64) -> rusqlite::Result<Bits> {
        let mut all = Bits::ALL;
        for clause in &self.clauses {
            let mut any = Bits::NONE;
            for word in clause {
                any.or(&self.word(word, block)?);
            }
            all.and(&any);
        }
        if let Some(among) = &self.among {
            all.and(among.get(&block).unwrap_or(&Bits::NONE));
        }
        if let Some(correlation) = self.correlation {
            all.and(&if block == self.open.block {
                self.open.correlated.clone()
            } else {
                postings::correlated(self.conn, signed(block), correlation)?
            });
        }
        Ok(all)
    }

    fn word(&self, word: &CompactString, block: u64) -> rusqlite::Result<Bits> {
        if block == self.open.block {
            return Ok(self.open.words.get(word).cloned().unwrap_or(Bits::NONE));
        }
        let row = self
            .conn
            .prepare_cached("SELECT positions FROM postings WHERE word = ?1 AND block = ?2")?
            .query_row(params![word.as_str(), signed(block)], |row| {
                Ok(Bits::decode(row.get_ref(0)?.as_bytes()?))
            })
            .optional()?;
        Ok(row.unwrap_or(Bits::NONE))
    }
}

fn signed(block: u64) -> i64 {
    i64::try_from(block).unwrap_or(i64::MAX)
}
