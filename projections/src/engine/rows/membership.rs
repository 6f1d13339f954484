//! A membership's wire document, and the row it lies in.

pub(crate) mod choices;

use std::sync::Arc;

use choices::Choices;
use compact_str::CompactString;
use domain::highlight::Highlights;
use domain::membership::{NotificationChoice, ToldOf};
use domain::{MessageId, RoleId, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, Statement, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::engine::rows::Row;
use crate::engine::rows::tally::Counts;
use crate::iso::Date;
use crate::json;
use crate::names::{Names, UserRef};

/// The role that owns a room.
pub(crate) const OWNER: &str = "owner";

/// The wire document (contract, rooms 2.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MembershipDoc {
    #[serde(rename = "_id")]
    pub(crate) id: CompactString,
    pub(crate) rid: RoomId,
    #[serde(rename = "t")]
    pub(crate) kind: CompactString,
    #[serde(rename = "u")]
    pub(crate) user: UserRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
    #[serde(rename = "fname", default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<CompactString>,
    #[serde(rename = "ts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<Date>,
    #[serde(rename = "ls", default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Date>,
    #[serde(rename = "lr", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_reply: Option<Date>,
    pub(crate) open: bool,
    pub(crate) alert: bool,
    pub(crate) unread: i64,
    pub(crate) user_mentions: i64,
    pub(crate) group_mentions: i64,
    #[serde(rename = "tunread", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) thread_unread: Vec<MessageId>,
    #[serde(rename = "tunreadUser", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) thread_unread_user: Vec<MessageId>,
    #[serde(
        rename = "tunreadGroup",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) thread_unread_group: Vec<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<RoleId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived: Option<bool>,
    /// The room that this one is a discussion of.
    #[serde(rename = "prid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) desktop_notifications: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mobile_push_notifications: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email_notifications: Option<CompactString>,
    #[serde(rename = "E2EKey", default, skip_serializing_if = "Option::is_none")]
    pub(crate) room_key: Option<String>,
    #[serde(
        rename = "E2ESuggestedKey",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) suggested_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_translate: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_translate_language: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) favourite: Option<bool>,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    /// The message at the cursor is unread: it is the one from which on the member marked the room so.
    #[serde(skip)]
    pub(crate) from_cursor: bool,
    #[serde(skip)]
    pub(crate) choices: Option<Box<Choices>>,
    #[serde(skip)]
    pub(crate) rest: Rest,
}

impl MembershipDoc {
    /// Adds to the counters. What was counted twice or never cannot make them negative.
    pub(crate) fn count(&mut self, more: Counts) {
        self.unread = (self.unread + more.unread).max(0);
        self.user_mentions = (self.user_mentions + more.user_mentions).max(0);
        self.group_mentions = (self.group_mentions + more.group_mentions).max(0);
    }

    /// Nothing in a thread is unread any more.
    pub(crate) fn thread_is_read(&mut self, thread: &MessageId) {
        for list in [
            &mut self.thread_unread,
            &mut self.thread_unread_user,
            &mut self.thread_unread_group,
        ] {
            list.retain(|unread| unread != thread);
        }
    }
}

/// What `subscriptions.getOne` returns and lists of memberships do not (contract, rooms 2.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) desktop_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mobile_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email_pref_origin: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) user_highlights: Vec<String>,
}

/// Where a choice for a room comes from: a preference of the user, or the room's own.
const FROM_USER: &str = "user";

const FROM_ROOM: &str = "subscription";

/// Copies a preference of the user, unless the room has its own choice. `default` removes the copy.
fn copy_choice(
    choice: &mut Option<CompactString>,
    origin: &mut Option<CompactString>,
    wanted: &str,
) {
    if origin.as_deref() == Some(FROM_ROOM) {
        return;
    }
    if wanted != "default" {
        *choice = Some(CompactString::new(wanted));
        *origin = Some(CompactString::const_new(FROM_USER));
    } else if origin.as_deref() == Some(FROM_USER) {
        *choice = None;
        *origin = None;
    }
}

/// The member's own choice for the room. The default is what the user's preferences say.
fn choose(
    choice: &mut Option<CompactString>,
    origin: &mut Option<CompactString>,
    wanted: ToldOf,
    preference: Option<&str>,
) {
    if wanted != ToldOf::Default {
        *choice = Some(CompactString::const_new(wanted.as_str()));
        *origin = Some(CompactString::const_new(FROM_ROOM));
        return;
    }
    (*choice, *origin) = (None, None);
    if let Some(preference) = preference {
        copy_choice(choice, origin, preference);
    }
}

