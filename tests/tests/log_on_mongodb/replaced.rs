//! A database that becomes another log while it is open.

use std::sync::Arc;
use std::time::Duration;

use eventstore::mongodb::MongoLog;
use eventstore::{AppendError, EventStore, Expected, LogId, Position, ReadError, subscribe};
use futures::StreamExt;
use mongodb::bson::{Document, doc};
use serde_json::json;
use tests::mongo::MongoServer;

use super::{all, batch, connect, event, impatient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_open_a_log_without_identity_agree_on_one() {
    let url = MongoServer::shared().await.fresh_url();
    connect(&url).await.close().await;
    let database = MongoServer::database(&url).await;
    let meta = database.collection::<Document>("meta");
    let nameless = doc! { "$unset": { "id": "" } };
    meta.update_one(doc! { "_id": "log" }, nameless)
        .await
        .unwrap();
    let nodes = futures::future::join_all((0..6).map(|_| connect(&url))).await;
    for node in &nodes {
        assert_eq!(node.id(), nodes[0].id());
    }
    for node in nodes {
        node.close().await;
    }
}

/// Takes away the last events, as a restored backup does, and gives another event in place of the first of them if
/// asked to.
async fn lose(url: &str, keep: u64, instead: Option<Document>) {
    let database = MongoServer::database(url).await;
    let keep = i64::try_from(keep).unwrap();
    let events = database.collection::<Document>("events");
    let heads = database.collection::<Document>("heads");
    events
        .delete_many(doc! { "position": { "$gt": keep } })
        .await
        .unwrap();
    let mut head = keep;
    if let Some(event) = instead {
        head = event.get_i64("position").unwrap();
        events.insert_one(event).await.unwrap();
    }
    heads
        .update_one(doc! { "_id": 0 }, doc! { "$set": { "position": head } })
        .await
        .unwrap();
    heads
        .update_one(
            doc! { "_id": "room-a" },
            doc! { "$set": { "version": head - 1 } },
        )
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_events_is_another_generation() {
    for goes_on in [false, true] {
        let url = MongoServer::shared().await.fresh_url();
        let log = Arc::new(MongoLog::connect(&url, impatient()).await.unwrap());
        for number in 0..5 {
            let event = event(json!({ "number": number }));
            let append = batch("room-a", Expected::Any, event);
            log.append(append).await.unwrap();
        }
        let events = MongoServer::database(&url)
            .await
            .collection::<Document>("events");
        // As long as the log was, but with another event in the end.
        let mut other = events
            .find_one(doc! { "position": 5 })
            .await
            .unwrap()
            .unwrap();
        other.insert("position", 4_i64);
        other.insert("version", 3_i64);
        let reader = Arc::clone(&log) as Arc<dyn EventStore>;
        let mut chunks = subscribe(reader, Position::new(5));
        let known = log.place(Position::new(5)).await.unwrap().unwrap();

        lose(&url, 3, goes_on.then_some(other)).await;
        let told = tokio::time::timeout(Duration::from_secs(30), chunks.next()).await;
        assert!(
            matches!(told, Ok(Some(Err(ReadError::Replaced)))),
            "{told:?}"
        );
        assert_eq!(log.generation(), 1);
        assert_eq!(log.place(Position::new(5)).await.unwrap(), None);
        let appended = log
            .append(batch("room-a", Expected::Any, event(json!({}))))
            .await
            .unwrap();
        let next = if goes_on { 5 } else { 4 };
        assert_eq!(appended.last, Position::new(next));
        assert_ne!(log.place(Position::new(5)).await.unwrap(), Some(known));
        assert_eq!(all(&log).await.len() as u64, next);
        log.close().await;
    }
}

/// Whoever decided on what is gone is refused, however soon after the loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_append_after_the_loss_is_refused() {
    let url = MongoServer::shared().await.fresh_url();
    let mut slow = impatient();
    slow.poll_interval = Duration::from_hours(1);
    let log = MongoLog::connect(&url, slow).await.unwrap();
    for _ in 0..3 {
        let append = batch("room-a", Expected::Any, event(json!({})));
        log.append(append).await.unwrap();
    }
    lose(&url, 1, None).await;
    let refused = log
        .append(batch("room-b", Expected::NoStream, event(json!({}))))
        .await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(log.generation(), 1);
    let appended = log
        .append(batch("room-b", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();
    assert_eq!(appended.last, Position::new(2));
    log.close().await;
}

/// Puts what is in one database in the place of what is in another, as restoring another log does.
async fn put_in_place(of: &str, from: &str) {
    let (to, from) = (
        MongoServer::database(of).await,
        MongoServer::database(from).await,
    );
    for name in ["meta", "heads", "events"] {
        let (to, from) = (
            to.collection::<Document>(name),
            from.collection::<Document>(name),
        );
        let found = from.find(doc! {}).await.unwrap();
        let documents: Vec<Document> = found.map(Result::unwrap).collect().await;
        to.delete_many(doc! {}).await.unwrap();
        to.insert_many(documents).await.unwrap();
    }
}

/// A longer log hides that the last event known is gone once this node has written to it, so it is found out by what
/// was there when the node last looked, be it nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_log_that_is_written_to_at_once_is_another_generation() {
    let longer = MongoServer::shared().await.fresh_url();
    let other = connect(&longer).await;
    for number in 0..9 {
        let append = batch("room-b", Expected::Any, event(json!({ "number": number })));
        other.append(append).await.unwrap();
    }
    for looked in [true, false] {
        is_noticed(&longer, other.id(), looked).await;
    }
    other.close().await;
}

/// Puts the log of `longer`, whose identity is `id`, in the place of one that was looked at since its events came, or
/// only before.
async fn is_noticed(longer: &str, id: LogId, looked: bool) {
    let url = MongoServer::shared().await.fresh_url();
    let mut options = impatient();
    if !looked {
        options.poll_interval = Duration::from_secs(5);
    }
    let pause = options.poll_interval * 3;
    let log = Arc::new(MongoLog::connect(&url, options).await.unwrap());
    for _ in 0..5 {
        let append = batch("room-a", Expected::Any, event(json!({})));
        log.append(append).await.unwrap();
    }
    let known = log.place(Position::new(5)).await.unwrap().unwrap();
    let reader = Arc::clone(&log) as Arc<dyn EventStore>;
    let mut chunks = subscribe(reader, Position::new(5));
    if looked {
        tokio::time::sleep(pause).await;
    }

    put_in_place(&url, longer).await;
    let append = batch("room-c", Expected::Any, event(json!({})));
    // It may be refused: then the loss was found out before.
    let _ = log.append(append).await;
    let told = async {
        loop {
            match chunks.next().await {
                Some(Ok(_)) => {}
                told => return told,
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert!(
        matches!(told, Ok(Some(Err(ReadError::Replaced)))),
        "looked: {looked}, {told:?}"
    );
    assert_eq!(log.generation(), 1);
    assert_eq!(log.id(), id, "the log is the one that was put there");
    assert_ne!(log.place(Position::new(5)).await.unwrap(), Some(known));
    log.close().await;
}
