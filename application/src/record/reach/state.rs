//! Which rooms somebody can read, event after event.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{self, Beyond, READING_PERMISSIONS};
use domain::membership::MembershipEvent;
use domain::permission::{Authority, PermissionTable};
use domain::permissions::PermissionEvent;
use domain::room::{RoomEvent, RoomKind};
use domain::user::UserEvent;
use domain::{Event, RoleId, RoomId, UserId};
use eventstore::{CorrelationId, Position, RecordedEvent};

use crate::record::deed::Point;

/// Why somebody could read a room, or use an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// They were a member.
    Member,
    /// The room was public, and they had the right to look into public rooms.
    Public,
    /// It was a discussion of a room that they could read.
    Discussion,
    /// It was a channel of a private team that they were in.
    Team,
    /// It is about the account itself, which could be used.
    Active,
}

/// The event that began or ended something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Edge {
    pub at: Point,
    /// Its name, e.g. `MemberJoined`.
    pub event: String,
    pub(super) request: CorrelationId,
}

impl Edge {
    pub(super) fn of(event: &RecordedEvent) -> Self {
        Self {
            at: Point::of(event),
            event: event.event_type.to_string(),
            request: event.correlation_id,
        }
    }
}

/// A time in which something was so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Stretch {
    pub because: Because,
    pub from: Edge,
    /// `None`: it went on, to the end of what was asked about.
    pub until: Option<Edge>,
}

impl Stretch {
    /// Whether any of it is at a position or after it.
    pub(super) fn reaches(&self, from: Position) -> bool {
        self.until
            .as_ref()
            .is_none_or(|until| until.at.position > from)
    }
}

/// What is so, stretch after stretch.
#[derive(Debug, Default)]
struct Course(Vec<Stretch>);

impl Course {
    /// From this event on it is so, because of that; `None`: it is not so.
    fn turn(&mut self, now: Option<Because>, by: &Edge) {
        let open = self.0.last_mut().filter(|last| last.until.is_none());
        let was = open.as_ref().map(|open| open.because);
        if was == now {
            return;
        }
        if let Some(open) = open {
            // What one request began and ended at once was never so for anybody. The time counts too: who asks chooses the
            // id of a request, and may choose it twice.
            let same = open.from.request == by.request && open.from.at.time == by.at.time;
            if same {
                self.0.pop();
            } else {
                open.until = Some(by.clone());
            }
        }
        self.0.extend(now.map(|because| Stretch {
            because,
            from: by.clone(),
            until: None,
        }));
    }
}

/// What a room was made as.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    pub(super) kind: RoomKind,
    /// The room it is a discussion of.
    pub(super) parent: Option<RoomId>,
}

struct Room {
    kind: RoomKind,
    parent: Option<RoomId>,
    /// The main room of its team.
    team: Option<RoomId>,
    is_there: bool,
    is_member: bool,
    course: Course,
}

/// Everything that decides what one user can read.
pub(super) struct State<'a> {
    user: &'a UserId,
    /// What each room that may matter was made as.
    natures: &'a BTreeMap<RoomId, Nature>,
    /// The discussions of each.
    discussions: BTreeMap<&'a RoomId, Vec<&'a RoomId>>,
    /// The rooms of each team, by its main room.
    teams: BTreeMap<RoomId, BTreeSet<RoomId>>,
    roles: Vec<RoleId>,
    active: bool,
    permissions: PermissionTable,
    rooms: BTreeMap<RoomId, Room>,
    account: Course,
}

impl<'a> State<'a> {
    pub(super) fn new(user: &'a UserId, natures: &'a BTreeMap<RoomId, Nature>) -> Self {
        let mut discussions: BTreeMap<&RoomId, Vec<&RoomId>> = BTreeMap::new();
        for (room, nature) in natures {
            if let Some(parent) = &nature.parent {
                discussions.entry(parent).or_default().push(room);
            }
        }
        Self {
            user,
            natures,
            discussions,
            teams: BTreeMap::new(),
            roles: Vec::new(),
            active: false,
            permissions: PermissionTable::default(),
            rooms: BTreeMap::new(),
            account: Course::default(),
        }
    }

