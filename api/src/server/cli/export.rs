//! `hansard export`: the record in files for other programs.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use application::record::export::{
    Decoder, ExportFormat, ExportWish, Filled, Folder, FolderError, Order, Piece, Target,
    Unfinished, fill,
};
use application::record::question::Asked;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::record::{Source, account, take, warn_if_unrecorded};
use super::{ask, print, unexpected};
use crate::audit::export_wish::{ExportEnd, PIECES, Start, WantedExport};
use crate::server::config::Config;
use crate::server::control::{Answer, Failure, Printout, Request, Wanted};
use crate::server::data_dir;

/// What is to be exported, and where to.
pub struct Errand {
    into: PathBuf,
    /// Whatever was interrupted there.
    resume: bool,
    said: Said,
}

/// What the arguments say of an export. Of one that is resumed they need say nothing, and must not say anything else.
#[derive(Default)]
struct Said {
    asked: Asked,
    all: bool,
    format: Option<ExportFormat>,
    name: Option<String>,
    private_rooms: bool,
}

impl Said {
    /// `None`: something is missing.
    fn wish(&self) -> Option<ExportWish> {
        let narrowed = !self.asked.rooms.is_empty() || !self.asked.users.is_empty();
        let format = self.format.filter(|_| self.all || narrowed)?;
        Some(ExportWish {
            asked: self.asked.clone(),
            format,
            name: self.name.clone(),
        })
    }

    /// The first option that says something else than what an export was begun with: how it was begun, and the option.
    fn contradiction(&self, order: &Order) -> Option<(String, String)> {
        let option = |name: &str, value: &str| format!("--{name} {value}");
        let begun = |name: &str, value: Option<&str>| match value {
            Some(value) => format!("with {}", option(name, value)),
            None => format!("without --{name}"),
        };
        let question = |name: &str| order.question.get(name).map(String::as_str);
        let format = self.format.map(|format| ("format", format.name()));
        let name = self.name.as_deref().map(|name| ("since-last", name));
        let narrowed = self.asked.narrowed();
        let asked = narrowed
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in asked.chain(format).chain(name) {
            let was = match name {
                "format" => Some(order.format.name()),
                "since-last" => order.name.as_deref(),
                name => question(name),
            };
            if was != Some(value) {
                return Some((begun(name, was), option(name, value)));
            }
        }
        let only = ["room", "user"].into_iter();
        let mut only = only.filter_map(|name| Some((name, question(name)?)));
        if self.all
            && let Some((name, was)) = only.next()
        {
            return Some((begun(name, Some(was)), "--all".to_owned()));
        }
        let private_rooms = self.private_rooms && !order.private_rooms;
        private_rooms.then(|| {
            let name = "private-rooms";
            (begun(name, None), format!("--{name}"))
        })
    }
}

pub(super) fn command() -> Command {
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("export")
        .about("Write the record, or a part of it, into files for other programs")
        .long_about(
            "Write the record, or a part of it, into a folder: the data, a manifest with the size and SHA-256 of every file, \
             and a page that explains it. That it was exported is recorded.",
        )
        .args([
            one("room", "ROOM", "What happened in this room, or to it (name or id); may be given several times")
                .action(ArgAction::Append),
            one("user", "USER", "What this user did, or what concerns them (name or id); may be given several times")
                .action(ArgAction::Append),
            flag("all", "Everything").conflicts_with_all(["room", "user"]),
            one("from", "POSITION|TIME", "From this position or time on; times are UTC unless they say otherwise"),
            one("to", "POSITION|TIME", "Up to this position, or before this time"),
            one("since-last", "NAME", "Go on behind the last finished export of this name; the first of a name begins at the \
                 beginning")
                .conflicts_with("from"),
            one("format", "FORMAT", "How to write it")
                .value_parser(PossibleValuesParser::new(ExportFormat::NAMES))
                .required_unless_present("resume"),
            one("into", "DIR", "The folder, which must be empty or not there")
                .value_parser(clap::value_parser!(PathBuf))
                .required(true),
            flag("resume", "Go on with what was interrupted there"),
            flag("private-rooms", "Private rooms and direct messages too, although the setting Audit_Private_Rooms is off"),
        ])
        .group(
            ArgGroup::new("what")
                .args(["room", "user", "all", "resume"])
                .required(true)
                .multiple(true),
        )
        .after_help(
            "Works while a server runs on the data folder and while none does. See docs/audit.md.\n\n\
             Examples:\n  hansard export --all --format ndjson --into export\n  \
             hansard export --room general --from 1 --format csv --into general\n  \
             hansard export --resume --into export\n  \
             hansard export --all --format ndjson --since-last archive --into \"archive-$(date +%F)\"",
        )
}

