//! Rooms, memberships and messages.

use axum::http::Method;
use domain::membership::RoomRole;
use domain::room::RoomKind;

use crate::rest::room_settings::{self, RoomText};
use crate::rest::{chat, counters, family, im, members, rooms, subscriptions};
use crate::route::{Route, get, logged_in, post};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        post("chat.sendMessage", chat::send),
        post("chat.postMessage", chat::post),
        post("chat.update", chat::update),
        post("chat.delete", chat::delete),
        post("chat.react", chat::react),
        get("chat.getMessage", chat::get),
        get("subscriptions.get", subscriptions::get),
        get("subscriptions.getOne", subscriptions::get_one),
        post("subscriptions.read", subscriptions::read),
        post("subscriptions.unread", subscriptions::unread),
        get("rooms.get", rooms::get),
        get("rooms.info", rooms::info),
        post("rooms.leave", rooms::leave),
        get("channels.list", family::list_all),
        get("channels.list.joined", |call| {
            family::list_joined(RoomKind::Channel, call)
        }),
        post("channels.join", members::join),
        get("groups.list", |call| {
            family::list_joined(RoomKind::Group, call)
        }),
        get("groups.listAll", family::list_groups),
    ];
    routes.extend(family_routes("channels", RoomKind::Channel));
    routes.extend(family_routes("groups", RoomKind::Group));
    routes.extend(["im", "dm"].into_iter().flat_map(direct_routes));
    routes
}

/// What `channels` and `groups` have in common.
fn family_routes(family: &str, kind: RoomKind) -> Vec<Route> {
    let get = |name: &str| (Method::GET, format!("{family}.{name}"));
    let post = |name: &str| (Method::POST, format!("{family}.{name}"));
    let mut routes = Vec::new();
    macro_rules! route {
        ($at:expr, $handler:expr) => {{
            let (method, path) = $at;
            routes.push(logged_in(method, path, $handler));
        }};
    }
    route!(post("create"), move |call| family::create(kind, call));
    route!(get("info"), move |call| family::info(kind, call));
    route!(get("counters"), move |call| counters::of_room(kind, call));
    route!(post("leave"), move |call| members::leave(kind, call));
    route!(post("invite"), move |call| members::invite(kind, call));
    route!(post("kick"), move |call| members::kick(kind, call));
    route!(get("members"), move |call| members::members(kind, call));
    route!(get("messages"), move |call| family::messages(kind, call));
    route!(get("history"), move |call| family::history(kind, call));
    route!(get("roles"), move |call| members::roles(kind, call));
    route!(get("moderators"), move |call| members::moderators(
        kind, call
    ));
    route!(post("rename"), move |call| room_settings::rename(
        kind, call
    ));
    route!(post("setReadOnly"), move |call| {
        room_settings::set_read_only(kind, call)
    });
    route!(post("archive"), move |call| room_settings::archive(
        kind, call
    ));
    route!(post("unarchive"), move |call| room_settings::unarchive(
        kind, call
    ));
    route!(post("delete"), move |call| room_settings::delete(
        kind, call
    ));
    route!(post("open"), move |call| members::open(kind, call));
    route!(post("close"), move |call| members::close(kind, call));
    for (name, which) in [
        ("setTopic", RoomText::Topic),
        ("setDescription", RoomText::Description),
        ("setPurpose", RoomText::Purpose),
        ("setAnnouncement", RoomText::Announcement),
    ] {
        route!(post(name), move |call| room_settings::set_text(
            kind, which, call
        ));
    }
    for (name, role) in [
        ("Owner", RoomRole::Owner),
        ("Moderator", RoomRole::Moderator),
        ("Leader", RoomRole::Leader),
    ] {
        route!(post(&format!("add{name}")), move |call| members::grant(
            kind, role, call
        ));
        route!(post(&format!("remove{name}")), move |call| members::revoke(
            kind, role, call
        ));
    }
    routes
}

/// Direct messages, under either of their names.
fn direct_routes(family: &str) -> Vec<Route> {
    let path = |name: &str| format!("{family}.{name}");
    vec![
        logged_in(Method::POST, path("create"), im::create),
        logged_in(Method::POST, path("open"), im::open),
        logged_in(Method::POST, path("close"), im::close),
        logged_in(Method::GET, path("counters"), counters::of_direct),
        logged_in(Method::GET, path("list"), im::list),
        logged_in(Method::GET, path("messages"), im::messages),
        logged_in(Method::GET, path("history"), im::history),
        logged_in(Method::GET, path("members"), im::members),
    ]
}
