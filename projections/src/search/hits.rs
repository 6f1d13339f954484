//! What the view of messages says of what was found, and who is meant by a part of a name.

use bytes::Bytes;
use domain::{MessageId, RoomId, Timestamp, UserId};
use eventstore::Position;
use rusqlite::OptionalExtension as _;

use crate::engine::queries::Queries;
use crate::error::QueryError;
use crate::json;
use crate::numbers::number;

/// A message that was found, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct FoundMessage {
    /// Of the event that made it.
    pub position: Position,
    pub id: MessageId,
    pub room: RoomId,
    pub author: UserId,
    /// Send time, as the room shows it.
    pub at: Timestamp,
    /// The wire document (contract, messages 2).
    pub doc: Bytes,
}

impl Queries {
    /// The messages that the events at these positions made, in the same order. Those that are gone, deleted or encrypted
    /// are left out. Not for many at a time.
    pub async fn messages_at(
        &self,
        positions: Vec<Position>,
    ) -> Result<Vec<FoundMessage>, QueryError> {
        self.read(move |conn| {
            let mut select = conn.prepare_cached(
                "SELECT id, room, author, at, doc FROM messages
                 WHERE seq = ?1 AND kind IS NULL AND system = 0",
            )?;
            let mut found = Vec::with_capacity(positions.len());
            for position in positions {
                let message = select.query_row([number(position)], |row| {
                    Ok(FoundMessage {
                        position,
                        id: MessageId::new(row.get_ref(0)?.as_str()?),
                        room: RoomId::new(row.get_ref(1)?.as_str()?),
                        author: UserId::new(row.get_ref(2)?.as_str()?),
                        at: Timestamp::from_millis(row.get(3)?),
                        doc: json::column(row, 4)?,
                    })
                });
                found.extend(message.optional()?);
            }
            Ok(found)
        })
        .await
    }

    /// Everybody whose user name has one of these parts, which are in lower case; `most` of them at most, in the order of
    /// their names.
    pub async fn users_called(
        &self,
        parts: Vec<String>,
        most: usize,
    ) -> Result<Vec<UserId>, QueryError> {
        self.among_people(move |everybody| {
            let is_called =
                |part: &String, name: &crate::engine::people::Folded| name.contains(part);
            let called = everybody
                .iter()
                .filter(|person| parts.iter().any(|part| is_called(part, &person.username)));
            called.take(most).map(|person| person.id.clone()).collect()
        })
        .await
    }
}
