//! How commands reach the server that runs on a data folder: through small files in it, which only somebody who may
//! write to the folder can make.
//!
//! A command is the file `control/<name>.request`. The server takes it (deletes it) and keeps writing
//! `control/<name>.answer` until the answer says it is the last.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::admin::administrators::{self, Appointed, Appointment};
use eventstore::{EventStore, Position};
use projections::{Overview, Views};
use reactors::{ReactorStatus, Reactors};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// How often either side checks.
const LOOK: Duration = Duration::from_millis(300);

/// How long the command line waits for the server to take a request.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// How far each view is.
    List,
    Rebuild,
    /// How far each reactor is.
    ListReactors,
    ResetReactors(Reset),
    MakeAdmin(Appointment),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// `None`: all of them.
    pub reactor: Option<String>,
    /// `None`: the head of the log.
    pub at: Option<u64>,
}

impl Reset {
    pub fn position(&self) -> Option<Position> {
        self.at.map(Position::new)
    }
}

/// A kind of request, each with files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Rebuild,
    ListReactors,
    ResetReactors,
    MakeAdmin,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::List,
        Self::Rebuild,
        Self::ListReactors,
        Self::ResetReactors,
        Self::MakeAdmin,
    ];

    fn file(self, folder: &Path, extension: &str) -> PathBuf {
        let name = match self {
            Self::List => "list",
            Self::Rebuild => "rebuild",
            Self::ListReactors => "list-reactors",
            Self::ResetReactors => "reset-reactors",
            Self::MakeAdmin => "make-admin",
        };
        folder.join("control").join(format!("{name}.{extension}"))
    }

    /// The request in a file with this content; `None`: it is not valid.
    fn with(self, content: &[u8]) -> Option<Request> {
        Some(match self {
            Self::List => Request::List,
            Self::Rebuild => Request::Rebuild,
            Self::ListReactors => Request::ListReactors,
            Self::ResetReactors => Request::ResetReactors(serde_json::from_slice(content).ok()?),
            Self::MakeAdmin => Request::MakeAdmin(serde_json::from_slice(content).ok()?),
        })
    }
}

impl Request {
    fn kind(&self) -> Kind {
        match self {
            Self::List => Kind::List,
            Self::Rebuild => Kind::Rebuild,
            Self::ListReactors => Kind::ListReactors,
            Self::ResetReactors(_) => Kind::ResetReactors,
            Self::MakeAdmin(_) => Kind::MakeAdmin,
        }
    }

