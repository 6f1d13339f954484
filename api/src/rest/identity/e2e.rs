//! `e2e.*`: keys for end-to-end encryption (the public documentation; contract, clients). The server only passes them
//! on.

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use application::identity::e2e;
use domain::settings::keys;
use domain::{RoomId, UserId};
use serde_json::{Map, Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::route::{self, Route};
use crate::http::schema::{Kind, OldSchema};
use crate::state::AppState;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("e2e.setUserPublicAndPrivateKeys", set_keys)
            .about("Keeps the key pair of the caller.")
            .takes(&KEYS),
        route::get("e2e.fetchMyKeys", fetch_keys).about("The key pair of the caller."),
        route::get("e2e.getUsersOfRoomWithoutKey", users_without_key)
            .about("Members of a room who wait for its key.")
            .takes(&ROOM)
            .answers(&[("users", Kind::List)]),
        route::post("e2e.setRoomKeyID", set_room_key_id)
            .about("Says what the key of a room is known by.")
            .takes(&ROOM_KEY),
        route::post("e2e.updateGroupKey", update_group_key)
            .about("Keeps the key of a room for the caller, or offers it to another member.")
            .takes(&GROUP_KEY),
        route::post("e2e.acceptSuggestedGroupKey", accept)
            .about("Takes the key that another member offers.")
            .takes(&ROOM),
        route::post("e2e.rejectSuggestedGroupKey", reject)
            .about("Turns the key down that another member offers.")
            .takes(&ROOM),
        route::get("e2e.fetchUsersWaitingForGroupKey", fetch_waiting)
            .about("Members of several rooms who wait for their keys.")
            .knows(&[("roomIds", Kind::Any)])
            .answers(&[("usersWaitingForE2EKeys", Kind::Object)]),
        route::post("e2e.provideUsersSuggestedGroupKeys", provide)
            .about("Offers keys of several rooms to their members.")
            .takes(&SUGGESTIONS),
        route::post("e2e.resetRoomKey", reset_room_key)
            .about("Gives a room another key in place of one that got lost.")
            .takes(&RESET),
    ]
}

/// The largest key that is kept, in bytes.
const LARGEST_KEY: usize = 64 * 1024;

/// Rooms and users that one request may hand keys to.
const MOST_KEYS: usize = 1000;

static KEYS: OldSchema = OldSchema {
    required: &[
        ("public_key", Kind::Document),
        ("private_key", Kind::Document),
    ],
    optional: &[("force", Kind::Boolean)],
    one_of: &[],
};
static ROOM: OldSchema = OldSchema {
    required: &[("rid", Kind::Text)],
    optional: &[],
    one_of: &[],
};
static ROOM_KEY: OldSchema = OldSchema {
    required: &[("rid", Kind::Text), ("keyID", Kind::Document)],
    optional: &[],
    one_of: &[],
};
static GROUP_KEY: OldSchema = OldSchema {
    required: &[
        ("uid", Kind::Text),
        ("rid", Kind::Text),
        ("key", Kind::Document),
    ],
    optional: &[],
    one_of: &[],
};
static SUGGESTIONS: OldSchema = OldSchema {
    required: &[("usersSuggestedGroupKeys", Kind::Object)],
    optional: &[],
    one_of: &[],
};
static RESET: OldSchema = OldSchema {
    required: &[
        ("rid", Kind::Text),
        ("e2eKey", Kind::Document),
        ("e2eKeyId", Kind::Document),
    ],
    optional: &[],
    one_of: &[],
};

pub(crate) fn sized(key: &str) -> Result<&str, ApiError> {
    if key.len() > LARGEST_KEY {
        Err(ApiError::TooLarge)
    } else {
        Ok(key)
    }
}

/// A room the caller is a member of.
pub(crate) async fn own_room(
    state: &AppState,
    caller: &Caller,
    room: &str,
    method: &str,
) -> Result<RoomAccess, ApiError> {
    RoomAccess::of(state, caller, &RoomId::new(room))
        .await?
        .filter(|place| place.is_member() && place.can_access(caller))
        .ok_or_else(|| wording::e2e_room_unknown(method))
}

