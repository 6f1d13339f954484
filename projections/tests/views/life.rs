//! Stopped and started, rebuilt, and in trouble.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::testing::{Chaos, MemoryLog, poison, post, posted, user};
use domain::{MessageId, RoomId, UserId};
use eventstore::{EventStore, Position};
use projections::{Health, Views, ViewsError, WaitError};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn views_go_on_where_they_stopped() {
    let scene = Scene::new().await;
    scene
        .say(100, [posted(post("m1", "general", "anna", "one", 100))])
        .await;
    let applied = scene.views.applied();
    let second = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    );
    assert!(
        matches!(second, Err(ViewsError::Folder { .. })),
        "one folder, one process"
    );
    scene.views.close().await;
    assert!(matches!(scene.views.health(), Health::Stopped(_)));
    scene
        .log
        .say(200, [posted(post("m2", "general", "anna", "two", 200))]);
    drop(scene.views);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    assert_eq!(views.applied(), applied);
    views.wait_for(applied.next()).await.unwrap();
    assert!(
        views
            .message(&MessageId::new("m2"))
            .await
            .unwrap()
            .is_some()
    );
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_swaps_while_everybody_goes_on() {
    let scene = Scene::new().await;
    let (mut chaos, first) = Chaos::begin(8, 20, 10);
    scene.log.say(10, first);
    for _ in 0..3000 {
        scene.log.say(chaos.now, [chaos.next(true)]);
    }
    scene.settle().await;
    let before = scene.room("general").await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (views, log, stopped) = (
        scene.views.clone(),
        Arc::clone(&scene.log),
        Arc::clone(&stop),
    );
    let traffic = tokio::spawn(async move {
        let mut asked = 0;
        while !stopped.load(Ordering::Relaxed) {
            let position = log.say(chaos.now, [chaos.next(true)]);
            views.wait_for(position).await.unwrap();
            assert!(views.room(&RoomId::new("dm")).await.unwrap().is_some());
            asked += 1;
        }
        asked
    });
    let watcher = scene.views.clone();
    let mut feed = scene.views.feed(&UserId::new("anna"), None).await.unwrap();
    for _ in 0..3 {
        scene.views.rebuild().await.unwrap();
        assert_eq!(watcher.rebuild_progress(), None);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(traffic.await.unwrap() > 0);
    scene.settle().await;
    assert_eq!(scene.room("general").await, before);
    let files: Vec<_> = std::fs::read_dir(scene.dir.path())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".sqlite"))
        .collect();
    assert_eq!(files, ["views-0000000004.sqlite"], "old files are gone");
    // Subscribers do not notice.
    scene
        .say(
            9_000_000,
            [posted(post("after", "general", "bert", "x", 9_000_000))],
        )
        .await;
    let update = tokio::time::timeout(Duration::from_secs(5), feed.next())
        .await
        .unwrap();
    assert!(matches!(update, projections::live::Delivery::Updates(_)));
    scene.views.close().await;
    let statuses = projections::list(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .await
    .unwrap();
    assert!(
        statuses.iter().all(|status| status.lag == 0),
        "{statuses:?}"
    );
    assert!(statuses.len() > 8, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_understands_stops_the_views_and_says_so() {
    let scene = Scene::new().await;
    let head = scene.log.head().await.unwrap();
    scene.log.record(vec![poison(head.get() + 1)]);
    let waited = scene.views.wait_for(head.next()).await;
    assert_eq!(waited, Err(WaitError::Stopped { applied: head }));
    let Health::Stopped(reason) = scene.views.health() else {
        panic!("{:?}", scene.views.health())
    };
    assert!(reason.contains("NeverHeardOf"), "{reason}");
    assert_eq!(
        scene.room("general").await["usersCount"],
        2,
        "questions are still answered"
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_for_a_while_is_waited_for() {
    let log = MemoryLog::new(100);
    log.say(1, [user("anna")]);
    log.broken.store(true, Ordering::Relaxed);
    let dir = tempfile::tempdir().unwrap();
    let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
    assert_eq!(views.health(), Health::Building);
    tokio::time::sleep(Duration::from_millis(200)).await;
    log.broken.store(false, Ordering::Relaxed);
    views.wait_for(Position::new(1)).await.unwrap();
    assert!(views.user(&UserId::new("anna")).await.unwrap().is_some());
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_built_anew() {
    let scene = Scene::new().await;
    scene.views.close().await;
    drop(scene.views);
    let path = scene.dir.path().join("views-0000000001.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute(
        "UPDATE projections SET version = 0 WHERE name = 'rooms'",
        [],
    )
    .unwrap();
    conn.execute("DELETE FROM rooms", []).unwrap();
    drop(conn);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    views
        .wait_for(scene.log.head().await.unwrap())
        .await
        .unwrap();
    assert!(views.room(&RoomId::new("general")).await.unwrap().is_some());
    views.close().await;
}
