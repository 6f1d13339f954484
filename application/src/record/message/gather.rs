//! Collects the events that the answers about a message are made of.

use domain::message::{self, MessageEvent, MessagePosted};
use domain::{Event, MessageId, RoomId, UserId};
use eventstore::{Position, RecordedEvent, Version};
use futures::StreamExt as _;
use projections::RecordQuery;

use super::history::{Fate, History};
use super::readers::{Life, Readership};
use super::{AskedMessage, MessageHistory, MessageReaders};
use crate::dates::iso;
use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::deed::{Called as _, Envelope, Place, Point, place};
use crate::record::filter;
use crate::record::found;
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// The most events of one message that are told at once, and the most bytes of them: people may edit and react without
/// end.
const MOST_EVENTS: usize = 2_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Posts of more members than these are not looked for by name.
const MOST_NAMED: usize = 200;

/// The events that begin and end memberships of a room.
const MEMBERSHIP: [&str; 4] = ["MemberJoined", "MemberLeft", "MemberRemoved", "RoomDeleted"];

/// A message that was found, and may be shown.
struct Found {
    id: MessageId,
    room: Place,
    posted: Posted,
    /// The last position that is answered of.
    upto: Position,
}

struct Posted {
    at: Point,
    event: MessagePosted,
}

async fn find(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedMessage,
) -> Result<Found, Error> {
    let log = workspace.executor().store();
    let upto = match &asked.at {
        Some(at) => filter::as_of(workspace, at).await?,
        None => log.head().await?,
    };
    workspace.views().wait_for(upto).await?;
    let id = MessageId::new(&asked.message);
    let mut chunks = log.read_stream(&message::stream(&id), Version::FIRST);
    let first = chunks.next().await.transpose()?;
    let first = first.as_deref().and_then(<[_]>::first);
    let decoded = first.and_then(|first| Some((first, first.decode::<Event>().ok()?)));
    let unknown = NotUnderstood::Unknown {
        what: "message",
        named: asked.message.clone(),
        suggestions: Vec::new(),
    };
    let Some((first, Event::Message(event))) = decoded else {
        return Err(unknown.into());
    };
    let room = room(workspace, event.room(), upto).await?;
    if !room.public && !auditor.sees_private_rooms() {
        return Err(unknown.into());
    }
    let MessageEvent::MessagePosted(event) = event else {
        return Err(NotUnderstood::NotWritten(asked.message.clone()).into());
    };
    let at = Point::of(first);
    if at.position > upto {
        return Err(NotUnderstood::NotYetPosted {
            message: asked.message.clone(),
            posted: at.position,
            time: iso(at.time),
        }
        .into());
    }
    let posted = Posted { at, event };
    Ok(Found {
        id,
        room,
        posted,
        upto,
    })
}

/// The room, which is taken for private if nothing is known of it.
async fn room(workspace: &Workspace, room: &RoomId, at: Position) -> Result<Place, Error> {
    let room = room.clone();
    let found = workspace.views().with_record_names(move |names| {
        place(names, &room, at).unwrap_or_else(|| Place {
            name: room.to_string(),
            id: room,
            public: false,
        })
    });
    Ok(found.await?)
}

pub(super) async fn history(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedMessage,
) -> Result<MessageHistory, Error> {
    let found = find(workspace, auditor, asked).await?;
    let (mut events, cut) = own_events(workspace, &found).await?;
    let until = cut.unwrap_or(found.upto);
    events.extend(fates(workspace, &found, until).await?);
    events.sort_by_key(|(envelope, _)| envelope.at);
    let history = workspace
        .views()
        .with_record_names(move |names| History::fold(events, names));
    let history = history.await?.ok_or_else(|| NotUnderstood::Unknown {
        what: "message",
        named: asked.message.clone(),
        suggestions: Vec::new(),
    })?;
    Ok(MessageHistory {
        message: found.id,
        room: found.room,
        history,
        as_of: found.upto,
        cut,
    })
}

/// The events of the message's stream, and the last of them if there are too many.
async fn own_events(
    workspace: &Workspace,
    found: &Found,
) -> Result<(Vec<(Envelope, Event)>, Option<Position>), Error> {
    let log = workspace.executor().store();
    let mut chunks = log.read_stream(&message::stream(&found.id), Version::FIRST);
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut last = Position::START;
    while let Some(chunk) = chunks.next().await {
        for recorded in chunk?.iter().filter(|event| event.position <= found.upto) {
            if events.len() >= MOST_EVENTS || bytes > MOST_BYTES {
                return Ok((events, Some(last)));
            }
            bytes += recorded.data.len();
            last = recorded.position;
            if let Ok(event) = recorded.decode::<Event>() {
                events.push((Envelope::of(recorded), event));
            }
        }
    }
    Ok((events, None))
}

