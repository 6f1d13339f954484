//! Logins, login tokens and second factors.

use axum::http::Method;

use crate::extract::schema::Kind;
use crate::methods::door;
use crate::rest::auth;
use crate::route::{Rate, Route, get, post, public};

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::POST, "login", auth::login).about("Logs in and hands out a login token."),
        post("logout", auth::logout).about("Voids the login token that is presented."),
        get("logout", auth::logout).about("Voids the login token that is presented."),
        get("me", auth::me)
            .about("Tells who is logged in.")
            .answers(&[("_id", Kind::Text), ("username", Kind::Text)]),
        method_call(post("method.call/{method}", door::call)),
        // Names of methods have slashes in them, and not every client escapes those.
        method_call(post("method.call/{method}/{rest}", door::call)),
        method_call(public(
            Method::POST,
            "method.callAnon/{method}",
            door::call_anonymously,
        )),
        method_call(public(
            Method::POST,
            "method.callAnon/{method}/{rest}",
            door::call_anonymously,
        )),
    ]
}

/// Methods have limits of their own.
fn method_call(route: Route) -> Route {
    route
        .about("Calls the method that stands in the message.")
        .takes(&door::MESSAGE)
        .rate(Rate::Unlimited)
        .answers(&[("message", Kind::Text)])
}
