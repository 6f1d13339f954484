//! The table of all routes, chapter by chapter.

mod administration;
mod mail;
mod people;
mod pictures;
mod rooms;
mod services;
mod sessions;
mod workspace;

use crate::http::route::Route;

/// Every REST route.
pub fn routes() -> Vec<Route> {
    [
        workspace::routes(),
        sessions::routes(),
        people::routes(),
        mail::routes(),
        pictures::routes(),
        administration::routes(),
        services::routes(),
        rooms::routes(),
    ]
    .concat()
}
