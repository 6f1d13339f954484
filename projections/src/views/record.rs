//! The view of the record itself: at which positions somebody or something occurs, and what people and rooms were called
//! when.
//!
//! It answers auditors, and forgets nothing when a room or an account ends.

mod names;
mod search;

pub use names::{KnownNames, NamedThing, RecordNames, RoomIdentity};
pub use search::{Found, Order, RecordEnd, RecordQuery};

use domain::audit::AuditEvent;
use domain::message::MessageEvent;
use domain::report::ReportEvent;
use domain::{Event, EventPayload as _};
use rusqlite::Connection;

use crate::engine::applied::Applied;
use crate::engine::postings::{OpenBlock, Word};
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;

/// Before all other views: who wrote a message is asked while it is still there.
pub(crate) const POSTINGS: Projection = Projection {
    name: "record_postings",
    version: 2,
    tables: crate::engine::postings::TABLES,
    indexes: &[],
    apply: Apply::Total(apply),
};

pub(crate) use names::VIEW as NAMES;

/// The open block as the file has it.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<OpenBlock> {
    OpenBlock::load(conn)
}

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    tx.postings.begin(event.position, event.correlation_id);
    tx.postings.word(Word::Type(event.event.event_type()));
    tx.postings
        .word(Word::Category(event.event.category().as_str()));
    tx.postings.word(Word::Actor(event.actor.as_str()));
    if let Some(room) = event.event.room() {
        tx.postings.word(Word::Room(room.as_str()));
    }
    for user in event.event.users() {
        tx.postings.word(Word::User(user.as_str()));
    }
    match &event.event {
        Event::Message(message) => author(tx, message)?,
        Event::Audit(AuditEvent::RecordRead(read)) => {
            if let Some(name) = read.question.name_of_exports() {
                tx.postings.word(Word::Exports(name));
            }
        }
        // It names the report alone, which came before.
        Event::Report(ReportEvent::ReportDismissed(dismissed)) => {
            if let Some(room) = names::room_of_report(&tx.conn, &dismissed.report)? {
                tx.postings.word(Word::Room(room.as_str()));
            }
        }
        _ => {}
    }
    tx.postings.end(&tx.conn, event.position)
}

/// Whoever wrote a message is concerned by what is done to it; the event does not name them.
fn author(tx: &mut Tx, event: &MessageEvent) -> rusqlite::Result<()> {
    if matches!(event, MessageEvent::MessagePosted(_)) {
        return Ok(());
    }
    tx.need_message(event.message())?;
    if let Some(row) = tx.messages.get(&tx.conn, event.message())? {
        tx.postings.word(Word::User(row.author.as_str()));
    }
    Ok(())
}
