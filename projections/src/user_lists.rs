//! Lists of users: pages of all, of those that match, of those who have been away for long.
//!
//! A page must cost the same wherever it is and however many users there are. SQLite finds the n-th row by walking over
//! those before it, so the keys of every [`STRIDE`]-th user, and the number of users, are kept in memory. They are
//! dropped when a commit changes names or the set of users, and found again by the next query.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use domain::user::UserKind;
use domain::{RoleId, Timestamp, UserId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};

use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;
use crate::paging::{Page, Slice, bounds};
use crate::user_order::{Marks, marks, stretch};
use crate::views::Views;

/// What lists of users can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum UserSort {
    /// By user name, without regard to case.
    #[default]
    Username,
    /// By the name people go by, without regard to case.
    Name,
    CreatedAt,
    Active,
    /// Users who never logged in come first.
    LastLogin,
}

impl UserSort {
    const fn column(self) -> &'static str {
        match self {
            Self::Username => "username_key",
            Self::Name => "name_key",
            Self::CreatedAt => "created_at",
            Self::Active => "active",
            Self::LastLogin => "last_login",
        }
    }

    /// The index of its marks, if marks are kept for this order.
    const fn marked(self) -> Option<usize> {
        match self {
            Self::Username => Some(0),
            Self::Name => Some(1),
            Self::CreatedAt => Some(2),
            Self::Active | Self::LastLogin => None,
        }
    }
}

/// Selects users for [`Views::users`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct UserQuery {
    /// Only these; `None`: any.
    pub ids: Option<Vec<UserId>>,
    /// Only the one with exactly this user name.
    pub username: Option<String>,
    /// Only those with this e-mail address, without regard to case.
    pub address: Option<String>,
    /// Only those whose user name, name, nickname or bio contain this, without regard to case.
    pub filter: Option<String>,
    /// Only those who may (or may not) log in.
    pub active: Option<bool>,
    /// Only those who have (or have never) logged in.
    pub logged_in: Option<bool>,
    /// Only these kinds; empty: any.
    pub kinds: Vec<UserKind>,
    /// Only those with one of these workspace-wide roles; empty: any.
    pub roles: Vec<RoleId>,
    pub sort: UserSort,
    pub descending: bool,
    pub slice: Slice,
}

impl Default for UserQuery {
    fn default() -> Self {
        Self {
            ids: None,
            username: None,
            address: None,
            filter: None,
            active: None,
            logged_in: None,
            kinds: Vec::new(),
            roles: Vec::new(),
            sort: UserSort::Username,
            descending: false,
            slice: Slice::ALL,
        }
    }
}

impl UserQuery {
    /// The SQL condition, and its values.
    fn condition(&self) -> (String, Vec<Value>) {
        let (mut all, mut values) = (Vec::new(), Vec::new());
        let place = |values: &mut Vec<Value>, value: Value| {
            values.push(value);
            format!("?{}", values.len())
        };
        if let Some(ids) = &self.ids {
            let places: Vec<String> = ids
                .iter()
                .map(|id| place(&mut values, Value::Text(id.as_str().to_owned())))
                .collect();
            all.push(format!("id IN ({})", places.join(", ")));
        }
        if let Some(username) = &self.username {
            let key = place(&mut values, Value::Text(username.to_lowercase()));
            let exact = place(&mut values, Value::Text(username.clone()));
            all.push(format!("username_key = {key} AND username = {exact}"));
        }
        if let Some(address) = &self.address {
            let key = place(&mut values, Value::Text(address.to_lowercase()));
            all.push(format!(
                "id IN (SELECT user FROM user_emails WHERE address_key = {key})"
            ));
        }
        if let Some(filter) = &self.filter {
            let text = place(&mut values, Value::Text(filter.to_lowercase()));
            all.push(format!("instr(search, {text}) > 0"));
        }
        if let Some(active) = self.active {
            all.push(format!("active = {}", i32::from(active)));
        }
        if let Some(logged_in) = self.logged_in {
            let not = if logged_in { "NOT " } else { "" };
            all.push(format!("last_login IS {not}NULL"));
        }
        if !self.kinds.is_empty() {
            // Words of a closed set: no user input enters the statement.
            let kinds: Vec<String> = self
                .kinds
                .iter()
                .map(|kind| format!("'{}'", kind.as_str()))
                .collect();
            all.push(format!("kind IN ({})", kinds.join(", ")));
        }
        if !self.roles.is_empty() {
            let places: Vec<String> = self
                .roles
                .iter()
                .map(|role| place(&mut values, Value::Text(role.as_str().to_owned())))
                .collect();
            all.push(format!(
                "id IN (SELECT user FROM user_roles WHERE role IN ({}))",
                places.join(", ")
            ));
        }
        (all.join(" AND "), values)
    }

