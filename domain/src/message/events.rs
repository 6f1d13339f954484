//! Posted, edited, reacted, pinned, deleted: what is stored of a message. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Preview;
use crate::event::events;
use crate::{MessageId, RoleId, RoomId, SeenUpTo, TeamId, Timestamp, UserId, limits};

events! {
    /// What can happen to a message.
    MessageEvent [message: MessageId, room: RoomId] {
        MessagePosted = 1,
        MessageEdited = 1,
        MessageDeleted = 1,
        ReactionAdded = 1,
        ReactionRemoved = 1,
        MessagePinned = 1,
        MessageUnpinned = 1,
        MessageStarred = 1,
        MessageUnstarred = 1,
        ThreadFollowed = 1,
        ThreadUnfollowed = 1,
        LinksPreviewed = 1,
    }
}

/// Who a message calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mention {
    User(UserId),
    /// Every member of the room.
    All,
    /// Every member who is there now.
    Here,
    /// Members of the room who are in a team. With its main room, where its members are known.
    Team {
        team: TeamId,
        room: RoomId,
    },
    /// Members who have a role.
    Role(RoleId),
}

impl Mention {
    /// Who is called by name.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::All | Self::Here | Self::Team { .. } | Self::Role(_) => None,
        }
    }
}

/// What a message says, and what was found in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// In the markdown of the clients.
    pub text: String,
    /// In order of appearance, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Rooms named with `#`, in order of appearance, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<RoomId>,
    /// Links, in order of appearance, each once; `None` when links were not to be looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    /// Those of the links that lead to messages and are quoted among the attachments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quoted: Vec<String>,
    /// The links whose pages are to be previewed; `None`: all (the wire's `previewUrls`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previewed: Option<Vec<String>>,
    /// Attachments, as the wire has them (contract, messages 2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Vec<Value>>,
}

impl Content {
    /// The links whose pages are to be looked up: the first [`limits::PREVIEWS`] of those that were chosen, if any were,
    /// up to the first that leads elsewhere than to the web; none where something else is shown below the text (contract,
    /// messages 4.4).
    pub fn to_preview(&self) -> impl Iterator<Item = &str> {
        let alone = self.quoted.is_empty() && self.attachments.as_ref().is_none_or(Vec::is_empty);
        self.urls
            .iter()
            .flatten()
            .filter(move |_| alone)
            .filter(|url| {
                let chosen = self.previewed.as_ref();
                chosen.is_none_or(|chosen| chosen.contains(url))
            })
            .map(String::as_str)
            .take_while(|url| url.starts_with("http://") || url.starts_with("https://"))
            .take(limits::PREVIEWS)
    }
}

/// How a message wants to be shown, and what clients attach to it. Absent on most messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Presentation {
    /// Shown instead of the author's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// A picture shown instead of the author's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// An emoji shown instead of the author's picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// `Some(false)`: not to be grouped visually with its neighbours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groupable: Option<bool>,
    /// What the client said about link extraction, kept for the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parse_urls: Option<bool>,
    /// Marks a message as posted by a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<Value>,
    /// `UIKit` blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Vec<Value>>,
    /// Where it was sent from (a `GeoJSON` point).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
    /// End-to-end encryption: the wire's `t` (`e2e`, `otr`, `otr-ack`); the text is opaque to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// The wire's `e2e` marker (`pending` or `done`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e2e: Option<String>,
    /// What newer clients encrypt instead of the text; opaque to the server (the wire's `content`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<Value>,
    /// Who an encrypted message calls, as its author says (the wire's `e2eMentions`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_mentions: Option<Value>,
    /// What an off-the-record message answers; opaque to the server (the wire's `otrAck`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otr_ack: Option<Value>,
}

/// A message was posted to a room. Posting also moves the author's read cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessagePosted {
    pub message: MessageId,
    pub room: RoomId,
    pub author: UserId,
    /// Send time, as the author's server had it. What a room shows is later where it has a message of that time or a
    /// later one already, so that send times rise strictly in the order of the log.
    pub at: Timestamp,
    pub content: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation: Option<Box<Presentation>>,
    /// The message it replies to; never itself a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<MessageId>,
    /// A reply that is shown in the room as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shown_in_room: bool,
    /// How far the author's views had got: posting marks that much of the room as read, and no more. Absent: everything
    /// before the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenUpTo>,
}

/// What a message says was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageEdited {
    pub message: MessageId,
    pub room: RoomId,
    pub editor: UserId,
    pub at: Timestamp,
    /// `attachments: None` leaves them as they were.
    pub content: Content,
    /// `None`: it hides nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Box<Hidden>>,
    /// `None`: unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_fields: Option<Value>,
}

/// What an encrypted message hides instead of saying it; opaque to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hidden {
    /// The wire's `content`.
    pub content: Value,
    /// Who it calls, as its author says (the wire's `e2eMentions`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions: Option<Value>,
}

impl Presentation {
    /// What the message hides.
    pub fn hidden(&self) -> Option<Hidden> {
        self.encrypted_content.clone().map(|content| Hidden {
            content,
            mentions: self.encrypted_mentions.clone(),
        })
    }

    /// The presentation after an edit.
    #[must_use]
    pub fn edited(mut self, hidden: Option<&Hidden>, custom_fields: Option<&Value>) -> Self {
        self.encrypted_content = hidden.map(|hidden| hidden.content.clone());
        self.encrypted_mentions = hidden.and_then(|hidden| hidden.mentions.clone());
        self.custom_fields = custom_fields.cloned().or(self.custom_fields);
        self
    }
}

/// What is left of a deleted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remains {
    Nothing,
    /// A placeholder (the wire's `rm`).
    Placeholder,
}

/// A message was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageDeleted {
    pub message: MessageId,
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
    pub remains: Remains,
}

/// Somebody reacted to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionAdded {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    /// Colons included: `:smile:`.
    pub emoji: String,
    pub at: Timestamp,
}

/// Somebody removed a reaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReactionRemoved {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    /// Colons included.
    pub emoji: String,
    pub at: Timestamp,
}

/// Somebody pinned a message: it is to be found easily by all who read the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessagePinned {
    pub message: MessageId,
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Somebody took a pin off a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageUnpinned {
    pub message: MessageId,
    pub room: RoomId,
    pub by: UserId,
    pub at: Timestamp,
}

/// Somebody starred a message, for themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageStarred {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// Somebody took their star off a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageUnstarred {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// Somebody wants to know of the replies to a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadFollowed {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// Somebody does not want to know of the replies to a message any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadUnfollowed {
    pub message: MessageId,
    pub room: RoomId,
    pub user: UserId,
    pub at: Timestamp,
}

/// The server looked up where links of a message lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinksPreviewed {
    pub message: MessageId,
    pub room: RoomId,
    pub at: Timestamp,
    /// In the order of the links. A link about which nothing was found out is not among them.
    pub previews: Vec<Preview>,
}
