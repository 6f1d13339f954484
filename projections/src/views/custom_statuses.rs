//! The view of custom user statuses.

use bytes::Bytes;
use domain::Event;
use domain::custom_status::{CustomStatusEvent, Description};
use domain::presence::Status;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::numbers::unsigned;

pub(crate) const VIEW: Projection = Projection {
    name: "custom_statuses",
    version: 1,
    tables: "CREATE TABLE custom_statuses (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT,
        doc BLOB NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::CustomStatus(status_event) = &event.event else {
        return Ok(());
    };
    match status_event {
        CustomStatusEvent::CustomStatusCreated(e) => put(&tx.conn, &e.id, &e.description, event),
        CustomStatusEvent::CustomStatusChanged(e) => put(&tx.conn, &e.id, &e.description, event),
        CustomStatusEvent::CustomStatusDeleted(e) => {
            tx.conn
                .prepare_cached("DELETE FROM custom_statuses WHERE id = ?1")?
                .execute([&e.id])?;
            Ok(())
        }
    }
}

/// The wire document (contract, admin 11.3).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomStatusDoc<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    name: &'a str,
    status_type: Option<Status>,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

fn put(
    conn: &Connection,
    id: &str,
    description: &Description,
    event: &Applied,
) -> rusqlite::Result<()> {
    let doc = CustomStatusDoc {
        id,
        name: &description.name,
        status_type: description.kind,
        updated_at: Date(event.recorded_at),
    };
    conn.prepare_cached(
        "INSERT OR REPLACE INTO custom_statuses (id, name, kind, doc) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        id,
        description.name,
        description.kind.map(Status::as_str),
        json::encode(&doc)?
    ])?;
    Ok(())
}

/// Selects custom statuses for [`Views::custom_statuses`], in the order of names.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct CustomStatusQuery {
    pub name: Option<String>,
    pub id: Option<String>,
    pub descending: bool,
    pub slice: Slice,
}

impl Default for CustomStatusQuery {
    fn default() -> Self {
        Self {
            name: None,
            id: None,
            descending: false,
            slice: Slice::ALL,
        }
    }
}

impl Views {
    /// Documents of custom user statuses, by name.
    pub async fn custom_statuses(&self, query: CustomStatusQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let matching = "(?1 IS NULL OR name = ?1) AND (?2 IS NULL OR id = ?2)";
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let values = params![query.name, query.id];
            let items = conn
                .prepare_cached(&format!(
                    "SELECT doc FROM custom_statuses WHERE {matching}
                     ORDER BY name {direction}, id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(values, |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!(
                    "SELECT count(*) FROM custom_statuses WHERE {matching}"
                ))?
                .query_row(values, |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// The document of the custom user status with that id.
    pub async fn custom_status(&self, id: &str) -> Result<Option<Bytes>, QueryError> {
        self.one(
            "SELECT doc FROM custom_statuses WHERE id = ?1",
            [id.to_owned()],
            |row| json::column(row, 0),
        )
        .await
    }
}
