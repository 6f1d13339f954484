//! The forms the record is written in: lines for people, and what programs read.

use application::record::entries::Entry;
use application::record::harmless::harmless;
use application::{dates::iso, record::withheld};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::documents::record;
use crate::http::parameters::Choice;

/// How entries are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One line for each: position, time, sentence.
    #[default]
    Table,
    /// One list.
    Json,
    /// One object a line.
    Ndjson,
    /// MessagePack: one map after the other.
    Msgpack,
    /// RFC 4180, with a line of names first.
    Csv,
}

impl Choice for Format {
    const NAMES: &'static [&'static str] = &["table", "json", "ndjson", "msgpack", "csv"];

    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "table" => Self::Table,
            "json" => Self::Json,
            "ndjson" => Self::Ndjson,
            "msgpack" => Self::Msgpack,
            "csv" => Self::Csv,
            _ => return None,
        })
    }
}

const CSV_NAMES: &str = "position,time,type,stream,version,actor,actor_name,room,room_name,correlation,sentence,data\r\n";

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Msgpack => "application/vnd.msgpack",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What comes before the first entry.
    pub const fn begin(self) -> &'static str {
        match self {
            Self::Table => "  position  time (UTC)               what happened\n",
            Self::Json => "[",
            Self::Ndjson | Self::Msgpack => "",
            Self::Csv => CSV_NAMES,
        }
    }

    /// What comes after the last.
    pub const fn end(self) -> &'static str {
        match self {
            Self::Json => "]\n",
            Self::Table | Self::Ndjson | Self::Msgpack | Self::Csv => "",
        }
    }

    /// Appends an entry. `first`: it is the first of all.
    pub fn write(self, out: &mut Vec<u8>, entry: &Entry, first: bool) {
        match self {
            Self::Table => table(out, entry),
            Self::Json => {
                out.extend_from_slice(if first { b"\n" } else { b",\n" });
                json(out, &record::entry(entry));
            }
            Self::Ndjson => {
                json(out, &record::entry(entry));
                out.push(b'\n');
            }
            Self::Msgpack => {
                // Maps with texts as keys always can be written.
                let written = rmp_serde::encode::write_named(out, &record::entry(entry));
                debug_assert!(written.is_ok(), "{written:?}");
            }
            Self::Csv => csv(out, entry),
        }
    }
}

fn json(out: &mut Vec<u8>, value: &Value) {
    // Writing a value into memory cannot fail.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

fn table(out: &mut Vec<u8>, entry: &Entry) {
    let event = &entry.event;
    let time = iso(event.recorded_at);
    let time = time.trim_end_matches('Z').replacen('T', " ", 1);
    let line = format!("{:>10}  {time}  {}\n", event.position, entry.sentence);
    out.extend_from_slice(line.as_bytes());
}

fn csv(out: &mut Vec<u8>, entry: &Entry) {
    let event = &entry.event;
    let data = rmp_serde::from_slice(&event.data).unwrap_or(Value::Null);
    let data = withheld::withhold(&event.event_type, data).to_string();
    let (room, room_name) = entry
        .room
        .as_ref()
        .map_or(("", ""), |(room, name)| (room.as_str(), name.as_str()));
    let fields = [
        &event.position.to_string(),
        &iso(event.recorded_at),
        event.event_type.as_str(),
        &withheld::stream(&event.stream),
        &event.version.to_string(),
        event.actor.as_str(),
        &harmless(&entry.actor),
        room,
        &harmless(room_name),
        &event.correlation_id.0.to_string(),
        &entry.sentence,
        &data,
    ];
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        csv_field(out, field);
    }
    out.extend_from_slice(b"\r\n");
}

/// A field in quotation marks. What a spreadsheet would take for a formula gets an apostrophe in front, which it takes for
/// "this is text".
fn csv_field(out: &mut Vec<u8>, field: &str) {
    out.push(b'"');
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        out.push(b'\'');
    }
    for part in field.split_inclusive('"') {
        out.extend_from_slice(part.as_bytes());
        if part.ends_with('"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_no_formulas_and_stay_one_field() {
        for (field, written) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
        ] {
            let mut out = Vec::new();
            csv_field(&mut out, field);
            assert_eq!(String::from_utf8_lossy(&out), written, "{field}");
        }
    }
}
