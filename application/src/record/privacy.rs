//! What is shown only to auditors who see private rooms and direct messages.

use std::borrow::Cow;

use domain::report::ReportEvent;
use domain::room::{RoomAddedToTeam, RoomEvent, RoomRemovedFromTeam, TeamAutoJoinChanged};
use domain::{Event, RoomId};
use eventstore::RecordedEvent;
use projections::{RecordNames, RoomIdentity};

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
        Event::Audit(reading) => reading.tells_of_private_rooms(),
        Event::Subscription(event) => event.tells_of_private_rooms(),
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
            .any(|room| names.identity(room).is_none_or(RoomIdentity::is_private)),
        _ => room.is_some_and(|room| names.identity(room).is_none_or(RoomIdentity::is_private)),
    }
}
