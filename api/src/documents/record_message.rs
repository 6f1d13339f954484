//! A message on the record, as programs read it.

use application::dates::iso;
use application::record::deed::{Deed, Person, Place, Point};
use application::record::message::{
    Attached, Evidence, Fate, FirstRead, History, Leaving, MessageHistory, MessageReaders, Outcome,
    Piece, Reaction, Reader, Said, Span,
};
use domain::message::Remains;
use serde_json::{Map, Value, json};

/// Every version of a message, and what became of it.
pub fn history(told: &MessageHistory) -> Value {
    let history = &told.history;
    let versions = (0..history.versions.len()).filter_map(|index| version(history, index));
    json!({
        "id": told.message,
        "room": place(&told.room),
        "author": person(&history.author),
        "thread": history.thread,
        "shownInRoom": history.shown_in_room,
        "presentation": history.presentation,
        "versions": versions.collect::<Vec<_>>(),
        "reactions": history.reactions.iter().map(reaction).collect::<Vec<_>>(),
        "outcomes": history.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "asOf": told.as_of,
        "cut": told.cut,
    })
}

/// Who could read a message, and who had read it.
pub fn readers(told: &MessageReaders) -> Value {
    let ended = told.ended.map(|(at, fate)| {
        let mut ended = point(at);
        ended.extend(fate_fields(fate));
        ended
    });
    json!({
        "id": told.message,
        "room": place(&told.room),
        "author": person(&told.author),
        "posted": point(told.posted),
        "ended": ended,
        "inThreadOnly": told.in_thread_only,
        "people": told.readers.iter().map(reader).collect::<Vec<_>>(),
        "asOf": told.as_of,
    })
}

fn person(person: &Person) -> Value {
    json!({ "id": person.id, "name": person.name })
}

fn place(place: &Place) -> Value {
    json!({ "id": place.id, "name": place.name, "public": place.public })
}

fn point(point: Point) -> Map<String, Value> {
    Map::from_iter([
        ("position".to_owned(), json!(point.position)),
        ("time".to_owned(), json!(iso(point.time))),
    ])
}

/// The deed, with what else there is to tell.
fn deed(deed: &Deed, more: Value) -> Value {
    let mut fields = point(deed.at);
    fields.insert("by".to_owned(), person(&deed.by));
    if let Some(actor) = &deed.actor {
        fields.insert("actor".to_owned(), person(actor));
    }
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    Value::Object(fields)
}

fn version(history: &History, index: usize) -> Option<Value> {
    let version = history.versions.get(index)?;
    let text = match &version.said {
        Said::Text(text) => Some(text),
        Said::Encrypted => None,
    };
    let changes = history.changes(index);
    let pieces = |pieces: Vec<Piece>| pieces.iter().map(piece).collect::<Vec<_>>();
    let files = version.attachments.as_ref();
    let files = files.map(|all| all.iter().map(attached).collect::<Vec<_>>());
    let more = json!({
        "version": index + 1,
        "text": text,
        "encrypted": version.said == Said::Encrypted,
        "changes": changes.text.map(pieces),
        "descriptionChanges": changes.description.map(pieces),
        "files": files,
        "attachments": version.attachments,
        "links": version.links,
        "customFields": version.custom_fields,
    });
    Some(deed(&version.deed, more))
}

fn piece(piece: &Piece) -> Value {
    match piece {
        Piece::Kept(text) => json!({ "kept": text }),
        Piece::Removed(text) => json!({ "removed": text }),
        Piece::Added(text) => json!({ "added": text }),
    }
}

fn attached(attachment: &Value) -> Value {
    let Attached {
        name,
        description,
        links,
        sha256,
    } = Attached::of(attachment);
    json!({ "name": name, "description": description, "links": links, "sha256": sha256 })
}

fn reaction(reaction: &Reaction) -> Value {
    let more = json!({ "emoji": reaction.emoji, "added": reaction.added });
    deed(&reaction.deed, more)
}

fn outcome(outcome: &Outcome) -> Value {
    deed(&outcome.deed, Value::Object(fate_fields(outcome.fate)))
}

fn fate_fields(fate: Fate) -> Map<String, Value> {
    let (what, remains) = match fate {
        Fate::Deleted(remains) => ("deleted", Some(remains)),
        Fate::WithRoom => ("deleted-with-room", None),
        Fate::WithAccount => ("deleted-with-account", None),
        Fate::Unlinked => ("unlinked", None),
    };
    let remains = remains.map(|remains| match remains {
        Remains::Nothing => "nothing",
        Remains::Placeholder => "placeholder",
    });
    Map::from_iter([
        ("what".to_owned(), json!(what)),
        ("remains".to_owned(), json!(remains)),
    ])
}

fn reader(reader: &Reader) -> Value {
    json!({
        "id": reader.who.id,
        "name": reader.who.name,
        "member": reader.spans.iter().map(span).collect::<Vec<_>>(),
        "read": reader.read.as_ref().map(first_read),
    })
}

fn span(span: &Span) -> Value {
    let until = span.until.map(|(until, how)| {
        let how = match how {
            Leaving::Left => "left",
            Leaving::Removed => "removed",
            Leaving::RoomDeleted => "room-deleted",
            Leaving::AccountDeleted => "account-deleted",
        };
        let mut until = point(until);
        until.insert("how".to_owned(), json!(how));
        until
    });
    json!({ "from": point(span.from), "until": until })
}

fn first_read(read: &FirstRead) -> Value {
    let (how, threads, message) = match &read.evidence {
        Evidence::Wrote => ("wrote", None, None),
        Evidence::ReadRoom { threads } => ("read-room", Some(threads), None),
        Evidence::Posted(message) => ("posted", None, Some(message)),
    };
    let mut fields = point(read.at);
    fields.insert("how".to_owned(), json!(how));
    fields.insert("version".to_owned(), json!(read.version));
    if let Some(threads) = threads {
        fields.insert("threads".to_owned(), json!(threads));
    }
    if let Some(message) = message {
        fields.insert("message".to_owned(), json!(message));
    }
    Value::Object(fields)
}