/// What the arguments ask for.
pub(super) fn errand(matches: &ArgMatches) -> Errand {
    let many = |name: &str| {
        let values = matches.get_many::<String>(name).unwrap_or_default();
        values.cloned().collect()
    };
    let one = |name: &str| matches.get_one::<String>(name).cloned();
    let format = one("format").and_then(|name| ExportFormat::find(&name));
    let asked = Asked {
        rooms: many("room"),
        users: many("user"),
        from: one("from"),
        to: one("to"),
        ..Asked::default()
    };
    Errand {
        into: matches.get_one("into").cloned().unwrap_or_default(),
        resume: matches.get_flag("resume"),
        said: Said {
            asked,
            all: matches.get_flag("all"),
            format,
            name: one("since-last"),
            private_rooms: matches.get_flag("private-rooms"),
        },
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self {
            text: error.to_string(),
            usage: error.is_usage(),
        }
    }
}

fn usage(text: String) -> Failure {
    Failure { text, usage: true }
}

/// Where it goes, and what is to be made for it.
fn start(data: &Path, errand: &Errand) -> Result<(Target, Start), Failure> {
    if !errand.resume {
        let wish = errand.said.wish();
        let wish =
            wish.ok_or_else(|| usage("say what to export, and how to write it".to_owned()))?;
        let into = errand.into.display();
        let inside = data_dir::is_inside(&errand.into, data);
        if inside.map_err(|error| format!("{into}: {error}"))? {
            return Err(usage(format!(
                "{into} is in the data folder, where all is the server's own: choose a folder outside of it"
            )));
        }
        Folder::is_vacant(&errand.into)?;
        return Ok((Target::Fresh(errand.into.clone()), Start::Fresh(wish)));
    }
    let unfinished = Unfinished::find(&errand.into)?;
    let order = unfinished.order().clone();
    if let Some((begun, option)) = errand.said.contradiction(&order) {
        let into = errand.into.display();
        return Err(usage(format!(
            "the export that was interrupted in {into} was begun {begun}, which {option} contradicts: leave that out to go on, \
             or begin another export in another folder"
        )));
    }
    let reached = unfinished.reached().cloned();
    Ok((
        Target::Unfinished(Box::new(unfinished)),
        Start::Resumed { order, reached },
    ))
}

pub(super) async fn run(config: &Config, errand: Errand) -> Result<(), Failure> {
    let data = config.data_dir.clone();
    let (errand, started) = tokio::task::spawn_blocking(move || {
        let started = start(&data, &errand);
        (errand, started)
    })
    .await
    .map_err(|error| error.to_string())?;
    let (target, start) = started?;
    let (private_rooms, into) = (errand.said.private_rooms, errand.into.display().to_string());
    let wanted = Wanted::Export(Box::new(WantedExport {
        start,
        private_rooms,
        account: account(),
    }));
    let taking = async |printout: &mut Printout, source: Source<'_>| {
        warn_if_unrecorded(printout);
        let filled = receive(printout, target, &errand.into).await?;
        if let Some(reading) = filled.reading {
            let end = ExportEnd {
                reading,
                shown: filled.shown,
                private_rooms: filled.private_rooms,
                account: account(),
            };
            record(source, end).await?;
        }
        let done = filled.finished;
        print(&format!(
            "exported {} results into {into} ({} files, {} bytes)\n",
            done.results, done.files, done.bytes
        ))
    };
    take(config, wanted, taking, || Err(interrupted("told to stop"))).await
}

fn interrupted(why: &str) -> Failure {
    format!("{why}; what is complete is kept: go on with --resume").into()
}

/// Records the end. Until then, the export is not one that another can follow.
async fn record(source: Source<'_>, end: ExportEnd) -> Result<(), Failure> {
    let recorded = match source {
        Source::Folder(workspace) => end.record(workspace).await.map_err(Failure::from),
        Source::Server(config) => match ask(config, Request::EndExport(end)).await {
            Ok(Answer::Recorded) => Ok(()),
            Ok(answer) => Err(unexpected(answer)),
            Err(failure) => Err(failure),
        },
    };
    recorded.map_err(|failure| {
        format!("the export is complete, but that it ended could not be recorded: {failure}").into()
    })
}

