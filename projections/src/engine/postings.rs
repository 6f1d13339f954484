//! At which positions of the log a word occurs: what the record is searched by.
//!
//! The log is cut into blocks of [`BLOCK`] positions. For every word that occurs in a block there is one row with its
//! positions in it, written once the block is complete, so that an event costs a few bytes here and its share of one
//! sorted write. Until then its words lie in rows of their own, one an event, from which the open block is read again
//! after a restart. Tables are the same whatever the batches, because blocks are of positions.

use compact_str::CompactString;
use eventstore::{CorrelationId, Position};
use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::numbers::number;

/// Positions of a block.
pub(crate) const BLOCK: u64 = if cfg!(test) {
    // So few that tests complete many.
    64
} else {
    4096
};

/// Words of 64 bits in a block.
const WORDS: usize = 64;

/// With more positions than this, a row has one bit for each position of the block instead of a list.
const MOST_LISTED: usize = WORDS * 8 / 2;

/// Bytes of an entry in the row of correlations: four of the id, two of the offset.
const CORRELATED: usize = 6;

pub(crate) const TABLES: &str = "
    CREATE TABLE postings (
        word TEXT NOT NULL,
        block INTEGER NOT NULL,
        positions BLOB NOT NULL,
        PRIMARY KEY (word, block)
    ) WITHOUT ROWID;
    CREATE TABLE correlations (
        block INTEGER NOT NULL PRIMARY KEY,
        entries BLOB NOT NULL
    );
    CREATE TABLE open_postings (
        position INTEGER NOT NULL PRIMARY KEY,
        correlation BLOB NOT NULL,
        words BLOB NOT NULL
    );";

/// Some positions of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bits([u64; WORDS]);

impl Bits {
    pub(crate) const NONE: Self = Self([0; WORDS]);
    pub(crate) const ALL: Self = Self([u64::MAX; WORDS]);

    pub(crate) fn add(&mut self, offset: u16) {
        if let Some(word) = self.0.get_mut(usize::from(offset / 64)) {
            *word |= 1 << (offset % 64);
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a &= b);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }

    /// The offsets in the block, ascending.
    pub(crate) fn offsets(&self) -> impl DoubleEndedIterator<Item = u16> {
        let words = self.0;
        (0..u16::try_from(BLOCK).unwrap_or(u16::MAX))
            .filter(move |offset| words[usize::from(offset / 64)] & (1 << (offset % 64)) != 0)
    }

    fn of(offsets: &[u16]) -> Self {
        let mut bits = Self::NONE;
        for offset in offsets {
            bits.add(*offset);
        }
        bits
    }

