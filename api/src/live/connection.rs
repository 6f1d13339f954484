//! One socket, from its first frame to its last.
//!
//! What holds:
//! 1. One task, no queue of its own: what waits, waits in the feed, which is bounded. A client that does not keep up
//!    loses this socket and nothing else, and learns where to resume.
//! 2. Only those who may see something, according to the views, get it; when that ends, so do the updates.
//! 3. Everything is in position order, and a client may resume after the position of every frame.

mod delivery;
mod presence;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use application::caller::Caller;
use application::chat::notices::{Listener, Notice};
use application::people::presence::{Connected, Watch};
use bytes::Bytes;
use delivery::{next, pause};
use domain::{RoomId, UserId};
use eventstore::Position;
use presence::changed;
use projections::QueryError;
use projections::live::{Delivery, Feed, Resume};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::live::Shared;
use crate::live::access::{may_watch, renew};
use crate::live::end::{End, WRITE_TIMEOUT};
use crate::live::frame::{ClientFrame, Close, Format, NoticeFrame, Selection, ServerFrame};
use crate::live::introduction::introduce;
use crate::live::resume::{self, After, Refusal};
use crate::live::socket::{Socket, SocketError};

/// How long writing a close may take, behind what is being written already.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for the client's answer to a close.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// In one of so many rounds, updates have to wait for everything else.
const OTHERS_FIRST: u32 = 4;

/// Pings that may stay unanswered.
const SILENCE: u8 = 2;

/// One round of the loop.
enum Step {
    Stop,
    Received(Option<Result<Message, SocketError>>),
    Delivered(Delivery),
    Look,
    Beat,
    Pause,
    Presence(Vec<UserId>),
    Notice(Notice),
}

/// A socket whose user is known.
pub(super) struct Connection {
    shared: Arc<Shared>,
    socket: Socket,
    format: Format,
    caller: Caller,
    access: watch::Receiver<()>,
    /// The user counts as there as long as this lives.
    connected: Connected,
    /// The users whose status the client watches.
    watch: Option<Watch>,
    /// What the user is told and nobody else.
    notices: Listener,
    after: After,
    /// Where the client began, once this is known to be a place in the log; `None`: now.
    start: Option<Resume>,
    /// Opened by the first subscription.
    feed: Option<Feed>,
    rooms: HashSet<RoomId>,
    own: bool,
    /// Set while missed updates are sent: everything up to here was there before the feed.
    live_from: Option<Position>,
    /// One of the few permits to read the log.
    turn: Option<OwnedSemaphorePermit>,
    heartbeat: Interval,
    silent: u8,
    /// The update just written ended a membership or a room.
    left: bool,
}

impl Connection {
    pub(super) async fn run(
        shared: Arc<Shared>,
        mut socket: Socket,
        format: Format,
        after: After,
        caller: Option<Caller>,
    ) {
        shared.open.increment(1.0);
        let open = shared.open.clone();
        let end = match introduce(&shared, &mut socket, format, caller).await {
            Ok((caller, reference)) => {
                let mut connection = Self::new(shared, socket, format, after, caller);
                let end = connection.serve(reference).await;
                let Self {
                    shared,
                    socket: inner,
                    caller,
                    access,
                    ..
                } = connection;
                shared.guard.sign_off(caller.id(), access);
                if matches!(end, End::Stuck | End::Close(Close::TooSlow(_))) {
                    shared.dropped.increment(1);
                }
                socket = inner;
                end
            }
            Err(end) => end,
        };
        if let End::Close(close) = end {
            part(&mut socket, close).await;
        }
        open.decrement(1.0);
    }

