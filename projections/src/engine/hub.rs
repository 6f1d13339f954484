//! Routes updates by room and by user to subscribers.

pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod update;

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use domain::{RoomId, UserId};
use eventstore::{Mark, Position};
use parking_lot::{Mutex, RwLock};
use resume::Resume;
use run::Run;
use tokio::sync::{mpsc, watch};
use update::{Effect, LiveUpdate, Scope};

/// How many updates may wait for one subscriber, and how many bytes of them. The subscriber may have taken out as many
/// again that are not handed on yet.
const QUEUE: (usize, usize) = (2048, 4 * 1024 * 1024);

/// How many updates are gathered before they are offered.
const GATHERED: usize = 512;

/// How many changes of who watches what are remembered, for those who are about to subscribe.
const CHANGES: usize = 8192;

/// What the worker hands over after a commit.
pub(crate) enum Publication {
    /// All updates of all events up to `at`, in order.
    Updates { at: Mark, updates: Vec<LiveUpdate> },
    /// The views are at this place without having made updates on the way.
    Jump(Mark),
    /// The log is another one: what subscribers saw is void.
    Replaced,
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// One or more updates, in order.
    Updates(Arc<Run>),
    /// The subscriber was too slow, or the hub jumped: nothing more comes. Resume after this place.
    Lost(Resume),
    /// The server is shutting down. Resume after this place.
    Closed(Resume),
    /// The log was replaced by another, or has lost events: nothing more comes, and there is nowhere to resume.
    Replaced,
}

/// Routes updates by room and by user to subscribers.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    routes: RwLock<Routes>,
    published: watch::Sender<Mark>,
    ids: AtomicU64,
}

/// Who watches what, as of `published`.
struct Routes {
    rooms: HashMap<RoomId, Vec<Arc<Subscriber>>>,
    users: HashMap<UserId, Vec<Arc<Subscriber>>>,
    published: Mark,
    /// The latest changes: position, whose (`None`: everybody's), room, entered.
    changes: VecDeque<(Position, Option<UserId>, RoomId, bool)>,
    /// Changes up to here may be forgotten.
    forgotten: Position,
    closed: bool,
}

struct Subscriber {
    id: u64,
    user: UserId,
    queue: Mutex<Queue>,
    /// Every room it is registered for.
    rooms: Mutex<HashSet<RoomId>>,
}

struct Queue {
    runs: VecDeque<Arc<Run>>,
    /// How many updates are in `runs`, and how many bytes.
    updates: usize,
    bytes: usize,
    /// Everything up to here was taken out, or was never for this subscriber.
    taken: Resume,
    end: Option<End>,
    parked: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Lost,
    Closed,
    Replaced,
}

impl Subscriber {
    /// Offers a run. Never waits: a full queue ends the subscription instead. However long the run, it costs one lock
    /// and one wake-up.
    fn offer(&self, run: &Arc<Run>) {
        let parked = {
            let mut queue = self.queue.lock();
            if queue.end.is_some() {
                return;
            }
            let (updates, bytes) = (
                queue.updates + run.updates().len(),
                queue.bytes + run.weight(),
            );
            if (updates > QUEUE.0 || bytes > QUEUE.1) && !queue.runs.is_empty() {
                queue.end = Some(End::Lost);
            } else {
                (queue.updates, queue.bytes) = (updates, bytes);
                queue.runs.push_back(Arc::clone(run));
            }
            queue.parked.take()
        };
        // Only a subscriber that found its queue empty has to be woken.
        if let Some(waker) = parked {
            waker.wake();
        }
    }

    fn end(&self, end: End) {
        let parked = {
            let mut queue = self.queue.lock();
            queue.end.get_or_insert(end);
            queue.parked.take()
        };
        if let Some(waker) = parked {
            waker.wake();
        }
    }
}

impl Routes {
    /// Who an update is for, except the one it may leave out.
    fn receivers(&self, update: &LiveUpdate) -> impl Iterator<Item = &Arc<Subscriber>> {
        let (some, all) = match &update.scope {
            Scope::Room(room) => (self.rooms.get(room), None),
            Scope::User(user) => (self.users.get(user), None),
            Scope::Workspace => (None, Some(self.users.values().flatten())),
        };
        some.into_iter().flatten().chain(all.into_iter().flatten())
    }

    fn watch(&mut self, room: &RoomId, subscriber: &Arc<Subscriber>) {
        if subscriber.rooms.lock().insert(room.clone()) {
            let watchers = self.rooms.entry(room.clone()).or_default();
            watchers.push(Arc::clone(subscriber));
        }
    }

