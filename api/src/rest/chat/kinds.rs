//! Channels and groups: their names on the wire, and what their routes have in common.

use axum::http::Method;
use domain::room::RoomKind;

use crate::http::answer::Outcome;
use crate::http::call::Call;
use crate::http::parameters::Parameters;
use crate::http::route::{self, Route};
use crate::http::schema::Kind;

/// The kinds of rooms that have a name; each has a family of routes.
pub(super) const NAMED: [RoomKind; 2] = [RoomKind::Channel, RoomKind::Group];

pub(super) fn path(kind: RoomKind, name: &str) -> String {
    let family = match kind {
        RoomKind::Channel => "channels",
        RoomKind::Group => "groups",
        RoomKind::Direct => "im",
    };
    format!("{family}.{name}")
}

/// The route `name` of a family: channels take exactly `X`, groups `P`.
pub(super) fn exact_for_channels<X, P, T>(
    method: Method,
    kind: RoomKind,
    name: &str,
    handler: fn(RoomKind, Call, P) -> T,
) -> Route
where
    X: Parameters + Into<P>,
    P: Parameters,
    T: Future<Output = Outcome> + Send + 'static,
{
    let path = path(kind, name);
    if kind == RoomKind::Channel {
        route::logged_in(method, path, move |call, params| {
            handler(kind, call, X::into(params))
        })
    } else {
        route::logged_in(method, path, move |call, params| {
            handler(kind, call, params)
        })
    }
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
