//! The command line: its arguments, and the commands other than serving.

mod access;
mod at;
mod diff;
mod elsewhere;
mod explain;
mod export;
mod grants;
mod message;
mod opened;
mod progress;
mod projections;
mod reactors;
mod record;
mod replay;
mod subscriptions;
mod users;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::projections::WaitError;
use application::error::Error;
use application::workspace::Workspace;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command};
use domain::text::told_back;
use eventstore::EventStore;

use crate::audit::page_wish::About;
use crate::server::app::{self, Ending};
use crate::server::config::Config;
use crate::server::config::keys::{self, KEYS};
use crate::server::config::layers::{Layers, Sources};
use crate::server::control::{self, Answer, Failure, Request, Reset, Wanted};
use crate::server::data_dir::{self, DataDir, DataDirError, Holder};
use crate::server::extension::Extension;
use crate::server::program;

/// How long to wait for views that have to be built first.
const PATIENCE: Duration = Duration::from_mins(10);

/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(500);

pub enum Task {
    Serve,
    ShowConfig,
    ShowKeys,
    Run(Errand),
}

/// What is done on the workspace of a data folder, whether or not a server runs on it.
pub enum Errand {
    Views(projections::Wanted),
    ListReactors,
    ResetReactors(Reset),
    MakeAdmin {
        username: String,
        /// A password comes on standard input.
        password: bool,
    },
    ReadRecord(Wanted),
    Export(Box<export::Errand>),
    Replay(replay::Errand),
    Subscriptions(control::OfSubscriptions),
}

impl Errand {
    /// Whether it goes on as a server.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Replay(errand) if errand.serves())
    }
}

pub struct Invocation {
    pub task: Task,
    pub layers: Layers,
}

/// Parses the arguments of this process and reads the configuration. Wrong usage and `--help` end the process.
pub fn parse() -> Result<Invocation, crate::server::config::ConfigError> {
    let matches = command().try_get_matches();
    let matches = matches.unwrap_or_else(|error| told_shortly(error).exit());
    let task = match matches.subcommand() {
        Some(("config", config)) if config.get_flag("keys") => Task::ShowKeys,
        Some(("config", _)) => Task::ShowConfig,
        Some((name, errand)) if name != "serve" => {
            errand_of(name, errand).map_or(Task::Serve, Task::Run)
        }
        _ => Task::Serve,
    };
    // Flags may stand before or after the command; clap hands those of the innermost level down and up.
    let matches = innermost(&matches);
    let flags = KEYS
        .iter()
        .filter_map(|key| Some((key.name, matches.get_one::<String>(key.flag?)?.clone())))
        .collect();
    let file = matches.get_one::<PathBuf>("config-file").cloned();
    let layers = Layers::build(Sources::read(file.as_deref(), flags)?)?;
    Ok(Invocation { task, layers })
}

/// The same error, which tells what was typed only so far.
fn told_shortly(mut error: clap::Error) -> clap::Error {
    for kind in [
        ContextKind::InvalidArg,
        ContextKind::InvalidValue,
        ContextKind::InvalidSubcommand,
    ] {
        if let Some(ContextValue::String(typed)) = error.get(kind) {
            let told = told_back(typed).into_owned();
            error.insert(kind, ContextValue::String(told));
        }
    }
    error
}

/// `None`: there is no such command, which the parser refused before.
fn errand_of(name: &str, matches: &ArgMatches) -> Option<Errand> {
    Some(match (name, matches.subcommand()) {
        ("log", _) => Errand::ReadRecord(record::log(matches)),
        ("at", _) => Errand::ReadRecord(at::wanted(matches)),
        ("diff", _) => Errand::ReadRecord(diff::wanted(matches)),
        ("access", _) => Errand::ReadRecord(access::wanted(matches)),
        ("explain", _) => Errand::ReadRecord(explain::wanted(matches)),
        ("grants", _) => Errand::ReadRecord(grants::wanted(matches)),
        ("export", _) => Errand::Export(Box::new(export::errand(matches))),
        ("replay", _) => Errand::Replay(replay::errand(matches)),
        ("message", _) => Errand::ReadRecord(message::wanted(matches, About::History)),
        ("readers", _) => Errand::ReadRecord(message::wanted(matches, About::Readers)),
        ("projections", _) => Errand::Views(projections::wanted(matches)),
        ("reactors", Some(("reset", reset))) => Errand::ResetReactors(reactors::reset(reset)),
        ("reactors", _) => Errand::ListReactors,
        ("subscriptions", _) => Errand::Subscriptions(subscriptions::wish(matches)),
        ("users", Some((_, wish))) => Errand::MakeAdmin {
            username: wish.get_one("name").cloned().unwrap_or_default(),
            password: wish.get_flag("password-stdin"),
        },
        _ => return None,
    })
}