pub async fn set_keys(call: Call) -> Outcome {
    let params = call.input.params()?;
    let public = sized(params.required("public_key")?)?;
    let private = sized(params.required("private_key")?)?;
    let force = params.flag("force");
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

async fn users_without_key(call: Call) -> Outcome {
    let params = call.input.params()?;
    let room = params.required("rid")?;
    own_room(
        &call.state,
        &call.caller,
        room,
        "e2e.getUsersOfRoomWithoutKey",
    )
    .await?;
    let users = waiting(&call.state, &RoomId::new(room)).await?;
    Ok(Answer::empty().field("users", &users))
}

/// Members who wait for the key of a room, as clients want them.
pub(crate) async fn waiting(state: &AppState, room: &RoomId) -> Result<Vec<Value>, ApiError> {
    let waiting = state.views().waiting_for_key(room).await?;
    Ok(waiting
        .into_iter()
        .map(|(user, key)| json!({ "_id": user, "e2e": { "public_key": key } }))
        .collect())
}

async fn set_room_key_id(call: Call) -> Outcome {
    let params = call.input.params()?;
    let place = own_room(
        &call.state,
        &call.caller,
        params.required("rid")?,
        "e2e.setRoomKeyID",
    )
    .await?;
    let key_id = sized(params.required("keyID")?)?;
    e2e::set_room_key(&call.state, &call.caller, &place, key_id, None).await?;
    Ok(Answer::empty())
}

async fn update_group_key(call: Call) -> Outcome {
    let params = call.input.params()?;
    let place = own_room(
        &call.state,
        &call.caller,
        params.required("rid")?,
        "e2e.updateGroupKey",
    )
    .await?;
    let keys = [(
        UserId::new(params.required("uid")?),
        sized(params.required("key")?)?.to_owned(),
    )];
    e2e::give_keys(&call.state, &call.caller, &place, &keys).await?;
    Ok(Answer::empty())
}

async fn accept(call: Call) -> Outcome {
    answer(call, true).await
}

async fn reject(call: Call) -> Outcome {
    answer(call, false).await
}

async fn answer(call: Call, accept: bool) -> Outcome {
    let params = call.input.params()?;
    let room = RoomId::new(params.required("rid")?);
    let place = RoomAccess::of(&call.state, &call.caller, &room)
        .await?
        .filter(RoomAccess::is_member)
        .ok_or_else(wording::subscription_not_found)?;
    e2e::answer(&call.state, &call.caller, &place, accept).await?;
    Ok(Answer::empty())
}

/// `GET /api/v1/e2e.fetchUsersWaitingForGroupKey`. Rooms the caller is not in are skipped.
async fn fetch_waiting(call: Call) -> Outcome {
    let params = call.input.query();
    let mut rooms = Map::new();
    let wanted = params.texts("roomIds")?.unwrap_or_default();
    let ids = wanted
        .iter()
        .flat_map(|ids| ids.split(','))
        .map(str::trim_ascii)
        .take(MOST_KEYS);
    for id in ids.collect::<Vec<&str>>() {
        if own_room(
            &call.state,
            &call.caller,
            id,
            "e2e.fetchUsersWaitingForGroupKey",
        )
        .await
        .is_err()
        {
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

/// `POST /api/v1/e2e.provideUsersSuggestedGroupKeys`. Rooms and users the caller cannot hand keys to are skipped.
async fn provide(call: Call) -> Outcome {
    let params = call.input.params()?;
    if !call.state.views().settings().bool(keys::E2E_ENABLE) {
        return Ok(Answer::empty());
    }
    let Some(Value::Object(rooms)) = params.get("usersSuggestedGroupKeys") else {
        return Err(wording::match_missing("usersSuggestedGroupKeys"));
    };
    if rooms.len() > MOST_KEYS {
        return Err(ApiError::TooLarge);
    }
    for (room, users) in rooms {
        let Ok(place) = own_room(
            &call.state,
            &call.caller,
            room,
            "e2e.provideUsersSuggestedGroupKeys",
        )
        .await
        else {
            continue;
        };
        let mut keys = Vec::new();
        for user in users.as_array().into_iter().flatten().take(MOST_KEYS) {
            let (Some(id), Some(key)) = (user["_id"].as_str(), user["key"].as_str()) else {
                return Err(wording::match_missing("_id"));
            };
            keys.push((UserId::new(id), sized(key)?.to_owned()));
        }
        e2e::give_keys(&call.state, &call.caller, &place, &keys).await?;
    }
    Ok(Answer::empty())
}

async fn reset_room_key(call: Call) -> Outcome {
    let params = call.input.params()?;
    let place = own_room(
        &call.state,
        &call.caller,
        params.required("rid")?,
        "e2e.resetRoomKey",
    )
    .await?;
    let key = sized(params.required("e2eKey")?)?;
    let key_id = sized(params.required("e2eKeyId")?)?;
    e2e::set_room_key(&call.state, &call.caller, &place, key_id, Some(key)).await?;
    Ok(Answer::empty())
}
