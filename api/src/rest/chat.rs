//! Rooms, their members, and their messages.

pub mod autotranslate;
pub mod channels;
pub mod counters;
pub mod direct;
pub mod discussions;
pub mod history;
pub mod invites;
pub mod kinds;
pub mod known_emoji;
pub mod members;
pub mod messages;
pub mod rooms;
pub mod settings;
pub mod subscriptions;
pub mod target;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        autotranslate::routes(),
        channels::routes(),
        counters::routes(),
        direct::routes(),
        discussions::routes(),
        invites::routes(),
        members::routes(),
        messages::routes(),
        rooms::routes(),
        settings::routes(),
        subscriptions::routes(),
    ]
    .concat()
}
