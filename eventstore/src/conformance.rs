//! The suite every adapter must pass, written once against [`EventStore`].
//!
//! An adapter's test file implements [`Fixture`] and calls [`conformance_suite!`](crate::conformance_suite):
//!
//! ```text
//! struct Scratch(tempfile::TempDir);
//!
//! impl Fixture for Scratch {
//!     fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>> { /* open the log in this folder */ }
//! }
//!
//! eventstore::conformance_suite!(Scratch(tempfile::tempdir().unwrap()));
//! ```
//!
//! Each case gets a fixture of its own, so cases may run side by side.
#![expect(clippy::unwrap_used, reason = "a case that cannot go on has failed")]
#![expect(missing_docs, reason = "the name of a case says what must hold")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;
use domain::stream::Category;
use domain::{StreamId, UserId};
use futures::StreamExt;
use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::{
    AppendError, Appended, Batch, Cause, Chunks, Conflict, CorrelationId, EventId, EventStore,
    Expected, Filter, Health, MAX_BATCH_BYTES, MAX_EVENT_BYTES, NewEvent, Position, ReadError,
    RecordedEvent, StreamAppend, Tail, Version, leaf, subscribe,
};

/// One place where a log can live: a folder, a database. Empty when made.
pub trait Fixture: Send + Sync {
    /// Opens the log of this place. Called again after `close`, it opens the same log; where
    /// [`Fixture::several_writers`] holds it is also called while the log is open.
    fn open(&self) -> BoxFuture<'_, Arc<dyn EventStore>>;

    /// Whether several processes may write to the log at once.
    fn several_writers(&self) -> bool {
        false
    }
}

