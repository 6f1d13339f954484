//! The workspace of an earlier moment, as people read it at a terminal.

use std::fmt::Write as _;

use application::record::at::{Seen, Then};
use application::record::harmless::harmless;
use serde_json::{Map, Value};

use crate::audit::page::point;
use crate::documents::record_at::Fields;

/// A page that tells what `fields` have. `shown`: which part of a list that is.
pub fn page(then: &Then, fields: &Fields, offset: u64) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(page, "as of {}", point(then.past.moment));
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| *field == name);
        found.and_then(|(_, json)| serde_json::from_str::<Value>(json.get()).ok())
    };
    let list = |name: &str| match field(name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let lines: Vec<String> = match &then.seen {
        Seen::Rooms(_) => list("rooms").iter().map(room).collect(),
        Seen::Members(..) => list("members").iter().map(member).collect(),
        Seen::Messages(_) => list("messages").iter().map(message).collect(),
        Seen::Permissions(_) => list("permissions").iter().map(permission).collect(),
        Seen::Settings(_) => list("settings").iter().map(setting).collect(),
        Seen::Room(_) => whole(field("room")),
        Seen::Message(_) => whole(field("message")),
        Seen::User(_) => whole(field("user")),
    };
    for line in &lines {
        let _ = writeln!(page, "  {line}");
    }
    let total = field("total").and_then(|total| total.as_u64());
    let shown = offset.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
    if let Some(total) = total.filter(|total| *total > shown) {
        let _ = writeln!(page, "{shown} of {total}; the next: --offset {shown}");
    }
    page
}

fn text<'a>(document: &'a Value, field: &str) -> &'a str {
    document
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(document: &Value, field: &str) -> u64 {
    document.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// A list of texts, with commas.
fn texts(list: Option<&Value>) -> String {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let list: Vec<_> = list.filter_map(Value::as_str).map(harmless).collect();
    list.join(", ")
}

fn room(room: &Value) -> String {
    let (kind, name) = match text(room, "t") {
        "c" => ("public", format!("#{}", harmless(text(room, "name")))),
        "p" => ("private", format!("#{}", harmless(text(room, "name")))),
        _ => ("direct", texts(room.get("usernames"))),
    };
    let topic = text(room, "topic");
    let topic = if topic.is_empty() {
        String::new()
    } else {
        format!("  {}", harmless(topic))
    };
    let archived = if room.get("archived") == Some(&Value::Bool(true)) {
        "  archived"
    } else {
        ""
    };
    format!(
        "{kind:<8} {:>6} members {:>8} messages  {name}{archived}{topic}",
        number(room, "usersCount"),
        number(room, "msgs"),
    )
}

fn member(member: &Value) -> String {
    let roles = texts(member.get("roles"));
    let roles = if roles.is_empty() {
        roles
    } else {
        format!("  ({roles})")
    };
    let name = harmless(text(member, "name"));
    format!("@{}  {name}{roles}", harmless(text(member, "username")))
}

fn message(message: &Value) -> String {
    let author = message
        .get("u")
        .map_or("", |author| text(author, "username"));
    let edited = if message.get("editedAt").is_some() {
        " (edited)"
    } else {
        ""
    };
    let thread = if message.get("tmid").is_some() {
        " (in a thread)"
    } else {
        ""
    };
    // Not written by anybody: what it tells has a name of its own.
    let kind = match text(message, "t") {
        "" => String::new(),
        kind => format!(" [{}]", harmless(kind)),
    };
    format!(
        "{}  {}  {}{kind}: {}{edited}{thread}",
        text(message, "ts"),
        harmless(text(message, "_id")),
        harmless(author),
        harmless(text(message, "msg")),
    )
}

fn permission(permission: &Value) -> String {
    let roles = texts(permission.get("roles"));
    let roles = if roles.is_empty() { "nobody" } else { &roles };
    format!("{}: {roles}", harmless(text(permission, "_id")))
}

fn setting(setting: &Value) -> String {
    let value = setting.get("value").unwrap_or(&Value::Null);
    let changed = if setting.get("packageValue") == Some(value) {
        ""
    } else {
        "  (not the default)"
    };
    format!(
        "{}: {}{changed}",
        harmless(text(setting, "_id")),
        harmless(&value.to_string())
    )
}

/// Every field of a document on a line of its own.
fn whole(document: Option<Value>) -> Vec<String> {
    let fields = match document {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let line = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => harmless(text),
            value => harmless(&value.to_string()),
        };
        format!("{}: {value}", harmless(name))
    };
    fields.iter().map(line).collect()
}
