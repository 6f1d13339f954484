//! The view of the record itself: at which positions somebody or something occurs, and what people and rooms were called
//! when.
//!
//! It answers auditors, and forgets nothing when a room or an account ends.

mod names;
mod search;

pub use names::{NamedThing, RecordNames, RoomIdentity};
pub use search::{Found, Order, RecordQuery};

use compact_str::{CompactString, format_compact};
use domain::message::MessageEvent;
use domain::{Event, EventPayload as _};
use rusqlite::Connection;

use crate::engine::applied::Applied;
use crate::engine::postings::OpenBlock;
use crate::engine::projection::Projection;
use crate::engine::tx::Tx;

/// Before all other views: who wrote a message is asked while it is still there.
pub(crate) const POSTINGS: Projection = Projection {
    name: "record_postings",
    version: 1,
    tables: crate::engine::postings::TABLES,
    indexes: &[],
    apply,
};

pub(crate) use names::VIEW as NAMES;

/// The open block as the file has it.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<OpenBlock> {
    OpenBlock::load(conn)
}

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let words = words(tx, event)?;
    tx.postings
        .add(&tx.conn, event.position, event.correlation_id, words)
}

/// The kinds of word that events are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word<'a> {
    Type(&'a str),
    Category(&'a str),
    Actor(&'a str),
    /// The user it concerns.
    User(&'a str),
    Room(&'a str),
}

impl Word<'_> {
    /// As the table has it: one letter for the kind, and what it is.
    fn text(self) -> CompactString {
        match self {
            Self::Type(text) => format_compact!("t{text}"),
            Self::Category(text) => format_compact!("c{text}"),
            Self::Actor(text) => format_compact!("a{text}"),
            Self::User(text) => format_compact!("u{text}"),
            Self::Room(text) => format_compact!("r{text}"),
        }
    }
}

fn words(tx: &mut Tx, event: &Applied) -> rusqlite::Result<Vec<CompactString>> {
    let mut words = Vec::with_capacity(6);
    words.push(Word::Type(event.event.event_type()).text());
    words.push(Word::Category(event.event.category().as_str()).text());
    words.push(Word::Actor(event.actor.as_str()).text());
    if let Some(room) = event.event.room() {
        words.push(Word::Room(room.as_str()).text());
    }
    for user in event.event.users() {
        words.push(Word::User(user.as_str()).text());
    }
    if let Some(author) = author(tx, &event.event)? {
        words.push(author);
    }
    Ok(words)
}

/// The author of the message that something is done to: it concerns them, and the event does not name them.
fn author(tx: &mut Tx, event: &Event) -> rusqlite::Result<Option<CompactString>> {
    let Event::Message(event) = event else {
        return Ok(None);
    };
    if matches!(event, MessageEvent::MessagePosted(_)) {
        return Ok(None);
    }
    tx.need_message(event.message())?;
    let row = tx.messages.get(&tx.conn, event.message())?;
    Ok(row.map(|row| Word::User(row.author.as_str()).text()))
}