/// Makes one `#[tokio::test]` of every case. The argument is evaluated once per case and gives a fresh
/// [`Fixture`]; it may use `.await`. Attributes in front of it are put on every test.
#[macro_export]
macro_rules! conformance_suite {
    ($(#[$meta:meta])* $fixture:expr $(,)?) => {
        $crate::conformance_suite! { @cases [$(#[$meta])*] $fixture;
            every_field_is_read_back
            a_batch_over_several_streams_is_atomic
            each_expectation_is_checked
            a_conflict_in_a_group_fails_that_batch_alone
            conditions_without_events_are_checked
            an_empty_batch_records_nothing
            positions_and_versions_are_gapless
            recorded_at_never_runs_backwards
            leaves_verify
            concurrent_appenders_detect_every_conflict
            independent_writers_share_one_order
            a_stream_is_read_from_the_middle
            a_long_log_is_read_in_chunks
            the_log_is_read_through_every_filter
            subscribers_see_every_event_once
            several_subscribers_from_one_place
            a_lagging_subscriber_catches_up
            a_subscription_ends_with_the_log
            an_event_may_have_eight_megabytes
            a_batch_may_not_be_too_large
            a_retried_batch_is_recorded_once
            a_batch_raced_by_its_retry_is_recorded_once
            a_recorded_id_in_another_batch_is_refused
            a_reopened_log_goes_on
            a_closed_log_refuses
        }
    };
    (@cases $attributes:tt $fixture:expr; $($case:ident)+) => {
        $( $crate::conformance_suite! { @case $attributes $fixture; $case } )+
    };
    (@case [$($attributes:tt)*] $fixture:expr; $case:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attributes)*
        async fn $case() {
            let fixture = $fixture;
            $crate::conformance::within_time(stringify!($case), $crate::conformance::$case(&fixture)).await;
        }
    };
}

/// Runs a case and fails it when it hangs.
pub async fn within_time(name: &str, case: impl Future<Output = ()>) {
    let limit = Duration::from_mins(3);
    assert!(
        tokio::time::timeout(limit, case).await.is_ok(),
        "{name} did not finish within {limit:?}"
    );
}

// ---------------------------------------------------------------------------------------------- the cases

pub async fn every_field_is_read_back(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let event = sample("Happened", 1);
    let other = NewEvent {
        schema: 7,
        ..sample("HappenedToo", 2)
    };
    let cause = Cause {
        actor: UserId::new("aaaaaaaaaaaaaaaaa"),
        correlation_id: CorrelationId::fresh(),
        causation_id: Some(EventId::fresh()),
    };
    let batch = Batch {
        cause: cause.clone(),
        appends: vec![append(
            &room("a"),
            Expected::NoStream,
            vec![event.clone(), other.clone()],
        )],
    };
    let appended = store.append(batch).await.unwrap();
    assert_eq!(
        appended,
        Appended {
            first: Position::new(1),
            last: Position::new(2)
        }
    );

    let read = stream(&store, "a").await;
    assert_eq!(read.len(), 2);
    for (index, (recorded, new)) in (0..).zip(read.iter().zip([&event, &other])) {
        assert_eq!(recorded.position, Position::new(index + 1));
        assert_eq!(recorded.stream, room("a"));
        assert_eq!(recorded.version, Version::new(index));
        assert_eq!(recorded.id, new.id);
        assert_eq!(recorded.event_type, new.event_type);
        assert_eq!(recorded.schema, new.schema);
        assert_eq!(recorded.actor, cause.actor);
        assert_eq!(recorded.correlation_id, cause.correlation_id);
        assert_eq!(recorded.causation_id, cause.causation_id);
        assert_eq!(recorded.data, new.data, "data is kept byte by byte");
        assert!(
            recorded.recorded_at.as_millis() > 1_600_000_000_000,
            "a time of our days"
        );
    }
    assert_eq!(read, all(&store).await, "both ways of reading agree");

    append_one(&store, "b", Expected::NoStream, sample("Happened", 3))
        .await
        .unwrap();
    let read = stream(&store, "b").await;
    assert_eq!(read[0].causation_id, None);
    store.close().await;
}

pub async fn a_batch_over_several_streams_is_atomic(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let three = |expected_of_last| {
        batch(vec![
            append(&room("a"), Expected::Any, samples(2)),
            append(&room("b"), Expected::Any, samples(1)),
            append(&room("c"), expected_of_last, samples(1)),
        ])
    };
    let refused = store.append(three(Expected::Exact(Version::FIRST))).await;
    assert_conflict(refused, "c", Expected::Exact(Version::FIRST), None);
    assert_eq!(
        all(&store).await,
        [],
        "nothing of a refused batch is recorded"
    );
    assert_eq!(store.head().await.unwrap(), Position::START);

    let appended = store.append(three(Expected::NoStream)).await.unwrap();
    assert_eq!(
        appended,
        Appended {
            first: Position::new(1),
            last: Position::new(4)
        }
    );
    let streams: Vec<_> = all(&store)
        .await
        .into_iter()
        .map(|event| event.stream)
        .collect();
    assert_eq!(
        streams,
        [room("a"), room("a"), room("b"), room("c")],
        "in the order of the batch"
    );
    assert_eq!(store.head().await.unwrap(), Position::new(4));

    let twice = batch(vec![
        append(&room("d"), Expected::Any, samples(1)),
        append(&room("d"), Expected::Any, samples(1)),
    ]);
    assert!(
        matches!(store.append(twice).await, Err(AppendError::Invalid(_))),
        "a stream occurs at most once"
    );
    store.close().await;
}

pub async fn each_expectation_is_checked(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let (v0, v1, v2, v9) = (
        Version::new(0),
        Version::new(1),
        Version::new(2),
        Version::new(9),
    );
    let add = async |expected| append_one(&store, "a", expected, sample("Happened", 0)).await;

    assert_conflict(
        add(Expected::Exact(v0)).await,
        "a",
        Expected::Exact(v0),
        None,
    );
    add(Expected::NoStream).await.unwrap();
    assert_conflict(
        add(Expected::NoStream).await,
        "a",
        Expected::NoStream,
        Some(v0),
    );
    add(Expected::Exact(v0)).await.unwrap();
    assert_conflict(
        add(Expected::Exact(v0)).await,
        "a",
        Expected::Exact(v0),
        Some(v1),
    );
    assert_conflict(
        add(Expected::Exact(v9)).await,
        "a",
        Expected::Exact(v9),
        Some(v1),
    );
    add(Expected::Any).await.unwrap();
    assert_conflict(
        add(Expected::Exact(v1)).await,
        "a",
        Expected::Exact(v1),
        Some(v2),
    );
    append_one(&store, "b", Expected::Any, sample("Happened", 0))
        .await
        .unwrap();
    assert_eq!(stream(&store, "a").await.len(), 3);
    assert_eq!(stream(&store, "b").await.len(), 1);
    assert_gapless(&all(&store).await);
    store.close().await;
}

pub async fn a_conflict_in_a_group_fails_that_batch_alone(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_one(&store, "taken", Expected::NoStream, sample("Happened", 0))
        .await
        .unwrap();
    // Sent at once, so that they are likely to share a group; what must hold, holds in any grouping.
    let appends = (0..60).map(|number| {
        let name = if number % 3 == 0 {
            "taken".to_owned()
        } else {
            format!("free{number}")
        };
        store.append(one(&name, Expected::NoStream, sample("Happened", number)))
    });
    for (number, outcome) in join_all(appends).await.into_iter().enumerate() {
        if number % 3 == 0 {
            assert_conflict(outcome, "taken", Expected::NoStream, Some(Version::FIRST));
        } else {
            outcome.unwrap();
        }
    }
    // Of several claims on one name, exactly one is heard.
    let claims = (0..20)
        .map(|number| store.append(one("name", Expected::NoStream, sample("Happened", number))));
    let heard = join_all(claims).await.into_iter().flatten().count();
    assert_eq!(heard, 1);
    let events = all(&store).await;
    assert_eq!(events.len(), 1 + 40 + 1);
    assert_gapless(&events);
    store.close().await;
}

pub async fn conditions_without_events_are_checked(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_one(&store, "a", Expected::NoStream, sample("Happened", 0))
        .await
        .unwrap();
    let under = async |expected_of_a, expected_of_b| {
        let appends = vec![
            append(&room("a"), expected_of_a, vec![]),
            append(&room("b"), expected_of_b, vec![]),
            append(&room("c"), Expected::Any, samples(1)),
        ];
        store.append(batch(appends)).await
    };
    let v0 = Expected::Exact(Version::FIRST);
    assert_conflict(
        under(Expected::NoStream, Expected::NoStream).await,
        "a",
        Expected::NoStream,
        Some(Version::FIRST),
    );
    assert_conflict(under(v0, v0).await, "b", v0, None);
    assert_eq!(store.head().await.unwrap(), Position::new(1));
    let appended = under(v0, Expected::NoStream).await.unwrap();
    assert_eq!(
        appended,
        Appended {
            first: Position::new(2),
            last: Position::new(2)
        }
    );
    assert_eq!(
        stream(&store, "b").await,
        [],
        "a condition does not make a stream"
    );

    // Conditions alone.
    let appended = store
        .append(batch(vec![append(&room("a"), v0, vec![])]))
        .await
        .unwrap();
    assert_eq!(
        appended,
        Appended {
            first: Position::new(2),
            last: Position::new(2)
        }
    );
    let refused = store
        .append(batch(vec![append(&room("a"), Expected::NoStream, vec![])]))
        .await;
    assert_conflict(refused, "a", Expected::NoStream, Some(Version::FIRST));
    store.close().await;
}

pub async fn an_empty_batch_records_nothing(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let nothing = Appended {
        first: Position::START,
        last: Position::START,
    };
    assert_eq!(store.append(batch(vec![])).await.unwrap(), nothing);
    append_one(&store, "a", Expected::NoStream, sample("Happened", 0))
        .await
        .unwrap();
    let head = Position::new(1);
    assert_eq!(
        store.append(batch(vec![])).await.unwrap(),
        Appended {
            first: head,
            last: head
        }
    );
    assert_eq!(store.head().await.unwrap(), head);
    store.close().await;
}

pub async fn positions_and_versions_are_gapless(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let appends = (0..100_usize).map(|number| {
        let name = format!("r{}", number % 7);
        let wrong = if number % 5 == 0 {
            Expected::Exact(Version::new(1_000))
        } else {
            Expected::Any
        };
        store.append(batch(vec![
            append(&room(&name), Expected::Any, samples(number % 4)),
            append(&room("shared"), wrong, samples(1)),
        ]))
    });
    let outcomes = join_all(appends).await;
    let events = all(&store).await;
    assert_gapless(&events);
    let mut answered = 0;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let Ok(appended) = outcome else {
            assert_eq!(number % 5, 0, "only the wrong ones are refused");
            continue;
        };
        let count = number % 4 + 1;
        answered += count;
        assert_eq!(
            appended.last.get() - appended.first.get() + 1,
            count as u64,
            "contiguous"
        );
    }
    assert_eq!(answered, events.len());
    store.close().await;
}

pub async fn recorded_at_never_runs_backwards(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    for round in 0..5 {
        let appends = (0..20).map(|number| {
            store.append(one(
                &format!("r{round}-{number}"),
                Expected::Any,
                sample("Happened", number),
            ))
        });
        join_all(appends).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let events = all(&store).await;
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
    assert!(events.first().unwrap().recorded_at < events.last().unwrap().recorded_at);
    store.close().await;
}

pub async fn leaves_verify(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let appends =
        (0..30).map(|number| append_one(&store, "a", Expected::Any, sample("Happened", number)));
    join_all(appends).await;
    let events = all(&store).await;
    assert_eq!(events.len(), 30);
    let salts: HashSet<_> = events.iter().map(|event| event.salt).collect();
    assert_eq!(salts.len(), 30, "a salt of its own for every event");
    for event in &events {
        assert!(leaf::verify(event));
        let mut forged = event.clone();
        forged.data = Bytes::from_static(b"\x80");
        assert!(!leaf::verify(&forged));
        let mut forged = event.clone();
        forged.actor = UserId::new("somebody");
        assert!(!leaf::verify(&forged));
    }
    store.close().await;
}

pub async fn concurrent_appenders_detect_every_conflict(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let tasks: Vec<_> = (0..64)
        .map(|number| tokio::spawn(contend(Arc::clone(&store), number, 6)))
        .collect();
    let mut conflicts = 0;
    for task in tasks {
        conflicts += task.await.unwrap();
    }
    let events = all(&store).await;
    assert_eq!(
        events.len(),
        64 * 6,
        "every append that was answered is there, once"
    );
    assert_gapless(&events);
    assert!(
        conflicts > 0,
        "64 appenders on 8 streams get into each other's way"
    );
    store.close().await;
}

pub async fn independent_writers_share_one_order(fixture: &dyn Fixture) {
    if !fixture.several_writers() {
        return;
    }
    let stores = [fixture.open().await, fixture.open().await];
    let follower = subscribe(Arc::clone(&stores[1]), Position::START);
    let tasks: Vec<_> = (0..32)
        .map(|number| tokio::spawn(contend(Arc::clone(&stores[number % 2]), number, 5)))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let events = all(&stores[0]).await;
    assert_eq!(events.len(), 32 * 5);
    assert_gapless(&events);
    assert_eq!(events, all(&stores[1]).await, "both see the same log");
    assert_eq!(
        events,
        take(follower, Position::new(160)).await,
        "and so does a subscriber"
    );

    // Both claim the same name.
    let claims = (0..20).map(|number| {
        stores[number % 2].append(one("name", Expected::NoStream, sample("Happened", 0)))
    });
    assert_eq!(join_all(claims).await.into_iter().flatten().count(), 1);
    // A retry through the other writer is recognised.
    let again = batch(vec![append(
        &room("retried"),
        Expected::NoStream,
        samples(2),
    )]);
    let first = stores[0].append(again.clone()).await.unwrap();
    assert_eq!(stores[1].append(again).await.unwrap(), first);
    for store in stores {
        store.close().await;
    }
}

pub async fn a_stream_is_read_from_the_middle(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    // More than one chunk, between events of other streams.
    for _ in 0..6 {
        let appends = vec![
            append(&room("a"), Expected::Any, samples(400)),
            append(&room("ab"), Expected::Any, samples(100)),
        ];
        store.append(batch(appends)).await.unwrap();
    }
    for from in [0, 1, 399, 400, 1_000, 2_399, 2_400, 5_000] {
        let read = collect(store.read_stream(&room("a"), Version::new(from))).await;
        let versions: Vec<_> = read.iter().map(|event| event.version.get()).collect();
        assert_eq!(versions, (from..2_400).collect::<Vec<_>>(), "from {from}");
        assert!(read.iter().all(|event| event.stream == room("a")));
    }
    assert_eq!(
        collect(store.read_stream(&room("none"), Version::FIRST)).await,
        []
    );
    store.close().await;
}

pub async fn a_long_log_is_read_in_chunks(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    for _ in 0..7 {
        store
            .append(batch(vec![append(&room("a"), Expected::Any, samples(500))]))
            .await
            .unwrap();
    }
    let mut chunks = store.read_all(Position::START, Filter::default());
    let mut count = 0;
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        assert!(
            (1..=10_000).contains(&chunk.len()),
            "chunks are bounded and never empty"
        );
        count += 1;
        events.extend(chunk.iter().cloned());
    }
    assert!(count > 1);
    assert_eq!(events.len(), 3_500);
    assert_gapless(&events);
    for after in [1, 999, 1_000, 1_001, 3_499, 3_500, 9_000] {
        let read = collect(store.read_all(Position::new(after), Filter::default())).await;
        assert_eq!(
            read,
            events
                .get(usize::try_from(after).unwrap()..)
                .unwrap_or_default(),
            "after {after}"
        );
    }
    // A reader that stops half-way is no burden.
    let mut abandoned = store.read_all(Position::START, Filter::default());
    abandoned.next().await.unwrap().unwrap();
    drop(abandoned);
    append_one(&store, "a", Expected::Any, sample("Happened", 0))
        .await
        .unwrap();
    store.close().await;
}

pub async fn the_log_is_read_through_every_filter(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let categories = [Category::Room, Category::Message, Category::User];
    for round in 0..12_usize {
        let appends = categories.iter().enumerate().map(|(index, category)| {
            let stream = StreamId::new(*category, &format!("s{}-x", round % 4));
            let types = ["Happened", "Ended", "Begun"];
            let events = (0..=index)
                .map(|number| sample(types[(round + number) % 3], number))
                .collect();
            append(&stream, Expected::Any, events)
        });
        store.append(batch(appends.collect())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // A stream of a category whose name begins like another's.
    let odd = StreamId::from_recorded("roommate-1");
    store
        .append(batch(vec![append(&odd, Expected::Any, samples(1))]))
        .await
        .unwrap();

    let events = all(&store).await;
    assert_gapless(&events);
    let middle = events[events.len() / 2].recorded_at;
    let late = events[events.len() * 3 / 4].recorded_at;
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let any = Filter::default();
    let filters = [
        any.clone(),
        Filter {
            categories: names(&["room"]),
            ..any.clone()
        },
        Filter {
            categories: names(&["room", "user"]),
            ..any.clone()
        },
        Filter {
            categories: names(&["nothing"]),
            ..any.clone()
        },
        Filter {
            event_types: names(&["Ended"]),
            ..any.clone()
        },
        Filter {
            event_types: names(&["Ended", "Begun"]),
            ..any.clone()
        },
        Filter {
            stream: Some(StreamId::new(Category::Message, "s1-x")),
            ..any.clone()
        },
        Filter {
            stream: Some(StreamId::new(Category::Message, "none")),
            ..any.clone()
        },
        Filter {
            from: Some(middle),
            ..any.clone()
        },
        Filter {
            until: Some(middle),
            ..any.clone()
        },
        Filter {
            from: Some(middle),
            until: Some(late),
            ..any.clone()
        },
        Filter {
            from: Some(late),
            until: Some(middle),
            ..any.clone()
        },
        Filter {
            from: Some(domain::Timestamp::from_millis(i64::MAX)),
            ..any.clone()
        },
        Filter {
            categories: names(&["user"]),
            event_types: names(&["Begun"]),
            stream: Some(StreamId::new(Category::User, "s2-x")),
            from: Some(events[3].recorded_at),
            until: Some(late),
        },
    ];
    for filter in filters {
        for after in [0, 1, 17, events.len() as u64] {
            let after = Position::new(after);
            let read = collect(store.read_all(after, filter.clone())).await;
            let wanted: Vec<_> = events
                .iter()
                .filter(|event| event.position > after && filter.matches(event))
                .cloned()
                .collect();
            assert_eq!(read, wanted, "after {after} through {filter:?}");
        }
    }
    store.close().await;
}

pub async fn subscribers_see_every_event_once(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_many(&store, 40).await;
    let head = store.head().await.unwrap();
    let middle = Position::new(head.get() / 2);
    let followers: Vec<_> = [Position::START, middle, head]
        .into_iter()
        .map(|after| (after, subscribe(Arc::clone(&store), after)))
        .collect();
    // Appends go on while the subscribers come from behind to the live events.
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { append_many(&store, 40).await })
        })
        .collect();
    let last = Position::new(40 * 5);
    let seen = join_all(
        followers
            .into_iter()
            .map(async |(after, chunks)| (after, take(chunks, last).await)),
    )
    .await;
    for writer in writers {
        writer.await.unwrap();
    }
    let events = all(&store).await;
    assert_eq!(events.len() as u64, last.get());
    for (after, seen) in seen {
        assert_eq!(
            seen,
            events[usize::try_from(after.get()).unwrap()..],
            "after {after}"
        );
    }
    store.close().await;
}

