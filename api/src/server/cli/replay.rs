//! `hansard replay`: a sandbox on a copy of history.

mod comparison;
mod copy;
mod folder;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use ::projections::Served;
use application::error::Error;
use application::record::replay::{self, ReplayBegun, ReplayEnd, ReplayWish};
use clap::{ArgMatches, Command};
use eventstore::Position;
use eventstore::execute::Executor;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::folder::Claimed;
use super::opened::{ToRead, to_read, to_write};
use super::record::{account, flag, one, text};
use super::{ask, open_log, print, unexpected};
use crate::server::app::{self, App, Ending};
use crate::server::config::Config;
use crate::server::control::{Answer, Failure, Request};
use crate::server::extension::Extension;
use crate::server::program;
use crate::server::shutdown::Signals;

/// What is to be copied where, and what is done with it then.
pub struct Errand {
    to: Option<String>,
    into: PathBuf,
    compare: bool,
    serve: bool,
}

impl Errand {
    pub fn serves(&self) -> bool {
        self.serve
    }
}

/// What is copied.
struct Source<'a> {
    /// Names the folder.
    config: &'a Config,
    /// The folder is a copy of one that cannot be written.
    unwritten: Option<&'a ToRead>,
}

/// A sandbox that is made.
struct Made {
    begun: ReplayBegun,
    /// What is not as it should be all the same: the command fails in the end.
    faults: Vec<Failure>,
}

pub(super) fn command() -> Command {
    Command::new("replay")
        .about("Make a sandbox: a workspace of its own on a copy of history")
        .long_about(
            "Copy the record up to a moment into a folder, and build the views there: a sandbox, to debug, to train people on, \
             or to rehearse an upgrade. Served, it reaches nothing outside, sends no mail, and says what it is. That the record \
             was copied is recorded.",
        )
        .args([
            one("to", "POSITION|TIME", "Up to this moment, and with it; times are UTC unless they say otherwise [default: all]"),
            one("into", "DIR", "The folder, which must be empty or not there")
                .value_parser(clap::value_parser!(PathBuf))
                .required(true),
            flag("compare", "Compare the views with those that serve in the data folder; without --to, up to where those are"),
            flag("serve", "Serve it at once, on --port or a free one, for this machine unless --bind says otherwise"),
        ])
        .after_help(
            "Works while a server runs on the data folder and while none does. Ends with 1 if the views differ. See \
             docs/replay.md.\n\n\
             Examples:\n  hansard replay --to 2026-11-27T10:42 --into monday\n  \
             hansard replay --into training --serve --port 8080\n  \
             hansard replay --into rehearsal --compare",
        )
}

/// What the arguments ask for.
pub(super) fn errand(matches: &ArgMatches) -> Errand {
    Errand {
        to: text(matches, "to"),
        into: matches
            .get_one::<PathBuf>("into")
            .cloned()
            .unwrap_or_default(),
        compare: matches.get_flag("compare"),
        serve: matches.get_flag("serve"),
    }
}

pub(super) async fn run(
    config: &Config,
    errand: Errand,
    extension: &Extension,
) -> Result<Ending, Failure> {
    if !errand.serve && config.given.listens() {
        return Err(usage(
            "--bind and --port say where the sandbox is served: give --serve, too".to_owned(),
        ));
    }
    folder::check(&errand.into, &config.data_dir)?;
    copy::check_key(config)?;
    let served = Config {
        data_dir: errand.into.clone(),
        ..config.clone()
    }
    .apart();
    if errand.serve {
        // Only to find out: somebody who is told only after the copy is made has waited for nothing.
        let free = app::listen(&served).await;
        free.map_err(|error| error.to_string())?;
    }
    let signals = Signals::listen(config.shutdown_timeout);
    let signals = signals.map_err(|error| format!("cannot listen for signals: {error}"))?;
    let mut stop = pin!(signals.received());
    let let_go = CancellationToken::new();
    let made = tokio::select! {
        made = make(config, &errand, let_go.clone().drop_guard()) => made?,
        () = &mut stop => {
            // What is being written is written before it is removed.
            let_go.cancelled().await;
            return Err(folder::left(&errand.into).into());
        }
    };
    if errand.serve {
        serve(served, &made, extension, stop).await?;
    } else {
        print(&format!(
            "Serve it with `{}`.\n",
            folder::serving(&errand.into)
        ))?;
    }
    let fault = made.faults.into_iter().next();
    fault.map_or(Ok(Ending::Stopped), Err)
}

