//! Logs that are closed and opened again.

use std::sync::Arc;

use domain::Timestamp;
use futures::StreamExt;

use super::Fixture;
use super::tools::{all, append_many, append_one, assert_gapless, sample};
use crate::{AppendError, Expected, Filter, Health, Position, ReadError};

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
    let read = store.read_at(vec![Position::new(1)]).await;
    assert!(matches!(read, Err(ReadError::Closed)), "{read:?}");
    let first = store.first_since(Timestamp::from_millis(0)).await;
    assert!(matches!(first, Err(ReadError::Closed)), "{first:?}");
    store.close().await; // A second time does no harm.
    drop(store);
    let store = fixture.open().await;
    assert_eq!(all(&store).await.len(), recorded);
    store.close().await;
}
