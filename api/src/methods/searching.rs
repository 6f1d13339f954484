//! Methods that search messages (contract, messages 9.2).

use application::chat::room_access::RoomAccess;
use application::chat::searching::{self, Found, Wish};
use domain::RoomId;
use domain::settings::keys;
use serde_json::{Value, json};

use crate::documents::found;
use crate::errors::ApiError;
use crate::methods::{Method, MethodCall, MethodOutcome, ejson, method};

/// How many messages are found if it is not said how many are wanted, and how many at most.
const FOUND: usize = 20;
const MOST_FOUND: usize = 100;

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("messageSearch", search),
        method("rocketchatSearch.search", search_with_provider),
        method("rocketchatSearch.getProvider", provider),
    ]
}

/// `messageSearch(text, room?, limit = 20, offset = 0)`. Without a room, in all that the caller is in, if the workspace has
/// that.
async fn search(call: MethodCall) -> MethodOutcome {
    let text = call.args.text(0)?;
    let room = call.args.optional_text(1)?.filter(|room| !room.is_empty());
    let room = room.map(RoomId::new);
    let count = number(&call, 2)?.unwrap_or(FOUND);
    let offset = number(&call, 3)?.unwrap_or(0);
    if let Some(room) = &room {
        if !may_read(&call, room).await? {
            return Ok(json!(false));
        }
    } else if !searches_everywhere(&call) {
        return Ok(json!({ "message": { "docs": [] } }));
    }
    let found = find(&call, text, room.as_ref(), offset, count).await?;
    let docs: Vec<Value> = found
        .iter()
        .map(found::value)
        .map(ejson::with_dates)
        .collect();
    Ok(json!({ "message": { "docs": docs } }))
}

/// `rocketchatSearch.search(text, {uid, rid}, {searchAll, limit})`. Who `uid` is does not matter: the caller searches.
async fn search_with_provider(call: MethodCall) -> MethodOutcome {
    let text = call.args.text(0)?;
    let room = call.args.get(1)["rid"].as_str().map(RoomId::new);
    let wishes = call.args.get(2);
    let everywhere = searches_everywhere(&call) && (wishes["searchAll"] == true || room.is_none());
    let room = room.filter(|_| !everywhere);
    let is_allowed = match &room {
        Some(room) => may_read(&call, room).await?,
        None => everywhere,
    };
    let page = call
        .state
        .views()
        .settings()
        .int(keys::SEARCH_DEFAULT_PROVIDER_PAGE_SIZE);
    let limit = wishes["limit"]
        .as_u64()
        .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let count = limit.unwrap_or_else(|| usize::try_from(page).unwrap_or(0));
    let mut docs = Vec::new();
    if is_allowed {
        for found in find(&call, text, room.as_ref(), 0, count).await? {
            docs.push(with_room(&call, &found).await?);
        }
    }
    Ok(json!({ "message": { "docs": docs } }))
}

/// `rocketchatSearch.getProvider()`.
async fn provider(call: MethodCall) -> MethodOutcome {
    let settings = call.state.views().settings();
    Ok(json!({
        "key": "defaultProvider",
        "description": "You_can_search_using_RegExp_eg",
        "icon": "",
        "supportsSuggestions": false,
        "settings": {
            "GlobalSearchEnabled": settings.bool(keys::SEARCH_DEFAULT_PROVIDER_GLOBAL_SEARCH_ENABLED),
            "PageSize": settings.int(keys::SEARCH_DEFAULT_PROVIDER_PAGE_SIZE),
        },
    }))
}

fn searches_everywhere(call: &MethodCall) -> bool {
    let key = keys::SEARCH_DEFAULT_PROVIDER_GLOBAL_SEARCH_ENABLED;
    call.state.views().settings().bool(key)
}

async fn may_read(call: &MethodCall, room: &RoomId) -> Result<bool, ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, room).await?;
    Ok(place.is_some_and(|place| place.can_read(&call.caller)))
}

async fn find(
    call: &MethodCall,
    text: &str,
    room: Option<&RoomId>,
    offset: usize,
    count: usize,
) -> Result<Vec<Found>, ApiError> {
    let wish = Wish {
        text,
        room,
        offset,
        count: count.min(MOST_FOUND),
    };
    let found = searching::search(&call.state, &call.caller, wish).await?;
    found::shown(&call.state, &call.caller, found).await
}

/// A message that was found, with the room it is in and who wrote it.
async fn with_room(call: &MethodCall, found: &Found) -> Result<Value, ApiError> {
    let mut doc = ejson::with_dates(found::value(found));
    let room = call.state.views().room_facts(&found.message.room).await?;
    doc["r"] = room.map_or(
        Value::Null,
        |room| json!({ "name": room.name, "t": room.kind.letter() }),
    );
    doc["username"] = doc["u"]["username"].clone();
    doc["valid"] = json!(true);
    Ok(doc)
}

/// A whole number from 0 on that may be missing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers saturate, and what is less than nothing is nothing"
)]
fn number(call: &MethodCall, index: usize) -> Result<Option<usize>, ApiError> {
    Ok(call.args.number(index)?.map(|number| number as usize))
}
