//! `e2e.*`: keys for end-to-end encryption (the public documentation; contract, clients). The server only passes them
//! on.

use application::chat::room_access::RoomAccess;
use application::identity::e2e;
use domain::settings::keys;
use domain::{RoomId, UserId};
use serde_json::{Map, Value, json};

use crate::documents::e2e::waiting;
use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Document, Parameters};
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("e2e.setUserPublicAndPrivateKeys", set_keys)
            .about("Keeps the key pair of the caller."),
        route::get("e2e.fetchMyKeys", fetch_keys).about("The key pair of the caller."),
        route::get("e2e.getUsersOfRoomWithoutKey", users_without_key)
            .about("Members of a room who wait for its key.")
            .answers(&[("users", Kind::List)]),
        route::post("e2e.setRoomKeyID", set_room_key_id)
            .about("Says what the key of a room is known by."),
        route::post("e2e.updateGroupKey", update_group_key)
            .about("Keeps the key of a room for the caller, or offers it to another member."),
        route::post("e2e.acceptSuggestedGroupKey", |call, room| {
            answer(call, room, true)
        })
        .about("Takes the key that another member offers."),
        route::post("e2e.rejectSuggestedGroupKey", |call, room| {
            answer(call, room, false)
        })
        .about("Turns the key down that another member offers."),
        route::get("e2e.fetchUsersWaitingForGroupKey", fetch_waiting)
            .about("Members of several rooms who wait for their keys.")
            .answers(&[("usersWaitingForE2EKeys", Kind::Object)]),
        route::post("e2e.provideUsersSuggestedGroupKeys", provide)
            .about("Offers keys of several rooms to their members."),
        route::post("e2e.resetRoomKey", reset_room_key)
            .about("Gives a room another key in place of one that got lost."),
    ]
}

/// Rooms and users that one request may hand keys to.
const MOST_KEYS: usize = 1000;

/// A room the caller is a member of; `method` is the wire's name of the operation.
async fn own_room(call: &Call, room: &str, method: &str) -> Result<RoomAccess, ApiError> {
    let place = RoomAccess::own(&call.state, &call.caller, &RoomId::new(room)).await?;
    place.ok_or_else(|| wording::e2e_room_unknown(method))
}

#[derive(Parameters)]
struct SetKeys {
    #[param(name = "public_key")]
    public_key: Document,
    #[param(name = "private_key")]
    private_key: Document,
    force: Option<bool>,
}

async fn set_keys(call: Call, params: SetKeys) -> Outcome {
    let (public, private) = (&params.public_key.0, &params.private_key.0);
    let force = params.force.unwrap_or_default();
    e2e::set_keys(&call.state, &call.caller, public, private, force).await?;
    Ok(Answer::empty())
}

async fn fetch_keys(call: Call) -> Outcome {
    let keys = e2e::own_keys(&call.state, &call.caller).await?;
    Ok(match keys {
        None => Answer::empty(),
        Some((public, private)) => Answer::empty()
            .field("public_key", &public)
            .field("private_key", &private),
    })
}

#[derive(Parameters)]
struct OfRoom {
    rid: RoomId,
}

async fn users_without_key(call: Call, OfRoom { rid }: OfRoom) -> Outcome {
    own_room(&call, rid.as_str(), "e2e.getUsersOfRoomWithoutKey").await?;
    let users = waiting(&call.state, &rid).await?;
    Ok(Answer::empty().field("users", &users))
}

#[derive(Parameters)]
struct SetRoomKeyId {
    rid: String,
    #[param(name = "keyID")]
    key_id: Document,
}

async fn set_room_key_id(call: Call, params: SetRoomKeyId) -> Outcome {
    let place = own_room(&call, &params.rid, "e2e.setRoomKeyID").await?;
    e2e::set_room_key(&call.state, &call.caller, &place, &params.key_id.0, None).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct UpdateGroupKey {
    uid: UserId,
    rid: String,
    key: Document,
}

async fn update_group_key(call: Call, params: UpdateGroupKey) -> Outcome {
    let place = own_room(&call, &params.rid, "e2e.updateGroupKey").await?;
    let keys = [(params.uid, params.key.0)];
    e2e::give_keys(&call.state, &call.caller, &place, &keys).await?;
    Ok(Answer::empty())
}

async fn answer(call: Call, OfRoom { rid }: OfRoom, accept: bool) -> Outcome {
    let place = RoomAccess::of(&call.state, &call.caller, &rid)
        .await?
        .filter(RoomAccess::is_member)
        .ok_or_else(wording::subscription_not_found)?;
    e2e::answer(&call.state, &call.caller, &place, accept).await?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct FetchWaiting {
    /// In a list, or in texts separated by commas.
    room_ids: Option<Vec<String>>,
}

/// `GET /api/v1/e2e.fetchUsersWaitingForGroupKey`. Rooms the caller is not in are skipped.
async fn fetch_waiting(call: Call, FetchWaiting { room_ids }: FetchWaiting) -> Outcome {
    let mut rooms = Map::new();
    let ids = room_ids
        .iter()
        .flatten()
        .flat_map(|ids| ids.split(','))
        .map(str::trim_ascii)
        .take(MOST_KEYS);
    for id in ids.collect::<Vec<&str>>() {
        let place = own_room(&call, id, "e2e.fetchUsersWaitingForGroupKey").await;
        if place.is_err() {
            continue;
        }
        let waiting = call.state.views().waiting_for_key(&RoomId::new(id)).await?;
        let users: Vec<Value> = waiting
            .into_iter()
            .map(|(user, key)| json!({ "_id": user, "public_key": key }))
            .collect();
        if !users.is_empty() {
            rooms.insert(id.to_owned(), Value::Array(users));
        }
    }
    Ok(Answer::empty().field("usersWaitingForE2EKeys", &rooms))
}

#[derive(Parameters)]
struct Provide {
    /// Of each room, users with their keys.
    users_suggested_group_keys: Map<String, Value>,
}

/// `POST /api/v1/e2e.provideUsersSuggestedGroupKeys`. Rooms and users the caller cannot hand keys to are skipped.
async fn provide(call: Call, wish: Provide) -> Outcome {
    if !call.state.views().settings().bool(keys::E2E_ENABLE) {
        return Ok(Answer::empty());
    }
    let rooms = wish.users_suggested_group_keys;
    if rooms.len() > MOST_KEYS {
        return Err(ApiError::TooLarge);
    }
    for (room, users) in &rooms {
        let place = own_room(&call, room, "e2e.provideUsersSuggestedGroupKeys").await;
        let Ok(place) = place else {
            continue;
        };
        let mut keys = Vec::new();
        for user in users.as_array().into_iter().flatten().take(MOST_KEYS) {
            let (Some(id), Some(key)) = (user["_id"].as_str(), user["key"].as_str()) else {
                return Err(wording::match_missing("_id"));
            };
            keys.push((UserId::new(id), key.to_owned()));
        }
        e2e::give_keys(&call.state, &call.caller, &place, &keys).await?;
    }
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct ResetRoomKey {
    rid: String,
    e2e_key: Document,
    e2e_key_id: Document,
}

async fn reset_room_key(call: Call, params: ResetRoomKey) -> Outcome {
    let place = own_room(&call, &params.rid, "e2e.resetRoomKey").await?;
    let (key, key_id) = (&params.e2e_key.0, &params.e2e_key_id.0);
    e2e::set_room_key(&call.state, &call.caller, &place, key_id, Some(key)).await?;
    Ok(Answer::empty())
}