pub async fn several_subscribers_from_one_place(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_many(&store, 10).await;
    let followers: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn(take(
                subscribe(Arc::clone(&store), Position::new(5)),
                Position::new(30),
            ))
        })
        .collect();
    append_many(&store, 20).await;
    let events = all(&store).await;
    for follower in followers {
        assert_eq!(follower.await.unwrap(), events[5..]);
    }
    store.close().await;
}

pub async fn a_lagging_subscriber_catches_up(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_many(&store, 1).await;
    let mut lagging = subscribe(Arc::clone(&store), Position::START);
    let first = lagging.next().await.unwrap().unwrap();
    assert_eq!(first.len(), 1);
    // It sleeps while more is committed than any buffer between should hold.
    let mut tail = store.tail();
    for _ in 0..24 {
        let appends = (0..50).map(|number| {
            store.append(one(
                &format!("r{number}"),
                Expected::Any,
                sample("Happened", number),
            ))
        });
        for outcome in join_all(appends).await {
            outcome.unwrap();
        }
    }
    let seen = take(lagging, Position::new(1 + 24 * 50)).await;
    assert_eq!(seen, all(&store).await[1..]);
    // What the tail tells is durable and in order, whatever it leaves out.
    let mut last = Position::new(1);
    while let Ok(word) = tail.try_recv() {
        if let Tail::Committed(events) = word {
            assert!(events.first().unwrap().position > last);
            last = events.last().unwrap().position;
        }
    }
    store.close().await;
}

