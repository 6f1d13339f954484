//! What one user sees, from a position on: first out of the log, then live.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::membership::MembershipEvent;
use domain::room::RoomEvent;
use domain::{Event, RoomId, UserId};
use eventstore::{Filter, Position};
use futures::StreamExt;
use futures::stream::BoxStream;
use rusqlite::OptionalExtension;

use crate::engine::applied::Applied;
use crate::engine::file;
use crate::engine::handle::Views;
use crate::engine::hub::resume::Resume;
use crate::engine::hub::run::Run;
use crate::engine::hub::update::{Effect, LiveUpdate, Scope};
use crate::engine::hub::{Delivery, Subscription};
use crate::error::QueryError;
use crate::live::updates::replay::{Present, Workspace};
use crate::numbers::number;

/// How long subscribing waits for the hub to reach what the views already contain.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often subscribing is tried if the hub runs ahead.
const ATTEMPTS: usize = 8;

/// How many events are turned into updates at once when replaying.
const REPLAY: usize = 512;

/// What one user sees, from a position on, without gap or repetition. The rooms it covers follow the user's
/// memberships by themselves. Dropping it unsubscribes.
pub struct Feed {
    live: Subscription,
    /// What was missed, until it is through. `Err`: the log could not be read.
    missed: Option<BoxStream<'static, Result<LiveUpdate, ()>>>,
    at: Resume,
    /// What is live up to here was seen before.
    seen: Position,
    /// The log could not be read: nothing more comes.
    broken: bool,
}

impl Feed {
    /// The next update. After [`Delivery::Lost`] or [`Delivery::Closed`] it returns the same again. May be dropped and
    /// called again at any time (in `select!`) without losing anything.
    pub async fn next(&mut self) -> Delivery {
        if self.broken {
            return Delivery::Lost(self.at);
        }
        if let Some(missed) = &mut self.missed {
            match missed.next().await {
                Some(Ok(update)) => {
                    self.at = update.resume();
                    return Delivery::Updates(Run::one(update));
                }
                Some(Err(())) => {
                    self.broken = true;
                    return Delivery::Lost(self.at);
                }
                None => {
                    self.missed = None;
                    self.at = self.at.max(self.live.base.into());
                }
            }
        }
        loop {
            match self.live.next().await {
                Delivery::Updates(run) => {
                    if let Some(run) = run.after(self.seen) {
                        self.at = run.resume();
                        return Delivery::Updates(run);
                    }
                }
                // The hub knows what it handed out, but not what was seen before.
                Delivery::Lost(at) => return Delivery::Lost(at.max(self.at)),
                Delivery::Closed(at) => return Delivery::Closed(at.max(self.at)),
                Delivery::Replaced => return Delivery::Replaced,
            }
        }
    }

    /// Everything up to this place was delivered by [`Self::next`] or was never meant for this user: a client would
    /// resume here now.
    pub fn at(&self) -> Resume {
        self.at
    }

    /// Nothing more of the event that was told last is for this client.
    pub fn end_event(&mut self) {
        self.at = Resume::After(self.at.event());
    }
}

impl Views {
    /// What `user` sees from now on (`after: None`) or after a place, without gap or repetition.
    pub async fn feed(&self, user: &UserId, after: Option<Resume>) -> Result<Feed, QueryError> {
        let live = self.subscribe(user).await?;
        let base = live.base;
        let missed = match after {
            Some(after) if after.position() < base.position => {
                let base = base.position;
                let begin = after.position();
                let rooms = self.rooms_at(user, &live.rooms, begin, base).await?;
                Some(
                    self.clone()
                        .replay(user.clone(), rooms, after, base)
                        .boxed(),
                )
            }
            _ => None,
        };
        let at = after.unwrap_or(base.into());
        Ok(Feed {
            live,
            missed,
            at,
            seen: at.position(),
            broken: false,
        })
    }

    /// Registers with the hub, for exactly the rooms the user is in at the subscription's base.
    async fn subscribe(&self, user: &UserId) -> Result<Subscription, QueryError> {
        for _ in 0..ATTEMPTS {
            let key = user.clone();
            // Rooms and checkpoint of one and the same moment: both are read in one transaction.
            let (rooms, at) = self
                .read(move |conn| {
                    let snapshot = conn.unchecked_transaction()?;
                    let at = file::position(&snapshot)?;
                    let rooms = snapshot
                        .prepare_cached("SELECT room FROM memberships WHERE user = ?1")?
                        .query_map([key.as_str()], |row| {
                            Ok(RoomId::new(row.get_ref(0)?.as_str()?))
                        })?
                        .collect::<rusqlite::Result<HashSet<RoomId>>>()?;
                    Ok((rooms, at))
                })
                .await?;
            let mut published = self.hub().watch();
            let reached = tokio::time::timeout(
                PATIENCE,
                published.wait_for(|published| published.position >= at),
            )
            .await;
            if !matches!(reached, Ok(Ok(_))) {
                return Err(QueryError::NotReady);
            }
            if let Some(subscription) = self.hub().subscribe(user, rooms, at) {
                return Ok(subscription);
            }
        }
        Err(QueryError::Busy)
    }

