//! Who is online: the connections of this node, what each reports, and who watches (contract, conventions 9).
//!
//! Nothing of it is recorded: after a restart everyone is offline until they come back. The status that users *choose*
//! is a fact and comes from the views. Memory is bounded by the number of connections, the accounts whose status was
//! set by hand, and those that left in the last minutes.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use domain::presence::{Activity, Status, connected, shown};
use domain::settings::keys;
use domain::{Timestamp, UserId};
use parking_lot::Mutex;
use projections::{UserFacts, Views};
use tokio::sync::Notify;

use crate::ids::now;

/// How long users who left are remembered, in milliseconds: clients ask for what changed since they last asked
/// (contract, conventions 7.2 `users.presence`).
pub const RECENT_MILLIS: i64 = 10 * 60 * 1000;

/// How many departures are remembered at most.
const DEPARTURES: usize = 100_000;

/// What others see of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What they are shown as.
    pub status: Status,
    /// What their connections report.
    pub connection: Status,
}

impl Seen {
    /// Without connections, and shown so.
    pub const OFFLINE: Self = Self {
        status: Status::Offline,
        connection: Status::Offline,
    };
}

/// The presence service. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Presence(Arc<Shared>);

struct Shared {
    views: Views,
    everybody: Mutex<Everybody>,
}

#[derive(Default)]
struct Everybody {
    people: HashMap<UserId, Person>,
    /// Who left when; the oldest first.
    departures: VecDeque<(Timestamp, UserId)>,
    watchers: HashMap<UserId, Vec<Arc<Watcher>>>,
    next: u64,
}

/// A user who is online, was so lately, or was given a status by hand.
#[derive(Default)]
struct Person {
    connections: Vec<(u64, Activity)>,
    /// The status they chose, as far as this service was told.
    chosen: Status,
    /// A status set by hand; holds until a connection comes, goes or changes.
    by_hand: Option<Status>,
    changed_at: Timestamp,
}

impl Person {
    fn seen(&self) -> Seen {
        let connection = connected(self.connections.iter().map(|(_, activity)| *activity));
        Seen {
            status: self
                .by_hand
                .unwrap_or_else(|| shown(connection, self.chosen)),
            connection,
        }
    }

    fn is_idle(&self) -> bool {
        self.connections.is_empty()
            && self
                .by_hand
                .is_none_or(|by_hand| by_hand == Status::Offline)
    }
}

impl Everybody {
    /// Changes the state of a user. Returns whether others see a difference.
    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut Person)) -> bool {
        let at = now();
        let person = self.people.entry(user.clone()).or_default();
        let before = person.seen();
        change(person);
        let different = person.seen().status != before.status;
        if person.seen() != before {
            person.changed_at = at;
        }
        if person.is_idle() {
            self.departures.push_back((at, user.clone()));
        }
        self.forget(at);
        different
    }

    /// Forgets users who left long ago.
    fn forget(&mut self, at: Timestamp) {
        while let Some((left, _)) = self.departures.front() {
            if at.millis_since(*left) <= RECENT_MILLIS && self.departures.len() <= DEPARTURES {
                break;
            }
            let Some((left, user)) = self.departures.pop_front() else {
                break;
            };
            let gone = self
                .people
                .get(&user)
                .is_some_and(|person| person.is_idle() && person.changed_at <= left);
            if gone {
                self.people.remove(&user);
            }
        }
    }

    fn tell(&self, user: &UserId) {
        for watcher in self.watchers.get(user).into_iter().flatten() {
            watcher.changed.lock().insert(user.clone());
            watcher.wake.notify_one();
        }
    }
}

impl Presence {
    /// A service without any connections yet.
    pub fn new(views: Views) -> Self {
        Self(Arc::new(Shared {
            views,
            everybody: Mutex::default(),
        }))
    }

    /// Whether watchers are told of connections that come and go.
    fn broadcasts(&self) -> bool {
        !self
            .0
            .views
            .settings()
            .bool(keys::TROUBLESHOOT_DISABLE_PRESENCE_BROADCAST)
    }

    fn change_connections(&self, user: &UserId, change: impl FnOnce(&mut Person)) {
        let broadcasts = self.broadcasts();
        let mut everybody = self.0.everybody.lock();
        let different = everybody.change(user, |person| {
            change(person);
            person.by_hand = None;
        });
        if different && broadcasts {
            everybody.tell(user);
        }
    }

    /// Begins a connection of a user; it ends when the returned value is dropped.
    pub fn connect(&self, user: &UserFacts) -> Connected {
        let number = {
            let mut everybody = self.0.everybody.lock();
            everybody.next += 1;
            everybody.next
        };
        self.change_connections(&user.id, |person| {
            person.chosen = user.chosen_status;
            person.connections.push((number, Activity::Active));
        });
        Connected {
            presence: self.clone(),
            user: user.id.clone(),
            number,
        }
    }

    /// Shows a user with this status from now on, online or not, until a connection comes, goes or changes.
    pub fn set_by_hand(&self, user: &UserId, status: Status) {
        let mut everybody = self.0.everybody.lock();
        let different = everybody.change(user, |person| {
            person.chosen = status;
            person.by_hand = Some(status);
        });
        if different {
            everybody.tell(user);
        }
    }

