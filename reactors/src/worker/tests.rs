use super::*;
use domain::{StreamId, UserId};
use eventstore::sqlite::SqliteLog;
use eventstore::{Batch, Cause, CorrelationId, EventId, Expected, NewEvent, StreamAppend};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::path::Path;
use tokio::sync::mpsc;

/// Records what it is shown and answers as it is told, `Done` when it is told nothing.
struct Scripted {
    seen: mpsc::UnboundedSender<(String, u32)>,
    answers: Mutex<Vec<Verdict>>,
}

impl Reactor for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn concerns(&self, _: &str) -> bool {
        true
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
    let Standing::At(place) = checkpoint.standing() else {
        panic!("{:?}", checkpoint.standing());
    };
    checkpoint.advance_later(place, due).unwrap();
    let (seen, outcome) = run_for(&log, folder.path(), 1, vec![]).await;
    outcome.unwrap();
    assert_eq!(seen, [("scripted-1".to_owned(), 2)]);
    let checkpoint = Checkpoint::open(folder.path(), "scripted").unwrap();
    assert_eq!((checkpoint.put_off(), checkpoint.position().get()), (0, 3));
}

/// Begins at the head of the log.
struct Newcomer(Scripted);

impl Reactor for Newcomer {
    fn name(&self) -> &'static str {
        "newcomer"
    }

    fn begins_at_head(&self) -> bool {
        true
    }

    fn concerns(&self, _: &str) -> bool {
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

/// Is asked, and concerned with nothing.
struct Aloof(Scripted);

impl Reactor for Aloof {
    fn name(&self) -> &'static str {
        "aloof"
    }

    fn concerns(&self, event_type: &str) -> bool {
        self.0.seen.send((event_type.to_owned(), 0)).unwrap();
        false
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
async fn a_reactor_gets_only_what_concerns_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 3).await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let aloof = Aloof(Scripted {
        seen: sender,
        answers: Mutex::default(),
    });
    let reactors: Vec<Arc<dyn Reactor>> = vec![Arc::new(aloof)];
    let running = crate::Reactors::start(&log, reactors, folder.path())
        .await
        .unwrap();
    for _ in 0..3 {
        let asked = receiver.recv().await.unwrap();
        assert_eq!(asked, ("Rang".to_owned(), 0));
    }
    running.stop().await;
    let checkpoint = Checkpoint::open(folder.path(), "aloof").unwrap();
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

/// Runs a worker that is expected to end by itself.
async fn ends(log: &Arc<dyn EventStore>, folder: &Path) -> WorkerError {
    let (sender, _receiver) = mpsc::unbounded_channel();
    let reactor = Arc::new(Scripted {
        seen: sender,
        answers: Mutex::default(),
    });
    let checkpoint = Checkpoint::open(folder, "scripted").unwrap();
    let worker = run(log.clone(), reactor, checkpoint, CancellationToken::new());
    tokio::time::timeout(Duration::from_secs(30), worker)
        .await
        .expect("it ends")
        .unwrap_err()
}

#[tokio::test]
async fn a_reactor_does_not_go_on_in_another_log() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = log(folder.path(), 3).await;
    let (_, outcome) = run_for(&old, folder.path(), 3, vec![]).await;
    outcome.unwrap();
    old.close().await;
    for events in [2, 3, 9] {
        let file = other.path().join("log.db");
        let _ = std::fs::remove_file(&file);
        let new = log(other.path(), events).await;
        let error = ends(&new, folder.path()).await;
        assert!(
            matches!(
                error,
                WorkerError::Elsewhere {
                    reactor: "scripted",
                    position: 3,
                    ..
                }
            ),
            "{events}: {error}"
        );
        let text = error.to_string();
        assert!(text.contains("hansard reactors reset scripted"), "{text}");
        let status = crate::list(folder.path(), &*new).await.unwrap();
        assert!(!status[0].matches, "{status:?}");

        // Until an operator says where to begin.
        let place = crate::place_named(&*new, Some(Position::new(1)))
            .await
            .unwrap();
        let kept = std::fs::read(folder.path().join("scripted.checkpoint")).unwrap();
        crate::reset_offline(folder.path(), None, place).unwrap();
        let status = crate::list(folder.path(), &*new).await.unwrap();
        assert!(status[0].matches, "{status:?}");
        let (seen, outcome) = run_for(&new, folder.path(), 1, vec![]).await;
        outcome.unwrap();
        assert_eq!(seen[0].0, "scripted-2");
        std::fs::write(folder.path().join("scripted.checkpoint"), kept).unwrap();
        let beyond = crate::place_named(&*new, Some(Position::new(99))).await;
        assert!(matches!(beyond, Err(crate::ResetError::Beyond(99, _))));
        new.close().await;
    }
    let unknown = crate::reset_offline(folder.path(), Some("nobody"), Place::start(old.id()));
    assert!(matches!(unknown, Err(crate::ResetError::NoSuch(_))));
}

#[tokio::test]
async fn a_checkpoint_that_names_no_log_is_taken_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 3).await;
    let file = folder.path().join("scripted.checkpoint");
    std::fs::write(&file, "2\n").unwrap();
    let (seen, outcome) = run_for(&log, folder.path(), 1, vec![]).await;
    outcome.unwrap();
    assert_eq!(seen[0].0, "scripted-3");
    let standing = Checkpoint::open(folder.path(), "scripted")
        .unwrap()
        .standing();
    assert!(matches!(standing, Standing::At(place) if place.log == log.id()));

    std::fs::write(&file, "4\n").unwrap();
    let error = ends(&log, folder.path()).await;
    assert!(matches!(error, WorkerError::Elsewhere { .. }), "{error}");
}

/// Panics as often as it is told.
struct Clumsy(std::sync::atomic::AtomicU32, mpsc::UnboundedSender<u64>);

impl Reactor for Clumsy {
    fn name(&self) -> &'static str {
        "clumsy"
    }

    fn concerns(&self, _: &str) -> bool {
        true
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        _: OutboxKey,
        _: u32,
    ) -> BoxFuture<'a, Verdict> {
        let left = self.0.load(std::sync::atomic::Ordering::Acquire);
        if left > 0 {
            self.0.store(left - 1, std::sync::atomic::Ordering::Release);
            panic!("dropped it");
        }
        self.1.send(event.position.get()).unwrap();
        Box::pin(std::future::ready(Verdict::Done))
    }
}

#[tokio::test]
async fn a_worker_that_panics_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(folder.path(), 2).await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let clumsy: Vec<Arc<dyn Reactor>> = vec![Arc::new(Clumsy(1.into(), sender))];
    let running = crate::Reactors::start(&log, clumsy, folder.path())
        .await
        .unwrap();
    while running.failures().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(running.failures()["clumsy"].contains("dropped it"));
    assert_eq!(receiver.recv().await, Some(1), "the same event again");
    assert_eq!(receiver.recv().await, Some(2));
    assert!(running.failures().is_empty());
    let place = crate::place_named(&*log, None).await.unwrap();
    assert_eq!(running.reset(None, place).await.unwrap(), ["clumsy"]);
    running.stop().await;
}