/// What became of the message with its room and with the account of its author.
async fn fates(
    workspace: &Workspace,
    found: &Found,
    until: Position,
) -> Result<Vec<(Envelope, Event)>, Error> {
    let after = found.posted.at.position;
    let queries = [
        RecordQuery {
            rooms: vec![found.room.id.clone()],
            event_types: vec!["RoomDeleted".to_owned()],
            ..found::within(after, until)
        },
        RecordQuery {
            users: vec![found.posted.event.author.clone()],
            event_types: vec!["UserDeleted".to_owned()],
            ..found::within(after, until)
        },
    ];
    let mut events = Vec::new();
    for query in queries {
        let (found, _) = found::part(workspace, &RecordQuery { limit: 1, ..query }).await?;
        let decoded = found
            .iter()
            .filter_map(|one| Some((Envelope::of(one), one.decode().ok()?)));
        events.extend(decoded);
    }
    Ok(events)
}

pub(super) async fn readers(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedMessage,
) -> Result<MessageReaders, Error> {
    let found = find(workspace, auditor, asked).await?;
    let (life, fate) = life(workspace, &found).await?;
    let posted = &found.posted;
    let ended = life.ended;
    let upto = ended.map_or(found.upto, |ended| ended.position);
    let readership = readership(workspace, &found.room.id, life, upto).await?;
    let author: UserId = posted.event.author.clone();
    let at = posted.at.position;
    let told = workspace
        .views()
        .with_record_names(move |names| (names.person(&author, at), readership.told(names, upto)));
    let (author, readers) = told.await?;
    Ok(MessageReaders {
        message: found.id,
        room: found.room,
        author,
        posted: posted.at,
        ended: ended.zip(fate),
        in_thread_only: posted.event.thread.is_some() && !posted.event.shown_in_room,
        readers,
        as_of: found.upto,
    })
}

/// When the message was there, and what ended that.
async fn life(workspace: &Workspace, found: &Found) -> Result<(Life, Option<Fate>), Error> {
    let posted = &found.posted;
    let shown = workspace.views().send_time(posted.at.position).await?;
    let author = &posted.event.author;
    let mut life = Life {
        author: author.clone(),
        posted: posted.at,
        sent: shown.unwrap_or(posted.event.at),
        versions: vec![posted.at.position],
        ended: None,
    };
    let ending = |envelope: &Envelope, event: &Event| {
        let fate = Fate::of(event, author).filter(|fate| fate.ends())?;
        Some((envelope.at, fate))
    };
    let others = fates(workspace, found, found.upto).await?;
    let others = others
        .iter()
        .filter_map(|(envelope, event)| ending(envelope, event));
    let mut end = others.min_by_key(|(at, _)| *at);

    let stream = message::stream(&found.id);
    let mut chunks = workspace
        .executor()
        .store()
        .read_stream(&stream, Version::FIRST.next());
    while let Some(chunk) = chunks.next().await {
        for recorded in chunk?.iter().filter(|event| event.position <= found.upto) {
            let Ok(event) = recorded.decode::<Event>() else {
                continue;
            };
            if let Event::Message(MessageEvent::MessageEdited(_)) = event {
                life.versions.push(recorded.position);
            }
            let own = ending(&Envelope::of(recorded), &event);
            end = end.into_iter().chain(own).min_by_key(|(at, _)| *at);
        }
    }
    life.ended = end.map(|(at, _)| at);
    Ok((life, end.map(|(_, fate)| fate)))
}

/// Who could read the message up to a position, and had read it.
async fn readership(
    workspace: &Workspace,
    room: &RoomId,
    life: Life,
    upto: Position,
) -> Result<Readership, Error> {
    let posted = life.posted.position;
    let mut readership = Readership::new(life);
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let before = RecordQuery {
        rooms: vec![room.clone()],
        event_types: named(&MEMBERSHIP),
        ..found::within(Position::START, posted)
    };
    found::each(workspace, before, |events| apply(&mut readership, events)).await?;
    let since = RecordQuery {
        rooms: vec![room.clone()],
        event_types: named(&[&MEMBERSHIP[..], &["ReadCursorMoved"]].concat()),
        ..found::within(posted, upto)
    };
    found::each(workspace, since, |events| apply(&mut readership, events)).await?;
    let accounts = RecordQuery {
        event_types: named(&["UserDeleted"]),
        ..found::within(Position::START, upto)
    };
    found::each(workspace, accounts, |events| apply(&mut readership, events)).await?;
    let posts = RecordQuery {
        rooms: vec![room.clone()],
        event_types: named(&["MessagePosted"]),
        ..found::within(posted, upto)
    };
    posts_of_others(workspace, posts, &mut readership).await?;
    Ok(readership)
}

/// Has the posts looked at of those who are not known to have read the message before, for as long as there are any.
async fn posts_of_others(
    workspace: &Workspace,
    mut posts: RecordQuery,
    readership: &mut Readership,
) -> Result<(), Error> {
    loop {
        let unread = readership.unread_by(posts.after, MOST_NAMED);
        if unread.as_ref().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        posts.users = unread.unwrap_or_default();
        let (events, next) = found::part(workspace, &posts).await?;
        apply(readership, &events);
        match next {
            Some(next) => posts.after = next,
            None => return Ok(()),
        }
    }
}

fn apply(readership: &mut Readership, events: &[RecordedEvent]) {
    for recorded in events {
        if let Ok(event) = recorded.decode::<Event>() {
            readership.apply(Point::of(recorded), &event);
        }
    }
}