    fn new(
        shared: Arc<Shared>,
        socket: Socket,
        format: Format,
        after: After,
        caller: Caller,
    ) -> Self {
        let beat = shared.limits.heartbeat;
        // Sockets that came together do not have to ping together.
        let mut heartbeat = interval_at(
            Instant::now() + beat.mul_f32(0.5 + rand::random::<f32>() / 2.0),
            beat,
        );
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            access: shared.guard.sign_up(caller.id()),
            connected: shared.state.presence().connect(&caller.user),
            watch: None,
            notices: shared.state.notices().listen(caller.id()),
            shared,
            socket,
            format,
            caller,
            after,
            start: None,
            feed: None,
            rooms: HashSet::new(),
            own: false,
            live_from: None,
            turn: None,
            heartbeat,
            silent: 0,
            left: false,
        }
    }

    async fn serve(&mut self, reference: Option<String>) -> End {
        match self.talk(reference).await {
            Ok(never) => never,
            Err(end) => end,
        }
    }

    async fn talk(&mut self, reference: Option<String>) -> Result<End, End> {
        // Access may have ended before the guard knew of this socket.
        self.look().await?;
        let user = self.caller.id().clone();
        // Known before the first frame: no frame states a place that is not in the log.
        let start = resume::place(&self.shared, self.after).await;
        if let Ok(start) = &start {
            self.start = *start;
        }
        let frame =
            ServerFrame::authenticated(self.at(), user.as_str()).answering(reference.as_deref());
        let message = frame.encode(self.format);
        self.send(message).await?;
        match start {
            Ok(_) => {}
            Err(Refusal::Later) => return Err(End::Close(Close::TryLater)),
            Err(Refusal::BadPosition(text)) => {
                self.error("bad-position", text, reference.as_deref())
                    .await?;
                return Err(End::Close(Close::BadPosition));
            }
        }
        let stop = self.shared.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        let mut rounds: u32 = 0;
        loop {
            rounds = rounds.wrapping_add(1);
            let replaying = self.live_from.is_some();
            let other = async {
                tokio::select! {
                    () = &mut stopped => Step::Stop,
                    message = self.socket.recv() => Step::Received(message),
                    _ = self.access.changed() => Step::Look,
                    _ = self.heartbeat.tick() => Step::Beat,
                    () = pause(replaying) => Step::Pause,
                    users = changed(self.watch.as_ref()) => Step::Presence(users),
                    notice = self.notices.next() => Step::Notice(notice),
                }
            };
            let delivery = async { Step::Delivered(next(&mut self.feed).await) };
            // Nearly always it is an update, and then nothing else is looked at.
            let step = if rounds.is_multiple_of(OTHERS_FIRST) {
                tokio::select! { biased; step = other => step, step = delivery => step }
            } else {
                tokio::select! { biased; step = delivery => step, step = other => step }
            };
            match step {
                Step::Stop => return Err(End::Close(Close::Stopping(self.at().position()))),
                Step::Received(message) => self.receive(message).await?,
                Step::Delivered(delivery) => {
                    self.deliver_in_time(delivery).await?;
                    if std::mem::take(&mut self.left) {
                        self.look().await?;
                    }
                }
                Step::Look => self.look().await?,
                Step::Beat => self.beat().await?,
                Step::Pause => self.announce_live().await?,
                Step::Presence(users) => self.show(&users).await?,
                Step::Notice(notice) => self.pass_on(&notice).await?,
            }
        }
    }

    /// Passes a notice on, if the client watches what concerns the user alone.
    async fn pass_on(&mut self, notice: &Notice) -> Result<(), End> {
        if !self.own {
            return Ok(());
        }
        let message = NoticeFrame::new(self.at(), notice).encode(self.format);
        self.send(message).await
    }

    /// Where a client that got everything so far may resume.
    fn at(&self) -> Resume {
        match (&self.feed, self.start) {
            (Some(feed), _) => feed.at(),
            (None, Some(start)) => start,
            (None, None) => self.shared.state.views().hub().published().into(),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        timeout(WRITE_TIMEOUT, self.socket.send(message))
            .await
            .map_err(|_| End::Stuck)?
            .map_err(End::from)
    }

    async fn error(
        &mut self,
        code: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
        reference: Option<&str>,
    ) -> Result<(), End> {
        let frame = ServerFrame::error(self.at(), code, message)
            .answering(reference)
            .encode(self.format);
        self.send(frame).await
    }

    async fn receive(&mut self, message: Option<Result<Message, SocketError>>) -> Result<(), End> {
        self.silent = 0;
        let message = message.ok_or(End::Gone)??;
        match message {
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
            Message::Text(_) | Message::Binary(_) => {}
        }
        match ClientFrame::decode(&message, self.format) {
            Ok(ClientFrame::Subscribe(selection)) => self.subscribe(selection).await,
            Ok(ClientFrame::Unsubscribe(selection)) => self.unsubscribe(selection).await,
            Ok(ClientFrame::Presence(said)) => self.say(&said).await,
            Ok(ClientFrame::Ping(ping)) => {
                let pong = ServerFrame::pong(self.at())
                    .answering(ping.reference.as_deref())
                    .encode(self.format);
                self.send(pong).await
            }
            Ok(ClientFrame::Authenticate(again)) => {
                self.error(
                    "already-authenticated",
                    "this socket is authenticated already",
                    again.reference.as_deref(),
                )
                .await
            }
            Err(error) => self.error("bad-frame", error.to_string(), None).await,
        }
    }

    async fn subscribe(&mut self, selection: Selection) -> Result<(), End> {
        let reference = selection.reference.as_deref();
        if self.rooms.len() + selection.rooms.len() > self.shared.limits.rooms {
            let text = format!(
                "one socket may subscribe to at most {} rooms",
                self.shared.limits.rooms
            );
            return self.error("too-many-rooms", text, reference).await;
        }
        let mut accepted = Vec::with_capacity(selection.rooms.len());
        let mut refused = Vec::new();
        for room in selection.rooms {
            if may_watch(&self.shared.state, &self.caller, &RoomId::new(&room))
                .await
                .map_err(|error| self.unanswered(&error))?
            {
                accepted.push(room);
            } else {
                refused.push(room);
            }
        }
        let begins = self.feed.is_none() && (selection.own || !accepted.is_empty());
        if begins {
            self.begin().await?;
        }
        self.own |= selection.own;
        self.rooms.extend(accepted.iter().map(RoomId::new));
        let watched = self.watch_people(&selection.presence).await?;
        let at = self.at();
        if !accepted.is_empty() || selection.own || !watched.is_empty() || refused.is_empty() {
            let frame = ServerFrame::subscribed(at, &accepted, selection.own)
                .watching(&watched)
                .answering(reference)
                .encode(self.format);
            self.send(frame).await?;
        }
        for room in refused {
            // The same text whether or not the room exists: a user who may not see it does not learn that.
            let text = "there is no such room, or you are not a member of it";
            let frame = ServerFrame::error(at, "not-allowed", text)
                .room(&room)
                .answering(reference)
                .encode(self.format);
            self.send(frame).await?;
        }
        let watched: Vec<UserId> = watched.iter().map(UserId::new).collect();
        self.show(&watched).await?;
        self.announce_live().await
    }

    /// Opens the feed where the client asked for. It stays open: later subscriptions begin at its position.
    async fn begin(&mut self) -> Result<(), End> {
        let shared = self.shared.clone();
        if self.start.is_some() {
            self.turn = tokio::select! {
                () = shared.stop.cancelled() => return Err(End::Close(Close::Stopping(self.at().position()))),
                turn = shared.replays.clone().acquire_owned() => turn.ok(),
            };
        }
        // Read before the feed opens, so that the feed has everything up to this position.
        self.live_from = Some(shared.state.views().hub().published().position);
        let feed = resume::begin(&shared, &self.caller, self.start).await;
        self.feed = Some(feed.map_err(|_| End::Close(Close::TryLater))?);
        Ok(())
    }

    async fn unsubscribe(&mut self, selection: Selection) -> Result<(), End> {
        let ended: Vec<String> = selection
            .rooms
            .into_iter()
            .filter(|room| self.rooms.remove(room.as_str()))
            .collect();
        let own = selection.own && std::mem::take(&mut self.own);
        let forgotten = self.watch_no_more(selection.presence);
        let frame = ServerFrame::unsubscribed(self.at(), &ended, own)
            .watching(&forgotten)
            .answering(selection.reference.as_deref());
        let frame = frame.encode(self.format);
        self.send(frame).await
    }

    /// Whether the user may still be here, and still see every room.
    async fn look(&mut self) -> Result<(), End> {
        match renew(&self.shared.state, &self.caller).await {
            Ok(Some(caller)) => self.caller = caller,
            Ok(None) => return Err(End::Close(Close::AccessEnded)),
            // Without an answer, nothing is known to have ended; there will be another look.
            Err(_) => return Ok(()),
        }
        let rooms: Vec<RoomId> = self.rooms.iter().cloned().collect();
        for room in rooms {
            if may_watch(&self.shared.state, &self.caller, &room)
                .await
                .is_ok_and(|may| !may)
            {
                self.rooms.remove(&room);
                let frame = ServerFrame::expelled(self.at(), room.as_str()).encode(self.format);
                self.send(frame).await?;
            }
        }
        Ok(())
    }

    async fn beat(&mut self) -> Result<(), End> {
        if self.silent >= SILENCE {
            return Err(End::Close(Close::Silent(self.at().position())));
        }
        self.silent += 1;
        // A client that reads missed updates this slowly must not keep others waiting.
        self.turn = None;
        // Tokens also expire by time alone.
        self.look().await?;
        self.send(Message::Ping(Bytes::new())).await
    }

    fn unanswered(&self, error: &QueryError) -> End {
        match error {
            QueryError::Closed => End::Close(Close::Stopping(self.at().position())),
            QueryError::NotReady | QueryError::Busy | QueryError::DiskFull => {
                End::Close(Close::TryLater)
            }
            QueryError::Database(reason) => {
                tracing::error!(reason, "the views cannot answer a socket");
                End::Close(Close::Internal(self.at().position()))
            }
        }
    }
}

/// Closes the socket and gives the client a moment to take note: closing the connection at once could lose the reason.
async fn part(socket: &mut Socket, close: Close) {
    let message = Message::Close(Some(close.frame()));
    if let Ok(Ok(())) = timeout(CLOSE_TIMEOUT, socket.send(message)).await {
        // A client that does not answer is left behind.
        let _ = timeout(GOODBYE_TIMEOUT, async {
            while let Some(Ok(_)) = socket.recv().await {}
        })
        .await;
    }
}
