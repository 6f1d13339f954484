//! What past events mean to clients that come back. They are told what happened, as it is now: what was deleted comes
//! as deleted, and a text that was edited or replaced comes as it stands.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::MembershipEvent;
use domain::message::{MessageEvent, ReactionRemoved, Remains};
use domain::permission::PermissionTable;
use domain::permissions::PermissionEvent;
use domain::role::{RoleDeleted, RoleEvent, RoleTable};
use domain::room::{RoomEvent, RoomKind};
use domain::setting::SettingEvent;
use domain::settings::Settings;
use domain::user::{Email, UserEvent};
use domain::webdav::{WebdavAccountRemoved, WebdavEvent};
use domain::{Event, MessageId, RoleId, RoomId, Timestamp, UserId, markdown};
use eventstore::Position;
use rusqlite::{Connection, Row, params};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::message::{gone, of_message, tell_parent};
use super::names::FileNames;
use super::{Added, Maker, updates_of};
use crate::engine::applied::Applied;
use crate::engine::hub::update::LiveUpdate;
use crate::json;
use crate::names::{DiscussionNow, Names, RoomName, UserName, UserRef, markdown_of, role_name};
use crate::numbers::number;

/// What of a message an edit tells.
const EDITED: [&str; 14] = [
    "_id",
    "rid",
    "msg",
    "md",
    "_updatedAt",
    "urls",
    "mentions",
    "channels",
    "attachments",
    "customFields",
    "content",
    "e2eMentions",
    "editedAt",
    "editedBy",
];

/// What holds in the whole workspace now.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) settings: Arc<Settings>,
    pub(crate) permissions: Arc<PermissionTable>,
    pub(crate) roles: Arc<RoleTable>,
}

/// A message that exists.
#[derive(Clone)]
enum Now {
    /// With its content.
    Said(Bytes),
    /// As a place that says there was one.
    Place,
}

/// What is written about a room.
#[derive(Default, Deserialize)]
struct Texts {
    topic: Option<String>,
    description: Option<String>,
    announcement: Option<String>,
}

/// The keys of a room that a member has.
#[derive(Default, Deserialize)]
struct Keys {
    #[serde(rename = "E2EKey")]
    own: Option<String>,
    #[serde(rename = "E2ESuggestedKey")]
    suggested: Option<String>,
}

/// What an account says of itself.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Account {
    username: String,
    name: String,
    bio: String,
    nickname: String,
    status_text: String,
    custom_fields: Value,
    emails: Vec<Email>,
    record_fields: Map<String, Value>,
    settings: Chosen,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chosen {
    preferences: Map<String, Value>,
}

/// What the views have now of everything that some events are about: queried at once, not event by event.
pub(crate) struct Present<'a> {
    /// The user who comes back.
    subscriber: &'a UserId,
    workspace: &'a Workspace,
    names: FileNames<'a>,
    /// Messages, by the event that made them.
    made: HashMap<Position, Now>,
    /// Messages that were changed or reacted to.
    changed: HashMap<MessageId, (RoomId, Now)>,
    rooms: HashMap<RoomId, Texts>,
    places: HashMap<RoomId, Keys>,
    /// Rooms that are gone, and that the subscriber was in to the end.
    ended: HashSet<RoomId>,
    account: Account,
    /// The subscriber's WebDAV accounts.
    webdav: HashSet<String>,
}

