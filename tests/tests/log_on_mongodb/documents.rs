//! What lies in the database.

use std::time::Duration;

use bytes::Bytes;
use domain::UserId;
use eventstore::conformance::assert_damage_is_told;
use eventstore::{Batch, EventStore as _, Expected, NewEvent, leaf};
use futures::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::options::Hint;
use serde_json::json;
use tests::mongo::MongoServer;

use super::{all, batch, connect, event};

#[tokio::test]
async fn an_auditor_can_query_the_data() {
    let url = MongoServer::shared().await.fresh_url();
    let log = connect(&url).await;
    let data = json!({ "text": "hello", "count": 3, "size": 5_000_000_000_u64, "author": { "name": "zoë" } });
    log.append(batch("message-x", Expected::NoStream, event(data)))
        .await
        .unwrap();
    let events = MongoServer::database(&url)
        .await
        .collection::<Document>("events");
    for query in [
        doc! { "data.text": "hello" },
        doc! { "data.count": { "$gte": 3 } },
        doc! { "data.size": 5_000_000_000_i64 },
        doc! { "data.author.name": { "$regex": "^zo" } },
        doc! { "stream": "message-x", "type": "Happened", "actor": "system", "position": 1 },
        doc! { "recorded_at": { "$type": "date" }, "_id": { "$type": "binData" } },
    ] {
        assert_eq!(
            events.count_documents(query.clone()).await.unwrap(),
            1,
            "{query}"
        );
    }
    log.close().await;
}

/// The indexes are made in a log that has events already, as those of older versions do.
#[tokio::test]
async fn an_auditors_queries_use_an_index() {
    let url = MongoServer::shared().await.fresh_url();
    let log = connect(&url).await;
    for number in 0..40 {
        log.append(one_of_many(number)).await.unwrap();
    }
    let time = DateTime::from_millis(all(&log).await[30].recorded_at.as_millis());
    let events = MongoServer::database(&url)
        .await
        .collection::<Document>("events");
    wait_for_indexes(&events).await;
    log.close().await;
    for name in AUDITORS {
        events.drop_index(name).await.unwrap();
    }

    let log = connect(&url).await;
    wait_for_indexes(&events).await;
    let (by_position, by_time) = (
        doc! { "position": 1 },
        doc! { "recorded_at": 1, "position": 1 },
    );
    let after = doc! { "$gt": 7 };
    for (query, sort, index) in [
        (doc! { "data.room": "r3" }, &by_position, "room"),
        (
            doc! { "data.room": "r3", "position": &after },
            &by_position,
            "room",
        ),
        (doc! { "actor": "ann" }, &by_position, "actor"),
        (
            doc! { "actor": "ann", "position": &after },
            &by_position,
            "actor",
        ),
        (doc! { "type": "Rare" }, &by_position, "type"),
        (
            doc! { "type": "Rare", "position": &after },
            &by_position,
            "type",
        ),
        (
            doc! { "recorded_at": { "$gte": time } },
            &by_time,
            "recorded_at",
        ),
    ] {
        assert_eq!(index_used(&url, &query, sort).await, index, "{query}");
    }
    let of_a_room = events.find(doc! {}).hint(Hint::Name("room".to_owned()));
    let of_a_room: Vec<_> = of_a_room.await.unwrap().try_collect().await.unwrap();
    assert_eq!(
        of_a_room.len(),
        32,
        "events without a room are not in the index of rooms"
    );
    log.close().await;
}

/// One in ten is by Ann, one in ten is rare, two in ten are of no room, and the others are of eight rooms.
fn one_of_many(number: usize) -> Batch {
    let data = match number % 10 {
        0 => json!({ "number": number }),
        1 => json!({ "number": number, "room": null }),
        room => json!({ "number": number, "room": format!("r{room}") }),
    };
    let event = NewEvent {
        event_type: if number % 10 == 5 { "Rare" } else { "Happened" }.into(),
        ..event(data)
    };
    let mut batch = batch(&format!("message-{number}"), Expected::NoStream, event);
    if number % 10 == 6 {
        batch.cause.actor = UserId::new("ann");
    }
    batch
}

/// The indexes that are made for auditors alone.
const AUDITORS: [&str; 3] = ["room", "actor", "type"];

async fn wait_for_indexes(events: &Collection<Document>) {
    let all_there = async {
        loop {
            let names = events.list_index_names().await.unwrap();
            if AUDITORS
                .iter()
                .all(|name| names.iter().any(|there| there == name))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all_there)
        .await
        .expect("the indexes are made");
}

/// The index by which the server answers a query, as it says itself.
async fn index_used(url: &str, query: &Document, sort: &Document) -> String {
    let find = doc! { "find": "events", "filter": query, "sort": sort };
    let answer = MongoServer::database(url)
        .await
        .run_command(doc! { "explain": find, "verbosity": "queryPlanner" })
        .await
        .unwrap();
    let plan = answer.get_document("queryPlanner").unwrap();
    let plan = plan.get_document("winningPlan").unwrap();
    index_name(plan).unwrap_or_else(|| panic!("no index: {plan}"))
}

/// The index at the bottom of a plan. Servers nest their plans differently.
fn index_name(plan: &Document) -> Option<String> {
    let below = || {
        plan.values()
            .filter_map(Bson::as_document)
            .find_map(index_name)
    };
    plan.get_str("indexName")
        .map(str::to_owned)
        .ok()
        .or_else(below)
}

#[tokio::test]
async fn a_position_without_an_event_is_damage() {
    let url = MongoServer::shared().await.fresh_url();
    let log = connect(&url).await;
    for number in 0..12 {
        log.append(one_of_many(number)).await.unwrap();
    }
    let events = MongoServer::database(&url)
        .await
        .collection::<Document>("events");
    let lost = doc! { "position": { "$in": [5, 9] } };
    assert_eq!(events.delete_many(lost).await.unwrap().deleted_count, 2);
    assert_damage_is_told(&log).await;
    log.close().await;
}

#[tokio::test]
async fn odd_data_come_back_byte_for_byte() {
    let log = connect(&MongoServer::shared().await.fresh_url()).await;
    let mut odd = vec![
        json!({ "a.b": 1, "$set": { "$x": [1, { "c.d": null }] }, "": "empty", "_id": 5, "$ref": "r", "$id": 1 }),
        json!({ "largest": u64::MAX, "smallest": i64::MIN, "float": -0.0 }),
        json!([1, 2, 3]),
        json!("text with a \0 in it"),
        json!({ "nul\0key": 1 }),
        json!((0..90).fold(json!(1), |inner, _| json!({ "in": inner }))),
    ]
    .into_iter()
    .map(|value| Bytes::from(rmp_serde::to_vec_named(&value).unwrap()))
    .collect::<Vec<_>>();
    // Not canonical: the number one in nine bytes. Not MessagePack at all.
    odd.push(Bytes::from_static(&[0xcf, 0, 0, 0, 0, 0, 0, 0, 1]));
    odd.push(Bytes::from_static(&[0xc1, 1, 2, 3]));
    for (number, data) in odd.iter().enumerate() {
        let event = NewEvent {
            data: data.clone(),
            ..event(json!({}))
        };
        log.append(batch(&format!("room-{number}"), Expected::NoStream, event))
            .await
            .unwrap();
    }
    let events = all(&log).await;
    assert_eq!(
        events
            .iter()
            .map(|event| event.data.clone())
            .collect::<Vec<_>>(),
        odd
    );
    assert!(events.iter().all(leaf::verify));
    log.close().await;
}
