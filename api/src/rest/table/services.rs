//! Small services around the workspace.

use crate::extract::schema::Kind;
use crate::rest::presence;
use crate::route::{Route, get, post};

/// Who is meant; nobody named: the caller.
const SOMEBODY: [(&str, Kind); 3] = [
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];

pub(super) fn routes() -> Vec<Route> {
    presence_routes()
}

fn presence_routes() -> Vec<Route> {
    vec![
        get("users.presence", presence::list)
            .about("Lists who is there, or whose status changed lately.")
            .knows(&[("ids", Kind::Any), ("from", Kind::Text)])
            .answers(&[("users", Kind::List), ("full", Kind::Boolean)]),
        get("users.getPresence", presence::get)
            .about("Tells whether somebody is there.")
            .knows(&SOMEBODY)
            .answers(&[("presence", Kind::Text)]),
        get("users.getStatus", presence::get_status)
            .about("Tells what somebody is shown as, and what they say they are up to.")
            .knows(&SOMEBODY)
            .answers(&[
                ("_id", Kind::Text),
                ("status", Kind::Text),
                ("message", Kind::Text),
            ]),
        post("users.setStatus", presence::set_status)
            .about("Says what somebody is up to, and what they are to be shown as.")
            .knows(&[
                ("message", Kind::Text),
                ("status", Kind::Text),
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
            ]),
    ]
}
