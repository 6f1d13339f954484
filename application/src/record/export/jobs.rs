//! Exports that are made in the background, one at a time, and kept for some hours. All there is to know of one is in a
//! folder of its own: so they go on where they were when the server starts again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::begin::{begin, check, end, resume};
use super::folder::{Target, Unfinished, fill, put};
use super::job::{Ended, Job};
use super::make::make;
use super::order::{ExportWish, Reached};
use super::outcome::{Filled, Finished, FolderError};
use super::piece::{Begun, Piece};
use super::queue::Running;
use crate::error::{Error, Fault, Refusal};
use crate::ids::now;
use crate::record::access::Auditor;
use crate::workspace::Workspace;

/// How many may wait or be made.
const MOST_WAITING: usize = 8;

/// How many may be kept.
const MOST_KEPT: usize = 100;

/// How often one is tried before it fails.
const ATTEMPTS: u32 = 3;

/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// How often is looked for what is kept no longer.
const LOOK: Duration = Duration::from_mins(1);

/// How many pieces may wait to be written.
const PIECES: usize = 64;

const JOB: &str = "job.json";
const FILES: &str = "files";

fn folder(workspace: &Workspace) -> Result<PathBuf, Error> {
    let folder = workspace.exports().folder.clone();
    folder.ok_or_else(|| Refusal::NoExports.into())
}

/// Has an export made. That it begins is recorded.
pub async fn ask(
    workspace: &Workspace,
    auditor: &Auditor,
    wish: &ExportWish,
) -> Result<Job, Error> {
    let folder = folder(workspace)?;
    let jobs = kept(workspace).await?;
    let waiting = jobs.iter().filter(|job| job.ended.is_none()).count();
    if waiting >= MOST_WAITING || jobs.len() >= MOST_KEPT {
        return Err(Refusal::TooManyExports.into());
    }
    let job = Job {
        begun: begin(workspace, auditor, wish).await?.answer,
        ended: None,
    };
    save(folder, job.clone()).await?;
    workspace.exports().wake.notify_one();
    Ok(job)
}

/// Those that an auditor may see, the oldest first.
pub async fn list(workspace: &Workspace, auditor: &Auditor) -> Result<Vec<Job>, Error> {
    let mut jobs = kept(workspace).await?;
    jobs.retain(|job| job.is_visible_to(auditor));
    Ok(jobs)
}

/// One of them.
pub async fn find(workspace: &Workspace, auditor: &Auditor, id: &str) -> Result<Job, Error> {
    let jobs = list(workspace, auditor).await?;
    let job = jobs.into_iter().find(|job| job.id() == id);
    job.ok_or_else(|| Refusal::NoSuchExport.into())
}

/// The folder with the files of one that is complete.
pub fn files(workspace: &Workspace, job: &Job) -> Result<PathBuf, Error> {
    match job.ended {
        Some(Ended::Complete { .. }) => Ok(folder(workspace)?.join(job.id()).join(FILES)),
        Some(Ended::Failed { .. }) | None => Err(Refusal::ExportNotComplete.into()),
    }
}

/// Removes one, whether or not it is complete.
pub async fn remove(workspace: &Workspace, auditor: &Auditor, id: &str) -> Result<(), Error> {
    let job = find(workspace, auditor, id).await?;
    let path = folder(workspace)?.join(job.id());
    let queue = workspace.exports();
    loop {
        if let Some(running) = queue.running.borrow().as_ref().filter(|one| one.id == id) {
            running.stop.cancel();
        }
        let is_free = |running: &Option<Running>| running.as_ref().is_none_or(|one| one.id != id);
        // The sender is there for as long as the workspace is.
        let _ = queue.running.subscribe().wait_for(is_free).await;
        let _turn = queue.turn.lock().await;
        if is_free(&queue.running.borrow()) {
            return blocking(move || std::fs::remove_dir_all(path)).await;
        }
    }
}

