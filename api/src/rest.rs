//! The REST doors (contract, all chapters). Handlers are short: parse, one use case or one query, answer.

pub mod admin;
pub mod chat;
pub mod identity;
pub mod integrations;
pub mod lookup;
pub mod people;
pub mod record;

use crate::http::route::Route;

pub fn routes() -> Vec<Route> {
    [
        chat::routes(),
        people::routes(),
        identity::routes(),
        admin::routes(),
        integrations::routes(),
        record::routes(),
    ]
    .concat()
}
