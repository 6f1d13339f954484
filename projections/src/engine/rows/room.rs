//! A room's wire document, and the row it lies in.

mod brief;
pub(crate) mod latest;
pub(crate) mod tail;

use std::collections::VecDeque;

use brief::brief;
use bytes::Bytes;
use compact_str::CompactString;
use domain::room::{Retention, RoomKind};
use domain::{MessageId, RoomId, Sealed, TeamId, Timestamp, UserId};
use latest::Latest;
use rusqlite::{Connection, OptionalExtension, Statement, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tail::Tail;

use crate::engine::rows::Row;
use crate::iso::Date;
use crate::json;
use crate::names::{DiscussionNow, Names, RoomName, UserRef, kind_of};

/// The wire document (contract, rooms 1.3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoomDoc {
    #[serde(rename = "_id")]
    pub(crate) id: RoomId,
    #[serde(rename = "t")]
    pub(crate) kind: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
    #[serde(rename = "fname", default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<CompactString>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) creator: Option<UserRef>,
    #[serde(rename = "ts")]
    pub(crate) created_at: Date,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    pub(crate) msgs: i64,
    #[serde(rename = "usersCount")]
    pub(crate) members: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lm: Option<Date>,
    #[serde(rename = "ro")]
    pub(crate) read_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) react_when_read_only: Option<bool>,
    /// Kinds of system messages that are left out.
    #[serde(rename = "sysMes", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) hidden_system_messages: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broadcast: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted: Option<bool>,
    #[serde(rename = "e2eKeyId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) announcement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) announcement_details: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) join_code_required: Option<bool>,
    /// User names of those who may not post.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) muted: Vec<CompactString>,
    /// User names of those who may post although the room is read-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unmuted: Vec<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<RetentionDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) streaming_options: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived: Option<bool>,
    /// The room it is a discussion of.
    #[serde(rename = "prid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<RoomId>,
    #[serde(rename = "teamId", default, skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) team_main: Option<bool>,
    #[serde(
        rename = "avatarETag",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) avatar_etag: Option<CompactString>,
    #[serde(rename = "uids", default, skip_serializing_if = "Option::is_none")]
    pub(crate) participants: Option<Vec<UserId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usernames: Option<Vec<CompactString>>,
    /// Read only: it is written by splicing in the message's own bytes.
    #[serde(rename = "lastMessage", default, skip_serializing)]
    pub(crate) last: Option<Box<RawValue>>,
    #[serde(skip)]
    pub(crate) rest: Rest,
}

/// What is told of one room, and not where a client asks for all of its rooms (contract, rooms 1.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) featured: Option<bool>,
    #[serde(rename = "favorite", default, skip_serializing_if = "Option::is_none")]
    pub(crate) favourite: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) avatar_origin: Option<CompactString>,
    /// Whoever joins its team joins it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) team_default: Option<bool>,
}

/// How long messages are kept, on the wire (contract, rooms 1.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetentionDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exclude_pinned: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files_only: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore_threads: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    override_global: Option<bool>,
}

impl From<&Retention> for RetentionDoc {
    fn from(retention: &Retention) -> Self {
        Self {
            enabled: retention.enabled,
            max_age: retention.max_age,
            exclude_pinned: retention.exclude_pinned,
            files_only: retention.files_only,
            ignore_threads: retention.ignore_threads,
            override_global: retention.override_global,
        }
    }
}

impl RoomDoc {
    /// Fills in the names of the participants of a direct message, by the name people go by.
    pub(crate) fn name_participants(&mut self, names: &mut dyn Names) -> rusqlite::Result<()> {
        let Some(participants) = &self.participants else {
            return Ok(());
        };
        let mut named = Vec::with_capacity(participants.len());
        for user in participants {
            let user = UserRef::full(names, user)?;
            let shown = user
                .name
                .as_deref()
                .unwrap_or(&user.username)
                .to_lowercase();
            named.push((shown, user.username));
        }
        named.sort();
        self.usernames = Some(named.into_iter().map(|(_, username)| username).collect());
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct RoomRow {
    pub(crate) doc: RoomDoc,
    pub(crate) owners: i64,
    /// What whoever joins by themselves has to know.
    pub(crate) join_code: Option<Sealed>,
    /// Of a discussion, the message of the parent that tells of it.
    pub(crate) announced_by: Option<MessageId>,
    /// Of a discussion, the message of the parent that it is about.
    pub(crate) about: Option<MessageId>,
    /// The main room of the team that it, or the room it is a discussion of, belongs to.
    pub(crate) main_room: Option<RoomId>,
    /// How many rows the view of messages has for the room.
    pub(crate) stored: i64,
    pub(crate) last: Option<(MessageId, Bytes)>,
    /// The latest messages that may be shown as the last, as far as known without a query.
    pub(crate) latest: Latest,
    /// Send time of the newest message ever posted, of any kind; without any, the time the room was made.
    pub(crate) clock: Timestamp,
    /// Position of that message.
    pub(crate) head: i64,
    /// Position of the event that made the room. Older rows of the view of messages are not of this room.
    pub(crate) born: i64,
    /// The latest messages, as far as known without a query.
    pub(crate) tail: Tail,
}

impl RoomRow {
    pub(crate) fn called(&self) -> RoomName {
        RoomName {
            kind: self.kind(),
            name: self.doc.name.clone(),
            display: self.doc.display.clone(),
            discussion: self.doc.parent.is_some(),
            main_room: self.main_room.clone(),
        }
    }

    pub(crate) fn kind(&self) -> RoomKind {
        kind_of(&self.doc.kind)
    }

    pub(crate) fn clock(&self) -> Timestamp {
        self.clock
    }

    pub(crate) fn born(&self) -> i64 {
        self.born
    }

    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    pub(crate) fn tail_mut(&mut self) -> &mut Tail {
        &mut self.tail
    }

    pub(crate) fn created_at(&self) -> Date {
        self.doc.created_at
    }

    pub(crate) fn archived(&self) -> Option<bool> {
        self.doc.archived
    }

    /// The room it is a discussion of.
    pub(crate) fn parent(&self) -> Option<&RoomId> {
        self.doc.parent.as_ref()
    }

    /// What is told of it where it belongs to, if it is a discussion.
    pub(crate) fn discussion(&self) -> Option<DiscussionNow> {
        Some(DiscussionNow {
            parent: self.doc.parent.clone()?,
            told_by: self.announced_by.clone()?,
            count: self.doc.msgs,
            last: self.doc.lm.map(|lm| lm.0),
        })
    }

    pub(crate) fn custom_fields(&self) -> Option<&Value> {
        self.doc.custom_fields.as_ref()
    }

    /// The participants of a direct message; empty for other rooms.
    pub(crate) fn participants(&self) -> Vec<UserId> {
        self.doc.participants.clone().unwrap_or_default()
    }
}

/// The key by which the direct message of a set of users is found.
pub(crate) fn participants_key(participants: &[UserId]) -> String {
    let mut ids: Vec<&str> = participants.iter().map(UserId::as_str).collect();
    ids.sort_unstable();
    ids.join(",")
}

impl Row for RoomRow {
    type Key = RoomId;

    const INSERT: &'static str =
        "INSERT INTO rooms (id, kind, name, display, creator, participants, archived, joined_by_default, members,
            owners, msgs, stored, lm, last_message, created_at, updated_at, doc, clock, head, born, rest,
            join_code, parent, announced_by, about, team, main_room, auto_join)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
            ?23, ?24, ?25, ?26, ?27, ?28)";

