//! Roles, permissions, settings, and how others log in here or elsewhere.

use axum::http::Method;

use crate::rest::{permissions, settings};
use crate::route::{Route, get, public};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::GET, "settings.public", settings::public),
        get("permissions.listAll", permissions::list_all),
    ]
}