/// Serves the sandbox until it is told to stop.
async fn serve(
    config: Config,
    made: &Made,
    extension: &Extension,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    for fault in &made.faults {
        // It may be long until the end, where it is said again.
        eprintln!("{}: {fault}", program::name());
    }
    let config = Config {
        sandbox: Some(made.begun.sandbox()),
        ..config
    };
    let into = config.data_dir.clone();
    let app = App::start(config, extension).await;
    let app = app.map_err(|error| error.to_string())?;
    let ended = app.run_until(stop).await;
    match ended.map_err(|error| error.to_string())? {
        Ending::Stopped => Ok(()),
        // The same arguments again would make another copy.
        Ending::Restart => Err(format!(
            "the sandbox was to begin anew: run `{}`",
            folder::serving(&into)
        )
        .into()),
    }
}

/// Makes the sandbox, in a folder that is let go when nothing works there any more.
async fn make(config: &Config, errand: &Errand, let_go: DropGuard) -> Result<Made, Failure> {
    let claimed = Arc::new(Claimed::take(&errand.into, let_go)?);
    // Let go at once if it can be written: a server may have it meanwhile.
    let unwritten = to_read(config).await?.filter(ToRead::is_copy);
    let copied = unwritten.as_ref().map(|opened| Config {
        data_dir: opened.folder().path().to_owned(),
        ..opened.config.clone()
    });
    let source = Source {
        config: copied.as_ref().unwrap_or(config),
        unwritten: unwritten.as_ref(),
    };
    let config = source.config;
    let old = if errand.compare {
        Some(comparison::open(config).await)
    } else {
        None
    };
    let reached = old.as_ref().and_then(|old| old.as_ref().ok());
    let reached = reached.map(|served| served.place().position);
    let reached = reached.filter(|position| *position > Position::START);
    let wish = ReplayWish {
        to: errand
            .to
            .clone()
            .or_else(|| reached.map(|position| position.to_string())),
        account: account(),
    };
    let begun = begin(&source, wish).await?;
    if errand.to.is_some()
        && let Some(Ok(served)) = &old
    {
        // Found out before anything is copied that cannot be compared then.
        comparison::of_the_same(served, &begun).map_err(usage)?;
    }
    if let Some(reason) = &begun.unrecorded {
        eprintln!(
            "{}: this reading is NOT recorded, because the log cannot be written: {reason}",
            program::name()
        );
    }
    claimed.begin(&begun.sandbox())?;
    copy::fill(config, &claimed, &begun).await?;
    claimed.keep(&begun.sandbox())?;
    let mut faults: Vec<Failure> = end(&source, &begun).await.err().into_iter().collect();
    print(&format!(
        "Copied {} events of the log {} into {}: all up to {}.\n",
        begun.position,
        begun.log,
        errand.into.display(),
        application::dates::iso(begun.time)
    ))?;
    if let Some(old) = old {
        let registry = config.registry.clone();
        faults.extend(comparison::tell(old, &begun, claimed.views(), registry).await);
    }
    Ok(Made { begun, faults })
}

async fn begin(source: &Source<'_>, wish: ReplayWish) -> Result<ReplayBegun, Failure> {
    let request = Request::BeginReplay(wish.clone());
    let alone = async |executor: &Executor| replay::begin(executor, &wish).await;
    let answered = |answer| match answer {
        Answer::ReplayBegun(begun) => Ok(begun),
        other => Err(unexpected(other)),
    };
    by_holder(source, request, alone, answered).await
}

async fn end(source: &Source<'_>, begun: &ReplayBegun) -> Result<(), Failure> {
    let Some(reading) = begun.reading.clone() else {
        return Ok(());
    };
    let end = ReplayEnd {
        reading,
        events: begun.position.get(),
    };
    let request = Request::EndReplay(end.clone());
    let alone = async |executor: &Executor| replay::end(executor, end.clone()).await;
    let answered = |answer| match answer {
        Answer::Recorded => Ok(()),
        other => Err(unexpected(other)),
    };
    let ended = by_holder(source, request, alone, answered).await;
    ended.map_err(|failure| {
        format!("the copy is complete, but that it ended could not be recorded: {failure}").into()
    })
}

/// Has the running server do something with the log, or does it here if none runs: without the views, which stay as they
/// are.
async fn by_holder<T>(
    source: &Source<'_>,
    request: Request,
    alone: impl AsyncFnOnce(&Executor) -> Result<T, Error>,
    answered: impl FnOnce(Answer) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = source.config;
    let (log, _held) = match source.unwritten {
        Some(opened) => (opened.log().await?, None),
        None => match to_write(config).await? {
            Some(folder) => (open_log(config, &folder).await?, Some(folder)),
            None => return answered(ask(config, request).await?),
        },
    };
    let done = alone(&Executor::new(log.clone())).await;
    log.close().await;
    done.map_err(Failure::from)
}

/// The views that serve, or why they cannot be compared with.
type Old = Result<Served, String>;

/// What makes no sense.
fn usage(text: String) -> Failure {
    Failure { text, usage: true }
}
