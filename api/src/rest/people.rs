//! Accounts, and what users show of themselves.

pub mod account_end;
pub mod accounts;
pub mod avatars;
pub mod custom_status;
pub mod lists;
pub mod presence;
pub mod profile;
pub mod search;
pub mod users;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        account_end::routes(),
        accounts::routes(),
        avatars::routes(),
        custom_status::routes(),
        lists::routes(),
        presence::routes(),
        profile::routes(),
        search::routes(),
        users::routes(),
    ]
    .concat()
}
