//! `hansard access`: what somebody could read.

use application::record::reach::AskedReach;
use clap::{ArgMatches, Command};

use super::record::{of_pages, one, page, subject, text};
use crate::audit::page_wish::About;
use crate::server::control::Wanted;

pub(super) fn command() -> Command {
    Command::new("access")
        .about("Show the rooms that somebody could read, when and why")
        .long_about(
            "Show the rooms that somebody could read: as a member, or because the room was public and they had the right to \
             look in; from which event to which. That it was read is recorded. What they did is told by hansard log --actor.",
        )
        .args([
            subject("user", "USER", "The user (name or id)"),
            one("from", "POSITION|TIME", "From this position or time on; times are UTC unless they say otherwise"),
            one("to", "POSITION|TIME", "Up to this position, or before this time"),
        ])
        .args(of_pages())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard access ann\n  hansard access ann --from 1\n  \
             hansard access ann --format json | jq '.rooms[].name'",
        )
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let asked = AskedReach {
        user: text(matches, "user").unwrap_or_default(),
        from: text(matches, "from"),
        to: text(matches, "to"),
    };
    page(matches, About::Access(asked))
}
