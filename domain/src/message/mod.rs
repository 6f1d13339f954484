//! One message. Every message has a stream of its own, so a busy room has no contention, and a client-chosen id
//! is claimed by the stream itself.

mod attachments;
mod decide;
mod events;
mod preview;
mod size;
#[cfg(test)]
mod tests;

pub use decide::{OutOfSync, may_write, resolve_sent_at};
pub use events::*;
pub use preview::{ParsedUrl, Preview, PreviewHeaders};
pub use size::{check_size, length};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Category, Decider, MessageId, RoomId, StreamId, Timestamp, UserId};

/// The stream of a message.
pub fn stream(message: &MessageId) -> StreamId {
    StreamId::new(Category::Message, message.as_str())
}

/// What decisions about a message need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every state kept is of a message that is there"
)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Message {
    /// Nothing was posted under this id. System messages, which the views derive from room and membership events, also
    /// begin here.
    #[default]
    Unposted,
    Posted(Posted),
    /// The id stays taken. With what was left of it the last time.
    Deleted(Remains),
}

/// A message that is there.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Posted {
    pub room: RoomId,
    /// `None` for a system message.
    pub author: Option<UserId>,
    pub at: Timestamp,
    pub content: Content,
    pub presentation: Option<Box<Presentation>>,
    /// Emoji, and who reacted with it.
    pub reactions: BTreeSet<(String, UserId)>,
}

/// How much is checked of a message to be posted (contract, messages 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostChecks {
    /// Everything: what people type (`chat.sendMessage`).
    Full,
    /// Neither size nor thread fields: what programs post (`chat.postMessage`, webhooks).
    Lenient,
}

/// What can be asked of a message.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum MessageCommand {
    /// The content's mentions, channels and URLs were resolved before (see [`crate::mention`]). Author and room are
    /// those of the context, whatever `posted` says. A reply to a reply becomes a reply to what that one replies to.
    Post {
        posted: Box<MessagePosted>,
        checks: PostChecks,
    },
    Edit {
        message: MessageId,
        revision: Revision,
        at: Timestamp,
    },
    Delete {
        message: MessageId,
        at: Timestamp,
    },
    /// Delete it with many others, for those who may empty rooms. Nothing remains of it.
    Prune {
        message: MessageId,
        at: Timestamp,
    },
    /// Add a reaction, or remove it.
    React {
        message: MessageId,
        /// With or without colons.
        emoji: String,
        /// `None`: the opposite of what is.
        wanted: Option<bool>,
        at: Timestamp,
    },
}

/// What a message is to say or hide instead.
#[derive(Clone, Debug, Default)]
pub struct Revision {
    /// What it is to say, unless it hides something.
    pub content: Content,
    /// What it is to hide. Only messages posted as encrypted hide anything.
    pub hidden: Option<Box<Hidden>>,
    /// Replaces the free-form fields it has.
    pub custom_fields: Option<Value>,
}

/// What the rules need to know of the room and its settings, read from the views.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MessageContext<'a> {
    /// Who asks, with their roles in the room.
    pub authority: crate::permission::Authority<'a>,
    pub room: &'a crate::room::RoomFacts,
    pub beyond: crate::membership::access::Beyond,
    /// The actor's membership in it; `None` when not a member.
    pub membership: Option<&'a crate::membership::MembershipFacts>,
    pub settings: &'a crate::settings::Settings,
    /// Set for a system message of that room: its send time.
    pub system_message: Option<Timestamp>,
    /// The message has replies (deleting leaves a placeholder).
    pub has_replies: bool,
    /// The message that a reply names; `None`: there is no such message.
    pub parent: Option<&'a Parent>,
    /// The emoji of a reaction is one that can be picked.
    pub emoji_known: bool,
}

/// A message that a reply names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Parent {
    pub message: MessageId,
    pub room: RoomId,
    /// The message it replies to itself.
    pub thread: Option<MessageId>,
}

