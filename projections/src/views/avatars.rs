//! The view of pictures of users and rooms.

use domain::avatar::{AvatarEvent, AvatarOwner, AvatarSet};
use domain::room::RoomEvent;
use domain::user::UserEvent;
use domain::{Event, StoredFile, Timestamp};
use rusqlite::params;

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

/// Written straight to SQLite: pictures change seldom.
pub(crate) const VIEW: Projection = Projection {
    name: "avatars",
    version: 1,
    tables: "CREATE TABLE avatars (
        owner TEXT NOT NULL PRIMARY KEY,
        file BLOB NOT NULL,
        set_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Avatar(AvatarEvent::AvatarSet(set)) => put(tx, set),
        Event::Avatar(AvatarEvent::AvatarReset(reset)) => remove(tx, &reset.owner),
        Event::User(UserEvent::UserDeleted(deleted)) => {
            remove(tx, &AvatarOwner::User(deleted.user.clone()))
        }
        Event::Room(RoomEvent::RoomDeleted(deleted)) => {
            remove(tx, &AvatarOwner::Room(deleted.room.clone()))
        }
        _ => Ok(()),
    }
}

fn put(tx: &Tx, set: &AvatarSet) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("INSERT OR REPLACE INTO avatars (owner, file, set_at) VALUES (?1, ?2, ?3)")?
        .execute(params![
            set.owner.key(),
            json::encode(&set.file)?,
            set.at.as_millis()
        ])?;
    Ok(())
}

fn remove(tx: &Tx, owner: &AvatarOwner) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached("DELETE FROM avatars WHERE owner = ?1")?
        .execute([owner.key()])?;
    Ok(())
}

/// A stored file and since when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct FileRecord {
    pub file: StoredFile,
    pub at: Timestamp,
}

/// The stored file in column `index` of a row with its time in the next column; `None` without a file.
pub(crate) fn file_record(
    row: &rusqlite::Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<FileRecord>> {
    let Some(file) = row.get_ref(index)?.as_bytes_or_null()? else {
        return Ok(None);
    };
    Ok(Some(FileRecord {
        file: json::decode(file)?,
        at: Timestamp::from_millis(row.get(index + 1)?),
    }))
}

impl Views {
    /// The picture that was uploaded for a user or a room, if any.
    pub async fn avatar(&self, owner: &AvatarOwner) -> Result<Option<FileRecord>, QueryError> {
        self.one(
            "SELECT file, set_at FROM avatars WHERE owner = ?1",
            [owner.key()],
            |row| file_record(row, 0),
        )
        .await
        .map(Option::flatten)
    }
}
