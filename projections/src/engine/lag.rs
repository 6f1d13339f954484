//! How far the views are behind, and whether they are kept up to date.

use std::time::{Duration, Instant};

use eventstore::Position;
use parking_lot::Mutex;

/// How far the views are behind the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// The last position the views contain.
    pub checkpoint: Position,
    /// The last position the log is known to have.
    pub head: Position,
    /// Head minus checkpoint.
    pub events: u64,
    /// How long the views have been behind without a break; zero if they are not.
    pub since: Duration,
}

/// Whether the views are being kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They follow the log.
    Ready,
    /// The first build, or a rebuild after an upgrade; questions wait.
    Building,
    /// Something is wrong that may pass, and what; it is tried again.
    Failing(String),
    /// The worker stopped for good, and why. An operator has to look.
    Stopped(String),
}

/// What is known of the log's head.
#[derive(Default)]
pub(crate) struct Head {
    state: Mutex<(Position, Option<Instant>)>,
}

impl Head {
    /// Notes that the log reaches `position`; the views are at `applied`.
    pub(crate) fn seen(&self, position: Position, applied: Position) {
        let mut state = self.state.lock();
        state.0 = state.0.max(position);
        if applied >= state.0 {
            state.1 = None;
        } else if state.1.is_none() {
            state.1 = Some(Instant::now());
        }
    }

    /// Forgets what was known: that log no longer exists.
    pub(crate) fn reset(&self) {
        *self.state.lock() = (Position::START, None);
    }

    pub(crate) fn lag(&self, applied: Position) -> Lag {
        let (head, since) = *self.state.lock();
        let head = head.max(applied);
        let events = head.get() - applied.get();
        let since = if events == 0 {
            Duration::ZERO
        } else {
            since.map_or(Duration::ZERO, |since| since.elapsed())
        };
        Lag {
            checkpoint: applied,
            head,
            events,
            since,
        }
    }
}
