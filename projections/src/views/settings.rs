//! The view of workspace settings, and of the login services that bring some. Secrets stay sealed in the file.

use domain::login_service::LoginServiceEvent;
use domain::setting::{Editor, SettingEvent};
use domain::settings::{self, Settings};
use domain::{Event, Sealed, Timestamp};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::applied::Applied;
use crate::engine::projection::{Apply, Projection};
use crate::engine::queries::Queries;
use crate::engine::since::Since;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

/// The worker also keeps all of it in memory, and hands out snapshots.
pub(crate) const VIEW: Projection = Projection {
    name: "settings",
    version: 3,
    tables: "CREATE TABLE settings (
        id TEXT NOT NULL PRIMARY KEY,
        value BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE login_services (
        name TEXT NOT NULL PRIMARY KEY,
        added_at INTEGER NOT NULL,
        removed_at INTEGER
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let at = event.recorded_at.as_millis();
    match &event.event {
        Event::Setting(SettingEvent::SettingChanged(changed)) => {
            let held = Held {
                value: changed.value.clone(),
                sealed: changed.sealed.clone(),
                editor: changed.editor,
                from_environment: changed.from_environment,
            };
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO settings (id, value, created_at, updated_at)
                     VALUES (?1, ?2, coalesce((SELECT created_at FROM settings WHERE id = ?1), ?3), ?3)",
                )?
                .execute(params![changed.setting, json::encode(&held)?, at])?;
            held.show(&changed.setting, &mut tx.settings);
        }
        Event::Setting(SettingEvent::SettingReset(reset)) => {
            tx.conn
                .prepare_cached("DELETE FROM settings WHERE id = ?1")?
                .execute([&reset.setting])?;
            tx.settings.reset(&reset.setting);
        }
        Event::LoginService(LoginServiceEvent::LoginServiceAdded(added)) => {
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO login_services (name, added_at) VALUES (?1, ?2)",
                )?
                .execute(params![added.service, at])?;
            tx.settings.add_service(&added.service);
        }
        Event::LoginService(LoginServiceEvent::LoginServiceRemoved(removed)) => {
            tx.conn
                .prepare_cached("UPDATE login_services SET removed_at = ?2 WHERE name = ?1")?
                .execute(params![removed.service, at])?;
            for definition in settings::custom_service_settings(&removed.service) {
                tx.conn
                    .prepare_cached("DELETE FROM settings WHERE id = ?1")?
                    .execute([&definition.id])?;
            }
            tx.settings.remove_service(&removed.service);
        }
        _ => return Ok(()),
    }
    tx.settings_changed();
    Ok(())
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    value: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    editor: Option<Editor>,
    #[serde(default)]
    from_environment: bool,
}

impl Held {
    fn show(self, id: &str, settings: &mut Settings) {
        match self.sealed {
            Some(sealed) => settings.set_sealed(id, sealed),
            None => settings.set(id, self.value),
        }
    }
}

/// The settings as stored in the file, secrets sealed.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<Settings> {
    let mut settings = Settings::default();
    for (service, _) in services(conn)? {
        settings.add_service(&service);
    }
    let mut select = conn.prepare_cached("SELECT id, value FROM settings ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let held: Held = json::decode(row.get_ref(1)?.as_bytes()?)?;
        held.show(row.get_ref(0)?.as_str()?, &mut settings);
    }
    Ok(settings)
}

fn services(conn: &Connection) -> rusqlite::Result<Vec<(String, Timestamp)>> {
    conn.prepare_cached(
        "SELECT name, added_at FROM login_services WHERE removed_at IS NULL ORDER BY name",
    )?
    .query_map([], |row| {
        Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?)))
    })?
    .collect()
}

/// A setting that was changed. Its value is in [`Queries::settings`].
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct SettingRecord {
    pub id: String,
    /// For a colour: how it was chosen.
    pub editor: Option<Editor>,
    /// The operator's environment gave the value when the workspace was made.
    pub from_environment: bool,
    /// When it was first changed.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn records(conn: &Connection) -> rusqlite::Result<Vec<SettingRecord>> {
    let mut select =
        conn.prepare_cached("SELECT id, value, created_at, updated_at FROM settings ORDER BY id")?;
    let rows = select.query_map([], |row| {
        let held: Held = json::decode(row.get_ref(1)?.as_bytes()?)?;
        Ok(SettingRecord {
            id: row.get(0)?,
            editor: held.editor,
            from_environment: held.from_environment,
            created_at: Timestamp::from_millis(row.get(2)?),
            updated_at: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    rows.collect()
}

impl Queries {
    /// The settings that were changed, by id. All others have their default.
    pub async fn changed_settings(&self) -> Result<Vec<SettingRecord>, QueryError> {
        self.read(records).await
    }

    /// The login services that were removed since then and not added again: name, and when. Their settings went with
    /// them, and the permissions to change those.
    pub async fn removed_login_services(
        &self,
        since: Since,
    ) -> Result<Vec<(String, Timestamp)>, QueryError> {
        self.every(
            "SELECT name, removed_at FROM login_services WHERE removed_at >= ?1
                 ORDER BY removed_at, name",
            [since.earliest().as_millis()],
            |row| Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?))),
        )
        .await
    }

    /// The login services that administrators added, by name and time.
    pub async fn login_services(&self) -> Result<Vec<(String, Timestamp)>, QueryError> {
        self.read(services).await
    }
}
