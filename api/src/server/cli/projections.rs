//! `hansard projections`: the views, looked at and looked after.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ::projections::{
    Note, Overview, SEARCH, Standing, ViewsError, dead_letters_offline, list, rebuild_offline,
    rebuild_search_offline, search_status, verify_offline,
};
use application::admin::projections::{self as views, Building, Steering};
use application::chat::search_refusal::SearchRefusal;
use clap::{Arg, ArgMatches, Command};
use eventstore::EventStore;

use super::opened::{to_read, to_write};
use super::progress::{Bar, line};
use super::{open_log, print, record, unexpected};
use crate::documents::views::{State, ViewsReport, WorkReport};
use crate::server::config::Config;
use crate::server::control::{self, Answer, Ask, Differing, Failure, Letters, Request, Told, What};
use crate::server::data_dir::DataDir;
use crate::server::program;

/// What is wanted of the views, and how it is shown.
pub enum Wanted {
    List,
    Do(What),
}

pub(super) fn command() -> Command {
    let anywhere = "Works while a server runs on the data folder and while none does.";
    let name = |help: &'static str| Arg::new("name").value_name("NAME").help(help);
    let rate = || {
        Arg::new("max-rate")
            .long("max-rate")
            .value_name("NUMBER")
            .value_parser(clap::value_parser!(NonZeroU32))
            .help("Events per second at most")
    };
    let plain = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).after_help(format!(
            "{anywhere}\n\nExample:\n  hansard projections {name}"
        ))
    };
    Command::new("projections")
        .about("Look at the views, build them anew from the log, or compare them with it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "See docs/projections.md.\n\nExamples:\n  hansard projections status\n  hansard projections rebuild --max-rate 5000\n  \
             hansard projections verify",
        )
        .subcommand(plain("list", "List the views, their versions, and how far each is behind the log"))
        .subcommand(plain("status", "Tell how the views are, and how far what is being built is"))
        .subcommand(
            Command::new("rebuild")
                .about("Build a view, or all, anew from the log, beside the old ones, then swap")
                .arg(name("The view; without it all are built"))
                .arg(rate())
                .after_help(
                    "While a server runs on the data folder, that server does it and keeps serving from the old views; it goes \
                     on if this command is ended, and after a restart.\n\n\
                     Examples:\n  hansard projections rebuild\n  hansard projections rebuild sessions --data-dir /srv/chat",
                ),
        )
        .subcommand(plain("pause", "Have what is being built wait"))
        .subcommand(plain("resume", "Have what is being built go on"))
        .subcommand(plain("abort", "End what is being built; the old views go on"))
        .subcommand(
            Command::new("verify")
                .about("Compare a view, or all, with what the log says; changes nothing")
                .arg(name("The view; without it all are compared"))
                .arg(rate())
                .after_help(format!(
                    "{anywhere} Ends with 1 if there is a difference.\n\nExample:\n  hansard projections verify memberships"
                )),
        )
        .subcommand(
            plain("dead-letters", "List the events that views refused and go on without").subcommand(
                Command::new("retry")
                    .about("Apply them to the views as they are now; needs a running server")
                    .arg(name("The view; without it those of all"))
                    .after_help("Example:\n  hansard projections dead-letters retry"),
            ),
        )
}

/// What the arguments ask for.
pub(super) fn wanted(matches: &ArgMatches) -> Wanted {
    let of = |matches: &ArgMatches| matches.get_one::<String>("name").cloned();
    let build = |matches: &ArgMatches, verify| {
        What::Build(Building {
            verify,
            view: of(matches),
            max_rate: matches.get_one("max-rate").copied(),
        })
    };
    Wanted::Do(match matches.subcommand() {
        Some(("rebuild", matches)) => build(matches, false),
        Some(("verify", matches)) => build(matches, true),
        Some(("pause", _)) => What::Steer(Steering::Pause),
        Some(("resume", _)) => What::Steer(Steering::Resume),
        Some(("abort", _)) => What::Steer(Steering::Abort),
        Some(("status", _)) => What::Status,
        Some(("dead-letters", matches)) => match matches.subcommand() {
            Some((_, retry)) => What::Retry(of(retry)),
            None => What::DeadLetters,
        },
        _ => return Wanted::List,
    })
}

