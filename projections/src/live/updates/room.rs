//! Live updates about rooms.

use domain::room::{RoomEvent, Spared};
use domain::{MessageId, RoomId, Timestamp, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::message::gone;
use super::{Added, Maker, Told, told};
use crate::chat::system_messages::{derived_id, is_channel};
use crate::engine::hub::update::{Effect, Scope};
use crate::engine::rows::room::RetentionDoc;
use crate::iso::Date;
use crate::json;
use crate::names::{Names, UserRef};

/// The room of a message that is known.
#[derive(Deserialize)]
struct Elsewhere {
    rid: Option<RoomId>,
}

pub(super) fn of_room(
    maker: &mut Maker<'_>,
    event: &RoomEvent,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let message = if is_told_elsewhere(event) {
        tell_elsewhere(maker, event, added, names)?;
        None
    } else {
        told(maker.applied, added, names)?
    };
    let (kind, by, at, what) = told_of(event);
    let mut what = what;
    if let (Some(by), Value::Object(fields)) = (by, &mut what) {
        let by = UserRef::short(names, by)?;
        fields.insert(
            "by".to_owned(),
            serde_json::to_value(by).unwrap_or(Value::Null),
        );
    }
    if let (RoomEvent::HistoryPruned(event), Value::Object(fields)) = (event, &mut what) {
        let mut users = Vec::new();
        for author in event.pruning.authors.iter().flatten() {
            users.push(UserRef::short(names, author)?.username);
        }
        fields.insert("users".to_owned(), json!(users));
    }
    let update = maker.room(
        event.room(),
        kind,
        &Told {
            what,
            at: Date(at),
            message,
        },
    )?;
    if matches!(event, RoomEvent::RoomDeleted(_)) {
        update.effect = Effect::Dissolve;
    }
    Ok(())
}

/// Whether the message that it leads to, if any, is one of another room.
fn is_told_elsewhere(event: &RoomEvent) -> bool {
    match event {
        RoomEvent::RoomCreated(event) => event.discussion.is_some(),
        event => matches!(
            event,
            RoomEvent::RoomDeleted(_)
                | RoomEvent::RoomAddedToTeam(_)
                | RoomEvent::RoomRemovedFromTeam(_)
        ),
    }
}

/// The message for those who watch the other room.
fn tell_elsewhere(
    maker: &mut Maker<'_>,
    event: &RoomEvent,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    match added {
        Added::Made(doc) => {
            let Elsewhere { rid } = json::decode(&doc)?;
            let Some(room) = rid.map_or_else(|| elsewhere(event, names), |room| Ok(Some(room)))?
            else {
                return Ok(());
            };
            maker.push(Scope::Room(room.clone()), Some(room), "message-posted", doc);
        }
        Added::Gone(remains) => {
            if let Some(room) = elsewhere(event, names)? {
                let message = MessageId::new(derived_id(maker.applied.id));
                gone(maker, &message, &room, remains)?;
            }
        }
        Added::ToMake => {}
    }
    Ok(())
}

/// The other room, from the event alone. Which team a room was of is forgotten with the room.
fn elsewhere(event: &RoomEvent, names: &mut dyn Names) -> rusqlite::Result<Option<RoomId>> {
    let (room, main_room) = match event {
        RoomEvent::RoomCreated(e) => {
            return Ok(e.discussion.as_ref().map(|of| of.parent.clone()));
        }
        RoomEvent::RoomAddedToTeam(e) => (&e.room, &e.main_room),
        RoomEvent::RoomRemovedFromTeam(e) => (&e.room, &e.main_room),
        _ => return Ok(None),
    };
    Ok(is_channel(names, room)?.then(|| main_room.clone()))
}

/// What happened: what the update is called, who did it and when, and what it changed. Free-form values may be large,
/// and may have been taken back when somebody comes late: it is told that they changed.
fn told_of(event: &RoomEvent) -> (&'static str, Option<&UserId>, Timestamp, Value) {
    match event {
        RoomEvent::RoomCreated(e) => {
            let mut what = json!({ "_id": e.room, "t": e.kind.letter(), "name": e.name, "fname": e.display_name });
            if let Some(discussion) = e.discussion.as_deref() {
                what["prid"] = json!(discussion.parent);
            }
            ("room-created", e.creator.as_ref(), e.at, what)
        }
        RoomEvent::RoomRenamed(e) => {
            let what = json!({ "name": e.name, "fname": e.display_name });
            ("room-renamed", Some(&e.by), e.at, what)
        }
        RoomEvent::TopicChanged(e) => {
            let what = json!({ "topic": e.text });
            ("room-topic-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::DescriptionChanged(e) => {
            let what = json!({ "description": e.text });
            ("room-description-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::AnnouncementChanged(e) => {
            let what = json!({ "announcement": e.text });
            ("room-announcement-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::ReadOnlyChanged(e) => {
            let what = json!({ "ro": e.read_only });
            ("room-read-only-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomArchived(e) => ("room-archived", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomUnarchived(e) => ("room-unarchived", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomDeleted(e) => ("room-deleted", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomKeyChanged(e) => {
            let what = json!({ "e2eKeyId": e.key_id, "reset": e.reset });
            ("room-key-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomVisibilityChanged(e) => {
            let what = json!({ "t": e.kind.letter() });
            ("room-visibility-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::ReactingInReadOnlyChanged(e) => {
            let what = json!({ "reactWhenReadOnly": e.allowed });
            ("room-reacting-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::HiddenSystemMessagesChanged(e) => {
            let what = json!({ "sysMes": e.kinds });
            ("room-system-messages-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::DefaultRoomChanged(e) => {
            let what = json!({ "default": e.default });
            ("room-default-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::FeaturedRoomChanged(e) => {
            let what = json!({ "featured": e.featured });
            ("room-featured-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::DefaultFavouriteChanged(e) => {
            let what = json!({ "favorite": e.favourite });
            ("room-favourite-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::JoinCodeSet(e) => {
            let what = json!({ "joinCodeRequired": true });
            ("room-join-code-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::JoinCodeRemoved(e) => {
            let what = json!({ "joinCodeRequired": false });
            ("room-join-code-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::TeamCreated(e) => {
            let what = json!({ "teamId": e.team });
            ("team-created", Some(&e.by), e.at, what)
        }
        RoomEvent::TeamDissolved(e) => {
            let what = json!({ "teamId": e.team });
            ("team-dissolved", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomAddedToTeam(e) => {
            let what = json!({ "teamId": e.team });
            ("room-added-to-team", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomRemovedFromTeam(e) => {
            let what = json!({ "teamId": e.team });
            ("room-removed-from-team", Some(&e.by), e.at, what)
        }
        RoomEvent::TeamAutoJoinChanged(e) => {
            let what = json!({ "teamId": e.team, "teamDefault": e.auto_join });
            ("team-auto-join-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomEncryptionChanged(e) => {
            let what = json!({ "encrypted": e.encrypted });
            ("room-encryption-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::RoomCustomFieldsChanged(e) => {
            ("room-custom-fields-changed", Some(&e.by), e.at, json!({}))
        }
        RoomEvent::RetentionChanged(e) => {
            let what = json!({ "retention": RetentionDoc::from(&e.retention) });
            ("room-retention-changed", Some(&e.by), e.at, what)
        }
        RoomEvent::StreamingOptionsChanged(e) => {
            ("room-streaming-changed", Some(&e.by), e.at, json!({}))
        }
        RoomEvent::HistoryPruned(e) => {
            let pruning = &e.pruning;
            let spares = |spared| pruning.spared.contains(&spared);
            let what = json!({
                "count": e.messages,
                "oldest": Date(pruning.oldest),
                "latest": Date(pruning.latest),
                "inclusive": pruning.inclusive,
                "excludePinned": spares(Spared::Pinned),
                "ignoreDiscussion": spares(Spared::Discussions),
                "ignoreThreads": spares(Spared::Threads),
            });
            ("room-history-pruned", Some(&e.by), e.at, what)
        }
    }
}
