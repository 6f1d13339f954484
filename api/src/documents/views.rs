//! How the views of this node are: what operators are shown, over REST and on the command line.

use std::time::Duration;

use application::workspace::Workspace;
use eventstore::head_within;
use projections::{
    Health, Note, Overview, Progress, ProjectionStatus, SEARCH, Search, Standing, Task, Throttle,
};
use serde::{Deserialize, Serialize};

/// How long the log may take to answer whoever asks how the views are.
const LOG_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Whether views serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ready,
    Building,
    Failing,
    Stopped,
    /// No server runs on the data folder.
    NoServer,
}

/// Everything about the views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewsReport {
    pub state: State,
    /// Why they fail or have stopped.
    pub reason: Option<String>,
    /// Why the log cannot be read now, if so: what is said of it is what was known last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Identity of the log, and its last position.
    pub log: String,
    pub head: u64,
    /// Identity of the log that the views are of, and the position they stand at; none if there are no views.
    pub of_log: Option<String>,
    pub position: Option<u64>,
    /// Whether that is a place in the log; none if that is not known, because the log cannot be read.
    pub matches: Option<bool>,
    /// Events they are behind, and for how long without a break.
    pub behind: u64,
    pub behind_for_ms: u64,
    pub dead_letters: u64,
    /// What is built beside them now.
    pub work: Option<WorkReport>,
    /// A rebuild that is not finished, and is taken up when the server starts.
    pub noted: Option<Note>,
    pub views: Vec<ViewReport>,
}

/// One view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewReport {
    pub name: String,
    pub version: u32,
    pub position: u64,
    pub behind: u64,
    #[serde(default, skip_serializing_if = "Standing::is_own")]
    pub standing: Standing,
}

/// What is built beside the views that serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkReport {
    pub task: String,
    /// None: all views.
    pub view: Option<String>,
    pub by: String,
    pub position: u64,
    pub head: u64,
    /// Events per second, lately.
    pub rate: f64,
    pub remaining_seconds: Option<u64>,
    pub paused: bool,
    /// What holds it back now.
    pub throttled_by: Option<String>,
    /// Events per second at most.
    pub max_rate: Option<u32>,
}

impl From<Progress> for WorkReport {
    fn from(progress: Progress) -> Self {
        let task = match progress.task {
            Task::First => "first-build",
            Task::Rebuild => "rebuild",
            Task::Verify => "verify",
        };
        let throttled_by = progress.throttled.map(|by| match by {
            Throttle::MaxRate => "max-rate",
            Throttle::LiveTraffic => "live-traffic",
        });
        Self {
            task: task.to_owned(),
            view: progress.unit.map(str::to_owned),
            by: progress.by,
            position: progress.position.get(),
            head: progress.head.get(),
            rate: progress.rate,
            remaining_seconds: progress.remaining.map(|rest| rest.as_secs()),
            paused: progress.paused,
            throttled_by: throttled_by.map(str::to_owned),
            max_rate: progress.max_rate.map(std::num::NonZero::get),
        }
    }
}

impl ViewReport {
    /// The index of messages of a running server, which is listed with the views.
    fn of_search(search: &Search) -> Self {
        let lag = search.lag();
        Self {
            name: SEARCH.to_owned(),
            version: Search::version(),
            position: lag.checkpoint.get(),
            behind: lag.events,
            standing: Standing::Own,
        }
    }
}

impl From<ProjectionStatus> for ViewReport {
    fn from(view: ProjectionStatus) -> Self {
        Self {
            name: view.name,
            version: view.version,
            position: view.checkpoint.get(),
            behind: view.lag,
            standing: view.standing,
        }
    }
}

impl ViewsReport {
    /// Of a folder that no server runs on.
    pub fn of_folder(
        overview: Overview,
        search: ProjectionStatus,
        dead_letters: u64,
        noted: Option<Note>,
    ) -> Self {
        let place = overview.place;
        let views = overview.projections.into_iter().chain([search]);
        let mut views: Vec<ViewReport> = views.map(ViewReport::from).collect();
        views.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            state: State::NoServer,
            reason: None,
            unreadable: None,
            log: overview.log.to_string(),
            head: overview.head.get(),
            of_log: place.map(|place| place.log.to_string()),
            position: place.map(|place| place.position.get()),
            matches: Some(overview.matches),
            behind: place.map_or(0, |place| {
                overview.head.get().saturating_sub(place.position.get())
            }),
            behind_for_ms: 0,
            dead_letters,
            work: None,
            noted,
            views,
        }
    }

    /// Of a running server.
    pub async fn of_server(workspace: &Workspace) -> Self {
        let log = workspace.executor().store();
        let unreadable = head_within(&**log, LOG_ANSWERS_WITHIN).await.err();
        let views = workspace.views();
        let (lag, place) = (views.lag(), views.place());
        let (state, reason) = match views.health() {
            Health::Ready => (State::Ready, None),
            Health::Building => (State::Building, None),
            Health::Failing(reason) => (State::Failing, Some(reason)),
            Health::Stopped(reason) => (State::Stopped, Some(reason)),
        };
        let serves = views.serves();
        let all = views
            .registry()
            .versions()
            .into_iter()
            .map(|(name, version)| ViewReport {
                name: name.to_owned(),
                version,
                position: lag.checkpoint.get(),
                behind: lag.events,
                standing: Standing::Own,
            });
        let mut all: Vec<_> = all
            .chain(workspace.search().map(ViewReport::of_search))
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            state,
            reason,
            log: log.id().to_string(),
            head: lag.head.get(),
            of_log: serves.then(|| place.log.to_string()),
            position: serves.then(|| lag.checkpoint.get()),
            matches: unreadable.is_none().then_some(serves),
            unreadable: unreadable.map(|error| error.to_string()),
            behind: lag.events,
            behind_for_ms: millis(lag.since),
            dead_letters: views.dead_letter_count(),
            work: views.progress().map(WorkReport::from),
            noted: None,
            views: all,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
