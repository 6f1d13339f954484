//! Rooms, memberships and messages.

use axum::http::Method;
use domain::membership::RoomRole;
use domain::room::RoomKind;

use crate::http::route::{Route, get, logged_in, post};
use crate::http::schema::Kind;
use crate::rest::chat::room_settings::{self, RoomText};
use crate::rest::chat::{channels, counters, direct, members, messages, rooms, subscriptions};

type Params = &'static [(&'static str, Kind)];

const PAGE: Params = &[
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
    ("fields", Kind::Text),
    ("query", Kind::Text),
];
const ROOM: Params = &[("roomId", Kind::Text), ("roomName", Kind::Text)];
const ROOM_PAGE: Params = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
    ("fields", Kind::Text),
    ("query", Kind::Text),
];
const ROOM_USER: Params = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];
const ROOM_USERS: Params = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
    ("userIds", Kind::Texts),
    ("usernames", Kind::Texts),
];
const HISTORY: Params = &[
    ("roomId", Kind::Text),
    ("roomName", Kind::Text),
    ("latest", Kind::Text),
    ("oldest", Kind::Text),
    ("inclusive", Kind::Boolean),
    ("unreads", Kind::Boolean),
    ("count", Kind::Number),
    ("offset", Kind::Number),
];
const CREATE: Params = &[
    ("name", Kind::Text),
    ("members", Kind::Texts),
    ("readOnly", Kind::Boolean),
    ("customFields", Kind::Object),
    ("extraData", Kind::Object),
];
const SINCE: Params = &[("updatedSince", Kind::Text)];
const ROOM_ID: Params = &[("roomId", Kind::Text)];
const POSTED: Params = &[("message", Kind::Object)];
const SYNC: Params = &[("update", Kind::List), ("remove", Kind::List)];

pub(super) fn routes() -> Vec<Route> {
    let mut routes = messages();
    routes.extend(lists());
    routes.extend(family_routes("channels", RoomKind::Channel));
    routes.extend(family_routes("groups", RoomKind::Group));
    routes.extend(["im", "dm"].into_iter().flat_map(direct_routes));
    routes
}

fn messages() -> Vec<Route> {
    const ID: Params = &[("msgId", Kind::Text)];
    vec![
        post("chat.sendMessage", messages::send)
            .about("Posts a message, with an id of the caller's choice if it likes.")
            .knows(&[("message", Kind::Object), ("previewUrls", Kind::Texts)])
            .answers(POSTED),
        post("chat.postMessage", messages::post)
            .about("Posts a message, to a room named by id, `#name` or `@user`.")
            .knows(&[
                ("roomId", Kind::Any),
                ("channel", Kind::Any),
                ("text", Kind::Document),
                ("alias", Kind::Text),
                ("emoji", Kind::Text),
                ("avatar", Kind::Text),
                ("attachments", Kind::List),
            ])
            .answers(POSTED),
        post("chat.update", messages::update)
            .about("Changes what a message says, or what an encrypted one hides.")
            .knows(&[
                ("roomId", Kind::Text),
                ("msgId", Kind::Text),
                ("text", Kind::Document),
                ("content", Kind::Object),
                ("e2eMentions", Kind::Object),
                ("customFields", Kind::Object),
                ("previewUrls", Kind::Texts),
            ])
            .answers(POSTED),
        post("chat.delete", messages::delete)
            .about("Deletes a message.")
            .knows(&[
                ("roomId", Kind::Text),
                ("msgId", Kind::Text),
                ("asUser", Kind::Boolean),
            ])
            .answers(&[("_id", Kind::Text), ("ts", Kind::Number)]),
        post("chat.react", messages::react)
            .about("Adds or takes back a reaction.")
            .knows(&[
                ("messageId", Kind::Text),
                ("emoji", Kind::Text),
                ("reaction", Kind::Text),
                ("shouldReact", Kind::Boolean),
            ]),
        get("chat.getMessage", messages::get)
            .about("One message.")
            .knows(ID)
            .answers(POSTED),
    ]
}

