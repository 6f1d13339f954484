//! What doors ask about memberships.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::{MembershipFacts, MembershipView};
use domain::{MessageId, RoleId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;

use crate::chat::tombstones::{self, Kind, Sync};
use crate::engine::queries::Queries;
use crate::engine::rows::Row as _;
use crate::engine::rows::membership::{MembershipDoc, MembershipRow};
use crate::engine::rows::tally::Counts;
use crate::engine::since::Since;
use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::numbers::unsigned;

/// A membership as the views have it: document and counters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MembershipRecord {
    /// The whole wire document (contract, rooms 2.1).
    pub doc: Bytes,
    pub view: MembershipView,
    pub unread: u64,
    pub user_mentions: u64,
    /// The message at the cursor is unread too: the user marked the room as unread from it on.
    pub from_cursor: bool,
}

/// A member who holds roles in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleHolder {
    /// The wire `_id` of the membership.
    pub id: String,
    pub user: UserId,
    pub username: String,
    pub name: Option<String>,
    pub roles: Vec<RoleId>,
}

/// The counters of a wire document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    #[serde(default)]
    tunread: Vec<MessageId>,
    unread: u64,
    user_mentions: u64,
    group_mentions: u64,
}

/// What [`listed`] and [`record`] are made of: the first columns of a row, and where they come from.
const LISTED: &str = "doc, choices, coalesce(shared.unread, 0) - counted_unread,
    coalesce(shared.group_mentions, 0) - counted_group_mentions, shared.raised_at";

const MEMBERSHIPS: &str =
    "memberships LEFT JOIN shared_counters AS shared ON shared.room = memberships.room";

/// The record in a row of [`LISTED`], then `open, alert, seen, rest, from_cursor`.
fn record(row: &Row<'_>) -> rusqlite::Result<MembershipRecord> {
    let doc = listed(row)?;
    let Counted {
        tunread,
        unread,
        user_mentions,
        group_mentions,
    } = json::decode(&doc)?;
    let alert: bool = row.get(6)?;
    Ok(MembershipRecord {
        view: MembershipView {
            open: row.get(5)?,
            unread: alert || unread + user_mentions + group_mentions > 0,
            cursor: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
            unread_threads: tunread,
        },
        doc: json::joined(&doc, row.get_ref(8)?.as_bytes_or_null()?),
        unread,
        user_mentions,
        from_cursor: row.get(9)?,
    })
}

/// The document as lists show it, in a row of [`LISTED`].
fn listed(row: &Row<'_>) -> rusqlite::Result<Bytes> {
    let (doc, choices) = (row.get_ref(0)?.as_bytes()?, row.get_ref(1)?);
    let choices = choices.as_bytes_or_null()?;
    let behind = Counts {
        unread: row.get(2)?,
        user_mentions: 0,
        group_mentions: row.get(3)?,
    };
    if behind == Counts::default() {
        return Ok(json::joined(doc, choices));
    }
    let mut doc: MembershipDoc = json::decode(doc)?;
    doc.count(behind);
    let raised_at = row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis);
    doc.updated_at = doc.updated_at.max(raised_at.map_or(doc.updated_at, Date));
    Ok(json::joined(&json::encode(&doc)?, choices))
}

/// A user's memberships that changed since then, or all of them.
pub(crate) fn listed_since(
    conn: &Connection,
    user: &UserId,
    since: Option<Timestamp>,
) -> rusqlite::Result<Vec<Bytes>> {
    let Some(since) = since else {
        let all =
            format!("SELECT {LISTED} FROM {MEMBERSHIPS} WHERE user = ?1 ORDER BY memberships.room");
        let mut all = conn.prepare_cached(&all)?;
        return all.query_map([user.as_str()], listed)?.collect();
    };
    // Found by when they changed, or by when something counted for everybody in the room.
    let mut changed = conn.prepare_cached(&format!(
        "SELECT {LISTED}, memberships.room FROM {MEMBERSHIPS} WHERE user = ?1 AND updated_at >= ?2
         UNION ALL
         SELECT {LISTED}, memberships.room FROM shared_counters AS shared
         CROSS JOIN memberships ON memberships.room = shared.room AND user = ?1
         WHERE raised_at >= ?2 AND updated_at < ?2
            AND (shared.unread, shared.group_mentions) <> (counted_unread, counted_group_mentions)
         ORDER BY 6"
    ))?;
    let parameters = params![user.as_str(), since.as_millis()];
    changed.query_map(parameters, listed)?.collect()
}

