//! `hansard subscriptions`: subscriptions to the record, looked after.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use application::error::Error;
use application::record::harmless::harmless;
use clap::{Arg, ArgMatches, Command};
use eventstore::EventStore;

use super::opened::{ToRead, to_read, to_write};
use super::{ask, caught_up, open_log, print, record, unexpected};
use crate::server::app;
use crate::server::config::Config;
use crate::server::control::{Answer, Deed, Failure, OfSubscriptions, Request, Subscribed};
use crate::server::data_dir::DataDir;

pub(super) fn command() -> Command {
    Command::new("subscriptions")
        .about("Look after subscriptions of programs to the record")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Examples:\n  hansard subscriptions list\n  hansard subscriptions remove archive")
        .subcommand(
            Command::new("list")
                .about("List the subscriptions, whose they are, and how far behind")
                .after_help("Works while a server runs on the data folder and while none does.\n\nExample:\n  hansard subscriptions list"),
        )
        .subcommand(
            Command::new("remove")
                .about("End a subscription, whoever it belongs to")
                .arg(Arg::new("name").value_name("NAME").required(true).help("The subscription"))
                .after_help(
                    "Works while a server runs on the data folder and while none does.\n\nExample:\n  hansard subscriptions remove archive",
                ),
        )
}

pub(super) fn wish(matches: &ArgMatches) -> OfSubscriptions {
    let name = matches
        .subcommand_matches("remove")
        .and_then(|remove| remove.get_one::<String>("name"));
    OfSubscriptions {
        account: record::account(),
        deed: name.map_or(Deed::List, |name| Deed::Remove(name.clone())),
    }
}

/// Does it here, or has the server that runs on the data folder do it.
pub async fn run(config: &Config, wish: OfSubscriptions) -> Result<(), Failure> {
    let told = match &wish.deed {
        Deed::List => match to_read(config).await? {
            Some(opened) => Some(listed(&opened, &wish).await?),
            None => None,
        },
        Deed::Remove(_) => match to_write(config).await? {
            Some(folder) => {
                let log = open_log(config, &folder).await?;
                Some(here(config, &folder, log, &wish).await?)
            }
            None => None,
        },
    };
    let told = match told {
        Some(told) => told,
        None => match ask(config, Request::Subscriptions(wish)).await? {
            Answer::Subscribed(told) => told,
            other => return Err(unexpected(other)),
        },
    };
    print(&page(&told))
}

async fn listed(opened: &ToRead, wish: &OfSubscriptions) -> Result<Subscribed, Failure> {
    let log = opened.log().await?;
    here(&opened.config, opened.folder(), log, wish).await
}

async fn here(
    config: &Config,
    folder: &DataDir,
    log: Arc<dyn EventStore>,
    wish: &OfSubscriptions,
) -> Result<Subscribed, Failure> {
    let address = SocketAddr::from(([127, 0, 0, 1], config.port));
    let told = match app::workspace(config, folder, log.clone(), address) {
        Ok(workspace) => {
            let work = caught_up(
                &workspace,
                async |workspace| wish.clone().carry_out(workspace).await,
                Error::is_temporary,
            );
            let told = work.await;
            workspace.views().close().await;
            told.map_err(Failure::from)
        }
        Err(error) => Err(error.to_string().into()),
    };
    log.close().await;
    told
}

fn page(told: &Subscribed) -> String {
    let rows = match told {
        Subscribed::Removed => return "It is no more.\n".to_owned(),
        Subscribed::List(rows) => rows,
    };
    let (first, second) = ("subscription", "owner");
    let texts: Vec<_> = rows
        .iter()
        .map(|row| (harmless(&row.name), harmless(&row.owner)))
        .collect();
    let widest = |title: &str, column: fn(&(String, String)) -> &String| {
        let widths = texts.iter().map(|row| column(row).chars().count());
        widths.max().unwrap_or(0).max(title.len())
    };
    let (name, owner) = (widest(first, |row| &row.0), widest(second, |row| &row.1));
    let mut table = format!(
        "{first:<name$}  {second:<owner$} {:>12} {:>12}\n",
        "checkpoint", "behind"
    );
    for (row, (called, whose)) in rows.iter().zip(&texts) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{called:<name$}  {whose:<owner$} {:>12} {:>12}",
            row.checkpoint, row.behind
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let row = |name: &str, owner: &str| json!({"name": name, "owner": owner, "checkpoint": 7, "behind": 3});
        let rows = [row(&"x".repeat(64), "ann"), row("y", &"é".repeat(100))];
        let told: Subscribed = serde_json::from_value(json!({"list": rows})).unwrap();
        let table = page(&told);
        let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "{table}");
        assert_eq!(widths[0], 64 + 2 + 100 + 2 * 13);
    }
}
