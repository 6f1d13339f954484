//! Lists of users: pages of all, of those that match, of those who have been away for long.
//!
//! A page must cost the same wherever it is and however many users there are. SQLite finds the n-th row by walking over
//! those before it, so the keys of every [`STRIDE`]-th user, and the number of users, are kept in memory. They are
//! dropped when names or the set of users change, and found again by the next query. What indexes cannot
//! answer is looked for among everybody, in memory: see [`crate::engine::people`].

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use domain::user::UserKind;
use domain::{RoleId, Timestamp, UserId};
use rusqlite::types::Value;
use rusqlite::{ToSql, params_from_iter};

use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::people::{self, Everybody, Person};
use crate::engine::queries::Queries;
use crate::engine::user_order::{Marks, marks, stretch};
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

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

/// Selects users for [`Queries::users`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct UserQuery {
    /// Only these; `None`: any.
    pub ids: Option<Vec<UserId>>,
    /// Only the one with exactly this user name.
    pub username: Option<String>,
    /// Only those with this e-mail address, without regard to case.
    pub address: Option<String>,
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
            && self.active.is_none()
            && self.logged_in.is_none()
            && self.kinds.is_empty();
        plain.then_some(role)
    }

    /// Whether an index leads to the few who can be selected.
    fn is_narrow(&self) -> bool {
        self.ids.is_some() || self.username.is_some() || self.address.is_some()
    }

    /// Whether one is selected, whatever `ids` says. `address` is in lower case.
    fn selects(&self, person: &Person, address: Option<&str>) -> bool {
        let named = |username: &String| person.username.as_str() == username;
        let reached = |address| person.addresses.iter().any(|one| one.lower() == address);
        self.username.as_ref().is_none_or(named)
            && address.is_none_or(reached)
            && self.active.is_none_or(|active| person.active == active)
            && self
                .logged_in
                .is_none_or(|logged_in| person.last_login.is_some() == logged_in)
            && (self.kinds.is_empty() || self.kinds.contains(&person.kind))
            && (self.roles.is_empty() || person.roles.iter().any(|role| self.roles.contains(role)))
    }

    /// Which of two comes first.
    fn compare(&self, a: &Person, b: &Person) -> Ordering {
        let order = match self.sort {
            UserSort::Username => a.username.lower().cmp(b.username.lower()),
            UserSort::Name => a.name_key().cmp(b.name_key()),
            UserSort::CreatedAt => a.created_at.cmp(&b.created_at),
            UserSort::Active => a.active.cmp(&b.active),
            UserSort::LastLogin => a.last_login.cmp(&b.last_login),
        };
        let order = order.then_with(|| a.id.cmp(&b.id));
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }

    fn order(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let column = self.sort.column();
        format!("{column} {direction}, id {direction}")
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

/// Whether one is wanted.
pub type Wanted<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// Those of the users selected by a query who also meet conditions that no index knows.
pub struct UserSearch {
    /// Selects and orders them.
    pub query: UserQuery,
    /// Whether one is wanted, by what is known without the document.
    pub person: Wanted<Person>,
    /// Whether one of those is wanted, by the document; `None`: all are.
    pub document: Option<Wanted<[u8]>>,
    /// How many are looked for; the total does not count further.
    pub most: Option<u64>,
}

impl From<UserQuery> for UserSearch {
    /// All of the selected.
    fn from(query: UserQuery) -> Self {
        Self {
            query,
            person: Box::new(|_| true),
            document: None,
            most: None,
        }
    }
}

impl UserSearch {
    /// Those wanted of `everybody` before their documents are looked at: of all of them the ids of `slice`, and how
    /// many there are.
    fn find(&self, everybody: &Everybody, slice: Slice) -> (Vec<UserId>, u64) {
        let query = &self.query;
        let address = query.address.as_ref().map(|address| address.to_lowercase());
        let wanted =
            |person: &&Person| query.selects(person, address.as_deref()) && (self.person)(person);
        let most = match (self.most, &self.document) {
            (Some(most), None) => usize::try_from(most).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let named = query
            .ids
            .as_ref()
            .map(|ids| ids.iter().collect::<HashSet<_>>());
        let mut found: Vec<&Person> = match &named {
            Some(ids) => {
                let people = ids.iter().filter_map(|id| everybody.get(id));
                people.filter(wanted).collect()
            }
            None if query.descending => everybody.iter().rev().filter(wanted).take(most).collect(),
            None => everybody.iter().filter(wanted).take(most).collect(),
        };
        if named.is_some() || query.sort != UserSort::Username {
            people::sort(&mut found, slice, |a, b| query.compare(a, b));
        }
        people::page(&found, slice)
    }
}

impl Queries {
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
            let ids: Vec<UserId> = conn
                .prepare_cached(&page_of_role(slice, descending))?
                .query_map([role.as_str()], |row| {
                    Ok(UserId::new(row.get_ref(0)?.as_str()?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached("SELECT count(*) FROM user_roles WHERE role = ?1")?
                .query_row([role.as_str()], |row| unsigned(row, 0))?;
            let items = people::docs(conn, &ids)?;
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
        if !query.is_narrow() {
            return self.users_where(query.into()).await;
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

    /// Runs `question` on a reader thread, over everybody as they are in the views.
    pub(crate) async fn among_people<T: Send + 'static>(
        &self,
        question: impl Fn(&Everybody) -> T + Send + Sync + 'static,
    ) -> Result<T, QueryError> {
        let question = Arc::new(question);
        loop {
            let (shared, question) = (Arc::clone(self.shared()), Arc::clone(&question));
            let epoch = shared.facts.people.epoch();
            let look = move |conn: &_| shared.facts.people.look(epoch, conn, &*question);
            if let Some(answer) = self.read(look).await? {
                return Ok(answer);
            }
        }
    }

    /// Documents of the users that `search` finds.
    pub async fn users_where(&self, search: UserSearch) -> Result<Page, QueryError> {
        let search = Arc::new(search);
        let (slice, finder) = (search.query.slice, Arc::clone(&search));
        if search.document.is_none() {
            let (ids, total) = self
                .among_people(move |everybody| finder.find(everybody, slice))
                .await?;
            let items = self.read(move |conn| people::docs(conn, &ids)).await?;
            return Ok(Page { items, total });
        }
        let (ids, _) = self
            .among_people(move |everybody| finder.find(everybody, Slice::ALL))
            .await?;
        self.read(move |conn| {
            let most = search.most.unwrap_or(u64::MAX);
            let wanted = |doc: &[u8]| search.document.as_ref().is_none_or(|wanted| wanted(doc));
            let (mut items, mut total) = (Vec::new(), 0);
            let mut select = conn.prepare_cached("SELECT doc FROM users WHERE id = ?1")?;
            for id in &ids {
                let mut rows = select.query([id.as_str()])?;
                let Some(row) = rows.next()? else { continue };
                let doc = row.get_ref(0)?.as_bytes()?;
                if !wanted(doc) {
                    continue;
                }
                if slice.holds(total) {
                    items.push(Bytes::copy_from_slice(doc));
                }
                total += 1;
                if total >= most {
                    break;
                }
            }
            Ok(Page { items, total })
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
