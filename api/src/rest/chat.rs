//! Rooms, their members, and their messages.

mod admin_rooms;
mod attached;
mod autocomplete;
pub mod autotranslate;
pub mod channels;
mod commands;
pub mod counters;
pub mod direct;
pub mod discussions;
mod export;
pub mod history;
pub mod invites;
pub mod kinds;
pub mod member_lists;
pub mod members;
pub mod messages;
pub mod place;
mod previews;
mod prune;
mod reading;
mod receipts;
pub mod rooms;
mod searching;
pub mod settings;
mod standing;
pub mod subscriptions;
pub mod target;
pub mod team_rooms;
pub mod teams;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        admin_rooms::routes(),
        attached::routes(),
        autocomplete::routes(),
        autotranslate::routes(),
        channels::routes(),
        commands::routes(),
        counters::routes(),
        direct::routes(),
        discussions::routes(),
        export::routes(),
        invites::routes(),
        member_lists::routes(),
        members::routes(),
        messages::routes(),
        place::routes(),
        previews::routes(),
        prune::routes(),
        reading::routes(),
        receipts::routes(),
        rooms::routes(),
        searching::routes(),
        settings::routes(),
        standing::routes(),
        subscriptions::routes(),
        team_rooms::routes(),
        teams::routes(),
    ]
    .concat()
}
