//! Who is in busy rooms, as far as messages need it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::highlight::Highlights;
use domain::{RoleId, RoomId, Timestamp, UserId};

use crate::engine::tx::{Moved, Tx};

/// How many rooms' rosters stay in memory between batches.
const ROSTERS: usize = if cfg!(test) { 4 } else { 20_000 };

/// Who is in a room, as far as messages need it. Loaded once; kept up to date by the view of memberships.
#[derive(Default)]
pub(crate) struct Roster {
    /// Members that are not both alerted and shown the room: those a new message changes.
    pub(crate) quiet: Option<BTreeSet<UserId>>,
    pub(crate) members: Option<BTreeSet<UserId>>,
    /// Members who have highlighted words, and which.
    pub(crate) keen: Option<BTreeMap<UserId, Arc<Highlights>>>,
    /// Where the members have read to, the one who is furthest behind first: people who may log in. Neither a bot nor
    /// somebody who cannot come keeps a message unread.
    pub(crate) cursors: Option<BTreeSet<(Option<Timestamp>, UserId)>>,
}

impl Tx {
    /// Drops them, if there are many. Called between batches.
    pub(super) fn trim_rosters(&mut self) {
        if self.rosters.len() > ROSTERS {
            self.rosters.clear();
        }
    }

    /// Where the member of a room stands who is furthest behind. `None`: they have read nothing yet,
    /// or nobody counts.
    pub(crate) fn furthest_behind(&mut self, room: &RoomId) -> rusqlite::Result<Option<Timestamp>> {
        let known = self.rosters.get(room);
        if known.is_none_or(|roster| roster.cursors.is_none()) {
            self.memberships.flush(&self.conn)?;
            self.users.flush(&self.conn)?;
            let cursors = self
                .conn
                .prepare_cached(
                    "SELECT memberships.seen, users.id FROM memberships JOIN users ON users.id = memberships.user
                     WHERE memberships.room = ?1 AND users.active = 1 AND users.kind = 'user'",
                )?
                .query_map([room.as_str()], |row| {
                    let seen: Option<i64> = row.get(0)?;
                    let user = UserId::new(row.get_ref(1)?.as_str()?);
                    Ok((seen.map(Timestamp::from_millis), user))
                })?
                .collect::<rusqlite::Result<_>>()?;
            self.rosters.entry(room.clone()).or_default().cursors = Some(cursors);
        }
        let cursors = self.rosters.get(room).and_then(|it| it.cursors.as_ref());
        Ok(cursors.and_then(|cursors| cursors.first()?.0))
    }

    /// Keeps up with a member who has read on, or back.
    pub(crate) fn cursor_moved(&mut self, moved: &Moved) {
        let roster = self.rosters.get_mut(&moved.room);
        if let Some(cursors) = roster.and_then(|roster| roster.cursors.as_mut())
            && cursors.remove(&(moved.from, moved.user.clone()))
        {
            cursors.insert((Some(moved.to), moved.user.clone()));
        }
    }

    /// Who counts, or whether anybody does, has changed: where members have read to is looked up again when it is needed.
    pub(crate) fn forget_cursors(&mut self) {
        for roster in self.rosters.values_mut() {
            roster.cursors = None;
        }
    }

    /// The roster of a room with its quiet members loaded.
    pub(crate) fn quiet(&mut self, room: &RoomId) -> rusqlite::Result<&mut BTreeSet<UserId>> {
        if self
            .rosters
            .get(room)
            .is_none_or(|roster| roster.quiet.is_none())
        {
            let members = self.select_members(
                room,
                "SELECT user FROM memberships WHERE room = ?1 AND quiet = 1",
            )?;
            self.rosters.entry(room.clone()).or_default().quiet = Some(members);
        }
        Ok(self
            .rosters
            .entry(room.clone())
            .or_default()
            .quiet
            .get_or_insert_default())
    }

    pub(crate) fn members(&mut self, room: &RoomId) -> rusqlite::Result<&BTreeSet<UserId>> {
        if self
            .rosters
            .get(room)
            .is_none_or(|roster| roster.members.is_none())
        {
            let members =
                self.select_members(room, "SELECT user FROM memberships WHERE room = ?1")?;
            self.rosters.entry(room.clone()).or_default().members = Some(members);
        }
        Ok(self
            .rosters
            .entry(room.clone())
            .or_default()
            .members
            .get_or_insert_default())
    }

    /// The members of a room who have highlighted words.
    pub(crate) fn keen(
        &mut self,
        room: &RoomId,
    ) -> rusqlite::Result<&BTreeMap<UserId, Arc<Highlights>>> {
        if self
            .rosters
            .get(room)
            .is_none_or(|roster| roster.keen.is_none())
        {
            let mut keen = BTreeMap::new();
            let members = self.select_members(
                room,
                "SELECT user FROM memberships WHERE room = ?1 AND highlights = 1",
            )?;
            for user in members {
                let key = (room.clone(), user);
                if let Some(row) = self.memberships.get(&self.conn, &key)? {
                    keen.insert(key.1, row.highlights());
                }
            }
            self.rosters.entry(room.clone()).or_default().keen = Some(keen);
        }
        Ok(self
            .rosters
            .entry(room.clone())
            .or_default()
            .keen
            .get_or_insert_default())
    }

    /// The members of a room who have a role, in the room or everywhere.
    pub(crate) fn holders(
        &mut self,
        room: &RoomId,
        role: &RoleId,
    ) -> rusqlite::Result<Vec<UserId>> {
        self.need("user_roles_role")?;
        self.users.flush(&self.conn)?;
        let everywhere: BTreeSet<UserId> = self
            .conn
            .prepare_cached("SELECT user FROM user_roles WHERE role = ?1")?
            .query_map([role.as_str()], |row| {
                Ok(UserId::new(row.get_ref(0)?.as_str()?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let members = self.members(room)?;
        let mut holders: Vec<UserId> = members.intersection(&everywhere).cloned().collect();
        let here = self.select_members(
            room,
            "SELECT user FROM memberships WHERE room = ?1 AND roles = 1",
        )?;
        for user in here {
            let key = (room.clone(), user);
            let member = self.memberships.get(&self.conn, &key)?;
            let roles = member.and_then(|member| member.doc.roles.as_ref());
            if roles.is_some_and(|roles| roles.contains(role)) && !everywhere.contains(&key.1) {
                holders.push(key.1);
            }
        }
        Ok(holders)
    }

    fn select_members(
        &mut self,
        room: &RoomId,
        sql: &'static str,
    ) -> rusqlite::Result<BTreeSet<UserId>> {
        self.memberships.flush(&self.conn)?;
        let mut select = self.conn.prepare_cached(sql)?;
        let members = select.query_map([room.as_str()], |row| {
            Ok(UserId::new(row.get_ref(0)?.as_str()?))
        })?;
        members.collect()
    }
}
