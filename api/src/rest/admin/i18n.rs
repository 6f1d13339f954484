//! The server's own texts, as clients ask for a language's (contract, admin 6).

use std::collections::BTreeMap;

use reactors::mail::TEXTS;

use crate::errors::wording;
use crate::http::answer::{Answer, Outcome};
use crate::http::call::Anyone;

/// The one language there is.
const LANGUAGE: &str = "en";

/// `GET /i18n/<language>.json`: what the server itself writes to people, by its keys. Clients bring the words of their
/// own screens with them.
pub async fn texts(call: Anyone) -> Outcome {
    let file = call.input.path("file");
    if file.strip_suffix(".json") != Some(LANGUAGE) {
        return Err(wording::unknown_language());
    }
    let texts: BTreeMap<&str, &str> = TEXTS.iter().copied().collect();
    Ok(Answer::bare(&texts))
}
