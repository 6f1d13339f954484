//! Conversations in the Relativity Short Message Format 2.0: a mail with `rsmf.zip`, in which `rsmf_manifest.json` has the
//! participants, the conversation and what happened in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write as _};

use domain::{MessageId, UserId};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, MultiPart, SinglePart};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::addresses::Known;
use super::conversation::{Change, Happening, Line, Message, Stretch};
use super::visible::{fate, seconds};
use super::{eml, text};
use crate::dates::iso;
use crate::error::Fault;
use crate::record::deed::Person;
use crate::record::message::{Attached, History, Said, Version};

/// The version of the format.
const VERSION: &str = "2.0.0";

const PLATFORM: &str = "hansard";

/// The file of a stretch: a mail with the archive, which is the same each time.
pub(super) fn mail(
    stretch: &Stretch,
    log: &str,
    program: &str,
    addresses: &Known,
) -> Result<Vec<u8>, Fault> {
    let manifest = manifest(stretch, log, addresses);
    let zip = zipped(&manifest).map_err(|error| {
        Fault::Impossible(format!("an archive cannot be written: {error}").into())
    })?;
    let mut times = stretch.lines.iter().filter_map(Line::at).map(|at| at.time);
    let begin = times.next().unwrap_or_default();
    let end = times.next_back().unwrap_or(begin);
    let draft = eml::begin(stretch, log, addresses)?
        .header("X-RSMF-Version", VERSION.to_owned())
        .header("X-RSMF-Generator", format!("Hansard {program}"))
        .header("X-RSMF-BeginDate", iso(begin))
        .header("X-RSMF-EndDate", iso(end))
        .header("X-RSMF-EventCount", stretch.lines.len().to_string());
    let text = eml::lines(&text::page(stretch));
    let boundary = eml::boundary(&[text.as_bytes(), &zip]);
    let zip = Body::new_with_encoding(zip, ContentTransferEncoding::Base64);
    let zip = zip.map_err(|_| Fault::Impossible("an archive cannot be attached".into()))?;
    let kind = ContentType::parse("application/zip");
    let kind = kind.map_err(|_| Fault::Impossible("no type of content".into()))?;
    let parts = MultiPart::mixed().boundary(boundary);
    let parts = parts
        .singlepart(SinglePart::plain(text))
        .singlepart(Attachment::new("rsmf.zip".to_owned()).body(zip, kind));
    draft.complete(parts)
}