impl MembershipDoc {
    /// What the member chose or began. Most never do.
    pub(crate) fn choices_mut(&mut self) -> &mut Choices {
        self.choices.get_or_insert_default()
    }

    /// Whether either side of a direct message blocked it.
    pub(crate) fn is_blocked(&self) -> bool {
        let choices = self.choices.as_ref();
        choices.is_some_and(|choices| choices.blocked.is_some() || choices.blocker.is_some())
    }

    /// Keeps a choice about notifications; `preferences` are the user's.
    pub(crate) fn choose(
        &mut self,
        choice: &NotificationChoice,
        preferences: Option<&Map<String, Value>>,
    ) {
        let preference = |name: &str| preferences?.get(name)?.as_str();
        match choice {
            NotificationChoice::Desktop(wanted) => choose(
                &mut self.desktop_notifications,
                &mut self.rest.desktop_pref_origin,
                *wanted,
                preference("desktopNotifications"),
            ),
            NotificationChoice::Mobile(wanted) => choose(
                &mut self.mobile_push_notifications,
                &mut self.rest.mobile_pref_origin,
                *wanted,
                preference("pushNotifications"),
            ),
            NotificationChoice::Email(wanted) => choose(
                &mut self.email_notifications,
                &mut self.rest.email_pref_origin,
                *wanted,
                preference("emailNotificationMode"),
            ),
            other => self.choices_mut().choose(other),
        }
    }

    /// Follows preferences of the user (contract, conventions 7.3).
    pub(crate) fn prefer(&mut self, preferences: &Map<String, Value>) {
        let text = |name: &str| preferences.get(name).and_then(Value::as_str);
        if let Some(wanted) = text("desktopNotifications") {
            let origin = &mut self.rest.desktop_pref_origin;
            copy_choice(&mut self.desktop_notifications, origin, wanted);
        }
        if let Some(wanted) = text("pushNotifications") {
            let origin = &mut self.rest.mobile_pref_origin;
            copy_choice(&mut self.mobile_push_notifications, origin, wanted);
        }
        if let Some(wanted) = text("emailNotificationMode") {
            let origin = &mut self.rest.email_pref_origin;
            copy_choice(&mut self.email_notifications, origin, wanted);
        }
        if let Some(Value::Array(words)) = preferences.get("highlights") {
            let words = words.iter().filter_map(Value::as_str);
            self.rest.user_highlights = words.map(str::to_owned).collect();
        }
    }

    pub(crate) fn forget_keys(&mut self) {
        self.room_key = None;
        self.suggested_key = None;
    }

    /// Whether a new message would change it.
    pub(crate) fn is_quiet(&self) -> bool {
        !(self.alert && self.open)
    }

    pub(crate) fn alert(&mut self) {
        self.alert = true;
        self.open = true;
    }

    /// The words its user has highlighted, prepared for searching.
    pub(crate) fn highlights(&self) -> Arc<Highlights> {
        let words = self.rest.user_highlights.iter().map(String::as_str);
        Arc::new(Highlights::of(words))
    }

