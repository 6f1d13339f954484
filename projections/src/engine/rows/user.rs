//! An account's wire document, and the row it lies in.

use compact_str::CompactString;
use domain::presence::Status;
use domain::user::{Email, PreferencesChanged, ProfileChange, UserCreated, UserKind, UtcOffset};
use domain::{RoleId, UserId};
use rusqlite::{Connection, OptionalExtension, Statement, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::engine::rows::Row;
use crate::iso::Date;
use crate::json;
use crate::names::UserName;

/// An offset from UTC as the wire has it: in hours, whole ones without a point.
pub(crate) fn hours(offset: UtcOffset) -> Number {
    let minutes = offset.minutes();
    if minutes % 60 == 0 {
        Number::from(minutes / 60)
    } else {
        Number::from_f64(f64::from(minutes) / 60.0).unwrap_or_else(|| Number::from(0))
    }
}

/// The wire document (contract, conventions 5.1). Of presence it has only the status the user chose. Further fields of
/// the record are in `recordFields`, so that none can take the place of another field.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserDoc {
    #[serde(rename = "_id")]
    pub(crate) id: UserId,
    pub(crate) created_at: Date,
    pub(crate) username: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nickname: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bio: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: UserKind,
    pub(crate) active: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inactive_reason: Option<CompactString>,
    pub(crate) roles: Vec<RoleId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) emails: Vec<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_text: Option<String>,
    #[serde(default)]
    pub(crate) status_default: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_fields: Option<Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) record_fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) utc_offset: Option<Number>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) require_password_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_login: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settings: Option<UserSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) avatar_origin: Option<CompactString>,
    #[serde(
        rename = "avatarETag",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) avatar_etag: Option<CompactString>,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UserSettings {
    preferences: Map<String, Value>,
}

impl UserDoc {
    pub(crate) fn prefer(&mut self, event: &PreferencesChanged) {
        let preferences = &mut self.settings.get_or_insert_default().preferences;
        preferences.extend(event.set.clone());
        for name in &event.unset {
            preferences.remove(name);
        }
        if let Some(language) = event.set.get("language").and_then(Value::as_str) {
            self.language = Some(language.to_owned());
        }
    }

    pub(crate) fn change(&mut self, change: &ProfileChange) {
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

#[derive(Clone)]
pub(crate) struct UserRow {
    pub(crate) doc: UserDoc,
    pub(crate) password: Option<String>,
}

impl UserRow {
    pub(crate) fn created(event: &UserCreated, updated_at: Date) -> Self {
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
                inactive_reason: (!event.active)
                    .then(|| CompactString::const_new("pending_approval")),
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

    /// What the user chose to be notified of in rooms without a choice of their own.
    pub(crate) fn preferences(&self) -> Option<&Map<String, Value>> {
        self.doc
            .settings
            .as_ref()
            .map(|settings| &settings.preferences)
    }

    pub(crate) fn custom_fields(&self) -> Option<&Value> {
        self.doc.custom_fields.as_ref()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.doc.active
    }

    pub(crate) fn called(&self) -> UserName {
        UserName {
            username: self.doc.username.clone(),
            name: self.doc.name.clone(),
        }
    }
}

impl Row for UserRow {
    type Key = UserId;

    const INSERT: &'static str =
        "INSERT INTO users
            (id, username, username_key, name, name_key, active, admin, created_at, search, password, doc, kind,
            last_login, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

    const UPDATE: &'static str =
        "UPDATE users SET username = ?2, username_key = ?3, name = ?4, name_key = ?5, active = ?6, admin = ?7,
            created_at = ?8, search = ?9, password = ?10, doc = ?11, kind = ?12, last_login = ?13, updated_at = ?14
            WHERE id = ?1";

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

    fn write(
        &self,
        conn: &Connection,
        statement: &mut Statement<'_>,
        id: &UserId,
    ) -> rusqlite::Result<()> {
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
        statement.execute(params![
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
            doc.kind.as_str(),
            doc.last_login.map(|at| at.0.as_millis()),
            doc.updated_at.0.as_millis(),
        ])?;
        conn.prepare_cached("DELETE FROM user_emails WHERE user = ?1")?
            .execute([id.as_str()])?;
        for email in &doc.emails {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO user_emails (user, address_key) VALUES (?1, ?2)",
            )?
            .execute([id.as_str(), &email.address.to_lowercase()])?;
        }
        conn.prepare_cached("DELETE FROM user_roles WHERE user = ?1")?
            .execute([id.as_str()])?;
        let key = doc.username.to_lowercase();
        for role in &doc.roles {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO user_roles (user, role, username_key) VALUES (?1, ?2, ?3)",
            )?
            .execute([id.as_str(), role.as_str(), key.as_str()])?;
        }
        Ok(())
    }

    fn delete(&self, conn: &Connection, key: &UserId) -> rusqlite::Result<()> {
        conn.prepare_cached("DELETE FROM user_emails WHERE user = ?1")?
            .execute([key.as_str()])?;
        conn.prepare_cached("DELETE FROM user_roles WHERE user = ?1")?
            .execute([key.as_str()])?;
        conn.prepare_cached("DELETE FROM users WHERE id = ?1")?
            .execute([key.as_str()])?;
        Ok(())
    }
}