    /// The user chose another status: from now on it is shown while they are online, whatever was set by hand.
    pub fn recompute(&self, user: &UserFacts) {
        let mut everybody = self.0.everybody.lock();
        if everybody.people.contains_key(&user.id) {
            everybody.change(&user.id, |person| {
                person.chosen = user.chosen_status;
                person.by_hand = None;
            });
        }
        everybody.tell(&user.id);
    }

    /// The user's chosen status or status text changed: watchers are told.
    pub fn refresh(&self, user: &UserFacts) {
        let mut everybody = self.0.everybody.lock();
        if everybody.people.contains_key(&user.id) {
            everybody.change(&user.id, |person| person.chosen = user.chosen_status);
        }
        everybody.tell(&user.id);
    }

    /// Forgets a user whose account was deleted.
    pub fn forget(&self, user: &UserId) {
        let mut everybody = self.0.everybody.lock();
        if everybody
            .people
            .get(user)
            .is_some_and(|person| person.connections.is_empty())
        {
            everybody.people.remove(user);
        }
    }

    /// What others see of a user who chose `chosen`.
    pub fn of(&self, user: &UserId, chosen: Status) -> Seen {
        let everybody = self.0.everybody.lock();
        let Some(person) = everybody.people.get(user) else {
            return Seen::OFFLINE;
        };
        let seen = person.seen();
        Seen {
            status: person
                .by_hand
                .unwrap_or_else(|| shown(seen.connection, chosen)),
            ..seen
        }
    }

    /// All users who are not shown as offline.
    pub fn not_offline(&self) -> Vec<UserId> {
        self.seen(|seen| seen.status != Status::Offline)
    }

    /// Users who are seen so; nobody who is seen as [`Seen::OFFLINE`] need be among them.
    pub fn seen(&self, so: impl Fn(Seen) -> bool) -> Vec<UserId> {
        let everybody = self.0.everybody.lock();
        let people = everybody.people.iter();
        people
            .filter(|(_, person)| so(person.seen()))
            .map(|(user, _)| user.clone())
            .collect()
    }

    /// All users who are seen differently since then.
    pub fn changed_since(&self, since: Timestamp) -> Vec<UserId> {
        let everybody = self.0.everybody.lock();
        everybody
            .people
            .iter()
            .filter(|(_, person)| person.changed_at > since)
            .map(|(user, _)| user.clone())
            .collect()
    }

    /// How many users are shown as online, away and busy.
    pub fn counts(&self) -> (u64, u64, u64) {
        let everybody = self.0.everybody.lock();
        let mut counts = (0, 0, 0);
        for person in everybody.people.values() {
            match person.seen().status {
                Status::Online => counts.0 += 1,
                Status::Away => counts.1 += 1,
                Status::Busy => counts.2 += 1,
                Status::Offline => {}
            }
        }
        counts
    }

    /// A new watcher, who watches nobody yet.
    pub fn watch(&self) -> Watch {
        Watch {
            presence: self.clone(),
            watcher: Arc::default(),
            users: HashSet::new(),
        }
    }
}

/// A connection of a user. It ends when it is dropped.
pub struct Connected {
    presence: Presence,
    user: UserId,
    number: u64,
}

impl Connected {
    /// Reports that the person is active, or has been inactive for a while.
    pub fn set(&self, activity: Activity) {
        self.presence.change_connections(&self.user, |person| {
            for (number, said) in &mut person.connections {
                if *number == self.number {
                    *said = activity;
                }
            }
        });
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.presence.change_connections(&self.user, |person| {
            person
                .connections
                .retain(|(number, _)| *number != self.number);
        });
    }
}

/// The users that changed and were not looked at yet: never more than are watched.
#[derive(Default)]
struct Watcher {
    changed: Mutex<BTreeSet<UserId>>,
    wake: Notify,
}

/// A watcher of other users. What waits for them is who changed, not how often: however slow they are, they get the
/// present state.
pub struct Watch {
    presence: Presence,
    watcher: Arc<Watcher>,
    users: HashSet<UserId>,
}

impl Watch {
    /// How many users are watched.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whether nobody is watched.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Watches one more user.
    pub fn add(&mut self, user: &UserId) {
        if self.users.insert(user.clone()) {
            let mut everybody = self.presence.0.everybody.lock();
            everybody
                .watchers
                .entry(user.clone())
                .or_default()
                .push(Arc::clone(&self.watcher));
        }
    }

    /// Stops watching a user; returns whether they were watched.
    pub fn remove(&mut self, user: &UserId) -> bool {
        let watched = self.users.remove(user);
        if watched {
            self.unregister(user);
        }
        watched
    }

    fn unregister(&self, user: &UserId) {
        let mut everybody = self.presence.0.everybody.lock();
        if let Some(watchers) = everybody.watchers.get_mut(user) {
            watchers.retain(|watcher| !Arc::ptr_eq(watcher, &self.watcher));
            if watchers.is_empty() {
                everybody.watchers.remove(user);
            }
        }
        self.watcher.changed.lock().remove(user);
    }

    /// The next users that changed; waits for some. Dropping the future loses nothing.
    pub async fn changed(&self) -> Vec<UserId> {
        loop {
            let changed = std::mem::take(&mut *self.watcher.changed.lock());
            if !changed.is_empty() {
                return changed.into_iter().collect();
            }
            self.watcher.wake.notified().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for user in &self.users {
            self.unregister(user);
        }
    }
}