pub async fn a_subscription_ends_with_the_log(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_many(&store, 3).await;
    let mut chunks = subscribe(Arc::clone(&store), Position::START);
    chunks.next().await.unwrap().unwrap();
    store.close().await;
    // A last chunk or a `Closed` may come first, but the end comes, and soon.
    let end = async {
        while let Some(chunk) = chunks.next().await {
            assert!(matches!(chunk, Ok(_) | Err(ReadError::Closed)), "{chunk:?}");
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(20), end)
            .await
            .is_ok()
    );
}

pub async fn an_event_may_have_eight_megabytes(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let largest = sized(MAX_EVENT_BYTES);
    append_one(&store, "a", Expected::NoStream, largest.clone())
        .await
        .unwrap();
    append_one(&store, "b", Expected::NoStream, sample("Happened", 1))
        .await
        .unwrap();
    let events = all(&store).await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].data, largest.data);
    assert!(leaf::verify(&events[0]));
    match append_one(&store, "a", Expected::Any, sized(MAX_EVENT_BYTES + 1)).await {
        Err(AppendError::EventTooLarge { event_type, bytes }) => {
            assert_eq!((event_type.as_str(), bytes), ("Large", MAX_EVENT_BYTES + 1));
        }
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(store.head().await.unwrap(), Position::new(2));
    store.close().await;
}

