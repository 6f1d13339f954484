//! For tests and benchmarks: a log in memory, and workspaces that never were.

#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_imports
)] // each user needs a part of it

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use domain::avatar::{AvatarEvent, AvatarOwner, AvatarReset, AvatarSet};
use domain::banner::{
    self, BannerDismissalEvent, BannerDismissed, BannerEvent, BannerPublished, BannerWithdrawn,
    Platform,
};
use domain::data_export::*;
use domain::email_inbox::{
    Description, EmailInboxAdded, EmailInboxChanged, EmailInboxEvent, EmailInboxRemoved, MailServer,
};
use domain::login_service::{LoginServiceAdded, LoginServiceEvent, LoginServiceRemoved};
use domain::membership::*;
use domain::message::*;
use domain::room::*;
use domain::session::*;
use domain::setting::SettingChanged;
use domain::user::*;
use domain::{
    Category, Event, EventPayload, MessageId, RoleId, RoomId, Sealed, StoredFile, StreamId,
    Timestamp, TokenHash, UserId,
};
use eventstore::*;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::sync::{broadcast, watch};

/// A log in memory. Can be told to fail reading.
pub struct MemoryLog {
    events: Arc<parking_lot::RwLock<Vec<RecordedEvent>>>,
    tail: broadcast::Sender<Tail>,
    health: watch::Sender<Health>,
    pub broken: AtomicBool,
    chunk: usize,
}

impl MemoryLog {
    pub fn new(chunk: usize) -> Arc<Self> {
        Arc::new(Self {
            events: Arc::default(),
            tail: broadcast::Sender::new(1024),
            health: watch::Sender::new(Health::Ready),
            broken: AtomicBool::new(false),
            chunk,
        })
    }

    /// Records events as they are.
    pub fn record(&self, events: Vec<RecordedEvent>) -> Position {
        let mut log = self.events.write();
        log.extend(events.iter().cloned());
        let _ = self.tail.send(Tail::Committed(events.into()));
        Position::new(log.len() as u64)
    }

    /// Records domain events at a time.
    pub fn say(&self, at: i64, events: impl IntoIterator<Item = Event>) -> Position {
        let next = self.events.read().len() as u64 + 1;
        let events = events
            .into_iter()
            .enumerate()
            .map(|(index, event)| recorded(next + index as u64, at, &event))
            .collect();
        self.record(events)
    }

    pub fn events(&self) -> Vec<RecordedEvent> {
        self.events.read().clone()
    }
}

/// An event as if it had been recorded.
pub fn recorded(position: u64, at: i64, event: &Event) -> RecordedEvent {
    let new = NewEvent::encode(event).unwrap();
    RecordedEvent {
        position: Position::new(position),
        stream: StreamId::new(Category::Claim, "test"),
        version: Version::FIRST,
        id: new.id,
        event_type: new.event_type,
        schema: new.schema,
        recorded_at: Timestamp::from_millis(at),
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
        data: new.data,
        salt: [0; 16],
        leaf: [0; 32],
    }
}

/// An event nobody understands.
pub fn poison(position: u64) -> RecordedEvent {
    let mut event = recorded(position, 0, &read("u", "r", 0));
    event.event_type = "NeverHeardOf".into();
    event.data = Bytes::new();
    event
}

impl EventStore for MemoryLog {
    fn append(&self, _: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async { Err(AppendError::Closed) })
    }

    fn read_stream(&self, _: &StreamId, _: Version) -> Chunks {
        futures::stream::empty().boxed()
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        if self.broken.load(Ordering::Relaxed) {
            return futures::stream::iter([Err(ReadError::Unavailable(
                "broken on purpose".to_owned(),
            ))])
            .boxed();
        }
        let (mut from, end) = (
            usize::try_from(after.get()).unwrap(),
            self.events.read().len(),
        );
        let (events, size) = (Arc::clone(&self.events), self.chunk);
        let chunks = std::iter::from_fn(move || {
            while from < end {
                let until = (from + size).min(end);
                let matching: Arc<[RecordedEvent]> = events.read()[from..until]
                    .iter()
                    .filter(|event| filter.matches(event))
                    .cloned()
                    .collect();
                from = until;
                if !matching.is_empty() {
                    return Some(Ok(matching));
                }
            }
            None
        });
        futures::stream::iter(chunks).boxed()
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async { Ok(Position::new(self.events.read().len() as u64)) })
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.tail.subscribe()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

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
    }
}

pub fn posted(message: MessagePosted) -> Event {
    MessageEvent::from(message).into()
}

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// A workspace in which everything happens now and then, in no particular order of sense.
pub struct Chaos {
    dice: Dice,
    pub users: Vec<String>,
    rooms: Vec<String>,
    direct: BTreeSet<String>,
    messages: Vec<(String, String)>,
    names: usize,
    pub now: i64,
}

