//! The threads that answer questions, each with a read-only connection of its own.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use eventstore::memory::{self, LULL};
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use crate::engine::file;
use crate::error::QueryError;

/// How many questions may wait.
const QUEUE: usize = 4096;

const THREADS: usize = 4;

/// Steps of SQLite's machine between checks that somebody still waits for the answer; some hundred microseconds.
const STEPS: i32 = 10_000;

/// Runs a question on a connection, or is told that there is none, and sends the answer.
type Answer = Box<dyn FnOnce(Result<&Connection, QueryError>) + Send>;

/// A question on its way to a thread.
struct Question {
    answer: Answer,
    /// Gone when the asker is.
    asker: Weak<()>,
}

/// The asker of the question that a connection works on.
type Asker = Arc<Mutex<Weak<()>>>;

/// A connection of a thread, to the file it was opened for.
struct Open {
    serving: Serving,
    conn: Connection,
    asker: Asker,
}

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

pub(crate) struct Readers {
    queue: Mutex<Queue>,
    waiting: Condvar,
    serving: watch::Sender<Option<Serving>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Starts the threads. Questions wait until there is a file.
    pub(crate) fn start() -> Result<Arc<Self>, std::io::Error> {
        let readers = Arc::new(Self::new(None));
        for number in 0..THREADS {
            readers.begin(format!("views-reader-{number}"), None)?;
        }
        Ok(readers)
    }

    /// Answers all questions with this connection, on one thread.
    pub(crate) fn of(mut conn: Connection) -> Result<Arc<Self>, std::io::Error> {
        // No file has what the connection has: if the thread has to give it up, that is the end.
        let serving = Serving {
            path: PathBuf::new(),
        };
        let asker = give_up_unasked(&mut conn).map_err(std::io::Error::other)?;
        let readers = Arc::new(Self::new(Some(serving.clone())));
        let open = Open {
            serving,
            conn,
            asker,
        };
        readers.begin("views-past".to_owned(), Some(open))?;
        Ok(readers)
    }

    fn new(serving: Option<Serving>) -> Self {
        Self {
            queue: Mutex::default(),
            waiting: Condvar::new(),
            serving: watch::Sender::new(serving),
            threads: Mutex::default(),
        }
    }

    fn begin(self: &Arc<Self>, name: String, open: Option<Open>) -> Result<(), std::io::Error> {
        let pool = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || pool.work(open))
            .inspect_err(|_| self.close())?;
        self.threads.lock().push(thread);
        Ok(())
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

    /// Whether questions wait for a thread.
    pub(crate) fn are_behind(&self) -> bool {
        !self.queue.lock().questions.is_empty()
    }

    /// Tells when a file begins to serve.
    pub(crate) fn serving(&self) -> watch::Receiver<Option<Serving>> {
        self.serving.subscribe()
    }

    /// Runs `question` on one of the threads.
    pub(crate) async fn ask<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        // Dropped with this future, if the caller no longer wants to know.
        let asker = Arc::new(());
        let question = Question {
            answer: Box::new(move |conn| {
                let _ = sender.send(conn.and_then(|conn| question(conn).map_err(QueryError::from)));
            }),
            asker: Arc::downgrade(&asker),
        };
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
        let answer = answer.await.unwrap_or(Err(QueryError::Closed));
        drop(asker);
        answer
    }

    /// Answers the questions that wait, and stops. Blocks until the threads have ended.
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

    fn work(&self, mut open: Option<Open>) {
        while let Some(Question { answer, asker }) = self.next() {
            if asker.strong_count() == 0 {
                continue;
            }
            let serving = self.serving.borrow().clone();
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let open = connect(&mut open, serving);
                answer(open.map(|open| {
                    *open.asker.lock() = asker;
                    &open.conn
                }));
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

/// Has a connection give up a question whose asker is gone.
fn give_up_unasked(conn: &mut Connection) -> rusqlite::Result<Asker> {
    let asker = Asker::default();
    let asked_by = Arc::clone(&asker);
    let nobody_waits = move || asked_by.lock().strong_count() == 0;
    conn.progress_handler(STEPS, Some(nobody_waits))?;
    Ok(asker)
}

/// The connection to the file that serves; opened if the file changed.
fn connect(open: &mut Option<Open>, serving: Option<Serving>) -> Result<&Open, QueryError> {
    let serving = serving.ok_or(QueryError::NotReady)?;
    if open.as_ref().is_none_or(|open| open.serving != serving) {
        // The old connection is closed first, so that its file goes away.
        *open = None;
        let mut conn = file::open_reader(&serving.path)?;
        let asker = give_up_unasked(&mut conn)?;
        *open = Some(Open {
            serving,
            conn,
            asker,
        });
    }
    open.as_ref().ok_or(QueryError::NotReady)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Counts for some hours.
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000000) \
                           SELECT count(*) FROM n";

    #[tokio::test]
    async fn a_question_nobody_waits_for_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("views.sqlite");
        Connection::open(&path)
            .and_then(|conn| conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)"))
            .expect("a file");
        let readers = Readers::start().expect("threads");
        readers.switch(Serving { path });
        let started = Instant::now();
        for _ in 0..2 * THREADS {
            let endless =
                readers.ask(|conn| conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0)));
            let waited = tokio::time::timeout(Duration::from_millis(50), endless).await;
            assert!(waited.is_err(), "it goes on and on");
        }
        // Every thread has been busy with one of them.
        let one = readers.ask(|conn| conn.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)));
        let one = tokio::time::timeout(Duration::from_mins(1), one).await;
        assert_eq!(one.expect("in time").expect("an answer"), 1);
        readers.join();
        assert!(started.elapsed() < Duration::from_mins(1));
    }
}
