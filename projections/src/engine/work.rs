//! What is being built beside the views that serve, at most one thing at a time, and how it is steered.

mod told;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::Position;
use parking_lot::Mutex;

use crate::error::ViewsError;

pub use told::{Difference, Ended, Last, Progress, Steered, Task, Throttle};

/// How far back the rate is measured, and how often.
const WINDOW: Duration = Duration::from_secs(10);
const SAMPLE: Duration = Duration::from_millis(500);

/// Why work ends before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Aborted,
    /// The log is another one.
    Replaced,
    /// Nothing serves any more, and all views are built first.
    Overtaken,
}

/// How far work has come, as far as it can be steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits and ends when it is told to.
    Heeding,
    /// What was built is put in place.
    Placing,
    /// It is done: nobody can steer it any more.
    Over,
}

/// Whether work does what it is told.
enum Heeds {
    Still,
    NoLonger,
    /// It was told to end.
    ItsEnd,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) unit: Option<&'static str>,
    pub(crate) by: String,
    pub(crate) max_rate: Option<NonZeroU32>,
    pub(crate) paused: bool,
}

/// The work under way.
#[derive(Debug)]
struct Running {
    job: Job,
    position: Position,
    head: Position,
    throttled: Option<Throttle>,
    cut: Option<Cut>,
    stage: Stage,
    /// Positions and when they were reached, the oldest first.
    samples: VecDeque<(Instant, Position)>,
}

impl Running {
    fn is_paused(&mut self) -> Result<bool, ViewsError> {
        match self.cut {
            Some(Cut::Aborted) => Err(ViewsError::Aborted),
            Some(Cut::Replaced) => Err(ViewsError::Replaced),
            Some(Cut::Overtaken) => Err(ViewsError::Overtaken),
            None => Ok(self.job.paused),
        }
    }

    fn progress(&self) -> Progress {
        let (since, from) = self
            .samples
            .front()
            .copied()
            .unwrap_or((Instant::now(), self.position));
        let (events, seconds) = (
            self.position.get() - from.get(),
            since.elapsed().as_secs_f64(),
        );
        let rate = if seconds > 0.0 {
            float(events) / seconds
        } else {
            0.0
        };
        let left = float(self.head.get().saturating_sub(self.position.get()));
        let remaining = (rate > 0.0 && !self.job.paused).then(|| left / rate);
        Progress {
            task: self.job.task,
            unit: self.job.unit,
            by: self.job.by.clone(),
            position: self.position,
            head: self.head,
            rate,
            remaining: remaining.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            paused: self.job.paused,
            throttled: self.throttled,
            max_rate: self.job.max_rate,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of events are far below 2^52"
)]
fn float(count: u64) -> f64 {
    count as f64
}

/// What is being built, if anything, and what was last.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Held for moments only: the runtime asks how far it is.
    running: Mutex<Option<Running>>,
    last: Mutex<Option<Last>>,
    /// Held while what is noted for the next start is written or removed, so that one does not overtake the other. Whoever
    /// takes it may wait for the disk.
    noting: Mutex<()>,
}

impl Work {
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.running.lock().as_ref().map(Running::progress)
    }

    pub(crate) fn last(&self) -> Option<Last> {
        self.last.lock().clone()
    }

    pub(crate) fn ended(&self, last: Last) {
        *self.last.lock() = Some(last);
    }

    /// Changes what somebody asked for, if work still `heeds` that.
    fn steer(
        &self,
        heeds: impl FnOnce(&Running) -> Heeds,
        change: impl FnOnce(&mut Running),
    ) -> Steered {
        let mut running = self.running.lock();
        let running = running
            .as_mut()
            .filter(|running| running.stage != Stage::Over);
        match running {
            None => Steered::NothingRuns,
            Some(running) if running.job.task == Task::First => Steered::MustFinish,
            Some(running) => match heeds(running) {
                Heeds::Still => {
                    change(running);
                    Steered::Done(running.progress())
                }
                Heeds::NoLonger => Steered::TooLate(running.progress()),
                Heeds::ItsEnd => Steered::Ending(running.progress()),
            },
        }
    }

    /// Has it wait or go on. `noted` keeps that for the next start; if that fails, it is as was asked for all the same until
    /// then. Blocks.
    pub(crate) fn pause(
        &self,
        paused: bool,
        noted: impl FnOnce(&Job) -> Result<(), ViewsError>,
    ) -> Result<Steered, ViewsError> {
        let _noting = self.noting.lock();
        let mut job = None;
        // What is past waiting goes on as it is.
        let heeds = |running: &Running| match running.stage {
            _ if running.cut.is_some() => Heeds::ItsEnd,
            Stage::Heeding => Heeds::Still,
            _ if !paused => Heeds::Still,
            Stage::Placing | Stage::Over => Heeds::NoLonger,
        };
        let steered = self.steer(heeds, |running| {
            // What was reached before a pause says nothing of the rate after it.
            running.samples.clear();
            running.job.paused = paused;
            job = Some(running.job.clone());
        });
        if let Some(job) = job {
            noted(&job)?;
        }
        Ok(steered)
    }

    pub(crate) fn abort(&self) -> Steered {
        let heeds = |running: &Running| match running.stage {
            Stage::Heeding => Heeds::Still,
            Stage::Placing | Stage::Over => Heeds::NoLonger,
        };
        self.steer(heeds, |running| running.cut = Some(Cut::Aborted))
    }

    /// The log is another one: what is built is worth nothing.
    pub(crate) fn void(&self) {
        self.with(|running| running.cut = Some(Cut::Replaced));
    }

    /// Nothing serves, and all views are to be built: whatever is built beside them makes way, also if it is paused.
    pub(crate) fn overtake(&self) {
        self.with(|running| running.cut = running.cut.or(Some(Cut::Overtaken)));
    }

    fn with<T>(&self, look: impl FnOnce(&mut Running) -> T) -> Option<T> {
        self.running.lock().as_mut().map(look)
    }
}

