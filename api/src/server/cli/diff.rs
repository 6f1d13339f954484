//! `hansard diff`: what changed between two moments.

use application::record::diff::{AskedDiff, Compared};
use clap::{Arg, ArgMatches, Command};

use super::record::{of_pages, page, text};
use crate::audit::page_wish::About;
use crate::server::control::Wanted;

pub(super) fn command() -> Command {
    let moment = |name: &'static str| {
        Arg::new(name)
            .required(true)
            .help("A position, or a time; times are UTC unless they say otherwise")
    };
    let of = |name: &'static str, about: &'static str| Command::new(name).about(about);
    Command::new("diff")
        .about("Show what changed between two moments")
        .long_about(
            "Show what changed in a room, in the permissions or in the settings between two moments, positions of the record \
             or times, and the events that made the difference. That it was read is recorded.",
        )
        .arg(moment("from").value_name("FROM"))
        .arg(moment("to").value_name("TO"))
        .args(of_pages().map(|argument| argument.global(true)))
        .subcommand_required(true)
        .subcommand(
            of("room", "A room: names, topic, members and their roles, edits and deletions").arg(
                Arg::new("named")
                    .value_name("ROOM")
                    .required(true)
                    .allow_hyphen_values(true),
            ),
        )
        .subcommand(of("permissions", "Which roles have which permissions"))
        .subcommand(of("settings", "The settings, without secrets"))
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md. \
             A moment that is not in the record is refused.\n\n\
             Examples:\n  hansard diff 4711 5200 room plans\n  \
             hansard diff 2026-11-01 2026-12-01 permissions\n  \
             hansard diff 2026-11-26 2026-11-27T10:42 settings --format json",
        )
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let (name, of) = matches.subcommand().unwrap_or(("settings", matches));
    let moment = |name| text(matches, name).unwrap_or_default();
    let asked = AskedDiff {
        from: moment("from"),
        to: moment("to"),
        compared: match name {
            "room" => Compared::Room(text(of, "named").unwrap_or_default()),
            "permissions" => Compared::Permissions,
            _ => Compared::Settings,
        },
    };
    page(of, About::Diff(asked))
}
