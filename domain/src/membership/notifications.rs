//! When a member wants to be told of what is said in a room, and how.

use serde::{Deserialize, Serialize};

/// What a member wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum ToldOf {
    /// What their preferences, or the workspace's settings, say.
    Default,
    All,
    Mentions,
    Nothing,
}

impl ToldOf {
    /// Each there is.
    pub const ALL: [Self; 4] = [Self::Default, Self::All, Self::Mentions, Self::Nothing];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::Nothing => "nothing",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// One choice of a member for one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum NotificationChoice {
    Desktop(ToldOf),
    Mobile(ToldOf),
    Email(ToldOf),
    /// What makes the room count as unread in lists.
    UnreadAlert(ToldOf),
    /// The id of a sound; `None`: the usual one.
    Sound(Option<String>),
    Disabled(bool),
    HideUnreadStatus(bool),
    HideMentionStatus(bool),
    /// `@all` and `@here` are no reason to be told.
    MuteGroupMentions(bool),
}

impl NotificationChoice {
    /// Whether both are about the same thing, whatever was chosen.
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
