//! A server of one's own: `hansard`, with a view that counts the messages of each room and hour, and a route that shows
//! it. Copy this file and `Cargo.toml`, and go on from there; `docs/projections.md` walks through it.

use std::process::ExitCode;

use api::embedding::{
    Answer, ApiError, Call, Date, Extension, Kind, Outcome, Parameters, route, run, wording,
};
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use domain::message::MessageEvent;
use domain::room::RoomEvent;
use domain::{Event, RoomId, Timestamp};
use projections::{Applied, Apply, Projection, QueryError, Tx, Views};
use rusqlite::params;
use serde_json::{Value, json};

const HOUR: i64 = 60 * 60 * 1000;

/// The most hours that are answered at once: some months.
const MOST: u16 = 3000;

fn main() -> ExitCode {
    let route = route::get("messages-per-hour", messages_per_hour)
        .about(
            "How many messages were posted in a room in each hour; hours without any are left out. If there are `more` than \
             are answered at once, ask again `from` the `next` one.",
        )
        .answers(&[
            ("hours", Kind::List),
            ("more", Kind::Boolean),
            ("next", Kind::Date),
        ]);
    run(&Extension::default().with_view(&VIEW).with_routes([route]))
}

/// The view. Raise `version` with every change of the tables or of `apply`: it is then made anew from the log.
static VIEW: Projection = Projection {
    name: "messages_per_hour",
    version: 1,
    tables: "CREATE TABLE messages_per_hour (
        room TEXT NOT NULL,
        -- When it begins, in milliseconds since 1970.
        hour INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        PRIMARY KEY (room, hour)
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

/// Adds one event. What comes out depends on the events alone: no clock, no chance, no look at anything but them and the
/// view's own tables.
fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Message(MessageEvent::MessagePosted(posted)) => {
            let hour = hour_of(event.recorded_at);
            tx.connection()
                .prepare_cached(
                    "INSERT INTO messages_per_hour (room, hour, messages) VALUES (?1, ?2, 1)
                     ON CONFLICT DO UPDATE SET messages = messages + 1",
                )?
                .execute(params![posted.room.as_str(), hour])?;
        }
        Event::Room(RoomEvent::RoomDeleted(deleted)) => {
            tx.connection()
                .prepare_cached("DELETE FROM messages_per_hour WHERE room = ?1")?
                .execute([deleted.room.as_str()])?;
        }
        _ => {}
    }
    Ok(())
}

/// When the hour begins that a time is in.
fn hour_of(at: Timestamp) -> i64 {
    at.as_millis() - at.as_millis().rem_euclid(HOUR)
}

/// What the route takes: names are in camel case on the wire, and what is an `Option` may be left out.
#[derive(Parameters)]
struct Wanted {
    room_id: RoomId,
    from: Option<Date>,
    to: Option<Date>,
}

async fn messages_per_hour(call: Call, wanted: Wanted) -> Outcome {
    let place = RoomAccess::of(&call.state, &call.caller, &wanted.room_id).await?;
    if !place.is_some_and(|place| place.can_read(&call.caller)) {
        return Err(wording::room_not_found(None));
    }
    let from = time(wanted.from, "from")?.map_or(i64::MIN, hour_of);
    let to = time(wanted.to, "to")?.map_or(i64::MAX, Timestamp::as_millis);
    let mut hours = hours(call.state.views(), &wanted.room_id, from, to).await?;
    // One more was asked for than is answered: with it the next answer begins.
    let most = usize::from(MOST);
    let next = hours.get(most).map(|(hour, _)| iso(*hour));
    hours.truncate(most);
    let shown = |(hour, messages)| json!({"hour": iso(hour), "messages": messages});
    let shown: Vec<Value> = hours.into_iter().map(shown).collect();
    let answer = Answer::empty().field("hours", &shown);
    let answer = answer.field("more", &next.is_some());
    Ok(match next {
        Some(next) => answer.field("next", &next),
        None => answer,
    })
}

fn time(date: Option<Date>, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let time = date.map(|date| date.0).transpose();
    time.map_err(|_| wording::invalid_date("error-invalid-date", name))
}

/// The hours of a room that begin from `from` to `to`, in milliseconds, both included, with the messages of each: one more
/// than is answered, if there are so many.
async fn hours(
    views: &Views,
    room: &RoomId,
    from: i64,
    to: i64,
) -> Result<Vec<(Timestamp, i64)>, QueryError> {
    let room = room.to_string();
    views
        .ask(move |conn| {
            conn.prepare_cached(
                "SELECT hour, messages FROM messages_per_hour
                 WHERE room = ?1 AND hour BETWEEN ?2 AND ?3 ORDER BY hour LIMIT ?4",
            )?
            .query_map(params![room, from, to, MOST + 1], |row| {
                Ok((Timestamp::from_millis(row.get(0)?), row.get(1)?))
            })?
            .collect()
        })
        .await
}