    /// Names a direct message after the others in it; one with oneself after oneself.
    pub(crate) fn name_others(
        &mut self,
        names: &mut dyn Names,
        participants: &[UserId],
    ) -> rusqlite::Result<()> {
        let (mut usernames, mut shown) = (Vec::new(), Vec::new());
        let alone = participants.iter().all(|user| *user == self.user.id);
        for user in participants
            .iter()
            .filter(|user| alone || **user != self.user.id)
        {
            let user = UserRef::full(names, user)?;
            shown.push(user.name.unwrap_or_else(|| user.username.clone()));
            usernames.push(user.username);
        }
        self.name = Some(usernames.join(", ").into());
        self.display = Some(shown.join(", ").into());
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct MembershipRow {
    pub(crate) doc: MembershipDoc,
    /// Position at which the user joined: the longest member of a room has the smallest.
    pub(crate) position: i64,
    /// How much of the room's shared counters is in its own.
    pub(crate) counted: Counts,
}

impl MembershipRow {
    /// Takes what the shared counters of its room were raised by meanwhile.
    pub(crate) fn catch_up(&mut self, shared: Counts) {
        self.doc.count(shared - self.counted);
        self.counted = shared;
    }

    pub(crate) fn highlights(&self) -> Arc<Highlights> {
        self.doc.highlights()
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.doc
            .roles
            .iter()
            .flatten()
            .any(|role| role.as_str() == OWNER)
    }
}

impl MembershipRow {
    /// Keeps it as it is at the last snapshot, unless that is kept already. Takes the same values as `INSERT`.
    pub(crate) const KEEP: &'static str = "INSERT INTO past_memberships (room, user, id, open, alert, quiet, unread, \
         user_mentions, group_mentions, seen, owner, roles, updated_at, doc, position, rest, highlights, \
         from_cursor, choices, counted_unread, counted_group_mentions, until, there)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         last.position, 1
         FROM (SELECT max(position) AS position FROM snapshots) AS last
         WHERE NOT EXISTS
             (SELECT 1 FROM past_memberships WHERE room = ?1 AND user = ?2 AND until = last.position)";
}

impl Row for MembershipRow {
    type Key = (RoomId, UserId);

    const INSERT: &'static str =
        "INSERT INTO memberships (room, user, id, open, alert, quiet, unread, user_mentions, group_mentions,
            seen, owner, roles, updated_at, doc, position, rest, highlights, from_cursor, choices, counted_unread,
            counted_group_mentions)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";

    const UPDATE: &'static str =
        "UPDATE memberships SET id = ?3, open = ?4, alert = ?5, quiet = ?6, unread = ?7, user_mentions = ?8,
            group_mentions = ?9, seen = ?10, owner = ?11, roles = ?12, updated_at = ?13, doc = ?14, position = ?15,
            rest = ?16, highlights = ?17, from_cursor = ?18, choices = ?19, counted_unread = ?20,
            counted_group_mentions = ?21
         WHERE room = ?1 AND user = ?2";

    fn load(conn: &Connection, key: &Self::Key) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached(
            "SELECT doc, position, rest, from_cursor, choices, counted_unread, counted_group_mentions
             FROM memberships WHERE room = ?1 AND user = ?2",
        )?
        .query_row([key.0.as_str(), key.1.as_str()], |row| {
            let mut doc: MembershipDoc = json::decode(row.get_ref(0)?.as_bytes()?)?;
            if let Some(rest) = row.get_ref(2)?.as_bytes_or_null()? {
                doc.rest = json::decode(rest)?;
            }
            doc.from_cursor = row.get(3)?;
            if let Some(choices) = row.get_ref(4)?.as_bytes_or_null()? {
                doc.choices = Some(json::decode(choices)?);
            }
            Ok(Self {
                doc,
                position: row.get(1)?,
                counted: Counts {
                    unread: row.get(5)?,
                    user_mentions: 0,
                    group_mentions: row.get(6)?,
                },
            })
        })
        .optional()
    }

    fn write(
        &self,
        _: &Connection,
        statement: &mut Statement<'_>,
        key: &Self::Key,
    ) -> rusqlite::Result<()> {
        let doc = &self.doc;
        let rest = (doc.rest != Rest::default()).then(|| json::encode(&doc.rest));
        let chosen = doc
            .choices
            .as_ref()
            .filter(|chosen| ***chosen != Choices::default());
        let choices = chosen.map(json::encode);
        statement.execute(params![
            key.0.as_str(),
            key.1.as_str(),
            doc.id.as_str(),
            doc.open,
            doc.alert,
            doc.is_quiet(),
            doc.unread,
            doc.user_mentions,
            doc.group_mentions,
            doc.seen.map(|seen| seen.0.as_millis()),
            self.is_owner(),
            doc.roles.as_ref().is_some_and(|roles| !roles.is_empty()),
            doc.updated_at.0.as_millis(),
            json::encode(doc)?,
            self.position,
            rest.transpose()?,
            !doc.rest.user_highlights.is_empty(),
            doc.from_cursor,
            choices.transpose()?,
            self.counted.unread,
            self.counted.group_mentions,
        ])?;
        Ok(())
    }

    fn delete(&self, conn: &Connection, key: &Self::Key) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM memberships WHERE room = ?1 AND user = ?2")?
            .execute([key.0.as_str(), key.1.as_str()])?;
        Ok(())
    }
}
