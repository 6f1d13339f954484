//! The views that serve, compared with those of the sandbox: what an upgrade would change.

use std::fmt::Write as _;
use std::path::PathBuf;

use ::projections::{ComparedRows, ComparedTable, Comparison, Difference, Registry, Served};
use application::record::replay::ReplayBegun;
use eventstore::place::leaf_hex;
use tokio::task::spawn_blocking;

use super::super::print;
use super::Old;
use crate::server::config::Config;
use crate::server::control::Failure;
use crate::server::data_dir::DataDir;

/// The views that serve in the data folder, as they are now.
pub(super) async fn open(config: &Config) -> Old {
    let folder = DataDir::views_of(&config.data_dir);
    match spawn_blocking(move || Served::open(&folder)).await {
        Ok(opened) => opened.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Tells what differs. Returns what else is to be said, if it is not that all is the same.
pub(super) async fn tell(
    old: Old,
    begun: &ReplayBegun,
    anew: PathBuf,
    registry: Registry,
) -> Option<Failure> {
    let compared = compared(old, begun, anew, registry).await;
    let told = compared.and_then(|compared| {
        print(&report(begun.position.get(), &compared)).map_err(|failure| failure.text)?;
        Ok(compared.iter().all(ComparedTable::is_same))
    });
    match told {
        Ok(true) => None,
        Ok(false) => Some("the views that serve differ from those of this program".into()),
        Err(reason) => {
            Some(format!("the sandbox is made, but its views were not compared: {reason}").into())
        }
    }
}

async fn compared(
    old: Old,
    begun: &ReplayBegun,
    anew: PathBuf,
    registry: Registry,
) -> Result<Vec<ComparedTable>, String> {
    let served = old?;
    of_the_same(&served, begun)?;
    let compared = spawn_blocking(move || served.compare(&anew, &registry)).await;
    let compared = compared.map_err(|error| error.to_string())?;
    compared.map_err(|error| error.to_string())
}

/// Refuses views that are not of the events that are copied, and of no others.
pub(super) fn of_the_same(served: &Served, begun: &ReplayBegun) -> Result<(), String> {
    let place = served.place();
    if place.log != begun.log {
        return Err(format!(
            "those that serve are of another log, {}",
            place.log
        ));
    }
    if place.position != begun.position {
        return Err(format!(
            "those that serve are at position {}, and the sandbox at {}; leave --to out",
            place.position, begun.position
        ));
    }
    if leaf_hex(&place.leaf) != begun.leaf {
        return Err("those that serve are of a log that was replaced since".to_owned());
    }
    Ok(())
}

fn report(position: u64, compared: &[ComparedTable]) -> String {
    let (same, different): (Vec<_>, Vec<_>) = compared.iter().partition(|table| table.is_same());
    let mut text = format!(
        "Compared with the views that serve, at position {position}: {} tables are the same, {} differ.\n",
        same.len(),
        different.len()
    );
    for table in different {
        tell_of_table(&mut text, table);
    }
    text
}

// Writing to a string cannot fail.
fn tell_of_table(text: &mut String, compared: &ComparedTable) {
    let table = &compared.table;
    let of = compared.view.map_or(String::new(), |view| {
        let version = match compared.versions {
            (Some(old), Some(new)) if old != new => format!(" (version {old}, here {new})"),
            (None, Some(_)) => " (only here)".to_owned(),
            _ => String::new(),
        };
        format!("The view {view}{version}, ")
    });
    let _ = match &compared.outcome {
        Comparison::Added => writeln!(text, "{of}the table {table}: only here."),
        Comparison::Removed => writeln!(text, "{of}the table {table}: not here any more."),
        Comparison::OtherKey => writeln!(
            text,
            "{of}the table {table}: a row is known by other columns here, so rows cannot be compared."
        ),
        Comparison::Rows(rows) => writeln!(text, "{of}the table {table}: {}", rows_of(rows)),
    };
}

fn rows_of(rows: &ComparedRows) -> String {
    let mut text = format!("{} of {} rows differ.", rows.differing, rows.rows);
    for (what, columns) in [("new", &rows.added), ("gone", &rows.removed)] {
        if !columns.is_empty() {
            let _ = write!(
                text,
                " Columns that are {what} here: {}.",
                columns.join(", ")
            );
        }
    }
    for difference in &rows.first {
        text.push_str(&row(difference));
    }
    text
}

fn row(difference: &Difference) -> String {
    let side = |said: &Option<String>| said.clone().unwrap_or_else(|| "no such row".to_owned());
    format!(
        "\n  where {}:\n    served  {}\n    here    {}",
        difference.key,
        side(&difference.serving),
        side(&difference.rebuilt)
    )
}
