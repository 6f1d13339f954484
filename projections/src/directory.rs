//! Queries across rooms and people: the directory, and the search while typing (contract, admin 6).

use std::fmt::Write as _;

use domain::{Timestamp, UserId};
use rusqlite::{OptionalExtension, ToSql};

use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;
use crate::paging::{Page, Slice, bounds};
use crate::since::Since;
use crate::views::Views;

/// What the directory can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectorySort {
    /// For rooms the name as typed.
    Name,
    /// People only.
    Username,
    /// When the room or the account was made.
    CreatedAt,
    /// Rooms only.
    Members,
    /// Rooms only.
    LastMessage,
    /// The first address; people only.
    Email,
    /// People only.
    Bio,
}

/// Where to look for a text in people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum PeopleField {
    Username,
    Name,
    Nickname,
    Bio,
    Email,
}

impl PeopleField {
    /// The field with that name in the setting `Accounts_SearchFields`.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "username" => Some(Self::Username),
            "name" => Some(Self::Name),
            "nickname" => Some(Self::Nickname),
            "bio" => Some(Self::Bio),
            "emails.address" | "emails" | "email" => Some(Self::Email),
            _ => None,
        }
    }

    /// The SQL condition that the field contains the text `?1`.
    const fn contains(self) -> &'static str {
        match self {
            Self::Username => "instr(username_key, ?1) > 0",
            Self::Name => "instr(name_key, ?1) > 0",
            // Only rows that have the text somewhere are looked into.
            Self::Nickname => {
                "(instr(search, ?1) > 0 AND instr(lower(coalesce(json_extract(doc, '$.nickname'), '')), ?1) > 0)"
            }
            Self::Bio => {
                "(instr(search, ?1) > 0 AND instr(lower(coalesce(json_extract(doc, '$.bio'), '')), ?1) > 0)"
            }
            Self::Email => {
                "EXISTS (SELECT 1 FROM user_emails WHERE user = users.id AND instr(address_key, ?1) > 0)"
            }
        }
    }
}

/// Selects entries of the directory. Ties in the order are broken by id.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct DirectoryQuery {
    /// Only those with this text in them, without regard to case.
    pub text: Option<String>,
    pub fields: Vec<PeopleField>,
    pub sort: DirectorySort,
    pub descending: bool,
    pub slice: Slice,
}

/// A search for people while typing.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Spotlight {
    pub text: String,
    pub fields: Vec<PeopleField>,
    /// User names to leave out.
    pub except: Vec<String>,
    /// Ordered by the name people go by, not by user name.
    pub by_name: bool,
    pub limit: u64,
}

/// The SQL condition that a text is in one of the fields of a user.
fn people(fields: &[PeopleField]) -> String {
    let conditions: Vec<&str> = fields.iter().map(|field| field.contains()).collect();
    if conditions.is_empty() {
        "0".to_owned()
    } else {
        conditions.join(" OR ")
    }
}

