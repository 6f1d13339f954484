//! Reading: a few threads, each with a connection of its own, that read one chunk at a time.
//!
//! A chunk is one short read transaction. That keeps the WAL from growing under a slow reader, and it is all the
//! consistency a log needs: what is at or below the head never changes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::{Connection, ToSql, params};
use tokio::sync::oneshot;

use super::at::{failed, last_before, missing};
use super::queue::{Queue, Taken};
use super::row::{self, COLUMNS, number};
use super::{at, schema};
use crate::error::ReadError;
use crate::event::{Leaf, Position, RecordedEvent, Version};
use crate::{Chunks, Filter};
use domain::{StreamId, Timestamp};

/// Most events of a chunk.
const CHUNK_EVENTS: usize = 1_000;

/// A chunk ends with the event that brings its data to this size, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// Positions looked at for one chunk when few of them pass the filter: bounds the read transaction.
const CHUNK_WINDOW: u64 = 20_000;

/// Reads that wait for a thread.
const QUEUE: u32 = 1_024;

/// The reading threads.
pub(super) struct Readers {
    queue: Arc<Queue<Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A question and who asks it.
enum Job {
    Page(Scan, Answer<Page>),
    Leaf(Position, Answer<Option<Leaf>>),
    Events(Vec<Position>, Answer<Vec<RecordedEvent>>),
    /// First position recorded at or after the time, in a log that ends at the position.
    FirstSince(Timestamp, Position, Answer<Position>),
}

type Answer<T> = oneshot::Sender<Result<T, ReadError>>;

/// What is left to read.
pub(super) enum Scan {
    /// From after `after` up to `upto`.
    Log {
        after: Position,
        upto: Position,
        filter: Filter,
        resolved: bool,
    },
    /// The same of one stream, from `from` on.
    Stream {
        stream: StreamId,
        from: Version,
        after: Position,
        upto: Position,
        filter: Filter,
    },
}

/// One chunk, perhaps empty, and what is left after it.
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) rest: Option<Scan>,
}

impl Readers {
    /// Starts the threads. They open their connections when they get work.
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        let readers = Self {
            queue: Arc::new(Queue::new(QUEUE)),
            threads: Mutex::new(Vec::new()),
        };
        let count = std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        for number in 0..count {
            let (queue, path) = (Arc::clone(&readers.queue), path.to_owned());
            let thread = std::thread::Builder::new()
                .name(format!("log-reader-{number}"))
                .spawn(move || run(&queue, &path))?;
            readers.threads.lock().push(thread);
        }
        Ok(readers)
    }

    /// The events after `after`, up to `upto`, that pass `filter`.
    pub(super) fn read_all(&self, after: Position, upto: Position, mut filter: Filter) -> Chunks {
        let scan = match filter.stream.take() {
            Some(stream) => Scan::Stream {
                stream,
                from: Version::FIRST,
                after,
                upto,
                filter,
            },
            None => Scan::log(after, upto, filter),
        };
        self.chunks(scan)
    }

    /// The events of `stream` from `from` on, up to position `upto`.
    pub(super) fn read_stream(&self, stream: &StreamId, from: Version, upto: Position) -> Chunks {
        let (stream, after) = (stream.clone(), Position::START);
        self.chunks(Scan::Stream {
            stream,
            from,
            after,
            upto,
            filter: Filter::default(),
        })
    }

    fn chunks(&self, scan: Scan) -> Chunks {
        let queue = Arc::clone(&self.queue);
        Box::pin(async_stream::stream! {
            let mut next = Some(submit(&queue, |answer| Job::Page(scan, answer)).await);
            while let Some(pending) = next.take() {
                let page = match pending {
                    Ok(answer) => received(answer).await,
                    Err(closed) => Err(closed),
                };
                match page {
                    Ok(Page { events, rest }) => {
                        // Under way before this chunk is handed out.
                        if let Some(rest) = rest {
                            next = Some(submit(&queue, |answer| Job::Page(rest, answer)).await);
                        }
                        if !events.is_empty() {
                            yield Ok(Arc::from(events));
                        }
                    }
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                }
            }
        })
    }

    /// The leaf of the event at a position, if there is one.
    pub(super) async fn leaf(&self, at: Position) -> Result<Option<Leaf>, ReadError> {
        received(submit(&self.queue, |answer| Job::Leaf(at, answer)).await?).await
    }

    /// The events at `positions`, all of which have one, until their data are as large as they may be.
    pub(super) async fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        received(submit(&self.queue, |answer| Job::Events(positions, answer)).await?).await
    }

    /// The first position up to `head` recorded at or after `time`, else the one after `head`.
    pub(super) async fn first_since(
        &self,
        time: Timestamp,
        head: Position,
    ) -> Result<Position, ReadError> {
        let job = |answer| Job::FirstSince(time, head, answer);
        received(submit(&self.queue, job).await?).await
    }

    /// Refuses new reads, finishes what was asked for and waits for the threads. Blocks.
    pub(super) fn close(&self) {
        self.queue.close();
        for thread in std::mem::take(&mut *self.threads.lock()) {
            if thread.join().is_err() {
                tracing::error!("a reader of the log panicked");
            }
        }
    }
}

