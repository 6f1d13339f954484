//! Which rooms a list has, and how it is ordered.

use domain::room::RoomKind;
use domain::{RoomId, UserId};

use crate::chat::rooms::teams;
use crate::engine::paging::Slice;
use crate::json;

/// What lists of rooms can be ordered by. Ties are broken by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoomSort {
    /// The unique name, not the name as typed.
    #[default]
    Name,
    CreatedAt,
    LastMessage,
    Messages,
    Members,
    /// The name as typed.
    Display,
    /// Those that new users join first, each half by name.
    DefaultFirst,
}

/// What a room is a discussion of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "variants say what they are")]
pub enum Parent {
    /// Of any room, or of none.
    Any,
    /// It is none.
    None,
    /// Of any room.
    Some,
    Room(RoomId),
}

/// What is looked for in the names of rooms, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum NameFilter {
    Contains(String),
    /// The same; of a direct message, the user name of somebody in it.
    ContainsOrUser(String),
    /// The unique name begins with it.
    Begins(String),
    /// The unique name does, or the name as typed.
    EitherBegins(String),
}

impl NameFilter {
    /// The condition, in which the text is `:it`, and the text.
    fn condition(&self) -> (&'static str, String) {
        let (condition, text) = match self {
            Self::Contains(text) => (
                "instr(lower(coalesce(rooms.name, rooms.display, '')), :it) > 0",
                text,
            ),
            Self::ContainsOrUser(text) => (
                "(instr(lower(coalesce(rooms.name, rooms.display, '')), :it) > 0
                    OR rooms.kind = 'd' AND rooms.id IN (
                        SELECT memberships.room FROM users JOIN memberships ON memberships.user = users.id
                        WHERE instr(users.username_key, :it) > 0))",
                text,
            ),
            Self::Begins(text) => ("instr(lower(coalesce(rooms.name, '')), :it) = 1", text),
            Self::EitherBegins(text) => (
                "(instr(lower(coalesce(rooms.name, '')), :it) = 1
                    OR instr(lower(coalesce(rooms.display, '')), :it) = 1)",
                text,
            ),
        };
        (condition, text.to_lowercase())
    }
}

/// Which rooms of teams are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Teams {
    /// All of them.
    #[default]
    All,
    /// Those that this user may know of: not channels of private teams that they are not in.
    KnownTo(UserId),
    /// Those that this user is in.
    JoinedBy(UserId),
    /// None of them.
    None,
    /// All but their main rooms.
    WithoutMain,
    /// Main rooms, of whatever kind, and all rooms of the kinds that are asked for. Without kinds, nothing but main rooms.
    WithMain,
}

/// Selects rooms for `Views::rooms`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomQuery {
    /// Only these kinds; empty: any.
    pub kinds: Vec<RoomKind>,
    /// None of these.
    pub except: Vec<RoomId>,
    /// Only rooms this user is a member of.
    pub member: Option<UserId>,
    /// Only discussions, or none of them.
    pub parent: Parent,
    pub teams: Teams,
    /// Only rooms that this user owns.
    pub owner: Option<UserId>,
    /// Only rooms with such a name.
    pub named: Option<NameFilter>,
    pub sort: RoomSort,
    pub descending: bool,
    pub slice: Slice,
}

impl Default for RoomQuery {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            except: Vec::new(),
            member: None,
            parent: Parent::Any,
            teams: Teams::All,
            owner: None,
            named: None,
            sort: RoomSort::Name,
            descending: false,
            slice: Slice::ALL,
        }
    }
}

/// A query as SQLite takes it.
pub(super) struct Selection {
    pub(super) tables: &'static str,
    /// The condition.
    pub(super) matching: String,
    /// What its parameters are, in order.
    pub(super) values: Vec<String>,
}

/// Conditions that all hold, and what their parameters are. No input enters a statement but as a parameter.
#[derive(Default)]
struct Conditions {
    all: Vec<String>,
    values: Vec<String>,
}

impl Conditions {
    fn fixed(&mut self, condition: &str) {
        self.all.push(condition.to_owned());
    }

    /// A condition in which `:it` stands for the value.
    fn with(&mut self, condition: &str, value: String) {
        self.values.push(value);
        let place = format!("?{}", self.values.len());
        self.all.push(condition.replace(":it", &place));
    }
}

impl RoomQuery {
    pub(super) fn selection(&self) -> rusqlite::Result<Selection> {
        let mut conditions = Conditions::default();
        if let Some(named) = &self.named {
            let (condition, text) = named.condition();
            conditions.with(condition, text);
        }
        let member = self.owner.as_ref().or(self.member.as_ref());
        if let Some(member) = member {
            conditions.with("memberships.user = :it", member.to_string());
        }
        if self.owner.is_some() {
            conditions.fixed("memberships.owner = 1");
        }
        match &self.parent {
            Parent::Any => {}
            Parent::None => conditions.fixed("rooms.parent IS NULL"),
            Parent::Some => conditions.fixed("rooms.parent IS NOT NULL"),
            Parent::Room(parent) => conditions.with("rooms.parent = :it", parent.to_string()),
        }
        match &self.teams {
            Teams::All | Teams::WithMain => {}
            Teams::None => conditions.fixed("rooms.main_room IS NULL"),
            Teams::WithoutMain => conditions.fixed("rooms.main_room IS NOT rooms.id"),
            Teams::KnownTo(user) => conditions.with(teams::KNOWN, user.to_string()),
            Teams::JoinedBy(user) => conditions.with(teams::JOINED, user.to_string()),
        }
        conditions.all.extend(self.kinds());
        if !self.except.is_empty() {
            let condition = "rooms.id NOT IN (SELECT value FROM json_each(:it))";
            conditions.with(condition, json::list(&self.except)?);
        }
        if conditions.all.is_empty() {
            conditions.fixed("TRUE");
        }
        Ok(Selection {
            tables: if member.is_some() {
                "memberships JOIN rooms ON rooms.id = memberships.room"
            } else {
                "rooms"
            },
            matching: conditions.all.join(" AND "),
            values: conditions.values,
        })
    }

    fn kinds(&self) -> Option<String> {
        let mut any = Vec::new();
        if !self.kinds.is_empty() {
            let letters = self.kinds.iter().map(|kind| format!("'{}'", kind.letter()));
            let letters: Vec<String> = letters.collect();
            any.push(format!("rooms.kind IN ({})", letters.join(", ")));
        }
        if self.teams == Teams::WithMain {
            any.push("rooms.main_room = rooms.id".to_owned());
        }
        (!any.is_empty()).then(|| format!("({})", any.join(" OR ")))
    }

    /// Columns to order by.
    pub(super) fn order(&self) -> String {
        let column = match self.sort {
            RoomSort::Name => "rooms.name",
            RoomSort::CreatedAt => "rooms.created_at",
            RoomSort::LastMessage => "rooms.lm",
            RoomSort::Messages => "rooms.msgs",
            RoomSort::Members => "rooms.members",
            RoomSort::Display => "rooms.display",
            RoomSort::DefaultFirst => "rooms.joined_by_default DESC, rooms.name",
        };
        let direction = if self.descending { "DESC" } else { "ASC" };
        format!("{column} {direction}")
    }
}
