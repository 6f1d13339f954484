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
async fn an_event_that_is_put_off_lets_others_pass_and_comes_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 3).await;
    // The last answer is given first.
    let later = vec![
        Verdict::Done,
        Verdict::Done,
        Verdict::Later(Duration::from_hours(1)),
    ];
    let (seen, outcome) = run_for(&log, folder.path(), 3, later).await;
    outcome.unwrap();
    let keys: Vec<&str> = seen.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["scripted-1", "scripted-2", "scripted-3"]);

    let mut checkpoint = Checkpoint::open(folder.path(), "scripted").unwrap();
    let put_off = checkpoint.next_due().expect("the first one");
    assert_eq!((put_off.position.get(), put_off.attempt), (1, 1));
    let due = PutOff {
        due: Timestamp::from_millis(0),
        ..put_off
    };
    checkpoint
        .advance_later(checkpoint.position(), due)
        .unwrap();
    let (seen, outcome) = run_for(&log, folder.path(), 1, vec![]).await;
    outcome.unwrap();
    assert_eq!(seen, [("scripted-1".to_owned(), 2)]);
    let checkpoint = Checkpoint::open(folder.path(), "scripted").unwrap();
    assert_eq!((checkpoint.put_off(), checkpoint.position().get()), (0, 3));
}

/// Cares only for what is new.
struct Newcomer(Scripted);

impl Reactor for Newcomer {
    fn name(&self) -> &'static str {
        "newcomer"
    }

    fn begins_at_head(&self) -> bool {
        true
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict> {
        self.0.react(event, key, attempt)
    }
}

#[tokio::test]
async fn a_reactor_that_is_new_may_leave_the_past_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 3).await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let newcomer = Newcomer(Scripted {
        seen: sender,
        answers: Mutex::default(),
    });
    let reactors: Vec<Arc<dyn Reactor>> = vec![Arc::new(newcomer)];
    let running = crate::Reactors::start(&log, reactors, folder.path())
        .await
        .unwrap();
    running.stop().await;
    assert!(receiver.try_recv().is_err(), "nothing was shown to it");
    let checkpoint = Checkpoint::open(folder.path(), "newcomer").unwrap();
    assert_eq!(checkpoint.position().get(), 3);
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