impl<'a> Present<'a> {
    /// What the views have of what `events` are about, which follow one another in the log.
    pub(crate) fn of(
        conn: &'a Connection,
        subscriber: &'a UserId,
        workspace: &'a Workspace,
        events: &[Applied],
    ) -> rusqlite::Result<Self> {
        let (mut messages, mut rooms, mut places) = (Vec::new(), Vec::new(), Vec::new());
        let (mut webdav, mut own) = (Vec::new(), Vec::new());
        for applied in events {
            match &applied.event {
                Event::Message(event) => match subject(event) {
                    (_, _, Happened::Deleted | Happened::Posted | Happened::Starred) => {}
                    (message, _, Happened::Changed) => messages.push(message.as_str()),
                },
                Event::Room(RoomEvent::TopicChanged(e)) => rooms.push(e.room.as_str()),
                Event::Room(RoomEvent::DescriptionChanged(e)) => rooms.push(e.room.as_str()),
                Event::Room(RoomEvent::AnnouncementChanged(e)) => rooms.push(e.room.as_str()),
                Event::Membership(event) => places.extend(told_alone(event, subscriber)),
                Event::Webdav(WebdavEvent::WebdavAccountAdded(e)) => webdav.push(&*e.account),
                Event::User(_) => own = vec![subscriber.as_str()],
                _ => {}
            }
        }
        let ask = Asking { conn, subscriber };
        Ok(Self {
            subscriber,
            workspace,
            names: FileNames::new(conn, markdown_of(&workspace.settings)),
            made: match (events.first(), events.last()) {
                (Some(first), Some(last)) => ask.made(first.position, last.position)?,
                _ => HashMap::new(),
            },
            changed: ask.changed(&messages)?,
            rooms: ask.documents("SELECT id, doc FROM rooms WHERE id", &rooms, RoomId::new)?,
            places: ask.documents(
                "SELECT room, doc FROM memberships WHERE user = ?2 AND room",
                &places,
                RoomId::new,
            )?,
            ended: ask.ids(
                "SELECT place.room FROM tombstones AS place JOIN tombstones AS room
                    ON room.kind = 'room' AND room.id = place.room AND room.position = place.position
                 WHERE place.kind = 'membership' AND place.user = ?2 AND place.room",
                &places,
                RoomId::new,
            )?,
            account: ask
                .documents("SELECT id, doc FROM users WHERE id", &own, UserId::new)?
                .remove(subscriber)
                .unwrap_or_default(),
            webdav: ask.ids(
                "SELECT id FROM webdav_accounts WHERE user = ?2 AND id",
                &webdav,
                std::convert::identity,
            )?,
        })
    }

    pub(crate) fn updates_of(
        &mut self,
        mut applied: Applied,
        out: &mut Vec<LiveUpdate>,
    ) -> rusqlite::Result<()> {
        if let Event::Message(event) = &applied.event {
            let mut maker = Maker {
                applied: &applied,
                out,
            };
            return self.message(&mut maker, event);
        }
        if let Event::Membership(event) = &applied.event
            && let Some((room, kind)) = self.key_taken(event)
        {
            let mut maker = Maker {
                applied: &applied,
                out,
            };
            let data = json!({ "rid": room });
            return maker
                .user(self.subscriber, Some(room), kind, &data)
                .map(drop);
        }
        self.put_right(&mut applied.event)?;
        let added = match self.made.remove(&applied.position) {
            Some(Now::Said(doc)) => Added::Made(doc),
            Some(Now::Place) => Added::Gone(Remains::Placeholder),
            None => Added::Gone(Remains::Nothing),
        };
        updates_of(&applied, added, self, out)
    }

    /// A message is told as it is. One that no longer exists, or only as a place, comes as deleted.
    fn message(&mut self, maker: &mut Maker<'_>, event: &MessageEvent) -> rusqlite::Result<()> {
        let (message, room, happened) = subject(event);
        let now = match happened {
            Happened::Posted => self.made.remove(&maker.applied.position),
            // A star is only told to whose it is, with nothing of what the message says.
            Happened::Deleted | Happened::Starred => return of_message(maker, event, None, self),
            Happened::Changed => self
                .changed
                .get(message)
                .filter(|(there, _)| there == room)
                .map(|(_, now)| now.clone()),
        };
        let remains = match now {
            Some(Now::Said(doc)) => return self.said(maker, event, doc),
            Some(Now::Place) => Remains::Placeholder,
            None => Remains::Nothing,
        };
        if matches!(happened, Happened::Posted) {
            tell_parent(maker, room, self)?;
        }
        gone(maker, message, room, remains)
    }

