//! Live updates about rooms.

use domain::room::RoomEvent;
use serde_json::{Value, json};

use super::{Added, Maker, Told, told};
use crate::engine::hub::update::Effect;
use crate::iso::Date;
use crate::names::{Names, UserRef};

pub(super) fn of_room(
    maker: &mut Maker<'_>,
    event: &RoomEvent,
    added: Added,
    names: &mut dyn Names,
) -> rusqlite::Result<()> {
    let message = told(maker.applied, added, names)?;
    let (room, kind, by, at, what) = match event {
        RoomEvent::RoomCreated(e) => {
            let what = json!({ "_id": e.room, "t": e.kind.letter(), "name": e.name, "fname": e.display_name });
            (&e.room, "room-created", e.creator.as_ref(), e.at, what)
        }
        RoomEvent::RoomRenamed(e) => {
            let what = json!({ "name": e.name, "fname": e.display_name });
            (&e.room, "room-renamed", Some(&e.by), e.at, what)
        }
        RoomEvent::TopicChanged(e) => (
            &e.room,
            "room-topic-changed",
            Some(&e.by),
            e.at,
            json!({ "topic": e.text }),
        ),
        RoomEvent::DescriptionChanged(e) => (
            &e.room,
            "room-description-changed",
            Some(&e.by),
            e.at,
            json!({ "description": e.text }),
        ),
        RoomEvent::AnnouncementChanged(e) => (
            &e.room,
            "room-announcement-changed",
            Some(&e.by),
            e.at,
            json!({ "announcement": e.text }),
        ),
        RoomEvent::ReadOnlyChanged(e) => (
            &e.room,
            "room-read-only-changed",
            Some(&e.by),
            e.at,
            json!({ "ro": e.read_only }),
        ),
        RoomEvent::RoomArchived(e) => (&e.room, "room-archived", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomUnarchived(e) => (&e.room, "room-unarchived", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomDeleted(e) => (&e.room, "room-deleted", Some(&e.by), e.at, json!({})),
        RoomEvent::RoomKeyChanged(e) => {
            let what = json!({ "e2eKeyId": e.key_id, "reset": e.reset });
            (&e.room, "room-key-changed", Some(&e.by), e.at, what)
        }
    };
    let mut what = what;
    if let (Some(by), Value::Object(fields)) = (by, &mut what) {
        let by = UserRef::short(names, by)?;
        fields.insert(
            "by".to_owned(),
            serde_json::to_value(by).unwrap_or(Value::Null),
        );
    }
    let update = maker.room(
        room,
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
