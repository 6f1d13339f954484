//! Where a member stands in a room, and what is new behind that.
//!
//! A read cursor is a position in the room: as send times rise strictly in the order of the log, it is written as one.
//! Whatever moves it counts again what lies behind it. So `unread` is always the number of messages of others that were
//! sent after `ls`, under the room's rule of counting. (A new member who has read nothing has one more, for the joining
//! itself.)

mod news;

use std::collections::BTreeSet;

use domain::membership::{MarkedUnread, ReadCursorMoved, ThreadRead};
use domain::{MessageId, RoomId, SeenUpTo, Timestamp, UserId};
use news::newest_first;

use crate::chat::access::memberships::change;
use crate::engine::applied::Applied;
use crate::engine::rows::membership::MembershipDoc;
use crate::engine::rows::room::RoomRow;
use crate::engine::rows::room::tail::{After, Told};
use crate::engine::rows::tally::{Counts, Tally};
use crate::engine::tx::{Moved, Tx};
use crate::iso::Date;

/// What lies behind a cursor.
#[derive(Clone, Debug, Default)]
struct News {
    counts: Counts,
    /// Something is new that is shown in the room.
    alert: bool,
    /// The threads with new replies.
    threads: BTreeSet<MessageId>,
    /// Send time of the first message, whoever wrote it.
    first: Option<Timestamp>,
}

impl News {
    /// Notes a message; they come newest first.
    fn note(&mut self, told: &Told, user: &UserId) {
        self.first = Some(told.at);
        if told.author == *user {
            return;
        }
        self.counts += told.tally.of(user);
        self.alert |= told.shown;
        self.threads.extend(told.thread.clone());
    }
}

/// What there is behind a place in a room for a member.
fn news(tx: &mut Tx, room: &RoomId, user: &UserId, after: After) -> rusqlite::Result<News> {
    let mut news = News::default();
    let Some(row) = tx.rooms.get(&tx.conn, room)? else {
        return Ok(news);
    };
    if let Some(messages) = row.tail().newest_first(after) {
        for told in messages {
            news.note(told, user);
        }
        return Ok(news);
    }
    let born = row.born();
    newest_first(tx, room, after, born, |told| news.note(told, user))?;
    Ok(news)
}

impl MembershipDoc {
    fn stand_at(&mut self, cursor: Timestamp, counts: Counts) {
        self.seen = Some(Date(cursor));
        self.from_cursor = false;
        self.unread = counts.unread;
        self.user_mentions = counts.user_mentions;
        self.group_mentions = counts.group_mentions;
    }
}

/// Notes for the view of receipts that somebody has read what is behind one place and up to another, in the room or in
/// one of its threads alone.
fn note(
    tx: &mut Tx,
    (room, user): (&RoomId, &UserId),
    (from, to): (Option<Timestamp>, Timestamp),
    at: Timestamp,
    thread: Option<&MessageId>,
) {
    if tx.policy.receipts.floors {
        tx.moved = Some(Moved {
            room: room.clone(),
            user: user.clone(),
            thread: thread.cloned(),
            from,
            to,
            at,
        });
    }
}

/// Where a member's cursor stands (`None` within: nowhere yet) and the send time of the room's newest message.
fn standing(
    tx: &mut Tx,
    room: &RoomId,
    user: &UserId,
) -> rusqlite::Result<Option<(Option<Timestamp>, Timestamp)>> {
    let key = (room.clone(), user.clone());
    let Some(member) = tx.memberships.get(&tx.conn, &key)? else {
        return Ok(None);
    };
    let seen = member.doc.seen.map(|seen| seen.0);
    let clock = tx.rooms.get(&tx.conn, room)?.map(RoomRow::clock);
    Ok(clock.map(|clock| (seen, clock)))
}

/// A member has read the room as far as they could see it. What came since stays new, and what they read elsewhere
/// stays read.
pub(super) fn read(tx: &mut Tx, event: &Applied, read: &ReadCursorMoved) -> rusqlite::Result<()> {
    let (room, user) = (&read.room, &read.user);
    let Some((seen, clock)) = standing(tx, room, user)? else {
        return Ok(());
    };
    let cursor = read.cursor.map_or(clock, |cursor| cursor.min(clock));
    let cursor = seen.map_or(cursor, |seen| cursor.max(seen));
    let news = if cursor < clock {
        news(tx, room, user, After::time(cursor))?
    } else {
        News::default()
    };
    change(tx, event, room, user, |doc| {
        if read.threads {
            for list in [
                &mut doc.thread_unread,
                &mut doc.thread_unread_user,
                &mut doc.thread_unread_group,
            ] {
                list.retain(|thread| news.threads.contains(thread));
            }
        }
        doc.alert = news.alert || (doc.alert && !doc.thread_unread.is_empty());
        doc.open = true;
        doc.stand_at(cursor, news.counts);
    })?;
    note(tx, (room, user), (seen, cursor), read.at, None);
    Ok(())
}

