//! What a message means to the members (contract, rooms 2.3, messages 4.1 and 4.2).

use domain::message::{Mention, MessagePosted};
use domain::room::RoomKind;
use domain::{MessageId, UserId};

use super::change;
use super::doc::MembershipDoc;
use crate::iso::Date;
use crate::projection::Applied;
use crate::tx::Tx;

/// What a message means to the members (contract, rooms 2.3, messages 4.1 and 4.2).
pub(super) fn message(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let Some(direct) = tx
        .rooms
        .get(&tx.conn, room)?
        .map(|row| row.kind() == RoomKind::Direct)
    else {
        return Ok(());
    };
    let group = posted
        .content
        .mentions
        .iter()
        .any(|mention| !matches!(mention, Mention::User(_)));
    let mentioned: Vec<UserId> = posted
        .content
        .mentions
        .iter()
        .filter_map(|mention| match mention {
            Mention::User(user) if user != author => Some(user.clone()),
            _ => None,
        })
        .collect();

    // Sending marks the room read for the sender.
    change(tx, event, room, author, |doc| {
        doc.open = true;
        doc.alert = false;
        doc.seen_to(posted.at);
        if posted.thread.is_some() {
            doc.last_reply = Some(Date(posted.at));
        }
    })?;
    if let Some(thread) = &posted.thread {
        follow(tx, event, posted, thread, &mentioned, group)?;
        if !posted.shown_in_room {
            return Ok(());
        }
    } else {
        count(tx, event, posted, direct, &mentioned, group)?;
    }
    // Everybody else sees the room alerted: only those who do not yet are touched.
    let quiet: Vec<UserId> = tx
        .quiet(room)?
        .iter()
        .filter(|user| *user != author)
        .cloned()
        .collect();
    for user in quiet {
        change(tx, event, room, &user, MembershipDoc::alert)?;
    }
    Ok(())
}

/// Raises the counters.
fn count(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    direct: bool,
    mentioned: &[UserId],
    group: bool,
) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let counting = if direct {
        tx.policy.direct
    } else {
        tx.policy.room
    };
    for user in mentioned {
        change(tx, event, room, user, |doc| {
            doc.user_mentions += 1;
            doc.unread += i64::from(counting.user_mentions);
            doc.alert();
        })?;
    }
    // Direct mentions win over group mentions.
    let everybody = if group {
        mentioned.is_empty()
    } else {
        counting.all
    };
    if !everybody {
        return Ok(());
    }
    let others: Vec<UserId> = tx
        .members(room)?
        .iter()
        .filter(|user| *user != author && !mentioned.contains(user))
        .cloned()
        .collect();
    for user in others {
        change(tx, event, room, &user, |doc| {
            if group {
                doc.group_mentions += 1;
                doc.unread += i64::from(counting.group_mentions);
            } else {
                doc.unread += 1;
            }
            doc.alert();
        })?;
    }
    Ok(())
}

/// A reply: those it concerns see the room alerted, those who follow the thread see it unread.
fn follow(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    thread: &MessageId,
    mentioned: &[UserId],
    group: bool,
) -> rusqlite::Result<()> {
    let (room, author) = (&posted.room, &posted.author);
    let (audience, mut followers) = match &mut tx.posted {
        Some(scratch) => (
            std::mem::take(&mut scratch.audience),
            std::mem::take(&mut scratch.followers),
        ),
        None => (Vec::new(), Vec::new()),
    };
    for user in &audience {
        change(tx, event, room, user, |doc| {
            doc.alert();
            doc.last_reply = Some(Date(posted.at));
        })?;
    }
    followers.extend(
        mentioned
            .iter()
            .filter(|user| !followers.contains(user))
            .cloned()
            .collect::<Vec<_>>(),
    );
    for user in followers.iter().filter(|user| *user != author) {
        change(tx, event, room, user, |doc| {
            let add = |list: &mut Vec<MessageId>| {
                if !list.contains(thread) {
                    list.push(thread.clone());
                }
            };
            add(&mut doc.thread_unread);
            if mentioned.contains(user) {
                add(&mut doc.thread_unread_user);
            } else if group {
                add(&mut doc.thread_unread_group);
            }
        })?;
    }
    Ok(())
}