/// Does it, here or in the server that runs on the data folder.
pub async fn run(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    let (what, show): (_, fn(&ViewsReport) -> String) = match wanted {
        Wanted::List => (What::Status, listing),
        Wanted::Do(what) => (what, status),
    };
    let steering = match &what {
        What::Steer(steering) => Some(*steering),
        _ => None,
    };
    let told = match here(config, &what).await? {
        Some(told) => told,
        None => ask(config, what).await?,
    };
    match told {
        Told::Status(report) => print(&show(&report)),
        Told::Rebuilt(position) => print(&format!(
            "The views are rebuilt up to position {position}.\n"
        )),
        Told::Verified(position, None) => print(&format!(
            "The views are as the log says, at position {position}.\n"
        )),
        Told::Verified(position, Some(found)) => {
            print(&difference(position, &found))?;
            let name = program::name();
            let text = format!(
                "the views differ from the log; `{name} projections rebuild` makes them anew"
            );
            Err(text.into())
        }
        Told::Steered(None) => print("Nothing is being built.\n"),
        Told::Steered(Some(work)) => {
            let outcome = match steering {
                Some(Steering::Pause) => "is paused",
                Some(Steering::Abort) => "is ended; the old views go on",
                Some(Steering::Resume) | None => "goes on",
            };
            print(&format!("{} {outcome}.\n", named(&work)))
        }
        Told::MustFinish => {
            print("The views are being built because none serve, which cannot wait.\n")
        }
        Told::TooLate(work) => {
            let end = "is at its end: the new views are being put in place, too late for that";
            print(&format!("{} {end}.\n", named(&work)))
        }
        Told::Ending(work) => print(&format!(
            "{} was told to end before, and neither waits nor goes on; the old views do.\n",
            named(&work)
        )),
        Told::DeadLetters(letters) => print(&dead_letters(&letters)),
        Told::Retried { taken, refused } => {
            print(&format!("{taken} applied now, {refused} refused again.\n"))
        }
    }
}

/// Does it, unless a server has the data folder.
async fn here(config: &Config, what: &What) -> Result<Option<Told>, Failure> {
    if !what.changes() {
        let Some(opened) = to_read(config).await? else {
            return Ok(None);
        };
        let log = opened.log().await?;
        let (folder, noted_in) = (opened.folder(), opened.original().views());
        let told = alone(config, folder, &noted_in, &log, what.clone()).await;
        log.close().await;
        return told.map(Some);
    }
    let Some(folder) = to_write(config).await? else {
        return Ok(None);
    };
    let log = open_log(config, &folder).await?;
    let told = alone(config, &folder, &folder.views(), &log, what.clone()).await;
    log.close().await;
    told.map(Some)
}

/// Has the running server do it.
async fn ask(config: &Config, what: What) -> Result<Told, Failure> {
    if matches!(what, What::Build(_)) {
        print(
            "A server runs on this data folder; it does this while it serves, also if this command is ended.\n",
        )?;
    }
    let request = Request::Views(Ask {
        account: record::account(),
        what,
    });
    let mut bar = Bar::new();
    let response = control::ask(&config.data_dir, &request).await?;
    let answer = control::last_answer(response, |work| bar.show(work)).await;
    bar.end();
    match answer? {
        Answer::Views(told) => Ok(told),
        other => Err(unexpected(other)),
    }
}