    /// Applies an event, in the order of the log.
    pub(super) fn apply(&mut self, by: &Edge, event: &Event) {
        match event {
            Event::User(event) if event.user() == self.user => self.of_account(by, event),
            Event::Permission(PermissionEvent::PermissionRolesChanged(event)) => {
                let of_reading = READING_PERMISSIONS
                    .iter()
                    .find(|permission| permission.as_str() == event.permission);
                if let Some(permission) = of_reading {
                    self.permissions.set(*permission, event.roles.clone());
                    self.look_at_all(by);
                }
            }
            Event::Membership(event) if event.user() == self.user => self.of_membership(by, event),
            Event::Room(event) => self.of_room(by, event),
            _ => {}
        }
    }

    fn of_account(&mut self, by: &Edge, event: &UserEvent) {
        match event {
            UserEvent::UserCreated(created) => {
                self.roles.clone_from(&created.roles);
                self.active = created.active;
            }
            UserEvent::RolesChanged(changed) => self.roles.clone_from(&changed.roles),
            UserEvent::UserActivated(_) => self.active = true,
            UserEvent::UserDeactivated(_) | UserEvent::UserDeleted(_) => self.active = false,
            _ => return,
        }
        self.account
            .turn(self.active.then_some(Because::Active), by);
        self.look_at_all(by);
    }

    fn of_membership(&mut self, by: &Edge, event: &MembershipEvent) {
        let is_member = match event {
            MembershipEvent::MemberJoined(_) => true,
            MembershipEvent::MemberLeft(_) | MembershipEvent::MemberRemoved(_) => false,
            _ => return,
        };
        self.change(by, event.room(), |room| {
            // Events recorded together may come before the one that makes the room.
            room.is_there |= is_member;
            room.is_member = is_member;
        });
    }

    fn of_room(&mut self, by: &Edge, event: &RoomEvent) {
        match event {
            RoomEvent::RoomCreated(event) => {
                self.change(by, &event.room, |room| room.is_there = true);
            }
            // Rooms whose making was not looked for are there, too.
            RoomEvent::RoomVisibilityChanged(event) => {
                self.change(by, &event.room, |room| {
                    room.kind = event.kind;
                    room.is_there = true;
                });
            }
            RoomEvent::RoomAddedToTeam(event) => {
                self.change(by, &event.main_room, |_| ());
                let rooms = self.teams.entry(event.main_room.clone()).or_default();
                rooms.insert(event.room.clone());
                self.change(by, &event.room, |room| {
                    room.team = Some(event.main_room.clone());
                });
            }
            RoomEvent::RoomRemovedFromTeam(event) => {
                if let Some(rooms) = self.teams.get_mut(&event.main_room) {
                    rooms.remove(&event.room);
                }
                self.change(by, &event.room, |room| room.team = None);
            }
            RoomEvent::TeamDissolved(event) => self.dissolve(by, &event.room),
            RoomEvent::RoomDeleted(event) if self.rooms.contains_key(&event.room) => {
                self.change(by, &event.room, |room| {
                    room.is_there = false;
                    room.is_member = false;
                });
                self.dissolve(by, &event.room);
            }
            RoomEvent::RoomDeleted(_)
            | RoomEvent::RoomRenamed(_)
            | RoomEvent::TopicChanged(_)
            | RoomEvent::DescriptionChanged(_)
            | RoomEvent::AnnouncementChanged(_)
            | RoomEvent::ReadOnlyChanged(_)
            | RoomEvent::RoomArchived(_)
            | RoomEvent::RoomUnarchived(_)
            | RoomEvent::RoomKeyChanged(_)
            | RoomEvent::ReactingInReadOnlyChanged(_)
            | RoomEvent::HiddenSystemMessagesChanged(_)
            | RoomEvent::DefaultRoomChanged(_)
            | RoomEvent::FeaturedRoomChanged(_)
            | RoomEvent::DefaultFavouriteChanged(_)
            | RoomEvent::JoinCodeSet(_)
            | RoomEvent::JoinCodeRemoved(_)
            | RoomEvent::RoomEncryptionChanged(_)
            | RoomEvent::RoomCustomFieldsChanged(_)
            | RoomEvent::RetentionChanged(_)
            | RoomEvent::StreamingOptionsChanged(_)
            | RoomEvent::HistoryPruned(_)
            | RoomEvent::TeamCreated(_)
            | RoomEvent::TeamAutoJoinChanged(_) => {}
        }
    }

