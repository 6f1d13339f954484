//! What is shown only to auditors who see private rooms and direct messages.

use std::borrow::Cow;

use domain::report::ReportEvent;
use domain::room::{RoomAddedToTeam, RoomEvent, RoomRemovedFromTeam, TeamAutoJoinChanged};
use domain::{Event, RoomId};
use eventstore::RecordedEvent;
use projections::{NamedThing, RecordNames};

/// Whether an event tells of a private room, or is not understood.
pub(crate) fn tells_of_private_room(event: &RecordedEvent, names: &mut RecordNames<'_>) -> bool {
    event.decode::<Event>().map_or(true, |event| {
        let room = room_of(&event, names);
        is_private(&event, room.as_ref(), names)
    })
}

/// The room that an event happened in, or is about.
pub(crate) fn room_of(event: &Event, names: &mut RecordNames<'_>) -> Option<RoomId> {
    match event {
        // It names the report alone.
        Event::Report(ReportEvent::ReportDismissed(dismissed)) => {
            names.room_of_report(&dismissed.report)
        }
        event => event.room().map(Cow::into_owned),
    }
}

/// Whether it tells of a private room. What is not known of a room is taken for private.
pub(crate) fn is_private(
    event: &Event,
    room: Option<&RoomId>,
    names: &mut RecordNames<'_>,
) -> bool {
    match event {
        Event::Audit(reading) => {
            let mut asked = reading.asked_rooms();
            reading.tells_of_private_rooms()
                || any_private(reading.rooms(), names)
                || asked.any(|name| {
                    let called_so = names.find(NamedThing::Room, name);
                    any_private(
                        &called_so.iter().map(RoomId::new).collect::<Vec<_>>(),
                        names,
                    )
                })
        }
        Event::Subscription(event) => {
            event.tells_of_private_rooms() || any_private(event.rooms(), names)
        }
        // They tell of the team, too.
        Event::Room(
            RoomEvent::RoomAddedToTeam(RoomAddedToTeam {
                room, main_room, ..
            })
            | RoomEvent::RoomRemovedFromTeam(RoomRemovedFromTeam {
                room, main_room, ..
            })
            | RoomEvent::TeamAutoJoinChanged(TeamAutoJoinChanged {
                room, main_room, ..
            }),
        ) => [room, main_room]
            .into_iter()
            .any(|room| !is_public(room, names)),
        _ => room.is_some_and(|room| !is_public(room, names)),
    }
}

/// Whether any of the rooms that a reading tells of is private: it may have been closed since.
fn any_private(rooms: &[RoomId], names: &mut RecordNames<'_>) -> bool {
    rooms.iter().any(|room| !is_public(room, names))
}

/// Whether every auditor may see what happens in a room. What was ever private stays so for them: what was said among
/// members was said among them, and whoever closes a room closes it. What is not known is taken for private.
pub(crate) fn is_public(room: &RoomId, names: &mut RecordNames<'_>) -> bool {
    let identity = names.identity(room);
    identity.is_some_and(|room| !room.was_private)
}