/// Why a wish about a message is refused. "Step" is a step of sending, contract messages 3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum MessageRefusal {
    /// Not logged in as anybody who may see the room (step 5; for a reaction, messages 6 `chat.react`: not authorised).
    #[error("the room may not be seen")]
    NoAccess,
    /// A direct message that one side blocked (step 5).
    #[error("the direct message is blocked")]
    Blocked,
    /// Read-only, and the actor is not one of those who may post (step 5; reacting: messages 6 `chat.react`).
    #[error("the room is read-only")]
    ReadOnly,
    /// The actor may not speak in the room (step 5; reacting: messages 6 `chat.react`).
    #[error("the actor is muted in the room")]
    Muted,
    /// To be shown in the room besides its thread, but there is no thread (step 1).
    #[error("shown in the room, but not a reply")]
    NotAReply,
    /// Threads are switched off (step 1).
    #[error("threads are switched off")]
    ThreadsDisabled,
    /// What it replies to is not in the room of the reply, if it is anywhere (step 4). The two are not told apart.
    #[error("no such thread in the room")]
    NoSuchThread,
    /// Longer than `Message_MaxAllowedSize` (step 3).
    #[error("longer than {limit} characters")]
    TooLong { limit: i64 },
    /// Only what was posted as encrypted may hide what it says (newer, `chat.update`).
    #[error("not posted as encrypted")]
    NotEncrypted,
    /// Larger than any message may be, whoever posts it and however ([`crate::limits`]).
    #[error("larger than a message may be")]
    TooLarge,
    /// A name or picture other than the author's needs `message-impersonate` (messages 2.1).
    #[error("not allowed to speak as somebody else")]
    ImpersonationNotAllowed,
    /// A link that is none, or a dangerous one (messages 2.1).
    #[error("not a link")]
    InvalidLink,
    /// A part of an attachment has the wrong type (messages 2.1: a `Match error`).
    #[error("{key} has the wrong type")]
    InvalidShape { key: &'static str },
    /// `@all` and `@here` are switched off in rooms of more members than `Message_MaxAll` (step 9).
    #[error("no calls to everybody in rooms of more than {limit} members")]
    RoomTooLargeForGroupMention { limit: i64 },
    /// `@all` needs `mention-all` (step 9).
    #[error("not allowed to call everybody")]
    MentionAllNotAllowed,
    /// `@here` needs `mention-here` (step 9).
    #[error("not allowed to call everybody here")]
    MentionHereNotAllowed,
    /// The same author posted under this id in this room before: a repeated request (step 10). The door returns the
    /// message that is there.
    #[error("posted already")]
    AlreadyPosted,
    /// Somebody else has the id, or the message was in another room or is deleted (step 10).
    #[error("the id is taken")]
    IdTaken,
    #[error("no such message")]
    NotFound,
    /// The message is in another room than the one asked about (messages 6 `chat.update`, `chat.delete`).
    #[error("the message is in another room")]
    OtherRoom,
    /// Neither one's own nor `edit-message` (messages 5.1, `Message editing not allowed`).
    #[error("not allowed to edit the message")]
    EditNotAllowed,
    /// Too old to be edited (messages 5.1, `Message editing is blocked`).
    #[error("too old to be edited")]
    EditBlocked,
    /// Not allowed, or too old (messages 5.2, details.action `Delete_message`).
    #[error("not allowed to delete the message")]
    DeleteNotAllowed,
    /// Read-only, and the actor is not one of those who may post (messages 5.2).
    #[error("not allowed to delete in a read-only room")]
    DeleteInReadOnlyRoom,
    /// Not the name of an emoji there is (messages 6 `chat.react`, `Invalid emoji provided.`).
    #[error("not the name of an emoji")]
    InvalidEmoji,
}

impl Decider for Message {
    type State = Self;
    type Command = MessageCommand;
    type Context<'a> = MessageContext<'a>;
    type Event = MessageEvent;
    type Refusal = MessageRefusal;

    fn decide(
        state: &Self,
        command: MessageCommand,
        context: &MessageContext<'_>,
    ) -> Result<Vec<MessageEvent>, MessageRefusal> {
        match command {
            MessageCommand::Post { posted, checks } => decide::post(state, posted, checks, context),
            MessageCommand::Edit {
                message,
                revision,
                at,
            } => decide::edit(state, message, revision, at, context),
            MessageCommand::Delete { message, at } => decide::delete(state, message, at, context),
            MessageCommand::Prune { message, at } => decide::prune(state, message, at, context),
            MessageCommand::React {
                message,
                emoji,
                wanted,
                at,
            } => decide::react(state, message, &emoji, wanted, at, context),
        }
    }

    fn evolve(state: Self, event: &MessageEvent) -> Self {
        match (event, state) {
            (MessageEvent::MessagePosted(event), _) => Self::Posted(Posted {
                room: event.room.clone(),
                author: Some(event.author.clone()),
                at: event.at,
                content: event.content.clone(),
                presentation: event.presentation.clone(),
                reactions: BTreeSet::new(),
            }),
            (MessageEvent::MessageDeleted(event), _) => Self::Deleted(event.remains),
            (MessageEvent::MessageEdited(event), Self::Posted(mut posted)) => {
                let attachments = posted.content.attachments.take();
                posted.content = event.content.clone();
                posted.content.attachments = posted.content.attachments.or(attachments);
                let (hidden, fields) = (event.hidden.as_deref(), event.custom_fields.as_ref());
                let shown = posted.presentation.take().unwrap_or_default();
                let shown = shown.edited(hidden, fields);
                posted.presentation = (shown != Presentation::default()).then(|| Box::new(shown));
                Self::Posted(posted)
            }
            (MessageEvent::ReactionAdded(event), Self::Posted(mut posted)) => {
                posted
                    .reactions
                    .insert((event.emoji.clone(), event.user.clone()));
                Self::Posted(posted)
            }
            // The first event about a system message.
            (MessageEvent::ReactionAdded(event), Self::Unposted) => Self::Posted(Posted {
                room: event.room.clone(),
                author: None,
                at: event.at,
                content: Content::default(),
                presentation: None,
                reactions: BTreeSet::from([(event.emoji.clone(), event.user.clone())]),
            }),
            (MessageEvent::ReactionRemoved(event), Self::Posted(mut posted)) => {
                posted
                    .reactions
                    .remove(&(event.emoji.clone(), event.user.clone()));
                Self::Posted(posted)
            }
            (_, state) => state,
        }
    }
}
