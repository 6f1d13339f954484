//! What explains an export to people and programs that never saw Hansard.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use domain::audit::RecordReader;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::html;
use super::journal::Entry;
use super::order::{ExportFormat, Order};
use super::outcome::Finished;
use super::private;
use crate::dates::iso;
use crate::record::harmless::harmless;

const README: &str = "README.txt";

/// Every file that may be written to explain the others, beside the manifest.
pub(super) const NAMES: &[&str] = &[README, html::INDEX];

/// A file that explains.
#[derive(Serialize)]
pub(super) struct Page {
    name: &'static str,
    size: usize,
    sha256: String,
}

/// Writes a file that explains, piece by piece.
pub(super) fn written(
    path: &Path,
    name: &'static str,
    write: impl FnOnce(&mut Hashed<BufWriter<File>>) -> io::Result<()>,
) -> io::Result<Page> {
    let mut out = Hashed {
        inner: BufWriter::new(private::create(path)?),
        hash: Sha256::new(),
        size: 0,
    };
    write(&mut out)?;
    out.inner.into_inner()?.sync_all()?;
    Ok(Page {
        name,
        size: out.size,
        sha256: hex::encode(out.hash.finalize()),
    })
}

/// Notes the digest and the size of what is written.
pub(super) struct Hashed<W> {
    inner: W,
    hash: Sha256,
    size: usize,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.size += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes the page for people.
pub(super) fn readme_at(folder: &Path, order: &Order, finished: &Finished) -> io::Result<Page> {
    let text = readme(order, finished);
    written(&folder.join(README), README, |out| {
        out.write_all(text.as_bytes())
    })
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
    if order.format.tells_conversations() {
        left_out.push((
            "what is no part of a conversation",
            "Accounts, settings and the like, who read what when, and reports to moderators are in exports as ndjson or csv.",
        ));
    }
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
        RecordReader::CommandLine { account } => {
            format!("{account}, on the command line of the server")
        }
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
    let open = head.strip_suffix("\n}").unwrap_or(&head);
    out.write_all(open.as_bytes())?;
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
        format!(
            "It covers no position: it begins behind position {} and ends there. It is",
            order.upto
        )
    } else {
        format!(
            "It covers positions {} to {}",
            order.after.next(),
            order.upto
        )
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
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {name}: {}", harmless(value));
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
        let _ = writeln!(text, "  {what}: {why}");
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
        ExportFormat::Html => {
            "  index.html       begin here: all conversations, and their pages\n\
             \x20 <name>/*.html    one page for each conversation and month; several, if there is much. The number in the\n\
             \x20                  name is the position the page begins at. A message stands where it was posted, with all\n\
             \x20                  that happened to it up to the end of this export: texts that were replaced or deleted\n\
             \x20                  are struck through. A message from before this export stands where something first\n\
             \x20                  happened to it in this export\n"
        }
        ExportFormat::Eml => {
            "  <name>/*.eml     one mail (RFC 5322) for each conversation and day: who wrote first is its sender, who else did\n\
             \x20                  something that day its receivers, other members have copies. The number in the name is the\n\
             \x20                  position it begins at; a day of which there is much has several. A message stands where it\n\
             \x20                  was posted, with all that happened to it up to the end of this export\n"
        }
        ExportFormat::Rsmf => {
            "  <name>/*.rsmf    one file in the Relativity Short Message Format 2.0 for each conversation and day; a day of\n\
             \x20                  which there is much has several. The number in the name is the position it begins at. A\n\
             \x20                  message stands where it was posted, with all that happened to it up to the end of this export\n"
        }
        ExportFormat::Csv => {
            "  events-*.csv     events in the order of their positions (RFC 4180, the first line has the names of the\n\
             \x20                  columns); the number in the name is the position the file begins at. A cell that a\n\
             \x20                  spreadsheet would take for a formula has an apostrophe in front\n"
        }
    }
}
