use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use projections::live::{Delivery, Feed, LiveUpdate, Scope};
use tokio::time::timeout;

use crate::live::connection::Connection;
use crate::live::end::{End, WRITE_TIMEOUT};
use crate::live::frame::{self, Close, ServerFrame};

/// Most bytes of updates gathered before they are written out, and most runs. The rest waits for the next round.
const BATCH: (usize, usize) = (128 * 1024, 256);

/// Kinds of updates that tell users of their own memberships.
const MEMBERSHIP: [&str; 3] = ["joined", "left", "removed"];

/// See [`pause`].
const REPLAY_PAUSE: Duration = Duration::from_millis(100);

/// Encoded frames on their way out: a single run as the bytes that all its receivers share, several runs copied
/// together.
#[derive(Default)]
struct Frames {
    first: Bytes,
    more: BytesMut,
}

impl Frames {
    fn push(&mut self, frames: Bytes) {
        if self.is_empty() {
            self.first = frames;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        self.more.extend_from_slice(&frames);
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn as_slice(&self) -> &[u8] {
        if self.more.is_empty() {
            &self.first
        } else {
            &self.more
        }
    }

    fn bytes(&self) -> usize {
        self.as_slice().len()
    }
}

impl Connection {
    /// [`Self::deliver`] with a limit of time, which is set only if the client does not take it at once.
    pub(super) async fn deliver_in_time(&mut self, first: Delivery) -> Result<(), End> {
        let mut delivery = pin!(self.deliver(first));
        match delivery.as_mut().now_or_never() {
            Some(delivered) => delivered,
            None => timeout(WRITE_TIMEOUT, delivery)
                .await
                .map_err(|_| End::Stuck)?,
        }
    }

    /// Writes out a run and everything that waits behind it.
    async fn deliver(&mut self, first: Delivery) -> Result<(), End> {
        let mut frames = Frames::default();
        let (mut delivered, mut looked_at) = (0, 0);
        let mut upcoming = Some(first);
        while let Some(delivery) = upcoming {
            let run = match delivery {
                Delivery::Updates(run) => run,
                Delivery::Lost(at) => return Err(End::Close(Close::TooSlow(at.position()))),
                Delivery::Closed(at) => return Err(End::Close(Close::Stopping(at.position()))),
                Delivery::Replaced => return Err(End::Close(Close::BadPosition)),
            };
            // All updates of a run are for the same receivers, and only a single one can end access or be told twice.
            if let Some(update) = run.updates().first() {
                let first_of_two = self.is_first_of_two(update);
                if self.wants(update) {
                    frames.push(if first_of_two {
                        frame::first_of_two(update, self.format)
                    } else {
                        frame::updates(&run, self.format)
                    });
                    delivered += run.updates().len() as u64;
                    self.left = ends_access(update);
                }
            }
            looked_at += 1;
            if self.left || frames.bytes() >= BATCH.0 || looked_at >= BATCH.1 {
                break;
            }
            upcoming = next(&mut self.feed).now_or_never();
        }
        if !frames.is_empty() {
            self.socket.send_frames(frames.as_slice()).await?;
        }
        self.shared.delivered.increment(delivered);
        self.announce_live().await
    }

    /// Tells the client, once, when everything missed is sent.
    pub(super) async fn announce_live(&mut self) -> Result<(), End> {
        let (Some(from), Some(feed)) = (self.live_from, &self.feed) else {
            return Ok(());
        };
        if feed.at().position() < from {
            return Ok(());
        }
        (self.live_from, self.turn) = (None, None);
        let ready = ServerFrame::ready(feed.at()).encode(self.format);
        self.send(ready).await
    }

    /// Whether the client is told of the same event once more. If not, it resumes after the event.
    fn is_first_of_two(&mut self, update: &LiveUpdate) -> bool {
        let Some(then) = &update.then else {
            return false;
        };
        let watched = self.rooms.contains(then);
        if let Some(feed) = &mut self.feed
            && !watched
        {
            feed.end_event();
        }
        watched
    }

    fn wants(&self, update: &LiveUpdate) -> bool {
        match (&update.scope, &update.room) {
            (Scope::Room(room), _) => self.rooms.contains(room),
            // What the user is told about joining and leaving replaces what the room is told.
            (Scope::User(_), Some(room)) if MEMBERSHIP.contains(&update.kind) => {
                self.own || self.rooms.contains(room)
            }
            (Scope::User(_) | Scope::Workspace, _) => self.own,
        }
    }
}

/// Whether the update can mean that the room may no longer be watched.
fn ends_access(update: &LiveUpdate) -> bool {
    matches!(
        (&update.scope, update.kind),
        (Scope::User(_), "left" | "removed") | (_, "room-deleted")
    )
}

/// The next update; without a feed it never returns. Dropping the future loses nothing.
pub(super) async fn next(feed: &mut Option<Feed>) -> Delivery {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

/// A pause in a replay: the rest of it may concern others only, and then no update says that it is over.
pub(super) async fn pause(replaying: bool) {
    if replaying {
        tokio::time::sleep(REPLAY_PAUSE).await;
    } else {
        std::future::pending::<()>().await;
    }
}