    fn unwatch(&mut self, room: &RoomId, gone: impl Fn(&Subscriber) -> bool) {
        if let Some(watchers) = self.rooms.get_mut(room) {
            watchers.retain(|watcher| {
                let gone = gone(watcher);
                if gone {
                    watcher.rooms.lock().remove(room);
                }
                !gone
            });
            if watchers.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    fn remember(&mut self, position: Position, user: Option<UserId>, room: RoomId, entered: bool) {
        if self.changes.len() >= CHANGES
            && let Some((position, ..)) = self.changes.pop_front()
        {
            self.forgotten = position;
        }
        self.changes.push_back((position, user, room, entered));
    }
}

/// How many updates at the front go to all watchers of one room and have no further effect, each the only one of its
/// event. In a busy room that is nearly all of them.
fn plain_run(updates: &VecDeque<LiveUpdate>) -> usize {
    let Some(Scope::Room(room)) = updates.front().map(|update| &update.scope) else {
        return 0;
    };
    let plain = |index: usize| {
        let update = &updates[index];
        let alone = updates
            .get(index + 1)
            .is_none_or(|next| next.position != update.position);
        alone
            && update.effect == Effect::None
            && update.except.is_none()
            && matches!(&update.scope, Scope::Room(other) if other == room)
    };
    (0..updates.len()).take_while(|index| plain(*index)).count()
}

/// Each run of one update, with that update.
fn alone(runs: &[Arc<Run>]) -> impl Iterator<Item = (&Arc<Run>, &LiveUpdate)> {
    runs.iter()
        .flat_map(|run| run.updates().iter().map(move |update| (run, update)))
}

impl Hub {
    pub(crate) fn new(at: Mark) -> Self {
        let routes = Routes {
            rooms: HashMap::new(),
            users: HashMap::new(),
            published: at,
            changes: VecDeque::new(),
            forgotten: at.position,
            closed: false,
        };
        Self {
            inner: Arc::new(Inner {
                routes: RwLock::new(routes),
                published: watch::Sender::new(at),
                ids: AtomicU64::new(0),
            }),
        }
    }

    /// Everything up to here has been offered to subscribers.
    pub fn published(&self) -> Mark {
        *self.inner.published.borrow()
    }

    /// The number of subscribers on this node.
    pub fn subscribers(&self) -> usize {
        self.inner.routes.read().users.values().map(Vec::len).sum()
    }

    /// Changes whenever [`Self::published`] does.
    pub(crate) fn watch(&self) -> watch::Receiver<Mark> {
        self.inner.published.subscribe()
    }

    /// Publishes what the worker hands over, until the worker ends.
    pub(crate) async fn publish(&self, mut publications: mpsc::Receiver<Publication>) {
        let mut waiting = None;
        loop {
            let next = match waiting.take() {
                Some(publication) => Some(publication),
                None => publications.recv().await,
            };
            match next {
                Some(Publication::Updates {
                    mut at,
                    mut updates,
                }) => {
                    // What was committed meanwhile goes out together.
                    while let Ok(publication) = publications.try_recv() {
                        match publication {
                            Publication::Updates {
                                at: later,
                                updates: more,
                            } if updates.len() < GATHERED => {
                                at = later;
                                updates.extend(more);
                            }
                            other => {
                                waiting = Some(other);
                                break;
                            }
                        }
                    }
                    // If updates cannot be offered, present subscribers lose their place; later ones are not affected.
                    let offer = AssertUnwindSafe(|| self.offer(at, updates));
                    if catch_unwind(offer).is_err() {
                        self.begin_at(at, End::Lost);
                    }
                }
                Some(Publication::Jump(at)) if at == self.published() => {}
                Some(Publication::Jump(at)) => self.begin_at(at, End::Lost),
                Some(Publication::Replaced) => self.begin_at(Mark::START, End::Replaced),
                None => break,
            }
        }
        self.close();
    }

    fn offer(&self, end: Mark, updates: Vec<LiveUpdate>) {
        let mut rest = VecDeque::from(updates);
        while let Some(position) = rest.front().map(|update| update.position) {
            let plain = plain_run(&rest);
            let mut routes = self.inner.routes.write();
            if let Some(run) = Run::of(rest.drain(..plain).collect()) {
                let audience = run.updates().first().into_iter();
                for subscriber in audience.flat_map(|update| routes.receivers(update)) {
                    subscriber.offer(&run);
                }
                routes.published = run.mark();
                continue;
            }
            // All of one event under one lock: whoever subscribes does so between two events.
            let of_event = rest
                .iter()
                .take_while(|update| update.position == position)
                .count();
            let runs: Vec<Arc<Run>> = rest.drain(..of_event).map(Run::one).collect();
            for (run, update) in alone(&runs) {
                for subscriber in routes.receivers(update) {
                    if update.except.as_ref() != Some(&subscriber.user) {
                        subscriber.offer(run);
                    }
                }
            }
            for (_, update) in alone(&runs) {
                if update.effect != Effect::None {
                    routes.take_effect(update);
                }
            }
            if let Some(run) = runs.last() {
                routes.published = run.mark();
            }
        }
        self.inner.routes.write().published = end;
        self.inner.published.send_replace(end);
    }

    /// Starts over at a place. Present subscribers missed something.
    fn begin_at(&self, at: Mark, end: End) {
        let mut routes = self.inner.routes.write();
        for subscriber in routes.users.values().flatten() {
            subscriber.end(end);
        }
        routes.rooms.clear();
        routes.users.clear();
        routes.changes.clear();
        routes.forgotten = at.position;
        routes.published = at;
        drop(routes);
        self.inner.published.send_replace(at);
    }

    fn close(&self) {
        let mut routes = self.inner.routes.write();
        routes.closed = true;
        for subscriber in routes.users.values().flatten() {
            subscriber.end(End::Closed);
        }
        routes.rooms.clear();
        routes.users.clear();
    }

    /// Registers a subscriber. `rooms` are those of the user at position `at`, which the hub has reached. `None`: that
    /// is too long ago to know the rooms now, and the caller must look again.
    pub(crate) fn subscribe(
        &self,
        user: &UserId,
        rooms: HashSet<RoomId>,
        at: Position,
    ) -> Option<Subscription> {
        let mut rooms = rooms;
        let mut routes = self.inner.routes.write();
        let base = routes.published;
        if at < routes.forgotten || at > base.position {
            return None;
        }
        for (position, whose, room, entered) in &routes.changes {
            if *position > at && whose.as_ref().is_none_or(|whose| whose == user) {
                if *entered {
                    rooms.insert(room.clone());
                } else {
                    rooms.remove(room);
                }
            }
        }
        let subscriber = Arc::new(Subscriber {
            id: self.inner.ids.fetch_add(1, Ordering::Relaxed),
            user: user.clone(),
            queue: Mutex::new(Queue {
                runs: VecDeque::new(),
                updates: 0,
                bytes: 0,
                taken: base.into(),
                end: routes.closed.then_some(End::Closed),
                parked: None,
            }),
            rooms: Mutex::default(),
        });
        for room in &rooms {
            routes.watch(room, &subscriber);
        }
        routes
            .users
            .entry(user.clone())
            .or_default()
            .push(Arc::clone(&subscriber));
        Some(Subscription {
            hub: self.clone(),
            subscriber,
            base,
            rooms,
            taken: VecDeque::new(),
        })
    }
}

impl Routes {
    fn take_effect(&mut self, update: &LiveUpdate) {
        let Some(room) = &update.room else { return };
        match (&update.scope, update.effect) {
            (Scope::User(user), Effect::Enter) => {
                for subscriber in self.users.get(user).cloned().unwrap_or_default() {
                    self.watch(room, &subscriber);
                }
                self.remember(update.position, Some(user.clone()), room.clone(), true);
            }
            (Scope::User(user), Effect::Leave) => {
                self.unwatch(room, |watcher| watcher.user == *user);
                self.remember(update.position, Some(user.clone()), room.clone(), false);
            }
            (_, Effect::Dissolve) => {
                self.unwatch(room, |_| true);
                self.remember(update.position, None, room.clone(), false);
            }
            _ => {}
        }
    }
}

/// One subscriber's place in the hub. Dropping it unsubscribes.
pub(crate) struct Subscription {
    hub: Hub,
    subscriber: Arc<Subscriber>,
    /// Everything after this place is offered.
    pub(crate) base: Mark,
    /// The rooms watched at `base`.
    pub(crate) rooms: HashSet<RoomId>,
    /// Taken out of the queue, not handed on yet. Never more than a queue holds.
    taken: VecDeque<Arc<Run>>,
}

impl Subscription {
    pub(crate) async fn next(&mut self) -> Delivery {
        if let Some(run) = self.taken.pop_front() {
            return Delivery::Updates(run);
        }
        poll_fn(|context| {
            let mut queue = self.subscriber.queue.lock();
            // All at once: one lock for as many as there are.
            std::mem::swap(&mut queue.runs, &mut self.taken);
            (queue.updates, queue.bytes) = (0, 0);
            if let Some(last) = self.taken.back() {
                queue.taken = last.resume();
            }
            if let Some(run) = self.taken.pop_front() {
                return Poll::Ready(Delivery::Updates(run));
            }
            match queue.end {
                Some(End::Lost) => Poll::Ready(Delivery::Lost(queue.taken)),
                Some(End::Closed) => Poll::Ready(Delivery::Closed(queue.taken)),
                Some(End::Replaced) => Poll::Ready(Delivery::Replaced),
                None => {
                    queue.parked = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let id = self.subscriber.id;
        let mut routes = self.hub.inner.routes.write();
        let rooms = std::mem::take(&mut *self.subscriber.rooms.lock());
        for room in rooms {
            routes.unwatch(&room, |watcher| watcher.id == id);
        }
        if let Some(subscribers) = routes.users.get_mut(&self.subscriber.user) {
            subscribers.retain(|subscriber| subscriber.id != id);
            if subscribers.is_empty() {
                routes.users.remove(&self.subscriber.user);
            }
        }
    }
}
