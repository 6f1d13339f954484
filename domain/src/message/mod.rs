//! One message. Every message has a stream of its own, so a busy room has no contention, and a client-chosen id
//! is claimed by the stream itself.

mod attachments;
mod blocks;
mod custom_fields;
mod decide;
mod events;
mod location;
mod preview;
mod size;
#[cfg(test)]
mod tests;

pub use custom_fields::CustomFieldRefusal;
pub use decide::{OutOfSync, may_call_so_many, may_write, resolve_sent_at};
pub use events::*;
pub use preview::{ParsedUrl, Preview, PreviewHeaders};
pub use size::{check_size, length};

use std::collections::{BTreeMap, BTreeSet};

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
    pub pinned: bool,
    /// Who starred it.
    pub stars: BTreeSet<UserId>,
    /// What users said the last time about following the thread it begins.
    pub followers: BTreeMap<UserId, bool>,
    /// The links about which something is known.
    pub previewed: BTreeSet<String>,
}

impl Posted {
    /// A system message: all that the log says of it is what people attached to it.
    fn system(room: RoomId, at: Timestamp) -> Self {
        Self {
            room,
            author: None,
            at,
            content: Content::default(),
            presentation: None,
            reactions: BTreeSet::new(),
            pinned: false,
            stars: BTreeSet::new(),
            followers: BTreeMap::new(),
            previewed: BTreeSet::new(),
        }
    }
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
    /// Pin it, or take the pin off.
    Pin {
        message: MessageId,
        wanted: bool,
        at: Timestamp,
    },
    /// Star it for the actor, or take the star off.
    Star {
        message: MessageId,
        wanted: bool,
        at: Timestamp,
    },
    /// Let the actor follow the thread it begins, or not any more.
    Follow {
        message: MessageId,
        wanted: bool,
        at: Timestamp,
    },
    /// Add what the server found out about its links.
    Preview {
        message: MessageId,
        previews: Vec<Preview>,
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
    /// The views have the actor among the followers of the thread.
    pub follows: bool,
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
    /// The settings do not have custom fields like that (messages 2).
    #[error("custom fields are not as they may be: {0}")]
    CustomFields(CustomFieldRefusal),
    /// More than may be called without a call to everybody.
    #[error("more than {limit} members are called by teams and roles")]
    TooManyCalled { limit: usize },
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
    /// `Message_AllowPinning` is off (messages 6 `chat.pinMessage`).
    #[error("pinning is switched off")]
    PinningDisabled,
    /// Only members pin, and only with `pin-message` (messages 6 `chat.pinMessage`).
    #[error("not a member of the room")]
    NotAMember,
    #[error("not allowed to pin the message")]
    PinNotAllowed,
    /// `Message_AllowStarring` is off (messages 6 `chat.starMessage`).
    #[error("starring is switched off")]
    StarringDisabled,
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
            MessageCommand::Pin {
                message,
                wanted,
                at,
            } => decide::pin(state, message, wanted, at, context),
            MessageCommand::Star {
                message,
                wanted,
                at,
            } => decide::star(state, message, wanted, at, context),
            MessageCommand::Follow {
                message,
                wanted,
                at,
            } => decide::follow(state, message, wanted, at, context),
            MessageCommand::Preview {
                message,
                previews,
                at,
            } => decide::preview(state, message, previews, at, context),
        }
    }

    fn evolve(state: Self, event: &MessageEvent) -> Self {
        match (event, state) {
            (MessageEvent::MessagePosted(event), _) => Self::Posted(Posted {
                author: Some(event.author.clone()),
                content: event.content.clone(),
                presentation: event.presentation.clone(),
                ..Posted::system(event.room.clone(), event.at)
            }),
            (MessageEvent::MessageDeleted(event), _) => Self::Deleted(event.remains),
            (_, Self::Deleted(remains)) => Self::Deleted(remains),
            (event, Self::Posted(posted)) => Self::Posted(posted.after(event)),
            (event, Self::Unposted) => match begins(event) {
                Some((room, at)) => Self::Posted(Posted::system(room.clone(), at).after(event)),
                None => Self::Unposted,
            },
        }
    }
}

/// What the first event about a system message says of it: its room, and a time not before it was sent.
fn begins(event: &MessageEvent) -> Option<(&RoomId, Timestamp)> {
    match event {
        MessageEvent::ReactionAdded(event) => Some((&event.room, event.at)),
        MessageEvent::MessagePinned(event) => Some((&event.room, event.at)),
        MessageEvent::MessageStarred(event) => Some((&event.room, event.at)),
        MessageEvent::ThreadFollowed(event) => Some((&event.room, event.at)),
        MessageEvent::ThreadUnfollowed(event) => Some((&event.room, event.at)),
        _ => None,
    }
}

impl Posted {
    /// The message after something was done with it.
    fn after(mut self, event: &MessageEvent) -> Self {
        match event {
            MessageEvent::MessageEdited(event) => self.edited(event),
            MessageEvent::ReactionAdded(event) => {
                let reaction = (event.emoji.clone(), event.user.clone());
                self.reactions.insert(reaction);
            }
            MessageEvent::ReactionRemoved(event) => {
                let reaction = (event.emoji.clone(), event.user.clone());
                self.reactions.remove(&reaction);
            }
            MessageEvent::MessagePinned(_) => self.pinned = true,
            MessageEvent::MessageUnpinned(_) => self.pinned = false,
            MessageEvent::MessageStarred(event) => {
                self.stars.insert(event.user.clone());
            }
            MessageEvent::MessageUnstarred(event) => {
                self.stars.remove(&event.user);
            }
            MessageEvent::ThreadFollowed(event) => {
                self.followers.insert(event.user.clone(), true);
            }
            MessageEvent::ThreadUnfollowed(event) => {
                self.followers.insert(event.user.clone(), false);
            }
            MessageEvent::LinksPreviewed(event) => {
                let urls = event.previews.iter().map(|preview| preview.url.clone());
                self.previewed.extend(urls);
            }
            MessageEvent::MessagePosted(_) | MessageEvent::MessageDeleted(_) => {}
        }
        self
    }

    fn edited(&mut self, event: &MessageEdited) {
        let attachments = self.content.attachments.take();
        self.content = event.content.clone();
        self.content.attachments = self.content.attachments.take().or(attachments);
        let (hidden, fields) = (event.hidden.as_deref(), event.custom_fields.as_ref());
        let shown = self.presentation.take().unwrap_or_default();
        let shown = shown.edited(hidden, fields);
        self.presentation = (shown != Presentation::default()).then(|| Box::new(shown));
        let kept: BTreeSet<&str> = self.content.to_preview().collect();
        self.previewed.retain(|url| kept.contains(&**url));
    }
}
