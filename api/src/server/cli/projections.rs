//! `hansard projections`: the views, looked at and built anew.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use clap::Command;

use super::{ask, open_log, print, show_progress, unexpected, workspace};
use crate::server::config::Config;
use crate::server::control::{Answer, Failure, Listing, Request};
use crate::server::data_dir::DataDirError;

pub(super) fn command() -> Command {
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
                )
}

pub async fn list_projections(config: &Config) -> Result<(), Failure> {
    let listing = match workspace(config).await {
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
        Err(error) => return Err(error.to_string().into()),
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

/// Builds all views anew, here or in the server that runs on the data folder.
pub async fn rebuild_projections(config: &Config) -> Result<(), Failure> {
    let head = match workspace(config).await {
        Ok(folder) => {
            let log = open_log(config, &folder).await?;
            let rebuilt = projections::rebuild_offline(
                &folder.views(),
                log.clone(),
                config.snapshot_every,
                |at| {
                    show_progress(at.position.get(), at.head.get());
                },
            )
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
        Err(error) => return Err(error.to_string().into()),
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
