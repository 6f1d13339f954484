//! The command line: what can be said on it, and the commands other than serving.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::commands::administrators::{self, AppointError, Appointed, Appointment};
use crate::config::Config;
use crate::config::keys::{self, KEYS};
use crate::config::layers::{Layers, Sources};
use crate::control::{self, Answer, Request};
use crate::error::ApiError;
use crate::folder::{DataFolder, FolderError};
use crate::password::{PasswordDigest, PasswordHasher};
use crate::state::AppState;
use crate::{app, bootstrap};

/// How long views that have to be built first are waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(500);

/// What the user wants.
pub enum Task {
    /// Run the server.
    Serve,
    /// Show the effective configuration.
    ShowConfig,
    /// Show the table of keys.
    ShowKeys,
    /// Show the views and how far they are.
    ListProjections,
    /// Build all views anew.
    RebuildProjections,
    /// Appoint an administrator.
    MakeAdmin {
        /// The user name.
        username: String,
        /// A password comes on standard input.
        password: bool,
    },
}

/// The parsed command line.
pub struct Invocation {
    /// What to do.
    pub task: Task,
    /// With which configuration.
    pub layers: Layers,
}

/// Parses the arguments of this process and reads the configuration. Wrong usage and `--help` end the process here.
pub fn parse() -> Result<Invocation, crate::config::ConfigError> {
    let matches = command().get_matches();
    let task = match matches.subcommand() {
        Some(("config", config)) if config.get_flag("keys") => Task::ShowKeys,
        Some(("config", _)) => Task::ShowConfig,
        Some(("projections", projections)) => match projections.subcommand_name() {
            Some("rebuild") => Task::RebuildProjections,
            _ => Task::ListProjections,
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

/// Everything that can be said.
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
        );
    command = command.subcommand(users_command());
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
                // Environment and default are layered by us, so clap only gets to print them.
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

/// Prints the effective configuration.
pub fn show_config(layers: &Layers) -> Result<(), String> {
    // Checked too, so that a bad value is found here and not at the next start.
    let problem = Config::from_layers(layers).err();
    print(&layers.show())?;
    problem.map_or(Ok(()), |problem| Err(problem.to_string()))
}

/// Prints the table of keys.
pub fn show_keys() -> Result<(), String> {
    print(&keys::markdown())
}

/// Prints the views and how far they are.
pub async fn list_projections(config: &Config) -> Result<(), String> {
    let views = match DataFolder::take(&config.data_dir) {
        Ok(folder) => {
            let log = app::open_log(config, &folder)
                .await
                .map_err(|error| error.to_string())?;
            let listed = projections::list(&folder.views(), log.clone()).await;
            log.close().await;
            control::rows(listed.map_err(|error| error.to_string())?)
        }
        Err(FolderError::InUse { .. }) => match ask(config, Request::List).await? {
            Answer::Listed(views) => views,
            other => return Err(unexpected(other)),
        },
        Err(error) => return Err(error.to_string()),
    };
    let mut table = format!(
        "{:<20} {:>7} {:>12} {:>8}\n",
        "view", "version", "checkpoint", "behind"
    );
    for (name, version, checkpoint, lag) in views {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{name:<20} {version:>7} {checkpoint:>12} {lag:>8}");
    }
    print(&table)
}

/// Builds all views anew, here or in the server that runs on the data folder.
pub async fn rebuild_projections(config: &Config) -> Result<(), String> {
    let head = match DataFolder::take(&config.data_dir) {
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
        Err(FolderError::InUse { .. }) => {
            print("A server runs on this data folder; asking it to rebuild while it serves.\n")?;
            match ask(config, Request::Rebuild).await? {
                Answer::Rebuilt(head) => head,
                other => return Err(unexpected(other)),
            }
        }
        Err(error) => return Err(error.to_string()),
    };
    // On a terminal the progress is still on the line.
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
        // Hashed here: the password itself is written nowhere.
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
    let made = match DataFolder::take(&config.data_dir) {
        Ok(folder) => appoint(config, &folder, &wish).await?,
        Err(FolderError::InUse { .. }) => {
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

/// Appoints an administrator while no server runs. Answers whether the account was made for it.
async fn appoint(config: &Config, folder: &DataFolder, wish: &Appointment) -> Result<bool, String> {
    let log = app::open_log(config, folder)
        .await
        .map_err(|error| error.to_string())?;
    let address = SocketAddr::from(([127, 0, 0, 1], config.port));
    let appointed = match app::workspace(config, folder, log.clone(), address) {
        Ok(state) => {
            let appointed = appoint_in(&state, wish).await;
            state.views().close().await;
            appointed
        }
        Err(error) => Err(error.to_string()),
    };
    log.close().await;
    appointed.map(|appointed| appointed == Appointed::Made)
}

async fn appoint_in(state: &AppState, wish: &Appointment) -> Result<Appointed, String> {
    let started = Instant::now();
    loop {
        match try_to_appoint(state, wish).await {
            // The views may have to be built first.
            Err(error) if error.is_temporary() && started.elapsed() < PATIENCE => {
                tokio::time::sleep(RETRY).await;
            }
            outcome => return outcome.map_err(|error| error.to_string()),
        }
    }
}

async fn try_to_appoint(state: &AppState, wish: &Appointment) -> Result<Appointed, AppointError> {
    let head = state.executor().store().head().await;
    let caught_up = state.views().wait_for(head.map_err(ApiError::from)?).await;
    caught_up.map_err(ApiError::from)?;
    if bootstrap::is_fresh(state) {
        return Err(AppointError::NoWorkspace);
    }
    administrators::appoint(state, wish).await
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

/// On a terminal one line that is written over; elsewhere one line each time.
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

/// Writes to standard output. A reader that went away (`hansard config | head`) is not worth an error.
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
