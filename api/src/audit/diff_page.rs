//! What changed between two moments, as people read it at a terminal.

use application::record::diff::{Change, Diff, MOST_MEMBERS, Part};
use application::record::harmless::harmless;
use application::record::message::{Piece, words};
use serde_json::Value;

use crate::audit::page::{Page, changed, kind, moment, point};

/// What changed, and by which events.
pub fn diff(told: &Diff) -> String {
    let mut page = Page::default();
    page.line(format_args!("from {}", point(told.from)));
    page.line(format_args!("to   {}", point(told.to)));
    rooms(&mut page, told);
    changes(&mut page, told);
    let further = told.total.saturating_sub(told.changes.len());
    if further > 0 {
        page.line(format_args!("  and {further} more"));
    }
    if !told.events.is_empty() {
        page.title("what happened");
    }
    for entry in &told.events {
        let event = &entry.event;
        let at = moment(event.position, event.recorded_at);
        page.line(format_args!("  {at}  {}", entry.sentence));
    }
    if let Some(more) = told.more {
        page.line(format_args!(
            "  There may be more behind position {more}: ask from there, or see `hansard log --after {more}`"
        ));
    }
    page.text()
}

/// Which rooms are compared.
fn rooms(page: &mut Page, told: &Diff) {
    let several = told.rooms.len() > 1;
    if several {
        let number = told.rooms.len();
        page.line(format_args!(
            "{number} rooms had the name, one after the other:"
        ));
    }
    for room in &told.rooms {
        let (name, kind) = (harmless(&room.place.name), kind(&room.place));
        let which = if several {
            format!("{kind}, id {}", harmless(room.place.id.as_str()))
        } else {
            kind.to_owned()
        };
        let became = match (room.before, room.after) {
            (true, true) => "",
            (true, false) => ", which was deleted",
            (false, true) => ", which was made",
            (false, false) => ", which was made and deleted",
        };
        page.line(format_args!("in {name} ({which}){became}"));
        if room.crowded {
            page.line(format_args!(
                "  which has more than {MOST_MEMBERS} members: they are not compared"
            ));
        }
    }
}

/// What differs, room by room.
fn changes(page: &mut Page, told: &Diff) {
    page.title(if told.changes.is_empty() {
        "nothing differs"
    } else {
        "what differs"
    });
    if told.rooms.len() < 2 {
        for change in &told.changes {
            page.line(format_args!("  {}", line(change)));
        }
        return;
    }
    for room in &told.rooms {
        let id = &room.place.id;
        let own = told.changes.iter();
        let mut own = own
            .filter(|change| change.room.as_ref() == Some(id))
            .peekable();
        if own.peek().is_some() {
            page.line(format_args!("  of the room {}", harmless(id.as_str())));
        }
        for change in own {
            page.line(format_args!("    {}", line(change)));
        }
    }
}

fn line(change: &Change) -> String {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    match &change.part {
        Part::Member(person) => member(&harmless(&person.name), before, after),
        Part::Permission(name) => format!("{}: {}", harmless(name), roles(before, after)),
        Part::Field(name) => format!("{}: {}", field(name), values(before, after)),
        Part::Setting(id) => format!("{}: {}", harmless(id), values(before, after)),
    }
}

/// What a field of a room is called (contract, rooms 1.3).
fn field(name: &str) -> String {
    match name {
        "usersCount" => "members".to_owned(),
        "msgs" => "messages".to_owned(),
        "fname" => "name as typed".to_owned(),
        "ro" => "read only".to_owned(),
        "t" => "kind".to_owned(),
        "ts" => "created".to_owned(),
        "u" => "creator".to_owned(),
        name => harmless(name),
    }
}

fn member(name: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    match (before, after) {
        (None, after) => format!("+ {name}{}", held(after)),
        (before, None) => format!("- {name}{}", held(before)),
        (before, after) => format!("{name}: {}", roles(before, after)),
    }
}

/// The roles in a room of somebody who came or went.
fn held(roles: Option<&Value>) -> String {
    let roles = list(roles);
    if roles.is_empty() {
        return String::new();
    }
    format!("  ({})", roles.join(", "))
}

fn list(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(harmless).collect()
}

/// Which roles came and went.
fn roles(before: Option<&Value>, after: Option<&Value>) -> String {
    let (before, after) = (list(before), list(after));
    let gone = before.iter().filter(|role| !after.contains(role));
    let come = after.iter().filter(|role| !before.contains(role));
    let gone = gone.map(|role| format!("[-{role}-]"));
    let come = come.map(|role| format!("{{+{role}+}}"));
    let kept = before.iter().filter(|role| after.contains(role)).cloned();
    let roles: Vec<_> = kept.chain(gone).chain(come).collect();
    roles.join(" ")
}

/// A value that was replaced; of texts, word by word.
fn values(before: Option<&Value>, after: Option<&Value>) -> String {
    if let (Some(Value::String(before)), Some(Value::String(after))) = (before, after)
        && before != after
    {
        return changed(&words(before, after)).replace('\n', "⏎");
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let removed = before.map(|value| Piece::Removed(text(value)));
    let added = after.map(|value| Piece::Added(text(value)));
    let pieces: Vec<_> = removed.into_iter().chain(added).collect();
    changed(&pieces)
}
