//! Queries across rooms and people: the directory, and the search while typing (contract, admin 6).

use std::cmp::Ordering;

use domain::{Timestamp, UserId};
use rusqlite::{OptionalExtension, ToSql};

use crate::chat::rooms::teams::KNOWN;
use crate::engine::handle::Views;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::people::{self, Everybody, Folded, Person};
use crate::engine::since::Since;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

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

    /// Whether the field contains `text`, which is in lower case.
    fn contains(self, person: &Person, text: &str) -> bool {
        let within = |field: Option<&Folded>| field.map_or("", Folded::lower).contains(text);
        match self {
            Self::Username => person.username.contains(text),
            Self::Name => person.name_key().contains(text),
            Self::Nickname => within(person.nickname.as_deref()),
            Self::Bio => within(person.bio.as_deref()),
            Self::Email => person
                .addresses
                .iter()
                .any(|address| address.contains(text)),
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

/// Which of two people comes first; ties are yet to be broken.
fn compare(sort: DirectorySort, a: &Person, b: &Person) -> Ordering {
    match sort {
        DirectorySort::Username => a.username.lower().cmp(b.username.lower()),
        DirectorySort::CreatedAt => a.created_at.cmp(&b.created_at),
        DirectorySort::Email => compare_texts(a.addresses.first(), b.addresses.first()),
        DirectorySort::Bio => compare_texts(a.bio.as_deref(), b.bio.as_deref()),
        DirectorySort::Name | DirectorySort::Members | DirectorySort::LastMessage => {
            a.name_key().cmp(b.name_key())
        }
    }
}

/// By the texts as they were typed; who has none comes first.
fn compare_texts(a: Option<&Folded>, b: Option<&Folded>) -> Ordering {
    a.map(Folded::as_str).cmp(&b.map(Folded::as_str))
}

impl Views {
    /// Documents of channels, and of the groups `user` is a member of: of the `main` rooms of teams, or of rooms that are
    /// neither those nor discussions.
    pub async fn directory_rooms(
        &self,
        user: &UserId,
        main: bool,
        query: DirectoryQuery,
    ) -> Result<Page, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            let text = query.text.map(|text| text.to_lowercase());
            let user = user.as_str();
            let values: [&dyn ToSql; 3] = [&text, &user, &main];
            let known = KNOWN.replace(":it", "?2");
            let matching = format!(
                "(kind = 'c' OR (kind = 'p' AND EXISTS
                    (SELECT 1 FROM memberships WHERE memberships.room = rooms.id AND memberships.user = ?2)))
                AND (?1 IS NULL OR instr(lower(coalesce(name, '')), ?1) > 0
                    OR instr(lower(coalesce(display, '')), ?1) > 0)
                AND (main_room IS id) = ?3 AND parent IS NULL AND {known}"
            );
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
        let text = query.text.map(|text| text.to_lowercase());
        let find = move |everybody: &Everybody| {
            let wanted = |person: &&Person| {
                let contains = |text| {
                    query
                        .fields
                        .iter()
                        .any(|field| field.contains(person, text))
                };
                person.active && text.as_deref().is_none_or(contains)
            };
            let mut found: Vec<&Person> = everybody.iter().filter(wanted).collect();
            people::sort(&mut found, query.slice, |a, b| {
                let order = compare(query.sort, a, b);
                let order = if query.descending {
                    order.reverse()
                } else {
                    order
                };
                order.then_with(|| a.id.cmp(&b.id))
            });
            people::page(&found, query.slice)
        };
        let (ids, total) = self.among_people(find).await?;
        let items = self.read(move |conn| people::docs(conn, &ids)).await?;
        Ok(Page { items, total })
    }

    /// Documents of people who may log in, the one with exactly that user name first.
    pub async fn spotlight_people(
        &self,
        query: Spotlight,
    ) -> Result<Vec<bytes::Bytes>, QueryError> {
        let text = query.text.to_lowercase();
        let slice = Slice {
            offset: 0,
            count: Some(query.limit),
        };
        let find = move |everybody: &Everybody| {
            let wanted = |person: &&Person| {
                let mut except = query.except.iter();
                let mut fields = query.fields.iter();
                person.active
                    && fields.any(|field| field.contains(person, &text))
                    && except.all(|name| person.username.as_str() != name)
            };
            let mut found: Vec<&Person> = everybody.iter().filter(wanted).collect();
            let sort = if query.by_name {
                DirectorySort::Name
            } else {
                DirectorySort::Username
            };
            people::sort(&mut found, slice, |a, b| {
                let exact = |person: &Person| person.username.lower() == text;
                let order = exact(b).cmp(&exact(a));
                order
                    .then_with(|| compare(sort, a, b))
                    .then_with(|| a.id.cmp(&b.id))
            });
            people::page(&found, slice).0
        };
        let ids = self.among_people(find).await?;
        self.read(move |conn| people::docs(conn, &ids)).await
    }

    /// Documents of channels that `user` is not a member of, by name.
    pub async fn spotlight_rooms(
        &self,
        user: &UserId,
        text: &str,
        limit: u64,
    ) -> Result<Vec<bytes::Bytes>, QueryError> {
        let known = KNOWN.replace(":it", "?2");
        self.every(
            format!(
                "SELECT doc FROM rooms WHERE kind = 'c' AND archived = 0
                    AND (instr(lower(coalesce(name, '')), ?1) > 0
                        OR instr(lower(coalesce(display, '')), ?1) > 0)
                    AND NOT EXISTS (SELECT 1 FROM memberships
                        WHERE memberships.room = rooms.id AND memberships.user = ?2)
                    AND {known}
                 ORDER BY name, id LIMIT ?3"
            ),
            (
                text.to_lowercase(),
                user.to_string(),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ),
            |row| json::column(row, 0),
        )
        .await
    }

    /// The users whose accounts changed since then: renamed, activated or otherwise.
    pub async fn users_changed_since(&self, since: Since) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT id FROM users WHERE updated_at >= ?1",
            [since.earliest().as_millis()],
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
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
