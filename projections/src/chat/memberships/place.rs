//! What members choose and begin for themselves in a room.

use domain::membership::{MembershipEvent, NotificationsChanged};
use domain::{RoomId, UserId};

use crate::chat::access::memberships::change;
use crate::engine::applied::Applied;
use crate::engine::tx::Tx;

/// Applies an event about somebody's own choices; others are not looked at.
pub(super) fn apply(
    tx: &mut Tx,
    event: &Applied,
    membership_event: &MembershipEvent,
) -> rusqlite::Result<()> {
    match membership_event {
        MembershipEvent::NotificationsChanged(changed) => notify(tx, event, changed),
        MembershipEvent::UserIgnored(ignored) => {
            change(tx, event, &ignored.room, &ignored.user, |doc| {
                let people = &mut doc.choices_mut().ignored;
                if !people.contains(&ignored.ignored) {
                    people.push(ignored.ignored.clone());
                }
            })
        }
        MembershipEvent::UserUnignored(unignored) => {
            change(tx, event, &unignored.room, &unignored.user, |doc| {
                let people = &mut doc.choices_mut().ignored;
                people.retain(|one| *one != unignored.ignored);
            })
        }
        MembershipEvent::DraftChanged(changed) => {
            change(tx, event, &changed.room, &changed.user, |doc| {
                let choices = doc.choices_mut();
                choices.keep_draft(changed.thread.as_ref(), &changed.draft);
            })
        }
        MembershipEvent::DirectMessageBlocked(blocked) => {
            let sides = (&blocked.user, &blocked.other);
            block(tx, event, &blocked.room, sides, true)
        }
        MembershipEvent::DirectMessageUnblocked(unblocked) => {
            let sides = (&unblocked.user, &unblocked.other);
            block(tx, event, &unblocked.room, sides, false)
        }
        _ => Ok(()),
    }
}

/// A member chose what to be told of. Where they chose the default, it is what they prefer everywhere.
fn notify(tx: &mut Tx, event: &Applied, changed: &NotificationsChanged) -> rusqlite::Result<()> {
    let user = tx.users.get(&tx.conn, &changed.user)?;
    let preferences = user.and_then(|row| row.preferences().cloned());
    change(tx, event, &changed.room, &changed.user, |doc| {
        for choice in &changed.choices {
            doc.choose(choice, preferences.as_ref());
        }
    })
}

/// Whoever blocks a direct message is its blocker; the other is blocked.
fn block(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    (blocker, blocked): (&UserId, &UserId),
    block: bool,
) -> rusqlite::Result<()> {
    for user in [blocker, blocked] {
        tx.stale.memberships.insert((room.clone(), user.clone()));
    }
    let is = block.then_some(true);
    change(tx, event, room, blocker, |doc| {
        doc.choices_mut().blocker = is;
    })?;
    change(tx, event, room, blocked, |doc| {
        doc.choices_mut().blocked = is;
    })
}