/// All that are kept, the oldest first. Those that are kept no longer are removed before.
async fn kept(workspace: &Workspace) -> Result<Vec<Job>, Error> {
    let folder = folder(workspace)?;
    let of_folder = folder.clone();
    let jobs = blocking(move || read_all(&of_folder)).await?;
    let now = now();
    let expired = |job: &Job| job.expires_at(workspace).is_some_and(|at| at <= now);
    let (expired, kept): (Vec<_>, Vec<_>) = jobs.into_iter().partition(expired);
    for job in expired {
        let path = folder.join(job.id());
        if let Err(error) = blocking(move || std::fs::remove_dir_all(path)).await {
            tracing::warn!(%error, export = job.id(), "an export could not be removed");
        }
    }
    Ok(kept)
}

/// Makes what was asked for, one after the other, until `stop`.
pub async fn run(workspace: Workspace, stop: CancellationToken) {
    let queue = workspace.exports();
    if queue.folder.is_none() {
        return stop.cancelled().await;
    }
    while !stop.is_cancelled() {
        match next(&workspace, &stop).await {
            Ok(Some((job, own))) => {
                work(&workspace, job, &own).await;
                queue.running.send_replace(None);
                continue;
            }
            Ok(None) => {}
            Err(error) => error.log(),
        }
        tokio::select! {
            () = queue.wake.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// The one that is made next, and what stops it alone.
async fn next(
    workspace: &Workspace,
    stop: &CancellationToken,
) -> Result<Option<(Job, CancellationToken)>, Error> {
    let queue = workspace.exports();
    let _turn = queue.turn.lock().await;
    let jobs = kept(workspace).await?;
    let next = jobs.into_iter().find(|job| job.ended.is_none());
    Ok(next.map(|job| {
        let own = stop.child_token();
        queue.running.send_replace(Some(Running {
            id: job.id().to_owned(),
            stop: own.clone(),
            progress: (0, 0),
        }));
        (job, own)
    }))
}

/// Makes one, if it is not stopped, and notes what came of it.
async fn work(workspace: &Workspace, job: Job, stop: &CancellationToken) {
    let Some(ended) = outcome(workspace, &job, stop).await else {
        return;
    };
    let id = job.id().to_owned();
    let job = Job {
        ended: Some(ended),
        ..job
    };
    let noted = async {
        let folder = folder(workspace)?;
        if matches!(job.ended, Some(Ended::Failed { .. })) {
            // They cannot be downloaded, and the disk may be full of them.
            let files = folder.join(job.id()).join(FILES);
            if let Err(error) = blocking(move || std::fs::remove_dir_all(files)).await {
                tracing::warn!(%error, export = job.id(), "the files of an export could not be removed");
            }
        }
        save(folder, job).await
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, export = id, "what came of an export cannot be noted");
        pause(stop).await;
    }
}

/// What comes of one; `None`: it was stopped.
async fn outcome(workspace: &Workspace, job: &Job, stop: &CancellationToken) -> Option<Ended> {
    for number in 1.. {
        let made = attempt(workspace, job, stop).await;
        if stop.is_cancelled() {
            return None;
        }
        match made {
            Ok(finished) => {
                let at = now();
                return Some(Ended::Complete { at, finished });
            }
            Err(error) if number < ATTEMPTS => {
                tracing::warn!(%error, export = job.id(), "an export is not made yet");
                pause(stop).await;
            }
            Err(error) => {
                tracing::error!(%error, export = job.id(), "an export cannot be made");
                break;
            }
        }
    }
    Some(Ended::Failed { at: now() })
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = stop.cancelled() => {}
    }
}

async fn attempt(
    workspace: &Workspace,
    job: &Job,
    stop: &CancellationToken,
) -> Result<Finished, Error> {
    let order = &job.begun.order;
    check(workspace, order).await?;
    let files = folder(workspace)?.join(job.id()).join(FILES);
    let (target, reached) = blocking_folder(move || target(&files)).await?;
    let begun = match &reached {
        // What is shown from here on is a reading of its own.
        Some(_) => {
            let auditor = Auditor::of_reader(&order.asked_by, order.private_rooms);
            resume(workspace, &auditor, order.clone()).await?.answer
        }
        None => job.begun.clone(),
    };
    let (to, pieces) = mpsc::channel(PIECES);
    let filling = tokio::task::spawn_blocking(move || fill(target, pieces));
    let made = tokio::select! {
        made = hand_on(workspace, &begun, reached, to) => made,
        () = stop.cancelled() => Ok(()),
    };
    let filled = filling.await.map_err(|_| not_written())?;
    made?;
    let filled: Option<Filled> = filled.map_err(Fault::from)?;
    let filled = filled.ok_or_else(not_written)?;
    if let Some(reading) = filled.reading {
        let auditor = Auditor::of_reader(&order.asked_by, order.private_rooms);
        end(workspace, &auditor, reading, filled.shown).await?;
    }
    Ok(filled.finished)
}

/// Has pieces made, and hands them on; but notes progress.
async fn hand_on(
    workspace: &Workspace,
    begun: &Begun,
    reached: Option<Reached>,
    to: mpsc::Sender<Piece>,
) -> Result<(), Error> {
    let queue = workspace.exports();
    let (sender, mut pieces) = mpsc::channel(PIECES);
    let making = make(workspace, &begun.order, reached, sender);
    let handing = async {
        let begin = Piece::Begun(Box::new(begun.clone()));
        let mut taken = to.send(begin).await;
        while let Some(piece) = pieces.recv().await {
            if let Piece::Progress(done, all) = piece {
                queue.running.send_modify(|running| {
                    if let Some(running) = running {
                        running.progress = (done, all);
                    }
                });
            } else if taken.is_ok() {
                taken = to.send(piece).await;
            } else {
                break;
            }
        }
        // No more is made once nobody takes it.
        drop(pieces);
    };
    tokio::join!(making, handing).0
}

fn not_written() -> Error {
    Fault::Impossible("an export was not written".into()).into()
}

/// Where the files go, and what is complete of them.
fn target(files: &Path) -> Result<(Target, Option<Reached>), FolderError> {
    match Unfinished::find(files) {
        Ok(unfinished) => {
            let reached = unfinished.reached().cloned();
            Ok((Target::Unfinished(Box::new(unfinished)), reached))
        }
        Err(FolderError::NothingToResume(_)) => Ok((Target::Fresh(files.to_owned()), None)),
        // Complete, but that was not noted: what it came to is not known any more.
        Err(FolderError::Complete(path)) => {
            let removed = std::fs::remove_dir_all(&path);
            removed.map_err(|error| FolderError::io(&path, error))?;
            Ok((Target::Fresh(path), None))
        }
        Err(error) => Err(error),
    }
}

async fn save(folder: PathBuf, job: Job) -> Result<(), Error> {
    let write = move || {
        let own = folder.join(job.id());
        let failed = |error| FolderError::io(&own, error);
        std::fs::create_dir_all(&own).map_err(failed)?;
        let text = serde_json::to_vec_pretty(&job).map_err(|error| failed(error.into()))?;
        put(&own.join(JOB), &text)
    };
    blocking_folder(write).await
}

/// All jobs of a folder, by their ids, which are in the order of time.
fn read_all(folder: &Path) -> std::io::Result<Vec<Job>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut jobs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        match std::fs::read(path.join(JOB)) {
            Ok(text) => match serde_json::from_slice::<Job>(&text) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "an export cannot be read");
                }
            },
            // One that is being removed, or was never begun.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "an export cannot be read");
            }
        }
    }
    jobs.sort_by(|one, other| one.id().cmp(other.id()));
    Ok(jobs)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    blocking_folder(move || work().map_err(|error| FolderError::io(Path::new("exports"), error)))
        .await
}

async fn blocking_folder<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FolderError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| not_written())?.map_err(Fault::from)?)
}
