//! Catching up and going on live.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;

use super::Fixture;
use super::tools::{all, append_many, one, sample, take};
use crate::{Expected, Position, ReadError, Tail, subscribe};

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
