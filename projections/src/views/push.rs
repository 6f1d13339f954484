//! The view of devices that are to be notified of messages. A device is notified as long as its login lasts.

use domain::push::{Platform, PushEvent};
use domain::session::SessionEvent;
use domain::user::UserEvent;
use domain::{Event, Sealed, Timestamp, TokenHash, UserId};
use rusqlite::{Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;

/// Written straight to SQLite. Comes after the view of login tokens, which it reads.
pub(crate) const VIEW: Projection = Projection {
    name: "push",
    version: 2,
    tables: "CREATE TABLE push_tokens (
        id TEXT NOT NULL PRIMARY KEY,
        user TEXT NOT NULL,
        platform TEXT NOT NULL,
        token TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        app_name TEXT NOT NULL,
        session TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("push_tokens_user", "push_tokens (user)"),
        Index::new("push_tokens_fingerprint", "push_tokens (fingerprint)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Push(PushEvent::PushTokenRegistered(e)) => tx
            .conn
            .prepare_cached(
                "INSERT INTO push_tokens (id, user, platform, token, fingerprint, app_name, session,
                                          created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                 ON CONFLICT (id) DO UPDATE SET user = ?2, platform = ?3, token = ?4, fingerprint = ?5,
                                                app_name = ?6, session = ?7, updated_at = ?8",
            )?
            .execute(params![
                e.id,
                e.user.as_str(),
                e.platform.as_str(),
                e.token.as_str(),
                e.fingerprint.as_str(),
                e.app_name,
                e.session.as_str(),
                event.recorded_at.as_millis()
            ])
            .map(drop),
        Event::Push(PushEvent::PushTokenRemoved(e)) => tx
            .conn
            .prepare_cached("DELETE FROM push_tokens WHERE id = ?1")?
            .execute([&e.id])
            .map(drop),
        Event::Session(SessionEvent::TokenRevoked(e)) => forget(tx, &e.user),
        Event::Session(SessionEvent::OtherSessionsEnded(e)) => forget(tx, &e.user),
        Event::Session(SessionEvent::AllTokensRevoked(e)) => forget(tx, &e.user),
        Event::User(UserEvent::UserDeactivated(e)) => forget(tx, &e.user),
        Event::User(UserEvent::UserDeleted(e)) => forget(tx, &e.user),
        _ => Ok(()),
    }
}

/// Devices without a login are no longer notified, however the login ended.
fn forget(tx: &mut Tx, user: &UserId) -> rusqlite::Result<()> {
    tx.need("push_tokens_user")?;
    tx.conn
        .prepare_cached(
            "DELETE FROM push_tokens WHERE user = ?1 AND session NOT IN
             (SELECT hash FROM sessions WHERE user = ?1)",
        )?
        .execute([user.as_str()])
        .map(drop)
}

/// A device that is to be notified of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct PushRecord {
    pub id: String,
    pub user: UserId,
    pub platform: Platform,
    /// The address of the device at the push service.
    pub token: Sealed,
    /// Hash of that address.
    pub fingerprint: TokenHash,
    pub app_name: String,
    /// Hash of the login token that the device uses.
    pub session: TokenHash,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

const COLUMNS: &str =
    "id, user, platform, token, fingerprint, app_name, session, created_at, updated_at";

fn record(row: &Row<'_>) -> rusqlite::Result<PushRecord> {
    Ok(PushRecord {
        id: row.get(0)?,
        user: UserId::new(row.get_ref(1)?.as_str()?),
        platform: Platform::find(row.get_ref(2)?.as_str()?).unwrap_or(Platform::Gcm),
        token: Sealed::new(row.get::<_, String>(3)?),
        fingerprint: TokenHash::new(row.get_ref(4)?.as_str()?),
        app_name: row.get(5)?,
        session: TokenHash::new(row.get_ref(6)?.as_str()?),
        created_at: Timestamp::from_millis(row.get(7)?),
        updated_at: Timestamp::from_millis(row.get(8)?),
    })
}

impl Views {
    /// The devices of a user.
    pub async fn push_tokens_of(&self, user: &UserId) -> Result<Vec<PushRecord>, QueryError> {
        self.every(
            format!("SELECT {COLUMNS} FROM push_tokens WHERE user = ?1 ORDER BY id"),
            [user.to_string()],
            record,
        )
        .await
    }

    /// All records of a device.
    pub async fn push_tokens_with(
        &self,
        fingerprint: &TokenHash,
    ) -> Result<Vec<PushRecord>, QueryError> {
        self.every(
            format!("SELECT {COLUMNS} FROM push_tokens WHERE fingerprint = ?1 ORDER BY id"),
            [fingerprint.to_string()],
            record,
        )
        .await
    }

    /// The record with that id.
    pub async fn push_token(&self, id: &str) -> Result<Option<PushRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM push_tokens WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }
}
