//! Accounts, and what users show of themselves.

pub mod account_end;
pub mod avatars;
pub mod custom_status;
pub mod presence;
pub mod profile;
pub mod search;
pub mod users;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        account_end::routes(),
        avatars::routes(),
        custom_status::routes(),
        presence::routes(),
        profile::routes(),
        search::routes(),
        users::routes(),
    ]
    .concat()
}