    fn change(&mut self, by: &Edge, id: &RoomId, change: impl FnOnce(&mut Room)) {
        let Some(nature) = self.natures.get(id) else {
            return;
        };
        let mut room = self.rooms.remove(id).unwrap_or_else(|| Room {
            kind: nature.kind,
            parent: nature.parent.clone(),
            team: None,
            is_there: false,
            is_member: false,
            course: Course::default(),
        });
        change(&mut room);
        self.rooms.insert(id.clone(), room);
        self.look_around(by, id);
    }

    /// The team of that main room is no more.
    fn dissolve(&mut self, by: &Edge, main: &RoomId) {
        let rooms = self.teams.remove(main).unwrap_or_default();
        for room in rooms {
            self.change(by, &room, |room| room.team = None);
        }
    }

    /// Looks at a room, and at those that are as open as it: its discussions, and if it is the main room of a team, the
    /// rooms of that with theirs.
    fn look_around(&mut self, by: &Edge, id: &RoomId) {
        let of_team = self.teams.get(id).cloned().unwrap_or_default();
        for room in std::iter::once(id).chain(&of_team) {
            self.look_at(by, room);
            for discussion in self.discussions.get(room).cloned().unwrap_or_default() {
                self.look_at(by, discussion);
            }
        }
    }

    fn look_at_all(&mut self, by: &Edge) {
        for id in self.natures.keys() {
            self.look_at(by, id);
        }
    }

    fn look_at(&mut self, by: &Edge, id: &RoomId) {
        let now = self.rooms.get(id).and_then(|room| self.because(room));
        if let Some(room) = self.rooms.get_mut(id) {
            room.course.turn(now, by);
        }
    }

    /// Why the user can read the room now, if they can.
    fn because(&self, room: &Room) -> Option<Because> {
        let parent = room.parent.as_ref().filter(|_| room.is_there);
        let parent = parent.and_then(|parent| self.rooms.get(parent));
        // A discussion is in the team of its parent.
        let team = parent.unwrap_or(room).team.as_ref();
        let team = team.and_then(|team| self.rooms.get(team));
        self.because_of_itself(room, team).or_else(|| {
            let parent = self.because_of_itself(parent?, team);
            parent.map(|_| Because::Discussion)
        })
    }

    /// The same, whatever room it is a discussion of: a discussion belongs to none that is one. `team`: the main room of the
    /// team that it is in.
    fn because_of_itself(&self, room: &Room, team: Option<&Room>) -> Option<Because> {
        let authority = Authority {
            actor: self.user,
            roles: &self.roles,
            room_roles: &[],
            permissions: &self.permissions,
        };
        let team = team.filter(|team| team.kind != RoomKind::Channel);
        let beyond = match team {
            Some(team) if team.is_member && room.kind == RoomKind::Channel => Beyond::Open,
            Some(_) => Beyond::Closed,
            None => Beyond::Nothing,
        };
        let may = self.active
            && room.is_there
            && access::may_read(&authority, room.kind, room.is_member, beyond);
        let because = match beyond {
            _ if room.is_member => Because::Member,
            Beyond::Open => Because::Team,
            Beyond::Nothing | Beyond::Closed => Because::Public,
        };
        may.then_some(because)
    }

    /// When the account could be used, and what could be read when.
    pub(super) fn told(self) -> (Vec<Stretch>, Vec<(RoomId, Vec<Stretch>)>) {
        let rooms = self.rooms.into_iter();
        let rooms = rooms.map(|(room, state)| (room, state.course.0));
        (self.account.0, rooms.collect())
    }
}

#[cfg(test)]
mod tests;