/// What a question will be answered through.
type Pending<T> = oneshot::Receiver<Result<T, ReadError>>;

async fn submit<T>(
    queue: &Queue<Job>,
    job: impl FnOnce(Answer<T>) -> Job,
) -> Result<Pending<T>, ReadError> {
    let (answer, pending) = oneshot::channel();
    queue
        .send(job(answer), 1)
        .await
        .map_err(|_| ReadError::Closed)?;
    Ok(pending)
}

async fn received<T>(pending: Pending<T>) -> Result<T, ReadError> {
    pending.await.unwrap_or(Err(ReadError::Closed))
}

fn run(queue: &Queue<Job>, path: &Path) {
    let mut connection = None;
    while let Taken::Items(jobs) = queue.take(1, 1, None) {
        for job in jobs {
            let outcome = catch_unwind(AssertUnwindSafe(|| match job {
                Job::Page(scan, answer) => {
                    reply(&mut connection, path, answer, |open| scan.page(open));
                }
                Job::Leaf(position, answer) => {
                    reply(&mut connection, path, answer, |open| {
                        at::leaf(open, position)
                    });
                }
                Job::Events(positions, answer) => {
                    reply(&mut connection, path, answer, |open| {
                        at::events(open, &positions)
                    });
                }
                Job::FirstSince(time, head, answer) => {
                    reply(&mut connection, path, answer, |open| {
                        last_before(open, Position::START, head, time).map(Position::next)
                    });
                }
            }));
            if outcome.is_err() {
                // Whoever asked hears of it, because the answer is dropped; the next question may be a better one.
                connection = None;
            }
        }
    }
}

/// Answers one question over the open connection, or over a new one.
fn reply<T>(
    connection: &mut Option<Connection>,
    path: &Path,
    answer: Answer<T>,
    question: impl FnOnce(&Connection) -> Result<T, ReadError>,
) {
    if answer.is_closed() {
        return; // Nobody waits for it any more.
    }
    let outcome = match connection
        .take()
        .map_or_else(|| schema::open_reader(path), Ok)
    {
        Ok(open) => {
            let outcome = question(&open);
            // A connection that failed is not trusted again.
            *connection = outcome.is_ok().then_some(open);
            outcome
        }
        Err(error) => Err(failed(&error, Position::START)),
    };
    drop(answer.send(outcome));
}

impl Scan {
    /// What is after `after`, up to `upto`, and passes `filter`, which names no stream.
    pub(super) fn log(after: Position, upto: Position, filter: Filter) -> Self {
        Self::Log {
            after,
            upto,
            filter,
            resolved: false,
        }
    }

    pub(super) fn page(self, connection: &Connection) -> Result<Page, ReadError> {
        match self {
            Self::Log {
                after,
                upto,
                filter,
                resolved: false,
            } => {
                let (after, upto) = between(connection, after, upto, &filter)?;
                Self::Log {
                    after,
                    upto,
                    filter,
                    resolved: true,
                }
                .page(connection)
            }
            Self::Log { after, upto, .. } | Self::Stream { after, upto, .. } if after >= upto => {
                Ok(Page {
                    events: Vec::new(),
                    rest: None,
                })
            }
            Self::Log {
                after,
                upto,
                filter,
                ..
            } => log_page(connection, after, upto, filter),
            Self::Stream {
                stream,
                from,
                after,
                upto,
                filter,
            } => stream_page(connection, stream, from, after, upto, filter),
        }
    }
}