/// Does it while no server runs. `noted_in`: has the note of a rebuild, which is not copied.
async fn alone(
    config: &Config,
    folder: &DataDir,
    noted_in: &Path,
    log: &Arc<dyn EventStore>,
    what: What,
) -> Result<Told, Failure> {
    let registry = &config.registry;
    let dir = folder.views();
    let failed = |error: ViewsError| Failure::from(error.to_string());
    let overview = list(&dir, log.clone(), registry).await.map_err(failed)?;
    let others = of_others(&overview);
    let failed = |error: ViewsError| match error {
        ViewsError::UnknownView(named) if others.contains(&named) => Failure {
            text: format!("the view {named} is of another program, which knows how it is made"),
            usage: true,
        },
        ViewsError::UnknownView(named) => Failure {
            text: views::unknown(registry, &named).to_string(),
            usage: true,
        },
        other => other.to_string().into(),
    };
    match what {
        What::Status => {
            let letters = dead_letters_offline(&dir);
            let letters = letters.map_or(0, |letters| letters.total);
            let noted = Note::read(noted_in).map_err(failed)?;
            // It is not copied with the views.
            let search = search_status(noted_in, log).await;
            let search = search.map_err(|error| failed(error.into()))?;
            let report = ViewsReport::of_folder(overview, search, letters, noted);
            Ok(Told::Status(Box::new(report)))
        }
        What::Build(building) if building.view.as_deref() == Some(SEARCH) => {
            if building.verify {
                return Err(SearchRefusal::NotCompared.to_string().into());
            }
            let rebuilt = rebuild_search_offline(&dir, log.clone()).await;
            Ok(Told::Rebuilt(rebuilt.map_err(failed)?.get()))
        }
        What::Build(building) => {
            print(
                "No server runs on this data folder; none can be started on it before this has ended.\n",
            )?;
            if building.verify && building.view.is_none() {
                for other in &others {
                    print(&format!(
                        "The view {other} is of another program, and is not compared.\n"
                    ))?;
                }
            }
            let bar = Arc::new(Mutex::new(Bar::new()));
            let shown = Arc::clone(&bar);
            let told = move |position: eventstore::Position, head: eventstore::Position| {
                if let Ok(mut bar) = shown.lock() {
                    bar.reached(position.get(), head.get());
                }
            };
            let (view, rate, log) = (building.view.as_deref(), building.max_rate, log.clone());
            let ended = if building.verify {
                verify_offline(&dir, log, registry, view, rate, told).await
            } else {
                let rebuilt = rebuild_offline(&dir, log, registry, view, rate, told).await;
                rebuilt.map(::projections::Ended::Rebuilt)
            };
            if let Ok(bar) = bar.lock() {
                bar.end();
            }
            Told::ended(ended.map_err(failed)?)
        }
        What::Steer(steering) => steer_note(&dir, steering).map_err(failed),
        What::DeadLetters => {
            let letters = dead_letters_offline(&dir).map_err(failed)?;
            Ok(Told::DeadLetters(letters.into()))
        }
        What::Retry(_) => Err("no server runs on the data folder; start it, and try again".into()),
    }
}

/// The views in the folder that this program does not know.
fn of_others(overview: &Overview) -> Vec<String> {
    let views = overview.projections.iter();
    let others = views.filter(|view| view.standing == Standing::OtherProgram);
    others.map(|view| view.name.clone()).collect()
}

/// Steers what the server will take up when it starts.
fn steer_note(dir: &Path, steering: Steering) -> Result<Told, ViewsError> {
    let Some(note) = Note::read(dir)? else {
        return Ok(Told::Steered(None));
    };
    let note = Note {
        paused: steering == Steering::Pause,
        ..note
    };
    if steering == Steering::Abort {
        Note::remove(dir)?;
    } else {
        note.write(dir)?;
    }
    Ok(Told::Steered(Some(WorkReport {
        task: "rebuild".to_owned(),
        view: note.unit,
        by: note.by,
        position: 0,
        head: 0,
        rate: 0.0,
        remaining_seconds: None,
        paused: note.paused,
        throttled_by: None,
        max_rate: note.max_rate.map(NonZeroU32::get),
    })))
}

/// Which work it is.
fn named(work: &WorkReport) -> String {
    let what = match work.task.as_str() {
        "verify" => "The comparison",
        "first-build" => "The first build",
        _ => "The rebuild",
    };
    let view = work
        .view
        .as_deref()
        .map_or("all views".to_owned(), |view| format!("the view {view}"));
    format!("{what} of {view}, asked for by {},", work.by)
}