fn lists() -> Vec<Route> {
    const TOTAL: Params = &[
        ("channels", Kind::List),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("total", Kind::Number),
    ];
    const GROUPS: Params = &[
        ("groups", Kind::List),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("total", Kind::Number),
    ];
    vec![
        get("subscriptions.get", subscriptions::get)
            .about("The caller's subscriptions, or what changed of them since.")
            .knows(SINCE)
            .answers(SYNC),
        get("subscriptions.getOne", subscriptions::get_one)
            .about("The caller's subscription to one room.")
            .knows(ROOM_ID)
            .answers(&[("subscription", Kind::Any)]),
        post("subscriptions.read", subscriptions::read)
            .about("Marks a room as read.")
            .knows(&[("rid", Kind::Text), ("readThreads", Kind::Boolean)]),
        post("subscriptions.unread", subscriptions::unread)
            .about("Marks a room as unread, from a message on.")
            .knows(&[("roomId", Kind::Text), ("firstUnreadMessage", Kind::Object)]),
        get("rooms.get", rooms::get)
            .about("The caller's rooms, or what changed of them since.")
            .knows(SINCE)
            .answers(SYNC),
        get("rooms.info", rooms::info)
            .about("One room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("fields", Kind::Text),
            ])
            .answers(&[("room", Kind::Object)]),
        post("rooms.leave", rooms::leave)
            .about("Leaves a room.")
            .knows(ROOM_ID),
        get("channels.list", channels::list_all)
            .about("The channels there are.")
            .knows(PAGE)
            .answers(TOTAL),
        get("channels.list.joined", |call| {
            channels::list_joined(RoomKind::Channel, call)
        })
        .about("The channels the caller is in.")
        .knows(PAGE)
        .answers(TOTAL),
        post("channels.join", members::join)
            .about("Joins a channel.")
            .knows(&[
                ("roomId", Kind::Text),
                ("roomName", Kind::Text),
                ("joinCode", Kind::Text),
            ])
            .answers(&[("channel", Kind::Object)]),
        get("groups.list", |call| {
            channels::list_joined(RoomKind::Group, call)
        })
        .about("The private groups the caller is in.")
        .knows(PAGE)
        .answers(GROUPS),
        get("groups.listAll", channels::list_groups)
            .about("Every private group there is.")
            .knows(PAGE)
            .answers(GROUPS),
    ]
}

/// What `channels` and `groups` have in common.
fn family_routes(family: &str, kind: RoomKind) -> Vec<Route> {
    let room: Params = match kind {
        RoomKind::Channel => &[("channel", Kind::Object)],
        _ => &[("group", Kind::Object)],
    };
    let get = |name: &str| (Method::GET, format!("{family}.{name}"));
    let post = |name: &str| (Method::POST, format!("{family}.{name}"));
    let mut routes = Vec::new();
    macro_rules! route {
        ($at:expr, $about:expr, $knows:expr, $answers:expr, $handler:expr) => {{
            let (method, path) = $at;
            let route = logged_in(method, path, $handler);
            routes.push(route.about($about).knows($knows).answers($answers));
        }};
    }
    route!(post("create"), "Makes a room.", CREATE, room, move |call| {
        channels::create(kind, call)
    });
    route!(get("info"), "One room.", ROOM, room, move |call| {
        channels::info(kind, call)
    });
    route!(
        get("counters"),
        "How many members and messages, and how many of them are new to a member.",
        &[
            ("roomId", Kind::Text),
            ("roomName", Kind::Text),
            ("userId", Kind::Text),
        ],
        &[("joined", Kind::Boolean)],
        move |call| counters::of_room(kind, call)
    );
    route!(post("leave"), "Leaves the room.", ROOM, room, move |call| {
        members::leave(kind, call)
    });
    route!(
        post("invite"),
        "Adds people to the room.",
        ROOM_USERS,
        room,
        move |call| members::invite(kind, call)
    );
    route!(
        post("kick"),
        "Removes somebody from the room.",
        ROOM_USER,
        room,
        move |call| members::kick(kind, call)
    );
    route!(
        get("members"),
        "Who is in the room.",
        &[
            ("roomId", Kind::Text),
            ("roomName", Kind::Text),
            ("status", Kind::Texts),
            ("filter", Kind::Text),
            ("count", Kind::Number),
            ("offset", Kind::Number),
        ],
        &[("members", Kind::List), ("total", Kind::Number)],
        move |call| members::members(kind, call)
    );
    route!(
        get("messages"),
        "Messages of the room.",
        ROOM_PAGE,
        &[("messages", Kind::List), ("total", Kind::Number)],
        move |call| channels::messages(kind, call)
    );
    route!(
        get("history"),
        "Messages of the room between two points in time.",
        HISTORY,
        &[("messages", Kind::List)],
        move |call| channels::history(kind, call)
    );
    route!(
        get("roles"),
        "Who has which role in the room.",
        ROOM,
        &[("roles", Kind::List)],
        move |call| members::roles(kind, call)
    );
    route!(
        get("moderators"),
        "The moderators of the room.",
        ROOM,
        &[("moderators", Kind::List)],
        move |call| members::moderators(kind, call)
    );
    route!(
        post("rename"),
        "Gives the room another name.",
        &[("roomId", Kind::Text), ("name", Kind::Text)],
        room,
        move |call| room_settings::rename(kind, call)
    );
    route!(
        post("setReadOnly"),
        "Decides whether only some may post.",
        &[
            ("roomId", Kind::Text),
            ("roomName", Kind::Text),
            ("readOnly", Kind::Boolean),
        ],
        room,
        move |call| room_settings::set_read_only(kind, call)
    );
    route!(
        post("archive"),
        "Archives the room.",
        ROOM,
        &[],
        move |call| { room_settings::archive(kind, call) }
    );
    route!(
        post("unarchive"),
        "Brings the room back from the archive.",
        ROOM,
        &[],
        move |call| room_settings::unarchive(kind, call)
    );
    route!(
        post("delete"),
        "Deletes the room and its messages.",
        ROOM,
        &[],
        move |call| room_settings::delete(kind, call)
    );
    route!(
        post("open"),
        "Shows the room in the caller's list.",
        ROOM,
        &[],
        move |call| members::open(kind, call)
    );
    route!(
        post("close"),
        "Hides the room from the caller's list.",
        ROOM,
        &[],
        move |call| members::close(kind, call)
    );
    macro_rules! text {
        ($name:literal, $field:literal, $which:expr) => {
            route!(
                post($name),
                "Changes a text about the room.",
                &[
                    ("roomId", Kind::Text),
                    ("roomName", Kind::Text),
                    ($field, Kind::Text),
                ],
                &[($field, Kind::Text)],
                move |call| room_settings::set_text(kind, $which, call)
            );
        };
    }
    text!("setTopic", "topic", RoomText::Topic);
    text!("setDescription", "description", RoomText::Description);
    text!("setPurpose", "purpose", RoomText::Purpose);
    text!("setAnnouncement", "announcement", RoomText::Announcement);
    for (name, role) in [
        ("Owner", RoomRole::Owner),
        ("Moderator", RoomRole::Moderator),
        ("Leader", RoomRole::Leader),
    ] {
        route!(
            post(&format!("add{name}")),
            "Gives a member a role in the room.",
            ROOM_USER,
            &[],
            move |call| members::grant(kind, role, call)
        );
        route!(
            post(&format!("remove{name}")),
            "Takes a role in the room from a member.",
            ROOM_USER,
            &[],
            move |call| members::revoke(kind, role, call)
        );
    }
    routes
}