    /// The role, if the query is for the users who have it, by name, and for nothing else.
    fn only_role(&self) -> Option<&RoleId> {
        let [role] = self.roles.as_slice() else {
            return None;
        };
        let plain = self.sort == UserSort::Username
            && self.ids.is_none()
            && self.username.is_none()
            && self.address.is_none()
            && self.filter.is_none()
            && self.active.is_none()
            && self.logged_in.is_none()
            && self.kinds.is_empty();
        plain.then_some(role)
    }

    fn order(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let column = self.sort.column();
        format!("{column} {direction}, id {direction}")
    }

    /// The order in which users are looked at one by one. By name it is that of the index with everything that is
    /// looked at; no two have the same name.
    fn walk(&self) -> String {
        if self.sort != UserSort::Username {
            return self.order();
        }
        let direction = if self.descending { "DESC" } else { "ASC" };
        format!("username_key {direction}, username {direction}")
    }

    /// The statement that reads the documents of a slice, for a condition.
    fn page(&self, condition: &str) -> String {
        let (count, offset) = bounds(self.slice);
        let (order, matching) = (self.order(), matching(condition));
        // The slice is chosen among ids, so that documents that are skipped are not read.
        format!(
            "SELECT doc FROM users WHERE id IN
                (SELECT id FROM users{matching} ORDER BY {order} LIMIT {count} OFFSET {offset})
             ORDER BY {order}"
        )
    }
}

fn matching(condition: &str) -> String {
    if condition.is_empty() {
        String::new()
    } else {
        format!(" WHERE {condition}")
    }
}

/// What a search for people by name looks at.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct UserLine<'a> {
    pub id: &'a str,
    pub username: &'a str,
    pub name: Option<&'a str>,
    pub nickname: Option<&'a str>,
    /// Who is behind the account: `user`, `bot` or `app`.
    pub kind: &'a str,
    pub active: bool,
    /// The wire document, if it was asked for.
    pub doc: Option<&'a [u8]>,
}

/// The verdict on one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Found {
    Yes,
    No,
    /// Wanted, and none after it is: the total does not count further.
    Last,
}

