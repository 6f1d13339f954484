//! What the workspace tells about itself: versions, figures, directory, search for people and rooms.

use axum::http::Method;

use crate::http::openapi;
use crate::http::route::{Rate, Route, public};
use crate::http::schema::Kind;
use crate::rest::admin::info;

pub(super) fn routes() -> Vec<Route> {
    vec![
        public(Method::GET, "/api/info", info::info).about("The version of the server."),
        public(Method::GET, "info", info::info).about("The version of the server."),
        public(Method::GET, "openapi.json", openapi::document)
            .about("This description of the API.")
            .rate(Rate::Unlimited)
            .answers_bare(Kind::Object),
        public(Method::GET, "/api-docs", openapi::to_page)
            .about("The address of the page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .redirects(),
        public(Method::GET, "/api-docs/", openapi::page)
            .about("The page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .sends(&["text/html"]),
        public(Method::GET, "/api-docs/{file}", openapi::page)
            .about("A file of the page that shows the description of the API.")
            .rate(Rate::Unlimited)
            .sends(&[
                "text/html",
                "text/css",
                "text/javascript",
                "image/png",
                "application/json",
            ]),
    ]
}