const WORDS: &[&str] = &[
    "hello", "views", "log", "event", "replay", "lunch", "deploy", "coffee", "truth", "again",
];

impl Chaos {
    /// The events that begin it.
    pub fn begin(seed: u64, users: usize, rooms: usize) -> (Self, Vec<Event>) {
        Self::begin_with(seed, users, rooms, users * 2 / 3)
    }

    /// The same, with about so many members in a channel.
    pub fn begin_with(seed: u64, users: usize, rooms: usize, members: usize) -> (Self, Vec<Event>) {
        let mut chaos = Self {
            dice: Dice(seed),
            users: (0..users).map(|n| format!("user{n:013}")).collect(),
            rooms: (0..rooms).map(|n| format!("room{n:013}")).collect(),
            direct: BTreeSet::new(),
            messages: Vec::new(),
            names: 0,
            now: 10,
        };
        let mut events: Vec<Event> = chaos.users.iter().map(|id| user(id)).collect();
        for (index, id) in chaos.rooms.clone().iter().enumerate() {
            if index % 4 == 3 {
                let (a, b) = (
                    chaos.users[index % users].clone(),
                    chaos.users[(index + 1) % users].clone(),
                );
                events.push(room(id, RoomKind::Direct, &[&a, &b]));
                events.push(join(&a, id, Joining::DirectCreator, &[], 2));
                events.push(join(&b, id, Joining::DirectOther, &[], 2));
                chaos.direct.insert(id.clone());
            } else {
                events.push(room(id, RoomKind::Channel, &[]));
                events.push(join(&chaos.users[0], id, Joining::Creator, &["owner"], 2));
                for user in chaos
                    .users
                    .clone()
                    .iter()
                    .skip(1)
                    .filter(|_| chaos.dice.roll(users) < members)
                {
                    events.push(join(user, id, Joining::Initial, &[], 2));
                }
            }
        }
        (chaos, events)
    }

