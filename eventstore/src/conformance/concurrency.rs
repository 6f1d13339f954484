//! Writers that get into each other's way.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;

use super::Fixture;
use super::tools::{
    all, append, append_one, assert_gapless, batch, one, room, sample, samples, stream, take,
};
use crate::{AppendError, Conflict, EventStore, Expected, Position, Version, subscribe};

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

/// Appends `rounds` times to one of eight streams, each time under the version read before, and tries again after a
/// conflict. Returns the number of conflicts.
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
