//! The members of a room, in pages.

use bytes::Bytes;
use domain::{RoomId, UserId};
use rusqlite::{Connection, ToSql};

use crate::chat::directory::PeopleField;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::queries::Queries;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

/// Selects members of a room for [`Queries::members`]: only those who may log in.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MemberQuery {
    pub room: RoomId,
    /// Only those in whom this is found, without regard to case.
    pub filter: Option<String>,
    /// Where `filter` is looked for. Beyond the usual fields, only ASCII letters are the same in both cases.
    pub fields: Vec<PeopleField>,
    pub who: Who,
    pub order: MemberOrder,
    pub slice: Slice,
}

/// Which people are meant.
#[derive(Clone, Debug, Default)]
pub enum Who {
    /// Whoever it is.
    #[default]
    Anybody,
    /// Only these.
    Of(Vec<UserId>),
    /// All but these.
    Except(Vec<UserId>),
}

/// What members are ordered by. Ties are broken by user name.
#[derive(Clone, Debug)]
pub enum MemberOrder {
    /// By user name, from the last on if so wanted.
    Username {
        /// From the last on.
        descending: bool,
    },
    /// These before all others.
    First(Vec<UserId>),
    /// Owners, then moderators, then the others.
    Role {
        /// The others, then moderators, then owners.
        descending: bool,
    },
}

/// A member with their place in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The document of the user.
    pub user: Bytes,
    /// The document of the membership, as lists show it.
    pub membership: Bytes,
}

/// The fields that are searched together.
const USUAL: [PeopleField; 4] = [
    PeopleField::Username,
    PeopleField::Name,
    PeopleField::Nickname,
    PeopleField::Bio,
];

impl MemberQuery {
    /// All members, by user name.
    pub fn of(room: RoomId) -> Self {
        Self {
            room,
            filter: None,
            fields: USUAL.to_vec(),
            who: Who::Anybody,
            order: MemberOrder::Username { descending: false },
            slice: Slice::ALL,
        }
    }

    /// The condition that the text `?2` is found.
    fn found(&self) -> String {
        let usual = USUAL.iter().all(|field| self.fields.contains(field));
        let found = |field: &PeopleField| match field {
            field if usual && USUAL.contains(field) => "instr(search, ?2) > 0",
            PeopleField::Username => "instr(username_key, ?2) > 0",
            PeopleField::Name => "instr(name_key, ?2) > 0",
            PeopleField::Nickname => "instr(lower(coalesce(users.doc ->> 'nickname', '')), ?2) > 0",
            PeopleField::Bio => "instr(lower(coalesce(users.doc ->> 'bio', '')), ?2) > 0",
            PeopleField::Email => {
                "EXISTS (SELECT 1 FROM user_emails WHERE user_emails.user = users.id AND instr(address_key, ?2) > 0)"
            }
        };
        let mut found: Vec<&str> = self.fields.iter().map(found).collect();
        found.dedup();
        if found.is_empty() {
            return "0".to_owned();
        }
        found.join(" OR ")
    }

    fn select(self, conn: &Connection) -> rusqlite::Result<(Vec<MemberRecord>, u64)> {
        let (room, filter) = (
            self.room.as_str(),
            self.filter.as_deref().map(str::to_lowercase),
        );
        let mut values: Vec<&dyn ToSql> = vec![&room, &filter];
        let (among, people) = match &self.who {
            Who::Anybody => ("", None),
            Who::Of(people) => (
                "AND users.id IN (SELECT value FROM json_each(?3))",
                Some(people),
            ),
            Who::Except(people) => (
                "AND users.id NOT IN (SELECT value FROM json_each(?3))",
                Some(people),
            ),
        };
        let people = people.map(|people| json::list(people)).transpose()?;
        values.extend(people.as_ref().map(|people| people as &dyn ToSql));
        let matching = format!(
            "FROM memberships JOIN users ON users.id = memberships.user
             WHERE memberships.room = ?1 AND users.active = 1 AND (?2 IS NULL OR {}) {among}",
            self.found()
        );
        let total = conn
            .prepare_cached(&format!("SELECT count(*) {matching}"))?
            .query_row(values.as_slice(), |row| unsigned(row, 0))?;
        let (order, first) = match &self.order {
            MemberOrder::Username { descending: false } => ("username_key".to_owned(), None),
            MemberOrder::Username { descending: true } => ("username_key DESC".to_owned(), None),
            MemberOrder::First(first) => {
                let place = values.len() + 1;
                let order = format!(
                    "users.id IN (SELECT value FROM json_each(?{place})) DESC, username_key"
                );
                (order, Some(json::list(first)?))
            }
            MemberOrder::Role { descending: false } => (format!("{RANK}, username_key"), None),
            MemberOrder::Role { descending: true } => (format!("{RANK} DESC, username_key"), None),
        };
        values.extend(first.as_ref().map(|first| first as &dyn ToSql));
        let (count, offset) = bounds(self.slice);
        let items = conn
            .prepare_cached(&format!(
                "SELECT users.doc, memberships.doc {matching} ORDER BY {order}, users.id LIMIT {count} OFFSET {offset}"
            ))?
            .query_map(values.as_slice(), |row| {
                Ok(MemberRecord {
                    user: json::column(row, 0)?,
                    membership: json::column(row, 1)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok((items, total))
    }
}

/// The rank of a member by their roles in the room: owners first.
const RANK: &str = "CASE WHEN owner = 1 THEN 0
    WHEN roles = 1 AND instr(memberships.doc ->> 'roles', '\"moderator\"') > 0 THEN 1 ELSE 2 END";

impl Queries {
    /// Documents of the members of a room who may log in.
    pub async fn members(&self, query: MemberQuery) -> Result<Page, QueryError> {
        let (members, total) = self.members_with_places(query).await?;
        let items = members.into_iter().map(|member| member.user).collect();
        Ok(Page { items, total })
    }

    /// The same with their places in the room, and how many there are in all.
    pub async fn members_with_places(
        &self,
        query: MemberQuery,
    ) -> Result<(Vec<MemberRecord>, u64), QueryError> {
        self.read(move |conn| query.select(conn)).await
    }
}
