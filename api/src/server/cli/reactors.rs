//! `hansard reactors`: the side effects, looked at and made to go on elsewhere.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};

use super::opened::{to_read, to_write};
use super::{ask, open_log, print, unexpected};
use crate::server::config::Config;
use crate::server::control::{Answer, Failure, ReactorRow, Request, Reset};

/// A position of the log; `None`: its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Where(Option<u64>);

fn parse_where(text: &str) -> Result<Where, String> {
    match text {
        "head" => Ok(Where(None)),
        text => text
            .parse()
            .map(|position| Where(Some(position)))
            .map_err(|_| "neither `head` nor a position, a whole number from 0".to_owned()),
    }
}

/// `hansard reactors` and its subcommands.
pub(super) fn command() -> Command {
    Command::new("reactors")
        .about("Look at the side effects (mail, copies of data), or say where they are to go on")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Examples:\n  hansard reactors list\n  hansard reactors reset --all --at head")
        .subcommand(
            Command::new("list")
                .about("List the reactors, how far each is, and whether that is a place in this log")
                .after_help("Works while a server runs on the data folder and while none does.\n\nExample:\n  hansard reactors list --data-dir /srv/chat"),
        )
        .subcommand(
            Command::new("reset")
                .about("Have a reactor, or all, go on after another position of the log")
                .arg(Arg::new("name").value_name("NAME").help("The reactor"))
                .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help("All reactors"))
                .group(ArgGroup::new("which").args(["name", "all"]).required(true))
                .arg(
                    Arg::new("at")
                        .long("at")
                        .value_name("head|POSITION")
                        .required(true)
                        .value_parser(parse_where)
                        .help("`head`: what was recorded so far has no side effects any more; a position: what is after it has, possibly once more"),
                )
                .after_help(
                    "Reactors stop after a log was restored from a backup or replaced, because only you know which side effects \
                     have happened. Works while a server runs on the data folder, which then goes on with them, and while none does.\n\n\
                     Examples:\n  hansard reactors reset --all --at head\n  hansard reactors reset mail --at 4711",
                ),
        )
}

pub(super) fn reset(matches: &ArgMatches) -> Reset {
    Reset {
        reactor: matches.get_one::<String>("name").cloned(),
        at: matches.get_one::<Where>("at").and_then(|at| at.0),
    }
}

pub async fn list_reactors(config: &Config) -> Result<(), Failure> {
    let all = match to_read(config).await? {
        Some(opened) => {
            let log = opened.log().await?;
            let listed = reactors::list(&opened.original().reactors(), &*log).await;
            log.close().await;
            let listed = listed.map_err(|error| error.to_string())?;
            listed.into_iter().map(ReactorRow::from).collect()
        }
        None => match ask(config, Request::ListReactors).await? {
            Answer::Reactors(all) => all,
            other => return Err(unexpected(other)),
        },
    };
    let mut table = format!("{:<20} {:>12}  {:<32}\n", "reactor", "position", "of log");
    for row in all {
        let log = row.log.as_deref().unwrap_or("(not noted yet)");
        let matches = if row.matches {
            "matches"
        } else {
            "NOT in this log"
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{:<20} {:>12}  {log:<32}  {matches}",
            row.name, row.position
        );
    }
    print(&table)
}

/// Makes reactors begin elsewhere, here or in the server that runs on the data folder.
pub async fn reset_reactors(config: &Config, reset: Reset) -> Result<(), Failure> {
    let (names, position) = match to_write(config).await? {
        Some(folder) => {
            let log = open_log(config, &folder).await?;
            let place = reactors::place_named(&*log, reset.position()).await;
            log.close().await;
            let place = place?;
            let named = reset.reactor.as_deref();
            let names = reactors::reset_offline(&folder.reactors(), named, place)?;
            (names, place.position.get())
        }
        None => match ask(config, Request::ResetReactors(reset)).await? {
            Answer::Reset(names, position) => (names, position),
            other => return Err(unexpected(other)),
        },
    };
    print(&format!(
        "After position {position} of the log now: {}.\n",
        names.join(", ")
    ))
}
