//! The threads that answer questions, each with a read-only connection of its own.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use eventstore::memory::{self, LULL};
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::error::QueryError;
use crate::file;

/// How many questions may wait.
const QUEUE: usize = 4096;

/// How many threads answer.
const THREADS: usize = 4;

type Question = Box<dyn FnOnce(Result<&Connection, QueryError>) + Send>;

/// The file that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) path: PathBuf,
}

#[derive(Default)]
struct Queue {
    questions: VecDeque<Question>,
    closed: bool,
}

/// See the module.
pub(crate) struct Readers {
    queue: Mutex<Queue>,
    waiting: Condvar,
    serving: watch::Sender<Option<Serving>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Starts the threads. Questions wait until there is a file.
    pub(crate) fn start() -> Result<Arc<Self>, std::io::Error> {
        let readers = Arc::new(Self {
            queue: Mutex::default(),
            waiting: Condvar::new(),
            serving: watch::Sender::new(None),
            threads: Mutex::default(),
        });
        for number in 0..THREADS {
            let pool = Arc::clone(&readers);
            let thread = std::thread::Builder::new()
                .name(format!("views-reader-{number}"))
                .spawn(move || pool.work())
                .inspect_err(|_| readers.close())?;
            readers.threads.lock().push(thread);
        }
        Ok(readers)
    }

    /// Another file serves from now on; questions that are being answered finish with the old one.
    pub(crate) fn switch(&self, serving: Serving) {
        self.serving.send_replace(Some(serving));
    }

    /// No file serves from now on; questions that are being answered finish.
    pub(crate) fn withdraw(&self) {
        self.serving.send_replace(None);
    }

    /// Whether a file serves.
    pub(crate) fn serve(&self) -> bool {
        self.serving.borrow().is_some()
    }

    /// Tells when a file begins to serve.
    pub(crate) fn serving(&self) -> watch::Receiver<Option<Serving>> {
        self.serving.subscribe()
    }

    /// Asks.
    pub(crate) async fn ask<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let question: Question = Box::new(move |conn| {
            // Whoever asked may have gone; then nobody needs the answer.
            if !sender.is_closed() {
                let _ = sender.send(conn.and_then(|conn| question(conn).map_err(QueryError::from)));
            }
        });
        {
            let mut queue = self.queue.lock();
            if queue.closed {
                return Err(QueryError::Closed);
            }
            if queue.questions.len() >= QUEUE {
                return Err(QueryError::Busy);
            }
            queue.questions.push_back(question);
        }
        self.waiting.notify_one();
        answer.await.unwrap_or(Err(QueryError::Closed))
    }

    /// Answers what was asked and stops. Blocks until the threads ended.
    pub(crate) fn join(&self) {
        self.close();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the views panicked");
            }
        }
    }

    /// Takes no more questions.
    pub(crate) fn close(&self) {
        self.queue.lock().closed = true;
        self.waiting.notify_all();
    }

    fn work(&self) {
        let mut open: Option<(Serving, Connection)> = None;
        while let Some(question) = self.next() {
            let serving = self.serving.borrow().clone();
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let conn = connect(&mut open, serving);
                question(conn);
            }));
            if outcome.is_err() {
                // The question's answer channel is gone with it; the thread serves the next one.
                open = None;
            }
        }
    }

    fn next(&self) -> Option<Question> {
        let mut queue = self.queue.lock();
        let mut resting = false;
        loop {
            if let Some(question) = queue.questions.pop_front() {
                return Some(question);
            }
            if queue.closed {
                return None;
            }
            if resting {
                self.waiting.wait(&mut queue);
            } else if self.waiting.wait_for(&mut queue, LULL).timed_out() {
                resting = true;
                parking_lot::MutexGuard::unlocked(&mut queue, memory::give_back);
            }
        }
    }
}

/// The connection to the file that serves, opened when it is another one than before.
fn connect(
    open: &mut Option<(Serving, Connection)>,
    serving: Option<Serving>,
) -> Result<&Connection, QueryError> {
    let serving = serving.ok_or(QueryError::NotReady)?;
    if open.as_ref().is_none_or(|(opened, _)| *opened != serving) {
        // The old connection is closed first, so that its file goes away.
        *open = None;
        let conn = file::open_reader(&serving.path)?;
        *open = Some((serving, conn));
    }
    open.as_ref()
        .map(|(_, conn)| conn)
        .ok_or(QueryError::NotReady)
}
