//! What lies in the database.

use bytes::Bytes;
use eventstore::{EventStore as _, Expected, NewEvent, leaf};
use mongodb::bson::{Document, doc};
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
