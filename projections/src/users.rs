//! The view of accounts.

mod doc;
mod queries;

use compact_str::CompactString;
use domain::Event;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::presence::PresenceEvent;
use domain::session::SessionEvent;
use domain::user::UserEvent;

use crate::iso::Date;
use crate::projection::{Applied, Index, Projection};
use crate::tx::Tx;

pub(crate) use doc::{UserRow, hours};
pub use queries::{Credentials, UserFacts};

/// See the module.
pub(crate) struct UsersView;

impl Projection for UsersView {
    fn name(&self) -> &'static str {
        "users"
    }

    fn version(&self) -> u32 {
        7
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
            updated_at INTEGER NOT NULL,
            search TEXT NOT NULL,
            password TEXT,
            doc BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE user_emails (
            user TEXT NOT NULL,
            address_key TEXT NOT NULL,
            PRIMARY KEY (user, address_key)
        ) WITHOUT ROWID;
        CREATE TABLE user_roles (
            user TEXT NOT NULL,
            role TEXT NOT NULL,
            username_key TEXT NOT NULL,
            PRIMARY KEY (user, role)
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
                name: "users_updated",
                on: "users (updated_at, id)",
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
            // In the order in which those who have a role are listed.
            Index {
                name: "user_roles_role",
                on: "user_roles (role, username_key)",
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