    /// What happened to a message that is still there.
    fn said(
        &mut self,
        maker: &mut Maker<'_>,
        event: &MessageEvent,
        doc: Bytes,
    ) -> rusqlite::Result<()> {
        match event {
            MessageEvent::MessageEdited(edited) => {
                let mut doc: Map<String, Value> = json::decode(&doc)?;
                doc.retain(|field, _| EDITED.contains(&field.as_str()));
                maker.room(&edited.room, "message-edited", &doc).map(drop)
            }
            MessageEvent::ReactionAdded(e) => {
                let doc: Value = json::decode(&doc)?;
                let username = UserRef::short(self, &e.user)?.username;
                let names = doc["reactions"][&e.emoji]["usernames"].as_array();
                if names.is_some_and(|names| names.iter().any(|name| *name == *username)) {
                    return of_message(maker, event, None, self);
                }
                let taken = ReactionRemoved {
                    message: e.message.clone(),
                    room: e.room.clone(),
                    user: e.user.clone(),
                    emoji: e.emoji.clone(),
                    at: e.at,
                };
                of_message(maker, &taken.into(), None, self)
            }
            // As it stands: a link may be gone.
            MessageEvent::LinksPreviewed(e) => {
                let doc: Value = json::decode(&doc)?;
                let data = json!({ "_id": e.message, "urls": doc["urls"] });
                maker.room(&e.room, "links-previewed", &data).map(drop)
            }
            // With the message by which the room tells of it, unless that was deleted.
            MessageEvent::MessagePinned(_) => {
                let told = match self.made.remove(&maker.applied.position) {
                    Some(Now::Said(told)) => Some(told),
                    Some(Now::Place) | None => None,
                };
                of_message(maker, event, told, self)
            }
            _ => of_message(maker, event, Some(doc), self),
        }
    }

    /// A room key that the subscriber no longer has, and the kind of the update that told it.
    fn key_taken<'e>(&self, event: &'e MembershipEvent) -> Option<(&'e RoomId, &'static str)> {
        let (room, kind) = match event {
            MembershipEvent::RoomKeyReceived(e) if e.user == *self.subscriber => {
                (&e.room, "room-key")
            }
            MembershipEvent::RoomKeySuggested(e) if e.user == *self.subscriber => {
                (&e.room, "room-key-suggested")
            }
            _ => return None,
        };
        let keys = self.places.get(room);
        let key = keys.and_then(|keys| match event {
            MembershipEvent::RoomKeyReceived(_) => keys.own.as_ref(),
            _ => keys.suggested.as_ref().or(keys.own.as_ref()),
        });
        key.is_none().then_some((room, kind))
    }

    /// Updates the event to what holds now.
    fn put_right(&mut self, event: &mut Event) -> rusqlite::Result<()> {
        match event {
            Event::Room(event) => return self.put_room_right(event),
            Event::User(event) => self.put_account_right(event),
            Event::Membership(MembershipEvent::RoomKeyReceived(e)) => {
                if let Some(key) = self.places.get(&e.room).and_then(|keys| keys.own.as_ref()) {
                    e.key.clone_from(key);
                }
            }
            Event::Membership(MembershipEvent::RoomKeySuggested(e)) => {
                let keys = self.places.get(&e.room);
                if let Some(key) =
                    keys.and_then(|keys| keys.suggested.as_ref().or(keys.own.as_ref()))
                {
                    e.key.clone_from(key);
                }
            }
            Event::Webdav(webdav) => {
                if let WebdavEvent::WebdavAccountAdded(e) = &*webdav
                    && !self.webdav.contains(&e.account)
                {
                    *webdav = WebdavAccountRemoved {
                        account: e.account.clone(),
                        user: e.user.clone(),
                        at: e.at,
                    }
                    .into();
                }
            }
            Event::Role(event) => self.put_role_right(event),
            Event::Permission(PermissionEvent::PermissionRolesChanged(e)) => {
                e.roles = self.workspace.permissions.named(&e.permission).to_vec();
            }
            Event::Setting(SettingEvent::SettingChanged(e)) => {
                e.value = self.workspace.settings.get(&e.setting).clone();
            }
            _ => {}
        }
        Ok(())
    }

    fn put_room_right(&mut self, event: &mut RoomEvent) -> rusqlite::Result<()> {
        let texts =
            |rooms: &HashMap<RoomId, Texts>, room: &RoomId, text: fn(&Texts) -> &Option<String>| {
                rooms
                    .get(room)
                    .and_then(|texts| text(texts).clone())
                    .unwrap_or_default()
            };
        match event {
            RoomEvent::RoomCreated(e) => {
                if let Some(called) = self.names.room(&e.room)? {
                    e.name = called.name.map(CompactString::into_string);
                    e.display_name = called.display.map(CompactString::into_string);
                }
            }
            RoomEvent::RoomRenamed(e) => {
                if let Some(called) = self.names.room(&e.room)? {
                    e.name = called.name.unwrap_or_default().into_string();
                    e.display_name = called.display.unwrap_or_default().into_string();
                }
            }
            RoomEvent::TopicChanged(e) => {
                e.text = texts(&self.rooms, &e.room, |texts| &texts.topic);
            }
            RoomEvent::DescriptionChanged(e) => {
                e.text = texts(&self.rooms, &e.room, |texts| &texts.description);
            }
            RoomEvent::AnnouncementChanged(e) => {
                e.text = texts(&self.rooms, &e.room, |texts| &texts.announcement);
            }
            _ => {}
        }
        Ok(())
    }

    /// What the subscriber is told of their own account; updates about others do not come here.
    fn put_account_right(&self, event: &mut UserEvent) {
        let now = &self.account;
        match event {
            UserEvent::ProfileChanged(e) => {
                let change = &mut e.change;
                for (told, now) in [
                    (&mut change.name, &now.name),
                    (&mut change.bio, &now.bio),
                    (&mut change.nickname, &now.nickname),
                    (&mut change.status_text, &now.status_text),
                ] {
                    if let Some(told) = told {
                        told.clone_from(now);
                    }
                }
                if let Some(fields) = &mut change.custom_fields {
                    fields.clone_from(&now.custom_fields);
                }
            }
            UserEvent::UsernameChanged(e) => e.username.clone_from(&now.username),
            UserEvent::EmailChanged(e) => e.emails.clone_from(&now.emails),
            UserEvent::RecordFieldsWritten(e) => e.fields.retain(|written| {
                let holds = |value: &Value| *value == *written.value;
                match now.record_fields.get(&written.field) {
                    Some(Value::Array(values)) => values.iter().any(holds),
                    Some(value) => holds(value),
                    None => false,
                }
            }),
            UserEvent::PreferencesChanged(e) => {
                for (name, _) in std::mem::take(&mut e.set) {
                    match now.settings.preferences.get(&name) {
                        Some(value) => drop(e.set.insert(name, value.clone())),
                        None => e.unset.push(name),
                    }
                }
            }
            _ => {}
        }
    }

    fn put_role_right(&self, event: &mut RoleEvent) {
        let (role, properties, at) = match event {
            RoleEvent::RoleCreated(e) => (&e.role, &mut e.properties, e.at),
            RoleEvent::RoleChanged(e) => (&e.role, &mut e.properties, e.at),
            RoleEvent::RoleDeleted(_) | RoleEvent::RoleGiven(_) => return,
        };
        if let Some(now) = self.workspace.roles.get(role) {
            properties.clone_from(&now.properties);
        } else {
            let role = role.clone();
            *event = RoleDeleted { role, at }.into();
        }
    }
}

