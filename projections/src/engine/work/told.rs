//! What is told of what is built.

use std::num::NonZeroU32;
use std::time::Duration;

use eventstore::Position;

/// What is built beside the views that serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Views, because none serve that are of this version and of this log.
    First,
    /// Views that are put in the place of those that serve.
    Rebuild,
    /// Views that those that serve are compared with.
    Verify,
}

/// Who or what holds the work back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Whoever asked for it set a greatest rate.
    MaxRate,
    /// The views that serve have events to apply.
    LiveTraffic,
}

/// How far the work is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is done.
    pub task: Task,
    /// Which views, by the name they have together; `None`: all.
    pub unit: Option<&'static str>,
    /// Who asked for it.
    pub by: String,
    /// The last position the new views contain.
    pub position: Position,
    /// The position they are to contain, as far as known.
    pub head: Position,
    /// Events per second, lately.
    pub rate: f64,
    /// How long it takes at that rate; `None` if that cannot be told.
    pub remaining: Option<Duration>,
    /// Whether somebody paused it.
    pub paused: bool,
    /// What holds it back now.
    pub throttled: Option<Throttle>,
    /// The greatest rate, in events per second.
    pub max_rate: Option<NonZeroU32>,
}

/// What came of pausing, resuming or aborting.
#[derive(Clone, Debug, PartialEq)]
pub enum Steered {
    /// It is now as was asked for, if it was not before. This is what was going on.
    Done(Progress),
    /// There is nothing to steer.
    NothingRuns,
    /// The views are being built because none serve, which cannot wait.
    MustFinish,
    /// What was built is being put in the place of the old views, which no longer heeds the order.
    TooLate(Progress),
    /// It was ended before: it neither waits nor goes on.
    Ending(Progress),
}

/// The first row in which views differ from those built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The view.
    pub view: String,
    /// Its table.
    pub table: String,
    /// What the row is known by, as `column=value`.
    pub key: String,
    /// The columns that differ; all, if one side has no such row.
    pub columns: Vec<String>,
    /// What the serving views say in these columns; `None`: there is no such row.
    pub serving: Option<String>,
    /// What the views built anew say; `None`: there is no such row.
    pub rebuilt: Option<String>,
}

/// What came of work that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// New views serve; they contain everything up to here.
    Rebuilt(Position),
    /// The views that serve are as new ones, at this position.
    Equal(Position),
    /// They are not, in this row if not in more.
    Different(Position, Difference),
    /// It was not done, and why.
    Failed(String),
}

/// The work that was done last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// Which views, by the name they have together; `None`: all.
    pub unit: Option<&'static str>,
    /// Who asked for it.
    pub by: String,
    /// What came of it.
    pub ended: Ended,
}
