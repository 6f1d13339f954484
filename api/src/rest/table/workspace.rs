//! What the workspace tells about itself: versions, figures, directory, search for people and rooms.

use axum::http::Method;

use crate::rest::info;
use crate::route::{Route, public};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::GET, "/api/info", info::info),
        public(Method::GET, "info", info::info),
    ]
}