impl Queries {
    /// How many unread messages a user has in all rooms that are not archived.
    pub async fn unread_total(&self, user: &UserId) -> Result<u64, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            conn.prepare_cached(&format!(
                "SELECT coalesce(sum(memberships.unread + coalesce(shared.unread, 0) - counted_unread), 0)
                 FROM {MEMBERSHIPS} WHERE user = ?1 AND coalesce(json_extract(doc, '$.archived'), 0) = 0"
            ))?
            .query_row([user.as_str()], |row| unsigned(row, 0))
        })
        .await
    }

    /// What rules need to know of a user's place in a room; `None`: not a member. Cached.
    pub async fn membership_facts(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<Arc<MembershipFacts>>, QueryError> {
        let key = (room.clone(), user.clone());
        let wanted = key.clone();
        self.facts()
            .memberships
            .get(&key, || {
                self.read(move |conn| {
                    let row = MembershipRow::load(conn, &wanted)?;
                    Ok(row.map(|row| {
                        Arc::new(MembershipFacts {
                            blocked: row.doc.is_blocked(),
                            roles: row.doc.roles.unwrap_or_default(),
                        })
                    }))
                })
            })
            .await
    }

    /// One membership; `None`: not a member.
    pub async fn membership(
        &self,
        room: &RoomId,
        user: &UserId,
    ) -> Result<Option<MembershipRecord>, QueryError> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |conn| {
            conn.prepare_cached(&format!(
                "SELECT {LISTED}, open, alert, seen, rest, from_cursor FROM {MEMBERSHIPS}
                 WHERE memberships.room = ?1 AND user = ?2"
            ))?
            .query_row([room.as_str(), user.as_str()], record)
            .optional()
        })
        .await
    }

    /// A user's memberships that changed since then, as lists show them, and those that ended. Without `since`: all.
    pub async fn memberships_sync(
        &self,
        user: &UserId,
        since: Option<Since>,
    ) -> Result<Sync, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let earliest = since.map(Since::earliest);
            Ok(Sync {
                update: listed_since(conn, &user, earliest)?,
                remove: match since {
                    Some(since) => tombstones::since(conn, Kind::Membership, Some(&user), since)?,
                    None => Vec::new(),
                },
            })
        })
        .await
    }

    /// The first members of a room, in id order, whether they may log in or not; `most` of them at most.
    pub async fn member_ids(&self, room: &RoomId, most: usize) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT user FROM memberships WHERE room = ?1 ORDER BY user LIMIT ?2",
            (room.to_string(), i64::try_from(most).unwrap_or(i64::MAX)),
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// The members of a room who hold a role in it, by user name.
    pub async fn role_holders(&self, room: &RoomId) -> Result<Vec<RoleHolder>, QueryError> {
        let room = room.clone();
        self.read(move |conn| {
            let mut holders: Vec<RoleHolder> = conn
                .prepare_cached("SELECT doc FROM memberships WHERE room = ?1 AND roles = 1")?
                .query_map([room.as_str()], |row| {
                    let doc: MembershipDoc = json::decode(row.get_ref(0)?.as_bytes()?)?;
                    Ok(RoleHolder {
                        id: doc.id.into_string(),
                        user: doc.user.id,
                        username: doc.user.username.into_string(),
                        name: doc.user.name.map(CompactString::into_string),
                        roles: doc.roles.unwrap_or_default(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            holders.sort_by(|a, b| (&a.username, &a.user).cmp(&(&b.username, &b.user)));
            Ok(holders)
        })
        .await
    }

    /// The members who may log in and have been in the room the longest; `except` left out, `most` of them at most.
    pub async fn longest_members(
        &self,
        room: &RoomId,
        except: &UserId,
        most: u32,
    ) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT memberships.user FROM memberships JOIN users ON users.id = memberships.user
                 WHERE memberships.room = ?1 AND users.active = 1 AND memberships.user <> ?2
                 ORDER BY memberships.position LIMIT ?3",
            (room.to_string(), except.to_string(), most),
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// Whether anyone but `user` is a member of `room`, whether they may log in or not.
    pub async fn is_shared(&self, room: &RoomId, user: &UserId) -> Result<bool, QueryError> {
        let (room, user) = (room.clone(), user.clone());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM memberships WHERE room = ?1 AND user <> ?2)",
            )?
            .query_row([room.as_str(), user.as_str()], |row| row.get(0))
        })
        .await
    }

    /// The owners of a room.
    pub async fn owners(&self, room: &RoomId) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT user FROM memberships WHERE room = ?1 AND owner = 1 ORDER BY user",
            [room.to_string()],
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }
}