/// Puts what comes into the folder.
async fn receive(printout: &mut Printout, target: Target, into: &Path) -> Result<Filled, Failure> {
    let (sender, pieces) = mpsc::channel(PIECES);
    let filling = tokio::task::spawn_blocking(move || fill(target, pieces, 0));
    let received = hand_on(printout, sender).await;
    let filled = filling.await.map_err(|error| error.to_string())?;
    match filled {
        Ok(Some(filled)) => Ok(filled),
        Ok(None) => Err(match received {
            Err(failure) if failure.usage => failure,
            Err(failure) => interrupted(&failure.text),
            Ok(()) => interrupted("the export ended early"),
        }),
        // Nothing was begun.
        Err(error) if error.is_usage() || matches!(error, FolderError::NoRoom { .. }) => {
            Err(error.into())
        }
        Err(error) if Unfinished::find(into).is_err() => Err(error.into()),
        Err(error) => Err(interrupted(&error.to_string())),
    }
}

/// Hands pieces on for as long as they are taken.
async fn hand_on(printout: &mut Printout, to: mpsc::Sender<Piece>) -> Result<(), Failure> {
    let mut decoder = Decoder::default();
    let mut progress = Progress::default();
    while let Some(part) = printout.parts.next().await {
        let pieces = decoder.take(part?);
        for piece in pieces.map_err(|error| error.to_string())? {
            if let Piece::Progress(at, of) = piece {
                progress.show(at, of);
                continue;
            }
            let is_last = matches!(piece, Piece::End(_));
            let taken = to.send(piece).await;
            // The parts end only when they are let go: until then, the export keeps its name.
            if is_last || taken.is_err() {
                progress.end();
                return Ok(());
            }
        }
    }
    progress.end();
    Ok(())
}

/// Progress, told on a terminal alone.
struct Progress {
    since: Instant,
    /// How much was done when it began or went on.
    from: Option<u64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            from: None,
        }
    }
}

impl Progress {
    fn show(&mut self, at: u64, of: u64) {
        let mut out = std::io::stderr();
        if !out.is_terminal() {
            return;
        }
        let from = *self.from.get_or_insert(at);
        let seconds = self.since.elapsed().as_secs().max(1);
        let rate = (at - from) / seconds;
        let left = of.saturating_sub(at).checked_div(rate);
        let left = left.map_or_else(String::new, |left| {
            format!(", {}:{:02} minutes left", left / 60, left % 60)
        });
        let percent = (at * 100).checked_div(of).unwrap_or(100);
        // Progress that cannot be shown must not stop the work.
        let _ = write!(
            out,
            "\r{at} of {of} ({percent} %), {rate} a second{left}   "
        );
    }

    fn end(&self) {
        if self.from.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::record::export::Order;
    use serde_json::json;

    fn begun() -> Order {
        let order = json!({
            "export": "e", "format": "html", "log": "l", "after": 0, "upto": 9, "mark": "9-m", "rooms": [], "users": [],
            "private_rooms": false, "question": {"room": "general", "to": "9"}, "name": null,
            "asked_by": {"user": "u"}, "asked_at": 0, "program": "0",
        });
        serde_json::from_value(order).unwrap()
    }

    #[test]
    fn what_an_export_was_begun_with_is_not_contradicted() {
        let same = ["--room", "general", "--to", "9", "--format", "html"];
        for (arguments, contradicts) in [
            (&[][..], None),
            (&same, None),
            (
                &["--format", "csv"],
                Some(("with --format html", "--format csv")),
            ),
            (
                &["--room", "other"],
                Some(("with --room general", "--room other")),
            ),
            (&["--all"], Some(("with --room general", "--all"))),
            (&["--user", "ann"], Some(("without --user", "--user ann"))),
            (&["--from", "2"], Some(("without --from", "--from 2"))),
            (&["--to", "8"], Some(("with --to 9", "--to 8"))),
            (
                &["--since-last", "n"],
                Some(("without --since-last", "--since-last n")),
            ),
            (
                &["--private-rooms"],
                Some(("without --private-rooms", "--private-rooms")),
            ),
        ] {
            let line = ["export", "--resume", "--into", "d"]
                .iter()
                .chain(arguments);
            let said = errand(&command().get_matches_from(line)).said;
            let wanted = contradicts.map(|(was, now)| (was.to_owned(), now.to_owned()));
            assert_eq!(said.contradiction(&begun()), wanted, "{arguments:?}");
        }
    }
}
