//! The view of custom sounds.

use bytes::Bytes;
use domain::Event;
use domain::sound::SoundEvent;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::views::avatars::{FileRecord, file_record};

pub(crate) const VIEW: Projection = Projection {
    name: "sounds",
    version: 1,
    tables: "CREATE TABLE sounds (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        file BLOB,
        recorded_at INTEGER NOT NULL,
        doc BLOB NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Sound(sound_event) = &event.event else {
        return Ok(());
    };
    let updated_at = Date(event.recorded_at);
    let conn = &tx.conn;
    match sound_event {
        SoundEvent::SoundCreated(created) => {
            let doc = SoundDoc {
                id: created.sound.clone(),
                name: created.name.clone(),
                extension: created.extension.clone(),
                updated_at,
            };
            write(conn, &doc, None)
        }
        SoundEvent::SoundRenamed(renamed) => {
            let Some((mut doc, file)) = load(conn, &renamed.sound)? else {
                return Ok(());
            };
            doc.name.clone_from(&renamed.name);
            doc.updated_at = updated_at;
            write(conn, &doc, file.as_ref())
        }
        SoundEvent::SoundRecorded(recorded) => {
            let Some((mut doc, _)) = load(conn, &recorded.sound)? else {
                return Ok(());
            };
            doc.extension.clone_from(&recorded.extension);
            doc.updated_at = updated_at;
            let file = FileRecord {
                file: recorded.file.clone(),
                at: recorded.at,
            };
            write(conn, &doc, Some(&file))
        }
        SoundEvent::SoundDeleted(deleted) => {
            conn.prepare_cached("DELETE FROM sounds WHERE id = ?1")?
                .execute([&deleted.sound])?;
            Ok(())
        }
    }
}

/// The wire document (contract, admin 11.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SoundDoc {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    extension: String,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

fn write(conn: &Connection, doc: &SoundDoc, file: Option<&FileRecord>) -> rusqlite::Result<()> {
    let kept = file.map(|record| json::encode(&record.file)).transpose()?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO sounds (id, name, file, recorded_at, doc) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        doc.id,
        doc.name,
        kept,
        file.map_or(0, |record| record.at.as_millis()),
        json::encode(doc)?,
    ])?;
    Ok(())
}

fn load(conn: &Connection, id: &str) -> rusqlite::Result<Option<(SoundDoc, Option<FileRecord>)>> {
    conn.prepare_cached("SELECT doc, file, recorded_at FROM sounds WHERE id = ?1")?
        .query_row([id], |row| {
            Ok((
                json::decode(row.get_ref(0)?.as_bytes()?)?,
                file_record(row, 1)?,
            ))
        })
        .optional()
}

impl Views {
    /// Documents of all sounds, by name.
    pub async fn sounds(&self) -> Result<Vec<Bytes>, QueryError> {
        self.every("SELECT doc FROM sounds ORDER BY name, id", [], |row| {
            json::column(row, 0)
        })
        .await
    }

    /// The recording of the sound with that id.
    pub async fn sound_file(&self, id: &str) -> Result<Option<FileRecord>, QueryError> {
        self.one(
            "SELECT file, recorded_at FROM sounds WHERE id = ?1",
            [id.to_owned()],
            |row| file_record(row, 0),
        )
        .await
        .map(Option::flatten)
    }
}