    /// The rooms the user was in at `after`, from those at `base` and what happened in between.
    async fn rooms_at(
        &self,
        user: &UserId,
        now: &HashSet<RoomId>,
        after: Position,
        base: Position,
    ) -> Result<HashSet<RoomId>, QueryError> {
        let mut rooms = now.clone();
        let mut known: HashSet<RoomId> = HashSet::new();
        let filter = Filter {
            event_types: ["MemberJoined", "MemberLeft", "MemberRemoved", "RoomDeleted"]
                .map(str::to_owned)
                .to_vec(),
            ..Filter::default()
        };
        let mut chunks = self.store().read_all(after, filter);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| QueryError::Database(error.to_string()))?;
            for recorded in chunk.iter() {
                if recorded.position > base {
                    return Ok(rooms);
                }
                let applied = Applied::decode(recorded)
                    .map_err(|error| QueryError::Database(error.to_string()))?;
                // The first thing that happened to a membership tells what it was before.
                let (room, was_in) = match &applied.event {
                    Event::Membership(MembershipEvent::MemberJoined(e)) if e.user == *user => {
                        (&e.room, false)
                    }
                    Event::Membership(MembershipEvent::MemberLeft(e)) if e.user == *user => {
                        (&e.room, true)
                    }
                    Event::Membership(MembershipEvent::MemberRemoved(e)) if e.user == *user => {
                        (&e.room, true)
                    }
                    Event::Room(RoomEvent::RoomDeleted(e)) if !known.contains(&e.room) => (
                        &e.room,
                        self.ended_at(user, &e.room, applied.position).await?,
                    ),
                    _ => continue,
                };
                if known.insert(room.clone()) {
                    if was_in {
                        rooms.insert(room.clone());
                    } else {
                        rooms.remove(room);
                    }
                }
            }
        }
        Ok(rooms)
    }

    /// Whether the event at `position` ended the user's membership.
    async fn ended_at(
        &self,
        user: &UserId,
        room: &RoomId,
        position: Position,
    ) -> Result<bool, QueryError> {
        let (user, room) = (user.clone(), room.clone());
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT 1 FROM tombstones
                 WHERE user = ?1 AND position = ?3 AND kind = 'membership' AND room = ?2",
            )?
            .query_row(
                rusqlite::params![user.as_str(), room.as_str(), number(position)],
                |_| Ok(()),
            )
            .optional()
            .map(|found| found.is_some())
        })
        .await
    }

    /// What holds in the whole workspace now.
    fn workspace(&self) -> Workspace {
        Workspace {
            settings: self.settings(),
            permissions: self.permissions(),
            roles: self.roles(),
        }
    }

    /// What the hub would have offered the user after `after`, up to and including `until`, beginning in `rooms`; with
    /// the content of now.
    fn replay(
        self,
        user: UserId,
        mut rooms: HashSet<RoomId>,
        after: Resume,
        until: Position,
    ) -> impl futures::Stream<Item = Result<LiveUpdate, ()>> + Send {
        async_stream::stream! {
            let mut chunks = self.store().read_all(after.position(), Filter::default());
            while let Some(chunk) = chunks.next().await {
                let Ok(chunk) = chunk else {
                    yield Err(());
                    return;
                };
                let mut begin = 0;
                while begin < chunk.len() {
                    let end = (begin + REPLAY).min(chunk.len());
                    let (part, range) = (Arc::clone(&chunk), begin..end);
                    begin = end;
                    let (subscriber, workspace) = (user.clone(), self.workspace());
                    let updates = self
                        .read(move |conn| {
                            let events = part[range]
                                .iter()
                                .take_while(|recorded| recorded.position <= until)
                                .map(Applied::decode)
                                .collect::<Result<Vec<_>, _>>()
                                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                            // What the views have is of one and the same moment.
                            let snapshot = conn.unchecked_transaction()?;
                            let mut present = Present::of(&snapshot, &subscriber, &workspace, &events)?;
                            let mut updates = Vec::new();
                            for applied in events {
                                present.updates_of(applied, &mut updates)?;
                            }
                            Ok(updates)
                        })
                        .await;
                    let Ok(updates) = updates else {
                        yield Err(());
                        return;
                    };
                    let mut effects = Vec::new();
                    let mut at = Position::START;
                    for update in updates {
                        if update.position > at {
                            // An event's effect shows after all of its updates, as in the hub.
                            take_effects(&mut rooms, &mut effects);
                            at = update.position;
                        }
                        let concerns = match &update.scope {
                            Scope::User(one) => *one == user,
                            Scope::Workspace => true,
                            Scope::Room(room) => rooms.contains(room) && update.except.as_ref() != Some(&user),
                        };
                        if update.effect == Effect::Dissolve || concerns {
                            effects.push((update.room.clone(), update.effect));
                        }
                        if concerns && !is_told(&update, after) {
                            yield Ok(update);
                        }
                    }
                    take_effects(&mut rooms, &mut effects);
                }
                if chunk.last().is_some_and(|last| last.position >= until) {
                    return;
                }
            }
        }
    }
}

/// Whether it is what those who resume within an event were told of it.
fn is_told(update: &LiveUpdate, after: Resume) -> bool {
    after == update.resume() && matches!(after, Resume::Within(_))
}

fn take_effects(rooms: &mut HashSet<RoomId>, effects: &mut Vec<(Option<RoomId>, Effect)>) {
    for (room, effect) in effects.drain(..) {
        let Some(room) = room else { continue };
        match effect {
            Effect::Enter => drop(rooms.insert(room)),
            Effect::Leave | Effect::Dissolve => drop(rooms.remove(&room)),
            Effect::None => {}
        }
    }
}
