//! The view of workspace settings.

use domain::setting::SettingEvent;
use domain::settings::Settings;
use domain::{Event, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::error::QueryError;
use crate::json;
use crate::projection::{Applied, Projection};
use crate::tx::Tx;
use crate::views::Views;

/// See the module. The worker also keeps all of it in memory, and hands out snapshots.
pub(crate) struct SettingsView;

impl Projection for SettingsView {
    fn name(&self) -> &'static str {
        "settings"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE settings (
            id TEXT NOT NULL PRIMARY KEY,
            value BLOB NOT NULL,
            updated_at INTEGER NOT NULL
        ) WITHOUT ROWID;"
    }

    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
        let Event::Setting(SettingEvent::SettingChanged(changed)) = &event.event else {
            return Ok(());
        };
        tx.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO settings (id, value, updated_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                changed.setting,
                json::encode(&changed.value)?,
                event.recorded_at.as_millis()
            ])?;
        tx.settings.set(&changed.setting, changed.value.clone());
        tx.settings_changed();
        Ok(())
    }
}

/// The settings as the file has them.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Settings> {
    let mut settings = Settings::default();
    for record in records(conn)? {
        settings.set(&record.id, record.value);
    }
    Ok(settings)
}

fn records(conn: &Connection) -> rusqlite::Result<Vec<SettingRecord>> {
    conn.prepare_cached("SELECT id, value, updated_at FROM settings ORDER BY id")?
        .query_map([], |row| {
            Ok(SettingRecord {
                id: row.get(0)?,
                value: json::decode(row.get_ref(1)?.as_bytes()?)?,
                updated_at: Timestamp::from_millis(row.get(2)?),
            })
        })?
        .collect()
}

/// A setting somebody changed.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingRecord {
    /// Its id.
    pub id: String,
    /// Its value.
    pub value: Value,
    /// When it got it.
    pub updated_at: Timestamp,
}

impl Views {
    /// The settings somebody changed, by id. All others have the default of [`domain::settings::definitions`].
    pub async fn changed_settings(&self) -> Result<Vec<SettingRecord>, QueryError> {
        self.read(records).await
    }
}
