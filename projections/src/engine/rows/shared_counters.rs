//! What messages that count for everybody have added to the counters of each member of a room, in sum.
//!
//! Such a message raises these sums instead of the row of every member. A membership says how much of them is in its own
//! counters ([`crate::engine::rows::membership::MembershipRow::counted`]); the rest is added when it is read or changed.

use domain::{RoomId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::engine::rows::Row;
use crate::engine::rows::tally::Counts;
use crate::iso::Date;

#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedCounters {
    /// Nobody is mentioned by name here: `user_mentions` is 0.
    pub(crate) counts: Counts,
    /// When they were last raised. To members who are behind, that is when their membership changed.
    pub(crate) raised_at: Date,
}

impl Row for SharedCounters {
    type Key = RoomId;

    const INSERT: &'static str = "INSERT INTO shared_counters (room, unread, group_mentions, raised_at) VALUES (?1, ?2, ?3, ?4)";

    const UPDATE: &'static str = "UPDATE shared_counters SET unread = ?2, group_mentions = ?3, raised_at = ?4 WHERE room = ?1";

    fn load(conn: &Connection, room: &RoomId) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached(
            "SELECT unread, group_mentions, raised_at FROM shared_counters WHERE room = ?1",
        )?
        .query_row([room.as_str()], |row| {
            Ok(Self {
                counts: Counts {
                    unread: row.get(0)?,
                    user_mentions: 0,
                    group_mentions: row.get(1)?,
                },
                raised_at: Date(Timestamp::from_millis(row.get(2)?)),
            })
        })
        .optional()
    }

    fn write(
        &self,
        _: &Connection,
        statement: &mut Statement<'_>,
        room: &RoomId,
    ) -> rusqlite::Result<()> {
        statement.execute(params![
            room.as_str(),
            self.counts.unread,
            self.counts.group_mentions,
            self.raised_at.0.as_millis(),
        ])?;
        Ok(())
    }

    fn delete(&self, conn: &Connection, room: &RoomId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM shared_counters WHERE room = ?1")?
            .execute([room.as_str()])?;
        Ok(())
    }
}
