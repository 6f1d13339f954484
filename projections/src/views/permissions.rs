//! The view of who holds which permission.

use domain::permission::PermissionTable;
use domain::permissions::PermissionEvent;
use domain::{Event, RoleId, Timestamp};
use rusqlite::{Connection, params};

use crate::engine::applied::Applied;
use crate::engine::projection::{Apply, Projection};
use crate::engine::queries::Queries;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

/// The worker also keeps all of it in memory, and hands out snapshots.
pub(crate) const VIEW: Projection = Projection {
    name: "permissions",
    version: 1,
    tables: "CREATE TABLE permissions (
        id TEXT NOT NULL PRIMARY KEY,
        roles BLOB NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Permission(PermissionEvent::PermissionRolesChanged(changed)) = &event.event else {
        return Ok(());
    };
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO permissions (id, roles, updated_at) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            changed.permission,
            json::encode(&changed.roles)?,
            event.recorded_at.as_millis()
        ])?;
    // A permission of another version of Hansard is kept and means nothing here.
    tx.permissions
        .set_named(&changed.permission, changed.roles.clone());
    tx.stale.permissions = true;
    Ok(())
}

/// The table as stored in the file.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<PermissionTable> {
    let mut table = PermissionTable::default();
    for (name, roles, _) in records(conn)? {
        table.set_named(&name, roles);
    }
    Ok(table)
}

fn records(conn: &Connection) -> rusqlite::Result<Vec<(String, Vec<RoleId>, Timestamp)>> {
    conn.prepare_cached("SELECT id, roles, updated_at FROM permissions ORDER BY id")?
        .query_map([], |row| {
            let roles = json::decode(row.get_ref(1)?.as_bytes()?)?;
            Ok((row.get(0)?, roles, Timestamp::from_millis(row.get(2)?)))
        })?
        .collect()
}

impl Queries {
    /// The permissions that were changed, by name: roles and when. All others have their defaults.
    pub async fn changed_permissions(
        &self,
    ) -> Result<Vec<(String, Vec<RoleId>, Timestamp)>, QueryError> {
        self.read(records).await
    }
}