fn log_page(
    connection: &Connection,
    after: Position,
    upto: Position,
    filter: Filter,
) -> Result<Page, ReadError> {
    let failed = |error: rusqlite::Error| failed(&error, after.next());
    let everything = filter.categories.is_empty() && filter.event_types.is_empty();
    let window = if everything {
        CHUNK_EVENTS as u64
    } else {
        CHUNK_WINDOW
    };
    let end = upto.min(Position::new(after.get().saturating_add(window)));
    let (after_number, end_number, limit) = (
        number(after.get()),
        number(end.get()),
        number(CHUNK_EVENTS as u64),
    );
    let (condition, names) = condition(&filter);
    // Positions are looked up in the table itself: an index on another column would have to be sorted.
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events NOT INDEXED \
             WHERE position > ?1 AND position <= ?2{condition} ORDER BY position LIMIT ?3"
        ))
        .map_err(failed)?;
    let mut parameters: Vec<&dyn ToSql> = vec![&after_number, &end_number, &limit];
    parameters.extend(names.iter().map(|name| name as &dyn ToSql));
    let mut rows = statement.query(&parameters[..]).map_err(failed)?;

    let mut events = Vec::new();
    let mut bytes = 0;
    let mut reached = after;
    let mut cut = false;
    while let Some(row) = rows.next().map_err(failed)? {
        let event = row::read(row)?;
        if everything && event.position != reached.next() {
            return Err(missing(reached.next()));
        }
        reached = event.position;
        bytes += event.data.len();
        events.push(event);
        cut = events.len() >= CHUNK_EVENTS || bytes >= CHUNK_BYTES;
        if cut {
            break;
        }
    }
    if !cut {
        if everything && reached != end {
            return Err(missing(reached.next()));
        }
        reached = end;
    }
    let rest = (reached < upto).then_some(Scan::Log {
        after: reached,
        upto,
        filter,
        resolved: true,
    });
    Ok(Page { events, rest })
}

fn stream_page(
    connection: &Connection,
    stream: StreamId,
    from: Version,
    after: Position,
    upto: Position,
    filter: Filter,
) -> Result<Page, ReadError> {
    let failed = |error: rusqlite::Error| failed(&error, after.next());
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM events INDEXED BY events_by_stream \
             WHERE stream = ?1 AND version >= ?2 AND position > ?3 AND position <= ?4 ORDER BY version LIMIT ?5"
        ))
        .map_err(failed)?;
    let parameters = params![
        stream.as_str(),
        number(from.get()),
        number(after.get()),
        number(upto.get()),
        number(CHUNK_EVENTS as u64)
    ];
    let mut rows = statement.query(parameters).map_err(failed)?;
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut reached: Option<Version> = None;
    let mut cut = false;
    let mut seen = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        let event = row::read(row)?;
        let wanted = match reached {
            Some(version) => Some(version.next()),
            None if after == Position::START => Some(from),
            None => None, // Where in the stream `after` lies is not known beforehand.
        };
        if wanted.is_some_and(|wanted| wanted != event.version) {
            return Err(ReadError::Damaged {
                position: event.position.get(),
                reason: format!("version {} of {stream} follows a gap", event.version),
            });
        }
        reached = Some(event.version);
        seen += 1;
        bytes += event.data.len();
        if filter.matches(&event) {
            events.push(event);
        }
        cut = seen >= CHUNK_EVENTS || bytes >= CHUNK_BYTES;
        if cut {
            break;
        }
    }
    let rest = match reached {
        Some(version) if cut => Some(Scan::Stream {
            stream,
            from: version.next(),
            after,
            upto,
            filter,
        }),
        _ => None,
    };
    Ok(Page { events, rest })
}

/// The conditions of a filter on categories and types, and their parameters from `?4` on.
fn condition(filter: &Filter) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let mut place = |name: String| {
        names.push(name);
        format!("?{}", names.len() + 3)
    };
    let types: Vec<_> = filter
        .event_types
        .iter()
        .map(|name| format!("type = {}", place(name.clone())))
        .collect();
    let streams: Vec<_> = filter
        .categories
        .iter()
        .map(|category| {
            let whole = place(category.clone());
            // '.' is the character after '-': between them are all names that begin with the category and a dash.
            let (low, high) = (place(format!("{category}-")), place(format!("{category}.")));
            format!("stream = {whole} OR (stream >= {low} AND stream < {high})")
        })
        .collect();
    let any_of = |choices: &[String]| match choices {
        [] => String::new(),
        choices => format!(" AND ({})", choices.join(" OR ")),
    };
    (any_of(&types) + &any_of(&streams), names)
}

/// Narrows `after..upto` to the times of `filter`: `recorded_at` never runs backwards, so a range of times is a
/// range of positions.
fn between(
    connection: &Connection,
    after: Position,
    upto: Position,
    filter: &Filter,
) -> Result<(Position, Position), ReadError> {
    let after = match filter.from {
        Some(from) => last_before(connection, after, upto, from)?,
        None => after,
    };
    let upto = match filter.until {
        Some(until) => last_before(connection, after, upto, until)?,
        None => upto,
    };
    Ok((after, upto))
}
