//! Positions, versions and times, and the leaves over them.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use domain::UserId;
use futures::future::join_all;

use super::Fixture;
use super::tools::{all, append, append_one, assert_gapless, batch, one, room, sample, samples};
use crate::{Expected, Version, leaf};

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
