//! The rules of rooms, as given, when, then.

mod changing;
mod discussions;
mod making;
mod properties;
mod settings;
mod teams;

use super::*;
use crate::permission::Permission;
use crate::testing::{Given, Stage, given};

const AT: Timestamp = Timestamp::from_millis(1);

impl Stage {
    fn context(&self) -> RoomContext<'_> {
        RoomContext::User {
            authority: self.authority(),
            settings: &self.settings,
        }
    }
}

fn id() -> RoomId {
    RoomId::new("room")
}

fn me() -> UserId {
    UserId::new("me")
}

fn owner() -> Stage {
    Stage::default().with_room_roles(&["owner"])
}

fn created(kind: RoomKind) -> RoomCreated {
    RoomCreated {
        room: id(),
        kind,
        name: Some("dev".to_owned()),
        display_name: Some("dev".to_owned()),
        creator: Some(me()),
        participants: vec![],
        at: AT,
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: false,
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    }
}

fn direct(participants: &[&str]) -> RoomCreated {
    RoomCreated {
        name: None,
        display_name: None,
        creator: None,
        participants: participants.iter().map(UserId::new).collect(),
        ..created(RoomKind::Direct)
    }
}

fn create(wish: RoomCreated) -> RoomCommand {
    RoomCommand::Create(Box::new(wish))
}

fn change(change: RoomChange) -> RoomCommand {
    changes([change])
}

fn changes(changes: impl IntoIterator<Item = RoomChange>) -> RoomCommand {
    RoomCommand::Change {
        room: id(),
        changes: changes.into_iter().collect(),
        at: AT,
    }
}

fn rename(name: &str) -> RoomCommand {
    change(RoomChange::Name(name.to_owned()))
}

fn renamed(name: &str, display_name: &str) -> RoomEvent {
    let (name, display_name) = (name.to_owned(), display_name.to_owned());
    RoomRenamed {
        room: id(),
        name,
        display_name,
        by: me(),
        at: AT,
    }
    .into()
}

fn set_topic(text: &str) -> RoomCommand {
    change(RoomChange::Topic(text.to_owned()))
}

fn nothing() -> Given<Room> {
    given::<Room>([])
}

fn channel() -> Given<Room> {
    given::<Room>([created(RoomKind::Channel).into()])
}

fn a_direct_message() -> Given<Room> {
    given::<Room>([direct(&["me", "you"]).into()])
}

fn every_change() -> Vec<RoomCommand> {
    let (room, at) = (id(), AT);
    vec![
        rename("new"),
        set_topic("text"),
        RoomCommand::Archive {
            room: room.clone(),
            at,
        },
        RoomCommand::Unarchive {
            room: room.clone(),
            at,
        },
        RoomCommand::Delete { room, at },
    ]
}
