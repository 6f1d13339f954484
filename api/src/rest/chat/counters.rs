//! How much is in a room, and how much of it is new to a user (contract, rooms 11 and 12: `*.counters`).

use application::chat::room_access::RoomAccess;
use domain::permission::Permission;
use domain::room::RoomKind;
use domain::{RoomId, Timestamp, UserId};
use projections::MembershipRecord;
use serde_json::{Value, json};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::Parameters;
use crate::http::params::parse_date;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;
use crate::rest::chat::direct::PREFIXES;
use crate::rest::chat::kinds::{NAMED, path};
use crate::rest::lookup::{self, Archived, RoomNamed};

pub(super) fn routes() -> Vec<Route> {
    let mut routes: Vec<Route> = NAMED.into_iter().map(route_of).collect();
    routes.extend(PREFIXES.into_iter().map(direct_route));
    routes
}

fn route_of(kind: RoomKind) -> Route {
    route::get(path(kind, "counters"), move |call, params| {
        of_room(kind, call, params)
    })
    .about("How many members and messages, and how many of them are new to a member.")
    .answers(&[("joined", Kind::Boolean)])
}

fn direct_route(prefix: &str) -> Route {
    route::get(format!("{prefix}.counters"), of_direct)
        .about("How many messages a direct message has, and how many are new.")
        .answers(&[("joined", Kind::Boolean)])
}

#[derive(Parameters)]
#[params(open)]
struct OfRoom {
    #[param(flatten)]
    room: RoomNamed,
    user_id: Option<UserId>,
}

async fn of_room(kind: RoomKind, call: Call, OfRoom { room, user_id }: OfRoom) -> Outcome {
    let found = if kind == RoomKind::Group {
        let anywhere = Permission::VIEW_ROOM_ADMINISTRATION;
        let found = lookup::any_room(&call, &room, Some(kind), anywhere).await?;
        if found.record.archived {
            return Err(wording::room_archived(kind, found.name()));
        }
        found
    } else {
        lookup::room(&call, &room, Some(kind), Archived::Refused).await?
    };
    let user = subject(&call, user_id)?;
    let membership = call
        .state
        .views()
        .membership(found.id(), &user)
        .await?
        .filter(|record| record.view.open);
    let Some(membership) = membership else {
        return Ok(totals(
            &found.record.doc,
            false,
            call.may(Permission::VIEW_ROOM_ADMINISTRATION),
        ));
    };
    let subscription: Value = serde_json::from_slice(&membership.doc).unwrap_or_default();
    let seen = subscription.get("ls").and_then(parse_date);
    let joined = subscription.get("ts").and_then(parse_date);
    // A message sent at the cursor is read, unless the user marked the room as unread from it on. Without a cursor,
    // channels count from their beginning, groups from when the user joined.
    let read = i64::from(!membership.from_cursor);
    let from = match seen {
        Some(seen) => Some(Timestamp::from_millis(seen.as_millis() + read)),
        None if kind == RoomKind::Group => joined,
        None => None,
    };
    let room: Value = serde_json::from_slice(&found.record.doc).unwrap_or_default();
    let unreads = match room.get("lm").and_then(parse_date) {
        Some(last) => {
            call.state
                .views()
                .window(found.id(), from, Some(last), &[])
                .await?
                .count
        }
        None => 0,
    };
    let since = subscription
        .get("ls")
        .or(subscription.get("ts"))
        .cloned()
        .unwrap_or_default();
    Ok(totals(&found.record.doc, true, true)
        .field("unreads", &unreads)
        .field("unreadsFrom", &since)
        .field("userMentions", &membership.user_mentions))
}

#[derive(Parameters)]
#[params(open)]
struct OfDirect {
    room_id: Option<RoomId>,
    user_id: Option<UserId>,
}

async fn of_direct(call: Call, OfDirect { room_id, user_id }: OfDirect) -> Outcome {
    let id = room_id.ok_or_else(|| wording::room_param_missing(Some(RoomKind::Direct)))?;
    let user = subject(&call, user_id)?;
    let place = RoomAccess::of(&call.state, &call.caller, &id).await?;
    let place = place
        .filter(|place| place.room.kind == RoomKind::Direct)
        .ok_or_else(wording::forbidden)?;
    // A caller who asks about somebody else administers rooms, as was checked above.
    if user == *call.caller.id() && !place.can_access(&call.caller) {
        return Err(wording::forbidden());
    }
    let record = call
        .state
        .views()
        .room(&id)
        .await?
        .ok_or_else(wording::forbidden)?;
    let membership = call
        .state
        .views()
        .membership(&id, &user)
        .await?
        .filter(|record| record.view.open);
    let Some(membership) = membership else {
        return Ok(totals(&record.doc, false, false));
    };
    let (unreads, since) = direct_unreads(&membership, &record.doc);
    Ok(totals(&record.doc, true, true)
        .field("unreads", &unreads)
        .field("unreadsFrom", &since)
        .field("userMentions", &membership.user_mentions))
}

/// Nothing is known without a cursor or without a message.
fn direct_unreads(membership: &MembershipRecord, room: &[u8]) -> (Value, Value) {
    let subscription: Value = serde_json::from_slice(&membership.doc).unwrap_or_default();
    let room: Value = serde_json::from_slice(room).unwrap_or_default();
    match (subscription.get("ls"), room.get("lm")) {
        (Some(seen), Some(_)) => (json!(membership.unread), seen.clone()),
        _ => (Value::Null, Value::Null),
    }
}

/// The user whose counters are wanted: only administrators see those of others.
fn subject(call: &Call, named: Option<UserId>) -> Result<UserId, ApiError> {
    match named {
        None => Ok(call.caller.id().clone()),
        Some(id) => {
            call.need(Permission::VIEW_ROOM_ADMINISTRATION)?;
            Ok(id)
        }
    }
}

/// What is the same for everybody, `null` if it is not visible; without a place in the room the rest is `null` too.
fn totals(room: &[u8], joined: bool, visible: bool) -> Answer {
    let room: Value = serde_json::from_slice(room).unwrap_or_default();
    let shown = |field: &str| {
        if visible {
            room.get(field).cloned().unwrap_or_default()
        } else {
            Value::Null
        }
    };
    let latest = if visible {
        room.get("lm")
            .or(room.get("_updatedAt"))
            .cloned()
            .unwrap_or_default()
    } else {
        Value::Null
    };
    let answer = Answer::empty()
        .field("joined", &joined)
        .field("members", &shown("usersCount"))
        .field("msgs", &shown("msgs"))
        .field("latest", &latest);
    if joined {
        return answer;
    }
    answer
        .field("unreads", &Value::Null)
        .field("unreadsFrom", &Value::Null)
        .field("userMentions", &Value::Null)
}
