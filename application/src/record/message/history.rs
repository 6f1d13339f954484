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
use super::deed::{Called, Deed, Envelope, Person};
use super::diff::{self, Piece};

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
    /// What was changed of the version before; `None` of the original, and where one of the two is encrypted.
    pub changes: Option<Vec<Piece>>,
    /// What was changed of the description of the first attachment, if anything was: what a message with a file says
    /// stands there.
    pub description_changes: Option<Vec<Piece>>,
    /// Files, links and quotations, as clients attached them. An edit that leaves them alone keeps them.
    pub attachments: Vec<Value>,
    /// The links in the text, as far as the server looked for them.
    pub links: Vec<String>,
    /// How it wants to be shown. Without what is encrypted.
    pub presentation: Option<Presentation>,
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

    /// Tells the history. The events are in the order of the log; what is not about the message is passed over. `None`:
    /// the message was not posted.
    pub(super) fn fold(
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
            versions: vec![Version {
                deed,
                said: said(&posted.content, encrypted),
                changes: None,
                description_changes: None,
                attachments: posted.content.attachments.clone().unwrap_or_default(),
                links: posted.content.urls.clone().unwrap_or_default(),
                presentation: shown.cloned().map(without_encrypted),
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
        let Some(before) = self.versions.last() else {
            return;
        };
        // That it is encrypted is said when it is posted, and not again.
        let marked = before
            .presentation
            .as_ref()
            .is_some_and(is_marked_encrypted);
        let said = said(&edited.content, marked || edited.hidden.is_some());
        let changes = match (&before.said, &said) {
            (Said::Text(before), Said::Text(after)) => Some(diff::words(before, after)),
            _ => None,
        };
        let presentation = before.presentation.clone();
        let fields = edited.custom_fields.as_ref();
        let presentation = match (presentation, fields) {
            (None, None) => None,
            (shown, fields) => Some(shown.unwrap_or_default().edited(None, fields)),
        };
        let attachments = edited.content.attachments.clone();
        let attachments = attachments.unwrap_or_else(|| before.attachments.clone());
        let version = Version {
            deed: envelope.deed(&edited.editor, called),
            said,
            changes,
            description_changes: redescribed(&before.attachments, &attachments),
            attachments,
            links: edited.content.urls.clone().unwrap_or_default(),
            presentation,
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
