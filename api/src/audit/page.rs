//! A page about the record for people at a terminal, and how people, rooms and moments stand on it.
//!
//! What people chose and typed gets onto a page by [`harmless`] only.

use std::fmt::Write as _;

use application::dates::iso;
use application::record::deed::{Person, Place, Point};
use application::record::harmless::harmless;
use application::record::message::Piece;
use domain::Timestamp;
use eventstore::Position;

/// Line after line.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    pub fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{line}");
    }

    /// A line with an empty one before it.
    pub fn title(&mut self, title: &str) {
        self.line(format_args!("\n{title}"));
    }

    pub fn text(self) -> String {
        self.0
    }
}

pub fn name(person: &Person) -> String {
    harmless(&person.name)
}

pub fn point(point: Point) -> String {
    moment(point.position, point.time)
}

/// A place in the record, and when it was recorded.
pub fn moment(position: Position, time: Timestamp) -> String {
    let time = iso(time);
    let time = time.trim_end_matches('Z').replacen('T', " ", 1);
    format!("position {position}, {time} UTC")
}

/// Whether a room is public, in a word.
pub const fn kind(room: &Place) -> &'static str {
    if room.public { "public" } else { "private" }
}

/// A text of several lines, each of them harmless.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<_> = text.split('\n').map(harmless).collect();
    lines.join("\n")
}

/// What was changed, between marks. Marks that somebody typed have a backslash in front.
pub fn changed(pieces: &[Piece]) -> String {
    let marked = |text: String| {
        ["[-", "-]", "{+", "+}"]
            .iter()
            .fold(text, |text, mark| text.replace(mark, &format!("\\{mark}")))
    };
    let one = |piece: &Piece| match piece {
        Piece::Kept(text) => marked(lines(text)),
        Piece::Removed(text) => format!("[-{}-]", marked(harmless(text))),
        Piece::Added(text) => format!("{{+{}+}}", marked(harmless(text))),
    };
    pieces.iter().map(one).collect()
}
