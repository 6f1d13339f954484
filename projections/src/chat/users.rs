//! The view of accounts.

mod queries;

use compact_str::CompactString;
use domain::avatar::{AvatarEvent, AvatarOwner};
use domain::presence::PresenceEvent;
use domain::session::SessionEvent;
use domain::user::{UserCreated, UserEvent};
use domain::{Event, UserId};

use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::rows::user::{UserRow, hours};
use crate::engine::tx::Tx;
use crate::iso::Date;

pub use queries::Credentials;

pub(crate) const VIEW: Projection = Projection {
    name: "users",
    version: 9,
    tables: "CREATE TABLE users (
        id TEXT NOT NULL PRIMARY KEY,
        username TEXT NOT NULL,
        username_key TEXT NOT NULL,
        name TEXT,
        name_key TEXT NOT NULL,
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
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("users_username", "users (username_key)"),
        Index::new("users_name", "users (name_key)"),
        Index::new("users_created", "users (created_at)"),
        Index::new("users_updated", "users (updated_at, id)"),
        Index::new("users_admins", "users (active) WHERE admin = 1"),
        Index::new("user_emails_address", "user_emails (address_key)"),
        // In the order in which lists show the users with a role.
        Index::new("user_roles_role", "user_roles (role, username_key)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let updated_at = Date(event.recorded_at);
    match &event.event {
        Event::User(UserEvent::UserCreated(created)) => create(tx, event, created),
        Event::User(UserEvent::UserDeleted(deleted)) => delete(tx, &deleted.user),
        Event::User(user_event) => change(tx, event, user_event),
        Event::Avatar(avatar) => show(tx, event, avatar),
        Event::Session(SessionEvent::TokenIssued(issued)) if !issued.granted => {
            if let Some(row) = tx.users.get_mut(&tx.conn, &issued.user)? {
                row.doc.last_login = Some(Date(issued.at));
                row.doc.updated_at = updated_at;
                tx.stale.users.insert(issued.user.clone());
            }
            Ok(())
        }
        Event::Presence(PresenceEvent::StatusChosen(chosen)) => {
            tx.stale.users.insert(chosen.user.clone());
            if let Some(row) = tx.users.get_mut(&tx.conn, &chosen.user)? {
                row.doc.status_default = chosen.status;
                row.doc.updated_at = updated_at;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// User names are found without regard to case.
fn name_key(username: &str) -> CompactString {
    CompactString::new(username.to_lowercase())
}

fn create(tx: &mut Tx, event: &Applied, created: &UserCreated) -> rusqlite::Result<()> {
    let row = UserRow::created(created, Date(event.recorded_at));
    tx.users.put(&tx.conn, created.user.clone(), row)?;
    tx.stale.usernames.insert(name_key(&created.username));
    tx.stale.users.insert(created.user.clone());
    tx.stale.user_order = true;
    Ok(())
}

fn delete(tx: &mut Tx, user: &UserId) -> rusqlite::Result<()> {
    if let Some(row) = tx.users.remove(&tx.conn, user)? {
        tx.stale.usernames.insert(name_key(&row.doc.username));
        tx.was_active = Some(row.is_active());
    }
    tx.stale.users.insert(user.clone());
    tx.stale.user_order = true;
    Ok(())
}

/// Changes an account, if there is one.
fn change(tx: &mut Tx, event: &Applied, user_event: &UserEvent) -> rusqlite::Result<()> {
    let user = match user_event {
        UserEvent::UserCreated(e) => &e.user,
        UserEvent::UserDeleted(e) => &e.user,
        UserEvent::ProfileChanged(e) => &e.user,
        UserEvent::UsernameChanged(e) => &e.user,
        UserEvent::EmailChanged(e) => &e.user,
        UserEvent::PasswordChanged(e) => &e.user,
        UserEvent::RolesChanged(e) => &e.user,
        UserEvent::UserActivated(e) => &e.user,
        UserEvent::UserDeactivated(e) => &e.user,
        UserEvent::PreferencesChanged(e) => &e.user,
        UserEvent::PasswordChangeRequired(e) => &e.user,
        UserEvent::UtcOffsetChanged(e) => &e.user,
        UserEvent::RecordFieldsWritten(e) => &e.user,
        // Where an account came from is not shown.
        UserEvent::UserImported(_) => return Ok(()),
    };
    tx.stale.users.insert(user.clone());
    let Some(row) = tx.users.get_mut(&tx.conn, user)? else {
        return Ok(());
    };
    let doc = &mut row.doc;
    doc.updated_at = Date(event.recorded_at);
    match user_event {
        UserEvent::ProfileChanged(e) => {
            tx.stale.user_order |= e.change.name.is_some();
            doc.change(&e.change);
        }
        UserEvent::UsernameChanged(e) => {
            tx.stale.user_order = true;
            tx.stale.usernames.insert(name_key(&doc.username));
            tx.stale.usernames.insert(name_key(&e.username));
            let new = CompactString::new(&e.username);
            tx.renamed = Some(std::mem::replace(&mut doc.username, new));
        }
        UserEvent::EmailChanged(e) => doc.emails.clone_from(&e.emails),
        UserEvent::PasswordChanged(e) => {
            doc.require_password_change = e.require_change;
            row.password = Some(e.password.0.clone());
        }
        UserEvent::PasswordChangeRequired(e) => doc.require_password_change = e.required,
        UserEvent::PreferencesChanged(e) => doc.prefer(e),
        UserEvent::UtcOffsetChanged(e) => doc.utc_offset = Some(hours(e.offset)),
        UserEvent::RecordFieldsWritten(e) => {
            for field in &e.fields {
                field.write(&mut doc.record_fields);
            }
        }
        UserEvent::RolesChanged(e) => doc.roles.clone_from(&e.roles),
        UserEvent::UserActivated(_) => {
            tx.was_active = Some(std::mem::replace(&mut doc.active, true));
            doc.reason = None;
            doc.inactive_reason = None;
        }
        UserEvent::UserDeactivated(e) => {
            tx.was_active = Some(std::mem::replace(&mut doc.active, false));
            let reason = if e.idle {
                "idle_too_long"
            } else {
                "deactivated"
            };
            doc.inactive_reason = Some(CompactString::const_new(reason));
        }
        UserEvent::UserCreated(_) | UserEvent::UserDeleted(_) | UserEvent::UserImported(_) => {}
    }
    Ok(())
}

/// The picture of a user was changed or removed.
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
