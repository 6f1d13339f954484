//! The view of the workspace's own pictures.

use domain::Event;
use domain::asset::AssetEvent;
use rusqlite::params;

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::views::avatars::{FileRecord, file_record};

pub(crate) const VIEW: Projection = Projection {
    name: "assets",
    version: 1,
    tables: "CREATE TABLE assets (
        asset TEXT NOT NULL PRIMARY KEY,
        file BLOB NOT NULL,
        set_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Asset(asset_event) = &event.event else {
        return Ok(());
    };
    match asset_event {
        AssetEvent::AssetSet(set) => tx
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO assets (asset, file, set_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                set.asset,
                json::encode(&set.file)?,
                set.at.as_millis()
            ])?,
        AssetEvent::AssetUnset(unset) => tx
            .conn
            .prepare_cached("DELETE FROM assets WHERE asset = ?1")?
            .execute([&unset.asset])?,
    };
    Ok(())
}

impl Views {
    /// The picture that was uploaded for an asset, if any.
    pub async fn asset(&self, key: &str) -> Result<Option<FileRecord>, QueryError> {
        self.one(
            "SELECT file, set_at FROM assets WHERE asset = ?1",
            [key.to_owned()],
            |row| file_record(row, 0),
        )
        .await
        .map(Option::flatten)
    }
}
