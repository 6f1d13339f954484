//! What an append records, and what it expects of the streams.

use domain::UserId;
use futures::future::join_all;

use super::Fixture;
use super::tools::{
    all, append, append_one, assert_conflict, assert_gapless, batch, one, room, sample, samples,
    sized, stream,
};
use crate::{
    AppendError, Appended, Batch, Cause, CorrelationId, EventId, Expected, MAX_BATCH_BYTES,
    MAX_EVENT_BYTES, NewEvent, Position, Version, leaf,
};

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
