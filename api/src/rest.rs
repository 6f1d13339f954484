//! The REST doors (contract, all chapters). Handlers are short: parse, one command or one query, answer.

pub mod answer;
pub mod lookup;
pub mod shape;
pub mod target;

pub mod auth;
pub mod info;
pub mod permissions;
pub mod settings;

pub mod accounts;
pub mod users;

pub mod counters;
pub mod family;
pub mod history;
pub mod im;
pub mod members;
pub mod room_settings;
pub mod rooms;
pub mod subscriptions;

pub mod chat;
pub mod emoji;

use axum::http::Method;
use domain::membership::RoomRole;
use domain::room::RoomKind;

use crate::router::{Route, logged_in, public};
use room_settings::RoomText;

/// The table of all routes.
pub fn routes() -> Vec<Route> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    let mut routes = vec![
        public(GET, "/api/info", info::info),
        public(GET, "/api/v1/info", info::info),
        public(POST, "/api/v1/login", auth::login),
        logged_in(POST, "logout", auth::logout),
        logged_in(GET, "logout", auth::logout),
        logged_in(GET, "me", auth::me),
        public(GET, "/api/v1/settings.public", settings::public),
        logged_in(GET, "permissions.listAll", permissions::list_all),
        public(POST, "/api/v1/users.register", users::register),
        logged_in(GET, "users.info", users::info),
        logged_in(GET, "users.list", users::list),
        logged_in(POST, "users.create", accounts::create),
        logged_in(POST, "users.update", accounts::update),
        logged_in(POST, "users.delete", accounts::delete),
        logged_in(POST, "users.setActiveStatus", accounts::set_active_status),
        logged_in(POST, "chat.sendMessage", chat::send),
        logged_in(POST, "chat.postMessage", chat::post),
        logged_in(POST, "chat.update", chat::update),
        logged_in(POST, "chat.delete", chat::delete),
        logged_in(POST, "chat.react", chat::react),
        logged_in(GET, "chat.getMessage", chat::get),
        logged_in(GET, "subscriptions.get", subscriptions::get),
        logged_in(GET, "subscriptions.getOne", subscriptions::get_one),
        logged_in(POST, "subscriptions.read", subscriptions::read),
        logged_in(POST, "subscriptions.unread", subscriptions::unread),
        logged_in(GET, "rooms.get", rooms::get),
        logged_in(GET, "rooms.info", rooms::info),
        logged_in(POST, "rooms.leave", rooms::leave),
        logged_in(GET, "channels.list", family::list_all),
        logged_in(GET, "channels.list.joined", |call| {
            family::list_joined(RoomKind::Channel, call)
        }),
        logged_in(POST, "channels.join", members::join),
        logged_in(GET, "groups.list", |call| {
            family::list_joined(RoomKind::Group, call)
        }),
        logged_in(GET, "groups.listAll", family::list_groups),
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
