//! What a message means to the members (contract, rooms 2.3, messages 4.1 and 4.2).

use domain::highlight::Search;
use domain::message::{Mention, MessagePosted};
use domain::room::RoomKind;
use domain::{MessageId, Timestamp, UserId, limits, text};

use crate::chat::access::memberships::{change, count_for_all};
use crate::chat::access::messages::keep_tally;
use crate::chat::cursor;
use crate::engine::applied::Applied;
use crate::engine::rows::membership::MembershipDoc;
use crate::engine::rows::room::tail::Told;
use crate::engine::rows::tally::{Counts, Tally};
use crate::engine::tx::Tx;
use crate::iso::Date;
use crate::numbers::number;

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
    let Some((at, before)) = tx.posted.as_ref().map(|posted| (posted.at, posted.before)) else {
        return Ok(());
    };
    let mentions = &posted.content.mentions;
    let group = mentions.contains(&Mention::All) || mentions.contains(&Mention::Here);
    let mentioned = called(tx, posted)?;

    let reply = posted.thread.is_some();
    cursor::author(tx, event, (room, author), (at, before), posted.seen, reply)?;
    let tally = if let Some(thread) = &posted.thread {
        follow(tx, event, posted, at, thread, &mentioned, group)?;
        Tally::default()
    } else {
        count(tx, event, posted, direct, mentioned, group)?
    };
    remember(tx, event, posted, at, tally)?;
    if reply && !posted.shown_in_room {
        return Ok(());
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

/// Who is called by name, or as one of a team or of those who have a role. Each once, without the author.
fn called(tx: &mut Tx, posted: &MessagePosted) -> rusqlite::Result<Vec<UserId>> {
    let room = &posted.room;
    let mut called = Vec::new();
    for mention in &posted.content.mentions {
        match mention {
            Mention::User(user) => called.push(user.clone()),
            Mention::Team { room: main, .. } => {
                let team = tx.members(main)?.clone();
                called.extend(tx.members(room)?.intersection(&team).cloned());
            }
            Mention::Role(role) => called.extend(tx.holders(room, role)?),
            Mention::All | Mention::Here => {}
        }
    }
    called.sort_unstable();
    called.dedup();
    called.retain(|user| *user != posted.author);
    Ok(called)
}

/// Stores what the message counted for: with the message, and among the latest messages of the room.
fn remember(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    at: Timestamp,
    tally: Tally,
) -> rusqlite::Result<()> {
    if !tally.is_empty() {
        keep_tally(tx, &posted.message, tally.clone())?;
    }
    if let Some(row) = tx.rooms.get_mut(&tx.conn, &posted.room)? {
        row.tail_mut().push(Told {
            seq: number(event.position),
            id: posted.message.clone(),
            at,
            author: posted.author.clone(),
            shown: posted.thread.is_none() || posted.shown_in_room,
            thread: posted.thread.clone(),
            tally,
        });
    }
    Ok(())
}

/// Raises the counters; returns whose.
fn count(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    direct: bool,
    mentioned: Vec<UserId>,
    group: bool,
) -> rusqlite::Result<Tally> {
    let (room, author) = (&posted.room, &posted.author);
    let counting = if direct {
        tx.policy.direct
    } else {
        tx.policy.room
    };
    let mut called = mentioned;
    called.sort_unstable();
    called.extend(highlighted(tx, posted, &called)?);
    called.sort_unstable();
    // Whoever is called by name, or by a word they have highlighted, is meant rather than everybody.
    let rest_mentioned = group && called.is_empty();
    let tally = Tally {
        called_unread: counting.user_mentions && !called.is_empty(),
        rest_mentioned,
        rest_unread: if group {
            rest_mentioned && counting.group_mentions
        } else {
            counting.all
        },
        called,
    };
    let mut counted = Counts::default();
    if tally.everybody() {
        counted = tally.of_the_rest();
        count_for_all(tx, event, room, counted)?;
        change(tx, event, room, author, |doc| {
            doc.count(Counts::default() - counted);
        })?;
    }
    for user in &tally.called {
        change(tx, event, room, user, |doc| {
            doc.count(tally.of(user) - counted);
            doc.alert();
        })?;
    }
    Ok(tally)
}

/// The members who have highlighted a word of the message, without the author and without those who are `called`
/// anyway. `called` is in order.
fn highlighted(
    tx: &mut Tx,
    posted: &MessagePosted,
    called: &[UserId],
) -> rusqlite::Result<Vec<UserId>> {
    let encrypted = posted
        .presentation
        .as_ref()
        .is_some_and(|presentation| presentation.encrypted.is_some());
    let keen = tx.keen(&posted.room)?;
    if encrypted || keen.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search::new(text::cut_bytes(&posted.content.text, limits::HIGHLIGHTED));
    Ok(keen
        .iter()
        .filter(|(user, _)| **user != posted.author && called.binary_search(user).is_err())
        .filter(|(_, highlights)| search.hits(highlights))
        .map(|(user, _)| user.clone())
        .collect())
}

/// A reply: the users it concerns see the room alerted, followers of the thread see it unread.
fn follow(
    tx: &mut Tx,
    event: &Applied,
    posted: &MessagePosted,
    at: Timestamp,
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
            doc.last_reply = Some(Date(at));
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
