//! The view of banners, and of who dismissed them.

use domain::banner::{BannerDismissalEvent, BannerEvent, Content};
use domain::user::UserEvent;
use domain::{Event, Timestamp, UserId};
use rusqlite::{Connection, Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::number;

pub(crate) const VIEW: Projection = Projection {
    name: "banners",
    version: 1,
    tables: "CREATE TABLE banners (
        id TEXT NOT NULL PRIMARY KEY,
        position INTEGER NOT NULL,
        content BLOB NOT NULL,
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        active INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE banner_dismissals (
        user TEXT NOT NULL,
        banner TEXT NOT NULL,
        PRIMARY KEY (user, banner)
    ) WITHOUT ROWID;",
    indexes: &[Index::new("banners_position", "banners (position)")],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Banner(BannerEvent::BannerPublished(published)) => tx
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO banners (id, position, content, created_by, created_at, active)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1)",
            )?
            .execute(params![
                published.banner,
                number(event.position),
                json::encode(&published.content)?,
                published.by.as_str(),
                published.at.as_millis()
            ])
            .map(drop),
        Event::Banner(BannerEvent::BannerWithdrawn(withdrawn)) => tx
            .conn
            .prepare_cached("UPDATE banners SET active = 0 WHERE id = ?1")?
            .execute([&withdrawn.banner])
            .map(drop),
        Event::BannerDismissal(BannerDismissalEvent::BannerDismissed(dismissed)) => tx
            .conn
            .prepare_cached(
                "INSERT OR IGNORE INTO banner_dismissals (user, banner) VALUES (?1, ?2)",
            )?
            .execute([dismissed.user.as_str(), &dismissed.banner])
            .map(drop),
        Event::User(UserEvent::UserDeleted(deleted)) => tx
            .conn
            .prepare_cached("DELETE FROM banner_dismissals WHERE user = ?1")?
            .execute([deleted.user.as_str()])
            .map(drop),
        _ => Ok(()),
    }
}

/// A banner that was published. `active` is false once it is withdrawn.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct BannerRecord {
    pub id: String,
    pub content: Content,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub active: bool,
}

fn record(row: &Row<'_>) -> rusqlite::Result<BannerRecord> {
    Ok(BannerRecord {
        id: row.get(0)?,
        content: json::decode(row.get_ref(1)?.as_bytes()?)?,
        created_by: UserId::new(row.get_ref(2)?.as_str()?),
        created_at: Timestamp::from_millis(row.get(3)?),
        active: row.get(4)?,
    })
}

const COLUMNS: &str = "id, content, created_by, created_at, active";

fn records(conn: &Connection) -> rusqlite::Result<Vec<BannerRecord>> {
    conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM banners ORDER BY position DESC"
    ))?
    .query_map([], record)?
    .collect()
}

impl Views {
    /// All banners, withdrawn ones included, the newest first.
    pub async fn banners(&self) -> Result<Vec<BannerRecord>, QueryError> {
        self.read(records).await
    }

    /// The banner with that id, withdrawn or not.
    pub async fn banner(&self, id: &str) -> Result<Option<BannerRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM banners WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }

    /// The banners that were neither withdrawn nor dismissed by that user, the newest first.
    pub async fn banners_for(&self, user: &UserId) -> Result<Vec<BannerRecord>, QueryError> {
        self.every(
            format!(
                "SELECT {COLUMNS} FROM banners WHERE active = 1 AND id NOT IN
                     (SELECT banner FROM banner_dismissals WHERE user = ?1)
                 ORDER BY position DESC"
            ),
            [user.to_string()],
            record,
        )
        .await
    }
}
