//! Channels and groups: their names on the wire, and what their routes have in common.

use domain::room::RoomKind;

use crate::http::schema::Kind;

/// The kinds of rooms that have a name; each has a family of routes.
pub(super) const NAMED: [RoomKind; 2] = [RoomKind::Channel, RoomKind::Group];

pub(super) const ROOM_PARAMS: &[(&str, Kind)] = &[("roomId", Kind::Text), ("roomName", Kind::Text)];

pub(super) fn path(kind: RoomKind, name: &str) -> String {
    let family = match kind {
        RoomKind::Channel => "channels",
        RoomKind::Group => "groups",
        RoomKind::Direct => "im",
    };
    format!("{family}.{name}")
}

/// The field of a room in answers, for the description of the API.
pub(super) const fn room_field(kind: RoomKind) -> &'static [(&'static str, Kind)] {
    match kind {
        RoomKind::Channel => &[("channel", Kind::Object)],
        RoomKind::Group => &[("group", Kind::Object)],
        RoomKind::Direct => &[("room", Kind::Object)],
    }
}

/// The key of a room in answers.
pub(super) const fn key(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channel",
        RoomKind::Group => "group",
        RoomKind::Direct => "room",
    }
}

/// The key of a list of rooms in answers.
pub(super) const fn list_key(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Channel => "channels",
        RoomKind::Group => "groups",
        RoomKind::Direct => "ims",
    }
}
