//! What somebody could read, as people read it at a terminal.

use application::record::harmless::harmless;
use application::record::reach::{Because, Edge, Reach, Stretch};

use crate::audit::page::{Page, kind, name, point};

/// The rooms that somebody could read, each with the stretches in which they could.
pub fn reach(told: &Reach) -> String {
    let mut page = Page::default();
    page.line(format_args!("what {} could read", name(&told.user)));
    page.line(format_args!("positions {} to {}", told.from, told.to));
    page.title("the account");
    if told.account.is_empty() {
        page.line(format_args!("  could not be used"));
    }
    for stretch in &told.account {
        page.line(format_args!("  {}", line(stretch)));
    }
    let all = told.rooms.len() + told.more;
    page.title(&format!("rooms: {all}"));
    for one in &told.rooms {
        let room = &one.room;
        page.line(format_args!("  {} ({})", harmless(&room.name), kind(room)));
        for stretch in &one.stretches {
            page.line(format_args!("    {}", line(stretch)));
        }
    }
    if told.more > 0 {
        page.line(format_args!("  and {} more", told.more));
    }
    page.text()
}

fn line(stretch: &Stretch) -> String {
    let what = match stretch.because {
        Because::Member => "member",
        Because::Public => "could look in",
        Because::Discussion => "could read the room it is a discussion of",
        Because::Team => "was in its team",
        Because::Active => "could be used",
    };
    let from = edge(&stretch.from);
    match &stretch.until {
        None => format!("{what} since {from}"),
        Some(until) => format!("{what} from {from} to {}", edge(until)),
    }
}

fn edge(edge: &Edge) -> String {
    format!("{} ({})", point(edge.at), harmless(&edge.event))
}
