//! The view of e-mail inboxes. Their passwords stay sealed.

use domain::email_inbox::{Description, EmailInboxEvent};
use domain::{Event, Timestamp, UserId};
use rusqlite::{Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

pub(crate) const VIEW: Projection = Projection {
    name: "email_inboxes",
    version: 1,
    tables: "CREATE TABLE email_inboxes (
        id TEXT NOT NULL PRIMARY KEY,
        email TEXT NOT NULL,
        description BLOB NOT NULL,
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::EmailInbox(inbox_event) = &event.event else {
        return Ok(());
    };
    let at = event.recorded_at.as_millis();
    match inbox_event {
        EmailInboxEvent::EmailInboxAdded(added) => tx
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO email_inboxes
                     (id, email, description, created_by, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                added.inbox,
                added.description.email.to_lowercase(),
                json::encode(&added.description)?,
                added.by.as_str(),
                added.at.as_millis(),
                at
            ])
            .map(drop),
        EmailInboxEvent::EmailInboxChanged(changed) => tx
            .conn
            .prepare_cached(
                "UPDATE email_inboxes SET email = ?2, description = ?3, updated_at = ?4 WHERE id = ?1",
            )?
            .execute(params![
                changed.inbox,
                changed.description.email.to_lowercase(),
                json::encode(&changed.description)?,
                at
            ])
            .map(drop),
        EmailInboxEvent::EmailInboxRemoved(removed) => tx
            .conn
            .prepare_cached("DELETE FROM email_inboxes WHERE id = ?1")?
            .execute([&removed.inbox])
            .map(drop),
    }
}

/// An e-mail inbox of the workspace.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct EmailInboxRecord {
    pub id: String,
    /// Passwords in it are sealed.
    pub description: Description,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

const COLUMNS: &str = "id, description, created_by, created_at, updated_at";

fn record(row: &Row<'_>) -> rusqlite::Result<EmailInboxRecord> {
    Ok(EmailInboxRecord {
        id: row.get(0)?,
        description: json::decode(row.get_ref(1)?.as_bytes()?)?,
        created_by: UserId::new(row.get_ref(2)?.as_str()?),
        created_at: Timestamp::from_millis(row.get(3)?),
        updated_at: Timestamp::from_millis(row.get(4)?),
    })
}

impl Views {
    /// Every e-mail inbox, in the order of their ids.
    pub async fn email_inboxes(&self) -> Result<Vec<EmailInboxRecord>, QueryError> {
        self.every(
            format!("SELECT {COLUMNS} FROM email_inboxes ORDER BY id"),
            [],
            record,
        )
        .await
    }

    /// The e-mail inbox with that id.
    pub async fn email_inbox(&self, id: &str) -> Result<Option<EmailInboxRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM email_inboxes WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }

    /// The e-mail inbox with that address, without regard to case.
    pub async fn email_inbox_of(
        &self,
        address: &str,
    ) -> Result<Option<EmailInboxRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM email_inboxes WHERE email = ?1"),
            [address.to_lowercase()],
            record,
        )
        .await
    }
}