    fn text(&mut self) -> String {
        let words = 3 + self.dice.roll(12);
        (0..words)
            .map(|_| *self.dice.pick(WORDS))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Somewhere, by somebody; in a tame workspace mostly in a few busy places, by a few who talk there.
    fn place(&mut self, wild: bool) -> (String, String) {
        if wild {
            return (
                self.dice.pick(&self.rooms).clone(),
                self.dice.pick(&self.users).clone(),
            );
        }
        let busy =
            self.dice.roll(self.rooms.len()) * self.dice.roll(self.rooms.len()) / self.rooms.len();
        let talker = (busy * 7 + self.dice.roll(40)) % self.users.len();
        (self.rooms[busy].clone(), self.users[talker].clone())
    }

    /// A message by anybody anywhere.
    pub fn message(&mut self, wild: bool) -> Event {
        self.names += 1;
        let id = format!("message{:010}", self.names);
        let (room, author) = self.place(wild);
        let text = self.text();
        let mut message = post(&id, &room, &author, &text, self.now);
        if self.dice.roll(10) == 0 {
            message
                .content
                .mentions
                .push(Mention::User(UserId::new(self.dice.pick(&self.users))));
        }
        if self.dice.roll(if wild { 60 } else { 2000 }) == 0 {
            message.content.mentions.push(Mention::All);
        }
        if self.dice.roll(8) == 0 && !self.messages.is_empty() {
            let from = self.messages.len().saturating_sub(50);
            let (parent, room) = self.dice.pick(&self.messages[from..]).clone();
            message.thread = Some(MessageId::new(parent));
            message.room = RoomId::new(&room);
            message.shown_in_room = self.dice.roll(3) == 0;
        } else {
            self.messages.push((id, room));
        }
        posted(message)
    }

    /// What happens next. `wild`: renames, deletions and other rare things as well, and often.
    pub fn next(&mut self, wild: bool) -> Event {
        self.now += 1 + i64::try_from(self.dice.roll(900)).unwrap();
        let at = t(self.now);
        let (room, user) = self.place(wild);
        let (rid, uid) = (RoomId::new(&room), UserId::new(&user));
        let chance = if wild && self.dice.roll(4) == 0 {
            999
        } else {
            self.dice.roll(960)
        };
        if chance < 720 || self.messages.is_empty() {
            return self.message(wild);
        }
        let recent = self
            .messages
            .len()
            .saturating_sub(if wild { 500 } else { 40 });
        let (message, home) = self.dice.pick(&self.messages[recent..]).clone();
        let (message, home) = (MessageId::new(message), RoomId::new(home));
        if chance < 800 {
            return MembershipEvent::from(ReadCursorMoved {
                room: rid,
                user: uid,
                threads: chance % 5 == 0,
                at,
            })
            .into();
        }
        if chance < 880 {
            let emoji = [":+1:", ":smile:", ":tada:"][chance % 3].to_owned();
            return MessageEvent::from(ReactionAdded {
                message,
                room: home,
                user: uid,
                emoji,
                at,
            })
            .into();
        }
        if chance < 910 {
            let emoji = [":+1:", ":smile:", ":tada:"][chance % 3].to_owned();
            return MessageEvent::from(ReactionRemoved {
                message,
                room: home,
                user: uid,
                emoji,
                at,
            })
            .into();
        }
        if chance < 940 {
            let content = Content {
                text: self.text(),
                urls: Some(vec!["https://a.b".to_owned()]),
                ..Content::default()
            };
            return MessageEvent::from(MessageEdited {
                message,
                room: home,
                editor: uid,
                at,
                content,
            })
            .into();
        }
        if chance < 955 {
            let remains = if chance % 2 == 0 {
                Remains::Nothing
            } else {
                Remains::Placeholder
            };
            return MessageEvent::from(MessageDeleted {
                message,
                room: home,
                by: uid,
                at,
                remains,
            })
            .into();
        }
        if chance < 960 {
            return SessionEvent::from(TokenIssued {
                user: uid,
                hash: TokenHash::new(format!("{chance}{user}")),
                granted: false,
                at,
            })
            .into();
        }
        if !wild {
            return self.message(wild);
        }
        match self.dice.roll(16) {
            0 | 1 => leave(&user, &room, self.now),
            2 | 3 => join(&user, &room, Joining::Joined, &[], self.now),
            4 => join(
                &user,
                &room,
                Joining::Added {
                    by: UserId::new(&self.users[0]),
                },
                &["moderator"],
                self.now,
            ),
            5 => MembershipEvent::from(RoomHidden {
                room: rid,
                user: uid,
                at,
            })
            .into(),
            6 => MembershipEvent::from(MarkedUnread {
                room: rid,
                user: uid,
                cursor: at,
                at,
            })
            .into(),
            7 => {
                self.names += 1;
                let username = format!("renamed{}", self.names);
                UserEvent::from(UsernameChanged {
                    user: uid,
                    username,
                    at,
                })
                .into()
            }
            8 => {
                self.names += 1;
                let name = format!("renamed-{}", self.names);
                RoomEvent::from(RoomRenamed {
                    room: rid,
                    display_name: name.clone(),
                    name,
                    by: uid,
                    at,
                })
                .into()
            }
            9 => RoomEvent::from(TopicChanged {
                room: rid,
                text: self.text(),
                by: uid,
                at,
            })
            .into(),
            10 => {
                let role = RoleId::new("owner");
                MembershipEvent::from(RoomRoleGranted {
                    room: rid,
                    user: uid.clone(),
                    role,
                    by: uid,
                    at,
                })
                .into()
            }
            11 => {
                let role = RoleId::new("owner");
                MembershipEvent::from(RoomRoleRevoked {
                    room: rid,
                    user: uid.clone(),
                    role,
                    by: uid,
                    at,
                })
                .into()
            }
            12 if self.dice.roll(2) == 0 => RoomEvent::from(RoomArchived {
                room: rid,
                by: uid,
                at,
            })
            .into(),
            12 => RoomEvent::from(RoomUnarchived {
                room: rid,
                by: uid,
                at,
            })
            .into(),
            13 => {
                let value =
                    ["all_messages", "user_and_group_mentions_only"][self.dice.roll(2)].into();
                domain::setting::SettingEvent::from(SettingChanged {
                    setting: "Unread_Count".to_owned(),
                    value,
                    sealed: None,
                    editor: None,
                    from_environment: false,
                    at,
                })
                .into()
            }
            14 if self.dice.roll(8) == 0 && self.rooms.len() > 4 => {
                self.rooms.retain(|one| *one != room);
                self.messages.retain(|(_, home)| *home != room);
                RoomEvent::from(RoomDeleted {
                    room: rid,
                    by: uid,
                    at,
                })
                .into()
            }
            15 if self.dice.roll(4) == 0 && self.users.len() > 6 => {
                self.users.retain(|one| *one != user);
                let messages = [
                    MessageErasure::Delete,
                    MessageErasure::Unlink,
                    MessageErasure::Keep,
                ][self.dice.roll(3)];
                UserEvent::from(UserDeleted {
                    user: uid,
                    messages,
                    at,
                })
                .into()
            }
            15 if self.dice.roll(4) == 0 => self.picture(uid, rid, at),
            15 if self.dice.roll(3) > 0 => self.account(uid, at),
            _ => {
                let change = ProfileChange {
                    name: Some(self.text()),
                    ..ProfileChange::default()
                };
                UserEvent::from(ProfileChanged {
                    user: uid,
                    change,
                    at,
                })
                .into()
            }
        }
    }
}

impl Chaos {
    /// Somebody or something has another picture, or none.
    fn picture(&mut self, user: UserId, room: RoomId, at: Timestamp) -> Event {
        let owner = if self.dice.roll(2) == 0 {
            AvatarOwner::User(user)
        } else {
            AvatarOwner::Room(room)
        };
        if self.dice.roll(3) == 0 {
            let letters = self.dice.roll(2) == 0;
            return AvatarEvent::from(AvatarReset { owner, letters, at }).into();
        }
        let file = StoredFile {
            id: self.text(),
            sha256: "00".to_owned(),
            content_type: "image/png".to_owned(),
            size: 3,
        };
        AvatarEvent::from(AvatarSet {
            owner,
            origin: "rest".to_owned(),
            file,
            at,
        })
        .into()
    }

