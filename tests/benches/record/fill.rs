//! The log that is read: people, channels, and what is written in them.

use domain::membership::{self, MembershipEvent};
use domain::message::{self, MessageEvent};
use domain::room::{self, RoomEvent};
use domain::user::{self, UserEvent};
use domain::{EventPayload, MessageId, RoomId, StreamId, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tests::server::Server;

const ROOMS: usize = 200;
const USERS: usize = 2_000;
/// Of so many messages, one is edited, one deleted, and one gets a reaction.
const RARELY: usize = 50;
/// Appends on their way at the same time.
const AT_ONCE: usize = 2_000;
const START: i64 = 1_790_000_000_000;

fn user(number: usize) -> UserId {
    UserId::new(format!("bench-user-{number:04}"))
}

fn room(number: usize) -> RoomId {
    RoomId::new(format!("bench-room-{number:03}"))
}

fn append<E: EventPayload>(
    stream: StreamId,
    expected: Expected,
    event: Value,
    of: &str,
) -> StreamAppend {
    let event = E::deserialize_data(of, event).expect("a known event");
    StreamAppend {
        stream,
        expected,
        events: vec![NewEvent::encode(&event.expect("its fields")).expect("an event")],
    }
}

fn batch(actor: UserId, append: StreamAppend) -> Batch {
    Batch {
        cause: Cause {
            actor,
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        },
        appends: vec![append],
    }
}

fn account(number: usize) -> Batch {
    let id = user(number);
    let created = json!({
        "user": id, "kind": "user", "username": format!("person{number:04}"), "name": format!("Person {number}"),
        "emails": [], "roles": ["user"], "active": true, "at": START,
    });
    let append = append::<UserEvent>(
        user::stream(&id),
        Expected::NoStream,
        created,
        "UserCreated",
    );
    batch(UserId::system(), append)
}

fn channel(number: usize) -> Batch {
    let (id, name) = (room(number), format!("room{number:03}"));
    let created = json!({
        "room": id, "kind": "channel", "name": name, "display_name": name, "creator": user(number), "at": START,
    });
    let append = append::<RoomEvent>(
        room::stream(&id),
        Expected::NoStream,
        created,
        "RoomCreated",
    );
    batch(user(number), append)
}

fn joining(number: usize) -> Batch {
    let (room, user) = (room(number % ROOMS), user(number % USERS));
    let joined = json!({"room": room, "user": user, "joining": "joined", "at": START});
    let stream = membership::stream(&room, &user);
    let append = append::<MembershipEvent>(stream, Expected::NoStream, joined, "MemberJoined");
    batch(user, append)
}

/// Some rooms and people are much busier than others.
fn skewed(number: usize, of: usize) -> usize {
    let spread = number.wrapping_mul(2_654_435_761) % (of * of);
    spread.isqrt()
}

fn chatter(number: usize) -> Batch {
    let after = number % RARELY;
    // What happens to a message follows a few behind it.
    let about = if after < 3 && number >= RARELY {
        number - after - 5
    } else {
        number
    };
    let (room, author) = (room(skewed(about, ROOMS)), user(skewed(about / 3, USERS)));
    let message = MessageId::new(format!("bench-message-{about:08}"));
    let at = START + i64::try_from(number).expect("a small number") * 40;
    let text = format!("number {about}, and about as much as people write at once, not more");
    let content = json!({"text": text});
    let (of, event) = match (about == number, after) {
        (true, _) => (
            "MessagePosted",
            json!({"message": message, "room": room, "author": author, "at": at, "content": content}),
        ),
        (false, 0) => (
            "MessageEdited",
            json!({"message": message, "room": room, "editor": author, "at": at, "content": content}),
        ),
        (false, 1) => (
            "ReactionAdded",
            json!({"message": message, "room": room, "user": author, "emoji": ":+1:", "at": at}),
        ),
        (false, _) => (
            "MessageDeleted",
            json!({"message": message, "room": room, "by": author, "at": at, "remains": "nothing"}),
        ),
    };
    let append = append::<MessageEvent>(message::stream(&message), Expected::Any, event, of);
    batch(author, append)
}

/// Writes into the log of a server that is stopped.
pub async fn fill(server: &Server, events: usize) {
    let log = tests::log::open(server).await;
    let before = (0..USERS).map(account).chain((0..ROOMS).map(channel));
    let before = before.chain((0..USERS).map(joining));
    let chatter = (0..events - 2 * USERS - ROOMS).map(chatter);
    let appending = futures::stream::iter(before.chain(chatter)).map(|batch| log.append(batch));
    // In order, as far as that matters: a message is many appends before what happens to it.
    let mut appending = appending.buffered(AT_ONCE);
    while let Some(outcome) = appending.next().await {
        outcome.expect("an event is recorded");
    }
    drop(appending);
    log.close().await;
}
