//! What explains an export to people and programs that never saw Hansard.

use std::io::{self, Write};

use domain::audit::RecordReader;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::journal::Entry;
use super::order::{ExportFormat, Order};
use super::outcome::Finished;
use crate::dates::iso;

const README: &str = "README.txt";

/// Every file that may be written to explain the others, beside the manifest.
pub(super) const NAMES: &[&str] = &[README];

/// A file that explains.
#[derive(Serialize)]
pub(super) struct Page {
    name: &'static str,
    size: usize,
    sha256: String,
}

impl Page {
    pub(super) fn new(name: &'static str, text: &str) -> Self {
        Self {
            name,
            size: text.len(),
            sha256: hex::encode(Sha256::digest(text)),
        }
    }
}

/// The pages for people.
pub(super) fn pages(order: &Order, finished: &Finished) -> Vec<(&'static str, String)> {
    vec![(README, readme(order, finished))]
}

/// What is not there, and why.
fn left_out(order: &Order) -> Vec<(&'static str, &'static str)> {
    let mut left_out = vec![
        (
            "secrets",
            "Passwords, login tokens, keys and what was made of them are never given out; \"(withheld)\" stands in their place.",
        ),
        (
            "attached files",
            "The record has the names and addresses of files that people attached to messages, not the files themselves.",
        ),
        (
            "what is encrypted end to end",
            "The server never could read it. It is there as the server has it.",
        ),
    ];
    if !order.private_rooms {
        left_out.push((
            "private rooms and direct messages",
            "The workspace does not show them to auditors (setting Audit_Private_Rooms).",
        ));
    }
    left_out
}

fn who(reader: &RecordReader) -> String {
    match reader {
        RecordReader::User(user) => format!("user {user}"),
        RecordReader::CommandLine { account } => format!("{account}, on the command line of the server"),
    }
}

/// Writes the manifest: every file but itself, and what they are of.
pub(super) fn manifest(
    out: &mut impl Write,
    order: &Order,
    finished: &Finished,
    pages: &[Page],
    files: impl Iterator<Item = io::Result<Entry>>,
) -> io::Result<()> {
    let left_out: Vec<_> = left_out(order)
        .into_iter()
        .map(|(what, why)| json!({"what": what, "why": why}))
        .collect();
    let head = json!({
        "about": "An export of the record of a Hansard workspace. README.txt explains it.",
        "export": order.export,
        "name": order.name,
        "format": order.format,
        "program": format!("hansard {}", order.program),
        "log": order.log,
        "after_position": order.after,
        "last_position": order.upto,
        "mark": order.mark,
        "question": order.question,
        "rooms": order.rooms,
        "users": order.users,
        "private_rooms": order.private_rooms,
        "asked_by": who(&order.asked_by),
        "asked_at": iso(order.asked_at),
        "results": finished.results,
        "left_out": left_out,
    });
    let head = format!("{head:#}");
    // The files are written one by one: there may be very many.
    out.write_all(head.trim_end_matches('}').trim_end().as_bytes())?;
    out.write_all(b",\n  \"files\": [")?;
    let mut separator: &[u8] = b"\n    ";
    for page in pages {
        out.write_all(separator)?;
        serde_json::to_writer(&mut *out, page)?;
        separator = b",\n    ";
    }
    for file in files {
        out.write_all(separator)?;
        serde_json::to_writer(&mut *out, &file?)?;
        separator = b",\n    ";
    }
    out.write_all(b"\n  ]\n}\n")
}

fn readme(order: &Order, finished: &Finished) -> String {
    let covered = if order.after == order.upto {
        format!("Nothing was recorded after position {}.", order.upto)
    } else {
        format!("It covers positions {} to {}", order.after.next(), order.upto)
    };
    let mut text = format!(
        "This folder is an export of the record of a Hansard workspace.\n\n\
         Hansard is a team-chat server. Everything that happens in it is an event in one log, which is only ever added\n\
         to. The position of an event is its place in that log: from 1, without gaps, in the order in which things were\n\
         recorded. All times are UTC.\n\n\
         {covered} of log {}.\n\
         It was asked for by {} at {}.\n\
         It has {} results in {} files of {} bytes.\n\n",
        order.log,
        who(&order.asked_by),
        iso(order.asked_at),
        finished.results,
        finished.files,
        finished.bytes,
    );
    text.push_str("What was asked\n\n");
    for (name, value) in &order.question {
        text.push_str(&format!("  {name}: {}\n", crate::record::harmless::harmless(value)));
    }
    if order.question.is_empty() {
        text.push_str("  everything\n");
    }
    text.push_str("\nWhat is where\n\n");
    text.push_str(layout(order.format));
    text.push_str(
        "  manifest.json    every other file with its size and SHA-256, and what this export is of\n\n\
         What is not here\n\n",
    );
    for (what, why) in left_out(order) {
        text.push_str(&format!("  {what}: {why}\n"));
    }
    text
}

const fn layout(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Ndjson => {
            "  events-*.ndjson  events in the order of their positions, one JSON object a line; the number in the name\n\
             \x20                  is the position the file begins at. Fields: position, time, type, schema, data (what\n\
             \x20                  happened), category, stream, version (the part of the log it belongs to, and its place\n\
             \x20                  there), id, actor (who did it), room, correlation, causation (the request and the\n\
             \x20                  event it came of), sentence (what happened, in English), leaf (the hash of the event)\n"
        }
        ExportFormat::Csv => {
            "  events-*.csv     events in the order of their positions (RFC 4180, the first line has the names of the\n\
             \x20                  columns); the number in the name is the position the file begins at. A cell that a\n\
             \x20                  spreadsheet would take for a formula has an apostrophe in front\n"
        }
    }
}
