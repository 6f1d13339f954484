//! Methods that look rooms up.

use std::time::Duration;

use application::caller::Caller;
use application::chat::room_access::RoomAccess;
use domain::RoomId;
use domain::permission::Permission;
use domain::room::RoomKind;
use projections::{NameFilter, RoomQuery, RoomRecord, RoomSort, Slice, Teams};
use serde_json::{Map, Value, json};

use crate::documents::rooms::{room_fields, unread};
use crate::errors::{ApiError, wording};
use crate::methods::rooms::strangers;
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, ejson, method, open_method,
};

/// The most channels of one list.
const MOST_LISTED: u64 = 500;

/// `getRoomById` has a limit of its own (contract, rooms 15).
const BY_ID: (u32, Duration) = (10, Duration::from_mins(1));

pub(super) fn methods() -> Vec<Method> {
    vec![
        method("getRoomById", by_id).limited(BY_ID.0, BY_ID.1),
        open_method("getRoomByTypeAndName", by_type_and_name),
        method("getRoomIdByNameOrId", id_of),
        method("getRoomNameById", name_of),
        method("channelsList", list),
        method("getTotalChannels", count),
    ]
}

/// A room that the caller may see; `None`: there is none, or it is not for them.
async fn seen(call: &MethodCall, room: &RoomId) -> Result<Option<RoomRecord>, ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, room).await?;
    let Some(place) = place.filter(|place| place.can_access(&call.caller)) else {
        return Ok(None);
    };
    let record = call.state.views().room(room).await?;
    Ok(record.map(|record| as_read(record, &place, &call.caller)))
}

/// What was said last is for those who may read the room.
fn as_read(mut record: RoomRecord, place: &RoomAccess, caller: &Caller) -> RoomRecord {
    if !place.can_read(caller) {
        record.doc = unread(&record.doc);
    }
    record
}

fn document(record: &RoomRecord) -> Map<String, Value> {
    serde_json::from_slice(&record.doc).unwrap_or_default()
}

/// What clients keep of a room.
fn shown(record: &RoomRecord) -> Value {
    ejson::with_dates(Value::Object(room_fields(document(record))))
}

/// `getRoomById(rid)`.
async fn by_id(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let found = seen(&call, &room).await?;
    let found = found.ok_or_else(|| wording::room_denied("getRoomById"))?;
    Ok(ejson::with_dates(Value::Object(document(&found))))
}

/// `getRoomByTypeAndName(type, nameOrId)`.
async fn by_type_and_name(call: AnyMethodCall) -> MethodOutcome {
    const METHOD: &str = "getRoomByTypeAndName";
    let (letter, named) = (call.args.text(0)?, call.args.text(1)?);
    let views = call.state.views();
    let record = match views.room(&RoomId::new(named)).await? {
        Some(record) => Some(record),
        None => views.room_by_name(named).await?,
    };
    let record = record.filter(|record| record.kind.letter() == letter);
    let unknown = || wording::invalid_room().method(METHOD);
    let Some(caller) = &call.caller else {
        let room = record.as_ref().map(|record| &record.id);
        strangers::may_ask(&call.state, room, METHOD).await?;
        let record = record.ok_or_else(unknown)?;
        return Ok(shown(&record));
    };
    let record = record.ok_or_else(unknown)?;
    let place = RoomAccess::of(&call.state, caller, &record.id).await?;
    let place = place.ok_or_else(unknown)?;
    if !place.can_access(caller) {
        return Err(if place.is_visible(caller) {
            wording::no_permission(METHOD)
        } else {
            unknown()
        });
    }
    let record = as_read(record, &place, caller);
    Ok(shown(&record))
}

/// `getRoomIdByNameOrId(nameOrId)`.
async fn id_of(call: MethodCall) -> MethodOutcome {
    let named = call.args.text(0)?;
    let views = call.state.views();
    let record = match views.room(&RoomId::new(named)).await? {
        Some(record) => Some(record),
        None => views.room_by_name(named).await?,
    };
    let denied = || wording::room_denied("getRoomIdByNameOrId");
    let record = record.ok_or_else(denied)?;
    let record = seen(&call, &record.id).await?.ok_or_else(denied)?;
    Ok(json!(record.id))
}

/// `getRoomNameById(rid)`. A direct message has no name.
async fn name_of(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let found = seen(&call, &room).await?;
    let found = found.ok_or_else(|| wording::room_denied("getRoomNameById"))?;
    let mut fields = document(&found);
    Ok(fields.remove("name").unwrap_or(Value::Null))
}

/// `channelsList(filter, channelType, limit?, sort?)`: public ones, the caller's private ones, or both; by name, or with
/// `msgs` the busiest first.
async fn list(call: MethodCall) -> MethodOutcome {
    let filter = call.args.optional_text(0)?.filter(|text| !text.is_empty());
    let kinds: &[RoomKind] = match call.args.optional_text(1)? {
        Some("public") => &[RoomKind::Channel],
        Some("private") => &[RoomKind::Group],
        _ => &[RoomKind::Channel, RoomKind::Group],
    };
    let busiest = call.args.get(3) == "msgs";
    let sort = if busiest {
        RoomSort::Messages
    } else {
        RoomSort::Name
    };
    let limit = call.args.get(2).as_u64().unwrap_or(MOST_LISTED);
    let mut channels = Vec::new();
    for kind in kinds {
        let everywhere =
            *kind == RoomKind::Channel && call.caller.may(&call.state, Permission::VIEW_C_ROOM);
        let query = RoomQuery {
            kinds: vec![*kind],
            member: (!everywhere).then(|| call.caller.id().clone()),
            named: filter.map(|part| NameFilter::Contains(part.to_owned())),
            teams: Teams::JoinedBy(call.caller.id().clone()),
            sort,
            descending: busiest,
            slice: Slice {
                offset: 0,
                count: Some(limit.min(MOST_LISTED)),
            },
            ..RoomQuery::default()
        };
        for doc in call.state.views().rooms(query).await?.items {
            let mut fields: Map<String, Value> = serde_json::from_slice(&doc).unwrap_or_default();
            fields.retain(|name, _| matches!(&**name, "_id" | "name" | "t"));
            channels.push(Value::Object(fields));
        }
    }
    Ok(json!({ "channels": channels }))
}

/// `getTotalChannels()`.
async fn count(call: MethodCall) -> MethodOutcome {
    let query = RoomQuery {
        kinds: vec![RoomKind::Channel],
        slice: Slice {
            offset: 0,
            count: Some(0),
        },
        ..RoomQuery::default()
    };
    Ok(json!(call.state.views().rooms(query).await?.total))
}
