//! From the log to the worker: events are read and decoded here, on the runtime, while the worker thread applies the
//! chunk before.

use std::sync::Arc;
use std::time::Duration;

use eventstore::{EventStore, Filter, Place, Position, ReadError, RecordedEvent};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::engine::applied::Applied;

/// How many chunks may wait for the worker.
pub(crate) const CHUNKS: usize = 8;

/// How many events are decoded at a time: a few milliseconds at most, after which others have their turn.
const PART: usize = 128;

/// Waiting times between attempts to read a log that cannot be read now.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

pub(crate) enum Intake {
    /// Events, in order, without gaps.
    Events(Vec<Applied>),
    Unavailable(String),
    /// The log can be read again. There may be nothing new in it.
    Available,
    /// The event at this position cannot be understood. Nothing comes after it.
    Poison(Position, String),
    /// The log is not the one it was: what came before is void. Nothing comes after it.
    Replaced,
}

/// Decodes a chunk, up to and including `until`. The second part tells of an event that cannot be understood.
fn decode(
    chunk: &[RecordedEvent],
    until: Option<Position>,
) -> (Vec<Applied>, Option<(Position, String)>) {
    let mut events = Vec::with_capacity(chunk.len());
    for recorded in chunk {
        if until.is_some_and(|until| recorded.position > until) {
            break;
        }
        match Applied::decode(recorded) {
            Ok(applied) => events.push(applied),
            Err(error) => return (events, Some((recorded.position, error.to_string()))),
        }
    }
    (events, None)
}

/// Sends what `chunk` holds. `None`: nothing more is to be sent.
async fn forward(
    chunk: &[RecordedEvent],
    until: Option<Position>,
    last: &mut Position,
    worker: &mpsc::Sender<Intake>,
) -> Option<()> {
    for part in chunk.chunks(PART) {
        let (events, poison) = decode(part, until);
        if let Some(event) = events.last() {
            *last = event.position;
            worker.send(Intake::Events(events)).await.ok()?;
        }
        if let Some((position, reason)) = poison {
            let _ = worker.send(Intake::Poison(position, reason)).await;
            return None;
        }
        tokio::task::yield_now().await;
    }
    Some(())
}

/// Sends everything after `after`, for ever, through whatever the log goes through, as long as it is of this
/// `generation`. Ends when the worker does.
pub(crate) async fn follow(
    store: Arc<dyn EventStore>,
    generation: u64,
    after: Position,
    worker: mpsc::Sender<Intake>,
) {
    let mut last = after;
    let mut pause = BACKOFF.0;
    loop {
        let mut chunks = eventstore::subscribe(Arc::clone(&store), last);
        let problem = loop {
            if store.generation() != generation {
                let _ = worker.send(Intake::Replaced).await;
                return;
            }
            match chunks.next().await {
                // Handled at the top of the loop.
                Some(Err(ReadError::Replaced)) => {}
                Some(Ok(chunk)) => {
                    pause = BACKOFF.0;
                    if forward(&chunk, None, &mut last, &worker).await.is_none() {
                        return;
                    }
                }
                Some(Err(error)) => break error.to_string(),
                None => break "the log ended".to_owned(),
            }
        };
        if worker.send(Intake::Unavailable(problem)).await.is_err() {
            return;
        }
        // Asked for its head, because a log without news gives no other sign of life.
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
            if store.head().await.is_ok() || store.generation() != generation {
                break;
            }
        }
        if worker.send(Intake::Available).await.is_err() {
            return;
        }
    }
}

/// Sends everything after `after` up to `until`, then ends. A log that cannot be read now is tried again, as long as
/// it is the same.
pub(crate) async fn catch_up(
    store: Arc<dyn EventStore>,
    after: Position,
    until: Position,
    worker: mpsc::Sender<Intake>,
) {
    let generation = store.generation();
    let mut last = after;
    let mut pause = BACKOFF.0;
    while last < until {
        if store.generation() != generation {
            let _ = worker.send(Intake::Replaced).await;
            return;
        }
        let mut chunks = store.read_all(last, Filter::default());
        let mut problem = None;
        while let Some(chunk) = chunks.next().await {
            if store.generation() != generation {
                break;
            }
            match chunk {
                Ok(chunk) => {
                    pause = BACKOFF.0;
                    if forward(&chunk, Some(until), &mut last, &worker)
                        .await
                        .is_none()
                    {
                        return;
                    }
                    if last >= until {
                        return;
                    }
                }
                Err(error) => {
                    problem = Some(error.to_string());
                    break;
                }
            }
        }
        if store.generation() != generation {
            continue;
        }
        let problem = problem.unwrap_or_else(|| format!("the log ends at {last}, before {until}"));
        if worker.send(Intake::Unavailable(problem)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// The head of a log; asks until the log answers.
pub(crate) async fn head(store: &dyn EventStore) -> Position {
    let mut pause = BACKOFF.0;
    loop {
        match store.head().await {
            Ok(head) => return head,
            Err(error) => tracing::warn!(%error, "the head of the log cannot be read"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Whether `place` is in the log; asks until the log answers.
pub(crate) async fn holds(store: &dyn EventStore, place: Place) -> bool {
    let mut pause = BACKOFF.0;
    loop {
        match store.place(place.position).await {
            Ok(found) => return found == Some(place),
            Err(error) => {
                tracing::warn!(%error, "it cannot be told whether the views are of this log");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}
