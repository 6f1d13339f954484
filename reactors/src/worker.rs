//! The loop that runs one reactor.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use application::cause::because_of;
use domain::Timestamp;
use eventstore::{EventStore, Filter, LogId, Place, Position, ReadError, RecordedEvent, subscribe};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{Checkpoint, CheckpointError, OutboxKey, PutOff, Reactor, Standing, Verdict};

/// Pause before the log is tried again after it could not be read.
const LOG_PAUSE: Duration = Duration::from_secs(1);

/// Events without meaning for a reactor move its checkpoint only after so many, and only so long after the last time,
/// to spare the disk: reading them again after a crash does no harm.
const CHECKPOINT_EVERY: u64 = 256;
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);

/// Events that may be put off at the same time; the next one holds up later ones.
const MOST_PUT_OFF: usize = 1000;

/// Longest wait for an event that was put off, whatever the clock says.
const LONGEST_NAP: Duration = Duration::from_hours(1);

/// Why a worker ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Its checkpoint cannot be moved. Going on would repeat side effects without end.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Going on from any other place would repeat side effects, or leave some out: only the operator knows which is
    /// right.
    #[error(
        "reactor {reactor} stands at position {position}{of}, which is not in the log {log}: the log was restored or \
         replaced. Say where the reactor is to begin: hansard reactors reset {reactor} --at head (or --at POSITION)"
    )]
    Elsewhere {
        reactor: &'static str,
        position: u64,
        /// ` of log <id>`; empty if its log is not known.
        of: String,
        log: LogId,
    },
    #[error("reactor {reactor} stopped at position {position}: {reason}")]
    Stopped {
        reactor: &'static str,
        position: u64,
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
    // Before the log is looked at: whatever becomes of it from then on is noticed.
    let generation = log.generation();
    let Some(done) = begin(&*log, &*reactor, &mut checkpoint, &stop).await? else {
        return Ok(());
    };
    let mut worker = Worker {
        generation,
        done,
        moved: Instant::now(),
        log,
        reactor,
        checkpoint,
        stop,
    };
    worker.follow().await?;
    if worker.done.position > worker.checkpoint.position() {
        worker.checkpoint.advance(worker.done)?;
    }
    Ok(())
}