/// Does what was asked on the workspace of a data folder. `extension`: what this program adds to the server, if it serves.
pub async fn run(
    config: &Config,
    errand: Errand,
    extension: &Extension,
) -> Result<Ending, Failure> {
    if let Some(sandbox) = &config.sandbox {
        // Beside what is asked for, which programs may read. Who is not there to be told is not.
        let _ = writeln!(std::io::stderr(), "{}: {sandbox}.", program::name());
    }
    match errand {
        Errand::Replay(errand) => return replay::run(config, errand, extension).await,
        Errand::Views(wanted) => projections::run(config, wanted).await,
        Errand::ListReactors => reactors::list_reactors(config).await,
        Errand::ResetReactors(reset) => reactors::reset_reactors(config, reset).await,
        Errand::MakeAdmin { username, password } => {
            users::make_admin(config, &username, password).await
        }
        Errand::ReadRecord(wanted) => record::read(config, wanted).await,
        Errand::Export(errand) => export::run(config, *errand).await,
        Errand::Subscriptions(wish) => subscriptions::run(config, wish).await,
    }
    .map(|()| Ending::Stopped)
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}

fn command() -> Command {
    let mut command = Command::new(program::name())
        .bin_name(program::name())
        .version(env!("CARGO_PKG_VERSION"))
        .about("A team-chat server that keeps the verbatim record")
        .long_about(
            "A team-chat server that keeps the verbatim record: every change is an event in one log, and everything \
             else is a view computed from it. Without a command, the server is started.",
        )
        .after_help(
            "Examples:\n  \
             hansard                                   serve on http://localhost:3000, data in ./data\n  \
             hansard --port 8080 --data-dir /srv/chat  the same elsewhere\n  \
             MONGO_URL=mongodb://db/chat hansard       keep the log in a MongoDB replica set\n  \
             hansard config                            show what is configured, and where\n\n\
             Every option can also be set in hansard.toml or by an environment variable; `hansard config --keys` lists all.",
        )
        .subcommand_required(false)
        .arg(
            Arg::new("config-file")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .global(true)
                .env("HANSARD_CONFIG")
                .hide_env_values(true)
                .help("Configuration file; default: hansard.toml in the working directory, if there is one"),
        )
        .subcommand(
            Command::new("serve")
                .about("Run the server (the default)")
                .after_help("Examples:\n  hansard serve\n  hansard serve --port 8080 --log-format json\n\nSIGTERM and Ctrl-C stop it cleanly."),
        )
        .subcommand(
            Command::new("config")
                .about("Show the effective configuration and where each value came from; secrets are hidden")
                .arg(Arg::new("keys").long("keys").action(ArgAction::SetTrue).help("List every key as a Markdown table instead"))
                .after_help("Examples:\n  hansard config\n  PORT=8080 hansard config --data-dir /srv/chat\n  hansard config --keys"),
        )
        .subcommand(record::command())
        .subcommand(at::command())
        .subcommand(diff::command())
        .subcommand(grants::command())
        .subcommand(access::command())
        .subcommand(explain::command())
        .subcommand(export::command())
        .subcommand(message::history())
        .subcommand(message::readers())
        .subcommand(projections::command())
        .subcommand(replay::command())
        .subcommand(reactors::command())
        .subcommand(subscriptions::command())
        .subcommand(users::command());
    for key in KEYS {
        let Some(flag) = key.flag else { continue };
        let default = key
            .default
            .map_or_else(String::new, |default| format!(" [default: {default}]"));
        command = command.arg(
            Arg::new(flag)
                .long(flag)
                .value_name(key.value)
                .global(true)
                .help_heading("Configuration")
                // Environment and default are layered elsewhere, so clap only prints them.
                .help(format!("{} [env: {}]{default}", key.help, key.env)),
        );
    }
    in_own_name(command)
}

