//! Which rooms are meant by a name between two moments.

use std::collections::HashSet;

use domain::room::RoomEvent;
use domain::{Event, RoomId};
use eventstore::Position;
use projections::{NamedThing, RecordQuery};

use crate::error::Error;
use crate::record::access::Auditor;
use crate::record::found::{self, within};
use crate::record::named::named;
use crate::workspace::Workspace;

/// The rooms that can be meant by a name or an id.
pub(super) struct Candidates {
    /// Those that ever had the name, in the order in which they got it; or the one with that id.
    pub(super) rooms: Vec<RoomId>,
    /// Those of them that had the name at the first moment, if they were there.
    called_so: HashSet<RoomId>,
    /// Those that got the name in between.
    named_so: HashSet<RoomId>,
    /// Those that were made in between.
    made: HashSet<RoomId>,
}

impl Candidates {
    /// Those that the auditor sees. `after`, `upto`: the first moment and the second.
    pub(super) async fn find(
        workspace: &Workspace,
        auditor: &Auditor,
        typed: &str,
        (after, upto): (Position, Position),
    ) -> Result<Self, Error> {
        let private_rooms = auditor.sees_private_rooms();
        let bare = typed.strip_prefix('#').unwrap_or(typed).to_owned();
        let name = bare.clone();
        let found = workspace.views().with_record_names(move |names| {
            let mut rooms: Vec<RoomId> = Vec::new();
            for id in names.find(NamedThing::Room, &name) {
                let room = RoomId::new(&id);
                let public = names.identity(&room).is_some_and(|room| !room.is_private());
                if (public || private_rooms) && !rooms.contains(&room) {
                    rooms.push(room);
                }
                if id == name {
                    break;
                }
            }
            rooms.reverse();
            let is_called_so = |room: &&RoomId| {
                room.as_str() == name || names.room(room, after) == Some(name.as_str())
            };
            let called_so = rooms.iter().filter(is_called_so).cloned().collect();
            (rooms, called_so)
        });
        let (rooms, called_so) = found.await?;
        if rooms.is_empty() {
            // Says so, and what else may have been meant.
            let list = [typed.to_owned()];
            named(workspace, NamedThing::Room, &list, '#', private_rooms).await?;
        }
        let mut candidates = Self {
            rooms,
            called_so,
            named_so: HashSet::new(),
            made: HashSet::new(),
        };
        candidates
            .look_between(workspace, &bare, (after, upto))
            .await?;
        Ok(candidates)
    }

    /// Finds out what happened to them in between.
    async fn look_between(
        &mut self,
        workspace: &Workspace,
        name: &str,
        (after, upto): (Position, Position),
    ) -> Result<(), Error> {
        let query = RecordQuery {
            rooms: self.rooms.clone(),
            event_types: vec!["RoomCreated".to_owned(), "RoomRenamed".to_owned()],
            ..within(after, upto)
        };
        found::each(workspace, query, |events| {
            for event in events.iter().filter_map(|event| event.decode().ok()) {
                let (room, called) = match event {
                    Event::Room(RoomEvent::RoomCreated(created)) => {
                        self.made.insert(created.room.clone());
                        (created.room, created.name)
                    }
                    Event::Room(RoomEvent::RoomRenamed(renamed)) => {
                        (renamed.room, Some(renamed.name))
                    }
                    _ => continue,
                };
                if called.as_deref() == Some(name) || room.as_str() == name {
                    self.named_so.insert(room);
                }
            }
        })
        .await
    }

    /// Which of the rooms are meant, by their place in the list: those that had the name at the first moment or got it later, up
    /// to the second. If none did, the last that had it at another time and was there. `there`: whether each was, at the first
    /// moment and at the second.
    pub(super) fn meant(&self, there: &[(bool, bool)]) -> Vec<usize> {
        let rooms = || self.rooms.iter().zip(there).enumerate();
        let called_so = rooms().filter(|(_, (room, (before, _)))| {
            *before && self.called_so.contains(*room) || self.named_so.contains(*room)
        });
        let called_so: Vec<_> = called_so.map(|(index, _)| index).collect();
        if !called_so.is_empty() {
            return called_so;
        }
        let was_there = rooms()
            .filter(|(_, (room, (before, after)))| *before || *after || self.made.contains(*room));
        let last = was_there.map(|(index, _)| index).max();
        last.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_every_room_that_had_it_in_between() {
        let rooms = ["a", "b", "c"].map(RoomId::new);
        let set = |named: &[&str]| named.iter().map(RoomId::new).collect::<HashSet<_>>();
        let candidates = |called_so, named_so, made| Candidates {
            rooms: rooms.to_vec(),
            called_so: set(called_so),
            named_so: set(named_so),
            made: set(made),
        };
        let (yes, no) = (true, false);
        for (case, candidates, there, meant) in [
            (
                "deleted, and made again",
                candidates(&["a"], &["b"], &["b"]),
                [(yes, no), (no, yes), (no, no)],
                vec![0, 1],
            ),
            (
                "made and deleted in between",
                candidates(&[], &["b"], &["b"]),
                [(no, no); 3],
                vec![1],
            ),
            (
                "deleted before, though the name is known",
                candidates(&["a", "b"], &[], &[]),
                [(no, no), (yes, yes), (no, no)],
                vec![1],
            ),
            (
                "called so only later",
                candidates(&[], &[], &[]),
                [(yes, yes), (yes, yes), (no, no)],
                vec![1],
            ),
            (
                "none was there",
                candidates(&[], &[], &[]),
                [(no, no); 3],
                vec![],
            ),
        ] {
            assert_eq!(candidates.meant(&there), meant, "{case}");
        }
    }
}