impl Views {
    /// Documents of channels, and of the groups `user` is a member of.
    pub async fn directory_rooms(
        &self,
        user: &UserId,
        query: DirectoryQuery,
    ) -> Result<Page, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let text = query.text.map(|text| text.to_lowercase());
            let user = user.as_str();
            let values: [&dyn ToSql; 2] = [&text, &user];
            let matching = "(kind = 'c' OR (kind = 'p' AND EXISTS
                    (SELECT 1 FROM memberships WHERE memberships.room = rooms.id AND memberships.user = ?2)))
                AND (?1 IS NULL OR instr(lower(coalesce(name, '')), ?1) > 0
                    OR instr(lower(coalesce(display, '')), ?1) > 0)";
            let column = match query.sort {
                DirectorySort::CreatedAt => "created_at",
                DirectorySort::Members => "members",
                DirectorySort::LastMessage => "lm",
                _ => "lower(coalesce(display, name, ''))",
            };
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT doc FROM rooms WHERE {matching}
                     ORDER BY {column} {direction}, id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(&values[..], |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM rooms WHERE {matching}"))?
                .query_row(&values[..], |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// Documents of people who may log in.
    pub async fn directory_people(&self, query: DirectoryQuery) -> Result<Page, QueryError> {
        self.read(move |conn| {
            let text = query.text.map(|text| text.to_lowercase());
            let values: [&dyn ToSql; 1] = [&text];
            let matching = format!("active = 1 AND (?1 IS NULL OR {})", people(&query.fields));
            let column = match query.sort {
                DirectorySort::Username => "username_key",
                DirectorySort::CreatedAt => "created_at",
                DirectorySort::Email => "json_extract(doc, '$.emails[0].address')",
                DirectorySort::Bio => "json_extract(doc, '$.bio')",
                _ => "name_key",
            };
            let direction = if query.descending { "DESC" } else { "ASC" };
            let (count, offset) = bounds(query.slice);
            let items = conn
                .prepare_cached(&format!(
                    "SELECT doc FROM users WHERE {matching}
                     ORDER BY {column} {direction}, id LIMIT {count} OFFSET {offset}"
                ))?
                .query_map(&values[..], |row| json::column(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let total = conn
                .prepare_cached(&format!("SELECT count(*) FROM users WHERE {matching}"))?
                .query_row(&values[..], |row| unsigned(row, 0))?;
            Ok(Page { items, total })
        })
        .await
    }

    /// Documents of people who may log in, the one with exactly that user name first.
    pub async fn spotlight_people(
        &self,
        query: Spotlight,
    ) -> Result<Vec<bytes::Bytes>, QueryError> {
        self.read(move |conn| {
            let text = query.text.to_lowercase();
            let mut values: Vec<&dyn ToSql> = vec![&text];
            let mut matching = format!("active = 1 AND ({})", people(&query.fields));
            for (index, name) in query.except.iter().enumerate() {
                let _ = write!(matching, " AND username <> ?{}", index + 2);
                values.push(name);
            }
            let column = if query.by_name {
                "name_key"
            } else {
                "username_key"
            };
            conn.prepare_cached(&format!(
                "SELECT doc FROM users WHERE {matching}
                 ORDER BY username_key = ?1 DESC, {column}, id LIMIT {}",
                query.limit
            ))?
            .query_map(values.as_slice(), |row| json::column(row, 0))?
            .collect()
        })
        .await
    }

    /// Documents of channels that `user` is not a member of, by name.
    pub async fn spotlight_rooms(
        &self,
        user: &UserId,
        text: &str,
        limit: u64,
    ) -> Result<Vec<bytes::Bytes>, QueryError> {
        let (user, text) = (user.clone(), text.to_lowercase());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT doc FROM rooms WHERE kind = 'c' AND archived = 0
                    AND (instr(lower(coalesce(name, '')), ?1) > 0 OR instr(lower(coalesce(display, '')), ?1) > 0)
                    AND NOT EXISTS (SELECT 1 FROM memberships
                        WHERE memberships.room = rooms.id AND memberships.user = ?2)
                 ORDER BY name, id LIMIT ?3",
            )?
            .query_map(
                rusqlite::params![text, user.as_str(), i64::try_from(limit).unwrap_or(i64::MAX)],
                |row| json::column(row, 0),
            )?
            .collect()
        })
        .await
    }

    /// The users whose accounts changed since then: renamed, activated or otherwise.
    pub async fn users_changed_since(&self, since: Since) -> Result<Vec<UserId>, QueryError> {
        self.read(move |conn| {
            conn.prepare_cached("SELECT id FROM users WHERE updated_at >= ?1")?
                .query_map([since.earliest().as_millis()], |row| {
                    Ok(UserId::new(row.get_ref(0)?.as_str()?))
                })?
                .collect()
        })
        .await
    }

    /// When the oldest account was made.
    pub async fn oldest_account(&self) -> Result<Option<Timestamp>, QueryError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT min(created_at) FROM users")?
                .query_row([], |row| row.get::<_, Option<i64>>(0))
                .optional()
                .map(|at| at.flatten().map(Timestamp::from_millis))
        })
        .await
    }
}