/// The right to build, and the duty to look how it is steered; one holder at a time.
#[derive(Debug)]
pub(crate) struct Claim(Arc<Work>);

impl Claim {
    /// Takes it, and has `noted` keep for the next start what is done, before anybody can have it wait. `None`: something
    /// else is being built. Blocks.
    pub(crate) fn noted(
        work: &Arc<Work>,
        job: &Job,
        noted: impl FnOnce(&Job) -> Result<(), ViewsError>,
    ) -> Result<Option<Self>, ViewsError> {
        let _noting = work.noting.lock();
        let claim = Self::take(work, job.clone());
        if claim.is_some() {
            noted(job)?;
        }
        Ok(claim)
    }

    /// Takes it for what `note` says was noted, which nobody changes meanwhile. `None`: nothing was, or something else is being
    /// built. Blocks.
    pub(crate) fn of_note<T>(
        work: &Arc<Work>,
        note: impl FnOnce() -> Option<(Job, T)>,
    ) -> Option<(Self, Job, T)> {
        let _noting = work.noting.lock();
        let (job, with) = note()?;
        let claim = Self::take(work, job.clone())?;
        Some((claim, job, with))
    }

    /// `None`: something else is being built.
    pub(crate) fn take(work: &Arc<Work>, job: Job) -> Option<Self> {
        let mut running = work.running.lock();
        if running.is_some() {
            return None;
        }
        *running = Some(Running {
            job,
            position: Position::START,
            head: Position::START,
            throttled: None,
            cut: None,
            stage: Stage::Heeding,
            samples: VecDeque::new(),
        });
        Some(Self(Arc::clone(work)))
    }

    /// The work is done, whatever came of it. `forget` is not overtaken by what somebody has noted. Blocks.
    pub(crate) fn over(&self, forget: impl FnOnce()) {
        let _noting = self.0.noting.lock();
        self.0.with(|running| running.stage = Stage::Over);
        forget();
    }

    pub(crate) fn set_head(&self, head: Position) {
        self.0.with(|running| running.head = head);
    }

    pub(crate) fn reached(&self, position: Position) {
        self.0.with(|running| {
            running.position = position;
            running.head = running.head.max(position);
            let now = Instant::now();
            let last = running.samples.back();
            if last.is_none_or(|(at, _)| now.duration_since(*at) >= SAMPLE) {
                running.samples.push_back((now, position));
            }
            while running
                .samples
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
            {
                running.samples.pop_front();
            }
        });
    }

    pub(crate) fn set_throttled(&self, throttled: Option<Throttle>) {
        self.0.with(|running| running.throttled = throttled);
    }

    /// Whether to wait, unless it is to end.
    pub(crate) fn is_paused(&self) -> Result<bool, ViewsError> {
        self.0.with(Running::is_paused).unwrap_or(Ok(false))
    }

