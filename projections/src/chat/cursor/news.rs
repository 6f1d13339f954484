//! What was posted behind a place in a room, read from the file.

use domain::{MessageId, RoomId, Timestamp, UserId};

use crate::engine::rows::room::tail::{After, Told};
use crate::engine::rows::tally::Tally;
use crate::engine::tx::Tx;
use crate::json;

/// How many messages are looked at. Members with more unread messages than that have this number.
const MOST: i64 = 20_000;

/// Shows `see` what was posted in a room behind a place and still exists, newest first. `born` is the position at which
/// the room was created: earlier messages belong to a former room of the same id.
pub(super) fn newest_first(
    tx: &mut Tx,
    room: &RoomId,
    after: After,
    born: i64,
    mut see: impl FnMut(&Told),
) -> rusqlite::Result<()> {
    const COLUMNS: &str = "SELECT seq, id, at, author, shown, thread, counts, called FROM messages";
    const THERE: &str = "(system = 0 OR kind = 'discussion-created') AND kind IS NOT 'rm'";
    // Behind a position there is little, in any room: found without an index. Behind a time there may be much.
    let (index, order) = if after.seq > born {
        ("NOT INDEXED", "seq")
    } else {
        tx.need("messages_room")?;
        ("", "at")
    };
    let sql = format!(
        "{COLUMNS} {index} WHERE room = ?1 AND seq > ?2 AND at > ?3 AND {THERE} ORDER BY {order} DESC LIMIT {MOST}"
    );
    let from = after.seq.max(born);
    let at = after.at.map_or(i64::MIN, Timestamp::as_millis);
    tx.flush_messages()?;
    let mut select = tx.conn.prepare_cached(&sql)?;
    let mut rows = select.query(rusqlite::params![room.as_str(), from, at])?;
    while let Some(row) = rows.next()? {
        let called = match row.get_ref(7)?.as_bytes_or_null()? {
            Some(called) => json::decode(called)?,
            None => Vec::new(),
        };
        see(&Told {
            seq: row.get(0)?,
            id: MessageId::new(row.get_ref(1)?.as_str()?),
            at: Timestamp::from_millis(row.get(2)?),
            author: UserId::new(row.get_ref(3)?.as_str()?),
            shown: row.get(4)?,
            thread: row.get_ref(5)?.as_str_or_null()?.map(MessageId::new),
            tally: Tally::stored(row.get(6)?, called),
        });
    }
    Ok(())
}
