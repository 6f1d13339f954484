//! The view of accounts.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::presence::{PresenceEvent, Status};
use domain::session::SessionEvent;
use domain::user::{
    Email, PasswordHash, PreferencesChanged, ProfileChange, UserCreated, UserEvent, UserKind,
    UtcOffset,
};
use domain::{Event, RoleId, UserId};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::error::QueryError;
use crate::iso::Date;
use crate::json;
use crate::names::UserName;
use crate::projection::{Applied, Index, Projection};
use crate::rows::Row;
use crate::tx::Tx;
use crate::views::Views;

/// See the module.
pub(crate) struct UsersView;

impl Projection for UsersView {
    fn name(&self) -> &'static str {
        "users"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE users (
            id TEXT NOT NULL PRIMARY KEY,
            username TEXT NOT NULL,
            username_key TEXT NOT NULL,
            name TEXT,
            name_key TEXT NOT NULL,
            nickname TEXT,
            kind TEXT NOT NULL,
            active INTEGER NOT NULL,
            admin INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            last_login INTEGER,
            search TEXT NOT NULL,
            password TEXT,
            doc BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE user_emails (
            user TEXT NOT NULL,
            address_key TEXT NOT NULL,
            PRIMARY KEY (user, address_key)
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static [Index] {
        &[
            Index {
                name: "users_username",
                on: "users (username_key)",
            },
            Index {
                name: "users_name",
                on: "users (name_key)",
            },
            Index {
                name: "users_created",
                on: "users (created_at)",
            },
            Index {
                name: "users_active",
                on: "users (active, username_key)",
            },
            Index {
                name: "users_admins",
                on: "users (active) WHERE admin = 1",
            },
            // Everything that looking for people by name looks at, so that their documents need not be read.
            Index {
                name: "users_line",
                on: "users (username_key, username, name, nickname, active, kind)",
            },
            Index {
                name: "user_emails_address",
                on: "user_emails (address_key)",
            },
        ]
    }

    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
        if let Event::Avatar(avatar) = &event.event {
            return show(tx, event, avatar);
        }
        let updated_at = Date(event.recorded_at);
        let user_event = match &event.event {
            Event::User(user_event) => user_event,
            Event::Session(SessionEvent::TokenIssued(issued)) if !issued.granted => {
                if let Some(row) = tx.users.get_mut(&tx.conn, &issued.user)? {
                    row.doc.last_login = Some(Date(issued.at));
                    row.doc.updated_at = updated_at;
                    tx.stale.users.insert(issued.user.clone());
                }
                return Ok(());
            }
            Event::Presence(PresenceEvent::StatusChosen(chosen)) => {
                tx.stale.users.insert(chosen.user.clone());
                if let Some(row) = tx.users.get_mut(&tx.conn, &chosen.user)? {
                    row.doc.status_default = chosen.status;
                    row.doc.updated_at = updated_at;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let user = match user_event {
            UserEvent::UserCreated(created) => {
                let key = CompactString::new(created.username.to_lowercase());
                tx.users.put(
                    &tx.conn,
                    created.user.clone(),
                    UserRow::created(created, updated_at),
                )?;
                tx.stale.usernames.insert(key);
                tx.stale.users.insert(created.user.clone());
                tx.stale.user_order = true;
                return Ok(());
            }
            UserEvent::UserDeleted(deleted) => {
                if let Some(row) = tx.users.remove(&tx.conn, &deleted.user)? {
                    tx.stale
                        .usernames
                        .insert(CompactString::new(row.doc.username.to_lowercase()));
                }
                tx.stale.users.insert(deleted.user.clone());
                tx.stale.user_order = true;
                return Ok(());
            }
            UserEvent::ProfileChanged(event) => &event.user,
            UserEvent::UsernameChanged(event) => &event.user,
            UserEvent::EmailChanged(event) => &event.user,
            UserEvent::PasswordChanged(event) => &event.user,
            UserEvent::RolesChanged(event) => &event.user,
            UserEvent::UserActivated(event) => &event.user,
            UserEvent::UserDeactivated(event) => &event.user,
            UserEvent::PreferencesChanged(event) => &event.user,
            UserEvent::PasswordChangeRequired(event) => &event.user,
            UserEvent::UtcOffsetChanged(event) => &event.user,
            UserEvent::RecordFieldsWritten(event) => &event.user,
            // Where an account came from is nobody's to see.
            UserEvent::UserImported(_) => return Ok(()),
        };
        tx.stale.users.insert(user.clone());
        let Some(row) = tx.users.get_mut(&tx.conn, user)? else {
            return Ok(());
        };
        row.doc.updated_at = updated_at;
        match user_event {
            UserEvent::ProfileChanged(event) => {
                tx.stale.user_order |= event.change.name.is_some();
                row.doc.change(&event.change);
            }
            UserEvent::UsernameChanged(event) => {
                tx.stale.user_order = true;
                tx.stale
                    .usernames
                    .insert(CompactString::new(row.doc.username.to_lowercase()));
                tx.stale
                    .usernames
                    .insert(CompactString::new(event.username.to_lowercase()));
                tx.renamed = Some(std::mem::replace(
                    &mut row.doc.username,
                    CompactString::new(&event.username),
                ));
            }
            UserEvent::EmailChanged(event) => row.doc.emails.clone_from(&event.emails),
            UserEvent::PasswordChanged(event) => {
                row.password = Some(event.password.0.clone());
                row.doc.require_password_change = event.require_change;
            }
            UserEvent::PasswordChangeRequired(event) => {
                row.doc.require_password_change = event.required;
            }
            UserEvent::PreferencesChanged(event) => row.doc.prefer(event),
            UserEvent::UtcOffsetChanged(event) => row.doc.utc_offset = Some(hours(event.offset)),
            UserEvent::RecordFieldsWritten(event) => {
                for field in &event.fields {
                    field.write(&mut row.doc.record_fields);
                }
            }
            UserEvent::RolesChanged(event) => row.doc.roles.clone_from(&event.roles),
            UserEvent::UserActivated(_) => {
                row.doc.active = true;
                row.doc.reason = None;
            }
            UserEvent::UserDeactivated(_) => row.doc.active = false,
            UserEvent::UserCreated(_) | UserEvent::UserDeleted(_) | UserEvent::UserImported(_) => {}
        }
        Ok(())
    }
}

/// A user has another picture, or none.
fn show(tx: &mut Tx, event: &Applied, avatar: &AvatarEvent) -> rusqlite::Result<()> {
    let (owner, origin, etag) = match avatar {
        AvatarEvent::AvatarSet(set) => (&set.owner, Some(&*set.origin), Some(&*set.file.id)),
        AvatarEvent::AvatarReset(reset) => {
            (&reset.owner, reset.letters.then_some("initials"), None)
        }
    };
    let AvatarOwner::User(user) = owner else {
        return Ok(());
    };
    tx.stale.users.insert(user.clone());
    if let Some(row) = tx.users.get_mut(&tx.conn, user)? {
        row.doc.avatar_origin = origin.map(CompactString::new);
        row.doc.avatar_etag = etag.map(CompactString::new);
        row.doc.updated_at = Date(event.recorded_at);
    }
    Ok(())
}

/// An offset from UTC as the wire has it: in hours, whole ones without a point.
pub(crate) fn hours(offset: UtcOffset) -> Number {
    let minutes = offset.minutes();
    if minutes % 60 == 0 {
        Number::from(minutes / 60)
    } else {
        Number::from_f64(f64::from(minutes) / 60.0).unwrap_or_else(|| Number::from(0))
    }
}

/// The wire document (contract, conventions 5.1), without presence but for what the user chose. Further fields of the
/// record lie in `recordFields`, so that none can take the place of another field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserDoc {
    #[serde(rename = "_id")]
    id: UserId,
    created_at: Date,
    username: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bio: Option<String>,
    #[serde(rename = "type")]
    kind: UserKind,
    active: bool,
    roles: Vec<RoleId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emails: Vec<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_text: Option<String>,
    #[serde(default)]
    status_default: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    record_fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    utc_offset: Option<Number>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    require_password_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_login: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<UserSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar_origin: Option<CompactString>,
    #[serde(
        rename = "avatarETag",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    avatar_etag: Option<CompactString>,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

/// What a user chose.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct UserSettings {
    preferences: Map<String, Value>,
}

impl UserDoc {
    fn prefer(&mut self, event: &PreferencesChanged) {
        let preferences = &mut self.settings.get_or_insert_default().preferences;
        preferences.extend(event.set.clone());
        for name in &event.unset {
            preferences.remove(name);
        }
        if let Some(language) = event.set.get("language").and_then(Value::as_str) {
            self.language = Some(language.to_owned());
        }
    }

    fn change(&mut self, change: &ProfileChange) {
        // An empty text removes the part.
        let part = |old: &mut Option<String>, new: &Option<String>| {
            if let Some(new) = new {
                *old = (!new.is_empty()).then(|| new.clone());
            }
        };
        if let Some(name) = &change.name {
            self.name = (!name.is_empty()).then(|| CompactString::new(name));
        }
        part(&mut self.bio, &change.bio);
        part(&mut self.nickname, &change.nickname);
        part(&mut self.status_text, &change.status_text);
        if let Some(fields) = &change.custom_fields {
            self.custom_fields = Some(fields.clone());
        }
    }
}

/// A row of `users`.
#[derive(Clone)]
pub(crate) struct UserRow {
    doc: UserDoc,
    password: Option<String>,
}

impl UserRow {
    fn created(event: &UserCreated, updated_at: Date) -> Self {
        Self {
            doc: UserDoc {
                id: event.user.clone(),
                created_at: Date(event.at),
                username: CompactString::new(&event.username),
                name: event
                    .name
                    .as_ref()
                    .filter(|name| !name.is_empty())
                    .map(CompactString::new),
                nickname: event.nickname.clone(),
                bio: event.bio.clone(),
                kind: event.kind,
                active: event.active,
                roles: event.roles.clone(),
                emails: event.emails.clone(),
                status_text: None,
                status_default: Status::default(),
                custom_fields: event.custom_fields.clone(),
                record_fields: Map::new(),
                utc_offset: None,
                require_password_change: event.require_password_change,
                reason: event.reason.clone(),
                last_login: None,
                language: None,
                settings: None,
                avatar_origin: None,
                avatar_etag: None,
                updated_at,
            },
            password: event.password.as_ref().map(|password| password.0.clone()),
        }
    }

    /// What the user chose to be told of in every room that says nothing else.
    pub(crate) fn preferences(&self) -> Option<&Map<String, Value>> {
        self.doc
            .settings
            .as_ref()
            .map(|settings| &settings.preferences)
    }

    /// Free-form fields.
    pub(crate) fn custom_fields(&self) -> Option<&Value> {
        self.doc.custom_fields.as_ref()
    }

    /// It may log in.
    pub(crate) fn is_active(&self) -> bool {
        self.doc.active
    }

    /// What the user is called.
    pub(crate) fn called(&self) -> UserName {
        UserName {
            username: self.doc.username.clone(),
            name: self.doc.name.clone(),
        }
    }

    fn write(&self, conn: &Connection, sql: &'static str, id: &UserId) -> rusqlite::Result<()> {
        let doc = &self.doc;
        let mut search = String::new();
        for part in [
            Some(doc.username.as_str()),
            doc.name.as_deref(),
            doc.nickname.as_deref(),
            doc.bio.as_deref(),
        ] {
            search.push_str(&part.unwrap_or_default().to_lowercase());
            search.push('\n');
        }
        conn.prepare_cached(sql)?.execute(params![
            id.as_str(),
            doc.username.as_str(),
            doc.username.to_lowercase().as_str(),
            doc.name.as_deref(),
            doc.name.as_deref().unwrap_or_default().to_lowercase(),
            doc.active,
            doc.roles.iter().any(|role| role.as_str() == "admin"),
            doc.created_at.0.as_millis(),
            search,
            self.password,
            json::encode(doc)?,
            doc.nickname.as_deref(),
            doc.kind.as_str(),
            doc.last_login.map(|at| at.0.as_millis()),
        ])?;
        conn.prepare_cached("DELETE FROM user_emails WHERE user = ?1")?
            .execute([id.as_str()])?;
        for email in &doc.emails {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO user_emails (user, address_key) VALUES (?1, ?2)",
            )?
            .execute([id.as_str(), &email.address.to_lowercase()])?;
        }
        Ok(())
    }
}

impl Row for UserRow {
    type Key = UserId;

    fn load(conn: &Connection, key: &UserId) -> rusqlite::Result<Option<Self>> {
        conn.prepare_cached("SELECT doc, password FROM users WHERE id = ?1")?
            .query_row([key.as_str()], |row| {
                Ok(Self {
                    doc: json::decode(row.get_ref(0)?.as_bytes()?)?,
                    password: row.get(1)?,
                })
            })
            .optional()
    }

    fn insert(&self, conn: &Connection, key: &UserId) -> rusqlite::Result<()> {
        self.write(
            conn,
            "INSERT INTO users
                (id, username, username_key, name, name_key, active, admin, created_at, search, password, doc,
                nickname, kind, last_login)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            key,
        )
    }

    fn update(&self, conn: &Connection, key: &UserId) -> rusqlite::Result<()> {
        self.write(
            conn,
            "UPDATE users SET username = ?2, username_key = ?3, name = ?4, name_key = ?5, active = ?6, admin = ?7,
                created_at = ?8, search = ?9, password = ?10, doc = ?11, nickname = ?12, kind = ?13, last_login = ?14
             WHERE id = ?1",
            key,
        )
    }

    fn delete(&self, conn: &Connection, key: &UserId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM user_emails WHERE user = ?1")?
            .execute([key.as_str()])?;
        conn.prepare_cached("DELETE FROM users WHERE id = ?1")?
            .execute([key.as_str()])?;
        Ok(())
    }
}

/// The facts in a row `SELECT doc`.
fn facts(row: &rusqlite::Row<'_>) -> rusqlite::Result<Arc<UserFacts>> {
    let bytes = json::column(row, 0)?;
    let doc: UserDoc = json::decode(&bytes)?;
    Ok(Arc::new(UserFacts {
        id: doc.id,
        kind: doc.kind,
        username: doc.username.into_string(),
        name: doc.name.map(CompactString::into_string),
        roles: doc.roles,
        active: doc.active,
        require_password_change: doc.require_password_change,
        chosen_status: doc.status_default,
        doc: bytes,
    }))
}

/// What doors need to know of a user on every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Its id.
    pub id: UserId,
    /// Who is behind it.
    pub kind: UserKind,
    /// Its unique name.
    pub username: String,
    /// The name people go by.
    pub name: Option<String>,
    /// Its workspace-wide roles.
    pub roles: Vec<RoleId>,
    /// It may log in.
    pub active: bool,
    /// A new password must be chosen at the next login.
    pub require_password_change: bool,
    /// What they chose to be shown as while they are there.
    pub chosen_status: Status,
    /// The wire document (contract, conventions 5.1) without presence fields (`status`, `statusConnection`), without
    /// `services`, and with the further fields of the record in `recordFields`.
    pub doc: Bytes,
}

/// What checking a password needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub user: UserId,
    /// The hash; `None`: cannot log in with a password.
    pub password: Option<PasswordHash>,
    /// It may log in.
    pub active: bool,
    /// A new password must be chosen at the next login.
    pub require_password_change: bool,
}

