//! Logins, login tokens and second factors.

use axum::http::Method;

use crate::rest::auth;
use crate::route::{Route, get, post, public};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::POST, "login", auth::login),
        post("logout", auth::logout),
        get("logout", auth::logout),
        get("me", auth::me),
    ]
}
