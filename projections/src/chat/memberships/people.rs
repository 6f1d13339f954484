//! What changes of accounts do to their memberships.

use domain::room::RoomKind;
use domain::user::UserEvent;
use domain::{RoomId, UserId};

use crate::chat::access::memberships::{
    alter, change, note_keen, owns, pairs_of, remove, remove_all, rooms_of,
};
use crate::chat::access::messages::delete_messages;
use crate::chat::access::rooms::{delete_room, members_changed, participant_gone};
use crate::engine::applied::Applied;
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::user::UserRow;
use crate::engine::tx::Tx;
use crate::names::UserRef;

pub(super) fn account(
    tx: &mut Tx,
    event: &Applied,
    user_event: &UserEvent,
) -> rusqlite::Result<()> {
    match user_event {
        UserEvent::UsernameChanged(changed) => rename_user(tx, event, &changed.user),
        UserEvent::ProfileChanged(changed) => {
            if changed.change.name.is_some() {
                rename_user(tx, event, &changed.user)?;
            }
            if changed.change.custom_fields.is_some() {
                describe_user(tx, event, &changed.user)?;
            }
            Ok(())
        }
        UserEvent::PreferencesChanged(changed) => {
            if !changed.set.keys().any(|name| is_copied(name)) {
                return Ok(());
            }
            let mut highlights = None;
            for room in rooms_of(tx, &changed.user)? {
                change(tx, event, &room, &changed.user, |doc| {
                    doc.prefer(&changed.set);
                    // The same in each of the user's memberships.
                    highlights.get_or_insert_with(|| doc.highlights());
                })?;
                if let Some(highlights) = &highlights {
                    note_keen(tx, &room, &changed.user, highlights);
                }
            }
            Ok(())
        }
        UserEvent::UserActivated(activated) => silence(tx, event, &activated.user, false),
        UserEvent::UserDeactivated(deactivated) if !deactivated.idle => {
            silence(tx, event, &deactivated.user, true)
        }
        UserEvent::UserDeleted(deleted) => user_gone(tx, event, &deleted.user),
        _ => Ok(()),
    }
}

/// Preferences that memberships have copies of (contract, conventions 7.3).
fn is_copied(preference: &str) -> bool {
    matches!(
        preference,
        "desktopNotifications" | "pushNotifications" | "emailNotificationMode" | "highlights"
    )
}

/// Archives what others have of their conversations with a user who may no longer log in, or takes it out of the
/// archive if both may (contract, conventions 7.4).
fn silence(tx: &mut Tx, event: &Applied, user: &UserId, silent: bool) -> rusqlite::Result<()> {
    for (room, other) in pairs_of(tx, user)? {
        if silent {
            alter(tx, event, &room, &other, |doc| doc.archived = Some(true))?;
        } else if tx
            .users
            .get(&tx.conn, &other)?
            .is_some_and(UserRow::is_active)
        {
            for side in [user, &other] {
                alter(tx, event, &room, side, |doc| {
                    if doc.archived == Some(true) {
                        doc.archived = Some(false);
                    }
                })?;
            }
        }
    }
    Ok(())
}

/// Custom fields of a user changed: their direct messages have copies.
fn describe_user(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    let fields = tx
        .users
        .get(&tx.conn, user)?
        .and_then(|row| row.custom_fields().cloned());
    for room in rooms_of(tx, user)? {
        let direct = tx
            .rooms
            .get(&tx.conn, &room)?
            .is_some_and(|row| row.kind() == RoomKind::Direct);
        if direct {
            change(tx, event, &room, user, |doc| {
                doc.rest.custom_fields.clone_from(&fields);
            })?;
        }
    }
    Ok(())
}

/// A user's name changed: their memberships show it, and direct messages are named after them.
fn rename_user(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    let called = UserRef::full(tx, user)?;
    for room in rooms_of(tx, user)? {
        alter(tx, event, &room, user, |doc| doc.user = called.clone())?;
        name_direct(tx, event, &room)?;
    }
    Ok(())
}

/// Updates the name of a direct message for all who are in it.
fn name_direct(tx: &mut Tx, event: &Applied, room: &RoomId) -> rusqlite::Result<()> {
    let participants = tx
        .rooms
        .get(&tx.conn, room)?
        .map(RoomRow::participants)
        .unwrap_or_default();
    if participants.is_empty() {
        return Ok(());
    }
    for member in tx.members(room)?.clone() {
        let key = (room.clone(), member.clone());
        let Some(mut doc) = tx
            .memberships
            .get(&tx.conn, &key)?
            .map(|row| row.doc.clone())
        else {
            continue;
        };
        let before = (doc.name.clone(), doc.display.clone());
        doc.name_others(tx, &participants)?;
        if before != (doc.name.clone(), doc.display.clone()) {
            alter(tx, event, room, &member, |old| {
                old.name = doc.name;
                old.display = doc.display;
            })?;
        }
    }
    Ok(())
}

/// A member is one no longer. A direct message goes on between those who are left.
pub(super) fn gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    user: &UserId,
) -> rusqlite::Result<()> {
    remove(tx, event, room, user)?;
    let row = tx.rooms.get(&tx.conn, room)?;
    if row.is_some_and(|row| row.kind() == RoomKind::Direct) {
        participant_gone(tx, event, room, user)?;
        name_direct(tx, event, room)?;
    }
    Ok(())
}

/// A deleted account leaves its rooms; direct messages between two are deleted (contract, conventions 7.4).
fn user_gone(tx: &mut Tx, event: &Applied, user: &UserId) -> rusqlite::Result<()> {
    for room in rooms_of(tx, user)? {
        let Some(row) = tx.rooms.get(&tx.conn, &room)? else {
            continue;
        };
        let (direct, participants) = (row.kind() == RoomKind::Direct, row.participants().len());
        if direct && participants <= 2 {
            delete_messages(tx, &room)?;
            remove_all(tx, event, &room)?;
            delete_room(tx, event, &room)?;
            continue;
        }
        let owner = owns(tx, &room, user)?.unwrap_or(false);
        gone(tx, event, &room, user)?;
        let counted = i64::from(tx.was_active == Some(true));
        members_changed(tx, event, &room, -counted, -i64::from(owner))?;
    }
    Ok(())
}