impl Views {
    /// The user of that id. Cached.
    pub async fn user(&self, id: &UserId) -> Result<Option<Arc<UserFacts>>, QueryError> {
        let key = id.clone();
        self.facts()
            .users
            .get(id, || {
                self.read(move |conn| {
                    conn.prepare_cached("SELECT doc FROM users WHERE id = ?1")?
                        .query_row([key.as_str()], facts)
                        .optional()
                })
            })
            .await
    }

    /// The user of that name, without regard to case. Cached.
    pub async fn user_by_username(
        &self,
        username: &str,
    ) -> Result<Option<Arc<UserFacts>>, QueryError> {
        let key = CompactString::new(username.to_lowercase());
        let name = key.clone();
        let id = self
            .facts()
            .usernames
            .get(&key, || {
                self.read(move |conn| {
                    conn.prepare_cached("SELECT id FROM users WHERE username_key = ?1")?
                        .query_row([name.as_str()], |row| {
                            Ok(UserId::new(row.get_ref(0)?.as_str()?))
                        })
                        .optional()
                })
            })
            .await?;
        match id {
            Some(id) => self.user(&id).await,
            None => Ok(None),
        }
    }

    /// The user of that e-mail address, without regard to case.
    pub async fn user_by_email(&self, address: &str) -> Result<Option<Arc<UserFacts>>, QueryError> {
        let key = address.to_lowercase();
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT doc FROM user_emails JOIN users ON users.id = user_emails.user
                 WHERE address_key = ?1 ORDER BY users.id LIMIT 1",
            )?
            .query_row([key], facts)
            .optional()
        })
        .await
    }

    /// What checking a user's password needs.
    pub async fn credentials(&self, id: &UserId) -> Result<Option<Credentials>, QueryError> {
        let id = id.clone();
        self.read(move |conn| {
            conn.prepare_cached("SELECT password, doc FROM users WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    let doc: UserDoc = json::decode(row.get_ref(1)?.as_bytes()?)?;
                    Ok(Credentials {
                        user: doc.id,
                        password: row.get::<_, Option<String>>(0)?.map(PasswordHash),
                        active: doc.active,
                        require_password_change: doc.require_password_change,
                    })
                })
                .optional()
        })
        .await
    }

    /// How many accounts hold the role `admin` and may log in.
    pub async fn active_admins(&self) -> Result<u32, QueryError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT count(*) FROM users WHERE admin = 1 AND active = 1")?
                .query_row([], |row| row.get(0))
        })
        .await
    }
}