    fn content(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::List | Self::Rebuild | Self::ListReactors => Ok(Vec::new()),
            Self::ResetReactors(reset) => serde_json::to_vec(reset),
            Self::MakeAdmin(wish) => serde_json::to_vec(wish),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is working: this far, of so much.
    Progress(u64, u64),
    Listed(Listing),
    Reactors(Vec<ReactorRow>),
    /// These reactors now begin at this position.
    Reset(Vec<String>, u64),
    /// Done; the views contain everything up to this position.
    Rebuilt(u64),
    /// Whether the account was created for it.
    Appointed(bool),
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Identity of the log.
    pub log: String,
    /// Last position of the log.
    pub head: u64,
    /// Identity of the log that the views are of, and the position they stand at.
    pub views: Option<(String, u64)>,
    /// Whether that is a place in the log.
    pub matches: bool,
    /// Each view: name, version, checkpoint, lag.
    pub rows: Vec<(String, u32, u64, u64)>,
}

impl From<Overview> for Listing {
    fn from(overview: Overview) -> Self {
        let views = overview.place;
        let rows = overview
            .projections
            .into_iter()
            .map(|view| (view.name, view.version, view.checkpoint.get(), view.lag));
        Self {
            log: overview.log.to_string(),
            head: overview.head.get(),
            views: views.map(|place| (place.log.to_string(), place.position.get())),
            matches: overview.matches,
            rows: rows.collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactorRow {
    pub name: String,
    /// The last position it has dealt with.
    pub position: u64,
    /// Identity of the log of that position, as far as known.
    pub log: Option<String>,
    /// Whether that is a place in the log.
    pub matches: bool,
}

impl From<ReactorStatus> for ReactorRow {
    fn from(status: ReactorStatus) -> Self {
        Self {
            name: status.name,
            position: status.position.get(),
            log: status.log.map(|log| log.to_string()),
            matches: status.matches,
        }
    }
}

/// The server's side: takes requests until `stop`.
pub async fn watch(folder: PathBuf, state: AppState, reactors: Reactors, stop: CancellationToken) {
    // Left over from before this start: nobody waits for them any more.
    for kind in Kind::ALL {
        let _ = fs::remove_file(kind.file(&folder, "request"));
    }
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        for kind in Kind::ALL {
            let file = kind.file(&folder, "request");
            let Ok(content) = fs::read(&file) else {
                continue;
            };
            // Taking it means deleting it: what cannot be deleted is not taken, and so not done over and over.
            if fs::remove_file(&file).is_err() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {
                    answer(&folder, kind, &Answer::Failed("the server is stopping".to_owned()));
                    return;
                }
                last = carry_out(&folder, kind.with(&content), &state, &reactors) => {
                    answer(&folder, kind, &last);
                }
            }
        }
    }
}

async fn carry_out(
    folder: &Path,
    request: Option<Request>,
    state: &AppState,
    reactors: &Reactors,
) -> Answer {
    let log = state.executor().store();
    match request {
        None => Answer::Failed("the running server does not understand the request".to_owned()),
        Some(Request::List) => list(folder, log).await,
        Some(Request::ListReactors) => list_reactors(folder, &**log).await,
        Some(Request::ResetReactors(reset)) => reset_reactors(&reset, &**log, reactors).await,
        Some(Request::Rebuild) => rebuild(folder, state.views()).await,
        Some(Request::MakeAdmin(wish)) => match administrators::appoint(state, &wish).await {
            Ok(appointed) => {
                let username = &wish.username;
                tracing::warn!(
                    username,
                    "appointed an administrator as asked for on the command line"
                );
                Answer::Appointed(appointed == Appointed::Made)
            }
            Err(error) => Answer::Failed(error.to_string()),
        },
    }
}

async fn list(folder: &Path, log: &Arc<dyn EventStore>) -> Answer {
    match projections::list(&folder.join("views"), log.clone()).await {
        Ok(overview) => Answer::Listed(overview.into()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

async fn list_reactors(folder: &Path, log: &dyn EventStore) -> Answer {
    match reactors::list(&folder.join("reactors"), log).await {
        Ok(all) => Answer::Reactors(all.into_iter().map(ReactorRow::from).collect()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

async fn reset_reactors(reset: &Reset, log: &dyn EventStore, reactors: &Reactors) -> Answer {
    let work = async {
        let place = reactors::place_named(log, reset.position())
            .await
            .map_err(|error| error.to_string())?;
        tracing::info!(reactor = reset.reactor, %place, "reactors begin elsewhere, as asked for on the command line");
        let names = reactors.reset(reset.reactor.as_deref(), place).await;
        let names = names.map_err(|error| error.to_string())?;
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(Answer::Reset(names, place.position.get()))
    };
    work.await.unwrap_or_else(Answer::Failed)
}

async fn rebuild(folder: &Path, views: &Views) -> Answer {
    tracing::info!("rebuilding the views as asked for on the command line");
    let mut rebuild = std::pin::pin!(views.rebuild());
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            outcome = &mut rebuild => return match outcome {
                Ok(()) => Answer::Rebuilt(views.applied().get()),
                Err(error) => Answer::Failed(error.to_string()),
            },
            _ = looks.tick() => {
                let progress = views.rebuild_progress().map_or((0, 0), |at| (at.position.get(), at.head.get()));
                answer(folder, Kind::Rebuild, &Answer::Progress(progress.0, progress.1));
            }
        }
    }
}

fn answer(folder: &Path, kind: Kind, answer: &Answer) {
    let (path, fresh) = (kind.file(folder, "answer"), kind.file(folder, "answer.new"));
    // Renamed into place, so that nobody reads half an answer.
    let written = serde_json::to_vec(answer)
        .map_err(std::io::Error::other)
        .and_then(|text| fs::write(&fresh, text))
        .and_then(|()| fs::rename(&fresh, &path));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "cannot answer the command line");
    }
}

/// Writes a file that nobody else can read, and renames it into place, so that nobody reads half of it.
fn put(path: &Path, fresh: &Path, content: &[u8]) -> std::io::Result<()> {
    let _ = fs::remove_file(fresh);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(fresh)?.write_all(content)?;
    fs::rename(fresh, path)
}

/// The command line's side: sends the request, reports progress, and returns the last answer.
pub fn ask(
    folder: &Path,
    request: &Request,
    mut progress: impl FnMut(u64, u64),
) -> Result<Answer, String> {
    let failed = |error: std::io::Error| {
        format!(
            "cannot reach the running server through {}: {error}",
            folder.display()
        )
    };
    fs::create_dir_all(folder.join("control")).map_err(failed)?;
    let kind = request.kind();
    let (asked, answered) = (kind.file(folder, "request"), kind.file(folder, "answer"));
    let _ = fs::remove_file(&answered);
    let content = request.content().map_err(|error| error.to_string())?;
    put(&asked, &kind.file(folder, "request.new"), &content).map_err(failed)?;
    let since = Instant::now();
    loop {
        std::thread::sleep(LOOK);
        let answer = fs::read(&answered)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        match answer {
            Some(Answer::Progress(at, of)) => progress(at, of),
            Some(last) => {
                let _ = fs::remove_file(&answered);
                return Ok(last);
            }
            None if asked.exists() && since.elapsed() > TAKEN_WITHIN => {
                let _ = fs::remove_file(&asked);
                return Err(
                    "another hansard command uses the data folder, or a server that has not started yet; try again \
                     later"
                        .to_owned(),
                );
            }
            None => {}
        }
    }
}
