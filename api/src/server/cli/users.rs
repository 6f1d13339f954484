//! `hansard users`: accounts looked after without logging in.

use std::io::BufRead as _;
use std::net::SocketAddr;

use application::admin::administrators::{self, AppointError, Appointed, Appointment};
use application::admin::bootstrap;
use application::identity::password_hasher::{PasswordDigest, PasswordHasher};
use application::workspace::Workspace;
use clap::{Arg, ArgAction, Command};

use super::opened::to_write;
use super::{ask, caught_up, open_log, print, unexpected};
use crate::server::app;
use crate::server::config::Config;
use crate::server::control::{Answer, Failure, Request};
use crate::server::data_dir::DataDir;

pub(super) fn command() -> Command {
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

/// Appoints an administrator, here or by the server that runs on the data folder.
pub async fn make_admin(config: &Config, username: &str, password: bool) -> Result<(), Failure> {
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
    let made = match to_write(config).await? {
        Some(folder) => appoint(config, &folder, &wish).await?,
        None => match ask(config, Request::MakeAdmin(wish.clone())).await? {
            Answer::Appointed(made) => made,
            other => return Err(unexpected(other)),
        },
    };
    let what = if made { "was made and is" } else { "is" };
    print(&format!("{} {what} an administrator.\n", wish.username))
}

/// A password from standard input.
fn first_line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| format!("cannot read the password: {error}"))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.trim().is_empty() {
        return Err("no password on standard input".into());
    }
    Ok(password.to_owned())
}

/// Appoints an administrator while no server runs. Returns whether the account was created for it.
async fn appoint(config: &Config, folder: &DataDir, wish: &Appointment) -> Result<bool, Failure> {
    let log = open_log(config, folder).await?;
    let address = SocketAddr::from(([127, 0, 0, 1], config.port));
    let appointed = match app::workspace(config, folder, log.clone(), address) {
        Ok(workspace) => {
            let appointed = appoint_in(&workspace, wish).await;
            workspace.views().close().await;
            appointed
        }
        Err(error) => Err(error.to_string().into()),
    };
    log.close().await;
    appointed.map(|appointed| appointed == Appointed::Made)
}

async fn appoint_in(workspace: &Workspace, wish: &Appointment) -> Result<Appointed, Failure> {
    let work = async |workspace: &Workspace| {
        if bootstrap::is_fresh(workspace) {
            return Err(AppointError::NoWorkspace);
        }
        administrators::appoint(workspace, wish).await
    };
    let appointed = caught_up(workspace, work, AppointError::is_temporary).await;
    appointed.map_err(|error| error.to_string().into())
}
