//! The rules of messages, as given, when, then.

mod deleting;
mod editing;
mod following;
mod pinning;
mod posting;
mod previewing;
mod properties;
mod reacting;
mod starring;

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
            follows: false,
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

/// An event or a wish about the message, by `me` in `room`.
macro_rules! mine_at_one {
    ($name:ident, $event:ident { $who:ident }) => {
        fn $name() -> MessageEvent {
            $event {
                message: id(),
                room: RoomId::new("room"),
                $who: UserId::new("me"),
                at: at(1),
            }
            .into()
        }
    };
    ($name:ident, $command:ident) => {
        fn $name(wanted: bool) -> MessageCommand {
            MessageCommand::$command {
                message: id(),
                wanted,
                at: at(1),
            }
        }
    };
}

mine_at_one!(pinned, MessagePinned { by });
mine_at_one!(unpinned, MessageUnpinned { by });
mine_at_one!(starred, MessageStarred { user });
mine_at_one!(unstarred, MessageUnstarred { user });
mine_at_one!(followed, ThreadFollowed { user });
mine_at_one!(unfollowed, ThreadUnfollowed { user });
mine_at_one!(pin, Pin);
mine_at_one!(star, Star);
mine_at_one!(follow, Follow);

fn about(url: &str) -> Preview {
    Preview {
        url: url.to_owned(),
        meta: serde_json::Map::new(),
        headers: None,
        parsed: None,
    }
}

fn preview(urls: &[&str]) -> MessageCommand {
    MessageCommand::Preview {
        message: id(),
        previews: urls.iter().map(|url| about(url)).collect(),
        at: at(1),
    }
}

fn previewed(urls: &[&str]) -> MessageEvent {
    LinksPreviewed {
        message: id(),
        room: RoomId::new("room"),
        at: at(1),
        previews: urls.iter().map(|url| about(url)).collect(),
    }
    .into()
}

fn linking(urls: &[&str]) -> Content {
    Content {
        urls: Some(urls.iter().map(|url| (*url).to_owned()).collect()),
        ..content("look")
    }
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
