//! The forms the record is written in: lines for people, and what programs read.

use std::io::Write;

use application::dates::iso;
use application::record::entries::Entry;
use application::record::harmless::{harmless, is_obeyed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

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
            Self::Csv => csv(out, &record::entry(entry)),
        }
    }
}

/// As JSON, in which no character drives a terminal or turns the direction of writing: those are written as numbers, as
/// JSON itself has it for some of them.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> std::io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_obeyed) {
            let (before, from) = rest.split_at(at);
            let mut characters = from.chars();
            let mut units = [0; 2];
            writer.write_all(before.as_bytes())?;
            if let Some(obeyed) = characters.next() {
                for unit in obeyed.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

fn json(out: &mut Vec<u8>, value: &Value) {
    // Writing a value into memory cannot fail.
    let written = value.serialize(&mut Serializer::with_formatter(out, Plain));
    debug_assert!(written.is_ok(), "{written:?}");
}

fn table(out: &mut Vec<u8>, entry: &Entry) {
    let event = &entry.event;
    let time = iso(event.recorded_at);
    let time = time.trim_end_matches('Z').replacen('T', " ", 1);
    let line = format!("{:>10}  {time}  {}\n", event.position, entry.sentence);
    out.extend_from_slice(line.as_bytes());
}

/// The columns of [`CSV_NAMES`], out of what JSON has.
fn csv(out: &mut Vec<u8>, entry: &Value) {
    let plain = |pointer: &str| match entry.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut data = Vec::new();
    json(&mut data, &entry["data"]);
    let fields = [
        plain("/position"),
        plain("/time"),
        plain("/type"),
        plain("/stream"),
        plain("/version"),
        plain("/actor/id"),
        harmless(&plain("/actor/name")),
        plain("/room/id"),
        harmless(&plain("/room/name")),
        plain("/correlation"),
        plain("/sentence"),
        String::from_utf8_lossy(&data).into_owned(),
    ];
    for (index, field) in fields.iter().enumerate() {
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
    use serde_json::json;

    #[test]
    fn what_a_terminal_would_obey_is_written_as_a_number() {
        let value = json!({ "text": "a\u{1b}[2J\u{7f}\u{80}\u{9b}31m\u{202e}\u{2028}é👩\"\\" });
        let mut out = Vec::new();
        json(&mut out, &value);
        let written = String::from_utf8(out).unwrap();
        let wanted = r#"{"text":"a\u001b[2J\u007f\u0080\u009b31m\u202e\u2028é👩\"\\"}"#;
        assert_eq!(written, wanted);
        let read: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read, value, "other programs read what was there");
    }

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
