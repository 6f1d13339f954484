//! The view of WebDAV accounts.

use domain::user::UserEvent;
use domain::webdav::{Login, WebdavEvent};
use domain::{Event, UserId};
use rusqlite::params;

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

pub(crate) const VIEW: Projection = Projection {
    name: "webdav_accounts",
    version: 1,
    tables: "CREATE TABLE webdav_accounts (
        id TEXT NOT NULL PRIMARY KEY,
        user TEXT NOT NULL,
        server_url TEXT NOT NULL,
        name TEXT,
        login BLOB NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[Index::new("webdav_accounts_user", "webdav_accounts (user)")],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Webdav(WebdavEvent::WebdavAccountAdded(added)) => {
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO webdav_accounts (id, user, server_url, name, login)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    added.account,
                    added.user.as_str(),
                    added.server_url,
                    added.name,
                    json::encode(&added.login)?
                ])?;
        }
        Event::Webdav(WebdavEvent::WebdavAccountRemoved(removed)) => {
            tx.conn
                .prepare_cached("DELETE FROM webdav_accounts WHERE id = ?1")?
                .execute([&removed.account])?;
        }
        Event::User(UserEvent::UserDeleted(deleted)) => {
            tx.need("webdav_accounts_user")?;
            tx.conn
                .prepare_cached("DELETE FROM webdav_accounts WHERE user = ?1")?
                .execute([deleted.user.as_str()])?;
        }
        _ => {}
    }
    Ok(())
}

/// An account of a user on a WebDAV server.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct WebdavRecord {
    pub id: String,
    pub server_url: String,
    /// The label the user gave it.
    pub name: Option<String>,
    /// Secrets in it are sealed.
    pub login: Login,
}

impl Views {
    /// A user's WebDAV accounts, in the order of their ids.
    pub async fn webdav_accounts(&self, user: &UserId) -> Result<Vec<WebdavRecord>, QueryError> {
        self.every(
            "SELECT id, server_url, name, login FROM webdav_accounts WHERE user = ?1
                 ORDER BY id",
            [user.to_string()],
            |row| {
                Ok(WebdavRecord {
                    id: row.get(0)?,
                    server_url: row.get(1)?,
                    name: row.get(2)?,
                    login: json::decode(row.get_ref(3)?.as_bytes()?)?,
                })
            },
        )
        .await
    }
}
