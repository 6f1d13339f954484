//! Conversations, one after the other, in stretches: what is in memory at a time is bounded, however long they are.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use domain::membership::MembershipEvent;
use domain::message::{self, MessageEvent};
use domain::room::RoomKind;
use domain::{Event, MessageId, RoomId, UserId};
use eventstore::{Position, ReadError, RecordedEvent, Version};
use futures::StreamExt as _;
use projections::{KnownNames, RecordQuery};

use super::conversation::{Conversation, Span, Stretch};
use super::endings::Endings;
use super::order::{Order, Reached};
use super::out::Interrupted;
use super::telling::{Draft, Raw};
use super::touched::{Told, Touched};
use crate::error::Error;
use crate::record::deed::{Envelope, place};
use crate::workspace::Workspace;

/// How many rooms are looked up at once.
const ROOMS: u32 = 500;

/// How many events are read at once.
const CHUNK: usize = 1_000;

/// The most events of one message that are told, and the most bytes of them.
const MOST_EVENTS: usize = 2_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The events that begin and end memberships.
const MEMBERSHIP: [&str; 3] = ["MemberJoined", "MemberLeft", "MemberRemoved"];

/// The events that happen to a message after it was posted.
const TOUCHING: [&str; 4] = [
    "MessageEdited",
    "MessageDeleted",
    "ReactionAdded",
    "ReactionRemoved",
];

/// What else is told of a conversation.
const TOLD: [&str; 39] = [
    "MessagePosted",
    "MessageEdited",
    "MessageDeleted",
    "ReactionAdded",
    "ReactionRemoved",
    "RoomRoleGranted",
    "RoomRoleRevoked",
    "MemberMuted",
    "MemberUnmuted",
    "UserBannedFromRoom",
    "UserUnbannedFromRoom",
    "RoomCreated",
    "RoomRenamed",
    "TopicChanged",
    "DescriptionChanged",
    "AnnouncementChanged",
    "ReadOnlyChanged",
    "RoomArchived",
    "RoomUnarchived",
    "RoomDeleted",
    "RoomKeyChanged",
    "RoomVisibilityChanged",
    "ReactingInReadOnlyChanged",
    "HiddenSystemMessagesChanged",
    "DefaultRoomChanged",
    "FeaturedRoomChanged",
    "DefaultFavouriteChanged",
    "JoinCodeSet",
    "JoinCodeRemoved",
    "RoomEncryptionChanged",
    "RoomCustomFieldsChanged",
    "RetentionChanged",
    "StreamingOptionsChanged",
    "HistoryPruned",
    "TeamCreated",
    "TeamDissolved",
    "RoomAddedToTeam",
    "RoomRemovedFromTeam",
    "TeamAutoJoinChanged",
];

/// The conversations of an export.
pub(super) struct Stretches {
    workspace: Workspace,
    order: Arc<Order>,
    span: Span,
    endings: Arc<Endings>,
    /// Those still to come, as far as they are known.
    rooms: VecDeque<RoomId>,
    /// The last that was looked up.
    last: RoomId,
    at: Option<InRoom>,
    known: KnownNames,
    generation: u64,
    /// Conversations behind it, and all there are.
    done: u64,
    all: u64,
}

/// A conversation that is being told.
struct InRoom {
    conversation: Conversation,
    members: BTreeSet<UserId>,
    touched: Touched,
    told: Told,
    /// Everything of it up to here is told.
    at: Position,
    /// Events of it that were read.
    pending: VecDeque<(RecordedEvent, Event)>,
    more: bool,
}

