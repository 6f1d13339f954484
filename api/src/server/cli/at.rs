//! `hansard at`: the workspace as it was.

use application::record::at::{AskedAt, MOST_ITEMS, Sight};
use clap::{Arg, ArgMatches, Command};

use super::record::{of_pages, page, text};
use crate::audit::at::ITEMS;
use crate::audit::page_wish::About;
use crate::server::control::Wanted;

pub(super) fn command() -> Command {
    let sight = |name: &'static str, about: &'static str| Command::new(name).about(about);
    let named = |name: &'static str, value: &'static str, about: &'static str| {
        sight(name, about).arg(
            Arg::new("named")
                .value_name(value)
                .required(true)
                .allow_hyphen_values(true),
        )
    };
    Command::new("at")
        .about("Show the workspace as it was at an earlier moment")
        .long_about(
            "Show the workspace as it was at an earlier moment, a position of the record or a time: the same as the server \
             showed then. That it was read is recorded.",
        )
        .arg(
            Arg::new("moment")
                .value_name("POSITION|TIME")
                .required(true)
                .help("Times are UTC unless they say otherwise"),
        )
        .args(of_pages().map(|argument| argument.global(true)))
        .subcommand_required(true)
        .subcommand(sight("rooms", "The rooms there were").args(part()))
        .subcommand(named("room", "ROOM", "A room: names, topic, numbers, last message"))
        .subcommand(named("members", "ROOM", "Who was in a room, with their roles in it").args(part()))
        .subcommand(
            named("messages", "ROOM", "The messages of a room, the newest first")
                .args(part())
                .arg(
                    Arg::new("thread")
                        .long("thread")
                        .value_name("ID")
                        .allow_hyphen_values(true)
                        .help("The message that began a thread: only that and the replies to it, the oldest first"),
                ),
        )
        .subcommand(named("message", "ID", "A message"))
        .subcommand(named("user", "USER", "An account"))
        .subcommand(sight("permissions", "Which roles had which permissions").args(part()))
        .subcommand(sight("settings", "The settings, without secrets").args(part()))
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md. \
             A moment that is not in the record is refused.\n\n\
             Examples:\n  hansard at 4711 rooms\n  \
             hansard at 2026-11-01 members general\n  \
             hansard at 2026-11-01T12:00 messages general --limit 20\n  \
             hansard at 4711 settings --limit 1000 --format json | jq -r '.settings[] | [._id, .value] | @tsv'",
        )
}

/// Which part of a list.
fn part() -> [Arg; 2] {
    [
        Arg::new("offset")
            .long("offset")
            .value_name("NUMBER")
            .value_parser(clap::value_parser!(u64))
            .default_value("0")
            .help("Leave out so many at the beginning"),
        Arg::new("limit")
            .long("limit")
            .value_name("NUMBER")
            .value_parser(clap::value_parser!(u64).range(1..=MOST_ITEMS))
            .help(format!("So many at most [default: {ITEMS}]")),
    ]
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let (name, sight) = matches.subcommand().unwrap_or(("rooms", matches));
    let named = |name| {
        // Not every sight has a name, a thread or a part.
        let text = sight.try_get_one::<String>(name).ok().flatten();
        text.cloned()
    };
    let number = |name| sight.try_get_one::<u64>(name).ok().flatten().copied();
    let this = named("named").unwrap_or_default();
    let asked = AskedAt {
        moment: text(matches, "moment").unwrap_or_default(),
        sight: match name {
            "room" => Sight::Room(this),
            "members" => Sight::Members(this),
            "messages" => Sight::Messages {
                room: this,
                thread: named("thread"),
            },
            "message" => Sight::Message(this),
            "user" => Sight::User(this),
            "permissions" => Sight::Permissions,
            "settings" => Sight::Settings,
            _ => Sight::Rooms,
        },
        offset: number("offset").unwrap_or(0),
        limit: number("limit").unwrap_or(ITEMS.into()),
    };
    page(sight, About::At(Box::new(asked)))
}