pub async fn a_batch_may_not_be_too_large(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let half = MAX_BATCH_BYTES / 2;
    let full = batch(vec![
        append(&room("a"), Expected::Any, vec![sized(half)]),
        append(&room("b"), Expected::Any, vec![sized(half)]),
    ]);
    store.append(full).await.unwrap();
    let over = batch(vec![append(
        &room("a"),
        Expected::Any,
        vec![sized(half), sized(half + 1)],
    )]);
    match store.append(over).await {
        Err(AppendError::BatchTooLarge { bytes }) => assert_eq!(bytes, MAX_BATCH_BYTES + 1),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(all(&store).await.len(), 2);
    store.close().await;
}

pub async fn a_retried_batch_is_recorded_once(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    append_many(&store, 3).await;
    let kinds = [
        Expected::NoStream,
        Expected::Exact(Version::new(1)),
        Expected::Any,
    ];
    let batches = kinds.map(|expected| {
        batch(vec![
            append(&room("a"), expected, samples(2)),
            append(&room("b"), Expected::Any, samples(1)),
        ])
    });
    let mut answers = Vec::new();
    for batch in &batches {
        answers.push(store.append(batch.clone()).await.unwrap());
    }
    let recorded = all(&store).await;
    for (batch, answer) in batches.iter().zip(&answers) {
        assert_eq!(store.append(batch.clone()).await.unwrap(), *answer);
    }
    // Among others, and after a restart.
    let mixed = batches.iter().cloned().chain((0..3).map(|number| {
        batch(vec![append(
            &room(&format!("new{number}")),
            Expected::NoStream,
            samples(1),
        )])
    }));
    let outcomes = join_all(mixed.map(|batch| store.append(batch))).await;
    for (outcome, answer) in outcomes.iter().zip(&answers) {
        assert_eq!(outcome.as_ref().unwrap(), answer);
    }
    assert!(outcomes.iter().all(Result::is_ok));
    store.close().await;
    let store = fixture.open().await;
    for (batch, answer) in batches.iter().zip(&answers) {
        assert_eq!(store.append(batch.clone()).await.unwrap(), *answer);
    }
    let events = all(&store).await;
    assert_gapless(&events);
    assert_eq!(events.len(), recorded.len() + 3);
    store.close().await;
}

pub async fn a_batch_raced_by_its_retry_is_recorded_once(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    for expected in [Expected::Any, Expected::NoStream] {
        for round in 0..10 {
            let name = format!("{round}{expected}");
            let one = batch(vec![append(&room(&name), expected, samples(2))]);
            let outcomes = join_all((0..4).map(|_| store.append(one.clone()))).await;
            let first = outcomes[0].as_ref().unwrap();
            assert!(
                outcomes
                    .iter()
                    .all(|outcome| outcome.as_ref().unwrap() == first)
            );
            assert_eq!(stream(&store, &name).await.len(), 2);
        }
    }
    assert_gapless(&all(&store).await);
    store.close().await;
}

pub async fn a_recorded_id_in_another_batch_is_refused(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let event = sample("Happened", 1);
    append_one(&store, "a", Expected::NoStream, event.clone())
        .await
        .unwrap();
    let invalid = |outcome: Result<Appended, AppendError>| {
        assert!(
            matches!(outcome, Err(AppendError::Invalid(_))),
            "{outcome:?}"
        );
    };
    invalid(append_one(&store, "b", Expected::Any, event.clone()).await);
    let more = vec![event.clone(), sample("Happened", 2)];
    invalid(
        store
            .append(batch(vec![append(&room("a"), Expected::Any, more)]))
            .await,
    );
    let changed = NewEvent {
        data: sample("Happened", 3).data,
        ..event.clone()
    };
    invalid(append_one(&store, "a", Expected::Any, changed).await);
    let twice = vec![sample("Happened", 4); 2];
    invalid(
        store
            .append(batch(vec![append(&room("a"), Expected::Any, twice)]))
            .await,
    );
    // Its neighbours in the group are none the worse.
    let appends = (0..9).map(|number| {
        let event = if number == 4 {
            event.clone()
        } else {
            sample("Happened", number)
        };
        store.append(one(&format!("n{number}"), Expected::NoStream, event))
    });
    for (number, outcome) in join_all(appends).await.into_iter().enumerate() {
        if number == 4 {
            invalid(outcome);
        } else {
            outcome.unwrap();
        }
    }
    let events = all(&store).await;
    assert_eq!(events.len(), 1 + 8);
    assert_gapless(&events);
    store.close().await;
}

pub async fn a_reopened_log_goes_on(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    assert_eq!(*store.health().borrow(), Health::Ready);
    append_many(&store, 20).await;
    let before = all(&store).await;
    store.close().await;
    drop(store);

    let store = fixture.open().await;
    assert_eq!(store.head().await.unwrap(), Position::new(20));
    assert_eq!(all(&store).await, before);
    let last = before.last().unwrap();
    let name = last.stream.id().to_owned();
    let refused = append_one(&store, &name, Expected::NoStream, sample("Happened", 0)).await;
    assert!(matches!(refused, Err(AppendError::Conflict(_))));
    let appended = append_one(&store, &name, Expected::Any, sample("Happened", 0))
        .await
        .unwrap();
    assert_eq!(appended.first, Position::new(21));
    let events = all(&store).await;
    assert_gapless(&events);
    assert_eq!(events[..20], before);
    store.close().await;
}

pub async fn a_closed_log_refuses(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    // Sent before the close: answered one way or the other, and what is answered `Ok` is there.
    let pending: Vec<_> = (0..20)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                append_one(&store, "a", Expected::Any, sample("Happened", number)).await
            })
        })
        .collect();
    store.close().await;
    let mut recorded = 0;
    for task in pending {
        match task.await.unwrap() {
            Ok(_) => recorded += 1,
            Err(error) => assert!(matches!(error, AppendError::Closed), "{error}"),
        }
    }
    let refused = append_one(&store, "a", Expected::Any, sample("Happened", 0)).await;
    assert!(matches!(refused, Err(AppendError::Closed)), "{refused:?}");
    let read = store
        .read_all(Position::START, Filter::default())
        .next()
        .await;
    assert!(matches!(read, Some(Err(ReadError::Closed))), "{read:?}");
    assert!(matches!(store.head().await, Err(ReadError::Closed)));
    store.close().await; // A second time does no harm.
    drop(store);
    let store = fixture.open().await;
    assert_eq!(all(&store).await.len(), recorded);
    store.close().await;
}

