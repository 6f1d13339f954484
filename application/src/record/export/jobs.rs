//! Exports that are made in the background, one at a time, and kept for some hours. All there is to know of one is in a
//! folder of its own: so they go on where they were when the server starts again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::attempt::{blocking, work};
use super::begin::{begin, removed};
use super::claims::Claim;
use super::downloads::Download;
use super::job::{self, Ended, Job};
use super::kept;
use super::order::ExportWish;
use super::outcome::FolderError;
use super::queue::{ExportQueue, Running, SPARE};
use super::space;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::record::access::Auditor;
use crate::workspace::Workspace;

/// How many may wait to be made, beside the one that is made.
const MOST_WAITING: usize = 8;

/// How many may be kept.
const MOST_KEPT: usize = 100;

/// How often is looked for what is kept no longer.
const LOOK: Duration = Duration::from_mins(1);

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
    if job::hours(workspace) == 0 {
        return Err(Refusal::ExportsOff.into());
    }
    let queue = workspace.exports();
    // Two who ask at the same time see each other.
    let _asking = queue.asking.lock().await;
    // Those of private rooms while these are hidden are nobody's to see or to remove, and no more of them can be asked for.
    let jobs = list(workspace, auditor).await?;
    let waits = |job: &&Job| job.ended.is_none() && queue.progress(job.id()).is_none();
    if jobs.iter().filter(waits).count() >= MOST_WAITING {
        return Err(Refusal::TooManyExportsWait(MOST_WAITING).into());
    }
    if jobs.len() >= MOST_KEPT {
        return Err(Refusal::TooManyExportsKept(MOST_KEPT).into());
    }
    let disk = folder.clone();
    blocking(move || space::check(&disk, SPARE)).await?;
    // Once it is noted, it keeps its name itself.
    let claim = claim(workspace, wish.name.as_deref()).await?;
    let job = Job {
        begun: begin(workspace, auditor, wish, &claim).await?.answer,
        made: None,
        ended: None,
    };
    let saved = job.clone();
    blocking(move || kept::save(&folder, &saved)).await?;
    drop(claim);
    queue.wake.notify_one();
    Ok(job)
}

/// Claims the name of exports that follow one another, if this one has a name: two at a time would begin at the same place. It
/// is refused while another of that name is made, or waits to be. One that a killed process made is not: nothing keeps its
/// name.
pub async fn claim(workspace: &Workspace, name: Option<&str>) -> Result<Claim, Error> {
    let queue = workspace.exports();
    let taken = || Refusal::ExportNameTaken(name.unwrap_or_default().to_owned());
    let claim = queue.claims.claim(name).ok_or_else(taken)?;
    let (Some(name), Some(folder)) = (name, queue.folder.clone()) else {
        return Ok(claim);
    };
    // What is asked for of the server claims in memory before it is noted there: so nobody slips in between.
    let jobs = read_all(&folder).await?;
    let log = workspace.executor().store().id();
    let waits = jobs.iter().any(|job| {
        let order = &job.begun.order;
        job.ended.is_none() && order.name.as_deref() == Some(name) && order.is_of(log)
    });
    if waits {
        return Err(taken().into());
    }
    Ok(claim)
}

/// Those that an auditor may see, the oldest first.
pub async fn list(workspace: &Workspace, auditor: &Auditor) -> Result<Vec<Job>, Error> {
    let mut jobs = all(workspace, &folder(workspace)?).await?;
    jobs.retain(|job| job.is_visible_to(auditor));
    Ok(jobs)
}

/// One of those that an auditor may see. Others look as if there were none.
pub async fn find(workspace: &Workspace, auditor: &Auditor, id: &str) -> Result<Job, Error> {
    let jobs = list(workspace, auditor).await?;
    let job = jobs.into_iter().find(|job| job.id() == id);
    job.ok_or_else(|| Refusal::NoSuchExport.into())
}