    /// As a row has it: offsets of two bytes each, or all bits.
    fn encode(offsets: &[u16]) -> Vec<u8> {
        if offsets.len() < MOST_LISTED {
            return offsets.iter().flat_map(|one| one.to_le_bytes()).collect();
        }
        let bits = Self::of(offsets).0;
        bits.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(crate) fn decode(row: &[u8]) -> Self {
        let mut bits = Self::NONE;
        if row.len() == WORDS * 8 {
            for (word, bytes) in bits.0.iter_mut().zip(row.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        } else {
            for offset in row.as_chunks::<2>().0 {
                bits.add(u16::from_le_bytes(*offset));
            }
        }
        bits
    }
}

/// The block a position is in, and its offset there.
pub(crate) fn place(position: Position) -> (u64, u16) {
    let offset = u16::try_from(position.get() % BLOCK).unwrap_or_default();
    (position.get() / BLOCK, offset)
}

/// As much of a correlation id as is kept: its last bytes, which are random.
fn short(correlation: CorrelationId) -> [u8; 4] {
    let bytes = correlation.0.as_bytes();
    [bytes[12], bytes[13], bytes[14], bytes[15]]
}

/// The kinds of word that events are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    Type(&'a str),
    Category(&'a str),
    Actor(&'a str),
    /// The user it concerns.
    User(&'a str),
    Room(&'a str),
    /// What an export is called that others go on behind.
    Exports(&'a str),
}

impl Word<'_> {
    /// Writes it as the table has it: one letter for the kind, and what it is.
    fn write(self, out: &mut String) {
        let (letter, text) = match self {
            Self::Type(text) => ('t', text),
            Self::Category(text) => ('c', text),
            Self::Actor(text) => ('a', text),
            Self::User(text) => ('u', text),
            Self::Room(text) => ('r', text),
            Self::Exports(text) => ('e', text),
        };
        out.clear();
        out.push(letter);
        out.push_str(text);
    }

    /// As the table has it.
    pub(crate) fn text(self) -> CompactString {
        let mut out = String::new();
        self.write(&mut out);
        CompactString::from(out)
    }
}

/// An event that is in no row yet.
struct Unwritten {
    position: Position,
    correlation: [u8; 4],
    /// Where its words begin among all that are not written.
    begin: usize,
}

/// The block that the log's end is in. Every event goes through it, so words are numbered here and events have numbers.
#[derive(Default)]
pub(crate) struct OpenBlock {
    numbers: HashMap<CompactString, usize>,
    /// Of each word, where it occurs.
    offsets: Vec<Vec<u16>>,
    correlations: Vec<([u8; 4], u16)>,
    unwritten: Vec<Unwritten>,
    unwritten_words: Vec<usize>,
    /// The offset of the event whose words come in.
    at: u16,
    text: String,
}

impl OpenBlock {
    /// The open block as the file has it.
    pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let mut block = Self::default();
        each_open(conn, |offset, correlation, words| {
            block.at = offset;
            block.correlations.push((correlation, offset));
            for word in words {
                block.occur(word);
            }
        })?;
        Ok(block)
    }

    /// Begins with the event at `position`, which follows the one before.
    pub(crate) fn begin(&mut self, position: Position, correlation: CorrelationId) {
        let (_, offset) = place(position);
        let correlation = short(correlation);
        self.at = offset;
        self.correlations.push((correlation, offset));
        self.unwritten.push(Unwritten {
            position,
            correlation,
            begin: self.unwritten_words.len(),
        });
    }

    /// A word of the event.
    pub(crate) fn word(&mut self, word: Word<'_>) {
        let mut text = std::mem::take(&mut self.text);
        word.write(&mut text);
        let number = self.occur(&text);
        self.unwritten_words.push(number);
        self.text = text;
    }

    /// Notes where a word occurs. Returns its number.
    fn occur(&mut self, word: &str) -> usize {
        let number = self.numbers.get(word).copied().unwrap_or_else(|| {
            let number = self.offsets.len();
            self.numbers.insert(word.into(), number);
            self.offsets.push(Vec::new());
            number
        });
        if let Some(offsets) = self.offsets.get_mut(number)
            && offsets.last() != Some(&self.at)
        {
            offsets.push(self.at);
        }
        number
    }

    /// Ends with the event at `position`. Writes the block if that completes it.
    pub(crate) fn end(&mut self, conn: &Connection, position: Position) -> rusqlite::Result<()> {
        let (block, offset) = place(position);
        if u64::from(offset) + 1 == BLOCK {
            self.complete(conn, block)?;
        }
        Ok(())
    }

    fn complete(&mut self, conn: &Connection, block: u64) -> rusqlite::Result<()> {
        let block = i64::try_from(block).unwrap_or(i64::MAX);
        let mut words: Vec<_> = self.numbers.drain().collect();
        // In the order they lie in.
        words.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut insert = conn.prepare_cached(
            "INSERT OR REPLACE INTO postings (word, block, positions) VALUES (?1, ?2, ?3)",
        )?;
        for (word, number) in words {
            let offsets = self.offsets.get(number).map_or(&[][..], Vec::as_slice);
            insert.execute(params![word.as_str(), block, Bits::encode(offsets)])?;
        }
        self.offsets.clear();
        self.correlations.sort_unstable();
        let mut entries = Vec::with_capacity(self.correlations.len() * CORRELATED);
        for (correlation, offset) in self.correlations.drain(..) {
            entries.extend_from_slice(&correlation);
            entries.extend_from_slice(&offset.to_le_bytes());
        }
        conn.prepare_cached(
            "INSERT OR REPLACE INTO correlations (block, entries) VALUES (?1, ?2)",
        )?
        .execute(params![block, entries])?;
        conn.prepare_cached("DELETE FROM open_postings")?
            .execute([])?;
        self.unwritten.clear();
        self.unwritten_words.clear();
        Ok(())
    }

    /// Writes what is in no row yet.
    pub(crate) fn flush(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let mut words = vec![""; self.offsets.len()];
        for (word, number) in &self.numbers {
            if let Some(place) = words.get_mut(*number) {
                *place = word;
            }
        }
        let mut insert = conn.prepare_cached(
            "INSERT OR REPLACE INTO open_postings (position, correlation, words) VALUES (?1, ?2, ?3)",
        )?;
        let ends = self.unwritten.iter().skip(1).map(|next| next.begin);
        let ends = ends.chain([self.unwritten_words.len()]);
        for (entry, end) in self.unwritten.iter().zip(ends) {
            let numbers = self.unwritten_words.get(entry.begin..end);
            let its_words = numbers.unwrap_or_default().iter();
            let its_words = its_words.filter_map(|number| words.get(*number).copied());
            insert.execute(params![
                number(entry.position),
                entry.correlation,
                encode_words(its_words)
            ])?;
        }
        self.unwritten.clear();
        self.unwritten_words.clear();
        Ok(())
    }
}

/// Words one after the other, each after its length.
fn encode_words<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut row = Vec::with_capacity(128);
    for word in words {
        let length = u16::try_from(word.len()).unwrap_or(u16::MAX);
        row.extend_from_slice(&length.to_le_bytes());
        row.extend_from_slice(&word.as_bytes()[..usize::from(length)]);
    }
    row
}

fn decode_words(mut row: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    while let Some((length, rest)) = row.split_at_checked(2) {
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        let Some((word, rest)) = rest.split_at_checked(length) else {
            break;
        };
        words.push(String::from_utf8_lossy(word).into_owned());
        row = rest;
    }
    words
}

/// Goes through the open block as the file has it.
pub(crate) fn each_open(
    conn: &Connection,
    mut with: impl FnMut(u16, [u8; 4], &[String]),
) -> rusqlite::Result<()> {
    let mut select = conn.prepare_cached(
        "SELECT position, correlation, words FROM open_postings ORDER BY position",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let position: i64 = row.get(0)?;
        let (_, offset) = place(Position::new(u64::try_from(position).unwrap_or(0)));
        with(
            offset,
            row.get(1)?,
            &decode_words(row.get_ref(2)?.as_bytes()?),
        );
    }
    Ok(())
}

/// The positions in a complete block of events that may be of the request: others share the few bytes that are kept.
pub(crate) fn correlated(
    conn: &Connection,
    block: i64,
    correlation: CorrelationId,
) -> rusqlite::Result<Bits> {
    let mut select = conn.prepare_cached("SELECT entries FROM correlations WHERE block = ?1")?;
    let mut rows = select.query([block])?;
    let mut bits = Bits::NONE;
    if let Some(row) = rows.next()? {
        let entries = row.get_ref(0)?.as_bytes()?.as_chunks::<CORRELATED>().0;
        let wanted = short(correlation);
        let first = entries.partition_point(|entry| entry[..4] < wanted[..]);
        for entry in entries[first..]
            .iter()
            .take_while(|one| one[..4] == wanted[..])
        {
            bits.add(u16::from_le_bytes([entry[4], entry[5]]));
        }
    }
    Ok(bits)
}

/// Whether an event of the open block may be of the request.
pub(crate) fn may_be_of(kept: [u8; 4], correlation: CorrelationId) -> bool {
    kept == short(correlation)
}

/// Whether the event at a position may be of the request.
pub(crate) fn is_of(
    conn: &Connection,
    position: Position,
    correlation: CorrelationId,
) -> rusqlite::Result<bool> {
    let open = conn
        .prepare_cached("SELECT correlation FROM open_postings WHERE position = ?1")?
        .query_row([number(position)], |row| row.get(0))
        .optional()?;
    if let Some(kept) = open {
        return Ok(may_be_of(kept, correlation));
    }
    let (block, offset) = place(position);
    let block = i64::try_from(block).unwrap_or(i64::MAX);
    let mut of = correlated(conn, block, correlation)?;
    let mut one = Bits::NONE;
    one.add(offset);
    of.and(&one);
    Ok(of != Bits::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let end = u16::try_from(BLOCK).unwrap();
        for step in [1, 2, 3, 7, 16, 63] {
            let offsets: Vec<_> = (0..end).step_by(step).collect();
            let back = Bits::decode(&Bits::encode(&offsets));
            assert_eq!(back.offsets().collect::<Vec<_>>(), offsets, "every {step}");
        }
        let many: Vec<_> = (0..600).collect();
        assert_eq!(Bits::decode(&Bits::encode(&many)), Bits::of(&many));
    }

    #[test]
    fn words_come_back() {
        let words = ["", "rGENERAL", "u\n\0", "tä"];
        assert_eq!(decode_words(&encode_words(words.into_iter())), words);
    }
}
