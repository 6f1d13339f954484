//! The forms the record is written in: lines for people, and what programs read.

use application::dates::iso;
use application::record::document::Document;
use application::record::entries::Entry;
use application::record::export::csv;
use application::record::plain;
use serde::{Deserialize, Serialize};

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
            Self::Csv => csv::NAMES,
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
                json(out, Document(entry));
            }
            Self::Ndjson => {
                json(out, Document(entry));
                out.push(b'\n');
            }
            Self::Msgpack => {
                // What was understood can be written.
                let written = rmp_serde::encode::write_named(out, &Document(entry));
                debug_assert!(written.is_ok(), "{written:?}");
            }
            Self::Csv => csv::write(out, entry),
        }
    }
}

fn json(out: &mut Vec<u8>, document: Document<'_>) {
    // Writing an event that was understood into memory cannot fail.
    let written = plain::json(out, &document);
    debug_assert!(written.is_ok(), "{written:?}");
}

fn table(out: &mut Vec<u8>, entry: &Entry) {
    let event = &entry.event;
    let time = iso(event.recorded_at);
    let time = time.trim_end_matches('Z').replacen('T', " ", 1);
    let line = format!("{:>10}  {time}  {}\n", event.position, entry.sentence);
    out.extend_from_slice(line.as_bytes());
}