/// The archive. It has no time of its own, so that the same is written each time.
fn zipped(manifest: &Value) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("rsmf_manifest.json", options)?;
    zip.write_all(manifest.to_string().as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

fn manifest(stretch: &Stretch, log: &str, addresses: &Known) -> Value {
    let conversation = &stretch.conversation;
    let id = conversation.id.as_str();
    let mut people: BTreeMap<&UserId, &Person> = BTreeMap::new();
    let active = stretch.lines.iter().flat_map(|line| line.people());
    // Of several names, the last.
    people.extend(
        stretch
            .members
            .named
            .iter()
            .chain(active)
            .map(|one| (&one.id, one)),
    );
    let present: BTreeSet<&UserId> = if conversation.direct {
        people.keys().copied().collect()
    } else {
        stretch.members.named.iter().map(|one| &one.id).collect()
    };
    let here: BTreeSet<&MessageId> = stretch.lines.iter().filter_map(message_id).collect();
    let events = stretch.lines.iter().map(|line| match line {
        Line::Message(told) => message(told, id, &here),
        Line::Happening(told) => happening(told, id),
    });
    json!({
        "version": VERSION,
        "eventcollectionid": eml::digest(&[log.as_bytes(), id.as_bytes()]),
        "participants": people.values().map(|one| participant(one, addresses)).collect::<Vec<_>>(),
        "conversations": [{
            "id": id,
            "display": conversation.name,
            "platform": PLATFORM,
            "type": if conversation.direct { "direct" } else { "channel" },
            "participants": present,
        }],
        "events": events.collect::<Vec<_>>(),
    })
}

fn message_id(line: &Line) -> Option<&MessageId> {
    match line {
        Line::Message(message) => Some(&message.id),
        Line::Happening(_) => None,
    }
}

fn participant(person: &Person, addresses: &Known) -> Value {
    let mut participant = json!({
        "id": person.id,
        "display": person.name,
        "account_id": person.id,
    });
    if let Some(address) = addresses.get(&person.id) {
        participant["email"] = address.as_str().into();
    }
    participant
}

fn happening(told: &Happening, conversation: &str) -> Value {
    let (kind, person) = match &told.change {
        Change::Joined(person) => ("join", Some(person)),
        Change::Left(person) => ("leave", Some(person)),
        Change::Other => ("unknown", None),
    };
    let mut event = json!({
        "id": format!("position-{}", told.at.position),
        "type": kind,
        "conversation": conversation,
        "timestamp": iso(told.at.time),
        "body": told.sentence,
    });
    if let Some(person) = person {
        event["participant"] = person.id.as_str().into();
    }
    event
}

fn body(version: &Version) -> &str {
    match &version.said {
        Said::Text(text) => text,
        Said::Encrypted => "(encrypted end to end: the server never could read it)",
    }
}

/// `here`: the messages of the same file, which alone can be named as what is replied to.
fn message(told: &Message, conversation: &str, here: &BTreeSet<&MessageId>) -> Value {
    let history = &told.history;
    let mut event = Map::new();
    let mut set = |name: &str, value: Value| drop(event.insert(name.to_owned(), value));
    set("id", json!(told.id));
    set("type", "message".into());
    set("conversation", conversation.into());
    set("participant", json!(history.author.id));
    if let Some(first) = history.versions.first() {
        set("timestamp", iso(first.deed.at.time).into());
    }
    set("body", history.versions.last().map_or("", body).into());
    let mut custom = customs(told);
    match &history.thread {
        Some(thread) if here.contains(thread) => set("parent", json!(thread)),
        Some(thread) => custom.push(named("Reply to message", thread.as_str())),
        None => {}
    }
    if history.outcomes.iter().any(|outcome| outcome.fate.ends()) {
        set("deleted", true.into());
    }
    let edits = edits(history);
    if !edits.is_empty() {
        set("edits", edits.into());
    }
    let reactions = reactions(history);
    if !reactions.is_empty() {
        set("reactions", reactions.into());
    }
    if !custom.is_empty() {
        set("custom", custom.into());
    }
    event.into()
}

fn edits(history: &History) -> Vec<Value> {
    let pairs = history.versions.windows(2);
    let edits = pairs.filter_map(|pair| match pair {
        [before, after] => Some(json!({
            "participant": after.deed.by.id,
            "timestamp": iso(after.deed.at.time),
            "previous": body(before),
            "new": body(after),
        })),
        _ => None,
    });
    edits.collect()
}

/// Those that still stand.
fn reactions(history: &History) -> Vec<Value> {
    let mut standing: BTreeMap<&str, BTreeSet<&UserId>> = BTreeMap::new();
    for reaction in &history.reactions {
        let by = standing.entry(&reaction.emoji).or_default();
        if reaction.added {
            by.insert(&reaction.deed.by.id);
        } else {
            by.remove(&reaction.deed.by.id);
        }
    }
    let standing = standing.into_iter().filter(|(_, by)| !by.is_empty());
    let told = standing.map(|(emoji, by)| {
        let bare = emoji.trim_matches(':');
        let value = if bare.is_empty() { emoji } else { bare };
        json!({"value": value, "count": by.len(), "participants": by})
    });
    told.collect()
}

fn named(name: &str, value: &str) -> Value {
    // A value must not be empty.
    let value = if value.is_empty() { "(empty)" } else { value };
    json!({"name": name, "value": value})
}

/// What the format has no place for.
fn customs(told: &Message) -> Vec<Value> {
    let history = &told.history;
    let mut custom = Vec::new();
    for attachment in history
        .versions
        .iter()
        .flat_map(|one| one.attachments.iter().flatten())
    {
        let Attached {
            name,
            description,
            links,
            ..
        } = Attached::of(attachment);
        let told: Vec<_> = name.into_iter().chain(description).chain(links).collect();
        custom.push(named("Attached", &told.join(", ")));
    }
    for reaction in history.reactions.iter().filter(|one| !one.added) {
        let (by, at) = (&reaction.deed.by.name, seconds(reaction.deed.at.time));
        custom.push(named(
            "Reaction taken back",
            &format!("{} by {by}, {at}", reaction.emoji),
        ));
    }
    for outcome in &history.outcomes {
        let (by, at) = (&outcome.deed.by.name, seconds(outcome.deed.at.time));
        custom.push(named(
            "What became of it",
            &format!("{by} {}, {at}", fate(outcome.fate)),
        ));
    }
    if told.cut {
        custom.push(named(
            "Cut",
            "More happened to this message than is told here.",
        ));
    }
    custom
}