// ---------------------------------------------------------------------------------------------- their tools

/// Appends `rounds` times to one of eight streams, each time under the version read before, and tries again
/// after a conflict. Answers the number of conflicts.
async fn contend(store: Arc<dyn EventStore>, number: usize, rounds: usize) -> usize {
    let name = format!("r{}", number % 8);
    let mut conflicts = 0;
    for round in 0..rounds {
        let mut last = stream(&store, &name)
            .await
            .last()
            .map(|event| event.version);
        loop {
            let expected = last.map_or(Expected::NoStream, Expected::Exact);
            let event = sample("Happened", number * 1_000 + round);
            let id = event.id;
            match append_one(&store, &name, expected, event).await {
                Ok(appended) => {
                    let version = last.map_or(Version::FIRST, Version::next);
                    let mut chunks = store.read_stream(&room(&name), version);
                    let recorded = chunks.next().await.unwrap().unwrap()[0].clone();
                    assert_eq!(
                        (recorded.id, recorded.position),
                        (id, appended.first),
                        "right after what it expected"
                    );
                    break;
                }
                Err(AppendError::Conflict(Conflict {
                    stream,
                    expected: named,
                    actual,
                })) => {
                    assert_eq!((stream, named), (room(&name), expected));
                    assert!(
                        !expected.holds(actual),
                        "a conflict tells what is there instead"
                    );
                    last = actual;
                    conflicts += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    conflicts
}

/// Data with a value of every kind that events are made of.
#[derive(Serialize)]
struct Sample<'a> {
    number: usize,
    negative: i64,
    large: u64,
    ratio: f64,
    flag: bool,
    absent: Option<u8>,
    text: &'a str,
    list: Vec<i64>,
    nested: HashMap<&'a str, &'a str>,
}

fn sample(event_type: &str, number: usize) -> NewEvent {
    let data = Sample {
        number,
        negative: -5_000_000_000,
        large: 1_735_689_600_123,
        ratio: 0.25,
        flag: true,
        absent: None,
        text: "Grüße, \u{1f600}",
        list: vec![
            -1,
            0,
            127,
            128,
            255,
            256,
            65_535,
            65_536,
            -128,
            -129,
            -40_000,
            i64::MAX,
            i64::MIN,
        ],
        nested: HashMap::from([("key with.dot and $", "")]),
    };
    new_event(event_type, rmp_serde::to_vec_named(&data).unwrap())
}

fn new_event(event_type: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        id: EventId::fresh(),
        event_type: CompactString::new(event_type),
        schema: 1,
        data: Bytes::from(data),
    }
}

fn samples(count: usize) -> Vec<NewEvent> {
    (0..count)
        .map(|number| sample("Happened", number))
        .collect()
}

/// An event whose data has exactly `bytes` bytes.
fn sized(bytes: usize) -> NewEvent {
    const FRAME: usize = 1 + 5 + 5; // map of one, "text", length of a long text
    let data =
        rmp_serde::to_vec_named(&HashMap::from([("text", "x".repeat(bytes - FRAME))])).unwrap();
    assert_eq!(data.len(), bytes);
    new_event("Large", data)
}

fn room(name: &str) -> StreamId {
    StreamId::new(Category::Room, name)
}

fn append(stream: &StreamId, expected: Expected, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend {
        stream: stream.clone(),
        expected,
        events,
    }
}

fn batch(appends: Vec<StreamAppend>) -> Batch {
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    Batch { cause, appends }
}

/// A batch of one event.
fn one(name: &str, expected: Expected, event: NewEvent) -> Batch {
    batch(vec![append(&room(name), expected, vec![event])])
}

async fn append_one(
    store: &Arc<dyn EventStore>,
    name: &str,
    expected: Expected,
    event: NewEvent,
) -> Result<Appended, AppendError> {
    store.append(one(name, expected, event)).await
}

/// Appends `count` events one by one, over a few streams.
async fn append_many(store: &Arc<dyn EventStore>, count: usize) {
    for number in 0..count {
        append_one(
            store,
            &format!("m{}", number % 5),
            Expected::Any,
            sample("Happened", number),
        )
        .await
        .unwrap();
    }
}

async fn collect(mut chunks: Chunks) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty(), "chunks are never empty");
        events.extend(chunk.iter().cloned());
    }
    events
}

