//! `subscriptions.*`: the caller's places in rooms (contract, rooms 14).

use application::chat::members;
use application::chat::room_access::RoomAccess;
use application::dates::iso;
use application::ids::now;
use domain::membership::MembershipCommand;
use domain::{MessageId, RoomId, Timestamp};
use projections::Sync;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::get("subscriptions.get", get)
            .about("The caller's subscriptions, or what changed of them since.")
            .knows(&[("updatedSince", Kind::Text)])
            .answers(&[("update", Kind::List), ("remove", Kind::List)]),
        route::get("subscriptions.getOne", get_one)
            .about("The caller's subscription to one room.")
            .knows(&[("roomId", Kind::Text)])
            .answers(&[("subscription", Kind::Any)]),
        route::post("subscriptions.read", read)
            .about("Marks a room as read.")
            .knows(&[("rid", Kind::Text), ("readThreads", Kind::Boolean)]),
        route::post("subscriptions.unread", unread)
            .about("Marks a room as unread, from a message on.")
            .knows(&[("roomId", Kind::Text), ("firstUnreadMessage", Kind::Object)]),
    ]
}

const GET: OldSchema = OldSchema {
    required: &[],
    optional: &[("updatedSince", Kind::Text)],
    one_of: &[],
};
const GET_ONE: OldSchema = OldSchema {
    required: &[("roomId", Kind::Text)],
    optional: &[],
    one_of: &[],
};
const READ: OldSchema = OldSchema {
    required: &[],
    optional: &[("readThreads", Kind::Boolean)],
    one_of: &["rid", "roomId"],
};

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

async fn get(call: Call) -> Outcome {
    let params = call.input.strict(&GET)?;
    let since = call
        .since(&params, "updatedSince")
        .map_err(|_| wording::invalid_date("error-roomId-param-invalid", "lastUpdate"))?;
    Ok(synced(
        &call
            .state
            .views()
            .memberships_sync(call.caller.id(), since)
            .await?,
    ))
}

/// `subscriptions.getOne`. Without a place in the room, `null` and not an error.
async fn get_one(call: Call) -> Outcome {
    let params = call.input.strict(&GET_ONE)?;
    let room = RoomId::new(params.required("roomId")?);
    let record = call
        .state
        .views()
        .membership(&room, call.caller.id())
        .await?;
    Ok(Answer::empty().raw(
        "subscription",
        record.as_ref().map_or(b"null", |record| &record.doc),
    ))
}

/// The caller's place in a room, for marking it as read or unread.
async fn place(call: &Call, room: &str) -> Result<RoomAccess, ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, &RoomId::new(room)).await?;
    let place = place
        .filter(|place| place.can_access(&call.caller))
        .ok_or_else(wording::marking_not_allowed)?;
    if place.is_member() {
        Ok(place)
    } else {
        Err(wording::no_subscription())
    }
}

async fn read(call: Call) -> Outcome {
    let params = call.input.strict(&READ)?;
    let room = params
        .text("rid")?
        .or(params.text("roomId")?)
        .unwrap_or_default();
    let place = place(&call, room).await?;
    let command = MembershipCommand::Read {
        threads: params.flag("readThreads"),
        at: now(),
    };
    members::change_own(&call.state, &call.caller, &place, &command).await?;
    Ok(Answer::empty())
}

/// `subscriptions.unread`: from the newest message of `roomId`, or from `firstUnreadMessage` on.
async fn unread(call: Call) -> Outcome {
    let params = call.input.params()?;
    let first = params
        .get("firstUnreadMessage")
        .and_then(|message| message.get("_id"))
        .and_then(Value::as_str);
    let (place, cursor) = match (params.filled("roomId")?, first) {
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

async fn newest(call: &Call, room: &str) -> Result<(RoomAccess, Timestamp), ApiError> {
    let place = place(call, room).await?;
    let cursor = call
        .state
        .views()
        .last_message_at(&RoomId::new(room))
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
    Ok((place(call, record.room.as_str()).await?, record.at))
}
