//! One message on the record: every version of it, who could read it, and who had read it.

mod attached;
mod diff;
mod gather;
mod history;
mod readers;

pub use attached::Attached;
pub use diff::{Piece, words};
pub use history::{Changes, Fate, History, Outcome, Reaction, Said, Version};
pub use readers::{Evidence, FirstRead, Leaving, Reader, Span};

use std::collections::BTreeMap;

use domain::MessageId;
use domain::audit::QuestionKind;
use eventstore::Position;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::deed::{Person, Place, Point};
use crate::workspace::Workspace;

/// What somebody asks of a message, in their words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedMessage {
    /// Its id.
    pub message: String,
    /// As of this moment: a position, or a time. `None`: as of now.
    pub at: Option<String>,
}

impl AskedMessage {
    /// The question as the event of its reading has it.
    fn narrowed(&self) -> BTreeMap<String, String> {
        let message = ("message".to_owned(), self.message.clone());
        let at = self.at.clone().map(|at| ("at".to_owned(), at));
        std::iter::once(message).chain(at).collect()
    }
}

/// A message as the record has it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MessageHistory {
    pub message: MessageId,
    pub room: Place,
    pub history: History,
    /// The last position that is answered of.
    pub as_of: Position,
    /// There was more to tell than is told at once: it is behind this position in the stream of the message.
    pub cut: Option<Position>,
}

/// The people of a message.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MessageReaders {
    pub message: MessageId,
    pub room: Place,
    pub author: Person,
    pub posted: Point,
    /// Since when nobody can read it any more, and why.
    pub ended: Option<(Point, Fate)>,
    /// It is a reply that is shown in its thread only: who read the room need not have opened the thread.
    pub in_thread_only: bool,
    /// Everybody who was a member while the message was there, and its author; sorted by name.
    pub readers: Vec<Reader>,
    /// The last position that is answered of.
    pub as_of: Position,
}

/// Every version of a message, and what became of it.
pub async fn history(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedMessage,
) -> Result<Unrecorded<MessageHistory>, Error> {
    let told = gather::history(workspace, auditor, asked).await?;
    let tally = Tally::of_room(&told.room.id, told.history.events());
    let kind = QuestionKind::Message;
    Ok(Unrecorded::new(told, kind, asked.narrowed(), tally))
}

/// Who could read a message when, and who had read it.
pub async fn readers(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedMessage,
) -> Result<Unrecorded<MessageReaders>, Error> {
    let told = gather::readers(workspace, auditor, asked).await?;
    let tally = Tally::of_room(&told.room.id, told.readers.len());
    let kind = QuestionKind::Readers;
    Ok(Unrecorded::new(told, kind, asked.narrowed(), tally))
}