/// Where the reactor begins, however long the log takes to tell; `None`: told to stop.
async fn begin(
    log: &dyn EventStore,
    reactor: &dyn Reactor,
    checkpoint: &mut Checkpoint,
    stop: &CancellationToken,
) -> Result<Option<Place>, WorkerError> {
    loop {
        let standing = checkpoint.standing();
        match first_place(log, reactor, standing).await {
            Ok(Some(place)) => {
                if Standing::At(place) != standing && place.position != Position::START {
                    checkpoint.advance(place)?;
                }
                return Ok(Some(place));
            }
            Ok(None) => return Err(elsewhere(log, reactor, standing)),
            Err(error) => tracing::warn!(%error, "the log cannot be read; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(LOG_PAUSE) => {}
        }
    }
}

/// The place in the log after which a reactor with that standing continues; `None`: its place is not in the log.
async fn first_place(
    log: &dyn EventStore,
    reactor: &dyn Reactor,
    standing: Standing,
) -> Result<Option<Place>, ReadError> {
    match standing {
        Standing::Fresh if reactor.begins_at_head() => log.place(log.head().await?).await,
        Standing::Fresh => Ok(Some(Place::start(log.id()))),
        Standing::Unnamed(position) => log.place(position).await,
        Standing::At(place) => {
            let found = log.place(place.position).await?;
            Ok(found.filter(|found| *found == place))
        }
    }
}

fn elsewhere(log: &dyn EventStore, reactor: &dyn Reactor, standing: Standing) -> WorkerError {
    WorkerError::Elsewhere {
        reactor: reactor.name(),
        position: standing.position().get(),
        of: match standing {
            Standing::At(place) => format!(" of log {}", place.log),
            Standing::Fresh | Standing::Unnamed(_) => String::new(),
        },
        log: log.id(),
    }
}

/// The result of giving an event to the reactor.
enum Settled {
    /// There was nothing to do.
    Nothing,
    /// There may have been a side effect.
    Visible,
    /// It is to be tried again after this time; with the number of attempts so far.
    Later(Duration, u32),
    /// Told to stop before it was settled.
    Stopped,
}

struct Worker {
    log: Arc<dyn EventStore>,
    reactor: Arc<dyn Reactor>,
    checkpoint: Checkpoint,
    /// Of the log it works on.
    generation: u64,
    /// Handled, but possibly not yet in the checkpoint.
    done: Place,
    /// When the checkpoint was last moved.
    moved: Instant,
    stop: CancellationToken,
}

impl Worker {
    async fn follow(&mut self) -> Result<(), WorkerError> {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let mut events = subscribe(self.log.clone(), self.done.position);
            loop {
                if self.log.generation() != self.generation {
                    let standing = Standing::At(self.done);
                    return Err(elsewhere(&*self.log, &*self.reactor, standing));
                }
                let due = self.checkpoint.next_due();
                let next = tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = until(due) => {
                        if let Some(event) = due {
                            self.once_more(event).await?;
                        }
                        continue;
                    }
                    next = events.next() => next,
                };
                match next {
                    Some(Ok(chunk)) => {
                        for event in chunk.iter() {
                            if !self.take(event).await? {
                                return Ok(());
                            }
                        }
                    }
                    // Handled at the top of the loop.
                    Some(Err(ReadError::Replaced)) => {}
                    Some(Err(error)) => {
                        tracing::warn!(reactor = self.reactor.name(), %error, "the log cannot be read; trying again");
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
        Ok(())
    }

    /// Deals with the next event; `false`: told to stop before it was settled.
    async fn take(&mut self, event: &RecordedEvent) -> Result<bool, WorkerError> {
        let may_wait = self.checkpoint.put_off() < MOST_PUT_OFF;
        let settled = if self.reactor.concerns(&event.event_type) {
            self.settle(event, may_wait).await?
        } else {
            Settled::Nothing
        };
        let visible = match settled {
            Settled::Stopped => return Ok(false),
            Settled::Later(pause, attempt) => {
                let put_off = PutOff {
                    position: event.position,
                    attempt,
                    due: after(pause),
                };
                self.done = self.done.at(event);
                self.checkpoint.advance_later(self.done, put_off)?;
                return Ok(true);
            }
            Settled::Nothing => false,
            Settled::Visible => true,
        };
        self.done = self.done.at(event);
        let behind = self.done.position.get() - self.checkpoint.position().get();
        let rested = || self.moved.elapsed() >= CHECKPOINT_PAUSE;
        if visible || (behind >= CHECKPOINT_EVERY && rested()) {
            self.checkpoint.advance(self.done)?;
            self.moved = Instant::now();
        }
        Ok(true)
    }

    /// Gives one event to the reactor until it is settled, or is to be tried later if it `may_wait`.
    async fn settle(&self, event: &RecordedEvent, may_wait: bool) -> Result<Settled, WorkerError> {
        let mut attempt = 1;
        loop {
            let pause = match self.put(event, attempt).await? {
                Put::Settled(settled) => return Ok(settled),
                Put::Later(pause) if may_wait => return Ok(Settled::Later(pause, attempt)),
                Put::Later(pause) | Put::Retry(pause) => pause,
            };
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Settled::Stopped),
                () = tokio::time::sleep(pause) => attempt += 1,
            }
        }
    }

    /// Tries an event again that was put off.
    async fn once_more(&mut self, put_off: PutOff) -> Result<(), WorkerError> {
        let attempt = put_off.attempt.saturating_add(1);
        let event = match self.read(put_off.position).await {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(self.checkpoint.settle(put_off.position)?),
            Err(error) => {
                tracing::warn!(reactor = self.reactor.name(), %error, "the log cannot be read; trying again");
                return self.put_off_again(put_off, LOG_PAUSE);
            }
        };
        match self.put(&event, attempt).await? {
            Put::Settled(_) => Ok(self.checkpoint.settle(put_off.position)?),
            // Waiting here would hold up those that can go on.
            Put::Later(pause) | Put::Retry(pause) => {
                self.put_off_again(PutOff { attempt, ..put_off }, pause)
            }
        }
    }

    fn put_off_again(&mut self, put_off: PutOff, pause: Duration) -> Result<(), WorkerError> {
        let put_off = PutOff {
            due: after(pause),
            ..put_off
        };
        Ok(self.checkpoint.advance_later(self.done, put_off)?)
    }

    async fn read(&self, position: Position) -> Result<Option<RecordedEvent>, ReadError> {
        let before = Position::new(position.get().saturating_sub(1));
        let mut events = self.log.read_all(before, Filter::default());
        let chunk = events.next().await.transpose()?;
        Ok(chunk.and_then(|chunk| chunk.first().cloned()))
    }

    /// Gives one event to the reactor, once.
    async fn put(&self, event: &RecordedEvent, attempt: u32) -> Result<Put, WorkerError> {
        let key = OutboxKey {
            reactor: self.reactor.name(),
            position: event.position,
        };
        // Not interrupted: a side effect that is under way must be known to have ended.
        let reaction = because_of(event, self.reactor.react(event, key, attempt));
        Ok(match reaction.await {
            Verdict::Ignore => Put::Settled(Settled::Nothing),
            Verdict::Done => Put::Settled(Settled::Visible),
            Verdict::Retry(pause) => Put::Retry(pause),
            Verdict::Later(pause) => Put::Later(pause),
            Verdict::Skip(reason) => {
                tracing::error!(%key, event_type = %event.event_type, attempt, reason, "dead letter: the reactor gave up on this event");
                Put::Settled(Settled::Visible)
            }
            Verdict::Stop(reason) => {
                return Err(WorkerError::Stopped {
                    reactor: self.reactor.name(),
                    position: event.position.get(),
                    reason,
                });
            }
        })
    }
}

/// What the reactor returned.
enum Put {
    Settled(Settled),
    Later(Duration),
    Retry(Duration),
}

fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

fn after(pause: Duration) -> Timestamp {
    let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now().as_millis().saturating_add(millis))
}

/// Waits until an event is due; for ever if there is none.
async fn until(event: Option<PutOff>) {
    match event {
        Some(event) => {
            let millis = event.due.millis_since(now());
            let pause = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
            // A clock that is set back must not keep events waiting for long.
            tokio::time::sleep(pause.min(LONGEST_NAP)).await;
        }
        None => std::future::pending().await,
    }
}
