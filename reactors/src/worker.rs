//! The loop that runs one reactor.

use std::sync::Arc;
use std::time::Duration;

use eventstore::{EventStore, RecordedEvent, subscribe};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{Checkpoint, CheckpointError, OutboxKey, Reactor, Verdict};

/// Pause before the log is tried again after it could not be read.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Events that mean nothing to a reactor move its checkpoint only this often, to spare the disk.
const CHECKPOINT_EVERY: u64 = 256;

/// Why a worker ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Its checkpoint cannot be moved. Going on would repeat side effects without end.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The reactor cannot go on.
    #[error("reactor {reactor} stopped at position {position}: {reason}")]
    Stopped {
        /// Which reactor.
        reactor: &'static str,
        /// At which event.
        position: u64,
        /// Why.
        reason: String,
    },
}

/// Runs `reactor` over everything after its checkpoint until `stop`, or until it cannot go on.
pub async fn run(
    log: Arc<dyn EventStore>,
    reactor: Arc<dyn Reactor>,
    mut checkpoint: Checkpoint,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    // Handled, but possibly not yet in the checkpoint.
    let mut done = checkpoint.position();
    'log: while !stop.is_cancelled() {
        let mut events = subscribe(log.clone(), done);
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => break 'log,
                next = events.next() => next,
            };
            match next {
                Some(Ok(chunk)) => {
                    for event in chunk.iter() {
                        let Some(visible) = settle(&*reactor, event, &stop).await? else {
                            break 'log;
                        };
                        done = event.position;
                        if visible || done.get() - checkpoint.position().get() >= CHECKPOINT_EVERY {
                            checkpoint.advance(done)?;
                        }
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(reactor = reactor.name(), %error, "the log cannot be read; trying again");
                    break;
                }
                None => break,
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOG_PAUSE) => {}
        }
    }
    if done > checkpoint.position() {
        checkpoint.advance(done)?;
    }
    Ok(())
}

/// Puts one event to the reactor until it is settled, and tells whether there may have been a side effect.
/// `None`: told to stop before it was settled.
async fn settle(
    reactor: &dyn Reactor,
    event: &RecordedEvent,
    stop: &CancellationToken,
) -> Result<Option<bool>, WorkerError> {
    let key = OutboxKey {
        reactor: reactor.name(),
        position: event.position,
    };
    let mut attempt = 1;
    loop {
        // Not interrupted: what is under way outside had better be known to have ended.
        match reactor.react(event, key, attempt).await {
            Verdict::Ignore => return Ok(Some(false)),
            Verdict::Done => return Ok(Some(true)),
            Verdict::Retry(pause) => tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(pause) => attempt += 1,
            },
            Verdict::Skip(reason) => {
                tracing::error!(%key, event_type = %event.event_type, attempt, reason, "dead letter: the reactor gave up on this event");
                return Ok(Some(true));
            }
            Verdict::Stop(reason) => {
                return Err(WorkerError::Stopped {
                    reactor: reactor.name(),
                    position: event.position.get(),
                    reason,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{StreamId, UserId};
    use eventstore::sqlite::SqliteLog;
    use eventstore::{Batch, Cause, CorrelationId, EventId, Expected, NewEvent, StreamAppend};
    use futures::future::BoxFuture;
    use parking_lot::Mutex;
    use std::path::Path;
    use tokio::sync::mpsc;

    /// Notes what it is shown and answers as it is told, `Done` when it is told nothing.
    struct Scripted {
        seen: mpsc::UnboundedSender<(String, u32)>,
        answers: Mutex<Vec<Verdict>>,
    }

    impl Reactor for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn react<'a>(
            &'a self,
            _: &'a RecordedEvent,
            key: OutboxKey,
            attempt: u32,
        ) -> BoxFuture<'a, Verdict> {
            self.seen.send((key.to_string(), attempt)).unwrap();
            Box::pin(std::future::ready(
                self.answers.lock().pop().unwrap_or(Verdict::Done),
            ))
        }
    }

    async fn log(folder: &Path, events: u64) -> Arc<dyn EventStore> {
        let log = SqliteLog::open(&folder.join("log.db")).unwrap();
        for number in 0..events {
            let event = NewEvent {
                id: EventId::fresh(),
                event_type: "Rang".into(),
                schema: 1,
                data: vec![0x80].into(),
            };
            let append = StreamAppend {
                stream: StreamId::from_recorded(format!("bell-{number}")),
                expected: Expected::NoStream,
                events: vec![event],
            };
            let cause = Cause {
                actor: UserId::system(),
                correlation_id: CorrelationId::fresh(),
                causation_id: None,
            };
            log.append(Batch {
                cause,
                appends: vec![append],
            })
            .await
            .unwrap();
        }
        Arc::new(log)
    }

    /// Runs a worker until it has shown `count` events to its reactor, and stops it.
    async fn run_for(
        log: &Arc<dyn EventStore>,
        folder: &Path,
        count: usize,
        answers: Vec<Verdict>,
    ) -> (Vec<(String, u32)>, Result<(), WorkerError>) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let reactor = Arc::new(Scripted {
            seen: sender,
            answers: Mutex::new(answers),
        });
        let (checkpoint, stop) = (
            Checkpoint::open(folder, "scripted").unwrap(),
            CancellationToken::new(),
        );
        let worker = tokio::spawn(run(log.clone(), reactor, checkpoint, stop.clone()));
        let mut seen = Vec::new();
        while seen.len() < count {
            seen.push(receiver.recv().await.unwrap());
        }
        stop.cancel();
        (seen, worker.await.unwrap())
    }

    #[tokio::test]
    async fn every_event_is_seen_once_and_in_order_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 4).await;
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let (some, outcome) = run_for(&log, folder.path(), 1, vec![]).await;
            outcome.unwrap();
            // The worker may have got further than it was waited for; its checkpoint says how far.
            let reached = Checkpoint::open(folder.path(), "scripted")
                .unwrap()
                .position()
                .get();
            seen.push(some[0].0.clone());
            seen.extend(
                (seen.len() as u64 + 1..=reached).map(|position| format!("scripted-{position}")),
            );
        }
        assert_eq!(
            seen,
            ["scripted-1", "scripted-2", "scripted-3", "scripted-4"]
        );
    }

    #[tokio::test]
    async fn a_retry_brings_the_same_event_under_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 1).await;
        let (seen, outcome) =
            run_for(&log, folder.path(), 2, vec![Verdict::Retry(Duration::ZERO)]).await;
        outcome.unwrap();
        assert_eq!(
            seen,
            [("scripted-1".to_owned(), 1), ("scripted-1".to_owned(), 2)]
        );
    }

    #[tokio::test]
    async fn a_skipped_event_does_not_hold_up_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 2).await;
        let (seen, outcome) = run_for(
            &log,
            folder.path(),
            2,
            vec![Verdict::Skip("unreadable".to_owned())],
        )
        .await;
        outcome.unwrap();
        assert_eq!(seen[1].0, "scripted-2");
    }

    #[tokio::test]
    async fn a_reactor_that_stops_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path(), 1).await;
        let (_, outcome) = run_for(
            &log,
            folder.path(),
            1,
            vec![Verdict::Stop("no such host".to_owned())],
        )
        .await;
        let error = outcome.unwrap_err().to_string();
        assert!(
            error.contains("scripted")
                && error.contains("position 1")
                && error.contains("no such host"),
            "{error}"
        );
        assert_eq!(
            Checkpoint::open(folder.path(), "scripted")
                .unwrap()
                .position()
                .get(),
            0,
            "it will be tried again"
        );
    }
}
