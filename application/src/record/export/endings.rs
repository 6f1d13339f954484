//! What ends messages from outside of them: the end of their room, and of the account of their author.

use std::collections::HashMap;

use domain::room::RoomEvent;
use domain::user::UserEvent;
use domain::{Event, RoomId, UserId};
use eventstore::Position;
use projections::RecordQuery;

use crate::error::Error;
use crate::record::deed::Envelope;
use crate::workspace::Workspace;

/// How many events are read at once.
const CHUNK: usize = 1_000;

/// Every end of a room or an account up to a position. There are few of them beside all else.
#[derive(Default)]
pub(super) struct Endings {
    rooms: HashMap<RoomId, (Envelope, Event)>,
    accounts: HashMap<UserId, (Envelope, Event)>,
}

impl Endings {
    pub(super) async fn find(workspace: &Workspace, upto: Position) -> Result<Self, Error> {
        let mut query = RecordQuery {
            event_types: vec!["RoomDeleted".to_owned(), "UserDeleted".to_owned()],
            upto: Some(upto),
            limit: CHUNK,
            ..RecordQuery::default()
        };
        let mut endings = Self::default();
        loop {
            let found = workspace.views().search_record(query.clone()).await?;
            let asked_for = found.positions.len();
            let log = workspace.executor().store();
            let events = log.read_at(found.positions).await?;
            for recorded in &events {
                endings.add(Envelope::of(recorded), recorded.decode().ok());
            }
            match events.last() {
                Some(last) if found.more || events.len() < asked_for => query.after = last.position,
                _ => return Ok(endings),
            }
        }
    }

    fn add(&mut self, envelope: Envelope, event: Option<Event>) {
        match event {
            Some(Event::Room(RoomEvent::RoomDeleted(deleted))) => {
                let room = deleted.room.clone();
                self.rooms
                    .insert(room, (envelope, Event::Room(deleted.into())));
            }
            Some(Event::User(UserEvent::UserDeleted(deleted))) => {
                let user = deleted.user.clone();
                self.accounts
                    .insert(user, (envelope, Event::User(deleted.into())));
            }
            _ => {}
        }
    }

    /// Those of a message that was posted at a position.
    pub(super) fn of(
        &self,
        room: &RoomId,
        author: &UserId,
        posted: Position,
    ) -> impl Iterator<Item = (Envelope, Event)> {
        let both = [self.rooms.get(room), self.accounts.get(author)];
        let both = both.into_iter().flatten();
        both.filter(move |(envelope, _)| envelope.at.position > posted)
            .cloned()
    }
}
