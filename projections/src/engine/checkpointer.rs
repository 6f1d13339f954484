//! Moves what was committed from SQLite's write-ahead log into the file itself, beside the worker.
//!
//! That takes milliseconds, and tens of them if it is synced ([`super::unsynced`]). If the worker did it, every so many
//! commits would wait for it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::engine::file;

/// How long commits are gathered before they are moved, and how many pages, about. A page that is changed all the time
/// is moved once.
const GATHER: Duration = Duration::from_secs(5);
const MOST_PAGES: usize = 4096;

/// Pages that a commit changes at least, about; and as many more as it has events.
const COMMIT: usize = 16;

/// Frames (pages) of write-ahead log from which on the worker has to let it start over. Not many: pages of it that are
/// written again soon may never have to be written to the disk.
const HEAVY: i64 = 512;

#[derive(Default)]
struct State {
    /// Something was committed since the last move.
    committed: bool,
    /// Pages of it, about.
    pages: usize,
    /// The write-ahead log is long, because there is never a moment without a transaction.
    heavy: bool,
    stop: bool,
}

#[derive(Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

/// After this many commits the worker moves them itself, if there is no thread.
const ALONE: u32 = 256;

/// Handle of the thread. Dropping it stops the thread and waits for it.
pub(crate) struct Checkpointer {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
    /// Commits since the worker last moved them, while there is no thread.
    alone: u32,
}

impl Checkpointer {
    /// Starts the thread for one file. Without a thread (none could be started, or it died) the worker does all of it,
    /// now and then.
    pub(crate) fn start(path: &Path) -> Self {
        let signal = Arc::new(Signal::default());
        let (path, theirs) = (path.to_owned(), Arc::clone(&signal));
        let thread = std::thread::Builder::new()
            .name("views-checkpoint".to_owned())
            .spawn(move || match file::open_writer(&path) {
                Ok(conn) => run(&conn, &theirs),
                Err(error) => {
                    tracing::warn!(%error, "the views file is checkpointed by its writer only");
                }
            })
            .inspect_err(
                |error| tracing::warn!(%error, "the views file is checkpointed by its writer only"),
            );
        Self {
            signal,
            thread: thread.ok(),
            alone: 0,
        }
    }

    /// To be called after each commit through `conn`, which was of so many events.
    pub(crate) fn committed(&mut self, conn: &Connection, events: usize) {
        let is_alone = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        self.alone = if is_alone { self.alone + 1 } else { 0 };
        let due = self.alone >= ALONE;
        if due {
            self.alone = 0;
        }
        let heavy = {
            let mut state = self.signal.state.lock();
            let was_due = state.pages >= MOST_PAGES;
            state.pages += COMMIT + events;
            if !state.committed || (!was_due && state.pages >= MOST_PAGES) {
                state.committed = true;
                self.signal.changed.notify_one();
            }
            std::mem::take(&mut state.heavy) || due
        };
        if heavy && let Err(error) = checkpoint(conn) {
            tracing::warn!(%error, "the views file was not checkpointed");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signal.state.lock().stop = true;
        self.signal.changed.notify_one();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the checkpointer of the views panicked");
        }
    }
}

/// Moves what there is; returns the length of the write-ahead log in frames.
fn checkpoint(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}

fn run(conn: &Connection, signal: &Signal) {
    loop {
        {
            let mut state = signal.state.lock();
            while !state.committed && !state.stop {
                signal.changed.wait(&mut state);
            }
            let due = Instant::now() + GATHER;
            while !state.stop
                && state.pages < MOST_PAGES
                && !signal.changed.wait_until(&mut state, due).timed_out()
            {}
            if state.stop {
                return;
            }
            (state.committed, state.pages) = (false, 0);
        }
        match checkpoint(conn) {
            Ok(frames) if frames > HEAVY => signal.state.lock().heavy = true,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the views file was not checkpointed"),
        }
    }
}