    /// Something rare about an account.
    fn account(&mut self, user: UserId, at: Timestamp) -> Event {
        let set = |name: &str, value: serde_json::Value| -> Event {
            UserEvent::from(PreferencesChanged {
                user: user.clone(),
                set: [(name.to_owned(), value)].into_iter().collect(),
                unset: vec!["clockMode".to_owned()],
                at,
            })
            .into()
        };
        match self.dice.roll(8) {
            6 => self.banner(user, at),
            7 => self.inbox(user, at),
            0 => UserEvent::from(UserDeactivated {
                user,
                idle: false,
                at,
            })
            .into(),
            1 => UserEvent::from(UserActivated { user, at }).into(),
            2 => set(
                "desktopNotifications",
                ["all", "default"][self.dice.roll(2)].into(),
            ),
            3 => set("highlights", vec![self.text()].into()),
            4 => DataExportEvent::from(DataExportRequested {
                user,
                export: format!("export{}", self.names),
                full: false,
                at,
            })
            .into(),
            _ => DataExportEvent::from(DataExportCompleted {
                user,
                export: format!("export{}", self.names),
                size: 1,
                sha256: String::new(),
                at,
            })
            .into(),
        }
    }
}

impl Chaos {
    /// Something about one of a few banners.
    fn banner(&mut self, user: UserId, at: Timestamp) -> Event {
        let banner = format!("banner{}", self.dice.roll(3));
        match self.dice.roll(3) {
            0 => BannerEvent::from(BannerPublished {
                banner,
                content: banner::Content {
                    platforms: vec![Platform::Web],
                    start_at: at,
                    expire_at: Timestamp::from_millis(at.as_millis() + 1000),
                    roles: None,
                    view: serde_json::json!({ "blocks": [{ "type": "section", "text": self.text() }] }),
                },
                by: user,
                at,
            })
            .into(),
            1 => BannerEvent::from(BannerWithdrawn {
                banner,
                by: user,
                at,
            })
            .into(),
            _ => BannerDismissalEvent::from(BannerDismissed { banner, user, at }).into(),
        }
    }

    /// Something about one of a few inboxes, or about a login service.
    fn inbox(&mut self, user: UserId, at: Timestamp) -> Event {
        let inbox = format!("inbox{}", self.dice.roll(3));
        let server = MailServer {
            server: "mail.example.org".to_owned(),
            port: 25,
            username: String::new(),
            password: Sealed::new("sealed"),
            secure: false,
        };
        let description = Description {
            active: true,
            name: self.text(),
            email: format!("{inbox}@example.org"),
            description: String::new(),
            sender_info: String::new(),
            department: String::new(),
            smtp: server.clone(),
            imap: server,
            imap_retries: None,
        };
        let service = "Keycloak".to_owned();
        match self.dice.roll(5) {
            0 => EmailInboxEvent::from(EmailInboxAdded {
                inbox,
                description,
                by: user,
                at,
            })
            .into(),
            1 => EmailInboxEvent::from(EmailInboxChanged {
                inbox,
                description,
                by: user,
                at,
            })
            .into(),
            2 => EmailInboxEvent::from(EmailInboxRemoved {
                inbox,
                by: user,
                at,
            })
            .into(),
            3 => LoginServiceEvent::from(LoginServiceAdded { service, at }).into(),
            _ => LoginServiceEvent::from(LoginServiceRemoved { service, at }).into(),
        }
    }
}

/// The names of all events there are, to see that a workspace had most of them.
pub fn types(events: &[RecordedEvent]) -> BTreeSet<String> {
    let known: BTreeSet<&str> = Event::types().into_iter().map(|(name, _)| name).collect();
    events
        .iter()
        .map(|event| event.event_type.to_string())
        .filter(|name| known.contains(name.as_str()))
        .collect()
}
