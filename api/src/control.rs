//! How commands reach the server that runs on a data folder: through small files in it, which only who may write
//! the folder can make.
//!
//! A command is the file `control/<name>.request`. The server takes it (deletes it) and keeps writing
//! `control/<name>.answer` until the answer says it is the last.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use projections::{ProjectionStatus, Views};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::commands::administrators::{self, Appointed, Appointment};
use crate::state::AppState;

/// How often either side looks.
const LOOK: Duration = Duration::from_millis(300);

/// How long the command line waits for the server to take a request.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// What can be asked of a running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// How far is each view?
    List,
    /// Build all views anew.
    Rebuild,
    /// Appoint an administrator.
    MakeAdmin(Appointment),
}

/// A kind of request, each with files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Rebuild,
    MakeAdmin,
}

impl Kind {
    const ALL: [Self; 3] = [Self::List, Self::Rebuild, Self::MakeAdmin];

    fn file(self, folder: &Path, extension: &str) -> PathBuf {
        let name = match self {
            Self::List => "list",
            Self::Rebuild => "rebuild",
            Self::MakeAdmin => "make-admin",
        };
        folder.join("control").join(format!("{name}.{extension}"))
    }

    /// The request that came in a file with this content; `None`: it says nothing sensible.
    fn with(self, content: &[u8]) -> Option<Request> {
        Some(match self {
            Self::List => Request::List,
            Self::Rebuild => Request::Rebuild,
            Self::MakeAdmin => Request::MakeAdmin(serde_json::from_slice(content).ok()?),
        })
    }
}

impl Request {
    fn kind(&self) -> Kind {
        match self {
            Self::List => Kind::List,
            Self::Rebuild => Kind::Rebuild,
            Self::MakeAdmin(_) => Kind::MakeAdmin,
        }
    }

    fn content(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::List | Self::Rebuild => Ok(Vec::new()),
            Self::MakeAdmin(wish) => serde_json::to_vec(wish),
        }
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is at it: this far, of so much.
    Progress(u64, u64),
    /// The views: name, version, checkpoint, lag.
    Listed(Vec<(String, u32, u64, u64)>),
    /// Done; the views contain everything up to this position.
    Rebuilt(u64),
    /// The administrator is there; whether the account was made for it.
    Appointed(bool),
    /// It did not work.
    Failed(String),
}

/// The shape views are listed in.
pub fn rows(views: Vec<ProjectionStatus>) -> Vec<(String, u32, u64, u64)> {
    views
        .into_iter()
        .map(|view| (view.name, view.version, view.checkpoint.get(), view.lag))
        .collect()
}

/// The server's side: takes requests until `stop`.
pub async fn watch(folder: PathBuf, state: AppState, stop: CancellationToken) {
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
            // Taking it is deleting it: what cannot be deleted is not taken, and so not done over and over.
            if fs::remove_file(&file).is_err() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {
                    answer(&folder, kind, &Answer::Failed("the server is stopping".to_owned()));
                    return;
                }
                last = carry_out(&folder, kind.with(&content), &state) => answer(&folder, kind, &last),
            }
        }
    }
}

async fn carry_out(folder: &Path, request: Option<Request>, state: &AppState) -> Answer {
    match request {
        None => Answer::Failed("the running server does not understand the request".to_owned()),
        Some(Request::List) => {
            let log = state.executor().store().clone();
            match projections::list(&folder.join("views"), log).await {
                Ok(status) => Answer::Listed(rows(status)),
                Err(error) => Answer::Failed(error.to_string()),
            }
        }
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

/// Renames a file into place that nobody else can read, so that nobody reads half of it.
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

/// The command line's side: asks, reports progress, and returns the last answer.
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
                    "the process that uses the data folder does not take requests; is it a server?"
                        .to_owned(),
                );
            }
            None => {}
        }
    }
}
