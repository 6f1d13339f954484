//! What can be taken out of the record.

pub mod data_export;

use crate::http::route::Route;

pub(super) fn routes() -> Vec<Route> {
    data_export::routes()
}
