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
use crate::record::privacy::is_public;
use crate::workspace::Workspace;

/// The rooms that can be meant by a name or an id.
pub(super) struct Candidates {
    /// Those that ever had the name, in the order in which they got it; or the one with that id.
    rooms: Vec<RoomId>,
    /// Those of them that had the name at the first moment, if they were there.
    called_so: HashSet<RoomId>,
    /// What else is known of them.
    past: Past,
}

/// What became of rooms up to the second moment.
#[derive(Default)]
struct Past {
    /// Those that were there at the first moment.
    before: HashSet<RoomId>,
    /// Those that were there at the second.
    after: HashSet<RoomId>,
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
                if (private_rooms || is_public(&room, names)) && !rooms.contains(&room) {
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
        let past = Past::of(workspace, &rooms, &bare, (after, upto)).await?;
        Ok(Self {
            rooms,
            called_so,
            past,
        })
    }

    /// Which of the rooms are meant: those that had the name at the first moment or got it later, up to the second. If none
    /// did, the last that had it at another time and was there.
    pub(super) fn meant(&self) -> Vec<RoomId> {
        let past = &self.past;
        let is_called_so = |room: &&RoomId| {
            past.before.contains(*room) && self.called_so.contains(*room)
                || past.named_so.contains(*room)
        };
        let called_so: Vec<_> = self.rooms.iter().filter(is_called_so).cloned().collect();
        if !called_so.is_empty() {
            return called_so;
        }
        let was_there = |room: &&RoomId| {
            let times = [&past.before, &past.after, &past.made];
            times.iter().any(|rooms| rooms.contains(*room))
        };
        let last = self.rooms.iter().rfind(was_there);
        last.cloned().into_iter().collect()
    }
}

impl Past {
    async fn of(
        workspace: &Workspace,
        rooms: &[RoomId],
        name: &str,
        (after, upto): (Position, Position),
    ) -> Result<Self, Error> {
        let mut past = Self::default();
        if rooms.is_empty() {
            return Ok(past);
        }
        let types = ["RoomCreated", "RoomRenamed", "RoomDeleted"];
        let query = RecordQuery {
            rooms: rooms.to_vec(),
            event_types: types.map(str::to_owned).to_vec(),
            ..within(Position::START, upto)
        };
        found::each(workspace, query, |events| {
            for event in events {
                if let Ok(Event::Room(decoded)) = event.decode() {
                    past.take(decoded, event.position > after, name);
                }
            }
        })
        .await?;
        Ok(past)
    }

    /// Takes the next event; `between`: it came after the first moment.
    fn take(&mut self, event: RoomEvent, between: bool, name: &str) {
        let (room, called) = match event {
            RoomEvent::RoomCreated(created) => {
                let room = created.room;
                self.after.insert(room.clone());
                if between {
                    self.made.insert(room.clone());
                } else {
                    self.before.insert(room.clone());
                }
                (room, created.name)
            }
            RoomEvent::RoomRenamed(renamed) => (renamed.room, Some(renamed.name)),
            RoomEvent::RoomDeleted(deleted) => {
                self.after.remove(&deleted.room);
                if !between {
                    self.before.remove(&deleted.room);
                }
                return;
            }
            _ => return,
        };
        if between && (called.as_deref() == Some(name) || room.as_str() == name) {
            self.named_so.insert(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_every_room_that_had_it_in_between() {
        let rooms = ["a", "b", "c"].map(RoomId::new);
        let set = |named: &[&str]| named.iter().map(RoomId::new).collect::<HashSet<_>>();
        let (yes, no) = (true, false);
        let candidates = |called_so, named_so, made, there: [(bool, bool); 3]| {
            let at = |when: fn(&(bool, bool)) -> bool| {
                let there = rooms.iter().zip(&there).filter(|(_, there)| when(there));
                there.map(|(room, _)| room.clone()).collect()
            };
            Candidates {
                rooms: rooms.to_vec(),
                called_so: set(called_so),
                past: Past {
                    before: at(|there| there.0),
                    after: at(|there| there.1),
                    named_so: set(named_so),
                    made: set(made),
                },
            }
        };
        let never = [(no, no); 3];
        let deleted = [(yes, no), (no, yes), (no, no)];
        let second = [(no, no), (yes, yes), (no, no)];
        let two = [(yes, yes), (yes, yes), (no, no)];
        for (case, candidates, meant) in [
            (
                "deleted, and made again",
                candidates(&["a"], &["b"], &["b"], deleted),
                &["a", "b"][..],
            ),
            (
                "made and deleted in between",
                candidates(&[], &["b"], &["b"], never),
                &["b"],
            ),
            (
                "deleted before, though the name is known",
                candidates(&["a", "b"], &[], &[], second),
                &["b"],
            ),
            (
                "called so only later",
                candidates(&[], &[], &[], two),
                &["b"],
            ),
            ("none was there", candidates(&[], &[], &[], never), &[]),
        ] {
            let meant: Vec<_> = meant.iter().map(RoomId::new).collect();
            assert_eq!(candidates.meant(), meant, "{case}");
        }
    }
}
