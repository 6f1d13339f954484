//! The command line: its arguments, and the commands other than serving.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use application::admin::administrators::{self, AppointError, Appointed, Appointment};
use application::admin::bootstrap;
use application::error::Error;
use application::identity::password_hasher::{PasswordDigest, PasswordHasher};
use application::workspace::Workspace;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use eventstore::EventStore;

use crate::server::app;
use crate::server::config::Config;
use crate::server::config::keys::{self, KEYS};
use crate::server::config::layers::{Layers, Sources};
use crate::server::control::{self, Answer, Listing, ReactorRow, Request, Reset};
use crate::server::data_dir::{DataDir, DataDirError};

/// How long to wait for views that have to be built first.
const PATIENCE: Duration = Duration::from_mins(10);

/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(500);

pub enum Task {
    Serve,
    ShowConfig,
    ShowKeys,
    ListProjections,
    RebuildProjections,
    ListReactors,
    ResetReactors(Reset),
    MakeAdmin {
        username: String,
        /// A password comes on standard input.
        password: bool,
    },
}

pub struct Invocation {
    pub task: Task,
    pub layers: Layers,
}

/// Parses the arguments of this process and reads the configuration. Wrong usage and `--help` end the process.
pub fn parse() -> Result<Invocation, crate::server::config::ConfigError> {
    let matches = command().get_matches();
    let task = match matches.subcommand() {
        Some(("config", config)) if config.get_flag("keys") => Task::ShowKeys,
        Some(("config", _)) => Task::ShowConfig,
        Some(("projections", projections)) => match projections.subcommand_name() {
            Some("rebuild") => Task::RebuildProjections,
            _ => Task::ListProjections,
        },
        Some(("reactors", reactors)) => match reactors.subcommand() {
            Some(("reset", reset)) => Task::ResetReactors(Reset {
                reactor: reset.get_one::<String>("name").cloned(),
                at: reset.get_one::<Where>("at").and_then(|at| at.0),
            }),
            _ => Task::ListReactors,
        },
        Some(("users", users)) => {
            let wish = users
                .subcommand()
                .map_or(users, |(_, make_admin)| make_admin);
            Task::MakeAdmin {
                username: wish.get_one("name").cloned().unwrap_or_default(),
                password: wish.get_flag("password-stdin"),
            }
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

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| innermost(inner))
}

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
fn reactors() -> Command {
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

fn command() -> Command {
    let mut command = Command::new("hansard")
        .bin_name("hansard")
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
        .subcommand(
            Command::new("projections")
                .about("Look at the views, or build them anew from the log")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .after_help("Examples:\n  hansard projections list\n  hansard projections rebuild")
                .subcommand(
                    Command::new("list")
                        .about("List the views, their versions, and how far each is behind the log")
                        .after_help("Works while a server runs on the data folder and while none does.\n\nExample:\n  hansard projections list --data-dir /srv/chat"),
                )
                .subcommand(
                    Command::new("rebuild")
                        .about("Build all views anew from the log, beside the old ones, then swap")
                        .after_help(
                            "While a server runs on the data folder, that server does it and keeps serving from the old views.\n\n\
                             Example:\n  hansard projections rebuild --data-dir /srv/chat",
                        ),
                ),
        )
        .subcommand(reactors())
        .subcommand(users_command());
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
    command
}

fn users_command() -> Command {
    Command::new("users")
        .about("Look after accounts without logging in")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Example:\n  hansard users make-admin ann --password-stdin < password")
        .subcommand(
            Command::new("make-admin")
                .about("Give an account the role admin and the right to log in; make it if there is none")
                .arg(Arg::new("name").value_name("NAME").required(true).help("User name"))
                .arg(
                    Arg::new("password-stdin")
                        .long("password-stdin")
                        .action(ArgAction::SetTrue)
                        .help("Also give it the password in the first line of standard input; a new account needs one"),
                )
                .after_help(
                    "While a server runs on the data folder, that server does it. The log may be in MongoDB.\n\n\
                     Examples:\n  hansard users make-admin ann\n  hansard users make-admin ann --password-stdin < password",
                ),
        )
}

pub fn show_config(layers: &Layers) -> Result<(), String> {
    // Checked too, so that a bad value shows here and not at the next start.
    let problem = Config::from_layers(layers).err();
    print(&layers.show())?;
    problem.map_or(Ok(()), |problem| Err(problem.to_string()))
}

pub fn show_keys() -> Result<(), String> {
    print(&keys::markdown())
}

/// The data folder of an existing workspace. One whose log is in MongoDB exists, whatever the folder has.
fn workspace(config: &Config) -> Result<DataDir, DataDirError> {
    match config.mongo_url {
        Some(_) => DataDir::take(&config.data_dir),
        None => DataDir::take_with_log(&config.data_dir),
    }
}

pub async fn list_projections(config: &Config) -> Result<(), String> {
    let listing = match workspace(config) {
        Ok(folder) => {
            let log = open_log(config, &folder).await?;
            let listed = projections::list(&folder.views(), log.clone()).await;
            log.close().await;
            Listing::from(listed.map_err(|error| error.to_string())?)
        }
        Err(DataDirError::InUse { .. }) => match ask(config, Request::List).await? {
            Answer::Listed(listing) => listing,
            other => return Err(unexpected(other)),
        },
        Err(error) => return Err(error.to_string()),
    };
    let mut table = format!(
        "The log {} ends at position {}.\n",
        listing.log, listing.head
    );
    // Writing to a string cannot fail.
    let _ = match &listing.views {
        None => writeln!(table, "There are no views yet."),
        Some((log, position)) => writeln!(
            table,
            "The views stand at position {position} of log {log}{}.",
            if listing.matches {
                ", which matches"
            } else {
                ", which is NOT in this log: they are built anew when the server starts"
            }
        ),
    };
    let _ = writeln!(
        table,
        "\n{:<20} {:>7} {:>12} {:>8}",
        "view", "version", "checkpoint", "behind"
    );
    for (name, version, checkpoint, lag) in listing.rows {
        let _ = writeln!(table, "{name:<20} {version:>7} {checkpoint:>12} {lag:>8}");
    }
    print(&table)
}

pub async fn list_reactors(config: &Config) -> Result<(), String> {
    let all = match workspace(config) {
        Ok(folder) => {
            let log = open_log(config, &folder).await?;
            let listed = reactors::list(&folder.reactors(), &*log).await;
            log.close().await;
            let listed = listed.map_err(|error| error.to_string())?;
            listed.into_iter().map(ReactorRow::from).collect()
        }
        Err(DataDirError::InUse { .. }) => match ask(config, Request::ListReactors).await? {
            Answer::Reactors(all) => all,
            other => return Err(unexpected(other)),
        },
        Err(error) => return Err(error.to_string()),
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
pub async fn reset_reactors(config: &Config, reset: Reset) -> Result<(), String> {
    let (names, position) = match workspace(config) {
        Ok(folder) => {
            let log = open_log(config, &folder).await?;
            let place = reactors::place_named(&*log, reset.position()).await;
            log.close().await;
            let place = place.map_err(|error| error.to_string())?;
            let names =
                reactors::reset_offline(&folder.reactors(), reset.reactor.as_deref(), place)
                    .map_err(|error| error.to_string())?;
            (names, place.position.get())
        }
        Err(DataDirError::InUse { .. }) => {
            match ask(config, Request::ResetReactors(reset)).await? {
                Answer::Reset(names, position) => (names, position),
                other => return Err(unexpected(other)),
            }
        }
        Err(error) => return Err(error.to_string()),
    };
    print(&format!(
        "After position {position} of the log now: {}.\n",
        names.join(", ")
    ))
}

async fn open_log(
    config: &Config,
    folder: &DataDir,
) -> Result<std::sync::Arc<dyn EventStore>, String> {
    let opened = app::open_log(config, folder).await;
    opened.map_err(|error| error.to_string())
}

/// Builds all views anew, here or in the server that runs on the data folder.
pub async fn rebuild_projections(config: &Config) -> Result<(), String> {
    let head = match workspace(config) {
        Ok(folder) => {
            let log = app::open_log(config, &folder)
                .await
                .map_err(|error| error.to_string())?;
            let rebuilt = projections::rebuild_offline(&folder.views(), log.clone(), |at| {
                show_progress(at.position.get(), at.head.get());
            })
            .await;
            log.close().await;
            rebuilt.map_err(|error| error.to_string())?.get()
        }
        Err(DataDirError::InUse { .. }) => {
            print("A server runs on this data folder; asking it to rebuild while it serves.\n")?;
            match ask(config, Request::Rebuild).await? {
                Answer::Rebuilt(head) => head,
                other => return Err(unexpected(other)),
            }
        }
        Err(error) => return Err(error.to_string()),
    };
    // On a terminal, the line of the progress is still open.
    let start = if std::io::stdout().is_terminal() {
        "\n"
    } else {
        ""
    };
    print(&format!(
        "{start}The views are rebuilt up to position {head}.\n"
    ))
}

/// Appoints an administrator, here or by the server that runs on the data folder.
pub async fn make_admin(config: &Config, username: &str, password: bool) -> Result<(), String> {
    let password = if password {
        // Hashed here: the password itself is never written down.
        let digest = PasswordDigest::of(&first_line()?);
        let hash = PasswordHasher::with_queue(1).hash(digest).await;
        Some(hash.map_err(|error| error.to_string())?)
    } else {
        None
    };
    let wish = Appointment {
        username: username.trim().to_owned(),
        password,
        email: None,
    };
    let made = match workspace(config) {
        Ok(folder) => appoint(config, &folder, &wish).await?,
        Err(DataDirError::InUse { .. }) => {
            match ask(config, Request::MakeAdmin(wish.clone())).await? {
                Answer::Appointed(made) => made,
                other => return Err(unexpected(other)),
            }
        }
        Err(error) => return Err(error.to_string()),
    };
    let what = if made { "was made and is" } else { "is" };
    print(&format!("{} {what} an administrator.\n", wish.username))
}

/// A password from standard input.
fn first_line() -> Result<String, String> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| format!("cannot read the password: {error}"))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.trim().is_empty() {
        return Err("no password on standard input".to_owned());
    }
    Ok(password.to_owned())
}

/// Appoints an administrator while no server runs. Returns whether the account was created for it.
async fn appoint(config: &Config, folder: &DataDir, wish: &Appointment) -> Result<bool, String> {
    let log = app::open_log(config, folder)
        .await
        .map_err(|error| error.to_string())?;
    let address = SocketAddr::from(([127, 0, 0, 1], config.port));
    let appointed = match app::workspace(config, folder, log.clone(), address) {
        Ok(workspace) => {
            let appointed = appoint_in(&workspace, wish).await;
            workspace.views().close().await;
            appointed
        }
        Err(error) => Err(error.to_string()),
    };
    log.close().await;
    appointed.map(|appointed| appointed == Appointed::Made)
}

async fn appoint_in(workspace: &Workspace, wish: &Appointment) -> Result<Appointed, String> {
    let started = Instant::now();
    loop {
        match try_to_appoint(workspace, wish).await {
            // The views may have to be built first.
            Err(error) if error.is_temporary() && started.elapsed() < PATIENCE => {
                tokio::time::sleep(RETRY).await;
            }
            outcome => return outcome.map_err(|error| error.to_string()),
        }
    }
}

async fn try_to_appoint(
    workspace: &Workspace,
    wish: &Appointment,
) -> Result<Appointed, AppointError> {
    let head = workspace.executor().store().head().await;
    let caught_up = workspace.views().wait_for(head.map_err(Error::from)?).await;
    caught_up.map_err(Error::from)?;
    if bootstrap::is_fresh(workspace) {
        return Err(AppointError::NoWorkspace);
    }
    administrators::appoint(workspace, wish).await
}

async fn ask(config: &Config, request: Request) -> Result<Answer, String> {
    let folder = config.data_dir.clone();
    let asked = tokio::task::spawn_blocking(move || control::ask(&folder, &request, show_progress));
    asked.await.map_err(|error| error.to_string())?
}

fn unexpected(answer: Answer) -> String {
    match answer {
        Answer::Failed(reason) => reason,
        _ => "the running server gave an answer that does not fit; is it of another version?"
            .to_owned(),
    }
}

/// On a terminal, one line that is overwritten; elsewhere a new line each time.
fn show_progress(at: u64, of: u64) {
    let percent = (at * 100).checked_div(of).unwrap_or(100);
    let (start, end) = if std::io::stdout().is_terminal() {
        ("\r", "")
    } else {
        ("", "\n")
    };
    // Progress that cannot be shown must not stop the work.
    let _ = print(&format!("{start}{at} of {of} events ({percent} %){end}"));
}

/// Writes to standard output. A reader that went away (`hansard config | head`) is not an error.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
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