    /// The last moment to heed orders, unless what was built is only looked at: from here on it is put in place. `false`: it
    /// is paused, and this was not the last moment yet.
    pub(crate) fn go_to_the_end(&self) -> Result<bool, ViewsError> {
        let go = |running: &mut Running| {
            if running.is_paused()? {
                return Ok(false);
            }
            if running.job.task != Task::Verify {
                running.stage = Stage::Placing;
            }
            Ok(true)
        };
        self.0.with(go).unwrap_or(Ok(true))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        *self.0.running.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(task: Task) -> Job {
        Job {
            task,
            unit: None,
            by: "a test".to_owned(),
            max_rate: None,
            paused: false,
        }
    }

    #[test]
    fn one_thing_is_built_at_a_time() {
        let work = Arc::default();
        let claim = Claim::take(&work, job(Task::Rebuild)).expect("nothing is built yet");
        assert!(Claim::take(&work, job(Task::Verify)).is_none());
        drop(claim);
        assert!(Claim::take(&work, job(Task::Verify)).is_some());
    }

    #[test]
    fn orders_can_be_given_twice_and_to_nobody() {
        let work: Arc<Work> = Arc::default();
        let pause = |paused| work.pause(paused, |_| Ok(())).expect("noted");
        let orders = || [pause(true), pause(true), work.abort()];
        assert!(
            orders()
                .iter()
                .all(|answer| *answer == Steered::NothingRuns)
        );
        let first = Claim::take(&work, job(Task::First));
        assert!(orders().iter().all(|answer| *answer == Steered::MustFinish));
        drop(first);
        let claim = Claim::take(&work, job(Task::Rebuild)).expect("the first build has ended");
        for paused in [true, true, false, false] {
            assert!(matches!(pause(paused), Steered::Done(progress) if progress.paused == paused));
            assert_eq!(claim.is_paused().ok(), Some(paused));
        }
        for _ in 0..2 {
            assert!(matches!(work.abort(), Steered::Done(_)));
            assert!(matches!(claim.is_paused(), Err(ViewsError::Aborted)));
        }
        for paused in [true, false] {
            let steered = pause(paused);
            assert!(
                matches!(steered, Steered::Ending(_)),
                "it is aborted, whatever it is told then: {steered:?}"
            );
        }
        assert!(claim.go_to_the_end().is_err(), "it is aborted");
        claim.over(|| {});
        assert!(
            orders()
                .iter()
                .all(|answer| *answer == Steered::NothingRuns)
        );
    }

    #[test]
    fn an_order_that_comes_too_late_is_not_answered_as_done() {
        let late =
            |answer: &Steered| matches!(answer, Steered::TooLate(progress) if !progress.paused);
        for (task, heeds) in [(Task::Rebuild, false), (Task::Verify, true)] {
            let work: Arc<Work> = Arc::default();
            let claim = Claim::take(&work, job(task)).expect("nothing is built yet");
            let pause = |paused| work.pause(paused, |_| Ok(())).expect("noted");
            pause(true);
            assert_eq!(claim.go_to_the_end().ok(), Some(false), "{task:?}: paused");
            pause(false);
            assert_eq!(claim.go_to_the_end().ok(), Some(true), "{task:?}");
            let paused = pause(true);
            assert_eq!(late(&paused), !heeds, "{task:?}: {paused:?}");
            assert_eq!(claim.is_paused().ok(), Some(heeds), "{task:?}");
            let resumed = pause(false);
            assert!(matches!(resumed, Steered::Done(_)), "{task:?}: it goes on");
            let aborted = work.abort();
            assert_eq!(late(&aborted), !heeds, "{task:?}: {aborted:?}");
            assert_eq!(claim.is_paused().is_err(), heeds, "{task:?}");
        }
    }

    #[test]
    fn how_far_it_is_can_be_asked_while_something_is_noted() {
        let work: Arc<Work> = Arc::default();
        let claim = Claim::take(&work, job(Task::Rebuild)).expect("nothing is built yet");
        let is_free = || work.running.try_lock().is_some();
        let paused = work.pause(true, |_| {
            assert!(is_free(), "while a pause is noted");
            Ok(())
        });
        assert!(matches!(paused, Ok(Steered::Done(_))), "{paused:?}");
        claim.over(|| assert!(is_free(), "while the note is removed"));
    }

    #[test]
    fn a_pause_is_noted_after_what_was_begun() {
        let work: Arc<Work> = Arc::default();
        let begun = Claim::noted(&work, &job(Task::Rebuild), |_| {
            assert!(work.noting.try_lock().is_none(), "a pause waits until then");
            Ok(())
        });
        assert!(matches!(begun, Ok(Some(_))), "{begun:?}");
    }

    #[test]
    fn what_was_noted_is_read_while_nobody_notes_anything() {
        let work: Arc<Work> = Arc::default();
        let taken = Claim::of_note(&work, || {
            assert!(work.noting.try_lock().is_none(), "others wait until then");
            Some((job(Task::Rebuild), ()))
        });
        assert!(taken.is_some(), "nothing else is built");
        let second = Claim::of_note(&work, || Some((job(Task::Rebuild), ())));
        assert!(second.is_none(), "now something is");
    }

    #[test]
    fn what_cannot_be_noted_is_not_begun() {
        let work: Arc<Work> = Arc::default();
        let begun = Claim::noted(&work, &job(Task::Rebuild), |_| Err(ViewsError::NoViews));
        assert!(matches!(begun, Err(ViewsError::NoViews)), "{begun:?}");
        assert_eq!(work.progress(), None);
    }

    #[test]
    fn what_is_paused_makes_way_for_the_first_views() {
        let work: Arc<Work> = Arc::default();
        let claim = Claim::take(&work, job(Task::Rebuild)).expect("nothing is built yet");
        assert!(work.pause(true, |_| Ok(())).is_ok());
        work.overtake();
        assert!(matches!(claim.is_paused(), Err(ViewsError::Overtaken)));
    }
}
