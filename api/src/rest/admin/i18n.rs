//! The server's own texts in the language a client asks for (contract, admin 6).

use std::collections::BTreeMap;

use axum::http::Method;
use reactors::mail::TEXTS;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;
use crate::http::route::{self, Rate, Route};
use crate::http::schema::Kind;

pub(super) fn routes() -> Vec<Route> {
    vec![
        route::public(Method::GET, "/i18n/{file}", texts)
            .about("The server's own texts in a language, as `<language>.json`.")
            .rate(Rate::Unlimited)
            .answers_bare(Kind::Object),
    ]
}

/// The only language.
const LANGUAGE: &str = "en";

/// `GET /i18n/<language>.json`: what the server itself writes to people, by its keys. Clients bring the texts of their
/// own screens.
async fn texts(call: Anyone) -> Outcome {
    let file = call.input.path("file");
    if file.strip_suffix(".json") != Some(LANGUAGE) {
        return Err(wording::unknown_language());
    }
    let texts: BTreeMap<&str, &str> = TEXTS.iter().copied().collect();
    Ok(Answer::bare(&texts))
}
