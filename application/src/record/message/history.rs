//! Every version of a message, out of the events of its stream and those that end it with its room or its author.

use domain::Event;
use domain::message::{
    Content, MessageDeleted, MessageEdited, MessageEvent, MessagePosted, Presentation, Remains,
};
use domain::room::RoomEvent;
use domain::user::{MessageErasure, UserEvent};
use domain::{MessageId, UserId};
use serde_json::Value;

use super::attached::Attached;
use super::diff::{self, Piece};
use crate::record::deed::{Called, Deed, Envelope, Person};

/// What a version says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The whole text, as it was written.
    Text(String),
    /// The text was encrypted before it reached the server, which never could read it.
    Encrypted,
}

/// A message as it was from one event on.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Version {
    pub deed: Deed,
    pub said: Said,
    /// Files, links and quotations, as clients attached them; `None`: those of the version before.
    pub attachments: Option<Vec<Value>>,
    /// The links in the text, as far as the server looked for them.
    pub links: Vec<String>,
    /// What clients attached besides; `None`: as it was.
    pub custom_fields: Option<Value>,
}

/// What an edit changed, word by word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Of the text; `None` where it or the one before is encrypted.
    pub text: Option<Vec<Piece>>,
    /// Of the description of the first attachment, if anything was changed there: what a message with a file says stands
    /// there.
    pub description: Option<Vec<Piece>>,
}

/// Somebody reacted, or no longer does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Reaction {
    pub deed: Deed,
    /// Colons included.
    pub emoji: String,
    /// `false`: it was taken back.
    pub added: bool,
}

/// What becomes of a message in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was deleted.
    Deleted(Remains),
    /// Its room was deleted, and all messages with it.
    WithRoom,
    /// The account of its author was deleted, and all their messages with it.
    WithAccount,
    /// The account of its author was deleted. The message stays, without their name.
    Unlinked,
}

impl Fate {
    /// The fate that an event is, if it is that of a message with this author.
    pub(super) fn of(event: &Event, author: &UserId) -> Option<Self> {
        match event {
            Event::Message(MessageEvent::MessageDeleted(deleted)) => {
                Some(Self::Deleted(deleted.remains))
            }
            Event::Room(RoomEvent::RoomDeleted(_)) => Some(Self::WithRoom),
            Event::User(UserEvent::UserDeleted(deleted)) if deleted.user == *author => {
                match deleted.messages {
                    MessageErasure::Delete => Some(Self::WithAccount),
                    MessageErasure::Unlink => Some(Self::Unlinked),
                    MessageErasure::Keep => None,
                }
            }
            _ => None,
        }
    }

    /// Whether nobody can read the text any more.
    pub const fn ends(self) -> bool {
        match self {
            Self::Deleted(_) | Self::WithRoom | Self::WithAccount => true,
            Self::Unlinked => false,
        }
    }
}

/// What became of a message, and who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Outcome {
    pub deed: Deed,
    pub fate: Fate,
}

/// What the events of a message tell.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct History {
    pub author: Person,
    /// The message it replies to.
    pub thread: Option<MessageId>,
    /// The reply is shown in the room as well.
    pub shown_in_room: bool,
    /// How it wanted to be shown when it was posted. Without what is encrypted.
    pub presentation: Option<Presentation>,
    /// The original first.
    pub versions: Vec<Version>,
    pub reactions: Vec<Reaction>,
    /// In order: a placeholder may be deleted too.
    pub outcomes: Vec<Outcome>,
}

impl History {
    /// How many events it tells of.
    pub fn events(&self) -> usize {
        self.versions.len() + self.reactions.len() + self.outcomes.len()
    }

    /// What the version at an index changed of the one before it; nothing, of the original. May take some milliseconds.
    pub fn changes(&self, index: usize) -> Changes {
        let before = index.checked_sub(1);
        let pair = before.and_then(|before| Some((before, self.versions.get(before)?)));
        let (Some((before, old)), Some(new)) = (pair, self.versions.get(index)) else {
            return Changes::default();
        };
        let text = match (&old.said, &new.said) {
            (Said::Text(old), Said::Text(new)) => Some(diff::words(old, new)),
            _ => None,
        };
        let attachments = new.attachments.as_deref();
        Changes {
            text,
            description: attachments.and_then(|new| redescribed(self.attachments(before), new)),
        }
    }

    /// The attachments of the version at an index.
    pub(in crate::record) fn attachments(&self, index: usize) -> &[Value] {
        let upto = self.versions.get(..=index).unwrap_or_default();
        let last = upto.iter().rev().find_map(|one| one.attachments.as_deref());
        last.unwrap_or_default()
    }

