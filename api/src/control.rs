//! How commands reach the server that runs on a data folder: through small files in it, which only who may write
//! the folder can make.
//!
//! A command is the file `control/<name>.request`. The server takes it (deletes it) and keeps writing
//! `control/<name>.answer` until the answer says it is the last.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::EventStore;
use projections::{ProjectionStatus, Views};
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
}

impl Request {
    const ALL: [Self; 2] = [Self::List, Self::Rebuild];

    fn file(self, folder: &Path, kind: &str) -> PathBuf {
        let name = match self {
            Self::List => "list",
            Self::Rebuild => "rebuild",
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
    /// The views: name, version, checkpoint, lag.
    Listed(Vec<(String, u32, u64, u64)>),
    /// Done; the views contain everything up to this position.
    Rebuilt(u64),
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
pub async fn watch(
    folder: PathBuf,
    log: Arc<dyn EventStore>,
    views: Views,
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
            // Taking it is deleting it: what cannot be deleted is not taken, and so not done over and over.
            if fs::remove_file(request.file(&folder, "request")).is_err() {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {
                    answer(&folder, request, &Answer::Failed("the server is stopping".to_owned()));
                    return;
                }
                last = carry_out(&folder, request, &log, &views) => answer(&folder, request, &last),
            }
        }
    }
}

async fn carry_out(
    folder: &Path,
    request: Request,
    log: &Arc<dyn EventStore>,
    views: &Views,
) -> Answer {
    match request {
        Request::List => match projections::list(&folder.join("views"), log.clone()).await {
            Ok(status) => Answer::Listed(rows(status)),
            Err(error) => Answer::Failed(error.to_string()),
        },
        Request::Rebuild => rebuild(folder, views).await,
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

/// The command line's side: asks, reports progress, and returns the last answer.
pub fn ask(
    folder: &Path,
    request: Request,
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
    fs::write(&asked, "").map_err(failed)?;
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
