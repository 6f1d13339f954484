//! What is taken out of the record, and who reads it.

use domain::audit::{AuditEvent, DOWNLOADED, Question, QuestionKind, REMOVED, RecordReader, Shown};
use domain::data_export::DataExportEvent;

use super::words::{Teller, list, name, quoted};

pub(super) fn data_export(teller: &Teller<'_>, event: &DataExportEvent) -> String {
    match event {
        DataExportEvent::DataExportRequested(event) => {
            let data = teller.of(&event.user, "data");
            let full = if event.full {
                " and of everything said in their rooms"
            } else {
                ""
            };
            teller.did(format_args!("asked for a copy of {data}{full}"))
        }
        DataExportEvent::DataExportCompleted(event) => {
            let data = teller.of(&event.user, "data");
            let size = event.size;
            teller.did(format_args!("made a copy of {data} ({size} bytes)"))
        }
        DataExportEvent::DataExportFailed(event) => {
            let data = teller.of(&event.user, "data");
            teller.did(format_args!("failed to make a copy of {data}"))
        }
    }
}

pub(super) fn audit(teller: &Teller<'_>, event: &AuditEvent) -> String {
    match event {
        AuditEvent::RecordRead(event) => {
            let who = match &event.reader {
                RecordReader::User(user) => teller.user(user),
                RecordReader::CommandLine { account } => {
                    format!("{} on the command line", quoted(account))
                }
            };
            let of = |what| event.question.narrowed.get(what);
            if event.question.kind == QuestionKind::Export {
                match (of(DOWNLOADED), of(REMOVED), &event.shown) {
                    (Some(export), _, Some(shown)) => {
                        let results = results(shown, EVENT);
                        return format!("{who} downloaded the export {}: {results}", name(export));
                    }
                    (_, Some(export), _) => {
                        return format!("{who} removed the export {}", name(export));
                    }
                    _ => {}
                }
            }
            let asked = question(&event.question);
            match &event.shown {
                Some(shown) => {
                    let results = results(shown, result(event.question.kind));
                    format!("{who} read {asked} and was shown {results}")
                }
                None => format!("{who} began to {} {asked}", deed(event.question.kind)),
            }
        }
        AuditEvent::ReadingEnded(event) => format!(
            "the reading {} of the record ended; it showed {}",
            name(&event.reading),
            results(&event.shown, EVENT)
        ),
    }
}

const fn deed(kind: QuestionKind) -> &'static str {
    match kind {
        QuestionKind::Export => "export",
        QuestionKind::Events
        | QuestionKind::Follow
        | QuestionKind::Message
        | QuestionKind::Readers
        | QuestionKind::At
        | QuestionKind::Diff
        | QuestionKind::Grants
        | QuestionKind::Access
        | QuestionKind::Explain => "read",
    }
}

fn question(question: &Question) -> String {
    let what = match question.kind {
        QuestionKind::Events | QuestionKind::Export => "the record",
        QuestionKind::Follow => "the record as it grows",
        QuestionKind::Message => "the history of a message",
        QuestionKind::Readers => "who could read a message",
        QuestionKind::At => "the workspace as it was",
        QuestionKind::Diff => "what changed between two moments",
        QuestionKind::Grants => "who was given or lost what",
        QuestionKind::Access => "what somebody could read",
        QuestionKind::Explain => "what came of a request",
    };
    let narrowed = question.narrowed.iter();
    let narrowed = narrowed.map(|(name, value)| format!("{name} {}", quoted(value)));
    let private = question
        .private_rooms
        .then(|| "private rooms too".to_owned());
    let told: Vec<_> = narrowed.chain(private).collect();
    if told.is_empty() {
        return what.to_owned();
    }
    format!("{what} ({})", list(told))
}

/// What one result is called, and several.
type Noun = (&'static str, &'static str);

const EVENT: Noun = ("event", "events");

const ROOM: Noun = ("room", "rooms");

const fn result(kind: QuestionKind) -> Noun {
    match kind {
        QuestionKind::Events
        | QuestionKind::Follow
        | QuestionKind::Message
        | QuestionKind::Grants
        | QuestionKind::Explain
        | QuestionKind::Export => EVENT,
        QuestionKind::Readers => ("person", "people"),
        QuestionKind::At => ("thing", "things"),
        QuestionKind::Diff => ("change", "changes"),
        QuestionKind::Access => ROOM,
    }
}

fn results(shown: &Shown, noun: Noun) -> String {
    let (one, several) = noun;
    let results = match shown.results {
        1 => format!("1 {one}"),
        many => format!("{many} {several}"),
    };
    match (shown.rooms.len() as u64).saturating_add(shown.more_rooms) {
        0 => results,
        _ if noun == ROOM => results,
        1 => format!("{results} of 1 room"),
        rooms => format!("{results} of {rooms} rooms"),
    }
}
