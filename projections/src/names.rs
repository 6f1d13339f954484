//! What users and rooms are called now. Wire documents have names beside ids.

use compact_str::CompactString;
use domain::role::RoleTable;
use domain::room::RoomKind;
use domain::settings::{Settings, keys};
use domain::{MessageId, RoleId, RoomId, Timestamp, UserId, markdown};
use eventstore::Position;
use serde::{Deserialize, Serialize};

/// Who takes over the messages of a deleted account (setting `Message_ErasureType`, value `Unlink`).
pub(crate) const ROCKET_CAT: &str = "rocket.cat";

/// What a user is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserName {
    pub(crate) username: CompactString,
    pub(crate) name: Option<CompactString>,
}

/// What a room is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomName {
    pub(crate) kind: RoomKind,
    /// The unique name; direct messages have none.
    pub(crate) name: Option<CompactString>,
    /// The name as typed.
    pub(crate) display: Option<CompactString>,
    /// It belongs to another room.
    pub(crate) discussion: bool,
    /// The main room of the team that it belongs to. May be the room itself.
    pub(crate) main_room: Option<RoomId>,
}

/// What is told of a discussion in the room it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiscussionNow {
    pub(crate) parent: RoomId,
    /// The message there that tells of it.
    pub(crate) told_by: MessageId,
    /// How many messages it has.
    pub(crate) count: i64,
    /// When the last of them was sent.
    pub(crate) last: Option<Timestamp>,
}

/// Looks up what users and rooms are called now.
pub(crate) trait Names {
    /// `None`: there is no such user (any more).
    fn user(&mut self, user: &UserId) -> rusqlite::Result<Option<UserName>>;
    /// `None`: there is no such room (any more).
    fn room(&mut self, room: &RoomId) -> rusqlite::Result<Option<RoomName>>;
    /// What is told of a discussion in the room it belongs to; `None` for other rooms.
    fn discussion(&mut self, room: &RoomId) -> rusqlite::Result<Option<DiscussionNow>>;
    /// The send time of the message that the event at a position made, if it differs from the one in the event.
    fn send_time(&mut self, position: Position) -> rusqlite::Result<Option<Timestamp>>;
    /// What a role is called; its id, where there is none (any more).
    fn role(&self, role: &RoleId) -> CompactString;
    /// What of markdown the workspace understands.
    fn markdown(&self) -> markdown::Options;
    /// Up to where everybody has read a room since the event at a position, if they had not before.
    fn read_by_all(
        &mut self,
        room: &RoomId,
        position: Position,
    ) -> rusqlite::Result<Option<Timestamp>>;
}

/// What a role is called, where those are the roles.
pub(crate) fn role_name(roles: &RoleTable, role: &RoleId) -> CompactString {
    let known = roles.get(role);
    known.map_or_else(
        || CompactString::new(role),
        |known| CompactString::new(&known.properties.name),
    )
}

/// What of markdown is understood where the settings are those.
pub(crate) fn markdown_of(settings: &Settings) -> markdown::Options {
    let katex = settings.bool(keys::KATEX_ENABLED);
    markdown::Options {
        colors: settings.bool(keys::HEX_COLOR_PREVIEW_ENABLED),
        emoticons: true,
        katex: markdown::Katex {
            dollar: katex && settings.bool(keys::KATEX_DOLLAR_SYNTAX),
            parenthesis: katex && settings.bool(keys::KATEX_PARENTHESIS_SYNTAX),
        },
        custom_domains: Vec::new(),
    }
}

/// A user inside a document: `{_id, username, name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRef {
    #[serde(rename = "_id")]
    pub(crate) id: UserId,
    /// The id, for users that no longer exist.
    pub(crate) username: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
}

impl UserRef {
    /// With the name people go by.
    pub(crate) fn full(names: &mut dyn Names, user: &UserId) -> rusqlite::Result<Self> {
        Ok(match names.user(user)? {
            Some(UserName { username, name }) => Self {
                id: user.clone(),
                username,
                name,
            },
            None => Self {
                id: user.clone(),
                username: CompactString::new(user),
                name: None,
            },
        })
    }

    /// Without the name people go by.
    pub(crate) fn short(names: &mut dyn Names, user: &UserId) -> rusqlite::Result<Self> {
        Ok(Self {
            name: None,
            ..Self::full(names, user)?
        })
    }
}

/// The letter of a kind back to the kind.
pub(crate) fn kind_of(letter: &str) -> RoomKind {
    match letter {
        "p" => RoomKind::Group,
        "d" => RoomKind::Direct,
        _ => RoomKind::Channel,
    }
}