fn head(report: &ViewsReport) -> String {
    let mut text = match &report.unreadable {
        None => format!("The log {} ends at position {}.\n", report.log, report.head),
        Some(reason) => format!(
            "The log {} ended at position {} when it could be read: {reason}.\n",
            report.log, report.head
        ),
    };
    // Writing to a string cannot fail.
    let _ = match (&report.of_log, report.position) {
        (Some(log), Some(position)) => writeln!(
            text,
            "The views stand at position {position} of log {log}{}.",
            match report.matches {
                Some(true) => ", which matches",
                Some(false) =>
                    ", which is NOT in this log: they are built anew when the server starts",
                None => "; whether that matches is not known: the log cannot be read",
            }
        ),
        _ => writeln!(text, "There are no views yet."),
    };
    if !report.views.iter().all(|view| view.standing.is_own()) {
        text.push_str(
            "Not all are those of this program, which makes its own when it serves: the list has which.\n",
        );
    }
    text
}

/// What is to be said of a view.
fn standing(of: Standing) -> String {
    match of {
        Standing::Own => String::new(),
        Standing::OtherVersion(own) => format!("of another version: this program has {own}"),
        Standing::OtherProgram => "of another program".to_owned(),
        Standing::Missing => "not there".to_owned(),
    }
}

fn listing(report: &ViewsReport) -> String {
    let mut table = head(report);
    let _ = writeln!(
        table,
        "\n{:<20} {:>7} {:>12} {:>8}",
        "view", "version", "checkpoint", "behind"
    );
    for view in &report.views {
        let (name, version, position, behind) =
            (&view.name, view.version, view.position, view.behind);
        let row = format!("{name:<20} {version:>7} {position:>12} {behind:>8}  ");
        let row = row + &standing(view.standing);
        let _ = writeln!(table, "{}", row.trim_end());
    }
    table
}

fn status(report: &ViewsReport) -> String {
    let mut text = head(report);
    let reason = report.reason.as_deref().unwrap_or_default();
    let _ = match report.state {
        State::Ready => writeln!(text, "They follow the log."),
        State::Building => writeln!(text, "They are being built, because none serve."),
        State::Failing => writeln!(text, "They FAIL, which is tried again: {reason}"),
        State::Stopped => writeln!(text, "They have STOPPED: {reason}"),
        State::NoServer => writeln!(text, "No server runs on the data folder."),
    };
    if report.behind > 0 {
        let seconds = report.behind_for_ms / 1000;
        let _ = writeln!(
            text,
            "They are {} events behind, for {seconds} s.",
            report.behind
        );
    }
    let _ = match report.dead_letters {
        0 => writeln!(text, "There are no dead letters."),
        letters => writeln!(
            text,
            "There are {letters} DEAD LETTERS: see `{} projections dead-letters`.",
            program::name()
        ),
    };
    let _ = match (&report.work, &report.noted) {
        (Some(work), _) => {
            let state = if work.paused { "paused" } else { "under way" };
            writeln!(text, "{} is {state}:\n{}", named(work), line(work))
        }
        (None, Some(note)) => writeln!(
            text,
            "A rebuild of {}, asked for by {}, is taken up when the server starts{}.",
            note.unit.as_deref().unwrap_or("all views"),
            note.by,
            if note.paused {
                ", and stays paused"
            } else {
                ""
            }
        ),
        (None, None) => writeln!(text, "Nothing is being built."),
    };
    text
}

fn difference(position: u64, found: &Differing) -> String {
    let none = "there is no such row";
    format!(
        "At position {position} the view {} differs from the log, in the table {}, where {}:\n  it says   {}\n  the log   {}\n",
        found.view,
        found.table,
        found.key,
        found.serving.as_deref().unwrap_or(none),
        found.rebuilt.as_deref().unwrap_or(none),
    )
}

fn dead_letters(letters: &Letters) -> String {
    if letters.total == 0 {
        return "There are no dead letters.\n".to_owned();
    }
    let mut table = format!("{:<20} {:>12}  {}\n", "view", "position", "why");
    for (view, position, reason) in &letters.first {
        // What a view says may contain what people chose.
        let reason = application::record::harmless::harmless(reason);
        let _ = writeln!(table, "{view:<20} {position:>12}  {reason}");
    }
    let _ = writeln!(table, "{} in all.", letters.total);
    table
}
