//! The events most tests are made of, with nothing in them but what is asked for.

use domain::membership::*;
use domain::message::*;
use domain::room::*;
use domain::user::*;
use domain::{Event, MessageId, RoleId, RoomId, Timestamp, UserId};

pub fn t(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub fn user(id: &str) -> Event {
    UserEvent::from(UserCreated {
        user: UserId::new(id),
        kind: UserKind::User,
        username: format!("{id}.name"),
        name: Some(format!("{} Name", id.to_uppercase())),
        emails: vec![Email {
            address: format!("{id}@Example.com"),
            verified: true,
        }],
        password: Some(PasswordHash(format!("hash of {id}"))),
        roles: vec![RoleId::new("user")],
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: None,
        nickname: None,
        at: t(0),
    })
    .into()
}

pub fn room(id: &str, kind: RoomKind, participants: &[&str]) -> Event {
    let direct = kind == RoomKind::Direct;
    RoomEvent::from(RoomCreated {
        room: RoomId::new(id),
        kind,
        name: (!direct).then(|| format!("{id}-name")),
        display_name: (!direct).then(|| format!("{id} Name")),
        creator: None,
        participants: participants.iter().copied().map(UserId::new).collect(),
        at: t(1),
        read_only: false,
        broadcast: false,
        default: false,
        encrypted: false,
        topic: None,
        description: None,
        announcement: None,
        custom_fields: None,
        discussion: None,
    })
    .into()
}

pub fn join(user: &str, room: &str, joining: Joining, roles: &[&str], at: i64) -> Event {
    MembershipEvent::from(MemberJoined {
        room: RoomId::new(room),
        user: UserId::new(user),
        joining,
        roles: roles.iter().copied().map(RoleId::new).collect(),
        at: t(at),
    })
    .into()
}

pub fn leave(user: &str, room: &str, at: i64) -> Event {
    MembershipEvent::from(MemberLeft {
        room: RoomId::new(room),
        user: UserId::new(user),
        at: t(at),
    })
    .into()
}

pub fn read(user: &str, room: &str, at: i64) -> Event {
    MembershipEvent::from(ReadCursorMoved {
        room: RoomId::new(room),
        user: UserId::new(user),
        threads: false,
        cursor: None,
        at: t(at),
    })
    .into()
}

pub fn post(id: &str, room: &str, author: &str, text: &str, at: i64) -> MessagePosted {
    MessagePosted {
        message: MessageId::new(id),
        room: RoomId::new(room),
        author: UserId::new(author),
        at: t(at),
        content: Content {
            text: text.to_owned(),
            urls: Some(Vec::new()),
            ..Content::default()
        },
        presentation: None,
        thread: None,
        shown_in_room: false,
        seen: None,
    }
}

pub fn posted(message: MessagePosted) -> Event {
    MessageEvent::from(message).into()
}