pub(super) fn mark_unread(
    tx: &mut Tx,
    event: &Applied,
    marked: &MarkedUnread,
) -> rusqlite::Result<()> {
    let (room, user) = (&marked.room, &marked.user);
    let Some((seen, clock)) = standing(tx, room, user)? else {
        return Ok(());
    };
    let cursor = marked.cursor.min(clock);
    let news = if cursor < clock {
        news(tx, room, user, After::time(cursor))?
    } else {
        News::default()
    };
    change(tx, event, room, user, |doc| {
        doc.open = true;
        doc.alert = true;
        doc.stand_at(cursor, news.counts);
        doc.from_cursor = true;
    })?;
    note(tx, (room, user), (seen, cursor), marked.at, None);
    Ok(())
}

/// A member has read a thread as far as they could see it. Replies that came since stay new. With the last thread the
/// alert goes, whatever else is new in the room (contract, rooms 2.3).
pub(super) fn read_thread(tx: &mut Tx, event: &Applied, read: &ThreadRead) -> rusqlite::Result<()> {
    let (room, user) = (&read.room, &read.user);
    let Some((seen, clock)) = standing(tx, room, user)? else {
        return Ok(());
    };
    let to = read.cursor.map_or(clock, |cursor| cursor.min(clock));
    note(tx, (room, user), (seen, to), read.at, Some(&read.thread));
    let news = match read.cursor {
        Some(cursor) if cursor < clock => news(tx, room, user, After::time(cursor))?,
        _ => News::default(),
    };
    if news.threads.contains(&read.thread) {
        return Ok(());
    }
    change(tx, event, room, user, |doc| {
        let was_last = doc.thread_unread.contains(&read.thread) && doc.thread_unread.len() == 1;
        doc.alert &= !was_last;
        doc.thread_is_read(&read.thread);
    })
}

/// Sending marks the room read for the sender, as far as they could see it: if others were faster, the cursor stays
/// before their messages. `before`: position of the room's message before this one.
pub(super) fn author(
    tx: &mut Tx,
    event: &Applied,
    (room, user): (&RoomId, &UserId),
    (at, before): (Timestamp, i64),
    saw: Option<SeenUpTo>,
    reply: bool,
) -> rusqlite::Result<()> {
    let saw = saw.map_or(before, |saw| i64::try_from(saw.get()).unwrap_or(i64::MAX));
    let mut cursor = at;
    let mut missed = News::default();
    if saw < before {
        let Some((seen, _)) = standing(tx, room, user)? else {
            return Ok(());
        };
        // They may have read more than this node shows: what is up to `ls` is not news.
        let after = After { seq: saw, at: seen };
        missed = news(tx, room, user, after)?;
        if missed.alert {
            let stays = missed
                .first
                .map_or(at, |first| Timestamp::from_millis(first.as_millis() - 1));
            cursor = seen.map_or(stays, |seen| stays.max(seen));
        }
    }
    let mut seen = None;
    let mut there = false;
    change(tx, event, room, user, |doc| {
        (there, seen) = (true, doc.seen.map(|seen| seen.0));
        doc.open = true;
        doc.alert = missed.alert;
        doc.stand_at(cursor, missed.counts);
        if reply {
            doc.last_reply = Some(Date(at));
        }
    })?;
    if there {
        note(tx, (room, user), (seen, cursor), at, None);
    }
    Ok(())
}

/// A message that is being removed, as the counters know it.
pub(super) struct Going<'a> {
    pub(super) room: &'a RoomId,
    pub(super) author: &'a UserId,
    /// The position of the event that posted it.
    pub(super) seq: i64,
    /// Send time, as the room shows it.
    pub(super) at: Timestamp,
    pub(super) tally: &'a Tally,
}

/// A message that was replied to is being removed: nobody has an unread reply to it any more (contract, rooms 2.3).
pub(super) fn thread_gone(
    tx: &mut Tx,
    event: &Applied,
    room: &RoomId,
    thread: &MessageId,
    followers: &[UserId],
) -> rusqlite::Result<()> {
    if tx.past {
        return Ok(());
    }
    for user in followers {
        let key = (room.clone(), user.clone());
        let unread = tx
            .memberships
            .get(&tx.conn, &key)?
            .is_some_and(|member| member.doc.thread_unread.contains(thread));
        if unread {
            change(tx, event, room, user, |doc| doc.thread_is_read(thread))?;
        }
    }
    Ok(())
}

/// A message is being removed: members who have not read it have one unread message less.
pub(super) fn uncount(tx: &mut Tx, event: &Applied, going: &Going<'_>) -> rusqlite::Result<()> {
    let (room, tally) = (going.room, going.tally);
    if tally.is_empty() || tx.past {
        return Ok(());
    }
    let counted = if tally.everybody() {
        tx.members(room)?.clone()
    } else {
        tally.called.iter().cloned().collect()
    };
    for user in counted.iter().filter(|user| *user != going.author) {
        let key = (room.clone(), user.clone());
        let unread =
            tx.memberships
                .get(&tx.conn, &key)?
                .is_some_and(|member| match member.doc.seen {
                    Some(seen) => going.at > seen.0,
                    None => going.seq > member.position,
                });
        let counts = tally.of(user);
        if unread && counts != Counts::default() {
            change(tx, event, room, user, |doc| {
                doc.count(Counts::default() - counts);
            })?;
        }
    }
    Ok(())
}
