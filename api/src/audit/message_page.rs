//! A message on the record, as people read it at a terminal.
//!
//! What people chose and typed gets onto the page by [`harmless`] only. Lines of a message stand behind a bar, so that no
//! message can be taken for a part of the page.

use application::record::deed::{Deed, Place};
use application::record::harmless::harmless;
use application::record::message::{
    Attached, Changes, Evidence, Fate, FirstRead, Leaving, MessageHistory, MessageReaders, Piece,
    Reader, Said, Span, Version,
};
use domain::MessageId;
use domain::message::{Presentation, Remains};
use eventstore::Position;
use serde_json::Value;

use crate::audit::page::{Page, changed, kind, lines, name, point};

/// Every version of a message, and what became of it.
pub fn history(told: &MessageHistory) -> String {
    let history = &told.history;
    let mut page = Page::begin(&told.message, &told.room);
    page.line(format_args!("written by {}", name(&history.author)));
    if let Some(thread) = &history.thread {
        let shown = if history.shown_in_room {
            ", shown in the room as well"
        } else {
            ""
        };
        let thread = harmless(thread.as_str());
        page.line(format_args!("in the thread of message {thread}{shown}"));
    }
    page.as_of(told.as_of);
    for (index, version) in history.versions.iter().enumerate() {
        page.version(index + 1, version, &history.changes(index));
        if let Some(shown) = history.presentation.as_ref().filter(|_| index == 0) {
            page.presentation(shown);
        }
    }
    if !history.reactions.is_empty() {
        page.title("reactions");
    }
    for reaction in &history.reactions {
        let emoji = harmless(&reaction.emoji);
        let what = if reaction.added {
            format!("reacted with {emoji}")
        } else {
            format!("took back {emoji}")
        };
        page.deed(&reaction.deed, &what);
    }
    if !history.outcomes.is_empty() {
        page.title("what became of it");
    }
    for outcome in &history.outcomes {
        page.deed(&outcome.deed, fate(outcome.fate));
    }
    if let Some(cut) = told.cut {
        let stream = domain::message::stream(&told.message);
        let stream = harmless(stream.as_str());
        page.title("there is more");
        page.line(format_args!(
            "  The rest: hansard log --stream '{stream}' --after {cut}"
        ));
    }
    page.text()
}

/// Who could read a message, and who had read it.
pub fn readers(told: &MessageReaders) -> String {
    let mut page = Page::begin(&told.message, &told.room);
    let author = name(&told.author);
    page.line(format_args!("posted at {} by {author}", point(told.posted)));
    if let Some((at, fate)) = told.ended {
        let (why, at) = (ended(fate), point(at));
        page.line(format_args!(
            "{why} at {at}: nobody could read it from then on"
        ));
    }
    page.as_of(told.as_of);
    if told.room.public {
        page.line(format_args!(
            "\nThe room is public: everybody whose roles have view-c-room and preview-c-room could read it, and no event \
             shows whether they did. What follows is about its members."
        ));
    }
    if told.in_thread_only {
        page.line(format_args!(
            "\nIt is shown in its thread only: who read the room need not have opened the thread."
        ));
    }
    let (read, unread): (Vec<_>, Vec<_>) = told.readers.iter().partition(|one| one.read.is_some());
    page.title(&format!("had read it: {}", read.len()));
    for reader in read {
        page.reader(reader);
    }
    page.title(&format!(
        "could read it, and no event shows that they did: {}",
        unread.len()
    ));
    for reader in unread {
        page.reader(reader);
    }
    page.text()
}

impl Page {
    fn begin(message: &MessageId, room: &Place) -> Self {
        let mut page = Self::default();
        let kind = kind(room);
        page.line(format_args!("message {}", harmless(message.as_str())));
        page.line(format_args!("in {} ({kind})", harmless(&room.name)));
        page
    }

    fn as_of(&mut self, position: Position) {
        self.line(format_args!("as of position {position}"));
    }

    fn deed(&mut self, deed: &Deed, what: &str) {
        let (at, by) = (point(deed.at), name(&deed.by));
        let actor = done_by(deed);
        self.line(format_args!("  {at}  {by} {what}{actor}"));
    }

    fn version(&mut self, number: usize, version: &Version, changes: &Changes) {
        let deed = &version.deed;
        let (at, by, actor) = (point(deed.at), name(&deed.by), done_by(deed));
        self.title(&format!("version {number}  {at}  {by}{actor}"));
        match (&version.said, &changes.text) {
            (Said::Encrypted, _) => self.line(format_args!(
                "  (end-to-end encrypted: this server never could read it)"
            )),
            (Said::Text(_), Some(pieces)) => self.quote(&changed(pieces)),
            (Said::Text(text), None) => self.quote(&lines(text)),
        }
        if let Some(attachments) = &version.attachments {
            self.attachments(attachments, changes.description.as_deref());
        }
        for link in &version.links {
            self.line(format_args!("  link: {}", harmless(link)));
        }
        if let Some(fields) = &version.custom_fields {
            let fields = harmless(&fields.to_string());
            self.line(format_args!("  custom fields: {fields}"));
        }
    }

