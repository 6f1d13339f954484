//! The unit of work, on the SQLite log.
#![expect(clippy::unwrap_used, reason = "tools of tests fail the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::claim::{self, Claim, ClaimCommand, NameKind, NameTaken};
use domain::{StreamId, Timestamp, UserId};
use eventstore::execute::{Executor, Transaction};
use eventstore::sqlite::SqliteLog;
use eventstore::{Cause, CorrelationId, EventStore, ExecuteError, Position, Version};

fn cause() -> Cause {
    Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    }
}

fn name(name: &str) -> StreamId {
    claim::stream(NameKind::Username, name)
}

fn take(owner: &str) -> ClaimCommand {
    ClaimCommand::Take {
        kind: NameKind::Username,
        owner: owner.to_owned(),
        at: Timestamp::from_millis(1),
    }
}

fn release(owner: &str) -> ClaimCommand {
    ClaimCommand::Release {
        kind: NameKind::Username,
        owner: owner.to_owned(),
        at: Timestamp::from_millis(2),
    }
}

/// A log, and two executors that do not know of each other's states.
async fn with_log<F: Future<Output = ()>>(test: impl FnOnce(Executor, Executor) -> F) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store: Arc<dyn EventStore> = Arc::new(SqliteLog::open(&folder.path().join("log")).unwrap());
    test(
        Executor::new(Arc::clone(&store)),
        Executor::new(Arc::clone(&store)),
    )
    .await;
    store.close().await;
}

/// What handlers need of the future of a unit of work.
fn sendable<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    future
}