impl Names for Present<'_> {
    fn user(&mut self, user: &UserId) -> rusqlite::Result<Option<UserName>> {
        self.names.user(user)
    }

    /// Only for rooms that the subscriber may know.
    fn room(&mut self, room: &RoomId) -> rusqlite::Result<Option<RoomName>> {
        let called = self.names.room(room)?;
        let known = self.places.contains_key(room) || self.ended.contains(room);
        Ok(called.map(|called| match called.kind {
            RoomKind::Group | RoomKind::Direct if !known => RoomName {
                name: None,
                display: None,
                ..called
            },
            _ => called,
        }))
    }

    fn discussion(&mut self, room: &RoomId) -> rusqlite::Result<Option<DiscussionNow>> {
        self.names.discussion(room)
    }

    fn send_time(&mut self, position: Position) -> rusqlite::Result<Option<Timestamp>> {
        self.names.send_time(position)
    }

    fn role(&self, role: &RoleId) -> CompactString {
        role_name(&self.workspace.roles, role)
    }

    fn markdown(&self) -> markdown::Options {
        self.names.markdown()
    }

    fn read_by_all(
        &mut self,
        room: &RoomId,
        position: Position,
    ) -> rusqlite::Result<Option<Timestamp>> {
        self.names.read_by_all(room, position)
    }
}

#[derive(Clone, Copy)]
enum Happened {
    Posted,
    Changed,
    Starred,
    Deleted,
}

