//! `subscriptions.*`: the caller's places in rooms (contract, rooms 14).

use application::chat::place::{self, Reading, Unread};
use domain::{MessageId, RoomId};
use projections::Sync;

use crate::documents::rooms::removed;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Inside, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("subscriptions.get", get)
            .about("The caller's subscriptions, or what changed of them since.")
            .answers(&[("update", Kind::List), ("remove", Kind::List)]),
        route::get("subscriptions.getOne", get_one)
            .about("The caller's subscription to one room.")
            .answers(&[("subscription", Kind::Any)]),
        route::post("subscriptions.read", read).about("Marks a room as read."),
        route::post("subscriptions.unread", unread)
            .about("Marks a room as unread, from a message on."),
    ]
}

/// What changed and what was removed, as sync routes return it.
pub fn synced(sync: &Sync) -> Answer {
    Answer::empty()
        .raw_list("update", &sync.update)
        .field("remove", &removed(&sync.remove))
}

#[derive(Parameters)]
struct Get {
    updated_since: Option<Date>,
}

async fn get(call: Call, Get { updated_since }: Get) -> Outcome {
    let since = call
        .changes_since(updated_since)
        .map_err(|_| wording::invalid_date("error-roomId-param-invalid", "lastUpdate"))?;
    Ok(synced(
        &call
            .state
            .views()
            .memberships_sync(call.caller.id(), since)
            .await?,
    ))
}

#[derive(Parameters)]
struct GetOne {
    room_id: RoomId,
}

/// `subscriptions.getOne`. Without a place in the room, `null` and not an error.
async fn get_one(call: Call, GetOne { room_id }: GetOne) -> Outcome {
    let record = call
        .state
        .views()
        .membership(&room_id, call.caller.id())
        .await?;
    Ok(Answer::empty().raw(
        "subscription",
        record.as_ref().map_or(b"null", |record| &record.doc),
    ))
}

#[derive(Parameters)]
struct MarkRead {
    #[param(one_of)]
    rid: Option<String>,
    #[param(one_of)]
    room_id: Option<String>,
    read_threads: Option<bool>,
    /// Only the replies to this message.
    tmid: Option<MessageId>,
}

async fn read(call: Call, params: MarkRead) -> Outcome {
    let room = RoomId::new(params.rid.or(params.room_id).unwrap_or_default());
    let reading = match params.tmid {
        Some(thread) => Reading::Thread(thread),
        None if params.read_threads == Some(true) => Reading::RoomAndThreads,
        None => Reading::Room,
    };
    place::read(&call.state, &call.caller, &room, reading).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct MarkUnread {
    /// From its newest message on.
    #[param(one_of)]
    room_id: Option<RoomId>,
    #[param(one_of)]
    first_unread_message: Option<Inside<FirstUnread>>,
}

#[derive(Parameters)]
struct FirstUnread {
    #[param(name = "_id")]
    id: MessageId,
}

async fn unread(call: Call, params: MarkUnread) -> Outcome {
    let from = match params.first_unread_message {
        Some(Inside(FirstUnread { id })) => Unread::Message(id),
        None => Unread::Room(params.room_id.unwrap_or_else(|| RoomId::new(""))),
    };
    place::mark_unread(&call.state, &call.caller, &from).await?;
    Ok(Answer::empty())
}