async fn run(
    executor: &Executor,
    stream: &StreamId,
    command: ClaimCommand,
) -> Result<Option<Position>, NameTaken> {
    let work = executor.execute(cause(), async |tx| {
        tx.decide::<Claim>(stream, command.clone(), &()).await
    });
    match sendable(work).await {
        Ok((events, appended)) => {
            assert_eq!(events.is_empty(), appended.is_none());
            Ok(appended.map(|appended| appended.last))
        }
        Err(ExecuteError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_is_decided_is_recorded() {
    with_log(async |one, other| {
        let stream = name("ada");
        assert_eq!(
            run(&one, &stream, take("u1")).await,
            Ok(Some(Position::new(1)))
        );
        assert_eq!(
            run(&one, &stream, take("u1")).await,
            Ok(None),
            "already so: nothing is appended"
        );
        assert_eq!(
            run(&one, &stream, take("u2")).await,
            Err(NameTaken {
                owner: "u1".to_owned()
            })
        );
        assert_eq!(run(&other, &stream, take("u1")).await, Ok(None));
        assert_eq!(one.store().head().await.unwrap(), Position::new(1));
    })
    .await;
}

#[tokio::test]
async fn a_remembered_state_behind_the_log_decides_nothing() {
    with_log(async |one, other| {
        let stream = name("ada");
        run(&one, &stream, take("u1")).await.unwrap();
        run(&other, &stream, release("u1")).await.unwrap();
        // `one` still thinks that the name is taken: neither a refusal nor a "nothing to do" may rest on that.
        assert_eq!(
            run(&one, &stream, take("u2")).await,
            Ok(Some(Position::new(3)))
        );
        assert_eq!(
            run(&other, &stream, release("u2")).await,
            Ok(Some(Position::new(4)))
        );
        assert_eq!(
            run(&one, &stream, take("u2")).await,
            Ok(Some(Position::new(5)))
        );
        // And here it decides events on an old state: the conflict makes it look.
        run(&other, &stream, release("u2")).await.unwrap();
        run(&other, &stream, take("u3")).await.unwrap();
        run(&other, &stream, release("u3")).await.unwrap();
        assert_eq!(run(&one, &stream, release("u2")).await, Ok(None));
        assert_eq!(
            run(&one, &stream, take("u4")).await,
            Ok(Some(Position::new(9)))
        );
    })
    .await;
}

#[tokio::test]
async fn a_transaction_sees_what_it_decided() {
    with_log(async |one, _| {
        let (ada, bob) = (name("ada"), name("bob"));
        let rename = async |tx: Transaction| {
            assert_eq!(tx.decide::<Claim>(&ada, take("u1"), &()).await?.len(), 1);
            assert_eq!(
                *tx.state::<Claim>(&ada).await?,
                Claim::Owned("u1".to_owned())
            );
            assert_eq!(
                tx.decide_new::<Claim>(&ada, take("u1"), &()).await?.len(),
                0
            );
            assert_eq!(tx.decide::<Claim>(&ada, release("u1"), &()).await?.len(), 1);
            assert_eq!(
                tx.decide_new::<Claim>(&bob, take("u1"), &()).await?.len(),
                1
            );
            Ok::<_, ExecuteError<NameTaken>>(7)
        };
        let (seven, appended) = one.execute(cause(), rename).await.unwrap();
        let appended = appended.unwrap();
        assert_eq!(
            (seven, appended.first, appended.last),
            (7, Position::new(1), Position::new(3))
        );
        assert_eq!(
            run(&one, &ada, take("u2")).await,
            Ok(Some(Position::new(4)))
        );
    })
    .await;
}

#[tokio::test]
async fn a_stream_thought_new_is_looked_at_when_it_is_not() {
    with_log(async |one, other| {
        let stream = name("ada");
        let runs = AtomicUsize::new(0);
        let claim = async |executor: &Executor, owner: &str| {
            executor
                .execute(cause(), async |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    tx.decide_new::<Claim>(&stream, take(owner), &()).await
                })
                .await
        };
        claim(&one, "u1").await.unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 1, "one append, no read");
        let refused = claim(&other, "u2").await;
        assert!(matches!(
            refused,
            Err(ExecuteError::Refused(NameTaken { .. }))
        ));
        let (events, appended) = claim(&other, "u1").await.unwrap();
        assert!(events.is_empty() && appended.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_commit_depends_on_what_was_only_read() {
    with_log(async |one, other| {
        let (ada, bob) = (name("ada"), name("bob"));
        run(&one, &ada, take("u1")).await.unwrap();
        let runs = AtomicUsize::new(0);
        let (owned, _) = one
            .execute(cause(), async |tx| {
                let state = tx.state::<Claim>(&ada).await?;
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    // Somebody else gets in between.
                    run(&other, &ada, release("u1")).await.unwrap();
                }
                tx.decide::<Claim>(&bob, take("u1"), &()).await?;
                Ok::<_, ExecuteError<NameTaken>>(state)
            })
            .await
            .unwrap();
        assert_eq!(
            *owned,
            Claim::Free,
            "the answer is that of the run that was committed"
        );
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contention_is_sorted_out() {
    with_log(async |one, other| {
        // Everybody takes and releases the same name until each has had it.
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let executor = if number % 2 == 0 {
                    one.clone()
                } else {
                    other.clone()
                };
                tokio::spawn(async move {
                    let owner = format!("u{number}");
                    loop {
                        match run(&executor, &name("ada"), take(&owner)).await {
                            Ok(taken) => break assert!(taken.is_some()),
                            Err(NameTaken { .. }) => tokio::task::yield_now().await,
                        }
                    }
                    assert!(
                        run(&executor, &name("ada"), release(&owner))
                            .await
                            .unwrap()
                            .is_some()
                    );
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(one.store().head().await.unwrap(), Position::new(32));
    })
    .await;
}

/// A state that somebody else folded is gone on from, so that what lies before it is never read.
#[tokio::test]
async fn a_seeded_state_is_gone_on_from() {
    with_log(async |one, other| {
        let stream = name("ada");
        run(&one, &stream, take("u1")).await.unwrap();
        let generation = other.store().generation();
        // Not what the log says: to be told from what is read.
        let wrong = Claim::Owned("u2".to_owned());
        other.seed::<Claim>(
            generation + 1,
            stream.clone(),
            Version::FIRST,
            wrong.clone(),
        );
        assert!(!other.remembers(&stream), "it is of another generation");
        other.seed::<Claim>(generation, stream.clone(), Version::FIRST, wrong);
        assert!(other.remembers(&stream));
        let owner = "u2".to_owned();
        assert_eq!(
            run(&other, &stream, take("u3")).await,
            Err(NameTaken { owner })
        );
        run(&one, &stream, release("u1")).await.unwrap();
        let taken = run(&other, &stream, take("u3")).await;
        assert_eq!(
            taken,
            Ok(Some(Position::new(3))),
            "what lies behind it is read"
        );
    })
    .await;
}

#[derive(Debug, thiserror::Error)]
enum Wider {
    #[error(transparent)]
    Name(#[from] NameTaken),
    #[error("not that one")]
    Other,
}

#[tokio::test]
async fn refusals_widen() {
    with_log(async |one, _| {
        let outcome = one
            .execute(cause(), async |tx| {
                tx.decide::<Claim>(&name("ada"), take("u1"), &())
                    .await
                    .map_err(ExecuteError::widen)?;
                tx.decide::<Claim>(&name("ada"), take("u2"), &())
                    .await
                    .map_err(ExecuteError::widen)?;
                Err::<(), _>(ExecuteError::Refused(Wider::Other))
            })
            .await;
        assert!(matches!(
            outcome,
            Err(ExecuteError::Refused(Wider::Name(NameTaken { .. })))
        ));
        assert_eq!(
            one.store().head().await.unwrap(),
            Position::START,
            "nothing of it is recorded"
        );
    })
    .await;
}