impl Stretches {
    /// Those behind what is complete.
    pub(super) async fn begin(
        workspace: &Workspace,
        order: &Order,
        span: Span,
        reached: Option<Reached>,
    ) -> Result<Self, Interrupted> {
        let mut rooms = VecDeque::from(order.rooms.clone());
        rooms.make_contiguous().sort();
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough"
        )]
        let count = workspace.views().with_record_names(|names| names.rooms());
        let all = match rooms.len() as u64 {
            0 => count.await?,
            named => named,
        };
        let mut this = Self {
            endings: Arc::new(Endings::find(workspace, order.upto).await?),
            generation: workspace.executor().store().generation(),
            workspace: workspace.clone(),
            order: Arc::new(order.clone()),
            span,
            rooms,
            last: RoomId::new(""),
            at: None,
            known: KnownNames::default(),
            done: 0,
            all,
        };
        if let Some((room, position)) = reached.and_then(|at| Some((at.room?, at.position))) {
            this.done = if order.rooms.is_empty() {
                rooms_before(workspace, &room).await?
            } else {
                this.rooms.partition_point(|one| *one < room) as u64
            };
            this.rooms.retain(|one| *one > room);
            this.last = room.clone();
            this.at = this.enter(room, position).await?;
            this.done += u64::from(this.at.is_none());
        }
        Ok(this)
    }

    /// How many conversations are complete, and how many there are.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.done.min(self.all), self.all)
    }

    /// The next stretch; `None`: there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Stretch>, Interrupted> {
        loop {
            let Some(mut room) = self.at.take() else {
                let Some(room) = self.next_room().await? else {
                    return Ok(None);
                };
                self.at = self.enter(room, self.order.after).await?;
                if self.at.is_none() {
                    self.done += 1;
                }
                continue;
            };
            let draft = self.draft(&mut room).await?;
            if self.workspace.executor().store().generation() != self.generation {
                return Err(ReadError::Replaced.into());
            }
            let Some(draft) = draft else {
                self.done += 1;
                continue;
            };
            self.at = Some(room);
            let endings = Arc::clone(&self.endings);
            let known = std::mem::take(&mut self.known);
            let told = self
                .workspace
                .views()
                .with_known_names(known, move |names| draft.told(names, &endings));
            let (stretch, known) = told.await?;
            self.known = known;
            if !stretch.lines.is_empty() {
                return Ok(Some(stretch));
            }
        }
    }

    async fn next_room(&mut self) -> Result<Option<RoomId>, Error> {
        if self.rooms.is_empty() && self.order.rooms.is_empty() {
            let after = self.last.clone();
            let rooms = self
                .workspace
                .views()
                .with_record_names(move |names| names.rooms_after(&after, ROOMS));
            self.rooms = rooms.await?.into();
        }
        let next = self.rooms.pop_front();
        if let Some(room) = &next {
            self.last = room.clone();
        }
        Ok(next)
    }

    /// Begins with a conversation behind a position. `None`: it is not of this export.
    async fn enter(&self, room: RoomId, after: Position) -> Result<Option<InRoom>, Error> {
        let (id, upto) = (room.clone(), self.order.upto);
        let found = self.workspace.views().with_record_names(move |names| {
            let place = place(names, &id, upto)?;
            let direct = names.identity(&id)?.kind == RoomKind::Direct;
            Some((place, direct))
        });
        let Some((place, direct)) = found.await? else {
            return Ok(None);
        };
        if !place.public && !self.order.private_rooms || !self.concerns_users(&room).await? {
            return Ok(None);
        }
        let mut members = BTreeSet::new();
        let before = RecordQuery {
            upto: Some(after),
            ..self.of_room(&room, Position::START, &[&MEMBERSHIP])
        };
        let mut at = Some(before.after);
        while let Some(after) = at {
            let query = RecordQuery {
                after,
                ..before.clone()
            };
            let (events, next) = self.part(query).await?;
            for (_, event) in &events {
                keep(&mut members, event);
            }
            at = next;
        }
        Ok(Some(InRoom {
            touched: self.touched(&room, after).await?,
            told: Told::default(),
            conversation: Conversation {
                id: room,
                name: place.name,
                direct,
            },
            members,
            at: after,
            pending: VecDeque::new(),
            more: true,
        }))
    }

    /// The messages that something happens to behind a position.
    async fn touched(&self, room: &RoomId, after: Position) -> Result<Touched, Error> {
        let mut touched = Touched::default();
        let mut at = Some(after);
        while let Some(after) = at {
            let (events, next) = self.part(self.of_room(room, after, &[&TOUCHING])).await?;
            for (_, event) in &events {
                if let Event::Message(event) = event {
                    touched.add(event.message());
                }
            }
            at = next;
        }
        Ok(touched)
    }

    /// Whether one of the users that are asked for did something there, or was concerned.
    async fn concerns_users(&self, room: &RoomId) -> Result<bool, Error> {
        if self.order.users.is_empty() {
            return Ok(true);
        }
        let query = RecordQuery {
            users: self.order.users.clone(),
            limit: 1,
            ..self.of_room(room, self.order.after, &[&MEMBERSHIP, &TOLD])
        };
        let found = self.workspace.views().search_record(query).await?;
        Ok(!found.positions.is_empty())
    }

    fn of_room(&self, room: &RoomId, after: Position, types: &[&[&str]]) -> RecordQuery {
        RecordQuery {
            rooms: vec![room.clone()],
            event_types: types
                .concat()
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            after,
            upto: Some(self.order.upto),
            limit: CHUNK,
            ..RecordQuery::default()
        }
    }

    /// The first events that a query finds, and where to go on if there are more.
    async fn part(
        &self,
        query: RecordQuery,
    ) -> Result<(Vec<(RecordedEvent, Event)>, Option<Position>), Error> {
        let found = self.workspace.views().search_record(query).await?;
        let asked_for = found.positions.len();
        let log = self.workspace.executor().store();
        let events = log.read_at(found.positions).await?;
        let more = found.more || events.len() < asked_for;
        let last = events.last().map(|event| event.position);
        let decoded = events.into_iter().filter_map(|event| {
            let decoded = event.decode().ok()?;
            Some((event, decoded))
        });
        Ok((decoded.collect(), last.filter(|_| more)))
    }

    /// The next event of a conversation.
    async fn peek<'a>(
        &self,
        room: &'a mut InRoom,
    ) -> Result<Option<&'a (RecordedEvent, Event)>, Error> {
        while room.pending.is_empty() && room.more {
            let query = self.of_room(&room.conversation.id, room.at, &[&MEMBERSHIP, &TOLD]);
            let (events, next) = self.part(query).await?;
            room.more = next.is_some();
            if let (true, Some(next)) = (events.is_empty(), next) {
                room.at = next;
            }
            room.pending = events.into();
        }
        Ok(room.pending.front())
    }

    /// What the next stretch is made of.
    async fn draft(&self, room: &mut InRoom) -> Result<Option<Draft>, Error> {
        let Some((first, _)) = self.peek(room).await? else {
            return Ok(None);
        };
        let (first, time) = (first.position, self.span.of(first.recorded_at));
        let members = room.members.clone();
        let mut draft = Draft::new(room.conversation.clone(), time, first, members);
        while let Some((event, _)) = self.peek(room).await? {
            if self.span.of(event.recorded_at) != draft.time || draft.is_full() {
                break;
            }
            let Some((event, decoded)) = room.pending.pop_front() else {
                break;
            };
            room.at = event.position;
            draft.last = event.position;
            keep(&mut room.members, &decoded);
            let bytes = event.data.len();
            match decoded {
                Event::Message(MessageEvent::MessagePosted(posted))
                    if !room.touched.may_have(&posted.message) =>
                {
                    let id = posted.message.clone();
                    let events = vec![(Envelope::of(&event), Event::Message(posted.into()))];
                    let cut = false;
                    draft.add(Raw::Message { id, events, cut }, bytes);
                }
                Event::Message(message) if room.told.has(message.message()) => {}
                Event::Message(message) => {
                    let told = self.message(&event, &message).await?;
                    room.told.add(message.message().clone());
                    if let Some((raw, bytes)) = told {
                        draft.add(raw, bytes);
                    }
                }
                other => draft.add(Raw::Other(Envelope::of(&event), Box::new(other)), bytes),
            }
        }
        Ok(Some(draft))
    }

    /// All that happened to a message up to the end, if what happened now is the first of it in this export.
    async fn message(
        &self,
        event: &RecordedEvent,
        told: &MessageEvent,
    ) -> Result<Option<(Raw, usize)>, Error> {
        let id: MessageId = told.message().clone();
        let log = self.workspace.executor().store();
        let mut chunks = log.read_stream(&message::stream(&id), Version::FIRST);
        let (mut events, mut bytes, mut cut) = (Vec::new(), 0, false);
        let mut first = None;
        while let Some(chunk) = chunks.next().await {
            for recorded in chunk?.iter().filter(|one| one.position <= self.order.upto) {
                if recorded.position > self.order.after {
                    first.get_or_insert(recorded.position);
                }
                cut |= events.len() >= MOST_EVENTS || bytes > MOST_BYTES;
                if cut {
                    // Only where it stands is still looked for.
                    continue;
                }
                bytes += recorded.data.len();
                if let Ok(decoded) = recorded.decode::<Event>() {
                    events.push((Envelope::of(recorded), decoded));
                }
            }
            // What is cut is not worth reading, unless where it stands is not known yet.
            if first.is_some_and(|first| first != event.position) || cut && first.is_some() {
                break;
            }
        }
        let here = first == Some(event.position);
        Ok(here.then_some((Raw::Message { id, events, cut }, bytes)))
    }
}

/// How many conversations of all are before one.
async fn rooms_before(workspace: &Workspace, room: &RoomId) -> Result<u64, Error> {
    let room = room.clone();
    let views = workspace.views();
    views
        .with_record_names(move |names| names.rooms_before(&room))
        .await
        .map_err(Into::into)
}

/// Notes who is a member.
fn keep(members: &mut BTreeSet<UserId>, event: &Event) {
    match event {
        Event::Membership(MembershipEvent::MemberJoined(joined)) => {
            members.insert(joined.user.clone());
        }
        Event::Membership(MembershipEvent::MemberLeft(left)) => {
            members.remove(&left.user);
        }
        Event::Membership(MembershipEvent::MemberRemoved(removed)) => {
            members.remove(&removed.user);
        }
        _ => {}
    }
}