    /// Tells the history. The events are in the order of the log; what is not about the message is passed over. `None`:
    /// the message was not posted.
    pub(in crate::record) fn fold(
        events: impl IntoIterator<Item = (Envelope, Event)>,
        called: &mut dyn Called,
    ) -> Option<Self> {
        let mut told = None;
        for (envelope, event) in events {
            match (&mut told, &event) {
                (None, Event::Message(MessageEvent::MessagePosted(posted))) => {
                    told = Some(Self::begin(&envelope, posted, called));
                }
                (None, _) => {}
                (Some(told), event) => told.apply(&envelope, event, called),
            }
        }
        told
    }

    fn begin(envelope: &Envelope, posted: &MessagePosted, called: &mut dyn Called) -> Self {
        let shown = posted.presentation.as_deref();
        let encrypted = shown
            .is_some_and(|shown| is_marked_encrypted(shown) || shown.encrypted_content.is_some());
        let deed = envelope.deed(&posted.author, called);
        Self {
            author: deed.by.clone(),
            thread: posted.thread.clone(),
            shown_in_room: posted.shown_in_room,
            presentation: shown.cloned().map(without_encrypted),
            versions: vec![Version {
                deed,
                said: said(&posted.content, encrypted),
                attachments: posted.content.attachments.clone(),
                links: posted.content.urls.clone().unwrap_or_default(),
                custom_fields: shown.and_then(|shown| shown.custom_fields.clone()),
            }],
            reactions: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    fn apply(&mut self, envelope: &Envelope, event: &Event, called: &mut dyn Called) {
        match event {
            Event::Message(MessageEvent::MessageEdited(edited)) => {
                self.edit(envelope, edited, called);
            }
            Event::Message(MessageEvent::ReactionAdded(reaction)) => {
                self.reactions.push(Reaction {
                    deed: envelope.deed(&reaction.user, called),
                    emoji: reaction.emoji.clone(),
                    added: true,
                });
            }
            Event::Message(MessageEvent::ReactionRemoved(reaction)) => {
                self.reactions.push(Reaction {
                    deed: envelope.deed(&reaction.user, called),
                    emoji: reaction.emoji.clone(),
                    added: false,
                });
            }
            event => {
                if let Some(fate) = Fate::of(event, &self.author.id) {
                    let deed = envelope.deed(who_ended(event, &envelope.actor), called);
                    self.outcomes.push(Outcome { deed, fate });
                }
            }
        }
    }

    fn edit(&mut self, envelope: &Envelope, edited: &MessageEdited, called: &mut dyn Called) {
        // That it is encrypted is said when it is posted, and not again.
        let marked = self.presentation.as_ref().is_some_and(is_marked_encrypted);
        let version = Version {
            deed: envelope.deed(&edited.editor, called),
            said: said(&edited.content, marked || edited.hidden.is_some()),
            attachments: edited.content.attachments.clone(),
            links: edited.content.urls.clone().unwrap_or_default(),
            custom_fields: edited.custom_fields.clone(),
        };
        self.versions.push(version);
    }
}

/// The changes of the description of the first attachment, if there are any.
fn redescribed(before: &[Value], after: &[Value]) -> Option<Vec<Piece>> {
    let description = |attachments: &[Value]| Attached::of(attachments.first()?).description;
    let (before, after) = (description(before)?, description(after)?);
    (before != after).then(|| diff::words(&before, &after))
}

/// Who an event that ended the message names; `actor`, if it names nobody.
fn who_ended<'a>(event: &'a Event, actor: &'a UserId) -> &'a UserId {
    match event {
        Event::Message(MessageEvent::MessageDeleted(MessageDeleted { by, .. })) => by,
        Event::Room(RoomEvent::RoomDeleted(deleted)) => &deleted.by,
        _ => actor,
    }
}

/// Whether the whole message, and not only one version of it, is encrypted.
fn is_marked_encrypted(shown: &Presentation) -> bool {
    shown.encrypted.is_some() || shown.e2e.is_some()
}

fn without_encrypted(shown: Presentation) -> Presentation {
    Presentation {
        encrypted_content: None,
        encrypted_mentions: None,
        // They stand in the versions.
        custom_fields: None,
        ..shown
    }
}

fn said(content: &Content, encrypted: bool) -> Said {
    if encrypted {
        Said::Encrypted
    } else {
        Said::Text(content.text.clone())
    }
}

#[cfg(test)]
mod tests;
