//! How fast views are built beside those that serve: as fast as was asked for, and out of the way of who is served.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use eventstore::Position;
use tokio_util::sync::CancellationToken;

use crate::engine::shared::Shared;
use crate::engine::work::{Claim, Throttle};
use crate::error::ViewsError;

/// How long the work rests for as long as it worked, while somebody is served.
const STEP_BACK: u32 = 8;

/// How long after an event another one is likely: without one for that long, nobody is in the way.
const LIVELY: Duration = Duration::from_millis(250);

/// How often it is looked whether the work is to go on or to end.
const LOOK: Duration = Duration::from_millis(20);

/// How far behind a greatest rate the work may be and still make up for it: what applying takes, and what a sleep is too
/// long.
const SLACK: Duration = Duration::from_millis(200);

/// Whoever builds calls [`Self::step`] after every few events, and waits there for as long as it takes.
pub(crate) struct Pace {
    claim: Arc<Claim>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    limit: Limit,
    /// Whether it keeps out of the way of the views that serve.
    gives_way: bool,
    /// When the last step ended.
    since: Instant,
    /// How far the views that serve were then, and when they last moved.
    served: Position,
    lively: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(
        claim: Arc<Claim>,
        shared: Arc<Shared>,
        stop: CancellationToken,
        max_rate: Option<NonZeroU32>,
    ) -> Self {
        Self {
            served: shared.reached.position(),
            claim,
            shared,
            stop,
            limit: Limit::new(max_rate),
            gives_way: true,
            since: Instant::now(),
            lively: None,
        }
    }

    /// As fast as it goes: nobody is served meanwhile.
    pub(crate) fn unhindered(
        claim: Arc<Claim>,
        shared: Arc<Shared>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            gives_way: false,
            ..Self::new(claim, shared, stop, None)
        }
    }

    /// So many events were applied, up to `position`; none, if it was something else that took its time, for which nobody
    /// rests. Blocks; an error if the work is to end.
    pub(crate) fn step(&mut self, position: Position, events: usize) -> Result<(), ViewsError> {
        if events == 0 {
            return self.pass(position);
        }
        let worked = self.since.elapsed();
        self.claim.reached(position);
        let limited = self.limit.rest(events);
        let back = if self.gives_way && self.is_lively() {
            worked * STEP_BACK
        } else {
            Duration::ZERO
        };
        let throttled = if limited > back {
            Some(Throttle::MaxRate)
        } else {
            (!back.is_zero()).then_some(Throttle::LiveTraffic)
        };
        self.claim.set_throttled(throttled);
        self.wait(limited.max(back))?;
        self.since = Instant::now();
        Ok(())
    }

    /// The same where the work must not be held back any more: only what is paused waits.
    pub(crate) fn pass(&mut self, position: Position) -> Result<(), ViewsError> {
        self.claim.reached(position);
        self.claim.set_throttled(None);
        self.wait(Duration::ZERO)?;
        self.since = Instant::now();
        Ok(())
    }

    /// Waits for as long as it is paused, for the last time; from then on, nobody is told that it waits.
    pub(crate) fn go_to_the_end(&mut self) -> Result<(), ViewsError> {
        loop {
            self.wait(Duration::ZERO)?;
            if self.claim.go_to_the_end()? {
                return Ok(());
            }
        }
    }

    /// Whether to wait; an error if the work is to end.
    pub(crate) fn look(&self) -> Result<bool, ViewsError> {
        if self.stop.is_cancelled() {
            return Err(ViewsError::Closed);
        }
        self.claim.is_paused()
    }

    fn wait(&mut self, rest: Duration) -> Result<(), ViewsError> {
        let until = Instant::now() + rest;
        loop {
            if self.look()? {
                thread::sleep(LOOK);
                self.limit.begin_anew();
                continue;
            }
            match until.checked_duration_since(Instant::now()) {
                Some(rest) if !rest.is_zero() => thread::sleep(rest.min(LOOK)),
                _ => return Ok(()),
            }
        }
    }

    /// Whether the views that serve have events to apply or questions to answer, or just had.
    fn is_lively(&mut self) -> bool {
        let served = self.shared.reached.position();
        if std::mem::replace(&mut self.served, served) != served
            || self.shared.head.lag(served).events > 0
            || self.shared.readers.are_behind()
        {
            self.lively = Some(Instant::now());
        }
        self.lively.is_some_and(|at| at.elapsed() < LIVELY)
    }
}

/// A greatest rate, in events per second.
pub(crate) struct Limit {
    rate: Option<NonZeroU32>,
    /// When the next events may be applied.
    next: Instant,
}

impl Limit {
    pub(crate) fn new(rate: Option<NonZeroU32>) -> Self {
        Self {
            rate,
            next: Instant::now(),
        }
    }

    /// How long to wait after so many events.
    pub(crate) fn rest(&mut self, events: usize) -> Duration {
        self.rest_at(Instant::now(), events)
    }

    fn rest_at(&mut self, now: Instant, events: usize) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        // What was not used for longer is lost, so that the rate is not exceeded to make up for it.
        let since = now.checked_sub(SLACK).unwrap_or(now);
        self.next = self.next.max(since) + Duration::from_secs(1) * events / rate.get();
        self.next.saturating_duration_since(now)
    }

    fn begin_anew(&mut self) {
        self.next = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long so many events take, of which 64 at a time take that long to apply, and a sleep is a little too long.
    fn taken(rate: u32, events: u32, to_apply: Duration) -> Duration {
        let begin = Instant::now();
        let mut limit = Limit {
            rate: NonZeroU32::new(rate),
            next: begin,
        };
        let mut now = begin;
        for _ in 0..events / 64 {
            now += to_apply;
            let rest = limit.rest_at(now, 64);
            if !rest.is_zero() {
                now += rest + Duration::from_millis(1);
            }
        }
        now - begin
    }

    #[test]
    fn a_rate_that_can_be_reached_is_reached() {
        for (rate, to_apply) in [(100, 60), (1000, 30), (5000, 5), (5000, 11)] {
            let taken = taken(rate, 64_000, Duration::from_millis(to_apply)).as_secs_f64();
            let wanted = 64_000.0 / f64::from(rate);
            let is_near = taken > wanted * 0.98 && taken < wanted * 1.02;
            assert!(is_near, "{rate} events/s: {taken} s instead of {wanted}");
        }
    }

    #[test]
    fn a_rate_is_not_exceeded_to_make_up_for_a_pause() {
        let now = Instant::now() + Duration::from_mins(1);
        let mut limit = Limit::new(NonZeroU32::new(10));
        let rest = limit.rest_at(now, 5);
        assert_eq!(rest + SLACK, Duration::from_millis(500));
        assert!(
            limit.rest_at(now, 5) > rest,
            "the next events wait for these"
        );
        assert_eq!(Limit::new(None).rest(1000), Duration::ZERO);
    }
}
