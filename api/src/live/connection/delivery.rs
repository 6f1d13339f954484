//! Writing updates out.

use std::time::Duration;

use futures::{FutureExt as _, SinkExt as _};
use projections::live::{Delivery, Feed, LiveUpdate, Scope};

use super::{Connection, End};
use crate::live::frame::{self, Close, ServerFrame};

/// Updates gathered before they are written out. More are gathered in the next round.
const BATCH: u64 = 256;

/// Kinds of updates that tell users of their own memberships.
const MEMBERSHIP: [&str; 3] = ["joined", "left", "removed"];

/// See [`pause`].
const REPLAY_PAUSE: Duration = Duration::from_millis(100);

impl Connection {
    /// Writes out an update and everything that waits behind it, in one go.
    pub(super) async fn deliver(&mut self, first: Delivery) -> Result<(), End> {
        let mut written = 0;
        let mut taken = 0;
        let mut upcoming = Some(first);
        while let Some(delivery) = upcoming {
            match delivery {
                Delivery::Update(update) if self.wants(&update) => {
                    self.socket
                        .feed(frame::update(&update, self.format))
                        .await?;
                    written += 1;
                    self.left = ends_access(&update);
                    if self.left {
                        break;
                    }
                }
                Delivery::Update(_) => {}
                Delivery::Lost(at) => return Err(End::Close(Close::TooSlow(at))),
                Delivery::Closed(at) => return Err(End::Close(Close::Stopping(at))),
            }
            taken += 1;
            upcoming = if taken < BATCH {
                next(&mut self.feed).now_or_never()
            } else {
                None
            };
        }
        self.socket.flush().await?;
        self.shared.delivered.increment(written);
        self.announce_live().await
    }

    /// Says so, once, when everything missed is told.
    pub(super) async fn announce_live(&mut self) -> Result<(), End> {
        let (Some(from), Some(feed)) = (self.live_from, &self.feed) else {
            return Ok(());
        };
        if feed.position() < from {
            return Ok(());
        }
        (self.live_from, self.turn) = (None, None);
        let ready = ServerFrame::ready(feed.position()).encode(self.format);
        self.send(ready).await
    }

    fn wants(&self, update: &LiveUpdate) -> bool {
        match (&update.scope, &update.room) {
            (Scope::Room(room), _) => self.rooms.contains(room),
            // What the user is told about joining and leaving replaces what the room is told.
            (Scope::User(_), Some(room)) if MEMBERSHIP.contains(&update.kind) => {
                self.own || self.rooms.contains(room)
            }
            (Scope::User(_), _) => self.own,
        }
    }
}

/// Whether the update can mean that the room may not be watched any longer.
fn ends_access(update: &LiveUpdate) -> bool {
    matches!(
        (&update.scope, update.kind),
        (Scope::User(_), "left" | "removed") | (_, "room-deleted")
    )
}

/// The next update; never without a feed. Dropping the future loses nothing.
pub(super) async fn next(feed: &mut Option<Feed>) -> Delivery {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

/// A pause in a replay: what is left of it may concern others only, and then no update tells that it is over.
pub(super) async fn pause(replaying: bool) {
    if replaying {
        tokio::time::sleep(REPLAY_PAUSE).await;
    } else {
        std::future::pending::<()>().await;
    }
}
