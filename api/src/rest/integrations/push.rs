//! Devices registered for push messages (contract, admin 10.1). Nothing is delivered yet.

use application::chat::room_access::RoomAccess;
use application::error::Error;
use application::integrations::push;
use axum::http::Method;
use domain::settings::keys;
use domain::site::Site;
use domain::{MessageId, RoomId};
use serde_json::{Value, json};

use crate::documents::push::device;
use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Call;
use crate::http::parameters::{Loose, Parameters};
use crate::http::push_form::Register;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::post("push.token", register)
            .about("Tells the server where a device of the caller is reached.")
            .answers(&[("result", Kind::Object)]),
        route::logged_in(Method::DELETE, "push.token", forget)
            .about("Forgets a device of the caller."),
        route::get("push.get", get)
            .about("What a phone shows for a message it was told the id of.")
            .answers(&[("data", Kind::Object)]),
        route::get("push.info", info)
            .about("Through which gateway devices are reached.")
            .answers(&[
                ("pushGatewayEnabled", Kind::Boolean),
                ("defaultPushGateway", Kind::Boolean),
            ]),
        route::post("push.test", test_own).about("Sends a notification to the caller's devices."),
    ]
}

async fn register(call: Call, wish: Register) -> Outcome {
    let registration = wish.registration()?;
    let id = push::register(&call.state, &call.caller, &registration.device()).await?;
    Ok(Answer::empty().field("result", &device(&call.state, &id).await?))
}

#[derive(Parameters)]
#[params(open)]
struct Forget {
    /// The address of the device.
    token: Loose<String>,
}

async fn forget(call: Call, Forget { token }: Forget) -> Outcome {
    let address = token
        .text()
        .filter(|address| !address.is_empty())
        .ok_or_else(|| wording::push_param("token", "token"))?;
    match push::forget(&call.state, call.caller.id(), address).await? {
        0 => Err(wording::not_found()),
        _ => Ok(Answer::empty()),
    }
}

async fn info(call: Call) -> Outcome {
    let settings = call.state.views().settings();
    let gateway = settings
        .text(keys::PUSH_GATEWAY)
        .lines()
        .next()
        .unwrap_or("");
    let usual = domain::settings::find(keys::PUSH_GATEWAY.id())
        .and_then(|definition| definition.default.as_str())
        .unwrap_or_default();
    Ok(Answer::empty()
        .field(
            "pushGatewayEnabled",
            &settings.bool(keys::PUSH_ENABLE_GATEWAY),
        )
        .field("defaultPushGateway", &(gateway.trim_ascii() == usual)))
}

async fn test_own(call: Call) -> Outcome {
    let refusal = push::why_not_notified(&call.state, &call.caller).await?;
    Err(Error::from(refusal).into())
}

#[derive(Parameters)]
#[params(open)]
struct Get {
    id: MessageId,
}

/// `GET /api/v1/push.get`: what a phone shows for a push that only had an id.
async fn get(call: Call, Get { id }: Get) -> Outcome {
    let views = call.state.views();
    let message = views
        .message(&id)
        .await?
        .ok_or_else(|| wording::push_get("message"))?;
    let message: Value = serde_json::from_slice(&message.doc).unwrap_or_default();
    let room = RoomId::new(message["rid"].as_str().unwrap_or_default());
    let place = RoomAccess::of(&call.state, &call.caller, &room)
        .await?
        .filter(|place| place.is_visible(&call.caller))
        .ok_or_else(|| wording::push_get("message"))?;
    if !place.can_read(&call.caller) {
        return Err(wording::push_get("access"));
    }
    let badge = views.unread_total(call.caller.id()).await?;
    let name = views.room(&room).await?;
    let name: Value = name.map_or(Value::Null, |room| {
        serde_json::from_slice(&room.doc).unwrap_or_default()
    });
    let notification = notification(&call, &message, &place, (badge, &shown_name(&name)));
    Ok(Answer::empty().field(
        "data",
        &json!({ "message": message, "notification": notification }),
    ))
}

/// What a room is called, for people.
fn shown_name(room: &Value) -> String {
    let name = room["fname"].as_str().or_else(|| room["name"].as_str());
    name.unwrap_or_default().to_owned()
}

