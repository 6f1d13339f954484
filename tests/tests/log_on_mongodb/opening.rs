//! Opening a log, and what is no place for one.

use std::time::{Duration, Instant};

use eventstore::{EventStore, Expected, OpenError, Position};
use mongodb::bson::{Document, doc};
use serde_json::json;
use tests::mongo::{MongoServer, MongoServerOptions};
use tests::ports;

use super::{batch, connect, event, refused};

#[tokio::test]
async fn a_server_alone_is_refused_with_advice() {
    let server = MongoServer::start_with(MongoServerOptions {
        standalone: true,
        ..Default::default()
    })
    .await;
    let error = refused(&server.url()).await;
    assert!(matches!(error, OpenError::Unsuitable(_)), "{error:?}");
    for word in ["replica set", "--replSet", "rs.initiate()"] {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported_soon_and_without_the_password() {
    let url = format!(
        "mongodb://someone:s3cr%40t@127.0.0.1:{}/hansard",
        ports::free_port()
    );
    let start = Instant::now();
    let error = refused(&url).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1") && !text.contains("s3cr"),
        "{text}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() {
    let mut server = MongoServer::start().await;
    let admin = MongoServer::database(&server.database_url("admin")).await;
    let roles = doc! { "createUser": "bot", "pwd": "s3cret", "roles": ["root"] };
    admin.run_command(roles).await.unwrap();
    server
        .restart_with(MongoServerOptions {
            auth: true,
            ..Default::default()
        })
        .await;
    let url = |password| {
        let url = server.url().replace("//", &format!("//bot:{password}@"));
        format!("{url}&authSource=admin")
    };
    let error = refused(&url("wr0ng")).await.to_string();
    assert!(error.contains("does not accept the user"), "{error}");
    assert!(!error.contains("wr0ng"), "{error}");

    let log = connect(&url("s3cret")).await;
    assert!(!log.describe().contains("s3cret"), "{}", log.describe());
    log.append(batch("room-a", Expected::NoStream, event(json!({}))))
        .await
        .unwrap();
    log.close().await;
}

#[tokio::test]
async fn a_url_that_is_none_is_refused() {
    assert!(matches!(
        refused("mongodb:/nowhere").await,
        OpenError::Unsuitable(_)
    ));
    assert!(matches!(
        refused("mongodb://127.0.0.1/admin").await,
        OpenError::Unsuitable(_)
    ));
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let url = MongoServer::shared().await.fresh_url();
    let database = MongoServer::database(&url).await;
    database
        .collection("rocketchat_message")
        .insert_one(doc! { "_id": "x" })
        .await
        .unwrap();
    let error = refused(&url).await;
    assert!(
        matches!(&error, OpenError::Foreign(text) if text.contains("rocketchat_message")),
        "{error:?}"
    );
    assert_eq!(
        database.list_collection_names().await.unwrap(),
        ["rocketchat_message"]
    );
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_left_alone() {
    let url = MongoServer::shared().await.fresh_url();
    connect(&url).await.close().await;
    let meta = MongoServer::database(&url)
        .await
        .collection::<Document>("meta");
    meta.update_one(doc! { "_id": "log" }, doc! { "$set": { "format": 99 } })
        .await
        .unwrap();
    let error = refused(&url).await;
    assert!(
        matches!(&error, OpenError::Foreign(text) if text.contains("99")),
        "{error:?}"
    );
}

#[tokio::test]
async fn many_nodes_may_open_an_empty_database_at_once() {
    let url = MongoServer::shared().await.fresh_url();
    let logs = futures::future::join_all((0..6).map(|_| connect(&url))).await;
    for log in &logs {
        log.append(batch("room-a", Expected::Any, event(json!({}))))
            .await
            .unwrap();
    }
    assert_eq!(logs[0].head().await.unwrap(), Position::new(6));
    futures::future::join_all(logs.iter().map(EventStore::close)).await;
}
