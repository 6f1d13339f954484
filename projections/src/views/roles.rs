//! The view of roles.

use std::collections::BTreeMap;

use domain::role::{RoleEvent, RoleProperties, RoleScope, RoleTable};
use domain::{Event, RoleId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, params};

use crate::engine::applied::Applied;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::projection::{Apply, Projection};
use crate::engine::queries::Queries;
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

/// The worker also keeps all of it in memory, and hands out snapshots.
pub(crate) const VIEW: Projection = Projection {
    name: "roles",
    version: 1,
    tables: "CREATE TABLE roles (
        id TEXT NOT NULL PRIMARY KEY,
        properties BLOB NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Role(role_event) = &event.event else {
        return Ok(());
    };
    tx.stale.roles = true;
    let at = event.recorded_at.as_millis();
    let (role, properties) = match role_event {
        RoleEvent::RoleCreated(event) => (&event.role, &event.properties),
        RoleEvent::RoleChanged(event) => (&event.role, &event.properties),
        // Who has a role is in the views of users and of memberships.
        RoleEvent::RoleGiven(_) => return Ok(()),
        RoleEvent::RoleDeleted(event) => {
            tx.roles.remove(&event.role);
            return tx
                .conn
                .prepare_cached("UPDATE roles SET deleted = 1, updated_at = ?2 WHERE id = ?1")?
                .execute(params![event.role.as_str(), at])
                .map(drop);
        }
    };
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO roles (id, properties, updated_at, deleted) VALUES (?1, ?2, ?3, 0)",
        )?
        .execute(params![role.as_str(), json::encode(properties)?, at])?;
    tx.roles.set(role.clone(), properties.clone());
    Ok(())
}

/// The table as stored in the file.
pub(crate) fn load(conn: &Connection) -> rusqlite::Result<RoleTable> {
    let mut table = RoleTable::default();
    for record in records(conn)? {
        if !record.deleted {
            table.set(record.id, record.properties);
        }
    }
    Ok(table)
}

/// A role that was made, changed or deleted.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleRecord {
    pub id: RoleId,
    /// As they are, or were when the role was deleted.
    pub properties: RoleProperties,
    pub updated_at: Timestamp,
    pub deleted: bool,
}

fn records(conn: &Connection) -> rusqlite::Result<Vec<RoleRecord>> {
    conn.prepare_cached("SELECT id, properties, updated_at, deleted FROM roles ORDER BY id")?
        .query_map([], |row| {
            Ok(RoleRecord {
                id: RoleId::new(row.get_ref(0)?.as_str()?),
                properties: json::decode(row.get_ref(1)?.as_bytes()?)?,
                updated_at: Timestamp::from_millis(row.get(2)?),
                deleted: row.get(3)?,
            })
        })?
        .collect()
}

const HELD: &str = "EXISTS (SELECT 1 FROM json_each(doc, '$.roles') WHERE value = ?1)";

impl Queries {
    /// The roles that were made, changed or deleted, by id. All others are as [`domain::role::builtin`] says.
    pub async fn changed_roles(&self) -> Result<Vec<RoleRecord>, QueryError> {
        self.read(records).await
    }

    /// Whether any user has the role.
    pub async fn role_in_use(&self, role: &RoleId) -> Result<bool, QueryError> {
        let role = role.clone();
        self.read(move |conn| {
            let in_workspace: bool = conn
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM user_roles WHERE role = ?1)")?
                .query_row([role.as_str()], |row| row.get(0))?;
            if in_workspace {
                return Ok(true);
            }
            conn.prepare_cached(&format!(
                "SELECT EXISTS (SELECT 1 FROM memberships WHERE roles = 1 AND {HELD})"
            ))?
            .query_row([role.as_str()], |row| row.get(0))
        })
        .await
    }

    /// Documents of the users who have the role, by user name: in the workspace, in `room`, or in any room, depending
    /// on its scope.
    pub async fn users_in_role(
        &self,
        role: &RoleId,
        scope: RoleScope,
        room: Option<RoomId>,
        slice: Slice,
    ) -> Result<Page, QueryError> {
        if scope == RoleScope::Users {
            return self.users_of_role(role, slice, false).await;
        }
        let role = role.clone();
        self.read(move |conn| {
            let matching = format!(
                "id IN (SELECT user FROM memberships
                        WHERE roles = 1 AND (?2 IS NULL OR room = ?2) AND {HELD})"
            );
            let values = params![role.as_str(), room.as_ref().map(RoomId::as_str)];
            let (count, offset) = bounds(slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT doc FROM users WHERE {matching}
                     ORDER BY username_key, id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(values, |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM users WHERE {matching}"))?
                .query_row(values, |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// The users who may log in and have one of these workspace-wide roles, each with id, name and these roles.
    pub async fn holders(
        &self,
        roles: Vec<RoleId>,
    ) -> Result<Vec<(UserId, String, Vec<RoleId>)>, QueryError> {
        self.read(move |conn| {
            let mut holders: BTreeMap<(String, UserId), (String, Vec<RoleId>)> = BTreeMap::new();
            let mut select = conn.prepare_cached(
                "SELECT users.username_key, users.id, users.username FROM user_roles
                 JOIN users ON users.id = user_roles.user
                 WHERE user_roles.role = ?1 AND users.active = 1",
            )?;
            for role in roles {
                let mut rows = select.query([role.as_str()])?;
                while let Some(row) = rows.next()? {
                    let place = (row.get(0)?, UserId::new(row.get_ref(1)?.as_str()?));
                    let (username, held) = holders.entry(place).or_default();
                    *username = row.get(2)?;
                    held.push(role.clone());
                }
            }
            Ok(holders
                .into_iter()
                .map(|((_, user), (username, roles))| (user, username, roles))
                .collect())
        })
        .await
    }
}