/// The notification object of 10.3 with its full content.
fn notification(
    call: &Call,
    message: &Value,
    place: &RoomAccess,
    (badge, shown_name): (u64, &str),
) -> Value {
    let settings = call.state.views().settings();
    let show_names = settings.bool(keys::PUSH_SHOW_USERNAME_ROOM);
    let real_names = settings.bool(keys::UI_USE_REAL_NAME);
    let author = &message["u"];
    let username = author["username"].as_str().unwrap_or_default();
    let sender = match author["name"].as_str() {
        Some(name) if real_names && !name.is_empty() => name,
        _ => username,
    };
    let shown = if show_names { sender } else { "" };
    let text = text_of(message, settings.bool(keys::PUSH_SHOW_MESSAGE), real_names);
    let direct = place.room.kind == domain::room::RoomKind::Direct;
    let room_name = place.room.name.as_deref().filter(|_| show_names);
    let (title, text) = match (direct, show_names) {
        (true, _) => (shown.to_owned(), text),
        (false, true) => (format!("#{shown_name}"), format!("{shown}: {text}")),
        (false, false) => (String::new(), text),
    };
    let site = Site::of(&settings);
    let rid = place.room.id.as_str();
    let mut payload = json!({
        "host": site.at("/"), "messageId": message["_id"], "notificationType": "message", "rid": rid,
        "sender": { "_id": author["_id"], "username": username },
        "senderName": shown, "type": place.room.kind.letter(), "name": room_name.unwrap_or_default(),
    });
    if author["name"].is_string() {
        payload["sender"]["name"] = author["name"].clone();
    }
    for (field, from) in [("messageType", "t"), ("tmid", "tmid")] {
        if message[from].is_string() {
            payload[field] = message[from].clone();
        }
    }
    if message["t"] == "e2e" {
        payload["msg"] = message["msg"].clone();
    }
    let muted = place.room.muted.contains(call.caller.id());
    let category = if place.room.read_only || muted {
        "MESSAGE_NOREPLY"
    } else {
        "MESSAGE"
    };
    json!({
        "from": "push", "badge": badge, "sound": "default", "priority": 10, "title": title, "text": text,
        "userId": call.caller.id(), "notId": note_id(settings.text(keys::UNIQUE_ID), rid), "payload": payload,
        "gcm": { "style": "inbox", "image": site.at("/assets/favicon_192.png") },
        "apn": { "category": category },
    })
}

fn text_of(message: &Value, show: bool, real_names: bool) -> String {
    let text = message["msg"].as_str().unwrap_or_default();
    if !show {
        "You have a new message".to_owned()
    } else if message["t"] == "e2e" {
        "Encrypted message".to_owned()
    } else if text.is_empty() && message["attachments"].is_array() {
        "Attachment".to_owned()
    } else if real_names {
        with_real_names(text, &message["mentions"])
    } else {
        text.to_owned()
    }
}

/// The text with the real names of the users it mentions.
fn with_real_names(text: &str, mentions: &Value) -> String {
    let filled = |mention: &Value, field: &str| {
        let text = mention[field].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let mut names: Vec<(String, String)> = mentions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((filled(one, "username")?, filled(one, "name")?)))
        .collect();
    // Longest first: `@ann` must not match the beginning of `@annabel`.
    names.sort_by_key(|(username, _)| std::cmp::Reverse(username.len()));
    names
        .into_iter()
        .fold(text.to_owned(), |text, (username, name)| {
            text.replace(&format!("@{username}"), &name)
        })
}

/// Groups notifications by room (contract, admin 10.3).
fn note_id(workspace: &str, room: &str) -> i32 {
    let units: Vec<u16> = format!("{workspace}|{room}").encode_utf16().collect();
    units.iter().rev().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(*unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_shown_by_real_name() {
        let mentions = json!([
            {"username": "ann", "name": "Ann Lee"}, {"username": "annabel", "name": "Annabel"},
            {"username": "here"},
        ]);
        let text = with_real_names("@annabel, @ann and @here", &mentions);
        assert_eq!(text, "Annabel, Ann Lee and @here");
        assert_eq!(with_real_names("plain", &Value::Null), "plain");
    }

    #[test]
    fn notifications_of_a_room_have_one_number() {
        assert_eq!(note_id("", ""), i32::from(b'|'));
        assert_eq!(
            note_id("a", "b"),
            (i32::from(b'b') * 31 + i32::from(b'|')) * 31 + i32::from(b'a')
        );
    }
}
