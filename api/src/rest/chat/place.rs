//! What members keep of a room for themselves: notifications, drafts, whether it is in their list (contract, rooms 13).

use application::chat::place;
use application::chat::room_access::RoomAccess;
use domain::{MessageId, RoomId, UserId};
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::notification_form;
use crate::http::parameters::{Filled, Flag, Loose, Parameters};
use crate::http::params::mismatch;
use crate::http::route::{self, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("rooms.saveNotification", notify)
            .about("Chooses what to be told of in a room, all the choices or none."),
        route::post("rooms.saveDraft", draft)
            .about("Keeps what the caller has begun to write; an empty text gives it up."),
        route::get("chat.ignoreUser", ignore)
            .about("Ignores what somebody says in a room, or no more. Although it is a GET, it changes that."),
        route::post("rooms.open", open).about("Shows a room in the caller's list."),
        route::post("rooms.hide", hide).about("Hides a room from the caller's list."),
    ]
}

#[derive(Parameters)]
#[params(open)]
struct Notify {
    room_id: Option<Filled>,
    /// Each a text, flags too: `1` is yes.
    notifications: Loose<Map<String, Value>>,
}

async fn notify(call: Call, params: Notify) -> Outcome {
    let room = params
        .room_id
        .ok_or_else(|| wording::param_required("roomId"))?;
    let wished = match params.notifications.value {
        Some(Value::Object(wished)) if !wished.is_empty() => wished,
        _ => return Err(wording::param_required("notifications")),
    };
    let mut choices = Vec::new();
    for (field, value) in &wished {
        let text = value.as_str();
        let text = text.ok_or_else(|| mismatch("string", value, field))?;
        choices.push(notification_form::choice(field, text)?);
    }
    let room = RoomId::new(&*room);
    place::notify(&call.state, &call.caller, &room, choices)
        .await
        .map_err(|error| wording::or_no_subscription(error, "saveNotificationSettings"))?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
#[params(open)]
struct Ignoring {
    rid: Option<Filled>,
    user_id: Option<Filled>,
    /// Yes, unless it says otherwise.
    ignore: Option<Flag>,
}

async fn ignore(call: Call, params: Ignoring) -> Outcome {
    let room = params.rid.ok_or_else(wording::ignored_room_missing)?;
    let user = params.user_id.ok_or_else(wording::ignored_user_missing)?;
    let Flag(ignore) = params.ignore.unwrap_or(Flag(true));
    let (room, user) = (RoomId::new(&*room), UserId::new(&*user));
    place::ignore(&call.state, &call.caller, &room, user, ignore)
        .await
        .map_err(|error| wording::or_no_subscription(error, "ignoreUser"))?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct SaveDraft {
    rid: RoomId,
    draft: String,
    tmid: Option<MessageId>,
}

async fn draft(call: Call, SaveDraft { rid, draft, tmid }: SaveDraft) -> Outcome {
    place::draft(&call.state, &call.caller, &rid, tmid, draft)
        .await
        .map_err(|error| wording::or_no_subscription(error, "saveDraft"))?;
    Ok(Answer::empty())
}

#[derive(Parameters)]
struct Own {
    room_id: RoomId,
}

/// Shows or hides a room that the caller may see; 403 otherwise. Returns whether that changed anything.
async fn show(call: &Call, room: &RoomId, show: bool) -> Result<bool, ApiError> {
    let place = RoomAccess::of(&call.state, &call.caller, room).await?;
    if !place.is_some_and(|place| place.can_access(&call.caller)) {
        return Err(wording::forbidden());
    }
    let changed = place::show(&call.state, &call.caller, room, show).await?;
    changed.ok_or_else(wording::no_subscription)
}

/// `rooms.open`. Opening an open room succeeds.
async fn open(call: Call, Own { room_id }: Own) -> Outcome {
    show(&call, &room_id, true).await?;
    Ok(Answer::empty())
}

async fn hide(call: Call, Own { room_id }: Own) -> Outcome {
    if show(&call, &room_id, false).await? {
        Ok(Answer::empty())
    } else {
        Err(wording::already_hidden())
    }
}
