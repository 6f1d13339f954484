//! `subscriptions.*`: the caller's places in rooms (contract, rooms 14).

use application::chat::members;
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use application::ids::now;
use domain::membership::MembershipCommand;
use domain::{MessageId, RoomId, Timestamp};
use projections::Sync;
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Date, Loose, Parameters};
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
    let removed: Vec<Value> = sync
        .remove
        .iter()
        .map(|gone| json!({ "_id": gone.id, "_deletedAt": iso(gone.at) }))
        .collect();
    Answer::empty()
        .raw_list("update", &sync.update)
        .field("remove", &removed)
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

/// The caller's place in a room, for marking it as read or unread.
async fn place(call: &Call, room: &RoomId) -> Result<RoomAccess, ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, room).await?;
    let place = place
        .filter(|place| place.can_access(&call.caller))
        .ok_or_else(wording::marking_not_allowed)?;
    if place.is_member() {
        Ok(place)
    } else {
        Err(wording::no_subscription())
    }
}

#[derive(Parameters)]
struct MarkRead {
    #[param(one_of)]
    rid: Option<String>,
    #[param(one_of)]
    room_id: Option<String>,
    read_threads: Option<bool>,
}

async fn read(call: Call, params: MarkRead) -> Outcome {
    let room = params.rid.or(params.room_id).unwrap_or_default();
    let place = place(&call, &RoomId::new(room)).await?;
    let command = MembershipCommand::Read {
        threads: params.read_threads == Some(true),
        at: now(),
    };
    members::change_own(&call.state, &call.caller, &place, &command).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Unread {
    /// From its newest message on.
    room_id: Option<RoomId>,
    first_unread_message: Loose<Map<String, Value>>,
}

async fn unread(call: Call, params: Unread) -> Outcome {
    let first = params.first_unread_message.value.as_ref();
    let first = first.and_then(|message| message.get("_id")?.as_str());
    let (place, cursor) = match (&params.room_id, first) {
        (Some(room), _) => newest(&call, room).await?,
        (None, Some(message)) => from_message(&call, message).await?,
        (None, None) => {
            let missing = ["roomId", "firstUnreadMessage"]
                .map(|name| format!("must have required property '{name}'"));
            return Err(wording::invalid_params(&missing));
        }
    };
    let command = MembershipCommand::MarkUnread { cursor, at: now() };
    members::change_own(&call.state, &call.caller, &place, &command).await?;
    Ok(Answer::empty())
}

async fn newest(call: &Call, room: &RoomId) -> Result<(RoomAccess, Timestamp), ApiError> {
    let place = place(call, room).await?;
    let cursor = call
        .state
        .views()
        .last_message_at(room)
        .await?
        .ok_or_else(wording::nothing_to_unread)?;
    Ok((place, cursor))
}

async fn from_message(call: &Call, message: &str) -> Result<(RoomAccess, Timestamp), ApiError> {
    let record = call.state.views().message(&MessageId::new(message)).await?;
    let record = record
        .filter(|record| record.author != *call.caller.id())
        .ok_or_else(wording::unread_not_allowed)?;
    let room = RoomAccess::of(&call.state, &call.caller, &record.room).await?;
    if !room.is_some_and(|room| room.is_visible(&call.caller)) {
        return Err(wording::unread_not_allowed());
    }
    Ok((place(call, &record.room).await?, record.at))
}
