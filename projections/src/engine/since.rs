//! What changed since a client last asked.
//!
//! Clients ask for what changed since the time of their last request, and remember changes by their `_updatedAt`, which
//! is when the log recorded the change. Between being recorded and being visible here a change needs a moment, and the
//! clocks of clients and nodes differ. So the answer goes back further than asked: by [`OVERLAP`], and if the views of
//! this node were further behind than that, by as much as they were. Being told twice is harmless, not being told is
//! not.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use parking_lot::Mutex;

/// How much further back than asked an answer goes at least, in milliseconds. Covers clocks that differ, and the time a
/// node needs to make a change visible when it is not behind.
const OVERLAP: i64 = 60_000;

/// Views that show a change later than this after it was recorded, in milliseconds, are behind. The rest of the
/// overlap is for clocks that differ.
const BEHIND: i64 = OVERLAP / 2;

/// Delays that end within so many milliseconds are noted as one.
const GRAIN: i64 = 1_000;

/// How many delays are remembered. If there were more, the oldest are merged into one.
const MOST: usize = if cfg!(test) { 64 } else { 4_096 };

/// From when on changes are reported. Made only by [`crate::Views::since`], so that every such answer goes back far
/// enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(Timestamp);

impl Since {
    /// Whether a change recorded at that time is reported.
    pub fn covers(self, recorded_at: Timestamp) -> bool {
        recorded_at >= self.0
    }

    /// The earliest time from which changes are reported.
    pub fn earliest(self) -> Timestamp {
        self.0
    }
}

/// Everything recorded from `from` on was not visible here before `until` by this node's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Delay {
    from: Timestamp,
    began: Timestamp,
    until: Timestamp,
}

/// When the views of this node were behind, as long as it runs. Empty for a node that keeps up.
#[derive(Debug, Default)]
pub(crate) struct Delays(Mutex<VecDeque<Delay>>);

impl Delays {
    /// What was recorded from `from` on has just become visible.
    pub(crate) fn visible(&self, from: Timestamp) {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        self.visible_at(from, Timestamp::from_millis(now));
    }

    fn visible_at(&self, from: Timestamp, now: Timestamp) {
        if now.millis_since(from) <= BEHIND {
            return;
        }
        let mut delays = self.0.lock();
        if let Some(last) = delays.back_mut()
            && (0..GRAIN).contains(&now.millis_since(last.began))
        {
            last.until = now;
            return;
        }
        let (began, until) = (now, now);
        delays.push_back(Delay { from, began, until });
        if delays.len() > MOST
            && let Some(oldest) = delays.pop_front()
            && let Some(next) = delays.front_mut()
        {
            next.from = oldest.from;
        }
    }

    /// From when on changes are reported to a client that last asked at `asked`, by any clock.
    pub(crate) fn since(&self, asked: Timestamp) -> Since {
        let earliest = Timestamp::from_millis(asked.as_millis().saturating_sub(OVERLAP));
        // Times of the log never run backwards, so the first of them is the furthest back.
        let delays = self.0.lock();
        let first = delays.iter().find(|delay| delay.until >= earliest);
        Since(first.map_or(earliest, |delay| earliest.min(delay.from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    fn t(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
    }

    #[test]
    fn a_node_that_keeps_up_goes_back_by_the_overlap() {
        let delays = Delays::default();
        for second in 0..1000 {
            delays.visible_at(t(second), t(second + 2));
        }
        assert!(delays.0.lock().is_empty(), "nothing to remember");
        assert_eq!(delays.since(t(500)), Since(t(440)));
        assert_eq!(
            delays.since(Timestamp::from_millis(i64::MIN)).0.as_millis(),
            i64::MIN
        );
    }

    #[test]
    fn a_node_that_was_behind_goes_back_as_far_as_it_was() {
        let delays = Delays::default();
        delays.visible_at(t(100), t(1_000));
        for (asked, earliest) in [
            (t(900), 100),
            (t(1_059), 100),
            (t(1_061), 1_001),
            (t(120), 60),
        ] {
            assert_eq!(
                delays.since(asked),
                Since(t(earliest)),
                "asked at {asked:?}"
            );
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_loses_nothing() {
        let delays = Delays::default();
        let many = i64::try_from(MOST).unwrap() * 3;
        for second in 0..many {
            delays.visible_at(t(second), t(second + 100));
            delays.visible_at(t(second), t(second + 100));
        }
        assert_eq!(delays.0.lock().len(), MOST);
        for asked in (0..many).step_by(7) {
            assert!(
                delays.since(t(asked + 99)).covers(t(asked)),
                "asked at {asked}"
            );
        }
    }

    /// Two nodes write, with clocks that differ by two seconds; a client polls a node that shows changes late, always
    /// since the time of its request before, by a clock that differs as well.
    #[test]
    fn nobody_misses_a_change() {
        for seed in 1..300_u64 {
            let mut dice = Dice(seed * 7_919);
            let mut roll = |most: usize| i64::try_from(dice.roll(most)).unwrap();
            let (pause, skew) = (1 + roll(20_000), roll(40_000) - 20_000);
            let delays = Delays::default();
            let start = t(0).as_millis();
            let (mut clock, mut recorded, mut shown, mut lag) = (start, i64::MIN, i64::MIN, 0);
            // When each change was recorded, and when it is visible.
            let mut changes = Vec::new();
            for index in 0..200 {
                clock += roll(3_000);
                if index % 20 == 0 {
                    lag = roll(200_000);
                }
                recorded = recorded.max(clock - 2_000 * roll(2));
                shown = shown.max(clock + lag);
                changes.push((Timestamp::from_millis(recorded), shown));
            }
            let (mut told, mut noted) = (vec![false; changes.len()], 0);
            let mut before: Option<i64> = None;
            let mut now = start - pause;
            while now <= shown + pause {
                while let Some((from, at)) = changes.get(noted).filter(|(_, at)| *at <= now) {
                    delays.visible_at(*from, Timestamp::from_millis(*at));
                    noted += 1;
                }
                let since = before.map(|asked| delays.since(Timestamp::from_millis(asked + skew)));
                for (index, (recorded, at)) in changes.iter().enumerate() {
                    told[index] |= *at <= now && since.is_none_or(|since| since.covers(*recorded));
                }
                before = Some(now);
                now += pause;
            }
            let missed = told.iter().position(|told| !told);
            assert_eq!(missed, None, "seed {seed}");
        }
    }
}
