//! The view of custom emoji.

use bytes::Bytes;
use domain::Event;
use domain::emoji::EmojiEvent;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::since::Since;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::views::avatars::{FileRecord, file_record};

/// Deleted emoji stay as tombstones, for clients that ask what changed since.
pub(crate) const VIEW: Projection = Projection {
    name: "emoji",
    version: 2,
    tables: "CREATE TABLE emoji (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        removed INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        file BLOB,
        drawn_at INTEGER NOT NULL,
        doc BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE emoji_names (
        name TEXT NOT NULL PRIMARY KEY,
        emoji TEXT NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("emoji_name", "emoji (name) WHERE removed = 0"),
        Index::new("emoji_names_emoji", "emoji_names (emoji)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Emoji(emoji_event) = &event.event else {
        return Ok(());
    };
    tx.need("emoji_names_emoji")?;
    let updated_at = Date(event.recorded_at);
    let conn = &tx.conn;
    match emoji_event {
        EmojiEvent::EmojiCreated(created) => {
            let doc = EmojiDoc {
                id: created.emoji.clone(),
                name: created.name.clone(),
                aliases: created.aliases.clone(),
                extension: created.extension.clone(),
                etag: None,
                updated_at,
                deleted_at: None,
            };
            write(conn, &doc, None)?;
            name(conn, &doc)
        }
        EmojiEvent::EmojiChanged(changed) => {
            let Some((mut doc, file)) = load(conn, &changed.emoji)? else {
                return Ok(());
            };
            doc.name.clone_from(&changed.name);
            doc.aliases.clone_from(&changed.aliases);
            doc.updated_at = updated_at;
            unname(conn, &doc.id)?;
            write(conn, &doc, file.as_ref())?;
            name(conn, &doc)
        }
        EmojiEvent::EmojiDrawn(drawn) => {
            let Some((mut doc, _)) = load(conn, &drawn.emoji)? else {
                return Ok(());
            };
            doc.extension.clone_from(&drawn.extension);
            doc.etag = Some(drawn.file.id.clone());
            doc.updated_at = updated_at;
            let file = FileRecord {
                file: drawn.file.clone(),
                at: drawn.at,
            };
            write(conn, &doc, Some(&file))
        }
        EmojiEvent::EmojiDeleted(deleted) => {
            let Some((mut doc, _)) = load(conn, &deleted.emoji)? else {
                return Ok(());
            };
            doc.updated_at = updated_at;
            doc.deleted_at = Some(updated_at);
            unname(conn, &doc.id)?;
            write(conn, &doc, None)
        }
    }
}

/// The wire document (contract, admin 11.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmojiDoc {
    #[serde(rename = "_id")]
    id: String,
    name: String,
    aliases: Vec<String>,
    extension: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
    #[serde(
        rename = "_deletedAt",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    deleted_at: Option<Date>,
}

fn write(conn: &Connection, doc: &EmojiDoc, file: Option<&FileRecord>) -> rusqlite::Result<()> {
    let kept = file.map(|record| json::encode(&record.file)).transpose()?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO emoji (id, name, removed, updated_at, file, drawn_at, doc)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        doc.id,
        doc.name,
        doc.deleted_at.is_some(),
        doc.updated_at.0.as_millis(),
        kept,
        file.map_or(0, |record| record.at.as_millis()),
        json::encode(doc)?,
    ])?;
    Ok(())
}

fn load(conn: &Connection, id: &str) -> rusqlite::Result<Option<(EmojiDoc, Option<FileRecord>)>> {
    conn.prepare_cached("SELECT doc, file, drawn_at FROM emoji WHERE id = ?1 AND removed = 0")?
        .query_row([id], |row| {
            Ok((
                json::decode(row.get_ref(0)?.as_bytes()?)?,
                file_record(row, 1)?,
            ))
        })
        .optional()
}

fn name(conn: &Connection, doc: &EmojiDoc) -> rusqlite::Result<()> {
    for name in std::iter::once(&doc.name).chain(&doc.aliases) {
        conn.prepare_cached("INSERT OR REPLACE INTO emoji_names (name, emoji) VALUES (?1, ?2)")?
            .execute([name, &doc.id])?;
    }
    Ok(())
}

fn unname(conn: &Connection, id: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM emoji_names WHERE emoji = ?1")?
        .execute([id])?;
    Ok(())
}

/// Documents of emoji that are new or changed, and of those that were deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct EmojiChanges {
    pub update: Vec<Bytes>,
    pub remove: Vec<Bytes>,
}

impl Views {
    /// Emoji that changed since then, and those that were deleted, by name. Without `since`: all.
    pub async fn emoji_sync(&self, since: Option<Since>) -> Result<EmojiChanges, QueryError> {
        self.read(move |conn| {
            let docs = |removed: bool| {
                conn.prepare_cached(
                    "SELECT doc FROM emoji WHERE removed = ?1 AND updated_at >= ?2 ORDER BY name, id",
                )?
                .query_map(
                    params![removed, since.map_or(i64::MIN, |since| since.earliest().as_millis())],
                    |row| json::column(row, 0),
                )?
                .collect::<rusqlite::Result<Vec<Bytes>>>()
            };
            let remove = if since.is_some() {
                docs(true)?
            } else {
                Vec::new()
            };
            Ok(EmojiChanges {
                update: docs(false)?,
                remove,
            })
        })
        .await
    }

    /// The id of the emoji with that name or alias, without colons.
    pub async fn emoji_named(&self, name: &str) -> Result<Option<String>, QueryError> {
        self.one(
            "SELECT emoji FROM emoji_names WHERE name = ?1",
            [name.to_owned()],
            |row| row.get(0),
        )
        .await
    }

    /// The picture of the emoji with that name.
    pub async fn emoji_file(&self, name: &str) -> Result<Option<FileRecord>, QueryError> {
        self.emoji_record(
            "SELECT file, drawn_at FROM emoji WHERE name = ?1 AND removed = 0",
            name,
        )
        .await
    }

    /// The picture of the emoji with that id.
    pub async fn emoji_file_of(&self, id: &str) -> Result<Option<FileRecord>, QueryError> {
        self.emoji_record(
            "SELECT file, drawn_at FROM emoji WHERE id = ?1 AND removed = 0",
            id,
        )
        .await
    }

    async fn emoji_record(
        &self,
        sql: &'static str,
        key: &str,
    ) -> Result<Option<FileRecord>, QueryError> {
        self.one(sql, [key.to_owned()], |row| file_record(row, 0))
            .await
            .map(Option::flatten)
    }
}
