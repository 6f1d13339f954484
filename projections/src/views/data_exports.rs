//! The view of the copies that people asked for: of their own data, and of what was said in a room.

use bytes::Bytes;
use domain::data_export::DataExportEvent;
use domain::room_export::RoomExportEvent;
use domain::user::UserEvent;
use domain::{Event, RoomId, Timestamp, UserId};
use rusqlite::{Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::number;

/// Written straight to SQLite: few people ask, and seldom.
pub(crate) const VIEW: Projection = Projection {
    name: "data_exports",
    version: 2,
    tables: "CREATE TABLE data_exports (
        id TEXT NOT NULL PRIMARY KEY,
        user TEXT NOT NULL,
        full INTEGER NOT NULL,
        status TEXT NOT NULL,
        position INTEGER NOT NULL,
        requested_at INTEGER NOT NULL,
        settled_at INTEGER,
        size INTEGER,
        -- The room that it is a copy of; NULL: it is a copy of the user's own data.
        room TEXT
    ) WITHOUT ROWID;",
    indexes: &[Index::new(
        "data_exports_user",
        "data_exports (user, position)",
    )],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::DataExport(DataExportEvent::DataExportRequested(e)) => {
            let asked = (&*e.export, &e.user, e.at);
            request(tx, event, asked, (e.full, None))
        }
        Event::RoomExport(RoomExportEvent::RoomExportRequested(e)) => {
            let asked = (&*e.export, &e.user, e.at);
            request(tx, event, asked, (false, Some(&e.room)))
        }
        Event::DataExport(DataExportEvent::DataExportCompleted(e)) => {
            settle(tx, &e.export, e.at, Some(e.size))
        }
        Event::RoomExport(RoomExportEvent::RoomExportCompleted(e)) => {
            settle(tx, &e.export, e.at, Some(e.size))
        }
        Event::DataExport(DataExportEvent::DataExportFailed(e)) => {
            settle(tx, &e.export, e.at, None)
        }
        Event::RoomExport(RoomExportEvent::RoomExportFailed(e)) => {
            settle(tx, &e.export, e.at, None)
        }
        Event::User(UserEvent::UserDeleted(deleted)) => {
            tx.need("data_exports_user")?;
            tx.conn
                .prepare_cached("DELETE FROM data_exports WHERE user = ?1")?
                .execute([deleted.user.as_str()])?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn request(
    tx: &mut Tx,
    event: &Applied,
    (export, user, at): (&str, &UserId, Timestamp),
    (full, room): (bool, Option<&RoomId>),
) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO data_exports (id, user, full, status, position, requested_at, room)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            export,
            user.as_str(),
            full,
            DataExportStatus::Pending.as_str(),
            number(event.position),
            at.as_millis(),
            room.map(RoomId::as_str),
        ])?;
    Ok(())
}

/// `size: None`: it could not be made.
fn settle(tx: &mut Tx, export: &str, at: Timestamp, size: Option<u64>) -> rusqlite::Result<()> {
    let status = match size {
        Some(_) => DataExportStatus::Completed,
        None => DataExportStatus::Failed,
    };
    tx.conn
        .prepare_cached(
            "UPDATE data_exports SET status = ?2, settled_at = ?3, size = ?4 WHERE id = ?1",
        )?
        .execute(params![
            export,
            status.as_str(),
            at.as_millis(),
            size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        ])?;
    Ok(())
}

/// How far the making of a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum DataExportStatus {
    Pending,
    Completed,
    Failed,
}

impl DataExportStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// A copy that a user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct DataExportRecord {
    pub id: String,
    pub user: UserId,
    /// Includes everything that was said in the rooms they are in.
    pub full: bool,
    pub status: DataExportStatus,
    pub requested_at: Timestamp,
    /// When it was made, or failed for good.
    pub settled_at: Option<Timestamp>,
    /// In bytes; `None` until it is made.
    pub size: Option<u64>,
    /// What it is a copy of; `None`: their own data.
    pub room: Option<RoomId>,
}

const COLUMNS: &str = "id, user, full, status, requested_at, settled_at, size, room";

fn record(row: &Row<'_>) -> rusqlite::Result<DataExportRecord> {
    Ok(DataExportRecord {
        id: row.get(0)?,
        user: UserId::new(row.get_ref(1)?.as_str()?),
        full: row.get(2)?,
        status: match row.get_ref(3)?.as_str()? {
            "completed" => DataExportStatus::Completed,
            "failed" => DataExportStatus::Failed,
            _ => DataExportStatus::Pending,
        },
        requested_at: Timestamp::from_millis(row.get(4)?),
        settled_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
        size: row
            .get::<_, Option<i64>>(6)?
            .and_then(|size| u64::try_from(size).ok()),
        room: row.get_ref(7)?.as_str_or_null()?.map(RoomId::new),
    })
}

impl Views {
    /// The copy with that id.
    pub async fn data_export(&self, id: &str) -> Result<Option<DataExportRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM data_exports WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }

    /// The copy of their own data that a user asked for last.
    pub async fn last_data_export(
        &self,
        user: &UserId,
    ) -> Result<Option<DataExportRecord>, QueryError> {
        self.one(
            format!(
                "SELECT {COLUMNS} FROM data_exports WHERE user = ?1 AND room IS NULL
                 ORDER BY position DESC LIMIT 1"
            ),
            [user.to_string()],
            record,
        )
        .await
    }

    /// Up to `count` documents of messages a user wrote, in the order they were posted, those after number `after`
    /// (0: from the start); each with its number. A page of large documents ends early.
    pub async fn messages_by(
        &self,
        author: &UserId,
        after: u64,
        count: u64,
    ) -> Result<Vec<(u64, Bytes)>, QueryError> {
        let author = author.clone();
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT seq, doc FROM messages WHERE author = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![author.as_str(), after, count], |row| {
                let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
                Ok((seq, json::column(row, 1)?))
            })
            .and_then(json::numbered_page)
        })
        .await
    }

    /// Up to `count` documents of everything that was said in a room, oldest first, those after `after`; each with
    /// what to give as `after` for the next. A page of large documents ends early.
    pub async fn messages_in(
        &self,
        room: &RoomId,
        after: Option<(Timestamp, u64)>,
        count: u64,
    ) -> Result<Vec<((Timestamp, u64), Bytes)>, QueryError> {
        let room = room.clone();
        let (at, seq) = after.map_or((i64::MIN, 0), |(at, seq)| {
            (at.as_millis(), i64::try_from(seq).unwrap_or(i64::MAX))
        });
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT at, seq, doc FROM messages WHERE room = ?1 AND (at, seq) > (?2, ?3)
                 ORDER BY at, seq LIMIT ?4",
            )?
            .query_map(params![room.as_str(), at, seq, count], |row| {
                let at = Timestamp::from_millis(row.get(0)?);
                let seq = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
                Ok(((at, seq), json::column(row, 2)?))
            })
            .and_then(json::numbered_page)
        })
        .await
    }
}