    fn presentation(&mut self, shown: &Presentation) {
        let Ok(Value::Object(shown)) = serde_json::to_value(shown) else {
            return;
        };
        let told = shown.iter().filter(|(field, value)| {
            // How to group it and where to look for links says nothing to people.
            !matches!(field.as_str(), "groupable" | "parse_urls") && **value != ""
        });
        for (field, value) in told {
            let value = harmless(&value.to_string());
            self.line(format_args!("  {field}: {value}"));
        }
    }

    /// Lines of a message, which are harmless already.
    fn quote(&mut self, text: &str) {
        for line in text.split('\n') {
            self.line(format_args!("  | {line}"));
        }
    }

    fn attachments(&mut self, attachments: &[Value], changes: Option<&[Piece]>) {
        let mut described = changes.map(changed);
        for attachment in attachments {
            let attached = Attached::of(attachment);
            let name = attached.name.as_deref().unwrap_or("(without a name)");
            self.line(format_args!("  attached: {}", harmless(name)));
            // Of the first one what was changed, if that is known.
            let description = attached.description.map(|text| lines(&text));
            if let Some(description) = described.take().or(description) {
                self.quote(&description);
            }
            let links = attached.links.into_iter().map(|link| ("at", link));
            let digest = attached.sha256.map(|digest| ("SHA-256", digest));
            for (what, text) in links.chain(digest) {
                self.line(format_args!("    {what}: {}", harmless(&text)));
            }
        }
    }

    fn reader(&mut self, reader: &Reader) {
        self.line(format_args!("  {}", name(&reader.who)));
        if let Some(read) = &reader.read {
            let (at, how) = (point(read.at), evidence(read));
            self.line(format_args!("    {at}  {how}"));
        }
        for span in &reader.spans {
            self.line(format_args!("    {}", member(span)));
        }
    }
}

fn done_by(deed: &Deed) -> String {
    let actor = deed.actor.as_ref();
    actor.map_or_else(String::new, |actor| format!(" (done by {})", name(actor)))
}

const fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Deleted(Remains::Nothing) => "deleted it; nothing remains",
        Fate::Deleted(Remains::Placeholder) => "deleted it; a placeholder remains",
        Fate::WithRoom => "deleted the room, and the message with it",
        Fate::WithAccount => "deleted the account of its author, and the message with it",
        Fate::Unlinked => {
            "deleted the account of its author; the message stays, without their name"
        }
    }
}

const fn ended(fate: Fate) -> &'static str {
    match fate {
        Fate::Deleted(_) => "deleted",
        Fate::WithRoom => "deleted with its room",
        Fate::WithAccount => "deleted with the account of its author",
        Fate::Unlinked => "unlinked from its author",
    }
}

fn evidence(read: &FirstRead) -> String {
    let how = match &read.evidence {
        Evidence::Wrote => return "wrote it".to_owned(),
        Evidence::ReadRoom { threads: false } => "had read the room that far".to_owned(),
        Evidence::ReadRoom { threads: true } => {
            "had read the room and its threads that far".to_owned()
        }
        Evidence::Posted(message) => {
            let message = harmless(message.as_str());
            format!("had seen the room that far when they posted message {message}")
        }
    };
    format!("{how}; version {} stood then", read.version)
}

fn member(span: &Span) -> String {
    let from = point(span.from);
    match span.until {
        None => format!("member since {from}"),
        Some((until, how)) => {
            let how = match how {
                Leaving::Left => "left",
                Leaving::Removed => "were removed",
                Leaving::RoomDeleted => "the room was deleted",
                Leaving::AccountDeleted => "their account was deleted",
            };
            format!("member from {from} to {} ({how})", point(until))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_between_marks_that_nobody_can_type() {
        let pieces = [
            Piece::Kept("we meet\r\nat ".to_owned()),
            Piece::Removed("ten\n".to_owned()),
            Piece::Added("nine [-or-] \u{1b}[2J".to_owned()),
        ];
        assert_eq!(
            changed(&pieces),
            "we meet\nat [-ten⏎-]{+nine \\[-or\\-] \\u{1b}[2J+}"
        );
    }

    #[test]
    fn every_line_of_a_message_is_behind_a_bar() {
        let mut page = Page::default();
        page.quote(&lines("one\nversion 9  position 1\r\n\u{202e}three"));
        assert_eq!(
            page.text(),
            "  | one\n  | version 9  position 1\n  | \\u{202e}three\n"
        );
    }
}
