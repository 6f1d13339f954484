//! Methods about one's own place in rooms: which they are, what is read, what to be told of, whom to see.

use application::chat::members;
use application::chat::place::{self, Reading, Unread};
use domain::settings::keys;
use domain::{MessageId, RoomId, UserId};
use projections::Sync;
use serde_json::{Value, json};

use crate::documents::rooms::removed;
use crate::errors::{ApiError, wording};
use crate::http::notification_form;
use crate::http::params::mismatch;
use crate::methods::{
    AnyMethodCall, Method, MethodCall, MethodOutcome, ejson, method, open_method,
};

pub(super) fn methods() -> Vec<Method> {
    vec![
        open_method("rooms/get", rooms),
        open_method("subscriptions/get", subscriptions),
        method("toggleFavorite", favour),
        method("readMessages", read),
        method("readThreads", read_threads),
        method("unreadMessages", unread),
        method("openRoom", |call| show(call, true)),
        method("hideRoom", |call| show(call, false)),
        method("saveNotificationSettings", notify),
        method("ignoreUser", ignore),
    ]
}

/// Documents of the views as methods return them.
fn documents<'a>(docs: impl IntoIterator<Item = &'a bytes::Bytes>) -> Value {
    let parsed = docs
        .into_iter()
        .filter_map(|doc| serde_json::from_slice::<Value>(doc).ok());
    ejson::with_dates(parsed.collect())
}

/// Without a date, all; with one, what changed and what was removed since.
fn synced(sync: &Sync, with_date: bool) -> Value {
    let update = documents(&sync.update);
    if !with_date {
        return update;
    }
    json!({ "update": update, "remove": ejson::with_dates(removed(&sync.remove).into()) })
}

/// `rooms/get(date?)`. Without a login, the channels that new users join, if anybody may look.
async fn rooms(call: AnyMethodCall) -> MethodOutcome {
    let views = call.state.views();
    let Some(caller) = &call.caller else {
        if !views.settings().bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ) {
            return Ok(json!([]));
        }
        return Ok(documents(&views.default_channels().await?));
    };
    let since = call.args.date(0).map(|asked| views.since(asked));
    let sync = views.rooms_sync(caller.id(), since).await?;
    Ok(synced(&sync, since.is_some()))
}

/// `subscriptions/get(date?)`. Without a login there are none.
async fn subscriptions(call: AnyMethodCall) -> MethodOutcome {
    let Some(caller) = &call.caller else {
        return Ok(json!([]));
    };
    let views = call.state.views();
    let since = call.args.date(0).map(|asked| views.since(asked));
    let sync = views.memberships_sync(caller.id(), since).await?;
    Ok(synced(&sync, since.is_some()))
}

/// `toggleFavorite(rid, f?)`.
async fn favour(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let favourite = call.args.boolean(1)?;
    members::favour(&call.state, &call.caller, &room, favourite).await?;
    Ok(json!(1))
}

/// `readMessages(rid, readThreads?)`.
async fn read(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let reading = if call.args.get(1) == &Value::Bool(true) {
        Reading::RoomAndThreads
    } else {
        Reading::Room
    };
    place::read(&call.state, &call.caller, &room, reading).await?;
    Ok(Value::Null)
}

/// `readThreads(tmid)`.
async fn read_threads(call: MethodCall) -> MethodOutcome {
    let thread = MessageId::new(call.args.text(0)?);
    place::read_thread(&call.state, &call.caller, &thread).await?;
    Ok(Value::Null)
}

/// `unreadMessages(firstUnreadMessage | null, rid?)`. With a room, the message does not matter.
async fn unread(call: MethodCall) -> MethodOutcome {
    let first = call.args.get(0).get("_id").and_then(Value::as_str);
    let from = match (call.args.optional_text(1)?, first) {
        (Some(room), _) => Unread::Room(RoomId::new(room)),
        (None, first) => Unread::Message(MessageId::new(first.unwrap_or_default())),
    };
    place::mark_unread(&call.state, &call.caller, &from).await?;
    Ok(json!(1))
}

/// `openRoom(rid)`, `hideRoom(rid)`: whether the caller is in the room.
async fn show(call: MethodCall, show: bool) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let shown = place::show(&call.state, &call.caller, &room, show).await?;
    Ok(json!(u8::from(shown.is_some())))
}

/// `saveNotificationSettings(rid, field, value)`.
async fn notify(call: MethodCall) -> MethodOutcome {
    let room = RoomId::new(call.args.text(0)?);
    let choice = notification_form::choice(call.args.text(1)?, call.args.text(2)?)?;
    place::notify(&call.state, &call.caller, &room, vec![choice])
        .await
        .map_err(|error| wording::or_no_subscription(error, "saveNotificationSettings"))?;
    Ok(json!(true))
}

/// `ignoreUser({rid, userId, ignore?})`.
async fn ignore(call: MethodCall) -> MethodOutcome {
    let wish = call.args.object(0)?;
    let text = |name: &str| -> Result<&str, ApiError> {
        let value = wish.get(name).unwrap_or(&Value::Null);
        let text = value.as_str();
        text.ok_or_else(|| mismatch("string", value, name))
    };
    let (room, ignored) = (RoomId::new(text("rid")?), UserId::new(text("userId")?));
    let ignore = wish.get("ignore") != Some(&Value::Bool(false));
    place::ignore(&call.state, &call.caller, &room, ignored, ignore)
        .await
        .map_err(|error| wording::or_no_subscription(error, "ignoreUser"))?;
    Ok(json!(true))
}
