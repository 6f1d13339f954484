//! What is taken out of the record, and who reads it.

use domain::UserId;
use domain::audit::{AuditEvent, DOWNLOADED, Question, QuestionKind, REMOVED, RecordReader, Shown};
use domain::data_export::DataExportEvent;
use domain::subscription::{Subject, SubscriptionEvent};

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
            let who = reader(teller, &event.reader);
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

fn reader(teller: &Teller<'_>, reader: &RecordReader) -> String {
    match reader {
        RecordReader::User(user) => teller.user(user),
        RecordReader::CommandLine { account } => format!("{} on the command line", quoted(account)),
    }
}

pub(super) fn subscription(teller: &Teller<'_>, event: &SubscriptionEvent) -> String {
    let called = name(event.subscription().as_str());
    match event {
        SubscriptionEvent::SubscriptionBegun(event) => {
            let asked = subject(teller, &event.subject);
            let (after, private) = (event.after, told_private(event.private_rooms));
            let deed = format!(
                "began the subscription {called} to {asked} behind position {after}{private}"
            );
            teller.deed(&event.owner, deed)
        }
        SubscriptionEvent::SubscriptionRead(event) => {
            let (shown, upto) = (results(&event.shown, EVENT), event.upto);
            let (acknowledged, private) = (event.acknowledged, told_private(event.private_rooms));
            teller.did(format_args!(
                "read the subscription {called} up to position {upto} and was shown {shown}{private}; \
                 acknowledged up to {acknowledged}"
            ))
        }
        SubscriptionEvent::SubscriptionAcknowledged(event) => teller.did(format_args!(
            "acknowledged the subscription {called} up to position {}",
            event.acknowledged
        )),
        SubscriptionEvent::SubscriptionEnded(event) => {
            format!(
                "{} ended the subscription {called}",
                reader(teller, &event.by)
            )
        }
    }
}

const fn told_private(private_rooms: bool) -> &'static str {
    if private_rooms {
        " (private rooms too)"
    } else {
        ""
    }
}

fn subject(teller: &Teller<'_>, subject: &Subject) -> String {
    let of = |what: &str, told: Vec<String>| {
        let told = (!told.is_empty()).then(|| list(told));
        told.map(|told| format!("{what} {told}"))
    };
    let rooms = subject.rooms.iter().map(|room| teller.room(room));
    let users = |users: &[UserId]| users.iter().map(|user| teller.user(user)).collect();
    let names = |names: &[String]| names.iter().map(|one| name(one)).collect();
    let parts = [
        of("room", rooms.collect()),
        of("user", users(&subject.users)),
        of("actor", users(&subject.actors)),
        of("type", names(&subject.types)),
        of("category", names(&subject.categories)),
        of("stream", names(subject.stream.as_slice())),
        of(
            "text",
            subject.text.iter().map(|text| quoted(text)).collect(),
        ),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "the record".to_owned();
    }
    format!("the record ({})", parts.join(", "))
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