/// The same command, in whose help commands begin with the name of this program.
fn in_own_name(mut command: Command) -> Command {
    let own = |text: &StyledStr| program::own(&text.to_string());
    if let Some(about) = command.get_about().map(own) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(own) {
        command = command.long_about(about);
    }
    if let Some(help) = command.get_after_help().map(own) {
        command = command.after_help(help);
    }
    let of_argument = |argument: Arg| match argument.get_help().map(own) {
        Some(help) => argument.help(help),
        None => argument,
    };
    command.mut_args(of_argument).mut_subcommands(in_own_name)
}

pub fn show_config(layers: &Layers) -> Result<(), Failure> {
    // Checked too, so that a bad value shows here and not at the next start.
    let problem = Config::from_layers(layers).err();
    print(&layers.show())?;
    problem.map_or(Ok(()), |problem| Err(problem.to_string().into()))
}

pub fn show_keys() -> Result<(), Failure> {
    print(&keys::markdown())
}

/// The data folder of an existing workspace, once no other command has it. One whose log is in MongoDB exists, whatever the folder has.
async fn workspace(config: &Config) -> Result<DataDir, DataDirError> {
    let take = || match config.mongo_url {
        Some(_) => DataDir::take(&config.data_dir, Holder::Command),
        None => DataDir::take_with_log(&config.data_dir, Holder::Command),
    };
    data_dir::after_commands(take).await
}

async fn open_log(config: &Config, folder: &DataDir) -> Result<Arc<dyn EventStore>, Failure> {
    let opened = app::find_log(config, folder).await;
    opened.map_err(|error| {
        // Whatever it was taken for, it is no data folder of that log.
        folder.leave();
        error.to_string().into()
    })
}

/// Has the running server do something that has one answer.
async fn ask(config: &Config, request: Request) -> Result<Answer, Failure> {
    let response = control::ask(&config.data_dir, &request).await?;
    control::last_answer(response, |_| {}).await
}

fn unexpected(answer: Answer) -> Failure {
    match answer {
        Answer::Failed(failure) => failure,
        _ => {
            "the running server gave an answer that does not fit; is it of another version?".into()
        }
    }
}

/// Writes to standard output. A reader that went away (`hansard config | head`) is not an error.
fn print(text: &str) -> Result<(), Failure> {
    put(text.as_bytes()).map(drop)
}

/// The same; returns whether anybody reads it.
fn put(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.to_string().into()),
    }
}

/// Does `work` on the views once they are at the end of the log: they may have to be built first.
async fn caught_up<T, E>(
    workspace: &Workspace,
    mut work: impl AsyncFnMut(&Workspace) -> Result<T, E>,
    is_temporary: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: From<Error>,
{
    let started = Instant::now();
    loop {
        let outcome = async {
            let head = workspace.executor().store().head().await;
            let waited = workspace.views().wait_for(head.map_err(Error::from)?).await;
            waited.map_err(|error: WaitError| Error::from(error))?;
            work(workspace).await
        };
        match outcome.await {
            Err(error) if is_temporary(&error) && started.elapsed() < PATIENCE => {
                tokio::time::sleep(RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_was_typed_is_told_back_only_so_long() {
        let long = "x".repeat(5_000);
        let option = format!("--{long}");
        for line in [
            &["hansard", &long][..],
            &["hansard", "log", &option],
            &["hansard", "log", "--format", &long],
            &["hansard", "log", "--limit", &long],
        ] {
            let error = command().try_get_matches_from(line).unwrap_err();
            let told = told_shortly(error).to_string();
            assert!(told.contains("xxx") && told.len() < 1_000, "{told}");
        }
    }

    #[test]
    fn flags_may_stand_on_either_side_of_the_command() {
        for line in [
            ["hansard", "--port", "1", "serve"],
            ["hansard", "serve", "--port", "1"],
        ] {
            let matches = command().get_matches_from(line);
            assert_eq!(
                innermost(&matches)
                    .get_one::<String>("port")
                    .map(String::as_str),
                Some("1"),
                "{line:?}"
            );
        }
    }
}
