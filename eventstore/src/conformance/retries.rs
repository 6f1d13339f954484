//! The same batch, or the same event, once more.

use futures::future::join_all;

use super::Fixture;
use super::tools::{
    all, append, append_many, append_one, assert_gapless, batch, one, room, sample, samples, stream,
};
use crate::{AppendError, Appended, Expected, NewEvent, Version};

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
    // The other batches of the group are not affected.
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
