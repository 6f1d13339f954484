//! `hansard explain`: what came of a request.

use application::record::explain::AskedRequest;
use clap::{ArgMatches, Command};

use super::record::{of_pages, page, subject, text};
use crate::audit::page_wish::About;
use crate::server::control::Wanted;

pub(super) fn command() -> Command {
    let id = "The id of the request: X-Correlation-Id of its answer, or correlation of an event";
    Command::new("explain")
        .about("Show what came of one request: events, views, live updates and consequences")
        .long_about(
            "Show what came of one request: its events in their order, the views they were written to, the live updates they \
             led to, and what reactors recorded because of them. That it was read is recorded.",
        )
        .args([subject("id", "ID", id)])
        .args(of_pages())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard explain 0192d3a4-5b6c-7d8e-9f00-112233445566\n  \
             hansard explain 0192d3a4-5b6c-7d8e-9f00-112233445566 --format json",
        )
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let request = text(matches, "id").unwrap_or_default();
    page(matches, About::Explain(AskedRequest { request }))
}