    const UPDATE: &'static str =
        "UPDATE rooms SET kind = ?2, name = ?3, display = ?4, creator = ?5, participants = ?6, archived = ?7,
            joined_by_default = ?8, members = ?9, owners = ?10, msgs = ?11, stored = ?12, lm = ?13,
            last_message = ?14, created_at = ?15, updated_at = ?16, doc = ?17, clock = ?18, head = ?19,
            born = ?20, rest = ?21, join_code = ?22, parent = ?23, announced_by = ?24, about = ?25,
            team = ?26, main_room = ?27, auto_join = ?28 WHERE id = ?1";

    fn load(conn: &Connection, key: &RoomId) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached(
            "SELECT doc, owners, stored, last_message, clock, head, born, rest, join_code,
                 announced_by, about, main_room
             FROM rooms WHERE id = ?1",
        )?
        .query_row([key.as_str()], |row| {
            let (clock, head) = (Timestamp::from_millis(row.get(4)?), row.get(5)?);
            let mut doc: RoomDoc = json::decode(row.get_ref(0)?.as_bytes()?)?;
            let last = doc
                .last
                .take()
                .map(|raw| Bytes::copy_from_slice(raw.get().as_bytes()));
            if let Some(rest) = row.get_ref(7)?.as_bytes_or_null()? {
                doc.rest = json::decode(rest)?;
            }
            let id = row.get_ref(3)?.as_str_or_null()?.map(MessageId::new);
            let latest = Latest {
                messages: VecDeque::new(),
                others: doc.lm,
            };
            Ok(Self {
                doc,
                owners: row.get(1)?,
                join_code: row.get_ref(8)?.as_str_or_null()?.map(Sealed::new),
                announced_by: row.get_ref(9)?.as_str_or_null()?.map(MessageId::new),
                about: row.get_ref(10)?.as_str_or_null()?.map(MessageId::new),
                main_room: row.get_ref(11)?.as_str_or_null()?.map(RoomId::new),
                stored: row.get(2)?,
                last: id.zip(last),
                latest,
                clock,
                head,
                born: row.get(6)?,
                tail: Tail::after(head, clock),
            })
        })
        .optional()
    }

    fn write(
        &self,
        _: &Connection,
        statement: &mut Statement<'_>,
        id: &RoomId,
    ) -> rusqlite::Result<()> {
        let doc = &self.doc;
        let mut bytes = json::encode(doc)?;
        if let Some((_, last)) = &self.last {
            json::splice(&mut bytes, "lastMessage", &brief(last));
        }
        let rest = (doc.rest != Rest::default()).then(|| json::encode(&doc.rest));
        statement.execute(params![
            id.as_str(),
            doc.kind.as_str(),
            doc.name.as_deref(),
            doc.display.as_deref(),
            doc.creator.as_ref().map(|creator| creator.id.as_str()),
            doc.participants.as_deref().map(participants_key),
            doc.archived == Some(true),
            doc.default == Some(true),
            doc.members,
            self.owners,
            doc.msgs,
            self.stored,
            doc.lm.map(|lm| lm.0.as_millis()),
            self.last.as_ref().map(|(id, _)| id.as_str()),
            doc.created_at.0.as_millis(),
            doc.updated_at.0.as_millis(),
            bytes,
            self.clock.as_millis(),
            self.head,
            self.born,
            rest.transpose()?,
            self.join_code.as_ref().map(Sealed::as_str),
            doc.parent.as_ref().map(RoomId::as_str),
            self.announced_by.as_ref().map(MessageId::as_str),
            self.about.as_ref().map(MessageId::as_str),
            doc.team.as_ref().map(TeamId::as_str),
            self.main_room.as_ref().map(RoomId::as_str),
            doc.rest.team_default == Some(true),
        ])?;
        Ok(())
    }

    fn delete(&self, conn: &Connection, key: &RoomId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM rooms WHERE id = ?1")?
            .execute([key.as_str()])?;
        Ok(())
    }
}
