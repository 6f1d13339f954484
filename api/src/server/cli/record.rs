//! `hansard log`: the record, read.

use std::net::SocketAddr;

use application::record::question::Asked;
use application::workspace::Workspace;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{caught_up, opened, put};
use crate::audit::format::Format;
use crate::audit::page_wish::{About, Form, PageWish};
use crate::audit::transcript::Wish;
use crate::http::parameters::Choice as _;
use crate::server::app;
use crate::server::config::Config;
use crate::server::control::{self, Failure, NotPrinted, Printout, Request, Wanted};
use crate::server::program;
use crate::server::shutdown::Signals;

/// An argument that may be given several times.
pub(super) fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    one(name, value, help).action(ArgAction::Append)
}

/// An argument with a value.
pub(super) fn one(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// An argument without a value.
pub(super) fn flag(name: &'static str, help: &'static str) -> Arg {
    let flag = Arg::new(name).long(name);
    flag.action(ArgAction::SetTrue).help(help)
}

/// The arguments of every list of events: which part of it, and how it is written.
pub(super) fn of_lists() -> [Arg; 7] {
    [
        one(
            "from",
            "POSITION|TIME",
            "From this position or time on; times are UTC unless they say otherwise",
        ),
        one(
            "to",
            "POSITION|TIME",
            "Up to this position, or before this time",
        ),
        one("after", "CURSOR", "Go on behind this position, or cursor"),
        one("limit", "NUMBER", "So many at most").value_parser(clap::value_parser!(u64).range(1..)),
        one("format", "FORMAT", "How to write it")
            .value_parser(PossibleValuesParser::new(Format::NAMES))
            .default_value("table"),
        flag("newest", "The newest first"),
        private_rooms(),
    ]
}

/// What a question of its own is about, which must be given.
pub(super) fn subject(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    let subject = Arg::new(name).value_name(value).required(true);
    subject.allow_hyphen_values(true).help(help)
}

/// The arguments of every question that is answered on one page.
pub(super) fn of_pages() -> [Arg; 2] {
    let format = one("format", "FORMAT", "How to write it")
        .value_parser(PossibleValuesParser::new(Form::NAMES))
        .default_value("table");
    [format, private_rooms()]
}

fn private_rooms() -> Arg {
    flag(
        "private-rooms",
        "Private rooms and direct messages too, although the setting Audit_Private_Rooms is off",
    )
}

pub(super) fn command() -> Command {
    Command::new("log")
        .about("Read the record: what happened, one line an event")
        .long_about(
            "Read the record: what happened, one line an event. What narrows it down may be given several times; of the same \
             kind any one is enough. That it was read is recorded too.",
        )
        .args([
            many("room", "ROOM", "Only what happened in this room, or to it (name or id)"),
            many("user", "USER", "Only what this user did, or what concerns them (name or id)"),
            many("actor", "USER", "Only what this user did"),
            many("type", "EVENT", "Only events of this name, e.g. MessageEdited"),
            many("category", "CATEGORY", "Only events of this kind of stream, e.g. message"),
            one("stream", "STREAM", "Only this stream, e.g. message-<id>"),
            one("correlation", "ID", "Only what came of this request (X-Correlation-Id)"),
            one("text", "TEXT", "Only messages that contain this"),
            flag("follow", "Go on with what is recorded from now on (or after --from, --after)").conflicts_with("newest"),
        ])
        .args(of_lists())
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard log --newest --limit 20\n  \
             hansard log --room general --from 1 --limit 100\n  \
             hansard log --user ann --type MessageEdited --type MessageDeleted\n  \
             hansard log --follow\n  hansard log --format ndjson | jq .sentence",
        )
}

/// What the arguments ask for.
pub(super) fn log(matches: &ArgMatches) -> Wanted {
    let asked = Asked {
        rooms: all(matches, "room"),
        users: all(matches, "user"),
        actors: all(matches, "actor"),
        types: all(matches, "type"),
        categories: all(matches, "category"),
        stream: text(matches, "stream"),
        correlation: text(matches, "correlation"),
        text: text(matches, "text"),
        ..Asked::default()
    };
    list(matches, asked, matches.get_flag("follow"))
}

/// What was given for an argument that may be given several times.
pub(super) fn all(matches: &ArgMatches, name: &str) -> Vec<String> {
    let values = matches.get_many::<String>(name).unwrap_or_default();
    values.cloned().collect()
}

/// What was given for an argument.
pub(super) fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).cloned()
}

