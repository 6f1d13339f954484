//! Which log it is, and whether a place is in it.

use super::Fixture;
use super::tools::{all, append_many};
use crate::{LogId, Place, Position};

pub async fn a_log_keeps_its_identity(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let id = store.id();
    append_many(&store, 3).await;
    if fixture.several_writers() {
        let other = fixture.open().await;
        assert_eq!(other.id(), id, "every node sees the same");
        other.close().await;
    }
    store.close().await;
    drop(store);
    let store = fixture.open().await;
    assert_eq!(store.id(), id);
    assert_ne!(id, LogId::fresh(), "it is random");
    assert_eq!(store.generation(), 0);
    store.close().await;
}

pub async fn a_place_is_where_its_event_is(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let start = Place::start(store.id());
    assert_eq!(store.place(Position::START).await.unwrap(), Some(start));
    assert_eq!(store.place(Position::new(1)).await.unwrap(), None);
    append_many(&store, 5).await;
    for event in all(&store).await {
        let place = store.place(event.position).await.unwrap().unwrap();
        assert_eq!(place, start.at(&event));
        assert_eq!(place.leaf, event.leaf);
    }
    for beyond in [6, 1_000, u64::MAX] {
        assert_eq!(store.place(Position::new(beyond)).await.unwrap(), None);
    }
    store.close().await;
}