/// What is needed to download one that is complete, for as long as that takes.
pub async fn download(workspace: &Workspace, job: &Job) -> Result<Download, Error> {
    match job.ended {
        Some(Ended::Complete { .. }) => {}
        Some(Ended::Failed { .. }) => return Err(Refusal::ExportFailed.into()),
        None => return Err(Refusal::ExportNotComplete.into()),
    }
    let (folder, id) = (folder(workspace)?, job.id().to_owned());
    let (own, files) = (kept::own(&folder, &id), kept::files(&folder, &id));
    let download = workspace.exports().downloads.begin(own, files);
    let download = download.ok_or(Refusal::TooManyDownloads)?;
    // Whoever removes it from here on leaves its files; before, they may be gone.
    let there = blocking(move || Ok(kept::is_there(&folder, &id).then_some(download)));
    there.await?.ok_or_else(|| Refusal::NoSuchExport.into())
}

/// Removes one, whether or not it is complete, which is recorded.
pub async fn remove(workspace: &Workspace, auditor: &Auditor, id: &str) -> Result<(), Error> {
    let job = find(workspace, auditor, id).await?;
    removed(workspace, auditor, &job).await?;
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
            return forget(queue, &folder(workspace)?, id).await;
        }
    }
}

/// It is gone at once for everybody who looks; its files, once nobody downloads them any more.
async fn forget(queue: &ExportQueue, folder: &Path, id: &str) -> Result<(), Error> {
    let downloads = queue.downloads.clone();
    let (folder, id) = (folder.to_owned(), id.to_owned());
    blocking(move || {
        let forgotten = kept::forget(&folder, &id);
        forgotten.map_err(|error| FolderError::io(&folder, error))?;
        downloads.clear(&kept::own(&folder, &id));
        Ok(())
    })
    .await
}

async fn read_all(folder: &Path) -> Result<Vec<Job>, Error> {
    let folder = folder.to_owned();
    blocking(move || {
        let jobs = kept::read_all(&folder);
        jobs.map_err(|error| FolderError::io(&folder, error))
    })
    .await
}

/// All that are kept, the oldest first. Those that are kept no longer are removed before.
async fn all(workspace: &Workspace, folder: &Path) -> Result<Vec<Job>, Error> {
    let jobs = read_all(folder);
    let now = now();
    let expired = |job: &Job| job.expires_at(workspace).is_some_and(|at| at <= now);
    let (expired, kept): (Vec<_>, Vec<_>) = jobs.await?.into_iter().partition(expired);
    for job in expired {
        if let Err(error) = forget(workspace.exports(), folder, job.id()).await {
            tracing::warn!(%error, export = job.id(), "an export could not be removed");
        }
    }
    Ok(kept)
}

/// Makes what was asked for, one after the other, until `stop`.
pub async fn run(workspace: Workspace, stop: CancellationToken) {
    let Ok(folder) = folder(&workspace) else {
        return stop.cancelled().await;
    };
    tidy(&workspace, &folder).await;
    let queue = workspace.exports();
    while !stop.is_cancelled() {
        match next(&workspace, &folder, &stop).await {
            Ok(Some((job, own))) => {
                let settled = work(&workspace, &folder, job, &own).await;
                queue.running.send_replace(None);
                if settled {
                    continue;
                }
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

/// Removes what a crash left.
async fn tidy(workspace: &Workspace, folder: &Path) {
    // What is asked for this moment may look as if it had never been begun.
    let _asking = workspace.exports().asking.lock().await;
    let path = folder.to_owned();
    let tidied = blocking(move || {
        let tidied = kept::tidy(&path);
        tidied.map_err(|error| FolderError::io(&path, error))
    });
    if let Err(error) = tidied.await {
        tracing::warn!(%error, "what is left of exports could not be removed");
    }
}

/// The one that is made next, and what stops it alone.
async fn next(
    workspace: &Workspace,
    folder: &Path,
    stop: &CancellationToken,
) -> Result<Option<(Job, CancellationToken)>, Error> {
    let queue = workspace.exports();
    let _turn = queue.turn.lock().await;
    let jobs = all(workspace, folder).await?;
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