/// A list of events, with what [`of_lists`] says of it.
pub(super) fn list(matches: &ArgMatches, asked: Asked, follow: bool) -> Wanted {
    let format = text(matches, "format").and_then(|name| Format::find(&name));
    Wanted::Log(Box::new(Wish {
        asked: Asked {
            from: text(matches, "from"),
            to: text(matches, "to"),
            newest_first: matches.get_flag("newest"),
            ..asked
        },
        format: format.unwrap_or_default(),
        limit: matches.get_one("limit").copied(),
        cursor: text(matches, "after"),
        follow,
        private_rooms: matches.get_flag("private-rooms"),
        account: account(),
    }))
}

/// An answer on one page, with what [`of_pages`] says of it.
pub(super) fn page(matches: &ArgMatches, about: About) -> Wanted {
    let form = text(matches, "format").and_then(|name| Form::find(&name));
    Wanted::Page(PageWish {
        about,
        form: form.unwrap_or_default(),
        private_rooms: matches.get_flag("private-rooms"),
        account: account(),
    })
}

/// Whose process this is, as the system says: its environment could say anything.
pub(super) fn account() -> String {
    #[cfg(unix)]
    {
        let number = rustix::process::getuid().as_raw();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        name_of(&accounts, number).map_or_else(
            || format!("user {number} of the system"),
            |name| format!("{name} (user {number} of the system)"),
        )
    }
    #[cfg(not(unix))]
    "somebody".to_owned()
}

/// The name of an account in the system's list of them.
#[cfg(unix)]
fn name_of(accounts: &str, number: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let theirs = fields.nth(1)?;
        (theirs.parse() == Ok(number)).then_some(name)
    })
}

/// Where what is read comes from.
pub(super) enum Source<'a> {
    /// This process, which has the data folder.
    Folder(&'a Workspace),
    /// The server that runs on it.
    Server(&'a Config),
}

/// Prints part of the record.
pub(super) async fn read(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    take(
        config,
        wanted,
        async |printout, _| print(printout).await,
        || Ok(()),
    )
    .await
}

/// Has `taking` take part of the record, from the data folder or from the server that runs on it. `stopped`: what it comes
/// to if this process is told to stop before.
pub(super) async fn take(
    config: &Config,
    wanted: Wanted,
    taking: impl AsyncFnOnce(&mut Printout, Source<'_>) -> Result<(), Failure>,
    stopped: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(opened) = opened::to_read(config).await? else {
        let request = Request::Print(wanted);
        let response = control::ask(&config.data_dir, &request).await?;
        return taking(&mut Printout::of(response).await?, Source::Server(config)).await;
    };
    let config = &opened.config;
    if config.mongo_url.is_none() && wanted.follows() {
        let text =
            "no server runs on the data folder, so nothing is recorded that could be followed";
        return Err(text.into());
    }
    let signals = Signals::listen(config.shutdown_timeout);
    let signals = signals.map_err(|error| format!("cannot listen for signals: {error}"))?;
    let log = opened.log().await?;
    let address = SocketAddr::from(([127, 0, 0, 1], config.port));
    let outcome = match app::workspace(config, opened.folder(), log.clone(), address) {
        Ok(workspace) => {
            let taken = take_from_workspace(&workspace, wanted, signals, taking, stopped);
            let outcome = taken.await;
            workspace.views().close().await;
            outcome
        }
        Err(error) => Err(error.to_string().into()),
    };
    log.close().await;
    outcome
}

async fn take_from_workspace(
    workspace: &Workspace,
    wanted: Wanted,
    signals: Signals,
    taking: impl AsyncFnOnce(&mut Printout, Source<'_>) -> Result<(), Failure>,
    stopped: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let begin = async |workspace: &Workspace| wanted.clone().print(workspace, stop.clone()).await;
    let mut printout = caught_up(workspace, begin, NotPrinted::is_temporary).await?;
    let taken = tokio::select! {
        taken = taking(&mut printout, Source::Folder(workspace)) => taken,
        () = signals.received() => stopped(),
    };
    // If nobody read all of it, that is the end; and what was shown is recorded before the log is closed.
    stop.cancel();
    while printout.parts.next().await.is_some() {}
    taken
}

/// Says so if a reading is not recorded.
pub(super) fn warn_if_unrecorded(printout: &Printout) {
    if let Some(reason) = &printout.unrecorded {
        eprintln!(
            "{}: this reading is NOT recorded, because the log cannot be written: {reason}",
            program::name()
        );
    }
}

/// Prints part after part. If nobody reads them any more, that is the end.
async fn print(printout: &mut Printout) -> Result<(), Failure> {
    warn_if_unrecorded(printout);
    while let Some(part) = printout.parts.next().await {
        if !put(&part?)? {
            break;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_called_as_the_system_calls_them() {
        let accounts = "root:x:0:0::/root:/bin/sh\nbroken\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n";
        assert_eq!(name_of(accounts, 1000), Some("ann"));
        assert_eq!(name_of(accounts, 1), None);
    }
}
