//! How commands reach the server that runs on a data folder: through small files in it, which only who may write
//! the folder can make.
//!
//! A command is the file `control/<name>.request`. The server takes it (deletes it) and keeps writing
//! `control/<name>.answer` until the answer says it is the last.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::{EventStore, Position};
use projections::{Overview, Views};
use reactors::{ReactorStatus, Reactors};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// How often either side looks.
const LOOK: Duration = Duration::from_millis(300);

/// How long the command line waits for the server to take a request.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// What can be asked of a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// How far is each view?
    List,
    /// Build all views anew.
    Rebuild,
    /// How far is each reactor?
    ListReactors,
    /// Have reactors begin elsewhere: a [`Reset`] as JSON.
    ResetReactors,
}

/// Which reactors are to begin where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The reactor; `None`: all of them.
    pub reactor: Option<String>,
    /// The position; `None`: the head of the log.
    pub at: Option<u64>,
}

impl Reset {
    /// The position as the log has it.
    pub fn position(&self) -> Option<Position> {
        self.at.map(Position::new)
    }
}

impl Request {
    const ALL: [Self; 4] = [
        Self::List,
        Self::Rebuild,
        Self::ListReactors,
        Self::ResetReactors,
    ];

    fn file(self, folder: &Path, kind: &str) -> PathBuf {
        let name = match self {
            Self::List => "list",
            Self::Rebuild => "rebuild",
            Self::ListReactors => "list-reactors",
            Self::ResetReactors => "reset-reactors",
        };
        folder.join("control").join(format!("{name}.{kind}"))
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is at it: this far, of so much.
    Progress(u64, u64),
    /// The views beside the log.
    Listed(Listing),
    /// The reactors.
    Reactors(Vec<ReactorRow>),
    /// These reactors begin at this position now.
    Reset(Vec<String>, u64),
    /// Done; the views contain everything up to this position.
    Rebuilt(u64),
    /// It did not work.
    Failed(String),
}

/// The shape views are listed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Identity of the log.
    pub log: String,
    /// Its last position.
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

/// The shape reactors are listed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactorRow {
    /// Its name.
    pub name: String,
    /// The last position it has dealt with.
    pub position: u64,
    /// Identity of the log that is in, as far as known.
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
pub async fn watch(
    folder: PathBuf,
    log: Arc<dyn EventStore>,
    views: Views,
    reactors: Reactors,
    stop: CancellationToken,
) {
    // Left over from before this start: nobody waits for them any more.
    for request in Request::ALL {
        let _ = fs::remove_file(request.file(&folder, "request"));
    }
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        for request in Request::ALL {
            let asked = request.file(&folder, "request");
            let Ok(details) = fs::read_to_string(&asked) else {
                continue;
            };
            // Taking it is deleting it: what cannot be deleted is not taken, and so not done over and over.
            if fs::remove_file(&asked).is_err() {
                continue;
            }
            let work = async {
                match request {
                    Request::ListReactors => list_reactors(&folder, &*log).await,
                    Request::ResetReactors => reset_reactors(&details, &*log, &reactors).await,
                    Request::List => list(&folder, &log).await,
                    Request::Rebuild => rebuild(&folder, &views).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {
                    answer(&folder, request, &Answer::Failed("the server is stopping".to_owned()));
                    return;
                }
                last = work => answer(&folder, request, &last),
            }
        }
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

async fn reset_reactors(details: &str, log: &dyn EventStore, reactors: &Reactors) -> Answer {
    let work = async {
        let reset: Reset = serde_json::from_str(details).map_err(|error| error.to_string())?;
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
                answer(folder, Request::Rebuild, &Answer::Progress(progress.0, progress.1));
            }
        }
    }
}

fn answer(folder: &Path, request: Request, answer: &Answer) {
    let (path, fresh) = (
        request.file(folder, "answer"),
        request.file(folder, "answer.new"),
    );
    // Renamed into place, so that nobody reads half an answer.
    let written = serde_json::to_vec(answer)
        .map_err(std::io::Error::other)
        .and_then(|text| fs::write(&fresh, text))
        .and_then(|()| fs::rename(&fresh, &path));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "cannot answer the command line");
    }
}

/// The command line's side: asks, reports progress, and returns the last answer. `details` are those of the request.
pub fn ask(
    folder: &Path,
    request: Request,
    details: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<Answer, String> {
    let failed = |error: std::io::Error| {
        format!(
            "cannot reach the running server through {}: {error}",
            folder.display()
        )
    };
    fs::create_dir_all(folder.join("control")).map_err(failed)?;
    let (asked, answered) = (
        request.file(folder, "request"),
        request.file(folder, "answer"),
    );
    let _ = fs::remove_file(&answered);
    // Renamed into place, so that nobody takes half a request.
    let fresh = request.file(folder, "request.new");
    fs::write(&fresh, details)
        .and_then(|()| fs::rename(&fresh, &asked))
        .map_err(failed)?;
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
                    "the process that uses the data folder does not take requests; is it a server?"
                        .to_owned(),
                );
            }
            None => {}
        }
    }
}