/// The message an event is about, and its room.
fn subject(event: &MessageEvent) -> (&MessageId, &RoomId, Happened) {
    match event {
        MessageEvent::MessagePosted(e) => (&e.message, &e.room, Happened::Posted),
        MessageEvent::MessageEdited(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::MessageDeleted(e) => (&e.message, &e.room, Happened::Deleted),
        MessageEvent::ReactionAdded(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::ReactionRemoved(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::MessagePinned(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::MessageUnpinned(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::MessageStarred(e) => (&e.message, &e.room, Happened::Starred),
        MessageEvent::MessageUnstarred(e) => (&e.message, &e.room, Happened::Starred),
        MessageEvent::ThreadFollowed(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::ThreadUnfollowed(e) => (&e.message, &e.room, Happened::Changed),
        MessageEvent::LinksPreviewed(e) => (&e.message, &e.room, Happened::Changed),
    }
}

/// The room of an update that only the subscriber gets, if it names the room or hands out its key.
fn told_alone<'e>(event: &'e MembershipEvent, subscriber: &UserId) -> Option<&'e str> {
    let (room, user) = match event {
        MembershipEvent::MemberJoined(e) => (&e.room, &e.user),
        MembershipEvent::RoomKeyReceived(e) => (&e.room, &e.user),
        MembershipEvent::RoomKeySuggested(e) => (&e.room, &e.user),
        _ => return None,
    };
    (user == subscriber).then_some(room.as_str())
}

/// Queries the views, each table once.
struct Asking<'a> {
    conn: &'a Connection,
    subscriber: &'a UserId,
}

impl Asking<'_> {
    /// The messages that events of a stretch of the log made.
    fn made(&self, first: Position, last: Position) -> rusqlite::Result<HashMap<Position, Now>> {
        self.conn
            .prepare_cached("SELECT seq, kind, doc FROM messages WHERE seq BETWEEN ?1 AND ?2")?
            .query_map([number(first), number(last)], |row| {
                let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
                Ok((Position::new(seq), now(row, 1)?))
            })?
            .collect()
    }

    /// The newest message of each id.
    fn changed(&self, ids: &[&str]) -> rusqlite::Result<HashMap<MessageId, (RoomId, Now)>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.conn
            .prepare_cached(
                "SELECT id, room, kind, doc FROM messages
                 WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY seq",
            )?
            .query_map([json!(ids).to_string()], |row| {
                let id = MessageId::new(row.get_ref(0)?.as_str()?);
                let room = RoomId::new(row.get_ref(1)?.as_str()?);
                Ok((id, (room, now(row, 2)?)))
            })?
            .collect()
    }

    /// Documents by id; `sql` ends before the condition that the id is among `ids`.
    fn documents<K: Eq + Hash, T: DeserializeOwned>(
        &self,
        sql: &str,
        ids: &[&str],
        key: fn(String) -> K,
    ) -> rusqlite::Result<HashMap<K, T>> {
        self.among(sql, ids, |row| {
            let id = key(row.get(0)?);
            Ok((id, json::decode(row.get_ref(1)?.as_bytes()?)?))
        })
    }

    /// Ids; `sql` as for [`Self::documents`].
    fn ids<K: Eq + Hash>(
        &self,
        sql: &str,
        ids: &[&str],
        key: fn(String) -> K,
    ) -> rusqlite::Result<HashSet<K>> {
        self.among(sql, ids, |row| Ok(key(row.get(0)?)))
    }

    fn among<T, C: Default + FromIterator<T>>(
        &self,
        sql: &str,
        ids: &[&str],
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<C> {
        if ids.is_empty() {
            return Ok(C::default());
        }
        let sql = format!("{sql} IN (SELECT value FROM json_each(?1)) AND ?2 IS NOT NULL");
        self.conn
            .prepare_cached(&sql)?
            .query_map(
                params![json!(ids).to_string(), self.subscriber.as_str()],
                read,
            )?
            .collect()
    }
}

/// A message out of a row: its kind, and its document.
fn now(row: &Row<'_>, kind: usize) -> rusqlite::Result<Now> {
    if row.get_ref(kind)?.as_str_or_null()? == Some("rm") {
        return Ok(Now::Place);
    }
    Ok(Now::Said(json::column(row, kind + 1)?))
}
