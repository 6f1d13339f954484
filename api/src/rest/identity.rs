//! Logins, and proofs of identity.

pub mod e2e;
pub mod login;
pub mod mail_links;
pub mod password_policy;
pub mod registration;
pub mod second_factors;
pub mod sessions;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    [
        e2e::routes(),
        login::routes(),
        mail_links::routes(),
        password_policy::routes(),
        registration::routes(),
        second_factors::routes(),
        sessions::routes(),
    ]
    .concat()
}