/// What a subscription yields, up to position `last`.
async fn take(mut chunks: Chunks, last: Position) -> Vec<RecordedEvent> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    while events.last().is_none_or(|event| event.position < last) {
        let chunk = chunks.next().await.unwrap().unwrap();
        events.extend(chunk.iter().cloned());
    }
    events
}

async fn all(store: &Arc<dyn EventStore>) -> Vec<RecordedEvent> {
    collect(store.read_all(Position::START, Filter::default())).await
}

async fn stream(store: &Arc<dyn EventStore>, name: &str) -> Vec<RecordedEvent> {
    collect(store.read_stream(&room(name), Version::FIRST)).await
}

fn assert_conflict(
    outcome: Result<Appended, AppendError>,
    name: &str,
    expected: Expected,
    actual: Option<Version>,
) {
    match outcome {
        Err(AppendError::Conflict(conflict)) => assert_eq!(
            conflict,
            Conflict {
                stream: room(name),
                expected,
                actual
            }
        ),
        other => panic!("no conflict on {name}: {other:?}"),
    }
}

/// Asserts what holds of every whole log: positions from 1 and versions from 0 without gaps, no id twice, time
/// never runs backwards, leaves verify.
pub fn assert_gapless(events: &[RecordedEvent]) {
    let mut versions: HashMap<&StreamId, u64> = HashMap::new();
    let mut ids = HashSet::new();
    for (position, event) in (1..).zip(events) {
        assert_eq!(
            event.position,
            Position::new(position),
            "positions are gapless"
        );
        let next = versions.entry(&event.stream).or_default();
        assert_eq!(
            event.version,
            Version::new(*next),
            "versions of {} are gapless",
            event.stream
        );
        *next += 1;
        assert!(ids.insert(event.id), "{:?} is recorded once", event.id);
        assert!(leaf::verify(event), "the leaf at {position} verifies");
    }
    assert!(events.is_sorted_by_key(|event| event.recorded_at));
}
