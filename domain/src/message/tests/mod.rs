//! The rules of messages, as given, when, then.

mod deleting;
mod editing;
mod posting;
mod properties;
mod reacting;

use serde_json::{Value, json};

use super::*;
use crate::UserId;
use crate::permission::Permission;
use crate::room::RoomKind;
use crate::testing::{Given, Stage, given};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn id() -> MessageId {
    MessageId::new("message")
}

impl Stage {
    fn message(&self) -> MessageContext<'_> {
        MessageContext {
            authority: self.authority(),
            room: &self.room,
            beyond: crate::membership::access::Beyond::Nothing,
            membership: self.membership.as_ref(),
            settings: &self.settings,
            system_message: None,
            has_replies: false,
            parent: None,
            emoji_known: true,
        }
    }

    fn replying_to<'a>(&'a self, parent: &'a Parent) -> MessageContext<'a> {
        MessageContext {
            parent: Some(parent),
            ..self.message()
        }
    }

    fn system_message(&self) -> MessageContext<'_> {
        MessageContext {
            system_message: Some(at(0)),
            ..self.message()
        }
    }
}

fn content(text: &str) -> Content {
    Content {
        text: text.to_owned(),
        ..Content::default()
    }
}

fn posted_by(author: &str, content: Content) -> MessagePosted {
    MessagePosted {
        message: id(),
        room: RoomId::new("room"),
        author: UserId::new(author),
        at: at(0),
        content,
        presentation: None,
        thread: None,
        shown_in_room: false,
        seen: None,
    }
}

fn posted(text: &str) -> MessagePosted {
    posted_by("me", content(text))
}

fn post(posted: MessagePosted) -> MessageCommand {
    MessageCommand::Post {
        posted: Box::new(posted),
        checks: PostChecks::Full,
    }
}

fn post_leniently(posted: MessagePosted) -> MessageCommand {
    MessageCommand::Post {
        posted: Box::new(posted),
        checks: PostChecks::Lenient,
    }
}

fn hidden() -> Hidden {
    Hidden {
        content: json!({ "ciphertext": "x" }),
        mentions: None,
    }
}

fn saying(text: &str) -> Revision {
    Revision {
        content: content(text),
        ..Revision::default()
    }
}

fn edit(text: &str) -> MessageCommand {
    MessageCommand::Edit {
        message: id(),
        revision: saying(text),
        at: at(1),
    }
}

fn edited(content: Content) -> MessageEvent {
    let (room, editor) = (RoomId::new("room"), UserId::new("me"));
    MessageEdited {
        message: id(),
        room,
        editor,
        at: at(1),
        content,
        hidden: None,
        custom_fields: None,
    }
    .into()
}

fn delete() -> MessageCommand {
    MessageCommand::Delete {
        message: id(),
        at: at(1),
    }
}

fn deleted(remains: Remains) -> MessageEvent {
    MessageDeleted {
        message: id(),
        room: RoomId::new("room"),
        by: UserId::new("me"),
        at: at(1),
        remains,
    }
    .into()
}

fn prune() -> MessageCommand {
    MessageCommand::Prune {
        message: id(),
        at: at(1),
    }
}

fn react(emoji: &str, wanted: Option<bool>) -> MessageCommand {
    MessageCommand::React {
        message: id(),
        emoji: emoji.to_owned(),
        wanted,
        at: at(1),
    }
}

fn reaction_added() -> MessageEvent {
    let (room, user) = (RoomId::new("room"), UserId::new("me"));
    ReactionAdded {
        message: id(),
        room,
        user,
        emoji: ":smile:".to_owned(),
        at: at(1),
    }
    .into()
}

fn reaction_removed() -> MessageEvent {
    let (room, user) = (RoomId::new("room"), UserId::new("me"));
    ReactionRemoved {
        message: id(),
        room,
        user,
        emoji: ":smile:".to_owned(),
        at: at(1),
    }
    .into()
}

fn nothing() -> Given<Message> {
    given::<Message>([])
}

fn mine() -> Given<Message> {
    given::<Message>([posted("hello").into()])
}

fn theirs() -> Given<Message> {
    given::<Message>([posted_by("them", content("hello")).into()])
}

fn gone() -> Given<Message> {
    given::<Message>([posted("hello").into(), deleted(Remains::Nothing)])
}
