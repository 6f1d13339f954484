//! Work on uploaded pictures, each in a process of its own: a decoder that takes all memory, never ends or crashes
//! takes only that process with it, and is killed when its time is up or nobody waits for it any more.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use eventstore::memory;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::PictureError;
use super::worker::{COMMAND, Head, Job};

/// Pictures worked on at a time. Each may take some hundred megabytes for a moment.
const AT_A_TIME: usize = 2;

/// How long one picture may take. Workers run at low priority, so this is more than their processor time.
const LIMIT: Duration = Duration::from_secs(20);

/// How long a picture waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long after a picture its memory is given back.
const LULL: Duration = Duration::from_secs(2);

/// The longest answer of a worker, in bytes.
const LONGEST_ANSWER: u64 = 64 << 20;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

static SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_A_TIME)));

/// Has a worker do a job on a picture. If the future is dropped, the worker is killed.
pub async fn run(job: Job, picture: Bytes) -> Result<(Head, Bytes), PictureError> {
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(&SLOTS).acquire_owned());
    let slot = turn.await.map_err(|_| PictureError::Busy)?;
    let slot = slot.map_err(|_| PictureError::Failed)?;
    let worker = start(job).map_err(|error| {
        tracing::error!(%error, "no process for a picture");
        PictureError::Failed
    })?;
    let (answer, answered) = oneshot::channel();
    tokio::spawn(look_after(worker, picture, answer, slot));
    answered.await.unwrap_or(Err(PictureError::Failed))
}

/// The slot belongs to the worker: it is free when the process has ended, whatever happened to the request.
async fn look_after(
    mut worker: Child,
    picture: Bytes,
    mut answer: oneshot::Sender<Result<(Head, Bytes), PictureError>>,
    slot: OwnedSemaphorePermit,
) {
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(LIMIT, exchange(&mut worker, picture)) => outcome.ok(),
        () = answer.closed() => None,
    };
    // It has ended by itself, or it must.
    let _ = worker.start_kill();
    let status = worker.wait().await;
    drop(slot);
    let outcome = match (outcome, status) {
        (Some(Ok(said)), Ok(status)) if status.success() => understand(said),
        (outcome, status) => {
            let error = outcome.and_then(Result::err);
            if !answer.is_closed() {
                tracing::info!(?status, ?error, "a picture was too much for its process");
            }
            Err(status.map_or(PictureError::Failed, cause_of_death))
        }
    };
    let _ = answer.send(outcome);
    // By then the request is over, with all it held.
    tokio::time::sleep(LULL).await;
    memory::give_back();
}

fn start(job: Job) -> std::io::Result<Child> {
    let mut command = Command::new(program()?);
    command
        .arg(COMMAND)
        .arg(serde_json::to_string(&job)?)
        .env_clear()
        // The allocator would reserve a gigabyte of addresses, more than a worker may have.
        .env("MIMALLOC_ARENA_RESERVE", "32MiB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // Not in the server's process group, so that Ctrl-C reaches only the server.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// The program that workers are processes of, for programs that embed this library. Only the first call counts.
pub fn set_program(hansard: PathBuf) {
    let _ = PROGRAM.set(hansard);
}

/// The very program that runs: the file it came from may have been replaced by an upgrade.
fn program() -> std::io::Result<PathBuf> {
    if let Some(program) = PROGRAM.get() {
        Ok(program.clone())
    } else if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

/// Sends the picture to the worker and reads its answer.
async fn exchange(worker: &mut Child, picture: Bytes) -> std::io::Result<Vec<u8>> {
    let (Some(mut input), Some(output)) = (worker.stdin.take(), worker.stdout.take()) else {
        return Err(std::io::Error::other("no pipes"));
    };
    let hand_over = async move {
        // A worker that dies in the middle has not read everything; its exit tells why.
        let _ = input.write_all(&picture).await;
    };
    let mut said = Vec::new();
    let mut output = output.take(LONGEST_ANSWER);
    let (read, ()) = tokio::join!(output.read_to_end(&mut said), hand_over);
    read?;
    worker.wait().await?;
    Ok(said)
}

fn understand(said: Vec<u8>) -> Result<(Head, Bytes), PictureError> {
    let end = said.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or(PictureError::Failed)?;
    let head = serde_json::from_slice(&said[..end]).map_err(|_| PictureError::Failed)?;
    match head {
        Head::Refused(error) => Err(error),
        head => Ok((head, Bytes::from(said).slice(end + 1..))),
    }
}

/// A worker that was killed, by us or by a limit, had too much to do; one that panicked could not handle the picture.
fn cause_of_death(status: ExitStatus) -> PictureError {
    const PANIC: i32 = 101;
    match status.code() {
        None => PictureError::TooLarge,
        Some(PANIC) => PictureError::Unreadable,
        Some(_) => PictureError::Failed,
    }
}
