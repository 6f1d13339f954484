//! Messages: posting, changing, marking, listing (contract, messages 6).

mod change;
mod lists;
mod marks;
mod post;
mod read;
mod send;
mod sync;
mod threads;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        send::routes(),
        post::routes(),
        change::routes(),
        marks::routes(),
        read::routes(),
        lists::routes(),
        threads::routes(),
        sync::routes(),
    ]
    .concat()
}