impl Views {
    /// Documents of the users who have a workspace-wide role, by user name. Walks over one index, however many there
    /// are.
    pub(crate) async fn users_of_role(
        &self,
        role: &RoleId,
        slice: Slice,
        descending: bool,
    ) -> Result<Page, QueryError> {
        let role = role.clone();
        self.read(move |conn| {
            let ids: Vec<String> = conn
                .prepare_cached(&page_of_role(slice, descending))?
                .query_map([role.as_str()], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached("SELECT count(*) FROM user_roles WHERE role = ?1")?
                .query_row([role.as_str()], |row| unsigned(row, 0))?;
            let items = docs(conn, &ids)?;
            Ok(Page { items, total })
        })
        .await
    }

    /// Documents of the users that `query` selects.
    pub async fn users(&self, query: UserQuery) -> Result<Page, QueryError> {
        let (condition, values) = query.condition();
        if condition.is_empty()
            && let Some(place) = query.sort.marked()
        {
            return self.page_of_all(query, place).await;
        }
        if let Some(role) = query.only_role() {
            return self
                .users_of_role(role, query.slice, query.descending)
                .await;
        }
        self.read(move |conn| {
            let items = conn
                .prepare_cached(&query.page(&condition))?
                .query_map(params_from_iter(values.iter()), |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!(
                    "SELECT count(*) FROM users{}",
                    matching(&condition)
                ))?
                .query_row(params_from_iter(values.iter()), |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    async fn page_of_all(&self, query: UserQuery, place: usize) -> Result<Page, QueryError> {
        let marks = self.marks(query.sort, place).await?;
        let total = marks.total;
        let start = query.slice.offset.min(total);
        let count = query.slice.count.unwrap_or(total).min(total - start);
        if count == 0 {
            return Ok(Page {
                items: Vec::new(),
                total,
            });
        }
        // Read upwards, whichever end is wanted first.
        let first = if query.descending {
            total - start - count
        } else {
            start
        };
        self.read(move |conn| {
            let mut items = stretch(conn, query.sort.column(), &marks, first, count)?;
            if query.descending {
                items.reverse();
            }
            Ok(Page { items, total })
        })
        .await
    }

    async fn marks(&self, sort: UserSort, place: usize) -> Result<Arc<Marks>, QueryError> {
        let order = &self.facts().user_order;
        let (epoch, known) = order.get(place);
        if let Some(marks) = known {
            return Ok(marks);
        }
        let column = sort.column();
        let found = Arc::new(self.read(move |conn| marks(conn, column)).await?);
        order.put(place, epoch, &found);
        Ok(found)
    }

    /// The documents of those users selected by `query` that `wanted` accepts. `with_doc`: it wants to see the
    /// documents; without them only one index is walked over.
    pub async fn users_where(
        &self,
        query: UserQuery,
        with_doc: bool,
        mut wanted: impl FnMut(UserLine<'_>) -> Found + Send + 'static,
    ) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let (condition, values) = query.condition();
            let doc = if with_doc { ", doc" } else { "" };
            let mut select = conn.prepare_cached(&format!(
                "SELECT id, username, name, nickname, active, kind{doc} FROM users{} ORDER BY {}",
                matching(&condition),
                query.walk()
            ))?;
            let mut rows = select.query(params_from_iter(values.iter()))?;
            let (mut ids, mut total): (Vec<String>, u64) = (Vec::new(), 0);
            let end = query
                .slice
                .count
                .map_or(u64::MAX, |count| query.slice.offset.saturating_add(count));
            while let Some(row) = rows.next()? {
                let id = row.get_ref(0)?.as_str()?;
                let found = wanted(UserLine {
                    id,
                    username: row.get_ref(1)?.as_str()?,
                    name: row.get_ref(2)?.as_str_or_null()?,
                    nickname: row.get_ref(3)?.as_str_or_null()?,
                    active: row.get(4)?,
                    kind: row.get_ref(5)?.as_str()?,
                    doc: if with_doc {
                        Some(row.get_ref(6)?.as_bytes()?)
                    } else {
                        None
                    },
                });
                if found == Found::No {
                    continue;
                }
                if total >= query.slice.offset && total < end {
                    ids.push(id.to_owned());
                }
                total += 1;
                if found == Found::Last {
                    break;
                }
            }
            let items = docs(conn, &ids)?;
            Ok(Page { items, total })
        })
        .await
    }

    /// The users one of whose addresses contains `part`, which is in lower case.
    pub async fn users_by_address_part(&self, part: &str) -> Result<HashSet<UserId>, QueryError> {
        let part = part.to_owned();
        self.read(move |conn| {
            conn.prepare_cached("SELECT user FROM user_emails WHERE instr(address_key, ?1) > 0")?
                .query_map([part], |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)))?
                .collect()
        })
        .await
    }

    /// Accounts with this role that may log in, were made before `before` and have not logged in since then.
    pub async fn idle_users(
        &self,
        role: &RoleId,
        before: Timestamp,
    ) -> Result<Vec<UserId>, QueryError> {
        let role = role.clone();
        self.read(move |conn| {
            let role = role.as_str();
            let before = before.as_millis();
            let values: [&dyn ToSql; 2] = [&role, &before];
            conn.prepare_cached(
                "SELECT id FROM users WHERE active = 1 AND coalesce(last_login, created_at) < ?2
                    AND id IN (SELECT user FROM user_roles WHERE role = ?1)
                 ORDER BY username_key, id",
            )?
            .query_map(values, |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)))?
            .collect()
        })
        .await
    }

    /// The number of accounts.
    pub async fn user_count(&self) -> Result<u64, QueryError> {
        let sort = UserSort::Username;
        Ok(self.marks(sort, 0).await?.total)
    }
}

/// The statement that finds a slice of those who have a role.
fn page_of_role(slice: Slice, descending: bool) -> String {
    let (count, offset) = bounds(slice);
    let direction = if descending { "DESC" } else { "ASC" };
    format!(
        "SELECT user FROM user_roles WHERE role = ?1
         ORDER BY username_key {direction}, user {direction} LIMIT {count} OFFSET {offset}"
    )
}

fn docs(conn: &Connection, ids: &[String]) -> rusqlite::Result<Vec<Bytes>> {
    let mut select = conn.prepare_cached("SELECT doc FROM users WHERE id = ?1")?;
    let mut docs = Vec::with_capacity(ids.len());
    for id in ids {
        docs.extend(
            select
                .query_row([id], |row| json::column(row, 0))
                .optional()?,
        );
    }
    Ok(docs)
}
