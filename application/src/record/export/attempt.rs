//! One export of the background is made, and what comes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::begin::{check, end, resume};
use super::folder::{Target, Unfinished, fill_and_note, settle};
use super::job::{Ended, Job, Why};
use super::kept;
use super::make::make;
use super::order::Reached;
use super::outcome::{Filled, FolderError};
use super::piece::{Begun, Piece};
use super::queue::SPARE;
use crate::error::{Error, Fault};
use crate::ids::now;
use crate::record::access::Auditor;
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// How often one is tried before it fails.
const ATTEMPTS: u32 = 3;

/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// How many pieces may wait to be written.
const PIECES: usize = 64;

/// Makes one, if it is not stopped, and notes what came of it. Returns whether that is noted: if not, it is to be tried again
/// after a while.
pub(super) async fn work(
    workspace: &Workspace,
    folder: &Path,
    mut job: Job,
    stop: &CancellationToken,
) -> bool {
    let Some(ended) = outcome(workspace, folder, &mut job, stop).await else {
        return stop.is_cancelled();
    };
    let failed = matches!(ended, Ended::Failed { .. });
    job.ended = Some(ended);
    let (folder, id) = (folder.to_owned(), job.id().to_owned());
    let noting = move || {
        let files = kept::files(&folder, job.id());
        // They cannot be downloaded, and the disk may be full of them.
        if failed
            && files.exists()
            && let Err(error) = std::fs::remove_dir_all(&files)
        {
            tracing::warn!(%error, export = job.id(), "the files of an export could not be removed");
        }
        kept::save(&folder, &job)
    };
    match blocking(noting).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, export = id, "what came of an export cannot be noted");
            false
        }
    }
}

/// What comes of one. `None`: it was stopped; or all files are there, and that this is so cannot be recorded now.
async fn outcome(
    workspace: &Workspace,
    folder: &Path,
    job: &mut Job,
    stop: &CancellationToken,
) -> Option<Ended> {
    for number in 1.. {
        let done = attempt(workspace, folder, job, stop).await;
        if stop.is_cancelled() {
            return None;
        }
        let error = match (done, &job.made) {
            (Ok(()), Some(made)) => {
                let (at, finished) = (now(), made.finished);
                return Some(Ended::Complete { at, finished });
            }
            (Ok(()), None) => not_written(),
            (Err(error), _) => error,
        };
        let why = why(&error);
        if why == Why::Fault && number < ATTEMPTS {
            tracing::warn!(%error, export = job.id(), "an export is not made yet");
            pause(stop).await;
            continue;
        }
        if job.made.is_some() {
            tracing::error!(%error, export = job.id(), "that an export is complete cannot be recorded");
            return None;
        }
        tracing::error!(%error, export = job.id(), "an export cannot be made");
        return Some(Ended::Failed { at: now(), why });
    }
    None
}

fn why(error: &Error) -> Why {
    match error {
        Error::Fault(Fault::Export(error)) if error.is_for_want_of_room() => Why::DiskFull,
        Error::NotUnderstood(NotUnderstood::OtherProgram(_)) => Why::OtherVersion,
        Error::NotUnderstood(NotUnderstood::OtherRecord) => Why::OtherRecord,
        _ => Why::Fault,
    }
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = stop.cancelled() => {}
    }
}

/// Makes what is left of it, and has it recorded that it is complete. What is made stays made, whatever becomes of the record.
async fn attempt(
    workspace: &Workspace,
    folder: &Path,
    job: &mut Job,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let made = if let Some(made) = job.made.clone() {
        let files = kept::files(folder, job.id());
        // A crash may have come before that.
        blocking(move || settle(&files)).await?;
        made
    } else {
        let made = files(workspace, folder, job, stop).await?;
        job.made = Some(made.clone());
        made
    };
    match made.reading {
        Some(reading) => {
            let reader = &job.begun.order.asked_by;
            end(workspace, reader, made.private_rooms, reading, made.shown).await
        }
        None => Ok(()),
    }
}

/// Makes the files that are not complete, and notes that all are.
async fn files(
    workspace: &Workspace,
    folder: &Path,
    job: &Job,
    stop: &CancellationToken,
) -> Result<Filled, Error> {
    let (begun, order) = (&job.begun, &job.begun.order);
    check(workspace, order).await?;
    let path = kept::files(folder, job.id());
    let (target, reached) = blocking(move || target(path)).await?;
    let begun = match &reached {
        // What is shown from here on is a reading of its own.
        Some(_) => {
            let auditor = Auditor::of_reader(&order.asked_by, order.private_rooms);
            resume(workspace, &auditor, order.clone()).await?.answer
        }
        None => begun.clone(),
    };
    let (to, pieces) = mpsc::channel(PIECES);
    let (folder, mut made) = (folder.to_owned(), job.clone());
    let note = move |filled: &Filled| {
        made.made = Some(filled.clone());
        kept::save(&folder, &made)
    };
    let filling = tokio::task::spawn_blocking(move || fill_and_note(target, pieces, SPARE, note));
    let made = tokio::select! {
        made = hand_on(workspace, &begun, reached, to) => made,
        () = stop.cancelled() => Ok(()),
    };
    let filled = filling.await.map_err(|_| not_written())?;
    made?;
    let filled: Option<Filled> = filled.map_err(Fault::from)?;
    filled.ok_or_else(not_written)
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

/// Where the files go, and what is complete of them.
fn target(files: PathBuf) -> Result<(Target, Option<Reached>), FolderError> {
    match Unfinished::find(&files) {
        Ok(unfinished) => {
            let reached = unfinished.reached().cloned();
            Ok((Target::Unfinished(Box::new(unfinished)), reached))
        }
        Err(FolderError::NothingToResume(_)) => Ok((Target::Fresh(files), None)),
        Err(error) => Err(error),
    }
}

fn not_written() -> Error {
    Fault::Impossible("an export was not written".into()).into()
}

/// Does work with files, off the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FolderError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|_| not_written())?.map_err(Fault::from)?)
}
