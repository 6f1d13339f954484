//! Reading at chosen positions, and from a time on.

use std::time::Duration;

use domain::Timestamp;

use super::Fixture;
use super::tools::{all, append, append_many, append_one, batch, room, samples, sized};
use crate::{
    BYTES_AT_ONCE, EventStore, Expected, MOST_AT_ONCE, Position, ReadError, RecordedEvent,
};

fn positions(numbers: impl IntoIterator<Item = u64>) -> Vec<Position> {
    numbers.into_iter().map(Position::new).collect()
}

/// What is to be read of `events`, the whole log, at `positions`.
fn at(events: &[RecordedEvent], positions: &[Position]) -> Vec<RecordedEvent> {
    positions
        .iter()
        .filter_map(|position| {
            events
                .iter()
                .find(|event| event.position == *position)
                .cloned()
        })
        .collect()
}

pub async fn events_are_read_at_chosen_positions(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    assert_eq!(
        store.read_at(positions([0, 1, 2])).await.unwrap(),
        [],
        "of an empty log"
    );
    append_many(&store, 12).await;
    let events = all(&store).await;
    let table: [(&str, &[u64]); 9] = [
        ("none", &[]),
        ("one", &[7]),
        ("in a row", &[3, 4, 5, 6]),
        ("backwards", &[12, 11, 4, 1]),
        ("in no order", &[5, 1, 12, 6, 7, 2]),
        ("twice", &[3, 3, 9, 3, 4]),
        ("before the first", &[0, 1, 0]),
        ("beyond the head", &[11, 13, 12, 5_000, u64::MAX, 1]),
        ("only beyond the head", &[13, 14, u64::MAX]),
    ];
    for (what, numbers) in table {
        let wanted = positions(numbers.iter().copied());
        let read = store.read_at(wanted.clone()).await.unwrap();
        assert_eq!(read, at(&events, &wanted), "{what}: {numbers:?}");
    }
    store.close().await;
}

pub async fn one_answer_has_so_many_events(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let most = MOST_AT_ONCE as u64;
    for _ in 0..3 {
        let appends = vec![append(&room("a"), Expected::Any, samples(500))];
        store.append(batch(appends)).await.unwrap();
    }
    let events = all(&store).await;
    let beyond = 5_000..5_000 + most;
    for (what, wanted) in [
        ("in a row", positions(1..=1_500)),
        ("backwards", positions((1..=1_500).rev())),
        (
            "every other",
            positions((1..=1_500).step_by(2).chain(2..=1_500)),
        ),
        ("one again and again", positions((0..1_500).map(|_| 8))),
        (
            "after as many beyond the head",
            positions(beyond.chain(1..=1_500)),
        ),
    ] {
        let read = store.read_at(wanted.clone()).await.unwrap();
        let there = at(&events, &wanted);
        assert!(
            read == there[..MOST_AT_ONCE],
            "{what}: {} events",
            read.len()
        );
    }
    store.close().await;
}

pub async fn one_answer_has_so_many_bytes(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let size = BYTES_AT_ONCE / 4 + 1;
    for _ in 0..10 {
        append_one(&store, "a", Expected::Any, sized(size))
            .await
            .unwrap();
    }
    append_one(&store, "a", Expected::Any, sized(BYTES_AT_ONCE))
        .await
        .unwrap();
    let events = all(&store).await;
    for (what, wanted) in [
        ("in a row", positions(1..=11)),
        ("backwards", positions((1..=11).rev())),
        (
            "in no order",
            positions([9, 1, 10, 2, 11, 3, 8, 4, 7, 5, 6]),
        ),
        ("the first last", positions([10, 2, 3, 4, 5, 6, 7, 8, 9, 1])),
        ("the largest first", positions([11, 1, 2])),
        ("one again and again", positions((0..20).map(|_| 3))),
    ] {
        let there = at(&events, &wanted);
        let (mut rest, mut read) = (&wanted[..], Vec::new());
        while !rest.is_empty() {
            let answer = store.read_at(rest.to_vec()).await.unwrap();
            let Some((last, before)) = answer.split_last() else {
                panic!("{what}: no event at all, with {} left", rest.len());
            };
            let bytes: usize = before.iter().map(|event| event.data.len()).sum();
            assert!(
                bytes < BYTES_AT_ONCE,
                "{what}: an answer goes on after {bytes} bytes with position {}",
                last.position
            );
            rest = &rest[answer.len()..];
            read.extend(answer);
        }
        // Not shown by `assert_eq`, which would print it all.
        assert!(read == there, "{what}: all of it, answer by answer");
    }
    store.close().await;
}

pub async fn times_are_ranges_of_positions(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let at = Timestamp::from_millis;
    for time in [i64::MIN, 0, i64::MAX] {
        let first = store.first_since(at(time)).await.unwrap();
        assert_eq!(first, Position::new(1), "of an empty log, since {time}");
    }
    for _ in 0..5 {
        // Recorded together, at one millisecond, with time before and after.
        let appends = vec![append(&room("a"), Expected::Any, samples(4))];
        store.append(batch(appends)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let events = all(&store).await;
    let times: Vec<i64> = events
        .iter()
        .map(|event| event.recorded_at.as_millis())
        .collect();
    assert!(
        times.chunks(4).all(|batch| batch[0] == batch[3]),
        "the events of a batch have one time: {times:?}"
    );
    let mut asked = vec![i64::MIN, 0, i64::MAX];
    asked.extend(times.iter().flat_map(|time| [time - 1, *time, time + 1]));
    for time in asked {
        let wanted = times.iter().filter(|recorded| **recorded < time).count() as u64 + 1;
        let first = store.first_since(at(time)).await.unwrap();
        assert_eq!(first, Position::new(wanted), "since {time} of {times:?}");
    }
    store.close().await;
}

/// Asserts that a log of 12 events, of which those at positions 5 and 9 were taken away, tells so to whoever asks for
/// them, and to nobody else.
pub async fn assert_damage_is_told(store: &dyn EventStore) {
    for (numbers, damaged) in [
        (&[4, 6, 12, 13][..], None),
        (&[1, 2, 3, 4, 5, 6], Some(5)),
        (&[9], Some(9)),
        (&[12, 9, 5], Some(9)),
    ] {
        let wanted = positions(numbers.iter().copied());
        let found = match store.read_at(wanted).await {
            Ok(_) => None,
            Err(ReadError::Damaged { position, .. }) => Some(position),
            Err(error) => panic!("{numbers:?}: {error}"),
        };
        assert_eq!(found, damaged, "{numbers:?}");
    }
}