/// Direct messages, under either of their names.
fn direct_routes(family: &str) -> Vec<Route> {
    const DIRECT_PAGE: Params = &[
        ("roomId", Kind::Text),
        ("username", Kind::Text),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
        ("fields", Kind::Text),
        ("query", Kind::Text),
    ];
    let path = |name: &str| format!("{family}.{name}");
    vec![
        post(path("create"), direct::create)
            .about("Makes, or finds, a direct message.")
            .knows(&[
                ("username", Kind::Text),
                ("usernames", Kind::Text),
                ("excludeSelf", Kind::Boolean),
            ])
            .answers(&[("room", Kind::Object)]),
        post(path("open"), direct::open)
            .about("Shows a direct message in the caller's list.")
            .knows(ROOM_ID),
        post(path("close"), direct::close)
            .about("Hides a direct message from the caller's list.")
            .knows(ROOM_ID),
        get(path("counters"), counters::of_direct)
            .about("How many messages a direct message has, and how many are new.")
            .knows(&[
                ("roomId", Kind::Text),
                ("username", Kind::Text),
                ("userId", Kind::Text),
            ])
            .answers(&[("joined", Kind::Boolean)]),
        get(path("list"), direct::list)
            .about("The caller's direct messages.")
            .knows(PAGE)
            .answers(&[
                ("ims", Kind::List),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("total", Kind::Number),
            ]),
        get(path("messages"), direct::messages)
            .about("Messages of a direct message.")
            .knows(DIRECT_PAGE)
            .answers(&[("messages", Kind::List), ("total", Kind::Number)]),
        get(path("history"), direct::history)
            .about("Messages of a direct message between two points in time.")
            .knows(HISTORY)
            .answers(&[("messages", Kind::List)]),
        get(path("members"), direct::members)
            .about("Who takes part in a direct message.")
            .knows(DIRECT_PAGE)
            .answers(&[("members", Kind::List), ("total", Kind::Number)]),
    ]
}
